//! The terminal: entering it, reading it, writing it, and giving it back whole.
//!
//! Knows keys and bytes; knows no pane, no kernel and no setting. Reads no environment and
//! no clock: [`TermEnv`] and [`Monotonic`] are handed in.
//!
//! [`Session::start`] is the door. It takes the screen, starts three threads (input, writer,
//! signals) and hands back a receiver of [`TermEvent`].

pub mod ask;
pub mod backend;
pub mod clipboard;
mod decode;
mod early;
pub mod env;
mod input;
pub mod notify;
mod panic;
pub mod probe;
pub mod screen;
mod session;
mod signals;
pub mod title;
pub mod writer;

#[cfg(test)]
mod tests;

pub use backend::Canvas;
pub use env::{Multiplexer, Profile, TermEnv};
pub use probe::ProbeReport;
pub use session::{Session, StartOptions};
pub use writer::{Writer, WriterState};

use crate::keymap::Key;
use ratatui::layout::Size;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How many events may wait for the app; beyond it the input thread waits too.
pub const EVENTS_MAX: usize = 1024;

/// A clock that only goes forward, from any start. The app's loop must use the same one.
pub type Monotonic = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Something that came from the terminal, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermEvent {
    /// By the clock given to [`Session::start`].
    pub at: Duration,
    /// What came.
    pub input: TermInput,
}

/// What can come from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermInput {
    /// A key, pressed or repeated; releases never arrive.
    Key(Key),
    /// A bracketed paste, line ends made `\n`. Never to be taken for Enter.
    Paste(String),
    /// The window has a new size.
    Resize(Size),
    /// The terminal gained or lost the focus.
    Focus(bool),
    /// The mouse, only while it is turned on.
    Mouse(Mouse),
    /// A signal for the app.
    Signal(TermSignal),
    /// What the terminal said of itself, once, some time after the start.
    Probed(ProbeReport),
    /// Another thread panicked; the screen still stands.
    Panicked(String),
    /// The terminal is gone.
    Closed,
}

/// What the mouse did, in cells from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// The first button went down.
    Click {
        /// Column.
        x: u16,
        /// Row.
        y: u16,
    },
    /// The wheel turned; negative is up.
    Wheel {
        /// Column.
        x: u16,
        /// Row.
        y: u16,
        /// Rows to go.
        lines: i8,
    },
}

/// A signal for the app. On the ending ones the screen has already been given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermSignal {
    /// SIGTERM: end in good order.
    Terminate,
    /// SIGHUP: the terminal went away.
    Hangup,
    /// SIGINT from outside; Ctrl-C arrives as a key.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTSTP from outside: call [`Session::suspend`].
    Suspend,
    /// SIGCONT: call [`Session::resume`] and draw anew.
    Continue,
}

impl TermSignal {
    /// The exit code by convention, for the ones that end the app.
    #[must_use]
    pub fn exit_code(self) -> Option<u8> {
        match self {
            Self::Hangup => Some(129),
            Self::Interrupt => Some(130),
            Self::Quit => Some(131),
            Self::Terminate => Some(143),
            Self::Suspend | Self::Continue => None,
        }
    }
}

/// Why the terminal could not be taken.
#[derive(Debug)]
pub enum TermFault {
    /// Keys cannot come from there.
    InputNotTerminal,
    /// The screen cannot be drawn there.
    OutputNotTerminal,
    /// The operating system refused.
    System {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl TermFault {
    /// A thing one can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InputNotTerminal | Self::OutputNotTerminal => {
                Some("use `thymos run \"task\"` or `thymos --plain` without a terminal")
            }
            Self::System { .. } => None,
        }
    }

    fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }
}

impl fmt::Display for TermFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InputNotTerminal => write!(f, "standard input is not a terminal"),
            Self::OutputNotTerminal => write!(f, "standard output is not a terminal"),
            Self::System { doing, source } => write!(f, "cannot {doing}: {source}"),
        }
    }
}

impl std::error::Error for TermFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InputNotTerminal | Self::OutputNotTerminal => None,
            Self::System { source, .. } => Some(source),
        }
    }
}
