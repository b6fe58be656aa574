//! Erasing in a file `[L3]`: no byte of it is left, a kill is finished later, and SQL alone erases nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;

use rusqlite::Connection;
use thymos_core::canonical::value_to_bytes;
use thymos_core::{Entry, Kind};
use thymos_ledger::{Options, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{sample_draft, sample_mandate, sample_order};
use thymos_ports::store::{Batch, Destroyed, StoreError};

use crate::support::{GENESIS, Place, append, fill_with_every_kind, line, put_looser_guards, walk};

/// Words that stand nowhere else.
const WORDS: &str = "Agatha Brandmeier, Elm Street 7";

/// Appends a body that says this behind what line 1 has.
fn say(ledger: &dyn LedgerStore, kind: Kind, text: &str) -> Entry {
    let at_seq = ledger.page(&line(1), 0, 1_000).unwrap().len() as u64;
    let mut draft = sample_draft(line(1), kind, at_seq);
    draft.body = value_to_bytes(&serde_json::json!({ "text": text })).unwrap();
    put(ledger, at_seq, draft)
}

fn order(ledger: &dyn LedgerStore, target: &Entry) -> Entry {
    let at_seq = ledger.page(&line(1), 0, 1_000).unwrap().len() as u64;
    let draft = sample_order(line(1), target.id, target.header.seq);
    put(ledger, at_seq, draft)
}

fn put(ledger: &dyn LedgerStore, at_seq: u64, draft: thymos_core::entry::Draft) -> Entry {
    let batch = Batch {
        trajectory: line(1),
        at_seq,
        drafts: vec![draft],
    };
    let placed = ledger.append(vec![batch]).unwrap().remove(0);
    placed.unwrap().remove(0)
}

/// Whether the words stand in any file of the folder. Read by another process: closing a descriptor of
/// the file would drop the ledger's locks.
fn stands(folder: &Path, words: &[u8]) -> bool {
    let files = fs::read_dir(folder).unwrap();
    let mut bytes = Vec::new();
    for file in files {
        let read = Command::new("cat").arg(file.unwrap().path()).output();
        bytes.extend(read.unwrap().stdout);
    }
    bytes.windows(words.len()).any(|part| part == words)
}

fn body_of(ledger: &dyn LedgerStore, entry: &Entry) -> Option<Vec<u8>> {
    let entry = ledger.entry(&entry.id).unwrap().unwrap();
    entry.body().map(<[u8]>::to_vec)
}

#[test]
fn l3_no_byte_of_what_was_erased_is_left_in_any_file_and_all_else_stands() {
    let place = Place::new();
    let folder = place.path.parent().unwrap();
    let ledger = place.open();
    // A short one, one over many pages, one between others, and a blob that is too short to be packed.
    let blob = ledger.put_blob(format!("blob of {WORDS}").as_bytes());
    let blob = blob.unwrap();
    let mut gone = vec![say(&ledger, Kind::Message, WORDS)];
    append(&ledger, line(2), 0, 30);
    let long = format!("{WORDS} ").repeat(9_000);
    gone.push(say(&ledger, Kind::Commit, &format!("{long} {blob}")));
    let stays = say(&ledger, Kind::Message, "this stays");
    gone.push(say(&ledger, Kind::Intent, WORDS));
    append(&ledger, line(2), 30, 30);
    let before = ledger.root(ledger.len().unwrap()).unwrap();
    assert!(stands(folder, WORDS.as_bytes()));
    let size = ledger.len().unwrap();
    for entry in &gone {
        order(&ledger, entry);
    }
    let destroyed = Destroyed {
        bodies: 3,
        blobs: 1,
        left_over: false,
    };
    assert_eq!(ledger.destroy_erased(&sample_mandate()), Ok(destroyed));
    for word in [WORDS.as_bytes(), b"Brandmeier", b"Elm Street"] {
        assert!(!stands(folder, word), "while it is open");
    }
    assert_eq!(ledger.root(size).unwrap(), before);
    assert_eq!(walk(&ledger, None), []);
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
    assert!(body_of(&ledger, &stays).is_some() && ledger.blob(&blob) == Ok(None));
    drop(ledger);
    assert!(!stands(folder, b"Brandmeier"), "after it was closed");
    assert!(stands(folder, b"this stays"));
}

#[test]
fn l3_opening_destroys_nothing_and_whoever_was_killed_behind_the_order_is_finished_later() {
    let place = Place::new();
    let folder = place.path.parent().unwrap();
    let said = {
        let ledger = place.open();
        let said = say(&ledger, Kind::Message, WORDS);
        order(&ledger, &said);
        // Here it is killed: the order is synced, nothing is destroyed.
        said
    };
    let reading = SqliteLedger::open_read_only(&place.path).unwrap();
    assert!(
        body_of(&reading, &said).is_some(),
        "who reads changes nothing"
    );
    assert!(reading.destroy_erased(&sample_mandate()).is_err());
    drop(reading);
    assert!(stands(folder, WORDS.as_bytes()));
    let ledger = place.open();
    assert!(
        body_of(&ledger, &said).is_some(),
        "who opens has no mandate"
    );
    assert_eq!(ledger.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
    assert_eq!(body_of(&ledger, &said), None);
    assert!(!stands(folder, WORDS.as_bytes()));
    assert_eq!(
        ledger.destroy_erased(&sample_mandate()),
        Ok(Destroyed::default())
    );
    drop(ledger);
    // Killed behind the destruction and before it was noted: the note is all that is left to do.
    let connection = Connection::open(&place.path).unwrap();
    let again = "INSERT INTO erasures (idx, trajectory, seq) VALUES (1, 1, 0)";
    assert_eq!(connection.execute(again, []), Ok(1));
    drop(connection);
    let ledger = place.open();
    assert_eq!(
        ledger.destroy_erased(&sample_mandate()),
        Ok(Destroyed::default())
    );
    assert_eq!(walk(&ledger, None), []);
}

#[test]
fn l3_while_somebody_reads_the_copies_stand_and_are_told_and_go_the_next_time() {
    let place = Place::new();
    let folder = place.path.parent().unwrap();
    drop(place.open());
    let patience = Options {
        busy_ms: 20,
        ..Options::default()
    };
    let ledger = SqliteLedger::open_with(&place.path, GENESIS, patience).unwrap();
    let said = say(&ledger, Kind::Message, WORDS);
    let reader = Connection::open(&place.path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let seen = "SELECT count(*) FROM entries";
    reader.query_row(seen, [], |_| Ok(())).unwrap();
    order(&ledger, &said);
    let first = ledger.destroy_erased(&sample_mandate()).unwrap();
    assert!(first.left_over && first.bodies == 1, "{first:?}");
    assert_eq!(body_of(&ledger, &said), None);
    assert!(
        stands(folder, WORDS.as_bytes()),
        "the write-ahead file has it"
    );
    reader.execute_batch("COMMIT").unwrap();
    let second = ledger.destroy_erased(&sample_mandate()).unwrap();
    assert_eq!(second, Destroyed::default());
    assert!(!stands(folder, WORDS.as_bytes()));
    drop(reader);
}

#[test]
fn l3_t1_sql_alone_erases_nothing_that_no_entry_names() {
    let place = Place::new();
    let ledger = place.open();
    ledger.put_blob(b"kept").unwrap();
    let entries = fill_with_every_kind(&ledger);
    let connection = Connection::open(&place.path).unwrap();
    let refused = |sql: &str| {
        let done = connection.execute(sql, []);
        assert!(done.is_err(), "{sql}");
    };
    let erase =
        |index: u64| format!("UPDATE entries SET salt = NULL, body = NULL WHERE idx = {index}");
    for entry in &entries {
        refused(&erase(entry.header.index));
    }
    refused("DELETE FROM blobs");
    refused("INSERT INTO erasures (idx, trajectory, seq) VALUES (2, 1, 1)");
    // One `erased` entry that names another place opens that place and no other.
    let own = |entry: &&Entry| entry.header.trajectory == line(1);
    let mut messages = entries.iter().filter(own);
    let message = messages.find(|e| e.header.kind == "message").unwrap();
    let by = order(&ledger, message).header.index;
    refused(&format!(
        "INSERT OR REPLACE INTO erasures (idx, trajectory, seq) VALUES ({by}, 1, 2)"
    ));
    refused(&format!("UPDATE erasures SET seq = 2 WHERE idx = {by}"));
    for entry in &entries {
        if entry.id != message.id {
            refused(&erase(entry.header.index));
        }
    }
    // Nor does one that names what may not go.
    let kept = entries.iter().filter(|entry| {
        entry.header.trajectory == line(1) && !entry.kind().is_some_and(Kind::may_be_erased)
    });
    for entry in kept {
        order(&ledger, entry);
        refused(&erase(entry.header.index));
    }
    assert_eq!(walk(&ledger, None), []);
    assert_eq!(ledger.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
    refused("DELETE FROM blobs");
}

#[test]
fn l3_two_who_erase_at_once_erase_once() {
    let place = Place::new();
    let (one, other) = (place.open(), place.open());
    let entries: Vec<Entry> = (0..40)
        .map(|n| say(&one, Kind::Message, &format!("{WORDS} {n}")))
        .collect();
    for entry in &entries {
        order(&one, entry);
    }
    let start = Barrier::new(2);
    let bodies: u64 = std::thread::scope(|threads| {
        let both = [&one, &other].map(|ledger| {
            threads.spawn(|| {
                start.wait();
                ledger.destroy_erased(&sample_mandate()).unwrap().bodies
            })
        });
        both.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(bodies, 40);
    assert_eq!(
        one.destroy_erased(&sample_mandate()),
        Ok(Destroyed::default())
    );
    assert_eq!(walk(&other, None), []);
    drop((one, other));
    assert!(!stands(place.path.parent().unwrap(), WORDS.as_bytes()));
}

#[test]
fn l3_nothing_is_erased_beside_a_trigger_of_somebody_else() {
    for plant in [
        "CREATE TABLE theirs (body BLOB);
         CREATE TRIGGER t AFTER UPDATE ON entries BEGIN INSERT INTO theirs VALUES (OLD.body); END",
        "CREATE TRIGGER t BEFORE UPDATE ON entries BEGIN SELECT RAISE(IGNORE); END",
    ] {
        let place = Place::new();
        let ledger = place.open();
        let said = say(&ledger, Kind::Message, WORDS);
        order(&ledger, &said);
        let connection = Connection::open(&place.path).unwrap();
        connection.execute_batch(plant).unwrap();
        let refused = ledger.destroy_erased(&sample_mandate());
        assert!(
            matches!(refused, Err(StoreError::Corrupt { .. })),
            "{plant}: {refused:?}"
        );
        let entry = ledger.entry(&said.id).unwrap().unwrap();
        assert!(entry.content.is_some(), "all or nothing");
        connection.execute_batch("DROP TRIGGER t").unwrap();
        assert_eq!(ledger.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
    }
}

/// Our format with the looser triggers of format 2 put back.
fn as_format_2(path: &Path) {
    let connection = Connection::open(path).unwrap();
    put_looser_guards(&connection);
    connection.pragma_update(None, "user_version", 2).unwrap();
}

#[test]
fn l13_a_ledger_of_format_2_gets_the_stricter_triggers_and_no_entry_changes() {
    let place = Place::new();
    let entries = fill_with_every_kind(&place.open());
    as_format_2(&place.path);
    let read = SqliteLedger::open_read_only(&place.path).unwrap();
    assert_eq!(walk(&read, None), []);
    drop(read);
    let ledger = place.open();
    let rows = ledger.scan(0, 1_000).unwrap();
    let after: Vec<Entry> = rows.into_iter().map(|row| row.entry.unwrap()).collect();
    assert_eq!(after, entries);
    let connection = Connection::open(&place.path).unwrap();
    let erase = "UPDATE entries SET salt = NULL, body = NULL WHERE idx = 0";
    assert!(connection.execute(erase, []).is_err());
    let said = say(&ledger, Kind::Message, WORDS);
    order(&ledger, &said);
    assert_eq!(ledger.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
}

#[test]
fn l13_t1_a_lower_version_does_not_hide_what_is_to_be_erased() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 1);
    let connection = Connection::open(&place.path).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    drop(connection);
    let opened = [
        SqliteLedger::open(&place.path, GENESIS).map(drop),
        SqliteLedger::open_read_only(&place.path).map(drop),
    ];
    for error in opened.map(Result::unwrap_err) {
        let said = error.to_string();
        assert!(said.contains("holds what is to be erased"), "{said}");
    }
}
