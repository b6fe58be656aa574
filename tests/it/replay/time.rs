//! Time along a trajectory, whatever the machine's clock does.

use serde_json::json;
use thymos_core::Timestamp;
use thymos_core::writ::Mode;
use thymos_testkit::fixtures::NOON;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, Step};

use crate::flow::rig::Setup;

#[tokio::test]
async fn v3_a_clock_that_is_set_back_does_not_run_the_record_back() {
    let tool = FakeTool::new("grep");
    let call = || Step::Turn(calls(vec![("grep", json!({"pattern": "x"}))]));
    let steps = vec![
        call(),
        Step::Turn(says("done")),
        call(),
        Step::Turn(says("again")),
    ];
    let mut rig = Setup::new(steps, &[&tool]).open(Mode::Edit).await;
    rig.setup.clock.advance_ms(60_000);
    rig.run("look").await;
    rig.setup.clock.set(Timestamp(NOON.as_ms() - 3_600_000));
    rig.run("look again").await;
    let times: Vec<Timestamp> = rig
        .setup
        .store
        .entries()
        .iter()
        .map(|e| e.header.at_ms)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(tool.runs(), 2);
    rig.verified().await;
}
