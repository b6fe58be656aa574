//! A ledger that is not where it was: named and not there, new, or another one in its place `[Y3]` `[L7]`.

use std::fs;

use serde_json::json;

use super::home::Home;

fn worked() -> Home {
    let home = Home::playing(&[json!({"text": "done"})]);
    assert_eq!(home.run(&["run", "go"]).code, 0);
    home
}

#[test]
fn y3_a_verb_that_looks_refuses_a_named_ledger_that_is_not_there_and_makes_none() {
    let home = Home::playing(&[]);
    let verbs: [&[&str]; 14] = [
        &["verify"],
        &["runs"],
        &["audit", "abcdef"],
        &["replay", "abcdef"],
        &["ledger"],
        &["receipt", "abcdef"],
        &["routing"],
        &["checkpoint", "make"],
        &["checkpoint", "show"],
        &["export", "--all", "--out", "b.tar"],
        &["approvals", "ls"],
        &["memory", "ls"],
        &["writ", "ls"],
        &["run", "--resume", "abcdef"],
    ];
    for verb in verbs {
        let named = [verb, &["--ledger", "typo/none.db"]].concat();
        home.run(&named)
            .says(1, "there is no ledger at `typo/none.db`", "check the path");
    }
    let mut by_environment = home.command(&["verify"]);
    by_environment.env("THYMOS_LEDGER", "typo/none.db");
    assert_eq!(by_environment.output().unwrap().status.code(), Some(1));
    assert!(!home.path("ws/typo").exists());
    // Who works there makes it, and then it is there.
    home.script(&[json!({"text": "done"})]);
    let made = home.run(&["run", "go", "--ledger", "own/new.db"]);
    assert_eq!(made.code, 0, "{made:?}");
    let there = home.run(&["verify", "--ledger", "own/new.db"]);
    assert!(
        there.code == 0 && there.out.starts_with("verified: "),
        "{there:?}"
    );
}

#[test]
fn y3_a_new_ledger_is_told_as_new() {
    let home = Home::new();
    let verified = home.run(&["verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(verified.out.contains("this ledger is new"), "{verified:?}");
}

#[test]
fn l7_a_ledger_that_was_removed_or_replaced_is_missed() {
    let home = worked();
    home.verifies();
    let own = home.ledger();
    let aside = home.path("aside.db");
    // With all that a killed or slow writer may have left beside it.
    home.copy_ledger(&aside);
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        fs::remove_file(own.with_file_name(name)).ok();
    }
    // Removed: the one that is made in its place has nothing in it, and is not what was signed.
    let gone = home.run(&["verify"]);
    assert_eq!(gone.code, 13, "{gone:?}");
    assert!(
        gone.out.contains("which stood at this path when"),
        "{gone:?}"
    );
    assert!(!gone.out.contains("\nverified"), "{gone:?}");
    // Replaced, and worked with.
    home.script(&[json!({"text": "done"})]);
    assert_eq!(home.run(&["run", "go"]).code, 0);
    assert_eq!(home.run(&["verify"]).code, 13);
    // A ledger elsewhere is none of that.
    let elsewhere = home.run(&["verify", "--ledger", aside.to_str().unwrap()]);
    assert_eq!(elsewhere.code, 0, "{elsewhere:?}");
    // Back again.
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        fs::remove_file(own.with_file_name(name)).ok();
    }
    fs::rename(&aside, &own).unwrap();
    let back = home.run(&["verify"]);
    assert_eq!(
        back.code, 13,
        "what stood here meanwhile is missed too: {back:?}"
    );
}
