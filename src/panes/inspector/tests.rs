//! Tests of the inspector's sides.

use thymos_core::trace::{Clause, Ruling};
use thymos_core::{EntryId, LogId, Timestamp, TrajectoryId};
use thymos_protocol::{ChainFacts, Detail, Event, TraceRow, What};

use super::{Inspector, Tab};

fn detail(seq: u64) -> Detail {
    let entry = EntryId::of(&seq.to_be_bytes());
    Detail {
        event: Event {
            trajectory: TrajectoryId::of(b"t"),
            seq,
            index: seq,
            at_ms: Timestamp(0),
            entry,
            kind: "note".into(),
            what: What::Note { line: "x".into() },
        },
        body: None,
        trace: vec![TraceRow {
            clause: Clause::C8,
            title: "granted by the writ".into(),
            rule: None,
            ruling: Ruling::Forbid,
            said: "no grant".into(),
        }],
        writs: Vec::new(),
        chain: ChainFacts {
            log: LogId::of(b"log"),
            index: seq,
            seq,
            id: entry,
            prev: None,
            commitment: "c0ffee".into(),
            writer: "key".into(),
            header: "{\"a\":1}".into(),
        },
    }
}

#[test]
fn only_the_entry_asked_for_last_is_shown() {
    let mut inspector = Inspector::default();
    inspector.wanted = Some(detail(2).event.entry);
    inspector.take(detail(1));
    assert!(inspector.detail().is_none());
    inspector.take(detail(2));
    assert_eq!(inspector.detail().map(|shown| shown.event.seq), Some(2));
}

#[test]
fn tabs_go_round_and_show_their_side() {
    let mut inspector = Inspector::default();
    inspector.wanted = Some(detail(2).event.entry);
    inspector.take(detail(2));
    assert!(inspector.text().contains("erased"));
    inspector.turn(true);
    assert!(inspector.text().contains("FORBID") && inspector.text().contains("C8"));
    inspector.turn(true);
    assert!(inspector.text().contains("no writ"));
    inspector.turn(true);
    assert_eq!(inspector.tab(), Tab::Chain);
    assert!(inspector.text().contains("c0ffee") && inspector.text().contains("{\"a\":1}"));
    inspector.turn(true);
    assert_eq!(inspector.tab(), Tab::Body);
    inspector.turn(false);
    assert_eq!(inspector.tab(), Tab::Chain);
}
