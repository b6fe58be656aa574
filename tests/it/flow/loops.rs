//! The agent loop: steering, interrupts, limits, faults of the model, and going on after holds.

use std::sync::Arc;

use serde_json::json;
use thymos_core::body::{Body, Stop};
use thymos_core::effect::EffectClass;
use thymos_core::writ::Mode;
use thymos_ports::cognition::{Context, ContextMessage, ModelFaultKind, TokenUsage};
use thymos_protocol::{Command, Replied};
use thymos_testkit::model::{calls, fault, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Setup, story};
use super::road::{results, writer};

fn said_by_operator(messages: &[ContextMessage]) -> Vec<&str> {
    let said = |message: &ContextMessage| match message {
        ContextMessage::Operator(_) => true,
        ContextMessage::Model { .. } | ContextMessage::Result { .. } => false,
    };
    messages
        .iter()
        .filter(|m| said(m))
        .map(|message| match message {
            ContextMessage::Operator(text) => text.as_str(),
            _ => "",
        })
        .collect()
}

#[tokio::test]
async fn q8_who_looks_at_what_waits_is_not_rung_for_looking() {
    let tool = FakeTool::new("fs_write").effect(EffectClass::Write);
    let steps = vec![Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))]))];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    // How far the record is verified is news as well.
    super::looks::quiet(&mut rig).await;
    for command in [Command::Holds, Command::Runs] {
        // The first look may find something new; after that there is no news.
        rig.ask(command.clone()).await;
        rig.desk.link.bell.borrow_and_update();
        for _ in 0..3 {
            rig.ask(command.clone()).await;
        }
        let rung = rig.desk.link.bell.has_changed().unwrap();
        assert!(!rung, "an app would look again for ever: {command:?}");
    }
}

#[tokio::test]
async fn what_is_said_while_a_tool_acts_is_heard_in_the_next_turn() {
    let tool = FakeTool::new("grep").hanging();
    let entered = tool.entered();
    let steps = vec![
        Step::Turn(calls(vec![("grep", json!({}))])),
        Step::Turn(says("I heard you")),
    ];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    entered.notified().await;
    rig.say("only the first file").await;
    let trajectory = rig.trajectory;
    // The tool ends; the run is stopped by that, so it is told to go on.
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    rig.run("").await;
    let contexts = rig.setup.model.contexts();
    assert_eq!(
        said_by_operator(&contexts[1].messages),
        ["go", "only the first file"]
    );
    rig.verified().await;
}

/// Three calls of which the first one waits at the barrier, once it is entered.
fn first_of_three(entered: &Arc<tokio::sync::Notify>, acts: &Arc<std::sync::Barrier>) -> FakeTool {
    let (told, go_on) = (entered.clone(), acts.clone());
    FakeTool::new("grep").acting(move |begun| {
        if begun.args()["pattern"] == "a" {
            told.notify_one();
            tokio::task::block_in_place(|| go_on.wait());
        }
        Ok(thymos_core::outcome::Outcome::said("found", ""))
    })
}

fn three() -> Step {
    let look = |pattern| ("grep", json!({ "pattern": pattern }));
    Step::Turn(calls(vec![look("a"), look("b"), look("c")]))
}

