//! Admission: which answers count, and what moved since the question `[A1]`-`[A5]` `[A7]`.

use thymos_compiler::{AnswerFault, GateVersion, Held, Refused, Verdict, check_answer};
use thymos_core::approval::{Answer, Decision, Via};
use thymos_core::id::{Digest, PresentedDigest, ProposalId};
use thymos_core::isolation::Rung;
use thymos_core::key::SigningKey;
use thymos_core::trace::{Clause, Ruling};
use thymos_core::writ::Mode;
use thymos_core::{EntryId, Timestamp};
use thymos_policy::{Bundle, PolicySet, Switches};

use crate::scene::{
    NOON, Scene, agent, approve, held_writing, operator, party, running, stranger, yes,
};

fn refused(verdict: Verdict) -> Refused {
    match verdict {
        Verdict::Refused(refused) => *refused,
        other => panic!("not refused: {other:?}"),
    }
}

/// Approves, lets something happen, admits: the clause and the reason of the refusal.
fn moved(mut scene: Scene, change: impl FnOnce(&mut Scene)) -> (Clause, String) {
    let held = scene.held();
    let answer = approve(&held);
    change(&mut scene);
    let refused = refused(scene.admit(&held, &[answer]));
    assert_eq!(
        refused
            .decided
            .trace
            .first_refusal()
            .map(|line| line.clause),
        Some(refused.refusal.clause)
    );
    (refused.refusal.clause, refused.refusal.reason)
}

fn fault(change: impl FnOnce(&mut Answer), key: &SigningKey) -> AnswerFault {
    let scene = held_writing();
    let held = scene.held();
    let mut answer = yes(&held);
    change(&mut answer);
    let signed = answer.sign(key).unwrap();
    let fault = check_answer(&held, &signed, &scene.roots, &scene.chain()).unwrap_err();
    let refused = refused(scene.admit(&held, &[signed]));
    assert_eq!(refused.refusal.reason, fault.to_string());
    fault
}

#[test]
fn a2_an_approved_call_is_cleared_once_more_with_facts_of_now() {
    let mut scene = held_writing();
    let held = scene.held();
    scene.facts.now = Timestamp(NOON + 500);
    let Verdict::Cleared(warrant) = scene.admit(&held, &[approve(&held)]) else {
        panic!("not cleared");
    };
    assert_eq!(warrant.proposal(), &held.decided.proposal);
    assert_eq!(warrant.decided().facts.now, Timestamp(NOON + 500));
    assert_eq!(warrant.approvals(), [EntryId::of(&[0])]);
    let lines = &warrant.decided().trace.lines;
    let said = format!("approved by `ann` in {}", EntryId::of(&[0]).short());
    assert!(
        lines
            .iter()
            .any(|line| line.clause == Clause::C13 && line.said == said)
    );
}

#[test]
fn a2_without_an_answer_it_stays_held() {
    let scene = held_writing();
    let held = scene.held();
    let Verdict::Held(again) = scene.admit(&held, &[]) else {
        panic!("not held");
    };
    assert_eq!(again.presented, held.presented);
}

#[test]
fn a2_an_answer_that_was_changed_after_signing_does_not_count() {
    let scene = held_writing();
    let held = scene.held();
    let mut signed = approve(&held);
    signed.answer.reason = "changed".into();
    let found = check_answer(&held, &signed, &scene.roots, &scene.chain());
    assert_eq!(found, Err(AnswerFault::Signature));
    assert_eq!(
        refused(scene.admit(&held, &[signed])).refusal.clause,
        Clause::C13
    );
}

#[test]
fn a2_an_answer_about_another_proposal_does_not_count() {
    let found = fault(
        |answer| answer.proposal = ProposalId::of(b"other"),
        &operator(),
    );
    assert_eq!(found, AnswerFault::OtherProposal);
}

#[test]
fn a2_an_answer_to_another_text_does_not_count() {
    let found = fault(
        |answer| answer.presented = PresentedDigest::of(b"other"),
        &operator(),
    );
    assert_eq!(found, AnswerFault::OtherPresentation);
}

#[test]
fn a2_a_stranger_does_not_count_whatever_name_it_claims() {
    let found = fault(|answer| answer.by = party("ann", &stranger()), &stranger());
    assert_eq!(found, AnswerFault::NotAnOperator("ann".into()));
}

#[test]
fn a2_the_proposer_does_not_count_though_its_key_is_trusted() {
    let found = fault(|answer| answer.by = party("agent", &agent()), &agent());
    assert_eq!(found, AnswerFault::Proposer);
}

