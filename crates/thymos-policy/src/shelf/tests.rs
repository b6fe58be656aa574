//! Tests of getting from one shelf to the next.

use super::*;
use serde_json::json;

fn bundle(name: &str, version: &str) -> Bundle {
    let value = json!({"name": name, "version": version, "default": "permit", "rules": []});
    Bundle::from_value(&value).unwrap()
}

fn shelf(bundles: &[Bundle], switches: Switches) -> Shelf {
    Shelf::unsigned(&PolicySet::new(bundles.to_vec(), switches))
}

/// Takes the steps, checking the set named by each, and gives what is in force after them.
fn walk(before: &[Bundle], to: &Shelf) -> Vec<String> {
    let mut now = before.to_vec();
    let mut told = Vec::new();
    for step in to.steps_from(before, None) {
        let (said, set) = match step {
            Step::Unload { name, set } => {
                now.retain(|bundle| bundle.name() != name);
                (format!("-{name}"), set)
            }
            Step::Load { placed, set } => {
                let bundle = &placed.bundle;
                now.retain(|old| old.name() != bundle.name());
                now.push(bundle.clone());
                (format!("+{} {}", bundle.name(), bundle.version()), set)
            }
        };
        let expected = PolicySet::new(now.clone(), to.set().switches().clone());
        assert_eq!(set, expected.id(), "{said}");
        told.push(said);
    }
    assert_eq!(
        PolicySet::new(now, to.set().switches().clone()).id(),
        to.set().id()
    );
    told
}

#[test]
fn p3_each_change_is_a_step_that_names_the_set_after_it() {
    let (a, b, c) = (bundle("a", "1"), bundle("b", "1"), bundle("c", "1"));
    let to = shelf(&[c.clone(), bundle("b", "2")], Switches::standard());
    assert_eq!(walk(&[a, b], &to), ["-a", "+b 2", "+c 1"]);
    assert_eq!(walk(&[], &to), ["+b 2", "+c 1"]);
    assert!(to.steps_from(&[c], Some(to.set().id())).is_empty());
}

#[test]
fn p3_a_switch_alone_is_a_step_too() {
    let one = [bundle("a", "1"), bundle("b", "1")];
    let mut switches = Switches::standard();
    switches.compensation_gate = false;
    assert_eq!(walk(&one, &shelf(&one, switches)), ["+a 1"]);
}

#[test]
fn p3_the_order_of_loading_does_not_change_the_set() {
    let (a, b) = (bundle("a", "1"), bundle("b", "1"));
    let one = shelf(&[a.clone(), b.clone()], Switches::standard());
    let other = shelf(&[b, a], Switches::standard());
    assert_eq!(one.set().id(), other.set().id());
}
