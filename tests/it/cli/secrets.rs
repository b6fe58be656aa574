//! The corpus of fakes through a whole session of the built program, and a search of every byte it left
//! `[T8]` `[R1]`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use thymos_core::Kind;
use thymos_ledger::SqliteLedger;
use thymos_testkit::search::Finder;
use thymos_testkit::secrets::{HELD, corpus};

use super::home::{Ended, Home, until};
use crate::flow::kinds::{files, unpacked};

/// Fakes in one text: long enough to meet in numbers, short enough to be one argument.
const AT_ONCE: usize = 12;

/// Files are named so that a path holds nothing that is looked for.
fn texts() -> Vec<String> {
    let all = corpus();
    let some = all.chunks(AT_ONCE);
    some.map(|fakes| {
        let lines: Vec<&str> = fakes.iter().map(|fake| fake.text.as_str()).collect();
        lines.join("\n")
    })
    .collect()
}

/// Turns that carry one text through every field that a model can reach.
fn turns(at: usize, text: &str) -> Vec<Value> {
    let call = |tool: &str, args: Value| json!({"tool": tool, "args": args});
    vec![
        json!({"text": format!("I found {text}"), "reasoning": text, "calls": [
            call("fs_read", json!({"path": format!("in-{at}.txt")})),
            call("shell", json!({"command": format!("cat in-{at}.txt")})),
            call("grep", json!({"pattern": text})),
            call("kv_set", json!({"key": format!("k{at}"), "value": {"note": text, "deep": [text]}})),
            call("memory_write", json!({"key": format!("m{at}"), "text": text, "tags": [text]})),
            call("fs_write", json!({"path": format!("out-{at}.txt"), "content": text})),
            call("no_such_tool", json!({"anything": text})),
            call("fs_patch", json!({"path": format!("in-{at}.txt"), "edits": [{"old": text, "new": text}]})),
            call("delegate", json!({"task": format!("sub {text}")})),
            json!({"tool": "grep", "malformed": format!("{{broken {text}")}),
        ]}),
        json!({"text": "that is all"}),
    ]
}

fn holds(bytes: &[u8], wanted: &str) -> bool {
    !wanted.is_empty()
        && bytes
            .windows(wanted.len())
            .any(|part| part == wanted.as_bytes())
}

/// Whether this session writes the kind. The others take their secrets in `flow::kinds`.
fn written_here(kind: Kind) -> bool {
    match kind {
        Kind::Root
        | Kind::Message
        | Kind::Usage
        | Kind::Intent
        | Kind::Rejection
        | Kind::PendingApproval
        | Kind::Approval
        | Kind::Started
        | Kind::Commit
        | Kind::Failure
        | Kind::Reconciled
        | Kind::Delegation
        | Kind::DelegationResult
        | Kind::Branch
        | Kind::SkillBound
        | Kind::WritIssued
        | Kind::WritRevoked
        | Kind::PolicyLoaded
        | Kind::PolicyUnloaded
        | Kind::ModeChanged
        | Kind::ToolsPinned
        | Kind::Closed => true,
        // The shell edits no call; erasing has a test of its own in `flow::erasure`.
        Kind::Superseded | Kind::Erased => false,
    }
}

