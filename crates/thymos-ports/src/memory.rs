//! What a memory tool may look at beyond its own trajectory `[O4]`. Read-only; writes are deltas.

use serde::{Deserialize, Serialize};
use thymos_core::{EntryId, Timestamp, TrajectoryId};

/// Where a note comes from, for whoever must judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The trajectory that kept it.
    pub trajectory: TrajectoryId,
    /// The commit.
    pub entry: EntryId,
    /// The commit's sequence number.
    pub seq: u64,
    /// Its place in the whole log: of two notes the one further on is the newer.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// Whether the operator approved the call, or made it.
    pub approved: bool,
}

/// A note of another trajectory of the same workspace and tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedNote {
    /// Its key.
    pub key: String,
    /// As it was kept: text, tags, stratum; or that it was forgotten.
    pub value: serde_json::Value,
    /// Its version there.
    pub version: u64,
    /// Where it comes from.
    pub origin: Origin,
}

/// Memory, read-only.
pub trait MemoryView: Send + Sync {
    /// Notes that other trajectories share, and what they forgot: the newest of each key.
    fn shared(&self) -> Vec<SharedNote>;

    /// Where a note of this trajectory's own world comes from; none when that is not recorded here.
    fn origin(&self, key: &str) -> Option<Origin>;
}

/// For who has no memory beyond the world.
#[derive(Debug, Clone, Copy)]
pub struct NoMemory;

impl MemoryView for NoMemory {
    fn shared(&self) -> Vec<SharedNote> {
        Vec::new()
    }

    fn origin(&self, _key: &str) -> Option<Origin> {
        None
    }
}
