//! The report of real records, and of forged ones, with a thread a lane: the same as with one lane `[Q6]`.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use thymos_core::{Entry, Kind};
use thymos_replay::verify::{Front, Lane};
use thymos_replay::{Level, Report, Verifier};

use super::forgers::{Lines, forged};
use super::kernel::roots;
use super::mutants::{mutants, row};
use super::{rarer, record};

fn verifier(entries: &[Entry]) -> Verifier {
    Verifier::new(Level::V4, roots()).with_past(Arc::new(Lines::of(entries)))
}

fn alone(entries: &[Entry]) -> Report {
    let mut verifier = verifier(entries);
    for entry in entries {
        verifier.push(&row(entry.clone()));
    }
    verifier.finish(None)
}

/// Hands work over one by one, and never has room for two.
fn side_by_side(entries: &[Entry], lanes: usize) -> Report {
    let mut verifier = verifier(entries).with_lanes(lanes);
    let preparer = verifier.preparer();
    let (front, lanes): (&mut Front, &mut [Lane]) = verifier.apart();
    std::thread::scope(|threads| {
        let dealt: Vec<_> = lanes
            .iter_mut()
            .map(|lane| {
                let (deal, dealt) = sync_channel(1);
                threads.spawn(move || dealt.into_iter().for_each(|work| lane.work(work)));
                deal
            })
            .collect();
        for entry in entries {
            let prepared = preparer.prepare(&row(entry.clone()));
            front.take(prepared, &mut |lane, work| dealt[lane].send(work).unwrap());
        }
    });
    verifier.finish(None)
}

#[tokio::test]
async fn q6_records_of_families_verify_the_same_with_a_thread_a_lane() {
    let mut records = rarer::play().await;
    records.push(("plain", record::play().await));
    let mut findings = 0;
    for (name, entries) in &records {
        let sound = alone(entries);
        assert_eq!(sound.findings, [], "{name}");
        for lanes in 1..=3 {
            assert_eq!(side_by_side(entries, lanes), sound, "{name}, {lanes}");
        }
        let crossing = |entry: &Entry| {
            let kind = entry.kind().unwrap();
            entry.header.prev.is_none()
                || [
                    Kind::Delegation,
                    Kind::DelegationResult,
                    Kind::Branch,
                    Kind::WritIssued,
                    Kind::WritRevoked,
                ]
                .contains(&kind)
        };
        for (at, entry) in entries.iter().enumerate() {
            let every = if crossing(entry) { 2 } else { 40 };
            for mutant in mutants(entry).iter().step_by(every).take(3) {
                let forged = forged(entries, at, mutant);
                let expected = alone(&forged);
                findings += expected.findings.len();
                assert_eq!(side_by_side(&forged, 3), expected, "{name}, {at}");
            }
        }
    }
    assert!(findings > 100, "{findings}");
}
