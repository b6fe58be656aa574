//! Builders for contracts, so that each tool states only what is special about it.

use serde_json::{Value, json};
use thymos_core::budget::Cost;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};

/// A tool that only looks.
pub(crate) fn reading(name: &str, description: &str, schema: Value) -> ToolContract {
    ToolContract {
        operator_only: false,
        name: name.to_owned(),
        version: 1,
        description: description.to_owned(),
        schema,
        effect_floor: EffectClass::Read,
        risk_floor: Risk::Low,
        repeat: Repeat::Free,
        recovery: Recovery::Idempotent,
        compensation: Compensation::Unneeded,
    }
}

/// A tool that changes files or the world in a way the record can undo.
///
/// All of these check what they find against what was resolved, so a second run either finds its
/// own result in place or refuses as moved; that makes them idempotent `[X2]`.
pub(crate) fn writing(name: &str, description: &str, schema: Value) -> ToolContract {
    ToolContract {
        effect_floor: EffectClass::Write,
        recovery: Recovery::Idempotent,
        compensation: Compensation::FromRecord,
        ..reading(name, description, schema)
    }
}

/// A JSON Schema of an object with these properties and no others `[C7]`.
pub(crate) fn object(properties: Value, required: &[&str]) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    })
}

/// Facts of a read that takes at most this long.
pub(crate) fn read_facts(wall_clock_ms: u64) -> Resolved {
    Resolved {
        effect: EffectClass::Read,
        estimate: Cost {
            tool_calls: 1,
            wall_clock_ms,
            ..Cost::default()
        },
        ..Resolved::pure()
    }
}
