//! Undo across three generations: newest first over all of them, in one plan, and what can go wrong on the
//! way `[D3]`. The tools are the real ones, in a scratch folder.

use serde_json::{Value, json};
use thymos_core::body::Body;
use thymos_core::effect::EffectClass;
use thymos_core::id::ProposalId;
use thymos_core::writ::Mode;
use thymos_ports::cognition::{Context, ContextMessage, Turn};
use thymos_protocol::{Replied, UndoEnd};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, ScriptedModel};

use super::undo::{Shop, setup, whys, wills};

/// The tools that those below may use, and what they may reach.
const REACH: [&str; 5] = [
    "fs_write",
    "memory_write",
    "delegate",
    "test_run",
    "restore",
];

/// `go` orders `middle`, which orders `low`; each writes a file and a note of its own first, and `low` also
/// one that is there already. With `outside`, `low` also does what no record can take back.
fn family(outside: bool) -> ScriptedModel {
    ScriptedModel::answering(move |context: &Context| {
        let heard = context
            .messages
            .iter()
            .filter(|message| matches!(message, ContextMessage::Result { .. }))
            .count();
        let name = match context.messages.first() {
            Some(ContextMessage::Operator(text)) => text.clone(),
            _ => String::new(),
        };
        Ok(turn(&name, heard, outside))
    })
}

fn turn(name: &str, heard: usize, outside: bool) -> Turn {
    let write = |path: &str, text: &str| ("fs_write", json!({"path": path, "content": text}));
    let note = |key: &str| ("memory_write", json!({"key": key, "text": key}));
    let order = |task: &str, budget: u64| {
        let budget = json!({"tokens": budget * 1_000, "tool_calls": budget,
            "wall_clock_ms": budget * 50_000, "usd_millicents": budget * 10});
        let effects = "external";
        (
            "delegate",
            json!({"task": task, "tools": REACH, "effects": effects, "budget": budget}),
        )
    };
    let plan: Vec<(&str, Value)> = match name {
        "go" => vec![write("top.txt", "top\n"), note("top"), order("middle", 20)],
        "middle" => vec![write("deep/mid.txt", "mid\n"), note("mid"), order("low", 8)],
        _ if outside => vec![write("low.txt", "low\n"), ("test_run", json!({}))],
        _ => vec![
            write("low.txt", "low\n"),
            note("low"),
            write("top.txt", "by the lowest\n"),
        ],
    };
    match plan.into_iter().nth(heard) {
        Some(one) => calls(vec![one]),
        None => says("done"),
    }
}

/// The three have run.
async fn ran(outside: bool) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let send = FakeTool::new("test_run").effect(EffectClass::External);
    let setup = setup(&folder, Vec::new()).with(|setup| {
        setup.model = family(outside);
        setup
            .tools
            .retain(|tool| tool.contract().name != "test_run");
        setup.tools.push(send.port());
        setup.continues = true;
    });
    let mut rig = setup.open(Mode::Auto).await;
    rig.run("go").await;
    Shop { rig, folder }
}

/// Proposals taken back so far, in order.
fn taken_back(shop: &Shop) -> Vec<ProposalId> {
    let undone = |body: Body| match body {
        Body::Commit(commit) => commit.compensates,
        _ => None,
    };
    shop.rig.bodies().into_iter().filter_map(undone).collect()
}

const FILES: [&str; 3] = ["top.txt", "deep/mid.txt", "low.txt"];

