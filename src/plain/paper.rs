//! What plain mode prints on: a thread that writes one batch after the other and says when it is out.
//!
//! Only what is out has been presented, so the loop must know; and a reader that stands still must not keep a
//! signal from being heard, so the loop must not wait in a write.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::watch;

/// How long is waited for room where writing does not wait by itself.
const AGAIN: Duration = Duration::from_millis(10);

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaperState {
    /// So many batches are out, and no other was handed over.
    Out(u64),
    /// Nobody reads any more, as when `head` has seen enough.
    Closed,
    /// It can no longer be written to.
    Gone,
}

/// The loop's end of it.
#[derive(Debug)]
pub struct Paper {
    batches: mpsc::Sender<String>,
    state: watch::Receiver<PaperState>,
    handed: u64,
}

impl Paper {
    /// Starts writing there.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (batches, taken) = mpsc::channel::<String>();
        let (report, state) = watch::channel(PaperState::Out(0));
        std::thread::Builder::new()
            .name("plain-output".into())
            .spawn(move || write(to, &taken, &report))?;
        Ok(Self {
            batches,
            state,
            handed: 0,
        })
    }

    /// Hands over a batch.
    pub fn print(&mut self, text: String) {
        self.handed += 1;
        // A thread that has ended has said why.
        self.batches.send(text).ok();
    }

    /// Whether all that was handed over is out.
    #[must_use]
    pub fn is_out(&self) -> bool {
        *self.state.borrow() == PaperState::Out(self.handed)
    }

    /// How far it is, which changes with each batch.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<PaperState> {
        self.state.clone()
    }
}

fn write(mut to: impl Write, taken: &mpsc::Receiver<String>, report: &watch::Sender<PaperState>) {
    let mut out = 0;
    while let Ok(text) = taken.recv() {
        match write_all(&mut to, text.as_bytes()).and_then(|()| to.flush()) {
            Ok(()) => out += 1,
            Err(error) => {
                let closed = error.kind() == io::ErrorKind::BrokenPipe;
                report.send_replace(match closed {
                    true => PaperState::Closed,
                    false => PaperState::Gone,
                });
                return;
            }
        }
        report.send_replace(PaperState::Out(out));
    }
}

/// As [`Write::write_all`], also where somebody else has made the other end one that does not wait.
fn write_all(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(AGAIN),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
