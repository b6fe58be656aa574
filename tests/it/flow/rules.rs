//! Rules that come, change and go while a session runs `[P3]`, and what they ask for `[A3]` `[A8]`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use thymos::system::SystemClock;
use thymos::wire::policy::PolicyFolder;
use thymos_core::body::{Body, Role, Stage};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::key::SigningKey;
use thymos_core::outcome::Outcome;
use thymos_core::tool::Compensation;
use thymos_core::writ::Mode;
use thymos_policy::{Bundle, PolicySet, SignedBundle, Switches};
use thymos_ports::Clock;
use thymos_protocol::{Command, Policies, Replied};
use thymos_testkit::fixtures::{policy_key, roots, stranger_key};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::rig::{Rig, Setup};
use super::road::writer;

/// A policy folder of its own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.json"))
    }

    /// Puts a bundle of one rule in, signed by this key; replaced at once, as the verb does it.
    fn put(&self, name: &str, rule: Value, key: &SigningKey) {
        let beside = self.0.path().join(format!(".{name}"));
        fs::write(&beside, signed(name, rule, key)).unwrap();
        fs::rename(beside, self.file(name)).unwrap();
    }

    fn break_it(&self, name: &str) {
        fs::write(self.file(name), "{\"bundle\": ").unwrap();
    }

    fn take(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }

    fn source(&self) -> Arc<PolicyFolder> {
        let folder = self.0.path().to_path_buf();
        let clock = Arc::new(SystemClock);
        Arc::new(PolicyFolder::open(
            folder,
            roots(),
            Switches::standard(),
            clock,
        ))
    }

    fn setup(&self, steps: Vec<Step>, tools: &[&FakeTool]) -> Setup {
        let source = self.source();
        Setup::new(steps, tools).with(|setup| setup.source = Some(source))
    }
}

fn signed(name: &str, rule: Value, key: &SigningKey) -> Vec<u8> {
    let value = json!({"name": name, "version": "1", "default": "permit", "rules": [rule]});
    let bundle = Bundle::from_value(&value).unwrap();
    SignedBundle::sign(bundle, key)
        .to_bytes()
        .unwrap()
        .into_vec()
}

fn no_look() -> Value {
    json!({"id": "no-look", "reason": "looking is over", "decision": "forbid",
           "when": {"field": "intent.tool", "op": "eq", "value": "kv_get"}})
}

/// A tool that only reads, so that the built-in rules permit it.
fn look() -> FakeTool {
    FakeTool::new("kv_get").effect(EffectClass::Read)
}

fn looks(times: usize) -> Vec<Step> {
    let turn = |at| Step::Turn(calls(vec![("kv_get", json!({ "at": at }))]));
    (0..times).map(turn).collect()
}

async fn policies(rig: &mut Rig, command: Command) -> Policies {
    match rig.ask(command).await {
        Replied::Policies(policies) => policies,
        other => panic!("{other:?}"),
    }
}

/// Loading and unloading as recorded: `+name`, `-name`.
fn changes(rig: &Rig) -> Vec<String> {
    let change = |body: Body| match body {
        Body::PolicyLoaded(loaded) => {
            let vouched = loaded.signed_by.is_some() && loaded.signature.is_some();
            assert_eq!(
                vouched,
                !["builtin", "closed"].contains(&loaded.name.as_str())
            );
            Some(format!("+{}", loaded.name))
        }
        Body::PolicyUnloaded(unloaded) => Some(format!("-{}", unloaded.name)),
        _ => None,
    };
    rig.bodies().into_iter().filter_map(change).collect()
}

/// What the program itself said.
fn notices(rig: &Rig) -> Vec<String> {
    let said = |body: Body| match body {
        Body::Message(message) => (message.role == Role::System).then_some(message.text),
        _ => None,
    };
    rig.bodies().into_iter().filter_map(said).collect()
}

