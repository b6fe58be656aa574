//! The approval card: what an approver is shown, byte for byte, and how to answer.

use serde::{Deserialize, Serialize};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::{PresentedDigest, ProposalId};
use thymos_core::presentation::Presentation;
use thymos_core::verdict::Ceremony;
use thymos_core::{Timestamp, TrajectoryId};

/// Everything a card shows. The view may wrap, fold and colour; never add, drop or reorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The proposal.
    pub proposal: ProposalId,
    /// The digest an answer must quote.
    pub presented: PresentedDigest,
    /// The tool.
    pub tool: String,
    /// The call in one line.
    pub line: String,
    /// Its class.
    pub effect: EffectClass,
    /// Its risk.
    pub risk: Risk,
    /// Whether it can be undone.
    pub reversible: bool,
    /// Why it is held, one sentence an asker.
    pub reasons: Vec<String>,
    /// The labelled fields in canonical order; the `BODY` field is the diff.
    pub presentation: Presentation,
    /// How an answer must be given.
    pub ceremony: Ceremony,
    /// Distinct approvals needed.
    pub quorum: u32,
    /// Lines added and removed, for edits.
    pub diffstat: Option<(u64, u64)>,
    /// When it was held.
    pub held_at: Timestamp,
    /// When the timer denies it; none never.
    pub expires_at: Option<Timestamp>,
}

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CardState {
    /// Waits for an answer.
    Open,
    /// Answered, and not yet acted on.
    Answered,
    /// Ended: run, refused, superseded.
    Closed,
}

/// A row of the queue, which spans all trajectories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// Where.
    pub trajectory: TrajectoryId,
    /// Sequence number of the hold's entry.
    pub seq: u64,
    /// The workspace of that trajectory.
    pub workspace: String,
    /// The card.
    pub card: Card,
    /// Distinct approvals so far.
    pub approvals: u32,
    /// Who approved so far, by name `[A3]`.
    pub approved_by: Vec<String>,
    /// The trajectories above, nearest first, when it was delegated `[D1]`.
    pub lineage: Vec<TrajectoryId>,
}

impl HoldRow {
    /// Whether its time is over and too few agreed in it: the timer denies it, once its run is open
    /// somewhere `[A1]`.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        let over = self.card.expires_at.is_some_and(|end| end <= now);
        over && self.approvals < self.card.quorum.max(1)
    }
}

/// Why an answer no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Somebody answered first; who and how.
    AlreadyDecided(String),
    /// The proposal is not open.
    NotOpen,
    /// It ended: refused when it was looked at again, or done and failed; in words.
    Ended(String),
    /// Something else was shown.
    PresentedDiffers,
}
