//! What cargo says of this workspace: `cargo metadata`, asked once, without a network.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use super::tree;

/// The whole answer, with every package of this platform.
pub(super) static METADATA: LazyLock<Value> = LazyLock::new(ask);

fn ask() -> Value {
    // Of this platform only: packages for others were never downloaded, and nothing is now.
    let host = cargo(&["-vV"])
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .expect("cargo names its host");
    let text = cargo(&[
        "metadata",
        "--format-version=1",
        "--locked",
        "--offline",
        "--filter-platform",
        &host,
    ]);
    serde_json::from_str(&text).expect("cargo metadata is JSON")
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(tree::root())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// How a package is depended on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Need {
    Normal,
    Dev,
    Build,
}

/// A dependency as a manifest states it.
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) need: Need,
}

/// Every dependency between packages of this workspace.
pub(super) fn own_edges() -> Vec<Edge> {
    let own = own_names();
    let mut edges = Vec::new();
    for package in own_packages() {
        for row in package["dependencies"].as_array().unwrap() {
            let to = row["name"].as_str().unwrap();
            let need = match row["kind"].as_str() {
                None => Need::Normal,
                Some("dev") => Need::Dev,
                Some(_) => Need::Build,
            };
            if own.contains(to) {
                edges.push(Edge {
                    from: package["name"].as_str().unwrap().to_owned(),
                    to: to.to_owned(),
                    need,
                });
            }
        }
    }
    edges
}

/// The names of the packages of this workspace.
pub(super) fn own_names() -> BTreeSet<String> {
    own_packages()
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect()
}

fn own_packages() -> impl Iterator<Item = &'static Value> {
    packages().filter(|package| package["source"].is_null())
}

/// Every package of this platform.
pub(super) fn packages() -> impl Iterator<Item = &'static Value> {
    METADATA["packages"].as_array().unwrap().iter()
}

/// Everything that a package of this workspace is linked with, at any depth, tests apart.
pub(super) fn pulled_in(name: &str) -> BTreeSet<String> {
    let names: BTreeMap<&str, &str> = packages()
        .map(|package| {
            (
                package["id"].as_str().unwrap(),
                package["name"].as_str().unwrap(),
            )
        })
        .collect();
    let nodes: BTreeMap<&str, &Value> = METADATA["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let start = names
        .iter()
        .find_map(|(id, found)| (*found == name).then_some(*id))
        .unwrap_or_else(|| panic!("no package `{name}`"));
    let mut seen = BTreeSet::from([start]);
    let mut waiting = vec![start];
    while let Some(id) = waiting.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            let to = dependency["pkg"].as_str().unwrap();
            if kinds.iter().any(|kind| kind["kind"].is_null()) && seen.insert(to) {
                waiting.push(to);
            }
        }
    }
    seen.remove(start);
    seen.iter().map(|id| names[id].to_owned()).collect()
}