/// What a plain run does not write: a bound skill, rules loaded and taken out, a branch, settled work.
/// Gives what was printed.
fn rarer(home: &Home, text: &str, run: &dyn Fn(&[&str]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut told = Vec::new();
    let rule = json!({"id": "no-x", "reason": "it stays", "decision": "forbid", "if_missing": "skip",
        "when": {"field": "resolved.writes", "op": "under", "value": "x.txt", "of": "any"},
        "examples": [{"with": {"resolved.writes": ["x.txt"]}, "says": "forbid"}]});
    let bundle = json!({"name": "house", "version": "1", "default": "permit", "rules": [rule]});
    home.write("ws/house.json", &bundle.to_string());
    told.push(run(&[
        "policy",
        "sign",
        "house.json",
        "--out",
        "signed.json",
    ]));
    told.push(run(&["policy", "load", "signed.json"]));
    told.push(run(&["skills", "new", "mine"]));
    home.write("ws/words.txt", "Only look at {topic}.\n");
    told.push(run(&[
        "skills",
        "tune",
        "mine",
        "--set",
        "topic=x",
        "--instructions",
        "words.txt",
    ]));
    let marks = "echo begun >> marks; sleep 60";
    home.script(&[
        json!({"calls": [
            {"tool": "kv_set", "args": {"key": "a", "value": 1}},
            {"tool": "shell", "args": {"command": "cat in-1.txt; sleep 60", "timeout_ms": 300}},
            {"tool": "shell", "args": {"command": marks}}]}),
        json!({"text": "done"}),
    ]);
    let parameter = format!("topic={text}");
    // A value that does not fit is refused, and told without itself.
    told.push(run(&[
        "run", "--skill", "mine", "--param", &parameter, text,
    ]));
    told.push(run(&["run", "--skill", "mine", text]));
    told.push(run(&["run", text]));
    let card = |command: &str| {
        let rows = home.json(&["approvals", "ls", "--json"]);
        let of = |row: &&Value| row["card"]["line"].as_str().unwrap().contains(command);
        let row = rows.iter().find(of).unwrap();
        let on = row["trajectory"].as_str().unwrap().to_owned();
        let part = |name: &str| row["card"][name].as_str().unwrap().to_owned();
        [part("proposal"), part("presented"), on]
    };
    let [id, digest, _] = card("cat in-1");
    told.push(run(&["approvals", "approve", &id, "--digest", &digest]));
    let [id, digest, on] = card("echo begun");
    let mut child = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || !home.read("ws/marks").is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    told.push(run(&["settle", &id, "--as", "unknown", "--reason", text]));
    told.push(run(&["policy", "unload", "house"]));
    home.script(&[json!({"text": text})]);
    told.push(run(&["run", "--resume", &on, text]));
    let commits = home.json(&["ledger", "--json", "kind:commit"]);
    let last = commits.last().unwrap();
    let (on, seq) = (
        last["trajectory"].as_str().unwrap(),
        last["seq"].to_string(),
    );
    told.push(run(&["branch", on, &seq]));
    told
}

/// A run for each text, and a no to whatever it asked. Gives what was printed.
fn sessions(home: &Home, texts: &[String], run: &dyn Fn(&[&str]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut told = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        home.write(&format!("ws/in-{at}.txt"), text);
        let mut lines = turns(at, text);
        lines.push(json!({"when": "sub ", "text": format!("the child says {text}")}));
        home.script(&lines);
        let task = format!("look at this: {text}");
        told.push(run(&["--mode", "auto", "run", &task, "--json"]));
        // What people say is recorded as well.
        for row in home.json(&["approvals", "ls", "--json"]) {
            let id = row["card"]["proposal"].as_str().unwrap().to_owned();
            told.push(run(&["approvals", "deny", &id, "--reason", text]));
        }
    }
    told
}

#[test]
fn t8_no_byte_of_the_corpus_is_in_any_file_or_export_after_a_session() {
    let texts = texts();
    let home = Home::playing(&[]);
    let with_key = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("OPENAI_API_KEY", HELD);
        let output = command.output().unwrap();
        [output.stdout, output.stderr].concat()
    };
    let mut told = sessions(&home, &texts, &with_key);
    let writ = home.json(&["writ", "ls", "--json"]);
    let writ = writ
        .iter()
        .find_map(|row| row["id"].as_str())
        .unwrap()
        .to_owned();
    told.push(with_key(&["writ", "revoke", &writ, "--reason", &texts[0]]));
    told.extend(rarer(&home, &texts[1], &with_key));
    told.push(with_key(&["ledger", "--json"]));
    told.push(with_key(&["memory", "ls", "--json"]));
    home.verifies();

    let finder = Finder::new(&corpus());
    let mut left: Vec<String> = Vec::new();
    let mut seek = |place: &str, bytes: &[u8]| {
        let found = finder.left_in(bytes).into_iter();
        left.extend(found.map(|what| format!("{what} in {place}")));
    };
    for (at, bytes) in told.iter().enumerate() {
        seek(&format!("output {at}"), bytes);
    }
    let mut stored = Vec::new();
    // The whole home: ledger, write-ahead file, keys, locks, and the folder of the configuration.
    files(&home.path("home"), &mut stored);
    assert!(stored.iter().any(|(name, _)| name.ends_with("ledger.db")));
    assert!(stored.iter().any(|(name, _)| name.ends_with("config.toml")));
    let ledger = SqliteLedger::open_read_only(&home.ledger()).unwrap();
    stored.extend(unpacked(&home.ledger(), &ledger));
    for (name, bytes) in &stored {
        seek(name, bytes);
    }
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));
    // The search can find: the workspace, where files hold what was meant for them.
    let mut workspace = Vec::new();
    files(&home.path("ws"), &mut workspace);
    let there: BTreeSet<String> = workspace
        .iter()
        .flat_map(|(_, bytes)| finder.left_in(bytes))
        .collect();
    for fake in corpus() {
        let sought = finder.left_in(fake.bare.as_bytes());
        let found = !sought.is_disjoint(&there);
        assert!(found, "{} is not found where it stands", fake.what);
    }
    // The session was one: every kind was written, calls ran, and plain words stayed what they were.
    for kind in Kind::ALL {
        assert_eq!(
            home.count(kind.word()) > 0,
            written_here(kind),
            "{}",
            kind.word()
        );
    }
    assert!(home.count("commit") >= texts.len());
    assert_eq!(home.read("ws/out-0.txt"), texts[0]);
    assert!(
        stored
            .iter()
            .any(|(_, bytes)| holds(bytes, "look at this: "))
    );
}

