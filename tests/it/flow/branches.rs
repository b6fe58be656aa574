//! A branch goes on from a commit: it inherits what had ended, and changes nothing of its past `[D2]`.

use serde_json::json;
use thymos_core::body::Body;
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::limits::BRANCH_DEPTH_MAX;
use thymos_core::outcome::Outcome;
use thymos_core::writ::Mode;
use thymos_core::{EntryId, TrajectoryId};
use thymos_ports::cognition::ContextMessage;
use thymos_protocol::{Command, Event, Replied, WorldView};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup};

/// Sets a key to a value, whatever it held.
fn setter() -> FakeTool {
    FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .acting(|begun| {
            let args = begun.args();
            let mut outcome = Outcome::said("set", format!("set {}", args["value"]));
            outcome.deltas.push(Delta {
                resource: Resource::Kv(args["key"].as_str().unwrap().to_owned()),
                expect: Expect::Anything,
                before: None,
                after: Some(ResourceValue::Json(args["value"].clone())),
            });
            Ok(outcome)
        })
}

fn set(key: &str, value: u64) -> Step {
    Step::Turn(calls(vec![("kv_set", json!({"key": key, "value": value}))]))
}

/// A trajectory that set `a` to 1 and then to 2, and the kernel around it.
async fn twice_set() -> Rig {
    let steps = vec![set("a", 1), set("a", 2), Step::Turn(says("done"))];
    let mut rig = Setup::new(steps, &[&setter()]).open(Mode::Edit).await;
    rig.run("count").await;
    rig
}

fn commits(events: &[Event]) -> Vec<EntryId> {
    let commits = events.iter().filter(|event| event.kind == "commit");
    commits.map(|event| event.entry).collect()
}

async fn branch(rig: &mut Rig, from: TrajectoryId, entry: EntryId) -> TrajectoryId {
    let command = Command::Branch {
        trajectory: from,
        entry,
    };
    let replied = rig.ask(command).await;
    let Replied::Opened(status) = replied else {
        panic!("no branch: {replied:?}")
    };
    status.trajectory
}

async fn world(rig: &mut Rig, trajectory: TrajectoryId) -> WorldView {
    let seq = u64::MAX;
    match rig.ask(Command::WorldAt { trajectory, seq }).await {
        Replied::World(world) => world,
        other => panic!("no world: {other:?}"),
    }
}

async fn value(rig: &mut Rig, trajectory: TrajectoryId) -> String {
    world(rig, trajectory).await.rows[0].value.clone()
}

#[tokio::test]
async fn d2_branches_of_one_commit_go_their_own_ways_and_leave_their_past_alone() {
    let mut rig = twice_set().await;
    let first = commits(&rig.events().await)[0];
    let (main, before) = (rig.trajectory, rig.events().await.len());
    let (left, right) = (
        branch(&mut rig, main, first).await,
        branch(&mut rig, main, first).await,
    );
    assert_ne!(left, right);
    assert_eq!(value(&mut rig, left).await, "1");
    for (trajectory, number) in [(left, 7), (right, 8)] {
        rig.setup.model.push(set("a", number));
        rig.setup.model.push(Step::Turn(says("well")));
        rig.trajectory = trajectory;
        rig.run("go on").await;
    }
    assert_eq!(value(&mut rig, left).await, "7");
    assert_eq!(value(&mut rig, right).await, "8");
    assert_eq!(value(&mut rig, main).await, "2");
    rig.trajectory = main;
    assert_eq!(rig.events().await.len(), before);
    rig.verified().await;
}

#[tokio::test]
async fn d2_a_branch_of_a_branch_inherits_from_both_and_survives_a_restart() {
    let mut rig = twice_set().await;
    let (main, first) = (rig.trajectory, commits(&rig.events().await)[0]);
    rig.trajectory = branch(&mut rig, main, first).await;
    rig.setup.model.push(set("b", 5));
    rig.setup.model.push(Step::Turn(says("well")));
    rig.run("go on").await;
    let (middle, second) = (rig.trajectory, commits(&rig.events().await)[0]);
    rig.trajectory = branch(&mut rig, middle, second).await;
    let mut rig = rig.restart(|_| {}).await;
    let leaf = rig.trajectory;
    let rows = world(&mut rig, leaf).await.rows;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&*row.resource, &*row.value))
        .collect();
    assert_eq!(told, [("kv:a", "1"), ("kv:b", "5")]);
    rig.verified().await;
}

