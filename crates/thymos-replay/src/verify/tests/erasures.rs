//! What `erased` entries may say, and what may not go on behind one `[L3]`.

use std::sync::Arc;

use thymos_core::body::{Erased, Message, WritRevoked};

use super::branches::Rows;
use super::*;
use crate::fold_within;

fn order(log: &mut Log, entry: EntryId, seq: u64) -> u64 {
    let reason = "asked for".to_owned();
    let message = Erased::message(&entry, seq, &reason).unwrap();
    log.add(&Body::Erased(Erased {
        entry,
        seq,
        reason,
        by: party("ann", &operator()),
        signature: operator().sign(Domain::Erasure, message.as_bytes()),
    }));
    log.rows.len() as u64 - 1
}

/// Orders the entry at a position, and destroys its body.
fn erase(log: &mut Log, at: usize) {
    let (id, seq) = (log.entry(at).id, log.entry(at).header.seq);
    order(log, id, seq);
    log.entry(at).content = None;
}

/// With every entry at hand, as for a ledger.
fn looked_up(log: &Log, level: Level) -> Report {
    let mut verifier = Verifier::new(level, roots()).with_past(Arc::new(Rows::of(log)));
    for row in &log.rows {
        verifier.push(row);
    }
    verifier.finish(None)
}

fn checks(report: &Report) -> Vec<(Level, u64, &'static str)> {
    let findings = report.findings.iter();
    findings
        .map(|found| (found.level, found.place.index, found.what.check))
        .collect()
}

fn said() -> Body {
    Body::Message(Message {
        role: Role::Operator,
        text: "go on".into(),
        reasoning: String::new(),
        provider_state: None,
        turn: 1,
    })
}

fn position(log: &Log, kind: Kind) -> usize {
    let of = |row: &Row| row.entry.as_ref().unwrap().kind() == Some(kind);
    log.rows.iter().position(of).unwrap()
}

#[test]
fn v1_a_body_may_be_destroyed_only_with_an_entry_that_says_so() {
    let mut log = log();
    order(&mut log, EntryId::of(b"other"), 5);
    let gone: Option<Content> = log.entry(5).content.take();
    assert!(gone.is_some());
    assert_eq!(first(&log.verify(Level::V1)), (Level::V1, 5, "body"));
    let id = log.entry(5).id;
    // Another place than its own is as good as nothing.
    order(&mut log, id, 6);
    assert_eq!(first(&log.verify(Level::V1)), (Level::V1, 5, "body"));
    order(&mut log, id, 5);
    let report = log.verify(Level::V2);
    assert!(report.is_verified(), "{:?}", report.findings);
    assert_eq!(report.erased, 1);
}

#[test]
fn v1_l3_what_authority_rests_on_is_found_missing_also_where_an_order_names_it() {
    for kind in Kind::ALL {
        let mut log = log();
        let Some(at) = log
            .rows
            .iter()
            .position(|row| row.entry.as_ref().unwrap().kind() == Some(kind))
        else {
            continue;
        };
        erase(&mut log, at);
        let report = log.verify(Level::V4);
        let found = checks(&report).contains(&(Level::V1, at as u64, "erased"));
        assert_eq!(
            found,
            !kind.may_be_erased(),
            "{kind}: {:?}",
            report.findings
        );
        assert_eq!(report.is_verified(), kind.may_be_erased(), "{kind}");
    }
}

#[test]
fn v1_l3_an_order_that_names_what_is_not_there_or_may_not_go_is_found_where_it_stands() {
    let sound = log();
    let id = |at: usize| sound.rows[at].entry.as_ref().unwrap().id;
    let (writ, intent) = (
        position(&sound, Kind::WritIssued),
        position(&sound, Kind::Intent),
    );
    for (entry, seq) in [
        (id(writ), writ as u64),
        (id(intent), intent as u64 + 1),
        (EntryId::of(b"none"), intent as u64),
    ] {
        let mut log = log();
        let at = order(&mut log, entry, seq);
        let report = looked_up(&log, Level::V1);
        assert_eq!(checks(&report), [(Level::V1, at, "erased")], "{seq}");
    }
    // What still stands and may go is no finding; it is counted.
    let mut log = log();
    order(&mut log, id(intent), intent as u64);
    let report = looked_up(&log, Level::V4);
    assert!(report.is_verified(), "{:?}", report.findings);
    assert_eq!((report.standing, report.erased), (1, 0));
    erase(&mut log, intent);
    let report = looked_up(&log, Level::V4);
    assert!(report.is_verified(), "{:?}", report.findings);
    assert_eq!((report.standing, report.erased), (0, 1));
}

#[test]
fn v2_l3_nothing_but_orders_and_revocations_goes_on_behind_an_erasure() {
    let mut log = log();
    let intent = position(&log, Kind::Intent);
    erase(&mut log, intent);
    erase(&mut log, intent + 1);
    let writ = writ().id().unwrap();
    let message = WritRevoked::message(&writ, "enough", None).unwrap();
    log.add(&Body::WritRevoked(WritRevoked {
        writ,
        reason: "enough".into(),
        by: party("ann", &operator()),
        signature: operator().sign(Domain::Revocation, message.as_bytes()),
        used: None,
    }));
    assert!(log.verify(Level::V4).is_verified());
    // Where all bodies stand, the rest contradicts them, and that is found.
    let mut forged = super::log();
    let message = forged.add(&said());
    let seq = forged.rows.len() as u64 - 1;
    order(&mut forged, message, seq);
    forged.add(&said());
    let end = forged.rows.len() as u64 - 1;
    let report = forged.verify(Level::V2);
    assert_eq!(checks(&report), [(Level::V2, end, "behind an erasure")]);
}

