//! The thread that reads the terminal.
//!
//! crossterm reads a whole sequence even inside a poll of no time, so it must never run on
//! the app's own thread. Waits on the terminal and on a pipe; the pipe wakes it to park, so
//! that an editor or a suspended shell has the keyboard for itself.

use super::decode::translate;
use super::early::{Early, Item};
use super::probe::{FENCE_WAIT, ProbeReport};
use super::screen::Screen;
use super::{Monotonic, TermEvent, TermInput};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How long parking is waited for; crossterm may sit in an unfinished paste.
const PARK_WAIT: Duration = Duration::from_millis(500);

/// The app's end of the input thread.
#[derive(Debug)]
pub(super) struct Input {
    shared: Arc<Shared>,
    wake: OwnedFd,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    park: bool,
    parked: bool,
    quit: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stands still while parked; `false` when it is time to end.
    fn checkpoint(&self) -> bool {
        let mut state = self.lock();
        if state.park {
            state.parked = true;
            self.changed.notify_all();
            let waited = self
                .changed
                .wait_while(state, |state| state.park && !state.quit);
            state = waited.unwrap_or_else(PoisonError::into_inner);
            state.parked = false;
        }
        !state.quit
    }
}

/// What the thread needs.
pub(super) struct Reader {
    pub(super) screen: Arc<Screen>,
    pub(super) events: Sender<TermEvent>,
    pub(super) now: Monotonic,
    /// Whether questions were asked, so that answers are to be looked for.
    pub(super) probed: bool,
}

impl Input {
    pub(super) fn start(reader: Reader) -> io::Result<Self> {
        let (woken, wake) = rustix::pipe::pipe_with(
            rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK,
        )?;
        let shared = Arc::new(Shared::default());
        let running = Running {
            reader,
            shared: Arc::clone(&shared),
            woken,
        };
        std::thread::Builder::new()
            .name("term-input".into())
            .spawn(move || running.run())?;
        Ok(Self { shared, wake })
    }

    /// Asks the thread to stand still; `false` when it did not in time.
    pub(super) fn park(&self) -> bool {
        self.shared.lock().park = true;
        self.wake();
        let state = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, PARK_WAIT, |state| !state.parked);
        waited.unwrap_or_else(PoisonError::into_inner).0.parked
    }

    pub(super) fn unpark(&self) {
        self.shared.lock().park = false;
        self.shared.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.shared.lock().quit = true;
        self.shared.changed.notify_all();
        self.wake();
    }

    fn wake(&self) {
        // A full pipe wakes as well as a new byte does.
        rustix::io::write(&self.wake, b"!").ok();
    }
}

struct Running {
    reader: Reader,
    shared: Arc<Shared>,
    woken: OwnedFd,
}

/// Why a wait ended.
enum Woke {
    Ready,
    Asked,
    Timeout,
    Gone,
}

impl Running {
    fn run(self) {
        let fine = if self.reader.probed {
            self.read_early()
        } else {
            true
        };
        if fine && self.read_on() {
            return;
        }
        self.send(TermInput::Closed);
    }

    /// `false` when the app no longer listens.
    fn send(&self, input: TermInput) -> bool {
        let at = (self.reader.now)();
        self.reader
            .events
            .blocking_send(TermEvent { at, input })
            .is_ok()
    }

    /// Reads until the fence; `false` when the terminal is gone.
    fn read_early(&self) -> bool {
        let until = (self.reader.now)() + FENCE_WAIT;
        let mut early = Early::default();
        let mut report = ProbeReport::default();
        let mut buffer = [0; 4096];
        while !report.answered || !early.is_whole() {
            if !self.shared.checkpoint() {
                return true;
            }
            let left = until.saturating_sub((self.reader.now)());
            // A paste is read to its end whatever the time: its rest must not be typed.
            let wait = if early.in_paste() { None } else { Some(left) };
            match self.wait(wait) {
                Woke::Gone => return false,
                Woke::Asked => continue,
                Woke::Timeout => break,
                Woke::Ready => {}
            }
            let read = match rustix::io::read(self.reader.screen.input(), &mut buffer) {
                Ok(0) => return false,
                Ok(read) => read,
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(_) => return false,
            };
            for item in early.feed(buffer.get(..read).unwrap_or_default()) {
                match item {
                    Item::Reply(reply) => report.take(reply),
                    Item::Input(input) => drop(self.send(input)),
                }
            }
        }
        if let Some(Item::Input(input)) = early.finish() {
            self.send(input);
        }
        self.send(TermInput::Probed(report));
        true
    }

    /// Reads through crossterm; `true` when told to end, `false` when the terminal is gone.
    fn read_on(&self) -> bool {
        while self.shared.checkpoint() {
            match self.wait(None) {
                Woke::Gone => return false,
                Woke::Asked | Woke::Timeout => continue,
                Woke::Ready => {}
            }
            let mut heard = false;
            loop {
                match crossterm::event::poll(Duration::ZERO) {
                    Ok(true) => heard = true,
                    Ok(false) => break,
                    Err(_) => return false,
                }
                let Ok(event) = crossterm::event::read() else {
                    return false;
                };
                let Some(input) = translate(event) else {
                    continue;
                };
                if !self.send(input) {
                    return true;
                }
            }
            // crossterm watches for changes, and of two at once it takes one: keys behind a new size would lie there
            // until the next key, and this would go round for them.
            if !heard {
                self.reader.screen.tell_again();
            }
        }
        true
    }

    fn wait(&self, longest: Option<Duration>) -> Woke {
        let input = self.reader.screen.input();
        let mut fds = [
            PollFd::new(&input, PollFlags::IN),
            PollFd::new(&self.woken, PollFlags::IN),
        ];
        let longest = longest.map(|wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        });
        match rustix::event::poll(&mut fds, longest.as_ref()) {
            Ok(0) => return Woke::Timeout,
            Ok(_) => {}
            Err(Errno::INTR) => return Woke::Asked,
            Err(_) => return Woke::Gone,
        }
        let [terminal, woken] = fds.map(|fd| fd.revents());
        if woken.contains(PollFlags::IN) {
            let mut bytes = [0; 64];
            rustix::io::read(&self.woken, &mut bytes).ok();
            return Woke::Asked;
        }
        if terminal.contains(PollFlags::IN) {
            return Woke::Ready;
        }
        if terminal.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Woke::Gone;
        }
        Woke::Asked
    }
}
