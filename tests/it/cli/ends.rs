//! How verbs without a screen end: where only people can go on, where nothing was allowed, and where the
//! system wants them gone.

use std::cell::RefCell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::home::{Ended, Home, until};

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

/// What another process does is stopped from here, and its authority with it.
#[test]
fn w7_a_run_in_another_process_is_stopped_with_all_that_waits_there() {
    let home = Home::playing(&[
        json!({"calls": [shell(WAITS), shell("touch two; true")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let (id, digest) = home.held();
    let child = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    let row = home.json(&["runs", "--json"]).remove(0);
    let run = row["trajectory"].as_str().unwrap().to_owned();
    let stopped = home.run(&["stop", &run[..12], "--reason", "that is enough"]);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    for line in ["stopped: this session", "stopped: held: shell touch two"] {
        assert!(stopped.out.contains(line), "{stopped:?}");
    }
    assert!(stopped.err.contains("--mode MODE"), "{stopped:?}");
    assert_ne!(ends(child).code, 0);
    let told = home.run(&["ledger", "kind:failure"]).out;
    assert!(
        told.contains("its writ was revoked: it was stopped"),
        "{told}"
    );
    assert_eq!((home.count("failure"), home.count("commit")), (1, 0));
    assert_eq!(home.read("ws/marks"), "begun\n");
    // What waited is asked no more: the gate has refused it.
    until("nothing waits", || home.waits().is_empty());
    assert_eq!((home.count("rejection"), home.count("commit")), (1, 0));
    home.run(&["stop", &run])
        .says(11, "is revoked already", "nothing is left to do");
    assert_eq!(home.run(&["run", "--resume", &run, "on"]).code, 11);
    let on = home.run(&["run", "--resume", &run, "--mode", "edit", "on"]);
    assert_eq!(on.code, 0, "{on:?}");
    home.run(&["stop", "000000000000"]).says(
        1,
        "there is no trajectory",
        "`thymos runs` lists them",
    );
    home.verifies();
}

/// `[W7]` Nobody is asked about what no yes could let go on, also where no process has the run open.
#[test]
fn w7_what_waits_under_a_writ_that_ends_is_refused_at_once() {
    let home = Home::playing(&[
        json!({"calls": [shell("touch one; true"), shell("touch two; true")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let (id, digest) = home.held();
    let row = home.json(&["runs", "--json"]).remove(0);
    let run = row["trajectory"].as_str().unwrap().to_owned();
    let stopped = home.run(&["stop", &run]);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    assert!(home.waits().is_empty());
    assert_eq!((home.count("rejection"), home.count("commit")), (2, 0));
    let told = home.run(&["ledger", "kind:rejection"]).out;
    assert!(told.contains("revoked"), "{told}");
    let row = home.json(&["runs", "--json"]).remove(0);
    assert_eq!(
        (&row["state"], &row["pending"]),
        (&json!("can go on"), &json!(0))
    );
    let late = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(late.code, 11, "{late:?}");
    assert!(late.err.contains("waits no more"), "{late:?}");
    home.verifies();
}

/// `[A1]` Who answers waits as long as another process acts on the run, and ends with what came of it.
#[test]
fn a1_an_answer_waits_for_the_process_that_acts_on_the_run() {
    let home = Home::playing(&[
        json!({"calls": [shell("echo begun >> marks; sleep 4"), shell("touch two; true")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let (id, digest) = home.held();
    let at_work = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    let (other, digest) = home.held();
    let second = home.run(&["approvals", "approve", &other, "--digest", &digest]);
    assert_eq!(second.code, 0, "{second:?}");
    assert!(home.path("ws/two").exists());
    assert_eq!(ends(at_work).code, 0);
    home.verifies();
}

/// `[A1]` Whoever had the run open is gone before it acts on the answer: who answered takes it up.
#[test]
fn a1_an_answer_is_acted_on_when_the_program_that_had_the_run_open_is_killed() {
    let home = Home::playing(&[
        json!({"calls": [shell(WAITS), shell("touch two; true")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let (id, digest) = home.held();
    let at_work = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    send("-STOP", &at_work);
    let (other, _) = home.held();
    let denies = home.start(&["approvals", "deny", &other, "--reason", "no"]);
    until("the no is on record", || home.count("approval") == 2);
    send("-KILL", &at_work);
    drop(ends(at_work));
    assert_eq!(ends(denies).code, 0);
    assert_eq!(home.count("rejection"), 1);
    assert!(home.waits().is_empty());
}

/// `[W7]` `[X2]` From wherever it is typed: what is about a run is done in that run's folder.
#[test]
fn w7_a_run_is_stopped_from_any_folder() {
    let home = Home::playing(&[json!({"calls": [shell("touch one; true")]})]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let held = home.waits().remove(0);
    let run = held["trajectory"].as_str().unwrap().to_owned();
    let other = home.path("other");
    fs::create_dir(&other).unwrap();
    let stopped = home.run(&["-C", other.to_str().unwrap(), "stop", &run]);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    assert!(home.waits().is_empty(), "{:?}", home.waits());
    home.verifies();
}

/// `[W7]` A call of before that a narrower mode closes is no refusal of what is asked now.
#[test]
fn w7_a_question_in_plan_mode_ends_well_over_a_call_that_it_closes() {
    let home = Home::playing(&[
        json!({"calls": [shell("touch one; true")]}),
        json!({"text": "looked"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let held = home.waits().remove(0);
    let run = held["trajectory"].as_str().unwrap().to_owned();
    let asked = home.run(&["run", "--resume", &run, "--mode", "plan", "what is there?"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    assert!(home.waits().is_empty());
    home.verifies();
}

/// `[W7]` `[W6]` A delegated run that another process works on is ended by that one: its end is what it used.
#[test]
fn w6_a_delegated_run_at_work_elsewhere_is_sealed_before_it_is_closed() {
    let home = Home::playing(&[
        json!({"calls": [order("make one")]}),
        json!({"calls": [shell(WAITS)]}),
        json!({"text": "made"}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "hand it on"]).code, 10);
    let held = home.waits().remove(0);
    let above = held["lineage"][0].as_str().unwrap().to_owned();
    let below = held["trajectory"].as_str().unwrap().to_owned();
    let (id, digest) = home.held();
    let child = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    assert_eq!(home.run(&["stop", &above]).code, 0);
    assert_ne!(ends(child).code, 0);
    until("it is sealed", || home.count("failure") == 1);
    let kinds: Vec<String> = home
        .entries()
        .iter()
        .filter(|entry| entry.header.trajectory.to_string() == below)
        .map(|entry| entry.header.kind.clone())
        .collect();
    // It was closed as held before; behind the answer its call is sealed first.
    let after = kinds.iter().skip_while(|kind| *kind != "approval");
    let after: Vec<&str> = after.map(String::as_str).collect();
    assert_eq!(after[..3], ["approval", "started", "failure"], "{kinds:?}");
    home.verifies();
}

/// `[W7]` `[D1]` So it is below: what a delegated run waits for ends with the writ above.
#[test]
fn w7_what_delegated_runs_wait_for_ends_with_the_writ_above() {
    let home = Home::playing(&[
        json!({"when": "grandkid", "calls": [shell("touch one; true")]}),
        json!({"when": "kid", "calls": [{"tool": "delegate", "args": {"task": "grandkid", "effects": "external", "budget": {"tool_calls": 5}}}]}),
        json!({"calls": [order("kid")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "hand it on"]).code, 10);
    let held = home.waits().remove(0);
    assert_eq!(held["lineage"].as_array().unwrap().len(), 2, "{held}");
    let top = held["lineage"][1].as_str().unwrap().to_owned();
    assert_eq!(home.run(&["stop", &top]).code, 0);
    assert!(home.waits().is_empty(), "{:?}", home.waits());
    let commits = home.entries().into_iter();
    let did = commits.filter(|entry| {
        entry.header.kind == "commit" && entry.header.trajectory.to_string() == held["trajectory"]
    });
    assert_eq!(did.count(), 0);
    home.verifies();
}

/// Under a skill it is the session's own writ that ends: without the skill it would be in force again.
#[test]
fn w7_a_run_that_skills_narrow_is_stopped_as_a_whole() {
    let home = Home::playing(&[json!({"text": "one"}), json!({"text": "two"})]);
    assert_eq!(home.run(&["skills", "new", "careful"]).code, 0);
    let ran = home.run(&["run", "--skill", "careful", "go"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let row = home.json(&["runs", "--json"]).remove(0);
    let run = row["trajectory"].as_str().unwrap().to_owned();
    assert_eq!(home.run(&["stop", &run]).code, 0);
    let listed = home.json(&["writ", "ls", "--run", &run, "--json"]);
    assert!(!listed.is_empty());
    for writ in &listed {
        assert_eq!(writ["state"], "revoked", "{listed:?}");
    }
    home.verifies();
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Once a process hears the signals that end programs instead of being ended by them.
fn listens(child: &Child) {
    until("it listens", || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap_or_default().trim(), 16).unwrap_or(0);
        // Signal 15 is the fifteenth bit.
        caught & (1 << 14) != 0
    });
}

/// How it ends, within the patience of [`until`]; it is killed where it does not.
fn ends(child: Child) -> Ended {
    let child = RefCell::new(child);
    let ended = AssertUnwindSafe(|| {
        until("it ends", || {
            child.borrow_mut().try_wait().unwrap().is_some()
        });
    });
    if catch_unwind(ended).is_err() {
        child.borrow_mut().kill().unwrap();
        panic!(
            "{:?}",
            Ended::of(&child.into_inner().wait_with_output().unwrap())
        );
    }
    Ended::of(&child.into_inner().wait_with_output().unwrap())
}

#[test]
fn x4_who_follows_a_run_of_a_process_that_hangs_can_be_interrupted() {
    let home = Home::playing(&[
        json!({"calls": [shell(WAITS), shell("touch two; true")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let holds: Vec<(String, String)> = home
        .json(&["approvals", "ls", "--json"])
        .iter()
        .map(|row| {
            let text = |name: &str| row["card"][name].as_str().unwrap().to_owned();
            (text("proposal"), text("presented"))
        })
        .collect();
    let [first, second] = holds.as_slice() else {
        panic!("{holds:?}");
    };
    let mut holder = home.start(&["approvals", "approve", &first.0, "--digest", &first.1]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    send("-STOP", &holder);
    let mut command = home.command(&["approvals", "approve", &second.0, "--digest", &second.1]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let follower = command.spawn().unwrap();
    listens(&follower);
    send("-TERM", &follower);
    let ended = ends(follower);
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.err.contains("goes on where it is open"), "{ended:?}");
    assert!(!ended.err.contains("stopping"), "{ended:?}");
    assert_eq!(home.count("approval"), 2);
    // Whoever has the run acts on the answer, once it is awake.
    send("-CONT", &holder);
    send("-TERM", &holder);
    holder.wait().unwrap();
    home.verifies();
}

#[test]
fn x4_a_second_signal_ends_the_program_whatever_it_waits_for() {
    let (home, child) = at_work();
    listens(&child);
    // The end of the call cannot be sealed while somebody else is writing.
    let other = rusqlite::Connection::open(home.ledger()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    send("-INT", &child);
    send("-TERM", &child);
    let ended = ends(child);
    assert_eq!(ended.code, 130, "{ended:?}");
    other.execute_batch("ROLLBACK").unwrap();
    let listed = home.run(&["settle"]);
    assert_eq!(listed.out.lines().count(), 1, "{listed:?}");
    home.verifies();
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

/// The order for another agent has no end while that one waits for a person, and nothing was interrupted.
#[test]
fn x2_a_run_that_waits_for_a_delegated_one_is_in_no_doubt() {
    let home = Home::playing(&[
        json!({"calls": [order("kid one")]}),
        json!({"text": "done"}),
        json!({"when": "kid one", "calls": [shell("touch one")]}),
        json!({"when": "kid one", "text": "one"}),
    ]);
    let ended = home.run(&["run", "do it"]);
    assert_eq!(ended.code, 10, "{ended:?}");
    assert!(!ended.err.contains("in doubt"), "{ended:?}");
    let rows = home.json(&["runs", "--json"]);
    let state = |title: &str| {
        let row = rows.iter().find(|row| row["title"] == title).unwrap();
        (row["state"].as_str().unwrap(), row["in_doubt"].as_u64())
    };
    assert_eq!(state("do it"), ("waiting", Some(0)));
    assert_eq!(state("kid one").1, Some(0));
    for verb in [&["settle"][..], &["approvals", "ls"]] {
        let told = home.run(verb);
        assert!(!told.err.contains("after a crash"), "{told:?}");
    }
    assert!(home.run(&["settle"]).err.contains("nothing is in doubt"));
}

/// What a crash left in a delegated run asks for a person, and the run above waits for nobody else: it says so
/// and ends, and goes on once that is settled.
#[test]
fn x2_d1_a_run_over_a_delegated_one_that_is_in_doubt_ends_and_says_so() {
    let home = Home::playing(&[
        json!({"calls": [order("kid one")]}),
        json!({"text": "done"}),
        json!({"when": "kid one", "calls": [shell(WAITS)]}),
        json!({"when": "kid one", "text": "one"}),
    ]);
    assert_eq!(home.run(&["run", "do it"]).code, 10);
    let (id, digest) = home.held();
    let mut child = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    child.kill().unwrap();
    child.wait().unwrap();
    let rows = home.json(&["runs", "--json"]);
    let above = rows.iter().find(|row| row["title"] == "do it").unwrap();
    let above = above["trajectory"].as_str().unwrap().to_owned();
    let plan = home.run(&["undo", &above]);
    assert_eq!(plan.code, 11, "{plan:?}");
    assert!(plan.err.contains("settle it first"), "{plan:?}");
    let mut command = home.command(&["run", "--resume", &above]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = ends(command.spawn().unwrap());
    assert_eq!(ended.code, 10, "{ended:?}");
    for told in ["1 in doubt", "thymos settle ID", "nothing goes on before"] {
        assert!(ended.err.contains(told), "{told}: {ended:?}");
    }
    let listed = home.run(&["settle"]).out;
    let doubt = listed.split("  run ").next().unwrap();
    assert_eq!(home.run(&["settle", doubt, "--as", "happened"]).code, 0);
    let on = home.run(&["run", "--resume", &above]);
    assert_eq!(on.code, 0, "{on:?}");
    home.verifies();
}

/// A plan that leaves out what nobody knows the end of would call itself whole `[D3]`.
#[test]
fn d3_a_plan_names_work_that_is_in_doubt() {
    let (home, mut child) = at_work();
    child.kill().unwrap();
    child.wait().unwrap();
    let row = home.json(&["runs", "--json"]).remove(0);
    let run = row["trajectory"].as_str().unwrap().to_owned();
    let plan = home.run(&["undo", &run]);
    assert_eq!(plan.code, 11, "{plan:?}");
    assert!(
        plan.out.contains("CANNOT: it began and has no end"),
        "{plan:?}"
    );
    assert!(plan.err.contains("`thymos settle` lists"), "{plan:?}");
    let plan = home.json(&["undo", &run, "--plan", "--json"]).remove(0);
    assert_eq!(plan["complete"], json!(false));
}

/// The same order twice in a turn: the second is told what the first is doing, not that it was interrupted.
#[test]
fn x2_a_call_that_is_at_work_is_not_called_interrupted() {
    let order = json!({"tool": "delegate", "args": {"task": "kid", "effects": "write", "budget": {"tool_calls": 2}}});
    let home = Home::playing(&[
        json!({"calls": [order, order]}),
        json!({"text": "done"}),
        json!({"when": "kid", "calls": [{"tool": "kv_set", "args": {"key": "a", "value": 1}}]}),
        json!({"when": "kid", "text": "done"}),
    ]);
    let ended = home.run(&["run", "do it"]);
    assert!(!ended.out.contains("interrupted"), "{ended:?}");
    assert!(ended.out.contains("this very call is at work"), "{ended:?}");
    home.verifies();
}

/// `[A7]` From the shell as on the card: one's own version is decided like any call, and the old one is closed.
#[test]
fn a7_a_held_call_is_replaced_by_the_operators_own_version() {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "write"]).code, 10);
    let (old, digest) = home.held();
    let edit = |args: &str| home.run(&["approvals", "edit", &old, "--args", args]);
    edit("{\"path\": }").says(1, "the arguments `--args` line 1 column", "correct");
    for args in ["[]", "\"a\"", "null"] {
        edit(args).says(1, "the arguments of a call are an object", "--args");
    }
    let own = edit("{\"path\": \"b.txt\", \"content\": \"b\"}");
    assert_eq!(own.code, 10, "{own:?}");
    assert!(own.out.contains("superseded: "), "{own:?}");
    // Approving A never runs B, and A is gone.
    let stale = home.run(&["approvals", "approve", &old, "--digest", &digest]);
    assert_eq!(stale.code, 11, "{stale:?}");
    let (new, digest) = home.held();
    assert_ne!(new, old);
    let answer = home.run(&["approvals", "approve", &new, "--digest", &digest]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(
        (
            home.read("ws/a.txt").as_str(),
            home.read("ws/b.txt").as_str()
        ),
        ("", "b")
    );
    assert_eq!(edit("{}").code, 11);
    home.verifies();
}

/// `[A2]` A no that is nobody's fault but the asker's: who is asked stands in the hint.
#[test]
fn a2_who_is_not_asked_is_told_who_is() {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}),
        json!({"text": "done"}),
    ]);
    let bob = home.run(&["keys", "new", "bob", "--out", "bob.key"]);
    assert_eq!(home.run(&["keys", "trust", "bob", bob.out.trim()]).code, 0);
    let bundle = json!({"name": "house", "version": "1", "default": "permit", "rules": [{
        "id": "bobs", "reason": "bob looks at files", "when": {"field": "intent.tool", "op": "eq", "value": "fs_write"},
        "decision": {"ask": {"quorum": 1, "approvers": ["bob"]}}
    }]});
    home.write("ws/house.json", &bundle.to_string());
    for verb in [
        &["policy", "sign", "house.json", "--out", "signed.json"][..],
        &["policy", "load", "signed.json"],
    ] {
        let done = home.run(verb);
        assert_eq!(done.code, 0, "{done:?}");
    }
    assert_eq!(home.run(&["run", "--mode", "auto", "write"]).code, 10);
    let (id, digest) = home.held();
    for answer in [
        &["approvals", "approve", &id, "--digest", &digest][..],
        &["approvals", "deny", &id],
    ] {
        home.run(answer)
            .says(11, "is not among the approvers asked", "asked are: bob; ");
    }
    let theirs = [
        "approvals",
        "approve",
        &id,
        "--digest",
        &digest,
        "--key",
        "bob.key",
        "--as",
        "bob",
    ];
    let answered = home.run(&theirs);
    assert_eq!(answered.code, 0, "{answered:?}");
    home.verifies();
}

#[test]
fn the_account_of_a_writ_is_no_run() {
    let home = Home::playing(&[json!({"text": "done"})]);
    let made = home.run(&["writ", "new", "--name", "ci"]);
    home.write("ws/unsigned.json", &made.out);
    let signed = home.run(&["writ", "sign", "unsigned.json"]);
    home.write("ws/ci.json", &signed.out);
    assert_eq!(home.run(&["run", "--writ", "ci.json", "go"]).code, 0);
    let rows = home.json(&["runs", "--json"]);
    let account = rows.iter().find(|row| row["workspace"] == "").unwrap();
    let id = account["trajectory"].as_str().unwrap();
    for verb in [
        &["run", "--resume", id, "on"][..],
        &["undo", id],
        &["branch", id, "3"],
    ] {
        home.run(verb)
            .says(1, "is the account of a writ, and no run", "thymos runs");
    }
}
