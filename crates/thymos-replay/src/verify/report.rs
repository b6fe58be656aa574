//! What verification found: counts by level, and every finding located. Draws no conclusion but one.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thymos_core::TrajectoryId;

use super::{Seen, Tally};
use crate::divergence::Divergence;

/// How deep to look; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Level {
    /// `[V1]` Every byte and chain link.
    #[default]
    V1,
    /// `[V2]` The fold of every entry.
    V2,
    /// `[V3]` Every verdict, derived again.
    V3,
    /// `[V4]` Signatures inside bodies.
    V4,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "integrity",
            Self::V2 => "state",
            Self::V3 => "decisions",
            Self::V4 => "identity",
        })
    }
}

/// Where something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Position in the log.
    pub index: u64,
    /// Trajectory and sequence number, when the entry could be read.
    pub line: Option<(TrajectoryId, u64)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry at index {}", self.index)?;
        if let Some((trajectory, seq)) = &self.line {
            write!(f, " ({} seq {seq})", trajectory.short())?;
        }
        Ok(())
    }
}

/// The checks of one row, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Row,
    Wake,
    Facts,
    Kin,
    Signatures,
    Bytes,
    Log,
    State,
    Decision,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// At which level.
    pub level: Level,
    /// Of which row, counted from 1, and which check of it: what reports are put in order by.
    pub(super) order: (u64, Step),
    /// Where.
    pub place: Place,
    /// What was expected and what was found.
    pub what: Divergence,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.level, self.place, self.what)
    }
}

/// Checks by level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Entries whose bytes and links were checked.
    pub integrity: u64,
    /// Entries that were folded.
    pub state: u64,
    /// Verdicts that were derived again.
    pub decisions: u64,
    /// Verdicts whose facts were held against what the record says of the moment before.
    pub facts: u64,
    /// `[V4]` Signatures inside bodies.
    pub identity: u64,
}

impl Counts {
    pub(super) const fn add(&mut self, more: &Self) {
        self.integrity += more.integrity;
        self.state += more.state;
        self.decisions += more.decisions;
        self.facts += more.facts;
        self.identity += more.identity;
    }

    /// All of them together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.integrity + self.state + self.decisions + self.facts + self.identity
    }
}

/// Everything that came of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The level asked for.
    pub level: Level,
    /// Entries of the log up to where it was read.
    pub entries: u64,
    /// Of those, entries that were verified before and not looked at now.
    pub before: u64,
    /// Trajectories seen.
    pub trajectories: u64,
    /// What was checked now.
    pub checked: Counts,
    /// What could not be, because something before it is gone, broken or of a newer version.
    pub unchecked: Counts,
    /// Verdicts that rest on a witnessed fact `[R4]`.
    pub witnessed: u64,
    /// Entries whose body was destroyed.
    pub erased: u64,
    /// Bodies that an `erased` entry names and that still stand: what is to be destroyed when the ledger
    /// is next opened for writing.
    pub standing: u64,
    /// Entries whose body was withheld by whoever handed the log on `[L16]`.
    pub withheld: u64,
    /// What signed checkpoints vouch for `[L7]`.
    pub checkpoints: Seen,
    /// What is wrong, in log order, at most [`super::FINDINGS_MAX`] of it.
    pub findings: Vec<Finding>,
    /// How much is wrong, told or not.
    pub findings_total: u64,
    /// The same for each trajectory by itself. What cannot be said of one, such as a row that nobody
    /// can read, stands in none of them.
    pub lines: BTreeMap<TrajectoryId, Tally>,
}

impl Report {
    /// Whether nothing at all was found wrong. The only way to say "verified" `[Y3]`.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.findings_total == 0
    }

    /// Whether nothing was found wrong at one level.
    #[must_use]
    pub fn holds_at(&self, level: Level) -> bool {
        let told = self.findings.len() as u64 == self.findings_total;
        told && self.findings.iter().all(|finding| finding.level != level)
    }
}
