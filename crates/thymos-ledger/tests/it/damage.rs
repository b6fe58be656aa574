//! The tamper matrix `[T1]` as far as storage goes: everything done to the file is seen and located.

use std::fs;

use rusqlite::Connection;
use thymos_core::Entry;
use thymos_core::checkpoint::Checkpoint;
use thymos_core::id::Digest;
use thymos_core::key::SigningKey;
use thymos_core::sealed::{Envelope, NONCE_BYTES};
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::store::{StoreError, StoredRow};

use crate::support::{GENESIS, Place, append, fill_with_every_kind, line, walk};
use crate::tamper;

#[test]
fn l2_t1_every_tampering_is_found_and_located() {
    let place = Place::new();
    let ledger = place.open();
    let newest = fill_with_every_kind(&ledger).pop().unwrap();
    assert_eq!(walk(&ledger, Some(&newest)), []);
    drop(ledger);
    let sound = fs::read(&place.path).unwrap();
    for tampering in tamper::all() {
        let copy = place.folder.path().join("copy.db");
        fs::write(&copy, &sound).unwrap();
        tampering.act(&copy);
        let ledger = SqliteLedger::open_read_only(&copy).unwrap();
        let remembered = tampering.needs_memory.then_some(&newest);
        let mut findings = walk(&ledger, remembered);
        findings.sort();
        let located = findings.iter().any(|(index, _)| *index == tampering.at);
        assert!(located, "{}: {findings:?}", tampering.name);
        if tampering.needs_memory {
            // Without memory at most the tree tells, as long as it was not made over as well.
            let told = walk(&ledger, None).into_iter();
            let told: Vec<_> = told.filter(|(_, why)| !why.contains("tree")).collect();
            assert_eq!(told, [], "{}", tampering.name);
        }
    }
}

#[test]
fn t1_a_page_never_hands_out_a_damaged_entry() {
    let place = Place::new();
    let entries = fill_with_every_kind(&place.open());
    let sound = fs::read(&place.path).unwrap();
    for tampering in tamper::all() {
        let copy = place.folder.path().join("copy.db");
        fs::write(&copy, &sound).unwrap();
        tampering.act(&copy);
        let ledger = SqliteLedger::open_read_only(&copy).unwrap();
        for trajectory in [line(1), line(2)] {
            let own = entries
                .iter()
                .filter(|entry| entry.header.trajectory == trajectory);
            let own: Vec<Entry> = own.cloned().collect();
            match ledger.page(&trajectory, 0, 100) {
                Ok(page) if tampering.name.starts_with("forge") => {
                    assert_eq!(page.len(), own.len());
                }
                Ok(page) if tampering.needs_memory => assert!(page.len() <= own.len()),
                Ok(page) => assert!(own.starts_with(&page), "{}", tampering.name),
                Err(StoreError::Corrupt { .. }) => {}
                Err(error) => panic!("{}: {error}", tampering.name),
            }
        }
    }
}

#[test]
fn l10_triggers_refuse_to_rewrite_and_delete() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 2);
    ledger.put_blob(b"content").unwrap();
    let connection = Connection::open(&place.path).unwrap();
    for sql in [
        "DELETE FROM entries WHERE idx = 1",
        "UPDATE entries SET body = x'7b7d' WHERE idx = 1",
        "UPDATE entries SET kind = 'usage' WHERE idx = 1",
        "UPDATE entries SET salt = NULL, body = NULL, seq = 9 WHERE idx = 1",
        "UPDATE entries SET salt = NULL WHERE idx = 1",
        "DELETE FROM blobs",
        "UPDATE blobs SET bytes = x'00'",
        "UPDATE trajectories SET id = zeroblob(32)",
        "DELETE FROM log",
        "UPDATE log SET id = zeroblob(32)",
    ] {
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
    assert_eq!(walk(&ledger, None), []);
}

#[test]
fn l3_a_body_that_is_gone_with_its_salt_leaves_the_chain_whole() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let erased = "UPDATE entries SET salt = NULL, body = NULL WHERE idx = 1";
    let connection = Connection::open(&place.path).unwrap();
    assert!(connection.execute(erased, []).is_err(), "no entry says so");
    let guard = "DROP TRIGGER entries_are_not_rewritten";
    connection.execute_batch(guard).unwrap();
    assert_eq!(connection.execute(erased, []), Ok(1));
    assert_eq!(walk(&ledger, None), []);
    let page = ledger.page(&line(1), 0, 10).unwrap();
    let erased: Vec<bool> = page.iter().map(|entry| entry.content.is_none()).collect();
    assert_eq!(erased, [false, true, false]);
}

