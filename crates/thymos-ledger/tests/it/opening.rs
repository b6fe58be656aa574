//! Opening `[L13]`: each kind of bad file says its own sentence, and loses nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use thymos_core::LogId;
use thymos_ledger::{Genesis, Options, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::StoreError;

use crate::support::{GENESIS, Place, append, line, walk};

fn refusal(path: &Path) -> StoreError {
    let options = Options {
        busy_ms: 20,
        ..Options::default()
    };
    let error = SqliteLedger::open_with(path, GENESIS, options).map(drop);
    error.unwrap_err()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn file_with(bytes: &[u8]) -> Place {
    let place = Place::new();
    fs::create_dir(place.path.parent().unwrap()).unwrap();
    fs::write(&place.path, bytes).unwrap();
    place
}

#[test]
fn a_new_ledger_and_its_folder_are_private() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 1);
    assert_eq!(mode(place.path.parent().unwrap()), 0o700);
    let mut names = Vec::new();
    for file in fs::read_dir(place.path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "ledger.db",
            "ledger.db-bell",
            "ledger.db-shm",
            "ledger.db-wal"
        ]
    );
}

#[test]
fn a_ledger_keeps_its_log_and_its_entries() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let rows = ledger.scan(0, 10).unwrap();
    drop(ledger);
    let again = SqliteLedger::open(&place.path, Genesis { random: [9; 32] }).unwrap();
    assert_eq!(again.log(), LogId::of(&GENESIS.random));
    assert_eq!(again.scan(0, 10).unwrap(), rows);
    append(&again, line(1), 3, 1);
    assert_eq!(walk(&again, None), []);
}

#[test]
fn two_who_make_a_ledger_at_once_get_one() {
    let place = Place::new();
    let logs: Vec<LogId> = std::thread::scope(|threads| {
        let makers: Vec<_> = (0..4)
            .map(|number| {
                let genesis = Genesis {
                    random: [number; 32],
                };
                let path = &place.path;
                threads.spawn(move || SqliteLedger::open(path, genesis).unwrap().log())
            })
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect()
    });
    assert!(logs.windows(2).all(|pair| pair[0] == pair[1]), "{logs:?}");
}

#[test]
fn l13_a_newer_ledger_is_refused_by_version() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 1);
    let connection = Connection::open(&place.path).unwrap();
    connection.pragma_update(None, "user_version", 4).unwrap();
    let path = place.path.display().to_string();
    let newer = StoreError::Newer {
        path,
        found: 4,
        known: 3,
    };
    assert_eq!(refusal(&place.path), newer);
    connection.pragma_update(None, "user_version", 0).unwrap();
    assert!(matches!(refusal(&place.path), StoreError::Corrupt { .. }));
}

#[test]
fn l13_a_foreign_database_is_refused_and_left_as_it_was() {
    let place = file_with(b"");
    let connection = Connection::open(&place.path).unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(connection);
    let before = fs::read(&place.path).unwrap();
    assert!(matches!(refusal(&place.path), StoreError::Foreign { .. }));
    assert_eq!(fs::read(&place.path).unwrap(), before);
}

#[test]
fn l13_a_file_that_is_no_database_is_foreign() {
    for bytes in [&[0xa7; 5_000][..], b"hello", &[0; 4_096]] {
        let place = file_with(bytes);
        let error = refusal(&place.path);
        assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
        assert_eq!(fs::read(&place.path).unwrap(), bytes);
    }
}

#[test]
fn l13_an_empty_file_is_corrupt_not_new() {
    let place = file_with(b"");
    assert!(matches!(refusal(&place.path), StoreError::Corrupt { .. }));
    assert_eq!(fs::metadata(&place.path).unwrap().len(), 0);
}