#[test]
fn v2_l3_an_order_while_something_waits_or_is_at_work_is_found() {
    let sound = log();
    let held = position(&sound, Kind::PendingApproval);
    let begun = position(&sound, Kind::Started);
    for cut in [held + 1, begun + 1] {
        let mut log = log();
        log.rows.truncate(cut);
        let id = log.entry(0).id;
        let at = order(&mut log, id, 0);
        let report = log.verify(Level::V2);
        assert_eq!(checks(&report), [(Level::V2, at, "erased")], "{cut}");
    }
}

#[test]
fn v4_l3_an_order_counts_as_signed_by_keys_that_were_ever_trusted() {
    let ordered = || {
        let mut log = log();
        let message = log.add(&said());
        let seq = log.rows.len() as u64 - 1;
        let at = order(&mut log, message, seq);
        (log, at)
    };
    let (log, at) = ordered();
    let verified = |roots: TrustRoots| {
        let mut verifier = Verifier::new(Level::V4, roots);
        for row in &log.rows {
            verifier.push(row);
        }
        checks(&verifier.finish(None))
    };
    let retired = TrustRoots {
        operators: Vec::new(),
        retired: roots().operators,
        ..roots()
    };
    // The keys of those who answered in this log are the same one: only the order is looked at.
    let at_order = |found: Vec<(Level, u64, &'static str)>| {
        let of_it = found.into_iter().filter(|(_, index, _)| *index == at);
        of_it.collect::<Vec<_>>()
    };
    assert_eq!(at_order(verified(roots())), []);
    assert_eq!(at_order(verified(retired)), []);
    let strangers = TrustRoots {
        operators: vec![party("bob", &agent())],
        ..TrustRoots::default()
    };
    assert_eq!(at_order(verified(strangers)), [(Level::V4, at, "signer")]);
}

#[test]
fn v4_l3_an_order_is_signed_by_who_wrote_it() {
    let mut log = log();
    let at = position(&log, Kind::Intent);
    erase(&mut log, at);
    assert!(log.verify(Level::V4).is_verified());
    let change = |change: &dyn Fn(&mut Erased)| {
        let mut log = super::log();
        let message = log.add(&said());
        let seq = log.rows.len() as u64 - 1;
        order(&mut log, message, seq);
        let at = log.rows.len() - 1;
        rewrite(&log, at, |body| {
            if let Body::Erased(order) = body {
                change(order);
            }
        })
    };
    let other = change(&|order| order.reason = "another".into());
    let report = other.verify(Level::V4);
    assert!(!report.holds_at(Level::V4), "{:?}", report.findings);
    let other = change(&|order| order.by = party("bob", &agent()));
    let report = other.verify(Level::V3);
    assert!(!report.holds_at(Level::V3), "{:?}", report.findings);
}

#[test]
fn l3_what_is_left_is_read_to_its_end_and_is_over() {
    let mut log = log();
    let begun = position(&log, Kind::Started);
    let (wanted, came) = (begun - 1, begun + 1);
    let whole = Rows::of(&log);
    for at in [
        vec![begun],
        vec![wanted],
        vec![came],
        vec![wanted, begun, came],
    ] {
        let mut log = super::log();
        for at in &at {
            log.entry(*at).content = None;
        }
        let mut projection = Projection::empty(line());
        for row in &log.rows {
            fold_within(&mut projection, row.entry.as_ref().unwrap(), &whole).unwrap();
        }
        assert_eq!(projection.len, log.rows.len() as u64, "{at:?}");
        assert!(projection.is_over());
    }
    erase(&mut log, begun);
    let mut projection = Projection::empty(line());
    for row in &log.rows {
        fold_within(&mut projection, row.entry.as_ref().unwrap(), &whole).unwrap();
    }
    assert!(projection.is_over() && projection.erasure.gone && projection.erasure.told);
    assert!(!projection.erasure.standing);
    assert!(projection.holds.is_empty() && projection.open_work.is_empty());
    // Ordered and not carried out yet: what it says is in there.
    log.entry(begun).content = super::log().rows[begun].entry.clone().unwrap().content;
    let mut projection = Projection::empty(line());
    for row in &log.rows {
        fold_within(&mut projection, row.entry.as_ref().unwrap(), &whole).unwrap();
    }
    assert!(projection.erasure.standing);
    // A whole record is not passed over: what contradicts itself there is told.
    let mut broken = super::log();
    broken.rows.remove(begun);
    let mut projection = Projection::empty(line());
    let folded: Result<(), _> = broken
        .rows
        .iter()
        .try_for_each(|row| fold_within(&mut projection, row.entry.as_ref().unwrap(), &whole));
    assert!(folded.is_err());
}