#[tokio::test]
async fn d2_the_model_of_a_branch_knows_the_conversation_up_to_its_commit_and_no_further() {
    let mut rig = twice_set().await;
    let (main, first) = (rig.trajectory, commits(&rig.events().await)[0]);
    rig.trajectory = branch(&mut rig, main, first).await;
    rig.setup.model.push(Step::Turn(says("well")));
    rig.run("go on").await;
    let contexts = rig.setup.model.contexts();
    let messages = &contexts.last().unwrap().messages;
    let said: Vec<String> = messages
        .iter()
        .map(|message| match message {
            ContextMessage::Operator(text) => text.clone(),
            ContextMessage::Model { calls, .. } => format!("{} call", calls.len()),
            ContextMessage::Result { text, .. } => text.clone(),
        })
        .collect();
    assert_eq!(said, ["count", "1 call", "set 1", "go on"]);
    rig.verified().await;
}

#[tokio::test]
async fn d2_a_branch_inherits_no_hold_no_writ_and_no_budget() {
    let mut rig = twice_set().await;
    let (main, first) = (rig.trajectory, commits(&rig.events().await)[0]);
    let main_writ = rig.status().await.writ;
    rig.trajectory = branch(&mut rig, main, first).await;
    let status = rig.status().await;
    assert_eq!((status.mode, status.pending), (Mode::Edit, 0));
    assert_ne!(status.writ.id, main_writ.id);
    assert!(status.writ.budget.iter().all(|bar| bar.spent == 0));
    assert!(main_writ.budget.iter().any(|bar| bar.spent > 0));
    rig.verified().await;
}

#[tokio::test]
async fn d2_a_branch_starts_from_a_commit_and_from_nothing_else() {
    let mut rig = twice_set().await;
    let events = rig.events().await;
    let message = events.iter().find(|event| event.kind == "message").unwrap();
    let command = Command::Branch {
        trajectory: rig.trajectory,
        entry: message.entry,
    };
    let Replied::Fault(fault) = rig.ask(command).await else {
        panic!("it branched off a message")
    };
    assert!(fault.message.contains("is of kind `message`"), "{fault:?}");
    assert!(fault.hint.unwrap().contains("kind:commit"));
    let runs = rig.bodies().into_iter();
    assert_eq!(runs.filter(|body| matches!(body, Body::Root(_))).count(), 1);
    rig.verified().await;
}

#[tokio::test]
async fn y4_two_moments_differ_in_what_was_set_between_them() {
    let mut rig = twice_set().await;
    let events = rig.events().await;
    let seqs: Vec<u64> = events
        .iter()
        .filter(|event| event.kind == "commit")
        .map(|event| event.seq)
        .collect();
    let command = Command::WorldDiff {
        trajectory: rig.trajectory,
        from_seq: seqs[0],
        to_seq: seqs[1],
    };
    let Replied::WorldDiff(diff) = rig.ask(command).await else {
        panic!("no difference")
    };
    let side = |row: &Option<thymos_protocol::WorldRow>| row.as_ref().unwrap().value.clone();
    let told: Vec<_> = diff
        .rows
        .iter()
        .map(|row| (side(&row.before), side(&row.after)))
        .collect();
    assert_eq!(told, [("1".to_owned(), "2".to_owned())]);
    assert_ne!(diff.from_digest, diff.to_digest);
    rig.verified().await;
}

#[tokio::test]
async fn d2_branches_of_branches_end_at_a_named_depth_before_anything_is_made() {
    let mut rig = twice_set().await;
    for _ in 0..BRANCH_DEPTH_MAX {
        let commit = *commits(&rig.events().await).last().unwrap();
        let from = rig.trajectory;
        rig.trajectory = branch(&mut rig, from, commit).await;
        rig.setup.model.push(set("deep", 1));
        rig.setup.model.push(Step::Turn(says("well")));
        rig.run("deeper").await;
    }
    let entries = rig.setup.store.entries().len();
    let command = Command::Branch {
        trajectory: rig.trajectory,
        entry: *commits(&rig.events().await).last().unwrap(),
    };
    let Replied::Fault(fault) = rig.ask(command).await else {
        panic!("it branched once more")
    };
    assert!(fault.message.contains("generations"), "{fault:?}");
    assert_eq!(rig.setup.store.entries().len(), entries);
    rig.verified().await;
}
