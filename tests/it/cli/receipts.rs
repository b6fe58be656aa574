//! `thymos receipt` and `thymos verify --receipt` `[L8]`: one entry, for somebody without the ledger.

use std::fs;

use serde_json::{Value, json};
use thymos_core::Entry;

use super::home::Home;

fn ran() -> Home {
    let home = Home::playing(&[
        json!({"calls": [
            {"tool": "list_files", "args": {}},
            {"tool": "memory_write", "args": {"key": "a", "text": "quite private"}},
        ]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "one"]).code, 0);
    home
}

fn commit(home: &Home) -> String {
    let entries = home.entries();
    let commit = entries.iter().find(|entry| entry.header.kind == "commit");
    commit.unwrap().id.to_string()
}

#[test]
fn l8_a_receipt_proves_an_entry_to_somebody_who_has_the_key_alone() {
    let home = ran();
    let id = commit(&home);
    let given = home.run(&["receipt", &id[..12]]);
    assert_eq!(given.code, 0, "{given:?}");
    let key = home.run(&["keys", "show"]).out;
    let key = key.split_whitespace().next().unwrap();
    let stranger = Home::new();
    stranger.write("ws/r.tlog-proof", &given.out);
    let args = ["verify", "--receipt", "r.tlog-proof", "--key", key];
    let proved = stranger.run(&args);
    assert_eq!(proved.code, 0, "{proved:?}");
    assert!(
        proved
            .out
            .starts_with(&format!("proved: commit {}", &id[..8]))
    );
    assert!(proved.out.contains("not disclosed") && !proved.out.contains("private"));
    assert!(
        stranger.is_untouched(),
        "nothing is made to check a receipt"
    );
    let told: Value = stranger.json(&[&args[..], &["--json"]].concat()).remove(0);
    assert_eq!((&told["entry"], &told["body"]), (&json!(id), &Value::Null));
    let own = home.run(&["receipt", &id, "-o", "mine"]);
    assert_eq!((own.code, own.out.as_str()), (0, ""));
    assert_eq!(
        home.run(&["verify", "--receipt", "mine"]).code,
        0,
        "by the operator's own trust"
    );
    home.run(&["receipt", &id, "-o", "mine"])
        .says(1, "cannot be written", "does not exist yet");
}

#[test]
fn l8_one_body_is_disclosed_and_no_other() {
    let home = ran();
    let entries = home.entries();
    let asks = |entry: &&Entry| {
        let body = String::from_utf8_lossy(entry.body().unwrap());
        entry.header.kind == "intent" && body.contains("quite private")
    };
    let intent = entries.iter().find(asks).unwrap();
    let given = home.run(&["receipt", &intent.id.to_string(), "--disclose", "-o", "r"]);
    assert_eq!(given.code, 0, "{given:?}");
    let told = home.run(&["verify", "--receipt", "r"]);
    assert!(told.out.contains("quite private"), "{}", told.out);
    let hidden = home.run(&["receipt", &intent.id.to_string(), "-o", "h"]);
    assert_eq!(hidden.code, 0);
    let told = home.run(&["verify", "--receipt", "h"]);
    assert!(!told.out.contains("quite private"), "{}", told.out);
}

#[test]
fn l8_a_bent_receipt_is_refused_with_one_sentence() {
    let home = ran();
    let id = commit(&home);
    let good = home.run(&["receipt", &id]).out;
    let other = ran();
    let lines: Vec<&str> = good.lines().collect();
    let refuse = |name: &str, text: &str, words: &str| {
        home.write(&format!("ws/{name}"), text);
        let ended = home.run(&["verify", "--receipt", name]);
        ended.says(13, words, "--key");
    };
    refuse("cut", &lines[..4].join("\n"), "does not begin with");
    refuse(
        "late",
        &good.replacen("@v1", "@v2", 1),
        "does not begin with",
    );
    refuse(
        "moved",
        &good.replacen("\nindex ", "\nindex 1", 1),
        "another index",
    );
    refuse(
        "shorter",
        &good.replacen(&format!("{}\n", lines[3]), "", 1),
        "lead to the signed root",
    );
    let stranger = other.run(&["receipt", &commit(&other)]).out;
    refuse("stranger", &stranger, "no known key signed it");
    let (above, _) = good.split_once("\n\n").unwrap();
    let (_, below) = stranger.split_once("\n\n").unwrap();
    refuse("glued", &format!("{above}\n\n{below}"), "another log");
    let missing = home.run(&["verify", "--receipt", "nowhere"]);
    missing.says(1, "cannot be read", "check the path");
    fs::write(home.path("ws/bytes"), [0xff; 40]).unwrap();
    home.run(&["verify", "--receipt", "bytes"])
        .says(1, "not UTF-8", "UTF-8");
    let keyless = Home::new();
    keyless.write("ws/r", &good);
    keyless
        .run(&["verify", "--receipt", "r"])
        .says(2, "no key is trusted", "--key");
    keyless
        .run(&["verify", "--receipt", "r", "--key", "x"])
        .says(2, "no public key", "keys show");
}

#[test]
fn l8_only_what_is_there_gets_a_receipt() {
    let home = ran();
    home.run(&["receipt", "abc"])
        .says(1, "not the start of an entry id", "6 hex digits");
    home.run(&["receipt", "ffffffffffff"])
        .says(1, "there is no entry", "thymos ledger");
    let id = commit(&home);
    let foreign = home.run(&["--tenant", "other", "receipt", &id]);
    foreign.says(1, "there is no entry", "thymos ledger");
}
