//! The registry of actions: help and palette list every one of them, so every one must do something.

use super::source::{code, has_word};
use super::{report, tree};

const REGISTRY: &str = "src/app/action.rs";

#[test]
fn every_action_that_is_listed_is_carried_out_somewhere() {
    let files = tree::ending(".rs");
    let registry = files.iter().find(|file| file.path == REGISTRY).unwrap();
    let rows = registry
        .text
        .lines()
        .skip_while(|line| *line != "actions! {")
        .skip(1)
        .take_while(|line| *line != "}");
    let names: Vec<&str> = rows
        .filter_map(|row| row.trim().split_once(", \""))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() > 100, "{names:?}");
    let app: Vec<String> = files
        .iter()
        .filter(|file| file.path.starts_with("src/") && file.path != REGISTRY)
        .filter(|file| !file.path.ends_with("tests.rs"))
        .map(|file| code(&file.text))
        .collect();
    let idle = names.into_iter().filter(|name| {
        let word = format!("Action::{name}");
        !app.iter().any(|text| has_word(text, &word))
    });
    let offences: Vec<String> = idle.map(|name| format!("{REGISTRY}: `{name}`")).collect();
    report("an action is listed and does nothing:", &offences);
}
