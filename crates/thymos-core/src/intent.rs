//! Intents: what a model or a person asks to do. Carries no authority.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{self, InvalidJson};
use crate::id::{IntentId, TrajectoryId};

/// Who wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The model.
    Model,
    /// A person, by editing a held call or calling a tool directly `[A7]`.
    Operator,
}

/// One wanted call, as recorded: secrets in its arguments are already redacted `[R1]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Its arguments, as recorded.
    pub args: Value,
    /// Who wants it.
    pub author: Author,
    /// Position within the turn, from 0.
    pub ordinal: u32,
    /// The tool's name, as the author wrote it.
    pub tool: String,
    /// The line of work it belongs to.
    pub trajectory: TrajectoryId,
    /// Turn of the conversation, from 0.
    pub turn: u32,
    /// Format version, 1.
    pub v: u32,
}

impl Intent {
    /// The id of the recorded form.
    ///
    /// # Errors
    /// [`InvalidJson`] when the arguments cannot be kept exactly.
    pub fn id(&self) -> Result<IntentId, InvalidJson> {
        Ok(IntentId::of(canonical::encode(self)?.as_bytes()))
    }
}
