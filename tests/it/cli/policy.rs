//! `thymos policy`: bundles from a file into force and out again, and every way it can be wrong.

use std::fs;

use serde_json::{Value, json};

use super::home::{Ended, Home};

const FOLDER: &str = "home/.config/thymos/policy";

/// A rule that forbids a write, with an example.
fn house() -> Value {
    json!({
        "name": "house", "version": "1", "default": "permit",
        "rules": [{
            "id": "no-a", "reason": "`a.txt` stays as it is", "decision": "forbid", "if_missing": "skip",
            "when": {"field": "resolved.writes", "op": "under", "value": "a.txt", "of": "any"},
            "examples": [{"with": {"resolved.writes": ["a.txt"]}, "says": "forbid"}]
        }]
    })
}

fn put(home: &Home, bundle: &Value) {
    home.write(
        "ws/house.json",
        &serde_json::to_string_pretty(bundle).unwrap(),
    );
}

/// The house bundle, changed like this, with a model that writes `a.txt`.
fn with(change: impl FnOnce(&mut Value)) -> Home {
    let write = json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]});
    let home = Home::playing(&[write.clone(), json!({"text": "done"})]);
    let mut bundle = house();
    change(&mut bundle);
    put(&home, &bundle);
    home
}

fn loaded() -> Home {
    let home = with(|_| {});
    done(&home.run(&["policy", "sign", "house.json", "--out", "signed.json"]));
    done(&home.run(&["policy", "load", "signed.json"]));
    home
}

fn done(ended: &Ended) {
    assert_eq!(ended.code, 0, "{ended:?}");
}

fn bundles(home: &Home) -> usize {
    let policies = home.json(&["policy", "ls", "--json"]).remove(0);
    policies["bundles"].as_array().unwrap().len()
}

#[test]
fn p3_a_bundle_is_checked_signed_loaded_and_taken_out_again() {
    let home = with(|_| {});
    let checked = home
        .json(&["policy", "check", "house.json", "--json"])
        .remove(0);
    assert_eq!(
        (&checked["rules"], &checked["signed_by"]),
        (&json!(1), &Value::Null)
    );
    let tested = home.json(&["policy", "test", "house.json", "--json"]);
    assert_eq!((tested.len(), &tested[0]["holds"]), (1, &json!(true)));
    assert_eq!(home.entries().len(), 0);

    let signed = home.run(&["policy", "sign", "house.json"]);
    done(&signed);
    home.write("ws/signed.json", &signed.out);
    let checked = home
        .json(&["policy", "check", "signed.json", "--json"])
        .remove(0);
    assert_eq!(checked["trusted"], json!(true));
    done(&home.run(&["policy", "load", "signed.json"]));
    assert_eq!((bundles(&home), home.entries().len()), (2, 0));
    done(&home.run(&["policy", "reload"]));
    let shown = home.run(&["policy", "show", "house"]);
    assert!(
        shown.out.contains("no-a: forbid: `a.txt` stays as it is"),
        "{shown:?}"
    );
    assert_eq!(
        home.json(&["policy", "show", "house", "--json"])[0],
        house()
    );

    let ran = home.run(&["run", "write"]);
    assert!(ran.out.contains("`a.txt` stays as it is"), "{ran:?}");
    assert_eq!(
        (home.read("ws/a.txt"), home.count("policy_loaded")),
        (String::new(), 2)
    );
    done(&home.run(&["policy", "unload", "house"]));
    assert_eq!(bundles(&home), 1);
    home.verifies();
}

#[test]
fn p3_a_session_that_waits_is_bound_by_rules_that_came_meanwhile() {
    let home = with(|_| {});
    assert_eq!(home.run(&["run", "write"]).code, 10);
    let (id, digest) = home.held();
    done(&home.run(&["policy", "sign", "house.json", "--out", "signed.json"]));
    done(&home.run(&["policy", "load", "signed.json"]));
    let ended = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!((ended.code, home.count("rejection")), (11, 1), "{ended:?}");
    assert_eq!(home.read("ws/a.txt"), "");
    home.verifies();
}

