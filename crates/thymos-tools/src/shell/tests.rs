//! Tests of `shell`, through the tool itself.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use thymos_core::delta::{Resource, ResourceValue};
use thymos_core::id::Digest;
use thymos_core::outcome::FaultKind;

use super::*;
use crate::testing::Bench;

fn bench() -> (Bench, Shell) {
    let mut bench = Bench::new();
    bench.best_rung();
    let tool = Shell::new(Arc::new(bench.runner()));
    (bench, tool)
}

fn class(line: &str, rung: Rung) -> (EffectClass, Risk) {
    let (mut bench, tool) = bench();
    bench.rung = rung;
    bench.put("a.txt", "x");
    bench.put(".env", "x");
    let resolved = bench.look(&tool, &json!({ "command": line })).unwrap();
    (resolved.effect, resolved.risk)
}

#[test]
fn c18_the_class_is_that_of_this_call() {
    let read = (EffectClass::Read, Risk::Low);
    let external = (EffectClass::External, Risk::High);
    for line in ["ls", "cat a.txt", "wc -l a.txt", "head -n 3 a.txt"] {
        assert_eq!(class(line, Rung::L2), read, "{line}");
    }
    for line in [
        "cat /etc/passwd",
        "cat .env",
        "cat ../x",
        "touch b",
        "cat a.txt | wc",
        "ls $HOME",
    ] {
        assert_eq!(class(line, Rung::L3), external, "{line}");
    }
    assert_eq!(
        class("ls", Rung::L1),
        external,
        "nothing would hold it to reading"
    );
}

#[test]
fn a_program_of_the_workspace_with_a_known_name_is_external() {
    let (bench, tool) = bench();
    bench.put("ls", "#!/bin/sh\n");
    std::fs::set_permissions(bench.path("ls"), PermissionsExt::from_mode(0o755)).unwrap();
    let resolved = bench.look(&tool, &json!({"argv": ["./ls"]})).unwrap();
    assert_eq!(resolved.effect, EffectClass::External);
    assert_eq!(
        resolved.exec.unwrap().executable,
        bench.path("ls").to_str().unwrap()
    );
}

#[test]
fn what_cannot_run_is_refused_in_a_sentence() {
    let (bench, tool) = bench();
    bench.put("plain", "x");
    let refused = |args: Value| bench.refused(&tool, args);
    assert_eq!(
        refused(json!({})),
        "give exactly one of `argv` and `command`"
    );
    assert_eq!(refused(json!({"argv": []})), "the command names no program");
    assert_eq!(
        refused(json!({"argv": [""]})),
        "the command names no program"
    );
    let said = refused(json!({"command": "no-such-program-x"}));
    assert_eq!(
        said,
        "there is no program `no-such-program-x` on this machine"
    );
    assert_eq!(
        refused(json!({"argv": ["./plain"]})),
        "`./plain` is no program that can be run"
    );
    assert_eq!(
        refused(json!({"argv": ["ls"], "cwd": "gone"})),
        "`gone` does not exist"
    );
    assert_eq!(
        refused(json!({"argv": ["ls"], "cwd": ".."})),
        "`..` leads outside the workspace"
    );
    assert_eq!(
        refused(json!({"argv": ["ls", "a\0"]})),
        "an argument holds a NUL byte"
    );
    let said = refused(json!({"argv": ["ls"], "env": {"LD_PRELOAD": "x"}}));
    assert_eq!(said, "the variable `LD_PRELOAD` cannot be set by a call");
}

#[test]
fn the_card_shows_program_folder_and_shape() {
    let (bench, tool) = bench();
    bench.put("d/x", "");
    let args =
        json!({"command": "echo a | cat > b", "cwd": "d", "env": {"X": "1"}, "timeout_ms": 500});
    let exec = bench.look(&tool, &args).unwrap().exec.unwrap();
    assert_eq!(exec.argv, ["/bin/sh", "-c", "echo a | cat > b"]);
    assert_eq!(
        (exec.arg.as_str(), exec.cwd.as_str(), exec.timeout_ms),
        ("command", "d", 500)
    );
    assert_eq!(exec.env["X"], "1");
    assert!(
        exec.shape
            .contains("2 commands, 1 pipe, 1 redirect, no substitution")
    );
}

