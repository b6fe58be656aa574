//! What must be true after an act is looked at before the act is sealed `[X5]`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_core::body::{Body, Failure};
use thymos_core::budget::Cost;
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::{FaultKind, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Recovery, ToolContract};
use thymos_core::writ::Mode;
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, Tool};
use thymos_protocol::{Command, Replied, UndoEnd};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::doubt::interrupted;
use super::rig::{Rig, Setup, policy, story};
use super::road::results;
use super::undo::{Shop, setup, write};

const UNKNOWN: &str = "what it changed is not in the record, and no undo knows it";

/// A tool that says that it set a value, and tells so.
fn setter() -> FakeTool {
    FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .acting(|_| {
            let mut outcome = Outcome::said("set", "k is 1 now");
            outcome.deltas.push(Delta {
                resource: Resource::Kv("k".to_owned()),
                expect: Expect::Absent,
                before: None,
                after: Some(ResourceValue::Json(json!(1))),
            });
            Ok(outcome)
        })
}

fn steps() -> Vec<Step> {
    vec![
        Step::Turn(calls(vec![("kv_set", json!({}))])),
        Step::Turn(says("so be it")),
    ]
}

fn failures(rig: &Rig) -> Vec<Failure> {
    let failure = |body: Body| match body {
        Body::Failure(failure) => Some(failure),
        _ => None,
    };
    rig.bodies().into_iter().filter_map(failure).collect()
}

/// The one failure of this rig: what was told is in it, it costs a call, and the world is as it was.
async fn sealed(rig: &mut Rig, kind: FaultKind) -> String {
    let found = failures(rig);
    let [failure] = found.as_slice() else {
        panic!("{found:?}")
    };
    let fault = &failure.fault;
    assert_eq!((fault.kind, failure.cost.tool_calls), (kind, 1));
    assert_eq!(fault.observation, "k is 1 now");
    assert_eq!(fault.deltas, []);
    let trajectory = rig.trajectory;
    let at = Command::WorldAt {
        trajectory,
        seq: 100,
    };
    let Replied::World(world) = rig.ask(at).await else {
        panic!("no world")
    };
    assert!(world.rows.is_empty(), "{world:?}");
    fault.message.clone()
}

/// Runs it straight through and ends with that fault.
async fn ran(tool: &FakeTool, kind: FaultKind) -> String {
    let mut rig = Setup::new(steps(), &[tool]).open(Mode::Edit).await;
    let events = rig.run("go").await;
    assert_eq!(
        story(&events),
        [
            "message", "message", "intent", "started", "failure", "message", "closed"
        ]
    );
    let message = sealed(&mut rig, kind).await;
    let (read, is_error) = results(&rig).remove(0);
    assert!(is_error && read.contains(&message), "{read}");
    assert!(read.contains("k is 1 now"), "{read}");
    rig.verified().await;
    message
}

#[tokio::test]
async fn x5_an_unmet_postcondition_is_a_failure_that_says_what_was_expected_and_found() {
    let message = ran(&setter().unmet(), FaultKind::Unmet).await;
    let expected = format!("`done.txt` was to be there and is gone; {UNKNOWN}");
    assert_eq!(message, expected);
    // One that says that it is brief is held to it as well.
    ran(&setter().brief().unmet(), FaultKind::Unmet).await;
}

#[tokio::test]
async fn x5_a_panic_while_it_is_checked_takes_nothing_away_of_what_was_told() {
    let message = ran(&setter().panicking_after(), FaultKind::Panicked).await;
    let expected = format!("it ended and could not be checked: the tool panicked; {UNKNOWN}");
    assert_eq!(message, expected);
}

#[tokio::test]
async fn x5_the_time_of_a_check_is_time_of_the_call() {
    let slow = setter().hanging_after().resolving(|_, _| {
        Ok(Resolved {
            effect: EffectClass::Write,
            estimate: Cost {
                tool_calls: 1,
                wall_clock_ms: 1,
                ..Cost::default()
            },
            ..Resolved::pure()
        })
    });
    let message = ran(&slow, FaultKind::TimedOut).await;
    assert!(message.contains("took longer than 1 ms"), "{message}");
}

#[tokio::test]
async fn x5_a_call_that_is_stopped_while_it_is_checked_is_sealed_as_cancelled() {
    let tool = setter().hanging_after();
    let entered = tool.entered();
    let mut rig = Setup::new(steps(), &[&tool]).open(Mode::Edit).await;
    rig.say("go").await;
    entered.notified().await;
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    let message = sealed(&mut rig, FaultKind::Cancelled).await;
    assert!(message.contains("stopped by the operator"), "{message}");
    rig.verified().await;
}

