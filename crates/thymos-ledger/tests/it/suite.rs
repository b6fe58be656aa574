//! The port's conformance suite, against a file, memory and a server; and the same bytes in all.

use thymos_core::canonical::value_to_bytes;
use thymos_core::entry::{Position, Salt};
use thymos_core::merkle::TreeHash;
use thymos_core::{EntryId, Kind, LogId, TrajectoryId};
use thymos_ledger::{Genesis, PostgresLedger, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{self, sample_batch, sample_draft};
use thymos_ports::store::{Batch, Piece, StoreError, StoredRow};
use thymos_testkit::MemoryStore;
use thymos_testkit::postgres::Database;

use crate::support::{GENESIS, line, server};

#[test]
fn l14_a_ledger_in_a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    let mut make = || -> Box<dyn LedgerStore> {
        count += 1;
        let path = folder.path().join(format!("{count}.ledger"));
        Box::new(SqliteLedger::open(&path, GENESIS).unwrap())
    };
    conformance::ledger_store(&mut make);
    conformance::taking_over(&mut make);
    conformance::erasing(&mut make);
}

#[test]
fn l14_a_ledger_in_memory_conforms() {
    let mut make =
        || -> Box<dyn LedgerStore> { Box::new(SqliteLedger::in_memory(GENESIS).unwrap()) };
    conformance::ledger_store(&mut make);
    conformance::taking_over(&mut make);
    conformance::erasing(&mut make);
}

#[test]
fn l16_whoever_opened_an_empty_ledger_before_it_became_another_log_appends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mine = SqliteLedger::open(&path, Genesis { random: [1; 32] }).unwrap();
    let theirs = SqliteLedger::open(&path, Genesis { random: [2; 32] }).unwrap();
    let before = theirs.log();
    let log = LogId::of(b"elsewhere");
    let draft = conformance::sample_draft(TrajectoryId::of(b"t"), Kind::Message, 0);
    let place = Position {
        log,
        index: 0,
        seq: 0,
        prev: None,
    };
    let entry = draft.place(&place).unwrap();
    let taken = mine.adopt(
        log,
        &mut [Ok(Piece::Entry(Box::new(entry.clone())))].into_iter(),
    );
    assert_eq!(taken, Ok(Ok(1)));
    let batch = || vec![conformance::sample_batch(TrajectoryId::of(b"u"), 0, 1)];
    let refused = theirs.append(batch()).unwrap_err();
    assert!(refused.to_string().contains("open it again"), "{refused}");
    assert!(theirs.log() == before && mine.log() == log);
    assert!(mine.append(batch()).unwrap()[0].is_ok());
    drop((mine, theirs));
    let again = SqliteLedger::open(&path, Genesis { random: [3; 32] }).unwrap();
    assert_eq!((again.log(), again.len()), (log, Ok(2)));
    assert_eq!(again.entry(&entry.id), Ok(Some(entry)));
    assert_eq!(again.check_engine(), Ok(Vec::new()));
    drop(again);
    let file = rusqlite::Connection::open(&path).unwrap();
    let renamed = file.execute("UPDATE log SET id = zeroblob(32)", []);
    assert!(renamed.unwrap_err().to_string().contains("keeps its id"));
}

#[test]
fn l14_a_ledger_on_a_server_conforms() {
    // Kept until the end: a ledger is used while its database is there.
    let mut databases = Vec::new();
    if Database::new().is_none() {
        return;
    }
    let mut make = || -> Box<dyn LedgerStore> {
        let database = Database::new().unwrap();
        let ledger = PostgresLedger::open(server(&database), GENESIS).unwrap();
        databases.push(database);
        Box::new(ledger)
    };
    conformance::ledger_store(&mut make);
    conformance::taking_over(&mut make);
    conformance::erasing(&mut make);
}

/// Everything about a ledger that somebody outside could hold against another one.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    ids: Vec<EntryId>,
    bytes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    roots: Vec<TreeHash>,
    proofs: Vec<Option<Vec<TreeHash>>>,
}

