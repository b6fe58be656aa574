//! The inside of a tool, and the one adapter that puts it behind the port.
//!
//! A body gets arguments and facts, never a `Begun`, so that it can be tested without the gate; only
//! [`Governed`] is handed out, and it reaches `act` by a `Begun` alone `[C17]`.

use async_trait::async_trait;
use serde_json::Value;
use thymos_core::isolation::Rung;
use thymos_core::outcome::{FaultKind, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, Tool};

/// What a body acts on: the permitted call.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) args: &'a Value,
    pub(crate) resolved: &'a Resolved,
    pub(crate) rung: Rung,
}

/// One tool without the port around it.
#[async_trait]
pub(crate) trait Body: Send + Sync {
    fn contract(&self) -> &ToolContract;

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable>;

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault>;

    /// As [`Tool::overwrites`].
    fn overwrites(&self, _resolved: &Resolved, _keep: Keep<'_>) {}

    /// As [`Tool::verify`]; by default there is nothing to look at.
    fn verify(&self, _outcome: &Outcome) -> Result<(), Unmet> {
        Ok(())
    }

    fn order(&self, _args: &Value) -> Option<Order> {
        None
    }

    /// As [`Tool::is_brief`].
    fn is_brief(&self) -> bool {
        false
    }
}

/// A body behind the port.
pub(crate) struct Governed<B>(pub(crate) B);

#[async_trait]
impl<B: Body> Tool for Governed<B> {
    fn contract(&self) -> &ToolContract {
        self.0.contract()
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        self.0.look(args, look)
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        self.0.overwrites(resolved, keep);
    }

    fn order(&self, args: &Value) -> Option<Order> {
        self.0.order(args)
    }

    fn is_brief(&self) -> bool {
        self.0.is_brief()
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let Some(resolved) = begun.resolved() else {
            return Err(failed("the warrant carries no facts to act on"));
        };
        let call = Call {
            args: begun.args(),
            resolved,
            rung: begun.rung(),
        };
        self.0.act(call, io).await
    }

    async fn verify(
        &self,
        _begun: &Begun,
        outcome: &Outcome,
        _io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        self.0.verify(outcome)
    }

    async fn probe(&self, _proposal: &Proposal, _look: &Look<'_>) -> Probed {
        // [X2] What a file tool did is told by its files, and the rest by nobody.
        Probed::Unknown
    }
}

pub(crate) fn failed(message: impl Into<String>) -> ToolFault {
    ToolFault::new(FaultKind::Failed, message)
}

pub(crate) fn moved(message: impl Into<String>) -> ToolFault {
    ToolFault::new(FaultKind::Moved, message)
}

pub(crate) fn cancelled() -> ToolFault {
    ToolFault::new(FaultKind::Cancelled, "stopped before it was done")
}
