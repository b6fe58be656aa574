//! What came of a caged child: plain data for the caller to record.
//!
//! Judges nothing: a child that exits with 1 or is stopped at its limit is a result, not an error.

use crate::Rung;

/// The whole story of one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CageReport {
    /// The rung that held.
    pub rung: Rung,
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to standard output.
    pub stdout: Captured,
    /// What it wrote to standard error.
    pub stderr: Captured,
    /// From start to the last process gone, on the runtime's timer.
    pub duration_ms: u64,
    /// Plain sentences on what this cage did not hold, or what was left unfinished.
    pub notes: Vec<String>,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// Killed by this signal, not sent by the cage.
    Signal(i32),
    /// Stopped by the cage at the end of its time.
    TimedOut,
    /// Stopped by the cage because the caller cancelled.
    Cancelled,
    /// Killed by the cage because it had too many processes.
    TooManyProcesses,
    /// Nobody could tell: the process that watches over the cage was itself killed.
    Unknown,
}

/// One of a child's two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The part of a stream that was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The bytes kept: all of them, or the beginning and the end.
    pub bytes: Vec<u8>,
    /// How many bytes the child wrote.
    pub total_bytes: u64,
    /// Where the middle was cut out, if it was.
    pub cut: Option<Cut>,
}

/// A hole in captured output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Offset in the kept bytes where the missing ones would stand.
    pub at: usize,
    /// How many bytes are missing.
    pub bytes: u64,
}
