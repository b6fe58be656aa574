//! Long runs: a model's older turns are summed up into the record and read there, and nothing of it is lost
//! (kernel.md 14).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use thymos_core::Kind;
use thymos_core::body::{Body, BodyState, Message, Role, Stop};
use thymos_core::outcome::Outcome;
use thymos_core::writ::Mode;
use thymos_ports::cognition::{Context, ContextMessage, ModelFault, ModelFaultKind, Purpose, Turn};
use thymos_protocol::{Command, ErasureName, ErasureTargets, Replied};
use thymos_testkit::model::{ScriptedModel, calls, fault, says};
use thymos_testkit::{FakeTool, Step};

use super::erasure::erase;
use super::rig::{Rig, Setup};

/// Calls until the model is done.
const CALLS: usize = 12;

/// Each result is a fifth of the room.
fn reader() -> FakeTool {
    FakeTool::new("grep").acting(|begun| {
        let found = format!("{} {}", begun.args()["pattern"], "x".repeat(2_900));
        Ok(Outcome::said("found", found))
    })
}

/// A model that calls as often, sums up when it is asked to, and then is done.
fn model(
    sum_up: impl Fn(usize) -> Result<Turn, ModelFault> + Send + Sync + 'static,
) -> ScriptedModel {
    let summaries = AtomicUsize::new(0);
    ScriptedModel::answering(move |context| match context.purpose {
        Purpose::Summary => sum_up(summaries.fetch_add(1, Ordering::SeqCst)),
        Purpose::Turn if context.turns < CALLS => {
            let pattern = format!("p{}", context.turns);
            Ok(calls(vec![("grep", json!({ "pattern": pattern }))]))
        }
        Purpose::Turn => Ok(says("done")),
    })
}

async fn rig(model: ScriptedModel) -> Rig {
    let small = |setup: &mut Setup| {
        setup.model = model;
        setup.context_tokens_max = 4_000;
    };
    Setup::new(Vec::new(), &[&reader()])
        .with(small)
        .open(Mode::Edit)
        .await
}

fn summed(number: usize) -> Result<Turn, ModelFault> {
    Ok(says(&format!("summary {number}")))
}

fn contexts(rig: &Rig, purpose: Purpose) -> Vec<Context> {
    let all = rig.setup.model.contexts();
    all.into_iter()
        .filter(|one| one.purpose == purpose)
        .collect()
}

/// Those that are not erased.
fn summaries(rig: &Rig) -> Vec<Message> {
    let entries = rig.setup.store.entries();
    let said = entries.iter().filter_map(|entry| match entry.decode() {
        BodyState::Known(Body::Message(said)) => Some(said),
        _ => None,
    });
    said.filter(|said| said.role == Role::Summary).collect()
}

fn text(message: &ContextMessage) -> &str {
    match message {
        ContextMessage::Operator(text)
        | ContextMessage::Model { text, .. }
        | ContextMessage::Result { text, .. } => text,
    }
}

#[tokio::test]
async fn older_turns_are_summed_up_and_read_in_their_place() {
    let mut rig = rig(model(summed)).await;
    rig.run("find them all").await;
    assert_eq!(rig.stop(), Some(Stop::Done));
    let kept = summaries(&rig);
    assert!(kept.len() > 1, "{kept:?}");
    assert_eq!(kept[1].text, "summary 1");
    let asked = contexts(&rig, Purpose::Summary);
    assert_eq!(asked.len(), kept.len());
    // The second one is about the first, and about what came since.
    let second = text(&asked[1].messages[0]);
    for part in ["find them all", "summary 0", "\"p3\""] {
        assert!(second.contains(part), "{part} is not in: {second}");
    }
    assert!(!second.contains("\"p0\""));
    for context in contexts(&rig, Purpose::Turn) {
        assert_eq!(text(&context.messages[0]), "find them all");
        let told: usize = context.messages.iter().map(|one| text(one).len()).sum();
        assert!(told < 16_000);
        // Nothing had to be left out.
        assert!(
            context
                .messages
                .iter()
                .all(|one| !text(one).contains("older messages"))
        );
    }
    let last = contexts(&rig, Purpose::Turn).pop().unwrap();
    // In the model's voice: what a tool said is no order for having been summed up.
    let ContextMessage::Model { text: read, .. } = &last.messages[1] else {
        panic!("{:?}", last.messages[1]);
    };
    assert!(read.ends_with(&format!("\nsummary {}", kept.len() - 1)));
    let usage = |body: &&Body| matches!(body, Body::Usage(_));
    let charged = rig.bodies().iter().filter(usage).count();
    assert_eq!(charged, rig.setup.model.contexts().len());
    rig.verified().await;
}

