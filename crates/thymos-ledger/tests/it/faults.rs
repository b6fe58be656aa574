//! What the disk may do `[L11]`: be full, refuse to sync, refuse to write, be read-only.
//!
//! A filter on the system calls of one thread plays the disk. The thread ends with the filter, and
//! the same ledger is then used without it: that is the room that was made.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::{Piece, StoreError};

use crate::support::{GENESIS, Place, append, line, walk};

/// Runs `act` on a thread in which these calls fail with `errno`.
fn while_failing<T: Send>(
    calls: &[(libc::c_long, Vec<SeccompRule>)],
    errno: i32,
    act: impl FnOnce() -> T + Send,
) -> T {
    let rules: BTreeMap<i64, Vec<SeccompRule>> = calls.iter().cloned().collect();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno.unsigned_abs()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    std::thread::scope(|threads| {
        let thread = threads.spawn(move || {
            apply_filter(&program).unwrap();
            act()
        });
        thread.join().unwrap()
    })
}

fn always(call: libc::c_long) -> (libc::c_long, Vec<SeccompRule>) {
    (call, Vec::new())
}

fn to_write(call: libc::c_long, flags_at: u8) -> (libc::c_long, Vec<SeccompRule>) {
    let flag = |flag: i32| {
        let mask = u64::from(flag.unsigned_abs());
        let compare = SeccompCmpOp::MaskedEq(mask);
        let condition =
            SeccompCondition::new(flags_at, SeccompCmpArgLen::Dword, compare, mask).unwrap();
        SeccompRule::new(vec![condition]).unwrap()
    };
    (
        call,
        vec![
            flag(libc::O_RDWR),
            flag(libc::O_WRONLY),
            flag(libc::O_CREAT),
        ],
    )
}

#[test]
fn l11_a_full_disk_keeps_nothing_loses_nothing_and_works_again() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let full = StoreError::Full {
        path: place.path.display().to_string(),
    };
    let (appended, kept) = while_failing(&[always(libc::SYS_pwrite64)], libc::ENOSPC, || {
        (
            ledger.append(vec![sample_batch(line(1), 3, 2)]),
            ledger.put_blob(b"more"),
        )
    });
    assert_eq!(appended, Err(full.clone()));
    assert_eq!(kept, Err(full));
    assert_eq!(ledger.len(), Ok(3));
    append(&ledger, line(1), 3, 2);
    ledger.put_blob(b"more").unwrap();
    assert_eq!(walk(&ledger, None), []);
    drop(ledger);
    assert_eq!(place.open().len(), Ok(5));
}

#[test]
fn l11_a_disk_that_fills_while_a_ledger_is_made_leaves_none() {
    let place = Place::new();
    let path = &place.path;
    let made = while_failing(&[always(libc::SYS_pwrite64)], libc::ENOSPC, || {
        SqliteLedger::open(path, GENESIS).map(drop)
    });
    assert_eq!(
        made,
        Err(StoreError::Full {
            path: path.display().to_string()
        })
    );
    assert!(!path.exists());
    append(&place.open(), line(1), 0, 1);
}

#[test]
fn l11_a_failed_sync_ends_the_writer_for_good() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let syncs = [always(libc::SYS_fsync), always(libc::SYS_fdatasync)];
    let refused = while_failing(&syncs, libc::EIO, || {
        ledger.append(vec![sample_batch(line(1), 3, 2)])
    });
    let reason = "the disk refused to sync".to_owned();
    let path = place.path.display().to_string();
    let poisoned = StoreError::Poisoned { path, reason };
    assert_eq!(refused, Err(poisoned.clone()));
    // The disk is well again, and that changes nothing: nobody knows what it dropped.
    assert_eq!(
        ledger.append(vec![sample_batch(line(1), 3, 2)]),
        Err(poisoned.clone())
    );
    assert_eq!(ledger.put_blob(b"more"), Err(poisoned));
    assert_eq!(ledger.len(), Ok(3), "reading goes on");
    drop(ledger);
    let again = place.open();
    let found = again.len().unwrap();
    assert!(
        found == 3 || found == 5,
        "all of the batch or nothing: {found}"
    );
    assert_eq!(walk(&again, None), []);
    append(&again, line(1), found, 1);
}