/// The operator stays in charge of what the model wanted before it heard them (kernel.md 14).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_between_the_calls_of_a_turn_counts_before_the_next_of_them() {
    let (entered, acts) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(std::sync::Barrier::new(2)),
    );
    let tool = first_of_three(&entered, &acts);
    let steps = vec![three(), Step::Turn(says("I stopped"))];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Auto).await;
    rig.say("go").await;
    entered.notified().await;
    rig.say("stop, not that folder").await;
    tokio::task::block_in_place(|| acts.wait());
    rig.until_kind("closed", 1).await;
    assert_eq!(tool.runs(), 1);
    let contexts = rig.setup.model.contexts();
    let told = results(&rig);
    assert_eq!(told.len(), 3);
    for (said, is_error) in &told[1..] {
        assert!(
            *is_error && said.starts_with("not decided and not done"),
            "{said}"
        );
    }
    let last = contexts[1].messages.last();
    assert_eq!(
        last,
        Some(&ContextMessage::Operator("stop, not that folder".into()))
    );
    rig.verified().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_the_model_thinks_counts_before_the_calls_that_it_thought_of() {
    let (entered, thinks) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(std::sync::Barrier::new(2)),
    );
    let (told, go_on) = (entered.clone(), thinks.clone());
    let tool = FakeTool::new("grep");
    let setup = Setup::new(Vec::new(), &[&tool]);
    setup.model.push(Step::Look(Arc::new(move |_| {
        told.notify_one();
        tokio::task::block_in_place(|| go_on.wait());
        Ok(calls(vec![("grep", json!({"pattern": "a"}))]))
    })));
    setup.model.push(Step::Turn(says("nothing was done")));
    let mut rig = setup.open(Mode::Auto).await;
    rig.say("do it").await;
    entered.notified().await;
    rig.say("no, do nothing").await;
    tokio::task::block_in_place(|| thinks.wait());
    rig.until_kind("closed", 1).await;
    assert_eq!(tool.runs(), 0);
    let contexts = rig.setup.model.contexts();
    assert_eq!(
        said_by_operator(&contexts[1].messages),
        ["do it", "no, do nothing"]
    );
    rig.verified().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_the_model_thinks_is_answered_and_never_passed_over() {
    let setup = Setup::new(Vec::new(), &[]);
    let (entered, thinks) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(std::sync::Barrier::new(2)),
    );
    let (told, go_on) = (entered.clone(), thinks.clone());
    setup.model.push(Step::Look(Arc::new(move |_| {
        told.notify_one();
        tokio::task::block_in_place(|| go_on.wait());
        Ok(says("done, I think"))
    })));
    setup.model.push(Step::Turn(says("in French: fini")));
    let mut rig = setup.open(Mode::Edit).await;
    rig.say("do it").await;
    entered.notified().await;
    rig.say("in French").await;
    tokio::task::block_in_place(|| thinks.wait());
    let events = rig.until_kind("closed", 1).await;
    assert_eq!(
        story(&events),
        ["message", "message", "message", "message", "closed"]
    );
    let contexts = rig.setup.model.contexts();
    assert_eq!(contexts.len(), 2, "the model answers what it had not heard");
    let last = contexts[1].messages.last();
    assert_eq!(last, Some(&ContextMessage::Operator("in French".into())));
    rig.verified().await;
}

#[tokio::test]
async fn x4_an_interrupt_while_thinking_leaves_no_half_turn() {
    let mut rig = Setup::new(vec![Step::Hang], &[]).open(Mode::Edit).await;
    let asked = rig.setup.model.asked();
    rig.say("go").await;
    asked.notified().await;
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    let events = rig.until_kind("closed", 1).await;
    assert_eq!(story(&events), ["message", "closed"]);
    assert_eq!(rig.stop(), Some(Stop::Cancelled));
    rig.verified().await;
}

#[tokio::test]
async fn b1_a_model_fault_ends_the_run_with_a_sentence_no_half_turn_and_its_usage() {
    let mut broke = fault(ModelFaultKind::Auth, "`local` cannot be reached");
    broke.hint = Some("start it".into());
    broke.usage = TokenUsage {
        input: 70,
        ..TokenUsage::default()
    };
    let mut rig = Setup::new(vec![Step::Fault(broke)], &[])
        .open(Mode::Edit)
        .await;
    let events = rig.run("go").await;
    assert_eq!(story(&events), ["message", "closed"]);
    assert!(events.iter().any(|event| event.kind == "usage"));
    assert_eq!(
        rig.stop(),
        Some(Stop::Model("`local` cannot be reached; start it".into()))
    );
    rig.verified().await;
}

