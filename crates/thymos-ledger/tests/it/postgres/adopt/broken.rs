//! What breaks on the way of an import: connections, pieces, answers to commits. And how much is held.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use thymos_core::entry::Position;
use thymos_core::id::Digest;
use thymos_core::{Entry, Kind, LogId};
use thymos_ledger::PostgresLedger;
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_draft;
use thymos_ports::store::{Piece, StoreError, Unfit};
use thymos_testkit::postgres::Database;

use super::{Pieces, adopt, elsewhere, is_as_it_was, pieces, some_of_all};
use crate::postgres::loss::{end_all, end_the_commit, the_next_commit_hangs};
use crate::postgres::{Between, ledger, open};
use crate::support::{GENESIS, append, line, walk};

/// Does this before the piece of that number is taken.
fn at(
    number: usize,
    pieces: Pieces,
    act: impl Fn() + 'static,
) -> impl Iterator<Item = Result<Piece, StoreError>> {
    pieces.into_iter().enumerate().map(move |(count, piece)| {
        if count == number {
            act();
        }
        piece
    })
}

#[test]
fn l16_a_connection_that_is_killed_in_the_middle_leaves_nothing_and_a_ledger_that_is_usable() {
    let (log, entries) = elsewhere(7, 3_000);
    for number in [0, 1, 1_030, 2_900] {
        let Some((database, mine)) = ledger() else {
            return;
        };
        let lease = mine.lease(&line(5)).unwrap().unwrap();
        let (own, name) = (mine.log(), database.url());
        thread::scope(|scope| {
            let (kill, killing) = mpsc::channel::<()>();
            let (done, is_done) = mpsc::channel();
            let database = &database;
            scope.spawn(move || {
                while killing.recv().is_ok() {
                    end_all(database);
                    done.send(()).unwrap();
                }
            });
            let act = move || {
                kill.send(()).unwrap();
                is_done.recv().unwrap();
            };
            let refused = mine.adopt(log, &mut at(number, some_of_all(&entries), act));
            assert!(
                matches!(refused, Err(StoreError::Away { .. })),
                "{name} {number}: {refused:?}"
            );
        });
        assert_eq!(mine.log(), own);
        drop(lease);
        is_as_it_was(&database, own);
        append(&mine, line(1), 0, 1);
        let refused = adopt(&mine, log, pieces(&entries));
        assert_eq!(refused, Err(Unfit::OtherLog(own)));
        assert_eq!((walk(&mine, None), mine.len()), (Vec::new(), Ok(1)));
    }
    let Some((database, mine)) = ledger() else {
        return;
    };
    // One that was dead before it began is made anew, and nobody notices.
    end_all(&database);
    assert_eq!(adopt(&mine, log, some_of_all(&entries)), Ok(3_000));
    assert_eq!(walk(&mine, None), []);
}

#[test]
fn l16_a_panic_among_the_pieces_holds_up_nobody_and_leaves_nothing() {
    let Some((database, mine)) = ledger() else {
        return;
    };
    let (log, entries) = elsewhere(7, 3_000);
    let (own, there) = (mine.log(), open(&database));
    let lease = mine.lease(&line(5)).unwrap().unwrap();
    let mut broken = at(2_000, some_of_all(&entries), || panic!("a piece panics"));
    let ended = catch_unwind(AssertUnwindSafe(|| mine.adopt(log, &mut broken)));
    assert!(ended.is_err());
    assert!(there.lease(&line(5)).unwrap().is_none(), "still held");
    drop(lease);
    is_as_it_was(&database, own);
    append(&there, line(1), 0, 1);
    append(&mine, line(1), 1, 1);
    assert_eq!(walk(&mine, None), []);
}

