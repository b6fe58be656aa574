//! What waits under authority that ended elsewhere, seen by a process that has no run open `[W7]`.

use serde_json::{Value, json};

use super::home::Home;

fn shell(command: &str) -> Value {
    json!({"tool": "shell", "args": {"command": command}})
}

/// A writ file `ci.json` of everything.
fn file(home: &Home) {
    let made = home.run(&["writ", "new", "--name", "ci", "--from", "auto"]);
    assert_eq!(made.code, 0, "{made:?}");
    home.write("ws/unsigned.json", &made.out);
    let signed = home.run(&["writ", "sign", "unsigned.json"]);
    assert_eq!(signed.code, 0, "{signed:?}");
    home.write("ws/ci.json", &signed.out);
}

fn only_run(home: &Home) -> Value {
    let rows = home.json(&["runs", "--json"]).into_iter();
    let mut rows = rows.filter(|row| row["workspace"] != "");
    let row = rows.next().unwrap();
    assert!(rows.next().is_none());
    row
}

#[test]
fn w7_what_waits_under_a_file_that_was_revoked_is_listed_no_more() {
    let home = Home::playing(&[
        json!({"calls": [shell("touch one; true")]}),
        json!({"text": "done"}),
    ]);
    file(&home);
    assert_eq!(home.run(&["run", "--writ", "ci.json", "wait"]).code, 10);
    let (id, digest) = home.held();
    let row = only_run(&home);
    assert_eq!(
        (&row["state"], &row["pending"]),
        (&json!("held"), &json!(1))
    );
    let revoked = home.run(&["writ", "revoke", "ci.json"]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    // Nobody has opened the run since: the record still has the question, and no answer could let it go on.
    assert_eq!(home.count("rejection"), 0);
    assert!(home.waits().is_empty(), "{:?}", home.waits());
    let row = only_run(&home);
    assert_eq!(
        (&row["state"], &row["pending"]),
        (&json!("can go on"), &json!(0))
    );
    let late = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    late.says(11, "waits no more", "thymos audit");
    let on = home.run(&["run", "--resume", row["trajectory"].as_str().unwrap()]);
    assert_eq!(on.code, 11, "{on:?}");
    assert_eq!((home.count("rejection"), home.count("commit")), (1, 0));
    assert!(!home.path("ws/one").exists());
    home.verifies();
}

#[test]
fn w1_w7_what_waits_under_a_key_that_is_retired_is_listed_no_more() {
    let home = Home::playing(&[
        json!({"calls": [shell("touch one; true")]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    assert_eq!(home.waits().len(), 1);
    assert_eq!(home.run(&["keys", "rotate"]).code, 0);
    assert!(home.waits().is_empty(), "{:?}", home.waits());
    assert_eq!(only_run(&home)["state"], "can go on");
    home.verifies();
}

/// `[B2]` Of what an undo left in force it is not said that its tokens are spent: nobody was to think under it.
#[test]
fn d3_a_run_that_an_undo_took_back_says_how_it_goes_on() {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "a", "value": "1"}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "set it"]).code, 0);
    let run = only_run(&home)["trajectory"].as_str().unwrap().to_owned();
    assert_eq!(home.run(&["stop", &run]).code, 0);
    let plan = &home.json(&["undo", &run, "--plan", "--json"])[0];
    let digest = plan["digest"].as_str().unwrap();
    let undone = home.run(&["undo", &run, "--yes", "--plan-digest", digest]);
    assert_eq!(undone.code, 0, "{undone:?}");
    let on = home.run(&["run", "--resume", &run, "on"]);
    assert_eq!(on.code, 11, "{on:?}");
    let told = "lets calls be taken back, and nothing else";
    assert!(
        on.err.contains(told) && on.err.contains("--mode MODE"),
        "{on:?}"
    );
    let turn = json!({"text": "fine"});
    home.script(&[turn.clone(), turn.clone(), turn]);
    let on = home.run(&["run", "--resume", &run, "--mode", "edit", "on"]);
    assert_eq!(on.code, 0, "{on:?}");
    home.verifies();
}
