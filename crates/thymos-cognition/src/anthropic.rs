//! Anthropic Messages: content blocks, signed thinking, cache markers.
//!
//! Sends nothing itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use thymos_ports::cognition::{Context, Streamed, TurnStop};

use crate::calls::{Calls, Ending, Piece};
use crate::conversation::{self, Spoken};
use crate::fault::{Broken, Said};
use crate::prices::Spent;
use crate::wire::{Finished, Flow, Names, Reader, Sink, Wire, Written, tokens};

#[cfg(test)]
mod tests;

/// Key of the replayed blocks inside `provider_state`, so that no other protocol takes them.
const STATE: &str = "anthropic_thinking";

/// The protocol.
pub(crate) struct Messages;

impl Wire for Messages {
    fn body(&self, context: &Context, model: &str) -> Value {
        let mut messages: Vec<Value> = conversation::order(&context.messages)
            .into_iter()
            .map(message)
            .collect();
        // Three of the four allowed markers: tools, system, and the conversation so far.
        if let Some(last) = messages.last_mut() {
            mark_last(&mut last["content"]);
        }
        let mut body = json!({
            "model": model,
            "max_tokens": context.output_tokens_max,
            "stream": true,
            "messages": messages,
        });
        if !context.system.is_empty() {
            body["system"] = json!([{"type": "text", "text": context.system}]);
            mark_last(&mut body["system"]);
        }
        if !context.tools.is_empty() {
            let tools = context.tools.iter().map(|tool| {
                json!({
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.schema,
                })
            });
            body["tools"] = tools.collect();
            mark_last(&mut body["tools"]);
        }
        body
    }

    fn reader(&self, names: Names) -> Box<dyn Reader> {
        Box::new(MessagesReader {
            names,
            written: Written::default(),
            calls: Calls::default(),
            thinking: BTreeMap::new(),
            stop: None,
            usage: Told::default(),
            understood: false,
            unknown: 0,
        })
    }
}

fn mark_last(blocks: &mut Value) {
    if let Some(last) = blocks.as_array_mut().and_then(|blocks| blocks.last_mut()) {
        last["cache_control"] = json!({"type": "ephemeral"});
    }
}

fn message(spoken: Spoken) -> Value {
    match spoken {
        Spoken::Operator { results, words } => {
            let results = results.into_iter().map(|result| {
                // An empty text block is refused by the service, an absent one is not.
                let text = if result.text.trim().is_empty() {
                    "(nothing)".to_owned()
                } else {
                    result.text
                };
                json!({
                    "type": "tool_result",
                    "tool_use_id": result.id,
                    "content": text,
                    "is_error": result.is_error,
                })
            });
            let words = words
                .into_iter()
                .map(|text| json!({"type": "text", "text": text}));
            let content: Vec<Value> = results.chain(words).collect();
            json!({"role": "user", "content": content})
        }
        Spoken::Model {
            text,
            calls,
            provider_state,
        } => {
            let mut content = replayed(provider_state);
            if !text.trim().is_empty() {
                content.push(json!({"type": "text", "text": text.trim_end()}));
            }
            content.extend(calls.into_iter().map(|call| {
                json!({"type": "tool_use", "id": call.id, "name": call.tool, "input": call.args})
            }));
            if content.is_empty() {
                content.push(json!({"type": "text", "text": "(nothing)"}));
            }
            json!({"role": "assistant", "content": content})
        }
    }
}

