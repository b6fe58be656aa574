//! Settling work that was found without an end [X2]: a person says what became of it.

use thymos_core::body::{self, Body, Resolution};
use thymos_core::budget::Cost;
use thymos_core::canonical;
use thymos_core::id::ProposalId;
use thymos_core::key::Domain;
use thymos_protocol::{Replied, Settlement};

use super::answer::fault;
use super::{RecordError, Session};

impl Session {
    pub(super) async fn settle(
        &mut self,
        proposal: ProposalId,
        settlement: Settlement,
        reason: String,
    ) -> Result<Replied, RecordError> {
        self.catch_up()?;
        let Some(work) = self.p.open_work.get(&proposal) else {
            return Ok(fault(
                "this work is not open",
                "look at the ledger: it may have ended",
            ));
        };
        if !self.in_doubt.contains(&proposal) {
            return Ok(fault("this work is still running", "interrupt it first"));
        }
        let started = work.entry;
        let resolution = match settlement {
            Settlement::Happened => Resolution::Happened,
            Settlement::DidNotHappen => Resolution::DidNotHappen,
            Settlement::GaveUp => Resolution::GaveUp,
        };
        // What it used is not known; the call itself is charged, the reservation given back.
        let cost = Cost {
            tool_calls: 1,
            ..Cost::default()
        };
        let message = canonical::encode(&(proposal, started, resolution, &reason))?;
        let key = &self.k.parts.operator_key;
        let body = body::Reconciled {
            proposal,
            started,
            resolution,
            reason,
            by: self.k.operator(),
            signature: key.sign(Domain::Reconciliation, message.as_bytes()),
            cost,
        };
        self.record(vec![Body::Reconciled(body)]).await?;
        self.in_doubt.remove(&proposal);
        Ok(Replied::Accepted)
    }
}
