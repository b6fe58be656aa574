//! Calls are taken back newest first, from the record, through the gate, or the plan says why not
//! `[D3]`. The tools are the real ones, in a scratch folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use thymos_core::body::Body;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::tool::Floor;
use thymos_core::writ::Mode;
use thymos_core::{Digest, Kind};
use thymos_policy::PolicySet;
use thymos_ports::cognition::{Context, ContextMessage};
use thymos_ports::store::Batch;
use thymos_ports::{LedgerStore, Tool};
use thymos_protocol::{Command, Replied, UndoEnd, UndoPlan};
use thymos_runtime::floors::lifted;
use thymos_sandbox::CageProbe;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, MemoryStore, ScriptedModel, Step};
use thymos_tools::{ToolsConfig, builtin};

use super::rig::{Rig, Setup, policy};

/// A kernel over a folder, with the tools that the program has.
pub(crate) struct Shop {
    pub(crate) rig: Rig,
    pub(super) folder: TempDir,
}

pub(super) fn setup(folder: &TempDir, steps: Vec<Step>) -> Setup {
    let root = folder.path().join("ws");
    std::fs::create_dir_all(&root).unwrap();
    let config = ToolsConfig {
        root: root.clone(),
        protected: Vec::new(),
        search_path: vec!["/usr/bin".into(), "/bin".into()],
        env: Vec::new(),
        tmp: folder.path().join("tmp"),
        extra_read: Vec::new(),
        cage: thymos_sandbox::probe(),
    };
    Setup::new(steps, &[]).with(|setup| {
        setup.tools = builtin(config).unwrap();
        setup.workspace = root.display().to_string();
    })
}

pub(crate) fn call(tool: &str, args: Value) -> Step {
    Step::Turn(calls(vec![(tool, args)]))
}

pub(crate) fn write(path: &str, content: &str) -> Step {
    call("fs_write", json!({"path": path, "content": content}))
}

impl Shop {
    /// Runs these calls in Auto mode, then the model is done.
    pub(crate) async fn after(steps: Vec<Step>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut all = steps;
        all.push(Step::Turn(says("done")));
        let mut rig = setup(&folder, all).open(Mode::Auto).await;
        rig.run("go").await;
        Self { rig, folder }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("ws").join(name)
    }

