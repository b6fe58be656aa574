//! Content beside the entries `[L4]`: each entry says what of it was kept, so that a blob which somebody takes
//! away is missed; and what was erased is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use thymos_core::Digest;
use thymos_core::body::{Body, BodyState};

use super::bundles::{exported, key, newest};
use super::erasure::erase;
use super::home::{Ended, Home, unguarded};
use crate::archive::Archive;

/// A file with a secret that a detector knows, before anything is added to it.
const SECRET: &str = "token = ghp_0123456789abcdefABCDEF0123456789abcd\n";

/// Goes on, and says yes, until nothing waits.
fn through(home: &Home, task: &str) {
    let mut ended = home.run(&["run", task]);
    let run = newest(home);
    while ended.code == 10 {
        let (id, digest) = home.held();
        let answered = home.run(&["approvals", "approve", &id, "--digest", &digest]);
        assert_eq!(answered.code, 0, "{answered:?}");
        ended = home.run(&["run", "--resume", &run]);
    }
    assert_eq!(ended.code, 0, "{ended:?}");
}

/// A run that wrote a file, then ran a command that changed it and another one that holds a secret, and said
/// more than an entry takes.
fn wrote() -> Home {
    let command = "echo second > a.txt; echo more >> conf.txt; seq 1 20000";
    let home = Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "first\n"}}]}),
        json!({"calls": [{"tool": "shell", "args": {"command": command}}]}),
        json!({"text": "done"}),
    ]);
    home.write("ws/conf.txt", SECRET);
    through(&home, "one");
    home
}

/// Every content that entries say to have been kept, with the positions of those entries.
fn kept(home: &Home) -> BTreeMap<Digest, Vec<u64>> {
    let mut all: BTreeMap<Digest, Vec<u64>> = BTreeMap::new();
    for entry in home.entries() {
        if let BodyState::Known(body @ Body::Commit(_)) = entry.decode() {
            assert_eq!(
                body.kept_contents(),
                body.contents(),
                "nothing was too large"
            );
            for digest in body.kept_contents() {
                all.entry(digest).or_default().push(entry.header.index);
            }
        }
    }
    all
}

