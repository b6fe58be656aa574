//! Tests of `fs_patch`, through the tool itself.

use serde_json::json;

use super::*;
use crate::testing::Bench;

fn bench(content: &str) -> (Bench, FsPatch) {
    let bench = Bench::new();
    bench.put("a.txt", content);
    let tool = FsPatch::new(Arc::clone(&bench.workspace));
    (bench, tool)
}

async fn check(before: &str, args: Value, after: &str) {
    let (mut bench, tool) = bench(before);
    let mut all = json!({"path": "a.txt"});
    all.as_object_mut()
        .unwrap()
        .extend(args.as_object().unwrap().clone());
    bench.run(&tool, all).await;
    assert_eq!(bench.get("a.txt"), after);
}

fn check_refused(before: &str, args: Value, said: &str) {
    let (bench, tool) = bench(before);
    let mut all = json!({"path": "a.txt"});
    all.as_object_mut()
        .unwrap()
        .extend(args.as_object().unwrap().clone());
    assert_eq!(bench.refused(&tool, all), said);
}

fn edits(edits: Value) -> Value {
    json!({ "edits": edits })
}

#[tokio::test]
async fn edits_replace_exact_text_one_after_another() {
    check(
        "one two\n",
        edits(json!([{"old": "one", "new": "1"}, {"old": "1 two", "new": "2"}])),
        "2\n",
    )
    .await;
    check(
        "a a a",
        edits(json!([{"old": "a", "new": "aa", "all": true}])),
        "aa aa aa",
    )
    .await;
    check(
        "keep\ndrop\n",
        edits(json!([{"old": "drop\n", "new": ""}])),
        "keep\n",
    )
    .await;
}

#[tokio::test]
async fn crlf_files_keep_their_line_ends() {
    check(
        "a\r\nb\r\nc\r\n",
        edits(json!([{"old": "a\nb", "new": "x\ny"}])),
        "x\r\ny\r\nc\r\n",
    )
    .await;
    let patch = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";
    check(
        "a\r\nb\r\nc\r\n",
        json!({"patch": patch}),
        "a\r\nB\r\nc\r\n",
    )
    .await;
}

#[test]
fn an_anchor_that_is_missing_or_there_twice_is_named() {
    check_refused(
        "a\n",
        edits(json!([{"old": "a", "new": "b"}, {"old": "nope", "new": ""}])),
        "edit 2: its text is not in `a.txt`",
    );
    check_refused(
        "x\ny\nx\n",
        edits(json!([{"old": "x", "new": "z"}])),
        "edit 1: its text is in `a.txt` 2 times, at lines 1, 3",
    );
    check_refused(
        "a",
        edits(json!([{"old": "a", "new": "a"}])),
        "this changes nothing in `a.txt`",
    );
    check_refused(
        "a\0",
        edits(json!([{"old": "a", "new": "b"}])),
        "`a.txt` is a binary file",
    );
    check_refused("a", json!({}), "give exactly one of `edits` and `patch`");
}

#[tokio::test]
async fn a_unified_diff_applies_where_its_context_is() {
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,3 @@\n one\n+new\n two\n";
    check(
        "zero\none\ntwo\n",
        json!({"patch": patch}),
        "zero\none\nnew\ntwo\n",
    )
    .await;
    check("", json!({"patch": "@@ -0,0 +1,2 @@\n+a\n+b\n"}), "a\nb\n").await;
    let open = "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n";
    check("a", json!({"patch": open}), "b\n").await;
    let closed = "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n";
    check("a\n", json!({"patch": closed}), "b").await;
}

#[test]
fn a_patch_that_does_not_fit_is_refused_by_hunk() {
    check_refused(
        "a\nb\n",
        json!({"patch": "@@ -1,2 +1,2 @@\n a\n-x\n+y\n"}),
        "hunk 1 (line 1): its context is not in `a.txt`",
    );
    check_refused("a\n", json!({"patch": "hello"}), "the patch has no hunk");
    check_refused(
        "a\n",
        json!({"patch": "--- a/other.txt\n+++ b/other.txt\n@@ -1 +1 @@\n-a\n+b\n"}),
        "the patch is for `a/other.txt` and the call for `a.txt`",
    );
    check_refused(
        "a\n",
        json!({"patch": "@@ -1,5 +1,5 @@\n-a\n+b\n"}),
        "hunk 1: the patch ends in the middle of it",
    );
}

#[tokio::test]
async fn c12_a_file_that_changed_in_between_is_moved_and_untouched() {
    let (mut bench, tool) = bench("one\n");
    let args = json!({"path": "a.txt", "edits": [{"old": "one", "new": "two"}]});
    let resolved = bench.look(&tool, &args).unwrap();
    bench.put("a.txt", "one\nmore\n");
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
    assert_eq!(fault.0.kind, thymos_core::outcome::FaultKind::Moved);
    assert_eq!(bench.get("a.txt"), "one\nmore\n");
}

#[tokio::test]
async fn x2_a_second_run_of_the_same_call_finds_its_work_done() {
    let (mut bench, tool) = bench("one\n");
    let args = json!({"path": "a.txt", "edits": [{"old": "one", "new": "one one"}]});
    let resolved = bench.look(&tool, &args).unwrap();
    let first = bench.act(&tool, &args, &resolved).await.unwrap();
    let second = bench.act(&tool, &args, &resolved).await.unwrap();
    assert_eq!(bench.get("a.txt"), "one one\n");
    assert_eq!(first.deltas, second.deltas);
}
