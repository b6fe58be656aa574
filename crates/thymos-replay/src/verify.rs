//! Verification of a whole log, row by row `[Y3]`: V1 integrity, V2 state, V3 decisions, V4 identity.
//!
//! Reads no store: rows are pushed in log order. Where it may ask for the past, it keeps the state of the
//! trajectories that it heard of lately, and folds another anew when that goes on; memory does not grow
//! with the log then. It repairs nothing and trusts no column.
//!
//! It starts no thread, and can be driven by several: rows are prepared each by itself, the front sees them
//! in log order, and lanes follow trajectories. The report is the same, however many there are.

use std::borrow::Borrow;
use std::sync::Arc;

use thymos_core::Entry;
use thymos_core::entry::InvalidEntry;
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::writ::TrustRoots;

use crate::divergence::Divergence;
use crate::past::Past;

mod checkpoints;
mod erasures;
mod facts;
mod found;
mod front;
mod kin;
mod lane;
mod lines;
mod parts;
mod point;
mod prepared;
mod report;
mod tally;
mod tree;

pub use checkpoints::{Keeper, KeptNote, Seen};
pub(crate) use facts::holds_redacted_span;
use found::Found;
pub use front::Front;
pub use lane::{Lane, Work};
pub use parts::{Excerpt, Withheld};
pub use point::{Ground, Point};
pub use prepared::{Prepared, Preparer};
use report::Step;
pub use report::{Counts, Finding, Level, Place, Report};
pub use tally::{Hangs, Tally};

/// Findings kept with their words. Further ones are counted and not told.
pub const FINDINGS_MAX: usize = 256;

/// A row of the log as a store has it; `entry` must come from [`Entry::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The position the store found it at.
    pub index: u64,
    /// The entry, or what is wrong with its bytes.
    pub entry: Result<Entry, InvalidEntry>,
    /// Index columns that disagree with the bytes, named for a person.
    pub disagreements: Vec<String>,
    /// Whole subtrees that the store keeps as ending with this entry; none where it keeps no tree.
    pub tree: Option<Vec<(Node, TreeHash)>>,
}

/// Checks rows in log order, up to a level. A clone goes on from the same row by itself.
#[derive(Clone)]
pub struct Verifier {
    front: Front,
    lanes: Vec<Lane>,
}

impl Verifier {
    /// A verifier up to `level`. `roots` must hold every key that was ever trusted: decisions are
    /// made again on it.
    #[must_use]
    pub fn new(level: Level, roots: TrustRoots) -> Self {
        Self {
            front: Front::new(level),
            lanes: vec![Lane::new(level, roots)],
        }
    }

    /// The same, with so many lanes. No row may have been taken yet; none has one all the same.
    #[must_use]
    pub fn with_lanes(mut self, lanes: usize) -> Self {
        if let Some(lane) = self.lanes.pop().filter(|_| self.front.next_index() == 0) {
            self.lanes = vec![lane; lanes.max(1)];
        }
        self.front.deal_to(self.lanes.len());
        self
    }

    /// The same, able to ask for the past of branches `[D2]`. Without it what a branch inherits is
    /// told as unchecked.
    #[must_use]
    pub fn with_past(mut self, past: Arc<dyn Past>) -> Self {
        for lane in &mut self.lanes {
            lane.past = Some(past.clone());
        }
        self.with_targets(past)
    }

    /// The same, able to ask for what an `erased` entry names `[L3]`; without it, only bodies that are
    /// not there are held against what may go.
    #[must_use]
    pub fn with_targets(mut self, targets: Arc<dyn Past>) -> Self {
        self.front.targets = Some(targets);
        self
    }

    /// The same, that holds the log against these checkpoints as well; the keys of `roots` sign them
    /// `[L7]`.
    #[must_use]
    pub fn with_checkpoints(
        mut self,
        notes: impl IntoIterator<Item = impl Borrow<KeptNote>>,
        roots: &TrustRoots,
    ) -> Self {
        let known: Vec<_> = roots.ever().operators.iter().map(|one| one.key).collect();
        self.front.checkpoints = checkpoints::Checkpoints::of(notes, &known);
        self
    }

