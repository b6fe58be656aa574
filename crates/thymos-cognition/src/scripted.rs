//! Plays a JSON-lines file of turns, for tests, demos and recorded sessions.
//!
//! Looks at the context only to see how many turns the model has already had, so a session that
//! is opened again goes on where it stopped. A line with `summary` is no turn: it is what the model says
//! whenever it is to sum up its older turns.

use std::fmt;
use std::fs;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value};
use thymos_core::canonical;
use thymos_ports::Cognition;
use thymos_ports::cognition::{
    Context, ContextMessage, ModelFault, ModelFaultKind, ModelIdentity, ProposedCall, Purpose,
    Streamed, TokenUsage, Turn, TurnStop,
};
use tokio_util::sync::CancellationToken;

use crate::calls::Ids;
use crate::endpoint::ConnectError;
use crate::fault::cancelled;
use crate::limits::SCRIPT_BYTES_MAX;
use crate::prices::{Prices, Spent};
use crate::spec::ModelSpec;

/// A model that reads its lines from a script.
#[derive(Debug, Clone)]
pub struct ScriptedModel {
    provider: String,
    model: String,
    summary: Option<Line>,
    turns: Vec<Line>,
    prices: Option<Prices>,
}

/// A line that is no turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Counted from 1; 0 concerns the whole file.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.why),
            line => write!(f, "line {line}: {}", self.why),
        }
    }
}

impl std::error::Error for ScriptError {}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Plays only in conversations that begin with words that hold these: a delegated run's task.
    when: Option<String>,
    /// Words for its older turns.
    summary: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reasoning: String,
    #[serde(default)]
    calls: Vec<Call>,
    /// Tokens that it is to have used; none used when it is left out.
    used: Option<Used>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    #[serde(default)]
    input: u64,
    #[serde(default)]
    cached: u64,
    #[serde(default)]
    output: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    tool: String,
    #[serde(default = "no_args")]
    args: Value,
    /// Arguments as raw text, to play a model that writes broken JSON.
    malformed: Option<String>,
}

fn no_args() -> Value {
    Value::Object(Map::new())
}

impl ScriptedModel {
    /// Reads a script. Empty lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`ScriptError`] with the number of the first bad line.
    pub fn parse(provider: &str, model: &str, text: &str) -> Result<Self, ScriptError> {
        if text.len() > SCRIPT_BYTES_MAX {
            let why = format!("is longer than {SCRIPT_BYTES_MAX} bytes");
            return Err(ScriptError { line: 0, why });
        }
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        let lines = lines.map(|(at, line)| {
            canonical::decode_lenient(line.as_bytes()).map_err(|invalid| ScriptError {
                line: at + 1,
                why: invalid.to_string(),
            })
        });
        let lines: Vec<Line> = lines.collect::<Result<_, _>>()?;
        let (summaries, turns): (Vec<Line>, Vec<Line>) =
            lines.into_iter().partition(|line| line.summary.is_some());
        Ok(Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            summary: summaries.into_iter().next(),
            turns,
            prices: None,
        })
    }

    /// How many turns it has.
    #[must_use]
    pub fn turns_count(&self) -> usize {
        self.turns.len()
    }

    /// The lines of this conversation: those for its first words, or else those for any.
    fn lines_for(&self, context: &Context) -> Vec<&Line> {
        let first = context.messages.iter().find_map(|message| match message {
            ContextMessage::Operator(text) => Some(text.as_str()),
            ContextMessage::Model { .. } | ContextMessage::Result { .. } => None,
        });
        let first = first.unwrap_or_default();
        let meant = |line: &&Line| {
            line.when
                .as_ref()
                .is_some_and(|words| first.contains(words))
        };
        let own: Vec<&Line> = self.turns.iter().filter(meant).collect();
        if own.is_empty() {
            return self
                .turns
                .iter()
                .filter(|line| line.when.is_none())
                .collect();
        }
        own
    }

    pub(crate) fn open(spec: &ModelSpec) -> Result<Self, ConnectError> {
        let path = || spec.base_url.clone();
        let text =
            fs::read_to_string(&spec.base_url).map_err(|e| ConnectError::ScriptUnreadable {
                path: path(),
                why: e.to_string(),
            })?;
        let script = Self::parse(&spec.provider, &spec.model, &text);
        let script = script.map_err(|fault| ConnectError::Script {
            path: path(),
            fault,
        })?;
        Ok(Self {
            prices: spec.prices,
            ..script
        })
    }
}

