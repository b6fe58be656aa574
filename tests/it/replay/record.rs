//! A record with every kind of decision, made by the real kernel over fakes: work for those who forge.
//!
//! Cleared, refused by the gate, held, approved, answered in advance, denied, refused at admission,
//! failed, repeated.

use std::collections::BTreeMap;

use serde_json::json;
use thymos_core::Entry;
use thymos_core::approval::Decision;
use thymos_core::budget::Cost;
use thymos_core::delta::{Delta, Expect, FileImage, Resource, ResourceValue};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::Digest;
use thymos_core::outcome::{FaultKind, Outcome};
use thymos_core::resolved::{
    Preview, PreviewKind, Resolved, ResolvedExec, ResolvedHost, ResolvedResource,
};
use thymos_core::tool::Compensation;
use thymos_core::writ::Mode;
use thymos_protocol::{Command, Reach, Replied, ScopeChoice};
use thymos_testkit::fixtures::touches;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use crate::flow::rig::{Rig, Setup};

/// Sets one key to one value: a resource with a version, and a repeat the second time.
fn setter() -> FakeTool {
    let key = || Resource::Kv("cups".into());
    let resolving = move |_: &serde_json::Value, look: &thymos_ports::tool::Look<'_>| {
        Ok(Resolved {
            effect: EffectClass::Write,
            resources: vec![ResolvedResource {
                resource: key(),
                version: look.world.get(&key()).map(|now| now.version),
            }],
            compensation: Compensation::FromRecord,
            repeat_scope: "cups".into(),
            ..Resolved::pure()
        })
    };
    FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .resolving(resolving)
        .acting(move |_| {
            let mut outcome = Outcome::said("set", "set");
            outcome.deltas.push(Delta {
                resource: key(),
                expect: Expect::Anything,
                before: None,
                after: Some(ResourceValue::Json(json!(2))),
            });
            Ok(outcome)
        })
}

/// Writes a file that is there, and shows what it would write.
fn writer() -> FakeTool {
    let image = |bytes: &[u8]| FileImage {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        mode: 0o644,
    };
    FakeTool::new("fs_write")
        .effect(EffectClass::Write)
        .resolving(move |args, _| {
            let path = args["path"].as_str().unwrap_or("a.txt");
            let mut resolved = touches(path, EffectClass::Write);
            resolved.paths[0].before = Some(image(b"old\n"));
            resolved.paths[0].after = Some(image(b"new\n"));
            resolved.preview = Some(Preview {
                kind: PreviewKind::Diff,
                text: "-old\n+new\n".into(),
                added: 1,
                removed: 1,
                truncated: false,
            });
            resolved.notes = vec!["the file is under version control".into()];
            resolved.compensation = Compensation::FromRecord;
            Ok(resolved)
        })
}

/// Starts a process and reaches a host.
fn shell() -> FakeTool {
    let resolved = Resolved {
        effect: EffectClass::External,
        risk: Risk::Medium,
        exec: Some(ResolvedExec {
            arg: "command".into(),
            argv: vec!["cargo".into(), "fetch".into()],
            executable: "/opt/bin/cargo".into(),
            executable_digest: Digest::of(b"cargo"),
            cwd: ".".into(),
            env: BTreeMap::from([("TERM".into(), "dumb".into())]),
            stdin_bytes: 0,
            timeout_ms: 5_000,
            shape: "1 segment: no pipe, no redirect, no substitution".into(),
        }),
        hosts: vec![ResolvedHost {
            arg: "command".into(),
            host: "index.example".into(),
            port: 443,
            addresses: vec!["192.0.2.1".into()],
            method: "GET".into(),
        }],
        estimate: Cost {
            tool_calls: 1,
            wall_clock_ms: 5_000,
            ..Cost::default()
        },
        compensation: Compensation::Impossible("a process leaves no pre-images".into()),
        ..Resolved::pure()
    };
    FakeTool::new("shell")
        .effect(EffectClass::External)
        .risk(Risk::Medium)
        .resolving(move |_, _| Ok(resolved.clone()))
}

fn steps() -> Vec<Step> {
    let write = |path: &str| ("fs_write", json!({"path": path, "content": "new\n"}));
    let cups = || ("kv_set", json!({"key": "cups", "value": 2}));
    let turn = |calls_: Vec<(&str, serde_json::Value)>| Step::Turn(calls(calls_));
    vec![
        turn(vec![
            ("fs_read", json!({"path": "README.md"})),
            ("grep", json!({"pattern": "kettle"})),
            ("brew", json!({})),
            cups(),
        ]),
        turn(vec![
            cups(),
            ("deploy", json!({"to": "live"})),
            write("a.txt"),
        ]),
        Step::Turn(says("The kettle boils.")),
        turn(vec![write("notes/e.txt")]),
        turn(vec![
            write("notes/f.txt"),
            write("b.txt"),
            write("c.txt"),
            write("d.txt"),
            ("shell", json!({"command": "cargo fetch"})),
        ]),
    ]
}

/// Plays it and gives every entry, in log order.
pub(crate) async fn play() -> Vec<Entry> {
    let read = FakeTool::new("fs_read")
        .effect(EffectClass::Read)
        .resolving(|_, _| Ok(touches("README.md", EffectClass::Read)));
    let faulty = FakeTool::new("grep").faulting(FaultKind::Failed, "the pattern is too large");
    let deploy = FakeTool::new("deploy").effect(EffectClass::Write);
    let tools = [&read, &faulty, &deploy, &setter(), &writer(), &shell()];
    let mut rig = Setup::new(steps(), &tools).open(Mode::Auto).await;
    rig.run("give the kettle a label").await;
    rig.set_mode(Mode::Edit).await;
    rig.run("take notes").await;
    in_advance(&mut rig, "notes").await;
    rig.until_kind("commit", 5).await;
    rig.run("write it down").await;
    rig.until_kind("commit", 6).await;
    answer(&mut rig, "b.txt", Decision::Approve).await;
    rig.until_kind("commit", 7).await;
    answer(&mut rig, "c.txt", Decision::Deny).await;
    rig.until_kind("rejection", 3).await;
    rig.setup.clock.advance_ms(1_500);
    rig.set_mode(Mode::Plan).await;
    rig.until_kind("rejection", 4).await;
    let entries = rig.setup.store.entries();
    rig.verified().await;
    entries
}

/// Approves what is held below a folder, and twice more what will be.
async fn in_advance(rig: &mut Rig, folder: &str) {
    let holds = rig.holds().await;
    let row = holds.iter().find(|row| row.card.line.contains(folder));
    let mut answer = rig.answer_to(&row.expect("it is held").card, Decision::Approve, "");
    answer.scope = Some(ScopeChoice {
        reach: Reach::Below(folder.into()),
        for_ms: 60_000,
        uses: 2,
    });
    let replied = rig.ask(Command::Answer(answer)).await;
    assert_eq!(replied, Replied::Accepted);
}

async fn answer(rig: &mut Rig, path: &str, decision: Decision) {
    let holds = rig.holds().await;
    let row = holds.iter().find(|row| row.card.line.contains(path));
    let answer = rig.answer_to(
        &row.expect("it is held").card,
        decision,
        "as the label says",
    );
    rig.ask(Command::Answer(answer)).await;
}
