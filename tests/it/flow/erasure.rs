//! Erasing through the kernel `[L3]`: what goes together, what may not go, and that a gap allows nothing.

use serde_json::json;
use thymos_core::effect::EffectClass;
use thymos_core::tool::Repeat;
use thymos_core::writ::Mode;
use thymos_core::{Kind, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_protocol::{Command, ErasureEnd, ErasureName, ErasurePlan, ErasureTargets, Replied};
use thymos_testkit::fixtures::NOON;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup, story};
use super::road::writer;

/// A tool whose call happens once for its arguments.
fn once() -> FakeTool {
    FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .declaring(|contract| contract.repeat = Repeat::OncePerKey)
}

fn pay(key: &str) -> Step {
    Step::Turn(calls(vec![("kv_set", json!({ "key": key }))]))
}

fn done() -> Step {
    Step::Turn(says("done"))
}

/// A run that paid once and said so.
async fn paid(tool: &FakeTool) -> Rig {
    let mut rig = Setup::new(vec![pay("a"), done()], &[tool])
        .open(Mode::Edit)
        .await;
    rig.run("pay a").await;
    rig
}

fn place(trajectory: TrajectoryId, seq: u64) -> ErasureTargets {
    ErasureTargets {
        names: vec![ErasureName::Place(trajectory.to_string(), seq)],
    }
}

pub(super) fn whole(trajectory: TrajectoryId) -> ErasureTargets {
    ErasureTargets {
        names: vec![ErasureName::Run(trajectory)],
    }
}

async fn plan(rig: &mut Rig, targets: &ErasureTargets) -> ErasurePlan {
    let targets = targets.clone();
    match rig
        .ask(Command::PlanErasure {
            targets,
            reason: "asked for".to_owned(),
        })
        .await
    {
        Replied::ErasurePlan(plan) => *plan,
        other => panic!("no plan: {other:?}"),
    }
}

pub(super) async fn erase(rig: &mut Rig, targets: ErasureTargets) -> Replied {
    let plan = plan(rig, &targets).await.digest;
    let reason = "asked for".to_owned();
    rig.ask(Command::Erase {
        targets,
        plan,
        reason,
    })
    .await
}

/// What a refusal says.
async fn no(rig: &mut Rig, targets: ErasureTargets) -> String {
    match rig
        .ask(Command::PlanErasure {
            targets,
            reason: "asked for".to_owned(),
        })
        .await
    {
        Replied::NotErased(fault) | Replied::Fault(fault) => fault.message,
        other => panic!("it would be done: {other:?}"),
    }
}

fn seq_of(rig: &Rig, kind: Kind) -> u64 {
    let entries = rig.setup.store.entries();
    let of = |entry: &&thymos_core::Entry| {
        entry.kind() == Some(kind) && entry.header.trajectory == rig.trajectory
    };
    entries.iter().find(of).unwrap().header.seq
}

async fn said(rig: &mut Rig, command: Command) -> String {
    match rig.ask(command).await {
        Replied::Fault(fault) => fault.message,
        other => panic!("it went on: {other:?}"),
    }
}

#[tokio::test]
async fn l3_entries_of_one_call_go_together_and_the_rest_verifies() {
    let tool = once();
    let mut rig = paid(&tool).await;
    let targets = place(rig.trajectory, seq_of(&rig, Kind::Commit));
    let shown = plan(&mut rig, &targets).await;
    let kinds: Vec<(&str, bool)> = shown
        .bodies
        .iter()
        .map(|row| (row.kind.as_str(), row.along))
        .collect();
    assert_eq!(
        kinds,
        [("intent", true), ("started", true), ("commit", false)]
    );
    assert_eq!(shown.verdicts, 1);
    assert_eq!(shown.unchecked_from, Some(seq_of(&rig, Kind::Intent)));
    let end = ErasureEnd {
        bodies: 3,
        blobs: 0,
        left_over: false,
    };
    assert_eq!(erase(&mut rig, targets.clone()).await, Replied::Erased(end));
    let entries = rig.setup.store.entries();
    let bare: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.content.is_none())
        .map(|entry| entry.header.kind.as_str())
        .collect();
    assert_eq!(bare, ["intent", "started", "commit"]);
    let told = rig.until_kind("erased", 3).await;
    assert_eq!(
        story(&told),
        [
            "message", "message", "intent", "started", "commit", "message", "closed", "erased",
            "erased", "erased"
        ]
    );
    // Again is no more.
    let again = plan(&mut rig, &targets).await;
    assert_eq!((again.bodies.len(), again.already), (0, 1));
    let Replied::Runs(rows) = rig.ask(Command::Runs).await else {
        panic!("no runs")
    };
    assert_eq!(rows[0].state, "erased in part");
    rig.verified().await;
}

