//! `kv_get`: reads one key of the trajectory's store.

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
use crate::contract::{object, reading};
use crate::store::{joined, json_of, key_schema, look_facts};

pub(crate) struct KvGet {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    key: String,
}

impl KvGet {
    pub(crate) fn new() -> Self {
        let schema = object(
            json!({
                "key": key_schema(),
            }),
            &["key"],
        );
        let description = "Reads one key of this trajectory's store. Says so when there is none.";
        Self {
            contract: reading("kv_get", description, schema),
        }
    }
}

#[async_trait]
impl Body for KvGet {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        Ok(look_facts(look.world, Resource::Kv(args.key)))
    }

    fn is_brief(&self) -> bool {
        true
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let Some(found) = io.world.get(&Resource::Kv(args.key.clone())) else {
            let said = format!("`{}` is not set", args.key);
            let mut outcome = Outcome::said(said.clone(), said);
            outcome.data = Some(json!({"key": args.key, "found": false}));
            return Ok(outcome);
        };
        let value = json_of(&found.value).cloned().unwrap_or_default();
        let (text, truncated) = joined(&[value.to_string()]);
        let mut outcome = Outcome::said(format!("read `{}`", args.key), text);
        outcome.truncated = truncated;
        outcome.data = Some(json!({
            "key": args.key, "found": true, "value": value,
            "version": found.version, "seq": found.seq,
        }));
        Ok(outcome)
    }
}
