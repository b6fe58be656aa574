//! The Merkle tree beside the entries, damaged.

use super::*;
use thymos_core::merkle::{Frontier, KEPT_LEVEL_MIN, leaf};

/// Seventy entries, with what a store keeps of their tree.
fn with_tree() -> Log {
    let mut log = log();
    while log.rows.len() < 70 {
        log.mode(Mode::Edit);
    }
    let mut tree = Frontier::new();
    for row in &mut log.rows {
        let mut kept = Vec::new();
        let own = leaf(row.entry.as_ref().unwrap().id.as_bytes());
        tree.push(own, |node, hash| {
            if node.level >= KEPT_LEVEL_MIN {
                kept.push((node, hash));
            }
        });
        row.tree = Some(kept);
    }
    log
}

fn kept(log: &mut Log, at: usize) -> &mut Vec<(Node, TreeHash)> {
    log.rows[at].tree.as_mut().unwrap()
}

#[test]
fn l6_a_sound_tree_is_no_finding_and_gives_its_head() {
    let log = with_tree();
    let mut verifier = Verifier::new(Level::V1, roots());
    let mut tree = Frontier::new();
    for row in &log.rows {
        tree.push(leaf(row.entry.as_ref().unwrap().id.as_bytes()), |_, _| {});
        verifier.push(row);
        assert_eq!(verifier.tree_head(), Some((tree.size(), tree.root())));
    }
    assert!(verifier.finish(Some(70)).is_verified());
}

#[test]
fn l6_v1_a_tree_that_is_not_that_of_the_entries_is_told_once_and_where() {
    let other = TreeHash::empty();
    for (at, of, over) in [
        (15, 0, "over entries 0 to 15"),
        (31, 1, "over entries 0 to 31"),
    ] {
        let mut log = with_tree();
        kept(&mut log, at)[of].1 = other;
        let report = log.verify(Level::V1);
        assert_eq!(first(&report), (Level::V1, at as u64, "tree"));
        assert!(report.findings[0].what.expected.ends_with(over));
        assert_eq!(report.findings[0].what.found, other.to_string());
        assert_eq!(report.findings_total, 1);
    }
    let mut log = with_tree();
    kept(&mut log, 47).clear();
    let report = log.verify(Level::V1);
    assert_eq!(first(&report), (Level::V1, 47, "tree"));
    assert_eq!(report.findings[0].what.found, "none");
    let mut log = with_tree();
    kept(&mut log, 20).push((Node { end: 21, level: 4 }, other));
    assert_eq!(first(&log.verify(Level::V1)), (Level::V1, 20, "tree"));
}

#[test]
fn l6_v1_a_changed_entry_is_seen_in_the_subtree_that_holds_it() {
    let mut log = with_tree();
    let mut header = log.entry(63).clone().header;
    header.at_ms = Timestamp(99);
    let bytes = canonical::encode(&header).unwrap().into_vec();
    let content = log.entry(63).content.clone();
    log.rows[63].entry = Entry::read(bytes, content);
    let report = log.verify(Level::V1);
    assert_eq!(first(&report), (Level::V1, 63, "tree"));
    let of_tree = report
        .findings
        .iter()
        .filter(|one| one.what.check == "tree");
    assert_eq!(of_tree.count(), 1, "the subtrees around it say nothing new");
}

#[test]
fn l6_v1_behind_a_missing_entry_the_tree_is_not_blamed() {
    let mut log = with_tree();
    log.rows.remove(20);
    let report = log.verify(Level::V1);
    assert!(!report.is_verified());
    assert!(report.findings.iter().all(|one| one.what.check != "tree"));
    let mut verifier = Verifier::new(Level::V1, roots());
    for row in &log.rows {
        verifier.push(row);
    }
    assert_eq!(verifier.tree_head(), None);
}
