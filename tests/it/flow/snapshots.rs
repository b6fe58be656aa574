//! Rows of runs that are kept between starts `[L15]`: they save folding, and say nothing that is not so.

use std::sync::Arc;

use serde_json::json;
use thymos_core::TrajectoryId;
use thymos_core::body::{Body, Erased};
use thymos_core::entry::{Draft, Salt};
use thymos_core::key::Domain;
use thymos_core::writ::Mode;
use thymos_ports::LedgerStore;
use thymos_ports::erase::Mandate;
use thymos_ports::store::Batch;
use thymos_protocol::{Command, Replied, RunRow};
use thymos_runtime::snapshot::SnapshotPlace;
use thymos_testkit::fixtures::{NOON, operator_key, party};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, MemoryStore, Step};

use super::place::Place;
use super::rig::{Rig, STUCK, Setup};
use super::road::writer;

/// What the first run is told, and what its row is called.
const WORDS: &str = "sort the letters of aunt mary";

/// A run that ended, and a second one beside it, which is the rig's.
async fn two_runs(place: &Place) -> (Rig, TrajectoryId) {
    let tool = FakeTool::new("note");
    let steps = vec![
        Step::Turn(calls(vec![("note", json!({"key": "a"}))])),
        Step::Turn(says("sorted")),
    ];
    let setup = Setup::new(steps, &[&tool]).with(|setup| {
        setup.snapshots = Arc::new(place.clone());
    });
    let mut rig = setup.open(Mode::Auto).await;
    rig.run(WORDS).await;
    let first = rig.trajectory;
    beside(&mut rig).await;
    (rig, first)
}

async fn beside(rig: &mut Rig) {
    let Replied::Opened(other) = rig.ask(Command::begin(Mode::Plan)).await else {
        panic!("no second run");
    };
    rig.trajectory = other.trajectory;
}

async fn rows(rig: &mut Rig) -> Vec<RunRow> {
    match rig.ask(Command::Runs).await {
        Replied::Runs(rows) => rows,
        other => panic!("no runs: {other:?}"),
    }
}

/// Entries of a run that a start reads to list the runs, and the list.
async fn next_start(rig: Rig, run: TrajectoryId) -> (Rig, usize, Vec<RunRow>) {
    let before = rig.setup.store.entries_read(&run);
    let mut rig = rig.restart(|_| {}).await;
    let rows = rows(&mut rig).await;
    let read = rig.setup.store.entries_read(&run) - before;
    (rig, read, rows)
}

fn length(store: &MemoryStore, run: TrajectoryId) -> usize {
    let entries = store.entries();
    let own = entries.iter().filter(|e| e.header.trajectory == run);
    own.count()
}

#[tokio::test]
async fn l15_a_start_lists_the_runs_that_are_at_rest_without_folding_them() {
    let place = Place::default();
    let (mut rig, first) = two_runs(&place).await;
    let told = rows(&mut rig).await;
    let (rig, read, again) = next_start(rig, first).await;
    assert_eq!(again, told);
    // Only whose it is, once a look, is read of its first entry.
    assert!((1..=4).contains(&read), "{read} entries");
    assert!(length(&rig.setup.store, first) > 8);
    // Without it: all, once, and then it is there.
    let elsewhere = |setup: &mut Setup| setup.snapshots = Arc::new(Place::default());
    let before = rig.setup.store.entries_read(&first);
    let mut rig = rig.restart(elsewhere).await;
    assert_eq!(rows(&mut rig).await, told);
    let read = rig.setup.store.entries_read(&first) - before;
    assert!(read >= length(&rig.setup.store, first), "{read} entries");
    let (_, read, again) = next_start(rig, first).await;
    assert_eq!(again, told);
    assert!(read <= 4, "{read} entries");
}

#[tokio::test]
async fn l15_a_snapshot_that_somebody_changed_is_not_believed() {
    let place = Place::default();
    let (mut rig, first) = two_runs(&place).await;
    let told = rows(&mut rig).await;
    let mut rig = rig.restart(|_| {}).await;
    let at = place.text().find("aunt").unwrap();
    for bend in [
        // What is found in lossy text stands a little further on in the bytes, or before.
        |bytes: &mut Vec<u8>, at: usize| bytes[at] ^= 0x20,
        |bytes: &mut Vec<u8>, _| bytes[0] ^= 1,
        |bytes: &mut Vec<u8>, at| bytes.truncate(at),
        |bytes: &mut Vec<u8>, _| bytes.truncate(7),
        |bytes: &mut Vec<u8>, _| bytes.clear(),
    ] {
        rows(&mut rig).await;
        let before = rig.setup.store.entries_read(&first);
        rig = rig.restart(|_| place.change(|bytes| bend(bytes, at))).await;
        assert_eq!(rows(&mut rig).await, told);
        let read = rig.setup.store.entries_read(&first) - before;
        assert!(read >= length(&rig.setup.store, first), "{read} entries");
    }
}

