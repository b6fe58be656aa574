//! The thread that hears signals.
//!
//! An ending signal gives the screen back at once, before the app is told, so that a stuck
//! app still leaves a whole terminal; a second one ends the process.

use super::screen::Screen;
use super::{Monotonic, TermEvent, TermInput, TermSignal};
use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// The app's end of the signal thread.
#[derive(Debug)]
pub(super) struct SignalThread {
    handle: Handle,
}

impl SignalThread {
    pub(super) fn start(
        screen: Arc<Screen>,
        events: Sender<TermEvent>,
        now: Monotonic,
    ) -> io::Result<Self> {
        let mut signals =
            Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])?;
        let handle = signals.handle();
        std::thread::Builder::new()
            .name("term-signals".into())
            .spawn(move || {
                let mut ending = false;
                for signal in signals.forever() {
                    let input = match signal {
                        SIGWINCH => screen.resize_event(),
                        SIGTSTP => TermInput::Signal(TermSignal::Suspend),
                        SIGCONT => TermInput::Signal(TermSignal::Continue),
                        SIGHUP => TermInput::Signal(TermSignal::Hangup),
                        SIGINT => TermInput::Signal(TermSignal::Interrupt),
                        SIGQUIT => TermInput::Signal(TermSignal::Quit),
                        _ => TermInput::Signal(TermSignal::Terminate),
                    };
                    let ends =
                        matches!(&input, TermInput::Signal(told) if told.exit_code().is_some());
                    if ends {
                        screen.restore();
                    }
                    let heard = events.try_send(TermEvent { at: now(), input }).is_ok();
                    if ends && (ending || !heard) {
                        drop(emulate_default_handler(signal));
                    }
                    ending |= ends;
                }
            })?;
        Ok(Self { handle })
    }

    pub(super) fn close(&self) {
        self.handle.close();
    }
}

/// Stops the process as Ctrl-Z would have; returns when it goes on.
pub(super) fn stop_here() {
    drop(emulate_default_handler(SIGTSTP));
}
