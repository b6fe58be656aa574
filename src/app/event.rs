//! Everything that can happen to the app: a closed list, each with the time it came at.
//!
//! Plain data; knows neither terminal nor kernel, only what they said.

use std::time::Duration;

use serde_json::Value;
use thymos_core::Timestamp;
use thymos_core::id::{PresentedDigest, ProposalId};
use thymos_core::writ::SignedWrit;
use thymos_protocol::{Fault, Heads, Live, Reply};

use super::Action;
use crate::keymap::Key;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// An action was asked for by its name, as a line of plain mode does.
    Act(Action),
    /// The card of this hold was asked for.
    Show(ProposalId),
    /// A verb of the program was asked for, with its words.
    Run(String),
    /// All of something was written out where the person reads it.
    Written(Written),
    /// Text was pasted; never to be taken for Enter.
    Paste(String),
    /// The window has a new size.
    Resize(Size),
    /// The terminal gained or lost the focus.
    Focus(bool),
    /// The wheel turned by so many rows, up is negative.
    Wheel(i32),
    /// The operating system asks the app to end, with this exit code.
    End(u8),
    /// The kernel rang: something is new.
    Bell(Heads),
    /// The kernel answered.
    Reply(Reply),
    /// What is going on has changed.
    Live(Live),
    /// A deadline that the app asked for has come.
    Deadline,
    /// The outbox of requests is full, or has room again.
    Busy(bool),
    /// The loop has something to tell, such as what became of a copy.
    Told(String),
    /// The editor ended: the text as it left it, or why there is none.
    Edited(Result<String, String>),
    /// A candidate bundle has been read, or why it could not be.
    BundleRead(Result<Value, String>),
    /// The signed chain of a writ file, or why it gives no authority.
    WritRead(Result<Vec<SignedWrit>, Fault>),
    /// A verb of the shell said something, or ended.
    Verb(VerbNews),
    /// An export ended: the file, or why there is none.
    Exported(Result<String, Fault>),
    /// Files that were looked for, or why there are none to tell.
    Files(u64, Result<FileRows, String>),
    /// The kernel has closed its ends.
    KernelGone,
}

/// Which files are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileQuery {
    /// The number of the question, rising.
    pub asked: u64,
    /// Letters of the path.
    pub letters: String,
    /// Whether files of names with a leading dot are looked at too.
    pub hidden: bool,
}

/// Files that fit, best first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FileRows {
    /// Paths below the workspace; the first few of those that fit.
    pub paths: Vec<String>,
    /// How many fit.
    pub fits: usize,
    /// How many files were looked at.
    pub of: usize,
    /// Entries of folders after which looking stopped, so that some files are missing; none when all were seen.
    pub stopped_after: Option<usize>,
}

/// What was written out to its last line. It counts as seen only while it is what is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// Every line of a card.
    Card(ProposalId, PresentedDigest),
    /// What lies over everything: this text, to its end.
    Text(String),
}

/// What is heard of a verb that was started beside the screen.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct VerbNews {
    /// What it said since.
    pub lines: Vec<SaidLine>,
    /// Its exit code, or why it has none; none while it is at work.
    pub ended: Option<Result<i32, String>>,
}

/// One line of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidLine {
    /// Without its end.
    pub text: String,
    /// Whether it came where faults and notes do.
    pub bad: bool,
}

/// When something happened. Arming and chords use `mono`, ages use `wall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// Only goes forward.
    pub mono: Duration,
    /// The time of day.
    pub wall: Timestamp,
}

/// The screen in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}
