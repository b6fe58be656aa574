//! Each clause, once allowing and once refusing `[C1]`-`[C16]`.

use serde_json::json;
use thymos_compiler::{GateVersion, IN_DOUBT, is_repeat};
use thymos_core::Timestamp;
use thymos_core::budget::Cost;
use thymos_core::caveat::{ArgvSlot, Caveat, Condition};
use thymos_core::delta::Resource;
use thymos_core::effect::{EffectClass, Effects, Risk};
use thymos_core::isolation::Rung;
use thymos_core::resolved::{Resolved, ResolvedResource};
use thymos_core::tool::{Compensation, Repeat};
use thymos_core::trace::{Clause, Ruling};
use thymos_core::verdict::SmallestGrant;
use thymos_core::writ::{Grant, Mode};
use thymos_policy::{Bundle, PolicySet, Switches};

use crate::scene::{NOON, Scene, delegated, grant, helper, running, stranger, writing};

fn house(rule: serde_json::Value) -> PolicySet {
    let value = json!({"name": "house", "version": "1", "default": "permit", "rules": [rule]});
    PolicySet::new(
        vec![Bundle::from_value(&value).unwrap()],
        Switches::standard(),
    )
}

#[test]
fn a_granted_call_is_cleared_with_a_whole_trace() {
    let warrant = delegated().cleared();
    let lines = &warrant.decided().trace.lines;
    assert!(
        lines
            .iter()
            .all(|line| line.ruling == Ruling::Permit && !line.witnessed)
    );
    let mut clauses: Vec<Clause> = lines.iter().map(|line| line.clause).collect();
    clauses.dedup();
    assert_eq!(clauses, Clause::ALL);
    assert_eq!(
        warrant.args(),
        &json!({"path": "src/a.rs", "text": "new\n"})
    );
    assert!(warrant.approvals().is_empty());
}

#[test]
fn the_same_grounds_give_the_same_verdict() {
    let scene = delegated();
    assert_eq!(scene.cleared().decided(), scene.cleared().decided());
}

#[test]
fn c1_an_intent_that_is_not_canonical_is_refused() {
    let mut scene = writing();
    scene.intent.args["text"] = json!(u64::MAX);
    let refused = scene.refused();
    assert_eq!(refused.refusal.clause, Clause::C1);
    assert!(
        refused
            .refusal
            .reason
            .starts_with("intent has no canonical form: number")
    );
}

#[test]
fn c1_arguments_that_are_too_large_are_refused() {
    let mut scene = writing();
    scene.intent.args["text"] = json!("x".repeat(1024 * 1024));
    scene.check_refused(
        Clause::C1,
        "arguments of 1048605 bytes are larger than 1048576",
    );
}

#[test]
fn c1_arguments_that_are_no_object_are_refused() {
    let mut scene = writing();
    scene.intent.args = json!(["src/a.rs"]);
    scene.check_refused(Clause::C1, "arguments are no object");
}

#[test]
fn c1_the_sixty_fifth_intent_of_a_turn_is_refused() {
    let mut scene = writing();
    scene.intent.ordinal = 63;
    scene.check_cleared();
    scene.intent.ordinal = 64;
    scene.check_refused(Clause::C1, "a turn holds at most 64 intents");
}

#[test]
fn c2_a_writ_signed_by_a_stranger_is_refused() {
    let mut scene = writing();
    scene.links[0].1 = stranger();
    scene.check_refused(
        Clause::C2,
        "link 0 `signature`: `ann` did not sign this writ",
    );
}

#[test]
fn c2_w5_a_copied_writ_without_its_key_is_refused() {
    let mut scene = writing();
    scene.holder = helper();
    scene.check_refused(Clause::C2, "the key of `agent` did not sign this intent");
}

#[test]
fn c3_a_revoked_link_is_refused_however_deep() {
    let mut scene = delegated();
    let root = scene.chain().links()[0].0;
    scene.facts.revoked.insert(root);
    scene.check_refused(Clause::C3, "link 0 `auto` is revoked");
}

#[test]
fn c4_expired_writ_is_refused() {
    let mut scene = writing();
    scene.facts.now = Timestamp(NOON + 999);
    scene.check_cleared();
    scene.facts.now = Timestamp(NOON + 1_000);
    scene.check_refused(
        Clause::C4,
        "link 0 `auto` expired at 2027-01-15T08:00:01.000Z, now is 2027-01-15T08:00:01.000Z",
    );
}

