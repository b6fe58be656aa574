//! Brings a context into the order that providers insist on, whatever the ledger held.
//!
//! Every call gets exactly one result right after it, ids are unique and plain, people and model
//! take turns. Knows no wire format.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thymos_ports::cognition::{ContextMessage, ProposedCall};

use crate::calls::Ids;

#[cfg(test)]
mod tests;

/// What stands for a result that does not exist yet.
const NO_RESULT: &str = "no result yet: this call waits for a person";

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spoken {
    /// Results first, then words.
    Operator {
        results: Vec<Answer>,
        words: Vec<String>,
    },
    /// The model's.
    Model {
        text: String,
        calls: Vec<Asked>,
        provider_state: Option<Value>,
    },
}

/// A call as it is shown again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) tool: String,
    /// Always an object.
    pub(crate) args: Value,
}

/// A call's result as it is shown again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// Orders the messages.
pub(crate) fn order(messages: &[ContextMessage]) -> Vec<Spoken> {
    let mut order = Order::default();
    for message in messages {
        match message {
            ContextMessage::Operator(text) => order.operator(text),
            ContextMessage::Model {
                text,
                calls,
                provider_state,
            } => order.model(text, calls, provider_state.as_ref()),
            ContextMessage::Result {
                call,
                tool,
                text,
                is_error,
            } => order.result(call, tool, text, *is_error),
        }
    }
    order.finish()
}

#[derive(Default)]
struct Order {
    spoken: Vec<Spoken>,
    /// What the model is told next.
    heard: Option<Heard>,
    ids: Ids,
    /// The last model turn's calls: the ledger's id to where its answer stands.
    open: BTreeMap<String, usize>,
}

#[derive(Default)]
struct Heard {
    results: Vec<Answer>,
    words: Vec<String>,
}

impl Order {
    fn operator(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let heard = self.heard.get_or_insert_default();
        heard.words.push(text.to_owned());
    }

    fn model(&mut self, text: &str, calls: &[ProposedCall], provider_state: Option<&Value>) {
        if self.heard.is_none() {
            self.operator("(continued)");
        }
        self.hear();
        self.open.clear();
        let mut asked = Vec::with_capacity(calls.len());
        let mut results = Vec::with_capacity(calls.len());
        for call in calls {
            let id = self.ids.unique(&plain_id(&call.call));
            self.open.insert(call.call.clone(), results.len());
            results.push(Answer {
                id: id.clone(),
                text: NO_RESULT.to_owned(),
                is_error: true,
            });
            asked.push(Asked {
                id,
                tool: call.tool.clone(),
                args: shown_args(call),
            });
        }
        self.spoken.push(Spoken::Model {
            text: text.to_owned(),
            calls: asked,
            provider_state: provider_state.cloned(),
        });
        let words = Vec::new();
        self.heard = (!results.is_empty()).then_some(Heard { results, words });
    }

    fn result(&mut self, call: &str, tool: &str, text: &str, is_error: bool) {
        let at = self.open.get(call).copied();
        let heard = self.heard.get_or_insert_default();
        match at.and_then(|at| heard.results.get_mut(at)) {
            Some(answer) => {
                text.clone_into(&mut answer.text);
                answer.is_error = is_error;
            }
            // A late answer, or one whose call was folded away: told in words, so it is not lost.
            None => heard
                .words
                .push(format!("result of an earlier call of `{tool}`: {text}")),
        }
    }

    fn hear(&mut self) {
        if let Some(Heard { results, words }) = self.heard.take() {
            self.spoken.push(Spoken::Operator { results, words });
        }
    }

    fn finish(mut self) -> Vec<Spoken> {
        // Without this, some providers would continue the model's own last words.
        if self.heard.is_none() {
            self.operator("continue");
        }
        self.hear();
        self.spoken
    }
}

/// Only characters that every provider takes; an empty one is then replaced.
fn plain_id(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.chars().all(plain) && id.len() <= 64 {
        id.to_owned()
    } else {
        String::new()
    }
}

fn shown_args(call: &ProposedCall) -> Value {
    match (&call.malformed, &call.args) {
        (Some(raw), _) => json!({ "not_json": raw }),
        (None, Value::Object(_)) => call.args.clone(),
        (None, other) => json!({ "not_an_object": other }),
    }
}
