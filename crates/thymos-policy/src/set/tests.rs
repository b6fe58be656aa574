//! Tests of evaluating a set of bundles over one call.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use thymos_core::facts::{Facts, Possession};
use thymos_core::id::{Digest, TrajectoryId};
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::key::Signature;
use thymos_core::resolved::{Access, Resolved, ResolvedExec, ResolvedPath};
use thymos_core::time::Timestamp;
use thymos_core::writ::Mode;

fn intent(args: Value) -> Intent {
    Intent {
        v: 1,
        trajectory: TrajectoryId::of(b"t"),
        turn: 0,
        ordinal: 0,
        author: Author::Model,
        tool: "tool".into(),
        args,
    }
}

pub(super) fn facts(mode: Mode, rung: Rung) -> Facts {
    Facts {
        now: Timestamp(1_000),
        tenant: String::new(),
        mode,
        spent: BTreeMap::new(),
        revoked: BTreeSet::new(),
        possession: Possession {
            batch: Vec::new(),
            signature: Signature::from_bytes([0; 64]),
        },
        rung,
        risk_threshold: Risk::High,
        world: BTreeMap::new(),
        repeats: 0,
        standing: Vec::new(),
        approvals: thymos_core::verdict::Tightening::none(),
    }
}

fn touching(effect: EffectClass, paths: &[&str]) -> Resolved {
    Resolved {
        effect,
        paths: paths
            .iter()
            .map(|path| ResolvedPath {
                arg: "path".into(),
                path: (*path).into(),
                access: Access::Write,
                before: None,
                after: None,
            })
            .collect(),
        ..Resolved::pure()
    }
}

fn running() -> Resolved {
    Resolved {
        effect: EffectClass::External,
        exec: Some(ResolvedExec {
            arg: "command".into(),
            argv: vec!["cargo".into(), "test".into()],
            executable: "/usr/bin/cargo".into(),
            executable_digest: Digest::of(b"cargo"),
            cwd: ".".into(),
            env: BTreeMap::new(),
            stdin_bytes: 0,
            timeout_ms: 1,
            shape: String::new(),
        }),
        ..Resolved::pure()
    }
}

pub(super) fn answer(
    set: &PolicySet,
    args: &Value,
    resolved: &Resolved,
    facts: &Facts,
) -> PolicyAnswer {
    set.evaluate(&PolicyInput {
        intent: &intent(args.clone()),
        live_args: None,
        resolved: Some(resolved),
        live_resolved: None,
        effect: Some(resolved.effect),
        risk: Some(resolved.risk),
        links: &[],
        facts,
    })
}

fn builtin(resolved: &Resolved, mode: Mode, rung: Rung) -> PolicyAnswer {
    answer(
        &PolicySet::builtin(),
        &json!({}),
        resolved,
        &facts(mode, rung),
    )
}

fn rules(answer: &PolicyAnswer) -> Vec<&str> {
    answer
        .lines
        .iter()
        .filter_map(|line| line.rule.as_deref())
        .collect()
}

fn house(rules: Value, default: &str) -> PolicySet {
    let value = json!({"name": "house", "version": "1", "default": default, "rules": rules});
    PolicySet::new(
        vec![Bundle::from_value(&value).unwrap()],
        Switches::standard(),
    )
}

#[test]
fn p1_rulings_combine_with_max() {
    let all =
        |decision: &str, id: &str| json!({"id": id, "when": {"all": []}, "decision": decision});
    let set = house(
        json!([all("permit", "a"), all("forbid", "b"), all("ask", "c")]),
        "permit",
    );
    let found = answer(
        &set,
        &json!({}),
        &Resolved::pure(),
        &facts(Mode::Edit, Rung::L3),
    );
    assert_eq!(found.ruling, Ruling::Forbid);
    assert_eq!(rules(&found), ["house/a", "house/b", "house/c"]);
    assert!(!found.explicitly_permitted);
}

#[test]
fn p1_what_no_rule_mentions_gets_the_default() {
    for (default, ruling) in [
        ("permit", Ruling::Permit),
        ("ask", Ruling::Ask),
        ("forbid", Ruling::Forbid),
    ] {
        let set = house(json!([]), default);
        let found = answer(
            &set,
            &json!({}),
            &Resolved::pure(),
            &facts(Mode::Edit, Rung::L3),
        );
        assert_eq!(found.ruling, ruling);
        assert_eq!(found.asks.len(), usize::from(ruling == Ruling::Ask));
    }
    assert_eq!(
        answer(
            &PolicySet::new(vec![], Switches::standard()),
            &json!({}),
            &Resolved::pure(),
            &facts(Mode::Edit, Rung::L3)
        )
        .ruling,
        Ruling::Forbid
    );
}

