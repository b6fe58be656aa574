//! `[approvals]` of the config: what every approval takes beyond the rules `[A8]`.

use serde_json::json;

use super::home::Home;

fn holding(table: &str) -> Home {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}),
        json!({"text": "done"}),
    ]);
    with(&home, table);
    home
}

/// Puts a table behind what the config says.
fn with(home: &Home, table: &str) {
    let config = home.read("home/.config/thymos/config.toml");
    home.config(&format!("{config}\n{table}\n"));
}

#[test]
fn a8_a_card_is_typed_back_and_expires_where_the_config_says_so() {
    let home = holding("[approvals]\ntype_back = true\nexpires_in = \"2h\"");
    assert_eq!(home.run(&["run", "write"]).code, 10);
    let row = home.json(&["approvals", "ls", "--json"]).remove(0);
    let ceremony = &row["card"]["ceremony"];
    assert_eq!(
        (&ceremony["type_back"], &ceremony["batch"]),
        (&json!(true), &json!(false))
    );
    let at = |name: &str| row["card"][name].as_u64().unwrap();
    assert_eq!(at("expires_at") - at("held_at"), 7_200_000);
    // As with a rule that wants it, a scope is no way around, and the digest is the typing.
    let (id, digest) = home.held();
    let answer = ["approvals", "approve", &id, "--digest", &digest];
    let scoped = home.run(&[&answer[..], &["--scope", "exact"]].concat());
    assert_ne!(scoped.code, 0, "{scoped:?}");
    assert_eq!(home.read("ws/a.txt"), "");
    assert_eq!(home.run(&answer).code, 0);
    assert_eq!(home.read("ws/a.txt"), "a");
    home.verifies();
}

#[test]
fn a8_two_people_approve_where_the_config_says_so() {
    let home = holding("[approvals]\nquorum = 2");
    let bob = home.run(&["keys", "new", "bob", "--out", "bob.key"]);
    assert_eq!(home.run(&["keys", "trust", "bob", bob.out.trim()]).code, 0);
    assert_eq!(home.run(&["run", "write"]).code, 10);
    let (id, digest) = home.held();
    let answer = ["approvals", "approve", &id, "--digest", &digest];
    let one = home.run(&answer);
    assert_eq!(
        (one.code, home.read("ws/a.txt")),
        (10, String::new()),
        "{one:?}"
    );
    let both = home.run(&[&answer[..], &["--key", "bob.key", "--as", "bob"]].concat());
    assert_eq!(
        (both.code, home.read("ws/a.txt").as_str()),
        (0, "a"),
        "{both:?}"
    );
    home.verifies();
}

#[test]
fn a8_a_hold_from_before_the_config_said_so_is_refused() {
    let home = holding("");
    assert_eq!(home.run(&["run", "write"]).code, 10);
    with(&home, "[approvals]\ntype_back = true");
    let (id, digest) = home.held();
    let ended = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(ended.code, 11, "{ended:?}");
    assert!(ended.out.contains("typed back by now"), "{ended:?}");
    assert_eq!(home.read("ws/a.txt"), "");
    home.verifies();
}
