//! What the `kv_*` and `memory_*` tools share: keys, facts and deltas of world resources `[O4]`.
//!
//! Reads the folded world and touches nothing else.

use serde_json::{Value, json};
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::resolved::{Resolved, ResolvedResource};
use thymos_core::tool::Compensation;
use thymos_core::world::World;
use thymos_ports::tool::{ToolFault, Unresolvable};

use crate::body::{Call, failed, moved};
use crate::contract::read_facts;
use crate::limits::{FILE_CALL_MS, OBSERVATION_BYTES_MAX, VALUE_BYTES_MAX};
use crate::text::{counted, prefix};

/// The schema of a key.
pub(crate) fn key_schema() -> Value {
    json!({
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$",
        "description": "Key: letters, digits, `.`, `_`, `/` and `-`, at most 128.",
    })
}

/// Facts of reading one resource, with the version seen.
pub(crate) fn look_facts(world: &World, resource: Resource) -> Resolved {
    let version = world.get(&resource).map(|versioned| versioned.version);
    let mut facts = read_facts(FILE_CALL_MS);
    facts.resources.push(ResolvedResource { resource, version });
    facts
}

/// Facts of changing one resource. A small, undoable change of the trajectory's own store.
pub(crate) fn change_facts(world: &World, resource: Resource) -> Resolved {
    Resolved {
        effect: EffectClass::Write,
        compensation: Compensation::FromRecord,
        ..look_facts(world, resource)
    }
}

/// The change of the resolved resource, if it still is in the version that was seen.
pub(crate) fn delta(
    call: Call<'_>,
    world: &World,
    after: Option<Value>,
) -> Result<Delta, ToolFault> {
    let Some(seen) = call.resolved.resources.first() else {
        return Err(failed("no resource was resolved"));
    };
    let now = world.get(&seen.resource);
    if now.map(|versioned| versioned.version) != seen.version {
        return Err(moved(format!(
            "`{}` changed after it was looked at",
            seen.resource
        )));
    }
    Ok(Delta {
        resource: seen.resource.clone(),
        expect: seen.version.map_or(Expect::Absent, Expect::Exactly),
        before: now.map(|versioned| versioned.value.clone()),
        after: after.map(ResourceValue::Json),
    })
}

/// Refuses a value that is too large to stand in an entry.
pub(crate) fn check_size(value: &Value) -> Result<(), Unresolvable> {
    let size = value.to_string().len();
    if size <= VALUE_BYTES_MAX {
        return Ok(());
    }
    let message = format!("the value has {size} bytes and at most {VALUE_BYTES_MAX} are kept");
    Err(Unresolvable::with_hint(
        message,
        "put it into a file with `fs_write`",
    ))
}

/// A JSON value of the world; file images are none.
pub(crate) fn json_of(value: &ResourceValue) -> Option<&Value> {
    match value {
        ResourceValue::Json(value) => Some(value),
        ResourceValue::File(_) => None,
    }
}

/// Rows joined for the model, and whether some were left out.
pub(crate) fn joined(rows: &[String]) -> (String, bool) {
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        if text.len() + row.len() > OBSERVATION_BYTES_MAX {
            let room = OBSERVATION_BYTES_MAX.saturating_sub(text.len());
            let head = prefix(row, room);
            text.push_str(head);
            let left = counted(rows.len() - index, "entry");
            text.push_str(&format!("\n[cut; {left} not or not wholly shown]\n"));
            return (text, true);
        }
        text.push_str(row);
        text.push('\n');
    }
    (text, false)
}

#[cfg(test)]
mod tests;
