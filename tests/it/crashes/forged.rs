//! Each check of the judge, broken alone: one that was never seen to fire proves nothing.

use std::sync::LazyLock;

use thymos_core::body::Body;
use thymos_core::merkle::TreeHash;
use thymos_core::{Digest, EntryId};

use super::child::Said;
use super::judge::{Expected, Scene, after_kill, at_the_end, counts};
use super::matrix::scratch;
use super::plan::Plan;
use super::process::{Cast, End, live, prepare};
use super::tools::{IDEMPOTENT, NEITHER};

/// The first seed whose plan has a harmless call and one of which only a person can tell.
static SEED: LazyLock<u64> = LazyLock::new(|| {
    let has = |plan: &Plan, tool: &str| plan.turns.iter().flatten().any(|(one, _)| *one == tool);
    let both = |seed: &u64| {
        let plan = Plan::of(*seed);
        has(&plan, IDEMPOTENT) && has(&plan, NEITHER)
    };
    (0..100).find(both).expect("one of many")
});

/// A story in which nobody was killed, looked at once.
static STORY: LazyLock<(Scene, End)> = LazyLock::new(|| {
    let folder = scratch();
    prepare(folder.path(), &Plan::of(*SEED));
    let end = live(&Cast {
        last: true,
        ..Cast::new(*SEED, 1, folder.path())
    });
    (Scene::look(folder.path(), *SEED), end)
});

/// As its process would have told it, killed at the very last point.
fn said(scene: &Scene) -> (Said, Expected) {
    let all = scene.told.entries.iter();
    let said = Said {
        points: vec!["close after".to_owned()],
        acknowledged: all.map(|entry| (entry.header.index, entry.id)).collect(),
        signal: Some(9),
        ..Said::default()
    };
    let expected = Expected {
        label: Some("close after".to_owned()),
        torn: false,
        from: 0,
    };
    (said, expected)
}

/// What the judge says of a story with one thing changed.
fn judged(forge: impl FnOnce(&mut Scene, &mut Said, &mut End)) -> Vec<String> {
    let (mut scene, mut end) = STORY.clone();
    let (mut told, expected) = said(&scene);
    forge(&mut scene, &mut told, &mut end);
    let mut faults = after_kill(&scene, &told, &expected);
    faults.extend(at_the_end(&scene, &end, &Plan::of(*SEED)));
    faults.sort();
    faults.dedup();
    faults
}

fn only(faults: &[String], words: &str) {
    assert!(!faults.is_empty(), "nobody noticed: {words}");
    let others: Vec<_> = faults
        .iter()
        .filter(|fault| !fault.contains(words))
        .collect();
    assert!(others.is_empty(), "{words}: {others:#?}");
}

/// The number of the first effect of a tool.
fn effect_of(scene: &Scene, tool: &str) -> usize {
    let started = scene.told.lines.iter().find_map(|line| match &line.body {
        Body::Started(work) if work.decided.proposal.intent.tool == tool => Some(line.id),
        _ => None,
    });
    let mut effects = scene.counted.effects.iter();
    effects
        .position(|(id, ..)| Some(*id) == started)
        .expect("the plan has one")
}

#[test]
fn t2_a_story_without_a_kill_is_in_order() {
    assert_eq!(judged(|_, _, _| {}), Vec::<String>::new());
}

#[test]
fn t2_what_was_acknowledged_and_is_lost_is_seen() {
    let other = |_: &mut Scene, said: &mut Said, _: &mut End| {
        said.acknowledged[3].1 = EntryId::of(b"another");
    };
    only(&judged(other), "entry 3 was acknowledged and is lost");
    let more = |scene: &mut Scene, said: &mut Said, _: &mut End| {
        let next = scene.len();
        said.acknowledged.push((next, EntryId::of(b"one more")));
    };
    let faults = judged(more);
    assert!(
        faults.iter().any(|fault| fault.contains("and is lost")),
        "{faults:?}"
    );
}

