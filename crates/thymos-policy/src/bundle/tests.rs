//! Tests of loading bundles: every mistake has a line and a hint.

use super::*;
use serde_json::json;
use thymos_core::key::SigningKey;
use thymos_core::writ::{Party, TrustRoots};

use crate::signed::{BundleFile, SignedBundle};

const GOOD: &str = r#"{
  "name": "house",
  "version": "3",
  "default": "permit",
  "rules": [
    {"id": "no-env", "when": {"field": "args.path", "op": "starts_with", "value": ".env"},
     "decision": "forbid", "if_missing": "skip"}
  ]
}"#;

fn refusal(text: &str) -> (String, Option<String>) {
    let invalid = Bundle::parse(text.as_bytes()).unwrap_err();
    (invalid.to_string(), invalid.hint)
}

#[test]
fn p2_a_bundle_is_read_in_any_spelling_and_kept_in_one() {
    let bundle = Bundle::parse(GOOD.as_bytes()).unwrap();
    assert_eq!(
        (bundle.name(), bundle.version(), bundle.rules_len()),
        ("house", "3", 1)
    );
    let again = Bundle::from_value(bundle.value()).unwrap();
    assert_eq!(again.canonical(), bundle.canonical());
}

#[test]
fn p2_an_unknown_operator_is_refused_with_rule_line_and_hint() {
    let (said, hint) = refusal(&GOOD.replace("starts_with", "start_with"));
    assert_eq!(
        said,
        "line 6 column 59: rule `no-env`: unknown operator `start_with`"
    );
    assert_eq!(hint.as_deref(), Some("did you mean `starts_with`?"));
}

#[test]
fn p2_an_unknown_path_is_refused_with_rule_line_and_hint() {
    let (said, hint) = refusal(&GOOD.replace("args.path", "resolved.efect"));
    assert_eq!(
        said,
        "line 6 column 40: rule `no-env`: unknown path `resolved.efect`"
    );
    assert_eq!(hint.as_deref(), Some("did you mean `resolved.effect`?"));
}

#[test]
fn p2_an_unknown_key_is_refused() {
    let (said, _) = refusal(&GOOD.replace("if_missing", "if_mising"));
    assert!(
        said.ends_with("rule `no-env`: unknown key `if_mising`"),
        "{said}"
    );
}

#[test]
fn p2_an_operand_of_the_wrong_type_is_refused() {
    let text = GOOD.replace(
        r#""field": "args.path", "op": "starts_with", "value": ".env""#,
        r#""field": "resolved.effect", "op": "lte", "value": "reed""#,
    );
    let (said, _) = refusal(&text);
    assert!(
        said.ends_with("expected pure, read, write, external or irreversible"),
        "{said}"
    );
}

#[test]
fn p2_bad_json_is_refused_with_a_position() {
    let (said, _) = refusal(&GOOD.replace("\"3\",", "\"3\""));
    assert!(
        said.starts_with("line 4 column 3: not valid JSON"),
        "{said}"
    );
}

#[test]
fn p2_two_rules_of_one_id_are_refused() {
    let mut value: Value = serde_json::from_str(GOOD).unwrap();
    let rule = value["rules"][0].clone();
    value["rules"].as_array_mut().unwrap().push(rule);
    let invalid = Bundle::from_value(&value).unwrap_err();
    assert_eq!(invalid.fault, BundleFault::DuplicateRule("no-env".into()));
}

#[test]
fn p2_a_rule_that_fails_its_own_example_is_refused() {
    let mut value: Value = serde_json::from_str(GOOD).unwrap();
    value["rules"][0]["examples"] =
        json!([{"with": {"args.path": ".env.local"}, "says": "nothing"}]);
    let invalid = Bundle::from_value(&value).unwrap_err();
    assert_eq!(
        invalid.fault,
        BundleFault::Example {
            number: 1,
            expected: "nothing".into(),
            found: "forbid".into()
        }
    );
}

#[test]
fn p3_only_a_trusted_policy_key_may_sign() {
    let (key, stranger) = (
        SigningKey::from_seed(&[1; 32]),
        SigningKey::from_seed(&[2; 32]),
    );
    let roots = TrustRoots {
        operators: Vec::new(),
        policy: vec![Party {
            name: "rules".into(),
            key: key.public(),
        }],
        retired: Vec::new(),
    };
    let bundle = Bundle::parse(GOOD.as_bytes()).unwrap();
    let good = SignedBundle::sign(bundle.clone(), &key).to_bytes().unwrap();
    let loaded = SignedBundle::load(good.as_bytes(), &roots).unwrap();
    assert_eq!(loaded.bundle().canonical(), bundle.canonical());

    let foreign = SignedBundle::sign(bundle, &stranger).to_bytes().unwrap();
    let refused = SignedBundle::load(foreign.as_bytes(), &roots).unwrap_err();
    assert_eq!(
        refused.fault,
        BundleFault::UntrustedSigner(stranger.public())
    );

    let changed = String::from_utf8(good.into_vec())
        .unwrap()
        .replace("\"forbid\"", "\"permit\"");
    let refused = SignedBundle::load(changed.as_bytes(), &roots).unwrap_err();
    assert_eq!(refused.fault, BundleFault::Signature);
}

