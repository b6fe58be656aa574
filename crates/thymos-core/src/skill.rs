//! Skills: instructions with parameters that narrow a writ while they are bound `[S1]`.
//!
//! Says what a skill is and what it leaves of a writ. Opens no file, signs no writ, judges no call.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::budget::Budget;
use crate::canonical::{self, CanonicalBytes, InvalidJson};
use crate::effect::Effects;
use crate::id::{SkillId, WritId};
use crate::key::{Domain, PublicKey, Signature, SigningKey};
use crate::writ::{Grant, Party, Writ};

mod check;
mod narrow;
mod read;
#[cfg(test)]
mod tests;

pub use read::InvalidSkill;

/// A skill, before its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// Format version, 1.
    pub v: u32,
    /// Its name: lowercase letters, digits and `-`.
    pub name: String,
    /// Rises by one each time it is tuned.
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// What the model is told; `{key}` stands for a parameter, `{{` and `}}` for braces.
    pub instructions: String,
    /// Parameters.
    #[serde(default)]
    pub params: Vec<SkillParam>,
    /// Globs over the tools it works with; an empty list limits nothing and removes nothing.
    #[serde(default)]
    pub tools: Vec<String>,
    /// The effect classes it works with; none limits nothing.
    #[serde(default)]
    pub effects: Option<Effects>,
    /// What it may spend at most.
    #[serde(default)]
    pub budget_cap: Budget,
    /// Conditions for some of its tools; a tool named here is granted by these lines alone.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The model that suits it, unless the operator chooses one.
    #[serde(default)]
    pub model_hint: Option<ModelHint>,
}

/// A parameter of a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillParam {
    /// What `{key}` names it by.
    pub key: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Taken when none is given; none makes it required.
    #[serde(default)]
    pub default: Option<String>,
    /// The only values allowed; empty allows any.
    #[serde(default)]
    pub values: Vec<String>,
}

/// The model that suits a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelHint {
    /// The provider, as the config names it.
    pub provider: String,
    /// The model; none takes the provider's own default.
    #[serde(default)]
    pub model: Option<String>,
}

/// Who vouches for a skill, and proof of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillSignature {
    /// Whose key.
    pub signer: PublicKey,
    /// Over the canonical definition.
    pub signature: Signature,
}

/// A skill as its file holds it: bare, or `{"skill", "signer", "signature"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillFile {
    /// The definition.
    pub skill: Skill,
    /// Who signed it, if anybody did.
    pub signed: Option<SkillSignature>,
}

/// Why a skill cannot be bound with these values; one sentence and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbindable {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

impl fmt::Display for Unbindable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unbindable {}

/// What a narrowing writ is made from besides the skill.
#[derive(Debug, Clone)]
pub struct Narrowing<'a> {
    /// The writ that is narrowed.
    pub parent: &'a Writ,
    /// Its id.
    pub parent_id: WritId,
    /// The session: issuer and subject at once, since it narrows its own authority.
    pub session: Party,
    /// Nonce of the new writ.
    pub nonce: String,
}

impl Skill {
    /// The bytes that are hashed and signed.
    ///
    /// # Errors
    /// [`InvalidJson`] when a number in it cannot be kept exactly.
    pub fn canonical(&self) -> Result<CanonicalBytes, InvalidJson> {
        canonical::encode(self)
    }

    /// The id of the definition: two skills that say the same have the same.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn id(&self) -> Result<SkillId, InvalidJson> {
        Ok(SkillId::of(self.canonical()?.as_bytes()))
    }

    /// The definition as the record keeps it.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn definition(&self) -> Result<Value, InvalidJson> {
        canonical::parse(self.canonical()?.as_bytes())
    }

    /// Reads what [`Self::definition`] made, and holds it to the same rules as a file.
    ///
    /// # Errors
    /// [`InvalidSkill`] when it is no sound skill.
    pub fn from_definition(definition: &Value) -> Result<Self, InvalidSkill> {
        let bytes =
            canonical::value_to_bytes(definition).map_err(|e| InvalidSkill::json(&e, &[]))?;
        SkillFile::read(bytes.as_bytes()).map(|file| file.skill)
    }

    /// Signs the definition.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn sign(self, key: &SigningKey) -> Result<SkillFile, InvalidJson> {
        let signature = key.sign(Domain::Skill, self.canonical()?.as_bytes());
        Ok(SkillFile {
            signed: Some(SkillSignature {
                signer: key.public(),
                signature,
            }),
            skill: self,
        })
    }

    /// The values it is bound with: those given, defaults for the rest.
    ///
    /// # Errors
    /// [`Unbindable`] for the first parameter that is unknown, missing or has no allowed value.
    pub fn values(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Unbindable> {
        check::values(self, given)
    }

    /// The instructions with the values in their places.
    #[must_use]
    pub fn told(&self, values: &BTreeMap<String, String>) -> String {
        narrow::fill(&self.instructions, values)
    }

    /// What is left of a writ while the skill is bound: a child that every call must satisfy as
    /// well as its parents.
    #[must_use]
    pub fn narrow(&self, values: &BTreeMap<String, String>, from: Narrowing<'_>) -> Writ {
        narrow::narrow(self, values, from)
    }

    /// The first tool pattern that matches none of these tools.
    #[must_use]
    pub fn unknown_tool<'s>(
        &'s self,
        known: impl Iterator<Item = &'s str> + Clone,
    ) -> Option<&'s str> {
        self.tools
            .iter()
            .map(String::as_str)
            .find(|pattern| !known.clone().any(|tool| check::covers(pattern, tool)))
    }
}

impl SkillFile {
    /// Reads a file that a person may have written.
    ///
    /// # Errors
    /// [`InvalidSkill`] with line and column where they are known.
    pub fn read(text: &[u8]) -> Result<Self, InvalidSkill> {
        read::read(text)
    }

    /// Whether the signature is that of the key named in it; true of an unsigned one.
    #[must_use]
    pub fn signature_holds(&self) -> bool {
        let Some(signed) = &self.signed else {
            return true;
        };
        self.skill.canonical().is_ok_and(|bytes| {
            signed
                .signer
                .verifies(Domain::Skill, bytes.as_bytes(), &signed.signature)
        })
    }

    /// The file's text, indented for people.
    ///
    /// # Errors
    /// [`InvalidJson`] when a number in it cannot be kept exactly.
    pub fn text(&self) -> Result<String, InvalidJson> {
        read::text(self)
    }
}
