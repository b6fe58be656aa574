//! `memory_write`: keeps a note.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use thymos_core::delta::Resource;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call};
use crate::contract::{object, writing};
use crate::limits::NOTE_CHARS_MAX;
use crate::memory::STRATA;
use crate::store::{change_facts, check_size, delta, key_schema};

pub(crate) struct MemoryWrite {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    key: String,
    text: String,
    #[serde(default)]
    tags: Vec<String>,
    stratum: Option<String>,
}

/// Taken when none is named: a note is kept to be recalled later.
const STRATUM_DEFAULT: &str = "semantic";

impl Args {
    fn note(&self) -> Value {
        let stratum = self.stratum.as_deref().unwrap_or(STRATUM_DEFAULT);
        json!({"text": self.text, "tags": self.tags, "stratum": stratum})
    }
}

impl MemoryWrite {
    pub(crate) fn new() -> Self {
        let schema = object(
            json!({
                "key": key_schema(),
                "text": {"type": "string", "minLength": 1, "maxLength": NOTE_CHARS_MAX, "description": "The note."},
                "tags": {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1, "maxLength": 64}, "description": "Words to find it by."},
                "stratum": {"enum": STRATA, "description": "How far it reaches: `working` this trajectory, `episodic` (what happened) and `semantic` (what is so) every later one of this workspace. Default `semantic`."},
            }),
            &["key", "text"],
        );
        let description =
            "Keeps a note under a key, to be recalled later. A note of the same key is replaced.";
        Self {
            contract: writing("memory_write", description, schema),
        }
    }
}

#[async_trait]
impl Body for MemoryWrite {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        check_size(&args.note())?;
        Ok(change_facts(look.world, Resource::Memory(args.key)))
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let change = delta(call, io.world, Some(args.note()))?;
        let verb = if change.before.is_some() {
            "replaced"
        } else {
            "kept"
        };
        let said = format!("{verb} note `{}`", args.key);
        let mut outcome = Outcome::said(said.clone(), said);
        outcome.deltas.push(change);
        Ok(outcome)
    }
}
