//! Approve with scope, the smallest grant, quorum and timers, from a person's side `[A1]`-`[A6]` `[C16]`.

use serde_json::{Value, json};
use thymos_core::approval::{self, Decision, Via};
use thymos_core::body::{Body, Stage};
use thymos_core::key::SigningKey;
use thymos_core::writ::Mode;
use thymos_core::{EntryId, WritId};
use thymos_protocol::{
    Answer, Card, Changed, Command, Reach, Replied, ScopeChoice, ScopePreview, WritState,
};
use thymos_testkit::fixtures::{party, policy_key, stranger_key};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup, policy};
use super::road::writer;

const MINUTE_MS: u64 = 60 * 1000;

/// A model that writes these files, one a turn, and then is done.
fn writes(paths: &[&str]) -> Vec<Step> {
    let one = |path: &&str| {
        Step::Turn(calls(vec![(
            "fs_write",
            json!({"path": path, "content": "x"}),
        )]))
    };
    paths.iter().map(one).collect()
}

fn below(folder: &str, uses: u64) -> ScopeChoice {
    ScopeChoice {
        reach: Reach::Below(folder.into()),
        for_ms: 10 * MINUTE_MS,
        uses,
    }
}

async fn held(tool: &FakeTool, paths: &[&str]) -> Rig {
    let setup = Setup::new(writes(paths), &[tool]).with(|setup| setup.continues = true);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("write").await;
    rig
}

async fn scoped(rig: &mut Rig, scope: ScopeChoice) -> Replied {
    let card = rig.card().await;
    let mut answer = rig.answer_to(&card, Decision::Approve, "");
    answer.scope = Some(scope);
    rig.ask(Command::Answer(answer)).await
}

async fn preview(rig: &mut Rig, scope: ScopeChoice) -> Replied {
    let proposal = rig.card().await.proposal;
    let trajectory = rig.trajectory;
    rig.ask(Command::PreviewScope {
        trajectory,
        proposal,
        scope,
    })
    .await
}

async fn shown(rig: &mut Rig, scope: ScopeChoice) -> ScopePreview {
    match preview(rig, scope).await {
        Replied::ScopePreview(preview) => *preview,
        other => panic!("{other:?}"),
    }
}

fn fault_of(replied: Replied) -> String {
    match replied {
        Replied::Fault(fault) | Replied::NotCounted(fault) => fault.message,
        other => panic!("{other:?}"),
    }
}

async fn standing(rig: &mut Rig) -> WritId {
    let trajectory = rig.trajectory;
    let Replied::Writs(rows) = rig.ask(Command::Writs { trajectory }).await else {
        panic!("no writs")
    };
    let mut standing = rows.iter().filter(|row| row.state == WritState::Standing);
    standing.next().expect("a pre-answer").id
}

#[tokio::test]
async fn a6_a_scope_answers_later_asks_below_its_folder_and_names_itself_in_each_trace() {
    let tool = writer();
    let mut rig = held(&tool, &["src/a", "src/b", "src/c"]).await;
    assert_eq!(scoped(&mut rig, below("src", 5)).await, Replied::Accepted);
    rig.until_kind("closed", 2).await;
    assert_eq!(
        tool.runs(),
        3,
        "the first was approved, the others answered ahead of time"
    );
    let id = standing(&mut rig).await;
    let traces: Vec<String> = rig
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            Body::Started(started) if !started.pre_answered.is_empty() => {
                assert_eq!(started.pre_answered, [id]);
                let lines = started.decided.trace.lines.clone().into_iter();
                lines
                    .map(|line| line.said)
                    .find(|said| said.starts_with("pre-answered"))
            }
            _ => None,
        })
        .collect();
    let short = id.short();
    let line = |n: u32| format!("pre-answered by `ada` in writ {short}, use {n} of 5");
    assert_eq!(traces, [line(1), line(2)]);
    rig.verified().await;
}

