//! Memory from the shell: what one run keeps the next recalls, and a person can forget it `[O4]`.

use serde_json::json;
use thymos_core::body::{Body, BodyState};

use super::home::Home;

fn home() -> Home {
    Home::playing(&[
        json!({"calls": [{"tool": "memory_write", "args":
            {"key": "build", "text": "use make", "tags": ["ci"], "stratum": "episodic"}}]}),
        json!({"text": "kept"}),
    ])
}

/// What the newest call observed.
fn observed(home: &Home) -> String {
    let commit = |entry: &thymos_core::Entry| match entry.decode() {
        BodyState::Known(Body::Commit(commit)) => Some(commit.outcome.observation),
        _ => None,
    };
    let all: Vec<String> = home.entries().iter().filter_map(commit).collect();
    all.last().cloned().unwrap_or_default()
}

fn recall(home: &Home) -> String {
    home.script(&[
        json!({"calls": [{"tool": "memory_recall", "args": {"query": "make"}}]}),
        json!({"text": "recalled"}),
    ]);
    let ended = home.run(&["--mode", "plan", "run", "recall"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    observed(home)
}

#[test]
fn o4_a_note_is_listed_shown_recalled_by_the_next_process_and_forgotten() {
    let home = home();
    assert_eq!(home.run(&["--mode", "auto", "run", "keep it"]).code, 0);
    let listed = home.run(&["memory", "ls"]);
    assert!(listed.out.starts_with("build "), "{listed:?}");
    assert!(
        listed.out.contains("episodic") && listed.out.contains("not approved"),
        "{listed:?}"
    );
    let rows = home.json(&["memory", "show", "build", "--json"]);
    assert_eq!(
        (&rows[0]["text"], &rows[0]["tags"]),
        (&json!("use make"), &json!(["ci"]))
    );
    let shown = home.run(&["memory", "show", "build"]);
    assert!(
        shown.out.contains("stratum  episodic") && shown.out.ends_with("use make\n"),
        "{shown:?}"
    );
    let told = recall(&home);
    assert!(
        told.contains("build [ci]  (episodic, version 1, entry "),
        "{told}"
    );
    assert!(told.contains(" of trajectory "), "{told}");
    let gone = home.run(&["memory", "forget", "build"]);
    assert_eq!(
        (gone.code, gone.out.as_str()),
        (0, "forgotten: build\n"),
        "{gone:?}"
    );
    assert_eq!(
        recall(&home),
        "no note has any of these words; 0 notes kept"
    );
    home.run(&["memory", "show", "build"])
        .says(1, "there is no note `build`", "memory ls");
    home.run(&["memory", "forget", "build"])
        .says(1, "there is no note `build`", "memory ls");
    home.verifies();
}

#[test]
fn o4_d3_forgetting_can_be_taken_back_and_says_nothing_of_the_note() {
    let home = home();
    assert_eq!(home.run(&["--mode", "auto", "run", "keep it"]).code, 0);
    assert_eq!(home.run(&["memory", "forget", "build"]).code, 0);
    let rows = home.json(&["runs", "--json"]);
    let title = "forget the note `build`";
    let row = rows.iter().find(|row| row["title"] == title).unwrap();
    let run = row["trajectory"].as_str().unwrap();
    let plan = &home.json(&["undo", run, "--plan", "--json"])[0];
    let digest = plan["digest"].as_str().unwrap();
    let undone = home.run(&["undo", run, "--yes", "--plan-digest", digest]);
    assert_eq!(undone.code, 0, "{undone:?}");
    let rows = home.json(&["memory", "ls", "--json"]);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["text"], &rows[0]["approved"]),
        (&json!("use make"), &json!(false))
    );
    home.verifies();
}
