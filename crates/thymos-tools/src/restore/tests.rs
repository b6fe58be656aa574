//! Tests of `restore`, through the tools whose calls it takes back.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use thymos_core::delta::Delta;
use thymos_core::outcome::FaultKind;

use super::*;
use crate::fs_write::FsWrite;
use crate::kv_set::KvSet;
use crate::testing::Bench;

fn tool(bench: &Bench) -> Restore {
    Restore::new(Arc::clone(&bench.workspace))
}

/// The arguments that take these deltas back.
fn back(deltas: &[Delta], folders: usize) -> Value {
    let steps: Vec<Value> = deltas
        .iter()
        .map(|delta| {
            json!({"resource": delta.resource, "expect": delta.after, "to": delta.before, "folders": folders})
        })
        .collect();
    json!({ "steps": steps })
}

async fn write(bench: &mut Bench, path: &str, content: &str) -> Vec<Delta> {
    let tool = FsWrite::new(Arc::clone(&bench.workspace));
    let args = json!({"path": path, "content": content});
    bench.run(&tool, args).await.deltas
}

#[tokio::test]
async fn d3_a_changed_file_gets_its_content_and_mode_back() {
    let mut bench = Bench::new();
    bench.put("run.sh", "old\n");
    std::fs::set_permissions(bench.path("run.sh"), PermissionsExt::from_mode(0o750)).unwrap();
    let deltas = write(&mut bench, "run.sh", "new\n").await;
    let (tool, args) = (tool(&bench), back(&deltas, 0));
    let resolved = bench.look(&tool, &args).unwrap();
    let preview = resolved.preview.as_ref().unwrap();
    assert_eq!(
        preview.text,
        "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-new\n+old\n"
    );
    assert_eq!(resolved.paths[0].access, Access::Write);
    let outcome = bench.run(&tool, args).await;
    assert_eq!(bench.get("run.sh"), "old\n");
    let mode = std::fs::metadata(bench.path("run.sh"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o750);
    assert_eq!(outcome.deltas[0].after, deltas[0].before);
}

#[tokio::test]
async fn d3_a_created_file_goes_again_with_the_folders_that_were_made_for_it() {
    let mut bench = Bench::new();
    bench.put("src/lib.rs", "kept\n");
    let deltas = write(&mut bench, "src/new/deep/a.rs", "new\n").await;
    let (tool, args) = (tool(&bench), back(&deltas, 2));
    let preview = bench.look(&tool, &args).unwrap().preview.unwrap();
    assert!(preview.text.contains("+++ /dev/null\n"), "{}", preview.text);
    bench.run(&tool, args).await;
    assert!(!bench.path("src/new").exists());
    assert_eq!(bench.get("src/lib.rs"), "kept\n");
    assert!(bench.world.is_empty());
}

#[tokio::test]
async fn d3_a_restore_can_be_taken_back_too() {
    let mut bench = Bench::new();
    let deltas = write(&mut bench, "deep/a.txt", "text\n").await;
    let tool = tool(&bench);
    let undone = bench.run(&tool, back(&deltas, 1)).await.deltas;
    assert!(!bench.path("deep").exists());
    bench.run(&tool, back(&undone, 0)).await;
    assert_eq!(bench.get("deep/a.txt"), "text\n");
}

#[tokio::test]
async fn d3_what_somebody_changed_meanwhile_is_named_and_not_touched() {
    let mut bench = Bench::new();
    let (mut deltas, tool) = (write(&mut bench, "a.txt", "a\n").await, tool(&bench));
    deltas.extend(write(&mut bench, "b.txt", "b\n").await);
    bench.put("b.txt", "by hand\n");
    assert_eq!(
        bench.refused(&tool, back(&deltas, 0)),
        "`b.txt` was changed by something else since that call"
    );
    std::fs::remove_file(bench.path("b.txt")).unwrap();
    let after = back(&deltas, 0);
    // Gone is what it is to be again: there is nothing left to do for it.
    let outcome = bench.run(&tool, after).await;
    assert_eq!(
        outcome.observation,
        "deleted a.txt again\nb.txt was so already"
    );
}

#[tokio::test]
async fn d3_a_change_between_look_and_act_stops_it_before_anything_is_touched() {
    let mut bench = Bench::new();
    let (mut deltas, tool) = (write(&mut bench, "a.txt", "a\n").await, tool(&bench));
    deltas.extend(write(&mut bench, "b.txt", "b\n").await);
    let args = back(&deltas, 0);
    let resolved = bench.look(&tool, &args).unwrap();
    bench.put("b.txt", "by hand\n");
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err().0;
    assert_eq!(fault.kind, FaultKind::Moved);
    assert_eq!(
        (fault.deltas.len(), bench.get("a.txt").as_str()),
        (0, "a\n")
    );
}

#[tokio::test]
async fn d3_content_that_is_not_kept_cannot_be_put_back() {
    let mut bench = Bench::new();
    bench.put("a.txt", "old\n");
    let (deltas, tool) = (write(&mut bench, "a.txt", "new\n").await, tool(&bench));
    bench.blobs.0.lock().unwrap().clear();
    assert_eq!(
        bench.refused(&tool, back(&deltas, 0)),
        "the content that `a.txt` held is not kept"
    );
}

#[tokio::test]
async fn d3_a_stored_value_is_put_back_and_a_new_one_removed() {
    let mut bench = Bench::new();
    let set = KvSet::new();
    let first = bench
        .run(&set, json!({"key": "a", "value": 1}))
        .await
        .deltas;
    let second = bench
        .run(&set, json!({"key": "a", "value": 2}))
        .await
        .deltas;
    let tool = tool(&bench);
    let preview = bench
        .look(&tool, &back(&second, 0))
        .unwrap()
        .preview
        .unwrap();
    assert_eq!(preview.text, "kv:a: 2 -> 1\n");
    bench.run(&tool, back(&second, 0)).await;
    bench.run(&tool, back(&first, 0)).await;
    assert!(bench.world.is_empty());
    assert_eq!(
        bench.refused(&tool, back(&second, 0)),
        "`kv:a` was removed by something else since that call"
    );
}

#[test]
fn r3_a_protected_file_is_not_put_back() {
    let bench = Bench::protecting(vec!["secret".into()]);
    let delta = json!({"steps": [{"resource": "file:secret/a", "expect": null, "to": null}]});
    let said = bench.refused(&tool(&bench), delta);
    assert!(said.contains("`secret/a`"), "{said}");
}

#[test]
fn d3_one_resource_twice_is_refused() {
    let bench = Bench::new();
    let step = json!({"resource": "kv:a", "expect": null, "to": null});
    assert_eq!(
        bench.refused(&tool(&bench), json!({"steps": [step, step]})),
        "`kv:a` is named twice"
    );
}