#[test]
fn p3_an_unsigned_bundle_says_what_to_do() {
    let refused = SignedBundle::load(GOOD.as_bytes(), &TrustRoots::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 1 column 1: the bundle is not signed"
    );
    assert!(refused.hint.unwrap().contains("thymos policy sign"));
}

#[test]
fn p3_a_file_is_read_signed_or_not_and_a_changed_one_is_neither() {
    let key = SigningKey::from_seed(&[1; 32]);
    let bare = BundleFile::read(GOOD.as_bytes()).unwrap();
    assert!(bare.vouch.is_none());
    let signed = SignedBundle::sign(bare.bundle, &key).to_bytes().unwrap();
    let file = BundleFile::read(signed.as_bytes()).unwrap();
    let vouch = file.vouch.unwrap();
    assert!(vouch.key == key.public() && vouch.holds(&file.bundle));
    let changed = String::from_utf8(signed.into_vec()).unwrap();
    let changed = changed.replace("\"forbid\"", "\"permit\"");
    let refused = BundleFile::read(changed.as_bytes()).unwrap_err();
    assert_eq!(refused.fault, BundleFault::Signature);
}

#[test]
fn p2_an_example_of_an_unknown_field_names_the_nearest() {
    let text = GOOD.replace(
        "\"if_missing\"",
        "\"examples\": [{\"with\": {\"session.mod\": \"edit\"}, \"says\": \"nothing\"}], \"if_missing\"",
    );
    let (said, hint) = refusal(&text);
    assert!(said.ends_with("unknown path `session.mod`"), "{said}");
    assert_eq!(hint.as_deref(), Some("did you mean `session.mode`?"));
}

#[test]
fn p2_every_example_is_run_and_told() {
    let mut value: Value = serde_json::from_str(GOOD).unwrap();
    value["rules"][0]["examples"] = json!([
        {"with": {"args.path": ".env"}, "says": "forbid"},
        {"with": {"args.path": "a"}, "says": "ask"},
    ]);
    let text = value.to_string();
    let bundle = Bundle::draft(text.as_bytes()).unwrap();
    let runs = bundle.examples(text.as_bytes());
    let told: Vec<_> = runs.iter().map(|run| (run.number, run.holds())).collect();
    assert_eq!(told, [(1, true), (2, false)]);
    assert_eq!(
        (runs[1].rule.as_str(), runs[1].found.as_str()),
        ("no-env", "nothing")
    );
}

#[test]
fn p2_terms_that_nobody_could_meet_are_refused() {
    let ask = |terms: Value| {
        let mut value: Value = serde_json::from_str(GOOD).unwrap();
        value["rules"][0]["decision"] = json!({ "ask": terms });
        Bundle::from_value(&value).unwrap_err().fault.to_string()
    };
    assert_eq!(
        ask(json!({"quorum": 3, "approvers": ["ada", "bob"]})),
        "3 approvals are wanted, and 2 approvers are named"
    );
    assert_eq!(
        ask(json!({"approvers": ["ada", "ada"]})),
        "approver `ada` stands twice"
    );
    assert_eq!(
        ask(json!({"quorum": 0})),
        "expected a whole number from 1 to 4294967295"
    );
    assert_eq!(
        ask(json!({"expires_after_ms": 0})),
        "expected milliseconds, from 1"
    );
}

#[test]
fn p2_a_name_must_serve_as_one() {
    for name in ["", "../x", "a b", ".hidden", &"x".repeat(65)] {
        let mut value: Value = serde_json::from_str(GOOD).unwrap();
        value["name"] = json!(name);
        let refused = Bundle::from_value(&value).unwrap_err();
        assert_eq!(refused.fault, BundleFault::Name(name.to_owned()));
    }
}

#[test]
fn p2_an_unknown_tool_is_found_where_the_tools_are_known() {
    let text = GOOD.replace(
        r#""field": "args.path", "op": "starts_with", "value": ".env""#,
        r#""field": "intent.tool", "op": "in", "value": ["shell", "fs_wirte"]"#,
    );
    let bundle = Bundle::parse(text.as_bytes()).unwrap();
    let tools = ["fs_read", "fs_write", "shell"];
    let refused = bundle.check_tools(text.as_bytes(), &tools).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 6 column 76: rule `no-env`: unknown tool `fs_wirte`"
    );
    assert_eq!(refused.hint.as_deref(), Some("did you mean `fs_write`?"));
    bundle
        .check_tools(text.as_bytes(), &["fs_wirte", "shell"])
        .unwrap();
}
