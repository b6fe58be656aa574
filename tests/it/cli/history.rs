//! Going back from the shell: branch, undo, again, replay; and what cannot be, each with its code.

use serde_json::{Value, json};

use super::home::{Ended, Home};

fn write(path: &str, content: &str) -> Value {
    json!({"calls": [{"tool": "fs_write", "args": {"path": path, "content": content}}]})
}

fn set(key: &str) -> Value {
    json!({"calls": [{"tool": "kv_set", "args": {"key": key, "value": 1}}]})
}

/// A home in which one run set two keys, and that run.
fn two_keys() -> (Home, String) {
    let home = Home::playing(&[set("a"), set("b"), json!({"text": "done"})]);
    assert_eq!(home.run(&["run", "set two"]).code, 0);
    let run = run_of(&home);
    (home, run)
}

fn run_of(home: &Home) -> String {
    let rows = home.json(&["runs", "--json"]);
    rows[0]["trajectory"].as_str().unwrap().to_owned()
}

fn commits(home: &Home, run: &str) -> Vec<String> {
    let rows = home.json(&["ledger", "--run", run, "--json", "kind:commit"]);
    rows.iter().map(|row| row["seq"].to_string()).collect()
}

/// Says it on standard error, whatever was shown before.
fn fails(ended: &Ended, code: i32, sentence: &str, hint: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(ended.err.contains(sentence), "{sentence} not in {ended:?}");
    assert!(ended.err.contains(hint), "{hint} not in {ended:?}");
}

#[test]
fn d2_a_branch_from_what_is_no_commit_is_a_usage_error_and_makes_nothing() {
    let (home, run) = two_keys();
    let entries = home.entries().len();
    let ended = home.run(&["branch", &run, "0"]);
    ended.says(
        1,
        "of kind `root`, and a branch starts from a commit",
        "kind:commit",
    );
    home.run(&["branch", &run, "9999"])
        .says(1, "there is no entry 9999", "its last one is");
    home.run(&["branch", &run, "ffffffffff"]).says(
        1,
        "there is no entry `ffffffffff`",
        "thymos ledger",
    );
    assert_eq!(home.entries().len(), entries);
}

#[test]
fn d2_a_branch_goes_on_where_its_commit_left_off() {
    let (home, run) = two_keys();
    let first = &commits(&home, &run)[0];
    let rows = home.json(&["branch", &run, first, "--json"]);
    let branch = rows[0]["trajectory"].as_str().unwrap().to_owned();
    let replayed = home.run(&["replay", &branch]);
    assert_eq!(replayed.code, 0, "{replayed:?}");
    assert!(replayed.out.contains("kv:a") && !replayed.out.contains("kv:b"));
    home.script(&[set("c"), set("c"), set("c"), json!({"text": "done"})]);
    assert_eq!(home.run(&["run", "--resume", &branch, "go on"]).code, 0);
    home.verifies();
}

#[test]
fn y4_replay_stops_at_an_entry_and_tells_how_two_differ() {
    let (home, run) = two_keys();
    let commits = commits(&home, &run);
    let at = home.run(&["replay", &run, "--at", &commits[0]]);
    assert!(
        at.out.contains("kv:a") && !at.out.contains("kv:b"),
        "{at:?}"
    );
    let range = format!("{}..{}", commits[0], commits[1]);
    let diff = home.run(&["replay", &run, "--diff", &range]);
    assert_eq!(diff.code, 0, "{diff:?}");
    assert!(
        diff.out.contains("+ kv:b") && !diff.out.contains("kv:a"),
        "{diff:?}"
    );
    home.run(&["replay", &run, "--diff", "12"])
        .says(2, "`12` does not name two entries", "A..B");
    home.run(&["replay", &run, "--file", "none.txt"]).says(
        1,
        "the record has no content of `none.txt`",
        "lists files",
    );
}

#[test]
fn a_provenance_leads_back_to_the_prompt_in_words_and_in_json() {
    let (home, run) = two_keys();
    let commits = commits(&home, &run);
    let told = home.run(&["audit", &run, "--of", "kv:a"]);
    assert_eq!(told.code, 0, "{told:?}");
    let first = told.out.lines().next().unwrap();
    assert_eq!(first, format!("provenance: kv:a, set at {}", commits[0]));
    for step in ["done", "begun", "wanted", "asked", "writ"] {
        let begins = format!("  {step} ");
        let steps = told.out.lines();
        assert!(
            steps.clone().any(|l| l.starts_with(&begins)),
            "{step}: {told:?}"
        );
    }
    assert!(told.out.contains("you: set two"), "{told:?}");
    let json = home.json(&["audit", &run, "--of", &commits[1], "--json"]);
    assert_eq!(json[0]["seq"].to_string(), commits[1]);
    let back = json[0]["back"].as_array().unwrap();
    let relations: Vec<&str> = back
        .iter()
        .map(|s| s["relation"].as_str().unwrap())
        .collect();
    assert_eq!(relations.first(), Some(&"sealed"));
    assert!(relations.contains(&"asked"), "{relations:?}");
}

