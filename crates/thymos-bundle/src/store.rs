//! A bundle as a store that is only read: the verifier asks it as it asks any ledger.
//!
//! Where a body is not there, nothing here says why; the manifest and the entries do.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use thymos_core::id::Digest;
use thymos_core::merkle::TreeHash;
use thymos_core::sealed::Envelope;
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::{
    Batch, Conflict, Found, Head, PageBytes, Piece, StoreError, StoredRow, Unfit, Watch,
};

use crate::open::{Bundle, Chunk, Rows, placed};
use crate::{lines, refs};

/// What a bundle is called in errors: whoever opened it knows its name.
const PATH: &str = "bundle";

/// Blobs that are told one by one.
const BLOBS_TOLD_MAX: usize = 100;

impl Bundle {
    /// The entries of a member with their proofs, read once for as long as they are asked for.
    fn rows(&self, chunk: &Chunk) -> Result<Arc<Rows>, StoreError> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = recent.as_ref().filter(|rows| rows.first == chunk.first) {
            return Ok(Arc::clone(rows));
        }
        let at = || format!("entries from index {}", chunk.first);
        let bytes = self.read(chunk.entries).map_err(|e| corrupt(at(), e))?;
        let rows = lines::read(&bytes).ok_or_else(|| corrupt(at(), "it changed meanwhile"))?;
        let proofs = match chunk.proofs {
            Some(place) => {
                let bytes = self.read(place).map_err(|e| corrupt(at(), e))?;
                lines::read_proofs(&bytes)
            }
            None => None,
        };
        let kept = placed(chunk.first, rows, self.manifest.trajectory.is_some());
        // One content has one archive: lines that prove nothing are none of it.
        let superfluous = proofs
            .as_ref()
            .is_some_and(|proofs| proofs.len() > kept.len());
        if superfluous {
            return Err(corrupt(at(), "there are more proofs than entries"));
        }
        let rows = Arc::new(Rows {
            first: chunk.first,
            kept,
            proofs: proofs.unwrap_or_default(),
        });
        *recent = Some(Arc::clone(&rows));
        Ok(rows)
    }

    /// The member that holds this position, if one does, and those behind it.
    fn chunks_from(&self, index: u64) -> &[Chunk] {
        let behind = self.chunks.partition_point(|chunk| chunk.first <= index);
        self.chunks
            .get(behind.saturating_sub(1)..)
            .unwrap_or_default()
    }

    fn at(&self, index: u64) -> Result<Option<Entry>, StoreError> {
        let Some(chunk) = self.chunks_from(index).first() else {
            return Ok(None);
        };
        let rows = self.rows(chunk)?;
        let found = rows.kept.iter().find(|(at, _)| *at == index);
        match found {
            Some((_, Ok(entry))) => Ok(Some(entry.clone())),
            Some((_, Err(invalid))) => Err(corrupt(
                format!("entry at index {index}"),
                invalid.to_string(),
            )),
            None => Ok(None),
        }
    }

    /// What is wrong with the blobs, one sentence each.
    fn check_blobs(&self) -> Result<Vec<String>, StoreError> {
        let mut wanted = BTreeSet::new();
        for chunk in &self.chunks {
            for (_, entry) in &self.rows(chunk)?.kept {
                if let Ok(entry) = entry {
                    refs::add(&mut wanted, entry);
                }
            }
        }
        let mut found = Vec::new();
        for digest in self.blobs.keys() {
            let short = digest.short();
            if !wanted.remove(digest) {
                found.push(format!("no entry in it refers to blob {short}"));
            } else if let Err(StoreError::Corrupt { reason, .. }) = self.kept(digest) {
                found.push(format!("blob {short}: {reason}"));
            }
            if found.len() == BLOBS_TOLD_MAX {
                return Ok(found);
            }
        }
        let (missing, said) = (wanted.len() as u64, self.manifest.absent);
        if missing != said {
            found.push(format!(
                "{missing} blobs are missing that entries refer to, and the manifest says {said}"
            ));
        }
        Ok(found)
    }

    /// A blob in its stored form, once it is what its name says; and whether it is sealed.
    pub(crate) fn kept(&self, digest: &Digest) -> Result<Option<(Vec<u8>, bool)>, StoreError> {
        let Some((place, sealed)) = self.blobs.get(digest) else {
            return Ok(None);
        };
        let at = || format!("blob {}", digest.short());
        let bytes = self.read(*place).map_err(|e| corrupt(at(), e))?;
        let sound = match sealed {
            false => Digest::of(&bytes) == *digest,
            true => Envelope::read(&bytes).is_some_and(|envelope| envelope.digest == *digest),
        };
        match sound {
            true => Ok(Some((bytes, *sealed))),
            false => Err(corrupt(at(), "its bytes are not those of its digest")),
        }
    }
}

