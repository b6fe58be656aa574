//! Tests of paging, choosing and the report.

use thymos_core::{EntryId, Timestamp, TrajectoryId};
use thymos_protocol::{Event, Found, FoundEnd, VerifyFinding, VerifyReport, What};

use super::report;
use super::{Ledger, PAGE, Verification, Wanted};

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

fn wants(page: u64, from_seq: u64, count: u64) -> Option<(TrajectoryId, Wanted)> {
    let wanted = Wanted::Page {
        page,
        from_seq,
        count,
    };
    Some((trajectory(), wanted))
}

/// Every third entry of the next thousand was found.
fn found(from: u64, end: Option<FoundEnd>) -> Found {
    Found {
        events: (from..from + 1_000)
            .filter(|seq| seq % 3 == 0)
            .map(event)
            .collect(),
        looked_at: from + 1_000,
        of: 100_000,
        log: false,
        end,
    }
}

#[test]
fn one_page_at_a_time_is_asked_for_and_its_rest_when_it_grew() {
    let mut ledger = ledger(PAGE + 10);
    assert_eq!(ledger.wanted(), wants(1, PAGE, PAGE));
    assert_eq!(ledger.wanted(), None);
    ledger.take_page(1, (PAGE..PAGE + 10).map(event).collect());
    assert_eq!(ledger.wanted(), None);
    ledger.sync(Some(trajectory()), PAGE + 11);
    assert_eq!(ledger.wanted(), wants(1, PAGE + 10, PAGE - 10));
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
        before: None,
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
fn what_a_filter_finds_is_kept_as_places_and_a_few_pages() {
    let mut ledger = ledger(100_000);
    ledger.filtering = Some("x".into());
    for step in 0..100 {
        let end = (step == 99).then_some(FoundEnd::Whole);
        ledger.take_found(found(step * 1_000, end));
        assert_eq!(ledger.rows(), ((step + 1) * 1_000).div_ceil(3));
    }
    let rows = ledger.rows();
    assert_eq!(rows, 33_334);
    let loaded = (0..rows).filter(|row| ledger.event(*row).is_some()).count() as u64;
    assert!(loaded <= 64 * PAGE, "{loaded}");
    // The end is followed, so it is there; the beginning is asked for when it is looked at.
    assert_eq!(ledger.chosen_event().map(|event| event.seq), Some(99_999));
    assert_eq!(ledger.wanted(), None);
    ledger.choose(0);
    let Some((
        _,
        Wanted::Rows {
            page: 0, places, ..
        },
    )) = ledger.wanted()
    else {
        panic!("nothing is wanted");
    };
    assert_eq!(places, (0..PAGE).map(|row| row * 3).collect::<Vec<_>>());
    assert_eq!(ledger.wanted(), None);
    ledger.take_rows(0, places.into_iter().map(event).collect());
    assert_eq!(ledger.chosen_event().map(|event| event.seq), Some(0));
    assert_eq!(ledger.wanted(), None);
}

#[test]
fn rows_that_do_not_come_are_not_asked_for_for_ever() {
    let mut ledger = ledger(100_000);
    ledger.filtering = Some("x".into());
    for step in 0..100 {
        ledger.take_found(found(step * 1_000, None));
    }
    ledger.choose(0);
    assert!(ledger.wanted().is_some());
    ledger.take_rows(0, vec![event(7)]);
    assert!(ledger.event(0).is_none());
    assert_eq!(ledger.wanted(), None);
}

/// An entry of one of two runs that take turns, so that a sequence number stands for two.
fn shared(index: u64) -> Event {
    Event {
        trajectory: TrajectoryId::of(if index.is_multiple_of(2) { b"t" } else { b"u" }),
        seq: index / 2,
        index,
        ..event(index)
    }
}

#[test]
fn rows_of_the_whole_log_are_told_apart_by_their_index() {
    let mut ledger = ledger(50_000);
    ledger.filtering = Some("run:*".into());
    for step in 0..100 {
        ledger.take_found(Found {
            events: (step * 1_000..(step + 1) * 1_000).map(shared).collect(),
            looked_at: (step + 1) * 1_000,
            of: 100_000,
            log: true,
            end: (step == 99).then_some(FoundEnd::Whole),
        });
    }
    assert!(ledger.is_of_log());
    assert_eq!(ledger.rows(), 100_000);
    assert_eq!(ledger.here(), 99_999);
    assert!(ledger.choose_place(70_001));
    assert_eq!(ledger.chosen(), 70_001);
    ledger.choose(1);
    let Some((_, wanted)) = ledger.wanted() else {
        panic!("nothing is wanted");
    };
    let places: Vec<u64> = (0..PAGE).collect();
    let expected = Wanted::Rows {
        page: 0,
        places: places.clone(),
        of_log: true,
    };
    assert_eq!(wanted, expected);
    ledger.take_rows(0, places.into_iter().map(shared).collect());
    assert_eq!(ledger.here(), 1);
    // The mark is one of the open run: the same number of another is not it.
    ledger.marked = Some(0);
    assert!(ledger.is_marked(&shared(0)) && !ledger.is_marked(&shared(1)));
    ledger.show_all();
    assert!(!ledger.is_of_log());
}
