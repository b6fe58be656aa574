//! Secrets never reach the stored bytes, and the tool gets them all the same `[R1]` `[R2]` `[R4]`.

use serde_json::json;
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::{FaultKind, Outcome};
use thymos_core::writ::Mode;
use thymos_ports::tool::ToolFault;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, MemoryStore, Step};

use super::rig::Setup;

const OWN: &str = "correct-horse-battery-staple-9";
const KNOWN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ456789";

/// Whether any stored byte of any entry spells this.
fn stored(store: &MemoryStore, secret: &str) -> bool {
    store.entries().iter().any(|entry| {
        let body = entry.body().unwrap_or_default();
        let spelled = |bytes: &[u8]| {
            bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        };
        spelled(body) || spelled(&entry.header_bytes)
    })
}

#[tokio::test]
async fn r1_no_field_of_any_entry_holds_a_secret_and_the_tool_gets_the_real_one() {
    let spilling = FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .acting(|_| {
            let mut outcome = Outcome::said(format!("token={OWN}"), format!("found {KNOWN}"));
            outcome.data = Some(json!({"password": OWN}));
            outcome.deltas.push(Delta {
                resource: Resource::Kv("a".into()),
                expect: Expect::Absent,
                before: None,
                after: Some(ResourceValue::Json(json!({"key": KNOWN}))),
            });
            Ok(outcome)
        });
    let breaking = FakeTool::new("grep")
        .acting(|_| Err(ToolFault::new(FaultKind::Failed, format!("bad {OWN}"))));
    let mut last = says(&format!("the key is {OWN}"));
    last.reasoning = format!("I saw {KNOWN}");
    let steps = vec![
        Step::Turn(calls(vec![
            ("kv_set", json!({"key": "a", "value": OWN, "note": KNOWN})),
            ("grep", json!({"pattern": OWN})),
            ("deploy", json!({"token": KNOWN})),
        ])),
        Step::Turn(last),
    ];
    let setup = Setup::new(steps, &[&spilling, &breaking])
        .with(|setup| setup.secrets = vec![OWN.to_owned()]);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run(&format!("use {OWN} and {KNOWN}")).await;
    assert_eq!(
        spilling.args(),
        [json!({"key": "a", "value": OWN, "note": KNOWN})]
    );
    assert_eq!((spilling.runs(), breaking.runs()), (1, 1));
    for secret in [OWN, KNOWN] {
        assert!(!stored(&rig.setup.store, secret), "{secret} is stored");
    }
    rig.verified().await;
}

#[tokio::test]
async fn r1_a_held_call_with_a_secret_shows_none_and_runs_with_it() {
    let tool = super::road::writer();
    let steps = vec![Step::Turn(calls(vec![(
        "fs_write",
        json!({"path": "a", "content": format!("key {OWN}")}),
    )]))];
    let setup = Setup::new(steps, &[&tool]).with(|setup| setup.secrets = vec![OWN.to_owned()]);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("write").await;
    let card = rig.card().await;
    assert!(!format!("{card:?}").contains(OWN));
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    assert_eq!(tool.args()[0]["content"], format!("key {OWN}"));
    assert!(!stored(&rig.setup.store, OWN));
    rig.verified().await;
}

#[tokio::test]
async fn r1_a_held_call_whose_secret_was_lost_with_its_process_is_refused_not_run_redacted() {
    let tool = super::road::writer();
    let steps = vec![Step::Turn(calls(vec![(
        "fs_write",
        json!({"path": "a", "content": OWN}),
    )]))];
    let setup = Setup::new(steps, &[&tool]).with(|setup| setup.secrets = vec![OWN.to_owned()]);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("write").await;
    let mut rig = rig.restart(|_| {}).await;
    rig.approve().await;
    rig.until_kind("rejection", 1).await;
    let (clause, _, said) = rig.refusals().remove(0);
    assert_eq!(clause, "C12");
    assert!(said.contains("secrets are not stored"), "{said}");
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}
