//! Whatever a tool does, what was begun is sealed once `[X1]` `[X4]` `[X5]`.

use serde_json::json;
use thymos_core::Digest;
use thymos_core::body::{Body, Stop};
use thymos_core::budget::Cost;
use thymos_core::delta::{Delta, Expect, FileImage, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::{FaultKind, Outcome};
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Recovery, ToolContract};
use thymos_core::writ::Mode;
use thymos_ports::LedgerStore;
use thymos_protocol::{Command, Replied, Settlement};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup, story};
use super::road::results;

fn twice(tool: &str) -> Vec<Step> {
    vec![
        Step::Turn(calls(vec![(tool, json!({}))])),
        Step::Turn(says("so be it")),
    ]
}

fn faults(rig: &Rig) -> Vec<(FaultKind, Cost)> {
    let fault = |body: Body| match body {
        Body::Failure(failure) => Some((failure.fault.kind, failure.cost)),
        _ => None,
    };
    rig.bodies().into_iter().filter_map(fault).collect()
}

/// One `started`, one `failure` of this kind that costs a call, and the run goes on.
async fn sealed_as(tool: &FakeTool, kind: FaultKind) -> Rig {
    let mut rig = Setup::new(twice("grep"), &[tool]).open(Mode::Edit).await;
    let events = rig.run("go").await;
    assert_eq!(
        story(&events),
        [
            "message", "message", "intent", "started", "failure", "message", "closed"
        ]
    );
    let found = faults(&rig);
    assert_eq!((found.len(), found[0].0), (1, kind));
    assert_eq!(found[0].1.tool_calls, 1);
    assert_eq!((tool.runs(), rig.stop()), (1, Some(Stop::Done)));
    assert!(results(&rig)[0].1, "it is an error to the model");
    rig
}

#[tokio::test]
async fn x1_a_tool_that_faults_is_sealed_as_failure() {
    let tool = FakeTool::new("grep").faulting(FaultKind::Failed, "no such file");
    sealed_as(&tool, FaultKind::Failed).await.verified().await;
}

/// `[L4]` The record says of each content whether it was there; what never was is missed by nobody.
#[tokio::test]
async fn l4_content_that_a_tool_did_not_keep_is_recorded_as_such() {
    let image = |content: &[u8]| {
        ResourceValue::File(FileImage {
            digest: Digest::of(content),
            mode: 0o644,
            size: content.len() as u64,
        })
    };
    let tool = FakeTool::new("grep").acting(move |_| {
        let mut outcome = Outcome::said("done", "done");
        outcome.deltas.push(Delta {
            resource: Resource::File("a.txt".to_owned()),
            expect: Expect::Anything,
            before: Some(image(b"kept")),
            after: Some(image(b"too large")),
        });
        Ok(outcome)
    });
    let setup = Setup::new(twice("grep"), &[&tool]);
    setup.store.put_blob(b"kept").unwrap();
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    let unkept = rig.bodies().into_iter().find_map(|body| match body {
        Body::Commit(commit) => commit.unkept,
        _ => None,
    });
    assert_eq!(unkept, Some(vec![Digest::of(b"too large")]));
    rig.verified().await;
}

#[tokio::test]
async fn x1_a_tool_that_panics_is_sealed_as_failure() {
    let tool = FakeTool::new("grep").panicking();
    sealed_as(&tool, FaultKind::Panicked).await.verified().await;
}

#[tokio::test]
async fn x1_a_tool_that_overruns_its_time_is_sealed_as_failure() {
    let tool = FakeTool::new("grep").hanging().resolving(|_, _| {
        Ok(Resolved {
            estimate: Cost {
                tool_calls: 1,
                wall_clock_ms: 1,
                ..Cost::default()
            },
            ..Resolved::pure()
        })
    });
    sealed_as(&tool, FaultKind::TimedOut).await.verified().await;
}

#[tokio::test]
async fn x5_a_delta_that_does_not_apply_is_sealed_as_failure_and_changes_nothing() {
    let tool = FakeTool::new("grep").with_bad_delta();
    let mut rig = sealed_as(&tool, FaultKind::BadDelta).await;
    let trajectory = rig.trajectory;
    let at = Command::WorldAt {
        trajectory,
        seq: 100,
    };
    let Replied::World(world) = rig.ask(at).await else {
        panic!("no world")
    };
    assert!(world.rows.is_empty(), "{world:?}");
    rig.verified().await;
}

