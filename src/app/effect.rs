//! Everything the app can want done: returned by `update`, carried out by the loop.
//!
//! Plain data; nothing happens by making one.

use thymos_core::TrajectoryId;
use thymos_protocol::Request;

use super::event::FileQuery;
use crate::args::Format;

/// A run, and what it is to be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// Which.
    pub trajectory: TrajectoryId,
    /// As what.
    pub format: Format,
}

/// One thing to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the kernel.
    Send(Request),
    /// Put text on the clipboard, and tell what became of it.
    Copy(String),
    /// Stop the process until the shell goes on with it.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Turn the mouse on or off.
    Mouse(bool),
    /// Set the terminal's title.
    Title(String),
    /// Call for attention, in words without content.
    Notify(String),
    /// Keep what is being written.
    SaveDraft(String),
    /// Read a candidate bundle from a file.
    ReadBundle(String),
    /// Read a writ file that is to be put in force.
    ReadWrit(String),
    /// Look among the files of the workspace; the newest question is the one that is answered.
    FindFiles(FileQuery),
    /// Nobody looks for files any more.
    EndFiles,
    /// Run a verb of the program in a process of its own, and tell what it says.
    Verb(Vec<String>),
    /// Ask the verb at work to end.
    EndVerb,
    /// Write a run to a file, and tell which.
    Export(Export),
    /// Have this text written on in the operator's editor, which gets the terminal meanwhile.
    Edit(String),
    /// Leave with this exit code.
    Quit(u8),
}
