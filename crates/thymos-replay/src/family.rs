//! The trajectories that belong to one: those above it, which it stands on, and all that were delegated
//! or branched off below. Orders what a report says of each; checks nothing.

use std::collections::{BTreeMap, BTreeSet};

use thymos_core::TrajectoryId;

use crate::verify::{Report, Tally};

/// How a trajectory belongs to the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinship {
    /// It stands above: its authority or its world is passed down.
    Above,
    /// It is the one that was asked for.
    Itself,
    /// It was delegated, here or further down `[D1]`.
    Delegated,
    /// It was branched off, here or further down `[D2]`.
    Branched,
}

/// One trajectory of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'r> {
    /// Which.
    pub trajectory: TrajectoryId,
    /// How it belongs.
    pub kinship: Kinship,
    /// How deep it hangs, the topmost at 0.
    pub depth: usize,
    /// Where on the one above it hangs, by sequence number, where that is known.
    pub at_seq: Option<u64>,
    /// What was found; none for one that was ordered and has no entry in this log.
    pub tally: Option<&'r Tally>,
}

/// The family of a trajectory, in the order of a tree: the line above it, itself, and everything below,
/// by where it hangs. Whoever stands beside that line is not in it.
#[must_use]
pub fn family(report: &Report, of: TrajectoryId) -> Vec<Member<'_>> {
    let mut above = ancestors(report, of);
    above.reverse();
    let mut tree = Tree {
        report,
        below: below(report),
        seen: above.iter().copied().collect(),
        members: Vec::new(),
    };
    for (depth, trajectory) in above.iter().enumerate() {
        let at = hangs_at(report, trajectory);
        tree.member(*trajectory, Kinship::Above, (depth, at));
    }
    tree.descend(of, Kinship::Itself, above.len());
    tree.members
}

/// Those above, nearest first. A forged record may hang trajectories in a ring; each is told once.
fn ancestors(report: &Report, of: TrajectoryId) -> Vec<TrajectoryId> {
    let mut seen = BTreeSet::from([of]);
    let mut above = Vec::new();
    let mut next = of;
    while let Some(hangs) = report.lines.get(&next).and_then(|tally| tally.hangs) {
        if !seen.insert(hangs.trajectory) {
            break;
        }
        next = hangs.trajectory;
        above.push(next);
    }
    above
}

type Below = BTreeMap<TrajectoryId, BTreeSet<(Option<u64>, TrajectoryId, bool)>>;

/// Who hangs below whom: by their own word, and by the word of who ordered them.
fn below(report: &Report) -> Below {
    let mut below = Below::new();
    for (trajectory, tally) in &report.lines {
        if let Some(hangs) = tally.hangs {
            let at = hangs_at(report, trajectory);
            let row = (at, *trajectory, hangs.branched_at.is_some());
            below.entry(hangs.trajectory).or_default().insert(row);
        }
        for (child, seq) in &tally.delegated {
            let hangs = report.lines.get(child).and_then(|tally| tally.hangs);
            if hangs.is_none_or(|hangs| hangs.trajectory != *trajectory) {
                let row = (Some(*seq), *child, false);
                below.entry(*trajectory).or_default().insert(row);
            }
        }
    }
    below
}

/// The entry that a trajectory hangs from, by sequence number.
fn hangs_at(report: &Report, trajectory: &TrajectoryId) -> Option<u64> {
    let hangs = report.lines.get(trajectory)?.hangs?;
    let up = report.lines.get(&hangs.trajectory);
    let ordered = up.and_then(|up| up.delegated.get(trajectory)).copied();
    hangs.branched_at.or(ordered)
}

struct Tree<'r> {
    report: &'r Report,
    below: Below,
    seen: BTreeSet<TrajectoryId>,
    members: Vec<Member<'r>>,
}

impl Tree<'_> {
    fn member(
        &mut self,
        trajectory: TrajectoryId,
        kinship: Kinship,
        (depth, at_seq): (usize, Option<u64>),
    ) {
        self.members.push(Member {
            trajectory,
            kinship,
            depth,
            at_seq,
            tally: self.report.lines.get(&trajectory),
        });
    }

    /// Without recursion: a record may be as deep as it likes.
    fn descend(&mut self, of: TrajectoryId, kinship: Kinship, depth: usize) {
        let mut todo = vec![(of, kinship, (depth, hangs_at(self.report, &of)))];
        while let Some((next, kinship, (depth, at))) = todo.pop() {
            if !self.seen.insert(next) {
                continue;
            }
            self.member(next, kinship, (depth, at));
            let rows = self.below.get(&next).into_iter().flatten().rev();
            todo.extend(rows.map(|(at, child, branched)| {
                let kinship = match branched {
                    true => Kinship::Branched,
                    false => Kinship::Delegated,
                };
                (*child, kinship, (depth + 1, *at))
            }));
        }
    }
}
