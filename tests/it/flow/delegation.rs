//! Agents that hand tasks to agents: writs, budgets, holds and ends across trajectories `[D1]` `[W6]`.

use std::sync::Arc;

use serde_json::{Value, json};
use thymos_core::approval::Decision;
use thymos_core::body::{Body, Resolution, Stop, WritRevoked};
use thymos_core::effect::EffectClass;
use thymos_core::entry::Kind;
use thymos_core::key::Domain;
use thymos_core::writ::Mode;
use thymos_core::{Entry, TrajectoryId, WritId};
use thymos_ports::LedgerStore;
use thymos_ports::cognition::{Context, ContextMessage, ModelFault, Turn};
use thymos_ports::store::{Batch, Piece, StoreError};
use thymos_protocol::{Command, HoldRow, Replied, RunRow, Settlement};
use thymos_testkit::fixtures::{operator_key, party};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, MemoryStore, ScriptedModel};

use super::rig::{Rig, Setup, append_elsewhere};
use super::road::writer;

/// The words that began this conversation: a child's are its task.
fn began_with(context: &Context) -> &str {
    match context.messages.first() {
        Some(ContextMessage::Operator(text)) => text,
        _ => "",
    }
}

/// What came of the calls so far.
fn results(context: &Context) -> Vec<&str> {
    let result = |message: &ContextMessage| match message {
        ContextMessage::Result { .. } => true,
        ContextMessage::Operator(_) | ContextMessage::Model { .. } => false,
    };
    context
        .messages
        .iter()
        .filter(|message| result(message))
        .filter_map(|message| match message {
            ContextMessage::Result { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// A parent that gives these orders once and then says what it heard; children do as `child` says.
fn family(
    orders: Vec<Value>,
    child: impl Fn(&str, &Context) -> Turn + Send + Sync + 'static,
) -> ScriptedModel {
    let think = move |context: &Context| -> Result<Turn, ModelFault> {
        let began = began_with(context);
        if began != "go" {
            return Ok(child(began, context));
        }
        let heard = results(context);
        if heard.is_empty() {
            let wanted = orders.iter().map(|order| ("delegate", order.clone()));
            return Ok(calls(wanted.collect()));
        }
        Ok(says(&format!("heard: {}", heard.join(" | "))))
    };
    ScriptedModel::answering(think)
}

fn setup(model: ScriptedModel, tools: &[&FakeTool]) -> Setup {
    Setup::new(Vec::new(), tools).with(|setup| {
        setup.model = model;
        setup.tools.push(thymos_tools::delegate());
        setup.continues = true;
    })
}

async fn runs(rig: &mut Rig) -> Vec<RunRow> {
    let Replied::Runs(rows) = rig.ask(Command::Runs).await else {
        panic!("no runs")
    };
    rows
}

async fn child_of(rig: &mut Rig) -> TrajectoryId {
    let parent = rig.trajectory;
    let rows = runs(rig).await;
    let mut below = rows.iter().filter(|row| {
        let above = row.parent.as_ref();
        above.is_some_and(|above| above.trajectory == parent && !above.branched)
    });
    below.next().expect("a child").trajectory
}

fn last_words(rig: &Rig) -> String {
    let said = |body: Body| match body {
        Body::Message(message) => Some(message.text),
        _ => None,
    };
    rig.bodies()
        .into_iter()
        .rev()
        .filter_map(said)
        .find(|text| text.starts_with("heard"))
        .expect("the parent spoke last")
}

async fn until_held(rig: &mut Rig) -> HoldRow {
    loop {
        if let Some(row) = rig.holds().await.pop() {
            return row;
        }
        rig.desk.link.bell.changed().await.unwrap();
    }
}

async fn answer(rig: &mut Rig, row: &HoldRow, decision: Decision) {
    let mut answer = rig.answer_to(&row.card, decision, "");
    answer.trajectory = row.trajectory;
    assert_eq!(rig.ask(Command::Answer(answer)).await, Replied::Accepted);
}

#[tokio::test]
async fn d1_a_delegated_run_works_on_its_own_trajectory_and_reports_back() {
    let model = family(vec![json!({"task": "count the files"})], |task, _| {
        says(&format!("{task}: there are 42"))
    });
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    rig.until_kind("commit", 1).await;
    assert!(last_words(&rig).contains("count the files: there are 42"));
    let child = child_of(&mut rig).await;
    let row = runs(&mut rig).await;
    let row = row.iter().find(|row| row.trajectory == child).unwrap();
    assert_eq!(
        (row.state.as_str(), row.title.as_str()),
        ("done", "count the files")
    );
    rig.verified().await;
}

#[tokio::test]
async fn l3_w6_a_child_is_erased_from_only_once_its_end_is_recorded_above() {
    let order = json!({"task": "look", "budget": {"tokens": 5_000}});
    let model = family(vec![order], |_, _| says("nothing to see"));
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    let child = child_of(&mut rig).await;
    // As a crash leaves it that comes between the child's end and the parent's word on it.
    let entries = rig.setup.store.entries();
    let told = |entry: &Entry| entry.kind() == Some(Kind::DelegationResult);
    let cut = entries.iter().position(told).unwrap();
    let pieces = entries[..cut].iter().cloned();
    let mut pieces = pieces.map(|entry| Ok(Piece::Entry(Box::new(entry))));
    let before = MemoryStore::new();
    assert!(before.adopt(before.log(), &mut pieces).unwrap().is_ok());
    let mut desk = rig.setup.clone().with(|setup| setup.store = before).serve();
    let targets = super::erasure::whole(child);
    match desk
        .ask(Command::PlanErasure {
            targets,
            reason: "asked for".to_owned(),
        })
        .await
    {
        Replied::NotErased(no) => assert!(no.message.contains("has not recorded its end")),
        other => panic!("what it cost would be gone: {other:?}"),
    }
    // And with the end on record the child may go, and the parent's sums stay as they were.
    let erased = super::erasure::erase(&mut rig, super::erasure::whole(child)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    let mut rig = rig.restart(|_| {}).await;
    let bars = rig.status().await.writ.budget;
    assert_eq!((bars[0].spent, bars[1].spent), (330, 1), "{bars:?}");
    rig.verified().await;
}

#[tokio::test]
async fn w6_what_a_child_did_not_use_comes_back_and_what_it_used_is_charged_above() {
    let order = json!({"task": "look", "budget": {"tokens": 5_000}});
    let model = family(vec![order], |_, _| says("nothing to see"));
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    let bars = rig.status().await.writ.budget;
    // Two turns of the parent and one of the child, 110 tokens each; the call to `delegate`.
    assert_eq!((bars[0].spent, bars[1].spent), (330, 1), "{bars:?}");
    rig.verified().await;
}

#[tokio::test]
async fn w6_a_child_that_asks_for_more_than_is_left_is_refused_and_never_exists() {
    let order = json!({"task": "look", "budget": {"tokens": 3_000_000}});
    let model = family(vec![order], |_, _| says("never"));
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    let (clause, _, said) = rig.refusals().remove(0);
    assert_eq!(clause, "C11");
    assert!(said.contains("3000000 tokens"), "{said}");
    assert_eq!(runs(&mut rig).await.len(), 1);
    rig.verified().await;
}

#[tokio::test]
async fn w6_children_together_never_get_more_than_the_parent_has() {
    let order = |task: &str| json!({"task": task, "budget": {"tokens": 1_500_000}});
    let model = family(vec![order("a"), order("b")], |task, _| says(task));
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    let refused: Vec<_> = rig.refusals().into_iter().map(|no| no.0).collect();
    assert_eq!(refused, ["C11"], "the first has most of it while it works");
    rig.verified().await;
}

#[tokio::test]
async fn d1_children_work_side_by_side_and_no_more_than_a_few_at_once() {
    let orders = (0..6).map(|n| json!({"task": format!("part {n}")}));
    let model = family(orders.collect(), |task, _| says(task));
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    let said = last_words(&rig);
    for n in 0..6 {
        assert!(said.contains(&format!("part {n}")), "{said}");
    }
    // At most four are open at any moment of the record.
    let (mut open, mut most) = (0_usize, 0);
    for body in rig.bodies() {
        match body {
            Body::Delegation(_) => open += 1,
            Body::DelegationResult(_) => open -= 1,
            _ => {}
        }
        most = most.max(open);
    }
    assert!((2..=4).contains(&most), "{most} at once");
    rig.verified().await;
}

#[tokio::test]
async fn d1_a_hold_of_a_child_is_in_the_one_queue_with_its_lineage() {
    let tool = writer();
    let model = family(
        vec![json!({"task": "write it", "effects": "write"})],
        |_, context| match results(context).as_slice() {
            [] => calls(vec![("fs_write", json!({"path": "a"}))]),
            [result, ..] => says(&format!("wrote: {result}")),
        },
    );
    let mut rig = setup(model, &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    let row = until_held(&mut rig).await;
    assert_ne!(row.trajectory, rig.trajectory);
    assert_eq!(row.lineage, [rig.trajectory]);
    // What was taken for the child is not spent, and its card does not guess what is left above it.
    let above = runs(&mut rig).await;
    let above = above.iter().find(|row| row.trajectory == rig.trajectory);
    assert_eq!(
        above.unwrap().spent.usd_millicents,
        1,
        "one turn of the model"
    );
    let told = serde_json::to_string(&row.card.presentation).unwrap();
    assert_eq!(told.matches("calls left").count(), 1, "{told}");
    answer(&mut rig, &row, Decision::Approve).await;
    rig.until_kind("closed", 1).await;
    assert_eq!(tool.runs(), 1);
    assert!(last_words(&rig).contains("wrote:"));
    rig.verified().await;
}

#[tokio::test]
async fn w2_a_child_can_do_nothing_that_its_parent_may_not() {
    let tool = writer();
    let model = family(
        vec![json!({"task": "write it", "effects": "irreversible"})],
        |_, context| match results(context).as_slice() {
            [] => calls(vec![("fs_write", json!({"path": "a"}))]),
            [result, ..] => says(result),
        },
    );
    let mut rig = setup(model, &[&tool]).open(Mode::Plan).await;
    rig.run("go").await;
    let (clause, _, said) = rig.refusals().remove(0);
    assert_eq!(clause, "C12");
    assert!(said.contains("`plan` allows up to read"), "{said}");
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn w7_revoking_the_parents_writ_stops_the_children_and_their_holds() {
    let tool = writer();
    let model = family(
        vec![json!({"task": "write it", "effects": "write"})],
        |_, _| calls(vec![("fs_write", json!({"path": "a"}))]),
    );
    let mut rig = setup(model, &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    let row = until_held(&mut rig).await;
    let writ = rig.status().await.writ.id;
    revoke(&mut rig, writ).await;
    rig.until_kind("closed", 1).await;
    assert!(
        matches!(rig.stop(), Some(Stop::Authority(_))),
        "{:?}",
        rig.stop()
    );
    assert!(rig.holds().await.is_empty());
    let mut late = rig.answer_to(&row.card, Decision::Approve, "");
    late.trajectory = row.trajectory;
    assert!(matches!(
        rig.ask(Command::Answer(late)).await,
        Replied::Stale(_)
    ));
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn w6_a_parent_does_not_pay_for_what_its_child_does_under_the_operators_own_writ() {
    let model = family(
        vec![json!({"task": "write", "effects": "write"})],
        |_, context| match results(context).is_empty() {
            true => calls(vec![("fs_write", json!({"path": "a.txt"}))]),
            false => says("then not"),
        },
    );
    let mut rig = setup(model, &[&writer()]).open(Mode::Edit).await;
    rig.say("go").await;
    let held = until_held(&mut rig).await;
    // The next turn is thought under a writ that the operator gives the child itself.
    let (trajectory, mode) = (held.trajectory, Mode::Auto);
    let replied = rig.ask(Command::SetMode { trajectory, mode }).await;
    assert_eq!(replied, Replied::Accepted);
    let mut no = rig.answer_to(&held.card, Decision::Deny, "no");
    no.trajectory = trajectory;
    assert_eq!(rig.ask(Command::Answer(no)).await, Replied::Accepted);
    rig.until_kind("delegation_result", 1).await;
    let cost = rig.bodies().into_iter().find_map(|body| match body {
        Body::DelegationResult(body) => Some(body.cost),
        _ => None,
    });
    // One turn of 110 tokens under its parent's writ, and another under the operator's.
    assert_eq!(cost.unwrap().tokens, 110);
    rig.verified().await;
}

#[tokio::test]
async fn b1_a_child_that_is_ended_after_a_restart_reports_when_its_own_children_have() {
    let budget =
        json!({"tokens": 1_000, "tool_calls": 3, "wall_clock_ms": 9_000, "usd_millicents": 9});
    let inner = json!({"task": "inner", "effects": "write", "budget": budget});
    let model = family(
        vec![json!({"task": "outer", "effects": "write"})],
        move |began, _| match began {
            "outer" => calls(vec![("delegate", inner.clone())]),
            _ => calls(vec![("fs_write", json!({"path": "a"}))]),
        },
    );
    let mut rig = setup(model, &[&writer()]).open(Mode::Edit).await;
    rig.say("go").await;
    until_held(&mut rig).await;
    let outer = child_of(&mut rig).await;
    let mut rig = rig.restart(|_| {}).await;
    until_held(&mut rig).await;
    let trajectory = rig.trajectory;
    let replied = rig.ask(Command::Interrupt { trajectory }).await;
    assert_eq!(replied, Replied::Accepted);
    rig.until_kind("reconciled", 1).await;
    rig.until_idle().await;
    let entries = rig.setup.store.entries();
    let own = entries
        .iter()
        .filter(|entry| entry.header.trajectory == outer);
    let kinds: Vec<&str> = own.map(|entry| entry.header.kind.as_str()).collect();
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["reconciled", "closed"],
        "{kinds:?}"
    );
    rig.verified().await;
}

/// What another process writes: this writ is revoked on its trajectory.
pub(super) fn revoke_elsewhere(store: &MemoryStore, trajectory: TrajectoryId, writ: WritId) {
    let reason = "by another process".to_owned();
    let message = WritRevoked::message(&writ, &reason, None).unwrap();
    let cut = Body::WritRevoked(WritRevoked {
        writ,
        signature: operator_key().sign(Domain::Revocation, message.as_bytes()),
        reason,
        by: party("ada", &operator_key()),
        used: None,
    });
    append_elsewhere(store, trajectory, &cut);
}

#[tokio::test]
async fn w7_a_writ_that_is_revoked_above_as_work_is_announced_lets_no_body_run() {
    let tool = FakeTool::new("grep");
    let model = family(vec![json!({"task": "look"})], |_, _| {
        calls(vec![("grep", json!({"pattern": "x"}))])
    });
    let mut rig = setup(model, &[&tool]).open(Mode::Auto).await;
    let (parent, writ) = (rig.trajectory, rig.status().await.writ.id);
    rig.setup.store.overtake(
        move |batch| {
            let mut kinds = batch.drafts.iter().map(|draft| draft.kind);
            batch.trajectory != parent && kinds.any(|kind| kind == Kind::Started)
        },
        move |store| revoke_elsewhere(store, parent, writ),
    );
    rig.run("go").await;
    assert_eq!(tool.runs(), 0);
    let sealed = rig.bodies().into_iter().find_map(|body| match body {
        Body::Failure(body) => Some(body.fault.message),
        _ => None,
    });
    assert_eq!(sealed.as_deref(), Some("its writ was revoked as it began"));
    rig.verified().await;
}

async fn revoke(rig: &mut Rig, writ: WritId) {
    let command = Command::Revoke {
        trajectory: rig.trajectory,
        writ,
        reason: "enough".into(),
    };
    assert_eq!(rig.ask(command).await, Replied::Accepted);
}

#[tokio::test]
async fn d1_a_child_that_waits_for_a_person_is_found_again_after_a_restart() {
    let tool = writer();
    let model = family(
        vec![json!({"task": "write it", "effects": "write"})],
        |_, context| match results(context).as_slice() {
            [] => calls(vec![("fs_write", json!({"path": "a"}))]),
            [result, ..] => says(&format!("wrote: {result}")),
        },
    );
    let mut rig = setup(model, &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    until_held(&mut rig).await;
    let mut rig = rig.restart(|_| {}).await;
    let row = until_held(&mut rig).await;
    // It is at work, not in doubt; settled by hand it would go on with nobody counting [W6].
    assert_eq!(rig.status().await.in_doubt, 0);
    let open = rig.bodies().into_iter().find_map(|body| match body {
        Body::Delegation(order) => Some(order.proposal),
        _ => None,
    });
    let by_hand = Command::Settle {
        trajectory: rig.trajectory,
        proposal: open.unwrap(),
        settlement: Settlement::GaveUp,
        reason: String::new(),
    };
    assert!(matches!(rig.ask(by_hand).await, Replied::Fault(_)));
    answer(&mut rig, &row, Decision::Approve).await;
    rig.until_kind("reconciled", 1).await;
    let settled = rig.bodies().into_iter().find_map(|body| match body {
        Body::Reconciled(end) => Some(end),
        _ => None,
    });
    let settled = settled.unwrap();
    assert_eq!(settled.resolution, Resolution::Probed);
    assert!(settled.reason.contains("wrote:"), "{}", settled.reason);
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}

#[tokio::test]
async fn x4_stopping_the_parent_stops_a_child_that_waits() {
    let tool = writer();
    let model = family(
        vec![json!({"task": "write it", "effects": "write"})],
        |_, _| calls(vec![("fs_write", json!({"path": "a"}))]),
    );
    let mut rig = setup(model, &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    until_held(&mut rig).await;
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    assert_eq!(rig.stop(), Some(Stop::Cancelled));
    assert!(
        rig.holds().await.is_empty(),
        "nobody need answer it any more"
    );
    rig.verified().await;
}

/// What a call took that a person cleared after the child had stopped is its parent's to pay.
#[tokio::test]
async fn w6_a_child_that_is_stopped_in_the_middle_of_a_call_reports_when_the_call_has_ended() {
    let tool = writer().hanging();
    let model = family(
        vec![json!({"task": "write it", "effects": "write"})],
        |_, _| calls(vec![("fs_write", json!({"path": "a"}))]),
    );
    let setup = setup(model, &[&tool]).with(|setup| setup.continues = false);
    let mut rig = setup.open(Mode::Edit).await;
    rig.say("go").await;
    let row = until_held(&mut rig).await;
    answer(&mut rig, &row, Decision::Approve).await;
    tool.entered().notified().await;
    rig.setup.clock.advance_ms(700);
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    let told = rig.bodies().into_iter().find_map(|body| match body {
        Body::DelegationResult(result) => Some(result.cost.wall_clock_ms),
        _ => None,
    });
    assert_eq!(told, Some(700));
    rig.verified().await;
}

const READER: &str = r#"{"v": 1, "name": "reader", "version": 1, "title": "Only looks",
    "instructions": "Answer questions about {topic}. Change nothing.",
    "params": [{"key": "topic"}], "tools": ["delegate", "grep"], "effects": {"ceiling": "read"}}"#;

#[tokio::test]
async fn s1_d1_a_delegated_run_is_told_the_skills_that_narrow_it() {
    // The child answers with what it was told.
    let model = family(vec![json!({"task": "look"})], |_, context| {
        says(&context.system)
    });
    let mut rig = setup(model, &[&FakeTool::new("grep")])
        .with(|setup| setup.skills.0 = vec![("reader".into(), READER.into())])
        .open(Mode::Edit)
        .await;
    let command = Command::BindSkill {
        trajectory: rig.trajectory,
        name: "reader".into(),
        parameters: [("topic".to_owned(), "walruses".to_owned())].into(),
    };
    assert_eq!(rig.ask(command).await, Replied::Accepted);
    rig.run("go").await;
    let heard = last_words(&rig);
    assert!(
        heard.contains("Answer questions about walruses."),
        "{heard}"
    );
    // Bound once on each trajectory, and derived again on each.
    let bodies = rig.bodies();
    let bound = bodies
        .iter()
        .filter(|body| matches!(body, Body::SkillBound(_)));
    assert_eq!(bound.count(), 2);
    rig.verified().await;
}

#[tokio::test]
async fn d1_an_order_as_large_as_its_parents_whole_budget_is_refused() {
    let model = ScriptedModel::answering(|context: &Context| {
        let heard = results(context);
        let deeper = match (began_with(context), heard.is_empty()) {
            ("go", true) => "child",
            ("child", true) => "grandchild",
            _ => return Ok(says(&format!("heard: {}", heard.join(" ")))),
        };
        Ok(calls(vec![(
            "delegate",
            json!({"task": deeper, "budget": {"tokens": 300_000, "tool_calls": 60, "wall_clock_ms": 1_000_000, "usd_millicents": 60_000}}),
        )]))
    });
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    // The grandchild's order is as large as its parent's whole budget.
    assert_eq!(rig.refusals().len(), 1);
    assert_eq!(runs(&mut rig).await.len(), 2);
    rig.verified().await;
}

/// Who orders spends something first; an order that names no budget fits into the rest all the same.
#[tokio::test]
async fn d1_a_family_of_three_generations_needs_no_budgets_and_verifies() {
    let model = ScriptedModel::answering(|context: &Context| {
        let heard = results(context);
        let deeper = match (began_with(context), heard.is_empty()) {
            ("go", true) => "child",
            ("child", true) => "grandchild",
            _ => return Ok(says(&format!("heard: {}", heard.join(" ")))),
        };
        let order = ("delegate", json!({ "task": deeper }));
        Ok(calls(vec![order]))
    });
    let mut rig = setup(model, &[]).open(Mode::Plan).await;
    rig.run("go").await;
    assert_eq!(rig.refusals(), []);
    let all = runs(&mut rig).await;
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|run| run.state == "done"), "{all:?}");
    rig.verified().await;
}

#[test]
fn d1_the_tool_says_what_it_would_cost() {
    let tool: Arc<dyn thymos_ports::Tool> = thymos_tools::delegate();
    let args = json!({"task": "x", "effects": "write", "budget": {"tokens": 7}});
    let order = tool.order(&args).unwrap();
    assert_eq!(order.ceiling, EffectClass::Write);
    assert_eq!(order.budget.tokens, Some(7));
    assert_eq!(order.budget.tool_calls, None);
}

/// The order is refused before anything is signed, and says which field asks for too much.
#[tokio::test]
async fn w2_an_order_for_more_than_the_writ_has_is_refused_by_field() {
    let orders: [(serde_json::Value, &str); 3] = [
        (
            json!({"task": "x", "effects": "irreversible"}),
            "the agent would have effects up to irreversible, and the writ `edit` allows up to external",
        ),
        (
            json!({"task": "x", "tools": ["nosuch"]}),
            "`grants[0].tool`",
        ),
        (
            json!({"task": "x", "tools": ["fs_write", "launch"]}),
            "`grants[1].tool`",
        ),
    ];
    for (order, told) in orders {
        let model = family(vec![order.clone()], |_, _| says("never"));
        let tool = writer();
        let mut rig = setup(model, &[&tool]).open(Mode::Edit).await;
        rig.run("go").await;
        let (clause, _, said) = rig.refusals().remove(0);
        assert_eq!(clause, "C12");
        assert!(said.contains(told), "{order}: {said}");
        let issued = rig
            .bodies()
            .into_iter()
            .filter(|body| matches!(body, Body::WritIssued(_)));
        assert_eq!(issued.count(), 1, "{order}");
        rig.verified().await;
    }
}

/// Found by the matrix of faults: the end of a delegated run was stored later, and its parent waited for it
/// without end; one that broke off in the middle was asked by nobody.
#[tokio::test]
async fn l11_d1_a_delegated_run_that_its_ledger_refused_goes_on_once_the_parent_is_asked() {
    for entry in [Kind::Closed, Kind::Usage, Kind::Started] {
        let model = family(vec![json!({"task": "look"})], |_, context| {
            match results(context).is_empty() {
                true => calls(vec![("grep", json!({}))]),
                false => says("looked"),
            }
        });
        let look = FakeTool::new("grep");
        let mut rig = setup(model, &[&look]).open(Mode::Plan).await;
        let (store, parent) = (rig.setup.store.clone(), rig.trajectory);
        let refused = StoreError::Locked {
            path: "ledger".to_owned(),
        };
        let told = refused.to_string();
        let theirs = move |batch: &Batch| {
            let has = batch.drafts.iter().any(|draft| draft.kind == entry);
            batch.trajectory != parent && has
        };
        store.overtake(theirs, move |store| store.fail_next_append(refused));
        rig.say("go").await;
        let heard =
            |body: &Body| matches!(body, Body::Message(said) if said.text.starts_with("heard"));
        for said in 0.. {
            assert!(said < 500, "{entry:?}: its parent waits for it");
            if rig.bodies().iter().any(heard) {
                break;
            }
            // What the person says is for the parent, and moves the child as well. Said at the very moment of
            // the fault it may share the append that is refused: then nothing of it is kept, and it is said again.
            let said = Command::Prompt {
                trajectory: parent,
                text: "go on".to_owned(),
            };
            match rig.ask(said).await {
                Replied::Accepted => rig.desk.link.bell.changed().await.unwrap(),
                Replied::Fault(fault) => assert_eq!(fault.message, told),
                other => panic!("{other:?}"),
            }
        }
        rig.until_idle().await;
        assert!(last_words(&rig).contains("looked"), "{entry:?}");
        rig.verified().await;
    }
}
