//! What a protocol must say about itself: how a context is written and how a stream is read.
//!
//! Sends nothing; the exchange does, the same way for all protocols.

use serde_json::Value;
use thymos_ports::cognition::{Context, ProposedCall, Streamed, TurnStop};

use crate::fault::{Broken, Refusal, Said, malformed};
use crate::limits::TURN_BYTES_MAX;
use crate::prices::Spent;
use crate::sse::SseEvent;

/// Where live pieces go.
pub(crate) type Sink<'a> = &'a mut (dyn FnMut(Streamed<'_>) + Send);

/// One protocol.
pub(crate) trait Wire: Send + Sync {
    /// The request's body.
    fn body(&self, context: &Context, model: &str) -> Value;

    /// A reader for one response.
    fn reader(&self, names: Names) -> Box<dyn Reader>;
}

/// Who is spoken to, for sentences.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) provider: String,
    pub(crate) model: String,
}

/// Whether more is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    /// The stop reason is there; only late usage may follow.
    Tail,
    Finished,
}

/// Reads one response.
pub(crate) trait Reader: Send {
    /// Takes one event.
    fn event(&mut self, event: &Value, sink: Sink<'_>) -> Result<Flow, Broken>;

    /// The turn; a fault when the stop reason never came.
    fn finish(self: Box<Self>) -> Result<Finished, Broken>;

    /// What was used so far, as far as told.
    fn spent(&self) -> Spent;
}

/// A whole turn, before it is priced.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) provider_state: Option<Value>,
    pub(crate) calls: Vec<ProposedCall>,
    pub(crate) stop: TurnStop,
}

impl Names {
    /// An error inside a stream or inside a response that claims success; `said` is scrubbed later.
    pub(crate) fn refusal(&self, said: Said) -> Broken {
        Refusal {
            provider: &self.provider,
            model: &self.model,
            status: None,
            said,
            retry_after_ms: None,
        }
        .classify()
    }

    pub(crate) fn malformed(&self, what: &str) -> Broken {
        malformed(&self.provider, what)
    }

    /// The end came without a stop reason: cut off, unless nothing of it was ever understood.
    pub(crate) fn stopless(&self, understood: bool, unknown: u64) -> Broken {
        if !understood && unknown > 0 {
            return self.malformed(&format!(
                "{unknown} events of unknown kinds and nothing else"
            ));
        }
        crate::fault::cut(&self.provider)
    }
}

/// Text and reasoning as they come in, bounded together.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    bytes: usize,
}

impl Written {
    pub(crate) fn text(&mut self, piece: &str, sink: Sink<'_>) -> bool {
        if !piece.is_empty() {
            self.text.push_str(piece);
            sink(Streamed::Text(piece));
        }
        self.count(piece)
    }

    pub(crate) fn reasoning(&mut self, piece: &str, sink: Sink<'_>) -> bool {
        if !piece.is_empty() {
            self.reasoning.push_str(piece);
            sink(Streamed::Reasoning(piece));
        }
        self.count(piece)
    }

    /// Counts bytes kept elsewhere; tells whether the turn is still within its limit.
    pub(crate) fn count(&mut self, piece: &str) -> bool {
        self.bytes = self.bytes.saturating_add(piece.len());
        self.bytes <= TURN_BYTES_MAX
    }
}

/// The event's JSON; none for one that carries nothing.
pub(crate) fn parse(event: &SseEvent, names: &Names) -> Result<Option<Value>, Broken> {
    let data = event.data.trim();
    if data.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(data) {
        Ok(value) => Ok(Some(value)),
        // The last event of a broken connection is half an event, which is no fault of form.
        Err(_) if event.unterminated => Err(crate::fault::cut(&names.provider)),
        Err(_) => Err(names.malformed("an event that is not JSON")),
    }
}

/// A count of tokens, whatever a provider makes of it: absent, negative, fractional, absurd.
pub(crate) fn tokens(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(saturated)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates at both ends, which is wanted"
)]
fn saturated(number: f64) -> u64 {
    number as u64
}
