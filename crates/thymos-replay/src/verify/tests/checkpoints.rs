//! Signed checkpoints held against the log.

use super::*;
use crate::verify::checkpoints::{Keeper, KeptNote, Seen};
use thymos_core::checkpoint::Checkpoint;
use thymos_core::merkle::{Frontier, leaf};

fn root(log: &Log, size: usize) -> TreeHash {
    let mut tree = Frontier::new();
    for row in log.rows.iter().take(size) {
        tree.push(leaf(row.entry.as_ref().unwrap().id.as_bytes()), |_, _| {});
    }
    tree.root()
}

fn note(keeper: Keeper, size: u64, root: TreeHash, key: &SigningKey) -> KeptNote {
    let log = LogId::of(b"log");
    let signed = Checkpoint { log, size, root }.sign(key);
    KeptNote {
        keeper,
        line: 1,
        note: signed.note().to_owned(),
    }
}

/// Sound checkpoints of these sizes of the log.
fn kept(log: &Log, keeper: Keeper, sizes: &[usize]) -> Vec<KeptNote> {
    let sound = |size: &usize| note(keeper, *size as u64, root(log, *size), &operator());
    sizes.iter().map(sound).collect()
}

fn held(log: &Log, notes: &[KeptNote]) -> Report {
    let mut verifier = Verifier::new(Level::V1, roots()).with_checkpoints(notes, &roots());
    for row in &log.rows {
        verifier.push(row);
    }
    verifier.finish(Some(log.rows.len() as u64))
}

/// The only finding: where, and what was found.
fn only(report: &Report) -> (u64, &str) {
    assert_eq!(report.findings_total, 1, "{:?}", report.findings);
    let found = &report.findings[0];
    assert_eq!((found.level, found.what.check), (Level::V1, "checkpoint"));
    (found.place.index, &found.what.found)
}

#[test]
fn l7_checkpoints_that_agree_say_how_far_they_reach() {
    let log = log();
    let notes = [
        kept(&log, Keeper::Ledger, &[3, 9, 12]),
        kept(&log, Keeper::Outside, &[3, 9]),
    ]
    .concat();
    let report = held(&log, &notes);
    assert!(report.is_verified(), "{:?}", report.findings);
    let seen = Seen {
        agreed: 5,
        ledger: Some(12),
        outside: Some(9),
    };
    assert_eq!(report.checkpoints, seen);
}

#[test]
fn l7_a_log_that_is_shorter_than_what_was_signed_is_the_older_one() {
    let mut log = log();
    let notes = kept(&log, Keeper::Outside, &[13, 15]);
    log.rows.truncate(11);
    let report = held(&log, &notes);
    let (at, found) = only(&report);
    assert_eq!(at, 11);
    assert!(found.starts_with("11: the ledger is older"), "{found}");
}

#[test]
fn l7_another_history_under_a_checkpoint_is_found_at_its_last_entry() {
    let log = log();
    let other = note(Keeper::Ledger, 7, TreeHash::empty(), &operator());
    let report = held(&log, &[other]);
    let (at, found) = only(&report);
    assert_eq!(at, 6);
    assert!(found.contains("another history"), "{found}");
}

#[test]
fn l7_a_checkpoint_that_is_missing_from_one_place_is_found() {
    let log = log();
    let both = |ledger: &[usize], outside: &[usize]| {
        let own = kept(&log, Keeper::Ledger, ledger);
        held(&log, &[own, kept(&log, Keeper::Outside, outside)].concat())
    };
    let dropped = both(&[3], &[3, 9]);
    assert_eq!(only(&dropped), (8, "only in the checkpoint file"));
    let hole = both(&[3, 6, 9], &[3, 9]);
    assert_eq!(only(&hole), (5, "only in the ledger"));
    assert!(both(&[3, 9], &[3]).is_verified(), "not there yet");
}

#[test]
fn l7_a_checkpoint_that_no_trusted_key_signed_is_found() {
    let log = log();
    let forged = note(Keeper::Outside, 5, root(&log, 5), &agent());
    let report = held(&log, &[forged]);
    let (at, found) = only(&report);
    assert_eq!(at, 4);
    assert!(found.ends_with("no known key signed it"), "{found}");
    let mut torn = kept(&log, Keeper::Outside, &[5]);
    torn[0].note.truncate(40);
    let report = held(&log, &torn);
    assert!(only(&report).1.contains("in the checkpoint file, line 1"));
}

#[test]
fn l7_a_checkpoint_of_another_log_is_found() {
    let log = log();
    let mut other = log.rows.clone();
    for row in &mut other {
        let entry = row.entry.as_ref().unwrap();
        let mut header = entry.header.clone();
        header.log = LogId::of(b"other");
        let bytes = canonical::encode(&header).unwrap().into_vec();
        row.entry = Entry::read(bytes, entry.content.clone());
    }
    let notes = kept(&log, Keeper::Outside, &[5]);
    let mut verifier = Verifier::new(Level::V1, roots()).with_checkpoints(&notes, &roots());
    other.iter().take(5).for_each(|row| verifier.push(row));
    let report = verifier.finish(None);
    let told = report
        .findings
        .iter()
        .find(|one| one.what.check == "checkpoint");
    assert!(told.unwrap().what.found.starts_with("that of log"));
}

/// Those below a point are no longer met on the way.
#[test]
fn l7_y3_checkpoints_below_a_point_are_held_against_the_tree_that_stood_there() {
    let log = log();
    let mut verifier = Verifier::new(Level::V4, roots());
    log.rows.iter().take(11).for_each(|row| verifier.push(row));
    let point = verifier.point().unwrap();
    let nodes = |node: Node| {
        let end = usize::try_from(node.end).unwrap();
        let mut tree = Frontier::new();
        for row in &log.rows[end - (1 << node.level)..end] {
            tree.push(leaf(row.entry.as_ref().unwrap().id.as_bytes()), |_, _| {});
        }
        Ok(tree.root())
    };
    let go_on = |notes: &[KeptNote]| {
        let past = Arc::new(super::branches::Rows::of(&log));
        let mut verifier = Verifier::go_on(
            &point,
            Ground {
                roots: roots(),
                past,
                nodes: &nodes,
                notes,
                lanes: 2,
            },
        )?;
        log.rows.iter().skip(11).for_each(|row| verifier.push(row));
        Ok::<_, Divergence>(verifier.finish(None))
    };
    let sound = [Keeper::Ledger, Keeper::Outside].map(|keeper| kept(&log, keeper, &[3, 11, 12]));
    let report = go_on(&sound.concat()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.checkpoints.agreed, 6);
    // Signed by the same key, of another history.
    let other = note(Keeper::Outside, 3, root(&log, 4), &operator());
    assert_eq!(go_on(&[other]).unwrap_err().check, "checkpoint");
    // The log is shorter than one of them says.
    let longer = note(Keeper::Outside, 500, root(&log, 4), &operator());
    let report = go_on(&[longer]).unwrap();
    assert_eq!(first(&report).2, "checkpoint");
}