    pub(super) fn put(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    pub(super) async fn plan(&mut self, from_seq: u64) -> UndoPlan {
        let trajectory = self.rig.trajectory;
        let command = Command::PlanUndo {
            trajectory,
            of: trajectory,
            from_seq,
        };
        match self.rig.ask(command).await {
            Replied::UndoPlan(plan) => plan,
            other => panic!("no plan: {other:?}"),
        }
    }

    pub(super) async fn undo(&mut self, from_seq: u64, plan: &UndoPlan, partial: bool) -> Replied {
        let command = Command::Undo {
            trajectory: self.rig.trajectory,
            of: self.rig.trajectory,
            from_seq,
            plan: plan.digest,
            partial,
        };
        self.rig.ask(command).await
    }

    /// Plans, and carries it out; all of it must succeed.
    pub(crate) async fn undo_all(&mut self, from_seq: u64) -> u64 {
        let plan = self.plan(from_seq).await;
        assert!(plan.complete, "{plan:#?}");
        match self.undo(from_seq, &plan, false).await {
            Replied::Undone(UndoEnd {
                done,
                of,
                stopped: None,
                ..
            }) => {
                assert_eq!(done, of);
                done
            }
            other => panic!("not undone: {other:?}"),
        }
    }

    /// Another process over the same ledger, which the one before broke off from.
    pub(super) async fn reopened(self) -> Self {
        let Self { rig, folder } = self;
        let rig = rig.restart(|setup| setup.store.reopen()).await;
        Self { rig, folder }
    }

    /// Sequence numbers of commits, and whether each took something back.
    pub(crate) fn commits(&self) -> Vec<(u64, bool)> {
        let entries = self.rig.setup.store.entries();
        let commits = entries.iter().zip(self.rig.bodies());
        commits
            .filter_map(|(entry, body)| match body {
                Body::Commit(commit) => Some((entry.header.seq, commit.compensates.is_some())),
                _ => None,
            })
            .collect()
    }
}

pub(super) fn wills(plan: &UndoPlan) -> Vec<&str> {
    let all = plan.steps.iter().flat_map(|step| &step.will);
    all.map(String::as_str).collect()
}

pub(super) fn whys(plan: &UndoPlan) -> Vec<&str> {
    let all = plan.steps.iter().filter_map(|step| step.cannot.as_deref());
    all.collect()
}

#[tokio::test]
async fn d3_calls_are_taken_back_newest_first_and_recorded_as_what_they_undo() {
    let mut shop = Shop::after(vec![
        write("src/new.txt", "one\n"),
        write("src/new.txt", "two!\n"),
        call("kv_set", json!({"key": "k", "value": 1})),
        call("fs_read", json!({"path": "src/new.txt"})),
    ])
    .await;
    let plan = shop.plan(0).await;
    assert_eq!(
        wills(&plan),
        [
            "remove kv:k again",
            "put src/new.txt back, 5 -> 4 bytes",
            "delete src/new.txt again"
        ]
    );
    assert_eq!(shop.get("src/new.txt").as_deref(), Some("two!\n"));
    assert_eq!(shop.undo_all(0).await, 3);
    assert!(!shop.path("src").exists());
    let undone: Vec<bool> = shop.commits().into_iter().map(|(_, undo)| undo).collect();
    assert_eq!(undone, [false, false, false, false, true, true, true]);
    assert_eq!(shop.plan(0).await.steps, []);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_an_undo_can_be_taken_back_which_does_it_again() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n")]).await;
    shop.undo_all(0).await;
    assert_eq!(shop.get("a.txt"), None);
    let undo = shop.commits().last().unwrap().0;
    let plan = shop.plan(undo).await;
    assert_eq!(wills(&plan), ["bring a.txt back, 2 bytes"]);
    shop.undo_all(undo).await;
    assert_eq!(shop.get("a.txt").as_deref(), Some("a\n"));
    // It is in force again, and can be undone again.
    shop.undo_all(0).await;
    assert_eq!(shop.get("a.txt"), None);
    assert_eq!(shop.commits().len(), 4);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_what_somebody_changed_since_is_said_before_anything_is_touched() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n"), write("b.txt", "b\n")]).await;
    shop.put("b.txt", "by hand\n");
    let plan = shop.plan(0).await;
    assert!(!plan.complete);
    assert_eq!(
        whys(&plan),
        ["`b.txt` was changed by something else since that call"]
    );
    let Replied::Fault(fault) = shop.undo(0, &plan, false).await else {
        panic!("it was undone all the same")
    };
    assert!(fault.message.contains("nothing was touched"), "{fault:?}");
    assert_eq!(shop.get("a.txt").as_deref(), Some("a\n"));
    let end = shop.undo(0, &plan, true).await;
    assert!(
        matches!(end, Replied::Undone(UndoEnd { done: 1, .. })),
        "{end:?}"
    );
    assert_eq!(shop.get("a.txt"), None);
    assert_eq!(shop.get("b.txt").as_deref(), Some("by hand\n"));
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_a_plan_that_changed_since_it_was_agreed_to_does_nothing() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n")]).await;
    let plan = shop.plan(0).await;
    shop.rig.setup.model.push(write("b.txt", "b\n"));
    shop.rig.setup.model.push(Step::Turn(says("done")));
    shop.rig.run("more").await;
    let Replied::Fault(fault) = shop.undo(0, &plan, true).await else {
        panic!("it was undone all the same")
    };
    assert!(fault.message.contains("the plan changed"), "{fault:?}");
    assert_eq!(shop.get("a.txt").as_deref(), Some("a\n"));
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_only_what_came_after_the_entry_is_taken_back() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n"), write("b.txt", "b\n")]).await;
    let second = shop.commits()[1].0;
    shop.undo_all(second).await;
    assert_eq!(shop.get("a.txt").as_deref(), Some("a\n"));
    assert_eq!(shop.get("b.txt"), None);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_an_external_effect_and_content_that_nobody_kept_cannot_be_undone() {
    let folder = tempfile::tempdir().unwrap();
    let steps = vec![call("test_run", json!({})), Step::Turn(says("done"))];
    let send = FakeTool::new("test_run").effect(EffectClass::External);
    let mut rig = setup(&folder, steps)
        .with(|setup| {
            setup
                .tools
                .retain(|tool| tool.contract().name != "test_run");
            setup.tools.push(send.port());
        })
        .open(Mode::Auto)
        .await;
    rig.run("go").await;
    let mut shop = Shop { rig, folder };
    let plan = shop.plan(0).await;
    assert_eq!(whys(&plan), ["its effect is outside the record"]);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_what_a_caged_command_changed_is_taken_back() {
    let cage: CageProbe = thymos_sandbox::probe();
    if cage.best < thymos_sandbox::Rung::L2 {
        eprintln!("no cage here keeps a command inside the workspace");
        return;
    }
    let command = "echo new > new.txt; echo more >> old.txt; rm gone.txt";
    let folder = tempfile::tempdir().unwrap();
    let steps = vec![
        call("shell", json!({ "command": command })),
        Step::Turn(says("done")),
    ];
    let setup = setup(&folder, steps).with(|setup| setup.rung = thymos_core::isolation::Rung::L2);
    std::fs::write(folder.path().join("ws/old.txt"), "old\n").unwrap();
    std::fs::write(folder.path().join("ws/gone.txt"), "gone\n").unwrap();
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("go").await;
    // A line for a shell is a risk, so a person is asked.
    rig.approve().await;
    rig.until_kind("commit", 1).await;
    rig.until_idle().await;
    let mut shop = Shop { rig, folder };
    assert_eq!(shop.get("old.txt").as_deref(), Some("old\nmore\n"));
    assert_eq!(shop.undo_all(0).await, 1);
    assert_eq!(shop.get("new.txt"), None);
    assert_eq!(shop.get("old.txt").as_deref(), Some("old\n"));
    assert_eq!(shop.get("gone.txt").as_deref(), Some("gone\n"));
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_what_rules_forbid_of_a_plan_is_told_before_any_step_is_taken() {
    let steps = vec![write("a.txt", "a\n"), write("b.txt", "b\n")];
    let Shop { rig, folder } = Shop::after(steps).await;
    // Another process, under rules that forbid something of the older step and nothing of the newer one.
    let rules = json!([{"id": "never", "reason": "not this one", "decision": "forbid", "if_missing": "skip",
        "when": {"field": "resolved.paths", "op": "under", "value": "a.txt"}, "examples": []}]);
    let rig = rig
        .restart(|setup| setup.policy = policy("permit", rules))
        .await;
    let mut shop = Shop { rig, folder };
    let plan = shop.plan(0).await;
    assert!(!plan.complete, "{plan:#?}");
    assert!(whys(&plan)[0].contains("refused [C13]"), "{plan:#?}");
    assert_eq!(wills(&plan), ["delete b.txt again"]);
    let Replied::Fault(no) = shop.undo(0, &plan, false).await else {
        panic!("it was begun")
    };
    assert!(no.message.contains("nothing was touched"), "{no:?}");
    assert_eq!(shop.get("b.txt").as_deref(), Some("b\n"));
    let Replied::Undone(end) = shop.undo(0, &plan, true).await else {
        panic!("no end")
    };
    assert_eq!((end.done, end.of, end.stopped), (1, 1, None));
    assert_eq!(shop.get("a.txt").as_deref(), Some("a\n"));
    assert_eq!(shop.get("b.txt"), None);
    shop.rig.verified().await;
}

/// A person who asks for it is not held up by what the run itself may still do: it is stopped, or only looks.
#[tokio::test]
async fn d3_what_a_run_that_may_do_nothing_did_is_taken_back_under_the_operators_own_writ() {
    for (plan_mode, stopped) in [(true, false), (false, true), (true, true)] {
        let mut shop = Shop::after(vec![write("a.txt", "a\n")]).await;
        if plan_mode {
            shop.rig.set_mode(Mode::Plan).await;
        }
        if stopped {
            let ending = Command::EndAuthority {
                trajectory: shop.rig.trajectory,
                reason: "enough".into(),
            };
            assert_eq!(shop.rig.ask(ending).await, Replied::Accepted);
        }
        assert_eq!(shop.undo_all(0).await, 1);
        assert_eq!(shop.get("a.txt"), None);
        let trajectory = shop.rig.trajectory;
        let Replied::Opened(status) = shop.rig.ask(Command::Open { trajectory }).await else {
            panic!("not open")
        };
        // What was stopped stays stopped: nothing but taking back is in force.
        let mode = if stopped { Mode::Custom } else { Mode::Plan };
        assert_eq!(status.mode, mode, "what is in force afterwards");
        shop.rig.verified().await;
    }
}

/// The writ of an undo is no better than another: once it is ended, the next undo has its own.
#[tokio::test]
async fn d3_an_undo_is_taken_back_also_where_its_own_writ_was_ended() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n")]).await;
    let trajectory = shop.rig.trajectory;
    for from_the_undo in [false, true] {
        let ending = Command::EndAuthority {
            trajectory,
            reason: "enough".into(),
        };
        assert_eq!(shop.rig.ask(ending).await, Replied::Accepted);
        let from = match from_the_undo {
            true => shop.commits().last().unwrap().0,
            false => 0,
        };
        assert_eq!(shop.undo_all(from).await, 1);
        let there = shop.get("a.txt").is_some();
        assert_eq!(there, from_the_undo);
    }
    shop.rig.verified().await;
}

/// A mark in the world is what the call left there; taking it away wants no secret.
#[tokio::test]
async fn d3_a_value_with_a_secret_in_it_is_taken_away_again() {
    let secret = format!("AKIA{}", "QWERTYUIOP234567");
    let mut shop = Shop::after(vec![call(
        "kv_set",
        json!({"key": "k", "value": format!("the key is {secret}")}),
    )])
    .await;
    let plan = shop.plan(0).await;
    assert_eq!(wills(&plan), ["remove kv:k again"]);
    assert_eq!(shop.undo_all(0).await, 1);
    assert_eq!(shop.plan(0).await.steps, []);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_the_model_may_not_take_calls_back_itself() {
    let steps = json!([{"resource": "kv:k", "expect": null, "to": null}]);
    let shop = Shop::after(vec![call("restore", json!({ "steps": steps }))]).await;
    let (clause, _, said) = shop.rig.refusals().remove(0);
    assert_eq!(clause, "C6");
    assert!(said.contains("operator's own tool"), "{said}");
    for context in shop.rig.setup.model.contexts() {
        assert!(context.tools.iter().all(|tool| tool.name != "restore"));
    }
    shop.rig.verified().await;
}

/// A parent that orders one run; the run writes a file and says so.
fn family() -> ScriptedModel {
    ScriptedModel::answering(|context: &Context| {
        let heard = context
            .messages
            .iter()
            .any(|message| matches!(message, ContextMessage::Result { .. }));
        let parent = matches!(context.messages.first(), Some(ContextMessage::Operator(text)) if text == "go");
        Ok(match (parent, heard) {
            (_, true) => says("done"),
            (true, false) => calls(vec![(
                "delegate",
                json!({"task": "write it", "tools": ["fs_write"], "effects": "write"}),
            )]),
            (false, false) => calls(vec![(
                "fs_write",
                json!({"path": "child.txt", "content": "by the child\n"}),
            )]),
        })
    })
}

#[tokio::test]
async fn d3_what_a_delegated_run_did_is_taken_back_on_its_own_trajectory() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder, Vec::new()).with(|setup| setup.model = family());
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("go").await;
    let mut shop = Shop { rig, folder };
    assert_eq!(shop.get("child.txt").as_deref(), Some("by the child\n"));
    let plan = shop.plan(0).await;
    assert_eq!(wills(&plan), ["delete child.txt again"]);
    assert_ne!(plan.steps[0].trajectory, shop.rig.trajectory);
    shop.undo_all(0).await;
    assert_eq!(shop.get("child.txt"), None);
    assert_eq!(shop.plan(0).await.steps, []);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_a_step_that_a_person_must_agree_to_stops_the_rest_and_counts_once_they_do() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n"), write("b.txt", "b\n")]).await;
    let Shop { rig, folder } = shop;
    // Another process, under rules that ask about everything.
    let rig = rig
        .restart(|setup| setup.policy = policy("ask", json!([])))
        .await;
    shop = Shop { rig, folder };
    let plan = shop.plan(0).await;
    let Replied::Undone(end) = shop.undo(0, &plan, false).await else {
        panic!("no end")
    };
    let stop = end.stopped.expect("it is held");
    assert!(stop.held && stop.line.contains("b.txt"), "{stop:?}");
    assert_eq!((end.done, end.of), (0, 2));
    assert_eq!(shop.get("b.txt").as_deref(), Some("b\n"));
    let card = shop.rig.card().await;
    assert_eq!(
        (card.tool.as_str(), card.line.as_str()),
        ("restore", "file:b.txt")
    );
    shop.rig.approve().await;
    shop.rig.until_kind("commit", 3).await;
    assert_eq!(shop.get("b.txt"), None);
    assert_eq!(wills(&shop.plan(0).await), ["delete a.txt again"]);
    shop.rig.verified().await;
}

/// Planning reads whatever runs did; who asks for something else meanwhile is answered.
#[tokio::test]
async fn d3_others_are_answered_while_an_undo_is_planned() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder, Vec::new()).with(|setup| setup.model = family());
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("go").await;
    let mut shop = Shop { rig, folder };
    let child = shop.plan(0).await.steps[0].trajectory;
    let above = shop.rig.trajectory;
    let Replied::Opened(other) = shop.rig.ask(Command::begin(Mode::Plan)).await else {
        panic!("no trajectory")
    };
    let store = shop.rig.setup.store.clone();
    store.hold_back(child);
    let planning = Command::PlanUndo {
        trajectory: above,
        of: above,
        from_seq: 0,
    };
    let ticket = shop.rig.desk.send(planning).await;
    let trajectory = other.trajectory;
    let opened = shop.rig.ask(Command::Open { trajectory }).await;
    assert!(matches!(opened, Replied::Opened(_)), "{opened:?}");
    store.let_go();
    let Replied::UndoPlan(plan) = shop.rig.desk.reply(ticket).await else {
        panic!("no plan")
    };
    assert_eq!(wills(&plan), ["delete child.txt again"]);
    shop.rig.verified().await;
}

