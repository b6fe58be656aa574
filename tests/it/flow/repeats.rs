//! An effect is never repeated unasked: not by a model that calls again, not by a restart, not in a
//! branch `[X3]`; and interrupted work is taken up as its tool's contract says `[X2]`.

use serde_json::json;
use thymos_core::body::{self, Body, BodyState, Resolution, Stop};
use thymos_core::budget::Cost;
use thymos_core::effect::EffectClass;
use thymos_core::entry::{Draft, Salt};
use thymos_core::id::ProposalId;
use thymos_core::key::Domain;
use thymos_core::outcome::FaultKind;
use thymos_core::tool::{Recovery, Repeat, ToolContract};
use thymos_core::writ::Mode;
use thymos_core::{Entry, IntentId, canonical};
use thymos_ports::LedgerStore;
use thymos_ports::store::Batch;
use thymos_ports::tool::Probed;
use thymos_protocol::{Command, Replied, Settlement};
use thymos_testkit::fixtures::{operator_key, party};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::doubt::{found, interrupted};
use super::rig::{Rig, Setup, story};
use super::road::results;

/// A tool whose every run is an effect that must not be repeated.
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

#[tokio::test]
async fn x3_a_repeat_returns_the_earlier_result_and_does_nothing() {
    let tool = once();
    let steps = vec![pay("a"), pay("a"), pay("b"), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!(tool.args(), [json!({"key": "a"}), json!({"key": "b"})]);
    let read = results(&rig);
    let earlier = read
        .iter()
        .find(|(text, _)| text.starts_with("[done before, see entry"));
    let (text, is_error) = earlier.expect("the repeat is answered");
    assert!(
        !is_error && text.ends_with("not done again] done"),
        "{text}"
    );
    assert_eq!(rig.stop(), Some(Stop::Done));
    rig.verified().await;
}

#[tokio::test]
async fn x3_a_model_that_retries_never_repeats_an_effect_across_restarts_and_branches() {
    let tool = once();
    let steps = vec![pay("a"), pay("a"), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    let mut rig = rig.restart(|_| {}).await;
    for step in [pay("a"), done()] {
        rig.setup.model.push(step);
    }
    rig.run("again").await;
    let events = rig.events().await;
    let commit = events.iter().find(|event| event.kind == "commit").unwrap();
    let command = Command::Branch {
        trajectory: rig.trajectory,
        entry: commit.entry,
    };
    let Replied::Opened(status) = rig.ask(command).await else {
        panic!("no branch")
    };
    rig.trajectory = status.trajectory;
    for step in [pay("a"), done()] {
        rig.setup.model.push(step);
    }
    let told = rig.run("and here").await;
    assert!(story(&told).contains(&"rejection"));
    assert_eq!(tool.runs(), 1);
    rig.verified().await;
}

fn last_intent(rig: &Rig) -> IntentId {
    let intent = |body: Body| match body {
        Body::Intent(body) => Some(body.intent.id().unwrap()),
        _ => None,
    };
    rig.bodies().into_iter().rev().find_map(intent).unwrap()
}

#[tokio::test]
async fn x3_only_the_operator_may_have_it_done_again_and_the_record_says_so() {
    let tool = once();
    let steps = vec![pay("a"), pay("a"), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    let (trajectory, intent) = (rig.trajectory, last_intent(&rig));
    let again = Command::Again { trajectory, intent };
    assert_eq!(rig.ask(again).await, Replied::Accepted);
    rig.until_kind("commit", 2).await;
    assert_eq!(tool.runs(), 2);
    let said = rig.bodies().into_iter().find_map(|body| match body {
        Body::Intent(body) => body.again,
        _ => None,
    });
    assert_eq!(said, Some(intent));
    rig.setup.model.push(done());
    rig.run("well").await;
    let contexts = rig.setup.model.contexts();
    let told = format!("{:?}", contexts.last().unwrap().messages);
    assert!(told.contains("I had this done once more"), "{told}");
    rig.verified().await;
}

/// What the model does twice of this tool, and how often the body ran.
async fn tried_twice(tool: FakeTool) -> usize {
    let steps = vec![pay("a"), pay("a"), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    rig.verified().await;
    tool.runs()
}

#[tokio::test]
async fn x3_what_broke_off_and_may_have_happened_is_not_done_again() {
    assert_eq!(tried_twice(once().with_bad_delta()).await, 1);
    assert_eq!(tried_twice(once().unmet()).await, 1);
    assert_eq!(tried_twice(once().panicking()).await, 1);
    for kind in [FaultKind::TimedOut, FaultKind::Cancelled] {
        assert_eq!(
            tried_twice(once().faulting(kind, "cut off")).await,
            1,
            "{kind}"
        );
    }
    // What a tool says it could not do may be tried again; what happens freely may be anyway.
    for kind in [FaultKind::Failed, FaultKind::Moved, FaultKind::Cage] {
        assert_eq!(tried_twice(once().faulting(kind, "no")).await, 2, "{kind}");
    }
    let free = FakeTool::new("kv_set").effect(EffectClass::Write);
    assert_eq!(tried_twice(free.with_bad_delta()).await, 2);
}

#[tokio::test]
async fn x3_what_the_operator_gave_up_on_is_not_done_again_either() {
    let once = |contract: &mut ToolContract| contract.repeat = Repeat::OncePerKey;
    let never = shell(Recovery::Neither).declaring(once);
    let mut rig = interrupted(shell(Recovery::Neither).declaring(once), &never).await;
    let proposal = rig.bodies().into_iter().find_map(|body| match body {
        Body::Started(started) => Some(started.proposal),
        _ => None,
    });
    let settle = Command::Settle {
        trajectory: rig.trajectory,
        proposal: proposal.unwrap(),
        settlement: Settlement::GaveUp,
        reason: "nobody can tell".into(),
    };
    assert_eq!(rig.ask(settle).await, Replied::Accepted);
    let same = json!({"path": "a.txt"});
    rig.setup
        .model
        .push(Step::Turn(calls(vec![("shell", same)])));
    rig.setup.model.push(done());
    rig.run("again").await;
    assert_eq!(never.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn x3_what_may_be_called_freely_needs_no_again() {
    let tool = FakeTool::new("grep");
    let steps = vec![Step::Turn(calls(vec![("grep", json!({}))])), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    let (trajectory, intent) = (rig.trajectory, last_intent(&rig));
    let Replied::Fault(fault) = rig.ask(Command::Again { trajectory, intent }).await else {
        panic!("it was done again")
    };
    assert!(fault.message.contains("as often as wanted"), "{fault:?}");
    rig.verified().await;
}

/// A command whose tool makes this of an interruption.
fn shell(recovery: Recovery) -> FakeTool {
    FakeTool::new("shell")
        .effect(EffectClass::External)
        .declaring(|contract| contract.recovery = recovery)
}

#[tokio::test]
async fn x2_an_idempotent_call_runs_again_under_the_same_key() {
    let then = shell(Recovery::Idempotent);
    let mut rig = interrupted(shell(Recovery::Idempotent), &then).await;
    rig.until_kind("commit", 1).await;
    assert_eq!((then.runs(), rig.status().await.in_doubt), (1, 0));
    assert_eq!(found(&rig)[0].0, Resolution::RunAgain);
    let keys: Vec<_> = rig
        .bodies()
        .into_iter()
        .filter_map(|body| match body {
            Body::Started(started) => Some(started.key),
            _ => None,
        })
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
    rig.verified().await;
}

#[tokio::test]
async fn x2_an_idempotent_call_that_the_gate_would_not_clear_now_waits_for_a_person() {
    let then = shell(Recovery::Idempotent);
    let asks = super::rig::policy("ask", json!([]));
    let mut rig = super::doubt::interrupted_under(shell(Recovery::Idempotent), &then, asks).await;
    assert_eq!(rig.status().await.in_doubt, 1);
    assert_eq!((then.runs(), found(&rig)), (0, Vec::new()));
    rig.verified().await;
}

#[tokio::test]
async fn x2_a_queryable_call_is_asked_about_and_its_key_is_used_up_when_it_happened() {
    let how = "the other side has it".to_owned();
    let queryable = |found: Probed| {
        shell(Recovery::Queryable)
            .declaring(|contract| contract.repeat = Repeat::OncePerKey)
            .probing(found)
    };
    let then = queryable(Probed::Happened(how.clone()));
    let mut rig = interrupted(queryable(Probed::Unknown), &then).await;
    assert_eq!(found(&rig), [(Resolution::FoundDone, how)]);
    assert_eq!(rig.status().await.in_doubt, 0);
    let same = json!({"path": "a.txt"});
    rig.setup
        .model
        .push(Step::Turn(calls(vec![("shell", same)])));
    rig.setup.model.push(done());
    rig.run("again").await;
    assert_eq!(then.runs(), 0, "it happened, and happens once");
    rig.verified().await;
}

#[tokio::test]
async fn x2_a_queryable_call_that_did_not_happen_may_be_made_anew() {
    let how = "the other side never heard of it".to_owned();
    let then = shell(Recovery::Queryable).probing(Probed::DidNotHappen(how.clone()));
    let rig = interrupted(shell(Recovery::Queryable), &then).await;
    assert_eq!(found(&rig), [(Resolution::FoundUndone, how)]);
    assert_eq!(then.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn x2_what_nobody_can_tell_waits_for_a_person() {
    for recovery in [Recovery::Neither, Recovery::Queryable] {
        let then = shell(recovery);
        let mut rig = interrupted(shell(recovery), &then).await;
        assert_eq!(rig.status().await.in_doubt, 1);
        assert_eq!((then.runs(), found(&rig)), (0, Vec::new()));
        rig.verified().await;
    }
}

#[tokio::test]
async fn x2_a_call_that_was_told_to_run_again_is_not_forgotten_by_a_second_crash() {
    let waits = shell(Recovery::Neither);
    let rig = interrupted(shell(Recovery::Neither), &waits).await;
    let then = shell(Recovery::Idempotent);
    // A process that recorded what it would do, and died before it could ask the gate.
    let mut rig = rig
        .restart(|setup| {
            setup.tools = vec![then.port()];
            let (started, proposal) = announced(setup);
            let (resolution, reason) = (Resolution::RunAgain, "it is harmless".to_owned());
            let message = canonical::encode(&(proposal, started.id, resolution, &reason)).unwrap();
            let told = Body::Reconciled(body::Reconciled {
                proposal,
                started: started.id,
                resolution,
                reason,
                by: party("ada", &operator_key()),
                signature: operator_key().sign(Domain::Reconciliation, message.as_bytes()),
                cost: Cost {
                    tool_calls: 1,
                    ..Cost::default()
                },
            });
            let trajectory = started.header.trajectory;
            let drafts = vec![Draft {
                trajectory,
                kind: told.kind(),
                at: started.header.at_ms,
                writer: operator_key().public(),
                salt: Salt::from_bytes([6; 32]),
                body: told.encode().unwrap(),
            }];
            let at_seq = started.header.seq + 1;
            let batch = Batch {
                trajectory,
                at_seq,
                drafts,
            };
            setup.store.append(vec![batch]).unwrap()[0]
                .as_ref()
                .unwrap();
        })
        .await;
    rig.until_kind("commit", 1).await;
    assert_eq!(then.runs(), 1);
    rig.verified().await;
}

/// The newest announced work, and its proposal.
fn announced(setup: &Setup) -> (Entry, ProposalId) {
    let entries = setup.store.entries().into_iter().rev();
    let mut started = entries.filter_map(|entry| match entry.decode() {
        BodyState::Known(Body::Started(body)) => Some((entry, body.proposal)),
        _ => None,
    });
    started.next().unwrap()
}

async fn another(rig: &mut Rig, mode: Mode) {
    let Replied::Opened(other) = rig.ask(Command::begin(mode)).await else {
        panic!("no second run");
    };
    rig.trajectory = other.trajectory;
}

/// A model could walk round the rule by having another agent make the call.
#[tokio::test]
async fn x3_what_happens_once_happens_once_in_all_runs() {
    let tool = once();
    let steps = vec![pay("a"), done(), pay("a"), pay("b"), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("go").await;
    let first = rig.trajectory;
    another(&mut rig, Mode::Edit).await;
    rig.run("and here").await;
    assert_eq!(tool.args(), [json!({"key": "a"}), json!({"key": "b"})]);
    let (clause, _, said) = rig.refusals().remove(0);
    assert_eq!(clause, "C12");
    let run = format!("was done in run `{}`", first.short());
    assert!(said.contains(&run), "{said}");
    // Also for a process that has just started, and a tool that may be called freely is not held up.
    let freely = FakeTool::new("kv_set").effect(EffectClass::Write);
    for (now, runs) in [(&tool, 2), (&freely, 1)] {
        let mut again = rig.restart(|setup| setup.tools = vec![now.port()]).await;
        another(&mut again, Mode::Edit).await;
        for step in [pay("a"), done()] {
            again.setup.model.push(step);
        }
        again.run("once more").await;
        assert_eq!(now.runs(), runs);
        rig = again;
    }
    rig.verified().await;
}

/// Two runs announce the same call before either has looked: at most one of them makes it.
#[tokio::test]
async fn x3_of_two_runs_that_begin_the_same_call_at_once_at_most_one_makes_it() {
    let tool = once();
    let steps = vec![pay("a"), done()];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    let (first, store) = (rig.trajectory, rig.setup.store.clone());
    another(&mut rig, Mode::Edit).await;
    let second = rig.trajectory;
    // Just before the second one announces it, the first does, in a process of its own.
    let (other, own) = (once(), tool.clone());
    let setup = rig.setup.clone();
    let beside = std::sync::Arc::new(std::sync::Mutex::new(None));
    let told = beside.clone();
    let kind = |batch: &Batch| {
        batch
            .drafts
            .iter()
            .any(|draft| draft.kind == thymos_core::Kind::Started)
    };
    store.overtake(
        move |batch| batch.trajectory == second && kind(batch),
        move |_| {
            let setup = setup.with(|setup| {
                setup.tools = vec![other.port()];
                setup.model = thymos_testkit::ScriptedModel::new(vec![pay("a"), done()]);
            });
            let ran = std::thread::spawn(move || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(async {
                    let mut rig = Rig {
                        desk: setup.serve(),
                        setup,
                        trajectory: first,
                    };
                    rig.run("go").await;
                    drop(rig);
                    other.runs()
                })
            });
            *told.lock().unwrap() = Some(ran.join().unwrap());
        },
    );
    rig.run("go").await;
    let other = beside
        .lock()
        .unwrap()
        .take()
        .expect("the other run came first");
    assert_eq!((other, own.runs()), (1, 0));
    rig.verified().await;
}

#[tokio::test]
async fn x2_a_call_in_doubt_is_locked_for_other_runs_of_the_folder() {
    let then = shell(Recovery::Neither);
    let mut rig = interrupted(shell(Recovery::Neither), &then).await;
    assert_eq!(rig.status().await.in_doubt, 1);
    let doubtful = rig.trajectory;
    another(&mut rig, Mode::Auto).await;
    let same = || Step::Turn(calls(vec![("shell", json!({"path": "a.txt"}))]));
    for step in [same(), done(), same(), done()] {
        rig.setup.model.push(step);
    }
    rig.run("here").await;
    let (clause, _, said) = rig.refusals().remove(0);
    assert_eq!((clause.as_str(), then.runs()), ("C12", 0));
    let run = format!("interrupted in run `{}`", doubtful.short());
    assert!(said.contains(&run), "{said}");
    let settle = Command::Settle {
        trajectory: doubtful,
        proposal: only_open(&rig),
        settlement: Settlement::DidNotHappen,
        reason: "looked".into(),
    };
    assert_eq!(rig.ask(settle).await, Replied::Accepted);
    rig.run("and now").await;
    assert_eq!(then.runs(), 1);
    rig.verified().await;
}

/// The proposal that was announced and has no end.
fn only_open(rig: &Rig) -> ProposalId {
    let started = rig.bodies().into_iter().filter_map(|body| match body {
        Body::Started(body) => Some(body.proposal),
        _ => None,
    });
    let mut open: Vec<_> = started.collect();
    for body in rig.bodies() {
        if let Body::Commit(end) = body {
            open.retain(|proposal| *proposal != end.proposal);
        }
    }
    open.remove(0)
}