#[tokio::test]
async fn l3_x3_erasing_a_call_does_not_let_it_happen_twice() {
    let tool = once();
    let mut rig = paid(&tool).await;
    let (main, commit) = (rig.trajectory, seq_of(&rig, Kind::Commit));
    let entry = rig.setup.store.page(&main, commit, 1).unwrap()[0].id;
    // A branch that was there before, at rest.
    let branch = Command::Branch {
        trajectory: main,
        entry,
    };
    let Replied::Opened(branched) = rig.ask(branch.clone()).await else {
        panic!("no branch")
    };
    let branched = branched.trajectory;
    let shown = plan(&mut rig, &place(main, commit)).await;
    assert_eq!(shown.branches, [branched]);
    let erased = erase(&mut rig, place(main, commit)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    // In the session that was open all the time, in one that is opened anew, and in the branch.
    for restarts in [false, true] {
        if restarts {
            rig = rig.restart(|_| {}).await;
        }
        for trajectory in [main, branched] {
            if trajectory == branched && !restarts {
                continue;
            }
            rig.setup.model.push(pay("a"));
            let text = "pay a".to_owned();
            let words = said(&mut rig, Command::Prompt { trajectory, text }).await;
            assert!(words.contains("nothing goes on"), "{words}");
        }
    }
    let words = said(&mut rig, branch).await;
    assert!(words.contains("nothing goes on"), "{words}");
    let intent = thymos_core::IntentId::of(b"any");
    for command in [
        Command::SetMode {
            trajectory: main,
            mode: Mode::Auto,
        },
        Command::Again {
            trajectory: main,
            intent,
        },
        Command::PlanUndo {
            trajectory: main,
            of: main,
            from_seq: 0,
        },
        Command::CloseWrit { trajectory: main },
    ] {
        let words = said(&mut rig, command).await;
        assert!(words.contains("nothing goes on"), "{words}");
    }
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}

#[tokio::test]
async fn l3_w7_a_writ_of_an_erased_run_can_still_be_revoked_and_its_issue_never_goes() {
    let tool = once();
    let mut rig = paid(&tool).await;
    let main = rig.trajectory;
    let erased = erase(&mut rig, whole(main)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    let writ = rig.status().await.writ.id;
    let revoke = Command::Revoke {
        trajectory: main,
        writ,
        reason: "enough".into(),
    };
    assert_eq!(rig.ask(revoke).await, Replied::Accepted);
    for kind in Kind::ALL {
        let entries = rig.setup.store.entries();
        let Some(entry) = entries.iter().find(|entry| entry.kind() == Some(kind)) else {
            continue;
        };
        let stands = entry.content.is_some();
        assert_eq!(stands, !kind.may_be_erased(), "{kind}");
        if stands {
            let words = no(&mut rig, place(main, entry.header.seq)).await;
            assert!(words.contains("never erased"), "{words}");
        }
    }
    rig.verified().await;
}

#[tokio::test]
async fn l3_nothing_is_erased_while_something_waits() {
    let write = writer();
    let steps = vec![
        Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))])),
        done(),
    ];
    let mut rig = Setup::new(steps, &[&write]).open(Mode::Edit).await;
    rig.run("write").await;
    let before = rig.setup.store.entries();
    let all = whole(rig.trajectory);
    let words = no(&mut rig, all).await;
    assert!(words.contains("1 call of run"), "{words}");
    assert!(words.contains("waits for an answer"), "{words}");
    assert_eq!(rig.setup.store.entries(), before);
    rig.deny("no").await;
    rig.until_kind("rejection", 1).await;
    let all = whole(rig.trajectory);
    let erased = erase(&mut rig, all).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    assert_eq!(rig.holds().await, []);
    rig.verified().await;
}

