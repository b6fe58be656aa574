//! Whatever a child may do, its parent may do `[W2]` `[T4]`.

use proptest::prelude::*;
use serde_json::json;
use thymos_compiler::Verdict;
use thymos_core::Timestamp;
use thymos_core::budget::Cost;
use thymos_core::caveat::{Caveat, Condition};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::isolation::Rung;
use thymos_core::writ::Grant;

use crate::scene::{NOON, Scene, agent, child_writ, delegated};

fn a_condition() -> impl Strategy<Value = Caveat> {
    prop_oneof![
        prop::sample::select(vec![".", "src", "src/deep", "docs"])
            .prop_map(|root| ("path", Condition::Under(root.into()))),
        prop::sample::select(vec!["src/*", "**", "docs/?", "src/**"])
            .prop_map(|glob| ("path", Condition::Glob(glob.into()))),
        (0_u64..8).prop_map(|most| ("text", Condition::LenLe(most))),
        any::<bool>().prop_map(|same| (
            "text",
            Condition::Equals(json!(if same { "new" } else { "old" }))
        )),
    ]
    .prop_map(|(arg, must)| Caveat {
        arg: arg.into(),
        must,
    })
}

fn a_grant() -> impl Strategy<Value = Grant> {
    let tool = prop::sample::select(vec!["*", "fs_*", "fs_write", "kv_*"]);
    (tool, prop::collection::vec(a_condition(), 0..3)).prop_map(|(tool, caveats)| Grant {
        tool: tool.into(),
        caveats,
    })
}

fn effects() -> impl Strategy<Value = Effects> {
    prop_oneof![
        prop::sample::select(EffectClass::ALL.to_vec()).prop_map(Effects::Ceiling),
        prop::collection::btree_set(prop::sample::select(EffectClass::ALL.to_vec()), 0..4)
            .prop_map(Effects::Only),
    ]
}

type Narrowing = (Vec<Grant>, Effects, Rung, u64, u64);

fn narrowing() -> impl Strategy<Value = Narrowing> {
    (
        prop::collection::vec(a_grant(), 0..3),
        effects(),
        prop::sample::select(vec![Rung::L0, Rung::L2, Rung::L3, Rung::L4]),
        0_u64..50,
        0_u64..3_000,
    )
}

fn apply(writ: &mut thymos_core::writ::Writ, (grants, effects, rung, calls, end): Narrowing) {
    writ.grants = grants;
    writ.effects = effects;
    writ.isolation_min = rung;
    writ.budget.tool_calls = Some(calls);
    writ.window.expires_at = Some(Timestamp(NOON - 1_000 + end));
}

fn is_refused(scene: &Scene) -> bool {
    matches!(scene.verdict(), Verdict::Refused(_))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn w2_t4_whatever_a_child_may_do_its_parent_may_do(
        parent in narrowing(),
        child in narrowing(),
        path in prop::sample::select(vec!["src/a", "src/deep/b", "docs/c", "x"]),
        text in prop::sample::select(vec!["new", "old", "a longer text"]),
        effect in prop::sample::select(EffectClass::ALL.to_vec()),
        spent in 0_u64..50,
    ) {
        let mut scene = delegated();
        apply(scene.root(), parent);
        let signed = scene.links[0].0.clone().sign(&scene.links[0].1).unwrap();
        let mut narrowed = child_writ(&signed);
        apply(&mut narrowed, child);
        scene.links[1].0 = narrowed;
        scene.intent.args = json!({"path": path, "text": text});
        scene.contract.effect_floor = EffectClass::Pure;
        scene.resolved().effect = effect;
        scene.resolved().paths[0].path = path.into();
        scene.spent = Some(Cost { tool_calls: spent, ..Cost::default() });

        let child_refused = is_refused(&scene);
        scene.links.truncate(1);
        scene.holder = agent();
        prop_assert!(child_refused || !is_refused(&scene));
    }
}
