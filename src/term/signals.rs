//! The thread that hears signals.
//!
//! An ending signal gives the screen back at once, before the app is told, so that a stuck
//! app still leaves a whole terminal; a second one ends the process. While another program has the
//! terminal, what its keys send to the whole job is for that one: an interrupt is not ours, and a stop
//! stops us as well, so that the shell gets the terminal.

use super::screen::Screen;
use super::{Monotonic, TermEvent, TermInput, TermSignal};
use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{emulate_default_handler, raise};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// The app's end of the signal thread.
#[derive(Debug)]
pub(super) struct SignalThread {
    handle: Handle,
    lent: Arc<AtomicBool>,
    /// Told of each SIGCONT that is heard while the terminal is lent.
    heard: Mutex<Receiver<()>>,
}

/// How long taking back waits for the thread: it only has to run once.
const HEARD_WAIT: Duration = Duration::from_secs(1);

impl SignalThread {
    pub(super) fn start(
        screen: Arc<Screen>,
        events: Sender<TermEvent>,
        now: Monotonic,
    ) -> io::Result<Self> {
        let mut signals =
            Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])?;
        let handle = signals.handle();
        let lent = Arc::new(AtomicBool::new(false));
        let is_lent = Arc::clone(&lent);
        let (hears, heard) = sync_channel(1);
        std::thread::Builder::new()
            .name("term-signals".into())
            .spawn(move || {
                let mut ending = false;
                for signal in signals.forever() {
                    if is_lent.load(Ordering::Acquire) {
                        match signal {
                            SIGINT | SIGQUIT => continue,
                            SIGCONT => {
                                // Nobody may be waiting.
                                hears.try_send(()).ok();
                                continue;
                            }
                            SIGTSTP => {
                                stop_here();
                                continue;
                            }
                            _ => {}
                        }
                    }
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
        let heard = Mutex::new(heard);
        Ok(Self {
            handle,
            lent,
            heard,
        })
    }

    /// Another program has the terminal from now on.
    pub(super) fn lend(&self) {
        self.lent.store(true, Ordering::Release);
    }

    /// It has it no more. What was sent meanwhile may not have been heard yet, so the thread is sent a
    /// signal of ours, which it hears behind an interrupt.
    pub(super) fn take_back(&self) {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        while heard.try_recv().is_ok() {}
        if raise(SIGCONT).is_ok() {
            heard.recv_timeout(HEARD_WAIT).ok();
        }
        self.lent.store(false, Ordering::Release);
    }

    pub(super) fn close(&self) {
        self.handle.close();
    }
}

/// Stops the process as Ctrl-Z would have; returns when it goes on.
pub(super) fn stop_here() {
    drop(emulate_default_handler(SIGTSTP));
}
