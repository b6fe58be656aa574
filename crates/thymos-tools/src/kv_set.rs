//! `kv_set`: sets one key of the trajectory's store.

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
use crate::store::{change_facts, check_size, delta, key_schema};

pub(crate) struct KvSet {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    key: String,
    value: Value,
}

impl KvSet {
    pub(crate) fn new() -> Self {
        let schema = object(
            json!({
                "key": key_schema(),
                "value": {"description": "Any JSON value, at most 64 KiB."},
            }),
            &["key", "value"],
        );
        let description = "Sets one key of this trajectory's store to a JSON value. The store is part of the record and can be undone.";
        Self {
            contract: writing("kv_set", description, schema),
        }
    }
}

#[async_trait]
impl Body for KvSet {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        check_size(&args.value)?;
        Ok(change_facts(look.world, Resource::Kv(args.key)))
    }

    fn is_brief(&self) -> bool {
        true
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let change = delta(call, io.world, Some(args.value))?;
        let verb = if change.before.is_some() {
            "replaced"
        } else {
            "set"
        };
        let said = format!("{verb} `{}`", args.key);
        let mut outcome = Outcome::said(said.clone(), said);
        outcome.deltas.push(change);
        Ok(outcome)
    }
}
