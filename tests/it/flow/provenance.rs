//! Where something comes from and what came of it, through the kernel: back to the prompt, over answers
//! and delegations, and forward to what read it, changed it or rests on it.

use serde_json::{Value, json};
use thymos_core::TrajectoryId;
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Resolved, ResolvedResource};
use thymos_core::writ::Mode;
use thymos_ports::cognition::{Context, ContextMessage, ModelFault, Turn};
use thymos_protocol::{Command, Provenance, ProvenanceOf, ProvenanceStep, Relation, Replied};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, ScriptedModel, Step};

use super::rig::{Rig, Setup};

fn key(args: &Value) -> Resource {
    Resource::Kv(args["key"].as_str().unwrap().to_owned())
}

/// Sets a key.
fn setter() -> FakeTool {
    FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .acting(|begun| {
            let mut outcome = Outcome::said("set", "set");
            outcome.deltas.push(Delta {
                resource: key(begun.args()),
                expect: Expect::Anything,
                before: None,
                after: Some(ResourceValue::Json(begun.args()["value"].clone())),
            });
            Ok(outcome)
        })
}

/// Looks at a key, and says so before it is decided.
fn getter() -> FakeTool {
    getter_of(Some(1))
}

/// The same, which found this version.
fn getter_of(version: Option<u64>) -> FakeTool {
    FakeTool::new("kv_get").resolving(move |args, _| {
        Ok(Resolved {
            resources: vec![ResolvedResource {
                resource: key(args),
                version,
            }],
            ..Resolved::pure()
        })
    })
}

fn set(key: &str, value: u64) -> Step {
    Step::Turn(calls(vec![("kv_set", json!({"key": key, "value": value}))]))
}

fn get(key: &str) -> Step {
    Step::Turn(calls(vec![("kv_get", json!({ "key": key }))]))
}

async fn ask(rig: &mut Rig, trajectory: TrajectoryId, of: ProvenanceOf) -> Provenance {
    match rig.ask(Command::Provenance { trajectory, of }).await {
        Replied::Provenance(Some(found)) => *found,
        other => panic!("no provenance: {other:?}"),
    }
}

fn resource(name: &str) -> ProvenanceOf {
    ProvenanceOf::Resource {
        resource: name.into(),
        seq: u64::MAX,
    }
}

fn relations(steps: &[ProvenanceStep]) -> Vec<(Relation, u64)> {
    let told = steps.iter().map(|step| (step.relation, step.event.seq));
    told.collect()
}

fn words(steps: &[ProvenanceStep]) -> Vec<Relation> {
    steps.iter().map(|step| step.relation).collect()
}

/// The sequence numbers of a kind.
async fn seqs(rig: &mut Rig, kind: &str) -> Vec<u64> {
    let events = rig.events().await;
    let of = events.iter().filter(|event| event.kind == kind);
    of.map(|event| event.seq).collect()
}

#[tokio::test]
async fn a_value_leads_back_to_the_prompt_and_forward_to_who_read_and_changed_it() {
    let steps = vec![
        set("a", 1),
        get("a"),
        set("b", 1),
        set("a", 2),
        Step::Turn(says("done")),
    ];
    let mut rig = Setup::new(steps, &[&setter(), &getter()])
        .open(Mode::Edit)
        .await;
    rig.run("count").await;
    let trajectory = rig.trajectory;
    let commits = seqs(&mut rig, "commit").await;
    let begins = seqs(&mut rig, "started").await;
    let found = ask(&mut rig, trajectory, ProvenanceOf::Seq(commits[0])).await;
    assert_eq!(
        words(&found.back),
        [
            Relation::Sealed,
            Relation::Began,
            Relation::Wanted,
            Relation::Said,
            Relation::Model,
            Relation::Asked,
            Relation::Writ,
        ],
        "{found:#?}"
    );
    assert!(found.back.iter().all(|step| step.above == 0));
    // What set `b`, and what looked at it, has nothing to do with it.
    let forward = relations(&found.forward);
    assert_eq!(forward[0].0, Relation::Told, "{forward:?}");
    assert_eq!(
        forward[1..],
        [(Relation::Read, begins[1]), (Relation::Changed, commits[3])]
    );
    assert_eq!(found.forward[1].resource.as_deref(), Some("kv:a"));
    // What it holds now was set by the last call, and by the first one in between.
    let now = ask(&mut rig, trajectory, resource("kv:a")).await;
    assert_eq!(
        (now.seq, now.resource.as_deref()),
        (commits[3], Some("kv:a"))
    );
    let then = ProvenanceOf::Resource {
        resource: "kv:a".into(),
        seq: commits[3] - 1,
    };
    assert_eq!(ask(&mut rig, trajectory, then).await.seq, commits[0]);
    // A prompt leads forward to everything that was wanted for it.
    let asked = found
        .back
        .iter()
        .find(|step| step.relation == Relation::Asked);
    let prompt = ProvenanceOf::Seq(asked.unwrap().event.seq);
    let prompt = ask(&mut rig, trajectory, prompt).await;
    let rested = prompt
        .forward
        .iter()
        .filter(|s| s.relation == Relation::RestedOn);
    assert_eq!(rested.count(), 4);
    // And a writ to everything that was proposed under it.
    let writ = found.back.last().unwrap().event.seq;
    let writ = ask(&mut rig, trajectory, ProvenanceOf::Seq(writ)).await;
    assert_eq!(words(&writ.forward), [Relation::RestedOn; 4]);
}