#[tokio::test]
async fn r3_what_a_command_puts_into_a_file_of_a_protected_name_is_sealed() {
    let (mut bench, tool) = bench();
    let args = json!({"command": "echo PIN=1234 > .env; echo plain > a.txt"});
    let outcome = bench.run(&tool, args).await;
    assert_eq!(outcome.deltas.len(), 2, "{outcome:?}");
    let sealed = bench.blobs.2.lock().unwrap().clone();
    assert!(sealed.contains(&Digest::of(b"PIN=1234\n")));
    assert!(!sealed.contains(&Digest::of(b"plain\n")));
}

#[tokio::test]
async fn a_reading_command_is_run_and_its_output_told() {
    let (mut bench, tool) = bench();
    bench.put("a.txt", "hello\n");
    let outcome = bench.run(&tool, json!({"command": "cat a.txt"})).await;
    assert_eq!(outcome.observation, "hello\n[exit code 0]\n");
    assert_eq!((outcome.ok, outcome.exit_code), (true, Some(0)));
    assert_eq!(outcome.rung, Some(bench.rung));
    assert_eq!(bench.live, b"hello\n");
}

#[tokio::test]
async fn a_failing_command_is_an_outcome_with_its_code() {
    let (mut bench, tool) = bench();
    let outcome = bench
        .run(&tool, json!({"command": "echo out; echo err >&2; exit 3"}))
        .await;
    assert_eq!((outcome.ok, outcome.exit_code), (false, Some(3)));
    assert!(outcome.observation.contains("out\n") && outcome.observation.contains("err\n"));
    let killed = bench.run(&tool, json!({"command": "kill -9 $$"})).await;
    assert_eq!((killed.ok, killed.exit_code), (false, None));
    assert!(
        killed.summary.contains("killed by signal 9"),
        "{}",
        killed.summary
    );
}

#[tokio::test]
async fn o3_every_changed_file_is_recorded_with_both_images() {
    let (mut bench, tool) = bench();
    bench.put("changed", "one\n");
    bench.put("gone", "bye\n");
    bench.put("same", "same\n");
    let line = "echo two > changed; rm gone; mkdir d; echo new > d/made; touch same";
    let outcome = bench.run(&tool, json!({ "command": line })).await;
    let images = |content: Option<&str>| {
        content.map(|text| (Digest::of(text.as_bytes()), text.len() as u64))
    };
    let seen: Vec<_> = outcome
        .deltas
        .iter()
        .map(|delta| {
            let [before, after] = [&delta.before, &delta.after].map(|value| match value {
                Some(ResourceValue::File(image)) => Some((image.digest, image.size)),
                Some(ResourceValue::Json(_)) | None => None,
            });
            (delta.resource.clone(), before, after)
        })
        .collect();
    let file = |path: &str| Resource::File(path.to_owned());
    assert_eq!(
        seen,
        [
            (
                file("changed"),
                images(Some("one\n")),
                images(Some("two\n"))
            ),
            (file("d/made"), None, images(Some("new\n"))),
            (file("gone"), images(Some("bye\n")), None),
        ]
    );
    for content in ["one\n", "two\n", "new\n", "bye\n"] {
        assert_eq!(
            bench.blob(Digest::of(content.as_bytes())),
            content.as_bytes()
        );
    }
    let observed = outcome.observed.unwrap();
    assert!(observed.complete, "{observed:?}");
}

#[tokio::test]
async fn o3_what_is_not_looked_into_is_said() {
    let (mut bench, tool) = bench();
    bench.put("target/old", "x");
    let outcome = bench
        .run(
            &tool,
            json!({"command": "echo x > target/new; ln -s a link"}),
        )
        .await;
    let observed = outcome.observed.unwrap();
    assert!(!observed.complete);
    let note = observed.note.unwrap();
    assert!(
        note.contains("not looked into: target") && note.contains("1 changed link"),
        "{note}"
    );
}

