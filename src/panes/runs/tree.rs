//! Trajectories in the order of their tree: each below what it hangs from.
//!
//! Whatever the rows say, every one of them is shown once.

use std::collections::{BTreeMap, BTreeSet};

use thymos_core::TrajectoryId;
use thymos_protocol::RunRow;

/// One row of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// How many are above it.
    pub depth: usize,
    /// The trajectory.
    pub run: RunRow,
}

/// The rows as a tree. Siblings keep the order they came in; one whose parent is not among the
/// rows stands by itself.
#[must_use]
pub fn tree(rows: Vec<RunRow>) -> Vec<TreeRow> {
    let known: BTreeSet<TrajectoryId> = rows.iter().map(|row| row.trajectory).collect();
    let mut below: BTreeMap<TrajectoryId, Vec<usize>> = BTreeMap::new();
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match row
            .parent
            .as_ref()
            .filter(|up| known.contains(&up.trajectory))
        {
            Some(up) => below.entry(up.trajectory).or_default().push(at),
            None => stack.push((0, at)),
        }
    }
    stack.reverse();
    let mut rows: Vec<Option<RunRow>> = rows.into_iter().map(Some).collect();
    let mut found = Vec::with_capacity(rows.len());
    let mut next = 0;
    loop {
        while let Some((depth, at)) = stack.pop() {
            let Some(run) = rows.get_mut(at).and_then(Option::take) else {
                continue;
            };
            let children = below.remove(&run.trajectory).unwrap_or_default();
            let children = children.into_iter().rev();
            stack.extend(children.map(|child| (depth + 1, child)));
            found.push(TreeRow { depth, run });
        }
        // A ring of parents has no root: it begins at its first row.
        match rows.iter().skip(next).position(Option::is_some) {
            Some(at) => {
                next += at;
                stack.push((0, next));
            }
            None => return found,
        }
    }
}