#[test]
fn a_provenance_of_what_is_not_there_says_so() {
    let (home, run) = two_keys();
    let of = |what: &[&str]| {
        let mut args = vec!["audit", run.as_str(), "--of"];
        args.extend(what);
        home.run(&args)
    };
    fails(&of(&["src/lib.rs"]), 1, "sets `file:src/lib.rs`", "");
    fails(&of(&["9999"]), 1, "no entry 9999", "its last one is");
    fails(
        &of(&["5", "--at", "3"]),
        2,
        "--at goes with a file",
        "`file:5`",
    );
    fails(&of(&["file:5"]), 1, "sets `file:5`", "");
    fails(
        &of(&["kv:a", "--at", "0"]),
        1,
        "up to entry 0 reads or sets `kv:a`",
        "",
    );
    let alone = home.run(&["audit", &run, "--at", "3"]);
    assert_eq!(alone.code, 2, "{alone:?}");
}

#[test]
fn d3_an_undo_shows_its_plan_and_touches_nothing_until_its_digest_is_quoted() {
    let home = Home::playing(&[write("a.txt", "by the agent\n"), json!({"text": "done"})]);
    let mut code = home.run(&["--mode", "auto", "run", "write"]).code;
    while code == 10 {
        let (id, digest) = home.held();
        assert_eq!(
            home.run(&["approvals", "approve", &id, "--digest", &digest])
                .code,
            0
        );
        code = home.run(&["run", "--resume", &run_of(&home)]).code;
    }
    let run = run_of(&home);
    let shown = home.run(&["undo", &run]);
    fails(&shown, 10, "nothing was touched", "--yes --plan-digest");
    assert!(shown.out.contains("delete a.txt again"), "{shown:?}");
    assert_eq!(home.read("ws/a.txt"), "by the agent\n");
    let plan = &home.json(&["undo", &run, "--plan", "--json"])[0];
    let digest = plan["digest"].as_str().unwrap();
    let wrong = home.run(&["undo", &run, "--yes", "--plan-digest", "0000000000"]);
    fails(
        &wrong,
        11,
        "plan changed since it was shown",
        "look at it again",
    );
    let short = home.run(&["undo", &run, "--yes", "--plan-digest", "00"]);
    fails(&short, 2, "too short to name a plan", "hex digits");
    assert_eq!(
        home.run(&["undo", &run, "--yes"]).code,
        2,
        "a word needs a digest"
    );
    let done = home.run(&["undo", &run, "--yes", "--plan-digest", digest]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("undone: 1 of 1"), "{done:?}");
    assert!(!home.path("ws/a.txt").exists());
    let nothing = home.run(&["undo", &run]);
    assert_eq!(
        (nothing.code, nothing.out.as_str()),
        (0, "nothing to undo\n")
    );
    // The plan that was agreed to is not there any more.
    let again = home.run(&["undo", &run, "--yes", "--plan-digest", digest]);
    fails(
        &again,
        11,
        "plan changed since it was shown",
        "look at it again",
    );
    home.verifies();
}

/// The words of who undoes are enough, whatever the run itself may still do: what it did goes under a writ of
/// the operator's own, and one that only looked does so again.
#[test]
fn d3_what_a_run_that_may_do_nothing_did_is_undone_from_the_shell() {
    for stopped in [true, false] {
        let (home, run) = two_keys();
        if stopped {
            assert_eq!(home.run(&["stop", &run]).code, 0);
        } else {
            let done = json!({"text": "done"});
            home.script(&[set("a"), set("b"), done.clone(), done]);
            let looks = home.run(&["--mode", "plan", "run", "--resume", &run, "x"]);
            assert_eq!(looks.code, 0, "{looks:?}");
        }
        let plan = &home.json(&["undo", &run, "--plan", "--json"])[0];
        let digest = plan["digest"].as_str().unwrap();
        let done = home.run(&["undo", &run, "--yes", "--plan-digest", digest]);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(done.out.contains("undone: 2 of 2"), "{done:?}");
        let told = home.run(&["replay", &run]);
        assert!(!told.out.contains("kv:a"), "{told:?}");
        home.verifies();
    }
}

#[test]
fn x3_again_does_once_more_what_the_operators_table_lets_happen_once() {
    let home = Home::playing(&[set("a"), set("a"), json!({"text": "done"})]);
    let config = home.read("home/.config/thymos/config.toml");
    home.config(&format!("{config}[tools.kv_set]\nrepeat = \"once\"\n"));
    let ran = home.run(&["run", "set it twice"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let run = run_of(&home);
    assert_eq!(commits(&home, &run).len(), 1);
    let again = home.run(&["again", &run, &commits(&home, &run)[0]]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(commits(&home, &run).len(), 2);
    home.run(&["again", &run, "0"])
        .says(2, "of kind `root`, and no call", "name its intent");
    home.verifies();
}

#[test]
fn c18_a_floor_of_an_unknown_tool_is_named_with_its_line_and_the_nearest_one() {
    let home = Home::new();
    home.config("[tools.shel]\neffect = \"external\"\n");
    home.run(&["runs"]).says(
        1,
        "line 2: there is no tool `shel`",
        "did you mean `shell`?",
    );
}