#[tokio::test]
async fn an_answer_stands_on_the_way_back_and_its_call_on_the_way_forward() {
    let steps = vec![
        Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))])),
        Step::Turn(says("done")),
    ];
    let mut rig = Setup::new(steps, &[&super::road::writer()])
        .with(|setup| setup.continues = true)
        .open(Mode::Edit)
        .await;
    rig.say("write it").await;
    rig.until_kind("pending_approval", 1).await;
    rig.until_idle().await;
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    let trajectory = rig.trajectory;
    let commit = seqs(&mut rig, "commit").await[0];
    let found = ask(&mut rig, trajectory, ProvenanceOf::Seq(commit)).await;
    assert_eq!(
        words(&found.back)[..5],
        [
            Relation::Sealed,
            Relation::Began,
            Relation::Answered,
            Relation::Held,
            Relation::Wanted,
        ]
    );
    assert_eq!(words(&found.back).last(), Some(&Relation::Writ));
    let intent = seqs(&mut rig, "intent").await[0];
    let wanted = ask(&mut rig, trajectory, ProvenanceOf::Seq(intent)).await;
    assert_eq!(
        words(&wanted.forward)[..4],
        [
            Relation::Held,
            Relation::Answered,
            Relation::Began,
            Relation::Sealed,
        ]
    );
    assert!(words(&wanted.back).contains(&Relation::Asked));
}

#[tokio::test]
async fn d2_a_branch_leads_back_into_its_past_and_the_past_forward_to_it() {
    let steps = vec![set("a", 1), Step::Turn(says("done"))];
    let mut rig = Setup::new(steps, &[&setter()]).open(Mode::Edit).await;
    rig.run("count").await;
    let main = rig.trajectory;
    let commit = seqs(&mut rig, "commit").await[0];
    let events = rig.events().await;
    let entry = events.iter().find(|e| e.seq == commit).unwrap().entry;
    let branch = Command::Branch {
        trajectory: main,
        entry,
    };
    let Replied::Opened(status) = rig.ask(branch).await else {
        panic!("no branch")
    };
    let found = ask(&mut rig, status.trajectory, resource("kv:a")).await;
    assert_eq!((found.entry, found.seq), (entry, commit));
    assert!(words(&found.back).contains(&Relation::Asked), "{found:#?}");
    assert!(found.back.iter().all(|step| step.event.trajectory == main));
    let onward = ask(&mut rig, main, ProvenanceOf::Seq(commit)).await;
    let last = onward.forward.last().unwrap();
    assert_eq!(last.relation, Relation::Branched);
    assert_eq!(last.event.trajectory, status.trajectory);
}

