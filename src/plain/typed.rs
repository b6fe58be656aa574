//! Reads typed lines on a thread of its own and stamps each when it came.
//!
//! The stamp is what keeps a line that was typed ahead from answering what was printed after it, so a line is
//! read as soon as it is there, and one for which there is no room is dropped and told: read later it would
//! look as if it had been typed later.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::panes::composer::MESSAGE_BYTES_MAX;
use crate::term::Monotonic;

/// Lines that may wait to be taken; more are dropped, and told.
pub const LINES_MAX: usize = 4_096;

/// Something that came from standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line.
    Line(TypedLine),
    /// A line that is longer than a message may be. None of it was taken.
    TooLong,
    /// A line with what no text holds in it, as an arrow key leaves it there: what is meant by it is not what stands
    /// in it. None of it was taken.
    Keys,
    /// The input ended in the middle of a line: of `approve 12` there may be `approve 1`.
    Cut,
    /// So many lines for which there was no room.
    Dropped(usize),
    /// There will be no more.
    End,
}

/// A line, and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedLine {
    /// Without its end.
    pub text: String,
    /// By the clock of the loop.
    pub at: Duration,
}

/// Closed while another program has the terminal: what is typed then is for that one.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Does this work while nothing is read.
    pub fn closed<T>(&self, work: impl FnOnce() -> T) -> T {
        self.set(true);
        let done = work();
        self.set(false);
        done
    }

    fn set(&self, closed: bool) {
        let (is_closed, changed) = &*self.0;
        *is_closed.lock().unwrap_or_else(PoisonError::into_inner) = closed;
        changed.notify_all();
    }

    /// Whether it was closed, in which case it has been waited for.
    fn waited(&self) -> bool {
        let (is_closed, changed) = &*self.0;
        let mut closed = is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        let was = *closed;
        while *closed {
            closed = changed.wait(closed).unwrap_or_else(PoisonError::into_inner);
        }
        was
    }
}

/// Standard input behind a gate: waits for something to be there first, and takes it only then.
#[derive(Debug)]
pub struct Gated {
    file: File,
    gate: Gate,
}

impl Gated {
    /// This file behind that gate.
    #[must_use]
    pub fn new(file: File, gate: Gate) -> Self {
        Self { file, gate }
    }
}

impl Read for Gated {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut waits = [PollFd::new(&self.file, PollFlags::IN)];
            match poll(&mut waits, None) {
                Ok(_) if !self.gate.waited() => match self.file.read(into) {
                    // Taken by whoever else reads there.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                },
                // The other program may have taken it.
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Starts reading; the thread ends with its input.
///
/// # Errors
/// When there is no thread to be had.
pub fn start(
    from: impl Read + Send + 'static,
    clock: Monotonic,
) -> io::Result<mpsc::Receiver<Typed>> {
    let (tell, heard) = mpsc::channel(LINES_MAX);
    std::thread::Builder::new()
        .name("plain-input".into())
        .spawn(move || read(BufReader::new(from), &clock, &tell))?;
    Ok(heard)
}

fn read(mut from: impl BufRead, clock: &Monotonic, tell: &mpsc::Sender<Typed>) {
    let mut dropped = 0;
    // What cannot be read any more has ended.
    while let Ok(Some(text)) = next(&mut from) {
        let typed = match text {
            Ok(text) => Typed::Line(TypedLine { text, at: clock() }),
            Err(Unfit::TooLong) => Typed::TooLong,
            Err(Unfit::Keys) => Typed::Keys,
            Err(Unfit::Cut) => Typed::Cut,
        };
        if dropped > 0 && tell.try_send(Typed::Dropped(dropped)).is_ok() {
            dropped = 0;
        }
        match tell.try_send(typed) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => dropped += 1,
            Err(TrySendError::Closed(_)) => return,
        }
    }
    if dropped > 0 {
        // Without a loop there is nobody to tell.
        drop(tell.blocking_send(Typed::Dropped(dropped)));
    }
    drop(tell.blocking_send(Typed::End));
}

/// Why a line is not taken.
enum Unfit {
    TooLong,
    Keys,
    Cut,
}

/// The next line; none at the end.
fn next(from: &mut impl BufRead) -> io::Result<Option<Result<String, Unfit>>> {
    let mut bytes = Vec::new();
    let most = MESSAGE_BYTES_MAX as u64 + 1;
    if from.by_ref().take(most).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() > MESSAGE_BYTES_MAX && !bytes.ends_with(b"\n") {
        skip(from)?;
        return Ok(Some(Err(Unfit::TooLong)));
    }
    if !bytes.ends_with(b"\n") {
        return Ok(Some(Err(Unfit::Cut)));
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text.chars().any(|ch| ch.is_control() && ch != '\t') {
        true => Ok(Some(Err(Unfit::Keys))),
        false => Ok(Some(Ok(text.to_owned()))),
    }
}

/// Reads the rest of a line away.
fn skip(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let mut bytes = Vec::new();
        let read = from
            .by_ref()
            .take(64 * 1024)
            .read_until(b'\n', &mut bytes)?;
        if read == 0 || bytes.ends_with(b"\n") {
            return Ok(());
        }
    }
}
