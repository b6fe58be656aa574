//! Authority as the screen shows it: writs, what a scope or a grant would allow. Signs nothing.

use serde::{Deserialize, Serialize};
use thymos_core::budget::Cost;
use thymos_core::effect::EffectClass;
use thymos_core::id::ProposalId;
use thymos_core::writ::SignedWrit;
use thymos_core::{EntryId, Timestamp, TrajectoryId, WritId};

use crate::status::BudgetBar;

/// One writ, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritRow {
    /// Its id.
    pub id: WritId,
    /// The one it narrows.
    pub parent: Option<WritId>,
    /// How many are above it.
    pub depth: u32,
    /// Where it was issued: revoking it happens there.
    pub trajectory: TrajectoryId,
    /// Its name.
    pub name: String,
    /// Who granted it.
    pub issuer: String,
    /// Who may act under it.
    pub subject: String,
    /// The tenant; `""` is local.
    pub tenant: String,
    /// Grants, one line each, with their conditions.
    pub grants: Vec<String>,
    /// The classes it allows, in words.
    pub effects: String,
    /// The lowest rung of the cage it accepts, in words.
    pub isolation_min: String,
    /// The four dimensions, spent and reserved over the limit.
    pub budget: Vec<BudgetBar>,
    /// What the open holds under it would take at most, together.
    pub pending: Cost,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// First moment after it.
    pub expires_at: Option<Timestamp>,
    /// Levels that may be issued below it; 0 for none.
    pub max_depth: u32,
    /// Where it stands.
    pub state: WritState,
    /// What would stop if it were revoked, one line each: sessions, running work, holds, writs.
    pub stops: Vec<String>,
    /// What is unusual about it, one sentence each: a bad signature, a grant that can never match.
    pub remarks: Vec<String>,
}

/// A writ as it was issued, with everything above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritFound {
    /// Its id.
    pub id: WritId,
    /// Where it was issued first.
    pub trajectory: TrajectoryId,
    /// Where it is used, when it is a share that a session took of a writ file.
    pub session: Option<TrajectoryId>,
    /// The chain, root first, as far as it is in the log.
    pub chain: Vec<SignedWrit>,
    /// Whether it or a writ above it is revoked.
    pub revoked: bool,
}

/// What the record says of a chain of writs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WritStanding {
    /// Which of them are revoked, themselves or by a writ above.
    pub revoked: Vec<WritId>,
    /// What each has spent or reserved, where it has.
    pub spent: Vec<(WritId, Cost)>,
}

/// Why a chain of writs is not put in force. Nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotUsed {
    /// It gives no authority here; the link and the field are named.
    Authority(String),
    /// Not enough is left of its budget.
    Budget {
        /// In words, with what is left.
        why: String,
        /// Shares of it that sessions have: ending one gives back what was not used of it.
        shares: Vec<WritId>,
    },
}

/// Where a writ stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WritState {
    /// Calls are decided under it.
    InForce,
    /// It answers asks ahead of time `[A6]`.
    Standing,
    /// Issued, and not in force here: above the one in force, or replaced by another.
    Issued,
    /// Its window is over.
    Expired,
    /// Revoked, or below a revoked one.
    Revoked,
}

impl WritState {
    /// The word on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Standing => "standing",
            Self::Issued => "issued",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// What an approval with scope would allow, before it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopePreview {
    /// The hold.
    pub proposal: ProposalId,
    /// The writ in words, one line a condition, as it will be signed.
    pub writ: Vec<String>,
    /// Past calls it would have covered, newest first, as many as fit.
    pub matches: Vec<PastCall>,
    /// How many past calls it would have covered in all.
    pub matched: u64,
    /// The worst effect among them.
    pub worst: Option<EffectClass>,
    /// Past calls of the same tool that stay asked, newest first, as many as fit.
    pub near_misses: Vec<PastCall>,
    /// Open holds of this trajectory that it would cover; draining them is offered, never done.
    pub covers: Vec<ProposalId>,
}

/// A call of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastCall {
    /// Its deciding entry.
    pub entry: EntryId,
    /// That entry's sequence number.
    pub seq: u64,
    /// The tool.
    pub tool: String,
    /// The call in one line.
    pub line: String,
    /// How it was decided: `approved`, `denied: no network`, `refused`, `permitted`.
    pub decided: String,
}

/// What signing the smallest grant of a refusal would change `[C16]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPreview {
    /// The rejection.
    pub entry: EntryId,
    /// The refused call in one line.
    pub line: String,
    /// One line a change against the writ in force.
    pub difference: Vec<String>,
}
