//! The operator's settings make the ceremony of a card stricter, and the record says so `[A8]`.

use serde_json::json;
use thymos_core::approval::Decision;
use thymos_core::body::Body;
use thymos_core::effect::EffectClass;
use thymos_core::verdict::Tightening;
use thymos_core::writ::Mode;
use thymos_protocol::{Command, Reach, Replied, ScopeChoice};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup};
use super::road::writer;

fn writes(path: &str) -> Step {
    Step::Turn(calls(vec![(
        "fs_write",
        json!({"path": path, "content": "x"}),
    )]))
}

fn typed() -> Tightening {
    Tightening {
        type_back: true,
        ..Tightening::none()
    }
}

async fn held(tool: &FakeTool, approvals: Tightening) -> Rig {
    let setup =
        Setup::new(vec![writes("src/a")], &[tool]).with(|setup| setup.approvals = approvals);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("write").await;
    rig
}

#[tokio::test]
async fn a8_settings_reach_the_card_the_timer_and_the_record() {
    let tool = writer();
    let approvals = Tightening {
        expires_after_ms: Some(60_000),
        quorum: Some(2),
        ..typed()
    };
    let mut rig = held(&tool, approvals).await;
    let card = rig.card().await;
    assert!(card.ceremony.type_back && !card.ceremony.batch);
    assert_eq!(card.quorum, 2);
    assert_eq!(card.expires_at, Some(card.held_at.plus_ms(60_000)));
    let recorded = rig.bodies().into_iter().find_map(|body| match body {
        Body::PendingApproval(pending) => Some(pending.decided.facts.approvals),
        _ => None,
    });
    assert_eq!(recorded, Some(approvals));
    rig.approve().await;
    assert_eq!(tool.runs(), 0, "one of two");
    rig.setup.clock.advance_ms(60_000);
    rig.until_kind("rejection", 1).await;
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn a8_a_hold_from_before_the_settings_is_refused_and_asked_anew() {
    let tool = writer();
    let rig = held(&tool, Tightening::none()).await;
    let mut rig = rig.restart(|setup| setup.approvals = typed()).await;
    rig.approve().await;
    rig.until_kind("rejection", 1).await;
    assert_eq!(tool.runs(), 0);
    let (clause, _, said) = rig.refusals().remove(0);
    let expected = "approvals are typed back by now, and this card did not ask for it";
    assert_eq!((clause.as_str(), said.as_str()), ("C13", expected));
    rig.setup.model.push(writes("src/a"));
    rig.run("again").await;
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}

#[tokio::test]
async fn a8_what_is_typed_back_is_neither_answered_ahead_of_time_nor_with_scope() {
    for (settings, runs) in [(Tightening::none(), 2), (typed(), 1)] {
        let tool = writer();
        let mut rig = held(&tool, Tightening::none()).await;
        let card = rig.card().await;
        let scope = ScopeChoice {
            reach: Reach::Below("src".into()),
            for_ms: 600_000,
            uses: 5,
        };
        let mut answer = rig.answer_to(&card, Decision::Approve, "");
        answer.scope = Some(scope.clone());
        assert_eq!(rig.ask(Command::Answer(answer)).await, Replied::Accepted);
        rig.until_kind("commit", 1).await;
        let mut rig = rig.restart(|setup| setup.approvals = settings).await;
        rig.setup.model.push(writes("src/b"));
        rig.setup.model.push(Step::Turn(says("done")));
        rig.run("one more").await;
        assert_eq!(tool.runs(), runs);
        if settings.type_back {
            let card = rig.card().await;
            let mut answer = rig.answer_to(&card, Decision::Approve, "");
            answer.scope = Some(scope);
            let replied = rig.ask(Command::Answer(answer)).await;
            assert!(matches!(replied, Replied::Fault(_)), "{replied:?}");
        }
        rig.verified().await;
    }
}

#[tokio::test]
async fn a8_what_no_rule_asks_about_is_done_as_ever() {
    let tool = FakeTool::new("kv_get").effect(EffectClass::Read);
    let steps = vec![
        Step::Turn(calls(vec![("kv_get", json!({}))])),
        Step::Turn(says("done")),
    ];
    let setup = Setup::new(steps, &[&tool]).with(|setup| setup.approvals = typed());
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("look").await;
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}
