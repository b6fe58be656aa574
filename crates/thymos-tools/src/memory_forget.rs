//! `memory_forget`: forgets a note, here and wherever it is recalled `[O4]`.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use thymos_core::delta::Resource;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_ports::memory::MemoryView;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call};
use crate::contract::{object, writing};
use crate::memory::notes;
use crate::store::{change_facts, delta, key_schema};

pub(crate) struct MemoryForget {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    key: String,
}

impl MemoryForget {
    pub(crate) fn new() -> Self {
        let schema = object(json!({"key": key_schema()}), &["key"]);
        let description = "Forgets a note: it is recalled no more, by this trajectory or any other of this workspace. The record keeps that it was there.";
        Self {
            contract: writing("memory_forget", description, schema),
        }
    }
}

#[async_trait]
impl Body for MemoryForget {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        if !notes(look.world, look.memory)
            .iter()
            .any(|note| note.key == args.key)
        {
            let message = format!("no note `{}` is kept", args.key);
            return Err(Unresolvable::with_hint(
                message,
                "see what is kept with `memory_list`",
            ));
        }
        Ok(change_facts(look.world, Resource::Memory(args.key)))
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        // A tombstone reaches across: what others recall has to hear of it.
        let after = reaches_others(&args.key, io).then(|| json!({"forgotten": true}));
        let change = delta(call, io.world, after)?;
        let said = format!("forgot note `{}`", args.key);
        let mut outcome = Outcome::said(said.clone(), said);
        outcome.deltas.push(change);
        Ok(outcome)
    }
}

fn reaches_others(key: &str, io: &ToolIo<'_>) -> bool {
    let memory: &dyn MemoryView = io.memory;
    memory.shared().iter().any(|shared| shared.key == key)
        || notes(io.world, memory)
            .iter()
            .any(|note| note.key == key && note.stratum != "working")
}
