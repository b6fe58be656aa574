//! Which crate may know which: the table of `docs/architecture.md`, as data, against the manifests.

use std::collections::BTreeSet;

use super::cargo::{Need, own_edges, own_names, pulled_in};
use super::report;

/// A crate, what it depends on, and why no more than that.
struct Room {
    name: &'static str,
    knows: &'static [&'static str],
    because: &'static str,
}

const fn room(name: &'static str, knows: &'static [&'static str], because: &'static str) -> Room {
    Room {
        name,
        knows,
        because,
    }
}

const ROOMS: &[Room] = &[
    room("thymos-core", &[], "the nouns stand on nothing"),
    room(
        "thymos-policy",
        &["thymos-core"],
        "a rule sees values and no gate",
    ),
    room(
        "thymos-protocol",
        &["thymos-core"],
        "kernel types are told, not passed through",
    ),
    room(
        "thymos-compiler",
        &["thymos-core", "thymos-policy"],
        "the gate looks nothing up",
    ),
    room(
        "thymos-replay",
        &["thymos-compiler", "thymos-core", "thymos-policy"],
        "takes entries, never a store; without ports it has no tool to spend a warrant on",
    ),
    room(
        "thymos-ports",
        &["thymos-compiler", "thymos-core"],
        "needs one type of the gate, the warrant",
    ),
    room(
        "thymos-runtime",
        &[
            "thymos-compiler",
            "thymos-core",
            "thymos-policy",
            "thymos-ports",
            "thymos-protocol",
            "thymos-replay",
        ],
        "never an adapter",
    ),
    room(
        "thymos-ledger",
        &["thymos-core", "thymos-ports"],
        "an adapter knows its trait and the nouns",
    ),
    room(
        "thymos-bundle",
        &["thymos-core", "thymos-ports"],
        "an adapter knows its trait and the nouns",
    ),
    room(
        "thymos-cognition",
        &["thymos-core", "thymos-ports"],
        "an adapter knows its trait and the nouns",
    ),
    room(
        "thymos-tools",
        &["thymos-core", "thymos-ports", "thymos-sandbox"],
        "whatever starts a process goes through the cage",
    ),
    room(
        "thymos-sandbox",
        &["thymos-core"],
        "knows neither tools nor policy",
    ),
    room(
        "thymos-testkit",
        &[
            "thymos-compiler",
            "thymos-core",
            "thymos-policy",
            "thymos-ports",
        ],
        "fakes for every port, and no adapter",
    ),
    room(
        "thymos",
        &[
            "thymos-bundle",
            "thymos-cognition",
            "thymos-compiler",
            "thymos-core",
            "thymos-ledger",
            "thymos-policy",
            "thymos-ports",
            "thymos-protocol",
            "thymos-replay",
            "thymos-runtime",
            "thymos-sandbox",
            "thymos-tools",
        ],
        "the composition root; which of its files may name which is a rule of its own",
    ),
    room("xtask", &["thymos"], "reads tables of the app"),
];

/// What a crate without a world may not be linked with, at any depth.
const WORLDLY: [&str; 17] = [
    "crossterm",
    "hyper",
    "landlock",
    "mio",
    "ratatui",
    "reqwest",
    "rusqlite",
    "rustls",
    "seccompiler",
    "socket2",
    "tempfile",
    "thymos-bundle",
    "thymos-cognition",
    "thymos-ledger",
    "thymos-sandbox",
    "thymos-tools",
    "tokio",
];

#[test]
fn every_edge_between_crates_is_in_the_table() {
    let mut offences = Vec::new();
    let edges = own_edges();
    for room in ROOMS {
        let found: BTreeSet<&str> = edges
            .iter()
            .filter(|edge| edge.from == room.name && edge.need != Need::Dev)
            .map(|edge| edge.to.as_str())
            .collect();
        let known: BTreeSet<&str> = room.knows.iter().copied().collect();
        for extra in found.difference(&known) {
            let (name, because) = (room.name, room.because);
            offences.push(format!("`{name}` may not depend on `{extra}`: {because}"));
        }
        for idle in known.difference(&found) {
            offences.push(format!("`{}` no longer depends on `{idle}`", room.name));
        }
    }
    report(
        "crate edges differ from the table in tests/it/tidy/edges.rs:",
        &offences,
    );
}

#[test]
fn every_crate_is_in_the_table() {
    let listed: BTreeSet<String> = ROOMS.iter().map(|room| room.name.to_owned()).collect();
    assert_eq!(own_names(), listed);
}

#[test]
fn the_testkit_is_for_tests_only() {
    let offences: Vec<String> = own_edges()
        .into_iter()
        .filter(|edge| edge.to == "thymos-testkit" && edge.need != Need::Dev)
        .filter(|edge| edge.from != "xtask")
        .map(|edge| format!("`{}` depends on it", edge.from))
        .collect();
    report("`thymos-testkit` may be a dev-dependency only:", &offences);
}

#[test]
fn y1_pure_crates_are_linked_with_nothing_that_reaches_the_world() {
    let mut offences = Vec::new();
    for name in [
        "thymos-core",
        "thymos-policy",
        "thymos-protocol",
        "thymos-compiler",
        "thymos-replay",
    ] {
        let found = pulled_in(name);
        for worldly in WORLDLY.iter().filter(|worldly| found.contains(**worldly)) {
            offences.push(format!("`{name}` pulls in `{worldly}`"));
        }
    }
    report(
        "a crate without a world reaches it through a dependency:",
        &offences,
    );
}
