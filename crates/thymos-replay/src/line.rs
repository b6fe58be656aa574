//! A call in one line, from its typed arguments. Wording only; the entry has all of it.

use serde_json::Value;
use thymos_core::intent::Intent;

/// Characters of such a line. Beyond it, it is cut and says so with three dots.
const LINE_CHARS_MAX: usize = 160;

/// Arguments that say most of a call; they come first and go without their names.
const LEAD: [&str; 9] = [
    "command", "argv", "path", "pattern", "query", "key", "url", "steps", "task",
];

/// A call in one line: `src/lib.rs`, `cargo test -p client`.
#[must_use]
pub fn one_line(intent: &Intent) -> String {
    let text = intent.args.as_object().map_or_else(
        || plain(&intent.args),
        |map| {
            let lead = LEAD.iter().filter_map(|name| map.get(*name)).map(plain);
            let rest = map
                .iter()
                .filter(|(name, value)| !LEAD.contains(&name.as_str()) && !value.is_null())
                .map(|(name, value)| format!("{name}={}", brief(value)));
            lead.chain(rest).collect::<Vec<_>>().join(" ")
        },
    );
    let text = text.replace(['\n', '\r'], " ");
    // A content that ends its last line would leave a space that is shown as one.
    let text = text.trim_end().to_owned();
    if text.chars().count() <= LINE_CHARS_MAX {
        return text;
    }
    let mut short: String = text.chars().take(LINE_CHARS_MAX - 3).collect();
    short.push_str("...");
    short
}

fn plain(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        text.to_owned()
    } else if let Some(items) = value.as_array() {
        items.iter().map(plain).collect::<Vec<_>>().join(" ")
    } else if let Some(name) = value.get("resource").and_then(Value::as_str) {
        // A step of an undo: its values are digests.
        name.to_owned()
    } else {
        value.to_string()
    }
}

fn brief(value: &Value) -> String {
    match (value.as_str(), value.as_array()) {
        (Some(text), _) if text.chars().count() > 24 => format!("{} bytes", text.len()),
        (_, Some(items)) if items.len() == 1 => "1 item".to_owned(),
        (_, Some(items)) => format!("{} items", items.len()),
        _ => plain(value),
    }
}
