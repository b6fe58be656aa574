//! What each room may touch: words that a room must not say, with the reason.

use super::source::{code, has_word};
use super::{report, tree};

/// Crates without a world of their own.
const PURE: [&str; 6] = ["core", "policy", "protocol", "compiler", "replay", "ports"];

/// Modules that reach the world. Clippy bans single items; a module it cannot ban.
const WORLD: [&str; 5] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
];

/// Crates that stand behind a port or are the ring itself.
const ADAPTERS: [&str; 6] = [
    "thymos_bundle",
    "thymos_cognition",
    "thymos_ledger",
    "thymos_runtime",
    "thymos_sandbox",
    "thymos_tools",
];

/// The composition root and its own folder.
const WIRE: [&str; 2] = ["src/wire.rs", "src/wire/"];

/// Files of the app that name an adapter although they are not the composition root.
const NAMES_ADAPTERS: &[(&str, &str)] = &[];

/// Callers of functions that skip a guard.
const DANGEROUS_CALLERS: &[(&str, &str)] = &[];

/// The one crate that talks to the operating system below the standard library.
const CAGE: &str = "crates/thymos-sandbox/";

#[test]
fn pure_crates_do_not_name_the_world() {
    let mut offences = Vec::new();
    for file in tree::ending(".rs") {
        let pure = PURE
            .iter()
            .any(|name| file.path.starts_with(&format!("crates/thymos-{name}/src/")));
        // Tests of a pure crate may read their own data, and a conformance suite is a test.
        let test = file.path.ends_with("tests.rs") || file.path.contains("/conformance/");
        if !pure || test {
            continue;
        }
        for (at, line) in code(&file.text).lines().enumerate() {
            for module in WORLD.iter().filter(|module| has_word(line, module)) {
                offences.push(format!("{}:{} names `{module}`", file.path, at + 1));
            }
        }
    }
    report("a pure crate reaches the world:", &offences);
}

#[test]
fn only_the_composition_root_names_adapters() {
    let mut offences = Vec::new();
    for file in tree::ending(".rs") {
        let listed = NAMES_ADAPTERS.iter().any(|(path, _)| *path == file.path);
        let wire = WIRE.iter().any(|path| file.path.starts_with(path));
        if !file.path.starts_with("src/") || wire || listed {
            continue;
        }
        for (at, line) in code(&file.text).lines().enumerate() {
            for name in ADAPTERS.iter().filter(|name| has_word(line, name)) {
                offences.push(format!("{}:{} names `{name}`", file.path, at + 1));
            }
        }
    }
    report(
        "only `src/wire.rs` and `src/wire/` may name adapters and the runtime:",
        &offences,
    );
}

#[test]
fn unsafe_stays_in_the_cage() {
    let mut offences = Vec::new();
    for file in tree::ending(".rs") {
        if file.path.starts_with(CAGE) {
            continue;
        }
        for (at, line) in code(&file.text).lines().enumerate() {
            if has_word(line, "unsafe") && !line.contains("unsafe(") {
                offences.push(format!("{}:{}", file.path, at + 1));
            }
        }
    }
    report("`unsafe` outside `thymos-sandbox`:", &offences);
}

#[test]
fn every_crate_but_the_cage_forbids_unsafe() {
    let mut roots = vec![
        "src/lib.rs".to_owned(),
        "crates/xtask/src/main.rs".to_owned(),
    ];
    roots.extend(
        tree::crates()
            .into_iter()
            .filter(|folder| !CAGE.starts_with(folder.as_str()))
            .map(|folder| format!("{folder}/src/lib.rs"))
            .filter(|path| tree::root().join(path).is_file()),
    );
    let offences: Vec<String> = roots
        .into_iter()
        .filter(|path| !code(&tree::read(path)).contains("#![forbid(unsafe_code)]"))
        .collect();
    report("without `#![forbid(unsafe_code)]`:", &offences);
}

#[test]
fn callers_of_what_skips_a_guard_are_listed() {
    let mut offences = Vec::new();
    for file in tree::ending(".rs") {
        let listed = DANGEROUS_CALLERS.iter().any(|(path, _)| *path == file.path);
        if listed || file.path.starts_with("tests/it/tidy/") {
            continue;
        }
        for (at, line) in code(&file.text).lines().enumerate() {
            if line.contains("dangerously_") {
                offences.push(format!("{}:{}", file.path, at + 1));
            }
        }
    }
    report(
        "callers of `dangerously_*` that tests/it/tidy/rooms.rs does not list:",
        &offences,
    );
}

#[test]
fn lists_of_exceptions_name_files_that_exist_with_a_reason() {
    for (path, reason) in NAMES_ADAPTERS.iter().chain(DANGEROUS_CALLERS) {
        assert!(
            tree::root().join(path).is_file(),
            "`{path}` is gone; drop its exception"
        );
        assert!(!reason.is_empty(), "`{path}` wants a reason");
    }
}
