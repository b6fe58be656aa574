//! Tests of `test_run`: runners, filters and summaries.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::*;
use crate::testing::Bench;

/// A bench with a program of this name on its search path.
fn bench(program: &str, script: &str) -> (Bench, TestRun) {
    let mut bench = Bench::new();
    bench.best_rung();
    let bin = bench.folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join(program), format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(bin.join(program), PermissionsExt::from_mode(0o755)).unwrap();
    let mut runner = bench.runner();
    runner.search_path.insert(0, bin);
    let tool = TestRun::new(Arc::new(runner));
    (bench, tool)
}

#[tokio::test]
async fn the_runner_is_found_by_its_marker_and_its_words_are_counted() {
    let script = "echo \"args $*\"; echo 'test a ... FAILED'; echo 'test result: FAILED. 2 passed; 1 failed; 0 ignored'; exit 101";
    let (mut bench, tool) = bench("cargo", script);
    bench.put("p/Cargo.toml", "");
    let args = json!({"path": "p", "filter": "fast"});
    let resolved = bench.look(&tool, &args).unwrap();
    assert_eq!(
        (resolved.effect, resolved.risk),
        (EffectClass::External, Risk::Medium)
    );
    assert_eq!(resolved.paths[0].arg, "path");
    let outcome = bench.run(&tool, args).await;
    assert!(outcome.observation.starts_with("args test fast\n"));
    assert_eq!(outcome.exit_code, Some(101));
    let data = outcome.data.unwrap();
    assert_eq!(
        (&data["passed"], &data["failed"], &data["failures"]),
        (&json!(2), &json!(1), &json!(["a"]))
    );
}

#[test]
fn a_folder_without_marker_is_refused() {
    let (bench, tool) = bench("cargo", "");
    let said = bench.refused(&tool, json!({}));
    assert_eq!(said, "`.` has no file that marks a project with tests");
    let named = bench.look(&tool, &json!({"runner": "cargo"})).unwrap();
    assert_eq!(named.exec.unwrap().argv, ["cargo", "test"]);
}
