//! Tests of `grep`, through the tool itself.

use serde_json::json;

use super::*;
use crate::testing::Bench;

fn bench() -> (Bench, Grep) {
    let bench = Bench::new();
    bench.put("src/a.rs", "fn one() {}\nfn two() {}\r\nlet x = 1;\n");
    bench.put("src/b.txt", "Fn three\n");
    bench.put(".env", "fn secret\n");
    bench.put("out.bin", b"fn\0\0\nfn\n");
    bench.put("target/x.rs", "fn built\n");
    bench.put(".gitignore", "target\n");
    let tool = Grep::new(Arc::clone(&bench.workspace));
    (bench, tool)
}

#[tokio::test]
async fn matches_are_shown_by_path_line_and_text() {
    let (mut bench, tool) = bench();
    let found = bench
        .run(&tool, json!({"pattern": r"^fn \w+", "case": "sensitive"}))
        .await;
    let rows = "src/a.rs:1:fn one() {}\nsrc/a.rs:2:fn two() {}\n";
    assert_eq!(
        found.observation,
        format!("{rows}[1 binary file not searched]\n")
    );
    assert_eq!(found.summary, "2 matches in 1 file");
    let smart = bench
        .run(&tool, json!({"pattern": "fn three", "glob": "*.txt"}))
        .await;
    assert_eq!(smart.observation, "src/b.txt:1:Fn three\n");
    let near = bench
        .run(
            &tool,
            json!({"pattern": "two", "path": "src/a.rs", "context": 1}),
        )
        .await;
    assert_eq!(
        near.observation,
        "src/a.rs-1-fn one() {}\nsrc/a.rs:2:fn two() {}\nsrc/a.rs-3-let x = 1;\n"
    );
}

#[tokio::test]
async fn nothing_found_says_how_much_was_searched() {
    let (mut bench, tool) = bench();
    let found = bench
        .run(&tool, json!({"pattern": "nowhere", "path": "src"}))
        .await;
    assert_eq!(found.observation, "[no match in 2 files]\n");
    assert!(found.ok);
}

#[tokio::test]
async fn too_many_matches_are_cut_and_said() {
    let (mut bench, tool) = bench();
    bench.put("many", "hit\n".repeat(GREP_MATCHES_MAX + 1));
    let found = bench.run(&tool, json!({"pattern": "hit"})).await;
    assert!(found.truncated);
    assert!(
        found
            .observation
            .contains("[stopped after 300 matches; narrow the search]")
    );
}

#[test]
fn a_wrong_expression_or_place_is_refused_in_a_sentence() {
    let (bench, tool) = bench();
    let said = bench.refused(&tool, json!({"pattern": "fn ("}));
    assert!(
        said.starts_with("`fn (` is no regular expression: unclosed group"),
        "{said}"
    );
    assert_eq!(
        bench.refused(&tool, json!({"pattern": "x", "path": "gone"})),
        "`gone` does not exist"
    );
    let said = bench.refused(&tool, json!({"pattern": "x", "path": ".env"}));
    assert_eq!(said, "`.env` is protected and closed to every tool");
}