#[tokio::test]
async fn p3_a_bundle_dropped_in_during_a_run_refuses_the_next_call_and_its_going_permits_again() {
    let folder = Arc::new(Folder::new());
    let during = folder.clone();
    // The first call itself drops the bundle in; the run goes on to the second.
    let tool = look().acting(move |begun| {
        if begun.args()["at"] == 0 {
            during.put("house", no_look(), &policy_key());
        }
        Ok(Outcome::said("seen", "seen"))
    });
    let mut steps = looks(2);
    steps.push(Step::Turn(says("enough")));
    let mut rig = folder.setup(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("look twice").await;
    assert_eq!(tool.runs(), 1);
    let (clause, stage, said) = rig.refusals().remove(0);
    assert_eq!((clause.as_str(), stage), ("C13", Stage::Compile));
    assert!(said.starts_with("looking is over"), "{said}");

    folder.take("house");
    rig.setup
        .model
        .push(Step::Turn(calls(vec![("kv_get", json!({"at": 2}))])));
    rig.run("look again").await;
    assert_eq!(tool.runs(), 2);
    assert_eq!(changes(&rig), ["+builtin", "+house", "-house"]);
    rig.verified().await;
}

#[tokio::test]
async fn p3_a_bundle_that_ends_closes_the_gate_and_replay_finds_that_again() {
    let (folder, tool) = (Folder::new(), look());
    let mut steps = looks(1);
    steps.push(Step::Turn(says("seen")));
    let setup = folder.setup(steps, &[&tool]);
    let ends = setup.clock.now().plus_ms(60_000);
    let house = json!({"name": "house", "version": "1", "default": "permit", "rules": []});
    let house = Bundle::from_value(&house).unwrap().until(ends).unwrap();
    let file = SignedBundle::sign(house, &policy_key()).to_bytes().unwrap();
    fs::write(folder.file("house"), file.as_bytes()).unwrap();
    let mut rig = setup.open(Mode::Edit).await;
    let told = policies(&mut rig, Command::Policies).await;
    assert_eq!(told.bundles.last().unwrap().until, Some(ends));
    rig.run("look").await;
    // Nothing moves in the folder; only time passes.
    rig.setup.clock.advance_ms(60_000);
    for step in [looks(2).remove(1), Step::Turn(says("refused"))] {
        rig.setup.model.push(step);
    }
    rig.run("look again").await;
    assert_eq!(tool.runs(), 1);
    let (clause, stage, said) = rig.refusals().remove(0);
    assert_eq!((clause.as_str(), stage), ("C13", Stage::Compile));
    assert!(said.starts_with("bundle `house` ended"), "{said}");
    // Unloaded, it closes nothing any more.
    folder.take("house");
    rig.setup.model.push(looks(1).remove(0));
    rig.run("and again").await;
    assert_eq!(tool.runs(), 2);
    rig.verified().await;
}

#[tokio::test]
async fn t5_a_bundle_that_came_between_ask_and_answer_refuses_admission() {
    let (folder, tool) = (Folder::new(), writer());
    let steps = vec![Step::Turn(calls(vec![("fs_write", json!({"path": "a"}))]))];
    let mut rig = folder.setup(steps, &[&tool]).open(Mode::Edit).await;
    rig.run("write").await;
    folder.put("house", no_look(), &policy_key());
    rig.approve().await;
    rig.until_kind("rejection", 1).await;
    let (clause, stage, said) = rig.refusals().remove(0);
    assert_eq!((clause.as_str(), stage), ("C13", Stage::Admit));
    assert!(said.contains("policy changed since it was asked"), "{said}");
    assert_eq!(tool.runs(), 0);
    rig.verified().await;
}

#[tokio::test]
async fn p3_a_broken_file_keeps_the_rules_before_it() {
    let (folder, tool) = (Folder::new(), look());
    folder.put("house", no_look(), &policy_key());
    let mut rig = folder.setup(Vec::new(), &[&tool]).open(Mode::Edit).await;
    let set = policies(&mut rig, Command::Policies).await.set;
    for spoil in ["broken", "stranger", "unsigned", "twice", "taken"] {
        folder.put("house", no_look(), &policy_key());
        match spoil {
            "broken" => folder.break_it("house"),
            "stranger" => folder.put("house", no_look(), &stranger_key()),
            "unsigned" => fs::write(folder.file("house"), "{\"name\": \"house\"}").unwrap(),
            "twice" => fs::copy(folder.file("house"), folder.file("other"))
                .map(drop)
                .unwrap(),
            _ => folder.put("builtin", no_look(), &policy_key()),
        }
        let seen = policies(&mut rig, Command::Policies).await;
        assert_eq!(
            (seen.set, seen.refused.len()),
            (set, 1),
            "{spoil}: {seen:?}"
        );
        rig.setup.model.push(looks(1).remove(0));
        rig.run("look").await;
        drop(fs::remove_file(folder.file("other")));
        drop(fs::remove_file(folder.file("builtin")));
    }
    let refusals = rig.refusals();
    let by_the_old_rule = |(_, _, said): &(_, _, String)| said.starts_with("looking is over");
    assert_eq!((tool.runs(), refusals.len()), (0, 5));
    assert!(refusals.iter().all(by_the_old_rule), "{refusals:?}");
    assert_eq!(changes(&rig), ["+builtin", "+house"]);
    let told = notices(&rig);
    assert_eq!(told.len(), 5);
    assert!(told[0].starts_with("a policy file is refused, and the rules before it stay in force"));
    rig.verified().await;
}

#[test]
fn p3_a_file_that_changes_within_one_tick_of_its_times_is_seen() {
    use thymos_runtime::kernel::PolicySource;
    let folder = Folder::new();
    let (yes, no) = (no_look(), {
        let mut other = no_look();
        // As long as the rule before it, so that the size says nothing either.
        other["reason"] = json!("looking is open");
        other
    });
    let source = folder.source();
    let mut seen = Vec::new();
    for at in 0..64 {
        let rule = if at % 2 == 0 { &yes } else { &no };
        let bytes = signed("house", rule.clone(), &policy_key());
        // In place: the file keeps its inode.
        fs::write(folder.file("house"), bytes).unwrap();
        seen.push(source.current().set().id());
    }
    assert!(seen.windows(2).all(|two| two[0] != two[1]));
}

#[tokio::test]
async fn p3_a_start_with_a_broken_file_forbids_everything_until_it_is_mended() {
    let (folder, tool) = (Folder::new(), look());
    folder.break_it("house");
    let mut rig = folder.setup(looks(1), &[&tool]).open(Mode::Edit).await;
    rig.run("look").await;
    assert_eq!(tool.runs(), 0);
    assert!(
        rig.refusals()[0]
            .2
            .contains("`thymos policy ls` says which")
    );
    let refused = policies(&mut rig, Command::Policies).await.refused;
    assert!(
        refused[0].starts_with("`house.json`: line 1 column"),
        "{refused:?}"
    );

    folder.take("house");
    rig.setup
        .model
        .push(Step::Turn(calls(vec![("kv_get", json!({"at": 2}))])));
    rig.run("look").await;
    assert_eq!(tool.runs(), 1);
    assert_eq!(changes(&rig), ["+builtin", "+closed", "-closed"]);
    let told = notices(&rig);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("nothing is allowed until it is mended: `house.json`"));
    rig.verified().await;
}

