//! Sessions at rest end where many are open, and nobody sees that they were away.

use serde_json::json;
use thymos_core::TrajectoryId;
use thymos_core::approval::Decision;
use thymos_core::writ::Mode;
use thymos_protocol::{Command, Replied};
use thymos_testkit::Step;
use thymos_testkit::model::{calls, says};

use super::rig::{Rig, Setup};
use super::road::writer;

/// More than stay open.
const MANY: usize = 12;

async fn another(rig: &mut Rig) -> TrajectoryId {
    match rig.ask(Command::begin(Mode::Edit)).await {
        Replied::Opened(status) => status.trajectory,
        other => panic!("no run: {other:?}"),
    }
}

/// Entries of a run that were read so that it could answer; none where its session is open.
async fn read_to_open(rig: &mut Rig, run: TrajectoryId) -> usize {
    let before = rig.setup.store.entries_read(&run);
    let opened = rig.ask(Command::Open { trajectory: run }).await;
    assert!(matches!(opened, Replied::Opened(_)), "{opened:?}");
    rig.setup.store.entries_read(&run) - before
}

#[tokio::test]
async fn q8_runs_that_nobody_looks_at_are_let_go_of_and_opened_again() {
    let steps = vec![Step::Turn(says("hello")), Step::Turn(says("again"))];
    let mut rig = Setup::new(steps, &[]).open(Mode::Edit).await;
    rig.run("hello").await;
    rig.until_idle().await;
    let (first, told) = (rig.trajectory, rig.events().await);
    let mut newest = first;
    for _ in 0..MANY {
        newest = another(&mut rig).await;
    }
    assert_eq!(read_to_open(&mut rig, newest).await, 0);
    assert!(read_to_open(&mut rig, first).await >= told.len());
    assert_eq!(read_to_open(&mut rig, first).await, 0);
    // It goes on as if nothing had been.
    assert_eq!(rig.events().await, told);
    rig.run("and again").await;
    rig.verified().await;
}

#[tokio::test]
async fn q8_a_run_that_waits_or_was_given_a_model_is_kept_open() {
    let tool = writer();
    let held = vec![("fs_write", json!({"path": "a"}))];
    let steps = vec![Step::Turn(calls(held)), Step::Turn(says("done"))];
    let setup = Setup::new(steps, &[&tool]).with(|setup| {
        setup.models = vec!["scripted/other".to_owned()];
    });
    let mut rig = setup.open(Mode::Edit).await;
    rig.say("write").await;
    rig.until_kind("pending_approval", 1).await;
    let waits = rig.trajectory;
    let given = another(&mut rig).await;
    let model = Command::SetModel {
        trajectory: given,
        model: "scripted/other".to_owned(),
    };
    assert_eq!(rig.ask(model).await, Replied::Accepted);
    for _ in 0..MANY {
        another(&mut rig).await;
    }
    assert_eq!(read_to_open(&mut rig, waits).await, 0);
    assert_eq!(read_to_open(&mut rig, given).await, 0);
    let card = rig.card().await;
    let answer = rig.answer_to(&card, Decision::Approve, "");
    assert_eq!(rig.ask(Command::Answer(answer)).await, Replied::Accepted);
    rig.until_kind("commit", 1).await;
    rig.verified().await;
}
