//! Tests of `fs_write`, through the tool itself.

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;
use thymos_core::delta::ResourceValue;
use thymos_core::id::Digest;
use thymos_core::outcome::FaultKind;

use super::*;
use crate::testing::Bench;

fn tool(bench: &Bench) -> FsWrite {
    FsWrite::new(Arc::clone(&bench.workspace))
}

#[tokio::test]
async fn o2_a_new_file_is_recorded_with_its_content() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    let outcome = bench
        .run(
            &tool,
            json!({"path": "neu/tief/ü.txt", "content": "hallo\n"}),
        )
        .await;
    assert_eq!(bench.get("neu/tief/ü.txt"), "hallo\n");
    let after = image(b"hallo\n", NEW_FILE_MODE);
    assert_eq!(outcome.deltas[0].before, None);
    assert_eq!(
        outcome.deltas[0].after,
        Some(ResourceValue::File(after.clone()))
    );
    assert_eq!(bench.blob(after.digest), b"hallo\n");
    assert_eq!(outcome.summary, "created neu/tief/ü.txt, +1 -0");
}

#[tokio::test]
async fn o2_a_replaced_file_keeps_its_mode_and_its_pre_image() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.put("run.sh", "old\n");
    std::fs::set_permissions(bench.path("run.sh"), PermissionsExt::from_mode(0o750)).unwrap();
    let args = json!({"path": "run.sh", "content": "new\n"});
    let resolved = bench.look(&tool, &args).unwrap();
    assert_eq!(resolved.effect, EffectClass::Write);
    assert_eq!(
        resolved.preview.as_ref().unwrap().text,
        "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-old\n+new\n"
    );
    let outcome = bench.run(&tool, args).await;
    assert_eq!(
        outcome.deltas[0].before,
        Some(ResourceValue::File(image(b"old\n", 0o750)))
    );
    let mode = std::fs::metadata(bench.path("run.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o750);
    assert_eq!(bench.blob(Digest::of(b"old\n")), b"old\n");
    let names = std::fs::read_dir(bench.workspace.root()).unwrap().count();
    assert_eq!(names, 1, "no file is left beside it");
}

#[tokio::test]
async fn an_empty_file_can_be_written_and_replaced() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.run(&tool, json!({"path": "e", "content": ""})).await;
    assert_eq!(bench.get("e"), "");
    bench.run(&tool, json!({"path": "e", "content": "x"})).await;
    assert_eq!(bench.get("e"), "x");
}

#[test]
fn what_is_no_file_is_refused() {
    let bench = Bench::new();
    let tool = tool(&bench);
    std::fs::create_dir(bench.path("d")).unwrap();
    let refused = |path: &str| bench.refused(&tool, json!({"path": path, "content": ""}));
    assert_eq!(
        refused("d"),
        "`d` is a folder and cannot be written as a file"
    );
    assert_eq!(refused("new/"), "`new/` ends in `/` and so names a folder");
    assert_eq!(refused("../x"), "`../x` leads outside the workspace");
    assert_eq!(
        refused("sub/.env"),
        "`sub/.env` is protected and closed to every tool"
    );
}

#[tokio::test]
async fn c12_whatever_changes_between_look_and_act_is_moved() {
    type Meddle = fn(&Bench);
    let meddlings: [(&str, Meddle); 4] = [
        ("content", |bench| bench.put("f", "theirs")),
        ("gone", |bench| {
            std::fs::remove_file(bench.path("f")).unwrap();
        }),
        ("folder", |bench| {
            std::fs::remove_file(bench.path("f")).unwrap();
            std::fs::create_dir(bench.path("f")).unwrap();
        }),
        ("link", |bench| {
            std::fs::write(bench.folder.path().join("out"), "mine").unwrap();
            std::fs::remove_file(bench.path("f")).unwrap();
            symlink("../out", bench.path("f")).unwrap();
        }),
    ];
    for (what, meddle) in meddlings {
        let mut bench = Bench::new();
        let tool = tool(&bench);
        bench.put("f", "mine");
        let args = json!({"path": "f", "content": "new"});
        let resolved = bench.look(&tool, &args).unwrap();
        meddle(&bench);
        let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
        assert_eq!(fault.0.kind, FaultKind::Moved, "{what}");
        let outside = std::fs::read_to_string(bench.folder.path().join("out"));
        assert!(outside.is_err() || outside.unwrap() == "mine");
    }
}

#[tokio::test]
async fn c12_a_folder_swapped_for_a_link_leads_nowhere() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.put("d/f", "x");
    std::fs::create_dir(bench.folder.path().join("out")).unwrap();
    let args = json!({"path": "d/new", "content": "x"});
    let resolved = bench.look(&tool, &args).unwrap();
    std::fs::rename(bench.path("d"), bench.path("old")).unwrap();
    symlink("../out", bench.path("d")).unwrap();
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
    assert_eq!(fault.0.kind, FaultKind::Moved);
    assert_eq!(
        std::fs::read_dir(bench.folder.path().join("out"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn r3_a_file_that_became_a_name_of_a_protected_one_is_moved() {
    let mut bench = Bench::new();
    let tool = tool(&bench);
    bench.put(".env", "same");
    bench.put("f", "same");
    let args = json!({"path": "f", "content": "new"});
    let resolved = bench.look(&tool, &args).unwrap();
    std::fs::remove_file(bench.path("f")).unwrap();
    std::fs::hard_link(bench.path(".env"), bench.path("f")).unwrap();
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
    assert_eq!(fault.0.kind, FaultKind::Moved);
    assert_eq!(bench.get(".env"), "same");
}

#[test]
fn a_file_of_git_itself_is_high_risk() {
    let bench = Bench::new();
    let tool = tool(&bench);
    let resolved = bench.look(
        &tool,
        &json!({"path": ".git/hooks/pre-commit", "content": "x"}),
    );
    assert_eq!(resolved.unwrap().risk, Risk::High);
}

#[test]
fn o2_what_a_call_overwrites_is_handed_over_before_it_acts() {
    let bench = Bench::new();
    let tool = FsWrite::new(bench.workspace.clone());
    let handed = |resolved: &Resolved| {
        let mut all = Vec::new();
        tool.overwrites(resolved, &mut |content| {
            all.push(String::from_utf8(content.to_vec()).unwrap());
            true
        });
        all
    };
    bench.put("old.txt", "before");
    let args = |path: &str| json!({"path": path, "content": "after"});
    let (old, new) = (args("old.txt"), args("new.txt"));
    let (old, new) = (
        bench.look(&tool, &old).unwrap(),
        bench.look(&tool, &new).unwrap(),
    );
    assert_eq!(handed(&old), ["before"]);
    assert_eq!(handed(&new), Vec::<String>::new(), "there is nothing yet");
    bench.put("old.txt", "by somebody else");
    assert_eq!(handed(&old), Vec::<String>::new(), "the call will not act");
}