#[tokio::test]
async fn a6_a_scope_ends_with_its_count_its_time_its_folder_and_its_writ() {
    let tool = writer();
    let mut rig = held(&tool, &["src/a", "src/b", "src/c"]).await;
    scoped(&mut rig, below("src", 1)).await;
    rig.until_kind("pending_approval", 2).await;
    assert_eq!(tool.runs(), 2, "one use, then it is asked again");
    rig.verified().await;

    let tool = writer();
    let mut rig = held(&tool, &["src/a", "other/b"]).await;
    scoped(&mut rig, below("src", 5)).await;
    rig.until_kind("pending_approval", 2).await;
    assert_eq!(tool.runs(), 1, "another folder is asked");
    rig.verified().await;

    let tool = writer();
    let mut rig = held(&tool, &["src/a"]).await;
    scoped(&mut rig, below("src", 5)).await;
    rig.until_kind("closed", 2).await;
    for step in writes(&["src/b", "src/c"]) {
        rig.setup.model.push(step);
    }
    rig.setup.clock.advance_ms(11 * MINUTE_MS);
    rig.run("more").await;
    assert_eq!(tool.runs(), 1, "its time is over");
    rig.verified().await;
}

#[tokio::test]
async fn a6_revoking_a_pre_answer_makes_the_next_call_ask() {
    let tool = writer();
    let mut rig = held(&tool, &["src/a"]).await;
    scoped(&mut rig, below("src", 5)).await;
    rig.until_kind("closed", 2).await;
    let (trajectory, writ) = (rig.trajectory, standing(&mut rig).await);
    let reason = "enough".to_owned();
    let revoked = rig
        .ask(Command::Revoke {
            trajectory,
            writ,
            reason,
        })
        .await;
    assert_eq!(revoked, Replied::Accepted);
    for step in writes(&["src/b"]) {
        rig.setup.model.push(step);
    }
    rig.run("more").await;
    assert_eq!(tool.runs(), 1);
    assert_eq!(rig.holds().await.len(), 1);
    rig.verified().await;
}

#[tokio::test]
async fn a6_a_pre_answer_satisfies_an_ask_and_never_a_forbid() {
    let tool = writer();
    let mut rig = held(&tool, &["src/a", "src/secret"]).await;
    let rules = json!([
        {"id": "ask", "reason": "r", "decision": "ask", "if_missing": "skip",
         "when": {"field": "resolved.effect", "op": "eq", "value": "write"}, "examples": []},
        {"id": "never", "reason": "not this one", "decision": "forbid", "if_missing": "skip",
         "when": {"field": "resolved.paths", "op": "under", "value": "src/secret"}, "examples": []}
    ]);
    scoped(&mut rig, below("src", 5)).await;
    rig.until_kind("closed", 2).await;
    // Under the stock policy it passed; under one that forbids it nothing helps.
    assert_eq!(tool.runs(), 2);
    let mut rig = rig
        .restart(|setup| setup.policy = policy("permit", rules))
        .await;
    for step in writes(&["src/secret"]) {
        rig.setup.model.push(step);
    }
    rig.run("more").await;
    assert_eq!(tool.runs(), 2);
    assert_eq!(rig.refusals().remove(0).0, "C13");
    rig.verified().await;
}

#[tokio::test]
async fn a6_a_preview_tells_what_history_it_would_have_covered_and_what_it_misses() {
    let tool = writer();
    let mut rig = held(&tool, &["src/a", "src/b", "docs/c"]).await;
    for expected in 2..=3 {
        rig.approve().await;
        rig.until_kind("pending_approval", expected).await;
    }
    let preview = shown(&mut rig, below("docs", 3)).await;
    assert_eq!(
        (preview.matched, preview.near_misses.len()),
        (1, 2),
        "{preview:#?}"
    );
    assert!(
        preview
            .near_misses
            .iter()
            .all(|past| past.decided == "approved")
    );
    assert!(
        preview
            .writ
            .iter()
            .any(|line| line.contains("at most 3 times")),
        "{preview:#?}"
    );
    // Looking signs nothing.
    assert!(rig.bodies().iter().all(
        |body| !matches!(body, Body::WritIssued(issued) if issued.writ.writ.pre_answer.is_some())
    ));
    rig.verified().await;
}

