//! `[V3]` Every recorded verdict and every fact, changed one at a time under fresh seals, is found.
//!
//! A mutant is an entry whose body says one thing otherwise, with salt, id and links made anew, so
//! that integrity has nothing to say. What cannot be derived from a record stands in a table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thymos_core::body::Body;
use thymos_core::canonical::{self, CanonicalBytes};
use thymos_core::entry::{Draft, Position};
use thymos_core::{Entry, EntryId, Kind};
use thymos_replay::{Level, Row, Verifier};
use thymos_testkit::fixtures::roots;

use super::record;

/// What no record can prove: where it stands, and why. `docs/spec/replay.md` has the same table.
const NOT_DERIVABLE: [Exception; 4] = [
    Exception {
        kind: Kind::Rejection,
        path: "decided.proposal.resolved",
        was: "",
        why: "what the tool saw outside, where no line read it; a refusal lets nothing happen",
    },
    Exception {
        kind: Kind::Rejection,
        path: "decided.trace.[].said",
        was: "\"the tool could not resolve it: ",
        why: "the tool's own sentence, where another clause names the refusal",
    },
    Exception {
        kind: Kind::Rejection,
        path: "decided.facts.rung",
        was: "",
        why: "the cage that the machine offered, where no clause asked for one",
    },
    Exception {
        kind: Kind::PendingApproval,
        path: "decided.proposal.resolved",
        was: "",
        why: "what the tool saw outside and no approver is shown; an answer signs it all, and finds it",
    },
];

/// A place whose mutants may live.
struct Exception {
    kind: Kind,
    path: &'static str,
    was: &'static str,
    why: &'static str,
}

/// Words that some field of a decision may hold; the first that decodes is taken.
const WORDS: [&str; 21] = [
    "permit", "forbid", "read", "write", "low", "high", "critical", "plan", "auto", "L2", "L1",
    "C1", "C13", "compile", "admit", "model", "operator", "create", "diff", "text", "unneeded",
];

#[tokio::test]
async fn v3_every_refusal_that_was_changed_is_found() {
    every_mutant_is_found(Kind::Rejection, 500).await;
}

#[tokio::test]
async fn v3_every_hold_that_was_changed_is_found() {
    every_mutant_is_found(Kind::PendingApproval, 800).await;
}

#[tokio::test]
async fn v3_every_start_that_was_changed_is_found() {
    every_mutant_is_found(Kind::Started, 700).await;
}

/// Fewer mutants than `least`, and the record has lost what it was made for.
async fn every_mutant_is_found(kind: Kind, least: usize) {
    let entries = record::play().await;
    let mut verifier = Verifier::new(Level::V4, roots());
    let (mut made, mut excused, mut missed) = (0_usize, BTreeSet::new(), BTreeSet::new());
    for entry in &entries {
        if entry.kind() == Some(kind) {
            for mutant in mutants(entry) {
                made += 1;
                if !found(&verifier, entry, &mutant) {
                    match excuse(entry, &mutant) {
                        Some(why) => drop(excused.insert(why)),
                        None => drop(missed.insert(told(entry, &mutant))),
                    }
                }
            }
        }
        verifier.push(&row(entry.clone()));
    }
    assert_eq!(verifier.so_far().findings, []);
    assert_eq!(missed, BTreeSet::new(), "of {made} mutants");
    assert!(made >= least, "only {made} mutants");
    let exceptions = NOT_DERIVABLE.iter().filter(|one| one.kind == kind);
    let exceptions: BTreeSet<&str> = exceptions.map(|one| one.why).collect();
    assert_eq!(excused, exceptions, "an exception that nothing needs");
}