#[tokio::test]
async fn x5_an_approved_call_is_checked_like_any_other() {
    let tool = setter().unmet();
    let asks = |setup: &mut Setup| setup.policy = policy("ask", json!([]));
    let mut rig = Setup::new(steps(), &[&tool])
        .with(asks)
        .open(Mode::Edit)
        .await;
    rig.say("go").await;
    rig.until_kind("pending_approval", 1).await;
    rig.approve().await;
    rig.until_kind("failure", 1).await;
    sealed(&mut rig, FaultKind::Unmet).await;
    rig.until_kind("closed", 1).await;
    rig.verified().await;
}

#[tokio::test]
async fn x5_a_call_that_runs_again_after_doubt_is_checked() {
    let harmless = |contract: &mut ToolContract| contract.recovery = Recovery::Idempotent;
    let outside = || setter().effect(EffectClass::External).declaring(harmless);
    let then = outside().unmet();
    let mut rig = interrupted(outside(), &then).await;
    rig.until_kind("failure", 1).await;
    assert_eq!(then.runs(), 1);
    sealed(&mut rig, FaultKind::Unmet).await;
    rig.verified().await;
}

/// Any tool, with something of another process between its act and its look at it.
struct Meddled {
    inner: Arc<dyn Tool>,
    between: Arc<dyn Fn() + Send + Sync>,
}

#[async_trait]
impl Tool for Meddled {
    fn contract(&self) -> &ToolContract {
        self.inner.contract()
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        self.inner.resolve(args, look).await
    }

    fn order(&self, args: &Value) -> Option<Order> {
        self.inner.order(args)
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        self.inner.overwrites(resolved, keep);
    }

    fn is_brief(&self) -> bool {
        self.inner.is_brief()
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let ended = self.inner.run(begun, io).await;
        (self.between)();
        ended
    }

    async fn verify(
        &self,
        begun: &Begun,
        outcome: &Outcome,
        io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        self.inner.verify(begun, outcome, io).await
    }

    async fn probe(&self, proposal: &Proposal, look: &Look<'_>) -> Probed {
        self.inner.probe(proposal, look).await
    }
}

/// The tools of the program, one of them meddled with: another process writes `a.txt`.
async fn meddled(name: &'static str) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ws/a.txt");
    let between = Arc::new(move || std::fs::write(&path, "theirs\n").unwrap());
    let wrap = |tool: &Arc<dyn Tool>| -> Arc<dyn Tool> {
        if tool.contract().name != name {
            return Arc::clone(tool);
        }
        let (inner, between) = (Arc::clone(tool), between.clone());
        Arc::new(Meddled { inner, between })
    };
    let steps = vec![write("a.txt", "mine\n"), Step::Turn(says("done"))];
    let meddle = |setup: &mut Setup| setup.tools = setup.tools.iter().map(wrap).collect();
    let mut rig = setup(&folder, steps).with(meddle).open(Mode::Auto).await;
    rig.run("go").await;
    Shop { rig, folder }
}

#[tokio::test]
async fn x5_a_file_that_another_process_changed_before_the_seal_is_not_told_as_written() {
    let mut shop = meddled("fs_write").await;
    let found = failures(&shop.rig);
    let fault = &found[0].fault;
    assert_eq!((found.len(), fault.kind), (1, FaultKind::Unmet));
    let start = "`a.txt` was to be a file of 5 bytes, mode 644 and digest ";
    let end = format!(" and is a file of 7 bytes and mode 644; {UNKNOWN}");
    let said = &fault.message;
    assert!(said.starts_with(start) && said.ends_with(&end), "{said}");
    assert!(fault.observation.starts_with("created a.txt"), "{fault:?}");
    assert_eq!(shop.get("a.txt").as_deref(), Some("theirs\n"));
    assert_eq!(shop.commits(), []);
    // Nothing is known of it that could be taken back.
    assert_eq!(super::undo::wills(&shop.plan(0).await), [""; 0]);
    shop.rig.verified().await;
}

#[tokio::test]
async fn x5_an_undo_whose_file_came_back_is_not_told_as_undone() {
    let mut shop = meddled("restore").await;
    assert_eq!(shop.commits().len(), 1);
    let plan = shop.plan(0).await;
    let Replied::Undone(UndoEnd { done, stopped, .. }) = shop.undo(0, &plan, false).await else {
        panic!("no end")
    };
    assert_eq!(done, 0);
    let stop = stopped.expect("it did not come to its end");
    assert!(
        stop.reason
            .contains("`a.txt` was to be gone and is a file of 7 bytes and mode "),
        "{stop:?}"
    );
    assert_eq!(failures(&shop.rig)[0].fault.kind, FaultKind::Unmet);
    assert_eq!(shop.get("a.txt").as_deref(), Some("theirs\n"));
    shop.rig.verified().await;
}
