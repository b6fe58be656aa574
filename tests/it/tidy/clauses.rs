//! Specification clauses: each stands in `docs/spec/`, in a comment of the code that holds it, and in
//! the name of a test.

use std::collections::BTreeSet;

use super::source::{code, comments};
use super::{report, tree};

/// Letters that name clauses; `Q` and `T` are bars and suites of other pages.
const LETTERS: &str = "ABCDKLOPRSVWXY";

/// Clauses whose proof is no test function, and what it is.
const PROVED_OTHERWISE: &[(&str, &str)] = &[(
    "C17",
    "`compile_fail` doc tests: what must not compile cannot stand in a test function",
)];

/// Clauses without a test that carries their name, and why not.
const UNTESTED: &[(&str, &str)] = &[];

/// Clauses without a comment in the code, and why not.
const UNMARKED: &[(&str, &str)] = &[];

#[test]
fn every_clause_of_the_specification_is_marked_in_code() {
    let marked = marked();
    let offences = lacking(&specified(), &marked, &[UNMARKED]);
    report("clauses that no comment in the code names:", &offences);
}

#[test]
fn every_clause_of_the_specification_has_a_test_of_its_name() {
    let tested = tested();
    let offences = lacking(&specified(), &tested, &[UNTESTED, PROVED_OTHERWISE]);
    report("clauses that no test is named for:", &offences);
}

#[test]
fn every_clause_that_code_names_is_in_the_specification() {
    let mut known = specified();
    known.extend(announced());
    let offences: Vec<String> = marked()
        .union(&tested())
        .filter(|id| !known.contains(*id))
        .map(|id| format!("[{id}]"))
        .collect();
    report(
        "clauses that docs/spec/ neither holds nor announces:",
        &offences,
    );
}

#[test]
fn doc_comments_name_clauses_in_backticks() {
    // Bare brackets would be a link, and rustdoc looks for an item of that name.
    let mut offences = Vec::new();
    for file in tree::ending(".rs") {
        let mut fenced = false;
        for (at, line) in comments(&file.text).lines().enumerate() {
            let line = line.trim_start();
            let Some(said) = line
                .strip_prefix("///")
                .or_else(|| line.strip_prefix("//!"))
            else {
                fenced = false;
                continue;
            };
            fenced ^= said.trim_start().starts_with("```");
            let bare = said.match_indices('[').any(|(from, _)| {
                let inside = said[from + 1..].split(']').next().unwrap_or_default();
                is_numbered(inside) && !said[..from].ends_with('`')
            });
            if bare && !fenced {
                offences.push(format!("{}:{}", file.path, at + 1));
            }
        }
    }
    report("write `[C4]` with backticks in doc comments:", &offences);
}

#[test]
fn no_clause_is_both_held_and_announced() {
    let both: Vec<String> = specified().intersection(&announced()).cloned().collect();
    report("clauses that stand twice in docs/spec/:", &both);
}

#[test]
fn gaps_are_still_gaps() {
    let (marked, tested, specified) = (marked(), tested(), specified());
    let mut offences = Vec::new();
    for (id, reason) in UNTESTED.iter().chain(UNMARKED) {
        if reason.is_empty() || !specified.contains(*id) {
            offences.push(format!("[{id}] wants a reason and a clause"));
        }
    }
    offences.extend(
        UNTESTED
            .iter()
            .filter(|(id, _)| tested.contains(*id))
            .map(|(id, _)| format!("[{id}] is tested now")),
    );
    offences.extend(
        UNMARKED
            .iter()
            .filter(|(id, _)| marked.contains(*id))
            .map(|(id, _)| format!("[{id}] is marked now")),
    );
    report(
        "entries of the lists in tests/it/tidy/clauses.rs to drop:",
        &offences,
    );
}

fn lacking(
    wanted: &BTreeSet<String>,
    found: &BTreeSet<String>,
    excused: &[&[(&str, &str)]],
) -> Vec<String> {
    wanted
        .difference(found)
        .filter(|id| {
            !excused
                .iter()
                .any(|list| list.iter().any(|(known, _)| known == id))
        })
        .map(|id| format!("[{id}]"))
        .collect()
}

/// Clauses that hold: list items and table rows that open with their id.
fn specified() -> BTreeSet<String> {
    opening(&["- [", "| ["], "]")
}

/// Clauses that are known and do not hold yet: list items `- W6:`.
fn announced() -> BTreeSet<String> {
    opening(&["- "], ":")
}

fn opening(heads: &[&str], tail: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in tree::ending(".md") {
        if !file.path.starts_with("docs/spec/") {
            continue;
        }
        for line in file.text.lines() {
            let id = heads
                .iter()
                .find_map(|head| line.strip_prefix(head))
                .and_then(|rest| rest.split_once(tail))
                .map(|(id, _)| id);
            found.extend(id.filter(|id| is_clause(id)).map(str::to_owned));
        }
    }
    found
}

/// Clauses that a comment names in brackets, tests and this folder apart.
fn marked() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in tree::ending(".rs") {
        if file.path.starts_with("tests/it/tidy") {
            continue;
        }
        let comments = comments(&file.text);
        for piece in comments.split('[').skip(1) {
            let Some((inside, _)) = piece.split_once(']') else {
                continue;
            };
            found.extend(
                inside
                    .split(", ")
                    .filter(|id| is_clause(id))
                    .map(str::to_owned),
            );
        }
        found.extend(ranges(&comments));
    }
    found
}

/// `[C1]`-`[C15]` names everything between as well.
fn ranges(comments: &str) -> Vec<String> {
    let mut found = Vec::new();
    let comments = comments.replace('`', "");
    for (at, _) in comments.match_indices("]-[") {
        let from = comments[..at].rsplit('[').next().unwrap_or_default();
        let to = comments[at + 3..].split(']').next().unwrap_or_default();
        if is_clause(from) && is_clause(to) && from[..1] == to[..1] {
            let (first, last): (u32, u32) = (from[1..].parse().unwrap(), to[1..].parse().unwrap());
            found.extend((first..=last).map(|number| format!("{}{number}", &from[..1])));
        }
    }
    found
}

/// Clauses that open a test's name: `c4_expired_writ_is_refused`, `x1_x5_..` for two.
fn tested() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in tree::ending(".rs") {
        for line in code(&file.text).lines() {
            let Some((_, name)) = line.split_once("fn ") else {
                continue;
            };
            let ids = name
                .split('_')
                .map(str::to_uppercase)
                .take_while(|part| is_clause(part));
            found.extend(ids);
        }
    }
    found
}

fn is_clause(text: &str) -> bool {
    is_numbered(text) && text.starts_with(|letter| LETTERS.contains(letter))
}

/// A clause, a bar or a suite: a letter and a number.
fn is_numbered(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|letter| letter.is_ascii_uppercase())
        && text.len() > 1
        && chars.all(|digit| digit.is_ascii_digit())
}
