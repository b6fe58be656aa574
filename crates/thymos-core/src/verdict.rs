//! Recorded verdicts: refusals and holds as plain data. The live verdict is the compiler's type.

use serde::{Deserialize, Serialize};

use crate::effect::{Effects, Risk};
use crate::trace::Clause;
use crate::writ::Grant;

/// A no: stored, shown and counted; not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The first clause that refused.
    pub clause: Clause,
    /// Why, in one sentence without a full stop.
    pub reason: String,
    /// The least that would have allowed it `[C16]`.
    pub smallest_grant: Option<SmallestGrant>,
}

/// The least authority that would have changed a refusal `[C16]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmallestGrant {
    /// A writ with this grant and these effects besides what is held now.
    Writ {
        /// The grant that covers exactly this call.
        grant: Grant,
        /// The effects it needs.
        effects: Effects,
    },
    /// More budget: at least this much in the named dimension.
    Budget {
        /// Which dimension, in words.
        dimension: String,
        /// How much more.
        amount: u64,
    },
    /// A policy rule that permits it.
    Rule {
        /// `bundle/rule` that forbade.
        forbidden_by: String,
    },
    /// Nothing to sign; this has to change instead.
    Change {
        /// What to do, one sentence.
        hint: String,
    },
}

/// Why a call waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The clause that asks: policy, irreversible gate, risk gate or a missing cage.
    pub clause: Clause,
    /// `bundle/rule` when policy asks.
    pub rule: Option<String>,
    /// Why, in one sentence without a full stop.
    pub reason: String,
    /// Where it is asked, such as `operator`.
    pub channel: String,
    /// How many distinct approvers.
    pub quorum: u32,
    /// Names of those who may answer; empty is any operator.
    pub approvers: Vec<String>,
    /// Denied by the timer after this long; none never.
    pub expires_after_ms: Option<u64>,
}

/// How an approval must be given `[A8]`. From policy; the operator's config may only tighten it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceremony {
    /// Verdict keys are ignored this long after the card gains focus.
    pub arming_ms: u64,
    /// The whole text must have been on screen.
    pub view_gate: bool,
    /// The last four characters of the proposal id must be typed.
    pub type_back: bool,
    /// May be answered together with others.
    pub batch: bool,
}

/// What the operator's own settings demand of every approval, beyond what the rules say `[A8]`. It is only
/// ever added to their terms, so that there is no value that would demand less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tightening {
    /// Denied by the timer after this long, if the rules do not say sooner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after_ms: Option<u64>,
    /// At least so many distinct approvers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// The last four characters of the proposal id must be typed.
    #[serde(skip_serializing_if = "is_false")]
    pub type_back: bool,
    /// The whole text must have been on screen.
    #[serde(skip_serializing_if = "is_false")]
    pub view_gate: bool,
}

impl Tightening {
    /// As the rules say.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            expires_after_ms: None,
            quorum: None,
            type_back: false,
            view_gate: false,
        }
    }

    /// Whether nothing is demanded beyond the rules.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde asks for"
)]
const fn is_false(said: &bool) -> bool {
    !*said
}

/// What must be met before a held call may be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldTerms {
    /// Everyone who asks; all must be satisfied.
    pub asks: Vec<Ask>,
    /// How to answer.
    pub ceremony: Ceremony,
    /// Highest risk seen, for sorting.
    pub risk: Risk,
}

impl HoldTerms {
    /// The same with what the operator's settings demand besides: each term is the stricter of both `[A8]`.
    #[must_use]
    pub fn tightened(mut self, by: &Tightening) -> Self {
        for ask in &mut self.asks {
            ask.quorum = ask.quorum.max(by.quorum.unwrap_or(0));
            let ends = [ask.expires_after_ms, by.expires_after_ms];
            ask.expires_after_ms = ends.into_iter().flatten().min();
        }
        self.ceremony.view_gate |= by.view_gate;
        self.ceremony.type_back |= by.type_back;
        // What is typed back is typed for one card at a time.
        self.ceremony.batch &= !by.type_back;
        self
    }

    /// Distinct approvals needed.
    #[must_use]
    pub fn quorum(&self) -> u32 {
        self.asks
            .iter()
            .map(|ask| ask.quorum)
            .max()
            .unwrap_or(1)
            .max(1)
    }

    /// Earliest expiry, milliseconds after the hold.
    #[must_use]
    pub fn expires_after_ms(&self) -> Option<u64> {
        self.asks
            .iter()
            .filter_map(|ask| ask.expires_after_ms)
            .min()
    }
}