#[tokio::test]
async fn a_summary_survives_a_restart_and_is_inherited_by_a_branch() {
    let mut rig = rig(model(summed)).await;
    rig.run("find them all").await;
    let kept = summaries(&rig).pop().unwrap();
    let commits = rig.events().await;
    let last = commits
        .iter()
        .rev()
        .find(|event| event.kind == "commit")
        .unwrap()
        .entry;
    let mut rig = rig.restart(|_| {}).await;
    rig.run("what did you find?").await;
    let read = |rig: &Rig| {
        let newest = rig.setup.model.contexts().pop().unwrap();
        text(&newest.messages[1]).to_owned()
    };
    assert!(read(&rig).ends_with(&kept.text));
    let command = Command::Branch {
        trajectory: rig.trajectory,
        entry: last,
    };
    let Replied::Opened(branch) = rig.ask(command).await else {
        panic!("no branch")
    };
    rig.trajectory = branch.trajectory;
    rig.run("and here?").await;
    assert!(read(&rig).ends_with(&kept.text));
    rig.verified().await;
}

#[tokio::test]
async fn a_summary_that_fails_is_charged_and_tried_again_only_turns_later() {
    let mut broke = fault(ModelFaultKind::Overloaded, "busy");
    broke.usage.input = 70;
    let answers = move |number| match number {
        0 => Err(broke.clone()),
        _ => summed(number),
    };
    let mut rig = rig(model(answers)).await;
    rig.run("find them all").await;
    assert_eq!(rig.stop(), Some(Stop::Done));
    let asked = rig.setup.model.contexts();
    let at: Vec<usize> = asked
        .iter()
        .enumerate()
        .filter(|(_, context)| context.purpose == Purpose::Summary)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(at.len(), 2, "{at:?}");
    assert_eq!(at[1] - at[0], 9);
    let charged = |body: &&Body| matches!(body, Body::Usage(usage) if usage.tokens_in == 70);
    assert_eq!(rig.bodies().iter().filter(charged).count(), 1);
    // Until then what did not fit was left out, and said so.
    let between = &asked[at[1] - 1].messages;
    assert!(
        between
            .iter()
            .any(|one| text(one).contains("older messages"))
    );
    rig.verified().await;
}

#[tokio::test]
async fn a_summary_without_a_word_is_none() {
    let mut rig = rig(model(|_| Ok(says(" \n")))).await;
    rig.run("find them all").await;
    assert_eq!(rig.stop(), Some(Stop::Done));
    assert_eq!(summaries(&rig), []);
    rig.verified().await;
}

/// What a summary costs would be gone from the turns that it makes room for.
#[tokio::test]
async fn b2_nothing_is_summed_up_where_the_budget_leaves_less_than_a_window() {
    let setup = Setup::new(Vec::new(), &[&reader()]).with(|setup| {
        setup.model = model(summed);
        setup.context_tokens_max = 4_000;
        // Two turns of it can read a whole window, at 110 tokens each.
        setup.terms.budget.tokens = Some(5_200);
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("find them all").await;
    assert_eq!(rig.stop(), Some(Stop::Done));
    assert!(contexts(&rig, Purpose::Summary).is_empty());
    rig.verified().await;
}

#[tokio::test]
async fn x4_an_interrupt_while_it_sums_up_ends_the_run_without_a_summary() {
    let setup = Setup::new(Vec::new(), &[&reader()]);
    for number in 0..4 {
        let pattern = format!("p{number}");
        let turn = calls(vec![("grep", json!({ "pattern": pattern }))]);
        setup.model.push(Step::Turn(turn));
    }
    setup.model.push(Step::Hang);
    let small = |setup: &mut Setup| setup.context_tokens_max = 4_000;
    let mut rig = setup.with(small).open(Mode::Edit).await;
    rig.say("go").await;
    while contexts(&rig, Purpose::Summary).is_empty() {
        rig.setup.model.asked().notified().await;
    }
    assert_eq!(rig.status().await.running.unwrap().doing, "summing up");
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    assert_eq!(rig.stop(), Some(Stop::Cancelled));
    assert_eq!(summaries(&rig), []);
    rig.verified().await;
}

/// Said while nothing is answered, it is heard by the very next turn, whose calls then count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_it_sums_up_is_heard_by_the_next_turn() {
    let (entered, sums_up) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(std::sync::Barrier::new(2)),
    );
    let (told, go_on) = (entered.clone(), sums_up.clone());
    let answers = move |number| {
        if number == 0 {
            told.notify_one();
            tokio::task::block_in_place(|| go_on.wait());
        }
        summed(number)
    };
    let mut rig = rig(model(answers)).await;
    rig.say("find them all").await;
    entered.notified().await;
    rig.say("and count them").await;
    tokio::task::block_in_place(|| sums_up.wait());
    rig.until_kind("closed", 1).await;
    let all = rig.setup.model.contexts();
    let at = all
        .iter()
        .position(|one| one.purpose == Purpose::Summary)
        .unwrap();
    assert_eq!(text(all[at + 1].messages.last().unwrap()), "and count them");
    let undecided = |one: &ContextMessage| text(one).starts_with("not decided");
    assert!(
        !all.iter()
            .any(|context| context.messages.iter().any(undecided))
    );
    rig.verified().await;
}

