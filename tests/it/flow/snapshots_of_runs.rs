//! Snapshots of long runs `[L15]`: they save folding, change nothing that is decided, and count only where
//! they are what the entries fold to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use thymos_core::TrajectoryId;
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::outcome::Outcome;
use thymos_core::writ::Mode;
use thymos_ports::LedgerStore;
use thymos_protocol::{ChainState, Command, Event, Replied, Status, WorldView};
use thymos_runtime::snapshot::SnapshotPlace;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use super::place::Place;
use super::rig::{Rig, Setup};
use super::snapshots::{order, own_mandate};

const WORDS: &str = "count the geese of uncle jim";

/// Entries after which a run is kept.
const EVERY: u64 = 16;

/// Sets a key to a value, whatever it held.
fn setter() -> FakeTool {
    FakeTool::new("kv_set")
        .effect(EffectClass::Write)
        .acting(|begun| {
            let args = begun.args();
            let mut outcome = Outcome::said("set", format!("set {}", args["value"]));
            outcome.deltas.push(Delta {
                resource: Resource::Kv(args["key"].as_str().unwrap().to_owned()),
                expect: Expect::Anything,
                before: None,
                after: Some(ResourceValue::Json(args["value"].clone())),
            });
            Ok(outcome)
        })
}

/// A turn that sets some keys, each to this value.
fn sets(value: u64, count: u64) -> Step {
    let set = |key| ("kv_set", json!({"key": format!("k{key}"), "value": value}));
    Step::Turn(calls((0..count).map(set).collect()))
}

/// A run that set eight keys twice and ended.
async fn a_run(place: &Place) -> Rig {
    let said = || Step::Turn(says("done"));
    let steps = vec![sets(1, 8), sets(2, 8), said(), sets(3, 2), said(), said()];
    let setup = Setup::new(steps, &[&setter()]).with(|setup| {
        setup.snapshots = Arc::new(place.clone());
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run(WORDS).await;
    rig
}

/// What a session says of itself, but for how far the ledger is verified meanwhile.
async fn told(rig: &mut Rig) -> (Vec<Event>, Status) {
    let mut status = rig.status().await;
    status.chain = ChainState::Unverified;
    (rig.events().await, status)
}

/// A restart, and the entries of the run that it read until its session answered.
async fn opened(rig: Rig, place: &Place) -> (Rig, usize) {
    let (store, run) = (rig.setup.store.clone(), rig.trajectory);
    let before = store.entries_read(&run);
    let place = place.clone();
    let rig = rig.restart(|setup| setup.snapshots = Arc::new(place)).await;
    let read = store.entries_read(&run) - before;
    (rig, read)
}

fn length(rig: &Rig) -> usize {
    let entries = rig.setup.store.entries();
    let own = entries
        .iter()
        .filter(|entry| entry.header.trajectory == rig.trajectory);
    own.count()
}

#[tokio::test]
async fn l15_a_long_run_is_opened_from_its_snapshot_and_goes_on_as_it_would() {
    let place = Place::every(EVERY);
    let mut rig = a_run(&place).await;
    let before = told(&mut rig).await;
    let (mut rig, read) = opened(rig, &place).await;
    // The entry that it was made at, whose it is, and none behind it.
    assert!(read <= 4 && length(&rig) > 50, "{read} of {}", length(&rig));
    assert_eq!(told(&mut rig).await, before);
    rig.run("and the ducks").await;
    let went_on = told(&mut rig).await;
    // As without one.
    let (mut rig, read) = opened(rig, &Place::every(EVERY)).await;
    assert!(read >= length(&rig), "{read}");
    assert_eq!(told(&mut rig).await, went_on);
    rig.verified().await;
}

/// Found under load: a snapshot that was long in being written stood in the place of the last one, and the next
/// start took the run for one that had crashed.
#[tokio::test]
async fn l15_a_snapshot_that_is_long_in_being_written_replaces_no_later_one() {
    let place = Place::every(EVERY);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    *place.before.lock().unwrap() = Some(Box::new(move || {
        wait.recv().ok();
    }));
    let rig = a_run(&place).await;
    let run = rig.trajectory;
    let let_go = Arc::new(AtomicBool::new(false));
    let lets_go = let_go.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        lets_go.store(true, Ordering::SeqCst);
        drop(go_on);
    });
    let (rig, _) = opened(rig, &place).await;
    assert!(let_go.load(Ordering::SeqCst), "its end waits for that");
    assert_eq!(place.opened(run)["ended"], json!(true));
    later.join().unwrap();
    drop(rig);
}