/// Bytes that do not get smaller when they are packed; others for each seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

const MIB: usize = 1_048_576;

/// As much as makes the write-ahead file be copied into the ledger.
const MUCH: usize = 17 * MIB;

fn wal_bytes(place: &Place) -> u64 {
    let path = place.path.with_file_name("ledger.db-wal");
    std::fs::metadata(path).unwrap().len()
}

#[test]
fn l11_a_sync_that_fails_while_pages_are_copied_back_ends_the_writer_too() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let syncs = [always(libc::SYS_fsync), always(libc::SYS_fdatasync)];
    // A blob is not synced by itself, so this is the only sync there is.
    let much = noise(1, MUCH);
    let kept = while_failing(&syncs, libc::EIO, || ledger.put_blob(&much));
    let reason = "the disk refused to sync".to_owned();
    let path = place.path.display().to_string();
    let poisoned = StoreError::Poisoned { path, reason };
    assert_eq!(kept, Err(poisoned.clone()));
    // The disk is well again and would sync; what it dropped is not told again.
    assert_eq!(
        ledger.append(vec![sample_batch(line(1), 3, 2)]),
        Err(poisoned.clone())
    );
    assert_eq!(ledger.put_checkpoint(3, "a note"), Err(poisoned));
    assert_eq!(ledger.len(), Ok(3), "reading goes on");
    drop(ledger);
    let again = place.open();
    assert_eq!((again.len(), walk(&again, None)), (Ok(3), Vec::new()));
    assert_eq!(again.check_engine(), Ok(Vec::new()));
    append(&again, line(1), 3, 1);
}

/// Writes to the ledger's own file, which happen only when pages are copied back into it: by the numbers
/// under which this process has it open.
fn writes_to_the_ledger(place: &Place) -> (libc::c_long, Vec<SeccompRule>) {
    let path = place.path.canonicalize().unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers = open.filter_map(|one| {
        let one = one.unwrap();
        let is_it = std::fs::read_link(one.path()).is_ok_and(|target| target == path);
        is_it.then(|| one.file_name().into_string().unwrap().parse().unwrap())
    });
    let rules = numbers.map(|number: u64| {
        let (size, equal) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
        let condition = SeccompCondition::new(0, size, equal, number).unwrap();
        SeccompRule::new(vec![condition]).unwrap()
    });
    (libc::SYS_pwrite64, rules.collect())
}

#[test]
fn l11_a_disk_that_is_full_or_fails_behind_a_commit_takes_nothing_back() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let much = noise(1, MUCH);
    let writes = [writes_to_the_ledger(&place)];
    // A full one: all stands in the write-ahead file, and is copied when there is room.
    let digest = while_failing(&writes, libc::ENOSPC, || {
        let digest = ledger.put_blob(&much).unwrap();
        append(&ledger, line(1), 3, 2);
        digest
    });
    append(&ledger, line(1), 5, 2);
    ledger.put_blob(&noise(2, MUCH - MIB)).unwrap();
    assert!(wal_bytes(&place) < (MUCH + MIB) as u64, "copied meanwhile");
    // One that fails: what was committed is durable and acknowledged, and nothing comes behind it.
    while_failing(&writes, libc::ENOSPC, || {
        ledger.put_blob(&noise(3, MUCH)).unwrap()
    });
    while_failing(&writes, libc::EIO, || append(&ledger, line(1), 7, 2));
    let refused = ledger.append(vec![sample_batch(line(1), 9, 1)]);
    let reason = "the disk refused a write".to_owned();
    let path = place.path.display().to_string();
    assert_eq!(refused, Err(StoreError::Poisoned { path, reason }));
    drop(ledger);
    let again = place.open();
    assert_eq!((again.len(), walk(&again, None)), (Ok(9), Vec::new()));
    assert_eq!(again.blob(&digest), Ok(Some(much)));
    assert_eq!(again.check_engine(), Ok(Vec::new()));
    append(&again, line(1), 9, 1);
}

