//! Records of what a plain run does not write: delegation at two depths, a bound skill, rules loaded and
//! taken out, memory, an undo, a branch, shares of a writ, work that was settled. Real kernels over fakes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thymos_core::Entry;
use thymos_core::budget::{Budget, Cost};
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Resolved, ResolvedResource};
use thymos_core::tool::Compensation;
use thymos_core::writ::Mode;
use thymos_policy::{Bundle, PolicySet, Switches};
use thymos_ports::cognition::{Context, ContextMessage};
use thymos_protocol::{Command, Replied, Settlement, Under};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, ScriptedModel, Step};

use crate::flow::rig::{Rig, Setup, policy};

const SKILL: &str = r#"{"v": 1, "name": "reader", "version": 3, "title": "Only looks",
    "instructions": "Answer questions about {topic}. Change nothing.",
    "params": [{"key": "topic", "values": ["rust", "docs"]}],
    "tools": ["memory_write"], "effects": {"ceiling": "write"}}"#;

/// Sets a resource to a value, whatever it held; `restore` puts it back.
fn setter(name: &str, resource: fn(String) -> Resource) -> FakeTool {
    let of = move |args: &Value| {
        let key = args["key"].as_str().or(args["steps"][0]["key"].as_str());
        resource(key.unwrap_or("a").to_owned())
    };
    FakeTool::new(name)
        .effect(EffectClass::Write)
        .resolving(move |args, look| {
            let version = look.world.get(&of(args)).map(|now| now.version);
            Ok(Resolved {
                effect: EffectClass::Write,
                resources: vec![ResolvedResource {
                    resource: of(args),
                    version,
                }],
                compensation: Compensation::FromRecord,
                estimate: Cost {
                    tool_calls: 1,
                    ..Cost::default()
                },
                ..Resolved::pure()
            })
        })
        .acting(move |begun| {
            let mut outcome = Outcome::said("set", "set");
            outcome.data = Some(json!({"rows": 1}));
            outcome.deltas.push(Delta {
                resource: of(begun.args()),
                expect: Expect::Anything,
                before: None,
                after: Some(ResourceValue::Json(
                    json!({"text": "v", "stratum": "semantic"}),
                )),
            });
            Ok(outcome)
        })
}

fn order(task: &str, calls: u64) -> Value {
    json!({"task": task, "effects": "write", "tools": [], "budget": {"tokens": 2_000 * calls,
        "tool_calls": calls, "wall_clock_ms": 50_000 * calls, "usd_millicents": 100 * calls}})
}

/// `go` delegates one that delegates one; each sets a key and writes a note first.
fn family() -> ScriptedModel {
    ScriptedModel::answering(|context: &Context| {
        let result = |message: &&ContextMessage| matches!(message, ContextMessage::Result { .. });
        if context.messages.iter().any(|message| result(&message)) {
            return Ok(says("done"));
        }
        let began = match context.messages.first() {
            Some(ContextMessage::Operator(text)) => text.as_str(),
            _ => "",
        };
        let set = |key: &str| ("kv_set", json!({"key": key}));
        let note = |key: &str| ("memory_write", json!({"key": key}));
        Ok(match began {
            "go" => calls(vec![set("a"), note("n"), ("delegate", order("middle", 9))]),
            "middle" => calls(vec![set("b"), ("delegate", order("low", 3))]),
            _ => calls(vec![set("c"), note("m")]),
        })
    })
}

fn entries(rig: &Rig) -> Vec<Entry> {
    rig.setup.store.entries()
}

/// Three levels, a branch of the first, and the rules changed in between.
async fn delegated() -> Vec<Entry> {
    let (set, note) = (
        setter("kv_set", Resource::Kv),
        setter("memory_write", Resource::Memory),
    );
    let setup = Setup::new(Vec::new(), &[&set, &note]).with(|setup| {
        setup.model = family();
        setup.tools.push(thymos_tools::delegate());
        setup.continues = true;
    });
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("go").await;
    let commit = rig
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == "commit");
    let branch = Command::Branch {
        trajectory: rig.trajectory,
        entry: commit.unwrap().entry,
    };
    assert!(matches!(rig.ask(branch).await, Replied::Opened(_)));
    // Under the program's other own name, so that the one before is unloaded.
    let other = json!({"name": "closed", "version": "1", "default": "permit", "rules": []});
    let other = PolicySet::new(
        vec![Bundle::from_value(&other).unwrap()],
        Switches::standard(),
    );
    let mut rig = rig.restart(|setup| setup.policy = other).await;
    rig.run("again").await;
    let record = entries(&rig);
    rig.verified().await;
    record
}