#[tokio::test]
async fn b2_time_that_runs_out_and_x4_cancel_are_faults_with_what_was_done() {
    let (mut bench, tool) = bench();
    let args = json!({"command": "echo begun; echo x > f; sleep 60", "timeout_ms": 700});
    let resolved = bench.look(&tool, &args).unwrap();
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err().0;
    assert_eq!(
        (fault.kind, fault.observation.as_str()),
        (FaultKind::TimedOut, "begun\n")
    );
    assert_eq!(fault.deltas.len(), 1);
    bench.cancel.cancel();
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err().0;
    assert_eq!(fault.kind, FaultKind::Cancelled);
}

#[tokio::test]
async fn a_flood_is_cut_in_the_middle_and_kept_in_a_blob() {
    let (mut bench, tool) = bench();
    let line = "echo first; head -c 300000 /dev/zero | tr '\\0' x; echo; echo last";
    let outcome = bench.run(&tool, json!({ "command": line })).await;
    assert!(outcome.truncated);
    assert!(outcome.observation.starts_with("first\n"));
    assert!(outcome.observation.contains("last\n[exit code 0]"));
    let output = outcome.output.unwrap();
    assert_eq!(output.size, 300_012);
    assert_eq!(bench.blob(output.digest).len(), 300_012);
}

#[tokio::test]
async fn the_environment_is_built_and_not_inherited() {
    let (mut bench, tool) = bench();
    let outcome = bench
        .run(&tool, json!({"argv": ["env"], "env": {"GIVEN": "yes"}}))
        .await;
    assert!(outcome.observation.contains("GIVEN=yes\n"));
    for name in ["HOME=", "CARGO_MANIFEST_DIR=", "NEXTEST=", "USER="] {
        assert!(!outcome.observation.contains(name), "{name}");
    }
}

#[tokio::test]
async fn the_cage_holds_writes_inside_and_protected_files_closed() {
    let (mut bench, tool) = bench();
    if bench.rung < Rung::L2 {
        // Nothing here holds it, and the call's facts say so.
        let resolved = bench.look(&tool, &json!({"command": "ls"})).unwrap();
        assert!(resolved.notes[0].starts_with("no cage here"));
        return;
    }
    bench.put(".env", "SECRET=1\n");
    bench.put("sub/x", "");
    std::fs::hard_link(bench.path(".env"), bench.path("sub/alias")).unwrap();
    let outside = bench.folder.path().join("outside");
    let line = format!(
        "echo x > {}; cat .env; cat sub/alias; echo done",
        outside.display()
    );
    let outcome = bench.run(&tool, json!({ "command": line })).await;
    assert!(!outside.exists());
    assert!(
        !outcome.observation.contains("SECRET"),
        "{}",
        outcome.observation
    );
    assert!(outcome.observation.contains("done"));
}

#[tokio::test]
async fn r3_a_caged_command_reads_no_env_file_of_a_package_either() {
    let (mut bench, tool) = bench();
    if bench.rung < Rung::L3 {
        // Landlock alone would close new files in every folder above; docs/shortcomings.md says so.
        eprintln!("skipped: no mount namespaces here");
        return;
    }
    bench.put("node_modules/pkg/.env", "SECRET=1\n");
    bench.put("node_modules/pkg/open", "open\n");
    let line = "cat node_modules/pkg/.env node_modules/pkg/open; cd node_modules && cat pkg/.env; \
                cp -r pkg ../copy; cat ../copy/.env; echo done";
    let outcome = bench.run(&tool, json!({ "command": line })).await;
    let said = &outcome.observation;
    assert!(!said.contains("SECRET"), "{said}");
    assert!(said.contains("open\n") && said.contains("done"), "{said}");
}

#[tokio::test]
async fn a_command_classed_as_a_read_has_no_place_to_write() {
    let (mut bench, tool) = bench();
    if bench.rung < Rung::L2 {
        return;
    }
    bench.put("a", "");
    let args = json!({"command": "echo x > made"});
    let mut resolved = bench.look(&tool, &args).unwrap();
    resolved.effect = EffectClass::Read;
    let outcome = bench.act(&tool, &args, &resolved).await.unwrap();
    assert!(!outcome.ok && !bench.path("made").exists());
}

