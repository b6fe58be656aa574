//! A model that wants what is drawn: calls side by side, again, malformed, with secrets; and that breaks off.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use thymos_ports::Cognition;
use thymos_ports::cognition::{
    Context, ModelFault, ModelFaultKind, ModelIdentity, ProposedCall, Streamed, TokenUsage, Turn,
    TurnStop,
};
use thymos_protocol::ModelRow;
use thymos_runtime::ModelSource;
use thymos_testkit::model::{fault, says};
use tokio_util::sync::CancellationToken;

use super::draw::Dice;
use super::ground::Life;

/// The model of one process. Clones share what was wanted before.
#[derive(Clone)]
pub(super) struct SimModel {
    pub(super) dice: Dice,
    pub(super) life: Life,
    /// Secrets that it may write anywhere.
    pub(super) secrets: Vec<String>,
    /// What was wanted before: a model repeats itself.
    pub(super) wanted: Arc<Mutex<Vec<(String, Value)>>>,
    /// The story is over: it has nothing more to do.
    pub(super) calm: Arc<AtomicBool>,
}

/// What one request comes to.
#[derive(Clone, Copy)]
enum Mood {
    Calls,
    Done,
    Fault,
    Hang,
}

impl SimModel {
    fn call(&self, at: u64) -> ProposedCall {
        let (tool, args) = self.want();
        let malformed = self.dice.once_in(20).then(|| "{\"path\": ".to_owned());
        ProposedCall {
            call: format!("c{at}-{}", self.dice.below(1_000)),
            tool,
            args: if malformed.is_some() {
                Value::Null
            } else {
                args
            },
            malformed,
        }
    }

    fn want(&self) -> (String, Value) {
        let mut before = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        // A retry of the very same call, under another id of the provider's.
        if self.dice.once_in(4)
            && let Some(same) = self.dice.pick(&before)
        {
            return same.clone();
        }
        let (tool, args) = self.fresh();
        before.push((tool.to_owned(), args.clone()));
        (tool.to_owned(), args)
    }

    fn fresh(&self) -> (&'static str, Value) {
        let dice = &self.dice;
        let path = format!("src/{}", dice.below(3));
        let text = self.words();
        match dice.below(32) {
            0..=3 => ("grep", json!({"pattern": text})),
            4..=10 => ("fs_write", json!({"path": path, "content": text})),
            11..=15 => ("kv_set", json!({"key": path, "value": text})),
            16 | 17 => ("kv_delete", json!({"key": path})),
            18..=20 => ("test_run", json!({"what": dice.below(2)})),
            21 | 22 => (
                "shell",
                json!({"command": format!("make {}", dice.below(2))}),
            ),
            23 | 24 => ("glob", json!({"pattern": path})),
            25 => ("deploy", json!({"to": dice.below(2)})),
            26 => ("nonsense", json!({"a": 1})),
            _ => ("delegate", self.order(&path)),
        }
    }

    fn order(&self, path: &str) -> Value {
        let dice = &self.dice;
        let effects = dice.weighed(&[(1, "read"), (2, "write"), (3, "external")]);
        json!({
            "task": format!("look at {path}"), "effects": effects,
            "budget": {
                "tokens": 600 + dice.below(9_000), "tool_calls": 1 + dice.below(12),
                "wall_clock_ms": 1_000 + dice.below(400_000), "usd_millicents": 1 + dice.below(120)},
        })
    }

    /// A word, now and then one that must never be stored.
    fn words(&self) -> String {
        match self.dice.once_in(8).then(|| self.dice.pick(&self.secrets)) {
            Some(Some(secret)) => format!("here is {secret} for you"),
            _ => format!("x{}", self.dice.below(3)),
        }
    }

    fn usage(&self) -> TokenUsage {
        TokenUsage {
            input: self.dice.below(500),
            output: self.dice.below(100),
            usd_millicents: (!self.dice.once_in(5)).then(|| self.dice.below(20)),
            ..TokenUsage::default()
        }
    }

    fn turn(&self, calls: u64) -> Turn {
        Turn {
            text: self.words(),
            calls: (0..calls).map(|at| self.call(at)).collect(),
            stop: if calls > 0 {
                TurnStop::Calls
            } else {
                TurnStop::Done
            },
            usage: self.usage(),
            ..says("")
        }
    }

    fn broken(&self) -> ModelFault {
        let kinds = [
            ModelFaultKind::Cut,
            ModelFaultKind::Overloaded,
            ModelFaultKind::Timeout,
        ];
        let kind = *self.dice.pick(&kinds).unwrap();
        let mut fault = fault(kind, &format!("it broke off at {}", self.words()));
        if self.dice.once_in(2) {
            fault.usage = self.usage();
        }
        fault
    }
}

#[async_trait::async_trait]
impl Cognition for SimModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: "drawn".to_owned(),
            model: "test".to_owned(),
            context_tokens: Some(100_000),
        }
    }

    async fn propose(
        &self,
        _context: &Context,
        sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        self.life.go_on().await;
        if self.calm.load(Ordering::SeqCst) {
            return Ok(says("that is all"));
        }
        self.dice.dawdle().await;
        let moods = [
            (12, Mood::Calls),
            (4, Mood::Done),
            (1, Mood::Fault),
            (1, Mood::Hang),
        ];
        let mood = self.dice.weighed(&moods);
        let thinking = Duration::from_millis(match mood {
            Mood::Hang => 3_600_000,
            Mood::Calls | Mood::Done | Mood::Fault => self.dice.below(3) * self.dice.below(2_000),
        });
        tokio::select! {
            biased;
            () = cancel.cancelled() => {
                return Err(fault(ModelFaultKind::Cancelled, "cancelled"));
            }
            () = tokio::time::sleep(thinking) => {}
        }
        self.life.go_on().await;
        sink(Streamed::Text("well"));
        match mood {
            Mood::Calls => Ok(self.turn(1 + self.dice.below(4))),
            Mood::Done => Ok(self.turn(0)),
            Mood::Fault | Mood::Hang => Err(self.broken()),
        }
    }
}

impl ModelSource for SimModel {
    fn connect(&self, _name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault> {
        Ok(Arc::new(self.clone()))
    }

    fn list(&self) -> Vec<ModelRow> {
        Vec::new()
    }
}