#[test]
fn t2_half_a_batch_is_seen() {
    // Of three entries that were under way, one is there.
    let half = |_: &mut Scene, said: &mut Said, _: &mut End| {
        said.acknowledged.pop();
        said.in_flight = Some(3);
    };
    only(&judged(half), "acknowledged and");
}

#[test]
fn t2_a_kill_elsewhere_or_none_is_seen() {
    let elsewhere = |_: &mut Scene, said: &mut Said, _: &mut End| {
        said.points.push("drawn".to_owned());
    };
    only(&judged(elsewhere), "it ended at");
    let alive = |_: &mut Scene, said: &mut Said, _: &mut End| said.signal = None;
    only(&judged(alive), "it ended at");
}

#[test]
fn t2_an_effect_that_nobody_announced_is_seen() {
    let nameless = |scene: &mut Scene, _: &mut Said, _: &mut End| {
        let mut effect = scene.counted.effects[0];
        effect.0 = EntryId::of(b"never");
        scene.counted.effects.push(effect);
    };
    only(&judged(nameless), "nobody announced");
}

#[test]
fn t2_what_came_about_twice_is_seen() {
    let harmless = |scene: &mut Scene, _: &mut Said, _: &mut End| {
        let effect = scene.counted.effects[effect_of(scene, IDEMPOTENT)];
        scene.counted.effects.push(effect);
    };
    only(&judged(harmless), "came about 2 times, 1 allowed");
    let once = |scene: &mut Scene, _: &mut Said, _: &mut End| {
        let effect = scene.counted.effects[effect_of(scene, NEITHER)];
        scene.counted.effects.push(effect);
    };
    only(&judged(once), "came about 2 times");
}

#[test]
fn t2_a_call_that_never_came_about_is_seen() {
    let (mut scene, end) = STORY.clone();
    scene.counted.effects.clear();
    let missing = counts(&scene, &end, &Plan::of(*SEED));
    assert!(!missing.is_empty());
    only(&missing, "came about 0 times");
}

#[test]
fn t2_a_lost_output_and_a_parted_log_are_seen() {
    let blob = |scene: &mut Scene, _: &mut Said, _: &mut End| scene.told.blobs[0].clear();
    only(&judged(blob), "outputs of commits are lost");
    let parted = |scene: &mut Scene, _: &mut Said, _: &mut End| {
        scene.outside[0].2 = Some(TreeHash::from_bytes(*Digest::of(b"other").as_bytes()));
    };
    only(&judged(parted), "were signed, and are others now");
    let shorter = |scene: &mut Scene, _: &mut Said, _: &mut End| scene.outside[0].2 = None;
    only(&judged(shorter), "were signed, and are others now");
    let nowhere = |scene: &mut Scene, _: &mut Said, _: &mut End| scene.outside.clear();
    only(&judged(nowhere), "no checkpoint stands outside");
}

#[test]
fn t2_work_without_an_end_and_a_budget_that_stays_reserved_are_seen() {
    let open = |scene: &mut Scene, _: &mut Said, _: &mut End| {
        let commit = scene
            .told
            .lines
            .iter()
            .rposition(|line| matches!(line.body, Body::Commit(_)));
        scene.told.lines.remove(commit.unwrap());
    };
    let faults = judged(open);
    assert!(
        faults.iter().any(|fault| fault.contains("has no end")),
        "{faults:?}"
    );
    assert!(
        faults.iter().any(|fault| fault.contains("listed in doubt")),
        "{faults:?}"
    );
    let reserved = |_: &mut Scene, _: &mut Said, end: &mut End| end.spent[0].2.tool_calls += 1;
    only(&judged(reserved), "told, Cost");
}

#[test]
fn t2_what_a_process_says_of_itself_counts() {
    let own = |_: &mut Scene, said: &mut Said, _: &mut End| {
        said.faults.push("it was not opened".to_owned());
    };
    only(&judged(own), "it was not opened");
    let engine = |scene: &mut Scene, _: &mut Said, _: &mut End| {
        scene.engine.push("a page is damaged".to_owned());
    };
    only(&judged(engine), "a page is damaged");
}
