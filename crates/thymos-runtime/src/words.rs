//! Kernel facts in the screen's words: one-line calls, suggestions, changes. Decides nothing.

use thymos_core::delta::{Delta, Resource, ResourceValue};
use thymos_core::intent::Intent;
use thymos_core::outcome::Observed;
use thymos_core::trace::{Clause, Ruling, Trace};
use thymos_core::verdict::Ask;
use thymos_protocol::FileChange;

/// A call in one line, from its typed arguments: `src/lib.rs`, `cargo test -p client`.
pub(crate) fn line(intent: &Intent) -> String {
    thymos_replay::one_line(intent)
}

/// Cuts at a character count and says so with three dots.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(3)).collect();
    short.push_str("...");
    short
}

/// What allowed a call: the rule that spoke in `[C13]`, or the writ alone.
pub(crate) fn allowed_by(trace: &Trace) -> String {
    let rule = trace
        .lines
        .iter()
        .rev()
        .find(|line| line.clause == Clause::C13 && line.ruling == Ruling::Permit)
        .and_then(|line| line.rule.clone());
    rule.map_or_else(|| "writ".to_owned(), |rule| format!("rule {rule}"))
}

/// What of a command's effect nobody looked at; none where everything was `[O3]`.
pub(crate) fn unseen(observed: &Observed) -> Option<String> {
    let whole = observed.complete && observed.unobserved == 0;
    let note = || "not every file was looked at".to_owned();
    (!whole).then(|| observed.note.clone().unwrap_or_else(note))
}

/// Files that deltas change.
pub(crate) fn changes(deltas: &[Delta]) -> Vec<FileChange> {
    deltas
        .iter()
        .filter_map(|delta| {
            let Resource::File(path) = &delta.resource else {
                return None;
            };
            let size = |value: &Option<ResourceValue>| match value {
                Some(ResourceValue::File(image)) => Some(image.size),
                Some(ResourceValue::Json(_)) | None => None,
            };
            let change = match (&delta.before, &delta.after) {
                (_, None) => "deleted",
                (None, Some(_)) => "created",
                (Some(_), Some(_)) => "changed",
            };
            Some(FileChange {
                path: path.clone(),
                change: change.to_owned(),
                size_before: size(&delta.before),
                size_after: size(&delta.after),
            })
        })
        .collect()
}

/// Why somebody is asked, and who, where it is not simply the operator.
pub(crate) fn asked(ask: &Ask) -> String {
    match ask.channel.as_str() {
        "operator" => ask.reason.clone(),
        channel => format!("{} (asked of {channel})", ask.reason),
    }
}