#[tokio::test]
async fn p3_two_trajectories_under_different_rules_are_both_verified() {
    let (folder, tool) = (Folder::new(), look());
    let mut first = folder.setup(looks(1), &[&tool]).open(Mode::Edit).await;
    first.run("look").await;
    folder.put("house", no_look(), &policy_key());
    first
        .setup
        .model
        .push(Step::Turn(calls(vec![("kv_get", json!({"at": 1}))])));
    let Replied::Opened(other) = first.ask(Command::begin(Mode::Edit)).await else {
        panic!("no trajectory")
    };
    // The second one is made under the new rules; the first has not decided since.
    let one = std::mem::replace(&mut first.trajectory, other.trajectory);
    first.run("look").await;
    assert_eq!((tool.runs(), first.refusals().len()), (1, 1));
    folder.take("house");
    first.trajectory = one;
    first
        .setup
        .model
        .push(Step::Turn(calls(vec![("kv_get", json!({"at": 2}))])));
    first.run("look").await;
    assert_eq!(tool.runs(), 2);
    assert_eq!(changes(&first), ["+builtin", "+builtin", "+house"]);
    first.verified().await;
}

#[tokio::test]
async fn a3_quorum_expiry_and_ceremony_of_a_rule_reach_the_hold() {
    let (folder, tool) = (Folder::new(), look());
    let terms = json!({"channel": "security", "quorum": 2, "approvers": ["ada", "bob"], "expires_after_ms": 60_000,
        "ceremony": {"arming_ms": 2_000, "view_gate": true, "type_back": true, "batch": false}});
    let rule = json!({"id": "two", "reason": "two must agree", "decision": {"ask": terms},
        "when": {"field": "intent.tool", "op": "eq", "value": "kv_get"}});
    folder.put("house", rule, &policy_key());
    let mut rig = folder.setup(looks(1), &[&tool]).open(Mode::Edit).await;
    rig.run("look").await;
    let card = rig.card().await;
    assert_eq!(
        (card.quorum, card.reasons.as_slice()),
        (
            2,
            ["two must agree (asked of security)".to_owned()].as_slice()
        )
    );
    assert_eq!(card.expires_at, Some(card.held_at.plus_ms(60_000)));
    assert!(card.ceremony.type_back && card.ceremony.arming_ms == 2_000);
    rig.verified().await;
}