fn seen(store: &dyn LedgerStore) -> Seen {
    let size = store.len().unwrap();
    let rows: Vec<StoredRow> = store.scan(0, 10_000).unwrap();
    assert!(rows.iter().all(|row| row.disagreements.is_empty()));
    let entries: Vec<_> = rows.into_iter().map(|row| row.entry.unwrap()).collect();
    let proofs = (0..size).flat_map(|at| {
        let inclusion = store.inclusion(at, size).unwrap();
        [inclusion, store.consistency(at, size).unwrap()]
    });
    Seen {
        ids: entries.iter().map(|entry| entry.id).collect(),
        bytes: entries
            .iter()
            .map(|entry| {
                let body = entry.body().map(<[u8]>::to_vec);
                (entry.header_bytes.clone(), body)
            })
            .collect(),
        roots: (0..=size).map(|size| store.root(size).unwrap()).collect(),
        proofs: proofs.collect(),
    }
}

fn fill(store: &dyn LedgerStore) {
    for (number, kind) in (0..).zip(Kind::ALL) {
        let own = Batch {
            trajectory: line(1),
            at_seq: number,
            drafts: vec![sample_draft(line(1), kind, number)],
        };
        let placed = store.append(vec![own, sample_batch(line(2), number * 2, 2)]);
        assert!(placed.unwrap().iter().all(Result::is_ok));
    }
    // What a text column would not take, and what fills many pages.
    let large = "\u{0}\u{1f}\u{fffd}'\";--\\".repeat(150_000);
    let mut odd = sample_draft(line(3), Kind::Message, 0);
    odd.body = value_to_bytes(&serde_json::json!({ "text": large })).unwrap();
    odd.salt = Salt::from_bytes([0; 32]);
    let last = Batch {
        trajectory: line(3),
        at_seq: 0,
        drafts: vec![odd],
    };
    assert!(store.append(vec![last]).unwrap().iter().all(Result::is_ok));
}

#[test]
fn l14_every_store_keeps_the_same_bytes_ids_roots_and_proofs() {
    let log = LogId::of(&GENESIS.random);
    let file = SqliteLedger::in_memory(GENESIS).unwrap();
    fill(&file);
    let of_file = seen(&file);
    assert_eq!(file.log(), log);
    let memory = MemoryStore::new().with_log(log);
    fill(&memory);
    assert_eq!(of_file, seen(&memory));
    let Some(database) = Database::new() else {
        return;
    };
    let server = PostgresLedger::open(server(&database), GENESIS).unwrap();
    assert_eq!(server.log(), log);
    fill(&server);
    assert_eq!(of_file, seen(&server));
    assert_eq!(server.check_engine().unwrap(), Vec::<String>::new());
}

/// Every entry of a store, as another one takes it over.
fn pieces(store: &dyn LedgerStore) -> impl Iterator<Item = Result<Piece, StoreError>> {
    let rows = store.scan(0, 10_000).unwrap().into_iter();
    rows.map(|row| Ok(Piece::Entry(Box::new(row.entry.unwrap()))))
}

#[test]
fn l14_l16_a_log_moves_from_a_file_to_a_server_and_back_with_every_byte_and_every_proof() {
    let Some(database) = Database::new() else {
        return;
    };
    let file = SqliteLedger::in_memory(GENESIS).unwrap();
    fill(&file);
    let (count, log) = (file.len().unwrap(), file.log());
    let other = Genesis { random: [2; 32] };
    let on_server = PostgresLedger::open(server(&database), other).unwrap();
    assert_ne!(on_server.log(), log);
    assert_eq!(on_server.adopt(log, &mut pieces(&file)), Ok(Ok(count)));
    assert_eq!(on_server.adopt(log, &mut pieces(&file)), Ok(Ok(0)));
    assert_eq!((on_server.log(), seen(&on_server)), (log, seen(&file)));
    assert_eq!(on_server.check_engine().unwrap(), Vec::<String>::new());
    // What goes on there comes back.
    let placed = on_server.append(vec![sample_batch(line(9), 0, 3)]).unwrap();
    assert!(placed[0].is_ok());
    assert_eq!(file.adopt(log, &mut pieces(&on_server)), Ok(Ok(3)));
    assert_eq!(seen(&file), seen(&on_server));
}