/// What a hold says beyond its card is found where somebody answered it.
#[tokio::test]
async fn v3_a_hold_that_was_changed_out_of_sight_is_found_at_its_answer() {
    let entries = record::play().await;
    let hold = |entry: &&Entry| entry.kind() == Some(Kind::PendingApproval);
    let hold = entries.iter().find(hold).unwrap();
    let unseen = |mutant: &Mutant| mutant.path.ends_with("paths.[].before.digest");
    let mutant = mutants(hold).into_iter().find(unseen).unwrap();
    let mut verifier = Verifier::new(Level::V4, roots());
    let mut heads = BTreeMap::new();
    for entry in &entries {
        let body = if entry.id == hold.id {
            mutant.body.clone()
        } else {
            canonical::value_to_bytes(&canonical::parse(entry.body().unwrap()).unwrap()).unwrap()
        };
        let trajectory = entry.header.trajectory;
        let entry = sealed(entry, body, heads.get(&trajectory).copied());
        heads.insert(trajectory, entry.id);
        verifier.push(&row(entry));
    }
    let report = verifier.so_far();
    let finding = &report.findings[0];
    let at = finding.place.index as usize;
    assert!(report.holds_at(Level::V1));
    assert_eq!(
        (finding.what.check, entries[at].kind()),
        ("approval", Some(Kind::Approval))
    );
}

/// A body that says one thing otherwise.
pub(super) struct Mutant {
    pub(super) path: String,
    was: String,
    pub(super) is: String,
    pub(super) body: CanonicalBytes,
}

pub(super) fn told(entry: &Entry, mutant: &Mutant) -> String {
    let (seq, kind) = (entry.header.seq, &entry.header.kind);
    let (path, was, is) = (&mutant.path, &mutant.was, &mutant.is);
    format!("{seq} {kind} {path}: {was} -> {is}")
}

/// Whether verification says something about the mutant, at its entry, and not about its seals.
fn found(before: &Verifier, entry: &Entry, mutant: &Mutant) -> bool {
    let mut verifier = before.clone();
    let witnessed = before.so_far().witnessed;
    let forged = sealed(entry, mutant.body.clone(), entry.header.prev);
    verifier.push(&row(forged));
    let report = verifier.so_far();
    let here = entry.header.index;
    assert!(report.holds_at(Level::V1), "{}", told(entry, mutant));
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.place.index == here)
    );
    !report.findings.is_empty() || report.witnessed > witnessed
}

/// The entry with another body, committed to and hashed anew, behind this one.
pub(super) fn sealed(entry: &Entry, body: CanonicalBytes, prev: Option<EntryId>) -> Entry {
    let header = &entry.header;
    let draft = Draft {
        trajectory: header.trajectory,
        kind: entry.kind().unwrap(),
        at: header.at_ms,
        writer: header.writer,
        salt: entry.content.as_ref().unwrap().salt,
        body,
    };
    let position = Position {
        log: header.log,
        index: header.index,
        seq: header.seq,
        prev,
    };
    draft.place(&position).unwrap()
}

pub(super) fn row(entry: Entry) -> Row {
    Row {
        index: entry.header.index,
        entry: Ok(entry),
        disagreements: Vec::new(),
        tree: None,
    }
}

fn excuse(entry: &Entry, mutant: &Mutant) -> Option<&'static str> {
    let exception = NOT_DERIVABLE.iter().find(|exception| {
        entry.kind() == Some(exception.kind)
            && mutant.path.starts_with(exception.path)
            && mutant.was.starts_with(exception.was)
    });
    exception.map(|exception| exception.why)
}

/// Every way to change one leaf, one key or one element that still reads as such a body.
pub(super) fn mutants(entry: &Entry) -> Vec<Mutant> {
    let bytes = entry.body().unwrap();
    let whole = canonical::parse(bytes).unwrap();
    let kind = entry.kind().unwrap();
    let mut spots = Vec::new();
    walk(&whole, &mut Vec::new(), &mut spots);
    let mut mutants = Vec::new();
    for steps in spots {
        let was = at(&whole, &steps).unwrap();
        for (change, limit) in changes(was) {
            let mut taken = 0;
            for change in change {
                let mut other = whole.clone();
                change.apply(&mut other, &steps);
                let Ok(body) = canonical::value_to_bytes(&other) else {
                    continue;
                };
                let decodes = Body::decode(kind, body.as_bytes());
                let same = |decoded: Body| decoded.encode().unwrap().as_bytes() == bytes;
                if decodes.is_ok_and(|decoded| !same(decoded)) {
                    mutants.push(Mutant {
                        path: spelled(&steps),
                        was: was.to_string().chars().take(80).collect(),
                        is: format!("{change:?}").chars().take(80).collect(),
                        body,
                    });
                    taken += 1;
                }
                if taken == limit {
                    break;
                }
            }
        }
    }
    mutants
}

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    At(usize),
}