#[tokio::test]
async fn a6_holds_that_a_pre_answer_covers_are_drained_only_when_asked_for() {
    let tool = writer();
    let both = vec![
        ("fs_write", json!({"path": "src/a", "content": "x"})),
        ("fs_write", json!({"path": "src/b", "content": "x"})),
    ];
    let mut rig = Setup::new(vec![Step::Turn(calls(both))], &[&tool])
        .open(Mode::Edit)
        .await;
    rig.run("write").await;
    let preview = shown(&mut rig, below("src", 5)).await;
    assert_eq!(preview.covers.len(), 1);
    scoped(&mut rig, below("src", 5)).await;
    rig.until_kind("commit", 1).await;
    assert_eq!(rig.holds().await.len(), 1, "the other one still waits");
    let trajectory = rig.trajectory;
    let drained = rig
        .ask(Command::Drain {
            trajectory,
            proposals: preview.covers,
        })
        .await;
    assert_eq!(drained, Replied::Accepted);
    rig.until_kind("commit", 2).await;
    assert!(rig.holds().await.is_empty());
    rig.verified().await;
}

#[tokio::test]
async fn a6_what_no_scope_may_reach_says_so_and_signs_nothing() {
    let tool = writer();
    let mut rig = held(&tool, &["src/a"]).await;
    for (scope, words) in [
        (below("other", 5), "cannot be reached"),
        (below("src", 0), "at least one"),
        (
            ScopeChoice {
                reach: Reach::Slots(vec![0]),
                ..below("", 5)
            },
            "cannot be reached",
        ),
        (
            ScopeChoice {
                reach: Reach::Host("x".into()),
                ..below("", 5)
            },
            "cannot be reached",
        ),
        (
            ScopeChoice {
                for_ms: u64::MAX,
                ..below("src", 5)
            },
            "lasts at most",
        ),
    ] {
        let said = fault_of(preview(&mut rig, scope.clone()).await);
        assert!(said.contains(words), "{said}");
        fault_of(scoped(&mut rig, scope).await);
    }
    assert_eq!(rig.holds().await.len(), 1);
    rig.verified().await;
}

#[tokio::test]
async fn a6_an_irreversible_call_is_asked_every_time() {
    use thymos_core::effect::EffectClass;
    let tool = FakeTool::new("shell").effect(EffectClass::Irreversible);
    let steps = vec![Step::Turn(calls(vec![("shell", json!({"x": 1}))]))];
    let setup = Setup::new(steps, &[&tool]);
    let mut rig = setup
        .open_under("", |writ| {
            writ.effects = thymos_core::effect::Effects::Ceiling(EffectClass::Irreversible);
        })
        .await;
    rig.run("go").await;
    let exact = ScopeChoice {
        reach: Reach::Exact,
        for_ms: MINUTE_MS,
        uses: 1,
    };
    let said = fault_of(preview(&mut rig, exact).await);
    assert!(said.contains("every time"), "{said}");
    rig.verified().await;
}

async fn rejection(rig: &mut Rig) -> EntryId {
    let events = rig.until_kind("rejection", 1).await;
    events
        .iter()
        .rev()
        .find(|event| event.kind == "rejection")
        .unwrap()
        .entry
}

