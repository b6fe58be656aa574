//! The port's conformance suite, against a file and against memory.

use thymos_core::entry::Position;
use thymos_core::{Kind, LogId, TrajectoryId};
use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::store::Piece;
use thymos_ports::{LedgerStore, conformance};

const GENESIS: Genesis = Genesis { random: [1; 32] };

#[test]
fn l14_a_ledger_in_a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    conformance::ledger_store(&mut || {
        count += 1;
        let path = folder.path().join(format!("{count}.ledger"));
        Box::new(SqliteLedger::open(&path, GENESIS).unwrap())
    });
}

#[test]
fn l14_a_ledger_in_memory_conforms() {
    conformance::ledger_store(&mut || Box::new(SqliteLedger::in_memory(GENESIS).unwrap()));
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
