//! Outcomes and faults: what came of a call. Data; the runtime seals it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::delta::Delta;
use crate::id::Digest;
use crate::isolation::Rung;

/// What a tool reports when it ran to its end, well or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Structured result, if the tool has one.
    pub data: Option<Value>,
    /// Changes to the world, applied whole or not at all.
    pub deltas: Vec<Delta>,
    /// Exit code of a process.
    pub exit_code: Option<i32>,
    /// What the model reads, at most [`crate::limits::TOOL_OUTPUT_BYTES_MAX`] bytes.
    pub observation: String,
    /// What changed in writable roots, as the runtime saw it `[O3]`.
    pub observed: Option<Observed>,
    /// Whether the tool calls it a success; a command that exits 1 is an outcome, not a fault.
    pub ok: bool,
    /// The whole output, when it was larger than the observation.
    pub output: Option<BlobRef>,
    /// The rung of the cage that really held the call; none when no process ran.
    pub rung: Option<Rung>,
    /// One line for people.
    pub summary: String,
    /// Whether anything was cut, and where it is said.
    pub truncated: bool,
}

impl Outcome {
    /// A success that says only this.
    #[must_use]
    pub fn said(summary: impl Into<String>, observation: impl Into<String>) -> Self {
        Self {
            ok: true,
            summary: summary.into(),
            observation: observation.into(),
            data: None,
            deltas: Vec::new(),
            observed: None,
            output: None,
            exit_code: None,
            truncated: false,
            rung: None,
        }
    }
}

/// Content kept outside the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRef {
    /// Digest of the content.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// Effects seen from outside the tool, in its writable roots `[O3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// Whether every file of the roots was looked at before and after.
    pub complete: bool,
    /// Files looked at.
    pub files: u64,
    /// Why not, when not.
    pub note: Option<String>,
    /// Changed files of which nobody can say what they held before; none of them can be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unheld: Vec<String>,
    /// Files that were there but not looked at, because a bound was reached or a folder is skipped.
    pub unobserved: u64,
    /// Changes that were seen and could not be recorded: links, odd names, what is over a bound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde asks for"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A call that did not end by itself. Sealed as `failure` `[X1]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Whatever is known of the effect.
    pub deltas: Vec<Delta>,
    /// What kind.
    pub kind: FaultKind,
    /// One sentence without a full stop.
    pub message: String,
    /// What the model reads of the output so far.
    pub observation: String,
}

/// Kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The tool could not do it.
    Failed,
    /// It ran out of time.
    TimedOut,
    /// A person or the budget stopped it.
    Cancelled,
    /// The tool panicked.
    Panicked,
    /// Its deltas do not apply `[X5]`.
    BadDelta,
    /// It came to its end, and what the tool says must be true then is not `[X5]`.
    Unmet,
    /// What was resolved no longer holds at the moment of acting.
    Moved,
    /// The cage could not be had or broke.
    Cage,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
            Self::BadDelta => "bad delta",
            Self::Unmet => "unmet postcondition",
            Self::Moved => "moved",
            Self::Cage => "no cage",
        })
    }
}
