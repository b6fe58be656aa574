//! `memory_list`: the notes that were kept, without their text.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call};
use crate::contract::{object, read_facts, reading};
use crate::limits::FILE_CALL_MS;
use crate::memory::notes;
use crate::store::joined;
use crate::text::counted;

pub(crate) struct MemoryList {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    tag: Option<String>,
}

impl MemoryList {
    pub(crate) fn new() -> Self {
        let schema = object(
            json!({
                "tag": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Only notes with this tag. Default: all."},
            }),
            &[],
        );
        let description =
            "Lists the keys and tags of kept notes with their stratum and where each comes from.";
        Self {
            contract: reading("memory_list", description, schema),
        }
    }
}

#[async_trait]
impl Body for MemoryList {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        parse::<Args>(args)?;
        Ok(read_facts(FILE_CALL_MS))
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let wanted = |tags: &[String]| {
            let tag = args.tag.as_ref();
            tag.is_none_or(|tag| tags.contains(tag))
        };
        let rows: Vec<String> = notes(io.world, io.memory)
            .iter()
            .filter(|note| wanted(&note.tags))
            .map(|note| note.title())
            .collect();
        let (text, truncated) = joined(&rows);
        let text = if rows.is_empty() {
            "no note is kept".to_owned()
        } else {
            text
        };
        let mut outcome = Outcome::said(counted(rows.len(), "note"), text);
        outcome.truncated = truncated;
        outcome.data = Some(json!({"notes": rows.len()}));
        Ok(outcome)
    }
}
