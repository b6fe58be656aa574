//! `thymos mind`: what led to what, as a tree and as nodes and edges.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bundles::{newest, ran};
use super::home::{Home, unguarded};

#[test]
fn a_run_is_a_tree_of_turns() {
    let home = ran();
    let run = newest(&home);
    let ended = home.run(&["mind", &run]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let due = [
        "turn 1\n  message 5: two\n",
        "\n  intent ",
        ": fs_write a.txt",
        "\n    proposal ",
        "\n    verdict ",
        ": SUSPENDED ",
        ": approved ada\n",
        "\n    execution ",
        "\n    commit ",
        ": ok ",
        "\nmodel script/x, fs_write 1, memory_write 1, tokens ",
    ];
    for words in due {
        assert!(ended.out.contains(words), "{words} is not in {}", ended.out);
    }
}

#[test]
fn nodes_name_entries_of_the_run_and_edges_name_nodes() {
    let home = ran();
    let run = newest(&home);
    let told = home.json(&["mind", &run, "--json"]).remove(0);
    assert_eq!(told["trajectory"], json!(run));
    let entries: BTreeSet<String> = home
        .json(&["ledger", "--run", &run, "--json"])
        .into_iter()
        .map(|event| event["entry"].as_str().unwrap().to_owned())
        .collect();
    let nodes = told["nodes"].as_array().unwrap();
    assert!(nodes.len() > 8, "{told}");
    for (at, node) in nodes.iter().enumerate() {
        assert_eq!(node["id"], json!(at));
        assert!(entries.contains(node["entry"].as_str().unwrap()));
    }
    let edges = told["edges"].as_array().unwrap();
    let end = |edge: &Value, name: &str| usize::try_from(edge[name].as_u64().unwrap()).unwrap();
    assert!(edges.iter().all(|edge| end(edge, "from") < nodes.len()));
    // From the prompt to what was committed there is a way.
    let mut reached = BTreeSet::from([0]);
    for edge in edges {
        if reached.contains(&end(edge, "from")) {
            reached.insert(end(edge, "to"));
        }
    }
    let commit = nodes
        .iter()
        .position(|node| node["kind"] == json!("commit"));
    assert!(reached.contains(&commit.unwrap()), "{told}");
}

#[test]
fn what_is_no_run_is_said() {
    let home = ran();
    home.run(&["mind", "ffffffffffff"])
        .says(1, "there is no trajectory", "thymos runs");
    assert_eq!(home.run(&["mind"]).code, 2);
    let none = Home::new();
    none.run(&["--ledger", "no.db", "mind", "ab"])
        .says(1, "there is no ledger", "check the path");
}

#[test]
fn y3_a_changed_entry_ends_it_with_13() {
    let home = ran();
    let run = newest(&home);
    let sql = "UPDATE entries SET body = x'7b7d' WHERE kind = 'commit'";
    unguarded(&home.ledger(), |ledger| ledger.execute_batch(sql).unwrap());
    assert_eq!(home.run(&["mind", &run]).code, 13);
}
