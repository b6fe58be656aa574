//! Reading and writing a skill's file: strict JSON, and complaints with their place.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Skill, SkillFile, SkillSignature, check};
use crate::canonical::{self, Fault, InvalidJson};
use crate::key::{PublicKey, Signature};
use crate::limits::SKILL_BYTES_MAX;
use crate::misfit;

/// Text that is no skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSkill {
    /// Line, from 1; none where the whole is meant.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong, without a full stop.
    pub what: String,
}

impl InvalidSkill {
    pub(super) fn whole(what: impl Into<String>) -> Self {
        Self {
            line: None,
            column: 0,
            what: what.into(),
        }
    }

    pub(super) fn json(invalid: &InvalidJson, text: &[u8]) -> Self {
        let before = text.get(..invalid.at.min(text.len())).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let tail = before.rsplit(|byte| *byte == b'\n').next();
        let column = String::from_utf8_lossy(tail.unwrap_or_default())
            .chars()
            .count()
            + 1;
        let what = match &invalid.fault {
            Fault::Syntax(what) => (*what).to_owned(),
            Fault::NotUtf8 => "not valid UTF-8".to_owned(),
            Fault::DuplicateKey(key) => format!("key `{key}` stands twice"),
            Fault::LoneSurrogate => "lone surrogate".to_owned(),
            Fault::Number(number) => format!("number `{number}` cannot be kept exactly"),
            Fault::TooDeep | Fault::NotCanonical | Fault::Shape(_) => invalid.to_string(),
        };
        Self {
            line: Some(line),
            column,
            what,
        }
    }
}

impl fmt::Display for InvalidSkill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} column {}: {}", self.column, self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for InvalidSkill {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    skill: Skill,
    signer: PublicKey,
    signature: Signature,
}

pub(super) fn read(text: &[u8]) -> Result<SkillFile, InvalidSkill> {
    if text.len() > SKILL_BYTES_MAX {
        let size = text.len();
        return Err(InvalidSkill::whole(format!(
            "a skill of {size} bytes is longer than {SKILL_BYTES_MAX}"
        )));
    }
    // The strict reader first: it refuses what the other would take silently, such as a key twice.
    let value = canonical::parse(text).map_err(|invalid| InvalidSkill::json(&invalid, text))?;
    let file = if value.get("signature").is_some() {
        let signed: Signed = shaped(text)?;
        SkillFile {
            skill: signed.skill,
            signed: Some(SkillSignature {
                signer: signed.signer,
                signature: signed.signature,
            }),
        }
    } else {
        SkillFile {
            skill: shaped(text)?,
            signed: None,
        }
    };
    check::sound(&file.skill).map_err(InvalidSkill::whole)?;
    Ok(file)
}

fn shaped<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, InvalidSkill> {
    canonical::from_text(text).map_err(|error| InvalidSkill {
        line: Some(error.line()),
        column: error.column(),
        what: misfit::words(&error),
    })
}

pub(super) fn text(file: &SkillFile) -> Result<String, InvalidJson> {
    let shape = |e: serde_json::Error| InvalidJson::new(0, Fault::Shape(e.to_string()));
    // Refuses what could not be read back.
    file.skill.canonical()?;
    let value: Value = match &file.signed {
        None => serde_json::to_value(&file.skill),
        Some(signed) => serde_json::to_value(Signed {
            skill: file.skill.clone(),
            signer: signed.signer,
            signature: signed.signature,
        }),
    }
    .map_err(shape)?;
    let mut text = serde_json::to_string_pretty(&value).map_err(shape)?;
    text.push('\n');
    Ok(text)
}