#[test]
fn p2_each_mistake_of_a_bundle_has_its_place_and_a_hint() {
    let rule = |change: fn(&mut Value)| with(move |bundle| change(&mut bundle["rules"][0]));
    for (home, sentence, hint) in [
        (
            rule(|rule| rule["when"]["field"] = json!("resolved.writs")),
            "line 21 column 18: rule `no-a`: unknown path `resolved.writs`",
            "`resolved.writes`",
        ),
        (
            rule(|rule| rule["when"]["op"] = json!("undr")),
            "rule `no-a`: unknown operator `undr`",
            "`under`",
        ),
        (
            rule(|rule| {
                rule["when"] = json!({"field": "intent.tool", "op": "eq", "value": "shel"});
            }),
            "rule `no-a`: unknown tool `shel`",
            "`shell`",
        ),
        (
            rule(|rule| rule["examples"][0]["says"] = json!("ask")),
            "rule `no-a`: example 1 expects ask, and the rule says forbid",
            "correct the rule",
        ),
        (
            rule(|rule| rule["decision"] = json!({"ask": {"quorum": 2, "approvers": ["ada"]}})),
            "2 approvals are wanted, and 1 approvers are named",
            "",
        ),
        (
            with(|bundle| bundle["name"] = json!("builtin")),
            "the name `builtin` belongs to the program's own rules",
            "another name",
        ),
        (
            with(|bundle| bundle["rulez"] = json!([])),
            "unknown key `rulez`",
            "`rules`",
        ),
    ] {
        for verb in ["check", "sign", "simulate"] {
            let code = if sentence.contains("example 1") {
                11
            } else {
                1
            };
            home.run(&["policy", verb, "house.json"])
                .says(code, sentence, hint);
        }
        assert_eq!(home.entries().len(), 0);
        assert!(!home.path(FOLDER).exists());
    }
    let home = with(|_| {});
    home.write("ws/house.json", "{\n  \"name\": \"house\",,\n}");
    home.run(&["policy", "check", "house.json"]).says(
        1,
        "line 2 column 19: not valid JSON",
        "strict JSON",
    );
    home.run(&["policy", "check", "nowhere.json"]).says(
        1,
        "bundle `nowhere.json`: it cannot be read",
        "in JSON",
    );
    home.run(&["policy", "check", "."])
        .says(1, "it is not a file", "in JSON");
}

#[test]
fn p3_only_what_a_trusted_key_signed_is_loaded() {
    let home = with(|_| {});
    home.run(&["policy", "load", "house.json"]).says(
        11,
        "the bundle is not signed",
        "thymos policy sign",
    );
    // What is no bundle is a mistake in the file, here as everywhere.
    home.write("ws/none.json", "{}");
    let checked = home.run(&["policy", "check", "none.json"]);
    let loaded = home.run(&["policy", "load", "none.json"]);
    assert_eq!((loaded.code, &loaded.err), (1, &checked.err));
    let key = home.run(&["keys", "new", "bob", "--out", "bob.key"]).out;
    let args = [
        "policy",
        "sign",
        "house.json",
        "--key",
        "bob.key",
        "--out",
        "bobs.json",
    ];
    let signed = home.run(&args);
    assert!(
        signed.err.contains("not trusted for policy here"),
        "{signed:?}"
    );
    home.run(&["policy", "load", "bobs.json"]).says(
        11,
        "which is no trusted policy key",
        "trust roots",
    );
    assert!(!home.path(FOLDER).exists());
    done(&home.run(&["policy", "check", "house.json"]));
    home.run(&["policy", "check", "bobs.json"]).says(
        11,
        "which is no trusted policy key",
        "thymos keys trust NAME",
    );
    done(&home.run(&["keys", "trust", "bob", key.trim(), "--for", "policy"]));
    done(&home.run(&["policy", "check", "bobs.json"]));
    done(&home.run(&["policy", "load", "bobs.json"]));

    let changed = home
        .read("ws/bobs.json")
        .replace("\"forbid\"", "\"permit\"");
    home.write("ws/changed.json", &changed);
    home.run(&["policy", "load", "changed.json"]).says(
        11,
        "the signature does not match",
        "sign it again",
    );
    assert_eq!(bundles(&home), 2);

    // A key that is retired signs nothing any more, and what it signed no longer loads.
    done(&home.run(&["keys", "distrust", "bob"]));
    home.run(&["policy", "load", "bobs.json"])
        .says(11, "which is retired", "sign it again");
}

