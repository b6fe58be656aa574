//! Memory: notes that the trajectories of one workspace and tenant share `[O4]`.
//!
//! Folded from their entries like everything else, and kept on the desk; nothing is stored here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thymos_core::delta::{Resource, ResourceValue};
use thymos_core::{Timestamp, TrajectoryId};
use thymos_ports::memory::{MemoryView, Origin, SharedNote};
use thymos_protocol::MemoryRow;
use thymos_replay::Projection;
use thymos_replay::projection::Kept;

use crate::kernel::Kernel;
use crate::service::Shared;

/// Whose memory: notes never cross from one workspace or tenant to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    pub(crate) workspace: String,
    pub(crate) tenant: String,
}

impl Whose {
    pub(crate) fn of(p: &Projection) -> Self {
        let root = p.root.as_ref();
        Self {
            workspace: root.map_or_else(String::new, |root| root.workspace.clone()),
            tenant: root.map_or_else(String::new, |root| root.tenant.clone()),
        }
    }
}

/// What a trajectory shares: notes of the wider strata, and what it forgot.
pub(crate) fn shared_by(p: &Projection) -> Vec<SharedNote> {
    if p.memory.is_empty() {
        return Vec::new();
    }
    p.world
        .iter()
        .filter_map(|(resource, held)| {
            let (Resource::Memory(key), ResourceValue::Json(value)) = (resource, &held.value)
            else {
                return None;
            };
            let stratum = value.get("stratum").and_then(serde_json::Value::as_str);
            let wide = matches!(stratum, Some("episodic" | "semantic"));
            let forgotten = value.get("forgotten").is_some();
            // What a branch inherited is shared by the trajectory that kept it.
            let kept = p.memory.get(key).filter(|_| wide || forgotten)?;
            Some(SharedNote {
                key: key.clone(),
                value: value.clone(),
                version: held.version,
                origin: origin(p.trajectory, kept),
            })
        })
        .collect()
}

fn origin(trajectory: TrajectoryId, kept: &Kept) -> Origin {
    Origin {
        trajectory,
        entry: kept.entry,
        seq: kept.seq,
        index: kept.index,
        at: kept.at,
        approved: kept.approved,
    }
}

/// The newest note of each key, tombstones included.
pub(crate) fn newest(all: impl Iterator<Item = SharedNote>) -> Vec<SharedNote> {
    let mut newest: BTreeMap<String, SharedNote> = BTreeMap::new();
    for note in all {
        let older = newest
            .get(&note.key)
            .is_some_and(|known| known.origin.index > note.origin.index);
        if !older {
            newest.insert(note.key.clone(), note);
        }
    }
    newest.into_values().collect()
}

/// What one trajectory may recall of the others.
pub(crate) struct Recall {
    kernel: Arc<Kernel>,
    shared: Arc<Shared>,
    trajectory: TrajectoryId,
    whose: Whose,
    own: BTreeMap<String, Origin>,
}

impl Recall {
    pub(crate) fn of(kernel: &Arc<Kernel>, shared: &Arc<Shared>, p: &Projection) -> Self {
        let own = p.memory.iter();
        Self {
            kernel: kernel.clone(),
            shared: shared.clone(),
            trajectory: p.trajectory,
            whose: Whose::of(p),
            own: own
                .map(|(key, kept)| (key.clone(), origin(p.trajectory, kept)))
                .collect(),
        }
    }
}

impl MemoryView for Recall {
    fn shared(&self) -> Vec<SharedNote> {
        self.shared
            .notes(&self.kernel, &self.whose, Some(&self.trajectory))
    }

    fn origin(&self, key: &str) -> Option<Origin> {
        self.own.get(key).cloned()
    }
}

/// Shared notes in rows, without what was forgotten.
pub(crate) fn rows(notes: Vec<SharedNote>) -> Vec<MemoryRow> {
    let kept = |note: &SharedNote| note.value.get("forgotten").is_none();
    notes.into_iter().filter(kept).map(row).collect()
}

fn row(note: SharedNote) -> MemoryRow {
    let text = |name: &str| {
        let value = note.value.get(name).and_then(serde_json::Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let tags = note.value.get("tags").and_then(serde_json::Value::as_array);
    let at: Timestamp = note.origin.at;
    MemoryRow {
        text: text("text"),
        tags: tags
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
            .map(str::to_owned)
            .collect(),
        stratum: text("stratum"),
        version: note.version,
        trajectory: note.origin.trajectory,
        entry: note.origin.entry,
        seq: note.origin.seq,
        at,
        approved: note.origin.approved,
        key: note.key,
    }
}
