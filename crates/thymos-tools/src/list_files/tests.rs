//! Tests of `list_files`, through the tool itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use serde_json::json;
use thymos_core::outcome::FaultKind;

use super::*;
use crate::glob::Glob;
use crate::testing::Bench;

fn bench() -> Bench {
    let bench = Bench::new();
    for path in [
        "src/lib.rs",
        "src/deep/er/x.rs",
        "README.md",
        "out/big.o",
        "kept.log",
        "b.log",
        ".hidden",
        ".git/config",
        ".env",
    ] {
        bench.put(path, "x\n");
    }
    bench.put(".gitignore", "out/\n*.log\n!kept.log\n");
    symlink("/etc", bench.path("away")).unwrap();
    bench
}

#[tokio::test]
async fn files_are_listed_in_order_without_what_is_ignored() {
    let mut bench = bench();
    let tool = ListFiles::new(Arc::clone(&bench.workspace));
    let outcome = bench.run(&tool, json!({"depth": 2})).await;
    assert_eq!(
        outcome.observation,
        "README.md\naway@\nkept.log\nsrc/\nsrc/deep/\nsrc/lib.rs\n"
    );
    let outcome = bench.run(&tool, json!({"hidden": true, "depth": 1})).await;
    assert_eq!(
        outcome.observation,
        ".env  (protected)\n.gitignore\n.hidden\nREADME.md\naway@\nkept.log\nsrc/\n"
    );
    let outcome = bench.run(&tool, json!({"path": "src/deep"})).await;
    assert_eq!(outcome.observation, "src/deep/er/\nsrc/deep/er/x.rs\n");
}

#[tokio::test]
async fn names_that_are_not_utf8_are_shown_and_told() {
    let mut bench = Bench::new();
    let tool = ListFiles::new(Arc::clone(&bench.workspace));
    std::fs::write(bench.workspace.root().join(OsStr::from_bytes(b"a\xff")), "").unwrap();
    let outcome = bench.run(&tool, json!({})).await;
    assert!(
        outcome
            .observation
            .starts_with("a\u{fffd}\n[1 name not UTF-8")
    );
}

#[tokio::test]
async fn a_list_that_is_too_long_is_cut_and_says_so() {
    let mut bench = Bench::new();
    let tool = ListFiles::new(Arc::clone(&bench.workspace));
    for number in 0..LIST_ENTRIES_MAX + 5 {
        bench.put(&format!("f{number:05}"), "");
    }
    let outcome = bench.run(&tool, json!({})).await;
    assert!(outcome.truncated);
    assert!(
        outcome
            .observation
            .ends_with("[cut after 1000 entries; start in a smaller folder]\n")
    );
}

#[tokio::test]
async fn glob_finds_files_by_pattern() {
    let mut bench = bench();
    let tool = Glob::new(Arc::clone(&bench.workspace));
    assert_eq!(
        bench
            .run(&tool, json!({"pattern": "*.rs"}))
            .await
            .observation,
        "src/deep/er/x.rs\nsrc/lib.rs\n"
    );
    assert_eq!(
        bench
            .run(&tool, json!({"pattern": "src/*.rs"}))
            .await
            .observation,
        "src/lib.rs\n"
    );
    assert_eq!(
        bench
            .run(&tool, json!({"pattern": "*.rs", "path": "src/deep"}))
            .await
            .observation,
        "src/deep/er/x.rs\n"
    );
    assert!(
        bench
            .run(&tool, json!({"pattern": "*.zig"}))
            .await
            .observation
            .starts_with("[nothing found")
    );
    let said = bench.refused(&tool, json!({"pattern": "a{b"}));
    assert!(said.starts_with("`a{b` is no pattern: "), "{said}");
}

#[tokio::test]
async fn x4_a_cancelled_walk_stops() {
    let mut bench = bench();
    let tool = ListFiles::new(Arc::clone(&bench.workspace));
    let args = json!({});
    let resolved = bench.look(&tool, &args).unwrap();
    bench.cancel.cancel();
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
    assert_eq!(fault.0.kind, FaultKind::Cancelled);
}