#[test]
fn l16_a_commit_whose_answer_was_lost_is_found_and_one_that_was_not_kept_is_told() {
    let (log, entries) = elsewhere(7, 2_000);
    let Some(database) = Database::new() else {
        return;
    };
    let between = Between::new(&database);
    let mine = PostgresLedger::open(between.server(&database), GENESIS).unwrap();
    between.cut.after_commit.store(true, Ordering::SeqCst);
    assert_eq!(adopt(&mine, log, some_of_all(&entries)), Ok(2_000));
    assert!(!between.cut.after_commit.load(Ordering::SeqCst), "cut");
    assert_eq!(mine.log(), log);
    append(&mine, line(1), 2_000, 1);
    // Nothing new but a blob: there is no entry to look for.
    between.cut.after_commit.store(true, Ordering::SeqCst);
    let blob = vec![Ok(Piece::Blob(b"late".to_vec()))];
    assert_eq!(adopt(&mine, log, blob), Ok(0));
    assert!(!between.cut.after_commit.load(Ordering::SeqCst), "cut");
    let late = mine.blob(&Digest::of(b"late")).unwrap();
    assert_eq!(late, Some(b"late".to_vec()));
    // Nobody can say what became of it.
    between.cut.after_commit.store(true, Ordering::SeqCst);
    between.cut.closed.store(true, Ordering::SeqCst);
    let blob = || vec![Ok(Piece::Blob(b"later".to_vec()))].into_iter();
    for _ in 0..2 {
        let poisoned = mine.adopt(log, &mut blob());
        assert!(
            matches!(poisoned, Err(StoreError::Poisoned { .. })),
            "{poisoned:?}"
        );
    }
    between.cut.closed.store(false, Ordering::SeqCst);
    assert_eq!(walk(&open(&database), None), []);

    let Some((database, mine)) = ledger() else {
        return;
    };
    let own = mine.log();
    the_next_commit_hangs(&database);
    let refused = thread::scope(|scope| {
        let taking = scope.spawn(|| mine.adopt(log, &mut pieces(&entries).into_iter()));
        end_the_commit(&database);
        taking.join().unwrap()
    });
    assert!(
        matches!(&refused, Err(StoreError::Away { reason, .. }) if reason.contains("nothing was kept")),
        "{refused:?}"
    );
    assert_eq!((mine.log(), mine.len()), (own, Ok(0)));
    assert_eq!(adopt(&mine, log, pieces(&entries)), Ok(2_000));
}

#[test]
fn l16_of_a_long_log_no_more_than_a_chunk_is_held() {
    /// What is taken at once, and a server's answer in between.
    const HELD_MAX: u64 = 4 * 1024 * 1024 + 64 * 1024;
    const ENTRIES: u64 = 20_000;
    let Some(database) = Database::new() else {
        return;
    };
    let between = Between::new(&database);
    let mine = PostgresLedger::open(between.server(&database), GENESIS).unwrap();
    let log = LogId::of(b"long");
    let (mut prev, mut index, mut taken) = (None, 0, 0);
    let (mut most, mut most_pieces) = (0, (0_u64, 0_u64));
    let sent = || between.cut.sent.load(Ordering::SeqCst);
    let begin = sent();
    let mut seen = begin;
    let mut long = std::iter::from_fn(|| {
        // What was taken and has not gone to the server is held.
        let gone = sent();
        if gone > seen + 100_000 {
            most_pieces = (most_pieces.0.max(index - most_pieces.1), index);
            seen = gone;
        }
        most = most.max(u64::saturating_sub(taken, gone - begin));
        if index == ENTRIES {
            return None;
        }
        let place = Position {
            log,
            index,
            seq: index,
            prev,
        };
        let mut draft = sample_draft(line(1), Kind::Message, index);
        // Some are large, so that both bounds are met.
        if index / 4_000 == 2 {
            let text = "long ".repeat(4_000);
            let body = serde_json::json!({ "text": text });
            draft.body = thymos_core::canonical::value_to_bytes(&body).unwrap();
        }
        let entry = draft.place(&place).unwrap();
        (prev, index) = (Some(entry.id), index + 1);
        taken += (entry.header_bytes.len() + entry.body().unwrap().len()) as u64;
        Some(Ok(Piece::Entry(Box::new(entry))))
    });
    assert_eq!(mine.adopt(log, &mut long), Ok(Ok(ENTRIES)));
    assert!(taken > 20 * HELD_MAX / 2, "it was long: {taken}");
    assert!(most < HELD_MAX, "{most} bytes were held");
    assert!(most_pieces.0 <= 1_024, "{most_pieces:?} pieces were held");
    assert_eq!(mine.len(), Ok(ENTRIES));
    assert_eq!(walk(&mine, None), []);
}