#[test]
fn a_folder_is_no_ledger() {
    let place = Place::new();
    let error = refusal(place.folder.path());
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

#[test]
fn a_file_in_the_way_of_the_folder_is_told() {
    let place = Place::new();
    fs::write(place.folder.path().join("data"), "a file").unwrap();
    let error = refusal(&place.path);
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

#[test]
fn a_write_ahead_file_without_its_ledger_is_not_taken_for_ours() {
    let place = file_with(b"x");
    fs::rename(&place.path, place.path.with_file_name("ledger.db-wal")).unwrap();
    assert!(matches!(refusal(&place.path), StoreError::Corrupt { .. }));
    assert!(!place.path.exists());
}

#[test]
fn l12_a_ledger_whose_writer_is_busy_is_locked_and_comes_back() {
    let place = Place::new();
    let ledger = SqliteLedger::open_with(
        &place.path,
        GENESIS,
        Options {
            busy_ms: 20,
            ..Options::default()
        },
    )
    .unwrap();
    append(&ledger, line(1), 0, 1);
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = ledger.append(vec![sample_batch(line(1), 1, 1)]);
    let path = place.path.display().to_string();
    assert_eq!(refused, Err(StoreError::Locked { path }));
    assert_eq!(ledger.len(), Ok(1), "readers go on");
    other.execute_batch("ROLLBACK").unwrap();
    append(&ledger, line(1), 1, 1);
}

#[test]
fn l12_a_ledger_held_exclusively_is_locked_at_opening() {
    let place = Place::new();
    drop(place.open());
    let other = Connection::open(&place.path).unwrap();
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")
        .unwrap();
    assert!(matches!(refusal(&place.path), StoreError::Locked { .. }));
}

#[test]
fn reading_only_reads_and_never_appends() {
    let place = Place::new();
    let missing = SqliteLedger::open_read_only(&place.path).map(drop);
    assert!(
        matches!(missing, Err(StoreError::Open { .. })),
        "{missing:?}"
    );
    assert!(!place.path.exists());
    let ledger = place.open();
    append(&ledger, line(1), 0, 2);
    let reader = SqliteLedger::open_read_only(&place.path).unwrap();
    assert_eq!(reader.len(), Ok(2));
    append(&ledger, line(1), 2, 1);
    assert_eq!(reader.len(), Ok(3), "it sees what is appended later");
    let refused = reader.append(vec![sample_batch(line(1), 3, 1)]);
    assert!(
        matches!(refused, Err(StoreError::Open { .. })),
        "{refused:?}"
    );
    assert!(reader.put_blob(b"x").is_err());
}

fn names(place: &Place) -> Vec<String> {
    let found = std::fs::read_dir(place.path.parent().unwrap()).unwrap();
    let names = found.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn l16_what_is_read_untouched_leaves_the_folder_as_it_was() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 2);
    let alone = names(&place);
    let reader = SqliteLedger::open_untouched(&place.path).unwrap();
    assert_eq!(reader.len(), Ok(2));
    assert!(reader.append(vec![sample_batch(line(1), 2, 1)]).is_err());
    drop(reader);
    assert_eq!(names(&place), alone);
    // With somebody at work it sees what they write.
    let writer = place.open();
    append(&writer, line(1), 2, 1);
    let working = names(&place);
    let reader = SqliteLedger::open_untouched(&place.path).unwrap();
    append(&writer, line(1), 3, 1);
    assert_eq!(reader.len(), Ok(4));
    drop(reader);
    assert_eq!(names(&place), working);
}

#[test]
fn l16_a_write_ahead_file_without_its_index_is_read_and_stays() {
    let (place, copy) = (Place::new(), Place::new());
    let writer = place.open();
    append(&writer, line(1), 0, 3);
    std::fs::create_dir(copy.path.parent().unwrap()).unwrap();
    let bytes =
        |place: &Place, end: &str| std::fs::read(format!("{}{end}", place.path.display())).unwrap();
    for end in ["", "-wal"] {
        let to = format!("{}{end}", copy.path.display());
        std::fs::write(to, bytes(&place, end)).unwrap();
    }
    let before = (bytes(&copy, ""), bytes(&copy, "-wal"));
    assert!(!before.1.is_empty());
    let reader = SqliteLedger::open_untouched(&copy.path).unwrap();
    assert_eq!(reader.scan(0, 10).map(|rows| rows.len()), Ok(3));
    assert_eq!(reader.check_engine(), Ok(Vec::new()));
    drop(reader);
    assert_eq!((bytes(&copy, ""), bytes(&copy, "-wal")), before);
    assert_eq!(names(&copy), ["ledger.db", "ledger.db-wal"]);
}

#[test]
fn l12_readers_do_not_wait_for_a_writer_nor_it_for_them() {
    let place = Place::new();
    let ledger = SqliteLedger::open_with(
        &place.path,
        GENESIS,
        Options {
            busy_ms: 20,
            ..Options::default()
        },
    )
    .unwrap();
    append(&ledger, line(1), 0, 1);
    let reader = Connection::open(&place.path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = || -> i64 {
        reader
            .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count(), 1);
    append(&ledger, line(1), 1, 1);
    assert_eq!(count(), 1, "its snapshot stands");
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), 2);
}