    /// What prepares rows for it.
    #[must_use]
    pub fn preparer(&self) -> Preparer {
        Preparer {
            level: self.front.level,
            handed_on: self.front.withheld.is_some(),
        }
    }

    /// Its parts, to be driven each by a thread: rows go to the front in log order, and what it deals to
    /// the lane of that number in the order in which it is dealt.
    pub fn apart(&mut self) -> (&mut Front, &mut [Lane]) {
        (&mut self.front, &mut self.lanes)
    }

    /// The same, that remembers states for so many rows.
    #[cfg(test)]
    fn remembering(mut self, rows: u64) -> Self {
        self.front.remember(rows);
        self
    }

    /// States that are held now.
    #[cfg(test)]
    fn awake(&self) -> usize {
        let lines = self.lanes.iter().flat_map(|lane| lane.lines.values());
        let awake = lines.filter(|line| !matches!(line.state, lines::State::Resting));
        awake.count()
    }

    /// Checks the next row.
    pub fn push(&mut self, row: &Row) {
        let prepared = self.preparer().prepare(row);
        self.push_prepared(prepared);
    }

    /// Checks the next row, which was prepared for it.
    pub fn push_prepared(&mut self, row: Prepared) {
        let (front, lanes) = self.apart();
        front.take(row, &mut |lane, work| {
            if let Some(lane) = lanes.get_mut(lane) {
                lane.work(work);
            }
        });
    }

    /// The position that the next row should have.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.front.next_index()
    }

    /// Entries and root of the Merkle tree up to here; none once an entry was missing or not whole
    /// `[L6]`.
    #[must_use]
    pub fn tree_head(&self) -> Option<(u64, TreeHash)> {
        self.front.tree.head()
    }

    /// What the log is short of, if it ends here: a checkpoint of more entries `[L7]`.
    #[must_use]
    pub fn short_of(&self) -> Option<Divergence> {
        self.front.checkpoints.beyond(self.next_index())
    }

    /// The first of what was found up to here.
    #[must_use]
    pub fn first_finding(&self) -> Option<&Finding> {
        let lanes = self.lanes.iter().map(|lane| &lane.found);
        let all = std::iter::once(&self.front.found).chain(lanes);
        let first = all.filter_map(Found::first);
        first.min_by_key(|finding| finding.order)
    }

    /// What was found up to here; more may follow, and only [`Self::finish`] tells all.
    #[must_use]
    pub fn so_far(&self) -> Report {
        let front = &self.front;
        let mut report = Report {
            level: front.level,
            entries: front.entries,
            before: front.before,
            erased: front.erased,
            standing: front.standing,
            withheld: front.bodies_withheld,
            trajectories: front.chains.len() as u64,
            checkpoints: front.checkpoints.seen(),
            ..Report::default()
        };
        front.found.tell(&mut report);
        for lane in &self.lanes {
            lane.found.tell(&mut report);
        }
        report
    }

    /// Ends the log. `length` is what the store says it has, if it says.
    #[must_use]
    pub fn finish(mut self, length: Option<u64>) -> Report {
        let front = &mut self.front;
        front.found.begin(found::END);
        if let Some(length) = length {
            let place = Place {
                index: front.next_index,
                line: None,
            };
            let entries = front.entries;
            front.same((place, Step::Row), "length of the log", &length, &entries);
        }
        front.check_unannounced();
        let length = front.next_index;
        let seen = front.checkpoints.seen();
        for (index, what) in std::mem::take(&mut front.checkpoints).finish(length) {
            let place = Place { index, line: None };
            front.found.add((Level::V1, Step::Row), place, what);
        }
        for lane in &mut self.lanes {
            lane.describe();
        }
        Report {
            checkpoints: seen,
            ..self.so_far()
        }
    }
}

#[cfg(test)]
mod tests;