#[async_trait]
impl Cognition for ScriptedModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: self.provider.clone(),
            model: self.model.clone(),
            context_tokens: None,
        }
    }

    fn sums_up(&self) -> bool {
        self.summary.is_some()
    }

    async fn propose(
        &self,
        context: &Context,
        sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        if cancel.is_cancelled() {
            return Err(cancelled().into_fault(TokenUsage::default()));
        }
        if context.purpose == Purpose::Summary
            && let Some(line) = &self.summary
        {
            return Ok(line.play((0, self.prices), sink));
        }
        let at = context.turns;
        let mine = self.lines_for(context);
        let Some(line) = mine.get(at) else {
            return Err(ModelFault {
                kind: ModelFaultKind::NotFound,
                message: format!("the script ends after {} turns", mine.len()),
                hint: Some("add a line without calls to end it well".to_owned()),
                usage: TokenUsage::default(),
            });
        };
        Ok(line.play((at, self.prices), sink))
    }
}

impl Line {
    fn play(
        &self,
        (at, prices): (usize, Option<Prices>),
        sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
    ) -> Turn {
        if !self.reasoning.is_empty() {
            sink(Streamed::Reasoning(&self.reasoning));
        }
        let text = self.summary.as_ref().unwrap_or(&self.text);
        if !text.is_empty() {
            sink(Streamed::Text(text));
        }
        let mut ids = Ids::default();
        let calls = self.calls.iter().enumerate();
        let calls = calls.map(|(number, call)| {
            sink(Streamed::Call(&call.tool));
            ProposedCall {
                call: ids.unique(&format!("script-{at}-{number}")),
                tool: call.tool.clone(),
                args: if call.malformed.is_some() {
                    Value::Null
                } else {
                    call.args.clone()
                },
                malformed: call.malformed.clone(),
            }
        });
        let calls: Vec<ProposedCall> = calls.collect();
        Turn {
            text: text.clone(),
            reasoning: self.reasoning.clone(),
            provider_state: None,
            stop: if calls.is_empty() {
                TurnStop::Done
            } else {
                TurnStop::Calls
            },
            calls,
            usage: self.used(prices),
            attempts: 1,
        }
    }

    /// A line that names no tokens costs nothing; what it names costs what the provider's prices say.
    fn used(&self, prices: Option<Prices>) -> TokenUsage {
        match self.used {
            None => TokenUsage {
                usd_millicents: Some(0),
                ..TokenUsage::default()
            },
            Some(used) => Spent {
                input: used.input,
                cached: used.cached,
                output: used.output,
                told: true,
                ..Spent::default()
            }
            .priced(prices),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ScriptError, ScriptedModel};

    #[test]
    fn a_bad_line_is_named() {
        let script = "# comment\n\n{\"text\":\"hi\"}\n{\"txt\":1}\n";
        let refused = ScriptedModel::parse("s", "m", script).unwrap_err();
        assert_eq!(refused.line, 4);
        assert!(refused.to_string().starts_with("line 4: "), "{refused}");
    }

    #[test]
    fn a_good_script_counts_its_turns() {
        let script = r#"{"text":"a","calls":[{"tool":"grep","args":{"pattern":"x"}}]}
            {"calls":[{"tool":"grep","malformed":"{oops"}]}
            {"text":"end"}"#;
        let script = ScriptedModel::parse("s", "m", script);
        assert_eq!(script.map(|s| s.turns_count()), Ok::<_, ScriptError>(3));
    }
}
