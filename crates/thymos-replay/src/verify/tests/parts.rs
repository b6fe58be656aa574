//! `[L16]` Logs of which not everything is there: what is told, what is excused, and what is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use thymos_core::checkpoint::{Checkpoint, SignedCheckpoint};
use thymos_core::merkle::{Frontier, TreeHash, consistency, inclusion, leaf};

use super::*;
use crate::verify::{Excerpt, Keeper, KeptNote};

fn withhold(kind: Kind) -> Withheld {
    Arc::new(move |header| header.kind == kind.word())
}

/// The log without the bodies of a kind, told to be so or not.
fn without(log: &Log, kind: Kind, told: bool) -> Report {
    let mut log = log.clone_rows();
    for row in &mut log.rows {
        if let Ok(entry) = &mut row.entry
            && entry.kind() == Some(kind)
        {
            entry.content = None;
        }
    }
    let mut verifier = Verifier::new(Level::V4, roots());
    if told {
        verifier = verifier.with_withheld(withhold(kind));
    }
    log.rows.iter().for_each(|row| verifier.push(row));
    verifier.finish(None)
}

impl Log {
    fn clone_rows(&self) -> Self {
        let mut other = Self::default();
        other.rows.clone_from(&self.rows);
        other
    }
}

#[test]
fn l16_what_was_withheld_is_told_and_what_rests_on_it_is_not_called_wrong() {
    let log = log();
    let written: BTreeSet<Kind> = log
        .rows
        .iter()
        .filter_map(|row| row.entry.as_ref().unwrap().kind())
        .collect();
    for kind in written {
        let report = without(&log, kind, true);
        assert_eq!(report.findings, [], "{kind}");
        assert!(report.withheld > 0 && report.erased == 0, "{kind}");
        // A message decides nothing; behind any other gap not all can be checked.
        let unchecked = report.unchecked.total() > 0;
        let last = log.rows.last().unwrap().entry.as_ref().unwrap().kind();
        assert!(
            unchecked != (kind == Kind::Message) || last == Some(kind),
            "{kind}: {report:?}"
        );
    }
}

#[test]
fn l16_a_body_that_is_gone_and_not_told_to_be_is_found() {
    let report = without(&log(), Kind::Commit, false);
    assert_eq!(first(&report).2, "body");
    let mut verifier = Verifier::new(Level::V1, roots()).with_withheld(withhold(Kind::Commit));
    log().rows.iter().for_each(|row| verifier.push(row));
    assert_eq!(
        first(&verifier.finish(None)).2,
        "withheld",
        "and one that is there all the same"
    );
}

#[test]
fn l16_a_gap_excuses_nothing_before_it_and_nothing_that_follows_from_no_gap() {
    // A forged trace before the gap, which is the commit behind it.
    let forged = rewrite(&log(), 6, |body| {
        if let Body::Started(started) = body {
            Arc::make_mut(&mut started.decided).trace.lines[3]
                .said
                .push('!');
        }
    });
    let report = without(&forged, Kind::Commit, true);
    assert_eq!(first(&report), (Level::V3, 6, "trace"));
    let forged = rewrite(&log(), 1, |body| {
        if let Body::WritIssued(issued) = body {
            issued.writ.signature = agent().sign(Domain::Writ, b"other");
        }
    });
    let report = without(&forged, Kind::Commit, true);
    assert_eq!(
        first(&report).0,
        Level::V4,
        "signatures need nothing before them"
    );
}

/// The small log as the excerpt of a larger one: entries of others stand before each of it.
struct Among {
    rows: Vec<(Row, Vec<TreeHash>)>,
    notes: Vec<KeptNote>,
    excerpt: Excerpt,
}