/// What the older of two steps on one file would do is held against the rules before the newer one is done.
#[tokio::test]
async fn d3_rules_that_forbid_an_older_step_of_a_file_are_told_by_the_plan() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n"), write("a.txt", "b\n")]).await;
    let Shop { rig, folder } = shop;
    let rule = json!({
        "id": "stays", "reason": "nothing is deleted", "decision": "forbid", "if_missing": "skip",
        "when": {"field": "resolved.deletes", "op": "under", "value": "", "of": "any"},
        "examples": [{"with": {"resolved.deletes": ["a.txt"]}, "says": "forbid"}],
    });
    let rig = rig
        .restart(|setup| setup.policy = policy("permit", json!([rule])))
        .await;
    shop = Shop { rig, folder };
    let plan = shop.plan(0).await;
    assert!(!plan.complete, "{plan:#?}");
    assert_eq!(wills(&plan), ["put a.txt back, 2 -> 2 bytes"]);
    assert!(
        whys(&plan)[0].contains("would be refused [C13]"),
        "{plan:#?}"
    );
    let Replied::Undone(end) = shop.undo(0, &plan, true).await else {
        panic!("no end")
    };
    assert_eq!((end.done, end.of, end.stopped), (1, 1, None));
    assert_eq!(shop.get("a.txt").as_deref(), Some("a\n"));
    shop.rig.verified().await;
}

