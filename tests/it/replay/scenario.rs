//! The scenario of the golden ledger: one session that meets every kind of entry written today.
//!
//! Edits that are approved, denied and replaced, a refusal, a fault, modes, and a crash in the
//! middle of a call that is settled afterwards. Tools are fakes with real contracts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use thymos_core::TrajectoryId;
use thymos_core::approval::{Decision, Via};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::FaultKind;
use thymos_core::writ::Mode;
use thymos_ports::Tool;
use thymos_protocol::{Answer, Command, HoldRow, Replied, What};
use thymos_testkit::fixtures::touches;
use thymos_testkit::{FakeTool, ScriptedModel, Step, model};

use super::kernel::{Client, Life, clock, live};

/// How long the crashed life may take to fall.
const PATIENCE: Duration = Duration::from_secs(30);

/// The tools: reading, writing, one that faults, one that never ends.
fn tools() -> (Vec<Arc<dyn Tool>>, FakeTool) {
    let read = FakeTool::new("fs_read").effect(EffectClass::Read);
    let read = read.resolving(|_, _| Ok(touches("README.md", EffectClass::Read)));
    let write = FakeTool::new("fs_write").effect(EffectClass::Write);
    let write = write.resolving(|args, _| {
        let path = args.get("path").and_then(|path| path.as_str());
        Ok(touches(path.unwrap_or("a.txt"), EffectClass::Write))
    });
    let faulty = FakeTool::new("grep").effect(EffectClass::Read);
    let faulty = faulty.faulting(FaultKind::Failed, "the pattern is too large");
    let hanging = FakeTool::new("kv_set").effect(EffectClass::Write).hanging();
    let remember = FakeTool::new("memory_write").effect(EffectClass::Write);
    let all = vec![
        read.port(),
        write.port(),
        faulty.port(),
        hanging.port(),
        remember.port(),
    ];
    (all, hanging)
}

fn script() -> ScriptedModel {
    let write = |path: &str, text: &str| ("fs_write", json!({"path": path, "content": text}));
    ScriptedModel::new(vec![
        Step::Turn(model::calls(vec![
            ("fs_read", json!({"path": "README.md"})),
            ("grep", json!({"pattern": "kettle"})),
            (
                "memory_write",
                json!({"key": "k", "text": "outside the writ of edit"}),
            ),
        ])),
        Step::Turn(model::calls(vec![
            write("a.txt", "approved\n"),
            write("b.txt", "denied\n"),
            write("c.txt", "replaced\n"),
        ])),
        Step::Turn(model::says("The kettle boils.")),
        Step::Turn(model::calls(vec![(
            "kv_set",
            json!({"key": "half", "value": 1}),
        )])),
    ])
}

/// Plays it into a new ledger file, which is one plain file afterwards.
pub(super) fn play(path: &Path) {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    };
    let clock = clock();
    let script = Arc::new(script());
    let (tools, hanging) = tools();
    let life = |seed, tools| Life {
        ledger: path,
        tools,
        model: script.clone(),
        clock: clock.clone(),
        seed,
    };
    let first = runtime();
    let (client, trajectory) = first.block_on(async {
        let mut client = live(life(1, tools));
        let trajectory = work(&mut client).await;
        prompt(&mut client, trajectory, "count the cups").await;
        hanging.entered().notified().await;
        (client, trajectory)
    });
    // The crash: all tasks are dropped where they stand, and the call has no end in the record.
    // The link goes last, for a closed link would let the kernel end in order.
    first.shutdown_timeout(PATIENCE);
    drop(client);
    clock.advance_ms(60_000);
    runtime().block_on(async {
        let mut client = live(life(2, self::tools().0));
        settled(&mut client, trajectory).await;
        client.shut_down().await;
    });
    flatten(path);
}

async fn work(client: &mut Client) -> TrajectoryId {
    let Replied::Opened(status) = client.ask(Command::begin(Mode::Edit)).await else {
        panic!("not opened");
    };
    let trajectory = status.trajectory;
    prompt(client, trajectory, "give the kettle a label").await;
    client
        .until(trajectory, 3, |what| matches!(what, What::Suspended { .. }))
        .await;
    client.until(trajectory, 1, is_closed).await;
    let holds = client.holds().await;
    for (path, decision) in [("a.txt", Decision::Approve), ("b.txt", Decision::Deny)] {
        answer(client, hold(&holds, path), decision).await;
    }
    let replaced = hold(&holds, "c.txt");
    client
        .ask(Command::Edit {
            trajectory,
            proposal: replaced.card.proposal,
            args: json!({"path": "d.txt", "content": "by hand\n"}),
        })
        .await;
    client
        .until(trajectory, 4, |what| matches!(what, What::Suspended { .. }))
        .await;
    let holds = client.holds().await;
    answer(client, hold(&holds, "d.txt"), Decision::Approve).await;
    client.until(trajectory, 2, is_closed).await;
    for mode in [Mode::Plan, Mode::Edit] {
        client.ask(Command::SetMode { trajectory, mode }).await;
    }
    trajectory
}

/// The second life finds the call without an end, and settles it by the tool's contract.
async fn settled(client: &mut Client, trajectory: TrajectoryId) {
    client.ask(Command::Open { trajectory }).await;
    client
        .until(trajectory, 1, |what| matches!(what, What::Settled { .. }))
        .await;
}

fn is_closed(what: &What) -> bool {
    matches!(what, What::Closed { .. })
}

async fn prompt(client: &mut Client, trajectory: TrajectoryId, text: &str) {
    let text = text.to_owned();
    client.ask(Command::Prompt { trajectory, text }).await;
}

fn hold<'a>(holds: &'a [HoldRow], path: &str) -> &'a HoldRow {
    let found = holds.iter().find(|row| row.card.line.contains(path));
    found.unwrap_or_else(|| panic!("no hold of {path} in {holds:?}"))
}

async fn answer(client: &mut Client, row: &HoldRow, decision: Decision) {
    let answer = Answer {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        presented: row.card.presented,
        decision,
        reason: "as the label says".into(),
        via: Via::Cli,
        fully_viewed: true,
        scope: None,
        signed: None,
    };
    client.ask(Command::Answer(answer)).await;
}

/// Folds the write-ahead file into the ledger and leaves one file behind.
fn flatten(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    connection.close().unwrap();
    for suffix in ["-wal", "-shm", "-bell"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        drop(std::fs::remove_file(beside));
    }
}
