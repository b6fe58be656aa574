//! `delegate`: hands a task to an agent of its own, under a narrower writ `[D1]`.
//!
//! States the order and its price; the kernel opens the trajectory and runs it.

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_core::budget::{Budget, Cost};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Compensation, Recovery, ToolContract};
use thymos_ports::tool::{Look, Order, ToolFault, ToolIo, Unresolvable};

use crate::body::{Body, Call, failed};
use crate::contract::{object, reading};

/// Characters of a task. A longer one belongs into a file that the agent can read.
const TASK_CHARS_MAX: usize = 16_000;

/// Tool patterns of one order.
const TOOLS_MAX: usize = 32;

/// What an agent may spend when the call does not say, where the writ in force has that much to divide.
const BUDGET: Cost = Cost {
    tokens: 200_000,
    tool_calls: 40,
    wall_clock_ms: 15 * 60 * 1000,
    usd_millicents: 50_000,
};

/// Of what the writ in force allows, the part that an agent gets at most unless the call says more: two can
/// be at work at once, and some is left for whoever ordered them.
const PARTS: u64 = 3;

/// The tool.
pub(crate) struct Delegate {
    contract: ToolContract,
}

impl Delegate {
    pub(crate) fn new() -> Self {
        Self {
            contract: ToolContract {
                risk_floor: Risk::Medium,
                // The child's own record says what became of it.
                recovery: Recovery::Queryable,
                compensation: Compensation::FromRecord,
                ..reading("delegate", DESCRIPTION, schema())
            },
        }
    }
}

const DESCRIPTION: &str = "Hand a self-contained task to an agent of its own, which works in \
    parallel under a narrower writ and reports back. It knows nothing of this conversation: say \
    all it needs. `effects` is the most it may do (default read), `tools` limits it further, \
    `budget` is taken from yours until it ends; what you do not name is at most a third of your limit.";

fn schema() -> Value {
    let amount = |what: &str| {
        json!({
            "type": "integer", "minimum": 1, "maximum": 9_007_199_254_740_991_u64,
            "description": what
        })
    };
    object(
        json!({
            "task": {
                "type": "string", "description": "all that the agent needs to know",
                "minLength": 1, "maxLength": TASK_CHARS_MAX},
            "tools": {
                "type": "array", "description": "tools it may use, as patterns such as fs_*",
                "maxItems": TOOLS_MAX,
                "items": {"type": "string", "minLength": 1, "maxLength": 128}
            },
            "effects": {
                "description": "the most that it may do",
                "enum": ["pure", "read", "write", "external", "irreversible"]},
            "budget": {
                "type": "object", "description": "taken from yours until it ends",

                "properties": {
                    "tokens": amount("model tokens, in and out"),
                    "tool_calls": amount("calls of tools"),
                    "wall_clock_ms": amount("milliseconds of tools and models"),
                    "usd_millicents": amount("thousandths of a US cent")
                },
                "additionalProperties": false
            }
        }),
        &["task"],
    )
}

#[async_trait]
impl Body for Delegate {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let order = order(args).ok_or_else(|| Unresolvable::new("there is no task"))?;
        let budget = share(&order.budget, &look.limits);
        Ok(Resolved {
            // Opening a trajectory writes to the record alone; what the agent then does is judged
            // call by call. One that may only look is no more than looking.
            effect: order.ceiling.clamp(EffectClass::Read, EffectClass::Write),
            risk: Risk::Medium,
            estimate: budget.plus(&Cost::ONE_CALL),
            compensation: Compensation::FromRecord,
            notes: vec![told(&order, &budget)],
            ..Resolved::pure()
        })
    }

    fn order(&self, args: &Value) -> Option<Order> {
        order(args)
    }

    async fn act(&self, _call: Call<'_>, _io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        Err(failed("only the kernel can open a trajectory"))
    }
}

/// What is named, and of the rest a part.
fn share(named: &Budget, limits: &Budget) -> Cost {
    Cost::each(|dimension| {
        let part = |limit: u64| (limit / PARTS).max(1);
        let most = limits.limit(dimension).map_or(u64::MAX, part);
        let named = named.limit(dimension);
        named.unwrap_or_else(|| BUDGET.amount(dimension).min(most))
    })
}

fn told(order: &Order, budget: &Cost) -> String {
    let tools = if order.tools.is_empty() {
        "every tool that is granted here".to_owned()
    } else {
        order.tools.join(", ")
    };
    format!(
        "an agent of its own with effects up to {}, {tools}, at most {} tokens, {} tool calls, {} \
         ms and {} millicents",
        order.ceiling,
        budget.tokens,
        budget.tool_calls,
        budget.wall_clock_ms,
        budget.usd_millicents
    )
}

fn order(args: &Value) -> Option<Order> {
    let task = args.get("task")?.as_str()?.trim();
    if task.is_empty() {
        return None;
    }
    let tools = args.get("tools").and_then(Value::as_array);
    let tools = tools.map_or_else(Vec::new, |tools| {
        let names = tools.iter().filter_map(Value::as_str);
        names.map(ToOwned::to_owned).collect()
    });
    let ceiling = args
        .get("effects")
        .map_or(Some(EffectClass::Read), |word| {
            serde_json::from_value(word.clone()).ok()
        })?;
    let amount = |name: &str| args.get("budget")?.get(name)?.as_u64();
    Some(Order {
        task: task.to_owned(),
        tools,
        ceiling,
        budget: Budget {
            tokens: amount("tokens"),
            tool_calls: amount("tool_calls"),
            wall_clock_ms: amount("wall_clock_ms"),
            usd_millicents: amount("usd_millicents"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w6_an_order_without_a_budget_still_has_one_in_every_dimension() {
        let order = order(&json!({"task": "look around"})).unwrap();
        assert_eq!(share(&order.budget, &Budget::unlimited()), BUDGET);
        assert_eq!(order.ceiling, EffectClass::Read);
    }

    #[test]
    fn w6_what_is_not_named_is_a_part_of_the_limit_and_what_is_named_is_as_named() {
        let named = order(&json!({"task": "x", "budget": {"tokens": 99}})).unwrap();
        let limits = Budget {
            tokens: Some(60),
            tool_calls: Some(2),
            wall_clock_ms: Some(900_000),
            usd_millicents: None,
        };
        let got = share(&named.budget, &limits);
        let expected = Cost {
            tokens: 99,
            tool_calls: 1,
            wall_clock_ms: 300_000,
            usd_millicents: BUDGET.usd_millicents,
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn an_order_without_a_task_is_none() {
        assert_eq!(order(&json!({"task": "  "})), None);
        assert_eq!(order(&json!({"task": "x", "effects": "everything"})), None);
    }
}
