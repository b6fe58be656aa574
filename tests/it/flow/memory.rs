//! Memory beyond one trajectory: what is shared, with whom, and where it comes from `[O4]`.

use std::sync::Arc;

use serde_json::{Value, json};
use thymos_core::body::Body;
use thymos_core::writ::Mode;
use thymos_ports::Tool;
use thymos_protocol::{Command, MemoryRow, Replied};
use thymos_testkit::Step;
use thymos_testkit::model::{calls, says};
use thymos_tools::{ToolsConfig, builtin};

use super::rig::{Rig, Setup, policy};

/// The real tools of memory; the folder is only what the others of the table want.
fn memory_tools(folder: &std::path::Path) -> Vec<Arc<dyn Tool>> {
    std::fs::create_dir_all(folder.join("ws")).unwrap();
    let all = builtin(ToolsConfig {
        root: folder.join("ws"),
        protected: Vec::new(),
        search_path: Vec::new(),
        env: Vec::new(),
        tmp: folder.join("tmp"),
        extra_read: Vec::new(),
        cage: thymos_sandbox::probe(),
    })
    .unwrap();
    let of_memory = |tool: &Arc<dyn Tool>| tool.contract().name.starts_with("memory_");
    all.into_iter().filter(of_memory).collect()
}

fn setup(folder: &std::path::Path) -> Setup {
    let tools = memory_tools(folder);
    Setup::new(Vec::new(), &[]).with(|setup| setup.tools = tools)
}

async fn open(rig: &mut Rig, mode: Mode) {
    let Replied::Opened(status) = rig.ask(Command::begin(mode)).await else {
        panic!("no trajectory")
    };
    rig.trajectory = status.trajectory;
}

/// Lets the model call one tool, and gives what it read of it.
async fn call(rig: &mut Rig, tool: &str, args: Value) -> String {
    rig.setup.model.push(Step::Turn(calls(vec![(tool, args)])));
    rig.setup.model.push(Step::Turn(says("done")));
    rig.run("go on").await;
    observation(rig)
}

fn observation(rig: &Rig) -> String {
    let said = |body: Body| match body {
        Body::Commit(commit) => Some(commit.outcome.observation),
        _ => None,
    };
    let all: Vec<String> = rig.bodies().into_iter().filter_map(said).collect();
    all.last().cloned().unwrap_or_default()
}

async fn shelf(rig: &mut Rig) -> Vec<MemoryRow> {
    match rig.ask(Command::Memory).await {
        Replied::Memory(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn o4_wider_strata_are_recalled_by_later_trajectories_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = setup(folder.path()).open(Mode::Auto).await;
    let first = rig.trajectory.short();
    call(
        &mut rig,
        "memory_write",
        json!({"key": "build", "text": "use make"}),
    )
    .await;
    let own = json!({"key": "draft", "text": "make a list", "stratum": "working"});
    call(&mut rig, "memory_write", own).await;
    let here = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert!(
        here.contains("draft  (working,") && here.contains("build  (semantic,"),
        "{here}"
    );
    open(&mut rig, Mode::Plan).await;
    let later = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert!(
        later.contains(&format!("of trajectory {first}, ")),
        "{later}"
    );
    assert!(
        later.contains("not approved by anybody)\nuse make"),
        "{later}"
    );
    assert!(!later.contains("draft"), "{later}");
    let mut rig = rig.restart(|_| {}).await;
    open(&mut rig, Mode::Plan).await;
    let restarted = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert_eq!(restarted, later);
    let rows = shelf(&mut rig).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].key.as_str(), rows[0].approved), ("build", false));
    rig.verified().await;
}

#[tokio::test]
async fn o4_memory_stays_in_its_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = setup(folder.path()).open(Mode::Auto).await;
    call(
        &mut rig,
        "memory_write",
        json!({"key": "build", "text": "use make"}),
    )
    .await;
    let mut rig = rig
        .restart(|setup| setup.workspace = "/srv/other".into())
        .await;
    open(&mut rig, Mode::Plan).await;
    let elsewhere = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert_eq!(elsewhere, "no note has any of these words; 0 notes kept");
    assert_eq!(shelf(&mut rig).await, Vec::new());
    rig.verified().await;
}

#[tokio::test]
async fn o4_memory_stays_in_its_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = setup(folder.path())
        .open_under("acme", |writ| writ.tenant = "acme".into())
        .await;
    call(
        &mut rig,
        "memory_write",
        json!({"key": "build", "text": "use make"}),
    )
    .await;
    let own = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert!(own.contains("use make"), "{own}");
    let elsewhere = rig.setup.clone().with(|setup| setup.tenant = String::new());
    let mut other = elsewhere.open(Mode::Plan).await;
    let told = call(&mut other, "memory_recall", json!({"query": "make"})).await;
    assert_eq!(told, "no note has any of these words; 0 notes kept");
    assert_eq!(shelf(&mut other).await, Vec::new());
    assert_eq!(shelf(&mut rig).await.len(), 1);
    other.verified().await;
    rig.verified().await;
}

#[tokio::test]
async fn o4_writes_go_through_the_gate_and_what_a_person_approved_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = setup(folder.path()).open(Mode::Edit).await;
    call(&mut rig, "memory_write", json!({"key": "a", "text": "x"})).await;
    assert_eq!(rig.refusals()[0].0, "C8");
    let ask = json!([{"id": "ask", "reason": "a person remembers",
        "when": {"field": "intent.tool", "op": "eq", "value": "memory_write"},
        "decision": "ask",
        "examples": [{"with": {"intent.tool": "memory_write"}, "says": "ask"}]}]);
    let rules = policy("permit", ask);
    let mut rig = setup(folder.path())
        .with(|setup| setup.policy = rules)
        .open(Mode::Auto)
        .await;
    call(
        &mut rig,
        "memory_write",
        json!({"key": "build", "text": "use make"}),
    )
    .await;
    assert_eq!(shelf(&mut rig).await, Vec::new());
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    let rows = shelf(&mut rig).await;
    assert_eq!((rows.len(), rows[0].approved), (1, true));
    rig.run("").await;
    open(&mut rig, Mode::Plan).await;
    let told = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert!(
        told.contains("approved by the operator)\nuse make"),
        "{told}"
    );
    rig.verified().await;
}

#[tokio::test]
async fn o4_the_newest_wins_and_what_the_operator_forgets_is_gone_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = setup(folder.path()).open(Mode::Auto).await;
    let first = rig.trajectory;
    call(
        &mut rig,
        "memory_write",
        json!({"key": "build", "text": "use make"}),
    )
    .await;
    open(&mut rig, Mode::Auto).await;
    call(
        &mut rig,
        "memory_write",
        json!({"key": "build", "text": "make is gone"}),
    )
    .await;
    rig.trajectory = first;
    let told = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert!(
        told.contains("make is gone") && !told.contains("use make"),
        "{told}"
    );
    open(&mut rig, Mode::Auto).await;
    let (trajectory, key) = (rig.trajectory, "build".to_owned());
    let forget = Command::Forget { trajectory, key };
    assert_eq!(rig.ask(forget).await, Replied::Accepted);
    rig.until_kind("commit", 1).await;
    assert_eq!(shelf(&mut rig).await, Vec::new());
    let mut rig = rig.restart(|_| {}).await;
    rig.trajectory = first;
    let told = call(&mut rig, "memory_recall", json!({"query": "make"})).await;
    assert_eq!(told, "no note has any of these words; 0 notes kept");
    rig.verified().await;
}
