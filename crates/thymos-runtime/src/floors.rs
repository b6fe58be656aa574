//! The operator's table over tools: what no call of a tool may be taken for less than `[C18]`.
//!
//! A tool behind a floor promises and reports no less than the floor says, so that the pinned
//! contract, the facts and every verdict rest on it. It lifts; nothing here can lower.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::outcome::Outcome;
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Floor, Repeat, ToolContract};
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, Tool};

/// The tool, lifted to its floor.
#[must_use]
pub fn lifted(tool: Arc<dyn Tool>, floor: Floor) -> Arc<dyn Tool> {
    let mut contract = tool.contract().clone();
    contract.effect_floor = contract
        .effect_floor
        .max(floor.effect.unwrap_or(EffectClass::Pure));
    contract.risk_floor = contract.risk_floor.max(floor.risk.unwrap_or(Risk::Low));
    if floor.once {
        contract.repeat = Repeat::OncePerKey;
    }
    Arc::new(Lifted {
        tool,
        floor,
        contract,
    })
}

struct Lifted {
    tool: Arc<dyn Tool>,
    floor: Floor,
    contract: ToolContract,
}

#[async_trait]
impl Tool for Lifted {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        if let Some(least) = self.floor.rung.filter(|least| look.rung < *least) {
            let message = format!(
                "the operator wants a cage of {least} or better for `{}`, and this machine offers {}",
                self.contract.name, look.rung
            );
            return Err(Unresolvable::new(message));
        }
        let mut resolved = self.tool.resolve(args, look).await?;
        resolved.effect = resolved.effect.max(self.contract.effect_floor);
        resolved.risk = resolved.risk.max(self.contract.risk_floor);
        Ok(resolved)
    }

    fn order(&self, args: &Value) -> Option<Order> {
        self.tool.order(args)
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        self.tool.overwrites(resolved, keep);
    }

    fn is_brief(&self) -> bool {
        self.tool.is_brief()
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        self.tool.run(begun, io).await
    }

    async fn verify(
        &self,
        begun: &Begun,
        outcome: &Outcome,
        io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        self.tool.verify(begun, outcome, io).await
    }

    async fn probe(&self, proposal: &Proposal, look: &Look<'_>) -> Probed {
        self.tool.probe(proposal, look).await
    }
}
