//! The work of one decision, counted: it does not grow with policies that have nothing to say.
//!
//! That `compile` reaches no file, clock, host or database is shown in `sealed`, and kept by the lints of this
//! crate and by the table of crate edges, under which none of these can be linked.

use allocation_counter::{AllocationInfo, measure};
use serde_json::json;
use thymos_compiler::{Verdict, compile};
use thymos_policy::{Bundle, PolicySet, Switches};

use crate::scene::{Scene, delegated};

/// One rule a bundle; each reads something of every call, and none speaks.
fn silent(bundles: usize) -> PolicySet {
    let bundle = |number: usize| {
        let value = json!({
            "name": format!("house-{number}"), "version": "1", "default": "permit", "rules": [{
                "id": "never", "decision": "forbid", "reason": "never", "if_missing": "skip",
                "when": {"all": [
                    {"field": "resolved.effect", "op": "eq", "value": "write"},
                    {"field": "intent.tool", "op": "starts_with", "value": "fs_"},
                    {"field": "resolved.executable", "op": "eq", "value": "/opt/bin/cargo"},
                    {"any": [
                        {"field": "resolved.paths", "op": "under", "value": format!("keys/{number}")},
                        {"not": {"field": "session.tenant", "op": "eq", "value": ""}},
                    ]},
                ]},
            }],
        });
        Bundle::from_value(&value).unwrap()
    };
    PolicySet::new((0..bundles).map(bundle).collect(), Switches::standard())
}

fn work(scene: &Scene) -> AllocationInfo {
    scene.on(|grounds, _| {
        // Once unmeasured: what is made once a process is not the work of a decision.
        drop(compile(&scene.intent, grounds));
        let mut verdict = None;
        let counted = measure(|| verdict = Some(compile(&scene.intent, grounds)));
        assert!(matches!(verdict, Some(Verdict::Cleared(_))), "{verdict:?}");
        counted
    })
}

#[test]
fn c13_what_a_decision_allocates_does_not_grow_with_the_number_of_policies() {
    let mut scene = delegated();
    let mut under = |bundles| {
        scene.policy = silent(bundles);
        let work = work(&scene);
        (work.count_total, work.bytes_total, work.count_max)
    };
    let few = under(1);
    assert!(few.0 > 0, "nothing was counted");
    assert_eq!(under(10), few);
    assert_eq!(under(500), few);
}

#[test]
fn c13_what_a_decision_allocates_is_bounded() {
    // Trace, proposal and facts are made anew each time; a budget, so that more is noticed.
    let work = work(&delegated());
    assert!(work.count_total < 400, "{work:?}");
    assert!(work.bytes_total < 64 * 1024, "{work:?}");
}
