//! The screen as a thing that is taken and given back, whatever happens.
//!
//! Giving back is one constant string and the old modes, may be asked for from any thread,
//! any number of times, and never fails loudly. Draws nothing.

use super::{TermFault, TermInput};
use ratatui::layout::Size;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Everything we may have turned on, turned off; safe to send at any time, also by hand.
///
/// In turn: end a synchronized frame, paste, focus, mouse, kitty keys (they belong to the
/// alternate screen, so before leaving it), style, cursor shape, title, the screen, cursor.
pub const RESET: &[u8] = b"\x1b[?2026l\x1b[?2004l\x1b[?1004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\
\x1b[?1006l\x1b[?1007l\x1b[<u\x1b[0m\x1b[0 q\x1b[23;0t\x1b[?1049l\x1b[?25h";

/// What taking the screen sends: title kept, alternate screen, paste, focus, wheel as arrows,
/// clear, no cursor.
pub const ENTER: &[u8] =
    b"\x1b[22;0t\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?1007h\x1b[2J\x1b[H\x1b[?25l";

/// Turns the mouse on.
pub const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// Turns the mouse off.
pub const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// Asks for unambiguous keys; only after the terminal said it knows them.
pub const KITTY_ON: &[u8] = b"\x1b[>1u";

/// How long one blocked write of [`RESET`] is waited for.
const RESET_WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// The size used when the terminal does not know its own.
pub const SIZE_FALLBACK: Size = Size {
    width: 80,
    height: 24,
};

/// The terminal's two ends and what it was like before.
#[derive(Debug)]
pub struct Screen {
    input: OwnedFd,
    output: OwnedFd,
    // Only if it was cooked: raw modes left over by a crash must not be put back.
    cooked: Option<Mutex<Termios>>,
    active: AtomicBool,
}

impl Screen {
    /// Looks at standard input and output; changes nothing.
    ///
    /// # Errors
    /// When one of them is no terminal.
    pub fn open() -> Result<Self, TermFault> {
        let (input, output) = (rustix::stdio::stdin(), rustix::stdio::stdout());
        if !rustix::termios::isatty(input) {
            return Err(TermFault::InputNotTerminal);
        }
        if !rustix::termios::isatty(output) {
            return Err(TermFault::OutputNotTerminal);
        }
        let copy = |fd: BorrowedFd<'_>| {
            rustix::io::fcntl_dupfd_cloexec(fd, 3)
                .map_err(|errno| TermFault::system("open the terminal")(errno.into()))
        };
        let cooked = rustix::termios::tcgetattr(input)
            .ok()
            .filter(|modes| {
                modes
                    .local_modes
                    .contains(LocalModes::ICANON | LocalModes::ECHO)
            })
            .map(Mutex::new);
        Ok(Self {
            input: copy(input)?,
            output: copy(output)?,
            cooked,
            active: AtomicBool::new(false),
        })
    }

    /// Takes the screen: raw mode and [`ENTER`].
    ///
    /// # Errors
    /// When the operating system refuses; nothing is left changed then.
    pub fn enter(&self) -> Result<(), TermFault> {
        // Through crossterm: only then does it read a line feed as Ctrl-J.
        crossterm::terminal::enable_raw_mode().map_err(TermFault::system("set raw mode"))?;
        self.active.store(true, Ordering::SeqCst);
        self.write_all(ENTER).map_err(|source| {
            self.restore();
            TermFault::System {
                doing: "write to the terminal",
                source,
            }
        })
    }

    /// Gives the screen back; does nothing when it is not held.
    pub fn restore(&self) {
        if !self.active.swap(false, Ordering::SeqCst) {
            return;
        }
        // Modes before bytes: a stalled line may hold the bytes, but typing works again.
        drop(crossterm::terminal::disable_raw_mode());
        if let Some(cooked) = &self.cooked {
            let modes = cooked.lock().unwrap_or_else(PoisonError::into_inner);
            rustix::termios::tcsetattr(&self.input, OptionalActions::Now, &modes).ok();
        }
        drop(self.write_all(RESET));
    }

    /// Has the driver tell whoever watches the terminal once more that there is something to read, as it does when
    /// modes are set: they are set to what they are. Nothing where the screen is not ours.
    pub(super) fn tell_again(&self) {
        // Against giving the screen back meanwhile: what that sets comes after this.
        let _giving_back = self
            .cooked
            .as_ref()
            .map(|cooked| cooked.lock().unwrap_or_else(PoisonError::into_inner));
        if self.is_active()
            && let Ok(modes) = rustix::termios::tcgetattr(&self.input)
        {
            rustix::termios::tcsetattr(&self.input, OptionalActions::Now, &modes).ok();
        }
    }

    /// Whether the screen is ours.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::SeqCst)
    }

    /// The size as the terminal driver knows it; asks nothing of the terminal.
    #[must_use]
    pub fn size(&self) -> Size {
        match rustix::termios::tcgetwinsize(&self.output) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size {
                width: size.ws_col,
                height: size.ws_row,
            },
            Ok(_) | Err(_) => SIZE_FALLBACK,
        }
    }

    /// Throws away what was typed and not read.
    pub fn flush_input(&self) {
        rustix::termios::tcflush(&self.input, rustix::termios::QueueSelector::IFlush).ok();
    }

    pub(super) fn input(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }

    /// Writes some of the bytes; `Ok(0)` when the screen has been given back.
    pub(super) fn write_frame(&self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_active() {
            return Ok(0);
        }
        self.write_some(bytes)
    }

    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.write_some(bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.output, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => return Ok(written),
                Err(Errno::INTR) => {}
                // Somebody set the shared descriptor to non-blocking; wait as if it were not.
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&self.output, PollFlags::OUT)];
                    if rustix::event::poll(&mut fds, Some(&RESET_WAIT)) == Ok(0)
                        && !self.is_active()
                    {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    pub(super) fn resize_event(&self) -> TermInput {
        TermInput::Resize(self.size())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Puts any terminal on standard output back to a sane state, for `thymos reset-terminal`.
///
/// # Errors
/// When standard input or output is no terminal, or refuses.
pub fn reset_by_hand() -> Result<(), TermFault> {
    let screen = Screen::open()?;
    let refused = |errno: Errno| TermFault::system("set the terminal's modes")(errno.into());
    let mut modes = rustix::termios::tcgetattr(&screen.input).map_err(refused)?;
    modes.local_modes |= LocalModes::ICANON
        | LocalModes::ECHO
        | LocalModes::ECHOE
        | LocalModes::ECHOK
        | LocalModes::ISIG
        | LocalModes::IEXTEN;
    modes.input_modes |= rustix::termios::InputModes::ICRNL | rustix::termios::InputModes::IXON;
    modes.output_modes |= rustix::termios::OutputModes::OPOST | rustix::termios::OutputModes::ONLCR;
    rustix::termios::tcsetattr(&screen.input, OptionalActions::Now, &modes).map_err(refused)?;
    screen
        .write_all(RESET)
        .map_err(TermFault::system("write to the terminal"))
}
