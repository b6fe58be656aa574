//! Driving over a store: the same report with any number of threads, and nothing left out.

use std::sync::Arc;

use thymos_core::body::{Body, Message, Role, Root};
use thymos_core::entry::{Draft, Salt};
use thymos_core::key::SigningKey;
use thymos_core::writ::{Party, TrustRoots};
use thymos_core::{Timestamp, TrajectoryId};
use thymos_ports::store::Batch;
use thymos_replay::{Level, Report};
use thymos_testkit::MemoryStore;

use super::*;
use crate::past::KeptStore;

fn operator() -> Party {
    Party {
        name: "ann".into(),
        key: SigningKey::from_seed(&[1; 32]).public(),
    }
}

fn body(nth: u64, seq: u64) -> Body {
    // Some begin with no root, and some have a second one.
    if seq == 0 && nth % 9 < 7 || seq == 40 && nth.is_multiple_of(9) {
        return Body::Root(Root {
            v: 1,
            workspace: "/srv".into(),
            tenant: String::new(),
            operator: operator(),
            subject: operator(),
            parent: None,
        });
    }
    Body::Message(Message {
        role: Role::Operator,
        text: format!("{nth}"),
        reasoning: String::new(),
        provider_state: None,
        turn: 0,
    })
}

/// Nine trajectories, now in turns and now in stretches.
fn grow(store: &MemoryStore, from: u64, to: u64) {
    let mut lengths = std::collections::BTreeMap::new();
    for nth in 0..to {
        let line = if nth % 500 < 250 {
            nth % 9
        } else {
            nth / 70 % 9
        };
        let seq = lengths.entry(line).or_insert(0_u64);
        if nth >= from {
            let (trajectory, body) = (TrajectoryId::of(&line.to_be_bytes()), body(line, *seq));
            let draft = Draft {
                trajectory,
                kind: body.kind(),
                at: Timestamp(nth),
                writer: operator().key,
                salt: Salt::from_bytes([3; 32]),
                body: body.encode().unwrap(),
            };
            let batch = Batch {
                trajectory,
                at_seq: *seq,
                drafts: vec![draft],
            };
            store.append(vec![batch]).unwrap().remove(0).unwrap();
        }
        *seq += 1;
    }
}

fn verifier(store: &Arc<MemoryStore>, lanes: usize) -> Verifier {
    let roots = TrustRoots {
        operators: vec![operator()],
        policy: Vec::new(),
        retired: Vec::new(),
    };
    Verifier::new(Level::V4, roots)
        .with_lanes(lanes)
        .with_past(Arc::new(KeptStore(store.clone())))
}

fn alone(store: &Arc<MemoryStore>) -> Report {
    let mut verifier = verifier(store, 1);
    for row in store.scan(0, usize::MAX).unwrap() {
        verifier.push(&as_row(row));
    }
    verifier.finish(Some(store.len().unwrap()))
}

#[test]
fn q6_every_number_of_threads_comes_to_the_same_report() {
    for length in [256, 257, 320, 321, 1_500] {
        let store = Arc::new(MemoryStore::new());
        grow(&store, 0, length);
        let expected = alone(&store);
        assert_eq!(expected.checked.integrity, length);
        assert!(expected.findings_total >= 2, "{:?}", expected.findings);
        for lanes in 1..=4 {
            let mut verifier = verifier(&store, lanes);
            let mut told = Vec::new();
            extend(store.as_ref(), &mut verifier, &mut |p| told.push(p.done)).unwrap();
            assert_eq!(told.last(), Some(&length), "{lanes} lanes");
            assert!(told.is_sorted());
            assert_eq!(verifier.finish(Some(length)), expected, "{lanes} lanes");
        }
    }
}

#[test]
fn q6_what_is_appended_later_is_gone_on_with_by_threads_too() {
    let store = Arc::new(MemoryStore::new());
    let mut verifier = verifier(&store, 3);
    let mut from = 0;
    for to in [700, 703, 1_400, 1_400] {
        grow(&store, from, to);
        extend(store.as_ref(), &mut verifier, &mut |_| {}).unwrap();
        assert_eq!(verifier.next_index(), to);
        from = to;
    }
    assert_eq!(verifier.finish(Some(1_400)), alone(&store));
}
