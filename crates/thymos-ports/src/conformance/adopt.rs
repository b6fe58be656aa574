//! Part of the suite of [`LedgerStore`]: taking over a log whose entries have their places already.

use thymos_core::entry::Position;
use thymos_core::id::Digest;
use thymos_core::merkle::{Frontier, leaf};
use thymos_core::sealed::{Envelope, NONCE_BYTES};
use thymos_core::{Entry, EntryId, Kind, LogId, TrajectoryId};

use super::ledger::{must, sample_batch, sample_draft, scanned};
use crate::store::{LedgerStore, Piece, StoreError, Unfit};

fn line(number: u64) -> TrajectoryId {
    TrajectoryId::of(&number.to_be_bytes())
}

fn log(name: &str) -> LogId {
    LogId::of(name.as_bytes())
}

/// Entries of a log that was never a store: two trajectories in turns.
fn elsewhere(log: LogId, length: u64) -> Vec<Entry> {
    let mut heads: [(u64, Option<EntryId>); 2] = [(0, None); 2];
    let mut entries = Vec::new();
    for index in 0..length {
        let number = index % 2;
        let Some((seq, prev)) = heads.get_mut(usize::try_from(number).unwrap_or(0)) else {
            break;
        };
        let position = Position {
            log,
            index,
            seq: *seq,
            prev: *prev,
        };
        let entry = must(sample_draft(line(number), Kind::Message, index).place(&position));
        (*seq, *prev) = (*seq + 1, Some(entry.id));
        entries.push(entry);
    }
    entries
}

fn pieces(entries: &[Entry]) -> Vec<Piece> {
    let boxed = entries.iter().cloned().map(Box::new);
    boxed.map(Piece::Entry).collect()
}

fn adopt(store: &dyn LedgerStore, log: LogId, pieces: Vec<Piece>) -> Result<u64, Unfit> {
    must(store.adopt(log, &mut pieces.into_iter().map(Ok)))
}

fn nothing_changed(store: &dyn LedgerStore, before: &[Entry], log: LogId) {
    assert_eq!(scanned(store), before, "nothing of it is kept");
    assert_eq!(store.log(), log);
}

/// A store without entries becomes the log, with the same ids and the same proofs, and goes on from there.
pub(super) fn an_empty_store_becomes_the_log(store: &dyn LedgerStore) {
    let (log, entries) = (log("a"), elsewhere(log("a"), 40));
    let sealed = Envelope {
        digest: Digest::of(b"sealed"),
        nonce: [1; NONCE_BYTES],
        ciphertext: vec![2; 40],
    };
    let beside = [
        Piece::Blob(b"plain".to_vec()),
        Piece::SealedBlob(sealed.to_bytes()),
        Piece::Checkpoint(16, "note".to_owned()),
    ];
    let all = [&beside[..], &pieces(&entries)].concat();
    assert_eq!(adopt(store, log, all.clone()), Ok(40));
    assert_eq!(store.log(), log);
    assert_eq!(scanned(store), entries);
    let mut tree = Frontier::new();
    for (size, entry) in (1..).zip(&entries) {
        tree.push(leaf(entry.id.as_bytes()), |_, _| {});
        assert_eq!(must(store.root(size)), tree.root(), "over {size}");
    }
    assert_eq!(
        must(store.blob(&Digest::of(b"plain"))),
        Some(b"plain".to_vec())
    );
    assert_eq!(
        must(store.sealed_blob(&sealed.digest)),
        Some(sealed.to_bytes())
    );
    assert_eq!(must(store.checkpoints(0)), [(16, "note".to_owned())]);
    assert_eq!(adopt(store, log, all), Ok(0), "twice is once");
    let placed = must(store.append(vec![sample_batch(line(0), 20, 1)]));
    assert!(placed.iter().all(Result::is_ok), "it goes on");
    assert_eq!(must(store.len()), 41);
    assert_eq!(
        adopt(store, log, pieces(&entries)),
        Ok(0),
        "a longer one has it all"
    );
    let again: Vec<_> = scanned(store).into_iter().take(40).collect();
    assert_eq!(again, entries);
}

