//! Chat Completions, by whoever serves them: hosted presets, local servers, proxies.
//!
//! Knows the many dialects of streaming; sends nothing itself.

use serde_json::{Value, json};
use thymos_ports::cognition::{Context, Streamed, TurnStop};

use crate::calls::{Calls, Ending, Piece};
use crate::conversation::{self, Spoken};
use crate::fault::{Broken, Said};
use crate::prices::Spent;
use crate::wire::{Finished, Flow, Names, Reader, Sink, Wire, Written, tokens};

#[cfg(test)]
mod tests;

/// The protocol. `output_limit` differs between the maker's own service and all others.
pub(crate) struct ChatCompletions {
    pub(crate) output_limit: &'static str,
}

impl Wire for ChatCompletions {
    fn body(&self, context: &Context, model: &str) -> Value {
        let mut messages = Vec::new();
        if !context.system.is_empty() {
            messages.push(json!({"role": "system", "content": context.system}));
        }
        for spoken in conversation::order(&context.messages) {
            push_messages(spoken, &mut messages);
        }
        let mut body = json!({
            "model": model,
            "messages": messages,
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        body[self.output_limit] = json!(context.output_tokens_max);
        if !context.tools.is_empty() {
            let tools = context.tools.iter().map(|tool| {
                json!({"type": "function", "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.schema,
                }})
            });
            body["tools"] = tools.collect();
        }
        body
    }

    fn reader(&self, names: Names) -> Box<dyn Reader> {
        Box::new(ChatReader {
            names,
            written: Written::default(),
            calls: Calls::default(),
            refusal: String::new(),
            stop: None,
            spent: Spent::default(),
            understood: false,
            unknown: 0,
        })
    }
}

fn push_messages(spoken: Spoken, messages: &mut Vec<Value>) {
    match spoken {
        Spoken::Operator { results, words } => {
            for result in results {
                messages.push(json!({
                    "role": "tool",
                    "tool_call_id": result.id,
                    // The protocol has no error mark, so the words carry it.
                    "content": if result.is_error { format!("error: {}", result.text) } else { result.text },
                }));
            }
            if !words.is_empty() {
                messages.push(json!({"role": "user", "content": words.join("\n\n")}));
            }
        }
        Spoken::Model { text, calls, .. } => {
            let mut message = json!({"role": "assistant", "content": text});
            if !calls.is_empty() {
                let calls = calls.iter().map(|call| {
                    json!({"id": call.id, "type": "function", "function": {
                        "name": call.tool,
                        "arguments": call.args.to_string(),
                    }})
                });
                message["tool_calls"] = calls.collect();
            }
            messages.push(message);
        }
    }
}

struct ChatReader {
    names: Names,
    written: Written,
    calls: Calls,
    refusal: String,
    stop: Option<String>,
    spent: Spent,
    understood: bool,
    unknown: u64,
}

impl Reader for ChatReader {
    fn event(&mut self, event: &Value, sink: Sink<'_>) -> Result<Flow, Broken> {
        if let Some(said) = Said::of(event) {
            return Err(self.names.refusal(said));
        }
        self.usage(event);
        let Some(choices) = event.get("choices").and_then(Value::as_array) else {
            self.unknown += u64::from(event.get("usage").is_none());
            return Ok(self.flow());
        };
        self.understood = true;
        // Only one choice was asked for; servers that send more are read by their first.
        for choice in choices
            .iter()
            .filter(|choice| tokens(choice.get("index")).unwrap_or(0) == 0)
        {
            if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
                self.delta(delta, sink)?;
            }
            let stop = choice.get("finish_reason").and_then(Value::as_str);
            if let Some(stop) = stop.filter(|stop| !stop.is_empty()) {
                self.stop = Some(stop.to_owned());
            }
        }
        Ok(self.flow())
    }