#[tokio::test]
async fn a_run_goes_on_by_itself_after_its_last_hold_when_it_is_told_to() {
    let tool = writer();
    let steps = vec![
        Step::Turn(calls(vec![
            ("fs_write", json!({"path": "a"})),
            ("fs_write", json!({"path": "b"})),
        ])),
        Step::Turn(says("both are written")),
    ];
    let setup = Setup::new(steps, &[&tool]).with(|setup| setup.continues = true);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    let b = rig.approve().await;
    rig.until_kind("commit", 1).await;
    assert_eq!(rig.setup.model.contexts().len(), 1, "one still waits");
    let rest: Vec<_> = rig.holds().await;
    assert!(rest.len() == 1 && rest[0].card.proposal != b);
    let answer = rig.answer_to(&rest[0].card, thymos_core::approval::Decision::Approve, "");
    assert_eq!(rig.ask(Command::Answer(answer)).await, Replied::Accepted);
    rig.until_kind("closed", 2).await;
    assert_eq!((rig.stop(), tool.runs()), (Some(Stop::Done), 2));
    assert_eq!(results(&rig).len(), 2);
    rig.verified().await;
}

#[tokio::test]
async fn a_prompt_while_a_hold_is_open_is_worked_on_and_the_answer_is_heard_later() {
    let (tool, look) = (writer(), FakeTool::new("kv_get").effect(EffectClass::Read));
    let steps = vec![
        Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))])),
        Step::Turn(calls(vec![("kv_get", json!({"key": "k"}))])),
        Step::Turn(says("looked; the write still waits")),
        Step::Turn(says("now it is written")),
    ];
    let setup = Setup::new(steps, &[&tool, &look]).with(|setup| setup.continues = true);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("write").await;
    assert_eq!(rig.stop(), Some(Stop::Held));
    // Other work goes on; the held call is read as waiting, and nothing of it runs.
    rig.run("look meanwhile").await;
    assert_eq!((look.runs(), tool.runs()), (1, 0));
    let read = rig.setup.model.contexts();
    let waiting = |context: &Context| {
        let mut said = context.messages.iter();
        said.any(|m| matches!(m, ContextMessage::Result { text, .. } if text.contains("waiting")))
    };
    assert!(read[1..].iter().all(waiting), "{read:?}");
    // The run is not done while something of it waits.
    assert_eq!(rig.stop(), Some(Stop::Held));
    assert_eq!(rig.holds().await.len(), 1);
    rig.approve().await;
    rig.until_kind("closed", 3).await;
    assert_eq!((rig.stop(), tool.runs()), (Some(Stop::Done), 1));
    let last = rig.setup.model.contexts().pop().unwrap();
    assert!(!waiting(&last), "it reads what came of it");
    let Some(ContextMessage::Operator(told)) = last.messages.last() else {
        panic!("a model is asked after its own last word: {last:?}");
    };
    assert!(told.contains("is decided"), "{told}");
    rig.verified().await;
}

#[tokio::test]
async fn a_run_that_is_not_told_to_go_on_waits_to_be_resumed() {
    let tool = writer();
    let steps = vec![
        Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))])),
        Step::Turn(says("written")),
    ];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    assert_eq!(rig.setup.model.contexts().len(), 1);
    rig.run("").await;
    assert_eq!(rig.stop(), Some(Stop::Done));
    rig.verified().await;
}

#[tokio::test]
async fn b2_a_spent_budget_stops_the_run_and_says_which() {
    let tool = FakeTool::new("grep");
    let mut costly = calls(vec![("grep", json!({}))]);
    costly.usage.input = 2_000_000;
    let steps = vec![Step::Turn(costly), Step::Turn(says("never said"))];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    assert!(
        matches!(rig.stop(), Some(Stop::Budget(_))),
        "{:?}",
        rig.stop()
    );
    assert_eq!(rig.setup.model.contexts().len(), 1);
    // A new writ brings a new budget.
    rig.set_mode(Mode::Auto).await;
    rig.run("go on").await;
    assert_eq!(rig.stop(), Some(Stop::Done));
    rig.verified().await;
}