#[test]
fn p3_a_bundle_holds_within_its_window_and_once_over_forbids_everything() {
    let value = json!({"name": "house", "version": "1", "default": "ask", "rules": [],
        "window": {"not_before": 900, "expires_at": 1_100}});
    let bundle = Bundle::from_value(&value).unwrap();
    let quiet = json!({"name": "quiet", "version": "1", "default": "permit", "rules": []});
    let quiet = Bundle::from_value(&quiet).unwrap();
    let set = PolicySet::new(vec![bundle, quiet], Switches::standard());
    let at = |set: &PolicySet, now| {
        let mut facts = facts(Mode::Edit, Rung::L3);
        facts.now = Timestamp(now);
        answer(set, &json!({}), &Resolved::pure(), &facts)
    };
    // The first moment is inside, the last is not; before it, its default counts no more than its rules.
    assert_eq!(at(&set, 899).ruling, Ruling::Permit);
    assert_eq!(at(&set, 900).ruling, Ruling::Ask);
    assert_eq!(at(&set, 1_099).ruling, Ruling::Ask);
    let over = at(&set, 1_100);
    assert_eq!(
        (over.ruling, rules(&over)),
        (Ruling::Forbid, vec!["house/window"])
    );
    assert_eq!(at(&set.clone().timeless(), 1_100).ruling, Ruling::Ask);
    // A set of nothing that holds has no say to give, and forbids.
    let alone = PolicySet::new(set.bundles()[..1].to_vec(), Switches::standard());
    assert_eq!(at(&alone, 899).ruling, Ruling::Forbid);
    let again = Bundle::from_value(&value)
        .unwrap()
        .until(Timestamp(5_000))
        .unwrap();
    assert_eq!(again.window().unwrap().expires_at, Some(Timestamp(5_000)));
    assert!(
        !again.same(&set.bundles()[0]),
        "the window is part of what is signed"
    );
}

#[test]
fn p1_an_error_while_evaluating_forbids() {
    let set = house(
        json!([{"id": "n", "when": {"field": "args.n", "op": "gt", "value": 3}, "decision": "permit"}]),
        "permit",
    );
    let found = answer(
        &set,
        &json!({"n": "many"}),
        &Resolved::pure(),
        &facts(Mode::Edit, Rung::L3),
    );
    assert_eq!(found.ruling, Ruling::Forbid);
    assert_eq!(
        found.lines[0].said,
        "`args.n` holds a value that `gt` cannot compare"
    );
}

#[test]
fn p2_a_missing_value_forbids_unless_the_rule_says_otherwise() {
    let rule = |if_missing: Value| {
        let mut rule = json!({"id": "n", "when": {"field": "args.n", "op": "eq", "value": 3}, "decision": "permit"});
        if !if_missing.is_null() {
            rule["if_missing"] = if_missing;
        }
        house(json!([rule]), "ask")
    };
    let ruled = |set: PolicySet| {
        answer(
            &set,
            &json!({}),
            &Resolved::pure(),
            &facts(Mode::Edit, Rung::L3),
        )
        .ruling
    };
    assert_eq!(ruled(rule(Value::Null)), Ruling::Forbid);
    assert_eq!(ruled(rule(json!("skip"))), Ruling::Ask);
    assert_eq!(ruled(rule(json!("applies"))), Ruling::Permit);
}

#[test]
fn p2_a_list_fits_when_every_item_does_or_any_when_the_rule_says_so() {
    let ruled = |leaf: Value, paths: &[&str]| {
        let rule = json!({"id": "n", "when": leaf, "decision": "forbid"});
        let found = answer(
            &house(json!([rule]), "permit"),
            &json!({"hosts": ["a.org", "evil.net"]}),
            &touching(EffectClass::Write, paths),
            &facts(Mode::Edit, Rung::L3),
        );
        found.ruling == Ruling::Forbid
    };
    let every = json!({"field": "resolved.writes", "op": "under", "value": "keys"});
    let any = json!({"field": "resolved.writes", "op": "under", "value": "keys", "of": "any"});
    assert!(ruled(every.clone(), &["keys/a"]) && ruled(any.clone(), &["keys/a"]));
    assert!(!ruled(every.clone(), &["keys/a", "b"]) && ruled(any.clone(), &["keys/a", "b"]));
    assert!(!ruled(every, &[]) && !ruled(any, &[]));
    let host =
        |of: &str| json!({"field": "args.hosts", "op": "host_in", "value": ["evil.net"], "of": of});
    assert!(ruled(host("any"), &[]) && !ruled(host("every"), &[]));
    let one = |of: &str| json!({"field": "resolved.paths", "op": "in", "value": ["b"], "of": of});
    assert!(ruled(one("any"), &["a", "b"]) && !ruled(one("every"), &["a", "b"]));
}

#[test]
fn p3_the_set_id_covers_rules_and_every_switch() {
    let base = PolicySet::builtin();
    let rules = base.bundles().to_vec();
    let with = |change: &dyn Fn(&mut Switches)| {
        let mut switches = Switches::standard();
        change(&mut switches);
        PolicySet::new(rules.clone(), switches).id()
    };
    assert_eq!(with(&|_| {}), base.id());
    let changed = [
        with(&|s| s.risk_threshold = Risk::Low),
        with(&|s| s.compensation_gate = false),
        with(&|s| s.redactor.push('x')),
        house(json!([]), "ask").id(),
        PolicySet::new(vec![], Switches::standard()).id(),
    ];
    for (at, id) in changed.iter().enumerate() {
        assert_ne!(*id, base.id());
        assert!(!changed[..at].contains(id));
    }
}