/// Signed thinking goes back first and exactly as it came.
fn replayed(provider_state: Option<Value>) -> Vec<Value> {
    match provider_state {
        Some(Value::Object(mut state)) => match state.remove(STATE) {
            Some(Value::Array(blocks)) => blocks,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Counts as told, each the latest.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_written: Option<u64>,
    output: Option<u64>,
}

struct MessagesReader {
    names: Names,
    written: Written,
    calls: Calls,
    /// Thinking blocks by their position.
    thinking: BTreeMap<u64, Map<String, Value>>,
    stop: Option<String>,
    usage: Told,
    understood: bool,
    unknown: u64,
}

impl Reader for MessagesReader {
    fn event(&mut self, event: &Value, sink: Sink<'_>) -> Result<Flow, Broken> {
        let kind = event
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if let Some(said) = Said::of(event) {
            return Err(self.names.refusal(said));
        }
        match kind {
            "message_start" => self.usage(event.get("message").and_then(|m| m.get("usage"))),
            "content_block_start" => self.block(event, sink)?,
            "content_block_delta" => self.delta(event, sink)?,
            "message_delta" => {
                let delta = event.get("delta").unwrap_or(&Value::Null);
                if let Some(stop) = delta.get("stop_reason").and_then(Value::as_str) {
                    self.stop = Some(stop.to_owned());
                }
                self.usage(event.get("usage"));
            }
            "message_stop" => return Ok(Flow::Finished),
            "content_block_stop" | "ping" => {}
            _ => {
                self.unknown += 1;
                return Ok(Flow::More);
            }
        }
        self.understood = true;
        Ok(if self.stop.is_some() {
            Flow::Tail
        } else {
            Flow::More
        })
    }

    fn finish(self: Box<Self>) -> Result<Finished, Broken> {
        let Some(stop) = self.stop else {
            return Err(self.names.stopless(self.understood, self.unknown));
        };
        let (stop, ending) = match stop.as_str() {
            "max_tokens" | "model_context_window_exceeded" => (TurnStop::Length, Ending::Truncated),
            "refusal" => (
                TurnStop::Declined("the model declined to go on".to_owned()),
                Ending::Truncated,
            ),
            _ if self.calls.is_empty() => (TurnStop::Done, Ending::Whole),
            _ => (TurnStop::Calls, Ending::Whole),
        };
        let calls = match stop {
            // A turn that was withdrawn wants nothing.
            TurnStop::Declined(_) => Vec::new(),
            TurnStop::Done | TurnStop::Calls | TurnStop::Length => self.calls.finish(ending),
        };
        // A block whose signature never came would be refused when replayed.
        let blocks: Vec<Value> = self
            .thinking
            .into_values()
            .filter(|block| {
                let kept = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
                !kept("signature").is_empty() || !kept("data").is_empty()
            })
            .map(Value::Object)
            .collect();
        Ok(Finished {
            text: self.written.text,
            reasoning: self.written.reasoning,
            provider_state: (!blocks.is_empty()).then(|| json!({ STATE: blocks })),
            calls,
            stop,
        })
    }

    fn spent(&self) -> Spent {
        let Told {
            input,
            cache_read,
            cache_written,
            output,
        } = self.usage;
        let (cached, written) = (cache_read.unwrap_or(0), cache_written.unwrap_or(0));
        Spent {
            // The service counts the three kinds of input apart.
            input: input
                .unwrap_or(0)
                .saturating_add(cached)
                .saturating_add(written),
            cached,
            cache_written: written,
            output: output.unwrap_or(0),
            reasoning: 0,
            told: input.is_some() || output.is_some(),
        }
    }
}

impl MessagesReader {
    fn usage(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else {
            return;
        };
        let Told {
            input,
            cache_read,
            cache_written,
            output,
        } = &mut self.usage;
        for (name, count) in [
            ("input_tokens", input),
            ("cache_read_input_tokens", cache_read),
            ("cache_creation_input_tokens", cache_written),
            ("output_tokens", output),
        ] {
            *count = tokens(usage.get(name)).or(*count);
        }
    }

    fn block(&mut self, event: &Value, sink: Sink<'_>) -> Result<(), Broken> {
        let index = event.get("index").and_then(Value::as_u64);
        let block = event.get("content_block").unwrap_or(&Value::Null);
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        let within = match text("type") {
            "text" => self.written.text(text("text"), sink),
            "thinking" | "redacted_thinking" => {
                let kept = block.as_object().cloned().unwrap_or_default();
                self.thinking.insert(index.unwrap_or(0), kept);
                self.written.count(text("data")) && self.written.reasoning(text("thinking"), sink)
            }
            "tool_use" => {
                let args = match block.get("input") {
                    Some(Value::Object(input)) if !input.is_empty() => block["input"].to_string(),
                    _ => String::new(),
                };
                sink(Streamed::Call(text("name")));
                return self.piece(Piece {
                    index,
                    id: text("id"),
                    name: text("name"),
                    args: &args,
                });
            }
            _ => {
                self.unknown += 1;
                true
            }
        };
        self.bounded(within)
    }

    fn delta(&mut self, event: &Value, sink: Sink<'_>) -> Result<(), Broken> {
        let index = event.get("index").and_then(Value::as_u64);
        let delta = event.get("delta").unwrap_or(&Value::Null);
        let text = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        let within = match text("type") {
            "text_delta" => self.written.text(text("text"), sink),
            "thinking_delta" => {
                self.extend_thinking(index, "thinking", text("thinking"));
                self.written.reasoning(text("thinking"), sink)
            }
            "signature_delta" => {
                self.extend_thinking(index, "signature", text("signature"));
                self.written.count(text("signature"))
            }
            "input_json_delta" => {
                return self.piece(Piece {
                    index,
                    args: text("partial_json"),
                    ..Piece::default()
                });
            }
            _ => {
                self.unknown += 1;
                true
            }
        };
        self.bounded(within)
    }

    fn extend_thinking(&mut self, index: Option<u64>, field: &str, piece: &str) {
        let Some(block) = self.thinking.get_mut(&index.unwrap_or(0)) else {
            return;
        };
        match block.get_mut(field) {
            Some(Value::String(text)) => text.push_str(piece),
            _ => drop(block.insert(field.to_owned(), json!(piece))),
        }
    }

    fn piece(&mut self, piece: Piece<'_>) -> Result<(), Broken> {
        let within = self.written.count(piece.args);
        self.bounded(within)?;
        match self.calls.add(piece) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.names.malformed("too many calls in one turn")),
        }
    }

    fn bounded(&self, within: bool) -> Result<(), Broken> {
        if within {
            return Ok(());
        }
        Err(self.names.malformed("an answer without end"))
    }
}