/// Amounts that a provider only claims, the largest that an entry keeps, spend the budget and are recorded.
#[tokio::test]
async fn b2_usage_beyond_every_bound_is_a_spent_budget_and_no_fault() {
    let tool = FakeTool::new("grep");
    for (input, output) in [(u64::MAX, u64::MAX), ((1 << 53) - 1, 1)] {
        let mut costly = calls(vec![("grep", json!({}))]);
        (costly.usage.input, costly.usage.output) = (input, output);
        let steps = vec![Step::Turn(costly), Step::Turn(says("never said"))];
        let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
        rig.run("go").await;
        assert!(
            matches!(rig.stop(), Some(Stop::Budget(_))),
            "{:?}",
            rig.stop()
        );
        rig.verified().await;
    }
}

#[tokio::test]
async fn a_run_stops_at_the_limit_of_turns() {
    let tool = FakeTool::new("grep");
    let setup = Setup::new(Vec::new(), &[&tool]).with(|setup| {
        setup.turns_max = 3;
        setup.model =
            thymos_testkit::ScriptedModel::answering(|_| Ok(calls(vec![("grep", json!({}))])));
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!((tool.runs(), rig.stop()), (3, Some(Stop::Steps)));
    rig.verified().await;
}

#[tokio::test]
async fn c1_intents_beyond_what_a_turn_holds_are_refused_each_and_the_others_run() {
    let tool = FakeTool::new("grep");
    let many = vec![("grep", json!({})); 70];
    let steps = vec![Step::Turn(calls(many)), Step::Turn(says("many"))];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!(tool.runs(), 64);
    let refused = rig.refusals();
    assert_eq!(refused.len(), 6, "{refused:?}");
    rig.verified().await;
}

#[tokio::test]
async fn w8_a_mode_change_is_a_signed_writ_and_is_recorded_with_its_difference() {
    let mut rig = Setup::new(Vec::new(), &[]).open(Mode::Edit).await;
    let trajectory = rig.trajectory;
    let preview = Command::PreviewMode {
        trajectory,
        mode: Mode::Plan,
    };
    let Replied::ModePreview(shown) = rig.ask(preview).await else {
        panic!("no preview")
    };
    rig.set_mode(Mode::Plan).await;
    assert_eq!(rig.status().await.mode, Mode::Plan);
    let bodies = rig.bodies();
    let changed = bodies.iter().rev().find_map(|body| match body {
        Body::ModeChanged(changed) => Some(changed.difference.clone()),
        _ => None,
    });
    assert_eq!(changed, Some(shown.difference));
    let revoked = bodies
        .iter()
        .any(|body| matches!(body, Body::WritRevoked(_)));
    assert!(revoked, "a narrower mode cuts the wider one");
    rig.verified().await;
}

#[tokio::test]
async fn an_empty_task_starts_nothing() {
    let mut rig = Setup::new(Vec::new(), &[]).open(Mode::Edit).await;
    let before = rig.events().await.len();
    let prompt = Command::Prompt {
        trajectory: rig.trajectory,
        text: " \n".into(),
    };
    assert!(matches!(rig.ask(prompt).await, Replied::Fault(_)));
    assert_eq!(rig.events().await.len(), before);
    rig.verified().await;
}

#[tokio::test]
async fn a_call_that_writes_the_record_alone_needs_nobody_in_edit_mode() {
    let tool = FakeTool::new("kv_set").effect(EffectClass::Write);
    let steps = vec![
        Step::Turn(calls(vec![("kv_set", json!({"key": "a"}))])),
        Step::Turn(says("kept")),
    ];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!((tool.runs(), rig.stop()), (1, Some(Stop::Done)));
    rig.verified().await;
}
