//! Tests of what the ledgers hold. Nothing here is timed.

use std::collections::BTreeMap;

use thymos_core::body::{Body, BodyState, Commit, Stage};
use thymos_core::delta::ResourceValue;
use thymos_core::{Digest, Kind};

use super::super::count;
use super::files::Part;
use super::*;
use crate::system::monotonic;

/// The smallest ledger, of one run, which has all that there is. The folder lasts as long as it is held.
fn small() -> (tempfile::TempDir, Arc<dyn LedgerStore>) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench {
        scratch: folder.path().to_path_buf(),
        directory: folder.path().to_path_buf(),
        clock: monotonic(),
    };
    let store = adapters::memory().unwrap();
    make(&bench, &store, 100).unwrap();
    (folder, store)
}

fn bodies(store: &dyn LedgerStore) -> Vec<Body> {
    let mut bodies = Vec::new();
    loop {
        let rows = store.scan(bodies.len() as u64, ROWS).unwrap();
        if rows.is_empty() {
            return bodies;
        }
        let read = |row: thymos_ports::store::StoredRow| match row.entry.unwrap().decode() {
            BodyState::Known(body) => body,
            other => panic!("{other:?}"),
        };
        bodies.extend(rows.into_iter().map(read));
    }
}

fn commits(bodies: &[Body]) -> impl Iterator<Item = &Commit> {
    bodies.iter().filter_map(|body| match body {
        Body::Commit(commit) => Some(&**commit),
        _ => None,
    })
}

/// Digest and size of a content.
type Content = (Digest, u64);

/// Images of files as they were before they were changed, and outputs that are kept whole.
fn contents(bodies: &[Body]) -> (Vec<Content>, Vec<Content>) {
    let deltas = commits(bodies).flat_map(|commit| &commit.outcome.deltas);
    let before = deltas.filter_map(|delta| match &delta.before {
        Some(ResourceValue::File(image)) => Some((image.digest, image.size)),
        Some(ResourceValue::Json(_)) | None => None,
    });
    let outputs = commits(bodies).filter_map(|commit| commit.outcome.output.as_ref());
    let outputs = outputs.map(|output| (output.digest, output.size));
    (before.collect(), outputs.collect())
}

#[test]
fn the_smallest_ledger_has_every_kind_that_a_run_under_supervision_has() {
    let (_folder, store) = small();
    let mix = Mix::of(store.as_ref()).unwrap();
    let kinds = [
        Kind::Root,
        Kind::Message,
        Kind::Usage,
        Kind::Intent,
        Kind::Rejection,
        Kind::PendingApproval,
        Kind::Approval,
        Kind::Started,
        Kind::Commit,
        Kind::Failure,
        Kind::Delegation,
        Kind::DelegationResult,
        Kind::WritIssued,
        Kind::WritRevoked,
        Kind::PolicyLoaded,
        Kind::ModeChanged,
        Kind::ToolsPinned,
        Kind::Closed,
    ];
    let lacking: Vec<Kind> = kinds
        .into_iter()
        .filter(|kind| mix.kind(*kind) == 0)
        .collect();
    assert_eq!(lacking, Vec::<Kind>::new());
    let bodies = bodies(store.as_ref());
    // A no of the gate, and one of a person; a run that goes on after each answer.
    let stages: Vec<Stage> = bodies
        .iter()
        .filter_map(|body| match body {
            Body::Rejection(no) => Some(no.stage),
            _ => None,
        })
        .collect();
    assert_eq!(stages, [Stage::Compile, Stage::Answer]);
    assert_eq!(mix.kind(Kind::Approval), mix.kind(Kind::PendingApproval));
    assert!(commits(&bodies).any(|commit| !commit.outcome.ok));
    let (before, outputs) = contents(&bodies);
    assert!(before.len() >= 4 && !outputs.is_empty());
}

#[test]
fn what_is_kept_beside_the_entries_is_there_as_it_is_referred_to() {
    let (_folder, store) = small();
    let (before, outputs) = contents(&bodies(store.as_ref()));
    for (digest, size) in before.into_iter().chain(outputs) {
        let kept = store.blob(&digest).unwrap().map(|bytes| bytes.len() as u64);
        assert_eq!(kept, Some(size), "{digest}");
    }
}

#[test]
fn the_counts_that_are_told_are_those_of_the_ledger() {
    let (_folder, store) = small();
    let bodies = bodies(store.as_ref());
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for body in &bodies {
        *wanted
            .entry(format!("of these, {}", body.kind()))
            .or_default() += 1;
    }
    let denied = bodies.iter().filter(|body| match body {
        Body::Approval(approval) => approval.signed.answer.decision == Decision::Deny,
        _ => false,
    });
    let (before, outputs) = contents(&bodies);
    let unsuccessful = commits(&bodies).filter(|commit| !commit.outcome.ok);
    wanted.extend([
        ("approvals that are a no".to_owned(), denied.count()),
        (
            "commits of what did not succeed".to_owned(),
            unsuccessful.count(),
        ),
        (
            "commits that changed a file, its image before kept".to_owned(),
            before.len(),
        ),
        (
            "commits with their whole output beside them".to_owned(),
            outputs.len(),
        ),
    ]);
    let figures = Mix::of(store.as_ref()).unwrap().figures();
    let entries = figures.iter().filter(|figure| figure.unit == "entries");
    let told: BTreeMap<String, Option<f64>> = entries
        .map(|figure| (figure.name.clone(), figure.value))
        .collect();
    let wanted: BTreeMap<String, Option<f64>> = wanted
        .into_iter()
        .map(|(name, number)| (name, Some(count(number as u64))))
        .collect();
    assert_eq!(told, wanted);
    let kinds = told.iter().filter(|(name, _)| name.starts_with("of these"));
    let all: f64 = kinds.filter_map(|(_, number)| *number).sum();
    assert!((all - count(bodies.len() as u64)).abs() < 0.5);
}

#[test]
fn what_was_written_verifies_whole() {
    let (_folder, store) = small();
    verify(store.as_ref(), Level::V3).unwrap();
}

#[test]
fn each_edit_quotes_what_an_earlier_run_left() {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for part in Part::laid_out() {
        files.insert(part.path(), part.text());
    }
    for run in 0..100 {
        let (own, other) = (Part::of(run), Part::before(run));
        let was = files.insert(own.path(), own.text());
        assert_ne!(was.as_deref(), Some(own.text().as_str()), "run {run}");
        for (part, step) in [(own, 7), (other, 9), (own, 21)] {
            let (old, new) = part.edit(step, run);
            let text = files.get_mut(&part.path()).unwrap();
            assert_eq!(text.matches(&old).count(), 1, "run {run}, step {step}");
            *text = text.replace(&old, &new);
        }
    }
}