impl LedgerStore for Bundle {
    fn log(&self) -> LogId {
        self.manifest.log
    }

    fn append(&self, _: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        Err(read_only())
    }

    fn adopt(
        &self,
        _: LogId,
        _: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        Err(read_only())
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let line = self.lines.get(trajectory).map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(seq).unwrap_or(usize::MAX);
        let wanted = line.get(from..).unwrap_or_default().iter().take(limit);
        let (mut found, mut bytes) = (Vec::new(), PageBytes::default());
        for index in wanted {
            if !bytes.has_room() {
                break;
            }
            if let Some(entry) = self.at(*index)? {
                bytes.add(&entry);
                found.push(entry);
            }
        }
        Ok(found)
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        let (mut found, mut bytes) = (Vec::new(), PageBytes::default());
        for chunk in self.chunks_from(index) {
            for (at, entry) in &self.rows(chunk)?.kept {
                if found.len() == limit || !bytes.has_room() {
                    return Ok(found);
                }
                if *at >= index {
                    if let Ok(entry) = entry {
                        bytes.add(entry);
                    }
                    found.push(StoredRow {
                        index: *at,
                        entry: entry.clone(),
                        disagreements: Vec::new(),
                        tree: None,
                    });
                }
            }
        }
        Ok(found)
    }

    fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        let own = self.manifest.size == size;
        let Some(chunk) = self.chunks_from(index).first().filter(|_| own) else {
            return Ok(None);
        };
        let rows = self.rows(chunk)?;
        let at = rows.kept.iter().position(|(at, _)| *at == index);
        Ok(at.and_then(|at| rows.proofs.get(at).cloned()))
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        let own = self.manifest.size == new;
        let at = self
            .notes
            .iter()
            .position(|note| note.checkpoint.size == old);
        Ok(at
            .filter(|_| own)
            .and_then(|at| self.consistency.get(at).cloned()))
    }

    fn put_checkpoint(&self, _: u64, _: &str) -> Result<(), StoreError> {
        Err(read_only())
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        let notes = self.notes.iter();
        let from = notes.filter(|note| note.checkpoint.size >= from_size);
        Ok(from
            .map(|note| (note.checkpoint.size, note.note().to_owned()))
            .collect())
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        for chunk in &self.chunks {
            let rows = self.rows(chunk)?;
            let mut entries = rows.kept.iter().filter_map(|(_, row)| row.as_ref().ok());
            if let Some(found) = entries.find(|entry| entry.id == *id) {
                return Ok(Some(found.clone()));
            }
        }
        Ok(None)
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let mut heads = Vec::new();
        for index in self.lines.values().filter_map(|line| line.last()) {
            heads.extend(self.at(*index)?.map(|entry| Head {
                trajectory: entry.header.trajectory,
                seq: entry.header.seq,
                entry: entry.id,
                index: entry.header.index,
                at_ms: entry.header.at_ms,
            }));
        }
        heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.index));
        Ok(heads)
    }

    fn len(&self) -> Result<u64, StoreError> {
        Ok(self.manifest.size)
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        let lines = self
            .lines
            .keys()
            .filter(|id| id.to_string().starts_with(prefix));
        Ok(lines.map(|id| Found::Trajectory(*id)).take(limit).collect())
    }

    fn put_blob(&self, _: &[u8]) -> Result<Digest, StoreError> {
        Err(read_only())
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.kept(digest)?;
        Ok(kept.and_then(|(bytes, sealed)| (!sealed).then_some(bytes)))
    }

    fn put_sealed_blob(&self, _: &[u8]) -> Result<Digest, StoreError> {
        Err(read_only())
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.kept(digest)?;
        Ok(kept.and_then(|(bytes, sealed)| sealed.then_some(bytes)))
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let lacking = digests.iter().filter(|one| !self.blobs.contains_key(one));
        Ok(lacking.copied().collect())
    }

    fn check_engine(&self) -> Result<Vec<String>, StoreError> {
        self.check_blobs()
    }

    fn watch(&self, _: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        // Nothing in it ever changes.
        Ok(Watch(Box::new(())))
    }
}

pub(crate) fn corrupt(at: impl Into<String>, reason: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        path: PATH.to_owned(),
        at: at.into(),
        reason: reason.into(),
    }
}

fn read_only() -> StoreError {
    StoreError::Engine {
        path: PATH.to_owned(),
        reason: "a bundle is only read".to_owned(),
    }
}
