//! How verbs without a screen end: where only people can go on, where nothing was allowed, and where the
//! system wants them gone.

use std::process::{Child, Command};

use serde_json::{Value, json};

use super::home::{Home, until};

/// Leaves a mark and waits.
const WAITS: &str = "echo begun >> marks; sleep 60; echo ended >> marks";

fn shell(command: &str) -> Value {
    json!({"tool": "shell", "args": {"command": command}})
}

fn order(task: &str) -> Value {
    json!({"tool": "delegate", "args": {"task": task, "effects": "external", "budget": {"tool_calls": 20}}})
}

#[test]
fn a6_a_scope_that_would_not_cover_its_own_call_is_not_offered() {
    for (call, scope, words) in [
        (
            shell("touch q; true"),
            "slots:2",
            "cannot be reached that way",
        ),
        (
            shell("touch q; true"),
            "slots:1",
            "cannot be reached that way",
        ),
        (
            json!({"tool": "shell", "args": {"argv": ["./own", "x"]}}),
            "slots:1",
            "would not cover this call itself",
        ),
        (shell("touch q"), "slots:1", ""),
    ] {
        let home = Home::playing(&[json!({"calls": [call]}), json!({"text": "done"})]);
        home.write("ws/own", "#!/bin/sh\n");
        let made = Command::new("chmod")
            .arg("+x")
            .arg(home.path("ws/own"))
            .status();
        assert!(made.unwrap().success());
        assert_eq!(home.run(&["run", "go"]).code, 10);
        let (id, digest) = home.held();
        let seen = home.run(&["approvals", "preview", &id, "--scope", scope]);
        if words.is_empty() {
            assert_eq!(seen.code, 0, "{seen:?}");
            continue;
        }
        seen.says(1, words, "approve it once");
        let approve = [
            "approvals",
            "approve",
            &id,
            "--digest",
            &digest,
            "--scope",
            scope,
        ];
        home.run(&approve).says(1, words, "approve it once");
        assert_eq!(home.held().0, id, "it waits as before");
        home.verifies();
    }
}

#[test]
fn c18_looking_runs_no_program_of_the_workspace() {
    let home = Home::playing(&[
        json!({"calls": [shell("git status"), shell("git diff")]}),
        json!({"text": "done"}),
    ]);
    let git = |args: &[&str]| {
        let made = Command::new("git")
            .args(args)
            .current_dir(home.path("ws"))
            .status();
        assert!(made.unwrap().success());
    };
    git(&["init", "-q"]);
    let mode = ["run", "--mode", "plan", "look"];
    let looked = home.run(&mode);
    assert_eq!(looked.code, 0, "{looked:?}");
    home.write("ws/fs.sh", "#!/bin/sh\necho it ran >&2\n");
    let made = Command::new("chmod")
        .arg("+x")
        .arg(home.path("ws/fs.sh"))
        .status();
    assert!(made.unwrap().success());
    git(&["config", "core.fsmonitor", "./fs.sh"]);
    home.script(&[
        json!({"calls": [shell("git status"), shell("git diff")]}),
        json!({"text": "done"}),
    ]);
    let looked = home.run(&mode);
    assert_eq!(looked.code, 11, "{looked:?}");
    assert!(!looked.out.contains("it ran"), "{looked:?}");
    home.verifies();
}

