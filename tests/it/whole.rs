//! A ledger with every kind of entry that the program writes, made by the program: what proofs,
//! exports and verifiers must be good for.

use std::fs;

use serde_json::json;

use crate::cli::home::Home;
use crate::tamper::every_kind;

/// The tampered-with ledger's acts, and those of delegation, branches, skills, policy and writ files.
pub(crate) fn whole() -> Home {
    let home = every_kind();
    delegates(&home);
    branches(&home);
    binds_a_skill(&home);
    changes_policy(&home);
    works_under_a_writ(&home);
    home
}

fn ends(home: &Home, code: i32, args: &[&str]) -> String {
    let ended = home.run(args);
    assert_eq!(ended.code, code, "{args:?}: {ended:?}");
    ended.out
}

fn example(name: &str) -> String {
    fs::read_to_string(format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn delegates(home: &Home) {
    home.script(&[
        json!({"calls": [{"tool": "delegate", "args": {"task": "read the README", "tools": ["fs_read"]}}]}),
        json!({"text": "It reported back."}),
        json!({"when": "read the README", "calls": [{"tool": "fs_read", "args": {"path": "README.md"}}]}),
        json!({"when": "read the README", "text": "It says hello."}),
    ]);
    ends(home, 0, &["run", "look at the project"]);
}

fn branches(home: &Home) {
    home.script(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "colour", "value": "red"}}]}),
        json!({"text": "It is set."}),
    ]);
    ends(home, 0, &["--mode", "auto", "run", "set a colour"]);
    let rows = home.json(&["runs", "--json"]);
    let run = rows[0]["trajectory"].as_str().unwrap().to_owned();
    let commits = home.json(&["ledger", "kind:commit", "--run", &run, "--json"]);
    let branched = ends(
        home,
        0,
        &["branch", &run, &commits[0]["seq"].to_string(), "--json"],
    );
    let branch: serde_json::Value = serde_json::from_str(branched.trim()).unwrap();
    // A line a turn of the conversation, those before the branch too.
    home.script(&[(); 4].map(|()| json!({"text": "It goes on."})));
    let branch = branch["trajectory"].as_str().unwrap().to_owned();
    ends(home, 0, &["run", "--resume", &branch, "go on"]);
}

fn binds_a_skill(home: &Home) {
    home.write("ws/reader.json", &example("skills/repo-reader.json"));
    ends(home, 0, &["skills", "import", "reader.json"]);
    ends(home, 0, &["skills", "sign", "repo-reader"]);
    home.script(&[json!({"text": "Nothing to read."})]);
    let folder = ["--skill", "repo-reader", "--param", "folder=docs"];
    ends(home, 0, &[&["run"], &folder[..], &["read it"]].concat());
}

fn changes_policy(home: &Home) {
    home.write("ws/house.json", &example("policy.json"));
    ends(
        home,
        0,
        &["policy", "sign", "house.json", "--out", "signed.json"],
    );
    ends(home, 0, &["policy", "load", "signed.json"]);
    let list = json!({"calls": [{"tool": "list_files", "args": {}}]});
    home.script(&[list.clone(), json!({"text": "done"})]);
    ends(home, 0, &["run", "under rules"]);
    let rows = home.json(&["runs", "--json"]);
    let run = rows[0]["trajectory"].as_str().unwrap().to_owned();
    let name = serde_json::from_str::<serde_json::Value>(&example("policy.json")).unwrap();
    ends(
        home,
        0,
        &["policy", "unload", name["name"].as_str().unwrap()],
    );
    let done = json!({"text": "done"});
    home.script(&[list.clone(), done.clone(), list, done]);
    ends(home, 0, &["run", "--resume", &run, "without them"]);
}

fn works_under_a_writ(home: &Home) {
    let unsigned = ends(home, 0, &["writ", "new", "--from", "edit"]);
    home.write("ws/w.json", &unsigned);
    let signed = ends(home, 0, &["writ", "sign", "w.json"]);
    home.write("ws/signed-writ.json", &signed);
    home.script(&[
        json!({"calls": [{"tool": "list_files", "args": {}}]}),
        json!({"text": "done"}),
    ]);
    ends(
        home,
        0,
        &["run", "--writ", "signed-writ.json", "under a writ"],
    );
}
