//! What a seed draws: the calls that a model wants, the rules, the people; and the model that wants them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_policy::{Bundle, PolicySet, Shelf, Switches};
use thymos_ports::Cognition;
use thymos_ports::cognition::{Context, ContextMessage, ModelFault, ModelIdentity, Streamed, Turn};
use thymos_protocol::ModelRow;
use thymos_runtime::ModelSource;
use thymos_testkit::model::{calls, says};
use thymos_testkit::road::shelf;
use tokio_util::sync::CancellationToken;

use super::points::Points;
use crate::sim::draw::Dice;

/// What is wanted, by one seed.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Turns, each with its calls side by side.
    pub(super) turns: Vec<Vec<(&'static str, Value)>>,
    /// What the house's own rules ask about.
    pub(super) asked: Vec<&'static str>,
    /// Whether a run goes on by itself once its last hold is answered.
    pub(super) continues: bool,
    /// Whether the log is so long already that a checkpoint is due in the middle of the run.
    pub(super) long: bool,
    /// Whether a skill is bound before the first prompt.
    pub(super) skill: bool,
    /// Whether a person takes back at the end what can be taken back.
    pub(super) undo: bool,
    /// Whether a person branches off the newest commit at the end.
    pub(super) branch: bool,
    /// Whether the branch's writ is revoked when it is done.
    pub(super) revoke: bool,
}

/// Tools, and how often each is wanted.
const WANTED: &[(u64, &str)] = &[
    (1, "grep"),
    (2, "kv_set"),
    (2, "fs_write"),
    (3, "glob"),
    (3, "test_run"),
    (4, "shell"),
    (2, "delegate"),
    (1, "memory_write"),
];

/// What a person says on a branch, first.
pub(super) const ON_THE_BRANCH: &str = "on the branch";

/// Every this many seeds the log is long.
const LONG_EVERY: u64 = 16;

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let dice = Dice::of(seed, "plan");
        let mut turns: Vec<Vec<(&'static str, Value)>> = Vec::new();
        for turn in 0..1 + dice.below(2) {
            let calls = 1 + dice.below(3);
            turns.push(
                (0..calls)
                    .map(|at| call(&dice, &format!("{seed}.{turn}-{at}")))
                    .collect(),
            );
        }
        // Sometimes the very same call once more, side by side with itself.
        if dice.once_in(4)
            && let Some(first) = turns.first_mut()
        {
            first.extend(first.first().cloned());
        }
        let asked = match seed % 3 {
            0 => vec!["shell", "glob"],
            1 => vec!["test_run"],
            _ => Vec::new(),
        };
        Self {
            seed,
            turns,
            asked,
            continues: dice.once_in(2),
            long: seed % LONG_EVERY == LONG_EVERY - 1,
            skill: seed % 4 == 1,
            undo: seed.is_multiple_of(4),
            branch: seed % 4 == 2 || seed.is_multiple_of(8),
            revoke: seed % 4 == 2,
        }
    }

    /// The rules in force: the program's own, and the house's.
    pub(super) fn rules(&self) -> Shelf {
        let rule = |tool: &&str| {
            json!({"id": tool, "reason": "the house asks", "decision": "ask",
                   "when": {"field": "intent.tool", "op": "eq", "value": tool}})
        };
        let rules: Vec<Value> = self.asked.iter().map(rule).collect();
        let house = json!({"name": "house", "version": "1", "default": "permit", "rules": rules});
        let mut bundles = PolicySet::builtin().bundles().to_vec();
        if !rules.is_empty() {
            bundles.push(Bundle::from_value(&house).expect("a sound bundle"));
        }
        shelf(&PolicySet::new(bundles, Switches::standard()))
    }
}

/// A call that no other story wants: what happens once for a key happens once in the whole record.
fn call(dice: &Dice, what: &str) -> (&'static str, Value) {
    let tool = dice.weighed(WANTED);
    let args = match tool {
        "grep" | "glob" => json!({"pattern": what}),
        "kv_set" => json!({"key": what, "value": 1}),
        "fs_write" => json!({"path": "a.txt", "content": what}),
        "memory_write" => json!({"key": what, "text": "a note"}),
        "shell" => json!({"command": what}),
        "delegate" => json!({
            "task": format!("look at {what}"), "effects": "external",
            "budget": {"tokens": 20_000, "tool_calls": 6, "wall_clock_ms": 600_000,
                       "usd_millicents": 100}}),
        _ => json!({"what": what}),
    };
    (tool, args)
}

/// The model of one process: it wants the whole plan, whatever was done before it.
#[derive(Clone)]
pub(super) struct Planned {
    plan: Plan,
    points: Points,
    asked: Arc<AtomicUsize>,
}

impl Planned {
    pub(super) fn new(plan: Plan, points: Points) -> Self {
        Self {
            plan,
            points,
            asked: Arc::default(),
        }
    }

    /// Whether it has wanted everything.
    pub(super) fn is_through(&self) -> bool {
        self.asked.load(Ordering::SeqCst) > self.plan.turns.len()
    }

    /// It wants the whole plan once more.
    pub(super) fn rewind(&self) {
        self.asked.store(0, Ordering::SeqCst);
    }

    fn next(&self) -> Turn {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let Some(wanted) = self.plan.turns.get(turn) else {
            return says("that is all");
        };
        calls(wanted.clone())
    }
}

/// What a delegated agent does: one call of each class, then its report.
fn delegated(seed: u64, context: &Context) -> Turn {
    let acted = context
        .messages
        .iter()
        .any(|message| matches!(message, ContextMessage::Model { calls, .. } if !calls.is_empty()));
    if acted {
        return says("I looked");
    }
    let what = format!("{seed}.child");
    calls(vec![
        ("glob", json!({"pattern": what})),
        ("test_run", json!({"what": what})),
        ("shell", json!({"command": what})),
    ])
}

/// What is wanted on a branch: to keep one value, then nothing.
fn branched(context: &Context) -> Option<Turn> {
    let mut since = context.messages.iter().rev();
    let mut acted = false;
    let told = since.find(|message| {
        acted |= matches!(message, ContextMessage::Model { calls, .. } if !calls.is_empty());
        matches!(message, ContextMessage::Operator(text) if text.starts_with(ON_THE_BRANCH))
    });
    told.map(|_| match acted {
        true => says("it is kept"),
        false => calls(vec![("kv_set", json!({"key": "branched", "value": 1}))]),
    })
}

#[async_trait]
impl Cognition for Planned {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: "planned".to_owned(),
            model: "test".to_owned(),
            context_tokens: Some(100_000),
        }
    }

    async fn propose(
        &self,
        context: &Context,
        _sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        _cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        self.points.pass("thought before");
        let first = context.messages.first();
        let child =
            matches!(first, Some(ContextMessage::Operator(text)) if text.contains("look at"));
        let turn = if child {
            delegated(self.plan.seed, context)
        } else {
            branched(context).unwrap_or_else(|| self.next())
        };
        self.points.pass("thought after");
        Ok(turn)
    }
}

impl ModelSource for Planned {
    fn connect(&self, _name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault> {
        Ok(Arc::new(self.clone()))
    }

    fn list(&self) -> Vec<ModelRow> {
        Vec::new()
    }
}