#[tokio::test]
async fn c16_the_smallest_grant_of_a_refusal_is_signed_and_then_the_call_passes() {
    let tool = FakeTool::new("deploy");
    let want = || Step::Turn(calls(vec![("deploy", json!({"to": "staging"}))]));
    let steps = vec![want(), Step::Turn(says("refused"))];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("deploy").await;
    let (entry, trajectory) = (rejection(&mut rig).await, rig.trajectory);
    let Replied::GrantPreview(preview) = rig.ask(Command::PreviewGrant { trajectory, entry }).await
    else {
        panic!("no preview")
    };
    assert!(
        preview
            .difference
            .iter()
            .any(|line| line.starts_with("+ deploy with")),
        "{preview:?}"
    );
    assert_eq!(
        rig.ask(Command::SignGrant { trajectory, entry }).await,
        Replied::Accepted
    );
    // Once it is there, nothing is missing, and nothing more is signed.
    let signed = rig.bodies().len();
    for again in [
        Command::PreviewGrant { trajectory, entry },
        Command::SignGrant { trajectory, entry },
    ] {
        let said = fault_of(rig.ask(again).await);
        assert!(
            said.contains("nothing is missing for it any more"),
            "{said}"
        );
    }
    assert_eq!(rig.bodies().len(), signed);
    rig.setup.model.push(want());
    rig.setup.model.push(Step::Turn(calls(vec![(
        "deploy",
        json!({"to": "production"}),
    )])));
    rig.run("again").await;
    assert_eq!(
        tool.args(),
        [json!({"to": "staging"})],
        "exactly that call, and no other"
    );
    rig.verified().await;
}

#[tokio::test]
async fn c16_what_was_missing_is_measured_by_the_writ_in_force_now() {
    let tool = FakeTool::new("kv_get").effect(thymos_core::effect::EffectClass::Read);
    let look = || Step::Turn(calls(vec![("kv_get", json!({"key": "a"}))]));
    let setup = Setup::new(vec![look(), look(), Step::Turn(says("refused"))], &[&tool]);
    let mut rig = setup
        .open_under("kv_get", |writ| writ.budget.tool_calls = Some(1))
        .await;
    rig.run("look").await;
    let (entry, trajectory) = (rejection(&mut rig).await, rig.trajectory);
    let mode = Command::SetMode {
        trajectory,
        mode: Mode::Plan,
    };
    assert_eq!(rig.ask(mode).await, Replied::Accepted);
    let before = rig.bodies().len();
    let said = fault_of(rig.ask(Command::SignGrant { trajectory, entry }).await);
    assert!(said.ends_with("it would be let through"), "{said}");
    assert_eq!(rig.bodies().len(), before);
    rig.verified().await;
}

#[tokio::test]
async fn c16_what_a_rule_forbids_no_grant_lifts() {
    let tool = writer();
    let rules = json!([{"id": "never", "reason": "r", "decision": "forbid", "if_missing": "skip",
         "when": {"field": "resolved.effect", "op": "eq", "value": "write"}, "examples": []}]);
    let setup =
        Setup::new(writes(&["a"]), &[&tool]).with(|setup| setup.policy = policy("permit", rules));
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    let (entry, trajectory) = (rejection(&mut rig).await, rig.trajectory);
    let said = fault_of(rig.ask(Command::SignGrant { trajectory, entry }).await);
    assert!(said.contains("`builtin/never`"), "{said}");
    rig.verified().await;
}

fn asking(more: &Value) -> Value {
    let mut ask = json!({"channel": "team"});
    ask.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!([{"id": "team", "reason": "the team decides", "decision": {"ask": ask}, "if_missing": "skip",
         "when": {"field": "resolved.effect", "op": "eq", "value": "write"}, "examples": []}])
}

async fn asked(tool: &FakeTool, ask: &Value) -> Rig {
    asked_by(tool, asking(ask)).await
}