fn rules_for_restore(when: Value, decision: &str) -> PolicySet {
    let of_undo = json!({"field": "intent.tool", "op": "eq", "value": "restore"});
    let rule = json!({
        "id": "r", "reason": "as the house wants it", "decision": decision, "if_missing": "skip",
        "when": {"all": [of_undo, when]},
        "examples": [],
    });
    policy("permit", json!([rule]))
}

/// What the steps before a step use is gone when its turn comes, and the plan says so ahead of all of them.
#[tokio::test]
async fn d3_a_rule_about_the_budget_is_told_before_anything_is_touched() {
    let names = ["a.txt", "b.txt", "c.txt", "d.txt"];
    let folder = tempfile::tempdir().unwrap();
    let mut steps: Vec<Step> = names.iter().map(|name| write(name, "x\n")).collect();
    steps.push(Step::Turn(says("done")));
    let few = json!({"field": "budget.left.tool_calls", "op": "lt", "value": 3});
    let setup = setup(&folder, steps).with(|setup| {
        setup.terms.budget.tool_calls = Some(8);
        setup.policy = rules_for_restore(few, "forbid");
    });
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("go").await;
    let mut shop = Shop { rig, folder };
    let plan = shop.plan(0).await;
    assert!(!plan.complete, "{plan:#?}");
    assert_eq!(wills(&plan).len(), 2, "{plan:#?}");
    let Replied::Fault(no) = shop.undo(0, &plan, false).await else {
        panic!("it was carried out")
    };
    assert!(no.message.contains("nothing was touched"), "{no:?}");
    assert!(names.iter().all(|name| shop.get(name).is_some()));
    shop.rig.verified().await;
}