#[test]
fn p4_a_line_names_the_rule_and_the_values_it_read() {
    let found = builtin(
        &touching(EffectClass::Write, &["a.txt"]),
        Mode::Edit,
        Rung::L3,
    );
    assert_eq!(
        found.lines,
        [TraceLine {
            clause: Clause::C13,
            rule: Some("builtin/write-review".into()),
            ruling: Ruling::Ask,
            said: "writes to files need a person (`resolved.effect` write, `resolved.paths` a.txt, `session.preset` edit, `intent.tool` tool)".into(),
            witnessed: false,
        }]
    );
    assert_eq!(found.asks[0].reason, "writes to files need a person");
}

#[test]
fn builtin_permits_looking_and_remembering() {
    let looked = builtin(
        &touching(EffectClass::Read, &["a.txt"]),
        Mode::Plan,
        Rung::L0,
    );
    assert!(looked.explicitly_permitted);
    let kept = builtin(&touching(EffectClass::Write, &[]), Mode::Edit, Rung::L0);
    assert_eq!(rules(&kept), ["builtin/remember"]);
    let planned = builtin(&touching(EffectClass::Write, &[]), Mode::Plan, Rung::L3);
    assert_eq!(planned.ruling, Ruling::Ask);
}

#[test]
fn builtin_lets_auto_mode_write_inside_the_workspace_only() {
    let inside = builtin(
        &touching(EffectClass::Write, &["a.txt"]),
        Mode::Auto,
        Rung::L2,
    );
    assert_eq!(inside.ruling, Ruling::Permit);
    let outside = builtin(
        &touching(EffectClass::Write, &["a", "/etc/x"]),
        Mode::Auto,
        Rung::L2,
    );
    assert_eq!(outside.ruling, Ruling::Ask);
}

#[test]
fn builtin_asks_for_external_effects_but_in_auto_mode() {
    assert_eq!(
        rules(&builtin(&running(), Mode::Edit, Rung::L3)),
        ["builtin/exec-review"]
    );
    assert_eq!(
        builtin(&running(), Mode::Auto, Rung::L3).ruling,
        Ruling::Permit
    );
}

#[test]
fn builtin_says_plainly_that_no_cage_holds_it() {
    let found = builtin(&running(), Mode::Auto, Rung::L1);
    assert_eq!(found.ruling, Ruling::Ask);
    assert_eq!(
        found.asks[0].reason,
        "no cage holds this call on this machine"
    );
}

#[test]
fn a8_irreversible_calls_are_typed_back_and_no_rule_relaxes_a_write() {
    let resolved = Resolved {
        effect: EffectClass::Irreversible,
        ..Resolved::pure()
    };
    let found = builtin(&resolved, Mode::Auto, Rung::L3);
    assert!(found.ceremony.type_back && found.ceremony.view_gate && !found.ceremony.batch);

    let lax = json!({"ask": {"ceremony": {"arming_ms": 0, "view_gate": false, "type_back": false, "batch": true}}});
    let set = house(
        json!([{"id": "lax", "when": {"all": []}, "decision": lax}]),
        "ask",
    );
    let ceremony = |effect| {
        let resolved = Resolved {
            effect,
            ..Resolved::pure()
        };
        answer(&set, &json!({}), &resolved, &facts(Mode::Edit, Rung::L3)).ceremony
    };
    assert!(ceremony(EffectClass::Write).view_gate);
    assert_eq!(ceremony(EffectClass::Write).arming_ms, ARMING_MS);
    assert!(!ceremony(EffectClass::Read).view_gate);
}

#[test]
fn r4_a_rule_that_read_a_redacted_value_is_witnessed_and_does_not_repeat_it() {
    let set = house(
        json!([
            {"id": "hit", "when": {"field": "args.text", "op": "contains", "value": "hunter2"}, "decision": "forbid"},
            {"id": "miss", "when": {"field": "args.text", "op": "eq", "value": "x"}, "decision": "forbid"},
            {"id": "plain", "when": {"field": "args.n", "op": "eq", "value": 1}, "decision": "permit"}
        ]),
        "permit",
    );
    let recorded = intent(json!({"text": "[redacted]", "n": 1}));
    let live = json!({"text": "my hunter2", "n": 1});
    let resolved = Resolved::pure();
    let found = set.evaluate(&PolicyInput {
        intent: &recorded,
        live_args: Some(&live),
        resolved: Some(&resolved),
        live_resolved: None,
        effect: Some(resolved.effect),
        risk: Some(resolved.risk),
        links: &[],
        facts: &facts(Mode::Edit, Rung::L3),
    });
    assert_eq!(found.ruling, Ruling::Forbid);
    let witnessed: Vec<bool> = found.lines.iter().map(|line| line.witnessed).collect();
    assert_eq!(witnessed, [true, true, false]);
    assert!(
        found
            .lines
            .iter()
            .all(|line| !line.said.contains("hunter2"))
    );
}