/// One change at one place.
#[derive(Debug)]
enum Change {
    /// Another value.
    Becomes(Value),
    /// The member of this name goes under another one.
    Renamed(String, String),
    /// The member of this name is gone.
    Without(String),
    /// The element is gone.
    Shorter(usize),
    /// The first element stands twice.
    Longer,
}

fn walk(value: &Value, here: &mut Vec<Step>, spots: &mut Vec<Vec<Step>>) {
    spots.push(here.clone());
    let mut down = |step: Step, inner: &Value| {
        here.push(step);
        walk(inner, here, spots);
        here.pop();
    };
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                down(Step::Key(key.clone()), inner);
            }
        }
        Value::Array(list) => {
            for (at, inner) in list.iter().enumerate() {
                down(Step::At(at), inner);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Kinds of change of a value, each with how many of it are wanted.
fn changes(was: &Value) -> Vec<(Vec<Change>, usize)> {
    let becomes = |values: Vec<Value>| values.into_iter().map(Change::Becomes).collect();
    match was {
        Value::Null => {
            let some = ["x", "pure", "L1"].map(Value::from).into_iter();
            let some = some.chain([Value::from(1), Value::from(false)]);
            vec![(becomes(some.collect()), 1)]
        }
        Value::Bool(flag) => vec![(becomes(vec![Value::from(!flag)]), 1)],
        Value::Number(number) => {
            let number = number.as_u64().unwrap_or(0);
            let less = number.checked_sub(1).map(Value::from);
            let near = [Some(Value::from(number + 1)), less].into_iter().flatten();
            vec![(becomes(near.collect()), 1)]
        }
        Value::String(text) => {
            let mut other = vec![Value::from(turned(text)), Value::from(format!("{text}x"))];
            other.extend(WORDS.map(Value::from));
            vec![(becomes(other), 1)]
        }
        Value::Array(list) => {
            let shorter = (0..list.len()).map(Change::Shorter).collect();
            vec![(shorter, list.len()), (vec![Change::Longer], 1)]
        }
        Value::Object(map) => {
            let without = map.keys().cloned().map(Change::Without).collect();
            let renamed = |key: &String| Change::Renamed(key.clone(), turned(key));
            let renamed = map.keys().map(renamed).collect();
            vec![(without, map.len()), (renamed, map.len())]
        }
    }
}

/// The same text with another last character; hex stays hex.
fn turned(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if let Some(last) = chars.last_mut() {
        *last = if *last == 'a' { 'b' } else { 'a' };
    }
    chars.into_iter().collect()
}

impl Change {
    fn apply(&self, whole: &mut Value, steps: &[Step]) {
        let Some(spot) = at_mut(whole, steps) else {
            return;
        };
        match (self, spot) {
            (Self::Becomes(other), spot) => *spot = other.clone(),
            (Self::Renamed(from, to), Value::Object(map)) => {
                if let Some(inner) = map.remove(from) {
                    map.insert(to.clone(), inner);
                }
            }
            (Self::Without(key), Value::Object(map)) => drop(map.remove(key)),
            (Self::Shorter(at), Value::Array(list)) => drop(list.remove(*at)),
            (Self::Longer, Value::Array(list)) => {
                if let Some(first) = list.first().cloned() {
                    list.push(first);
                }
            }
            _ => {}
        }
    }
}

fn at<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::At(at) => value.get(at),
    })
}

fn at_mut<'a>(value: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::At(at) => value.get_mut(at),
    })
}

fn spelled(steps: &[Step]) -> String {
    let words = steps.iter().map(|step| match step {
        Step::Key(key) if key.len() == 64 => "{id}".to_owned(),
        Step::Key(key) => key.clone(),
        Step::At(_) => "[]".to_owned(),
    });
    words.collect::<Vec<_>>().join(".")
}