/// A run that only looks is asked about an undo like any other, and answered it is done.
#[tokio::test]
async fn d3_an_undo_that_is_asked_about_in_plan_mode_waits_for_its_answer() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n")]).await;
    let Shop { rig, folder } = shop;
    let every = json!({"field": "intent.tool", "op": "eq", "value": "restore"});
    let mut rig = rig
        .restart(|setup| setup.policy = rules_for_restore(every, "ask"))
        .await;
    rig.set_mode(Mode::Plan).await;
    shop = Shop { rig, folder };
    let plan = shop.plan(0).await;
    let Replied::Undone(end) = shop.undo(0, &plan, false).await else {
        panic!("no end")
    };
    assert!(end.stopped.is_some_and(|stop| stop.held));
    assert_eq!(shop.rig.holds().await.len(), 1);
    shop.rig.approve().await;
    shop.rig.until_kind("commit", 2).await;
    assert_eq!(shop.get("a.txt"), None);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_a_delegated_run_that_goes_on_keeps_the_plan_from_being_complete() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&folder, Vec::new()).with(|setup| {
        setup.model = family();
        setup.policy = policy("ask", json!([]));
    });
    let mut rig = setup.open(Mode::Auto).await;
    rig.say("go").await;
    rig.until_kind("pending_approval", 1).await;
    rig.approve().await;
    rig.until_kind("delegation", 1).await;
    let mut shop = Shop { rig, folder };
    let plan = shop.plan(0).await;
    assert!(!plan.complete);
    assert!(whys(&plan)[0].contains("has not ended"), "{plan:?}");
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_nothing_is_taken_back_while_something_goes_on_there() {
    let mut shop = Shop::after(vec![write("a.txt", "a\n")]).await;
    let plan = shop.plan(0).await;
    let slow = FakeTool::new("grep").hanging();
    let entered = slow.entered();
    let Shop { rig, folder } = shop;
    let rig = rig
        .restart(|setup| {
            setup.tools.retain(|tool| tool.contract().name != "grep");
            setup.tools.push(slow.port());
        })
        .await;
    shop = Shop { rig, folder };
    shop.rig.setup.model.push(call("grep", json!({})));
    shop.rig.setup.model.push(Step::Turn(says("done")));
    shop.rig.say("look").await;
    entered.notified().await;
    let Replied::Undone(end) = shop.undo(0, &plan, false).await else {
        panic!("no end")
    };
    let stop = end.stopped.expect("it is refused");
    assert!(stop.reason.contains("stop it first"), "{stop:?}");
    assert_eq!(shop.get("a.txt").as_deref(), Some("a\n"));
    let trajectory = shop.rig.trajectory;
    shop.rig.ask(Command::Interrupt { trajectory }).await;
    shop.rig.until_idle().await;
    shop.rig.verified().await;
}

