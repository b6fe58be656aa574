//! `kv_delete`: removes one key of the trajectory's store.

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
use crate::store::{change_facts, delta, key_schema};

pub(crate) struct KvDelete {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    key: String,
}

impl KvDelete {
    pub(crate) fn new() -> Self {
        let schema = object(
            json!({
                "key": key_schema(),
            }),
            &["key"],
        );
        let description = "Removes one key of this trajectory's store. Its value stays in the record and can be restored.";
        Self {
            contract: writing("kv_delete", description, schema),
        }
    }
}

#[async_trait]
impl Body for KvDelete {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        let resource = Resource::Kv(args.key.clone());
        if look.world.get(&resource).is_none() {
            let message = format!("`{}` is not set", args.key);
            return Err(Unresolvable::with_hint(
                message,
                "see what is set with `kv_list`",
            ));
        }
        Ok(change_facts(look.world, resource))
    }

    fn is_brief(&self) -> bool {
        true
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let said = format!("removed `{}`", args.key);
        let mut outcome = Outcome::said(said.clone(), said);
        outcome.deltas.push(delta(call, io.world, None)?);
        Ok(outcome)
    }
}
