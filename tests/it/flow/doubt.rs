//! Work found without an end: settled by looking where looking is enough, else in doubt `[X2]`.

use serde_json::json;
use thymos_core::Digest;
use thymos_core::body::{Body, Resolution};
use thymos_core::budget::Cost;
use thymos_core::delta::FileImage;
use thymos_core::effect::EffectClass;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::writ::Mode;
use thymos_policy::PolicySet;
use thymos_ports::Tool;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup};

const BEFORE: &str = "old";
const AFTER: &str = "new";

fn image(text: &str) -> FileImage {
    FileImage {
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        mode: 0o644,
    }
}

/// A tool that finds `now` in the file and would write [`AFTER`].
fn writer(now: &'static str) -> FakeTool {
    FakeTool::new("fs_write")
        .effect(EffectClass::Write)
        .resolving(move |_, _| {
            Ok(Resolved {
                effect: EffectClass::Write,
                paths: vec![ResolvedPath {
                    arg: "path".into(),
                    path: "a.txt".into(),
                    access: Access::Write,
                    before: Some(image(now)),
                    after: Some(image(AFTER)),
                }],
                estimate: Cost {
                    tool_calls: 1,
                    ..Cost::default()
                },
                ..Resolved::pure()
            })
        })
}

/// A call that the ledger breaks under, found again by a process that has `then` for its tool.
pub(crate) async fn interrupted(tool: FakeTool, then: &FakeTool) -> Rig {
    broken_under(tool, then, |_| {}).await
}

/// The same, found again under other rules.
pub(super) async fn interrupted_under(tool: FakeTool, then: &FakeTool, rules: PolicySet) -> Rig {
    broken_under(tool, then, |setup| setup.policy = rules).await
}

async fn broken_under(tool: FakeTool, then: &FakeTool, change: impl FnOnce(&mut Setup)) -> Rig {
    let name = tool.contract().name.clone();
    let steps = vec![Step::Turn(calls(vec![(
        name.as_str(),
        json!({"path": "a.txt"}),
    )]))];
    let setup = Setup::new(steps, &[]);
    let store = setup.store.clone();
    let dying = tool.acting(move |_| {
        store.poison("input/output error");
        Ok(Outcome::said("done", "done"))
    });
    let mut rig = setup
        .with(|setup| setup.tools = vec![dying.port()])
        .open(Mode::Auto)
        .await;
    rig.say("go").await;
    rig.until_kind("started", 1).await;
    rig.until_idle().await;
    rig.restart(|setup| {
        setup.store.reopen();
        setup.tools = vec![then.port()];
        change(setup);
    })
    .await
}

pub(super) fn found(rig: &Rig) -> Vec<(Resolution, String)> {
    let settled = |body: Body| match body {
        Body::Reconciled(body) => Some((body.resolution, body.reason)),
        _ => None,
    };
    rig.bodies().into_iter().filter_map(settled).collect()
}

async fn check_probed(then: FakeTool, tool: FakeTool, found_so: (Resolution, &str)) {
    let mut rig = interrupted(tool, &then).await;
    assert_eq!(rig.status().await.in_doubt, 0);
    let (resolution, reason) = found_so;
    assert_eq!(found(&rig), [(resolution, reason.to_owned())]);
    assert_eq!(then.runs(), 0, "nothing is run again by itself");
    rig.setup.model.push(Step::Turn(says("well")));
    rig.run("go on").await;
    rig.verified().await;
}

#[tokio::test]
async fn x2_a_read_without_an_end_leaves_nothing() {
    let tool = || FakeTool::new("grep").effect(EffectClass::Read);
    let reason = "it only reads, so nothing is left of it";
    check_probed(tool(), tool(), (Resolution::Probed, reason)).await;
}

#[tokio::test]
async fn x2_a_file_as_it_was_before_says_that_it_did_not_happen() {
    let reason = "every file is as it was before: it did not happen";
    let found_so = (Resolution::Probed, reason);
    check_probed(writer(BEFORE), writer(BEFORE), found_so).await;
}

#[tokio::test]
async fn x2_a_file_as_it_was_to_become_says_that_it_happened() {
    let reason = "every file is as it was to become: it happened";
    let found_so = (Resolution::FoundDone, reason);
    check_probed(writer(AFTER), writer(BEFORE), found_so).await;
}

#[tokio::test]
async fn x2_a_file_that_somebody_changed_meanwhile_stays_in_doubt() {
    let then = writer("edited by hand");
    let mut rig = interrupted(writer(BEFORE), &then).await;
    assert_eq!(rig.status().await.in_doubt, 1);
    assert_eq!(found(&rig), []);
    assert_eq!(then.runs(), 0);
}