#[tokio::test]
async fn what_no_entry_set_is_told_by_who_looked_at_it() {
    let steps = vec![
        get("old"),
        set("a", 1),
        get("old"),
        Step::Turn(says("done")),
    ];
    let mut rig = Setup::new(steps, &[&setter(), &getter_of(None)])
        .open(Mode::Edit)
        .await;
    rig.run("count").await;
    let main = rig.trajectory;
    let found = ask(&mut rig, main, resource("kv:old")).await;
    assert_eq!((found.seq, found.back.len()), (0, 0));
    assert_eq!(words(&found.forward), [Relation::Read, Relation::Read]);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_one_sentence() {
    let steps = vec![set("a", 1), Step::Turn(says("done"))];
    let mut rig = Setup::new(steps, &[&setter()]).open(Mode::Edit).await;
    rig.run("count").await;
    let trajectory = rig.trajectory;
    for (of, said) in [
        (ProvenanceOf::Seq(9_999), "there is no entry 9999"),
        (resource("kv:b"), "nothing up to entry"),
        (resource("nonsense"), "`nonsense` is no file"),
        (resource("kv"), "`kv` is no file"),
    ] {
        let replied = rig.ask(Command::Provenance { trajectory, of }).await;
        let Replied::Fault(fault) = replied else {
            panic!("{replied:?}")
        };
        assert!(fault.message.contains(said), "{}", fault.message);
    }
    let unknown = TrajectoryId::of(b"nobody's");
    let command = Command::Provenance {
        trajectory: unknown,
        of: ProvenanceOf::Seq(0),
    };
    let replied = rig.ask(command).await;
    assert!(
        matches!(&replied, Replied::Fault(f) if f.message.contains("no trajectory")),
        "{replied:?}"
    );
}

#[tokio::test]
async fn c5_another_tenants_trajectory_is_not_there() {
    let steps = vec![set("a", 1), Step::Turn(says("done"))];
    let mut rig = Setup::new(steps, &[&setter()]).open(Mode::Edit).await;
    rig.run("count").await;
    let other = rig
        .setup
        .clone()
        .with(|setup| setup.tenant = "guild".into());
    let mut theirs = other.serve();
    let command = Command::Provenance {
        trajectory: rig.trajectory,
        of: resource("kv:a"),
    };
    let replied = theirs.ask(command).await;
    assert!(
        matches!(&replied, Replied::Fault(f) if f.message.contains("no trajectory")),
        "{replied:?}"
    );
}

#[tokio::test]
async fn little_is_read_for_what_is_near() {
    let steps = vec![set("a", 1), set("a", 2), Step::Turn(says("done"))];
    let mut rig = Setup::new(steps, &[&setter()]).open(Mode::Edit).await;
    rig.run("count").await;
    let len = rig.events().await.len() as u64;
    let trajectory = rig.trajectory;
    super::looks::quiet(&mut rig).await;
    let before = rig.setup.store.entries_read(&trajectory);
    ask(&mut rig, trajectory, resource("kv:a")).await;
    let read = (rig.setup.store.entries_read(&trajectory) - before) as u64;
    // Once to find it, once back, once forward, and the beginnings that say whose it is.
    assert!(read <= 3 * len + 8, "{read} of {len}");
}

#[tokio::test]
async fn d1_what_a_delegated_run_did_leads_back_to_the_prompt_above() {
    let think = |context: &Context| -> Result<Turn, ModelFault> {
        let began =
            matches!(context.messages.first(), Some(ContextMessage::Operator(t)) if t == "go");
        let heard = context.messages.len() > 1;
        Ok(match (began, heard) {
            (true, false) => calls(vec![(
                "delegate",
                json!({"task": "set it", "effects": "write"}),
            )]),
            (false, false) => calls(vec![("kv_set", json!({"key": "a", "value": 1}))]),
            (_, true) => says("done"),
        })
    };
    let setup = Setup::new(Vec::new(), &[&setter()]).with(|setup| {
        setup.model = ScriptedModel::answering(think);
        setup.tools.push(thymos_tools::delegate());
        setup.continues = true;
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("go").await;
    rig.until_kind("commit", 1).await;
    let Replied::Runs(rows) = rig.ask(Command::Runs).await else {
        panic!("no runs")
    };
    let child = rows.iter().find(|row| row.parent.is_some()).unwrap();
    let found = ask(&mut rig, child.trajectory, resource("kv:a")).await;
    let back: Vec<(Relation, u64)> = found
        .back
        .iter()
        .filter(|step| step.relation != Relation::Writ)
        .map(|step| (step.relation, step.above))
        .collect();
    assert_eq!(
        back,
        [
            (Relation::Sealed, 0),
            (Relation::Began, 0),
            (Relation::Wanted, 0),
            (Relation::Said, 0),
            (Relation::Model, 0),
            (Relation::Asked, 0),
            (Relation::Delegated, 1),
            (Relation::Began, 1),
            (Relation::Wanted, 1),
            (Relation::Said, 1),
            (Relation::Model, 1),
            (Relation::Asked, 1),
        ],
        "{found:#?}"
    );
    let asked = found.back.iter().rfind(|s| s.relation == Relation::Asked);
    assert_eq!(asked.unwrap().event.trajectory, rig.trajectory);
    // And forward, the order leads to the run it opened.
    let started = seqs(&mut rig, "started").await[0];
    let trajectory = rig.trajectory;
    let order = ask(&mut rig, trajectory, ProvenanceOf::Seq(started)).await;
    assert!(
        words(&order.forward).contains(&Relation::Delegated),
        "{order:#?}"
    );
}
