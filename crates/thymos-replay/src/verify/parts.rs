//! A log of which not everything is there: bodies that were withheld, and an excerpt that holds one
//! trajectory and proves of each entry that it stands in the log `[L16]`.
//!
//! What is not there is told, never excused beyond that: only what would rest on it is left unchecked.

use std::collections::BTreeMap;
use std::sync::Arc;

use thymos_core::entry::EntryHeader;
use thymos_core::merkle::{self, TreeHash};
use thymos_core::{Kind, LogId};

use super::{Place, Verifier};
use crate::divergence::Divergence;
use crate::verify::report::{Level, Step};

/// Whether the body of an entry was withheld, by the word of who handed the log on.
pub type Withheld = Arc<dyn Fn(&EntryHeader) -> bool + Send + Sync>;

/// A part of a log that stands under one checkpoint of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The log.
    pub log: LogId,
    /// Entries under the checkpoint.
    pub size: u64,
    /// By size, the proof that this checkpoint goes on from an earlier one.
    pub consistency: BTreeMap<u64, Vec<TreeHash>>,
}

/// The tree that the entries of an excerpt must stand in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Under {
    size: u64,
    /// None where no trusted key signed it, which is told once.
    root: Option<TreeHash>,
}

impl Verifier {
    /// The same, of a log of which some bodies were withheld.
    #[must_use]
    pub fn with_withheld(mut self, withheld: Withheld) -> Self {
        self.front.withheld = Some(withheld);
        self
    }

    /// The same, of an excerpt: its checkpoints must have been given before, and its rows are pushed by
    /// [`Self::push_proved`]. What rests on other trajectories is told as unchecked.
    #[must_use]
    pub fn of_excerpt(mut self, excerpt: &Excerpt) -> Self {
        let (root, faults) = self.front.checkpoints.under(excerpt);
        for (size, what) in faults {
            let index = size.saturating_sub(1);
            let place = Place { index, line: None };
            self.front.found.add((Level::V1, Step::Row), place, what);
        }
        self.front.log = Some(excerpt.log);
        self.front.tree.lose();
        let size = excerpt.size;
        self.front.excerpt = Some(Under { size, root });
        for lane in &mut self.lanes {
            lane.alone = true;
        }
        self
    }

    /// Checks the next row of an excerpt, with the proof that it stands in the log.
    pub fn push_proved(&mut self, row: &super::Row, proof: Option<&[TreeHash]>) {
        let prepared = self.preparer().prepare(row);
        self.push_prepared_proved(prepared, proof);
    }

    /// As [`Self::push_proved`], of a row that was prepared for it.
    pub fn push_prepared_proved(&mut self, row: super::Prepared, proof: Option<&[TreeHash]>) {
        self.front.found.begin(self.front.entries + 1);
        if let (Some(under), Ok(read)) = (self.front.excerpt, &row.read)
            && let Some(root) = under.root
        {
            let entry = &read.entry;
            let own = (entry.header.index, merkle::leaf(entry.id.as_bytes()));
            let proof = proof.unwrap_or_default();
            if !merkle::includes(own, (under.size, root), proof) {
                let expected = format!("a proof that leads to root {root}");
                let what = Divergence::new("inclusion", expected, "one that does not");
                let at = (Level::V1, Step::Row);
                let line = Some((entry.header.trajectory, entry.header.seq));
                let place = Place {
                    index: row.index,
                    line,
                };
                self.front.found.add(at, place, what);
            }
        }
        self.push_prepared(row);
    }
}

/// Whether anything that is checked later rests on the body of such an entry.
pub(super) fn decides(kind: Option<Kind>) -> bool {
    kind != Some(Kind::Message)
}

/// Whether a decision may rest on something that is not there, and was told not to be.
pub(super) fn may_miss(missing: bool, what: &Divergence) -> bool {
    let elsewhere = ["writ", "pre-answer", "skill writ"];
    missing && elsewhere.contains(&what.check)
}