/// Found by the matrix of a machine that goes down: what had been found done was no step of any plan, and
/// what the file held before stayed away without a word.
#[tokio::test]
async fn d3_what_was_found_done_is_taken_back_as_announced() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ws");
    let setup = setup(&folder, vec![write("a.txt", "two\n")]);
    std::fs::write(root.join("a.txt"), "one\n").unwrap();
    // The announcement is the last thing that is stored.
    let store = setup.store.clone();
    let sealing = |batch: &Batch| {
        let mut drafts = batch.drafts.iter();
        drafts.any(|draft| draft.kind == Kind::Commit)
    };
    store.overtake(sealing, |store| store.poison("input/output error"));
    let mut rig = setup.open(Mode::Auto).await;
    rig.say("go").await;
    rig.until_idle().await;
    let mut shop = Shop { rig, folder }.reopened().await;
    assert_eq!(shop.get("a.txt").as_deref(), Some("two\n"));
    let found = |body: Body| match body {
        Body::Reconciled(found) => Some(found.resolution),
        _ => None,
    };
    let found: Vec<_> = shop.rig.bodies().into_iter().filter_map(found).collect();
    assert_eq!(found, [thymos_core::body::Resolution::FoundDone]);
    let plan = shop.plan(0).await;
    assert_eq!(wills(&plan), ["put a.txt back, 4 -> 4 bytes"]);
    shop.undo_all(0).await;
    assert_eq!(shop.get("a.txt").as_deref(), Some("one\n"));
    assert_eq!(shop.plan(0).await.steps, Vec::new(), "once");
    shop.rig.verified().await;
}