#[tokio::test]
async fn x4_an_interrupt_while_acting_is_sealed_as_cancelled_and_stops_the_run() {
    let tool = FakeTool::new("grep").hanging();
    let entered = tool.entered();
    let mut rig = Setup::new(twice("grep"), &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    entered.notified().await;
    assert!(rig.status().await.running.unwrap().doing.contains("grep"));
    let trajectory = rig.trajectory;
    let replied = rig.ask(Command::Interrupt { trajectory }).await;
    assert_eq!(replied, Replied::Accepted);
    rig.until_kind("closed", 1).await;
    assert_eq!(faults(&rig)[0].0, FaultKind::Cancelled);
    assert_eq!(rig.stop(), Some(Stop::Cancelled));
    assert!(rig.status().await.running.is_none());
    rig.verified().await;
}

#[tokio::test]
async fn x1_a_brief_tool_that_panics_faults_or_overruns_is_sealed_as_any_other() {
    let brief = || FakeTool::new("grep").brief();
    let panics = sealed_as(&brief().panicking(), FaultKind::Panicked).await;
    panics.verified().await;
    let faults = brief().faulting(FaultKind::Failed, "no such key");
    sealed_as(&faults, FaultKind::Failed).await.verified().await;
}

#[tokio::test]
async fn x4_a_tool_that_waits_though_it_says_it_is_brief_can_be_interrupted() {
    let tool = FakeTool::new("grep").brief().hanging();
    let entered = tool.entered();
    let mut rig = Setup::new(twice("grep"), &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    entered.notified().await;
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    assert_eq!(faults(&rig)[0].0, FaultKind::Cancelled);
    assert_eq!(tool.runs(), 1, "its body was entered once and went on");
    rig.verified().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn x4_an_interrupt_is_heard_between_two_brief_calls() {
    const CALLS: usize = 60;
    let tool = FakeTool::new("grep").brief().acting(|_| {
        // Long enough for the request to arrive while others are still to come.
        std::thread::sleep(std::time::Duration::from_millis(10));
        Ok(thymos_core::outcome::Outcome::said("done", "done"))
    });
    let entered = tool.entered();
    let all = (0..CALLS).map(|n| ("grep", json!({"n": n}))).collect();
    let steps = vec![Step::Turn(calls(all)), Step::Turn(says("so be it"))];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    entered.notified().await;
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    assert_eq!(rig.stop(), Some(Stop::Cancelled));
    assert!(tool.runs() < CALLS, "not one was left out");
    rig.verified().await;
}

#[tokio::test]
async fn x1_a_process_that_ends_in_order_seals_what_it_had_begun() {
    let tool = FakeTool::new("grep").hanging();
    let entered = tool.entered();
    let mut rig = Setup::new(twice("grep"), &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    entered.notified().await;
    let rig = rig.restart(|_| {}).await;
    assert_eq!(faults(&rig)[0].0, FaultKind::Cancelled);
    rig.verified().await;
}

#[tokio::test]
async fn x2_work_without_an_end_is_in_doubt_locks_its_key_and_a_person_settles_it() {
    let neither = |contract: &mut ToolContract| contract.recovery = Recovery::Neither;
    let tool = FakeTool::new("shell")
        .effect(EffectClass::External)
        .declaring(neither);
    let setup = Setup::new(twice("shell"), &[]);
    let store = setup.store.clone();
    // The store breaks while the tool acts: as if the process had died there.
    let dying = FakeTool::new("shell")
        .effect(EffectClass::External)
        .declaring(neither)
        .acting(move |_| {
            store.poison("input/output error");
            Ok(thymos_core::outcome::Outcome::said("done", "done"))
        });
    let mut rig = setup
        .with(|setup| setup.tools = vec![dying.port()])
        .open(Mode::Auto)
        .await;
    rig.say("go").await;
    rig.until_kind("started", 1).await;
    rig.until_idle().await;
    let mut rig = rig
        .restart(|setup| {
            setup.store.reopen();
            setup.tools = vec![tool.port()];
        })
        .await;
    assert_eq!(rig.status().await.in_doubt, 1);
    let Replied::Runs(rows) = rig.ask(Command::Runs).await else {
        panic!("no runs")
    };
    assert_eq!((rows[0].state.as_str(), rows[0].in_doubt), ("in doubt", 1));
    // The model tries again: the key is locked.
    rig.setup
        .model
        .push(Step::Turn(calls(vec![("shell", json!({}))])));
    rig.setup.model.push(Step::Turn(says("well")));
    rig.setup.model.push(Step::Turn(says("well")));
    rig.run("again").await;
    assert_eq!(tool.runs(), 0);
    let proposal = rig
        .bodies()
        .into_iter()
        .find_map(|body| match body {
            Body::Started(started) => Some(started.proposal),
            _ => None,
        })
        .unwrap();
    let settle = Command::Settle {
        trajectory: rig.trajectory,
        proposal,
        settlement: Settlement::DidNotHappen,
        reason: "I looked".into(),
    };
    assert_eq!(rig.ask(settle.clone()).await, Replied::Accepted);
    assert!(matches!(rig.ask(settle).await, Replied::Fault(_)));
    assert_eq!(rig.status().await.in_doubt, 0);
    rig.setup
        .model
        .push(Step::Turn(calls(vec![("shell", json!({}))])));
    rig.setup.model.push(Step::Turn(says("done")));
    rig.run("now again").await;
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}
