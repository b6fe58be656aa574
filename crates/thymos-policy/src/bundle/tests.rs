//! Tests of loading bundles: every mistake has a line and a hint.

use super::*;
use serde_json::json;
use thymos_core::key::SigningKey;
use thymos_core::writ::{Party, TrustRoots};

use crate::signed::SignedBundle;

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