#[test]
fn d1_a_run_whose_agents_wait_for_a_person_ends_and_names_what_waits() {
    let home = Home::playing(&[
        json!({"text": "two parts", "calls": [order("kid one"), order("kid two")]}),
        json!({"text": "both are done"}),
        json!({"when": "kid one", "calls": [shell("touch one")]}),
        json!({"when": "kid one", "text": "one"}),
        json!({"when": "kid two", "calls": [{"tool": "delegate", "args": {"task": "grandkid", "effects": "external", "budget": {"tool_calls": 5}}}]}),
        json!({"when": "kid two", "text": "two"}),
        json!({"when": "grandkid", "calls": [shell("touch two")]}),
        json!({"when": "grandkid", "text": "three"}),
    ]);
    let ended = home.run(&["run", "do both"]);
    assert_eq!(ended.code, 10, "{ended:?}");
    assert!(
        ended.err.contains("2 waiting for your decision"),
        "{ended:?}"
    );
    assert!(
        ended.err.contains("touch one") && ended.err.contains("touch two"),
        "{ended:?}"
    );
    let resume = ended
        .err
        .lines()
        .find_map(|line| line.split("--resume ").nth(1));
    let resume = resume.expect("how it goes on").to_owned();
    // Nobody answered: it waits as before.
    assert_eq!(home.run(&["run", "--resume", &resume]).code, 10);
    for _ in 0..2 {
        let (id, digest) = home.held();
        let ended = home.run(&["approvals", "approve", &id, "--digest", &digest]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let ended = home.run(&["run", "--resume", &resume]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(home.path("ws/one").exists() && home.path("ws/two").exists());
    home.verifies();
}

#[test]
fn a_run_whose_calls_were_all_refused_ends_as_refused() {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a", "content": "x"}}]}),
        json!({"text": "I could not"}),
    ]);
    let ended = home.run(&["run", "--mode", "plan", "write it"]);
    assert_eq!(ended.code, 11, "{ended:?}");
    assert!(ended.err.contains("Every call was refused"), "{ended:?}");
    assert!(ended.err.contains("thymos audit"), "{ended:?}");
    // Beside them one that makes no sense, which nobody refused and nobody made.
    home.script(&[
        json!({"calls": [
            {"tool": "fs_write", "args": {"path": "a", "content": "x"}},
            {"tool": "fs_read", "args": {"path": "/etc/passwd"}},
            {"tool": "fs_read", "args": {"pfad": "README.md"}}
        ]}),
        json!({"text": "I could not"}),
    ]);
    assert_eq!(home.run(&["run", "--mode", "plan", "try"]).code, 11);
    // One that was allowed is enough.
    home.script(&[
        json!({"calls": [
            {"tool": "fs_write", "args": {"path": "a", "content": "x"}},
            {"tool": "fs_read", "args": {"path": "README.md"}}
        ]}),
        json!({"text": "I read it"}),
    ]);
    assert_eq!(home.run(&["run", "--mode", "plan", "read it"]).code, 0);
}

/// A command that was approved and is at work.
fn at_work() -> (Home, Child) {
    let home = Home::playing(&[json!({"calls": [shell(WAITS)]}), json!({"text": "done"})]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let (id, digest) = home.held();
    let child = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    (home, child)
}

#[test]
fn x4_whatever_signal_ends_the_program_what_was_at_work_is_sealed() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let (home, mut child) = at_work();
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let status = child.wait().unwrap();
        assert!(status.code().is_some(), "{signal}: {status:?}");
        assert_eq!(home.count("failure"), 1, "{signal}");
        let row = home.json(&["runs", "--json"]).remove(0);
        assert_eq!(row["in_doubt"], json!(0), "{signal}");
        assert_eq!(home.read("ws/marks"), "begun\n");
        home.verifies();
    }
}

#[test]
fn x2_what_is_in_doubt_is_listed_with_the_id_that_settles_it() {
    let (home, mut child) = at_work();
    child.kill().unwrap();
    child.wait().unwrap();
    let listed = home.run(&["settle"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    assert_eq!(listed.out.lines().count(), 1, "{listed:?}");
    let (id, rest) = listed.out.split_once("  run ").unwrap();
    assert!(rest.contains("shell"), "{listed:?}");
    let run = rest.split("  ").next().unwrap().to_owned();
    for verb in [
        &["approvals", "ls"][..],
        &["run", "--resume", &run, "go on"],
    ] {
        let told = home.run(verb);
        assert!(told.err.contains("1 in doubt"), "{told:?}");
        assert!(
            told.err.contains(id) && told.err.contains("thymos settle"),
            "{told:?}"
        );
    }
    assert_eq!(home.run(&["settle", id]).code, 2);
    assert_eq!(home.run(&["settle", id, "--as", "did-not-happen"]).code, 0);
    let listed = home.run(&["settle"]);
    assert_eq!((listed.code, listed.out.as_str()), (0, ""));
    assert!(listed.err.contains("nothing is in doubt"), "{listed:?}");
    home.verifies();
}