#[test]
fn l11_the_write_ahead_file_stays_short_also_behind_a_reader_that_held_it() {
    let most = (MUCH + 3 * MIB) as u64;
    let place = Place::new();
    let ledger = place.open();
    let fill = |round: u64, mebibytes: u64| {
        for number in 0..mebibytes {
            ledger
                .put_blob(&noise(round * 1_000 + number, MIB))
                .unwrap();
            append(&ledger, line(1), ledger.len().unwrap(), 1);
        }
    };
    fill(1, 40);
    assert!(wal_bytes(&place) < most, "{}", wal_bytes(&place));
    let reader = rusqlite::Connection::open(&place.path).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM entries")
        .unwrap();
    fill(2, 24);
    let held = wal_bytes(&place);
    assert!(
        held > 24 * MIB as u64,
        "a reader keeps what it sees: {held}"
    );
    reader.execute_batch("COMMIT").unwrap();
    fill(3, 40);
    assert!(
        wal_bytes(&place) <= held + most - MUCH as u64,
        "{}",
        wal_bytes(&place)
    );
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
}

#[test]
fn l11_the_write_ahead_file_stays_short_behind_an_import() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 1);
    let whole = 24 * MIB as u64;
    for round in 0..3 {
        let blobs = (0..24).map(|number| Ok(Piece::Blob(noise(round * 100 + number, MIB))));
        let taken = ledger.adopt(ledger.log(), &mut blobs.into_iter());
        assert_eq!(taken, Ok(Ok(0)));
        // One transaction is as long as it is; the next one begins at the front again.
        let length = wal_bytes(&place);
        assert!(length < whole + 2 * MIB as u64, "{length}");
    }
}

#[test]
fn l11_a_refused_write_ends_the_writer() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let refused = while_failing(&[always(libc::SYS_pwrite64)], libc::EIO, || {
        ledger.append(vec![sample_batch(line(1), 3, 2)])
    });
    assert!(
        matches!(refused, Err(StoreError::Poisoned { .. })),
        "{refused:?}"
    );
    drop(ledger);
    assert_eq!(place.open().len(), Ok(3));
}

/// The sentence of an error, which must name the file; none when there is none.
fn said<T: std::fmt::Debug + PartialEq>(
    place: &Place,
    now: Result<T, StoreError>,
    before: &Result<T, StoreError>,
) -> Option<String> {
    match now {
        Ok(now) => {
            assert_eq!(
                &Ok(now),
                before,
                "an answer under a failing disk is a true one"
            );
            None
        }
        Err(error) => {
            let words = error.to_string();
            assert!(words.contains(&place.path.display().to_string()), "{words}");
            Some(words)
        }
    }
}

