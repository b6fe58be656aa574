//! `kv_list`: the keys of the trajectory's store.

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
use crate::contract::{object, read_facts, reading};
use crate::limits::FILE_CALL_MS;
use crate::store::joined;
use crate::text::counted;

pub(crate) struct KvList {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    #[serde(default)]
    prefix: String,
}

impl KvList {
    pub(crate) fn new() -> Self {
        let schema = object(
            json!({
                "prefix": {"type": "string", "maxLength": 128, "description": "Only keys that begin with this. Default: all."},
            }),
            &[],
        );
        let description = "Lists the keys of this trajectory's store with their versions.";
        Self {
            contract: reading("kv_list", description, schema),
        }
    }
}

#[async_trait]
impl Body for KvList {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        parse::<Args>(args)?;
        Ok(read_facts(FILE_CALL_MS))
    }

    fn is_brief(&self) -> bool {
        true
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let rows = io
            .world
            .iter()
            .filter_map(|(resource, found)| match resource {
                Resource::Kv(key) if key.starts_with(&args.prefix) => Some(format!(
                    "{key}  (version {}, entry {})",
                    found.version, found.seq
                )),
                Resource::Kv(_) | Resource::Memory(_) | Resource::File(_) => None,
            });
        let rows: Vec<String> = rows.collect();
        let said = counted(rows.len(), "key");
        let (text, truncated) = joined(&rows);
        let text = if rows.is_empty() {
            "no key is set".to_owned()
        } else {
            text
        };
        let mut outcome = Outcome::said(said, text);
        outcome.truncated = truncated;
        outcome.data = Some(json!({"keys": rows.len()}));
        Ok(outcome)
    }
}