#[tokio::test]
async fn l3_nothing_is_erased_while_a_call_is_in_doubt() {
    let tool = once().hanging();
    let steps = vec![pay("a"), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.say("pay").await;
    rig.until_kind("started", 1).await;
    let all = whole(rig.trajectory);
    let words = no(&mut rig, all).await;
    assert!(words.contains("has no end yet"), "{words}");
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await;
    rig.until_kind("closed", 1).await;
    let erased = erase(&mut rig, whole(trajectory)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    rig.verified().await;
}

#[tokio::test]
async fn l3_the_minimum_age_counts_by_the_clock_and_by_the_newest_entry() {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    let tool = once();
    let setup = Setup::new(vec![pay("a"), done()], &[&tool]).with(|setup| {
        setup.retention_ms = 30 * DAY;
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("pay a").await;
    let targets = || whole(rig.trajectory);
    let (first, clock) = (targets(), rig.setup.clock.clone());
    let words = no(&mut rig, first.clone()).await;
    let due = NOON.plus_ms(30 * DAY);
    assert!(words.contains("kept for 30 days"), "{words}");
    assert!(words.contains(&due.date()), "{words}");
    clock.set(due.plus_ms(0));
    // The clock alone is not believed.
    let words = no(&mut rig, first.clone()).await;
    assert!(words.contains("the newest of the ledger"), "{words}");
    let Replied::Opened(_) = rig.ask(Command::begin(Mode::Plan)).await else {
        panic!("no run")
    };
    let erased = erase(&mut rig, first).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    rig.verified().await;
}

#[tokio::test]
async fn l3_what_was_agreed_to_is_what_is_done() {
    let tool = once();
    let mut rig = paid(&tool).await;
    let targets = whole(rig.trajectory);
    let stale = plan(&mut rig, &targets).await.digest;
    rig.setup.model.push(done());
    rig.run("more").await;
    let before = rig.setup.store.entries();
    let order = |plan, reason: &str| Command::Erase {
        targets: targets.clone(),
        plan,
        reason: reason.to_owned(),
    };
    let replied = rig.ask(order(stale, "asked for")).await;
    assert!(matches!(&replied, Replied::NotErased(f) if f.message.contains("changed")));
    let fresh = plan(&mut rig, &targets).await.digest;
    let replied = rig.ask(order(fresh, "  ")).await;
    assert!(matches!(&replied, Replied::Fault(f) if f.message.contains("a reason has")));
    assert_eq!(rig.setup.store.entries(), before);
    rig.verified().await;
}

#[tokio::test]
async fn r1_a_secret_in_the_reason_is_not_recorded_and_the_order_is_signed_over_what_is() {
    let tool = once();
    let setup = Setup::new(vec![pay("a"), done()], &[&tool]);
    let setup = setup.with(|setup| setup.secrets = vec!["swordfish-9981-xyzzy".into()]);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("pay a").await;
    let targets = whole(rig.trajectory);
    let reason = "it held swordfish-9981-xyzzy".to_owned();
    let ask = Command::PlanErasure {
        targets: targets.clone(),
        reason: reason.clone(),
    };
    let Replied::ErasurePlan(plan) = rig.ask(ask).await else {
        panic!("no plan")
    };
    let plan = plan.digest;
    let command = Command::Erase {
        targets,
        plan,
        reason,
    };
    let replied = rig.ask(command).await;
    assert!(matches!(replied, Replied::Erased(_)), "{replied:?}");
    let entries = rig.setup.store.entries();
    let stored = entries.iter().filter_map(thymos_core::Entry::body);
    let all: Vec<u8> = stored.flatten().copied().collect();
    let text = String::from_utf8_lossy(&all);
    assert!(!text.contains("swordfish") && text.contains("it held"));
    rig.verified().await;
}

#[tokio::test]
async fn l3_an_answer_to_a_call_that_was_erased_is_told_as_such() {
    let write = writer();
    let steps = vec![
        Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))])),
        done(),
        done(),
    ];
    let mut rig = Setup::new(steps, &[&write]).open(Mode::Edit).await;
    rig.run("write").await;
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    rig.until_idle().await;
    let all = whole(rig.trajectory);
    let erased = erase(&mut rig, all).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    let mut rig = rig.restart(|_| {}).await;
    let events = rig.events().await;
    let answer = events
        .iter()
        .find(|event| event.kind == "approval")
        .unwrap();
    let told = thymos_protocol::What::Note {
        line: "a call that was erased was approved by ada".into(),
    };
    assert_eq!(answer.what, told);
    rig.verified().await;
}

#[tokio::test]
async fn l3_v4_an_operator_whose_key_is_not_trusted_orders_nothing() {
    let tool = once();
    let rig = paid(&tool).await;
    let mut rig = rig
        .restart(|setup| setup.roots.retired = std::mem::take(&mut setup.roots.operators))
        .await;
    let before = rig.setup.store.entries();
    let all = whole(rig.trajectory);
    let words = no(&mut rig, all).await;
    assert!(words.contains("which is not trusted"), "{words}");
    assert_eq!(rig.setup.store.entries(), before);
}
