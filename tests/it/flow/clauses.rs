//! Poison tools `[T3]`: each clause fails in turn through the whole runtime, and no body ever runs.

use std::sync::Arc;

use serde_json::{Value, json};
use thymos_core::approval::Decision;
use thymos_core::body::{Body, Role, Stage, Stop};
use thymos_core::budget::Cost;
use thymos_core::delta::Resource;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::isolation::Rung;
use thymos_core::resolved::{Resolved, ResolvedResource};
use thymos_core::tool::{Compensation, Floor};
use thymos_core::trace::{Clause, Ruling, TraceLine};
use thymos_core::writ::{Mode, TrustRoots};
use thymos_ports::cognition::Turn;
use thymos_ports::tool::Unresolvable;
use thymos_protocol::{Command, Replied};
use thymos_runtime::floors::lifted;
use thymos_testkit::fixtures::{NOON, party, stranger_key};
use thymos_testkit::model::{calls, says};
use thymos_testkit::road::open_policy;
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup, policy};
use super::road::writer;

/// A tool that must not run; it says so if it does.
fn poison(name: &str) -> FakeTool {
    FakeTool::new(name).panicking()
}

fn wants(tool: &str, args: Value) -> Vec<Step> {
    vec![Step::Turn(calls(vec![(tool, args)]))]
}

/// The body never ran, and the one refusal names this clause.
async fn refused_by(rig: Rig, tool: &FakeTool, clause: &str) {
    let refusals = rig.refusals();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(
        (refusals[0].0.as_str(), refusals[0].1),
        (clause, Stage::Compile)
    );
    whole_trace(&rig, clause);
    never_ran(rig, tool).await;
}

/// Every clause spoke, in order, and the first that forbids is the one that is named.
fn whole_trace(rig: &Rig, clause: &str) -> Vec<Clause> {
    let trace = rig.bodies().into_iter().find_map(|body| match body {
        Body::Rejection(no) => Some(no.decided.trace),
        _ => None,
    });
    let trace = trace.expect("it is refused");
    let mut spoke: Vec<Clause> = trace.lines.iter().map(|line| line.clause).collect();
    spoke.dedup();
    assert_eq!(spoke, Clause::ALL, "the trace is whole and in order");
    let forbids = |line: &&TraceLine| line.ruling == Ruling::Forbid;
    let forbidding = trace.lines.iter().filter(forbids);
    let forbidding: Vec<Clause> = forbidding.map(|line| line.clause).collect();
    assert_eq!(forbidding[0].to_string(), clause);
    forbidding
}

/// The body never ran, the hold names this clause, and after a no the refusal does.
async fn held_by(mut rig: Rig, tool: &FakeTool, clause: &str) {
    let asks: Vec<String> = rig
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            Body::PendingApproval(pending) => Some(pending.terms.asks),
            _ => None,
        })
        .flatten()
        .map(|ask| ask.clause.to_string())
        .collect();
    assert_eq!(asks, [clause]);
    assert_eq!(tool.runs(), 0);
    rig.deny("no").await;
    rig.until_kind("rejection", 1).await;
    assert_eq!(rig.refusals()[0].0, clause);
    whole_trace(&rig, clause);
    never_ran(rig, tool).await;
}

async fn never_ran(rig: Rig, tool: &FakeTool) {
    assert_eq!(tool.runs(), 0);
    let begun = |body: &Body| matches!(body, Body::Started(_));
    assert!(!rig.bodies().iter().any(begun));
    rig.verified().await;
}

