//! The model port: a context goes in, a turn comes out. A model has no other means `[G2]`.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use thymos_core::tool::ToolContract;
use tokio_util::sync::CancellationToken;

/// A model that proposes.
#[async_trait]
pub trait Cognition: Send + Sync {
    /// The provider entry and model name, as recorded with usage.
    fn identity(&self) -> ModelIdentity;

    /// Whether it can put its older turns into words; for one that cannot they are left out.
    fn sums_up(&self) -> bool {
        true
    }

    /// Thinks one turn. Streams text to `sink`; the turn it returns is complete or there is none.
    ///
    /// # Errors
    /// [`ModelFault`]; never half a turn. What was streamed is then void and the screen drops it.
    async fn propose(
        &self,
        context: &Context,
        // Written out because the macro would otherwise tie every piece to one lifetime.
        sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault>;
}

/// Who thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelIdentity {
    /// The provider entry of the config, such as `anthropic` or `practice`.
    pub provider: String,
    /// The model name, verbatim.
    pub model: String,
    /// Tokens that fit into its context; none when unknown.
    pub context_tokens: Option<u64>,
}

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Its next turn.
    #[default]
    Turn,
    /// A summary of its older turns, in words and without calls.
    Summary,
}

/// Everything a model is shown. Built from the projection and from nothing else.
#[derive(Debug, Clone)]
pub struct Context {
    /// What it is asked for.
    pub purpose: Purpose,
    /// Turns that it had in this conversation, shown or not; 0 for a summary.
    pub turns: usize,
    /// Standing instructions.
    pub system: String,
    /// The conversation so far, oldest first.
    pub messages: Vec<ContextMessage>,
    /// Tools its writ could allow, by name.
    pub tools: Vec<ToolContract>,
    /// Most tokens to write.
    pub output_tokens_max: u64,
}

/// One message of a context.
#[derive(Debug, Clone, PartialEq)]
pub enum ContextMessage {
    /// A person said this.
    Operator(String),
    /// The model said this, and wanted these calls.
    Model {
        /// Text, may be empty.
        text: String,
        /// Calls it made in this turn.
        calls: Vec<ProposedCall>,
        /// Opaque provider blocks to replay.
        provider_state: Option<Value>,
    },
    /// What came of one call.
    Result {
        /// The provider's call id.
        call: String,
        /// The tool's name.
        tool: String,
        /// What the model reads.
        text: String,
        /// Whether it is a refusal, denial or fault.
        is_error: bool,
    },
}

/// A call as a model wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposedCall {
    /// The provider's call id; unique within the turn (adapters repair empty or repeated ones).
    pub call: String,
    /// The tool's name, verbatim.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
    /// Set when the arguments were not JSON: the raw text. `args` is then null, and `[C1]` refuses.
    pub malformed: Option<String>,
}

/// Live bits of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streamed<'a> {
    /// More text.
    Text(&'a str),
    /// More visible reasoning.
    Reasoning(&'a str),
    /// A call is being written: its tool's name.
    Call(&'a str),
    /// Everything streamed in this turn is void: the attempt is retried. Says why and for how long.
    Restart {
        /// One sentence.
        reason: &'a str,
        /// Milliseconds until the next attempt.
        wait_ms: u64,
    },
}

/// A complete turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Text.
    pub text: String,
    /// Visible reasoning.
    pub reasoning: String,
    /// Opaque provider blocks that must be replayed.
    pub provider_state: Option<Value>,
    /// Calls, in the order written.
    pub calls: Vec<ProposedCall>,
    /// Why the model stopped.
    pub stop: TurnStop,
    /// What it used.
    pub usage: TokenUsage,
    /// Attempts, retries included; at least 1.
    pub attempts: u32,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnStop {
    /// It has nothing more to say.
    Done,
    /// It wants its calls answered.
    Calls,
    /// It ran into its output limit.
    Length,
    /// The provider's filter or the model itself declined; in its words.
    Declined(String),
}

/// Tokens of one turn. Saturating, since providers send nonsense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenUsage {
    /// Read, cached included.
    pub input: u64,
    /// Of those, from a cache.
    pub cached: u64,
    /// Written, reasoning included.
    pub output: u64,
    /// Of those, reasoning.
    pub reasoning: u64,
    /// Price; none when unknown.
    pub usd_millicents: Option<u64>,
}

/// Why there is no turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFault {
    /// What kind.
    pub kind: ModelFaultKind,
    /// One sentence without a full stop, in plain words.
    pub message: String,
    /// What to do now.
    pub hint: Option<String>,
    /// What was used all the same, as far as known.
    pub usage: TokenUsage,
}

/// Kinds of model fault (models.md 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelFaultKind {
    /// Key missing or refused.
    Auth,
    /// No such model or address.
    NotFound,
    /// The request was refused as malformed.
    BadRequest,
    /// Too many requests.
    RateLimited,
    /// The provider is overloaded or broken.
    Overloaded,
    /// The context does not fit.
    ContextTooLong,
    /// The stream was not what the protocol says.
    Malformed,
    /// The stream broke off.
    Cut,
    /// Nothing came in time.
    Timeout,
    /// No connection.
    NoRoute,
    /// A person stopped it.
    Cancelled,
}

impl fmt::Display for ModelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ModelFault {}
