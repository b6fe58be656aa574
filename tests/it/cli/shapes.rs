//! What scripts rely on: the keys of `--json`, plain text without colour, and codes.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::home::{Ended, Home};

/// Keys of the first object, with those of nested objects behind a dot.
fn keys(value: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    if let Value::Object(map) = value {
        for (key, inner) in map {
            all.insert(key.clone());
            all.extend(
                keys(inner)
                    .into_iter()
                    .map(|below| format!("{key}.{below}")),
            );
        }
    }
    all
}

fn shape(value: &Value, expected: &Expect) {
    let all: Vec<String> = keys(value).into_iter().collect();
    expected.assert_eq(&all.join(" "));
}

fn held() -> Home {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "write"]).code, 10);
    home
}

#[test]
fn the_keys_of_json_are_stable() {
    let home = held();
    shape(
        &home.json(&["runs", "--json"])[0],
        &expect![
            "agents at_ms head_seq in_doubt parent pending spent spent.tokens spent.tool_calls spent.usd_millicents spent.wall_clock_ms state title trajectory workspace"
        ],
    );
    shape(
        &home.json(&["approvals", "ls", "--json"])[0],
        &expect![
            "approvals approved_by card card.ceremony card.ceremony.arming_ms card.ceremony.batch card.ceremony.type_back card.ceremony.view_gate card.diffstat card.effect card.expires_at card.held_at card.line card.presentation card.presentation.fields card.presented card.proposal card.quorum card.reasons card.reversible card.risk card.tool lineage seq trajectory workspace"
        ],
    );
    shape(
        &home.json(&["verify", "--json"])[0],
        &expect!["caveat entries findings levels trajectories"],
    );
    shape(
        &home.json(&["doctor", "--json"])[0],
        &expect!["hint lines ok what"],
    );
    shape(
        &home.json(&["config", "explain", "--json"])[0],
        &expect!["key source value"],
    );
    let events = home.json(&["ledger", "--json"]);
    shape(
        &events[0],
        &expect![
            "at_ms entry index kind seq trajectory what what.operator what.type what.workspace"
        ],
    );
    let trajectory = events[0]["trajectory"].as_str().unwrap().to_owned();
    let replayed = home.json(&["replay", &trajectory, "--json"]);
    shape(
        &replayed[0],
        &expect!["trajectory world world.digest world.rows world.seq"],
    );
    shape(&replayed[1], &expect!["elsewhere runs unplaced"]);
    shape(
        &replayed[1]["runs"][0],
        &expect![
            "at_seq decisions depth entries findings findings_total kinship resources signatures trajectory unchecked verdict witnessed world"
        ],
    );
    shape(
        &replayed[2],
        &expect!["caveat entries findings levels trajectories"],
    );
}

#[test]
fn every_line_of_a_json_run_is_an_entry_and_the_codes_are_those_of_the_table() {
    let home = held();
    let (id, digest) = home.held();
    let run = home.json(&["run", "--json", "write again"]);
    let kinds: Vec<&str> = run
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .collect();
    assert_eq!(kinds.len(), run.len());
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("root", "closed"));
    assert!(kinds.contains(&"pending_approval"), "{kinds:?}");
    let approved = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(approved.code, 0, "{approved:?}");
    let rows = home.json(&["runs", "--json"]);
    let first = rows.iter().find(|row| row["pending"] == 0).unwrap();
    let first = first["trajectory"].as_str().unwrap().to_owned();
    assert_eq!(home.run(&["run", "--resume", &first]).code, 0);
    // The other one wants to create a file that is there by now.
    let (id, digest) = home.held();
    let moved = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(moved.code, 11, "{moved:?}");
    assert!(moved.out.contains("rejected: fs_write [C12]"), "{moved:?}");
    home.verifies();
}

#[test]
fn output_holds_no_escape_whatever_the_environment_and_the_model_say() {
    let evil = "\u{1b}[31mred\u{7}\u{202e}desrever";
    let home = Home::playing(&[
        json!({"text": evil, "calls": [
            {"tool": "list_files", "args": {"path": evil}}
        ]}),
        json!({"text": evil}),
    ]);
    for variable in ["NO_COLOR", "CLICOLOR_FORCE"] {
        let mut command = home.command(&["run", evil]);
        let ended = Ended::of(&command.env(variable, "1").output().unwrap());
        assert_eq!(ended.code, 0, "{ended:?}");
        plain(&ended);
    }
    let row = home.json(&["runs", "--json"]).remove(0);
    let id = row["trajectory"].as_str().unwrap();
    for args in [
        &["audit", id][..],
        &["runs"],
        &["ledger"],
        &["replay", id],
        &["doctor"],
    ] {
        plain(&home.run(args));
    }
}

fn plain(ended: &Ended) {
    for text in [&ended.out, &ended.err] {
        let bad = text
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(bad, None, "{text}");
    }
}

#[test]
fn a_hold_is_answered_from_any_folder_and_happens_in_its_own() {
    let home = held();
    let (id, digest) = home.held();
    std::fs::create_dir(home.path("elsewhere")).unwrap();
    let mut command = home.command(&["approvals", "approve", &id, "--digest", &digest]);
    let output = command
        .current_dir(home.path("elsewhere"))
        .output()
        .unwrap();
    let ended = Ended::of(&output);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(home.read("ws/a.txt"), "a");
    assert!(!home.path("elsewhere/a.txt").exists());
}

#[test]
fn help_and_version_go_to_standard_output() {
    let home = Home::new();
    for args in [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["approvals", "--help"],
    ] {
        let ended = home.run(args);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{args:?}");
        assert!(!ended.out.is_empty());
    }
    let ended = home.run(&["nonsense"]);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(home.is_untouched());
}