fn sealed(ledger: &Path) -> usize {
    let connection = Connection::open(ledger).unwrap();
    let sql =
        "SELECT count(*) FROM blobs WHERE substr(bytes, 1, 14) = CAST('thymos sealed ' AS BLOB)";
    let count: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

fn take(ledger: &Path, digest: &Digest) {
    unguarded(ledger, |connection| {
        let gone = connection.execute("DELETE FROM blobs WHERE digest = ?1", [digest.as_bytes()]);
        assert_eq!(gone.unwrap(), 1, "it was there");
    });
}

/// Whether it was found, at one of the entries that say so, and nothing else was.
fn is_missed(ended: &Ended, digest: &Digest, at: &[u64]) {
    assert_eq!(ended.code, 13, "{ended:?}");
    assert!(ended.out.starts_with("NOT verified: "), "{ended:?}");
    let words = format!(
        "integrity content: expected blob {}, which was kept, found none",
        digest.short()
    );
    let found: Vec<&str> = ended
        .out
        .lines()
        .filter(|line| line.contains(&words))
        .collect();
    assert_eq!(found.len(), at.len(), "{words}: {}", ended.out);
    for index in at {
        let place = format!("  at index {index} (");
        assert!(
            found.iter().any(|line| line.starts_with(&place)),
            "{place}: {}",
            ended.out
        );
    }
}

#[test]
fn t1_l4_each_sort_of_content_that_was_taken_out_is_missed_where_it_was_kept() {
    let home = wrote();
    home.verifies();
    let all = kept(&home);
    let images = ["first\n", "second\n", SECRET].map(|text| Digest::of(text.as_bytes()));
    let sealed_after = Digest::of(format!("{SECRET}more\n").as_bytes());
    for digest in images.iter().chain([&sealed_after]) {
        assert!(all.contains_key(digest), "{digest}: {all:?}");
    }
    assert_eq!(all.len(), 5, "four images and an output: {all:?}");
    assert_eq!(sealed(&home.ledger()), 2);
    let copy = home.path("ws/copy.db");
    for (digest, at) in &all {
        for suffix in ["", "-wal", "-shm", "-bell"] {
            drop(fs::remove_file(home.path(&format!("ws/copy.db{suffix}"))));
        }
        home.copy_ledger(&copy);
        take(&copy, digest);
        is_missed(&home.run(&["--ledger", "copy.db", "verify"]), digest, at);
        // The file alone, of which nothing is made.
        is_missed(&home.run(&["verify", "copy.db"]), digest, at);
        let refused = home.run(&["--ledger", "copy.db", "export", "--all", "-o", "x.tar"]);
        assert_eq!(refused.code, 13, "{refused:?}");
        let words = format!(
            "it says that blob {} was kept, and it is gone",
            digest.short()
        );
        assert!(refused.err.contains(&words), "{refused:?}");
        assert!(!home.path("ws/x.tar").exists());
    }
}

#[test]
fn l4_y3_what_is_new_since_the_last_check_is_looked_for_as_well() {
    let home = wrote();
    home.verifies();
    let before = kept(&home);
    let write = json!({"path": "b.txt", "content": "third\n"});
    home.script(&[
        json!({"calls": [{"tool": "fs_write", "args": write}]}),
        json!({"text": "done"}),
    ]);
    through(&home, "two");
    let new = Digest::of(b"third\n");
    let at = kept(&home).remove(&new).unwrap();
    take(&home.ledger(), &new);
    let ended = home.run(&["verify", "--since-last"]);
    assert!(ended.out.contains("not looked at again"), "{ended:?}");
    is_missed(&ended, &new, &at);
    // What lies below is said not to be looked at, and is found by looking at all.
    let (old, places) = before.first_key_value().unwrap();
    take(&home.ledger(), old);
    let whole = home.run(&["verify"]);
    let words = format!("blob {}, which was kept", old.short());
    assert_eq!(whole.out.matches(&words).count(), places.len(), "{whole:?}");
}

#[test]
fn l3_l4_what_was_erased_is_not_missed_and_what_another_run_keeps_stays() {
    let same = |path: &str| {
        let write = json!({"path": path, "content": "the same\n"});
        [
            json!({"calls": [{"tool": "fs_write", "args": write}]}),
            json!({"text": "done"}),
        ]
    };
    let home = Home::playing(&same("a.txt"));
    through(&home, "one");
    home.script(&same("b.txt"));
    through(&home, "two");
    let digest = Digest::of(b"the same\n");
    assert_eq!(kept(&home)[&digest].len(), 2);
    let runs = home.json(&["runs", "--json"]);
    let runs: Vec<&str> = runs
        .iter()
        .map(|run| run["trajectory"].as_str().unwrap())
        .collect();
    for (run, left) in runs.iter().zip([1, 0]) {
        assert_eq!(erase(&home, &["--run", run]).code, 0);
        assert_eq!(kept(&home).get(&digest).map_or(0, Vec::len), left);
        home.verifies();
    }
    let connection = Connection::open(home.ledger()).unwrap();
    let blobs: i64 = connection
        .query_row("SELECT count(*) FROM blobs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(blobs, 0, "the last entry that kept it took it along");
}

#[test]
fn l16_l4_a_bundle_misses_what_was_kept_and_not_what_was_withheld() {
    let home = wrote();
    let key = key(&home);
    let told = |archive: &Archive| {
        fs::write(home.path("ws/x.tar"), archive.bytes()).unwrap();
        home.run(&["verify", "x.tar", "--key", &key])
    };
    let whole = exported(&home, &["--all"]);
    assert_eq!(told(&whole).code, 0);
    let (digest, at) = kept(&home).remove_entry(&Digest::of(b"second\n")).unwrap();
    let run = newest(&home);
    for own in [whole, exported(&home, &[&run])] {
        // With a manifest that calls it absent, as whoever took it would write it.
        let mut bent = own.clone();
        bent.0.remove(bent.at(&format!("blobs/{digest}")));
        let blobs = bent.manifest()["blobs"].as_u64().unwrap();
        bent.say("blobs", json!(blobs - 1));
        bent.say("absent", json!(1));
        is_missed(&told(&bent), &digest, &at);
    }
    let withheld = exported(&home, &["--all", "--withhold", "commit"]);
    assert!(
        withheld
            .0
            .iter()
            .all(|(name, _)| !name.starts_with("blobs/"))
    );
    assert_eq!(told(&withheld).code, 0);
}
