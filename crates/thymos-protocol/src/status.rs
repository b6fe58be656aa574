//! What the header tells, as the kernel knows it: mode, writ, budget, chain, pending.

use serde::{Deserialize, Serialize};
use thymos_core::budget::Dimension;
use thymos_core::isolation::Rung;
use thymos_core::writ::Mode;
use thymos_core::{Timestamp, TrajectoryId, WritId};

/// A trajectory's standing at its head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whose.
    pub trajectory: TrajectoryId,
    /// The workspace.
    pub workspace: String,
    /// Newest sequence number.
    pub head_seq: u64,
    /// The mode in force.
    pub mode: Mode,
    /// The writ in force.
    pub writ: WritSummary,
    /// `provider/model`.
    pub model: String,
    /// Tokens of the last context over what fits, when known.
    pub context: Option<(u64, u64)>,
    /// What is going on, if anything.
    pub running: Option<Running>,
    /// Open holds of all trajectories.
    pub pending: u64,
    /// Work found without an end, here.
    pub in_doubt: u64,
    /// The same in all other trajectories.
    pub in_doubt_elsewhere: u64,
    /// How much of the log has been verified.
    pub chain: ChainState,
    /// The ledger took nothing more here the last time, whatever is verified of it.
    pub unstored: bool,
    /// What stands outside of the ledger and vouches for it `[L7]`; none before that is known, and where
    /// there is no such place.
    pub outside: Option<OutsideStanding>,
    /// The rung of the cage that this machine offers.
    pub rung: Rung,
}

/// The writ in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritSummary {
    /// Its id.
    pub id: WritId,
    /// Its name.
    pub name: String,
    /// The classes it allows, in words.
    pub effects: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked here: nothing is allowed until another one is in force.
    pub revoked: bool,
    /// The four dimensions.
    pub budget: Vec<BudgetBar>,
}

/// One dimension of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetBar {
    /// Which.
    pub dimension: Dimension,
    /// Spent and reserved.
    pub spent: u64,
    /// The limit; none is unlimited.
    pub limit: Option<u64>,
}

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Since when.
    pub since: Timestamp,
    /// In words: `thinking`, `shell cargo test`, `stopping`.
    pub doing: String,
    /// Whether nothing goes on here but what was delegated `[D1]`.
    pub waits: bool,
}

/// What an earlier check verified, and this one did not look at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedBefore {
    /// The first so many entries of the log.
    pub entries: u64,
    /// When the newest of them were verified.
    pub at: Timestamp,
    /// When the check began that read them from the first one on.
    pub whole: Timestamp,
}

/// How much of the log is verified, and by whom. Never drawn as more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainState {
    /// Nothing yet.
    Unverified,
    /// Every entry up to, and not including, this index.
    VerifiedTo {
        /// First unverified index.
        index: u64,
        /// Entries in the log.
        len: u64,
        /// Those of them that were verified before this process began, and not looked at again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<VerifiedBefore>,
    },
    /// Something is wrong; where and what, one sentence.
    Broken(String),
}

/// What stands outside of the ledger, as far as the kernel last saw it `[L7]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideStanding {
    /// Entries under the newest checkpoint there; none where no sound one stands there.
    pub size: Option<u64>,
    /// When the last of those entries was made.
    pub at: Option<Timestamp>,
    /// Entries of the log that it does not cover.
    pub behind: u64,
    /// One that was due does not stand there.
    pub missed: bool,
    /// Why the newest does not stand there, if that is known.
    pub trouble: Option<OutsideTrouble>,
}

/// Why a checkpoint is not outside. One sentence each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideTrouble {
    /// The place cannot be read, or nothing can be put there.
    Unreached(String),
    /// What stands there, or was signed before, is not of this log as it is.
    Contradicted(String),
}