async fn asked_by(tool: &FakeTool, rules: Value) -> Rig {
    let setup = Setup::new(writes(&["a"]), &[tool]).with(|setup| {
        setup.policy = policy("permit", rules);
        setup.roots.operators.push(party("bob", &policy_key()));
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    rig
}

/// Another approver's answer, signed with their own key.
fn signed(rig: &Rig, card: &Card, name: &str, key: &SigningKey, decision: Decision) -> Answer {
    let mut answer = rig.answer_to(card, decision, "");
    let own = approval::Answer {
        v: 1,
        proposal: card.proposal,
        presented: card.presented,
        decision,
        scope: approval::Scope::Once,
        reason: String::new(),
        via: Via::Cli,
        fully_viewed: true,
        by: party(name, key),
        at: thymos_testkit::fixtures::NOON,
    };
    answer.signed = Some(Box::new(own.sign(key).unwrap()));
    answer
}

#[tokio::test]
async fn a3_two_of_two_named_approvers_must_agree_and_progress_survives_a_restart() {
    let tool = writer();
    let mut rig = asked(&tool, &json!({"quorum": 2, "approvers": ["ada", "bob"]})).await;
    rig.approve().await;
    let row = rig.holds().await.remove(0);
    assert_eq!(
        (row.approved_by.as_slice(), row.card.quorum),
        (&["ada".to_owned()][..], 2)
    );
    assert_eq!(tool.runs(), 0);
    let mut rig = rig.restart(|_| {}).await;
    let card = rig.card().await;
    // The same hand twice is one approval.
    let twice = rig.answer_to(&card, Decision::Approve, "");
    assert_eq!(
        rig.ask(Command::Answer(twice)).await,
        Replied::Stale(Changed::AlreadyDecided("ada".into()))
    );
    let stranger = signed(&rig, &card, "bob", &stranger_key(), Decision::Approve);
    let said = fault_of(rig.ask(Command::Answer(stranger)).await);
    assert!(said.contains("trusted operators"), "{said}");
    let bob = signed(&rig, &card, "bob", &policy_key(), Decision::Approve);
    assert_eq!(rig.ask(Command::Answer(bob)).await, Replied::Accepted);
    rig.until_kind("commit", 1).await;
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}

/// Two rules ask: anybody counts for the one, and only two named people for the other.
#[tokio::test]
async fn a3_who_is_not_among_the_approvers_brings_a_quorum_no_nearer_and_stops_no_timer() {
    let tool = writer();
    let terms = json!({"quorum": 2, "approvers": ["bob", "eve"], "expires_after_ms": 60_000});
    let mut rules = asking(&terms);
    let mut anybody = asking(&json!({}))[0].clone();
    anybody["id"] = json!("anybody");
    rules.as_array_mut().unwrap().push(anybody);
    let mut rig = asked_by(&tool, rules).await;
    let card = rig.card().await;
    rig.approve().await;
    let row = rig.holds().await.remove(0);
    assert_eq!(
        (row.approvals, row.approved_by.as_slice()),
        (0, &["ada".to_owned()][..])
    );
    let bob = signed(&rig, &card, "bob", &policy_key(), Decision::Approve);
    assert_eq!(rig.ask(Command::Answer(bob)).await, Replied::Accepted);
    let row = rig.holds().await.remove(0);
    assert_eq!((row.approvals, row.card.quorum), (1, 2));
    assert_eq!(tool.runs(), 0);
    rig.setup.clock.advance_ms(60_000);
    rig.until_kind("rejection", 1).await;
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

/// One is enough for each rule, and the rules ask different people: whoever comes first decides nothing for
/// the other, and takes nobody's veto away.
#[tokio::test]
async fn a3_an_answer_of_somebody_else_wedges_no_hold() {
    for decision in [Decision::Approve, Decision::Deny] {
        let tool = writer();
        let mut rules = asking(&json!({"approvers": ["bob"]}));
        let mut anybody = asking(&json!({}))[0].clone();
        anybody["id"] = json!("anybody");
        rules.as_array_mut().unwrap().push(anybody);
        let mut rig = asked_by(&tool, rules).await;
        let card = rig.card().await;
        rig.approve().await;
        let row = rig.holds().await.remove(0);
        assert_eq!((row.approvals, row.card.quorum, tool.runs()), (0, 1, 0));
        let again = rig.answer_to(&card, Decision::Deny, "");
        assert_eq!(
            rig.ask(Command::Answer(again)).await,
            Replied::Stale(Changed::AlreadyDecided("ada".into()))
        );
        let mut rig = rig.restart(|_| {}).await;
        let bob = signed(&rig, &card, "bob", &policy_key(), decision);
        assert_eq!(rig.ask(Command::Answer(bob)).await, Replied::Accepted);
        let (kind, runs) = match decision {
            Decision::Approve => ("commit", 1),
            Decision::Deny => ("rejection", 0),
        };
        rig.until_kind(kind, 1).await;
        assert_eq!(tool.runs(), runs);
        rig.verified().await;
    }
}

/// An edit is the operator's own call: it waits for whom the rule names, and its author is one of a quorum.
#[tokio::test]
async fn a2_an_operators_own_call_waits_for_whom_the_rule_names() {
    for (ask, own_counts) in [
        (json!({"approvers": ["bob"]}), false),
        (json!({"quorum": 2, "approvers": ["ada", "bob"]}), true),
    ] {
        let tool = writer();
        let mut rig = asked(&tool, &ask).await;
        let edit = Command::Edit {
            trajectory: rig.trajectory,
            proposal: rig.card().await.proposal,
            args: json!({"path": "b", "content": "mine"}),
        };
        assert_eq!(rig.ask(edit).await, Replied::Accepted);
        rig.until_kind("pending_approval", 2).await;
        let card = rig.card().await;
        let own = rig.answer_to(&card, Decision::Approve, "");
        match (own_counts, rig.ask(Command::Answer(own)).await) {
            (true, Replied::Accepted) => {}
            (false, Replied::NotCounted(no)) => assert!(no.message.contains("`ada`"), "{no:?}"),
            (_, other) => panic!("{other:?}"),
        }
        assert_eq!(rig.holds().await.len(), 1, "the author alone is not enough");
        assert_eq!(tool.runs(), 0);
        let bob = signed(&rig, &card, "bob", &policy_key(), Decision::Approve);
        assert_eq!(rig.ask(Command::Answer(bob)).await, Replied::Accepted);
        rig.until_kind("commit", 1).await;
        assert_eq!(tool.args(), [json!({"path": "b", "content": "mine"})]);
        rig.verified().await;
    }
}

#[tokio::test]
async fn a3_one_denial_vetoes_whatever_others_said() {
    let tool = writer();
    let mut rig = asked(&tool, &json!({"quorum": 2})).await;
    rig.approve().await;
    let card = rig.card().await;
    let no = signed(&rig, &card, "bob", &policy_key(), Decision::Deny);
    assert_eq!(rig.ask(Command::Answer(no)).await, Replied::Accepted);
    rig.until_kind("rejection", 1).await;
    assert_eq!(tool.runs(), 0);
    assert!(rig.holds().await.is_empty());
    rig.verified().await;
}

#[tokio::test]
async fn a1_a_timer_denies_and_says_that_it_was_the_timer() {
    let tool = writer();
    let mut rig = asked(&tool, &json!({"expires_after_ms": 60_000})).await;
    rig.setup.clock.advance_ms(59_000);
    rig.status().await;
    assert_eq!(rig.holds().await.len(), 1, "not yet");
    rig.setup.clock.advance_ms(1_000);
    rig.until_kind("rejection", 1).await;
    let (_, stage, said) = rig.refusals().remove(0);
    assert_eq!(stage, Stage::Answer);
    assert!(
        said.contains("denied by `timer`: nobody answered in time"),
        "{said}"
    );
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn a1_a_late_answer_does_not_count_and_an_expiry_survives_a_restart() {
    let tool = writer();
    let rig = asked(&tool, &json!({"expires_after_ms": 60_000})).await;
    rig.setup.clock.advance_ms(61_000);
    let mut rig = rig.restart(|_| {}).await;
    rig.until_kind("rejection", 1).await;
    assert_eq!(tool.runs(), 0);
    let card = rig.card().await;
    let late = rig.answer_to(&card, Decision::Approve, "");
    assert_eq!(
        rig.ask(Command::Answer(late)).await,
        Replied::Stale(Changed::Ended(
            "denied by `timer`: nobody answered in time".into()
        ))
    );
    rig.verified().await;
}

#[tokio::test]
async fn a1_what_nobody_answered_in_time_is_not_listed_as_waiting() {
    let tool = writer();
    let rig = asked(&tool, &json!({"expires_after_ms": 60_000})).await;
    // Another process, which only looks.
    let mut rig = rig.served_anew(|_| {}).await;
    rig.setup.clock.advance_ms(59_999);
    assert_eq!(rig.holds().await.len(), 1);
    assert_eq!(told(&mut rig).await, ("held".to_owned(), 1));
    rig.setup.clock.advance_ms(1);
    assert_eq!(rig.holds().await, []);
    assert_eq!(told(&mut rig).await, ("can go on".to_owned(), 0));
}

async fn told(rig: &mut Rig) -> (String, u64) {
    let Replied::Runs(rows) = rig.ask(Command::Runs).await else {
        panic!("no runs")
    };
    (rows[0].state.clone(), rows[0].pending)
}

#[tokio::test]
async fn a1_a_quorum_that_is_half_met_expires_too() {
    let tool = writer();
    let ask = json!({"quorum": 2, "expires_after_ms": 60_000});
    let mut rig = asked(&tool, &ask).await;
    rig.approve().await;
    rig.until_idle().await;
    assert_eq!(rig.holds().await.len(), 1);
    rig.setup.clock.advance_ms(60_000);
    rig.until_kind("rejection", 1).await;
    assert!(rig.refusals().remove(0).2.contains("denied by `timer`"));
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn w7_what_runs_under_a_writ_that_a_narrower_mode_ends_is_stopped_and_the_run_goes_on() {
    let tool = FakeTool::new("kv_set")
        .effect(thymos_core::effect::EffectClass::Write)
        .hanging();
    let entered = tool.entered();
    let steps = vec![
        Step::Turn(calls(vec![("kv_set", json!({"key": "a"}))])),
        Step::Turn(says("it was stopped")),
    ];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.say("set it").await;
    entered.notified().await;
    rig.set_mode(Mode::Plan).await;
    rig.until_kind("failure", 1).await;
    rig.until_kind("closed", 1).await;
    assert_eq!(rig.stop(), Some(thymos_core::body::Stop::Done));
    rig.verified().await;
}

#[tokio::test]
async fn a2_an_answer_signed_for_one_trajectory_counts_on_no_other() {
    let tool = writer();
    let mut rig = asked(&tool, &json!({"quorum": 2})).await;
    let there = rig.card().await;
    let signed_there = signed(&rig, &there, "bob", &policy_key(), Decision::Approve);
    // The very same call, held on a trajectory of its own.
    for step in writes(&["a"]) {
        rig.setup.model.push(step);
    }
    let Replied::Opened(other) = rig.ask(Command::begin(Mode::Edit)).await else {
        panic!("no second trajectory")
    };
    rig.trajectory = other.trajectory;
    rig.run("go").await;
    let here = rig.card().await;
    assert_ne!(there.proposal, here.proposal);
    // As it was sent there, and dressed up as an answer to what waits here.
    let mut moved = signed_there.clone();
    moved.trajectory = rig.trajectory;
    let replied = rig.ask(Command::Answer(moved)).await;
    assert_eq!(replied, Replied::Stale(Changed::NotOpen));
    let mut dressed = rig.answer_to(&here, Decision::Approve, "");
    dressed.signed = signed_there.signed;
    let replied = rig.ask(Command::Answer(dressed)).await;
    assert!(
        !matches!(replied, Replied::Accepted),
        "another's answer counted: {replied:?}"
    );
    rig.approve().await;
    assert_eq!(tool.runs(), 0);
    assert_eq!(rig.holds().await.len(), 2, "one here and one there");
    rig.verified().await;
}
