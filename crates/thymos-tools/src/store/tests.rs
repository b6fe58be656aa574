//! Tests of the tools on keys and memory.

use serde_json::json;
use thymos_core::outcome::FaultKind;
use thymos_core::{EntryId, Timestamp, TrajectoryId};
use thymos_ports::memory::{Origin, SharedNote};

use super::*;
use crate::kv_delete::KvDelete;
use crate::kv_get::KvGet;
use crate::kv_list::KvList;
use crate::kv_set::KvSet;
use crate::memory_forget::MemoryForget;
use crate::memory_list::MemoryList;
use crate::memory_recall::MemoryRecall;
use crate::memory_write::MemoryWrite;
use crate::testing::Bench;

#[tokio::test]
async fn o1_keys_are_set_read_listed_and_removed_with_versions() {
    let mut bench = Bench::new();
    let set = bench
        .run(
            &KvSet::new(),
            json!({"key": "a", "value": {"x": [1, null]}}),
        )
        .await;
    assert_eq!(set.deltas[0].expect, Expect::Absent);
    let again = bench
        .run(&KvSet::new(), json!({"key": "a", "value": 2}))
        .await;
    assert_eq!(again.deltas[0].expect, Expect::Exactly(1));
    assert_eq!(
        again.deltas[0].before,
        Some(ResourceValue::Json(json!({"x": [1, null]})))
    );
    assert_eq!(
        bench
            .run(&KvGet::new(), json!({"key": "a"}))
            .await
            .observation,
        "2\n"
    );
    assert_eq!(
        bench
            .run(&KvGet::new(), json!({"key": "b"}))
            .await
            .observation,
        "`b` is not set"
    );
    assert_eq!(
        bench.run(&KvList::new(), json!({})).await.observation,
        "a  (version 2, entry 2)\n"
    );
    let gone = bench.run(&KvDelete::new(), json!({"key": "a"})).await;
    assert_eq!(gone.deltas[0].after, None);
    assert_eq!(
        bench.refused(&KvDelete::new(), json!({"key": "a"})),
        "`a` is not set"
    );
}

#[tokio::test]
async fn c12_a_key_that_changed_in_between_is_moved() {
    let mut bench = Bench::new();
    let args = json!({"key": "a", "value": 1});
    let resolved = bench.look(&KvSet::new(), &args).unwrap();
    bench
        .run(&KvSet::new(), json!({"key": "a", "value": 9}))
        .await;
    let fault = bench
        .act(&KvSet::new(), &args, &resolved)
        .await
        .unwrap_err();
    assert_eq!(fault.0.kind, FaultKind::Moved);
}

#[test]
fn a_value_too_large_is_refused() {
    let bench = Bench::new();
    let args = json!({"key": "a", "value": "x".repeat(VALUE_BYTES_MAX)});
    assert!(
        bench
            .refused(&KvSet::new(), args)
            .contains("at most 65536 are kept")
    );
}

#[tokio::test]
async fn o4_notes_are_recalled_best_first() {
    let mut bench = Bench::new();
    bench
        .run(
            &MemoryWrite::new(),
            json!({"key": "build", "text": "use make", "tags": ["ci"]}),
        )
        .await;
    bench
        .run(
            &MemoryWrite::new(),
            json!({"key": "style", "text": "the build is slow"}),
        )
        .await;
    let found = bench
        .run(&MemoryRecall::new(), json!({"query": "Build"}))
        .await;
    assert_eq!(
        found.observation,
        "build [ci]  (semantic, version 1, inherited)\nuse make\n\nstyle  (semantic, version 1, inherited)\nthe build is slow\n\n"
    );
    let none = bench
        .run(&MemoryRecall::new(), json!({"query": "zebra"}))
        .await;
    assert_eq!(
        none.observation,
        "no note has any of these words; 2 notes kept"
    );
    let tagged = bench.run(&MemoryList::new(), json!({"tag": "ci"})).await;
    assert_eq!(
        tagged.observation,
        "build [ci]  (semantic, version 1, inherited)\n"
    );
}

fn origin(index: u64, approved: bool) -> Origin {
    Origin {
        trajectory: TrajectoryId::of(b"other"),
        entry: EntryId::of(b"entry"),
        seq: 7,
        index,
        at: Timestamp(0),
        approved,
    }
}

fn shared(key: &str, value: Value, index: u64) -> SharedNote {
    SharedNote {
        key: key.into(),
        value,
        version: 2,
        origin: origin(index, false),
    }
}

async fn recalled(bench: &mut Bench, query: &str) -> String {
    let args = json!({"query": query});
    bench.run(&MemoryRecall::new(), args).await.observation
}

#[tokio::test]
async fn o4_notes_of_others_come_with_where_they_are_from_and_the_newest_of_a_key_wins() {
    let mut bench = Bench::new();
    let note = json!({"text": "use make", "tags": [], "stratum": "episodic"});
    bench.memory.shared = vec![shared("build", note, 40)];
    let other = TrajectoryId::of(b"other").short();
    let told = format!(
        "build  (episodic, version 2, entry 7 of trajectory {other}, 1970-01-01 00:00:00, not approved by anybody)\nuse make\n\n"
    );
    assert_eq!(recalled(&mut bench, "make").await, told);
    let args = json!({"key": "build", "text": "make is gone", "stratum": "working"});
    bench.run(&MemoryWrite::new(), args).await;
    bench.memory.own.insert("build".into(), origin(39, false));
    assert_eq!(recalled(&mut bench, "make").await, told);
    bench.memory.own.insert("build".into(), origin(41, true));
    let own = recalled(&mut bench, "make").await;
    assert!(
        own.starts_with("build  (working, version 1, entry 7, "),
        "{own}"
    );
    assert!(
        own.contains("approved by the operator)\nmake is gone"),
        "{own}"
    );
}

#[tokio::test]
async fn o4_forgetting_reaches_across_and_an_older_note_stays_gone() {
    let mut bench = Bench::new();
    let note = json!({"text": "use make", "tags": [], "stratum": "semantic"});
    bench.memory.shared = vec![shared("build", note, 40)];
    let gone = bench
        .run(&MemoryForget::new(), json!({"key": "build"}))
        .await;
    assert_eq!(
        gone.deltas[0].after,
        Some(ResourceValue::Json(json!({"forgotten": true})))
    );
    bench.memory.own.insert("build".into(), origin(41, true));
    let nothing = "no note has any of these words; 0 notes kept";
    assert_eq!(recalled(&mut bench, "make").await, nothing);
    let args = json!({"key": "build"});
    assert_eq!(
        bench.refused(&MemoryForget::new(), args),
        "no note `build` is kept"
    );
    // Kept again by somebody, later: it is there again.
    let again = json!({"text": "use make again", "tags": [], "stratum": "semantic"});
    bench.memory.shared = vec![shared("build", again, 42)];
    assert!(
        recalled(&mut bench, "make")
            .await
            .contains("use make again")
    );
}

#[tokio::test]
async fn o4_a_working_note_is_forgotten_without_a_trace_for_others() {
    let mut bench = Bench::new();
    let args = json!({"key": "draft", "text": "x", "stratum": "working"});
    bench.run(&MemoryWrite::new(), args).await;
    let gone = bench
        .run(&MemoryForget::new(), json!({"key": "draft"}))
        .await;
    assert_eq!(gone.deltas[0].after, None);
}
