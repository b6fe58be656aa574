//! Connections that end: before, in and after a commit; while a lease is held; while a bell listens.

use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use thymos_ledger::{PostgresLedger, Server};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::StoreError;
use thymos_testkit::postgres::Database;

use super::{Between, ledger, open, until};
use crate::support::{GENESIS, append, line, server, walk};

/// Ends every connection to the database but the own one.
pub(super) fn end_all(database: &Database) {
    database.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[test]
fn l11_a_connection_that_ended_while_idle_is_made_anew() {
    let Some((database, ledger)) = ledger() else {
        return;
    };
    append(&ledger, line(1), 0, 1);
    assert_eq!(ledger.len(), Ok(1));
    end_all(&database);
    append(&ledger, line(1), 1, 1);
    end_all(&database);
    assert_eq!(ledger.len(), Ok(2));
    end_all(&database);
    ledger.put_checkpoint(1, "note").unwrap();
    end_all(&database);
    ledger.put_blob(b"content").unwrap();
    assert_eq!(walk(&ledger, None), []);
}

/// The first commit from here on takes for ever, those after it do not.
pub(super) fn the_next_commit_hangs(database: &Database) {
    database.sql(
        "CREATE SEQUENCE public.once; \
         CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN IF nextval(''public.once'') = 1 THEN PERFORM pg_sleep(60); END IF; RETURN NULL; END'; \
         CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON thymos.entries \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.slow()",
    );
}

/// Ends the backend of the commit that hangs, once it does.
pub(super) fn end_the_commit(database: &Database) {
    until("a commit hangs", || {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE query LIKE '%COMMIT%' AND wait_event = 'PgSleep' \
                   AND datname = current_database()";
        database.sql(sql).remove(0) == "1"
    });
}

#[test]
fn l11_a_backend_that_is_ended_in_the_middle_of_a_commit_kept_nothing_and_the_append_is_done_again()
{
    let Some((database, ledger)) = ledger() else {
        return;
    };
    append(&ledger, line(1), 0, 2);
    the_next_commit_hangs(&database);
    let placed = std::thread::scope(|scope| {
        let appending = scope.spawn(|| ledger.append(vec![sample_batch(line(1), 2, 1)]));
        end_the_commit(&database);
        appending.join().unwrap()
    });
    let entries = placed.unwrap().remove(0).unwrap();
    assert_eq!(entries[0].header.index, 2);
    assert_eq!(ledger.len(), Ok(3), "once, and not twice");
    assert_eq!(walk(&ledger, None), []);
}

#[test]
fn l11_another_entry_at_the_place_of_a_lost_commit_is_not_taken_for_it() {
    let Some(database) = Database::new() else {
        return;
    };
    let between = Between::new(&database);
    let patient = Server {
        connect_ms: 10_000,
        ..between.server(&database)
    };
    let ledger = PostgresLedger::open(patient, GENESIS).unwrap();
    append(&ledger, line(1), 0, 2);
    let there = open(&database);
    the_next_commit_hangs(&database);
    let placed = std::thread::scope(|scope| {
        let appending = scope.spawn(|| ledger.append(vec![sample_batch(line(1), 2, 1)]));
        until("a commit hangs", || {
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                       AND datname = current_database()";
            database.sql(sql).remove(0) == "1"
        });
        // Away from its server, while another machine extends the log.
        between.cut.closed.store(true, Ordering::SeqCst);
        end_the_commit(&database);
        append(&there, line(2), 0, 1);
        between.cut.closed.store(false, Ordering::SeqCst);
        appending.join().unwrap()
    });
    let entries = placed.unwrap().remove(0).unwrap();
    assert_eq!(entries[0].header.index, 3);
    assert_eq!(ledger.len(), Ok(4));
    assert_eq!(walk(&ledger, None), []);
}

#[test]
fn l11_a_commit_whose_answer_was_lost_is_found_and_not_made_twice() {
    let Some(database) = Database::new() else {
        return;
    };
    let between = Between::new(&database);
    let ledger = PostgresLedger::open(between.server(&database), GENESIS).unwrap();
    append(&ledger, line(1), 0, 1);
    between.cut.after_commit.store(true, Ordering::SeqCst);
    let placed = ledger.append(vec![
        sample_batch(line(1), 1, 3),
        sample_batch(line(2), 5, 1),
    ]);
    let placed = placed.unwrap();
    assert!(
        !between.cut.after_commit.load(Ordering::SeqCst),
        "it was cut"
    );
    assert_eq!(placed[0].as_ref().unwrap().len(), 3);
    assert!(placed[1].is_err(), "a conflict stays one");
    assert_eq!(ledger.len(), Ok(4), "once, and not twice");
    append(&ledger, line(1), 4, 1);
    assert_eq!(walk(&ledger, None), []);
}

#[test]
fn l11_a_writer_that_cannot_find_out_takes_nothing_more_until_it_is_opened_anew() {
    let Some(database) = Database::new() else {
        return;
    };
    let between = Between::new(&database);
    let ledger = PostgresLedger::open(between.server(&database), GENESIS).unwrap();
    append(&ledger, line(1), 0, 1);
    between.cut.after_commit.store(true, Ordering::SeqCst);
    between.cut.closed.store(true, Ordering::SeqCst);
    let batch = || vec![sample_batch(line(1), 1, 1)];
    let poisoned = ledger.append(batch());
    assert!(
        matches!(&poisoned, Err(StoreError::Poisoned { reason, .. }) if reason.contains("not known")),
        "{poisoned:?}"
    );
    between.cut.closed.store(false, Ordering::SeqCst);
    assert!(matches!(
        ledger.append(batch()),
        Err(StoreError::Poisoned { .. })
    ));
    assert!(matches!(
        ledger.put_checkpoint(1, "note"),
        Err(StoreError::Poisoned { .. })
    ));
    assert_eq!(ledger.len(), Ok(2), "it may still be read");
    let again = PostgresLedger::open(between.server(&database), GENESIS).unwrap();
    append(&again, line(1), 2, 1);
}

#[test]
fn l11_a_server_that_is_away_keeps_nothing_and_is_used_again_when_it_is_back() {
    let Some(database) = Database::new() else {
        return;
    };
    let between = Between::new(&database);
    let ledger = PostgresLedger::open(between.server(&database), GENESIS).unwrap();
    append(&ledger, line(1), 0, 1);
    between.cut.closed.store(true, Ordering::SeqCst);
    end_all(&database);
    let batch = || vec![sample_batch(line(1), 1, 1)];
    for _ in 0..2 {
        let away = ledger.append(batch());
        assert!(matches!(away, Err(StoreError::Away { .. })), "{away:?}");
    }
    assert!(matches!(ledger.len(), Err(StoreError::Away { .. })));
    between.cut.closed.store(false, Ordering::SeqCst);
    assert!(ledger.append(batch()).unwrap()[0].is_ok());
    assert_eq!(ledger.len(), Ok(2));
}

#[test]
fn x2_a_lease_is_for_one_process_on_any_machine() {
    let Some((database, here)) = ledger() else {
        return;
    };
    let there = open(&database);
    let lease = here.lease(&line(1)).unwrap().unwrap();
    assert!(here.lease(&line(1)).unwrap().is_none(), "not twice here");
    assert!(there.lease(&line(1)).unwrap().is_none());
    assert!(
        there.lease(&line(2)).unwrap().is_some(),
        "another one is free"
    );
    drop(lease);
    let lease = there.lease(&line(1)).unwrap().unwrap();
    assert!(here.lease(&line(1)).unwrap().is_none());
    drop((lease, there));
    until("a process that ended holds nothing", || {
        here.lease(&line(1)).unwrap().is_some()
    });
}

#[test]
fn x2_a_lease_goes_on_over_a_lost_connection_unless_somebody_took_it() {
    let Some((database, here)) = ledger() else {
        return;
    };
    let there = open(&database);
    let kept = here.lease(&line(1)).unwrap().unwrap();
    let taken = here.lease(&line(2)).unwrap().unwrap();
    end_all(&database);
    // In the gap: one of two is taken by the other machine.
    let theirs = there.lease(&line(2)).unwrap().unwrap();
    append(&here, line(1), 0, 1);
    assert!(there.lease(&line(1)).unwrap().is_none(), "taken anew");
    let refused = here.append(vec![sample_batch(line(2), 0, 1)]);
    assert!(
        matches!(&refused, Err(StoreError::Engine { reason, .. }) if reason.contains("took over")),
        "{refused:?}"
    );
    append(&there, line(2), 0, 1);
    drop((taken, theirs));
    // With the lost lease gone, others' trajectories may be added to again: an answer, say.
    append(&here, line(2), 1, 1);
    assert!(here.lease(&line(2)).unwrap().is_some());
    drop(kept);
    assert!(there.lease(&line(1)).unwrap().is_some());
}

#[test]
fn l12_a_bell_hears_other_processes_and_goes_on_over_a_lost_connection() {
    let Some((database, here)) = ledger() else {
        return;
    };
    let there = open(&database);
    let (rung, heard) = mpsc::channel();
    let watch = here
        .watch(Box::new(move || rung.send(()).unwrap()))
        .unwrap();
    let wait = Duration::from_secs(10);
    append(&there, line(1), 0, 1);
    heard.recv_timeout(wait).unwrap();
    let refused = there.append(vec![sample_batch(line(1), 7, 1)]).unwrap();
    assert!(refused[0].is_err());
    append(&here, line(1), 1, 1);
    heard.recv_timeout(wait).unwrap();
    // Neither a refused batch nor anything else rings; and one commit rings once.
    assert!(heard.recv_timeout(Duration::from_millis(200)).is_err());
    end_all(&database);
    heard
        .recv_timeout(wait)
        .expect("something may have been missed");
    append(&there, line(1), 2, 1);
    heard.recv_timeout(wait).unwrap();
    drop(watch);
    append(&there, line(1), 3, 1);
    assert!(heard.recv_timeout(Duration::from_millis(200)).is_err());
}

#[test]
fn a_ledger_may_be_dropped_while_its_bell_hangs_and_used_from_inside_of_a_runtime() {
    let Some((database, ledger)) = ledger() else {
        return;
    };
    let (rung, heard) = mpsc::channel();
    let watch = ledger
        .watch(Box::new(move || {
            rung.send(()).ok();
        }))
        .unwrap();
    drop(ledger);
    append(&open(&database), line(1), 0, 1);
    heard.recv_timeout(Duration::from_secs(10)).unwrap();
    drop(watch);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ledger = PostgresLedger::open(server(&database), GENESIS).unwrap();
        append(&ledger, line(1), 1, 1);
        assert_eq!(ledger.len(), Ok(2));
    });
}
