//! Tests of the tree: every row once, whatever their parents say.

use proptest::prelude::*;
use thymos_core::budget::Cost;
use thymos_core::{Timestamp, TrajectoryId};
use thymos_protocol::{RunParent, RunRow};

use super::tree;

fn id(at: u8) -> TrajectoryId {
    TrajectoryId::of(&[at])
}

fn run(at: u8, parent: Option<u8>) -> RunRow {
    RunRow {
        agents: 0,
        trajectory: id(at),
        title: String::new(),
        workspace: String::new(),
        head_seq: 0,
        at_ms: Timestamp(0),
        state: "idle".into(),
        pending: 0,
        in_doubt: 0,
        parent: parent.map(|parent| RunParent {
            trajectory: id(parent),
            branched: false,
        }),
        spent: Cost::default(),
    }
}

fn shape(rows: &[(u8, Option<u8>)]) -> Vec<(TrajectoryId, usize)> {
    let rows = rows.iter().map(|(at, parent)| run(*at, *parent)).collect();
    tree(rows)
        .into_iter()
        .map(|row| (row.run.trajectory, row.depth))
        .collect()
}

#[test]
fn children_stand_below_their_parents_in_the_order_they_came() {
    let rows = [
        (3, Some(1)),
        (1, None),
        (2, Some(1)),
        (4, Some(3)),
        (5, Some(9)),
    ];
    assert_eq!(
        shape(&rows),
        [(id(1), 0), (id(3), 1), (id(4), 2), (id(2), 1), (id(5), 0)]
    );
}

#[test]
fn a_ring_of_parents_is_shown_all_the_same() {
    assert_eq!(
        shape(&[(1, Some(2)), (2, Some(1)), (3, Some(3))]),
        [(id(1), 0), (id(2), 1), (id(3), 0)]
    );
}

proptest! {
    #[test]
    fn every_row_is_shown_once(parents in prop::collection::vec(prop::option::of(0u8..20), 0..20)) {
        let rows: Vec<(u8, Option<u8>)> = (0u8..).zip(parents).collect();
        let mut shown: Vec<TrajectoryId> = shape(&rows).into_iter().map(|(id, _)| id).collect();
        let mut all: Vec<TrajectoryId> = rows.iter().map(|(at, _)| id(*at)).collect();
        shown.sort();
        all.sort();
        prop_assert_eq!(shown, all);
    }
}
