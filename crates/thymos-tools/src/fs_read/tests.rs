//! Tests of `fs_read`, through the tool itself.

use std::os::unix::fs::symlink;

use serde_json::json;
use thymos_core::outcome::FaultKind;

use super::*;
use crate::testing::Bench;

fn tool(bench: &Bench) -> FsRead {
    FsRead::new(Arc::clone(&bench.workspace))
}

async fn check(content: &[u8], args: Value, said: &str) {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.put("f", content);
    let mut all = json!({"path": "f"});
    all.as_object_mut()
        .unwrap()
        .extend(args.as_object().unwrap().clone());
    assert_eq!(bench.run(&tool, all).await.observation, said);
}

#[tokio::test]
async fn lines_are_shown_with_numbers_and_oddities_are_told() {
    check(
        b"a\nb\n",
        json!({}),
        "f: 2 lines, 4 bytes\n     1\ta\n     2\tb\n",
    )
    .await;
    check(b"", json!({}), "f: 0 lines, 0 bytes\n").await;
    check(
        b"a\r\nb",
        json!({}),
        "f: 2 lines, 4 bytes, CRLF line ends, no newline at the end\n     1\ta\n     2\tb\n",
    )
    .await;
    check(b"\xff\n", json!({}), "f: 1 line, 2 bytes, not UTF-8, bytes that do not fit are shown as \u{fffd}\n     1\t\u{fffd}\n").await;
}

#[tokio::test]
async fn a_part_is_shown_and_the_rest_announced() {
    check(
        b"a\nb\nc\nd\n",
        json!({"offset": 2, "limit": 2}),
        "f: 4 lines, 8 bytes, lines 2-3 shown\n     2\tb\n     3\tc\n[more follows: read on with offset 4]\n",
    )
    .await;
    check(
        b"a\n",
        json!({"offset": 9}),
        "f: 1 line, 2 bytes, line 9 is past the end\n",
    )
    .await;
}

#[tokio::test]
async fn a_binary_file_is_told_by_size_and_digest() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.put("f", b"\x7fELF\0\0");
    let outcome = bench.run(&tool, json!({"path": "f"})).await;
    assert!(
        outcome
            .observation
            .starts_with("f: binary file, 6 bytes, digest ")
    );
}

#[tokio::test]
async fn a_huge_file_is_cut_and_says_so() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.put("f", "x".repeat(100_000) + "\n" + &"line\n".repeat(50_000));
    let outcome = bench.run(&tool, json!({"path": "f"})).await;
    assert!(outcome.truncated);
    assert!(outcome.observation.len() < OBSERVATION_BYTES_MAX + 500);
    assert!(outcome.observation.contains("1 long line cut with …"));
    assert!(
        outcome
            .observation
            .contains("[more follows: read on with offset 2001]")
    );
}

#[test]
fn what_is_no_file_is_refused_in_a_sentence() {
    let bench = Bench::new();
    let tool = tool(&bench);
    std::fs::create_dir(bench.path("d")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, bench.path("p"), kind, mode, 0).unwrap();
    let refused = |path: &str| bench.refused(&tool, json!({ "path": path }));
    assert_eq!(refused("d"), "`d` is a folder");
    assert_eq!(
        refused("p"),
        "`p` is a named pipe and cannot be read as a file"
    );
    assert_eq!(refused("none"), "`none` does not exist");
    assert_eq!(
        refused("/dev/zero"),
        "`/dev/zero` leads outside the workspace"
    );
    assert_eq!(
        refused(".env"),
        "`.env` is protected and closed to every tool"
    );
}

#[tokio::test]
async fn a_file_swapped_for_a_link_is_not_read() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.put("f", "mine");
    std::fs::write(bench.folder.path().join("secret"), "mine").unwrap();
    let args = json!({"path": "f"});
    let resolved = bench.look(&tool, &args).unwrap();
    std::fs::remove_file(bench.path("f")).unwrap();
    symlink("../secret", bench.path("f")).unwrap();
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
    assert_eq!(fault.0.kind, FaultKind::Moved);
}
