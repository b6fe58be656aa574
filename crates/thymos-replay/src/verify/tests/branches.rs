//! Branches and undos as a verifier sees them: forged ones are found, unknown pasts are said.

use std::sync::Arc;

use thymos_core::Digest;
use thymos_core::body::{Branch, ParentLink};
use thymos_core::id::ProposalId;
use thymos_core::world::World;

use super::*;
use crate::past::{Past, fold_within};

/// Hands out the entries of a log, as a store would.
pub(super) struct Rows(Vec<Entry>);

impl Rows {
    pub(super) fn of(log: &Log) -> Self {
        let rows = log.rows.iter().map(|row| row.entry.clone().unwrap());
        Self(rows.collect())
    }

    /// The body of one is gone.
    pub(super) fn erase(&mut self, at: usize) {
        self.0[at].content = None;
    }
}

impl Past for Rows {
    fn page(&self, of: &TrajectoryId, from: u64, limit: usize) -> Result<Vec<Entry>, String> {
        let own = self.0.iter().filter(|entry| {
            let header = &entry.header;
            header.trajectory == *of && header.seq >= from
        });
        Ok(own.take(limit).cloned().collect())
    }
}

fn leaf() -> TrajectoryId {
    TrajectoryId::of(b"branch")
}

fn first_of(log: &Log, kind: Kind) -> (EntryId, u64) {
    let entries = log.rows.iter().map(|row| row.entry.as_ref().unwrap());
    let mut of_kind = entries.filter(|entry| entry.kind() == Some(kind));
    let entry = of_kind.next().unwrap();
    (entry.id, entry.header.seq)
}

fn empty_world() -> Digest {
    World::default().digest().unwrap()
}

/// The log with a branch of it that says this of its past.
fn branched(change: impl FnOnce(&mut Branch, &Log)) -> Log {
    let mut log = log();
    let (entry, seq) = first_of(&log, Kind::Commit);
    let mut branch = Branch {
        from: line(),
        entry,
        seq,
        world: empty_world(),
    };
    change(&mut branch, &log);
    log.add_to(
        leaf(),
        &Body::Root(Root {
            v: 1,
            workspace: "/srv".into(),
            tenant: String::new(),
            operator: party("ann", &operator()),
            subject: party("agent", &agent()),
            parent: Some(ParentLink {
                trajectory: branch.from,
                entry: branch.entry,
            }),
        }),
    );
    log.add_to(leaf(), &Body::Branch(branch));
    log
}

fn with_past(log: &Log, past: Rows) -> Report {
    let mut verifier = Verifier::new(Level::V4, roots()).with_past(Arc::new(past));
    for row in &log.rows {
        verifier.push(row);
    }
    verifier.finish(None)
}

fn checks(report: &Report) -> Vec<&'static str> {
    let found = report.findings.iter();
    found.map(|finding| finding.what.check).collect()
}

#[test]
fn d2_a_branch_is_checked_against_its_past() {
    let log = branched(|_, _| {});
    let report = with_past(&log, Rows::of(&log));
    assert!(report.is_verified(), "{:?}", report.findings);
    assert_eq!(report.unchecked.state, 0);
}

#[test]
fn d2_a_branch_whose_past_cannot_be_asked_for_is_told_as_unchecked() {
    let log = branched(|_, _| {});
    let report = log.verify(Level::V4);
    assert!(report.is_verified(), "{:?}", report.findings);
    assert_eq!(report.unchecked.state, 1);
}

#[test]
fn d2_a_branch_that_names_another_world_is_found() {
    let log = branched(|branch, _| branch.world = Digest::of(b"another"));
    assert_eq!(checks(&with_past(&log, Rows::of(&log))), ["branch world"]);
}

#[test]
fn d2_a_branch_of_what_is_no_commit_or_stands_elsewhere_is_found() {
    let message = branched(|branch, log| (branch.entry, branch.seq) = first_of(log, Kind::Intent));
    assert_eq!(checks(&with_past(&message, Rows::of(&message))), ["branch"]);
    let elsewhere = branched(|branch, _| branch.entry = EntryId::of(b"elsewhere"));
    assert_eq!(
        checks(&with_past(&elsewhere, Rows::of(&elsewhere))),
        ["branch"]
    );
    let beyond = branched(|branch, _| branch.seq = 10_000);
    assert_eq!(checks(&with_past(&beyond, Rows::of(&beyond))), ["branch"]);
}

#[test]
fn d2_a_past_that_is_not_what_was_written_is_found() {
    let log = branched(|_, _| {});
    let mut forged = Rows::of(&log);
    let content = forged.0[0].content.as_mut().unwrap();
    content.body[20] ^= 1;
    assert_eq!(checks(&with_past(&log, forged)), ["body"]);
    let mut without = Rows::of(&log);
    without.0.remove(2);
    assert_eq!(checks(&with_past(&log, without)), ["sequence"]);
}

#[test]
fn d2_a_branch_inherits_ended_calls_and_turns_but_no_writs() {
    let log = branched(|_, _| {});
    let past = Rows::of(&log);
    let mut projection = Projection::empty(leaf());
    for entry in past.page(&leaf(), 0, 10).unwrap() {
        fold_within(&mut projection, &entry, &past).unwrap();
    }
    assert!(projection.inherited);
    assert_eq!((projection.calls.len(), projection.next_turn), (1, 1));
    assert_eq!(projection.commits.values().sum::<u64>(), 1);
    assert!(projection.writs.is_empty() && projection.spent.is_empty());
    assert!(projection.sealed.is_empty() && projection.authority.is_none());
}

/// The log with one more call that says it undoes `wanted`, and a commit that says `sealed`.
fn undone(wanted: Option<ProposalId>, sealed: Option<ProposalId>) -> Log {
    let mut log = log();
    log.mode(Mode::Auto);
    let intent = intent(5, "fs_write");
    log.add(&Body::Intent(Intended {
        intent: intent.clone(),
        call: String::new(),
        routing: None,
        compensates: wanted,
        again: None,
    }));
    let verdict = on(&log, &intent, |grounds| compile(&intent, grounds));
    let Verdict::Cleared(warrant) = verdict else {
        panic!("not cleared: {verdict:?}");
    };
    let proposal = warrant.proposal().id().unwrap();
    let started = log.add(&Body::Started(Box::new(Started {
        decided: warrant.to_announce(),
        proposal,
        key: warrant.proposal().idempotency_key("").unwrap(),
        rung: Rung::L3,
        approvals: Vec::new(),
        pre_answered: Vec::new(),
        reserved: one_call(),
    })));
    log.add(&Body::Commit(Box::new(Commit {
        proposal,
        started,
        outcome: Outcome::said("done", "done"),
        cost: one_call(),
        compensates: sealed,
        unkept: None,
    })));
    log
}

fn an_effect() -> ProposalId {
    *log().fold().sealed.keys().next().unwrap()
}

#[test]
fn d3_an_undo_of_an_effect_that_is_in_force_is_sound() {
    let target = Some(an_effect());
    let report = undone(target, target).verify(Level::V3);
    assert!(report.is_verified(), "{:?}", report.findings);
}

#[test]
fn d3_a_commit_that_undoes_what_its_intent_did_not_name_is_found() {
    let target = Some(an_effect());
    for log in [undone(None, target), undone(target, None)] {
        assert_eq!(checks(&log.verify(Level::V2)), ["compensates"]);
    }
}

#[test]
fn d3_an_undo_of_what_never_happened_is_found() {
    let never = Some(ProposalId::of(b"never"));
    assert_eq!(
        checks(&undone(never, never).verify(Level::V2)),
        ["compensates"]
    );
}
