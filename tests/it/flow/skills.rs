//! Skills that are bound narrow what may be done, and tell the model why it is asked `[S1]`; which
//! model thinks stands beside each intent, and no decision reads it `[S2]`.

use std::collections::BTreeMap;

use serde_json::json;
use thymos_core::body::{Body, SkillBound};
use thymos_core::routing::{Reason, Routing};
use thymos_core::skill::SkillFile;
use thymos_core::writ::Mode;
use thymos_protocol::{Command, Replied, RoutingRow, SkillRow};
use thymos_replay::redecide::{Redecided, Redecider};
use thymos_testkit::fixtures::{operator_key, roots, stranger_key};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup};
use super::road::writer;

const READER: &str = r#"{"v": 1, "name": "reader", "version": 3, "title": "Only looks",
    "instructions": "Answer questions about {topic}. Change nothing.",
    "params": [{"key": "topic", "values": ["rust", "docs"]}],
    "tools": ["grep"], "effects": {"ceiling": "read"}}"#;

const FREE: &str = r#"{"v": 1, "name": "free", "version": 1, "title": "Limits nothing",
    "instructions": "Be brief.", "model_hint": {"provider": "quick", "model": "small"}}"#;

fn setup(steps: Vec<Step>, tools: &[&FakeTool]) -> Setup {
    Setup::new(steps, tools).with(|setup| {
        setup.skills.0 = vec![
            ("reader".into(), READER.into()),
            ("free".into(), FREE.into()),
        ];
    })
}

async fn bind(rig: &mut Rig, name: &str, given: &[(&str, &str)]) -> Replied {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    let parameters: BTreeMap<String, String> = given.iter().map(own).collect();
    let command = Command::BindSkill {
        trajectory: rig.trajectory,
        name: name.into(),
        parameters,
    };
    rig.ask(command).await
}