/// A call that the operator overtook is wanted for ever, and holds no summary up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_with_a_call_that_was_never_decided_is_summed_up_as_well() {
    let (entered, acts) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(std::sync::Barrier::new(2)),
    );
    let (told, go_on) = (entered.clone(), acts.clone());
    let first = AtomicUsize::new(0);
    let tool = FakeTool::new("grep").acting(move |_| {
        if first.fetch_add(1, Ordering::SeqCst) == 0 {
            told.notify_one();
            tokio::task::block_in_place(|| go_on.wait());
        }
        Ok(Outcome::said("found", "x".repeat(2_900)))
    });
    let both = ScriptedModel::answering(|context| match (context.purpose, context.turns) {
        (Purpose::Summary, _) => summed(0),
        (Purpose::Turn, 0) => Ok(calls(
            ["a", "b"].map(|p| ("grep", json!({ "pattern": p }))).into(),
        )),
        (Purpose::Turn, turn) if turn < CALLS => {
            let pattern = format!("p{turn}");
            Ok(calls(vec![("grep", json!({ "pattern": pattern }))]))
        }
        (Purpose::Turn, _) => Ok(says("done")),
    });
    let small = |setup: &mut Setup| {
        setup.model = both;
        setup.context_tokens_max = 4_000;
    };
    let mut rig = Setup::new(Vec::new(), &[&tool])
        .with(small)
        .open(Mode::Edit)
        .await;
    rig.say("find them all").await;
    entered.notified().await;
    rig.say("but not b").await;
    tokio::task::block_in_place(|| acts.wait());
    rig.until_kind("closed", 1).await;
    assert!(!summaries(&rig).is_empty());
    rig.verified().await;
}

#[tokio::test]
async fn l3_what_is_erased_goes_with_the_summaries_that_may_repeat_it() {
    let mut rig = rig(model(summed)).await;
    rig.run("find them all").await;
    let count = summaries(&rig).len();
    let entries = rig.setup.store.entries();
    let commit = entries
        .iter()
        .find(|entry| entry.kind() == Some(Kind::Commit));
    let seq = commit.unwrap().header.seq;
    let names = vec![ErasureName::Place(rig.trajectory.to_string(), seq)];
    let replied = erase(&mut rig, ErasureTargets { names }).await;
    let Replied::Erased(end) = replied else {
        panic!("{replied:?}")
    };
    assert!(end.bodies > count as u64);
    assert_eq!(summaries(&rig), []);
    rig.verified().await;
}

#[tokio::test]
async fn r1_a_summary_keeps_no_secret() {
    const OWN: &str = "hunter2-is-the-word";
    let setup = Setup::new(Vec::new(), &[&reader()]).with(|setup| {
        setup.secrets = vec![OWN.to_owned()];
        setup.context_tokens_max = 4_000;
        setup.model = model(|_| Ok(says(&format!("the password is {OWN}"))));
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("find them all").await;
    let kept = summaries(&rig);
    assert!(kept[0].text.starts_with("the password is ") && !kept[0].text.contains(OWN));
    rig.verified().await;
}
