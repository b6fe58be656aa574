//! Tests of what file tools look at after they acted, with another process in between.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::body::Body;
use crate::fs_patch::FsPatch;
use crate::fs_write::FsWrite;
use crate::restore::Restore;
use crate::testing::Bench;

const PATH: &str = "notes/a.txt";

fn writer(bench: &Bench) -> FsWrite {
    FsWrite::new(Arc::clone(&bench.workspace))
}

async fn written(bench: &mut Bench) -> Outcome {
    let tool = writer(bench);
    let args = json!({"path": PATH, "content": "mine\n"});
    bench.run(&tool, args).await
}

/// What is said of a file that was written, after something else happened to it.
async fn unmet(between: impl FnOnce(&Bench)) -> String {
    let mut bench = Bench::new();
    let outcome = written(&mut bench).await;
    between(&bench);
    let unmet = writer(&bench).verify(&outcome).unwrap_err();
    assert_eq!(unmet.subject, PATH);
    let expected = format!(
        "a file of 5 bytes, mode 644 and digest {}",
        thymos_core::id::Digest::of(b"mine\n").short()
    );
    assert_eq!(unmet.expected, expected);
    unmet.found
}

#[tokio::test]
async fn x5_what_is_as_it_was_written_is_met() {
    let mut bench = Bench::new();
    let outcome = written(&mut bench).await;
    assert_eq!(writer(&bench).verify(&outcome), Ok(()));
}

#[tokio::test]
async fn x5_content_that_somebody_put_there_between_is_told_by_its_size_or_digest() {
    let found = unmet(|bench| bench.put(PATH, "theirs\n")).await;
    assert_eq!(found, "a file of 7 bytes and mode 644");
    let found = unmet(|bench| bench.put(PATH, "Mine\n")).await;
    let digest = thymos_core::id::Digest::of(b"Mine\n").short();
    assert_eq!(
        found,
        format!("a file of 5 bytes, mode 644 and digest {digest}")
    );
}

#[tokio::test]
async fn x5_other_permissions_and_what_is_no_file_any_more_are_told() {
    let mode = |bench: &Bench| {
        std::fs::set_permissions(bench.path(PATH), PermissionsExt::from_mode(0o600)).unwrap();
    };
    assert!(unmet(mode).await.starts_with("a file of 5 bytes, mode 600"));
    let gone = |bench: &Bench| std::fs::remove_file(bench.path(PATH)).unwrap();
    assert_eq!(unmet(gone).await, "gone");
    let folder = |bench: &Bench| {
        gone(bench);
        std::fs::create_dir(bench.path(PATH)).unwrap();
    };
    assert_eq!(unmet(folder).await, "a folder");
    let link = |bench: &Bench| {
        std::fs::rename(bench.path(PATH), bench.path("kept.txt")).unwrap();
        symlink(bench.path("kept.txt"), bench.path(PATH)).unwrap();
    };
    assert_eq!(unmet(link).await, "reached through a link");
}

#[tokio::test]
async fn x5_another_name_of_a_protected_file_is_not_read() {
    let found = unmet(|bench| {
        std::fs::write(bench.path(".env"), "a=b1\n").unwrap();
        std::fs::remove_file(bench.path(PATH)).unwrap();
        std::fs::hard_link(bench.path(".env"), bench.path(PATH)).unwrap();
    })
    .await;
    assert_eq!(found, "a protected file");
}

#[tokio::test]
async fn x5_a_patched_file_is_looked_at_again() {
    let mut bench = Bench::new();
    written(&mut bench).await;
    let tool = FsPatch::new(Arc::clone(&bench.workspace));
    let args = json!({"path": PATH, "edits": [{"old": "mine", "new": "ours"}]});
    let outcome = bench.run(&tool, args).await;
    assert_eq!(tool.verify(&outcome), Ok(()));
    bench.put(PATH, "hers\n");
    assert!(tool.verify(&outcome).is_err());
}

#[tokio::test]
async fn x5_a_removal_is_met_only_where_nothing_stands_any_more() {
    let mut bench = Bench::new();
    let deltas = written(&mut bench).await.deltas;
    let step: Value = json!({
        "resource": deltas[0].resource, "expect": deltas[0].after, "to": null, "folders": 1,
    });
    let tool = Restore::new(Arc::clone(&bench.workspace));
    let outcome = bench.run(&tool, json!({"steps": [step]})).await;
    assert_eq!(tool.verify(&outcome), Ok(()));
    bench.put(PATH, "back\n");
    let unmet = tool.verify(&outcome).unwrap_err();
    let said = "`notes/a.txt` was to be gone and is a file of 5 bytes and mode ";
    assert!(unmet.to_string().starts_with(said), "{unmet}");
}

/// Some file systems keep other permissions than they are told. What is recorded is what the file has.
#[tokio::test]
async fn x5_the_permissions_that_a_file_got_are_those_on_record() {
    let mut bench = Bench::new();
    let outcome = written(&mut bench).await;
    let after = outcome.deltas[0].after.as_ref();
    let Some(ResourceValue::File(image)) = after else {
        panic!("{after:?}");
    };
    let disk = std::fs::metadata(bench.path(PATH)).unwrap();
    assert_eq!(image.mode, disk.permissions().mode() & 0o7777);
}
