//! Possession of the subject key, checked once a batch `[W5]`. Judges no call.

use std::collections::BTreeSet;

use thymos_core::facts::Possession;
use thymos_core::id::IntentId;
use thymos_core::key::PublicKey;

use crate::chain::CheckedChain;

/// A signed batch of intents, and whether the chain's subject signed it.
///
/// Checking costs a signature verification, so it happens once for a batch and is reused.
#[derive(Debug, Clone)]
pub struct CheckedPossession {
    possession: Possession,
    covered: BTreeSet<IntentId>,
    /// The subject it was checked against.
    asked: Option<PublicKey>,
    /// The same, when it signed the batch.
    subject: Option<PublicKey>,
}

impl CheckedPossession {
    /// Checks a batch against the subject of the chain's last link.
    #[must_use]
    pub fn check(possession: Possession, chain: &CheckedChain) -> Self {
        let asked = subject_of(chain);
        let subject = asked.filter(|key| {
            let first = possession.batch.first();
            first.is_some_and(|first| possession.covers(first, key))
        });
        Self {
            covered: possession.batch.iter().copied().collect(),
            possession,
            asked,
            subject,
        }
    }

    /// Whether checking this batch against this chain would come to the same: the same bytes were
    /// checked, against the same key.
    #[must_use]
    pub fn is_check_of(&self, possession: &Possession, chain: &CheckedChain) -> bool {
        self.asked == subject_of(chain) && self.possession == *possession
    }

    /// Whether `subject` signed a batch that holds `intent`, and it is the one that was recorded.
    pub(crate) fn binds(
        &self,
        intent: &IntentId,
        subject: &PublicKey,
        recorded: &Possession,
    ) -> bool {
        self.subject.as_ref() == Some(subject)
            && self.covered.contains(intent)
            && self.possession == *recorded
    }
}

fn subject_of(chain: &CheckedChain) -> Option<PublicKey> {
    chain.leaf().map(|leaf| leaf.writ.subject.key)
}
