//! Pins: what a record rests on is required by whoever reads it, and drift is named `[Y2]`.

use serde_json::{Value, json};

use super::home::{Ended, Home};

/// A run that decides one call, under the program's own rules.
fn worked() -> Home {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "a", "value": 1}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "go"]).code, 0);
    home
}

/// The values that stand in the record, by kind.
fn met(home: &Home) -> Vec<(String, String)> {
    let report = home.json(&["verify", "--pins", "--json"]).remove(0);
    let rows = report["pins"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (text(&row["kind"]), text(&row["value"])))
        .collect()
}

fn value(home: &Home, kind: &str) -> String {
    let all = met(home);
    let mut found = all.iter().filter(|(of, _)| of == kind);
    let value = found.next().unwrap().1.clone();
    assert!(found.next().is_none(), "{all:?}");
    value
}

fn run(home: &Home) -> String {
    let row = home.json(&["runs", "--json"]).remove(0);
    row["trajectory"].as_str().unwrap().to_owned()
}

fn diverges(ended: &Ended, words: &str) {
    assert_eq!(ended.code, 13, "{ended:?}");
    assert!(ended.out.contains(words), "{words}: {}", ended.out);
    assert!(
        ended.out.contains("(trajectory ") || ended.out.contains(" entry "),
        "{ended:?}"
    );
}

#[test]
fn y2_what_stands_in_the_record_can_be_required_of_it() {
    let home = worked();
    let (set, tools) = (value(&home, "policy_set"), value(&home, "tools"));
    let signer = value(&home, "signer");
    assert_eq!(
        value(&home, "compiler"),
        thymos_compiler::GateVersion::NEWEST.name()
    );
    assert_eq!(home.run(&["keys", "show"]).out.trim(), signer);
    let listed = home.run(&["policy", "ls"]).out;
    assert!(listed.contains(&set), "{listed}");
    let run = run(&home);
    for verb in [&["verify"][..], &["replay", &run]] {
        let with = |pins: &[&str]| home.run(&[verb, pins].concat());
        let all = [
            "--require-compiler",
            "2",
            "--require-policy-set",
            &set,
            "--require-signer",
            "ada",
            "--require-tools",
            &tools[..8],
        ];
        assert_eq!(with(&all).code, 0);
        let plain = with(&[]);
        // Nothing else changes.
        assert_eq!(with(&all).out, plain.out);
        // Any of several will do.
        let either = ["--require-compiler", "1", "--require-compiler", "2"];
        assert_eq!(with(&either).code, 0);
        assert_eq!(with(&["--require-signer", &signer]).code, 0);
    }
}

#[test]
fn y2_drift_is_named_at_its_entry_and_exits_13() {
    let home = worked();
    let run = run(&home);
    let other = format!("ed25519:{}", "58".repeat(32));
    for verb in [
        &["verify"][..],
        &["replay", &run],
        &["replay", &run, "--alone"],
    ] {
        for (pin, value, words) in [
            (
                "--require-compiler",
                "1",
                "Y2 pinned compiler: expected thymos-compiler 1, found thymos-compiler 2",
            ),
            (
                "--require-policy-set",
                "000000",
                "Y2 pinned policy set: expected 000000",
            ),
            (
                "--require-tools",
                "000000",
                "Y2 pinned tools: expected 000000",
            ),
            (
                "--require-signer",
                &other,
                "Y2 pinned signer: expected ed25519:5858",
            ),
        ] {
            diverges(&home.run(&[verb, &[pin, value]].concat()), words);
        }
    }
    // The signer of the first entry is named at the first entry, and once.
    let found = home.run(&["verify", "--require-signer", &other]);
    assert!(found.out.contains("at index 0 ") && found.out.contains("NOT verified: 1 findings"));
    home.verifies();
}

#[test]
fn y2_rules_that_changed_between_two_calls_are_named_where_they_did() {
    let home = worked();
    let before = value(&home, "policy_set");
    home.script(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "b", "value": 1}}]}),
        json!({"text": "done"}),
    ]);
    let first = run(&home);
    let stricter = ["run", "--risk-threshold", "medium", "go"];
    assert_eq!(home.run(&stricter).code, 0);
    let found = home.run(&["verify", "--require-policy-set", &before]);
    diverges(&found, "Y2 pinned policy set");
    assert!(found.out.contains("NOT verified: 1 findings"), "{found:?}");
    // The run before was decided by what is required.
    let own = home.run(&["replay", &first, "--require-policy-set", &before]);
    assert_eq!(own.code, 0, "{own:?}");
}

#[test]
fn y2_a_bundle_is_held_against_pins_and_a_receipt_is_not() {
    let home = worked();
    assert_eq!(home.run(&["export", "--all", "-o", "all.tar"]).code, 0);
    let set = value(&home, "policy_set");
    let sound = home.run(&["verify", "all.tar", "--require-policy-set", &set, "--pins"]);
    assert!(
        sound.code == 0 && sound.out.contains("pin: policy set"),
        "{sound:?}"
    );
    let found = home.run(&["verify", "all.tar", "--require-policy-set", "ffffff"]);
    diverges(&found, "Y2 pinned policy set: expected ffffff");
    let entry = home.json(&["ledger", "kind:commit", "--json"]).remove(0);
    let entry = entry["entry"].as_str().unwrap().to_owned();
    assert_eq!(home.run(&["receipt", &entry, "-o", "one.proof"]).code, 0);
    for args in [
        &["verify", "--receipt", "one.proof", "--pins"][..],
        &["verify", "one.proof", "--require-compiler", "1"],
    ] {
        home.run(args)
            .says(2, "a receipt cannot be held against pins", "thymos export");
    }
}

#[test]
fn y2_what_is_no_pin_is_one_sentence() {
    let home = worked();
    for (args, sentence, hint) in [
        (
            ["--require-policy-set", "12345"],
            "`12345` is no hash",
            "verify --pins",
        ),
        (
            ["--require-tools", "xyzxyz"],
            "`xyzxyz` is no hash",
            "verify --pins",
        ),
        (
            ["--require-signer", "adda"],
            "nobody is trusted by that name",
            "did you mean `ada`?",
        ),
    ] {
        home.run(&[&["verify"], &args[..]].concat())
            .says(2, sentence, hint);
    }
}
