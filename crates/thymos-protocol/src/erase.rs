//! Erasing: what is named, what would go and what would stay, and what came of it `[L3]`.

use serde::{Deserialize, Serialize};
use thymos_core::id::Digest;
use thymos_core::{EntryId, Timestamp, TrajectoryId};

/// One thing to erase, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasureName {
    /// An entry, by the start of its id: lower-case hex digits.
    Entry(String),
    /// An entry, by the start of its trajectory's id and its sequence number.
    Place(String, u64),
    /// Everything of a trajectory that may go.
    Run(TrajectoryId),
}

/// What is to be erased, all of one trajectory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureTargets {
    /// At least one.
    pub names: Vec<ErasureName>,
}

/// What erasing would do. Nothing was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasurePlan {
    /// Digest of the rest of it: what is agreed to is what is done.
    pub digest: Digest,
    /// Of which trajectory.
    pub trajectory: TrajectoryId,
    /// What goes, in order.
    pub bodies: Vec<ErasureRow>,
    /// Bytes of those bodies.
    pub bytes: u64,
    /// Blobs that nothing else mentions and that go too.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Blobs that stay because something else mentions them.
    pub blobs_kept: u64,
    /// Named entries whose bodies are gone already.
    pub already: u64,
    /// Bodies of the trajectory that stay.
    pub stay: u64,
    /// Verdicts that can not be derived again.
    pub verdicts: u64,
    /// The first entry behind which state is told as unchecked; none where only words go.
    pub unchecked_from: Option<u64>,
    /// Branches that stand on what goes, and can only be read from then on.
    pub branches: Vec<TrajectoryId>,
}

/// A body that would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRow {
    /// Its entry.
    pub entry: EntryId,
    /// That entry's sequence number.
    pub seq: u64,
    /// Its kind.
    pub kind: String,
    /// When it was appended.
    pub at_ms: Timestamp,
    /// Its bytes.
    pub bytes: u64,
    /// Not named itself: another entry of the same call is, and this one repeats what it says.
    pub along: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureEnd {
    /// Bodies that are gone.
    pub bodies: u64,
    /// Blobs that are gone.
    pub blobs: u64,
    /// Copies of them still stand in the store's own files, because somebody is reading.
    pub left_over: bool,
}
