//! Going on from a point comes to what verifying the whole comes to, wherever the point is `[Y3]`.

use std::sync::Arc;

use thymos_core::merkle::{Frontier, Node, TreeHash, leaf};
use thymos_core::{Entry, Kind};
use thymos_replay::verify::{Ground, Point};
use thymos_replay::{Divergence, Level, Report, Verifier};

use super::forgers::{Lines, forged};
use super::kernel::roots;
use super::mutants::{mutants, row};
use super::{rarer, record};

fn push(verifier: &mut Verifier, entries: &[Entry]) {
    for entry in entries {
        verifier.push(&row(entry.clone()));
    }
}

fn whole(entries: &[Entry], level: Level) -> Verifier {
    let mut verifier = Verifier::new(level, roots()).with_past(Arc::new(Lines::of(entries)));
    push(&mut verifier, entries);
    verifier
}

/// A subtree over these entries.
fn subtree(entries: &[Entry], node: Node) -> Result<TreeHash, String> {
    let end = usize::try_from(node.end).unwrap();
    let first = end - (1 << node.level);
    let own = entries.get(first..end).ok_or("the log ends before it")?;
    let mut tree = Frontier::new();
    for entry in own {
        tree.push(leaf(entry.id.as_bytes()), |_, _| {});
    }
    Ok(tree.root())
}

fn go_on(point: &Point, entries: &[Entry], lanes: usize) -> Result<Verifier, Divergence> {
    let nodes = |node| subtree(entries, node);
    let ground = Ground {
        roots: roots(),
        past: Arc::new(Lines::of(entries)),
        nodes: &nodes,
        notes: &[],
        lanes,
    };
    Verifier::go_on(point, ground)
}

/// As it is after it was kept.
fn kept(point: &Point) -> Point {
    serde_json::from_slice(&serde_json::to_vec(point).unwrap()).unwrap()
}

fn told(report: &Report) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}

/// The rest behind a point, against what the whole says of it.
fn same(name: &str, entries: &[Entry], at: usize, level: Level) {
    let before = whole(&entries[..at], level);
    let point = before.point().unwrap();
    assert_eq!(point.entries, at as u64);
    let mut after = go_on(&kept(&point), entries, 1 + at % 3).unwrap();
    push(&mut after, &entries[at..]);
    // Where that came to can be gone on from as well.
    let again = after.point().unwrap();
    assert_eq!(Some(again), whole(entries, level).point(), "{name}, {at}");
    let (after, before) = (after.finish(None), before.so_far());
    let all = whole(entries, level).finish(None);
    assert_eq!(told(&after), told(&all), "{name}, {at}");
    assert_eq!((after.entries, after.before), (all.entries, at as u64));
    let counted = |counts: &thymos_replay::verify::Counts| {
        let rest = (counts.state, counts.decisions, counts.facts);
        (counts.integrity, counts.identity, rest)
    };
    let (now, earlier, both) = (&after.checked, &before.checked, &all.checked);
    assert_eq!(now.total() + earlier.total(), both.total(), "{name}, {at}");
    assert_eq!(counted(now).0, (entries.len() - at) as u64);
}

#[tokio::test]
async fn y3_behind_every_point_the_rest_verifies_as_it_does_in_the_whole() {
    let mut records = rarer::play().await;
    records.push(("plain", record::play().await));
    for (name, entries) in &records {
        for at in 1..entries.len() {
            let level = [Level::V4, Level::V2][usize::from(at % 5 == 0)];
            same(name, entries, at, level);
        }
    }
}

/// Changed behind the point, and everything behind that made to fit.
#[tokio::test]
async fn y3_what_is_forged_behind_a_point_is_found_as_in_the_whole() {
    let mut records = rarer::play().await;
    records.push(("plain", record::play().await));
    let mut findings = 0;
    for (name, entries) in &records {
        for (at, entry) in entries.iter().enumerate().skip(1) {
            let crossing = [
                Kind::DelegationResult,
                Kind::Branch,
                Kind::Root,
                Kind::Started,
            ];
            let every = if crossing.contains(&entry.kind().unwrap()) {
                3
            } else {
                50
            };
            for mutant in mutants(entry).iter().step_by(every).take(2) {
                let forged = forged(entries, at, mutant);
                let point = whole(&entries[..at], Level::V4).point().unwrap();
                let mut after = go_on(&point, &forged, 2).unwrap();
                push(&mut after, &forged[at..]);
                let expected = told(&whole(&forged, Level::V4).finish(None));
                findings += expected.len();
                assert_eq!(told(&after.finish(None)), expected, "{name}, {at}");
            }
        }
    }
    assert!(findings > 100, "{findings}");
}

/// What a later check would rest on is not what it was: another root, another newest entry, another writ.
#[tokio::test]
async fn y3_a_point_of_another_record_is_not_gone_on_from() {
    let entries = record::play().await;
    let point = whole(&entries, Level::V4).point().unwrap();
    assert!(go_on(&point, &entries, 1).is_ok());
    let cut = &entries[..entries.len() - 1];
    assert_eq!(go_on(&point, cut, 1).err().unwrap().check, "read again");
    // The tree is left as it was, and entries below it are others.
    let nodes = |node| subtree(&entries, node);
    let over = |changed: &[Entry]| {
        let ground = Ground {
            roots: roots(),
            past: Arc::new(Lines::of(changed)),
            nodes: &nodes,
            notes: &[],
            lanes: 1,
        };
        Verifier::go_on(&point, ground).err().map(|what| what.check)
    };
    assert_eq!(over(&entries), None);
    let mut found = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let mutant = mutants(entry).swap_remove(0);
        let mut changed = entries.clone();
        changed[at] = forged(&entries, at, &mutant)[at].clone();
        if let Some(check) = over(&changed) {
            assert_eq!(check, "read again");
            found.push(entry.kind().unwrap());
        }
    }
    let newest = entries.last().unwrap().kind().unwrap();
    assert!(found.contains(&newest), "{found:?}");
    assert!(found.contains(&Kind::WritIssued), "{found:?}");
    // No such point is made where anything is wrong.
    let mutant = mutants(&entries[3]).swap_remove(0);
    let broken = whole(&forged(&entries, 3, &mutant), Level::V4);
    assert!(broken.first_finding().is_some());
    assert_eq!(broken.point(), None);
}