/// Entries of which one is not what comes next, on both sides of a chunk's end, and what it comes to.
fn lies(log: LogId, entries: &[Entry]) -> Vec<(Pieces, Unfit)> {
    let (_, foreign) = elsewhere(8, 1_500);
    let with = |at: usize, entry: &Entry, unfit| {
        let mut bent = entries.to_vec();
        bent[at] = entry.clone();
        (some_of_all(&bent), unfit)
    };
    let place = |index, seq, prev: usize| {
        let draft = sample_draft(line(1), Kind::Message, 4_711);
        let prev = entries.get(prev).map(|entry| entry.id);
        let position = Position {
            log,
            index,
            seq,
            prev,
        };
        draft.place(&position).unwrap()
    };
    vec![
        with(0, &foreign[0], Unfit::Gap(0)),
        with(1_400, &foreign[1_400], Unfit::Gap(1_400)),
        with(1_400, &entries[1_401], Unfit::Gap(1_401)),
        with(1_400, &entries[1_499], Unfit::Gap(1_499)),
        with(1_400, &place(1_400, 1_401, 1_399), Unfit::Gap(1_400)),
        with(1_400, &place(1_400, 1_400, 9_999), Unfit::Gap(1_400)),
        // A place twice, with other words: in one chunk, and in two.
        with(1_401, &place(1_400, 1_400, 1_399), Unfit::Parted(1_400)),
        with(1_401, &place(3, 1_400, 1_399), Unfit::Parted(3)),
    ]
}

#[test]
fn l16_pieces_that_lie_leave_nothing() {
    let Some((database, mine)) = ledger() else {
        return;
    };
    let own = mine.log();
    let (log, entries) = elsewhere(7, 1_500);
    let mut lies = lies(log, &entries);
    for (pieces, unfit) in &lies {
        assert_eq!(adopt(&mine, log, pieces.clone()), Err(*unfit));
        is_as_it_was(&database, own);
    }
    for lie in [
        Piece::SealedBlob(b"no envelope".to_vec()),
        Piece::Checkpoint(0, "of nothing".to_owned()),
        Piece::Blob(vec![0; thymos_core::limits::BLOB_BYTES_MAX + 1]),
    ] {
        let mut all = some_of_all(&entries);
        all.push(Ok(lie));
        let refused = mine.adopt(log, &mut all.into_iter());
        assert!(
            matches!(refused, Err(StoreError::Engine { .. })),
            "{refused:?}"
        );
        is_as_it_was(&database, own);
    }
    // What does not fit is told, also where a fault comes behind it.
    let (mut all, unfit) = lies.remove(1);
    all.push(Ok(Piece::SealedBlob(Vec::new())));
    assert_eq!(adopt(&mine, log, all), Err(unfit));
    // Twice in one go is once, each by itself and all of them; and so is one blob in many pieces.
    let each = some_of_all(&entries).into_iter().map(|one| vec![one; 2]);
    let twice = [each.flatten().collect(), some_of_all(&entries)].concat();
    assert_eq!(adopt(&mine, log, twice), Ok(1_500));
    assert_eq!(walk(&mine, None), []);
    assert_eq!(mine.checkpoints(0), Ok(vec![(16, "note".to_owned())]));
    assert_eq!(mine.check_engine().unwrap(), Vec::<String>::new());
}
