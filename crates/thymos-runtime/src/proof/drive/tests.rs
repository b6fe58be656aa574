//! Driving over a store: the same report with any number of threads, and nothing left out.

use std::sync::Arc;

use thymos_core::body::{Body, Commit, Message, Role, Root};
use thymos_core::budget::Cost;
use thymos_core::delta::{Delta, Expect, FileImage, Resource, ResourceValue};
use thymos_core::entry::{Draft, Salt};
use thymos_core::key::SigningKey;
use thymos_core::outcome::Outcome;
use thymos_core::writ::{Party, TrustRoots};
use thymos_core::{EntryId, ProposalId, Timestamp, TrajectoryId};
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
            append(
                store,
                TrajectoryId::of(&line.to_be_bytes()),
                *seq,
                &body(line, *seq),
            );
        }
        *seq += 1;
    }
}

fn append(store: &MemoryStore, trajectory: TrajectoryId, at_seq: u64, body: &Body) {
    let draft = Draft {
        trajectory,
        kind: body.kind(),
        at: Timestamp(at_seq),
        writer: operator().key,
        salt: Salt::from_bytes([3; 32]),
        body: body.encode().unwrap(),
    };
    let batch = Batch {
        trajectory,
        at_seq,
        drafts: vec![draft],
    };
    store.append(vec![batch]).unwrap().remove(0).unwrap();
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

/// A commit of one file, and what it says of which contents were not kept.
fn commit_of(content: &[u8], unkept: Option<Vec<Digest>>) -> Body {
    let image = FileImage {
        digest: Digest::of(content),
        mode: 0o644,
        size: content.len() as u64,
    };
    let outcome = Outcome {
        deltas: vec![Delta {
            after: Some(ResourceValue::File(image)),
            before: None,
            expect: Expect::Anything,
            resource: Resource::File("a.txt".into()),
        }],
        ..Outcome::said("wrote", "wrote")
    };
    Body::Commit(Box::new(Commit {
        proposal: ProposalId::of(b"p"),
        started: EntryId::of(b"s"),
        outcome,
        cost: Cost::default(),
        compensates: None,
        unkept,
    }))
}

/// Positions at which content is missed.
fn missed(store: &MemoryStore) -> Vec<u64> {
    let mut verifier = Verifier::new(Level::V2, TrustRoots::default());
    extend(store, &mut verifier, &mut |_| {}).unwrap();
    let findings = verifier.finish(None).findings.into_iter();
    let missed = findings.filter(|found| found.what.check == "content");
    missed.map(|found| found.place.index).collect()
}

#[test]
fn l4_only_what_an_entry_says_to_have_been_kept_is_missed() {
    let store = MemoryStore::new();
    store.put_blob(b"there").unwrap();
    let bodies = [
        // As entries were before: of these nobody knows.
        commit_of(b"gone", None),
        commit_of(b"gone", Some(vec![Digest::of(b"gone")])),
        commit_of(b"there", Some(Vec::new())),
        commit_of(b"gone", Some(Vec::new())),
    ];
    for (seq, body) in (0..).zip(&bodies) {
        append(&store, TrajectoryId::of(b"one"), seq, body);
    }
    assert_eq!(missed(&store), [3]);
    // Enough of them for threads.
    for seq in 4..600 {
        let lost = seq % 100 == 0;
        let content: &[u8] = if lost { b"gone" } else { b"there" };
        append(
            &store,
            TrajectoryId::of(b"one"),
            seq,
            &commit_of(content, Some(Vec::new())),
        );
    }
    assert_eq!(missed(&store), [3, 100, 200, 300, 400, 500]);
}
