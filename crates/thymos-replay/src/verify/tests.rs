//! Tests of verification, on a small log made here and then damaged.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::fold::fold;
use crate::projection::Projection;
use serde_json::json;
use thymos_compiler::{
    CheckedChain, CheckedPossession, GateVersion, Grounds, ToolSet, Verdict, admit, compile,
};
use thymos_core::approval::{Answer, Decision, Scope, Via};
use thymos_core::body::{
    Approval, Body, BodyState, Commit, Intended, ModeChanged, PendingApproval, PolicyLoaded,
    Rejection, Role, Root, Stage, Started, ToolsPinned, WritIssued,
};
use thymos_core::budget::{Budget, Cost};
use thymos_core::canonical;
use thymos_core::effect::{EffectClass, Effects, Risk};
use thymos_core::entry::{Content, Draft, Position, Salt};
use thymos_core::facts::{Facts, Possession};
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::key::{Domain, SigningKey};
use thymos_core::outcome::{BlobRef, Outcome};
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_core::verdict::Tightening;
use thymos_core::writ::{Delegation, Examples, Grant, Mode, Party, SignedWrit, Window, Writ};
use thymos_core::{Digest, EntryId, Kind, LogId, Timestamp, TrajectoryId, WritId};
use thymos_policy::PolicySet;

mod branches;
mod checkpoints;
mod cuts;
mod erasures;
mod lanes;
mod lines;
mod parts;
mod signers;
mod skills;
mod tree;

fn operator() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn agent() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn party(name: &str, key: &SigningKey) -> Party {
    Party {
        name: name.into(),
        key: key.public(),
    }
}

fn roots() -> TrustRoots {
    TrustRoots {
        operators: vec![party("ann", &operator())],
        policy: Vec::new(),
        retired: Vec::new(),
    }
}

