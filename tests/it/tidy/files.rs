//! Rules about Rust files as such: headers, sizes, and whether a module reaches them.

use std::collections::BTreeSet;
use std::path::Path;

use super::source::{code, comments, has_word};
use super::{report, tree};

/// Lines of one file, at most. Aim at 200.
const LINES_MAX: usize = 800;

/// Longer files, and why they are one.
const LONG: &[(&str, &str)] = &[];

#[test]
fn every_file_opens_with_what_it_is() {
    let offences: Vec<String> = tree::ending(".rs")
        .into_iter()
        .filter(|file| {
            !file.text.starts_with("//! ") && !file.text.starts_with("#![no_main]\n//! ")
        })
        .map(|file| file.path)
        .collect();
    report("files that do not open with a `//!` header:", &offences);
}

#[test]
fn no_file_is_too_long() {
    let offences: Vec<String> = tree::ending(".rs")
        .into_iter()
        .filter(|file| !LONG.iter().any(|(path, _)| *path == file.path))
        .map(|file| (file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    report(
        "files of more than 800 lines, without an exception and its reason:",
        &offences,
    );
}

#[test]
fn a_library_root_is_a_table_of_contents() {
    let mut offences = Vec::new();
    let sources = tree::ending(".rs").into_iter();
    for file in sources.filter(|file| file.path.ends_with("src/lib.rs")) {
        for (at, line) in code(&file.text).lines().enumerate() {
            if has_word(line, "fn") || has_word(line, "struct") || has_word(line, "impl") {
                offences.push(format!("{}:{}", file.path, at + 1));
            }
        }
    }
    report("logic in a `lib.rs`:", &offences);
}

#[test]
fn what_is_left_to_do_stands_in_the_docs() {
    // Spelled in halves, so that this file does not find itself.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ];
    let mut offences = Vec::new();
    for file in tree::ending(".rs") {
        for (at, line) in comments(&file.text).lines().enumerate() {
            if words.iter().any(|word| has_word(line, word)) {
                offences.push(format!("{}:{}", file.path, at + 1));
            }
        }
    }
    report(
        "notes to oneself; what is weak goes to docs/shortcomings.md:",
        &offences,
    );
}

#[test]
fn no_test_is_switched_off() {
    let mut offences = Vec::new();
    for file in tree::ending(".rs") {
        for (at, line) in code(&file.text).lines().enumerate() {
            if line.contains("#[ignore") {
                offences.push(format!("{}:{}", file.path, at + 1));
            }
        }
    }
    report("tests that do not run:", &offences);
}

#[test]
fn some_module_reaches_every_file() {
    let files: BTreeSet<String> = tree::ending(".rs")
        .into_iter()
        .map(|file| file.path)
        .collect();
    let mut reached = BTreeSet::new();
    for file in files.iter().filter(|path| is_root(path)) {
        reach(file, true, &files, &mut reached);
    }
    let offences: Vec<String> = files.difference(&reached).cloned().collect();
    report("files that no module reaches:", &offences);
}

/// Whether cargo finds the file by itself.
fn is_root(path: &str) -> bool {
    let inside = match path.strip_prefix("crates/") {
        Some(rest) => rest.split_once('/').map_or("", |(_, inside)| inside),
        None => path,
    };
    let parts: Vec<&str> = inside.split('/').collect();
    match parts.as_slice() {
        ["src", "lib.rs" | "main.rs"] | ["build.rs"] => true,
        ["tests" | "benches" | "examples" | "fuzz_targets", file] => file.ends_with(".rs"),
        ["tests" | "benches" | "examples", _, "main.rs"] => true,
        ["src", "bin", ..] => true,
        _ => false,
    }
}

fn reach(path: &str, root: bool, files: &BTreeSet<String>, reached: &mut BTreeSet<String>) {
    if !reached.insert(path.to_owned()) {
        return;
    }
    let own = Path::new(path);
    let parent = own.parent().unwrap().to_string_lossy().into_owned();
    let stem = own.file_stem().unwrap().to_string_lossy().into_owned();
    let folder = if root || stem == "mod" {
        parent
    } else {
        format!("{parent}/{stem}")
    };
    for module in modules(&tree::read(path)) {
        for candidate in [
            format!("{folder}/{module}.rs"),
            format!("{folder}/{module}/mod.rs"),
        ] {
            if files.contains(&candidate) {
                reach(&candidate, false, files, reached);
            }
        }
    }
}

/// The names in `mod name;` lines.
fn modules(text: &str) -> Vec<String> {
    code(text)
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';').map(str::to_owned))
        .filter_map(|line| {
            let (before, name) = line.rsplit_once("mod ")?;
            let visible = before.trim();
            (visible.is_empty() || visible.starts_with("pub") || visible.ends_with(']'))
                .then(|| name.trim().to_owned())
        })
        .collect()
}
