//! Holding the terminal: taken by [`Session::start`], given back when dropped.
//!
//! Puts the threads together; decides nothing about what is drawn.

use super::input::{Input, Reader};
use super::probe::QUESTIONS;
use super::screen::{MOUSE_OFF, MOUSE_ON, Screen};
use super::signals::{SignalThread, stop_here};
use super::writer::Writer;
use super::{EVENTS_MAX, Monotonic, TermEnv, TermEvent, TermFault, panic};
use ratatui::layout::Size;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};

/// How long leaving waits for what is still to be written.
const DRAIN_WAIT: Duration = Duration::from_millis(300);

/// What a start needs.
pub struct StartOptions {
    /// What the environment says.
    pub env: TermEnv,
    /// The clock of every event.
    pub now: Monotonic,
    /// Whether the mouse is on from the start.
    pub mouse: bool,
}

/// The terminal while it is ours.
pub struct Session {
    screen: Arc<Screen>,
    input: Input,
    writer: Writer,
    signals: SignalThread,
}

impl Session {
    /// Takes the terminal: raw mode, alternate screen, threads, panic hook, and one probe.
    ///
    /// The size in force is [`Session::size`]; later ones arrive as events. On the way out
    /// (drop, panic, signal) the terminal is as it was.
    ///
    /// # Errors
    /// When standard input or output is no terminal, or the system refuses a thread.
    pub fn start(options: StartOptions) -> Result<(Self, Receiver<TermEvent>), TermFault> {
        let StartOptions { env, now, mouse } = options;
        let screen = Arc::new(Screen::open()?);
        let (sender, events) = channel(EVENTS_MAX);
        // Our own mono theme does what NO_COLOR asks; crossterm's switch would tear styles.
        crossterm::style::force_color_output(true);
        let thread = || TermFault::system("start a thread for the terminal");
        let signals = SignalThread::start(Arc::clone(&screen), sender.clone(), Arc::clone(&now))
            .map_err(thread())?;
        panic::install(&screen, sender.clone(), Arc::clone(&now));
        screen.enter()?;
        let writer = Writer::start(Arc::clone(&screen), Arc::clone(&now)).map_err(thread())?;
        let probed = !env.is_dumb();
        if probed {
            writer.send(QUESTIONS);
        }
        if mouse {
            writer.send(MOUSE_ON);
        }
        let reader = Reader {
            screen: Arc::clone(&screen),
            events: sender,
            now,
            probed,
        };
        let input = Input::start(reader).map_err(thread())?;
        Ok((
            Self {
                screen,
                input,
                writer,
                signals,
            },
            events,
        ))
    }

    /// The size of the window now, from the driver.
    #[must_use]
    pub fn size(&self) -> Size {
        self.screen.size()
    }

    /// Where frames go.
    #[must_use]
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Turns the mouse on or off.
    pub fn mouse(&self, on: bool) -> bool {
        self.writer.send(if on { MOUSE_ON } else { MOUSE_OFF })
    }

    /// Gives the terminal back, stops the process, and takes the terminal again when it goes
    /// on. The canvas must be drawn anew at the size returned.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    pub fn suspend(&self) -> Result<Size, TermFault> {
        self.give(stop_here).map(|((), size)| size)
    }

    /// Gives the terminal to another program (an editor) for the length of `work`, with the signals that
    /// its keys send, then takes it again. Modes such as the mouse must be asked for anew.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    pub fn lend<T>(&self, work: impl FnOnce() -> T) -> Result<(T, Size), TermFault> {
        self.give(|| {
            self.signals.lend();
            let done = work();
            self.signals.take_back();
            done
        })
    }

    fn give<T>(&self, work: impl FnOnce() -> T) -> Result<(T, Size), TermFault> {
        self.input.park();
        self.writer.drain(DRAIN_WAIT);
        self.screen.restore();
        let done = work();
        let entered = self.screen.enter();
        self.screen.flush_input();
        self.input.unpark();
        entered.map(|()| (done, self.screen.size()))
    }

    /// Sets the terminal up again after SIGCONT, which may have come without our stopping.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    pub fn resume(&self) -> Result<Size, TermFault> {
        self.give(|| ()).map(|((), size)| size)
    }

    /// Gives the terminal back for good; the same as dropping, said aloud.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.input.close();
        self.writer.drain(DRAIN_WAIT);
        self.screen.restore();
        self.writer.close();
        self.signals.close();
    }
}