/// A beginning of the log is gone on with; what has gone on otherwise is refused whole.
pub(super) fn a_log_is_extended_and_never_forked(store: &dyn LedgerStore) {
    let (own, entries) = (log("a"), elsewhere(log("a"), 12));
    let (begin, rest) = entries.split_at(5);
    assert_eq!(adopt(store, own, pieces(begin)), Ok(5));
    assert_eq!(adopt(store, own, pieces(rest)), Ok(7));
    assert_eq!(scanned(store), entries);
    let mut other = elsewhere(own, 13);
    if let Some(last) = other.last_mut() {
        let position = Position {
            log: own,
            index: 11,
            seq: 5,
            prev: entries.get(9).map(|entry| entry.id),
        };
        *last = must(sample_draft(line(1), Kind::Usage, 99).place(&position));
    }
    let blob = Piece::Blob(b"of nobody".to_vec());
    let forked = [vec![blob.clone()], pieces(&other)].concat();
    assert_eq!(adopt(store, own, forked), Err(Unfit::Parted(11)));
    let skipping: Vec<Entry> = elsewhere(own, 15).into_iter().skip(13).collect();
    let gap = [vec![blob], pieces(&skipping)].concat();
    assert_eq!(adopt(store, own, gap), Err(Unfit::Gap(13)));
    nothing_changed(store, &entries, own);
    assert_eq!(
        must(store.blob(&Digest::of(b"of nobody"))),
        None,
        "blobs neither"
    );
    let foreign = pieces(&elsewhere(log("b"), 3));
    assert_eq!(adopt(store, log("b"), foreign), Err(Unfit::OtherLog(own)));
    nothing_changed(store, &entries, own);
}

/// An entry that is not the next of its log and of its trajectory is refused, and so is all with it.
pub(super) fn what_does_not_come_next_is_refused(store: &dyn LedgerStore) {
    let (own, empty) = (log("a"), store.log());
    let whole = elsewhere(own, 6);
    let swapped = |a: usize, b: usize| {
        let mut entries = whole.clone();
        entries.swap(a, b);
        pieces(&entries)
    };
    assert_eq!(adopt(store, own, swapped(2, 3)), Err(Unfit::Gap(3)));
    assert_eq!(adopt(store, own, swapped(0, 5)), Err(Unfit::Gap(5)));
    let mut mixed = whole.clone();
    mixed.extend(elsewhere(log("b"), 7).pop());
    assert_eq!(adopt(store, own, pieces(&mixed)), Err(Unfit::Gap(6)));
    let bent = |seq: u64, prev: Option<EntryId>| {
        let position = Position {
            log: own,
            index: 6,
            seq,
            prev,
        };
        let entry = must(sample_draft(line(0), Kind::Message, 6).place(&position));
        pieces(&[&whole[..], &[entry]].concat())
    };
    let head = whole.get(4).map(|entry| entry.id);
    assert_eq!(adopt(store, own, bent(4, head)), Err(Unfit::Gap(6)));
    assert_eq!(adopt(store, own, bent(3, None)), Err(Unfit::Gap(6)));
    nothing_changed(store, &[], empty);
    assert_eq!(adopt(store, own, bent(3, head)), Ok(7));
}

/// An error among the pieces ends all.
pub(super) fn an_error_among_the_pieces_keeps_nothing(store: &dyn LedgerStore) {
    let (own, empty) = (log("a"), store.log());
    let error = StoreError::Corrupt {
        path: "source".to_owned(),
        at: "its end".to_owned(),
        reason: "it was cut".to_owned(),
    };
    let blob = Piece::Blob(b"half".to_vec());
    let note = Piece::Checkpoint(3, "note".to_owned());
    let good = [vec![blob, note], pieces(&elsewhere(own, 3))].concat();
    let mut broken = good.into_iter().map(Ok).chain([Err(error.clone())]);
    assert_eq!(store.adopt(own, &mut broken), Err(error));
    nothing_changed(store, &[], empty);
    assert_eq!(must(store.blob(&Digest::of(b"half"))), None);
    assert_eq!(must(store.checkpoints(0)), []);
    let placed = must(store.append(vec![sample_batch(line(0), 0, 1)]));
    assert!(
        placed.iter().all(Result::is_ok),
        "it is as usable as before"
    );
}
