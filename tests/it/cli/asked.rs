//! A verb does what it is asked for and nothing else: what was left open is taken up by whoever goes on with the
//! run `[X2]` `[D1]`. And an undo that was cut off is finished `[D3]`.

use std::fs;
use std::process::{Child, Command};

use serde_json::{Value, json};

use super::home::{Home, until};

fn shell(command: &str) -> Value {
    json!({"tool": "shell", "args": {"command": command}})
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn runs(home: &Home) -> Vec<Value> {
    home.json(&["runs", "--json"])
}

/// A run whose delegated one was answered, and could go on.
fn waiting_parent() -> (Home, String) {
    let home = Home::playing(&[
        json!({"when": "kid", "calls": [shell("touch one; true")]}),
        json!({"when": "kid", "calls": [{"tool": "kv_set", "args": {"key": "w1", "value": "w"}}]}),
        json!({"when": "kid", "text": "the kid is done"}),
        json!({"calls": [{"tool": "delegate", "args": {"task": "kid", "effects": "external", "budget": {"tool_calls": 9}}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "hand it on"]).code, 10);
    let held = home.waits().remove(0);
    let parent = held["lineage"][0].as_str().unwrap().to_owned();
    let (id, digest) = home.held();
    let yes = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(yes.code, 0, "{yes:?}");
    assert!(home.path("ws/one").exists());
    (home, parent)
}

#[test]
fn d1_verbs_that_only_look_have_no_delegated_run_go_on() {
    let (home, parent) = waiting_parent();
    let entries = home.entries().len();
    for verb in [
        &["audit", &parent][..],
        &["replay", &parent],
        &["undo", &parent, "--plan"],
        &["undo", &parent],
        &["writ", "ls", "--run", &parent],
        &["settle"],
        &["approvals", "ls"],
        &["receipt", "000000000000"],
    ] {
        home.run(verb);
        assert_eq!(home.entries().len(), entries, "{verb:?}");
    }
    let new = home.run(&["branch", &parent, "0"]);
    assert_ne!(new.code, 0, "the root is no commit: {new:?}");
    assert_eq!(home.entries().len(), entries);
    // Who goes on with it takes it up.
    let before = home.count("commit");
    let on = home.run(&["run", "--resume", &parent]);
    assert_eq!(on.code, 0, "{on:?}");
    assert!(home.count("commit") > before, "{on:?}");
    home.verifies();
}

#[test]
fn w7_d1_a_run_that_is_stopped_has_its_delegated_ones_do_nothing_more() {
    let (home, parent) = waiting_parent();
    let before = home.count("usage");
    let stopped = home.run(&["stop", &parent]);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    assert_eq!(home.count("usage"), before, "no model was asked");
    home.verifies();
}

/// Whoever had the run open, and who answered, died before anybody acted on the answer.
#[test]
fn a1_a_call_that_was_answered_waits_for_who_goes_on_and_for_nobody_else() {
    let home = Home::playing(&[
        json!({"calls": [shell("echo begun >> marks; sleep 60"), shell("touch two; true")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let (id, digest) = home.held();
    let mut at_work = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || home.read("ws/marks") == "begun\n");
    send("-STOP", &at_work);
    let (other, digest) = home.held();
    let mut answers = home.start(&["approvals", "approve", &other, "--digest", &digest]);
    until("the yes is on record", || home.count("approval") == 2);
    send("-KILL", &answers);
    send("-KILL", &at_work);
    answers.wait().unwrap();
    at_work.wait().unwrap();
    // Nobody is asked about it any more.
    assert!(home.waits().is_empty(), "{:?}", home.waits());
    let run = runs(&home)[0]["trajectory"].as_str().unwrap().to_owned();
    let entries = home.entries().len();
    for verb in [
        &["approvals", "approve", &other, "--digest", &digest][..],
        &["approvals", "deny", &other, "--reason", "no"],
        &["approvals", "drain", &other],
        &["approvals", "preview", &other, "--scope", "exact"],
    ] {
        let no = home.run(verb);
        no.says(11, "waits no more", "thymos audit");
    }
    home.run(&["audit", &run]);
    home.run(&["undo", &run, "--plan"]);
    assert_eq!(home.entries().len(), entries, "nothing was done");
    assert!(!home.path("ws/two").exists());
    // The call that was cut off is settled first.
    let doubt = home.run(&["settle"]).out;
    let cut_off = doubt.split_whitespace().find(|word| word.len() == 64);
    if let Some(cut_off) = cut_off {
        let settled = home.run(&["settle", cut_off, "--as", "did-not-happen"]);
        assert_eq!(settled.code, 0, "{settled:?}");
    }
    home.run(&["run", "--resume", &run, "on"]);
    assert!(home.path("ws/two").exists(), "who goes on has it done");
    home.verifies();
}

/// A run that made many files, and its id.
fn many_files() -> (Home, String) {
    let make = "mkdir d; for n in $(seq 600); do echo $n > d/f$n; done";
    let home = Home::playing(&[json!({"calls": [shell(make)]}), json!({"text": "done"})]);
    assert_eq!(home.run(&["run", "make them"]).code, 10);
    let (id, digest) = home.held();
    assert_eq!(
        home.run(&["approvals", "approve", &id, "--digest", &digest])
            .code,
        0
    );
    let run = runs(&home)[0]["trajectory"].as_str().unwrap().to_owned();
    assert_eq!(left(&home), 600);
    (home, run)
}

fn left(home: &Home) -> usize {
    fs::read_dir(home.path("ws/d")).map_or(0, Iterator::count)
}

fn digest_of(home: &Home, run: &str) -> Option<String> {
    let plan = home.json(&["undo", run, "--plan", "--json"]);
    let steps = plan[0]["steps"].as_array().unwrap();
    (!steps.is_empty()).then(|| {
        assert_eq!(plan[0]["complete"], true, "{}", plan[0]);
        plan[0]["digest"].as_str().unwrap().to_owned()
    })
}

/// `[X2]` `[X4]` Killed or interrupted in the middle: its plan is looked at without a file less, and carried out
/// it ends.
#[test]
fn d3_an_undo_that_was_cut_off_is_finished_by_the_next_one() {
    for signal in ["-KILL", "-INT"] {
        let (home, run) = many_files();
        let digest = digest_of(&home, &run).unwrap();
        let mut undoes = home.start(&["undo", &run, "--yes", "--plan-digest", &digest]);
        until("some are gone", || left(&home) < 600);
        send(signal, &undoes);
        let ended = undoes.wait().unwrap();
        if signal == "-INT" && left(&home) > 0 {
            assert_eq!(ended.code(), Some(130));
            assert_eq!(runs(&home)[0]["in_doubt"], 0);
        }
        let before = left(&home);
        let plan = digest_of(&home, &run);
        home.run(&["audit", &run]);
        assert_eq!(left(&home), before, "{signal}: looking takes nothing away");
        if let Some(digest) = plan {
            let done = home.run(&["undo", &run, "--yes", "--plan-digest", &digest]);
            assert_eq!(done.code, 0, "{signal}: {done:?}");
        }
        assert_eq!(left(&home), 0, "{signal}");
        home.verifies();
    }
}

#[test]
fn d3_an_undo_of_what_was_gone_already_can_be_undone_by_its_own_hint() {
    let write = |path: &str| json!({"tool": "fs_write", "args": {"path": path, "content": "x"}});
    let home = Home::playing(&[
        json!({"calls": [write("a.txt"), write("b.txt")]}),
        json!({"text": "done"}),
    ]);
    let ran = home.run(&["--mode", "auto", "run", "write"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let run = runs(&home)[0]["trajectory"].as_str().unwrap().to_owned();
    fs::remove_file(home.path("ws/a.txt")).unwrap();
    let digest = digest_of(&home, &run).unwrap();
    let done = home.run(&["undo", &run, "--yes", "--plan-digest", &digest]);
    assert!(done.out.contains("undone: 2 of 2"), "{done:?}");
    let hint = done.err.split('`').nth(1).unwrap();
    let again: Vec<&str> = hint.split(' ').skip(1).collect();
    let plan = home.json(&[&again[..], &["--plan", "--json"]].concat());
    assert_eq!(plan[0]["complete"], true, "{}", plan[0]);
    let digest = plan[0]["digest"].as_str().unwrap();
    let redone = home.run(&[&again[..], &["--yes", "--plan-digest", digest]].concat());
    assert_eq!(redone.code, 0, "{redone:?}");
    assert_eq!(home.read("ws/b.txt"), "x");
    assert!(!home.path("ws/a.txt").exists(), "it was not there before");
    home.verifies();
}

/// What a run has left is no bar to who takes its calls back.
#[test]
fn d3_a_run_with_little_time_left_is_undone_under_a_writ_of_its_own() {
    let make = "for n in $(seq 120); do echo $n > f$n; done";
    let call = json!({"tool": "shell", "args": {"command": make, "timeout_ms": 5000}});
    let home = Home::playing(&[json!({"calls": [call]}), json!({"text": "done"})]);
    let made = home.run(&["writ", "new", "--name", "ci", "--from", "auto"]);
    let mut writ: Value = serde_json::from_str(&made.out).unwrap();
    writ["budget"]["wall_clock_ms"] = json!(10_000);
    home.write("ws/unsigned.json", &writ.to_string());
    let signed = home.run(&["writ", "sign", "unsigned.json"]);
    assert_eq!(signed.code, 0, "{signed:?}");
    home.write("ws/ci.json", &signed.out);
    assert_eq!(home.run(&["run", "--writ", "ci.json", "go"]).code, 10);
    let (id, digest) = home.held();
    let yes = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(yes.code, 0, "{yes:?}");
    let run = runs(&home)
        .into_iter()
        .find(|row| row["workspace"] != "")
        .unwrap();
    let run = run["trajectory"].as_str().unwrap().to_owned();
    assert!(home.path("ws/f120").exists());
    let digest = digest_of(&home, &run).unwrap();
    let done = home.run(&["undo", &run, "--yes", "--plan-digest", &digest]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!home.path("ws/f120").exists());
    home.verifies();
}

/// What waits in a delegated run is still a question that a yes can let go on, whatever is undone above it.
#[test]
fn d3_a_delegated_run_that_waits_is_left_alone_by_an_undo() {
    let set = |key: &str| json!({"tool": "kv_set", "args": {"key": key, "value": "1"}});
    let home = Home::playing(&[
        json!({"when": "kid", "calls": [set("a"), shell("touch one; true")]}),
        json!({"when": "kid", "text": "the kid is done"}),
        json!({"calls": [set("top")]}),
        json!({"calls": [{"tool": "delegate", "args": {"task": "kid", "effects": "external", "budget": {"tool_calls": 9}}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "hand it on"]).code, 10);
    let parent = home.waits()[0]["lineage"][0].as_str().unwrap().to_owned();
    let plan = home.json(&["undo", &parent, "--plan", "--json"]).remove(0);
    let digest = plan["digest"].as_str().unwrap();
    let told = plan.to_string();
    assert!(
        told.contains("has not ended: let it end, or stop it"),
        "{told}"
    );
    let partial = [
        "undo",
        &parent,
        "--partial",
        "--yes",
        "--plan-digest",
        digest,
    ];
    let done = home.run(&partial);
    assert!(done.out.contains("undone: 1 of 1"), "{done:?}");
    let (id, digest) = home.held();
    let yes = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(yes.code, 0, "{yes:?}");
    assert!(home.path("ws/one").exists());
    home.verifies();
}