fn among() -> Among {
    let own = log();
    let mut leaves = Vec::new();
    let mut rows = Vec::new();
    // Entries of an excerpt keep their own index, so the others stand behind here.
    for row in &own.rows {
        leaves.push(leaf(row.entry.as_ref().unwrap().id.as_bytes()));
    }
    let others = (0..9_u8).map(|n| leaf(&[n; 32]));
    leaves.extend(others);
    let read = |leaves: &[TreeHash], node: Node| -> Result<TreeHash, ()> {
        let end = usize::try_from(node.end).unwrap();
        let mut tree = Frontier::new();
        leaves[end - (1 << node.level)..end]
            .iter()
            .for_each(|leaf| tree.push(*leaf, |_, _| {}));
        Ok(tree.root())
    };
    let size = leaves.len() as u64;
    for (index, row) in (0..).zip(own.rows) {
        let proof = inclusion(index, size, |node| read(&leaves, node));
        rows.push((row, proof.unwrap().unwrap()));
    }
    let note = |size: u64| {
        let mut tree = Frontier::new();
        let first = leaves.iter().take(usize::try_from(size).unwrap());
        first.for_each(|leaf| tree.push(*leaf, |_, _| {}));
        let (log, root) = (rows[0].0.entry.as_ref().unwrap().header.log, tree.root());
        KeptNote {
            keeper: Keeper::Bundle,
            line: 1,
            note: Checkpoint { log, size, root }
                .sign(&operator())
                .note()
                .to_owned(),
        }
    };
    let notes = vec![note(5), note(16), note(size)];
    let links = [5, 16, size].map(|old| {
        let proof = consistency(old, size, |node| read(&leaves, node));
        (old, proof.unwrap().unwrap())
    });
    let excerpt = Excerpt {
        log: rows[0].0.entry.as_ref().unwrap().header.log,
        size,
        consistency: BTreeMap::from(links),
    };
    Among {
        rows,
        notes,
        excerpt,
    }
}

impl Among {
    fn verify(&self) -> Report {
        let mut verifier = Verifier::new(Level::V4, roots())
            .with_checkpoints(&self.notes, &roots())
            .of_excerpt(&self.excerpt);
        for (row, proof) in &self.rows {
            verifier.push_proved(row, Some(proof));
        }
        verifier.finish(None)
    }
}

#[test]
fn l16_an_excerpt_verifies_under_a_checkpoint_of_the_whole() {
    let report = among().verify();
    assert_eq!(report.findings, []);
    assert_eq!(
        (report.checkpoints.agreed, report.unchecked),
        (3, Counts::default())
    );
    assert_eq!(report.checked.decisions, 4);
}

#[test]
fn l16_an_excerpt_without_its_proofs_is_found() {
    let mut other = among();
    other.rows[7].1[0] = TreeHash::empty();
    assert_eq!(first(&other.verify()), (Level::V1, 7, "inclusion"));
    let mut swapped = among();
    let proof = std::mem::take(&mut swapped.rows[3].1);
    swapped.rows[4].1 = proof;
    assert_eq!(first(&swapped.verify()), (Level::V1, 3, "inclusion"));
    let mut parted = among();
    parted.excerpt.consistency.insert(16, Vec::new());
    assert_eq!(first(&parted.verify()), (Level::V1, 15, "checkpoint"));
    let mut unsigned = among();
    unsigned.notes.pop();
    unsigned.notes.push(KeptNote {
        keeper: Keeper::Bundle,
        line: 3,
        note: {
            let note = SignedCheckpoint::parse(&among().notes[2].note).unwrap();
            note.checkpoint.sign(&agent()).note().to_owned()
        },
    });
    assert_eq!(
        first(&unsigned.verify()).2,
        "checkpoint",
        "nobody who is trusted signed it"
    );
    let mut backwards = among();
    backwards.rows.swap(5, 6);
    assert!(!backwards.verify().is_verified());
    let mut foreign = among();
    foreign.excerpt.log = LogId::of(b"other");
    assert_eq!(first(&foreign.verify()).2, "checkpoint");
}
