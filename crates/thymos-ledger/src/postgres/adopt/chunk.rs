//! So many pieces as are held at once, made ready on the caller's thread. Talks to nobody.

use std::collections::BTreeMap;

use thymos_core::Entry;
use thymos_ports::store::{Piece, StoreError};

use crate::blob::{self, Packed};
use crate::postgres::writer::Blob;
use crate::row::stored;

/// Pieces of one chunk.
pub(super) const PIECES_MAX: usize = 1_024;

/// Bytes of one chunk, but for its last piece, which may be as large as a blob may.
pub(super) const BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is written in one go.
#[derive(Default)]
pub(super) struct Chunk {
    /// In the order in which they came.
    pub(super) entries: Vec<Entry>,
    pub(super) blobs: Vec<Blob>,
    /// Of one size the first.
    pub(super) notes: BTreeMap<i64, String>,
    pieces: usize,
    bytes: usize,
}

/// What comes behind a chunk.
pub(super) enum Next {
    More,
    Nothing,
    /// It ends all; what came before it is looked at first, which may not fit.
    Fault(StoreError),
}

impl Chunk {
    /// The next pieces, until there are enough.
    pub(super) fn take(
        path: &str,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> (Self, Next) {
        let mut chunk = Self::default();
        while chunk.pieces < PIECES_MAX && chunk.bytes < BYTES_MAX {
            let added = match pieces.next() {
                None => return (chunk, Next::Nothing),
                Some(piece) => piece.and_then(|piece| chunk.add(path, piece)),
            };
            if let Err(error) = added {
                return (chunk, Next::Fault(error));
            }
        }
        (chunk, Next::More)
    }

    fn add(&mut self, path: &str, piece: Piece) -> Result<(), StoreError> {
        let bytes = match piece {
            Piece::Entry(entry) => {
                let body = entry.body().map_or(0, <[u8]>::len);
                let bytes = entry.header_bytes.len() + body;
                self.entries.push(*entry);
                bytes
            }
            Piece::Blob(bytes) => self.add_blob(&blob::pack(path, &bytes)?),
            Piece::SealedBlob(envelope) => self.add_blob(&blob::sealed(path, &envelope)?),
            Piece::Checkpoint(size, note) => {
                let (size, bytes) = (stored(size).unwrap_or(i64::MAX), note.len());
                self.notes.entry(size).or_insert(note);
                bytes
            }
        };
        self.pieces += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    fn add_blob(&mut self, packed: &Packed<'_>) -> usize {
        let blob = Blob::of(packed);
        let bytes = blob.bytes.len();
        self.blobs.push(blob);
        bytes
    }
}

#[cfg(test)]
mod tests;
