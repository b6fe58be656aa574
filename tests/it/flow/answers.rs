//! Answers that do not count, and what may change between ask and answer `[A2]` `[A4]` `[T5]`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use thymos_core::approval::Decision;
use thymos_core::body::{Body, Message, Role, Stage};
use thymos_core::budget::Cost;
use thymos_core::delta::FileImage;
use thymos_core::effect::EffectClass;
use thymos_core::id::{Digest, PresentedDigest, ProposalId};
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::writ::Mode;
use thymos_core::{Kind, TrajectoryId};
use thymos_protocol::{Changed, Command, NotUsed, Replied};
use thymos_testkit::fixtures::touches;
use thymos_testkit::model::calls;
use thymos_testkit::{FakeTool, MemoryStore, Step};

use super::delegation::revoke_elsewhere;
use super::rig::{Rig, Setup, append_elsewhere, policy};
use super::road::writer;

const HOUR_MS: u64 = 60 * 60 * 1000;

async fn held(tool: &FakeTool) -> Rig {
    let steps = vec![Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))]))];
    let mut rig = Setup::new(steps, &[tool]).open(Mode::Edit).await;
    rig.run("write").await;
    rig
}

/// Approves, and expects that admission refuses by this clause with these words.
async fn admission_refuses(mut rig: Rig, tool: &FakeTool, clause: &str, words: &str) {
    rig.approve().await;
    was_refused(rig, tool, clause, words).await;
}

/// What waited was put before the gate again, which refused it.
async fn was_refused(mut rig: Rig, tool: &FakeTool, clause: &str, words: &str) {
    rig.until_kind("rejection", 1).await;
    let (named, stage, said) = rig.refusals().remove(0);
    assert_eq!((named.as_str(), stage), (clause, Stage::Admit), "{said}");
    assert!(said.contains(words), "{said}");
    assert_eq!(tool.runs(), 0);
    assert!(rig.holds().await.is_empty(), "it must not wait any more");
    rig.verified().await;
}

#[tokio::test]
async fn a1_an_answer_that_a_crash_overtook_is_acted_on_once_its_run_is_opened_again() {
    let tool = writer();
    let mut rig = held(&tool).await;
    // The answer is durable, the announcement of what it allows is not.
    rig.setup.store.poison_after(1);
    rig.approve().await;
    rig.until_kind("approval", 1).await;
    rig.until_idle().await;
    let Rig {
        setup,
        mut desk,
        trajectory,
    } = rig;
    assert_eq!(desk.ask(Command::Shutdown).await, Replied::Accepted);
    assert_eq!(tool.runs(), 0);
    setup.store.reopen();
    let mut desk = setup.serve();
    // By now it has looked once for what others wrote, when nothing was open.
    assert!(matches!(desk.ask(Command::Runs).await, Replied::Runs(_)));
    let opened = desk.ask(Command::Open { trajectory }).await;
    assert!(matches!(opened, Replied::Opened(_)), "{opened:?}");
    let mut rig = Rig {
        setup,
        desk,
        trajectory,
    };
    rig.until_kind("commit", 1).await;
    assert_eq!(tool.runs(), 1);
    assert!(rig.holds().await.is_empty(), "it must not wait any more");
    rig.verified().await;
}

/// `[A2]` Whatever else is written to the run at that moment is in no answer's way: a no that nobody recorded
/// would be a yes that others may give.
#[tokio::test]
async fn a2_an_answer_that_another_write_overtakes_is_recorded_all_the_same() {
    for decision in [Decision::Approve, Decision::Deny] {
        let tool = writer();
        let mut rig = held(&tool).await;
        let trajectory = rig.trajectory;
        rig.setup.store.overtake(
            |batch| {
                batch
                    .drafts
                    .iter()
                    .any(|draft| draft.kind == Kind::Approval)
            },
            move |store| say_elsewhere(store, trajectory),
        );
        let card = rig.card().await;
        let answer = rig.answer_to(&card, decision, "overtaken");
        assert_eq!(rig.ask(Command::Answer(answer)).await, Replied::Accepted);
        let kind = match decision {
            Decision::Approve => "commit",
            Decision::Deny => "rejection",
        };
        rig.until_kind(kind, 1).await;
        let said = rig
            .bodies()
            .into_iter()
            .filter(|body| matches!(body, Body::Approval(_)));
        assert_eq!(said.count(), 1, "{decision:?}");
        rig.verified().await;
    }
}