#[test]
fn c4_a_writ_that_has_not_begun_is_refused() {
    let mut scene = writing();
    scene.facts.now = Timestamp(NOON - 1_000);
    scene.check_cleared();
    scene.facts.now = Timestamp(NOON - 1_001);
    assert_eq!(scene.refused().refusal.clause, Clause::C4);
}

#[test]
fn c5_another_tenant_is_refused() {
    let mut scene = writing();
    scene.facts.tenant = "acme".into();
    scene.check_refused(Clause::C5, "link 0 is of tenant ``, the session of `acme`");
    scene.root().tenant = "acme".into();
    scene.check_cleared();
}

#[test]
fn c6_a_tool_outside_the_pinned_set_is_refused() {
    let mut scene = writing();
    scene.contract.name = "fs_write_2".into();
    scene.check_refused(
        Clause::C6,
        "tool `fs_write` is not in the session's tool set",
    );
}

#[test]
fn c7_arguments_that_do_not_fit_the_schema_are_refused_without_their_value() {
    let mut scene = writing();
    scene.intent.args = json!({"path": 7});
    let refused = scene.refused();
    assert_eq!(refused.refusal.clause, Clause::C7);
    assert_eq!(
        refused.refusal.reason,
        "argument `/path`: is not of type string"
    );
}

#[test]
fn c7_an_unknown_property_is_refused_though_the_schema_forgot_to_say_so() {
    let mut scene = writing();
    scene.intent.args["mode"] = json!("0777");
    let refused = scene.refused();
    assert_eq!(refused.refusal.clause, Clause::C7);
    assert!(
        refused.refusal.reason.contains("mode"),
        "{}",
        refused.refusal.reason
    );
}

#[test]
fn c8_a_tool_that_no_grant_covers_is_refused() {
    let mut scene = writing();
    scene.root().grants = vec![grant("kv_*")];
    scene.check_refused(Clause::C8, "link 0 `auto` has no grant for tool `fs_write`");
    scene.root().grants.push(grant("fs_*"));
    scene.check_cleared();
}

#[test]
fn c8_every_link_must_grant_it() {
    let mut scene = delegated();
    scene.links[1].0.grants = vec![grant("fs_read")];
    scene.check_refused(Clause::C8, "link 1 `part` has no grant for tool `fs_write`");
}

#[test]
fn c8_a_caveat_is_judged_on_resolved_facts() {
    let mut scene = writing();
    scene.root().grants = vec![Grant {
        tool: "fs_*".into(),
        caveats: vec![Caveat {
            arg: "path".into(),
            must: Condition::Under("src".into()),
        }],
    }];
    scene.check_cleared();
    // The argument still says `src/a.rs`; a symlink leads elsewhere.
    scene.resolved().paths[0].path = "secrets/a.rs".into();
    scene.check_refused(
        Clause::C8,
        "link 0 `auto` grants `fs_*`, but `path` must lie under `src`",
    );
}

#[test]
fn c9_an_effect_above_the_writ_is_refused() {
    let mut scene = writing();
    scene.root().effects = Effects::Ceiling(EffectClass::Read);
    scene.check_refused(
        Clause::C9,
        "effect write exceeds link 0 `auto`, which allows up to read",
    );
}

#[test]
fn c18_a_tool_cannot_declare_itself_milder_than_its_floor() {
    let mut scene = writing();
    scene.root().effects = Effects::Ceiling(EffectClass::Read);
    scene.resolved().effect = EffectClass::Pure;
    assert_eq!(scene.refused().refusal.clause, Clause::C9);
}

#[test]
fn c10_a_cage_that_is_too_weak_is_refused() {
    let mut scene = writing();
    scene.root().isolation_min = Rung::L3;
    scene.check_cleared();
    scene.facts.rung = Rung::L2;
    scene.check_refused(
        Clause::C10,
        "link 0 `auto` wants cage L3, this machine offers L2",
    );
}

#[test]
fn c10_a_read_without_a_process_needs_no_cage() {
    let mut scene = writing();
    scene.contract.effect_floor = EffectClass::Read;
    scene.resolved().effect = EffectClass::Read;
    scene.facts.rung = Rung::L0;
    scene.check_cleared();
}

#[test]
fn c11_a_cost_that_does_not_fit_is_refused_with_the_shortfall() {
    let mut scene = writing();
    let spend = |tool_calls| {
        Some(Cost {
            tool_calls,
            ..Cost::default()
        })
    };
    scene.spent = spend(39);
    scene.check_cleared();
    scene.spent = spend(40);
    scene.check_refused(
        Clause::C11,
        "link 0 `auto` has 0 tool calls left, and the call may take 1 tool calls",
    );
    assert_eq!(
        scene.refused().refusal.smallest_grant,
        Some(SmallestGrant::Budget {
            dimension: "tool calls".into(),
            amount: 1
        })
    );
}

