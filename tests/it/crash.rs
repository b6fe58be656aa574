//! Kills at each write point `[T2]`: nothing acknowledged is lost, nothing happens twice, and what
//! began without an end is shown in doubt.
//!
//! A process is stopped at a point by what it waits for: a lock on the ledger that the test holds,
//! or a command that waits for a file.

use std::process::Child;

use rusqlite::Connection;
use serde_json::{Value, json};
use thymos_core::EntryId;

use crate::cli::home::{Home, until};

/// A command that leaves a mark, then waits for the file `go`, then leaves another.
const MARKS: &str =
    "echo begun >> marks; while [ ! -e go ]; do sleep 0.02; done; echo ended >> marks";

fn shell(command: &str) -> Value {
    json!({"tool": "shell", "args": {"command": command}})
}

/// A held command, ready to be approved.
fn held() -> (Home, String, String) {
    let home = Home::playing(&[
        json!({"calls": [shell(MARKS)]}),
        json!({"text": "I saw how it ended"}),
    ]);
    let ended = home.run(&["run", "leave marks"]);
    assert_eq!(ended.code, 10, "{ended:?}");
    let (id, digest) = home.held();
    (home, id, digest)
}

fn approving(home: &Home, id: &str, digest: &str) -> Child {
    home.start(&["approvals", "approve", id, "--digest", digest])
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Holds the ledger's write lock until it is dropped.
fn lock(home: &Home) -> Connection {
    let connection = Connection::open(home.ledger()).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

fn ids(home: &Home) -> Vec<EntryId> {
    home.entries().iter().map(|entry| entry.id).collect()
}

/// Everything that could be read before is there still, and the chain holds.
fn nothing_is_lost(home: &Home, before: &[EntryId]) {
    let now = ids(home);
    assert!(now.starts_with(before), "{before:?} {now:?}");
    home.verifies();
}

fn state(home: &Home) -> (String, u64) {
    let row = home.json(&["runs", "--json"]).remove(0);
    let state = row["state"].as_str().unwrap().to_owned();
    (state, row["in_doubt"].as_u64().unwrap())
}

#[test]
fn t2_killed_before_the_answer_is_written_the_hold_still_waits() {
    let (home, id, digest) = held();
    let before = ids(&home);
    let held_fast = lock(&home);
    let child = approving(&home, &id, &digest);
    // It has come as far as its lease, and cannot write.
    let leases = home.path("home/.local/share/thymos/leases");
    until("a process at the lock", || leases.exists());
    kill(child);
    drop(held_fast);
    nothing_is_lost(&home, &before);
    assert_eq!((home.held().0, home.read("ws/marks")), (id, String::new()));
}

#[test]
fn t2_killed_while_it_acts_the_work_is_in_doubt_and_never_repeated() {
    let (home, id, digest) = held();
    let child = approving(&home, &id, &digest);
    until("a mark", || home.read("ws/marks") == "begun\n");
    assert_eq!(home.count("started"), 1, "announced before it acted");
    let before = ids(&home);
    kill(child);
    in_doubt_until_settled(&home, &id, &before, "begun\n");
}

#[test]
fn t2_killed_before_the_commit_is_written_the_work_is_in_doubt_and_never_repeated() {
    let (home, id, digest) = held();
    let child = approving(&home, &id, &digest);
    until("a mark", || home.read("ws/marks") == "begun\n");
    let before = ids(&home);
    let held_fast = lock(&home);
    home.write("ws/go", "");
    until("the end", || home.read("ws/marks") == "begun\nended\n");
    kill(child);
    drop(held_fast);
    in_doubt_until_settled(&home, &id, &before, "begun\nended\n");
}

fn in_doubt_until_settled(home: &Home, id: &str, before: &[EntryId], marks: &str) {
    nothing_is_lost(home, before);
    assert_eq!(state(home), ("in doubt".to_owned(), 1));
    // Neither going on nor answering again makes it happen again.
    home.script(&[
        json!({"calls": [shell(MARKS)]}),
        json!({"calls": [shell(MARKS)]}),
        json!({"text": "I saw how it ended"}),
    ]);
    let run = home.json(&["runs", "--json"]).remove(0);
    let trajectory = run["trajectory"].as_str().unwrap().to_owned();
    let resumed = home.run(&["run", "--resume", &trajectory, "again"]);
    assert!(
        resumed.out.contains("in doubt; settle it first"),
        "{resumed:?}"
    );
    let answered = home.run(&["approvals", "deny", id]);
    answered.says(11, "waits no more", "thymos audit");
    assert_eq!(home.read("ws/marks"), marks);
    let settled = home.run(&["settle", id, "--as", "happened", "--reason", "I looked"]);
    assert_eq!(settled.code, 0, "{settled:?}");
    assert_eq!(state(home).1, 0);
    assert_eq!((home.count("started"), home.count("reconciled")), (1, 1));
    let again = home.run(&["settle", id, "--as", "happened"]);
    assert_ne!(again.code, 0, "{again:?}");
    home.verifies();
}

#[test]
fn t2_killed_after_the_commit_is_written_it_is_there_and_nothing_is_in_doubt() {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "a", "value": 1}}]}),
        json!({"text": "kept"}),
    ]);
    let child = home.start(&["run", "keep a"]);
    until("a commit", || home.count("commit") == 1);
    let before = ids(&home);
    kill(child);
    nothing_is_lost(&home, &before);
    assert_eq!((home.count("commit"), state(&home).1), (1, 0));
    let run = home.json(&["runs", "--json"]).remove(0);
    let trajectory = run["trajectory"].as_str().unwrap().to_owned();
    let replayed = home.run(&["replay", &trajectory]);
    assert!(replayed.out.contains("kv:a"), "{replayed:?}");
}

#[test]
fn t2_killed_at_any_entry_a_run_is_whole_up_to_there_and_can_be_resumed() {
    let turn = json!({"calls": [
        {"tool": "kv_set", "args": {"key": "a", "value": 1}},
        {"tool": "list_files", "args": {}},
    ]});
    // One more than a run takes: the last kill may come too late.
    let said = json!({"text": "done"});
    for at in [1, 7, 9, 10, 11, 12, 13] {
        let home = Home::playing(&[turn.clone(), said.clone(), said.clone()]);
        let child = home.start(&["run", "go"]);
        until("so many entries", || home.entries().len() >= at);
        let before = ids(&home);
        kill(child);
        nothing_is_lost(&home, &before);
        let run = home.json(&["runs", "--json"]).remove(0);
        let trajectory = run["trajectory"].as_str().unwrap().to_owned();
        let resumed = home.run(&["run", "--resume", &trajectory, "go on"]);
        assert_eq!(resumed.code, 0, "{at}: {resumed:?}");
        assert_eq!(state(&home), ("done".to_owned(), 0), "{at}");
        home.verifies();
    }
}
