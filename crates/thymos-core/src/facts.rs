//! Facts: everything about the moment that a decision may read, recorded with it. Looks nothing up.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::budget::Cost;
use crate::effect::Risk;
use crate::id::{IntentId, WritId};
use crate::isolation::Rung;
use crate::key::{Domain, PublicKey, Signature, SigningKey};
use crate::time::Timestamp;
use crate::verdict::Tightening;
use crate::writ::Mode;

/// The moment of a decision.
///
/// There is no `Default`: a decision made on forgotten facts would look like one made on real ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// What the operator's settings demanded of approvals beyond the rules, if anything `[A8]`.
    #[serde(default, skip_serializing_if = "Tightening::is_none")]
    pub approvals: Tightening,
    /// The mode in force, for people and for policy.
    pub mode: Mode,
    /// The time, from the injected clock.
    pub now: Timestamp,
    /// The binding of the intent's batch to the subject key `[W5]`.
    pub possession: Possession,
    /// Earlier commits of the same idempotency key: how many `[X3]`.
    pub repeats: u64,
    /// Writs of the chain that are revoked.
    pub revoked: BTreeSet<WritId>,
    /// Risk at or above this suspends `[C15]`.
    pub risk_threshold: Risk,
    /// The rung of the cage that this machine offers.
    pub rung: Rung,
    /// Spent and reserved so far, for each link of the chain.
    pub spent: BTreeMap<WritId, Cost>,
    /// Pre-answers that were presented; `spent` and `revoked` tell of them too `[A6]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<WritId>,
    /// The session's tenant.
    pub tenant: String,
    /// World resources the call depends on, with the versions of this moment.
    pub world: BTreeMap<String, Option<u64>>,
}

/// A batch of intents, signed by the subject key that the session holds `[W5]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Possession {
    /// The intents of one turn, in order.
    pub batch: Vec<IntentId>,
    /// Over the concatenated ids.
    pub signature: Signature,
}

impl Possession {
    /// Signs a batch with the subject key.
    #[must_use]
    pub fn sign(batch: Vec<IntentId>, subject: &SigningKey) -> Self {
        let signature = subject.sign(Domain::Batch, &message(&batch));
        Self { batch, signature }
    }

    /// Whether `subject` signed this batch and `intent` is part of it.
    #[must_use]
    pub fn covers(&self, intent: &IntentId, subject: &PublicKey) -> bool {
        self.batch.contains(intent)
            && subject.verifies(Domain::Batch, &message(&self.batch), &self.signature)
    }
}

fn message(batch: &[IntentId]) -> Vec<u8> {
    batch
        .iter()
        .flat_map(|id| id.as_bytes().iter().copied())
        .collect()
}