#[test]
fn a8_an_answer_that_was_not_fully_viewed_does_not_count() {
    assert_eq!(
        fault(|answer| answer.fully_viewed = false, &operator()),
        AnswerFault::NotViewed
    );
}

#[test]
fn a1_a_timer_never_approves_and_denies_only_after_an_expiry_that_was_set() {
    assert_eq!(
        fault(|answer| answer.via = Via::Timer, &operator()),
        AnswerFault::Timer
    );
    let deny = |answer: &mut Answer| {
        answer.via = Via::Timer;
        answer.decision = Decision::Deny;
    };
    assert_eq!(fault(deny, &operator()), AnswerFault::Timer);
}

#[test]
fn a3_a5_one_denial_vetoes_and_its_reason_is_the_refusal() {
    let scene = held_writing();
    let held = scene.held();
    let mut no = yes(&held);
    no.decision = Decision::Deny;
    no.reason = "use the existing helper".into();
    let no = no.sign(&operator()).unwrap();
    let refused = refused(scene.admit(&held, &[approve(&held), no]));
    assert_eq!(
        refused.refusal.reason,
        "denied by `ann`: use the existing helper"
    );
    assert_eq!(refused.decided.facts, held.decided.facts);
    assert_eq!(refused.decided.trace.ruling(), Ruling::Forbid);
}

fn two_of(approvers: &[&str]) -> PolicySet {
    let value = serde_json::json!({"name": "house", "version": "1", "default": "permit", "rules": [
        {"id": "two", "when": {"all": []},
         "decision": {"ask": {"quorum": 2, "approvers": approvers, "expires_after_ms": 1000}}}
    ]});
    PolicySet::new(
        vec![Bundle::from_value(&value).unwrap()],
        Switches::standard(),
    )
}

#[test]
fn a3_a_quorum_is_of_distinct_keys() {
    let mut scene = held_writing();
    let bob = SigningKey::from_seed(&[9; 32]);
    scene.roots.operators.push(party("bob", &bob));
    scene.policy = two_of(&[]);
    let held = scene.held();
    let by_bob = Answer {
        by: party("bob", &bob),
        ..yes(&held)
    }
    .sign(&bob)
    .unwrap();
    let twice = scene.admit(&held, &[approve(&held), approve(&held)]);
    assert!(matches!(twice, Verdict::Held(_)));
    let both = scene.admit(&held, &[approve(&held), by_bob]);
    assert!(matches!(both, Verdict::Cleared(_)));
}

#[test]
fn a3_only_named_approvers_count_by_the_name_their_key_has() {
    let mut scene = held_writing();
    scene.policy = two_of(&["bob", "eve"]);
    let held = scene.held();
    let signed = Answer {
        by: party("bob", &operator()),
        ..yes(&held)
    }
    .sign(&operator())
    .unwrap();
    let found = check_answer(&held, &signed, &scene.roots, &scene.chain());
    assert_eq!(found, Err(AnswerFault::NotAnApprover("ann".into())));
}

#[test]
fn a1_an_expiry_denies() {
    let mut scene = held_writing();
    scene.policy = two_of(&[]);
    let held = scene.held();
    let timer = Answer {
        via: Via::Timer,
        decision: Decision::Deny,
        reason: "nobody answered".into(),
        by: party("timer", &agent()),
        ..yes(&held)
    };
    let refused = refused(scene.admit(&held, &[timer.sign(&agent()).unwrap()]));
    assert_eq!(refused.refusal.reason, "denied by `timer`: nobody answered");
}

#[test]
fn a4_a_writ_revoked_after_the_question_refuses() {
    let (clause, said) = moved(held_writing(), |scene| {
        let id = scene.chain().links()[0].0;
        scene.facts.revoked.insert(id);
    });
    assert_eq!(
        (clause, said.as_str()),
        (Clause::C3, "link 0 `auto` is revoked")
    );
}

#[test]
fn a4_a_writ_that_expired_meanwhile_refuses() {
    let (clause, _) = moved(held_writing(), |scene| {
        scene.facts.now = Timestamp(NOON + 2_000);
    });
    assert_eq!(clause, Clause::C4);
}

#[test]
fn a4_a_budget_that_was_spent_meanwhile_refuses() {
    let (clause, _) = moved(held_writing(), |scene| {
        scene.spent = Some(thymos_core::budget::Cost {
            tool_calls: 40,
            ..Default::default()
        });
    });
    assert_eq!(clause, Clause::C11);
}