/// A skill, and a note under it.
async fn bound() -> Vec<Entry> {
    let (set, note) = (
        setter("kv_set", Resource::Kv),
        setter("memory_write", Resource::Memory),
    );
    let steps = vec![
        Step::Turn(calls(vec![("kv_set", json!({"key": "a"}))])),
        Step::Turn(says("done")),
        Step::Turn(calls(vec![("memory_write", json!({"key": "n"}))])),
        Step::Turn(says("done")),
    ];
    let setup = Setup::new(steps, &[&set, &note]).with(|setup| {
        setup.skills.0 = vec![("reader".into(), SKILL.into())];
    });
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("set").await;
    let bind = Command::BindSkill {
        trajectory: rig.trajectory,
        name: "reader".into(),
        parameters: BTreeMap::from([("topic".to_owned(), "rust".to_owned())]),
    };
    assert_eq!(rig.ask(bind).await, Replied::Accepted);
    rig.run("note").await;
    let record = entries(&rig);
    rig.verified().await;
    record
}

/// A share of a writ file, used and given back.
async fn shared() -> Vec<Entry> {
    let set = setter("kv_set", Resource::Kv);
    let steps = vec![
        Step::Turn(calls(vec![("kv_set", json!({"key": "a"}))])),
        Step::Turn(says("done")),
    ];
    let mut rig = Setup::new(steps, &[&set]).open(Mode::Plan).await;
    let trajectory = rig.trajectory;
    let chain = crate::flow::files::file(9, |writ| {
        writ.effects = thymos_core::effect::Effects::Ceiling(EffectClass::Write);
    });
    let share = Budget {
        tokens: Some(5_000),
        tool_calls: Some(4),
        wall_clock_ms: Some(60_000),
        usd_millicents: Some(50),
    };
    let command = Command::Take {
        trajectory,
        under: Some(Under::Writ { chain, share }),
        skills: Vec::new(),
    };
    let used = rig.ask(command).await;
    assert_eq!(used, Replied::Accepted);
    rig.run("set").await;
    rig.ask(Command::CloseWrit { trajectory }).await;
    let record = entries(&rig);
    rig.verified().await;
    record
}

/// Work that broke off with its process, and a person's word on it.
async fn settled() -> Vec<Entry> {
    let tool = FakeTool::new("kv_set").effect(EffectClass::Write);
    let mut rig = crate::flow::doubt::interrupted(tool.clone(), &tool).await;
    let open = rig.bodies().into_iter().find_map(|body| match body {
        thymos_core::body::Body::Started(started) => Some(started.proposal),
        _ => None,
    });
    let settle = Command::Settle {
        trajectory: rig.trajectory,
        proposal: open.unwrap(),
        settlement: Settlement::Happened,
        reason: "I looked".into(),
    };
    rig.ask(settle).await;
    let record = entries(&rig);
    rig.verified().await;
    record
}

/// Calls that were taken back, and one of those taken back again.
async fn undone() -> Vec<Entry> {
    use crate::flow::undo::{Shop, call, write};
    let mut shop = Shop::after(vec![
        write("a.txt", "a\n"),
        call("kv_set", json!({"key": "k", "value": 1})),
        call("memory_write", json!({"key": "n", "text": "a note"})),
    ])
    .await;
    shop.undo_all(0).await;
    let last = shop.commits().last().unwrap().0;
    shop.undo_all(last).await;
    let record = entries(&shop.rig);
    shop.rig.verified().await;
    record
}

/// A call that a person replaced with their own version.
async fn edited() -> Vec<Entry> {
    let set = setter("kv_set", Resource::Kv);
    let steps = vec![
        Step::Turn(calls(vec![("kv_set", json!({"key": "a"}))])),
        Step::Turn(says("done")),
    ];
    let setup = Setup::new(steps, &[&set]).with(|setup| setup.policy = policy("ask", json!([])));
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("set").await;
    let edit = Command::Edit {
        trajectory: rig.trajectory,
        proposal: rig.card().await.proposal,
        args: json!({"key": "b"}),
    };
    assert_eq!(rig.ask(edit).await, Replied::Accepted);
    rig.until_kind("pending_approval", 2).await;
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    rig.until_idle().await;
    let record = entries(&rig);
    rig.verified().await;
    record
}

/// Every record, each by itself a ledger.
pub(super) async fn play() -> Vec<(&'static str, Vec<Entry>)> {
    vec![
        ("delegated", delegated().await),
        ("bound", bound().await),
        ("shared", shared().await),
        ("settled", settled().await),
        ("undone", undone().await),
        ("edited", edited().await),
    ]
}
