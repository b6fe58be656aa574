//! The Merkle tree in the file `[L6]` `[L13]`: grown with each append, by several writers, over a ledger
//! of format 1, and out of the way of whoever would write beside it.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use thymos_core::merkle::{Frontier, TreeHash, leaf};
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::StoreError;

use crate::support::{GENESIS, Place, append, line, put_looser_guards, walk};

fn root_of_rows(ledger: &SqliteLedger) -> TreeHash {
    let mut tree = Frontier::new();
    for row in ledger.scan(0, usize::MAX).unwrap() {
        tree.push(leaf(row.entry.unwrap().id.as_bytes()), |_, _| {});
    }
    tree.root()
}

fn nodes(path: &Path) -> Vec<(i64, i64, Vec<u8>)> {
    let connection = Connection::open(path).unwrap();
    let mut query = connection
        .prepare("SELECT ends, level, hash FROM nodes ORDER BY ends, level")
        .unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// Our format with the tree taken out again: what a program of format 1 left.
fn without_tree(path: &Path) {
    let connection = Connection::open(path).unwrap();
    put_looser_guards(&connection);
    connection
        .execute_batch(
            "DROP TRIGGER entries_grow_the_tree; DROP TABLE nodes; DROP TABLE checkpoints;
             PRAGMA user_version = 1;",
        )
        .unwrap();
}

fn version(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn l6_the_tree_goes_on_after_reopening_at_every_length() {
    let place = Place::new();
    for at in 0..70 {
        let ledger = place.open();
        append(&ledger, line(1), at, 1);
        assert_eq!(ledger.root(at + 1).unwrap(), root_of_rows(&ledger));
    }
    // 70 entries hold four subtrees of 16, two of 32 and one of 64.
    assert_eq!(nodes(&place.path).len(), 4 + 2 + 1);
}

#[test]
fn l6_two_writers_grow_one_tree() {
    let place = Place::new();
    let ledgers = [place.open(), place.open()];
    for round in 0..50 {
        for (number, ledger) in (0..).zip(&ledgers) {
            append(ledger, line(number), round * 3, 3);
        }
    }
    for ledger in &ledgers {
        assert_eq!(ledger.root(300).unwrap(), root_of_rows(ledger));
        assert_eq!(ledger.check_engine().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn l6_what_is_kept_of_the_tree_is_neither_deleted_nor_rewritten() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 40);
    let connection = Connection::open(&place.path).unwrap();
    for sql in [
        "DELETE FROM nodes",
        "UPDATE nodes SET hash = zeroblob(32)",
        "REPLACE INTO nodes VALUES (16, 4, zeroblob(32))",
    ] {
        let strict = format!("PRAGMA recursive_triggers = ON; {sql}");
        assert!(connection.execute_batch(&strict).is_err(), "{sql}");
    }
}

#[test]
fn t1_a_subtree_that_is_missing_stops_the_writer_and_the_proofs() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 40);
    let connection = Connection::open(&place.path).unwrap();
    connection
        .execute_batch("DROP TRIGGER nodes_are_not_deleted; DELETE FROM nodes WHERE ends = 32")
        .unwrap();
    let ledger = place.open();
    let refused = ledger.append(vec![sample_batch(line(1), 40, 1)]);
    for error in [refused.map(drop).unwrap_err(), ledger.root(40).unwrap_err()] {
        let StoreError::Corrupt { at, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(at, "the subtree of level 5 before index 32");
    }
    assert_eq!(ledger.len(), Ok(40), "nothing was kept");
}

#[test]
fn t1_a_tree_that_outlives_its_entries_is_told() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 40);
    let connection = Connection::open(&place.path).unwrap();
    connection
        .execute_batch("DROP TRIGGER entries_are_not_deleted; DELETE FROM entries WHERE idx >= 30")
        .unwrap();
    let ledger = SqliteLedger::open_read_only(&place.path).unwrap();
    let told = ledger.check_engine().unwrap();
    let wanted = [
        "trigger `entries_are_not_deleted` of table `entries` is missing",
        "the tree holds a subtree that ends at 32, and the log ends at 30",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn l13_a_ledger_of_format_1_gets_its_tree_when_it_is_opened_for_writing() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 100);
    let (grown, rows) = (nodes(&place.path), place.open().scan(0, 200).unwrap());
    without_tree(&place.path);
    assert_eq!(version(&place.path), 1);
    let ledger = place.open();
    assert_eq!(version(&place.path), 3);
    assert_eq!(nodes(&place.path), grown);
    assert_eq!(ledger.scan(0, 200).unwrap(), rows, "no entry moved");
    append(&ledger, line(1), 100, 30);
    assert_eq!(ledger.root(130).unwrap(), root_of_rows(&ledger));
    assert_eq!(walk(&ledger, None), []);
}

#[test]
fn l13_t1_a_lower_version_does_not_hide_the_tree() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 40);
    let connection = Connection::open(&place.path).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);
    let opened = [
        SqliteLedger::open(&place.path, GENESIS).map(drop),
        SqliteLedger::open_read_only(&place.path).map(drop),
    ];
    for error in opened.map(Result::unwrap_err) {
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }
}

#[test]
fn l13_a_ledger_of_format_1_proves_without_being_written() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 100);
    let (root, proof) = {
        let ledger = place.open();
        (ledger.root(100), ledger.inclusion(41, 99))
    };
    without_tree(&place.path);
    let before = fs::read(&place.path).unwrap();
    let ledger = SqliteLedger::open_read_only(&place.path).unwrap();
    assert_eq!((ledger.root(100), ledger.inclusion(41, 99)), (root, proof));
    let rows = ledger.scan(0, 200).unwrap();
    assert!(rows.iter().all(|row| row.tree.is_none()));
    assert_eq!(ledger.check_engine().unwrap(), Vec::<String>::new());
    drop(ledger);
    assert_eq!(fs::read(&place.path).unwrap(), before);
}

#[test]
fn l13_a_ledger_of_format_1_with_a_gap_is_not_made_over() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 40);
    without_tree(&place.path);
    let connection = Connection::open(&place.path).unwrap();
    connection
        .execute_batch("DROP TRIGGER entries_are_not_deleted; DELETE FROM entries WHERE idx = 7")
        .unwrap();
    let error = SqliteLedger::open(&place.path, GENESIS)
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(version(&place.path), 1);
}

#[test]
fn l13_a_program_of_format_1_that_still_writes_is_stopped() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 30);
    without_tree(&place.path);
    let older = Connection::open(&place.path).unwrap();
    let insert = "INSERT INTO entries
         SELECT max(idx) + 1, trajectory, max(seq) + 1, kind, at_ms, id_head, header, salt, body
         FROM entries";
    let mut insert = older.prepare(insert).unwrap();
    drop(place.open());
    // Two more fill the subtree of sixteen that it would have had to write.
    insert.execute([]).unwrap();
    insert.execute([]).unwrap();
    let refused = insert.execute([]).unwrap_err().to_string();
    assert!(refused.contains("newer format"), "{refused}");
}