/// Notes before each announcement whether the record holds what the file holds by then.
fn watch(store: &MemoryStore, file: PathBuf, kept: Arc<Mutex<Vec<bool>>>) {
    let starts = |batch: &Batch| {
        let mut drafts = batch.drafts.iter();
        drafts.any(|draft| draft.kind == Kind::Started)
    };
    store.overtake(starts, move |store| {
        let held = std::fs::read(&file).unwrap();
        let found = store.blob(&Digest::of(&held)).unwrap();
        kept.lock()
            .unwrap()
            .push(found.as_deref() == Some(&held[..]));
        watch(store, file, kept);
    });
}

/// The power may go between the act and the next thing that is stored. The operator's table changes nothing of that.
#[tokio::test]
async fn x1_o2_what_a_call_overwrites_is_kept_before_the_call_is_announced() {
    let plain = |tool| tool;
    let risky = |tool| {
        let floor = Floor {
            risk: Some(Risk::Medium),
            ..Floor::default()
        };
        lifted(tool, floor)
    };
    check_kept_before(&plain).await;
    check_kept_before(&risky).await;
}

async fn check_kept_before(table: &dyn Fn(Arc<dyn Tool>) -> Arc<dyn Tool>) {
    let folder = tempfile::tempdir().unwrap();
    let edit = json!({"path": "a.txt", "edits": [{"old": "two", "new": "three"}]});
    let steps = vec![
        write("a.txt", "two\n"),
        call("fs_patch", edit),
        Step::Turn(says("done")),
    ];
    let setup = setup(&folder, steps).with(|setup| {
        let tools = setup.tools.iter().cloned();
        setup.tools = tools.map(table).collect();
    });
    let file = folder.path().join("ws/a.txt");
    std::fs::write(&file, "one\n").unwrap();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let mut rig = setup.open(Mode::Auto).await;
    watch(&rig.setup.store, file, kept.clone());
    rig.run("go").await;
    let mut shop = Shop { rig, folder };
    assert_eq!(shop.get("a.txt").as_deref(), Some("three\n"));
    shop.undo_all(0).await;
    assert_eq!(shop.get("a.txt").as_deref(), Some("one\n"));
    // A write, a patch, and an undo of each.
    assert_eq!(*kept.lock().unwrap(), [true; 4]);
    shop.rig.verified().await;
}
