//! What the `memory_*` tools share: notes of this trajectory and of others, merged `[O4]`.
//!
//! Reads the folded world and the view that the runtime gives. The newest of a key wins, and what was
//! forgotten last is gone.

use std::collections::BTreeMap;

use serde_json::Value;
use thymos_core::delta::Resource;
use thymos_core::world::World;
use thymos_ports::memory::{MemoryView, Origin};

use crate::store::json_of;

/// Strata, by how far they reach: this trajectory; then all of the workspace and tenant.
pub(crate) const STRATA: [&str; 3] = ["working", "episodic", "semantic"];

/// One note, with where it comes from.
pub(crate) struct Note {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) tags: Vec<String>,
    pub(crate) stratum: String,
    pub(crate) version: u64,
    /// None of a note that a branch inherited.
    pub(crate) origin: Option<Origin>,
    /// Whether this trajectory kept it.
    pub(crate) own: bool,
}

impl Note {
    pub(crate) fn title(&self) -> String {
        let tags = match self.tags.is_empty() {
            true => String::new(),
            false => format!(" [{}]", self.tags.join(", ")),
        };
        let from = match &self.origin {
            None => "inherited".to_owned(),
            Some(origin) => {
                let of = match self.own {
                    true => String::new(),
                    false => format!(" of trajectory {}", origin.trajectory.short()),
                };
                let approved = match origin.approved {
                    true => "approved by the operator",
                    false => "not approved by anybody",
                };
                let (date, clock) = (origin.at.date(), origin.at.clock());
                format!("entry {}{of}, {date} {clock}, {approved}", origin.seq)
            }
        };
        format!(
            "{}{tags}  ({}, version {}, {from})",
            self.key, self.stratum, self.version
        )
    }

    /// Words in key or tags count more than words in the text.
    pub(crate) fn score(&self, words: &[&str]) -> usize {
        let (key, text) = (self.key.to_lowercase(), self.text.to_lowercase());
        let tags = self.tags.join(" ").to_lowercase();
        let worth = |word: &&str| {
            3 * usize::from(key.contains(*word))
                + 2 * usize::from(tags.contains(*word))
                + usize::from(text.contains(*word))
        };
        words.iter().map(worth).sum()
    }

    /// Of equals the newest is told first.
    pub(crate) fn age(&self) -> u64 {
        self.origin.as_ref().map_or(0, |origin| origin.index)
    }
}

/// All notes, in order of keys.
pub(crate) fn notes(world: &World, memory: &dyn MemoryView) -> Vec<Note> {
    let mut newest: BTreeMap<String, (Value, Note)> = BTreeMap::new();
    for shared in memory.shared() {
        let note = read(&shared.key, &shared.value, shared.version);
        let note = Note {
            origin: Some(shared.origin),
            ..note
        };
        newest.insert(shared.key, (shared.value, note));
    }
    for (resource, held) in world.iter() {
        let Resource::Memory(key) = resource else {
            continue;
        };
        let Some(value) = json_of(&held.value) else {
            continue;
        };
        let note = Note {
            origin: memory.origin(key),
            own: true,
            ..read(key, value, held.version)
        };
        let older = newest
            .get(key)
            .is_some_and(|(_, shared)| note.origin.is_some() && note.age() < shared.age());
        if !older {
            newest.insert(key.clone(), (value.clone(), note));
        }
    }
    newest
        .into_values()
        .filter(|(value, _)| !is_forgotten(value))
        .map(|(_, note)| note)
        .collect()
}

fn read(key: &str, value: &Value, version: u64) -> Note {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let tags = value.get("tags").and_then(Value::as_array);
    Note {
        key: key.to_owned(),
        text: text("text").unwrap_or_default().to_owned(),
        tags: tags
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        stratum: text("stratum").unwrap_or("working").to_owned(),
        version,
        origin: None,
        own: false,
    }
}

/// Whether a value says that its key was forgotten.
pub(crate) fn is_forgotten(value: &Value) -> bool {
    value.get("forgotten") == Some(&Value::Bool(true))
}
