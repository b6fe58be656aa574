//! What the operator said in this workspace before: the history of the composer, read from the record.
//!
//! Bounded in runs, entries and bytes, newest first; folds nothing and keeps nothing.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState, Role};
use thymos_core::key::{PublicKey, SigningKey};
use thymos_core::{Entry, Kind, TrajectoryId};
use thymos_ports::store::{Head, StoreError};

use crate::kernel::Kernel;

/// Messages told.
const MESSAGES_MAX: usize = 500;

/// Bytes of all of them; longer histories end earlier.
const BYTES_MAX: usize = 1024 * 1024;

/// Runs looked at, most recently changed first.
const RUNS_MAX: usize = 256;

/// Entries looked at in all; what was said before them is left out.
const ENTRIES_MAX: usize = 20_000;

/// Entries read at once.
const PAGE: u64 = 64;

/// This operator's messages in every run of this workspace, newest first, each once.
///
/// # Errors
/// What a person is told of a store that cannot be read.
pub(super) fn newest(kernel: &Kernel) -> Result<Vec<String>, String> {
    let parts = &kernel.parts;
    let keys = parts.retired_keys.iter().chain([&parts.operator_key]);
    let mut search = Search {
        kernel,
        own: keys.map(SigningKey::public).collect(),
        left: ENTRIES_MAX,
        found: Vec::new(),
    };
    let heads = kernel.parts.store.heads();
    for head in heads.map_err(|e| e.to_string())?.into_iter().take(RUNS_MAX) {
        if search.left == 0 {
            break;
        }
        let looked = search.look_through(&head);
        looked.map_err(|error| error.to_string())?;
    }
    Ok(search.found.into_iter().map(|(_, text)| text).collect())
}

struct Search<'k> {
    kernel: &'k Kernel,
    // Keys that this operator writes with, or wrote with.
    own: Vec<PublicKey>,
    // Entries that may still be looked at.
    left: usize,
    // Places in the log and texts, newest first, each text once.
    found: Vec<(u64, String)>,
}

impl Search<'_> {
    /// One run, from its end.
    fn look_through(&mut self, head: &Head) -> Result<(), StoreError> {
        if !self.is_here(&head.trajectory)? {
            return Ok(());
        }
        // [L3] An order to erase stands behind what it takes away, so it is met first.
        let mut ordered = BTreeSet::new();
        let (mut said, mut bytes) = (0, 0_usize);
        let mut end = head.seq.saturating_add(1);
        while end > 0 && self.left > 0 && said < MESSAGES_MAX && bytes < BYTES_MAX {
            let from = end.saturating_sub(PAGE);
            let entries = self.read(&head.trajectory, from, end)?;
            self.left = self.left.saturating_sub(entries.len().max(1));
            for entry in entries.iter().rev() {
                match entry.kind() {
                    Some(Kind::Erased) => ordered.extend(erases(entry)),
                    Some(Kind::Message) if !ordered.contains(&entry.header.seq) => {
                        let own = self.own.contains(&entry.header.writer);
                        if let Some(text) = typed(entry).filter(|_| own) {
                            said += 1;
                            bytes = bytes.saturating_add(text.len());
                            self.found.push((entry.header.index, text));
                        }
                    }
                    _ => {}
                }
            }
            end = from;
        }
        keep_newest(&mut self.found);
        Ok(())
    }

    /// Whether it is of this workspace and of this tenant `[C5]`.
    fn is_here(&mut self, trajectory: &TrajectoryId) -> Result<bool, StoreError> {
        let parts = &self.kernel.parts;
        let first = parts.store.page(trajectory, 0, 1)?;
        self.left = self.left.saturating_sub(1);
        Ok(match first.first().map(Entry::decode) {
            Some(BodyState::Known(Body::Root(root))) => {
                root.tenant == parts.tenant && root.workspace == parts.workspace
            }
            _ => false,
        })
    }

    /// The entries from one up to another; a page may end earlier.
    fn read(&self, of: &TrajectoryId, from: u64, end: u64) -> Result<Vec<Entry>, StoreError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut next = from;
        while next < end {
            let limit = usize::try_from(end - next).unwrap_or(usize::MAX);
            let page = self.kernel.parts.store.page(of, next, limit)?;
            let Some(last) = page.last() else { break };
            next = last.header.seq.saturating_add(1);
            entries.extend(page);
        }
        Ok(entries)
    }
}

/// Runs go on side by side, so the order is that of the log. What is over the bounds goes.
fn keep_newest(found: &mut Vec<(u64, String)>) {
    let newer = |(index, _): &(u64, String)| std::cmp::Reverse(*index);
    found.sort_by_key(newer);
    let mut seen = BTreeSet::new();
    found.retain(|(_, text)| seen.insert(text.clone()));
    let mut bytes = 0_usize;
    let over = found.iter().position(|(_, text)| {
        bytes = bytes.saturating_add(text.len());
        bytes > BYTES_MAX
    });
    found.truncate(over.unwrap_or(MESSAGES_MAX).min(MESSAGES_MAX));
}

/// Which entry an order is about.
fn erases(entry: &Entry) -> Option<u64> {
    match entry.decode() {
        BodyState::Known(Body::Erased(order)) => Some(order.seq),
        _ => None,
    }
}

/// What a person typed; none of what a program or a model said, or of what is gone.
fn typed(entry: &Entry) -> Option<String> {
    match entry.decode() {
        BodyState::Known(Body::Message(said)) => {
            let person = matches!(said.role, Role::Operator | Role::Steer);
            person.then_some(said.text)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(found: Vec<(u64, String)>) -> Vec<(u64, String)> {
        let mut found = found;
        keep_newest(&mut found);
        found
    }

    #[test]
    fn the_newest_of_equal_ones_stays_and_what_is_over_the_bounds_goes() {
        let text = |at: u64, text: &str| (at, text.to_owned());
        let told = kept(vec![text(1, "a"), text(3, "b"), text(2, "a")]);
        assert_eq!(told, [text(3, "b"), text(2, "a")]);
        let many = (0..600).map(|at| (at, format!("message {at}"))).collect();
        let told = kept(many);
        assert_eq!((told.len(), told[0].0), (MESSAGES_MAX, 599));
        let long = (0..10).map(|at| (at, format!("{at}{}", "x".repeat(BYTES_MAX / 4))));
        assert_eq!(kept(long.collect()).len(), 3);
    }
}
