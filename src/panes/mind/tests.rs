//! Tests of what is shown and how the map is cut into strips.

use std::collections::BTreeSet;

use proptest::prelude::*;
use thymos_core::body::Role;
use thymos_core::trace::Clause;
use thymos_core::{EntryId, IntentId, ProposalId, Timestamp, TrajectoryId};
use thymos_protocol::{Event, What};

use super::show::{Preset, Show};
use super::strip::{Cut, Kind};
use crate::mind::{Mind, NodeKind};

/// A run of so many turns, each of so many calls, every second of which is refused.
fn mind(turns: &[u8]) -> Mind {
    let mut whats = Vec::new();
    for (turn, calls) in (0u32..).zip(turns) {
        let said = |role| What::Said {
            role,
            text: format!("turn {turn}"),
            reasoning: String::new(),
            turn,
        };
        whats.push(said(Role::Operator));
        for call in 0..*calls {
            let intent = IntentId::of(&[u8::try_from(turn).unwrap_or(0), call]);
            let (tool, line) = ("fs_read".to_owned(), format!("file {call}"));
            whats.push(What::Intended {
                intent,
                turn,
                tool: tool.clone(),
                line: line.clone(),
                by_operator: false,
            });
            if call % 2 == 1 {
                whats.push(What::Rejected {
                    intent,
                    proposal: ProposalId::of(intent.as_bytes()),
                    tool,
                    line,
                    clause: Clause::C8,
                    reason: "no".into(),
                    suggestion: None,
                    denied: false,
                });
            }
        }
        whats.push(said(Role::Model));
    }
    let events: Vec<Event> = (0u64..)
        .zip(whats)
        .map(|(seq, what)| Event {
            trajectory: TrajectoryId::of(b"t"),
            seq,
            index: seq,
            at_ms: Timestamp(seq),
            entry: EntryId::of(&seq.to_be_bytes()),
            kind: "note".into(),
            what,
        })
        .collect();
    Mind::of(&events)
}

fn cut(wide: bool) -> Cut {
    Cut {
        wide,
        ..Cut::default()
    }
}

#[test]
fn presets_and_single_kinds_are_told_by_name() {
    for preset in Preset::ALL {
        assert_eq!(Show::of(preset).words(), preset.word());
    }
    let mut show = Show::default();
    show.toggle(NodeKind::Steer);
    assert!(!show.has(NodeKind::Steer) && show.has(NodeKind::Intent));
    show.toggle(NodeKind::Steer);
    assert_eq!(show, Show::default());
    for kind in NodeKind::ALL {
        show.toggle(kind);
    }
    assert!(show.has(NodeKind::Answer), "the last one stays");
}

#[test]
fn failures_alone_leave_out_calls_that_went_well_and_turns_without_any() {
    let mind = mind(&[3, 0, 1]);
    let mut cut = cut(true);
    cut.show = Show::of(Preset::Failures);
    let strips = cut.strips(&mind);
    assert_eq!(strips.len(), 1);
    assert!(matches!(strips[0].kind, Kind::Row(1)), "{strips:?}");
}

proptest! {
    #[test]
    fn every_node_that_is_shown_stands_in_one_strip(
        turns in prop::collection::vec(0u8..16, 0..5),
        wide in any::<bool>(),
        hidden in prop::collection::vec(0usize..10, 0..4),
    ) {
        let mind = mind(&turns);
        let mut cut = cut(wide);
        cut.searching = true;
        for kind in hidden {
            cut.show.toggle(NodeKind::ALL[kind]);
        }
        let strips = cut.strips(&mind);
        let shown: Vec<usize> = strips
            .iter()
            .flat_map(|strip| cut.cells(&mind, *strip))
            .map(|node| node.id)
            .collect();
        let once: BTreeSet<usize> = shown.iter().copied().collect();
        prop_assert_eq!(once.len(), shown.len(), "no node twice");
        // No call here has two nodes of one stage, so that nothing stands behind another.
        let due: BTreeSet<usize> = mind
            .nodes()
            .iter()
            .filter(|node| cut.show.has(node.kind))
            .map(|node| node.id)
            .collect();
        // On a wide map words stand beside the first call, if that is shown at all.
        prop_assert!(once.is_subset(&due));
        if !wide || cut.show.has(NodeKind::Intent) {
            prop_assert_eq!(once, due);
        }
        prop_assert!(strips.iter().all(|strip| !cut.cells(&mind, *strip).is_empty()));
    }

    #[test]
    fn lanes_begin_and_end_once(turns in prop::collection::vec(0u8..16, 0..5), wide in any::<bool>()) {
        let mind = mind(&turns);
        let strips = cut(wide).strips(&mind);
        for lane in 0..mind.lanes().len() {
            let own: Vec<_> = strips.iter().filter(|strip| strip.lane == lane).collect();
            prop_assert_eq!(own.iter().filter(|strip| strip.first).count(), 1);
            prop_assert_eq!(own.iter().filter(|strip| strip.last).count(), 1);
            prop_assert!(own.first().is_some_and(|strip| strip.first));
            prop_assert!(own.last().is_some_and(|strip| strip.last));
        }
        prop_assert!(strips.windows(2).all(|pair| pair[0].lane <= pair[1].lane));
    }
}