#[test]
fn p3_a_bundle_that_ended_is_not_signed_or_loaded_and_shows_when_it_ends() {
    let home = with(|_| {});
    let sign = |more: &[&str]| {
        let out = ["policy", "sign", "house.json", "--out", "signed.json"];
        home.run(&[&out[..], more].concat())
    };
    done(&sign(&["--expires", "30d"]));
    done(&home.run(&["policy", "load", "signed.json"]));
    let listed = home.run(&["policy", "ls"]).out;
    assert!(
        listed.contains("signed by ada") && listed.contains(", until 20"),
        "{listed}"
    );
    assert!(
        home.run(&["policy", "show", "house"])
            .out
            .contains("until 20")
    );
    home.run(&["policy", "check", "signed.json"]);
    sign(&["--expires", "soon"]).says(2, "is no length of time", "8h");
    let mut over = house();
    over["window"] = json!({"not_before": 1, "expires_at": 2});
    put(&home, &over);
    for verb in ["check", "sign", "load"] {
        let told = if verb == "load" {
            "is not signed"
        } else {
            "it ended 1970"
        };
        let hint = if verb == "load" {
            "policy sign"
        } else {
            "--expires 30d"
        };
        home.run(&["policy", verb, "house.json"])
            .says(11, told, hint);
    }
    // A later end makes it good again.
    done(&sign(&["--expires", "1h"]));
    over["window"] = json!({"not_before": 2, "expires_at": 2});
    put(&home, &over);
    home.run(&["policy", "check", "house.json"]).says(
        1,
        "column 13: the window ends before it begins",
        "docs/spec",
    );
    over["window"] = json!({"expires": 2});
    put(&home, &over);
    home.run(&["policy", "check", "house.json"])
        .says(1, "unknown key `expires`", "expires_at");
}

#[test]
fn p3_a_broken_file_in_the_folder_is_told_everywhere_and_closes_the_gate() {
    let home = loaded();
    home.write(&format!("{FOLDER}/house.json"), "{}");
    let listed = home.run(&["policy", "ls"]);
    assert!(
        listed
            .out
            .contains("refused: `house.json`: line 1 column 1"),
        "{listed:?}"
    );
    assert_eq!(home.run(&["policy", "reload"]).code, 1);
    let doctor = home.run(&["doctor"]);
    assert!(doctor.out.contains("LOOK policy") && doctor.out.contains("refused: `house.json`"));
    let ran = home.run(&["run", "write"]);
    assert!(
        ran.err
            .contains("a policy file is refused: `house.json`: line 1"),
        "{ran:?}"
    );
    assert_eq!(
        (home.read("ws/a.txt"), home.count("rejection")),
        (String::new(), 1)
    );

    // It goes by its file name, and nothing need be restarted after it went.
    done(&home.run(&["policy", "unload", "house"]));
    assert_eq!(
        (home.run(&["policy", "reload"]).code, bundles(&home)),
        (0, 1)
    );
    home.verifies();
}

#[test]
fn a_bundle_that_is_not_there_offers_the_nearest() {
    let home = loaded();
    home.run(&["policy", "unload", "hous"]).says(
        1,
        "there is no bundle `hous`",
        "did you mean `house`?",
    );
    home.run(&["policy", "show", "hous"]).says(
        1,
        "there is no bundle `hous`",
        "did you mean `house`?",
    );
    home.run(&["policy", "unload", "builtin"]).says(
        1,
        "`builtin` is part of the program",
        "stricter",
    );
    home.run(&["policy", "unload", "../config"]).says(
        1,
        "there is no bundle `../config`",
        "policy ls",
    );
    home.run(&["policy", "simulate", "house.json", "--run", "000000000000"])
        .says(1, "there is no trajectory", "thymos runs");
    assert!(fs::exists(home.path(&format!("{FOLDER}/house.json"))).unwrap());
}

