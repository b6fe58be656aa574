//! The bell's file is taken away or replaced while ledgers are open `[L12]`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::store::Watch;

use crate::support::{Place, append, length, line};

/// After which it is certain that nobody rings.
const NEVER: Duration = Duration::from_secs(20);

/// A ledger with somebody who sleeps until it rings, and only then looks how long it is.
struct Asleep {
    ledger: Arc<SqliteLedger>,
    looks: Receiver<u64>,
    _watch: Watch,
}

impl Asleep {
    fn on(ledger: SqliteLedger) -> Self {
        let (looked, looks) = mpsc::channel();
        let ledger = Arc::new(ledger);
        let asleep = ledger.clone();
        let ring = Box::new(move || looked.send(asleep.len().unwrap()).unwrap());
        let _watch = ledger.watch(ring).unwrap();
        Self {
            ledger,
            looks,
            _watch,
        }
    }

    /// Hears that something became of the bell, so that no ring of that is left for what is written next.
    fn is_woken(&self) {
        self.looks.recv_timeout(NEVER).expect("asleep");
    }

    /// Sees so many entries when it rings.
    fn hears_of(&self, entries: u64) {
        loop {
            match self.looks.recv_timeout(NEVER) {
                Ok(seen) if seen >= entries => return,
                Ok(_) => {}
                Err(_) => panic!("asleep before {entries} entries"),
            }
        }
    }
}

fn bell(place: &Place) -> PathBuf {
    place.path.with_file_name("ledger.db-bell")
}

fn write(ledger: &SqliteLedger) {
    append(ledger, line(1), length(ledger, &line(1)), 1);
}

#[test]
fn l12_who_sleeps_hears_a_writer_that_came_after_the_bell_was_deleted() {
    let place = Place::new();
    let first = Asleep::on(place.open());
    fs::remove_file(bell(&place)).unwrap();
    first.is_woken();
    let second = Asleep::on(place.open());
    first.is_woken();
    write(&second.ledger);
    first.hears_of(1);
    write(&first.ledger);
    second.hears_of(2);
    write(&second.ledger);
    first.hears_of(3);
}

#[test]
fn l12_two_who_were_there_hear_each_other_after_the_bell_was_deleted() {
    let place = Place::new();
    let (first, second) = (Asleep::on(place.open()), Asleep::on(place.open()));
    for round in 0..3 {
        fs::remove_file(bell(&place)).unwrap();
        first.is_woken();
        second.is_woken();
        write(&first.ledger);
        second.hears_of(3 * round + 1);
        write(&second.ledger);
        first.hears_of(3 * round + 2);
        write(&first.ledger);
        second.hears_of(3 * round + 3);
    }
}

#[test]
fn l12_another_file_in_the_place_of_the_bell_is_heard() {
    let place = Place::new();
    let first = Asleep::on(place.open());
    for round in 0..3 {
        let other = place.folder.path().join("other");
        fs::write(&other, "").unwrap();
        fs::rename(&other, bell(&place)).unwrap();
        first.is_woken();
        let second = Asleep::on(place.open());
        write(&second.ledger);
        first.hears_of(2 * round + 1);
        write(&first.ledger);
        second.hears_of(2 * round + 2);
    }
}

#[test]
fn l12_who_only_reads_hears_the_first_writer_make_the_bell() {
    let place = Place::new();
    drop(place.open());
    fs::remove_file(bell(&place)).unwrap();
    let reader = Asleep::on(SqliteLedger::open_read_only(&place.path).unwrap());
    let writer = place.open();
    reader.is_woken();
    write(&writer);
    reader.hears_of(1);
    write(&writer);
    reader.hears_of(2);
}