#[tokio::test]
async fn l15_what_a_crash_left_is_compared_with_the_fold_and_then_believed() {
    let place = Place::every(EVERY);
    let rig = a_run(&place).await;
    let run = rig.trajectory;
    let (rig, _) = opened(rig, &place).await;
    // As one that was killed behind its last snapshot would have left it.
    place.forge(run, |snapshot| snapshot["ended"] = json!(false));
    let left = place.run(run).unwrap();
    let (rig, _) = opened(rig, &Place::default()).await;
    let killed = place.clone();
    killed.put_run(run, left);
    let (rig, read) = opened(rig, &killed).await;
    assert!(read >= length(&rig), "{read} of {}", length(&rig));
    assert_eq!(killed.opened(run)["ended"], json!(true));
    let (rig, read) = opened(rig, &killed).await;
    assert!(read <= 4, "{read}");
    rig.verified().await;
}

/// Budgets and holds rest on it: one that says less was spent than was must not be used.
#[tokio::test]
async fn l15_what_a_crash_left_and_is_not_what_the_entries_fold_to_is_thrown_away() {
    let place = Place::every(EVERY);
    let mut rig = a_run(&place).await;
    let run = rig.trajectory;
    let before = told(&mut rig).await;
    let (rig, _) = opened(rig, &place).await;
    place.forge(run, |snapshot| {
        snapshot["ended"] = json!(false);
        let spent = snapshot["projection"]["spent"].as_object_mut().unwrap();
        for cost in spent.values_mut() {
            cost["tool_calls"] = json!(0);
        }
    });
    let wrong = place.run(run).unwrap();
    let (rig, _) = opened(rig, &Place::default()).await;
    place.put_run(run, wrong.clone());
    let (mut rig, read) = opened(rig, &place).await;
    assert!(read >= length(&rig), "{read}");
    assert_eq!(told(&mut rig).await, before);
    assert_ne!(place.run(run), Some(wrong));
    rig.verified().await;
}

#[tokio::test]
async fn l15_a_snapshot_of_a_run_that_somebody_changed_is_not_believed() {
    let place = Place::every(EVERY);
    let mut rig = a_run(&place).await;
    let run = rig.trajectory;
    let before = told(&mut rig).await;
    let (mut rig, _) = opened(rig, &place).await;
    let sound = place.run(run).unwrap();
    for bend in [
        |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1,
        |bytes: &mut Vec<u8>| bytes[0] ^= 1,
        |bytes: &mut Vec<u8>| bytes.truncate(100),
        |bytes: &mut Vec<u8>| bytes.truncate(9),
        |bytes: &mut Vec<u8>| bytes.clear(),
    ] {
        let bent = Place::every(u64::MAX);
        let mut bytes = sound.clone();
        bend(&mut bytes);
        bent.put_run(run, bytes);
        let (again, read) = opened(rig, &bent).await;
        rig = again;
        assert!(read >= length(&rig), "{read}");
        assert_eq!(told(&mut rig).await, before);
    }
}

/// Of another program, of a ledger that has another entry there, of one that is shorter: folded anew.
#[tokio::test]
async fn l15_a_snapshot_counts_at_its_own_entry_and_by_its_own_program() {
    let place = Place::every(EVERY);
    let rig = a_run(&place).await;
    let run = rig.trajectory;
    let (mut rig, _) = opened(rig, &place).await;
    let before = told(&mut rig).await;
    let sound = place.run(run).unwrap();
    let other = json!("11".repeat(32));
    let changes: [(&str, serde_json::Value); 5] = [
        ("/program", json!("0.0.0")),
        ("/version", json!(0)),
        ("/tenant", json!("other")),
        ("/projection/len", json!(1_000_000)),
        ("/log", other),
    ];
    for (at, value) in changes {
        let other = Place::every(u64::MAX);
        other.put_run(run, sound.clone());
        other.forge(run, |snapshot| *snapshot.pointer_mut(at).unwrap() = value);
        let (again, read) = opened(rig, &other).await;
        rig = again;
        assert!(read >= length(&rig), "{at}: {read}");
        assert_eq!(told(&mut rig).await, before);
    }
}