#[tokio::test]
async fn c15_the_risk_gate_is_where_the_switch_puts_it() {
    for (threshold, held) in [(Risk::Low, true), (Risk::Medium, false)] {
        let tool = look();
        let mut switches = Switches::standard();
        switches.risk_threshold = threshold;
        let set = PolicySet::new(PolicySet::builtin().bundles().to_vec(), switches);
        let setup = Setup::new(looks(1), &[&tool]).with(|setup| setup.policy = set);
        let mut rig = setup.open(Mode::Edit).await;
        rig.run("look").await;
        assert_eq!(
            (rig.holds().await.len(), tool.runs()),
            (usize::from(held), usize::from(!held))
        );
        rig.verified().await;
    }
}

#[tokio::test]
async fn c14_the_gate_of_what_cannot_be_taken_back_can_be_switched_off() {
    for (gate, held) in [(true, true), (false, false)] {
        let tool = FakeTool::new("launch").effect(EffectClass::Irreversible);
        let tool = tool.declaring(|contract| {
            contract.compensation = Compensation::Impossible("it is gone".into());
        });
        let mut switches = Switches::standard();
        switches.compensation_gate = gate;
        let open = json!({"name": "open", "version": "1", "default": "permit", "rules": []});
        let set = PolicySet::new(vec![Bundle::from_value(&open).unwrap()], switches);
        let steps = vec![Step::Turn(calls(vec![("launch", json!({}))]))];
        let setup = Setup::new(steps, &[&tool]).with(|setup| setup.policy = set);
        let mut rig = setup.open_under("", |_| {}).await;
        rig.run("go").await;
        assert_eq!(
            (rig.holds().await.len(), tool.runs()),
            (usize::from(held), usize::from(!held))
        );
        rig.verified().await;
    }
}