#[test]
fn l4_t1_a_replaced_blob_is_found() {
    let place = Place::new();
    let ledger = place.open();
    let (text, other) = ("the words ".repeat(100), "another ".repeat(100));
    let digest = ledger.put_blob(text.as_bytes()).unwrap();
    let unpacked = ledger.put_blob(b"short").unwrap();
    let second = ledger.put_blob(other.as_bytes()).unwrap();
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
    let connection = Connection::open(&place.path).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER blobs_are_not_rewritten;
             UPDATE blobs SET bytes = x'ffff' WHERE number = 2;
             UPDATE blobs SET bytes = (SELECT bytes FROM blobs WHERE number = 3) WHERE number = 1;",
        )
        .unwrap();
    for digest in [&digest, &unpacked] {
        let read = ledger.blob(digest);
        assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    }
    assert_eq!(ledger.blob(&second).unwrap(), Some(other.into_bytes()));
    let findings = ledger.check_engine().unwrap();
    let bytes = "its bytes are not those of its digest";
    let wanted = [
        "trigger `blobs_are_not_rewritten` of table `blobs` is missing".to_owned(),
        format!("blob {}: {bytes}", digest.short()),
        format!("blob {}: {bytes}", unpacked.short()),
    ];
    assert_eq!(findings, wanted);
}

#[test]
fn l1_a_size_that_is_kept_of_a_blob_is_held_against_its_content() {
    let place = Place::new();
    let ledger = place.open();
    let packed = ledger
        .put_blob("the words ".repeat(100).as_bytes())
        .unwrap();
    let plain = ledger.put_blob(b"short").unwrap();
    let envelope = Envelope {
        digest: Digest::of(b"secret"),
        nonce: [1; NONCE_BYTES],
        ciphertext: vec![1; 40],
    };
    let sealed = ledger.put_sealed_blob(&envelope.to_bytes()).unwrap();
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
    without_guard(
        &place,
        "blobs_are_not_rewritten",
        "UPDATE blobs SET size = size + 7",
    );
    let length = envelope.to_bytes().len();
    let wanted = [(packed, 1_000), (plain, 5), (sealed, length)].map(|(digest, length)| {
        let (digest, kept) = (digest.short(), length + 7);
        format!("blob {digest}: its size is kept as {kept}, and it has {length} bytes")
    });
    assert_eq!(ledger.check_engine().unwrap(), wanted);
    // It harms nobody who reads the blob.
    assert_eq!(ledger.blob(&plain), Ok(Some(b"short".to_vec())));
}

#[test]
fn l1_a_size_that_a_checkpoint_is_kept_under_is_held_against_its_note() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 20);
    let key = SigningKey::from_seed(&[1; 32]);
    for size in [7, 20] {
        let (log, root) = (ledger.log(), ledger.root(size).unwrap());
        let signed = Checkpoint { log, size, root }.sign(&key);
        ledger.put_checkpoint(size, signed.note()).unwrap();
    }
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
    let moved = "UPDATE checkpoints SET size = 5000 WHERE size = 20";
    without_guard(&place, "checkpoints_are_not_rewritten", moved);
    let wanted = "checkpoint of 5000 entries: its note is over 20";
    assert_eq!(ledger.check_engine().unwrap(), [wanted]);
}

#[test]
fn l1_a_trajectory_of_which_there_is_no_entry_is_told() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let connection = Connection::open(&place.path).unwrap();
    let insert = "INSERT INTO trajectories (id) VALUES (?1)";
    connection.execute(insert, [line(2).as_bytes()]).unwrap();
    let wanted = format!(
        "trajectory {} is kept, and no entry is of it",
        line(2).short()
    );
    assert_eq!(ledger.check_engine().unwrap(), [wanted]);
    // Whoever works on it from then on finds its number there.
    append(&ledger, line(2), 0, 1);
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
}

/// Does it with a guard away, and puts that back.
fn without_guard(place: &Place, guard: &str, change: &str) {
    let connection = Connection::open(&place.path).unwrap();
    let query = "SELECT sql FROM sqlite_schema WHERE name = ?1";
    let made: String = connection
        .query_row(query, [guard], |row| row.get(0))
        .unwrap();
    let sql = format!("DROP TRIGGER {guard}; {change}; {made};");
    connection.execute_batch(&sql).unwrap();
}

#[test]
fn l13_a_damaged_newest_entry_is_named_at_opening() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 3);
    let connection = Connection::open(&place.path).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER entries_are_not_rewritten;
             UPDATE entries SET body = x'7b7d' WHERE idx = 2",
        )
        .unwrap();
    let error = SqliteLedger::open(&place.path, GENESIS)
        .map(drop)
        .unwrap_err();
    let StoreError::Corrupt { at, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(at, "entry at index 2");
}

