//! What a model wrote, bound to what an entry can hold `[K4]`. Judges nothing: what does not fit is
//! recorded as words about it, which `[C1]` refuses as no arguments.

use serde_json::Value;
use thymos_core::canonical;
use thymos_core::limits::{
    INTENT_ARGS_BYTES_MAX, INTENT_ARGS_DEPTH_MAX, MESSAGE_BYTES_MAX, TOOL_NAME_CHARS_MAX,
};

use crate::words;

/// Characters kept of arguments that cannot be kept whole.
const SHOWN_CHARS_MAX: usize = 400;

/// Bytes of an entry that a byte of text takes at most.
const CHARACTER_BYTES_MAX: usize = 6;

/// Arguments as they can be recorded; the same, when they can.
pub(super) fn args(args: Value) -> Value {
    let why = if deeper_than(&args, INTENT_ARGS_DEPTH_MAX) {
        format!("nested deeper than {INTENT_ARGS_DEPTH_MAX}")
    } else {
        match canonical::value_to_bytes(&args) {
            Ok(bytes) if bytes.as_bytes().len() <= INTENT_ARGS_BYTES_MAX => return args,
            Ok(bytes) => format!("of {} bytes", bytes.as_bytes().len()),
            Err(invalid) => invalid.to_string(),
        }
    };
    let shown = words::cut(&args.to_string(), SHOWN_CHARS_MAX);
    Value::String(format!("[arguments that cannot be kept, {why}] {shown}"))
}

/// A tool's name as it can be recorded. No tool has one so long, so a cut one is nobody's.
pub(super) fn name(tool: &str) -> String {
    words::cut(tool, TOOL_NAME_CHARS_MAX)
}

/// Words as they can be recorded: their beginning, and that they were cut. Measured as they are written into an
/// entry, where a control character takes six bytes: a batch that cannot be stored would never end.
pub(super) fn said(mut text: String) -> String {
    let Some(end) = beyond(&text, MESSAGE_BYTES_MAX) else {
        return text;
    };
    let whole = text.len();
    text.truncate(end);
    text.push_str(&format!("\n[cut: it had {whole} bytes]"));
    text
}

/// Where a text stops to fit into so many bytes of an entry; none where all of it does.
pub(super) fn beyond(text: &str, bytes_max: usize) -> Option<usize> {
    if text.len().saturating_mul(CHARACTER_BYTES_MAX) <= bytes_max {
        return None;
    }
    let mut written = 0;
    text.char_indices().find_map(|(at, c)| {
        written += canonical::written_bytes(c);
        (written > bytes_max).then_some(at)
    })
}

/// Looks level by level and keeps no stack of its own: the value comes from a stranger.
fn deeper_than(value: &Value, levels: usize) -> bool {
    let mut level = vec![value];
    for _ in 0..=levels {
        level = level.into_iter().flat_map(inside).collect();
        if level.is_empty() {
            return false;
        }
    }
    true
}

fn inside(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