/// Whoever works in the home folder works beside all that the program keeps there.
#[test]
fn r3_no_tool_reads_what_the_program_keeps_though_the_home_is_the_workspace() {
    let closed = [
        ".cache/thymos/snapshots/log.rows",
        ".local/state/thymos/note",
        ".local/share/thymos/operator.key",
        ".config/thymos/config.toml",
        "keys/spare",
    ];
    let read = |path: &&str| json!({"tool": "fs_read", "args": {"path": path}});
    let calls: Vec<Value> = closed.iter().map(read).collect();
    let home = Home::playing(&[json!({"calls": calls}), json!({"text": "done"})]);
    for path in closed {
        let file = home.path("home").join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        if !file.exists() && !path.ends_with("operator.key") {
            home.write(&format!("home/{path}"), "it is kept here\n");
        }
    }
    let config = home.read("home/.config/thymos/config.toml");
    let spare = home.path("home/keys/spare");
    home.config(&format!(
        "{config}[providers.spare]\nkind = \"anthropic\"\nmodel = \"x\"\nkey_file = \"{}\"\n",
        spare.display()
    ));
    let root = home.path("home");
    let ended = home.run(&["-C", root.to_str().unwrap(), "run", "look"]);
    assert_eq!(
        (home.count("commit"), home.count("rejection")),
        (0, 5),
        "{ended:?}"
    );
}

/// A key is one by what it is for, and not by the name of its variable.
#[test]
fn r1_what_a_provider_is_spoken_to_with_is_found_whatever_it_is_called() {
    let (env, file, header) = (
        "quiet-orange-lantern",
        "slow-purple-kettle",
        "tall-yellow-ladder",
    );
    let says = format!("I heard {env}, {file} and {header}");
    let home = Home::playing(&[json!({ "text": says })]);
    home.write("work.txt", &format!("{file}\n"));
    let config = home.read("home/.config/thymos/config.toml");
    home.config(&format!(
        "{config}[providers.spare]\nkind = \"openai\"\nmodel = \"x\"\nbase_url = \"http://127.0.0.1:9\"\n\
         key_env = \"WORK_ACCESS\"\nheaders = {{ Authorization = \"Bearer {header}\", Accept = \"text/plain-words\" }}\n\
         [providers.other]\nkind = \"openai\"\nmodel = \"x\"\nbase_url = \"http://127.0.0.1:9\"\nkey_file = \"{}\"\n",
        home.path("work.txt").display()
    ));
    let mut command = home.command(&["run", &format!("use {env} for text/plain-words")]);
    let ended = Ended::of(&command.env("WORK_ACCESS", env).output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    for secret in [env, file, header] {
        assert!(!ended.out.contains(secret), "{secret}: {ended:?}");
        assert!(
            !holds(&std::fs::read(home.ledger()).unwrap(), secret),
            "{secret}"
        );
    }
    assert!(ended.out.contains("text/plain-words"), "{ended:?}");
}