/// Two that stop a run in one moment: one did, and the other is told so.
#[tokio::test]
async fn w7_of_two_who_revoke_at_once_the_second_is_told() {
    let tool = writer();
    let mut rig = held(&tool).await;
    let trajectory = rig.trajectory;
    let issued = rig.bodies().into_iter().find_map(|body| match body {
        Body::WritIssued(issued) => Some(issued.id),
        _ => None,
    });
    let writ = issued.unwrap();
    rig.setup.store.overtake(
        |batch| {
            batch
                .drafts
                .iter()
                .any(|draft| draft.kind == Kind::WritRevoked)
        },
        move |store| revoke_elsewhere(store, trajectory, writ),
    );
    let ending = Command::EndAuthority {
        trajectory,
        reason: "enough".into(),
    };
    let said = rig.ask(ending).await;
    assert!(
        matches!(said, Replied::NotUsed(NotUsed::Authority(_))),
        "{said:?}"
    );
    let cuts = rig
        .bodies()
        .into_iter()
        .filter(|body| matches!(body, Body::WritRevoked(_)));
    assert_eq!(cuts.count(), 1);
    rig.verified().await;
}

/// Somebody else says something in this run.
fn say_elsewhere(store: &MemoryStore, trajectory: TrajectoryId) {
    let said = Body::Message(Message {
        role: Role::Operator,
        text: "and be quick".into(),
        turn: 9,
        reasoning: String::new(),
        provider_state: None,
    });
    append_elsewhere(store, trajectory, &said);
}

#[tokio::test]
async fn t5_a_writ_that_expired_since_the_ask_refuses_by_c4() {
    let tool = writer();
    let rig = held(&tool).await;
    rig.setup.clock.advance_ms(25 * HOUR_MS);
    admission_refuses(rig, &tool, "C4", "expired").await;
}

#[tokio::test]
async fn t5_a_mode_that_was_narrowed_since_the_ask_refuses_by_c3() {
    let tool = writer();
    let mut rig = held(&tool).await;
    rig.set_mode(Mode::Plan).await;
    // `[W7]` Nobody is asked in vain.
    was_refused(rig, &tool, "C3", "revoked").await;
}

#[tokio::test]
async fn t5_a_budget_spent_since_the_ask_refuses_by_c11() {
    let tool = FakeTool::new("fs_write")
        .effect(EffectClass::Write)
        .resolving(|_, _| {
            Ok(Resolved {
                estimate: Cost {
                    tool_calls: 1,
                    wall_clock_ms: HOUR_MS,
                    ..Cost::default()
                },
                ..touches("a", EffectClass::Write)
            })
        });
    let setup = Setup::new(Vec::new(), &[&tool]);
    let clock = setup.clock.clone();
    let slow = FakeTool::new("grep").acting(move |_| {
        clock.advance_ms(3 * HOUR_MS + 1);
        Ok(Outcome::said("slow", "slow"))
    });
    setup.model.push(Step::Turn(calls(vec![
        ("fs_write", json!({"path": "a"})),
        ("grep", json!({})),
    ])));
    let mut rig = setup
        .with(|setup| setup.tools.push(slow.port()))
        .open(Mode::Edit)
        .await;
    rig.run("write").await;
    assert_eq!(slow.runs(), 1);
    admission_refuses(rig, &tool, "C11", "left").await;
}

#[tokio::test]
async fn t5_a_policy_that_changed_since_the_ask_refuses_by_c13() {
    let tool = writer();
    let rig = held(&tool).await;
    let rig = rig
        .restart(|setup| setup.policy = policy("ask", json!([])))
        .await;
    admission_refuses(rig, &tool, "C13", "policy changed since it was asked").await;
}

#[tokio::test]
async fn t5_a_pre_image_that_moved_since_the_ask_refuses_by_c12() {
    let content = Arc::new(AtomicU64::new(1));
    let seen = content.clone();
    let tool = FakeTool::new("fs_write")
        .effect(EffectClass::Write)
        .resolving(move |_, _| {
            let size = seen.load(Ordering::SeqCst);
            let mut resolved = touches("a", EffectClass::Write);
            resolved.paths[0].before = Some(FileImage {
                digest: Digest::of(&size.to_be_bytes()),
                size,
                mode: 0o644,
            });
            Ok(resolved)
        });
    let rig = held(&tool).await;
    content.store(2, Ordering::SeqCst);
    admission_refuses(rig, &tool, "C12", "`a` changed since it was shown").await;
}

#[tokio::test]
async fn t5_a_writ_that_was_revoked_since_the_ask_refuses_by_c3() {
    let tool = writer();
    let mut rig = held(&tool).await;
    let issued = rig.bodies().into_iter().find_map(|body| match body {
        Body::WritIssued(issued) => Some(issued.id),
        _ => None,
    });
    let command = Command::Revoke {
        trajectory: rig.trajectory,
        writ: issued.unwrap(),
        reason: "enough".into(),
    };
    assert_eq!(rig.ask(command).await, Replied::Accepted);
    // `[W7]` Nobody is asked in vain.
    was_refused(rig, &tool, "C3", "revoked").await;
}

#[tokio::test]
async fn t5_a_path_that_leads_elsewhere_since_the_ask_refuses_by_c12() {
    let moved = Arc::new(AtomicU64::new(0));
    let seen = moved.clone();
    let tool = FakeTool::new("fs_write")
        .effect(EffectClass::Write)
        .resolving(move |_, _| {
            let path = ["a", "keys/a"][seen.load(Ordering::SeqCst) as usize];
            Ok(touches(path, EffectClass::Write))
        });
    let rig = held(&tool).await;
    moved.store(1, Ordering::SeqCst);
    admission_refuses(rig, &tool, "C12", "`a` leads elsewhere than shown").await;
}