#[tokio::test]
async fn l15_a_run_that_went_on_is_folded_and_one_that_waits_is_never_kept() {
    let place = Place::default();
    let tool = writer();
    let held = vec![("fs_write", json!({"path": "a"}))];
    let steps = vec![Step::Turn(says("hello")), Step::Turn(calls(held))];
    let setup = Setup::new(steps, &[&tool]).with(|setup| {
        setup.snapshots = Arc::new(place.clone());
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.run(WORDS).await;
    let first = rig.trajectory;
    let rig = rig.restart(|_| {}).await;
    assert!(place.text().contains(WORDS));
    // It goes on where nobody keeps anything, and waits.
    let kept = place.clone();
    let mut rig = rig
        .restart(|setup| setup.snapshots = Arc::new(Place::default()))
        .await;
    rig.say("write").await;
    rig.until_kind("pending_approval", 1).await;
    beside(&mut rig).await;
    let (mut rig, _, rows) = next_start(
        rig.restart(|setup| setup.snapshots = Arc::new(kept)).await,
        first,
    )
    .await;
    let row = rows.iter().find(|row| row.trajectory == first).unwrap();
    assert_eq!((row.state.as_str(), row.pending), ("held", 1));
    assert_eq!(rig.holds().await.len(), 1);
    let rig = rig.restart(|_| {}).await;
    assert!(!place.text().contains(WORDS), "{}", place.text());
    drop(rig);
}

#[tokio::test]
async fn l15_l3_what_was_erased_stands_in_no_snapshot() {
    let place = Place::default();
    let (rig, first) = two_runs(&place).await;
    let mut rig = rig.restart(|_| {}).await;
    assert!(place.text().contains(WORDS));
    let erased = super::erasure::erase(&mut rig, super::erasure::whole(first)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    assert!(!place.text().contains(WORDS));
    let (_, _, rows) = next_start(rig, first).await;
    assert!(!place.text().contains(WORDS), "{}", place.text());
    let row = rows.iter().find(|row| row.trajectory == first).unwrap();
    assert_eq!(row.title, "(erased)");
}

/// Until the list says that something was erased of a run.
async fn erased_row(rig: &mut Rig, run: TrajectoryId) -> RunRow {
    loop {
        let found = rows(rig)
            .await
            .into_iter()
            .find(|row| row.trajectory == run);
        let erased = |row: &RunRow| row.state == "erased in part";
        if let Some(row) = found.filter(erased) {
            return row;
        }
        let rung = tokio::time::timeout(STUCK, rig.desk.link.bell.changed()).await;
        assert!(rung.is_ok(), "nobody looked");
    }
}

/// Found under load: who lists the runs in the moment between the order to erase and its being carried out
/// reads the words that are to go.
#[tokio::test]
async fn l15_l3_what_was_read_as_it_was_being_erased_stands_in_no_snapshot() {
    for is_open in [false, true] {
        let place = Place::default();
        let (rig, first) = two_runs(&place).await;
        let mut rig = rig.restart(|_| {}).await;
        if is_open {
            let trajectory = first;
            let opened = rig.ask(Command::Open { trajectory }).await;
            assert!(matches!(opened, Replied::Opened(_)), "{opened:?}");
        }
        order(&rig.setup.store, first);
        place.clear();
        let row = erased_row(&mut rig, first).await;
        assert_eq!(row.title, WORDS, "they stand yet");
        let mut rig = rig.restart(|_| {}).await;
        assert!(!place.text().contains(WORDS), "{}", place.text());
        // A list that was made meanwhile is made again.
        erased_row(&mut rig, first).await;
        rig.setup.store.destroy_erased(&own_mandate()).unwrap();
        order(&rig.setup.store, first);
        while erased_row(&mut rig, first).await.title != "(erased)" {
            rig.desk.link.bell.changed().await.unwrap();
        }
        let rig = rig.restart(|_| {}).await;
        assert!(!place.text().contains(WORDS), "{}", place.text());
        drop(rig);
    }
}

/// Another process erases between the look at the log and the writing.
#[tokio::test]
async fn l15_l3_a_snapshot_that_an_erasure_overtook_is_taken_again() {
    let place = Place::default();
    let (rig, first) = two_runs(&place).await;
    let (store, cleared) = (rig.setup.store.clone(), place.clone());
    *place.before.lock().unwrap() = Some(Box::new(move || {
        order(&store, first);
        cleared.clear();
    }));
    let rig = rig.restart(|_| {}).await;
    assert!(place.before.lock().unwrap().is_none(), "one was taken");
    assert!(!place.text().contains(WORDS), "{}", place.text());
    drop(rig);
}

/// The operator's own, whatever the age.
pub(super) fn own_mandate() -> Mandate {
    Mandate {
        operators: vec![operator_key().public()],
        retention_ms: 0,
        as_of: NOON,
    }
}

pub(super) fn order(store: &MemoryStore, run: TrajectoryId) {
    let entries = store.entries();
    let own: Vec<_> = entries
        .iter()
        .filter(|e| e.header.trajectory == run)
        .collect();
    let said = own.iter().find(|e| e.header.kind == "message").unwrap();
    let message = Erased::message(&said.id, said.header.seq, "asked for").unwrap();
    let body = Body::Erased(Erased {
        entry: said.id,
        seq: said.header.seq,
        reason: "asked for".into(),
        by: party("ada", &operator_key()),
        signature: operator_key().sign(Domain::Erasure, message.as_bytes()),
    });
    let draft = Draft {
        trajectory: run,
        kind: body.kind(),
        at: NOON,
        writer: operator_key().public(),
        salt: Salt::from_bytes([9; 32]),
        body: body.encode().unwrap(),
    };
    let batch = Batch {
        trajectory: run,
        at_seq: own.len() as u64,
        drafts: vec![draft],
    };
    store.append(vec![batch]).unwrap()[0].as_ref().unwrap();
}