#[test]
fn l11_a_disk_that_refuses_to_read_is_told_by_each_call_and_nothing_is_made_up() {
    let place = Place::new();
    let ledger = place.open();
    append(&ledger, line(1), 0, 300);
    let blob = ledger.put_blob(&[7; 50_000]).unwrap();
    ledger.put_checkpoint(300, "a note").unwrap();
    drop(ledger);
    let id = place.open().page(&line(1), 0, 1).unwrap().remove(0).id;
    type Call<'c> = (
        &'c str,
        Box<dyn Fn(&SqliteLedger) -> Result<String, StoreError> + Sync + 'c>,
    );
    let debug = |what: &dyn std::fmt::Debug| format!("{what:?}");
    let calls: Vec<Call<'_>> = vec![
        ("len", Box::new(move |l| l.len().map(|a| debug(&a)))),
        (
            "page",
            Box::new(move |l| l.page(&line(1), 0, 300).map(|a| debug(&a))),
        ),
        ("scan", Box::new(move |l| l.scan(0, 300).map(|a| debug(&a)))),
        ("heads", Box::new(move |l| l.heads().map(|a| debug(&a)))),
        ("entry", Box::new(move |l| l.entry(&id).map(|a| debug(&a)))),
        ("root", Box::new(move |l| l.root(300).map(|a| debug(&a)))),
        ("blob", Box::new(move |l| l.blob(&blob).map(|a| debug(&a)))),
        (
            "checkpoints",
            Box::new(move |l| l.checkpoints(0).map(|a| debug(&a))),
        ),
        (
            "prefix",
            Box::new(move |l| l.find_prefix("00", 9).map(|a| debug(&a))),
        ),
        (
            "engine",
            Box::new(move |l| l.check_engine().map(|a| debug(&a))),
        ),
    ];
    for (name, call) in calls {
        // Opened anew each time: nothing of it is in memory.
        let ledger = place.open();
        let refused = while_failing(&[always(libc::SYS_pread64)], libc::EIO, || call(&ledger));
        let before = call(&ledger);
        assert!(before.is_ok(), "{name}: the disk is well again: {before:?}");
        let words = said(&place, refused, &before);
        assert!(words.is_some(), "{name} told nothing");
    }
    assert_eq!(walk(&place.open(), None), []);
}

#[test]
fn l11_an_append_that_cannot_read_keeps_nothing() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 3);
    let ledger = place.open();
    let refused = while_failing(&[always(libc::SYS_pread64)], libc::EIO, || {
        ledger.append(vec![sample_batch(line(1), 3, 2)])
    });
    assert!(refused.is_err(), "{refused:?}");
    drop(ledger);
    let again = place.open();
    assert_eq!((again.len(), walk(&again, None)), (Ok(3), Vec::new()));
    append(&again, line(1), 3, 1);
}

#[test]
fn l11_a_checkpoint_is_kept_durably_or_refused() {
    let kept = |calls: &[libc::c_long], errno: i32| {
        let calls: Vec<_> = calls.iter().copied().map(always).collect();
        let place = Place::new();
        let ledger = place.open();
        append(&ledger, line(1), 0, 3);
        let put = || ledger.put_checkpoint(3, "a note");
        let refused = while_failing(&calls, errno, put).unwrap_err();
        let further = ledger.put_checkpoint(3, "a note");
        drop(ledger);
        let again = place.open();
        assert_eq!((again.len(), walk(&again, None)), (Ok(3), Vec::new()));
        (refused, further, again.checkpoints(0).unwrap().len())
    };
    let (refused, further, count) = kept(&[libc::SYS_pwrite64], libc::ENOSPC);
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    assert_eq!((further, count), (Ok(()), 1), "there is room again");
    for calls in [
        &[libc::SYS_pwrite64][..],
        &[libc::SYS_fsync, libc::SYS_fdatasync],
    ] {
        let (refused, further, count) = kept(calls, libc::EIO);
        assert!(
            matches!(refused, StoreError::Poisoned { .. }),
            "{refused:?}"
        );
        assert_eq!(further, Err(refused), "never again as if clean");
        assert!(count <= 1);
    }
}

#[test]
fn a_read_only_folder_is_told_and_can_still_be_read() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 3);
    let path = &place.path;
    let fresh = path.with_file_name("new.db");
    let mut calls = vec![to_write(libc::SYS_openat, 2)];
    #[cfg(target_arch = "x86_64")]
    calls.push(to_write(libc::SYS_open, 1));
    let (old, new, read) = while_failing(&calls, libc::EROFS, || {
        (
            SqliteLedger::open(path, GENESIS).map(drop),
            SqliteLedger::open(&fresh, GENESIS).map(drop),
            SqliteLedger::open_read_only(path).and_then(|ledger| ledger.len()),
        )
    });
    assert!(matches!(old, Err(StoreError::Open { .. })), "{old:?}");
    assert!(matches!(new, Err(StoreError::Open { .. })), "{new:?}");
    assert_eq!(read, Ok(3));
}