#[tokio::test]
async fn c1_arguments_that_are_no_object_never_reach_the_tool() {
    let tool = poison("grep");
    let turn: Turn = {
        let mut turn = calls(vec![("grep", json!({}))]);
        turn.calls[0].malformed = Some("{\"pattern\": ".into());
        turn
    };
    let mut rig = Setup::new(vec![Step::Turn(turn)], &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C1").await;
}

/// Whatever a model writes is recorded, refused and survived: it must not be able to end its session.
#[tokio::test]
async fn c1_k4_what_no_entry_can_hold_is_refused_and_the_session_goes_on() {
    let tool = FakeTool::new("grep");
    let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let mut turn = calls(vec![
        ("grep", json!({"a": nested(33)})),
        ("grep", json!({"a": nested(126)})),
        ("grep", json!({"a": 12_345_678_901_234_567_890_u64})),
        ("grep", json!({"a": "x".repeat(5 * 1024 * 1024)})),
        ("grep", json!({"a": nested(20)})),
    ]);
    turn.calls[3].tool = "y".repeat(5 * 1024 * 1024);
    turn.text = "z".repeat(5 * 1024 * 1024);
    let steps = vec![Step::Turn(turn), Step::Turn(says("sorry"))];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!(rig.stop(), Some(Stop::Done));
    let refused: Vec<String> = rig
        .refusals()
        .into_iter()
        .map(|(clause, ..)| clause)
        .collect();
    assert_eq!(refused, ["C1", "C1", "C1", "C1"]);
    assert_eq!(tool.runs(), 1, "what fits is done");
    rig.verified().await;
}

#[tokio::test]
async fn c2_a_writ_of_a_stranger_never_reaches_the_tool() {
    let tool = poison("grep");
    let strangers = TrustRoots {
        operators: vec![party("eve", &stranger_key())],
        policy: Vec::new(),
        retired: Vec::new(),
    };
    let setup = Setup::new(wants("grep", json!({})), &[&tool]);
    let mut rig = setup
        .with(|setup| setup.roots = strangers)
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    let refusals = rig.refusals();
    assert_eq!(refusals[0].0, "C2", "{refusals:?}");
    assert_eq!(tool.runs(), 0);
}

/// Whoever does not trust the operator of a hold cannot answer it, and must not use it up by trying.
#[tokio::test]
async fn a2_an_answer_where_the_writ_of_a_hold_is_not_trusted_leaves_the_hold_open() {
    let strangers = TrustRoots {
        operators: vec![party("eve", &stranger_key())],
        policy: Vec::new(),
        retired: Vec::new(),
    };
    for decision in [Decision::Approve, Decision::Deny] {
        let tool = writer();
        let mut rig = Setup::new(wants("fs_write", json!({"path": "a"})), &[&tool])
            .open(Mode::Edit)
            .await;
        rig.run("go").await;
        let (card, own) = (rig.card().await, rig.setup.roots.clone());
        let mut rig = rig.restart(|setup| setup.roots = strangers.clone()).await;
        let answer = rig.answer_to(&card, decision, "");
        let Replied::Fault(no) = rig.ask(Command::Answer(answer)).await else {
            panic!("it was taken");
        };
        assert!(
            no.message.contains("not among the trust roots"),
            "{}",
            no.message
        );
        let mut rig = rig.restart(|setup| setup.roots = own).await;
        rig.approve().await;
        rig.until_kind("commit", 1).await;
        assert_eq!(tool.runs(), 1);
        rig.verified().await;
    }
}

/// A turn that the ledger could not store would be thought again for ever, and never be paid for.
#[tokio::test]
async fn k4_b1_words_that_take_more_bytes_than_an_entry_has_are_cut_and_the_turn_is_charged() {
    let mut turn = says(&"\u{1}".repeat(1_000_000));
    turn.reasoning = "\"".repeat(2_000_000);
    let mut rig = Setup::new(vec![Step::Turn(turn)], &[])
        .open(Mode::Edit)
        .await;
    let events = rig.run("go").await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert!(
        kinds.contains(&"usage") && kinds.contains(&"closed"),
        "{kinds:?}"
    );
    let said = rig.bodies().into_iter().find_map(|body| match body {
        Body::Message(said) if said.role == Role::Model => Some(said),
        _ => None,
    });
    let said = said.unwrap();
    assert!(said.text.ends_with("[cut: it had 1000000 bytes]"));
    assert!(said.reasoning.ends_with("[cut: it had 2000000 bytes]"));
    rig.verified().await;
}

#[tokio::test]
async fn c3_a_revoked_writ_never_reaches_the_tool() {
    let tool = writer().panicking();
    let mut rig = Setup::new(wants("fs_write", json!({"path": "a"})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    rig.set_mode(Mode::Plan).await;
    rig.until_kind("rejection", 1).await;
    assert_eq!(rig.refusals()[0].0, "C3");
    never_ran(rig, &tool).await;
}

#[tokio::test]
async fn c4_an_expired_writ_never_reaches_the_tool() {
    let tool = poison("grep");
    let setup = Setup::new(Vec::new(), &[&tool]);
    let clock = setup.clock.clone();
    setup.model.push(Step::Look(Arc::new(move |_| {
        clock.advance_ms(25 * 60 * 60 * 1000);
        Ok(calls(vec![("grep", json!({}))]))
    })));
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    refused_by(rig, &tool, "C4").await;
}

#[tokio::test]
async fn c5_a_writ_of_another_tenant_never_reaches_the_tool() {
    let tool = poison("grep");
    let mut rig = Setup::new(wants("grep", json!({})), &[&tool])
        .open_under("acme", |_| {})
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C5").await;
}

#[tokio::test]
async fn c6_a_tool_that_is_not_pinned_is_never_reached() {
    let tool = poison("grep");
    let mut rig = Setup::new(wants("grep2", json!({})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C6").await;
}

#[tokio::test]
async fn c7_arguments_beyond_the_schema_never_reach_the_tool() {
    let tool = poison("grep").declaring(|contract| {
        contract.schema = json!({
            "type": "object",
            "properties": {"pattern": {"type": "string"}},
            "additionalProperties": false,
        });
    });
    let mut rig = Setup::new(wants("grep", json!({"patern": "x"})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C7").await;
}

#[tokio::test]
async fn c8_a_path_outside_the_grant_never_reaches_the_tool() {
    let tool = writer().panicking();
    let mut rig = Setup::new(wants("fs_write", json!({"path": "/etc/passwd"})), &[&tool])
        .open(Mode::Auto)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C8").await;
}

#[tokio::test]
async fn c9_an_effect_beyond_the_writ_never_reaches_the_tool() {
    let tool = poison("shell").effect(EffectClass::External);
    let mut rig = Setup::new(wants("shell", json!({})), &[&tool])
        .open(Mode::Plan)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C9").await;
}

#[tokio::test]
async fn c10_a_cage_that_cannot_be_had_never_reaches_the_tool() {
    let tool = poison("kv_set").effect(EffectClass::Write);
    let setup = Setup::new(wants("kv_set", json!({})), &[&tool]);
    let mut rig = setup
        .with(|setup| setup.rung = Rung::L0)
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C10").await;
}

#[tokio::test]
async fn c11_a_call_beyond_the_budget_never_reaches_the_tool() {
    let tool = poison("grep").resolving(|_, _| {
        Ok(Resolved {
            estimate: Cost {
                tool_calls: 1,
                usd_millicents: 600_000,
                ..Cost::default()
            },
            ..Resolved::pure()
        })
    });
    let mut rig = Setup::new(wants("grep", json!({})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C11").await;
}

#[tokio::test]
async fn c12_a_call_that_cannot_be_resolved_never_reaches_the_tool() {
    let tool = poison("grep").resolving(|_, _| Err(Unresolvable::new("there is no such file")));
    let mut rig = Setup::new(wants("grep", json!({})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    assert!(rig.refusals()[0].2.contains("there is no such file"));
    refused_by(rig, &tool, "C12").await;
}

#[tokio::test]
async fn c12_a_world_that_moved_never_reaches_the_tool() {
    let tool = poison("kv_get").resolving(|_, _| {
        Ok(Resolved {
            resources: vec![ResolvedResource {
                resource: Resource::Kv("a".into()),
                version: Some(9),
            }],
            ..Resolved::pure()
        })
    });
    let mut rig = Setup::new(wants("kv_get", json!({})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C12").await;
}

#[tokio::test]
async fn c12_a_tool_that_panics_while_looking_is_refused_and_the_session_lives() {
    let tool = poison("grep").resolving(|_, _| panic!("as told"));
    let mut rig = Setup::new(wants("grep", json!({})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C12").await;
}

#[tokio::test]
async fn c13_a_call_that_policy_forbids_never_reaches_the_tool() {
    let tool = poison("grep");
    let setup = Setup::new(wants("grep", json!({})), &[&tool]);
    let mut rig = setup
        .with(|setup| setup.policy = policy("forbid", json!([])))
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    refused_by(rig, &tool, "C13").await;
}

#[tokio::test]
async fn c13_a_call_that_policy_asks_about_waits() {
    let tool = writer().panicking();
    let mut rig = Setup::new(wants("fs_write", json!({"path": "a"})), &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("go").await;
    held_by(rig, &tool, "C13").await;
}

#[tokio::test]
async fn c14_a_call_that_cannot_be_taken_back_waits() {
    let tool = poison("launch").effect(EffectClass::Irreversible);
    let tool = tool.declaring(|contract| {
        contract.compensation = Compensation::Impossible("it is gone".into());
    });
    let setup = Setup::new(wants("launch", json!({})), &[&tool]);
    let mut rig = setup
        .with(|setup| setup.policy = open_policy())
        .open_under("", |_| {})
        .await;
    rig.run("go").await;
    held_by(rig, &tool, "C14").await;
}

#[tokio::test]
async fn c15_a_risky_call_waits() {
    let tool = poison("launch").risk(Risk::Critical);
    let setup = Setup::new(wants("launch", json!({})), &[&tool]);
    let mut rig = setup
        .with(|setup| setup.policy = open_policy())
        .open_under("", |writ| writ.window.not_before = NOON)
        .await;
    rig.run("go").await;
    held_by(rig, &tool, "C15").await;
}

#[tokio::test]
async fn t3_of_several_failures_the_first_clause_names_the_refusal_and_all_are_told() {
    let tool = poison("grep")
        .effect(EffectClass::Irreversible)
        .risk(Risk::Critical)
        .declaring(|contract| {
            contract.schema = json!({"type": "object", "properties": {}});
            contract.compensation = Compensation::Impossible("it is gone".into());
        })
        .resolving(|_, _| panic!("arguments that do not fit are not looked at"));
    let setup = Setup::new(wants("grep", json!({"patern": "x"})), &[&tool]);
    let mut rig = setup
        .with(|setup| setup.policy = policy("forbid", json!([])))
        .open_under("acme", |writ| {
            writ.window.expires_at = None;
            writ.grants[0].tool = "kv_*".into();
        })
        .await;
    rig.run("go").await;
    let refused = whole_trace(&rig, "C5");
    assert_eq!(
        refused,
        [Clause::C5, Clause::C7, Clause::C8, Clause::C12, Clause::C13]
    );
    refused_by(rig, &tool, "C5").await;
}

#[tokio::test]
async fn c18_a_tool_that_claims_less_than_the_operators_table_is_lifted() {
    let tame = FakeTool::new("grep");
    let steps = || {
        vec![
            Step::Turn(calls(vec![("grep", json!({}))])),
            Step::Turn(says("done")),
        ]
    };
    let table = |floor: Floor| {
        let tools = vec![lifted(tame.port(), floor)];
        Setup::new(steps(), &[]).with(|setup| setup.tools = tools)
    };
    // It says that it is pure and harmless; the operator says that it reaches outside.
    let external = Floor {
        effect: Some(EffectClass::External),
        ..Floor::default()
    };
    let mut rig = table(external).open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!((tame.runs(), rig.stop()), (0, Some(Stop::Held)));
    assert_eq!(rig.card().await.effect, EffectClass::External);
    rig.verified().await;
    let risky = Floor {
        effect: Some(EffectClass::Write),
        risk: Some(Risk::High),
        ..Floor::default()
    };
    let mut rig = table(risky).open(Mode::Auto).await;
    rig.run("go").await;
    assert_eq!((tame.runs(), rig.card().await.risk), (0, Risk::High));
    rig.verified().await;
    let caged = Floor {
        rung: Some(Rung::L4),
        ..Floor::default()
    };
    let mut rig = table(caged).open(Mode::Auto).await;
    rig.run("go").await;
    let (clause, _, said) = rig.refusals().remove(0);
    assert_eq!((clause.as_str(), tame.runs()), ("C12", 0));
    assert!(
        said.contains("wants a cage of L4 or better for `grep`"),
        "{said}"
    );
    rig.verified().await;
}
