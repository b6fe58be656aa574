//! Tables, indexes and triggers that are not as they were made: what a check says of them, and what an append
//! does `[L1]` `[L10]`.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::StoreError;

use crate::support::{Place, append, line, put_looser_guards, walk};

const PASSES_OVER: &str =
    "CREATE TRIGGER t BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END";

fn sql(place: &Place, sql: &str) {
    let connection = Connection::open(&place.path).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// What a check says of a ledger after this was done to it.
fn told_after(change: &str) -> Vec<String> {
    let place = Place::new();
    append(&place.open(), line(1), 0, 20);
    sql(&place, change);
    let ledger = SqliteLedger::open_read_only(&place.path).unwrap();
    ledger.check_engine().unwrap()
}

#[test]
fn l1_what_is_missing_changed_or_somebody_elses_is_told_by_name() {
    for (change, wanted) in [
        (
            "DROP TRIGGER entries_are_not_deleted",
            "trigger `entries_are_not_deleted` of table `entries` is missing",
        ),
        (
            "DROP TRIGGER nodes_are_not_rewritten;
             CREATE TRIGGER nodes_are_not_rewritten BEFORE UPDATE ON nodes BEGIN SELECT 1; END",
            "trigger `nodes_are_not_rewritten` of table `nodes` was changed",
        ),
        (
            PASSES_OVER,
            "trigger `t` of table `entries` is somebody else's",
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON nodes BEGIN SELECT RAISE(IGNORE); END",
            "trigger `t` of table `nodes` is somebody else's",
        ),
        (
            "DROP INDEX entries_by_trajectory",
            "index `entries_by_trajectory` of table `entries` is missing",
        ),
        (
            "DROP INDEX entries_by_trajectory;
             CREATE INDEX entries_by_trajectory ON entries (trajectory, seq)",
            "index `entries_by_trajectory` of table `entries` was changed",
        ),
        (
            "CREATE INDEX quick ON entries (at_ms)",
            "index `quick` of table `entries` is somebody else's",
        ),
        (
            "CREATE TABLE theirs (x)",
            "table `theirs` is somebody else's",
        ),
        (
            "CREATE VIEW theirs AS SELECT 1",
            "view `theirs` is somebody else's",
        ),
        ("DROP TABLE erasures", "table `erasures` is missing"),
        (
            "ALTER TABLE blobs ADD COLUMN more INTEGER",
            "table `blobs` was changed",
        ),
        (
            "PRAGMA writable_schema = ON;
             INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_autoindex_t', 'entries', 0,
             'CREATE TRIGGER sqlite_autoindex_t AFTER INSERT ON entries BEGIN SELECT 1; END')",
            "trigger `sqlite_autoindex_t` of table `entries` is somebody else's",
        ),
    ] {
        let told = told_after(change);
        assert!(told.contains(&wanted.to_owned()), "{change}: {told:?}");
    }
}

#[test]
fn l1_what_the_engine_makes_for_itself_is_no_finding() {
    for change in ["ANALYZE", "VACUUM", "REINDEX"] {
        assert_eq!(told_after(change), Vec::<String>::new(), "{change}");
    }
}

#[test]
fn l13_ledgers_of_every_format_are_as_they_were_made_also_when_made_over() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/ledgers");
    let mut formats = 0;
    for folder in fs::read_dir(golden).unwrap() {
        let place = Place::new();
        fs::create_dir(place.path.parent().unwrap()).unwrap();
        fs::copy(folder.unwrap().path().join("ledger.db"), &place.path).unwrap();
        formats += 1;
        let read = SqliteLedger::open_read_only(&place.path).unwrap();
        assert_eq!(read.check_engine(), Ok(Vec::new()));
        drop(read);
        let ledger = place.open();
        assert_eq!(ledger.check_engine(), Ok(Vec::new()));
        append(&ledger, line(1), 0, 40);
        assert_eq!(walk(&ledger, None), []);
        assert_eq!(ledger.check_engine(), Ok(Vec::new()));
    }
    assert!(formats >= 3, "{formats}");
}

#[test]
fn l13_an_older_format_is_held_against_its_own_guards() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 20);
    let connection = Connection::open(&place.path).unwrap();
    put_looser_guards(&connection);
    connection.pragma_update(None, "user_version", 2).unwrap();
    let told = || {
        let ledger = SqliteLedger::open_read_only(&place.path).unwrap();
        ledger.check_engine().unwrap()
    };
    assert_eq!(told(), Vec::<String>::new());
    sql(&place, "DROP TRIGGER blobs_are_not_deleted");
    let wanted = "trigger `blobs_are_not_deleted` of table `blobs` is missing";
    assert_eq!(told(), [wanted]);
}

#[test]
fn l10_an_append_beside_a_trigger_of_somebody_else_is_refused_and_goes_on_without_it() {
    // Planted before the ledger is opened, and while it is.
    for opened_before in [true, false] {
        for plant in [
            PASSES_OVER,
            "CREATE TRIGGER t AFTER INSERT ON entries BEGIN SELECT 1; END",
            "DROP TRIGGER entries_are_not_deleted;
             CREATE TRIGGER entries_are_not_deleted AFTER INSERT ON entries
             BEGIN DELETE FROM entries WHERE idx = NEW.idx; END",
        ] {
            let place = Place::new();
            append(&place.open(), line(1), 0, 3);
            let early = opened_before.then(|| place.open());
            if let Some(ledger) = &early {
                append(ledger, line(2), 0, 1);
            }
            sql(&place, plant);
            let ledger = early.unwrap_or_else(|| place.open());
            let before = ledger.len().unwrap();
            let refused = ledger.append(vec![sample_batch(line(1), 3, 2)]);
            let Err(StoreError::Corrupt { reason, .. }) = &refused else {
                panic!("{plant}: {refused:?}");
            };
            assert!(reason.starts_with("trigger `"), "{reason}");
            assert_eq!(ledger.len(), Ok(before));
            if plant.starts_with("CREATE") {
                sql(&place, "DROP TRIGGER t");
                append(&ledger, line(1), 3, 2);
                assert_eq!(ledger.check_engine(), Ok(Vec::new()));
            }
        }
    }
}
