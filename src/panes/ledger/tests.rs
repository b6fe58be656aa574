//! Tests of paging, choosing and the report.

use thymos_core::{EntryId, Timestamp, TrajectoryId};
use thymos_protocol::{Event, VerifyFinding, VerifyReport, What, WorldRow, WorldView};

use super::report;
use super::world::difference;
use super::{Ledger, PAGE, Verification};

fn trajectory() -> TrajectoryId {
    TrajectoryId::of(b"t")
}

fn event(seq: u64) -> Event {
    Event {
        trajectory: trajectory(),
        seq,
        index: seq,
        at_ms: Timestamp(0),
        entry: EntryId::of(&seq.to_be_bytes()),
        kind: "note".into(),
        what: What::Note {
            line: format!("note {seq}"),
        },
    }
}

fn ledger(len: u64) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.sync(Some(trajectory()), len);
    ledger
}

#[test]
fn one_page_at_a_time_is_asked_for_and_its_rest_when_it_grew() {
    let mut ledger = ledger(PAGE + 10);
    assert_eq!(ledger.wanted(), Some((trajectory(), PAGE, PAGE)));
    assert_eq!(ledger.wanted(), None);
    ledger.take_page(1, (PAGE..PAGE + 10).map(event).collect());
    assert_eq!(ledger.wanted(), None);
    ledger.sync(Some(trajectory()), PAGE + 11);
    assert_eq!(ledger.wanted(), Some((trajectory(), PAGE + 10, PAGE - 10)));
}

#[test]
fn events_that_do_not_follow_are_dropped_and_nothing_spins() {
    let mut ledger = ledger(3);
    assert!(ledger.wanted().is_some());
    ledger.take_page(0, vec![event(1), event(2)]);
    assert!(ledger.event(0).is_none());
    assert_eq!(ledger.wanted(), None);
    ledger.sync(Some(trajectory()), 3);
    assert!(ledger.wanted().is_some());
    ledger.take_page(0, (0..3).map(event).collect());
    assert_eq!(ledger.event(2).map(|event| event.seq), Some(2));
}

#[test]
fn few_pages_are_kept_however_far_one_scrolls() {
    let mut ledger = ledger(PAGE * 200);
    for page in 0..200 {
        ledger.take_page(page, (page * PAGE..(page + 1) * PAGE).map(event).collect());
    }
    let kept = (0..200)
        .filter(|page| ledger.event(page * PAGE).is_some())
        .count();
    assert_eq!(kept, 64);
    assert!(ledger.event(199 * PAGE).is_some());
}

#[test]
fn another_trajectory_starts_over_and_keeps_what_was_verified() {
    let mut ledger = ledger(9);
    ledger.choose(3);
    ledger.verification = Verification::Running(None);
    ledger.sync(Some(TrajectoryId::of(b"other")), 2);
    assert!(ledger.is_following());
    assert_eq!(ledger.len(), 2);
    assert_eq!(ledger.verification, Verification::Running(None));
}

#[test]
fn y3_only_no_finding_is_verified() {
    let mut found = VerifyReport {
        entries: 9,
        trajectories: 2,
        levels: vec!["V1".into(), "V2".into()],
        findings: Vec::new(),
        caveat: "cut ends are not seen".into(),
    };
    let text = |report: VerifyReport| report::reader(&Verification::Done(report)).text();
    assert!(text(found.clone()).starts_with("verified: 9 entries"));
    assert!(text(found.clone()).contains("cut ends"));
    found.findings.push(VerifyFinding {
        index: 4,
        trajectory: None,
        seq: None,
        check: "chain".into(),
        expected: "a".into(),
        found: "b".into(),
    });
    let text = text(found);
    assert!(!text.contains("verified"), "{text}");
    assert!(
        text.contains("log index 4") && text.contains("cut ends"),
        "{text}"
    );
    assert!(
        !report::reader(&Verification::Failed("x".into()))
            .text()
            .contains("verified")
    );
}

#[test]
fn a_difference_tells_what_came_went_and_changed() {
    let row = |resource: &str, version: u64| WorldRow {
        resource: resource.into(),
        version,
        seq: version,
        value: format!("v{version}"),
    };
    let view = |rows| WorldView {
        seq: 1,
        digest: String::new(),
        rows,
        partial: false,
    };
    let from = view(vec![row("kv:a", 1), row("kv:b", 1), row("kv:c", 1)]);
    let to = view(vec![row("kv:a", 1), row("kv:b", 2), row("kv:d", 2)]);
    let starts: Vec<String> = difference(&from, &to)
        .iter()
        .map(|line| line.chars().take(6).collect())
        .collect();
    assert_eq!(starts, ["~ kv:b", "- kv:c", "+ kv:d"]);
    assert!(difference(&from, &from).is_empty());
}
