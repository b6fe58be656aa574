//! The end of a hold that policy set: time passing denies, and never anything else `[A1]`.

use std::time::Duration;

use thymos_compiler::agreed;
use thymos_core::approval::{Answer, Decision, Scope, Via};
use thymos_core::body::{self, Body};
use thymos_core::id::ProposalId;
use thymos_core::writ::{Party, TrustRoots};
use thymos_replay::projection::Hold;

use super::{Job, RecordError, Session};

impl Session {
    /// How long until the next hold expires; none when none does, or another process sees to it.
    pub(super) fn until_expiry(&self) -> Option<Duration> {
        self.lease.as_ref()?;
        let open = self.p.holds.values().filter(|hold| self.waits(hold));
        let next = open.filter_map(expires_at).min()?;
        let ms = next.as_ms().saturating_sub(self.k.now().as_ms());
        // A moment more, so that the clock has passed it when it is looked at.
        Some(Duration::from_millis(ms.saturating_add(5)))
    }

    /// Denies what nobody answered in time, and says that it was the timer.
    pub(super) async fn expire_holds(&mut self) {
        if self.lease.is_none() || self.broken.is_some() {
            return;
        }
        let now = self.now();
        let over: Vec<ProposalId> = self
            .p
            .holds
            .iter()
            .filter(|(_, hold)| self.waits(hold) && expires_at(hold).is_some_and(|end| now >= end))
            .map(|(proposal, _)| *proposal)
            .collect();
        for proposal in over {
            if let Err(error) = self.expire(proposal).await {
                return self.break_on(error, None);
            }
        }
    }

    async fn expire(&mut self, proposal: ProposalId) -> Result<(), RecordError> {
        let Some(hold) = self.p.holds.get(&proposal) else {
            return Ok(());
        };
        let signed = Answer {
            v: 1,
            proposal,
            presented: hold.body.presented,
            decision: Decision::Deny,
            scope: Scope::Once,
            reason: "nobody answered in time".into(),
            via: Via::Timer,
            fully_viewed: false,
            by: Party {
                name: "timer".into(),
                key: self.k.parts.operator_key.public(),
            },
            at: self.now(),
        }
        .sign(&self.k.parts.operator_key)?;
        match self
            .record(vec![Body::Approval(body::Approval { signed })])
            .await
        {
            Ok(_) => {
                self.queue.push_back(Job::Admit(proposal));
                Ok(())
            }
            // Somebody answered first: that counts, and the next step looks again.
            Err(RecordError::Moved) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether more answers are needed: what was denied, or approved by enough, is only to be admitted.
    pub(super) fn waits(&self, hold: &Hold) -> bool {
        asks(hold, &self.k.parts.roots)
    }
}

/// Whether a hold still asks for an answer: nobody denied it, and too few agreed for some rule that asks.
pub(super) fn asks(hold: &Hold, roots: &TrustRoots) -> bool {
    let mut said = hold.answers.iter().map(|(_, signed)| &signed.answer);
    let denied = said.any(|answer| answer.decision == Decision::Deny);
    let terms = &hold.body.terms;
    !denied && agreed(terms, &hold.answers, roots) < terms.quorum()
}

/// When the timer denies a hold; none never.
pub(super) fn expires_at(hold: &Hold) -> Option<thymos_core::Timestamp> {
    hold.body
        .terms
        .expires_after_ms()
        .map(|ms| hold.at.plus_ms(ms))
}