#[test]
fn c11_spending_that_nobody_counted_is_refused() {
    let mut scene = writing();
    scene.spent = None;
    scene.check_refused(Clause::C11, "the facts hold no account of link 0 `auto`");
}

#[test]
fn c12_a_call_that_cannot_be_resolved_is_refused_in_the_tools_words() {
    let mut scene = writing();
    scene.resolved = Err("no file `src/a.rs`".into());
    scene.check_refused(
        Clause::C12,
        "the tool could not resolve it: no file `src/a.rs`",
    );
}

#[test]
fn c16_what_cannot_be_resolved_is_offered_only_what_would_help() {
    let mut scene = writing();
    scene.resolved = Err("`.env` is protected and closed to every tool".into());
    assert_eq!(scene.refused().refusal.smallest_grant, None);
    scene.resolved = Err(format!("this very call was interrupted and {IN_DOUBT}"));
    let hint = "settle what became of it: `thymos settle`".to_owned();
    let settle = Some(SmallestGrant::Change { hint });
    assert_eq!(scene.refused().refusal.smallest_grant, settle);
}

#[test]
fn v3_the_first_version_of_the_gate_says_what_it_always_said() {
    let mut scene = writing();
    scene.gate = GateVersion::V1;
    assert_eq!(
        scene.cleared().decided().proposal.compiler,
        "thymos-compiler 1"
    );
    scene.contract.repeat = Repeat::OncePerKey;
    scene.facts.repeats = 1;
    let said = |scene: &Scene| scene.refused().refusal.reason;
    assert_eq!(
        said(&scene),
        "it was done 1 times before and happens once for a key"
    );
    scene.gate = GateVersion::V2;
    assert_eq!(
        said(&scene),
        "it was done once before and happens once for a key"
    );
    assert!(is_repeat(&scene.refused().refusal));
    scene.facts.repeats = 2;
    assert_eq!(
        said(&scene),
        "it was done 2 times before and happens once for a key"
    );
    scene.gate = GateVersion::V1;
    scene.resolved = Err("no file `src/a.rs`".into());
    let hint = "change the arguments so that the tool finds what they name".to_owned();
    let change = Some(SmallestGrant::Change { hint });
    assert_eq!(scene.refused().refusal.smallest_grant, change);
}

#[test]
fn c12_a_resource_that_moved_is_refused() {
    let mut scene = writing();
    let resource = Resource::Kv("plan".into());
    scene.resolved().resources = vec![ResolvedResource {
        resource,
        version: Some(3),
    }];
    scene.check_refused(
        Clause::C12,
        "the facts do not say which version `kv:plan` has",
    );
    scene.facts.world.insert("kv:plan".into(), Some(3));
    scene.check_cleared();
    scene.facts.world.insert("kv:plan".into(), Some(4));
    scene.check_refused(
        Clause::C12,
        "`kv:plan` was seen at version 3, and is at version 4 now",
    );
}

#[test]
fn x3_a_once_per_key_call_is_not_repeated_by_the_model() {
    let mut scene = writing();
    scene.facts.repeats = 1;
    scene.check_cleared();
    scene.contract.repeat = Repeat::OncePerKey;
    assert_eq!(scene.refused().refusal.clause, Clause::C12);
    scene.intent.author = thymos_core::intent::Author::Operator;
    scene.check_cleared();
}

#[test]
fn c13_a_rule_that_forbids_is_named() {
    let mut scene = writing();
    scene.policy = house(json!({
        "id": "no-src", "reason": "src is frozen", "decision": "forbid",
        "when": {"field": "resolved.paths", "op": "under", "value": "src"}
    }));
    scene.check_refused(Clause::C13, "src is frozen (`resolved.paths` src/a.rs)");
    assert_eq!(
        scene.refused().refusal.smallest_grant,
        Some(SmallestGrant::Rule {
            forbidden_by: "house/no-src".into()
        })
    );
}

#[test]
fn c13_a_rule_that_asks_suspends() {
    let mut scene = writing();
    scene.facts.mode = Mode::Edit;
    let held = scene.held();
    assert_eq!(held.terms.asks.len(), 1);
    assert_eq!(
        held.terms.asks[0].rule.as_deref(),
        Some("builtin/write-review")
    );
    assert!(held.terms.ceremony.view_gate);
}

