//! Calls as they arrive in pieces: bounded, put back together, with ids repaired.
//!
//! Never invents an argument: what does not parse is handed on as malformed.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use serde_json::{Map, Value};
use thymos_core::canonical;
use thymos_ports::cognition::ProposedCall;

use crate::limits::CALLS_MAX;

#[cfg(test)]
mod tests;

/// Why pieces were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyCalls;

/// One piece of a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Piece<'a> {
    /// The provider's position; may be missing, repeated or absurd.
    pub(crate) index: Option<u64>,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) args: &'a str,
}

/// Whether the turn ended in a way that leaves the last call trustworthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// The output limit was reached: a call without arguments may have lost them.
    Truncated,
}

#[derive(Debug, Default)]
struct Slot {
    id: String,
    name: String,
    args: String,
    shape: Shape,
}

/// Calls of one turn, by order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    slots: Vec<Slot>,
    by_index: BTreeMap<u64, usize>,
}

impl Calls {
    /// Adds a piece; tells the position when a call begins with it.
    pub(crate) fn add(&mut self, piece: Piece<'_>) -> Result<Option<usize>, TooManyCalls> {
        let known = match piece.index {
            Some(index) => self.by_index.get(&index).copied(),
            None => self.slots.len().checked_sub(1),
        };
        let at = known.filter(|at| self.slots.get(*at).is_some_and(|slot| !slot.ends_at(piece)));
        let (at, began) = match at {
            Some(at) => (at, None),
            None => {
                if self.slots.len() >= CALLS_MAX {
                    return Err(TooManyCalls);
                }
                let at = self.slots.len();
                self.slots.push(Slot::default());
                if let Some(index) = piece.index {
                    // An index is a name, not a position: 2^32 - 1 costs no more than 0.
                    self.by_index.insert(index, at);
                }
                (at, Some(at))
            }
        };
        if let Some(slot) = self.slots.get_mut(at) {
            slot.take(piece);
        }
        Ok(began)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The calls, parsed, with ids unique within the turn.
    pub(crate) fn finish(self, ending: Ending) -> Vec<ProposedCall> {
        let last = self.slots.len().saturating_sub(1);
        let mut ids = Ids::default();
        let slots = self.slots.into_iter().enumerate();
        slots
            .map(|(at, slot)| {
                let cut = ending == Ending::Truncated && at == last;
                let (args, malformed) = parse_args(slot.args, cut);
                ProposedCall {
                    call: ids.unique(&slot.id),
                    tool: slot.name,
                    args,
                    malformed,
                }
            })
            .collect()
    }
}

impl Slot {
    /// Whether the piece cannot belong to this call any more.
    fn ends_at(&self, piece: Piece<'_>) -> bool {
        let other_id = !piece.id.is_empty() && !self.id.is_empty() && piece.id != self.id;
        let named_again = !piece.name.is_empty() && !self.name.is_empty();
        let same_id = !piece.id.is_empty() && piece.id == self.id;
        other_id || (named_again && !same_id && self.shape.closed)
    }

    fn take(&mut self, piece: Piece<'_>) {
        if self.id.is_empty() {
            piece.id.clone_into(&mut self.id);
        }
        // Some servers repeat the whole name in each piece, some send it in pieces.
        if self.args.is_empty() && piece.name != self.name {
            self.name.push_str(piece.name);
        }
        self.args.push_str(piece.args);
        self.shape.follow(piece.args);
    }
}

/// Follows brackets of JSON text as it arrives, so that nothing is parsed twice.
#[derive(Debug, Default)]
struct Shape {
    depth: usize,
    in_string: bool,
    escaped: bool,
    closed: bool,
}

impl Shape {
    fn follow(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if mem::take(&mut self.escaped) => {}
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.closed |= self.depth == 0;
                }
                _ => {}
            }
        }
    }
}

/// No text at all is how protocols write a call without arguments, unless it was cut off.
fn parse_args(text: String, cut: bool) -> (Value, Option<String>) {
    if text.trim().is_empty() && !cut {
        return (Value::Object(Map::new()), None);
    }
    match canonical::parse(text.as_bytes()) {
        Ok(args) => (args, None),
        Err(_) => (Value::Null, Some(text)),
    }
}

/// Hands out ids that are each other's equals in form: nine letters and digits, which even the
/// strictest provider takes back.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    taken: BTreeSet<String>,
    made: u32,
}

impl Ids {
    /// The wanted id if it is not empty and not taken, otherwise a new one.
    pub(crate) fn unique(&mut self, wanted: &str) -> String {
        if !wanted.is_empty() && self.taken.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        loop {
            self.made += 1;
            let made = format!("call{:05}", self.made);
            if self.taken.insert(made.clone()) {
                return made;
            }
        }
    }
}
