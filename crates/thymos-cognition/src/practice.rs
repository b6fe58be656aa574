//! The offline practice model: a fixed script that makes small real tours of the workspace.
//!
//! Understands no language and keeps nothing between turns: what it does next follows from the
//! context alone, from the results that are really there. Uses no network, key or clock.

use async_trait::async_trait;
use thymos_ports::Cognition;
use thymos_ports::cognition::{
    Context, ModelFault, ModelIdentity, ProposedCall, Streamed, TokenUsage, Turn, TurnStop,
};
use tokio_util::sync::CancellationToken;

use crate::fault::cancelled;

mod beat;
mod errand;
mod findings;
mod notebook;
mod summary;
#[cfg(test)]
mod tests;

use beat::Step;
use notebook::Notebook;

/// The model that works for everyone at once, without a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct PracticeModel;

impl PracticeModel {
    /// The practice model.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Cognition for PracticeModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: "practice".to_owned(),
            model: "practice".to_owned(),
            context_tokens: None,
        }
    }

    /// It goes by the results themselves, and has no words for them.
    fn sums_up(&self) -> bool {
        false
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
        let (text, calls) = next(context);
        for piece in text.split_inclusive(' ') {
            sink(Streamed::Text(piece));
        }
        for call in &calls {
            sink(Streamed::Call(&call.tool));
        }
        Ok(Turn {
            text,
            reasoning: String::new(),
            provider_state: None,
            stop: if calls.is_empty() {
                TurnStop::Done
            } else {
                TurnStop::Calls
            },
            calls,
            // Nothing was used, and that is known: no tokens, no money.
            usage: TokenUsage {
                usd_millicents: Some(0),
                ..TokenUsage::default()
            },
            attempts: 1,
        })
    }
}

/// What it says and wants now.
fn next(context: &Context) -> (String, Vec<ProposedCall>) {
    let notebook = Notebook::read(context);
    let errand = errand::of(notebook.task);
    let mut said = Vec::new();
    if notebook.done.is_empty() {
        said.push(errand.opening());
    }
    said.extend(notebook.remarks());
    let beats = errand.beats();
    let open = beats.iter().filter(|beat| !notebook.tried(beat.name()));
    for beat in open {
        match beat.step(&notebook) {
            Step::Call { text, calls } => {
                said.push(text);
                return (said.join("\n\n"), name_calls(beat.name(), calls));
            }
            Step::Skip(why) => said.push(why),
        }
    }
    said.push(summary::of(&notebook));
    (said.join("\n\n"), Vec::new())
}

/// The call's id carries the beat, which is all the memory there is.
fn name_calls(beat: &str, calls: Vec<beat::Wanted>) -> Vec<ProposedCall> {
    let calls = calls.into_iter().enumerate();
    calls
        .map(|(number, wanted)| ProposedCall {
            call: format!("practice-{beat}-{number}"),
            tool: wanted.tool.to_owned(),
            args: wanted.args,
            malformed: None,
        })
        .collect()
}
