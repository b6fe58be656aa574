//! A store that fails: nothing acknowledged is lost, and nothing goes on as if it were clean `[L11]`.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use thymos_core::Kind;
use thymos_core::body::Stop;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Recovery, Repeat};
use thymos_core::writ::Mode;
use thymos_ports::store::{Batch, StoreError};
use thymos_protocol::{Command, Fault, Replied};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, MemoryStore, Step};

use super::rig::{Rig, Setup, story};

fn steps() -> Vec<Step> {
    vec![
        Step::Turn(calls(vec![("kv_set", json!({"key": "a"}))])),
        Step::Turn(says("done")),
    ]
}

/// A tool in whose body something happens to the store.
fn during(store: &MemoryStore, happens: impl Fn(&MemoryStore) + Send + Sync + 'static) -> FakeTool {
    let store = store.clone();
    FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .acting(move |_| {
            happens(&store);
            Ok(Outcome::said("done", "done"))
        })
}

/// A command during which a sync fails; only a person can tell whether it happened.
fn external(store: &MemoryStore) -> FakeTool {
    let store = store.clone();
    FakeTool::new("shell")
        .effect(EffectClass::External)
        .declaring(|contract| contract.recovery = Recovery::Neither)
        .acting(move |_| {
            store.poison("input/output error");
            Ok(Outcome::said("done", "done"))
        })
}

/// Why nothing goes on any more, once nothing does.
async fn stuck(rig: &mut Rig) -> Fault {
    rig.until_idle().await;
    match interrupted(rig).await {
        Replied::Fault(fault) => fault,
        other => panic!("it is not stuck: {other:?}"),
    }
}

/// Whether what is told of this session says that the ledger takes nothing.
async fn unstored(rig: &mut Rig) -> bool {
    let trajectory = rig.trajectory;
    match rig.ask(Command::Open { trajectory }).await {
        Replied::Opened(status) => status.unstored,
        other => panic!("not opened: {other:?}"),
    }
}

async fn interrupted(rig: &mut Rig) -> Replied {
    let trajectory = rig.trajectory;
    rig.ask(Command::Interrupt { trajectory }).await
}

#[tokio::test]
async fn l11_a_disk_that_fills_while_a_tool_acts_loses_nothing_and_work_resumes_with_room() {
    let setup = Setup::new(steps(), &[]);
    let tool = during(&setup.store, MemoryStore::fill_disk);
    let mut rig = setup
        .with(|setup| setup.tools = vec![tool.port()])
        .open(Mode::Edit)
        .await;
    rig.say("go").await;
    // Nothing can be recorded; whoever asks is told why, and what to do.
    let fault = stuck(&mut rig).await;
    assert!(fault.message.contains("no room"), "{}", fault.message);
    assert!(unstored(&mut rig).await, "the header would keep its sign");
    assert!(
        fault
            .hint
            .is_some_and(|hint| hint.contains("free the disk"))
    );
    assert!(
        rig.events()
            .await
            .iter()
            .all(|event| event.kind != "commit")
    );
    rig.setup.store.make_room();
    assert_eq!(interrupted(&mut rig).await, Replied::Accepted);
    let events = rig.until_kind("commit", 1).await;
    assert_eq!(story(&events)[2..], ["intent", "started", "commit"]);
    assert!(!unstored(&mut rig).await, "it is over once there is room");
    rig.run("").await;
    assert_eq!((tool.runs(), rig.stop()), (1, Some(Stop::Done)));
    rig.verified().await;
}

#[tokio::test]
async fn l11_a_server_that_goes_away_while_a_tool_acts_loses_nothing_and_work_resumes_when_it_is_back()
 {
    let setup = Setup::new(steps(), &[]);
    let tool = during(&setup.store, |store| {
        for _ in 0..2 {
            store.fail_next_append(StoreError::Away {
                path: "postgres://ada@db/log".to_owned(),
                reason: "connection refused".to_owned(),
            });
        }
    });
    let mut rig = setup
        .with(|setup| setup.tools = vec![tool.port()])
        .open(Mode::Edit)
        .await;
    rig.say("go").await;
    let fault = stuck(&mut rig).await;
    assert!(
        fault.message.contains("cannot be reached"),
        "{}",
        fault.message
    );
    assert!(
        fault
            .hint
            .is_some_and(|hint| hint.contains("bring the server back"))
    );
    assert_eq!(interrupted(&mut rig).await, Replied::Accepted);
    let events = rig.until_kind("commit", 1).await;
    assert_eq!(story(&events)[2..], ["intent", "started", "commit"]);
    rig.run("").await;
    assert_eq!((tool.runs(), rig.stop()), (1, Some(Stop::Done)));
    rig.verified().await;
}

#[tokio::test]
async fn l11_a_disk_that_is_full_from_the_start_begins_nothing() {
    let tool = FakeTool::new("kv_set").effect(EffectClass::Write);
    let mut rig = Setup::new(steps(), &[&tool]).open(Mode::Edit).await;
    rig.setup.store.fill_disk();
    let prompt = Command::Prompt {
        trajectory: rig.trajectory,
        text: "go".into(),
    };
    assert!(matches!(rig.ask(prompt).await, Replied::Fault(_)));
    assert_eq!(tool.runs(), 0);
    rig.setup.store.make_room();
    rig.run("go").await;
    assert_eq!((tool.runs(), rig.stop()), (1, Some(Stop::Done)));
    rig.verified().await;
}

