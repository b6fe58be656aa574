//! Whatever a store hands over at once, what is asked is answered the same: a page ends early where entries
//! are large, and only an empty one is the end `[L14]`.

use serde_json::json;
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::Outcome;
use thymos_core::writ::Mode;
use thymos_protocol::{Among, Command, ProvenanceOf, Replied};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup};

/// Calls of a turn, and turns: more entries than are verified where they are asked for.
const CALLS: u64 = 10;
const TURNS: u64 = 10;

fn setter() -> FakeTool {
    let tool = FakeTool::new("kv_set").effect(EffectClass::Write);
    tool.acting(|begun| {
        let args = begun.args();
        let mut outcome = Outcome::said("set", "set");
        outcome.deltas.push(Delta {
            resource: Resource::Kv(args["key"].as_str().unwrap().to_owned()),
            expect: Expect::Anything,
            before: None,
            after: Some(ResourceValue::Json(args["value"].clone())),
        });
        Ok(outcome)
    })
}

/// The first call of a turn sets a key of that turn, the others one that is set over and over.
fn turn(turn: u64) -> Step {
    let set = |call: u64| {
        let key = match call {
            0 => format!("once-{turn}"),
            _ => "often".to_owned(),
        };
        ("kv_set", json!({"key": key, "value": turn * CALLS + call}))
    };
    Step::Turn(calls((0..CALLS).map(set).collect()))
}

/// What a search tells on its way is one answer.
async fn answer(rig: &mut Rig, question: Command) -> Replied {
    let ticket = rig.desk.send(question).await;
    let mut events = Vec::new();
    loop {
        match rig.desk.reply(ticket).await {
            Replied::Found(mut found) => {
                events.append(&mut found.events);
                if found.end.is_some() {
                    found.events = events;
                    return Replied::Found(found);
                }
            }
            replied => return replied,
        }
    }
}

/// The answer to each question that reads more than an entry.
async fn answers(rig: &mut Rig) -> Vec<Replied> {
    let trajectory = rig.trajectory;
    let resource = |resource: &str| ProvenanceOf::Resource {
        resource: resource.to_owned(),
        seq: u64::MAX,
    };
    let provenance = |of| Command::Provenance { trajectory, of };
    let find = |among| Command::Find {
        among,
        filter: "kind:commit".to_owned(),
    };
    let questions = vec![
        Command::Page {
            trajectory,
            from_seq: 7,
            limit: 200,
        },
        Command::Rows {
            trajectory: Some(trajectory),
            places: (20..120).collect(),
        },
        Command::Rows {
            trajectory: None,
            places: (20..120).collect(),
        },
        Command::WorldAt {
            trajectory,
            seq: 100,
        },
        Command::WorldAt {
            trajectory,
            seq: u64::MAX,
        },
        Command::WorldDiff {
            trajectory,
            from_seq: 50,
            to_seq: 200,
        },
        provenance(resource("kv:once-0")),
        provenance(resource("kv:often")),
        provenance(resource("kv:never")),
        find(Among::Run(trajectory)),
        find(Among::Log),
        Command::PlanUndo {
            trajectory,
            of: trajectory,
            from_seq: 0,
        },
        Command::FindWrits {
            prefix: String::new(),
        },
        Command::Verify { since_last: false },
    ];
    let mut answers = Vec::new();
    for question in questions {
        answers.push(answer(rig, question).await);
    }
    answers
}

#[tokio::test]
async fn l14_pages_that_end_early_change_no_answer() {
    let mut steps: Vec<Step> = (0..TURNS).map(turn).collect();
    steps.push(Step::Turn(says("done")));
    let mut rig = Setup::new(steps, &[&setter()]).open(Mode::Edit).await;
    rig.run("count").await;
    let mut rig = rig.restart(|_| {}).await;
    let told = answers(&mut rig).await;
    assert!(rig.bodies().len() > 300, "{}", rig.bodies().len());
    let mut rig = rig
        .restart(|setup| setup.store = setup.store.clone().paging(3))
        .await;
    for (answer, told) in answers(&mut rig).await.into_iter().zip(told) {
        assert_eq!(answer, told);
    }
    rig.verified().await;
}
