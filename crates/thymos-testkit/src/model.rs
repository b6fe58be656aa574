//! A model whose turns a test writes. Calls no network and thinks nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use thymos_ports::Cognition;
use thymos_ports::cognition::{
    Context, ModelFault, ModelFaultKind, ModelIdentity, ProposedCall, Streamed, TokenUsage, Turn,
    TurnStop,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What a model does when it is asked.
pub enum Step {
    /// Says this.
    Turn(Turn),
    /// Breaks off.
    Fault(ModelFault),
    /// Thinks until it is cancelled.
    Hang,
    /// Looks at what it is shown first.
    Look(Thought),
}

/// A turn that depends on the context.
pub type Thought = Arc<dyn Fn(&Context) -> Result<Turn, ModelFault> + Send + Sync>;

/// Plays its steps in order; afterwards it is done, or goes on with its closure. Clones share.
#[derive(Clone)]
pub struct ScriptedModel {
    inner: Arc<Mutex<Inner>>,
    asked: Arc<Notify>,
}

struct Inner {
    steps: VecDeque<Step>,
    forever: Option<Thought>,
    contexts: Vec<Context>,
}

impl ScriptedModel {
    /// Plays these steps.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        Self::with(steps, None)
    }

    /// Answers every context by this.
    #[must_use]
    pub fn answering(
        thought: impl Fn(&Context) -> Result<Turn, ModelFault> + Send + Sync + 'static,
    ) -> Self {
        Self::with(Vec::new(), Some(Arc::new(thought)))
    }

    fn with(steps: Vec<Step>, forever: Option<Thought>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                steps: steps.into(),
                forever,
                contexts: Vec::new(),
            })),
            asked: Arc::default(),
        }
    }

    /// Adds a step at the end.
    pub fn push(&self, step: Step) {
        self.lock().steps.push_back(step);
    }

    /// Everything it was shown, in order.
    #[must_use]
    pub fn contexts(&self) -> Vec<Context> {
        self.lock().contexts.clone()
    }

    /// Told each time it is asked; await it before cancelling a hanging step.
    #[must_use]
    pub fn asked(&self) -> Arc<Notify> {
        Arc::clone(&self.asked)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, context: &Context) -> Step {
        let mut inner = self.lock();
        inner.contexts.push(context.clone());
        let forever = inner.forever.clone().map(Step::Look);
        let next = inner.steps.pop_front().or(forever);
        next.unwrap_or_else(|| Step::Turn(says("")))
    }
}

#[async_trait]
impl Cognition for ScriptedModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: "scripted".to_owned(),
            model: "test".to_owned(),
            context_tokens: Some(100_000),
        }
    }

    async fn propose(
        &self,
        context: &Context,
        sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        let step = self.next(context);
        self.asked.notify_one();
        let turn = match step {
            Step::Turn(turn) => turn,
            Step::Fault(fault) => return Err(fault),
            Step::Hang => {
                cancel.cancelled().await;
                return Err(fault(ModelFaultKind::Cancelled, "cancelled"));
            }
            Step::Look(thought) => thought(context)?,
        };
        if !turn.text.is_empty() {
            sink(Streamed::Text(&turn.text));
        }
        for call in &turn.calls {
            sink(Streamed::Call(&call.tool));
        }
        Ok(turn)
    }
}

/// A turn that only says something: the model is done.
#[must_use]
pub fn says(text: &str) -> Turn {
    Turn {
        text: text.to_owned(),
        reasoning: String::new(),
        provider_state: None,
        calls: Vec::new(),
        stop: TurnStop::Done,
        usage: TokenUsage {
            input: 100,
            output: 10,
            usd_millicents: Some(1),
            ..TokenUsage::default()
        },
        attempts: 1,
    }
}

/// A turn that wants these calls, with call ids `c0`, `c1` and so on.
#[must_use]
pub fn calls(wanted: Vec<(&str, Value)>) -> Turn {
    let calls = wanted.into_iter().enumerate();
    Turn {
        calls: calls
            .map(|(at, (tool, args))| ProposedCall {
                call: format!("c{at}"),
                tool: tool.to_owned(),
                args,
                malformed: None,
            })
            .collect(),
        stop: TurnStop::Calls,
        ..says("")
    }
}

/// A fault without usage.
#[must_use]
pub fn fault(kind: ModelFaultKind, message: &str) -> ModelFault {
    ModelFault {
        kind,
        message: message.to_owned(),
        hint: None,
        usage: TokenUsage::default(),
    }
}