#[tokio::test]
async fn d3_three_generations_are_taken_back_newest_first_in_one_plan() {
    let mut shop = ran(false).await;
    let top = |shop: &Shop| shop.get("top.txt");
    assert_eq!(top(&shop).as_deref(), Some("by the lowest\n"));
    let plan = shop.plan(0).await;
    assert_eq!(
        wills(&plan),
        [
            "put top.txt back, 14 -> 4 bytes",
            "remove memory:low again",
            "delete low.txt again",
            "remove memory:mid again",
            "delete deep/mid.txt again",
            "remove memory:top again",
            "delete top.txt again",
        ]
    );
    let mut runs: Vec<_> = plan.steps.iter().map(|step| step.trajectory).collect();
    runs.dedup();
    assert_eq!(runs.len(), 3, "three runs, each in one piece");
    assert_eq!(shop.undo_all(0).await, 7);
    for file in FILES {
        assert_eq!(shop.get(file), None, "{file}");
    }
    assert!(!shop.path("deep").exists());
    assert_eq!(shop.plan(0).await.steps, []);
    let order: Vec<ProposalId> = plan.steps.iter().map(|step| step.proposal).collect();
    assert_eq!(taken_back(&shop), order);
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_an_undo_of_three_generations_can_be_taken_back() {
    let mut shop = ran(false).await;
    let before = shop.rig.setup.store.entries().len() as u64;
    shop.undo_all(0).await;
    // The first thing that the undo did on the trajectory that was asked for.
    let mine = shop.rig.trajectory;
    let first = shop
        .rig
        .setup
        .store
        .entries()
        .into_iter()
        .find(|entry| entry.header.index >= before && entry.header.trajectory == mine);
    // What was undone on the runs below came before it: a plan is cut by the place in the log.
    let plan = shop.plan(first.unwrap().header.seq).await;
    assert_eq!(
        wills(&plan),
        [
            "bring top.txt back, 4 bytes",
            "put memory:top back to {\"stratum\":\"semantic\",\"tags\":[],\"text\":\"top\"}"
        ]
    );
    shop.undo_all(plan_from(&shop, before)).await;
    assert_eq!(shop.get("top.txt").as_deref(), Some("top\n"));
    shop.rig.verified().await;
}

/// The sequence number, on the trajectory that was asked for, of its first entry from there on.
fn plan_from(shop: &Shop, index: u64) -> u64 {
    let mine = shop.rig.trajectory;
    let entries = shop.rig.setup.store.entries();
    let mut later = entries
        .iter()
        .filter(|entry| entry.header.index >= index && entry.header.trajectory == mine);
    later.next().unwrap().header.seq
}

#[tokio::test]
async fn d3_what_a_grandchild_cannot_take_back_is_said_before_anything_is_touched() {
    let mut shop = ran(true).await;
    let plan = shop.plan(0).await;
    assert!(!plan.complete);
    assert_eq!(whys(&plan), ["its effect is outside the record"]);
    let len = shop.rig.setup.store.entries().len();
    let Replied::Fault(fault) = shop.undo(0, &plan, false).await else {
        panic!("it was undone all the same")
    };
    assert!(fault.message.contains("nothing was touched"), "{fault:?}");
    assert_eq!(shop.rig.setup.store.entries().len(), len);
    for file in FILES {
        assert!(shop.get(file).is_some(), "{file}");
    }
    // With the gap accepted, everything else.
    let Replied::Undone(end) = shop.undo(0, &plan, true).await else {
        panic!("no end")
    };
    assert_eq!((end.done, end.of, end.stopped), (5, 5, None));
    for file in FILES {
        assert_eq!(shop.get(file), None, "{file}");
    }
    assert_eq!(
        whys(&shop.plan(0).await),
        ["its effect is outside the record"]
    );
    shop.rig.verified().await;
}

#[tokio::test]
async fn d3_a_file_of_a_child_that_somebody_changed_since_is_left_alone() {
    let mut shop = ran(false).await;
    shop.put("deep/mid.txt", "by hand\n");
    let plan = shop.plan(0).await;
    assert_eq!(
        whys(&plan),
        ["`deep/mid.txt` was changed by something else since that call"]
    );
    assert!(matches!(
        shop.undo(0, &plan, false).await,
        Replied::Fault(_)
    ));
    assert_eq!(shop.get("low.txt").as_deref(), Some("low\n"));
    let end = shop.undo(0, &plan, true).await;
    assert!(
        matches!(end, Replied::Undone(UndoEnd { done: 6, of: 6, .. })),
        "{end:?}"
    );
    assert_eq!(shop.get("deep/mid.txt").as_deref(), Some("by hand\n"));
    assert_eq!(shop.get("top.txt"), None);
    shop.rig.verified().await;
}

/// The ledger breaks between two steps, as a crash does; another process plans again.
#[tokio::test]
async fn d3_an_undo_that_a_crash_cut_is_planned_again_and_nothing_happens_twice() {
    for kept in [1, 4, 9, 14, 20] {
        let mut shop = ran(false).await;
        let plan = shop.plan(0).await;
        shop.rig.setup.store.poison_after(kept);
        let end = shop.undo(0, &plan, false).await;
        match &end {
            Replied::Undone(UndoEnd { done, stopped, .. }) => {
                assert!(*done < 7 && stopped.is_some(), "{end:?}");
            }
            other => assert!(matches!(other, Replied::Fault(_)), "{other:?}"),
        }
        shop = shop.reopened().await;
        let rest = shop.plan(0).await;
        assert!(rest.complete, "{kept}: {rest:#?}");
        assert!(rest.steps.len() <= 7 && !rest.steps.is_empty());
        shop.undo_all(0).await;
        for file in FILES {
            assert_eq!(shop.get(file), None, "{kept}: {file}");
        }
        let mut once = taken_back(&shop);
        let all = once.len();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), all, "{kept}: something was taken back twice");
        shop.rig.verified().await;
    }
}
