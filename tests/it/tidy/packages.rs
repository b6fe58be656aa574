//! Packages of other people: how many, under which licences, from where.

use super::cargo::packages;
use super::{report, tree};

/// Packages in the lock file; more would cost build time, and nobody could look at them all `[Q12]`.
const PACKAGES_MAX: usize = 450;

/// Licences that go with a program under Apache-2.0.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const INDEX: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn the_lock_file_stays_below_its_ceiling() {
    let count = tree::read("Cargo.lock").matches("[[package]]").count();
    assert!(
        count <= PACKAGES_MAX,
        "{count} packages are more than {PACKAGES_MAX}"
    );
}

#[test]
fn every_package_comes_from_the_tree_or_the_public_index() {
    let offences: Vec<String> = tree::read("Cargo.lock")
        .lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .map(|source| source.trim_matches('"').to_owned())
        .filter(|source| source != INDEX)
        .collect();
    report("packages from elsewhere:", &offences);
}

#[test]
fn every_licence_is_on_the_list() {
    let mut offences = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        match package["license"].as_str() {
            Some(terms) if allows(terms) => {}
            terms => offences.push(format!("`{name}`: {}", terms.unwrap_or("none stated"))),
        }
    }
    report(
        "licences that are not on the list in tests/it/tidy/packages.rs:",
        &offences,
    );
}

/// Whether a licence expression can be met from the list: any side of an `OR`, all of an `AND`.
fn allows(terms: &str) -> bool {
    let terms = terms.replace('/', " OR ");
    any(terms.trim())
}

fn any(terms: &str) -> bool {
    split(terms, " OR ").iter().any(|side| all(side))
}

fn all(terms: &str) -> bool {
    split(terms, " AND ").iter().all(|side| {
        let side = side.trim();
        match side
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
        {
            Some(inner) => any(inner),
            None => ALLOWED.contains(&side),
        }
    })
}

/// Splits where no parenthesis is open.
fn split<'a>(terms: &'a str, by: &str) -> Vec<&'a str> {
    let mut sides = Vec::new();
    let (mut from, mut depth) = (0, 0_i32);
    for (at, ch) in terms.char_indices() {
        depth += i32::from(ch == '(') - i32::from(ch == ')');
        if depth == 0 && at >= from && terms[at..].starts_with(by) {
            sides.push(&terms[from..at]);
            from = at + by.len();
        }
    }
    sides.push(&terms[from..]);
    sides
}

#[test]
fn licence_expressions_are_read_with_their_words() {
    for good in [
        "MIT",
        "MIT/GPL-3.0",
        "GPL-2.0 OR (MIT AND ISC)",
        "(MIT OR X) AND Zlib",
    ] {
        assert!(allows(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(X OR Y) AND MIT", ""] {
        assert!(!allows(bad), "{bad}");
    }
}
