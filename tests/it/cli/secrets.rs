//! The corpus of fakes through a whole session of the built program, and a search of every byte it left
//! `[T8]` `[R1]`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use thymos_testkit::secrets::{Fake, HELD, corpus};

use super::home::Home;

/// Fakes in one text: long enough to meet in numbers, short enough to be one argument.
const AT_ONCE: usize = 12;

/// Files are named so that a path holds nothing that is looked for.
fn texts() -> Vec<String> {
    let all = corpus();
    let some = all.chunks(AT_ONCE);
    some.map(|fakes| {
        let lines: Vec<&str> = fakes.iter().map(|fake| fake.text.as_str()).collect();
        lines.join("\n")
    })
    .collect()
}

/// Turns that carry one text through every field that a model can reach.
fn turns(at: usize, text: &str) -> Vec<Value> {
    let call = |tool: &str, args: Value| json!({"tool": tool, "args": args});
    vec![
        json!({"text": format!("I found {text}"), "reasoning": text, "calls": [
            call("fs_read", json!({"path": format!("in-{at}.txt")})),
            call("shell", json!({"command": format!("cat in-{at}.txt")})),
            call("grep", json!({"pattern": text})),
            call("kv_set", json!({"key": format!("k{at}"), "value": {"note": text, "deep": [text]}})),
            call("memory_write", json!({"key": format!("m{at}"), "text": text, "tags": [text]})),
            call("fs_write", json!({"path": format!("out-{at}.txt"), "content": text})),
            call("no_such_tool", json!({"anything": text})),
            call("fs_patch", json!({"path": format!("in-{at}.txt"), "edits": [{"old": text, "new": text}]})),
            call("delegate", json!({"task": format!("sub {text}")})),
            json!({"tool": "grep", "malformed": format!("{{broken {text}")}),
        ]}),
        json!({"text": "that is all"}),
    ]
}

/// Every file below a folder with its bytes.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for row in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = row.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn holds(bytes: &[u8], wanted: &str) -> bool {
    !wanted.is_empty()
        && bytes
            .windows(wanted.len())
            .any(|part| part == wanted.as_bytes())
}

/// What is left of the fakes: as they stand, and as JSON writes them.
fn left_of(fakes: &[Fake], place: &str, bytes: &[u8]) -> Vec<String> {
    let written = |text: &str| {
        let json = serde_json::to_string(text).unwrap();
        json.trim_matches('"').to_owned()
    };
    fakes
        .iter()
        .filter(|fake| holds(bytes, &fake.bare) || holds(bytes, &written(&fake.bare)))
        .map(|fake| format!("{} in {place}", fake.what))
        .collect()
}

#[test]
fn t8_no_byte_of_the_corpus_is_in_any_file_or_export_after_a_session() {
    let texts = texts();
    let home = Home::playing(&[]);
    let with_key = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("OPENAI_API_KEY", HELD);
        let output = command.output().unwrap();
        [output.stdout, output.stderr].concat()
    };
    let mut told = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        home.write(&format!("ws/in-{at}.txt"), text);
        let mut lines = turns(at, text);
        lines.push(json!({"when": "sub ", "text": format!("the child says {text}")}));
        home.script(&lines);
        let task = format!("look at this: {text}");
        told.push(with_key(&["--mode", "auto", "run", &task, "--json"]));
        // What people say is recorded as well.
        for row in home.json(&["approvals", "ls", "--json"]) {
            let id = row["card"]["proposal"].as_str().unwrap().to_owned();
            told.push(with_key(&["approvals", "deny", &id, "--reason", text]));
        }
    }
    let writ = home.json(&["writ", "ls", "--json"]);
    let writ = writ
        .iter()
        .find_map(|row| row["id"].as_str())
        .unwrap()
        .to_owned();
    told.push(with_key(&["writ", "revoke", &writ, "--reason", &texts[0]]));
    told.push(with_key(&["ledger", "--json"]));
    told.push(with_key(&["memory", "ls", "--json"]));
    home.verifies();

    let fakes = corpus();
    let mut left = Vec::new();
    for (at, bytes) in told.iter().enumerate() {
        left.extend(left_of(&fakes, &format!("output {at}"), bytes));
    }
    let mut stored = Vec::new();
    files(&home.path("home/.local/share/thymos"), &mut stored);
    assert!(stored.iter().any(|(name, _)| name.ends_with("ledger.db")));
    for (name, bytes) in &stored {
        left.extend(left_of(&fakes, name, bytes));
    }
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));
    // The session was one: calls ran, files were written, and plain words stayed what they were.
    assert!(home.count("commit") >= texts.len());
    assert_eq!(
        home.read("ws/out-0.txt"),
        texts[0],
        "files hold what was meant for them"
    );
    assert!(
        stored
            .iter()
            .any(|(_, bytes)| holds(bytes, "look at this: "))
    );
}