    fn finish(self: Box<Self>) -> Result<Finished, Broken> {
        let Some(stop) = self.stop else {
            return Err(self.names.stopless(self.understood, self.unknown));
        };
        let (stop, ending) = match stop.as_str() {
            // Two services say in the stop reason that they broke.
            "error" | "insufficient_system_resource" => {
                let code = "server_error".to_owned();
                return Err(self.names.refusal(Said {
                    code,
                    ..Said::default()
                }));
            }
            "length" | "max_tokens" | "model_length" => (TurnStop::Length, Ending::Truncated),
            "content_filter" => (declined(&self.refusal), Ending::Truncated),
            _ if !self.refusal.is_empty() => (declined(&self.refusal), Ending::Truncated),
            _ if self.calls.is_empty() => (TurnStop::Done, Ending::Whole),
            _ => (TurnStop::Calls, Ending::Whole),
        };
        let calls = match stop {
            // A turn that was withdrawn wants nothing.
            TurnStop::Declined(_) => Vec::new(),
            TurnStop::Done | TurnStop::Calls | TurnStop::Length => self.calls.finish(ending),
        };
        Ok(Finished {
            text: self.written.text,
            reasoning: self.written.reasoning,
            provider_state: None,
            calls,
            stop,
        })
    }

    fn spent(&self) -> Spent {
        self.spent
    }
}

fn declined(refusal: &str) -> TurnStop {
    TurnStop::Declined(if refusal.is_empty() {
        "the provider's content filter stopped the answer".to_owned()
    } else {
        refusal.to_owned()
    })
}

impl ChatReader {
    fn flow(&self) -> Flow {
        if self.stop.is_some() {
            Flow::Tail
        } else {
            Flow::More
        }
    }

    fn delta(&mut self, delta: &Value, sink: Sink<'_>) -> Result<(), Broken> {
        let reasoning = ["reasoning_content", "reasoning"]
            .iter()
            .find_map(|name| delta.get(*name).and_then(Value::as_str));
        let mut within = self.written.reasoning(reasoning.unwrap_or_default(), sink);
        match delta.get("content") {
            Some(Value::String(text)) => within &= self.written.text(text, sink),
            Some(Value::Array(parts)) => {
                for part in parts {
                    let text = part.get("text").and_then(Value::as_str);
                    within &= self.written.text(text.unwrap_or_default(), sink);
                }
            }
            _ => {}
        }
        if let Some(words) = delta.get("refusal").and_then(Value::as_str) {
            within &= self.written.count(words);
            self.refusal.push_str(words);
        }
        if !within {
            return Err(self.names.malformed("an answer without end"));
        }
        let calls = delta.get("tool_calls").and_then(Value::as_array);
        calls
            .into_iter()
            .flatten()
            .try_for_each(|call| self.call(call, sink))
    }

    fn call(&mut self, call: &Value, sink: Sink<'_>) -> Result<(), Broken> {
        let function = call.get("function").unwrap_or(&Value::Null);
        let text = |value: Option<&'_ Value>| match value {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            // Some servers write the arguments as JSON instead of as text of JSON.
            Some(other) => other.to_string(),
        };
        let id = text(call.get("id"));
        let name = text(function.get("name"));
        let args = text(function.get("arguments"));
        if !self.written.count(&args) {
            return Err(self.names.malformed("arguments without end"));
        }
        let began = self.calls.add(Piece {
            index: call.get("index").and_then(Value::as_u64),
            id: &id,
            name: &name,
            args: &args,
        });
        match began {
            Ok(Some(_)) => sink(Streamed::Call(&name)),
            Ok(None) => {}
            Err(_) => return Err(self.names.malformed("too many calls in one turn")),
        }
        Ok(())
    }

    fn usage(&mut self, event: &Value) {
        let in_groq = event.get("x_groq").and_then(|groq| groq.get("usage"));
        let usage = event.get("usage").filter(|usage| usage.is_object());
        let Some(usage) = usage.or(in_groq) else {
            return;
        };
        let detail = |part: &str, name: &str| tokens(usage.get(part).and_then(|d| d.get(name)));
        let cached = detail("prompt_tokens_details", "cached_tokens")
            .or_else(|| tokens(usage.get("prompt_cache_hit_tokens")));
        let told = Spent {
            input: tokens(usage.get("prompt_tokens")).unwrap_or(0),
            cached: cached.unwrap_or(0),
            cache_written: 0,
            output: tokens(usage.get("completion_tokens")).unwrap_or(0),
            reasoning: detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0),
            told: true,
        };
        // Usage counts up from chunk to chunk; the last one told is the whole.
        self.spent = told;
    }
}
