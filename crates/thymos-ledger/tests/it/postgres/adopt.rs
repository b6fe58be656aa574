//! A server takes over a log `[L16]`: who else has it open, who comes in between, and who may.

use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

use thymos_core::{Entry, LogId};
use thymos_ledger::{Genesis, PostgresLedger, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{sample_batch, sample_mandate, sample_order};
use thymos_ports::store::{Batch, Piece, StoreError, Unfit};
use thymos_testkit::postgres::Database;

use super::{ledger, open, until};
use crate::support::{GENESIS, append, line, server, walk};

mod broken;

type Pieces = Vec<Result<Piece, StoreError>>;

/// A log that was made elsewhere, a thousand entries an append, and an empty ledger's neighbour.
fn elsewhere(random: u8, length: u64) -> (LogId, Vec<Entry>) {
    let genesis = Genesis {
        random: [random; 32],
    };
    let file = SqliteLedger::in_memory(genesis).unwrap();
    let mut at = 0;
    while at < length {
        let more = (length - at).min(1_000);
        append(&file, line(1), at, more);
        at += more;
    }
    let rows = file.scan(0, usize::MAX).unwrap().into_iter();
    (file.log(), rows.map(|row| row.entry.unwrap()).collect())
}

fn pieces(entries: &[Entry]) -> Pieces {
    let boxed = entries.iter().cloned().map(Box::new);
    boxed.map(|entry| Ok(Piece::Entry(entry))).collect()
}

fn adopt(ledger: &dyn LedgerStore, log: LogId, pieces: Pieces) -> Result<u64, Unfit> {
    ledger.adopt(log, &mut pieces.into_iter()).unwrap()
}

/// As a ledger is that was just made: no row anywhere, its guards as they were, and no lock held.
#[track_caller]
fn is_as_it_was(database: &Database, log: LogId) {
    for table in ["entries", "nodes", "checkpoints", "blobs"] {
        let count = database.sql(&format!("SELECT count(*) FROM thymos.{table}"));
        assert_eq!(count, ["0"], "{table}");
    }
    guards_stand(database, log);
}

#[track_caller]
fn guards_stand(database: &Database, log: LogId) {
    let id = database.sql("SELECT encode(id, 'hex') FROM thymos.log");
    assert_eq!(id, [log.to_string()]);
    let locks = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                 WHERE a.datname = current_database() AND l.locktype = 'advisory'";
    assert_eq!(database.sql(locks), ["0"]);
    assert_eq!(open(database).check_engine().unwrap(), Vec::<String>::new());
    let said = database.try_sql("UPDATE thymos.log SET id = sha256('x')");
    assert!(said.unwrap_err().contains("only grows"));
}

#[track_caller]
fn is_another<T: std::fmt::Debug>(seen: Result<T, StoreError>) {
    let said = seen.unwrap_err().to_string();
    let due = "holds another ledger than before; open it again";
    assert!(said.contains(due), "{said}");
}

/// A blob, a note and entries: something for every table.
fn some_of_all(entries: &[Entry]) -> Pieces {
    let mut all: Pieces = vec![
        Ok(Piece::Blob(b"of nobody".repeat(50))),
        Ok(Piece::Checkpoint(16, "note".to_owned())),
    ];
    all.extend(pieces(entries));
    all
}

#[test]
fn l16_whoever_has_the_empty_ledger_open_neither_adds_to_the_log_nor_reads_it_as_the_old_one() {
    let Some((database, mine)) = ledger() else {
        return;
    };
    let theirs = open(&database);
    let reader = PostgresLedger::open_read_only(server(&database));
    let reader = reader.unwrap().unwrap();
    let before = theirs.log();
    assert_eq!((theirs.len(), reader.len()), (Ok(0), Ok(0)));
    let (log, entries) = elsewhere(7, 20);
    assert_eq!(adopt(&mine, log, pieces(&entries)), Ok(20));
    is_another(theirs.append(vec![sample_batch(line(2), 0, 1)]));
    is_another(theirs.put_checkpoint(1, "of the old one"));
    is_another(theirs.put_blob(b"x"));
    is_another(theirs.destroy_erased(&sample_mandate()));
    for ledger in [&theirs, &reader] {
        is_another(ledger.len());
        is_another(ledger.page(&line(1), 0, 9));
        is_another(ledger.scan(0, 9));
        is_another(ledger.heads());
        is_another(ledger.entry(&entries[0].id));
        is_another(ledger.find_prefix(&entries[0].id.to_string()[..8], 9));
        is_another(ledger.root(20));
        is_another(ledger.inclusion(0, 20));
        is_another(ledger.checkpoints(0));
        assert_eq!(ledger.log(), before, "it does not pretend");
    }
    assert_eq!(mine.log(), log);
    assert_eq!(mine.checkpoints(0), Ok(Vec::new()));
    append(&mine, line(2), 0, 1);
    assert_eq!((walk(&mine, None), mine.len()), (Vec::new(), Ok(21)));
    drop((theirs, reader));
    assert_eq!(open(&database).log(), log);
    guards_stand(&database, log);
}

#[test]
fn l16_who_opened_it_before_may_still_import_the_same_log_and_is_told_of_another_one() {
    let Some((database, mine)) = ledger() else {
        return;
    };
    let (late, other) = (open(&database), open(&database));
    let (log, entries) = elsewhere(7, 20);
    assert_eq!(adopt(&mine, log, pieces(&entries[..12])), Ok(12));
    assert_eq!(adopt(&late, log, pieces(&entries)), Ok(8));
    assert_eq!(late.log(), log);
    append(&late, line(2), 0, 1);
    let (foreign, theirs) = elsewhere(8, 3);
    let refused = adopt(&other, foreign, pieces(&theirs));
    assert_eq!(refused, Err(Unfit::OtherLog(log)));
    is_another(other.len());
    assert_eq!((walk(&mine, None), mine.len()), (Vec::new(), Ok(21)));
}

#[test]
fn l16_of_many_imports_at_once_one_makes_the_log_and_the_others_find_it() {
    const IMPORTS: u8 = 6;
    const LENGTH: u64 = 1_200;
    let Some(database) = Database::new() else {
        return;
    };
    let (log, entries) = elsewhere(7, LENGTH);
    let (foreign, theirs) = elsewhere(8, LENGTH);
    let start = Barrier::new(usize::from(IMPORTS));
    let outcomes: Vec<_> = thread::scope(|scope| {
        let one = |number: u8| {
            let (database, start) = (&database, &start);
            let (log, entries) = match number % 3 {
                0 => (foreign, &theirs),
                _ => (log, &entries),
            };
            scope.spawn(move || {
                let ledger = open(database);
                start.wait();
                (log, adopt(&ledger, log, pieces(entries)))
            })
        };
        let all: Vec<_> = (0..IMPORTS).map(one).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let winner = open(&database).log();
    let mut new = 0;
    for (log, outcome) in outcomes {
        match log == winner {
            true => new += outcome.unwrap(),
            false => assert_eq!(outcome, Err(Unfit::OtherLog(winner))),
        }
    }
    assert_eq!(new, LENGTH);
    assert_eq!(walk(&open(&database), None), []);
    guards_stand(&database, winner);
}

#[test]
fn l16_an_append_in_the_middle_waits_and_is_refused_or_comes_after() {
    let Some((database, mine)) = ledger() else {
        return;
    };
    let (log, entries) = elsewhere(7, 2_200);
    let during = |ledger: &PostgresLedger, own: &[Entry], trajectory| {
        thread::scope(|scope| {
            let (go, goes) = mpsc::channel();
            let adding = scope.spawn(move || {
                goes.recv().unwrap();
                ledger.append(vec![sample_batch(trajectory, 0, 1)])
            });
            let mut left = pieces(own).into_iter();
            let mut count = 0;
            let mut taken = std::iter::from_fn(|| {
                count += 1;
                if count == 1_050 {
                    go.send(()).unwrap();
                    until("it waits for the lock", || {
                        let sql = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                                   WHERE a.datname = current_database() AND NOT l.granted";
                        database.sql(sql).remove(0) == "1"
                    });
                }
                left.next()
            });
            let new = mine.adopt(log, &mut taken).unwrap().unwrap();
            (new, adding.join().unwrap())
        })
    };
    // Opened while it was empty.
    let stale = open(&database);
    let (new, refused) = during(&stale, &entries[..1_100], line(2));
    assert_eq!(new, 1_100);
    is_another(refused);
    // Opened as this log: it comes behind what was imported.
    let fresh = open(&database);
    let (new, placed) = during(&fresh, &entries, line(2));
    assert_eq!(new, 1_100);
    assert_eq!(placed.unwrap()[0].as_ref().unwrap()[0].header.index, 2_200);
    // And one that came first has made another history of it.
    let (_, longer) = elsewhere(7, 2_202);
    let parted = adopt(&mine, log, pieces(&longer));
    assert_eq!(parted, Err(Unfit::Parted(2_200)));
    assert_eq!((walk(&mine, None), mine.len()), (Vec::new(), Ok(2_201)));
}

#[test]
fn l16_who_does_not_own_the_tables_makes_no_other_log_of_them_and_may_go_on_with_one() {
    let Some((database, owner)) = ledger() else {
        return;
    };
    let (role, own) = super::erase::writer_role(&database);
    let writer = PostgresLedger::open(own.clone(), GENESIS).unwrap();
    let (log, entries) = elsewhere(7, 40);
    let refused = writer.adopt(log, &mut some_of_all(&entries).into_iter());
    let said = refused.unwrap_err();
    assert!(
        matches!(&said, StoreError::Open { reason, .. } if reason.contains("only the owner of its tables")),
        "{said:?}"
    );
    is_as_it_was(&database, owner.log());
    append(&writer, line(1), 0, 1);
    drop((owner, writer));
    // A role that may do no more than add takes over what comes behind.
    let Some((second, owner)) = ledger() else {
        return;
    };
    assert_eq!(adopt(&owner, log, pieces(&entries[..10])), Ok(10));
    second.sql(&format!(
        "GRANT USAGE ON SCHEMA thymos TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA thymos TO {role}; \
         GRANT INSERT ON thymos.entries, thymos.nodes, thymos.checkpoints, thymos.blobs TO {role}"
    ));
    let own = thymos_ledger::Server {
        database: second.name().to_owned(),
        ..own
    };
    let writer = PostgresLedger::open(own, GENESIS).unwrap();
    assert_eq!(adopt(&writer, log, some_of_all(&entries)), Ok(30));
    assert_eq!(walk(&writer, None), []);
    guards_stand(&second, log);
    drop((owner, writer));
    second.sql(&format!("DROP OWNED BY {role}"));
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn l16_the_bell_rings_once_and_what_was_erased_stays_so() {
    let Some((database, mine)) = ledger() else {
        return;
    };
    let file = SqliteLedger::in_memory(Genesis { random: [7; 32] }).unwrap();
    append(&file, line(1), 0, 2_000);
    let all = |ledger: &dyn LedgerStore| {
        let rows = ledger.scan(0, usize::MAX).unwrap().into_iter();
        let entries: Vec<Entry> = rows.map(|row| row.entry.unwrap()).collect();
        entries
    };
    let before = all(&file);
    let target = &before[4];
    let ordered = Batch {
        trajectory: line(1),
        at_seq: 2_000,
        drafts: vec![sample_order(line(1), target.id, target.header.seq)],
    };
    file.append(vec![ordered]).unwrap()[0].as_ref().unwrap();
    assert_eq!(file.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
    let listening = open(&database);
    let (rung, heard) = mpsc::channel();
    let watch = listening.watch(Box::new(move || rung.send(()).unwrap()));
    let _watch = watch.unwrap();
    let after = all(&file);
    assert_eq!(adopt(&mine, file.log(), pieces(&after)), Ok(2_001));
    heard.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(heard.recv_timeout(Duration::from_millis(200)).is_err());
    // An older copy, with the body still in it, gives nothing back.
    assert_eq!(adopt(&mine, file.log(), pieces(&before)), Ok(0));
    assert_eq!(all(&mine), after);
    assert!(after[4].content.is_none());
    assert_eq!(mine.check_engine().unwrap(), Vec::<String>::new());
}
