//! Flaws, one at a time: each is told with link and field, and a sound chain has none.

use serde_json::{Value, json};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_core::writ::Writ;

use super::{Flaw, flaws};

fn tool(name: &str, effect_floor: EffectClass, args: &[&str]) -> ToolContract {
    let properties: serde_json::Map<String, Value> = args
        .iter()
        .map(|arg| ((*arg).to_owned(), json!({"type": "string"})))
        .collect();
    ToolContract {
        name: name.to_owned(),
        version: 1,
        description: String::new(),
        schema: json!({"type": "object", "properties": properties}),
        effect_floor,
        risk_floor: Risk::Low,
        repeat: Repeat::Free,
        recovery: Recovery::Neither,
        compensation: Compensation::Unneeded,
        operator_only: false,
    }
}

type Change = fn(&mut Value);

fn writ(change: impl FnOnce(&mut Value)) -> Writ {
    let key = thymos_core::key::SigningKey::from_seed(&[7; 32]).public();
    let party = json!({"name": "ada", "key": key});
    let mut value = json!({
        "v": 1, "nonce": "0".repeat(32), "name": "w", "issuer": party, "subject": party,
        "parent": null, "tenant": "",
        "grants": [{"tool": "fs_*", "caveats": [{"arg": "path", "must": {"under": "src"}}]}],
        "effects": {"ceiling": "write"}, "isolation_min": "L1",
        "budget": {"tokens": null, "tool_calls": 5, "wall_clock_ms": null, "usd_millicents": null},
        "window": {"not_before": 10, "expires_at": 20},
        "delegation": {"max_depth": 2, "may_subdivide": true},
        "examples": {
            "allow": [{"tool": "fs_read", "args": {"path": "src/a.rs"}}],
            "deny": [{"tool": "shell", "args": {"command": "ls"}}]
        }
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn add(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

fn found(links: &[Writ]) -> Vec<Flaw> {
    let tools = [
        tool("fs_read", EffectClass::Read, &["path"]),
        tool("fs_write", EffectClass::Write, &["path", "content"]),
        tool("shell", EffectClass::Read, &["command"]),
    ];
    let links: Vec<&Writ> = links.iter().collect();
    flaws(&links, &tools.iter().collect::<Vec<_>>())
}

fn said(found: &[Flaw]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

fn of_one(change: impl FnOnce(&mut Value)) -> Vec<String> {
    said(&found(&[writ(change)]))
}

fn of_child(change: impl FnOnce(&mut Value)) -> Vec<String> {
    said(&found(&[writ(|_| {}), writ(change)]))
}

#[test]
fn w3_a_sound_chain_has_no_flaw() {
    assert_eq!(of_one(|_| {}), Vec::<String>::new());
    assert_eq!(of_child(|_| {}), Vec::<String>::new());
}

#[test]
fn w3_a_child_that_widens_is_told_with_link_and_field() {
    let changes: [(Change, &str); 7] = [
        (
            |w| w["preset"] = json!("edit"),
            "link 1 `preset`: `edit` asks about less than the writs above it do",
        ),
        (|w| w["preset"] = json!("plan"), ""),
        (
            |w| w["effects"] = json!({"only": ["read", "irreversible"]}),
            "link 1 `effects`: irreversible is more than its parent allows, up to write",
        ),
        (
            |w| w["isolation_min"] = json!("L0"),
            "link 1 `isolation_min`: L0 is a weaker cage than its parent's L1",
        ),
        (
            |w| add(&mut w["grants"], json!({"tool": "*", "caveats": []})),
            "link 1 `grants[1].tool`: its parent grants no `shell`",
        ),
        // What its parent demands of arguments holds all the same: links are joined by "and".
        (|w| w["grants"][0]["caveats"] = json!([]), ""),
        (
            |w| {
                w["grants"][0]["caveats"] = json!([]);
                w["examples"]["allow"][0]["args"]["path"] = json!("docs/a.md");
            },
            "link 1 `examples.allow[0]`: link 0 does not grant this call of `fs_read`",
        ),
    ];
    for (change, told) in changes {
        let found = of_child(|w| {
            w["examples"]["deny"] = json!([]);
            change(w);
        });
        assert_eq!(found.join("\n"), told);
    }
}

#[test]
fn w4_a_condition_that_nothing_can_meet_is_told() {
    let caveat = |must: Value| {
        of_one(move |w| {
            w["examples"] = json!({"allow": [], "deny": []});
            add(
                &mut w["grants"][0]["caveats"],
                json!({"arg": "path", "must": must}),
            );
        })
    };
    for (must, told) in [
        (
            json!({"under": "../.."}),
            "`under` takes a folder without `..`, and `../..` is none",
        ),
        (
            json!({"under": "/etc"}),
            "`under` takes a folder of the workspace, and `/etc` is none",
        ),
        (json!({"argv": []}), "`argv` has to name the command first"),
        (
            json!({"argv": ["any"]}),
            "`argv` has to name the command first",
        ),
        (
            json!({"argv": [{"is": "a"}, "end", "any"]}),
            "`argv` goes on after its end",
        ),
        (
            json!({"cidr_in": ["10.0.0.0/33"]}),
            "`10.0.0.0/33` is no block like 10.0.0.0/8",
        ),
        (json!({"method_in": ["get"]}), "`get` is not in upper case"),
        (
            json!({"host_in": ["https://a.org"]}),
            "`https://a.org` is no host; no scheme, port or path",
        ),
        (json!({"host_in": []}), "`host_in` names no host"),
        (json!({"one_of": []}), "`one_of` names no value"),
    ] {
        let told = format!("link 0 `grants[0].caveats[1].must`: {told}");
        assert_eq!(caveat(must), [told]);
    }
    let hosts = json!({"host_in": ["*.a.org", "10.0.0.1"]});
    assert_eq!(caveat(hosts), Vec::<String>::new());
}

#[test]
fn w4_a_name_that_nobody_knows_is_told_with_those_that_are_known() {
    let wrong = found(&[writ(|w| w["grants"][0]["caveats"][0]["arg"] = json!("pth"))]);
    let first = wrong.first().unwrap();
    assert_eq!(
        first.to_string(),
        "link 0 `grants[0].caveats[0].arg`: `fs_*` has no argument `pth`"
    );
    let known = vec!["content".to_owned(), "path".to_owned()];
    assert_eq!(first.unknown, Some(("pth".to_owned(), known)));
    // The third has a Cyrillic letter; brackets are no part of a glob here.
    for name in ["fs_wrte", "FS_READ", "fs_r\u{435}ad", "fs_[rw]ead", ""] {
        let told = format!("link 0 `grants[1].tool`: there is no tool `{name}`");
        let found = of_one(|w| add(&mut w["grants"], json!({"tool": name, "caveats": []})));
        assert_eq!(found, [told]);
    }
    assert_eq!(
        of_one(|w| w["examples"]["deny"][0]["tool"] = json!("shel")),
        ["link 0 `examples.deny[0].tool`: there is no tool `shel`"]
    );
}

#[test]
fn w4_a_window_or_an_example_that_can_never_hold_is_told() {
    for end in [9, 10] {
        assert_eq!(
            of_one(|w| w["window"]["expires_at"] = json!(end)),
            ["link 0 `window`: it ends before it begins"]
        );
    }
    let found = of_one(|w| {
        w["effects"] = json!({"ceiling": "read"});
        w["examples"]["allow"][0]["tool"] = json!("fs_write");
    });
    assert_eq!(
        found,
        ["link 0 `examples.allow[0]`: `fs_write` is write at least, and effects are up to read"]
    );
}
