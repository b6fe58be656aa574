//! What a machine that goes down may leave of a write, and what a disk may lose that it acknowledged
//! `[L7]` `[L11]` `[T2]`: the file is made as such a disk would have left it, and opened.

use std::fs;
use std::path::Path;

use thymos_core::Entry;
use thymos_core::merkle::TreeHash;
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;

use crate::support::{GENESIS, Place, append, line, walk};

/// Bytes before each page in the write-ahead file, before all of them, and of a page.
const FRAME: usize = 24;
const HEADER: usize = 32;
const PAGE: usize = 4_096;

/// Two appends that were both acknowledged, with the bytes of each file after each.
struct Written {
    database: Vec<u8>,
    first: Vec<u8>,
    second: Vec<u8>,
    newest: Entry,
    size: u64,
    root: TreeHash,
}

fn written() -> Written {
    let place = Place::new();
    let wal = place.path.with_file_name("ledger.db-wal");
    let ledger = place.open();
    append(&ledger, line(1), 0, 3);
    let first = fs::read(&wal).unwrap();
    append(&ledger, line(1), 3, 4);
    let (size, newest) = (ledger.len().unwrap(), ledger.page(&line(1), 6, 1).unwrap());
    Written {
        // Copied while it is open: nothing of the write-ahead file is in it yet.
        database: fs::read(&place.path).unwrap(),
        second: fs::read(&wal).unwrap(),
        first,
        newest: newest.into_iter().next().unwrap(),
        size,
        root: ledger.root(size).unwrap(),
    }
}

/// A folder with these two files, as found after the machine came up again.
fn found(database: &[u8], wal: &[u8]) -> Place {
    let place = Place::new();
    fs::create_dir_all(place.path.parent().unwrap()).unwrap();
    fs::write(&place.path, database).unwrap();
    fs::write(place.path.with_file_name("ledger.db-wal"), wal).unwrap();
    place
}

/// Bytes at which the second append may have been cut: around every frame, and within.
fn cuts(written: &Written) -> Vec<usize> {
    let (from, to) = (written.first.len(), written.second.len());
    assert_eq!((from - HEADER) % (FRAME + PAGE), 0, "whole frames");
    let mut cuts: Vec<usize> = (from..to).step_by(FRAME + PAGE).collect();
    for at in cuts.clone() {
        cuts.extend([at + 1, at + FRAME, at + FRAME + 1, at + FRAME + PAGE / 2]);
        cuts.push(at + FRAME + PAGE - 1);
    }
    cuts
}

#[test]
fn t2_a_write_that_is_cut_at_any_byte_leaves_what_was_there_before_it() {
    let written = written();
    let cuts = cuts(&written);
    assert!(cuts.len() >= 12, "{cuts:?}");
    for cut in cuts {
        let kept = &written.second[..cut];
        // The file has its new length already, and of the rest nothing or something else arrived.
        let with = |byte: u8| {
            let mut wal = kept.to_vec();
            wal.resize(written.second.len(), byte);
            wal
        };
        for wal in [kept.to_vec(), with(0), with(0xa5)] {
            let place = found(&written.database, &wal);
            let ledger = place.open();
            assert_eq!(
                ledger.len(),
                Ok(3),
                "cut at {cut}: all of a batch or nothing"
            );
            assert_eq!(walk(&ledger, None), [], "cut at {cut}");
            assert_eq!(ledger.check_engine(), Ok(Vec::new()), "cut at {cut}");
            // And work goes on from there.
            append(&ledger, line(1), 3, 4);
            drop(ledger);
            let again = place.open();
            assert_eq!((again.len(), walk(&again, None)), (Ok(7), Vec::new()));
        }
    }
}

#[test]
fn t2_a_write_that_arrived_whole_is_there_though_the_machine_went_down() {
    let written = written();
    let ledger = found(&written.database, &written.second);
    let ledger = ledger.open();
    assert_eq!(ledger.len(), Ok(7));
    assert_eq!(walk(&ledger, Some(&written.newest)), []);
}

/// What a reader can say of a ledger: by itself, by what was remembered of its end, and by its engine.
fn told(path: &Path, written: &Written) -> bool {
    let ledger = match SqliteLedger::open(path, GENESIS) {
        Ok(ledger) => ledger,
        Err(StoreError::Corrupt { .. }) => return true,
        Err(other) => panic!("{other}"),
    };
    let signed = ledger.root(written.size) != Ok(written.root);
    let engine = ledger.check_engine().map_or(true, |told| !told.is_empty());
    signed || engine || !walk(&ledger, Some(&written.newest)).is_empty()
}

#[test]
fn l7_what_a_disk_acknowledged_and_lost_is_found_by_what_was_signed() {
    let written = written();
    // Nothing of the second append, all but its end, a frame in its middle, and a frame of the first.
    let hole = |at: usize| {
        let mut wal = written.second.clone();
        wal[at..at + FRAME + PAGE].fill(0);
        wal
    };
    let (from, to) = (written.first.len(), written.second.len());
    for wal in [
        Vec::new(),
        written.first.clone(),
        written.second[..to - FRAME - PAGE].to_vec(),
        hole(from),
        hole(HEADER),
    ] {
        let place = found(&written.database, &wal);
        let ledger = place.open();
        // By itself a shorter ledger is a sound one: that is why checkpoints stand outside.
        assert_eq!(walk(&ledger, None), []);
        assert!(ledger.len().unwrap() < written.size);
        assert!(
            ledger.root(written.size).is_err(),
            "what was signed is not there"
        );
        drop(ledger);
        assert!(told(&place.path, &written));
    }
}

#[test]
fn l7_a_page_of_the_ledger_that_a_disk_lost_is_found_or_does_no_harm() {
    let place = Place::new();
    append(&place.open(), line(1), 0, 300);
    // Closing copied everything into the ledger, so this is what the pages were.
    let before = fs::read(&place.path).unwrap();
    let ledger = place.open();
    append(&ledger, line(1), 300, 300);
    let (size, rows) = (ledger.len().unwrap(), ledger.scan(0, usize::MAX).unwrap());
    let newest = ledger.page(&line(1), 599, 1).unwrap().remove(0);
    let root = ledger.root(size).unwrap();
    drop(ledger);
    let after = fs::read(&place.path).unwrap();
    let written = Written {
        database: Vec::new(),
        first: Vec::new(),
        second: Vec::new(),
        newest,
        size,
        root,
    };
    let (mut lost, mut noticed) = (0, 0);
    for (page, bytes) in after.chunks(PAGE).enumerate() {
        let at = page * PAGE;
        let was = before
            .get(at..at + PAGE)
            .map_or(vec![0; PAGE], <[u8]>::to_vec);
        if was == bytes {
            continue;
        }
        lost += 1;
        let mut file = after.clone();
        file[at..at + PAGE].copy_from_slice(&was);
        let place = found(&file, &[]);
        if told(&place.path, &written) {
            noticed += 1;
            continue;
        }
        let now = place.open().scan(0, usize::MAX).unwrap();
        assert!(now == rows, "page {page} was lost, and nobody noticed");
    }
    println!("{noticed} of {lost} lost pages are told; the others change nothing");
    assert!(noticed > 20 && noticed + 3 >= lost, "{noticed} of {lost}");
}
