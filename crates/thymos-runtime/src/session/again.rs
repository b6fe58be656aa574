//! "Again": the operator has a call done once more that happens once for a key `[X3]`.

use thymos_core::IntentId;
use thymos_core::body::{self, Body};
use thymos_core::tool::Repeat;
use thymos_protocol::Replied;
use thymos_replay::projection::Fate;

use super::answer::fault;
use super::{Job, RecordError, Session};
use crate::redact::contains_marker;

impl Session {
    /// Records a fresh intent of the operator that names the one it repeats.
    pub(super) async fn again(&mut self, of: IntentId) -> Result<Replied, RecordError> {
        if let Err(no) = self.may_act("do it there, or end that one first").await {
            return Ok(no);
        }
        self.catch_up()?;
        let Some(call) = self.p.calls.get(&of) else {
            return Ok(fault("there is no such call here", "look at the ledger"));
        };
        if !matches!(call.fate, Fate::Ended { .. }) {
            return Ok(fault(
                "this call has not ended",
                "wait for it, or settle it",
            ));
        }
        let tool = call.intent.tool.clone();
        let once = self.k.tool_set.get(&tool);
        if once.is_none_or(|(contract, _)| contract.repeat != Repeat::OncePerKey) {
            return Ok(fault(
                format!("`{tool}` may be called as often as wanted"),
                "ask the model to do it again",
            ));
        }
        let live = self.live_args.get(&of).cloned();
        let args = live.unwrap_or_else(|| call.intent.args.clone());
        if contains_marker(&args) {
            return Ok(fault(
                "the call held a secret, and secrets are not stored",
                "give the model the task again",
            ));
        }
        let mut bodies = self.pins();
        let (id, intended) = self.intended_by_operator(&tool, &args)?;
        bodies.push(Body::Intent(body::Intended {
            again: Some(of),
            ..intended
        }));
        self.record(bodies).await?;
        self.queue.push_back(Job::Decide(id));
        Ok(Replied::Accepted)
    }
}
