//! Laws that hold for any bundles: a Forbid stays, order is nothing, more rules never loosen.

use proptest::prelude::*;
use serde_json::{Value, json};
use thymos_core::resolved::Resolved;
use thymos_core::writ::Mode;

use super::tests::{answer, facts};
use super::*;
use thymos_core::isolation::Rung;

/// A condition that is true, false, open or in error for the sample call.
fn condition() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"field": "args.n", "op": "eq", "value": 3})),
        Just(json!({"field": "args.n", "op": "gt", "value": 9})),
        Just(json!({"field": "args.gone", "op": "eq", "value": 1})),
        Just(json!({"field": "args.text", "op": "gt", "value": 1})),
        Just(json!({"field": "resolved.effect", "op": "lte", "value": "read"})),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|all| json!({"all": all})),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|any| json!({"any": any})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let decision = prop_oneof![Just("permit"), Just("ask"), Just("forbid")];
    let missing = prop_oneof![Just("forbid"), Just("skip"), Just("applies")];
    (condition(), decision, missing)
        .prop_map(|(when, decision, if_missing)| {
            json!({"id": "r", "when": when, "decision": decision, "if_missing": if_missing})
        })
}

fn bundles() -> impl Strategy<Value = Vec<Bundle>> {
    let default = prop_oneof![Just("permit"), Just("ask"), Just("forbid")];
    let one = (prop::collection::vec(rule(), 0..4), default);
    prop::collection::vec(one, 1..4).prop_map(|all| {
        let named = all.into_iter().enumerate();
        named
            .map(|(at, (rules, default))| bundle(at, rules, default))
            .collect()
    })
}

fn bundle(at: usize, mut rules: Vec<Value>, default: &str) -> Bundle {
    for (number, rule) in rules.iter_mut().enumerate() {
        rule["id"] = json!(format!("r{number}"));
    }
    let name = format!("b{at}");
    let value = json!({"name": name, "version": "1", "default": default, "rules": rules});
    Bundle::from_value(&value).unwrap()
}

fn ruled(bundles: Vec<Bundle>) -> PolicyAnswer {
    let set = PolicySet::new(bundles, Switches::standard());
    let args = json!({"n": 3, "text": "many"});
    answer(&set, &args, &Resolved::pure(), &facts(Mode::Edit, Rung::L3))
}

proptest! {
    #[test]
    fn p1_no_combination_undoes_a_forbid(bundles in bundles(), more in bundles()) {
        let alone = ruled(bundles.clone());
        let no = json!([{"id": "no", "when": {"all": []}, "decision": "forbid"}]);
        let value = json!({"name": "z", "version": "1", "default": "permit", "rules": no});
        let mut all = more;
        all.push(Bundle::from_value(&value).unwrap());
        all.extend(bundles);
        let found = ruled(all);
        prop_assert_eq!(found.ruling, Ruling::Forbid);
        prop_assert!(!found.explicitly_permitted);
        prop_assert!(alone.ruling <= found.ruling);
    }

    #[test]
    fn p1_the_order_of_bundles_changes_nothing(
        (one, other) in bundles().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(ruled(one.clone()), ruled(other.clone()));
        let id = |bundles| PolicySet::new(bundles, Switches::standard()).id();
        prop_assert_eq!(id(one), id(other));
    }

    #[test]
    fn p1_the_strictest_rule_that_spoke_is_the_ruling(bundles in bundles()) {
        let found = ruled(bundles);
        let strictest = found.lines.iter().map(|line| line.ruling).max();
        prop_assert_eq!(Some(found.ruling), strictest);
    }
}