#[tokio::test]
async fn c12_an_executable_that_changed_is_not_run() {
    let (mut bench, tool) = bench();
    bench.put("run", "#!/bin/sh\necho one\n");
    std::fs::set_permissions(bench.path("run"), PermissionsExt::from_mode(0o755)).unwrap();
    let args = json!({"argv": ["./run"]});
    let resolved = bench.look(&tool, &args).unwrap();
    assert_eq!(
        bench
            .act(&tool, &args, &resolved)
            .await
            .unwrap()
            .observation,
        "one\n[exit code 0]\n"
    );
    bench.put("run", "#!/bin/sh\necho two\n");
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
    assert_eq!(fault.0.kind, FaultKind::Moved);
}

#[tokio::test]
async fn a_rung_beyond_the_machine_is_a_fault_of_the_cage() {
    let (mut bench, tool) = bench();
    let args = json!({"argv": ["ls"]});
    let resolved = bench.look(&tool, &args).unwrap();
    bench.rung = Rung::L4;
    let fault = bench.act(&tool, &args, &resolved).await.unwrap_err();
    assert_eq!(fault.0.kind, FaultKind::Cage);
}

#[tokio::test]
async fn x4_cancel_while_it_runs_stops_it_and_tells_what_it_did() {
    let (bench, tool) = bench();
    let args = json!({"command": "echo x > f; echo ready; sleep 600"});
    let resolved = bench.look(&tool, &args).unwrap();
    let cancel = bench.cancel.clone();
    // The command itself says when it is to be stopped.
    let mut hear = |_: &[u8]| cancel.cancel();
    let mut io = bench.io(&mut hear);
    let call = Call {
        args: &args,
        resolved: &resolved,
        rung: bench.rung,
    };
    let fault = tool.act(call, &mut io).await.unwrap_err().0;
    assert_eq!(fault.kind, FaultKind::Cancelled);
    assert_eq!(fault.observation, "ready\n");
    assert_eq!(fault.deltas.len(), 1);
}

#[tokio::test]
async fn at_l2_a_closed_file_stays_closed_and_the_price_is_told() {
    let (mut bench, tool) = bench();
    if bench.rung < Rung::L2 {
        return;
    }
    bench.rung = Rung::L2;
    bench.put("sub/old", "");
    bench.put(".env", "SECRET=1\n");
    let args = json!({"command": "cat .env; echo x > sub/new; echo y > sub/old; echo z > top"});
    let resolved = bench.look(&tool, &args).unwrap();
    assert_eq!(
        resolved.notes,
        ["at L2, to keep `.env` closed, it can make no new file in the folders above it"]
    );
    let outcome = bench.act(&tool, &args, &resolved).await.unwrap();
    assert!(!outcome.observation.contains("SECRET"));
    assert_eq!(bench.get("sub/new"), "x\n");
    assert_eq!(bench.get("sub/old"), "y\n");
    assert!(!bench.path("top").exists());
    assert_eq!(outcome.deltas.len(), 2);
}

/// A fault would say that nothing was done: the key of the call would be free for another one.
#[tokio::test]
async fn x1_a_command_of_which_nothing_can_be_kept_is_told_as_done() {
    let (mut bench, tool) = bench();
    bench.put("changed", "one\n");
    bench.blobs.1.set();
    let line = "echo two > changed; head -c 200000 /dev/zero | tr '\\0' x";
    let outcome = bench.run(&tool, json!({ "command": line })).await;
    assert_eq!((outcome.ok, outcome.exit_code), (true, Some(0)));
    assert_eq!((outcome.output, outcome.truncated), (None, true));
    let said = &outcome.observation;
    assert!(
        said.contains("bytes cut here; it is not in the record"),
        "{said}"
    );
    assert!(said.contains("the whole output could not be kept: there is no room"));
    let changed = outcome.deltas.first().unwrap();
    assert_eq!(changed.resource, Resource::File("changed".to_owned()));
    assert_eq!(changed.before, None, "it cannot be brought back");
    let observed = outcome.observed.unwrap();
    assert_eq!(observed.unheld, ["changed"]);
    assert!(!observed.complete, "{observed:?}");
}
