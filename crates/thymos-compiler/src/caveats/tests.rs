//! Tests of caveats, over arguments and resolved facts alone.

use std::collections::BTreeMap;

use super::*;
use serde_json::json;
use thymos_core::id::Digest;
use thymos_core::resolved::{Access, ResolvedHost, ResolvedPath};

fn facts() -> Resolved {
    Resolved {
        paths: vec![ResolvedPath {
            arg: "path".into(),
            path: "src/a.rs".into(),
            access: Access::Read,
            before: None,
            after: None,
        }],
        exec: Some(ResolvedExec {
            arg: "command".into(),
            argv: vec!["cargo".into(), "test".into(), "x".into()],
            executable: "/usr/bin/cargo".into(),
            executable_digest: Digest::of(b""),
            cwd: ".".into(),
            env: BTreeMap::new(),
            stdin_bytes: 0,
            timeout_ms: 0,
            shape: String::new(),
        }),
        hosts: vec![ResolvedHost {
            arg: "url".into(),
            host: "api.example.org".into(),
            port: 443,
            addresses: vec!["::ffff:10.1.2.3".into(), "10.9.9.9".into()],
            method: "GET".into(),
        }],
        ..Resolved::pure()
    }
}

#[track_caller]
fn check(arg: &str, must: Condition, expected: Met) {
    let args = json!({"n": 5, "s": "a/b", "list": [1, 2], "neg": -3});
    let caveat = Caveat {
        arg: arg.into(),
        must,
    };
    assert_eq!(met(&caveat, &args, Some(&facts())), expected);
}

fn slots(words: &[&str]) -> Condition {
    Condition::Argv(
        words
            .iter()
            .map(|word| match *word {
                "_" => ArgvSlot::Any,
                is => ArgvSlot::Is(is.into()),
            })
            .collect(),
    )
}

#[test]
fn w4_plain_conditions_compare_typed_values() {
    check("n", Condition::IntLe(5), Met::Yes);
    check("n", Condition::IntLe(4), Met::No);
    check("neg", Condition::IntGe(-3), Met::Yes);
    check("s", Condition::LenLe(3), Met::Yes);
    check("list", Condition::LenLe(1), Met::No);
    check("s", Condition::Glob("*".into()), Met::No);
    check("s", Condition::Glob("*/b".into()), Met::Yes);
    check("list", Condition::Equals(json!([1, 2])), Met::Yes);
    check(
        "s",
        Condition::OneOf(vec![json!("a/b"), json!(1)]),
        Met::Yes,
    );
}

#[test]
fn w4_a_missing_or_wrongly_typed_argument_refuses() {
    for must in [
        Condition::IntLe(9),
        Condition::IntGe(0),
        Condition::LenLe(9),
        Condition::Glob("**".into()),
        Condition::Equals(json!(1)),
        Condition::OneOf(vec![json!(1)]),
        Condition::Under(".".into()),
        Condition::HostIn(vec!["*.org".into()]),
        slots(&["_"]),
    ] {
        check("absent", must, Met::No);
    }
    check("s", Condition::IntLe(9), Met::No);
    check("n", Condition::LenLe(9), Met::No);
    check("n", Condition::Glob("**".into()), Met::No);
}

#[test]
fn w4_paths_hosts_and_commands_are_judged_as_resolved() {
    check("path", Condition::Under("src".into()), Met::Yes);
    check("path", Condition::Under("docs".into()), Met::No);
    check(
        "url",
        Condition::HostIn(vec!["*.example.org".into()]),
        Met::Yes,
    );
    check(
        "url",
        Condition::HostIn(vec!["example.org".into()]),
        Met::No,
    );
    check("url", Condition::MethodIn(vec!["GET".into()]), Met::Yes);
    check("url", Condition::MethodIn(vec!["POST".into()]), Met::No);
    check("command", slots(&["cargo", "test"]), Met::Yes);
    check("command", slots(&["cargo", "_", "x"]), Met::Yes);
    check("command", slots(&["/usr/bin/cargo", "test"]), Met::Yes);
    check("command", slots(&["/opt/cargo", "test"]), Met::No);
    check("command", slots(&["cargo", "test", "x", "_"]), Met::No);
}

#[test]
fn w4_every_address_must_lie_in_a_block_and_mapped_ones_count_as_what_they_are() {
    let blocks = |list: &[&str]| Condition::CidrIn(list.iter().map(|b| (*b).into()).collect());
    check("url", blocks(&["10.0.0.0/8"]), Met::Yes);
    check("url", blocks(&["10.1.0.0/16"]), Met::No);
    check("url", blocks(&["10.1.0.0/16", "10.9.9.9/32"]), Met::Yes);
    check("url", blocks(&["0.0.0.0/0"]), Met::Yes);
    check("url", blocks(&["::/0"]), Met::No);
    check("url", blocks(&["10.0.0.0/33", "10.0.0.0", "x/8"]), Met::No);
}

#[test]
fn w4_without_facts_a_caveat_on_facts_stays_open() {
    let caveat = Caveat {
        arg: "path".into(),
        must: Condition::Under(".".into()),
    };
    assert_eq!(met(&caveat, &json!({"path": "a"}), None), Met::Open);
}