#[tokio::test]
async fn p5_a_candidate_is_tried_on_the_past_beside_the_rules_in_force() {
    let (folder, tool) = (Folder::new(), look());
    let mut rig = folder.setup(looks(1), &[&tool]).open(Mode::Edit).await;
    rig.run("look").await;
    let bundle =
        json!({"name": "house", "version": "7", "default": "permit", "rules": [no_look()]});
    let before = rig.bodies().len();
    let trajectory = Some(rig.trajectory);
    let asked = Command::Simulate {
        trajectory,
        candidate: bundle.clone(),
    };
    let Replied::Simulated(found) = rig.ask(asked).await else {
        panic!("nothing simulated")
    };
    assert_eq!(
        (
            found.candidate.as_str(),
            found.decisions,
            found.changes.len()
        ),
        ("house 7", 1, 1)
    );
    let change = &found.changes[0];
    assert_eq!(
        (change.was.as_str(), change.would_be.as_str()),
        ("cleared", "refused")
    );
    assert!(
        change.because.contains("house/no-look"),
        "{}",
        change.because
    );
    assert_eq!((rig.bodies().len(), tool.runs()), (before, 1));
    for (name, value) in [("builtin", json!("builtin")), ("rules", json!(3))] {
        let mut wrong = bundle.clone();
        wrong[if name == "builtin" { "name" } else { name }] = value;
        let asked = Command::Simulate {
            trajectory,
            candidate: wrong,
        };
        assert!(matches!(rig.ask(asked).await, Replied::Fault(_)), "{name}");
    }
    rig.verified().await;
}

#[tokio::test]
async fn p5_a_writ_file_in_any_form_is_tried_on_the_past() {
    let tool = look();
    let mut rig = Setup::new(looks(1), &[&tool]).open(Mode::Edit).await;
    rig.run("look").await;
    let issued = rig.bodies().into_iter().find_map(|body| match body {
        Body::WritIssued(issued) => serde_json::to_value(issued.writ).ok(),
        _ => None,
    });
    let mut signed = issued.unwrap();
    signed["writ"]["grants"] = json!([{"tool": "kv_get", "caveats": []}]);
    signed["writ"]["examples"] = json!({"allow": [], "deny": []});
    signed["writ"]["budget"]["tool_calls"] = json!(0);
    let bare = signed["writ"].clone();
    let one = json!([signed]);
    for candidate in [bare.clone(), signed.clone(), one] {
        let trajectory = None;
        let asked = Command::Simulate {
            trajectory,
            candidate,
        };
        let found = match rig.ask(asked).await {
            Replied::Simulated(found) => found,
            other => panic!("{other:?}"),
        };
        let change = &found.changes[0];
        assert_eq!(
            (change.was.as_str(), change.would_be.as_str(), tool.runs()),
            ("cleared", "refused", 1)
        );
        assert!(change.because.contains("C11"), "{}", change.because);
    }
    let mut odd = bare.clone();
    odd["examples"] = json!({"allow": [{"tool": "nothing_here", "args": {}}], "deny": []});
    let mut unknown = bare;
    unknown["grant"] = json!([]);
    for (candidate, words) in [
        (json!([]), "holds 0 writs"),
        (json!(vec![signed; 17]), "holds 17 writs"),
        (odd, "nothing_here"),
        (unknown, "unknown field `grant`"),
        (json!([3]), "cannot be read"),
    ] {
        let asked = Command::Simulate {
            trajectory: None,
            candidate,
        };
        let Replied::Fault(fault) = rig.ask(asked).await else {
            panic!("{words}")
        };
        assert!(fault.message.contains(words), "{words}: {}", fault.message);
    }
    rig.verified().await;
}

#[tokio::test]
async fn p3_a_switch_that_moved_is_an_entry_and_both_times_are_verified() {
    let tool = look();
    let setup = Setup::new(looks(1), &[&tool]);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("look").await;
    let mut switches = Switches::standard();
    switches.risk_threshold = Risk::Low;
    let strict = PolicySet::new(PolicySet::builtin().bundles().to_vec(), switches);
    let mut rig = rig.restart(|setup| setup.policy = strict).await;
    rig.setup.model.push(looks(2).remove(1));
    rig.run("look").await;
    assert_eq!((tool.runs(), rig.holds().await.len()), (1, 1));
    assert_eq!(changes(&rig), ["+builtin", "+builtin"]);
    rig.verified().await;
}
