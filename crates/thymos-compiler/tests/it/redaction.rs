//! Decisions on real values, recorded with redacted ones `[R4]`.

use serde_json::json;
use thymos_core::caveat::{Caveat, Condition};
use thymos_core::trace::Clause;
use thymos_core::writ::Grant;

use crate::scene::{Scene, writing};

const SECRET: &str = "hunter2-hunter2";

fn secretive(caveat: Condition) -> Scene {
    let mut scene = writing();
    scene.root().grants = vec![Grant {
        tool: "fs_write".into(),
        caveats: vec![Caveat {
            arg: "text".into(),
            must: caveat,
        }],
    }];
    scene.intent.args = json!({"path": "src/a.rs", "text": "[redacted]"});
    scene.live_args = Some(json!({"path": "src/a.rs", "text": SECRET}));
    scene
}

#[test]
fn r4_a_caveat_reads_the_real_value_and_its_line_is_witnessed() {
    let warrant = secretive(Condition::Equals(json!(SECRET))).cleared();
    let witnessed: Vec<Clause> = warrant
        .decided()
        .trace
        .lines
        .iter()
        .filter(|line| line.witnessed)
        .map(|line| line.clause)
        .collect();
    assert_eq!(witnessed, [Clause::C7, Clause::C8]);
    assert_eq!(warrant.args()["text"], json!(SECRET));
    assert_eq!(warrant.proposal().intent.args["text"], json!("[redacted]"));
}

#[test]
fn r4_no_refusal_repeats_the_real_value() {
    let refused = secretive(Condition::LenLe(3)).refused();
    assert_eq!(refused.refusal.clause, Clause::C8);
    assert!(!format!("{refused:?}").contains(SECRET));
    let mut scene = secretive(Condition::LenLe(99));
    scene.contract.schema["properties"]["text"] = json!({"type": "string", "pattern": "^a"});
    let refused = scene.refused();
    assert_eq!(refused.refusal.clause, Clause::C7);
    assert!(!format!("{refused:?}").contains(SECRET));
}
