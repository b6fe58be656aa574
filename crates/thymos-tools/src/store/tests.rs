//! Tests of the tools on keys and memory.

use serde_json::json;
use thymos_core::outcome::FaultKind;

use super::*;
use crate::kv_delete::KvDelete;
use crate::kv_get::KvGet;
use crate::kv_list::KvList;
use crate::kv_set::KvSet;
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
async fn o4_notes_are_recalled_best_first_with_their_entry() {
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
        "build [ci]  (version 1, entry 1)\nuse make\n\nstyle  (version 1, entry 2)\nthe build is slow\n\n"
    );
    let none = bench
        .run(&MemoryRecall::new(), json!({"query": "zebra"}))
        .await;
    assert_eq!(
        none.observation,
        "no note has any of these words; 2 notes kept"
    );
    let tagged = bench.run(&MemoryList::new(), json!({"tag": "ci"})).await;
    assert_eq!(tagged.observation, "build [ci]  (version 1, entry 1)\n");
}