#[test]
fn c14_an_irreversible_call_suspends_unless_a_rule_permits_it() {
    let mut scene = running();
    scene.resolved().effect = EffectClass::Irreversible;
    scene.policy = house(json!({
        "id": "other", "decision": "permit", "if_missing": "skip",
        "when": {"field": "resolved.effect", "op": "eq", "value": "pure"}
    }));
    let held = scene.held();
    assert_eq!(held.terms.asks[0].clause, Clause::C14);
    assert!(held.terms.ceremony.type_back);
    scene.policy = house(json!({
        "id": "this", "decision": "permit",
        "when": {"field": "resolved.executable", "op": "eq", "value": "/usr/bin/cargo"}
    }));
    scene.check_cleared();
}

#[test]
fn c14_what_can_be_undone_from_the_record_passes() {
    let mut scene = running();
    scene.policy = house(json!({
        "id": "other", "decision": "permit",
        "when": {"field": "resolved.effect", "op": "eq", "value": "pure"}
    }));
    scene.resolved().effect = EffectClass::Irreversible;
    scene.resolved().compensation = Compensation::FromRecord;
    scene.check_cleared();
}

#[test]
fn c15_high_risk_suspends_and_the_stricter_threshold_counts() {
    let mut scene = writing();
    scene.resolved().risk = Risk::High;
    assert_eq!(
        scene.held().terms.asks[0].reason,
        "risk high is at or above high"
    );
    scene.facts.risk_threshold = Risk::Critical;
    assert_eq!(scene.held().terms.asks[0].clause, Clause::C15);
    scene.resolved().risk = Risk::Medium;
    scene.check_cleared();
    scene.facts.risk_threshold = Risk::Medium;
    scene.held();
}

#[test]
fn c15_a_read_of_critical_risk_is_suspended_too() {
    let mut scene = writing();
    scene.contract.effect_floor = EffectClass::Read;
    scene.contract.risk_floor = Risk::Critical;
    scene.resolved().effect = EffectClass::Read;
    assert_eq!(scene.held().terms.asks[0].clause, Clause::C15);
}

#[test]
fn c16_the_smallest_grant_of_a_write_names_its_path_and_effect() {
    let mut scene = writing();
    scene.root().grants = vec![];
    assert_eq!(
        scene.refused().refusal.smallest_grant,
        Some(SmallestGrant::Writ {
            grant: Grant {
                tool: "fs_write".into(),
                caveats: vec![Caveat {
                    arg: "path".into(),
                    must: Condition::Under("src/a.rs".into())
                }],
            },
            effects: Effects::Only([EffectClass::Write].into()),
        })
    );
}

#[test]
fn c16_the_smallest_grant_allows_exactly_the_call_it_was_made_for() {
    let mut scene = running();
    scene.facts.mode = Mode::Auto;
    scene.root().grants = vec![];
    let Some(SmallestGrant::Writ { grant, effects }) = scene.refused().refusal.smallest_grant
    else {
        panic!("no grant offered");
    };
    let mut slots = ["cargo", "test", "-p", "core"]
        .map(|word| ArgvSlot::Is(word.into()))
        .to_vec();
    slots.push(ArgvSlot::End);
    assert_eq!(grant.caveats[0].must, Condition::Argv(slots));
    scene.root().grants = vec![grant];
    scene.root().effects = effects;
    scene.check_cleared();
    // Neither another command nor a longer one.
    for change in [
        (|argv| argv[3] = "client".into()) as fn(&mut Vec<String>),
        |argv| argv.push("--release".into()),
    ] {
        let mut exec = scene.resolved().exec.clone().unwrap();
        change(&mut exec.argv);
        let other = Resolved {
            exec: Some(exec),
            ..scene.resolved().clone()
        };
        let before = std::mem::replace(&mut scene.resolved, Ok(other));
        assert_eq!(scene.refused().refusal.clause, Clause::C8);
        scene.resolved = before;
    }
}

#[test]
fn several_failures_are_all_in_the_trace_and_the_first_names_the_refusal() {
    let mut scene = writing();
    scene.root().effects = Effects::Ceiling(EffectClass::Pure);
    scene.root().isolation_min = Rung::L4;
    scene.facts.now = Timestamp(0);
    let refused = scene.refused();
    let failed: Vec<Clause> = refused
        .decided
        .trace
        .lines
        .iter()
        .filter(|line| line.ruling == Ruling::Forbid)
        .map(|line| line.clause)
        .collect();
    assert_eq!(failed, [Clause::C4, Clause::C9, Clause::C10]);
    assert_eq!(refused.refusal.clause, Clause::C4);
}