#[test]
fn switches_are_explained_with_their_source_and_refused_with_it() {
    let home = Home::new();
    home.config("[policy]\nrisk_threshold = \"low\"\ncompensation_gate = false\n");
    let rows = home.json(&["config", "explain", "--json"]);
    let of = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap().clone();
    let risk = of("policy.risk_threshold");
    assert_eq!(risk["value"], "low");
    assert!(risk["source"].as_str().unwrap().ends_with("config.toml:2"));
    assert_eq!(of("policy.compensation_gate")["value"], "false");
    let listed = home.run(&["policy", "ls"]);
    assert!(
        listed
            .out
            .contains("risk threshold low, compensation gate off"),
        "{listed:?}"
    );
    home.config("[policy]\nrisk_threshold = \"tiny\"\n");
    home.run(&["policy", "ls"])
        .says(1, "there is no risk `tiny`", "critical");
}

#[test]
fn c15_a_flag_of_run_tightens_a_switch_and_never_loosens_it() {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "k", "value": "v"}}]}),
        json!({"text": "done"}),
    ]);
    home.run(&["run", "--risk-threshold", "critical", "go"])
        .says(
            2,
            "`--risk-threshold critical` is laxer than `high`",
            "stricter",
        );
    let tiny = home.run(&["run", "--risk-threshold", "tiny", "go"]);
    assert!(
        tiny.code == 2 && tiny.err.contains("low, medium, high, critical"),
        "{tiny:?}"
    );
    assert_eq!(home.count("root"), 0, "nothing is begun");
    done(&home.run(&["run", "go"]));
    let held = home.run(&["run", "--risk-threshold", "low", "go"]);
    assert_eq!(held.code, 10, "{held:?}");
    // What is held from is part of the set that the record names.
    home.verifies();
}

#[test]
fn c14_the_compensation_gate_is_closed_by_a_flag_where_the_configuration_opened_it() {
    let home = Home::playing(&[json!({"text": "done"})]);
    let model = home.read("home/.config/thymos/config.toml");
    home.config(&format!("{model}\n[policy]\ncompensation_gate = false\n"));
    let set = |flags: &[&str]| {
        done(&home.run(&[&["run"], flags, &["go"]].concat()));
        let loaded = home.json(&["ledger", "--json", "kind:policy_loaded"]);
        format!("{:?}", loaded.last().map(|event| event["what"].clone()))
    };
    assert_ne!(set(&[]), set(&["--compensation-gate"]));
    home.verifies();
}

#[test]
fn a3_a_rule_that_asks_people_without_a_key_is_told_and_not_refused() {
    let asks = |approvers: Value| {
        with(move |bundle| {
            let rule = &mut bundle["rules"][0];
            rule["decision"] = json!({"ask": {"approvers": approvers}});
            rule["examples"][0]["says"] = json!("ask");
        })
    };
    let home = asks(json!(["nobody", "bob"]));
    home.run(&["keys", "show"]);
    for verb in [
        &["policy", "check", "house.json"][..],
        &["policy", "sign", "house.json", "--out", "signed.json"],
        &["policy", "load", "signed.json"],
    ] {
        let told = home.run(verb);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(
            told.err
                .contains("rule `no-a` asks people without a trusted key (nobody, bob)"),
            "{told:?}"
        );
    }
    // One of them is enough, where one is asked.
    let home = asks(json!(["nobody", "ada"]));
    home.run(&["keys", "show"]);
    let told = home.run(&["policy", "check", "house.json"]);
    assert!(told.code == 0 && !told.err.contains("note"), "{told:?}");
}