fn writ() -> SignedWrit {
    Writ {
        v: 1,
        nonce: Writ::nonce([7; 16]),
        name: "edit".into(),
        issuer: party("ann", &operator()),
        subject: party("agent", &agent()),
        parent: None,
        tenant: String::new(),
        grants: vec![Grant {
            tool: "fs_*".into(),
            caveats: Vec::new(),
        }],
        effects: Effects::Ceiling(EffectClass::Write),
        isolation_min: Rung::L1,
        budget: Budget::unlimited(),
        window: Window {
            not_before: Timestamp(0),
            expires_at: None,
        },
        delegation: Delegation {
            max_depth: 0,
            may_subdivide: false,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    }
    .sign(&operator())
    .unwrap()
}

fn contract() -> ToolContract {
    ToolContract {
        operator_only: false,
        name: "fs_write".into(),
        version: 1,
        description: String::new(),
        schema: json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        effect_floor: EffectClass::Write,
        risk_floor: Risk::Low,
        repeat: Repeat::Free,
        recovery: Recovery::Neither,
        compensation: Compensation::FromRecord,
    }
}

/// A log in memory; most of it of one trajectory.
#[derive(Default)]
struct Log {
    rows: Vec<Row>,
    /// What settings demand of approvals while calls are decided.
    approvals: Tightening,
}

fn line() -> TrajectoryId {
    TrajectoryId::of(b"line")
}

impl Log {
    fn add(&mut self, body: &Body) -> EntryId {
        self.add_to(line(), body)
    }

    fn add_to(&mut self, trajectory: TrajectoryId, body: &Body) -> EntryId {
        let index = self.rows.len() as u64;
        let own = self.rows.iter().map(|row| row.entry.as_ref().unwrap());
        let own: Vec<EntryId> = own
            .filter(|entry| entry.header.trajectory == trajectory)
            .map(|entry| entry.id)
            .collect();
        let draft = Draft {
            trajectory,
            kind: body.kind(),
            at: Timestamp(index),
            writer: operator().public(),
            salt: Salt::from_bytes([3; 32]),
            body: body.encode().unwrap(),
        };
        let position = Position {
            log: LogId::of(b"log"),
            index,
            seq: own.len() as u64,
            prev: own.last().copied(),
        };
        let entry = draft.place(&position).unwrap();
        let id = entry.id;
        self.rows.push(Row {
            index,
            entry: Ok(entry),
            disagreements: Vec::new(),
            tree: None,
        });
        id
    }

    fn verify(&self, level: Level) -> Report {
        verify(&self.rows, level)
    }

    fn fold(&self) -> Projection {
        let mut projection = Projection::empty(line());
        for row in &self.rows {
            fold(&mut projection, row.entry.as_ref().unwrap()).unwrap();
        }
        projection
    }

    fn mode(&mut self, mode: Mode) {
        self.add(&Body::ModeChanged(ModeChanged {
            mode,
            from: self.fold().authority.map(|(_, writ)| writ),
            to: writ().id().unwrap(),
            difference: Vec::new(),
        }));
    }

    fn entry(&mut self, at: usize) -> &mut Entry {
        self.rows[at].entry.as_mut().unwrap()
    }
}

/// Verifies with one lane, and holds every other number of them against that.
fn verify(rows: &[Row], level: Level) -> Report {
    let alone = lanes::inline(Verifier::new(level, roots()), rows);
    for many in 2..=3 {
        let verifier = || Verifier::new(level, roots()).with_lanes(many);
        assert_eq!(lanes::inline(verifier(), rows), alone, "{many} lanes");
    }
    alone
}

/// The next of a row of numbers that look drawn.
pub(super) fn next(seed: u64) -> u64 {
    let mut next = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    next = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    next = (next ^ (next >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    next ^ (next >> 31)
}

/// Decides on the same grounds as the record will have.
fn on<T>(log: &Log, intent: &Intent, f: impl FnOnce(&Grounds<'_>) -> T) -> T {
    let before = log.fold();
    let chain = CheckedChain::check(vec![writ()], &roots());
    let id = writ().id().unwrap();
    let resolved = resolved();
    let possession = Possession::sign(vec![intent.id().unwrap()], &agent());
    let facts = Facts {
        now: before.head_at,
        tenant: String::new(),
        mode: before.authority.unwrap().0,
        spent: BTreeMap::from([(id, before.spent.get(&id).copied().unwrap_or_default())]),
        revoked: BTreeSet::new(),
        possession: possession.clone(),
        rung: Rung::L3,
        risk_threshold: Risk::High,
        world: BTreeMap::new(),
        repeats: before.repeats_of(intent, &resolved),
        standing: Vec::new(),
        approvals: log.approvals,
    };
    f(&Grounds {
        gate: GateVersion::NEWEST,
        chain: &chain,
        possession: &CheckedPossession::check(possession, &chain),
        policy: &PolicySet::builtin(),
        standing: &[],
        tools: &ToolSet::pin(vec![contract()]).unwrap(),
        resolved: Ok(&resolved),
        facts: &facts,
        live_args: None,
        live_resolved: None,
    })
}

fn resolved() -> Resolved {
    Resolved {
        effect: EffectClass::Write,
        paths: vec![ResolvedPath {
            arg: "path".into(),
            path: "a".into(),
            access: Access::Create,
            before: None,
            after: None,
        }],
        compensation: Compensation::FromRecord,
        ..Resolved::pure()
    }
}

fn intent(ordinal: u32, tool: &str) -> Intent {
    Intent {
        v: 1,
        trajectory: line(),
        turn: 0,
        ordinal,
        author: Author::Model,
        tool: tool.into(),
        args: json!({"path": "a"}),
    }
}

/// Root, writ, mode, policy, tools; a cleared call and its commit; a refused one; a held, approved and begun one.
fn log() -> Log {
    log_under(Tightening::none())
}

/// The same where settings demand this of approvals.
fn log_under(approvals: Tightening) -> Log {
    let mut log = Log {
        approvals,
        ..Log::default()
    };
    log.add(&Body::Root(Root {
        v: 1,
        workspace: "/srv".into(),
        tenant: String::new(),
        operator: party("ann", &operator()),
        subject: party("agent", &agent()),
        parent: None,
    }));
    log.add(&Body::WritIssued(Box::new(WritIssued {
        id: writ().id().unwrap(),
        writ: writ(),
        reason: String::new(),
        reserved: None,
        session: None,
    })));
    log.mode(Mode::Auto);
    for body in pins() {
        log.add(&body);
    }
    cleared(&mut log);
    refused(&mut log);
    log.mode(Mode::Edit);
    held(&mut log, &intent(2, "fs_write"));
    log
}

/// The rules and the tools.
fn pins() -> [Body; 2] {
    let policy = PolicySet::builtin();
    let loaded = PolicyLoaded {
        name: policy.bundles()[0].name().into(),
        version: policy.bundles()[0].version().into(),
        bundle: policy.bundles()[0].value().clone(),
        signed_by: None,
        signature: None,
        policy_set: policy.id(),
        redactor: None,
    };
    let tools = vec![contract()];
    [
        Body::PolicyLoaded(loaded),
        Body::ToolsPinned(ToolsPinned { tools }),
    ]
}

fn want(log: &mut Log, intent: &Intent) {
    log.add(&Body::Intent(Intended {
        intent: intent.clone(),
        call: String::new(),
        routing: None,
        compensates: None,
        again: None,
    }));
}

fn start(log: &mut Log, verdict: Verdict) {
    let Verdict::Cleared(warrant) = verdict else {
        panic!("not cleared: {verdict:?}");
    };
    let proposal = warrant.proposal().id().unwrap();
    let started = log.add(&Body::Started(Box::new(Started {
        decided: warrant.to_announce(),
        proposal,
        key: warrant.proposal().idempotency_key("").unwrap(),
        rung: Rung::L3,
        approvals: warrant.approvals().to_vec(),
        pre_answered: Vec::new(),
        reserved: one_call(),
    })));
    log.add(&Body::Commit(Box::new(Commit {
        proposal,
        started,
        outcome: Outcome::said("done", "done"),
        cost: one_call(),
        compensates: None,
        unkept: None,
    })));
}

fn one_call() -> Cost {
    Cost {
        tool_calls: 1,
        ..Cost::default()
    }
}

fn cleared(log: &mut Log) {
    let intent = intent(0, "fs_write");
    want(log, &intent);
    let verdict = on(log, &intent, |grounds| compile(&intent, grounds));
    start(log, verdict);
}

fn refused(log: &mut Log) {
    let intent = intent(1, "shell");
    want(log, &intent);
    let verdict = on(log, &intent, |grounds| compile(&intent, grounds));
    let Verdict::Refused(refused) = verdict else {
        panic!("not refused");
    };
    log.add(&Body::Rejection(Box::new(Rejection {
        decided: refused.decided,
        refusal: refused.refusal,
        stage: Stage::Compile,
        earlier: None,
    })));
}

fn held(log: &mut Log, intent: &Intent) {
    want(log, intent);
    let verdict = on(log, intent, |grounds| compile(intent, grounds));
    let Verdict::Held(held) = verdict else {
        panic!("not held");
    };
    log.add(&Body::PendingApproval(Box::new(PendingApproval {
        decided: held.decided.clone(),
        terms: held.terms.clone(),
        presentation: held.presentation.clone(),
        presented: held.presented,
    })));
    let signed = Answer {
        v: 1,
        proposal: held.decided.proposal.id().unwrap(),
        presented: held.presented,
        decision: Decision::Approve,
        scope: Scope::Once,
        reason: String::new(),
        via: Via::Tui,
        fully_viewed: true,
        by: party("ann", &operator()),
        at: Timestamp(6),
    }
    .sign(&operator())
    .unwrap();
    let entry = log.add(&Body::Approval(Approval {
        signed: signed.clone(),
    }));
    let answers = [(entry, signed)];
    let verdict = on(log, intent, |grounds| {
        admit(&held, &answers, &roots(), grounds)
    });
    start(log, verdict);
}

/// The first finding as level, index and check.
fn first(report: &Report) -> (Level, u64, &'static str) {
    let finding = &report.findings[0];
    (finding.level, finding.place.index, finding.what.check)
}

/// Replaces a body with a well-formed other one, and chains everything after it anew.
fn rewrite(log: &Log, at: usize, change: impl FnOnce(&mut Body)) -> Log {
    let mut change = Some(change);
    let mut other = Log::default();
    for (index, row) in log.rows.iter().enumerate() {
        let BodyState::Known(mut body) = row.entry.as_ref().unwrap().decode() else {
            panic!("no body");
        };
        if index == at {
            change.take().unwrap()(&mut body);
        }
        other.add(&body);
    }
    other
}

#[test]
fn v3_a_sound_log_verifies_at_every_level() {
    let report = log().verify(Level::V4);
    assert_eq!(report.findings, []);
    assert!(report.is_verified() && report.holds_at(Level::V3));
    assert_eq!(
        report.checked,
        Counts {
            integrity: 16,
            state: 16,
            decisions: 4,
            facts: 4,
            identity: 2,
        }
    );
    assert_eq!(
        (report.trajectories, report.unchecked, report.witnessed),
        (1, Counts::default(), 0)
    );
}

#[test]
fn v1_a_deleted_entry_is_found_where_it_was() {
    for at in 0..15 {
        let mut log = log();
        log.rows.remove(at);
        let report = log.verify(Level::V1);
        assert_eq!(first(&report), (Level::V1, at as u64 + 1, "log order"));
    }
}

#[test]
fn v1_a_cut_tail_is_found_against_the_stores_length() {
    let mut log = log();
    log.rows.pop();
    let mut verifier = Verifier::new(Level::V1, roots());
    for row in &log.rows {
        verifier.push(row);
    }
    let report = verifier.finish(Some(16));
    assert_eq!(first(&report), (Level::V1, 15, "length of the log"));
}

#[test]
fn v1_swapped_neighbours_are_found() {
    let mut log = log();
    log.rows.swap(4, 5);
    assert_eq!(first(&log.verify(Level::V1)), (Level::V1, 5, "log order"));
    log.rows[4].index = 4;
    log.rows[5].index = 5;
    assert_eq!(
        first(&log.verify(Level::V1)),
        (Level::V1, 4, "index in the header")
    );
}

#[test]
fn v1_a_changed_body_byte_is_found() {
    let mut log = log();
    log.entry(3).content.as_mut().unwrap().body[0] ^= 1;
    assert_eq!(first(&log.verify(Level::V1)), (Level::V1, 3, "body"));
}

#[test]
fn v1_a_changed_header_breaks_the_id_or_the_next_link() {
    let mut log = log();
    log.entry(3).header_bytes[0] ^= 1;
    assert_eq!(first(&log.verify(Level::V1)), (Level::V1, 3, "id"));
    let mut log = super::tests::log();
    let entry = log.entry(3).clone();
    let mut header = entry.header;
    header.at_ms = Timestamp(99);
    let bytes = canonical::encode(&header).unwrap().into_vec();
    log.rows[3].entry = Entry::read(bytes, entry.content);
    assert_eq!(
        first(&log.verify(Level::V1)),
        (Level::V1, 4, "previous entry")
    );
}

#[test]
fn v1_unreadable_bytes_and_lying_columns_are_found() {
    let mut log = log();
    log.rows[2].entry = Err(InvalidEntry::Body);
    log.rows[3].disagreements.push("kind `commit`".into());
    let report = log.verify(Level::V1);
    assert_eq!(first(&report), (Level::V1, 2, "bytes"));
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.what.check == "column")
    );
}

/// The first level reads no body that it need not, and misses none that says what was kept.
#[test]
fn l4_v1_knows_what_an_end_says_was_kept_and_reads_no_other() {
    let looked = |log: &Log| {
        let verifier = Verifier::new(Level::V1, roots());
        let prepared = verifier.preparer().prepare(&log.rows[7]);
        let body = prepared.read.as_ref().unwrap().body.is_some();
        (body, prepared.kept().to_vec())
    };
    let says = |text: &str| {
        let text = text.to_owned();
        rewrite(&log(), 7, move |body| {
            if let Body::Commit(commit) = body {
                commit.outcome.observation = text;
            }
        })
    };
    assert_eq!(looked(&log()), (false, Vec::new()));
    assert_eq!(looked(&says("{\"unkept\":[]}")), (false, Vec::new()));
    let digest = Digest::of(b"after");
    let keeps = rewrite(&log(), 7, |body| {
        if let Body::Commit(commit) = body {
            commit.outcome.output = Some(BlobRef { digest, size: 5 });
        }
        *body = body.clone().keeping(&[]);
    });
    assert_eq!(looked(&keeps), (true, vec![digest]));
}

#[test]
fn v2_a_commit_of_nothing_begun_is_found() {
    let forged = rewrite(&log(), 7, |body| {
        if let Body::Commit(commit) = body {
            commit.proposal = thymos_core::ProposalId::of(b"other");
        }
    });
    assert!(forged.verify(Level::V1).is_verified());
    let report = forged.verify(Level::V2);
    assert_eq!(
        (report.findings[0].level, report.findings[0].place.index),
        (Level::V2, 7)
    );
    assert!(report.unchecked.state > 0);
}

#[test]
fn v2_an_approval_of_no_hold_is_found() {
    let forged = rewrite(&log(), 13, |body| {
        if let Body::Approval(approval) = body {
            approval.signed.answer.proposal = thymos_core::ProposalId::of(b"other");
        }
    });
    assert_eq!(
        first(&forged.verify(Level::V2)),
        (Level::V2, 13, "approval")
    );
}

#[test]
fn v3_a_forged_trace_is_found() {
    let forged = rewrite(&log(), 6, |body| {
        if let Body::Started(started) = body {
            Arc::make_mut(&mut started.decided).trace.lines[3]
                .said
                .push('!');
        }
    });
    assert_eq!(first(&forged.verify(Level::V3)), (Level::V3, 6, "trace"));
}

#[test]
fn v3_a_refusal_that_gives_another_reason_is_found() {
    let forged = rewrite(&log(), 9, |body| {
        if let Body::Rejection(rejection) = body {
            rejection.refusal.reason = "because".into();
        }
    });
    assert_eq!(first(&forged.verify(Level::V3)), (Level::V3, 9, "verdict"));
}

#[test]
fn v3_a_start_that_claims_no_approval_was_needed_is_found() {
    let forged = rewrite(&log(), 14, |body| {
        if let Body::Started(started) = body {
            started.approvals.clear();
        }
    });
    let report = forged.verify(Level::V3);
    assert_eq!(
        (report.findings[0].level, report.findings[0].place.index),
        (Level::V3, 14)
    );
}

#[test]
fn v3_facts_that_do_not_give_the_recorded_verdict_are_found() {
    let forged = rewrite(&log(), 6, |body| {
        if let Body::Started(started) = body {
            Arc::make_mut(&mut started.decided)
                .facts
                .revoked
                .insert(writ().id().unwrap());
        }
    });
    assert_eq!(
        first(&forged.verify(Level::V3)),
        (Level::V3, 6, "facts.revoked")
    );
}

#[test]
fn a8_v3_settings_that_do_not_give_the_recorded_terms_are_found() {
    let typed = Tightening {
        type_back: true,
        ..Tightening::none()
    };
    for (recorded, forged) in [(typed, Tightening::none()), (Tightening::none(), typed)] {
        let log = log_under(recorded);
        assert_eq!(log.verify(Level::V4).findings, []);
        let forged = rewrite(&log, 12, |body| {
            let Body::PendingApproval(pending) = body else {
                panic!("{body:?}")
            };
            pending.decided.facts.approvals = forged;
        });
        let found = first(&forged.verify(Level::V3));
        assert_eq!((found.0, found.1), (Level::V3, 12), "{found:?}");
    }
}

#[test]
fn y2_another_compiler_is_a_named_divergence() {
    let forged = rewrite(&log(), 9, |body| {
        if let Body::Rejection(rejection) = body {
            rejection.decided.proposal.compiler = "thymos-compiler 3".into();
        }
    });
    let report = forged.verify(Level::V3);
    assert_eq!(first(&report), (Level::V3, 9, "compiler"));
    assert_eq!(report.unchecked.decisions, 1);
}

/// A log whose last call, begun after an answer, says that a line read what the record does not hold.
fn witnessed(path: &str) -> Log {
    let mut log = log();
    log.rows.truncate(11);
    let mut intent = intent(2, "fs_write");
    intent.args = json!({ "path": path });
    held(&mut log, &intent);
    // Begun last, so that no id after it moves.
    log.rows.truncate(15);
    rewrite(&log, 14, |body| {
        if let Body::Started(started) = body {
            let line = &mut Arc::make_mut(&mut started.decided).trace.lines[6];
            line.said = "arguments fit, on their real value".into();
            line.witnessed = true;
        }
    })
}

#[test]
fn r4_a_witnessed_line_is_taken_at_its_word_and_counted() {
    let report = witnessed("⟦secret:named:0a1b2c3d⟧").verify(Level::V3);
    assert_eq!((report.findings.clone(), report.witnessed), (vec![], 1));
}

#[test]
fn r4_a_line_cannot_have_read_a_secret_where_none_was_redacted() {
    let report = witnessed("a").verify(Level::V3);
    assert_eq!(first(&report), (Level::V3, 14, "witnessed line"));
}

#[test]
fn v4_a_writ_that_its_issuer_did_not_sign_is_found() {
    let forged = rewrite(&log(), 1, |body| {
        if let Body::WritIssued(issued) = body {
            issued.writ.signature = agent().sign(Domain::Writ, b"other");
        }
    });
    let report = forged.verify(Level::V4);
    assert_eq!(first(&report), (Level::V4, 1, "signature"));
}

#[test]
fn y3_findings_are_bounded_and_never_forgotten() {
    let mut log = log();
    for row in &mut log.rows {
        row.disagreements = vec!["x".into(); 50];
    }
    let report = log.verify(Level::V1);
    assert_eq!(
        (report.findings.len(), report.findings_total),
        (FINDINGS_MAX, 800)
    );
    assert!(!report.is_verified() && !report.holds_at(Level::V4));
}
