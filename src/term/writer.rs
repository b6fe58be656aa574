//! The thread that writes to the terminal: one frame at a time, and it says when it is idle.
//!
//! A slow line therefore drops frames before they are drawn, never half of one after. Knows
//! nothing of what the bytes say.

use super::Monotonic;
use super::screen::Screen;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Bytes beside frames (title, clipboard, modes) that may wait; more are refused.
pub const ASIDE_BYTES_MAX: usize = 512 * 1024;

/// What the writer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterState {
    /// Ready for a frame; the last write took so long.
    Idle {
        /// Zero before the first write.
        took: Duration,
    },
    /// A frame is on its way.
    Busy,
    /// The terminal takes nothing more.
    Gone,
}

/// The app's end of the writer thread.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    state: watch::Receiver<WriterState>,
    thread: Option<JoinHandle<()>>,
}

// One lock, held for moves of a vector only; the write itself happens outside it.
#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    aside: Vec<u8>,
    frame: Option<Vec<u8>>,
    writing: bool,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    pub(super) fn start(screen: Arc<Screen>, now: Monotonic) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (report, state) = watch::channel(WriterState::Idle {
            took: Duration::ZERO,
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("term-writer".into())
            .spawn(move || run(&theirs, &screen, &report, &now))?;
        Ok(Self {
            shared,
            state,
            thread: Some(thread),
        })
    }

    /// Hands over one frame; `false`, and nothing taken, while the last one is on its way.
    ///
    /// A refused frame must be drawn again: ask [`Self::is_idle`] before drawing.
    pub fn submit(&self, frame: Vec<u8>) -> bool {
        let mut slot = self.shared.lock();
        if slot.frame.is_some() || slot.writing || slot.closed {
            return false;
        }
        if !frame.is_empty() {
            slot.frame = Some(frame);
            self.shared.changed.notify_all();
        }
        true
    }

    /// Adds bytes that are no frame (title, clipboard); `false` when too many wait.
    pub fn send(&self, bytes: &[u8]) -> bool {
        let mut slot = self.shared.lock();
        if slot.closed || slot.aside.len() + bytes.len() > ASIDE_BYTES_MAX {
            return false;
        }
        slot.aside.extend_from_slice(bytes);
        self.shared.changed.notify_all();
        true
    }

    /// Whether a frame would be taken.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let slot = self.shared.lock();
        slot.frame.is_none() && !slot.writing && !slot.closed
    }

    /// A receiver that changes whenever the writer becomes idle, busy or gone.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<WriterState> {
        self.state.clone()
    }

    /// Waits until everything handed over is written; `false` when that takes longer.
    pub fn drain(&self, longest: Duration) -> bool {
        let slot = self.shared.lock();
        let busy = |slot: &mut Slot| {
            !slot.closed && (slot.writing || slot.frame.is_some() || !slot.aside.is_empty())
        };
        let waited = self.shared.changed.wait_timeout_while(slot, longest, busy);
        let (_slot, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    /// Stops the thread without waiting for a stalled terminal.
    pub(super) fn close(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        // Not joined: a write into a dead line may never return, and the process must end.
        drop(self.thread.take());
    }
}

fn run(shared: &Shared, screen: &Screen, report: &watch::Sender<WriterState>, now: &Monotonic) {
    loop {
        let slot = shared.lock();
        let empty = |slot: &mut Slot| !slot.closed && slot.frame.is_none() && slot.aside.is_empty();
        let waited = shared.changed.wait_while(slot, empty);
        let mut slot = waited.unwrap_or_else(PoisonError::into_inner);
        if slot.closed {
            return;
        }
        let mut bytes = std::mem::take(&mut slot.aside);
        bytes.extend(slot.frame.take().unwrap_or_default());
        slot.writing = true;
        drop(slot);
        report.send_replace(WriterState::Busy);
        let began = now();
        let written = write(screen, &bytes);
        let took = now().saturating_sub(began);
        let mut slot = shared.lock();
        slot.writing = false;
        slot.closed |= written.is_err();
        let gone = slot.closed;
        drop(slot);
        let state = if gone {
            WriterState::Gone
        } else {
            WriterState::Idle { took }
        };
        report.send_replace(state);
        shared.changed.notify_all();
    }
}

fn write(screen: &Screen, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match screen.write_frame(bytes)? {
            // Given back in the meantime: the rest must not land on the user's shell.
            0 => return Ok(()),
            written => bytes = bytes.get(written..).unwrap_or_default(),
        }
    }
    Ok(())
}
