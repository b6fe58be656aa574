//! What is held at once: so many pieces, so many bytes, and what comes behind a fault is not asked for.

use thymos_core::limits::BLOB_BYTES_MAX;
use thymos_ports::store::{Piece, StoreError};

use super::{BYTES_MAX, Chunk, Next, PIECES_MAX};

/// Takes all chunks; pieces of each, and how the last one ends.
fn chunks(pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>) -> (Vec<usize>, Next) {
    let mut taken = Vec::new();
    loop {
        let (chunk, next) = Chunk::take("ledger", pieces);
        taken.push(chunk.pieces);
        if !matches!(next, Next::More) {
            return (taken, next);
        }
    }
}

#[test]
fn small_pieces_are_held_by_number_and_large_ones_by_bytes() {
    let small = |number: u64| Ok(Piece::Checkpoint(number, "note".to_owned()));
    let (taken, next) = chunks(&mut (1..=2_500).map(small));
    assert_eq!(taken, [PIECES_MAX, PIECES_MAX, 2_500 - 2 * PIECES_MAX]);
    assert!(matches!(next, Next::Nothing));
    let large = |number: u64| Ok(Piece::Checkpoint(number, "x".repeat(BYTES_MAX / 2 + 1)));
    let (taken, _) = chunks(&mut (1..=5).map(large));
    assert_eq!(taken, [2, 2, 1]);
}

#[test]
fn what_stands_before_a_fault_is_kept_and_nothing_behind_it_is_asked_for() {
    let note = |size: u64| Ok(Piece::Checkpoint(size, "note".to_owned()));
    for fault in [
        Piece::Blob(vec![0; BLOB_BYTES_MAX + 1]),
        Piece::SealedBlob(b"no envelope".to_vec()),
    ] {
        let mut pieces = [note(1), Ok(fault), note(2)].into_iter();
        let (chunk, next) = Chunk::take("ledger", &mut pieces);
        assert_eq!(chunk.notes.len(), 1);
        assert!(matches!(next, Next::Fault(StoreError::Engine { .. })));
        assert_eq!(pieces.len(), 1);
    }
}

#[test]
fn of_one_size_the_first_note_is_kept() {
    let note = |text: &str| Ok(Piece::Checkpoint(7, text.to_owned()));
    let (chunk, _) = Chunk::take("ledger", &mut [note("first"), note("second")].into_iter());
    assert_eq!(chunk.notes.values().collect::<Vec<_>>(), ["first"]);
}