#[tokio::test]
async fn t5_a_call_that_does_more_since_the_ask_refuses_by_c12() {
    let effect = Arc::new(AtomicU64::new(0));
    let seen = effect.clone();
    let tool = FakeTool::new("fs_write")
        .effect(EffectClass::Write)
        .resolving(move |_, _| {
            let effect =
                [EffectClass::Write, EffectClass::External][seen.load(Ordering::SeqCst) as usize];
            Ok(touches("a", effect))
        });
    let rig = held(&tool).await;
    effect.store(1, Ordering::SeqCst);
    admission_refuses(rig, &tool, "C12", "not what was shown").await;
}

#[tokio::test]
async fn t5_a_tool_that_changed_since_the_ask_refuses_by_c6() {
    let tool = writer();
    let rig = held(&tool).await;
    let newer = tool.clone().declaring(|contract| contract.version = 2);
    let rig = rig.restart(|setup| setup.tools = vec![newer.port()]).await;
    admission_refuses(rig, &tool, "C6", "the tool changed since it was asked").await;
}

#[tokio::test]
async fn t5_a_tool_that_is_gone_since_the_ask_refuses_by_c6() {
    let tool = writer();
    let rig = held(&tool).await;
    let rig = rig.restart(|setup| setup.tools = Vec::new()).await;
    admission_refuses(rig, &tool, "C6", "not in the session's tool set").await;
}

#[tokio::test]
async fn a2_an_answer_that_quotes_something_else_does_not_count() {
    let tool = writer();
    let mut rig = held(&tool).await;
    let card = rig.card().await;
    let mut answer = rig.answer_to(&card, Decision::Approve, "");
    answer.presented = PresentedDigest::of(b"something else");
    let replied = rig.ask(Command::Answer(answer)).await;
    assert_eq!(replied, Replied::Stale(Changed::PresentedDiffers));
    assert_eq!((tool.runs(), rig.holds().await.len()), (0, 1));
    rig.verified().await;
}

#[tokio::test]
async fn a2_an_answer_to_a_proposal_that_nobody_knows_does_not_count() {
    let tool = writer();
    let mut rig = held(&tool).await;
    let card = rig.card().await;
    let mut answer = rig.answer_to(&card, Decision::Approve, "");
    answer.proposal = ProposalId::of(b"unknown");
    let replied = rig.ask(Command::Answer(answer)).await;
    assert_eq!(replied, Replied::Stale(Changed::NotOpen));
    rig.verified().await;
}

#[tokio::test]
async fn a8_an_approval_of_what_was_not_wholly_seen_is_refused_and_not_recorded() {
    let tool = writer();
    let mut rig = held(&tool).await;
    let card = rig.card().await;
    assert!(card.ceremony.view_gate);
    let mut answer = rig.answer_to(&card, Decision::Approve, "");
    answer.fully_viewed = false;
    let Replied::NotCounted(fault) = rig.ask(Command::Answer(answer)).await else {
        panic!("it counted")
    };
    assert_eq!(fault.message, "not all of it had been on screen");
    assert_eq!((tool.runs(), rig.holds().await.len()), (0, 1));
    assert!(rig.events().await.iter().all(|e| e.kind != "approval"));
    rig.verified().await;
}

#[tokio::test]
async fn a3_the_first_of_two_answers_wins_and_the_second_hears_so() {
    let tool = writer();
    let mut rig = held(&tool).await;
    let card = rig.card().await;
    let no = rig.answer_to(&card, Decision::Deny, "no");
    let yes = rig.answer_to(&card, Decision::Approve, "");
    let first = rig.desk.send(Command::Answer(no)).await;
    let second = rig.desk.send(Command::Answer(yes)).await;
    assert_eq!(rig.desk.reply(first).await, Replied::Accepted);
    let late = rig.desk.reply(second).await;
    assert!(matches!(late, Replied::Stale(_)), "{late:?}");
    rig.until_kind("rejection", 1).await;
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn a3_two_processes_answer_and_one_effect_happens() {
    let tool = writer();
    let mut rig = held(&tool).await;
    let card = rig.card().await;
    let mut other = rig.setup.serve();
    let answer = rig.answer_to(&card, Decision::Approve, "");
    let (ours, theirs) = tokio::join!(
        rig.desk.ask(Command::Answer(answer.clone())),
        other.ask(Command::Answer(answer)),
    );
    let accepted = [&ours, &theirs]
        .into_iter()
        .filter(|replied| **replied == Replied::Accepted);
    assert_eq!(accepted.count(), 1, "{ours:?} {theirs:?}");
    rig.until_kind("commit", 1).await;
    assert_eq!(other.ask(Command::Shutdown).await, Replied::Accepted);
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}
