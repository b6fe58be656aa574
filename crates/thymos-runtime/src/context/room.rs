//! What of a conversation fits: the task first, then as many of the newest turns as there is room for. The
//! newest turn and what the operator said last are always there, shortened where they have to be, since a
//! model that does not see what it just did does it again.

use std::collections::BTreeSet;

use serde_json::Value;
use thymos_ports::cognition::{ContextMessage, ProposedCall};

/// Bytes that are left of a text however little room there is.
const TEXT_BYTES_MIN: usize = 256;

/// A person's message, or a model's with the results of its calls: a provider refuses one without the other.
type Turn = Vec<ContextMessage>;

/// As many messages as fit into so many bytes; what is left out or shortened is named. The first `pinned`
/// turns stay: the task, and the model's words for the turns that it summed up.
pub(super) fn fit(
    messages: Vec<ContextMessage>,
    pinned: usize,
    room: usize,
) -> Vec<ContextMessage> {
    if length(&messages) <= room {
        return messages;
    }
    let mut turns = turns(messages);
    let mut kept = must_stay(&turns, pinned);
    shorten(&mut turns, &kept, room);
    let sizes: Vec<usize> = turns.iter().map(|turn| length(turn)).collect();
    let mut used: usize = kept.iter().filter_map(|at| sizes.get(*at)).sum();
    for (at, size) in sizes.iter().enumerate().rev() {
        if kept.contains(&at) {
            continue;
        }
        used = used.saturating_add(*size);
        if used > room {
            break;
        }
        kept.insert(at);
    }
    let mut fitting = Vec::new();
    let mut left_out = 0;
    for (at, turn) in turns.into_iter().enumerate() {
        if !kept.contains(&at) {
            left_out += turn.len();
            continue;
        }
        fitting.extend(note(&mut left_out));
        fitting.extend(turn);
    }
    fitting
}

/// Told once for each gap.
fn note(left_out: &mut usize) -> Option<ContextMessage> {
    let gone = std::mem::take(left_out);
    let told = format!("[{gone} older messages are left out here; the ledger has them]");
    (gone > 0).then_some(ContextMessage::Operator(told))
}

fn turns(messages: Vec<ContextMessage>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for message in messages {
        match (&message, turns.last_mut()) {
            (ContextMessage::Result { .. }, Some(turn)) => turn.push(message),
            _ => turns.push(vec![message]),
        }
    }
    turns
}

/// What is pinned, what a person said last, and the newest turn.
fn must_stay(turns: &[Turn], pinned: usize) -> BTreeSet<usize> {
    let is_operators = |turn: &Turn| matches!(turn.first(), Some(ContextMessage::Operator(_)));
    let last_said = turns.iter().rposition(is_operators);
    let newest = turns.iter().rposition(|turn| !is_operators(turn));
    let pinned = 0..pinned.min(turns.len());
    pinned.chain(last_said).chain(newest).collect()
}

/// Cuts the longest texts of these turns until all of them fit, or as far as that goes.
fn shorten(turns: &mut [Turn], kept: &BTreeSet<usize>, room: usize) {
    let size: usize = kept
        .iter()
        .filter_map(|at| turns.get(*at))
        .map(|turn| length(turn))
        .sum();
    if size <= room {
        return;
    }
    let kept = turns
        .iter_mut()
        .enumerate()
        .filter(|(at, _)| kept.contains(at));
    let mut texts: Vec<&mut String> = Vec::new();
    for message in kept.flat_map(|(_, turn)| turn) {
        texts.extend(cuttable(message));
    }
    let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
    let others = size.saturating_sub(lengths.iter().sum());
    let most = level(lengths, room.saturating_sub(others)).max(TEXT_BYTES_MIN);
    for text in texts {
        if text.len() > most {
            *text = middle_cut(text, most);
        }
    }
}

/// The length to which each is cut so that together they have no more than `room`.
fn level(mut lengths: Vec<usize>, room: usize) -> usize {
    lengths.sort_unstable();
    let mut left = room;
    let mut count = lengths.len();
    for length in lengths {
        let share = left.checked_div(count).unwrap_or(left);
        if length > share {
            return share;
        }
        left -= length;
        count -= 1;
    }
    usize::MAX
}

/// Beginning and end, with what is not there named between them.
pub(super) fn middle_cut(text: &str, most: usize) -> String {
    let half = most / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len().saturating_sub(half));
    let gone = tail.saturating_sub(head);
    let (head, tail) = (
        text.get(..head).unwrap_or_default(),
        text.get(tail..).unwrap_or_default(),
    );
    format!("{head}\n[{gone} bytes are left out here; the ledger has them]\n{tail}")
}

/// Texts that may be shortened. What a provider wants replayed as it gave it stays whole, and so do the calls
/// beside it.
fn cuttable(message: &mut ContextMessage) -> Vec<&mut String> {
    match message {
        ContextMessage::Operator(text) | ContextMessage::Result { text, .. } => vec![text],
        ContextMessage::Model {
            provider_state: Some(_),
            ..
        } => Vec::new(),
        ContextMessage::Model { text, calls, .. } => {
            let mut texts = vec![text];
            for call in calls {
                strings(&mut call.args, &mut texts);
            }
            texts
        }
    }
}

fn strings<'v>(value: &'v mut Value, found: &mut Vec<&'v mut String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, found)),
        Value::Object(members) => members.values_mut().for_each(|item| strings(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Bytes of these messages.
pub(super) fn length(messages: &[ContextMessage]) -> usize {
    messages.iter().map(size).sum()
}

fn size(message: &ContextMessage) -> usize {
    match message {
        ContextMessage::Operator(text) | ContextMessage::Result { text, .. } => text.len(),
        // What is replayed stands for text and calls.
        ContextMessage::Model {
            provider_state: Some(state),
            text,
            calls,
        } => written(state).max(text.len() + calls.iter().map(size_of_call).sum::<usize>()),
        ContextMessage::Model { text, calls, .. } => {
            text.len() + calls.iter().map(size_of_call).sum::<usize>()
        }
    }
}

fn size_of_call(call: &ProposedCall) -> usize {
    call.tool.len() + written(&call.args)
}

/// Bytes of a value as it is sent.
pub(super) fn written(value: &Value) -> usize {
    value.to_string().len()
}

#[cfg(test)]
mod tests;
