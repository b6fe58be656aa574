//! Routing evidence: which model was chosen for an intent, from which, and why `[S2]`.
//!
//! Stands beside an intent, outside every id that authority reads. Whole numbers only; holds no word
//! of what was asked, wanted or answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{self, InvalidJson};
use crate::id::Digest;
use crate::limits::ROUTING_ALTERNATIVES_MAX;

/// Certain, in basis points.
pub const CERTAIN_BPS: u32 = 10_000;

/// Why a model was chosen. Closed, so that no word of a workload can get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The configuration's default, or the best key at hand.
    ConfigDefault,
    /// The operator chose it in this session.
    OperatorChoice,
    /// A bound skill suggests it.
    SkillHint,
    /// A bound skill suggests another, which cannot be used here.
    SkillHintUnavailable,
}

/// How a model was chosen for one turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// Names this choice: the hash of everything else here.
    pub decision_hash: Digest,
    /// `provider:model`.
    pub selected: String,
    /// Others that could have been chosen, by their names in the configuration.
    pub alternatives: Vec<String>,
    /// How sure the choice is, in basis points; a choice by rule is certain.
    pub confidence_bps: u32,
    /// Why, most important first.
    pub reason_codes: Vec<Reason>,
    /// What the turn was expected to take; none when nothing is known.
    pub latency_estimate_ms: Option<u64>,
    /// What the turn was expected to cost; none when no price is known.
    pub cost_estimate_millicents: Option<u64>,
    /// What would be tried next; none when nothing would.
    pub fallback_hint: Option<String>,
}

/// What a choice is made of before it has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// `provider:model`.
    pub selected: String,
    /// Others that could have been chosen.
    pub alternatives: Vec<String>,
    /// How sure, in basis points.
    pub confidence_bps: u32,
    /// Why.
    pub reason_codes: Vec<Reason>,
    /// Expected milliseconds.
    pub latency_estimate_ms: Option<u64>,
    /// Expected price.
    pub cost_estimate_millicents: Option<u64>,
    /// What would be tried next.
    pub fallback_hint: Option<String>,
}

impl Choice {
    /// Names the choice.
    ///
    /// # Errors
    /// [`InvalidJson`] when a number in it cannot be kept exactly.
    pub fn decided(mut self) -> Result<Routing, InvalidJson> {
        self.alternatives.truncate(ROUTING_ALTERNATIVES_MAX);
        let decision_hash = Digest::of(canonical::encode(&self)?.as_bytes());
        Ok(Routing {
            decision_hash,
            selected: self.selected,
            alternatives: self.alternatives,
            confidence_bps: self.confidence_bps.min(CERTAIN_BPS),
            reason_codes: self.reason_codes,
            latency_estimate_ms: self.latency_estimate_ms,
            cost_estimate_millicents: self.cost_estimate_millicents,
            fallback_hint: self.fallback_hint,
        })
    }
}

impl Routing {
    /// As the record keeps it.
    ///
    /// # Errors
    /// [`InvalidJson`] when a number in it cannot be kept exactly.
    pub fn to_value(&self) -> Result<Value, InvalidJson> {
        canonical::parse(canonical::encode(self)?.as_bytes())
    }

    /// Reads what a record kept; none when it is something else.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        canonical::from_value(value).ok()
    }
}
