//! What a store takes over of a bundle, one by one: blobs, entries, checkpoints. The root over the entries
//! is held against the checkpoint once more on the way, since a file may change after it was verified.

use thymos_core::id::Digest;
use thymos_core::merkle::{self, Frontier};
use thymos_ports::LedgerStore;
use thymos_ports::store::{Piece, StoreError};

use crate::open::Bundle;
use crate::store::corrupt;

/// Entries read at once.
const PAGE: usize = 64;

impl Bundle {
    /// Everything in it. The last item is an error when the entries are not those under the checkpoint
    /// that it stands on.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Piece, StoreError>> + '_ {
        let blobs = self.blobs.keys().map(|digest| self.blob_piece(digest));
        let notes = self.notes.iter().map(|note| {
            let (size, note) = (note.checkpoint.size, note.note().to_owned());
            Ok(Piece::Checkpoint(size, note))
        });
        blobs.chain(self.entry_pieces()).chain(notes)
    }

    fn blob_piece(&self, digest: &Digest) -> Result<Piece, StoreError> {
        match self.kept(digest)? {
            Some((bytes, false)) => Ok(Piece::Blob(bytes)),
            Some((envelope, true)) => Ok(Piece::SealedBlob(envelope)),
            None => Err(corrupt(format!("blob {}", digest.short()), "it is gone")),
        }
    }

    fn entry_pieces(&self) -> impl Iterator<Item = Result<Piece, StoreError>> + '_ {
        let mut tree = Frontier::new();
        let mut rows = Vec::new().into_iter();
        let mut ended = false;
        std::iter::from_fn(move || {
            if ended {
                return None;
            }
            if rows.len() == 0 {
                match self.scan(tree.size(), PAGE) {
                    Ok(page) => rows = page.into_iter(),
                    Err(error) => {
                        ended = true;
                        return Some(Err(error));
                    }
                }
            }
            let Some(row) = rows.next() else {
                ended = true;
                return self.other_root(&tree).map(Err);
            };
            let entry = row.entry.map_err(|invalid| {
                corrupt(format!("entry at index {}", row.index), invalid.to_string())
            });
            ended = entry.is_err();
            Some(entry.map(|entry| {
                tree.push(merkle::leaf(entry.id.as_bytes()), |_, _| {});
                Piece::Entry(Box::new(entry))
            }))
        })
    }

    /// What is wrong when the entries came to another root.
    fn other_root(&self, tree: &Frontier) -> Option<StoreError> {
        let said = self.checkpoint().map(|note| note.checkpoint);
        let same = said.is_some_and(|said| (said.size, said.root) == (tree.size(), tree.root()));
        (!same).then(|| corrupt("its entries", "they are not those under its checkpoint"))
    }
}
