//! Tool contracts: what a tool promises, as data. Bodies live behind the `Tool` port.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{self, InvalidJson};
use crate::effect::{EffectClass, Risk};
use crate::id::Digest;
use crate::isolation::Rung;

/// What a tool declares about itself (tools.md 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolContract {
    /// Name, `[a-z0-9_]+`.
    pub name: String,
    /// Version; changes whenever behaviour does.
    pub version: u32,
    /// What it does, for the model and for people.
    pub description: String,
    /// JSON Schema of the arguments; unknown properties are refused `[C7]`.
    pub schema: Value,
    /// The mildest class any call of it may be given `[C18]`.
    pub effect_floor: EffectClass,
    /// The lowest risk any call of it may be given.
    pub risk_floor: Risk,
    /// Whether the same call may happen again.
    pub repeat: Repeat,
    /// What to do with a call whose end was never recorded `[X2]`.
    pub recovery: Recovery,
    /// Whether its effect can be undone.
    pub compensation: Compensation,
    /// Only the operator may want it; the model is never offered it `[C6]`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub operator_only: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde asks for"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whether the same call may happen again `[X3]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// As often as wanted.
    Free,
    /// At most once for a key; a repeat returns the earlier commit.
    OncePerKey,
}

/// What a tool can do about a call found without an end `[X2]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Running again under the same key is harmless.
    Idempotent,
    /// It can find out whether it happened.
    Queryable,
    /// Only a person can tell.
    Neither,
}

/// Whether an effect can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compensation {
    /// Nothing to undo.
    Unneeded,
    /// From the pre-images in the record.
    FromRecord,
    /// It cannot, and why.
    Impossible(String),
}

/// One row of the operator's table over tools: what no call of a tool is taken for less than `[C18]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Floor {
    /// The mildest class of any call.
    pub effect: Option<EffectClass>,
    /// The lowest risk of any call.
    pub risk: Option<Risk>,
    /// The weakest cage in which any call may happen.
    pub rung: Option<Rung>,
    /// Whether the same call happens once.
    pub once: bool,
}

/// A tool as pinned for a session `[C6]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolPin {
    /// Digest of the canonical contract; stands for the manifest.
    pub contract: Digest,
    /// The tool's name.
    pub name: String,
    /// Digest of the canonical schema.
    pub schema: Digest,
    /// Its version.
    pub version: u32,
}

impl ToolContract {
    /// The pin of this contract.
    ///
    /// # Errors
    /// [`InvalidJson`] when the schema cannot be kept exactly.
    pub fn pin(&self) -> Result<ToolPin, InvalidJson> {
        Ok(ToolPin {
            name: self.name.clone(),
            version: self.version,
            schema: Digest::of(canonical::value_to_bytes(&self.schema)?.as_bytes()),
            contract: Digest::of(canonical::encode(self)?.as_bytes()),
        })
    }
}