#[tokio::test]
async fn l15_l3_what_was_erased_stands_in_no_snapshot_of_a_run() {
    let place = Place::every(EVERY);
    let rig = a_run(&place).await;
    let run = rig.trajectory;
    let (mut rig, _) = opened(rig, &place).await;
    assert!(place.all().contains(WORDS));
    // The session that is open here lets go of it first.
    let Replied::Opened(other) = rig.ask(Command::begin(Mode::Plan)).await else {
        panic!("no second run");
    };
    rig.trajectory = other.trajectory;
    let (mut rig, _) = opened(rig, &place).await;
    let erased = super::erasure::erase(&mut rig, super::erasure::whole(run)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    assert!(!place.all().contains(WORDS));
    let (rig, _) = opened(rig, &place).await;
    assert!(!place.all().contains(WORDS));
    drop(rig);
}

/// Another process erases while this one writes.
#[tokio::test]
async fn l15_l3_a_snapshot_of_a_run_that_an_erasure_overtook_is_taken_away() {
    let place = Place::every(EVERY);
    let rig = a_run(&place).await;
    let run = rig.trajectory;
    let (store, cleared) = (rig.setup.store.clone(), place.clone());
    *place.before.lock().unwrap() = Some(Box::new(move || {
        order(&store, run);
        cleared.clear();
    }));
    let (rig, _) = opened(rig, &place).await;
    assert!(place.before.lock().unwrap().is_none(), "one was taken");
    assert!(!place.all().contains(WORDS), "{}", place.all());
    drop(rig);
}

async fn branch(rig: &mut Rig, nth: usize) -> TrajectoryId {
    let events = rig.events().await;
    let mut commits = events.iter().filter(|event| event.kind == "commit");
    let command = Command::Branch {
        trajectory: rig.trajectory,
        entry: commits.nth(nth).expect("a commit").entry,
    };
    match rig.ask(command).await {
        Replied::Opened(status) => status.trajectory,
        other => panic!("no branch: {other:?}"),
    }
}

/// Entries of `source` that a start reads until it came to rest; verification, which believes no snapshot,
/// among them.
async fn read_by_a_start(rig: Rig, place: &Place, source: TrajectoryId) -> (Rig, usize) {
    let before = rig.setup.store.entries_read(&source);
    let (mut rig, _) = opened(rig, place).await;
    let len = rig.setup.store.len().unwrap();
    while !matches!(rig.status().await.chain, ChainState::VerifiedTo { len: of, index, .. } if (of, index) == (len, len))
    {
        tokio::task::yield_now().await;
    }
    let Replied::Runs(_) = rig.ask(Command::Runs).await else {
        panic!("no runs")
    };
    let read = rig.setup.store.entries_read(&source) - before;
    (rig, read)
}

#[tokio::test]
async fn l15_d2_a_branch_is_opened_without_folding_its_past() {
    let place = Place::every(EVERY);
    let mut rig = a_run(&place).await;
    let source = rig.trajectory;
    let child = branch(&mut rig, 12).await;
    rig.trajectory = child;
    let before = told(&mut rig).await;
    let (rig, _) = opened(rig, &Place::default()).await;
    let kept = place.run(child).expect("it was kept");
    let (rig, without) = read_by_a_start(rig, &Place::default(), source).await;
    let elsewhere = Place::every(u64::MAX);
    elsewhere.put_run(child, kept.clone());
    let (mut rig, with) = read_by_a_start(rig, &elsewhere, source).await;
    assert!(with + 50 <= without, "{with} and {without}");
    assert_eq!(told(&mut rig).await, before);
    // [L3] What it inherited goes with its source.
    let store = rig.setup.store.clone();
    let (mut rig, _) = opened(rig, &Place::default()).await;
    order(&store, source);
    elsewhere.put_run(child, kept);
    rig.trajectory = child;
    let (rig, own) = opened(rig, &elsewhere).await;
    assert!(own >= length(&rig), "{own}");
    assert_eq!(elsewhere.run(child), None);
    drop(rig);
}

async fn world(rig: &mut Rig, seq: u64) -> WorldView {
    let trajectory = rig.trajectory;
    match rig.ask(Command::WorldAt { trajectory, seq }).await {
        Replied::World(view) => view,
        other => panic!("no world: {other:?}"),
    }
}

#[tokio::test]
async fn l15_y4_a_look_at_an_earlier_moment_goes_on_from_the_nearest_stop() {
    let place = Place::every(EVERY);
    let mut rig = a_run(&place).await;
    let (store, run) = (rig.setup.store.clone(), rig.trajectory);
    let newest = length(&rig) as u64 - 1;
    world(&mut rig, newest).await;
    let mut views = Vec::new();
    for seq in (0..=newest).rev() {
        let before = store.entries_read(&run);
        views.push(world(&mut rig, seq).await);
        let read = (store.entries_read(&run) - before) as u64;
        // Whose it is, what stands behind the newest stop, and the way from the nearest one.
        assert!(read <= 2 + 2 * EVERY, "entry {seq}: {read}");
    }
    // As without any.
    let (mut rig, _) = opened(rig, &Place::default()).await;
    for seq in (0..=newest).rev() {
        assert_eq!(world(&mut rig, seq).await, views.remove(0), "entry {seq}");
    }
    // [L3] None of what was erased.
    let (mut rig, _) = opened(rig, &place).await;
    assert!(!world(&mut rig, newest).await.partial);
    order(&store, run);
    store.destroy_erased(&own_mandate()).unwrap();
    assert!(world(&mut rig, newest).await.partial);
    drop(rig);
}
