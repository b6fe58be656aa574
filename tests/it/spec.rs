//! The worked example of `docs/spec/ledger.md`, computed again from the page.

use std::fs;

use thymos_core::entry::{Content, Entry, Salt};
use thymos_core::id::unhex;
use thymos_core::key::SigningKey;
use thymos_core::{EntryId, LogId, TrajectoryId, canonical};

/// The value of a line of the example.
fn given<'a>(page: &'a str, name: &str) -> &'a str {
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("docs/spec/ledger.md has no line `{name}`"))
        .trim()
}

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/spec/ledger.md");
    fs::read_to_string(path).unwrap()
}

#[test]
fn l1_the_worked_example_of_the_specification_is_what_the_code_computes() {
    let page = page();
    let salt = Salt::from_bytes(unhex(given(&page, "salt")).unwrap());
    let body = given(&page, "body").as_bytes().to_vec();
    let header = given(&page, "header").as_bytes().to_vec();

    let entry = Entry::read(header, Some(Content { salt, body })).unwrap();

    assert_eq!(entry.id.to_string(), given(&page, "id"));
    let commitment = canonical::encode(&entry.header.body).unwrap();
    let quoted = format!("\"{}\"", given(&page, "commitment"));
    assert_eq!(commitment.as_bytes(), quoted.as_bytes());
}

#[test]
fn l1_the_worked_example_is_made_of_the_parts_it_names() {
    let page = page();
    let entry = Entry::read(given(&page, "header").as_bytes().to_vec(), None).unwrap();
    let header = entry.header;
    assert_eq!(header.log, LogId::of(&[1; 32]));
    assert_eq!(header.trajectory, TrajectoryId::of(&[2; 32]));
    assert_eq!(header.prev, Some(EntryId::from_bytes([3; 32])));
    assert_eq!(header.writer, SigningKey::from_seed(&[4; 32]).public());
}