#[test]
fn l10_an_append_does_not_vouch_for_a_damaged_entry() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    append(&ledger, line(2), 0, 1);
    let connection = Connection::open(&place.path).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER entries_are_not_rewritten;
             UPDATE entries SET header = (SELECT header FROM entries WHERE idx = 0) WHERE idx = 2",
        )
        .unwrap();
    let batch = thymos_ports::conformance::sample_batch(line(1), 3, 1);
    let refused = ledger.append(vec![batch]);
    assert!(
        matches!(refused, Err(StoreError::Corrupt { .. })),
        "{refused:?}"
    );
    append(&ledger, line(2), 1, 1);
}

/// What anybody can read of a ledger, whole.
type Contents = (Vec<StoredRow>, Option<Vec<u8>>);

fn filled(place: &Place) -> (Vec<u8>, Digest, Contents) {
    let ledger = place.open();
    for round in 0..60 {
        append(&ledger, line(1), round * 3, 3);
        append(&ledger, line(2), round, 1);
    }
    let blob = "a file image\n".repeat(2_000);
    let digest = ledger.put_blob(blob.as_bytes()).unwrap();
    append(&ledger, line(2), 60, 1);
    let rows = ledger.scan(0, usize::MAX).unwrap();
    drop(ledger);
    let contents = (rows, Some(blob.into_bytes()));
    (fs::read(&place.path).unwrap(), digest, contents)
}

// Some bits of a file mean nothing (unused room in a page); all others must be told or do no harm.
fn is_told_or_harmless(bytes: &[u8], digest: &Digest, sound: &Contents) -> Result<bool, String> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("copy.db");
    fs::write(&path, bytes).unwrap();
    let Ok(ledger) = SqliteLedger::open_read_only(&path) else {
        return Ok(true);
    };
    let newest = sound.0.last().unwrap().entry.as_ref().unwrap();
    let told = !walk(&ledger, Some(newest)).is_empty()
        || ledger.check_engine().map_or(true, |told| !told.is_empty())
        || !matches!(ledger.blob(digest), Ok(Some(_)));
    if told {
        return Ok(true);
    }
    let rows = ledger.scan(0, usize::MAX).map_err(|e| e.to_string())?;
    if (rows, ledger.blob(digest).unwrap()) == *sound {
        Ok(false)
    } else {
        Err("changed, and nobody noticed".to_owned())
    }
}

/// Flips single bits all over the file; how many of the flips were told.
fn flips(sound: &[u8], digest: &Digest, contents: &Contents, samples: usize) -> usize {
    let bits = sound.len() * 8;
    let mut told = 0;
    for sample in 0..samples {
        // A stride that is coprime to every power of two visits all parts of pages and bytes.
        let bit = sample.wrapping_mul(0x9e37_79b9_7f4a_7c15_usize) % bits;
        let mut flipped = sound.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match is_told_or_harmless(&flipped, digest, contents) {
            Ok(noticed) => told += usize::from(noticed),
            Err(why) => panic!("bit {bit}: {why}"),
        }
    }
    told
}

#[test]
fn t1_a_flipped_bit_is_told_or_changes_nothing() {
    let place = Place::new();
    let (sound, digest, contents) = filled(&place);
    let told = flips(&sound, &digest, &contents, 300);
    assert!(
        told > 200,
        "{told} of 300 flips were told; the rest hit unused room"
    );
}

#[test]
fn t1_a_flipped_bit_of_ten_thousand_entries_is_told_or_changes_nothing() {
    let place = Place::new();
    let ledger = place.open();
    for round in 0..20 {
        append(&ledger, line(1), round * 400, 400);
        append(&ledger, line(2), round * 100, 100);
    }
    let digest = ledger.put_blob(&[7; 5_000]).unwrap();
    append(&ledger, line(2), 2_000, 1);
    let rows = ledger.scan(0, usize::MAX).unwrap();
    assert_eq!(rows.len(), 10_001);
    drop(ledger);
    let (sound, contents) = (fs::read(&place.path).unwrap(), (rows, Some(vec![7; 5_000])));
    let told = flips(&sound, &digest, &contents, 24);
    assert!(told >= 16, "{told} of 24 flips were told");
}

#[test]
fn t1_a_cut_file_is_told() {
    let place = Place::new();
    let (sound, digest, contents) = filled(&place);
    for sample in 0..40 {
        let length = sound.len() * sample / 40;
        let told = is_told_or_harmless(&sound[..length], &digest, &contents);
        assert_eq!(told, Ok(true), "cut to {length} of {}", sound.len());
    }
    assert_eq!(is_told_or_harmless(&sound, &digest, &contents), Ok(false));
}