#[test]
fn what_killed_makers_left_goes_at_the_next_start_and_nothing_else() {
    let place = Place::new();
    drop(place.open());
    let beside = |name: &str| place.path.with_file_name(name);
    let left = ["ledger.db-new-0123abcd", "ledger.db-new-0123abcd-wal"];
    left.iter()
        .for_each(|name| std::fs::write(beside(name), "half").unwrap());
    std::fs::write(beside("ledger.db-new-notes"), "mine").unwrap();
    // Looking alone removes nothing.
    drop(SqliteLedger::open_read_only(&place.path).unwrap());
    assert!(left.iter().all(|name| beside(name).exists()));
    append(&place.open(), line(1), 0, 1);
    assert!(left.iter().all(|name| !beside(name).exists()));
    assert!(beside("ledger.db-new-notes").exists());
}

#[test]
fn many_who_make_it_at_once_make_one_and_leave_nothing() {
    for round in 0..8 {
        let place = Place::new();
        let logs: Vec<_> = std::thread::scope(|threads| {
            let makers: Vec<_> = (0..8_u8)
                .map(|maker| {
                    let path = &place.path;
                    let random = [maker * 16 + round; 32];
                    threads
                        .spawn(move || SqliteLedger::open(path, Genesis { random }).unwrap().log())
                })
                .collect();
            makers
                .into_iter()
                .map(|maker| maker.join().unwrap())
                .collect()
        });
        assert!(logs.iter().all(|log| *log == logs[0]), "{logs:?}");
        let found = std::fs::read_dir(place.path.parent().unwrap()).unwrap();
        let names = found.map(|file| file.unwrap().file_name().into_string().unwrap());
        let new: Vec<_> = names.filter(|name| name.contains("-new-")).collect();
        assert_eq!(new, Vec::<String>::new());
    }
}

/// What is acknowledged afterwards would be in a file without a name, or mixed into another.
#[test]
fn l11_a_file_that_was_removed_or_replaced_takes_and_tells_nothing_more() {
    for replaced in [false, true] {
        let place = Place::new();
        let ledger = place.open();
        append(&ledger, line(1), 0, 3);
        let backup = place.path.with_extension("backup");
        fs::copy(&place.path, &backup).unwrap();
        match replaced {
            true => fs::rename(&backup, &place.path).unwrap(),
            false => fs::remove_file(&place.path).unwrap(),
        }
        let words = "removed or replaced while it was open";
        let told = [
            ledger.append(vec![sample_batch(line(1), 3, 1)]).map(drop),
            ledger.len().map(drop),
            ledger.put_blob(b"more").map(drop),
            ledger.put_checkpoint(3, "note"),
        ];
        for told in told {
            assert!(told.unwrap_err().to_string().contains(words), "{replaced}");
        }
    }
}
