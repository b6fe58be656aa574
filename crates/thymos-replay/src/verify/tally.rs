//! What verification says of one trajectory, and where that trajectory hangs. Counts and copies; checks
//! nothing.

use std::collections::BTreeMap;

use thymos_core::id::Digest;
use thymos_core::{EntryId, TrajectoryId};

use super::{Counts, Finding};
use crate::projection::Projection;

/// Findings of one trajectory that are kept with their words. Further ones are counted.
pub(super) const TALLY_FINDINGS_MAX: usize = 8;

/// One trajectory in a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Its entries, as far as they could be read.
    pub entries: u64,
    /// What was checked.
    pub checked: Counts,
    /// What could not be.
    pub unchecked: Counts,
    /// Verdicts that rest on a witnessed fact `[R4]`.
    pub witnessed: u64,
    /// How much is wrong in it.
    pub findings_total: u64,
    /// The first of what is wrong, at most eight.
    pub findings: Vec<Finding>,
    /// What it hangs from; none for one that began by itself, or whose beginning cannot be read.
    pub hangs: Option<Hangs>,
    /// The world after its newest entry; none where that cannot be told.
    pub world: Option<Digest>,
    /// Resources in that world.
    pub resources: u64,
    /// The runs it delegated, with the sequence number of the delegation `[D1]`.
    pub delegated: BTreeMap<TrajectoryId, u64>,
}

/// Where a trajectory hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hangs {
    /// From this one.
    pub trajectory: TrajectoryId,
    /// From this entry of it.
    pub entry: EntryId,
    /// For a branch, that entry's sequence number: it stands on the world after it `[D2]`. None for a
    /// delegated run.
    pub branched_at: Option<u64>,
}

impl Tally {
    /// Whether nothing at all was found wrong in it, and nothing was left unchecked.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.findings_total == 0 && self.unchecked.total() == 0
    }

    /// Copies where it hangs and what it came to, where that is told.
    pub(super) fn hang_as(&mut self, told: &Self) {
        if told.hangs.is_some() {
            self.hangs = told.hangs;
        }
        if told.world.is_some() {
            self.world = told.world;
        }
        self.resources = self.resources.max(told.resources);
        self.delegated
            .extend(told.delegated.iter().map(|(id, seq)| (*id, *seq)));
    }

    /// Copies what the fold says. `whole`: nothing that the world rests on was erased.
    pub(super) fn describe(&mut self, p: &Projection, whole: bool) {
        let parent = p.root.as_ref().and_then(|root| root.parent.as_ref());
        self.hangs = parent.map(|link| Hangs {
            trajectory: link.trajectory,
            entry: link.entry,
            branched_at: p.branch.as_ref().map(|branch| branch.seq),
        });
        self.world = p.world.digest().ok().filter(|_| whole);
        self.resources = p.world.iter().count() as u64;
        let children = p.children.iter();
        self.delegated = children.map(|(id, child)| (*id, child.seq)).collect();
    }
}