fn sentence(replied: Replied) -> (String, String) {
    match replied {
        Replied::Fault(fault) => (fault.message, fault.hint.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

fn routings(rig: &Rig) -> Vec<Routing> {
    let routing = |body: Body| match body {
        Body::Intent(wanted) => Routing::from_value(&wanted.routing?),
        _ => None,
    };
    rig.bodies().into_iter().filter_map(routing).collect()
}

#[tokio::test]
async fn s1_a_bound_skill_narrows_the_writ_and_instructs_the_model() {
    let (tool, look) = (writer(), FakeTool::new("grep"));
    let steps = vec![
        Step::Turn(calls(vec![
            ("fs_write", json!({"path": "a.txt"})),
            ("grep", json!({})),
        ])),
        Step::Turn(says("done")),
    ];
    let mut rig = setup(steps, &[&tool, &look]).open(Mode::Edit).await;
    let bound = bind(&mut rig, "reader", &[("topic", "rust")]).await;
    assert_eq!(bound, Replied::Accepted);
    rig.run("look").await;
    assert_eq!((tool.runs(), look.runs()), (0, 1));
    let refusals = rig.refusals();
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].0, "C8");
    let context = &rig.setup.model.contexts()[0];
    assert!(
        context
            .system
            .contains("Answer questions about rust. Change nothing.")
    );
    assert!(context.system.contains("the operator's own instructions"));
    let offered: Vec<&str> = context.tools.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(offered, ["grep"]);
    assert_eq!(rig.status().await.mode, Mode::Edit);
    assert_eq!(rig.status().await.writ.name, "skill reader");
    rig.verified().await;
}

#[tokio::test]
async fn s1_wrong_values_are_one_sentence_and_nothing_is_recorded() {
    let mut rig = setup(Vec::new(), &[&FakeTool::new("grep")])
        .open(Mode::Edit)
        .await;
    let before = rig.bodies().len();
    let (said, hint) = sentence(bind(&mut rig, "reader", &[("topic", "cooking")]).await);
    assert_eq!(said, "`cooking` is not a value of the parameter `topic`");
    assert_eq!(hint, "give one of: rust, docs");
    let (said, _) = sentence(bind(&mut rig, "reader", &[]).await);
    assert_eq!(said, "skill `reader` needs its parameter `topic`");
    let wrong = [("topic", "rust"), ("colour", "red")];
    let (said, hint) = sentence(bind(&mut rig, "reader", &wrong).await);
    assert_eq!(said, "skill `reader` has no parameter `colour`");
    assert_eq!(hint, "`reader` takes: topic");
    let (said, hint) = sentence(bind(&mut rig, "writer", &[]).await);
    assert_eq!(said, "there is no skill `writer`");
    assert_eq!(hint, "known here: reader, free");
    assert_eq!(rig.bodies().len(), before);
    rig.verified().await;
}

#[tokio::test]
async fn s1_a_file_that_is_no_sound_skill_is_listed_with_its_fault_and_not_bound() {
    let stranger = SkillFile::read(FREE.as_bytes()).unwrap().skill;
    let own = stranger.clone().sign(&operator_key()).unwrap();
    let stranger = stranger.sign(&stranger_key()).unwrap();
    let forged = own.text().unwrap().replace("Be brief.", "Be loud.");
    let setup = setup(Vec::new(), &[&FakeTool::new("grep")]).with(|setup| {
        let named = |text: &str, name: &str| text.replace("\"free\"", &format!("\"{name}\""));
        setup.skills.0 = vec![
            ("broken".into(), FREE.replace("\"v\": 1,", "\"v\": 1")),
            ("stranger".into(), stranger.text().unwrap()),
            ("free".into(), forged),
            (
                "tools".into(),
                named(READER, "x")
                    .replace("\"reader\"", "\"tools\"")
                    .replace("[\"grep\"]", "[\"http_get\"]"),
            ),
        ];
    });
    let mut rig = setup.open(Mode::Edit).await;
    let Replied::Skills(rows) = rig.ask(Command::Skills).await else {
        panic!("no skills")
    };
    let fault = |row: &SkillRow| row.fault.clone().unwrap_or_default();
    let faults: Vec<String> = rows.iter().map(fault).collect();
    assert!(
        faults[0].starts_with("line 1 column 9: expected `,`"),
        "{faults:?}"
    );
    assert!(faults[1].contains("holds the skill `free`"), "{faults:?}");
    assert!(
        faults[2].contains("is not over this definition"),
        "{faults:?}"
    );
    assert_eq!(faults[3], "no tool here is called `http_get`");
    for row in &rows {
        let given = [("topic", "rust")];
        let (said, _) = sentence(bind(&mut rig, &row.name, &given).await);
        assert!(said.contains("cannot be bound"), "{said}");
    }
    rig.setup.skills.0.clear();
    rig.verified().await;
}

#[tokio::test]
async fn s1_a_skill_signed_by_a_stranger_is_not_bound_and_the_operators_own_is() {
    let skill = SkillFile::read(FREE.as_bytes()).unwrap().skill;
    for (key, holds) in [(operator_key(), true), (stranger_key(), false)] {
        let text = skill.clone().sign(&key).unwrap().text().unwrap();
        let setup = setup(Vec::new(), &[]).with(|s| s.skills.0 = vec![("free".into(), text)]);
        let mut rig = setup.open(Mode::Edit).await;
        let replied = bind(&mut rig, "free", &[]).await;
        if holds {
            assert_eq!(replied, Replied::Accepted);
        } else {
            let (said, _) = sentence(replied);
            assert!(said.contains("not among the trust roots"), "{said}");
        }
        rig.verified().await;
    }
}

#[tokio::test]
async fn s1_several_skills_narrow_together_survive_a_restart_and_end_with_a_new_mode() {
    let (tool, look) = (writer(), FakeTool::new("grep"));
    let mut rig = setup(vec![Step::Turn(says("hello"))], &[&tool, &look])
        .open(Mode::Auto)
        .await;
    assert_eq!(
        bind(&mut rig, "reader", &[("topic", "docs")]).await,
        Replied::Accepted
    );
    assert_eq!(bind(&mut rig, "free", &[]).await, Replied::Accepted);
    let (said, _) = sentence(bind(&mut rig, "free", &[]).await);
    assert!(said.contains("bound already"), "{said}");
    let mut rig = rig.restart(|_| {}).await;
    rig.run("hello").await;
    let context = rig.setup.model.contexts().pop().unwrap();
    assert!(context.system.contains("about docs") && context.system.contains("Be brief."));
    let offered: Vec<&str> = context.tools.iter().map(|t| t.name.as_str()).collect();
    // A skill with an empty tool list adds no limit and removes none.
    assert_eq!(offered, ["grep"]);
    rig.set_mode(Mode::Edit).await;
    rig.setup.model.push(Step::Turn(says("again")));
    rig.run("and now").await;
    let context = rig.setup.model.contexts().pop().unwrap();
    assert!(!context.system.contains("Be brief."));
    assert_eq!(context.tools.len(), 2);
    rig.verified().await;
}

#[tokio::test]
async fn s1_w7_a_narrower_mode_cuts_what_was_held_before_a_skill_was_bound() {
    let (tool, look) = (writer(), FakeTool::new("grep"));
    let steps = vec![Step::Turn(calls(vec![(
        "fs_write",
        json!({"path": "a.txt"}),
    )]))];
    let mut rig = setup(steps, &[&tool, &look]).open(Mode::Edit).await;
    rig.run("write").await;
    assert_eq!(
        bind(&mut rig, "reader", &[("topic", "rust")]).await,
        Replied::Accepted
    );
    rig.set_mode(Mode::Plan).await;
    rig.until_kind("rejection", 1).await;
    assert_eq!(rig.refusals()[0].0, "C3");
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn s1_replay_derives_a_bound_skill_again_and_catches_every_change_of_it() {
    let mut rig = setup(Vec::new(), &[&FakeTool::new("grep")])
        .open(Mode::Edit)
        .await;
    assert_eq!(
        bind(&mut rig, "reader", &[("topic", "rust")]).await,
        Replied::Accepted
    );
    let entries = rig.setup.store.entries();
    let judged = |change: &dyn Fn(&mut SkillBound)| {
        let mut redecider = Redecider::new(roots());
        let mut last = Redecided::NoDecision;
        for (entry, body) in entries.iter().zip(rig.bodies()) {
            let body = match body {
                Body::SkillBound(mut bound) => {
                    change(&mut bound);
                    Body::SkillBound(bound)
                }
                other => other,
            };
            let judged = redecider.observe(entry, &body);
            if matches!(body, Body::SkillBound(_)) {
                last = judged;
            }
        }
        last
    };
    assert_eq!(judged(&|_| {}), Redecided::NoDecision);
    let changes: [&dyn Fn(&mut SkillBound); 5] = [
        &|bound| bound.definition["instructions"] = json!("Change everything."),
        &|bound| bound.definition["tools"] = json!(["fs_write"]),
        &|bound| bound.parameters = json!({"topic": "cooking"}),
        &|bound| bound.skill = None,
        &|bound| {
            // A definition with its own id, and a writ that does not follow from it.
            bound.definition["tools"] = json!([]);
            let skill = thymos_core::skill::Skill::from_definition(&bound.definition).unwrap();
            bound.skill = Some(skill.id().unwrap());
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        assert!(
            matches!(judged(change), Redecided::Different(_)),
            "change {at}"
        );
    }
    rig.verified().await;
}

#[tokio::test]
async fn s1_a_skills_model_is_used_unless_the_operator_chose_one_or_it_cannot_be() {
    let steps = || {
        vec![
            Step::Turn(calls(vec![("grep", json!({}))])),
            Step::Turn(says("done")),
        ]
    };
    let look = FakeTool::new("grep");
    let expected = [
        (
            vec!["quick/small"],
            None,
            "quick:small",
            vec![Reason::SkillHint],
        ),
        (
            vec!["quick/small", "wise"],
            Some("wise"),
            "wise:default",
            vec![Reason::OperatorChoice],
        ),
        (
            vec![],
            None,
            "scripted:test",
            vec![Reason::SkillHintUnavailable, Reason::ConfigDefault],
        ),
    ];
    for (known, chosen, selected, reasons) in expected {
        let known = known.into_iter().map(str::to_owned).collect();
        let setup = setup(steps(), &[&look]).with(|s| s.models = known);
        let mut rig = setup.open(Mode::Edit).await;
        assert_eq!(bind(&mut rig, "free", &[]).await, Replied::Accepted);
        if let Some(model) = chosen {
            let (trajectory, model) = (rig.trajectory, model.to_owned());
            let replied = rig.ask(Command::SetModel { trajectory, model }).await;
            assert_eq!(replied, Replied::Accepted);
        }
        rig.run("go").await;
        let routing = routings(&rig).pop().unwrap();
        assert_eq!(
            (routing.selected.as_str(), routing.reason_codes),
            (selected, reasons)
        );
        rig.verified().await;
    }
}

#[tokio::test]
async fn s2_changing_the_evidence_changes_no_id_and_no_verdict() {
    let (tool, look) = (writer(), FakeTool::new("grep"));
    let steps = vec![
        Step::Turn(calls(vec![
            ("grep", json!({})),
            ("fs_write", json!({"path": "a.txt"})),
            ("missing", json!({})),
        ])),
        Step::Turn(says("done")),
    ];
    let mut rig = setup(steps, &[&tool, &look]).open(Mode::Edit).await;
    rig.run("go").await;
    assert_eq!(routings(&rig).len(), 3);
    let entries = rig.setup.store.entries();
    let judge = |change: bool| {
        let mut redecider = Redecider::new(roots());
        let judged = |(entry, body): (&thymos_core::Entry, Body)| {
            let body = match body {
                Body::Intent(mut wanted) if change => {
                    let id = wanted.intent.id().unwrap();
                    wanted.routing = Some(json!({"selected": "other:model"}));
                    assert_eq!(wanted.intent.id().unwrap(), id);
                    Body::Intent(wanted)
                }
                other => other,
            };
            let ids = body
                .decided()
                .map(|d| (d.proposal.id(), d.proposal.intent.id()));
            (redecider.observe(entry, &body), ids)
        };
        let all: Vec<_> = entries.iter().zip(rig.bodies()).map(judged).collect();
        all
    };
    let plain = judge(false);
    assert_eq!(plain, judge(true));
    let decisions = plain.iter().filter(|(_, ids)| ids.is_some()).count();
    assert!(decisions >= 3, "{decisions}");
    assert!(
        plain
            .iter()
            .all(|(judged, _)| !matches!(judged, Redecided::Different(_)))
    );
    rig.verified().await;
}

#[tokio::test]
async fn s2_the_export_tells_outcomes_and_no_byte_of_the_work() {
    let tool = FakeTool::new("grep");
    let steps = vec![
        Step::Turn(calls(vec![
            (
                "grep",
                json!({"pattern": "walrus-pattern", "path": "secret/place.txt"}),
            ),
            ("absent_tool", json!({"x": "walrus-argument"})),
        ])),
        Step::Turn(says("walrus-answer")),
    ];
    let setup = setup(steps, &[&tool]).with(|s| s.models = vec!["quick/small".into()]);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("walrus-prompt").await;
    let trajectory = Some(rig.trajectory);
    let Replied::Routing(rows) = rig.ask(Command::Routing { trajectory }).await else {
        panic!("no routing")
    };
    let told = |row: &RoutingRow| (row.outcome.clone(), row.effect.clone());
    assert_eq!(rows.len(), 2);
    assert_eq!(told(&rows[0]), ("done".into(), Some("pure".into())));
    assert_eq!(told(&rows[1]), ("refused".into(), None));
    assert_eq!(rows[0].decision_hash, rows[1].decision_hash);
    assert!(rows[0].latency_ms.is_some());
    let text = serde_json::to_string(&rows).unwrap();
    for word in [
        "walrus", "secret", "place", "grep", "absent", "/srv/app", "done, ",
    ] {
        assert!(!text.contains(word), "{word} is in {text}");
    }
    let evidence = routings(&rig);
    assert_eq!(evidence[0].alternatives, ["quick/small"]);
    assert_eq!(evidence[0].reason_codes, [Reason::ConfigDefault]);
    rig.verified().await;
}