#[tokio::test]
async fn x1_nothing_acts_when_its_announcement_cannot_be_stored() {
    let tool = FakeTool::new("kv_set").effect(EffectClass::Write);
    let setup = Setup::new(steps(), &[&tool]);
    let store = setup.store.clone();
    let tool = tool.resolving(move |_, _| {
        store.fill_disk();
        Ok(thymos_core::resolved::Resolved {
            effect: EffectClass::Write,
            ..thymos_core::resolved::Resolved::pure()
        })
    });
    let mut rig = setup
        .with(|setup| setup.tools = vec![tool.port()])
        .open(Mode::Edit)
        .await;
    rig.say("go").await;
    stuck(&mut rig).await;
    assert_eq!(tool.runs(), 0);
    rig.verified_without_room().await;
}

#[tokio::test]
async fn l11_a_sync_that_failed_stops_the_session_until_it_is_opened_again() {
    let command = json!({"command": "ls"});
    let setup = Setup::new(vec![Step::Turn(calls(vec![("shell", command)]))], &[]);
    let tool = external(&setup.store);
    let mut rig = setup
        .with(|setup| setup.tools = vec![tool.port()])
        .open(Mode::Auto)
        .await;
    rig.say("go").await;
    stuck(&mut rig).await;
    // Even when the store would take it: what failed once is not trusted again by this process.
    rig.setup.store.reopen();
    let mode = Command::SetMode {
        trajectory: rig.trajectory,
        mode: Mode::Plan,
    };
    assert!(matches!(rig.ask(mode).await, Replied::Fault(_)));
    let mut rig = rig.restart(|_| {}).await;
    assert_eq!((tool.runs(), rig.status().await.in_doubt), (1, 1));
    rig.verified().await;
}

/// The first look at a long log folds all of it, which takes seconds at a million entries.
#[tokio::test]
async fn requests_are_answered_while_the_desk_reads_a_long_log() {
    let steps = vec![Step::Turn(says("done"))];
    let mut rig = Setup::new(steps, &[]).open(Mode::Edit).await;
    rig.run("work").await;
    let (setup, before) = (rig.setup.clone(), rig.trajectory);
    drop(rig);

    setup.store.hold_back(before);
    let mut desk = setup.serve();
    let asked = desk.send(Command::Runs).await;
    let Replied::Opened(opened) = desk.ask(Command::begin(Mode::Edit)).await else {
        panic!("no trajectory was opened");
    };
    setup.store.let_go();
    let Replied::Runs(rows) = desk.reply(asked).await else {
        panic!("no runs were told");
    };
    let runs: Vec<_> = rows.iter().map(|row| row.trajectory).collect();
    assert!(
        runs.contains(&before) && runs.contains(&opened.trajectory),
        "{runs:?}"
    );
}

/// A tool that a person has to agree to, and of which the announcement is refused once.
fn refused_once(store: &MemoryStore) -> FakeTool {
    let (store, looks) = (store.clone(), AtomicUsize::new(0));
    FakeTool::new("shell").resolving(move |_, _| {
        // The first look is for the hold, the second for the admission.
        if looks.fetch_add(1, Ordering::SeqCst) == 1 {
            store.fail_next_append(StoreError::Locked {
                path: "ledger".to_owned(),
            });
        }
        Ok(Resolved {
            effect: EffectClass::External,
            risk: Risk::High,
            ..Resolved::pure()
        })
    })
}

/// Found by the matrix of faults: the answer was on record, so no second one was taken, and nobody acted.
#[tokio::test]
async fn l11_an_answer_whose_act_could_not_be_announced_is_acted_on_when_it_can() {
    let command = json!({"command": "ls"});
    let steps = vec![
        Step::Turn(calls(vec![("shell", command)])),
        Step::Turn(says("done")),
    ];
    let setup = Setup::new(steps, &[]);
    let tool = refused_once(&setup.store);
    let mut rig = setup
        .with(|setup| setup.tools = vec![tool.port()])
        .open(Mode::Auto)
        .await;
    rig.run("go").await;
    rig.approve().await;
    rig.until_kind("approval", 1).await;
    let trajectory = rig.trajectory;
    let told = rig
        .ask(Command::SetMode {
            trajectory,
            mode: Mode::Auto,
        })
        .await;
    assert_eq!(told, Replied::Accepted, "nothing fails any more");
    rig.until_kind("commit", 1).await;
    assert_eq!(tool.runs(), 1);
    rig.run("go on").await;
    assert_eq!((tool.runs(), rig.stop()), (1, Some(Stop::Done)));
    rig.verified().await;
}

/// From the next announcement on, until something is sealed, nobody can tell what other runs did.
fn blind_once(store: &MemoryStore) {
    let has = |kind: Kind| move |batch: &Batch| batch.drafts.iter().any(|draft| draft.kind == kind);
    let refused = StoreError::Engine {
        path: "ledger".to_owned(),
        reason: "the disk refused a read".to_owned(),
    };
    store.overtake(has(Kind::Started), move |store| {
        store.fail_heads(Some(refused));
        store.overtake(has(Kind::Failure), |store| store.fail_heads(None));
    });
}

/// Found by the matrix of faults: a call that was answered, announced and then not made left its run standing;
/// the parent of a delegated one waited without end.
#[tokio::test]
async fn l11_x3_a_run_goes_on_after_a_call_that_was_announced_and_not_made() {
    let steps = vec![
        Step::Turn(calls(vec![("shell", json!({"command": "pay"}))])),
        Step::Turn(says("then not")),
    ];
    let tool = FakeTool::new("shell")
        .effect(EffectClass::External)
        .declaring(|contract| contract.repeat = Repeat::OncePerKey);
    let setup = Setup::new(steps, &[&tool]).with(|setup| setup.continues = true);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!(rig.stop(), Some(Stop::Held));
    blind_once(&rig.setup.store);
    rig.approve().await;
    rig.until_kind("closed", 2).await;
    assert_eq!((tool.runs(), rig.stop()), (0, Some(Stop::Done)));
    rig.verified().await;
}