#[test]
fn a4_a_pre_image_that_moved_refuses() {
    let found = moved(held_writing(), |scene| {
        scene.resolved().paths[0].before = Some(crate::scene::image(b"someone else's\n"));
    });
    assert_eq!(
        found,
        (Clause::C12, "`src/a.rs` changed since it was shown".into())
    );
}

#[test]
fn a4_an_executable_that_was_replaced_refuses() {
    let found = moved(running(), |scene| {
        let exec = scene.resolved().exec.as_mut().unwrap();
        exec.executable_digest = Digest::of(b"evil");
    });
    assert_eq!(
        found,
        (
            Clause::C12,
            "executable `/usr/bin/cargo` changed since it was shown".into()
        )
    );
}

#[test]
fn a4_anything_else_that_the_tool_finds_otherwise_refuses() {
    let found = moved(running(), |scene| {
        scene
            .resolved()
            .exec
            .as_mut()
            .unwrap()
            .argv
            .push("--release".into());
    });
    assert_eq!(
        found,
        (
            Clause::C12,
            "what the tool finds is not what was shown".into()
        )
    );
}

#[test]
fn a4_a_policy_that_changed_meanwhile_refuses() {
    let (clause, said) = moved(held_writing(), |scene| {
        let mut switches = Switches::standard();
        switches.compensation_gate = false;
        scene.policy = PolicySet::new(scene.policy.bundles().to_vec(), switches);
    });
    assert_eq!(clause, Clause::C13);
    assert!(
        said.starts_with("policy changed since it was asked"),
        "{said}"
    );
}

#[test]
fn a4_a_tool_that_changed_meanwhile_refuses() {
    let found = moved(held_writing(), |scene| scene.contract.version = 2);
    assert_eq!(
        found,
        (Clause::C6, "the tool changed since it was asked".into())
    );
}

#[test]
fn a4_another_writ_than_it_was_held_under_refuses() {
    let (clause, said) = moved(held_writing(), |scene| {
        scene.root().nonce = thymos_core::writ::Writ::nonce([9; 16]);
    });
    assert_eq!(
        (clause, said.as_str()),
        (Clause::C2, "the writs are not those it was held under")
    );
}

#[test]
fn a4_another_version_of_the_gate_than_held_it_refuses() {
    let mut scene = held_writing();
    scene.gate = GateVersion::V1;
    let held = scene.held();
    let admitted = scene.admit(&held, &[approve(&held)]);
    assert!(matches!(admitted, Verdict::Cleared(_)));
    assert_eq!(
        moved(scene, |scene| scene.gate = GateVersion::V2),
        (
            Clause::C1,
            "held by `thymos-compiler 1`, admitted by `thymos-compiler 2`".into()
        )
    );
}

#[test]
fn a4_a_reason_to_ask_that_nobody_was_shown_refuses() {
    let (clause, said) = moved(held_writing(), |scene| scene.facts.rung = Rung::L1);
    assert_eq!(clause, Clause::C13);
    assert_eq!(
        said,
        "now held for a reason that was not shown: no cage holds this call on this machine"
    );
}

#[test]
fn a4_an_approval_never_satisfies_a_forbid() {
    let (clause, _) = moved(held_writing(), |scene| scene.facts.tenant = "acme".into());
    assert_eq!(clause, Clause::C5);
}

#[test]
fn a4_a_mode_that_would_permit_it_now_still_needs_the_approval_it_was_held_for() {
    let mut scene = held_writing();
    let held = scene.held();
    scene.facts.mode = Mode::Auto;
    assert!(matches!(scene.admit(&held, &[]), Verdict::Held(_)));
    assert!(matches!(
        scene.admit(&held, &[approve(&held)]),
        Verdict::Cleared(_)
    ));
}

#[test]
fn a2_a_hold_whose_text_was_tampered_with_refuses() {
    let scene = held_writing();
    let mut held: Held = scene.held();
    held.presentation.fields[0].lines = vec!["tool fs_read".into()];
    held.presented = held.presentation.digest().unwrap();
    let refused = refused(scene.admit(&held, &[approve(&held)]));
    assert_eq!(
        refused.refusal.reason,
        "what was presented is not what this hold says"
    );
}

#[test]
fn a2_terms_that_were_softened_in_the_hold_do_not_help() {
    let mut scene = held_writing();
    scene.policy = two_of(&[]);
    let mut held = scene.held();
    held.terms.asks[0].quorum = 1;
    let softened = thymos_compiler::present(&held.decided, &held.terms, &scene.chain());
    held.presented = softened.digest().unwrap();
    held.presentation = softened;
    assert!(matches!(
        scene.admit(&held, &[approve(&held)]),
        Verdict::Refused(_)
    ));
}
