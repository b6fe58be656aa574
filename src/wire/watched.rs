//! A ledger that remembers what damage was met while it was read: whoever asked may have been told of it,
//! or of less than there is. Changes nothing and repairs nothing.

use std::sync::{Arc, Mutex, PoisonError};

use thymos_core::Entry;
use thymos_core::id::Digest;
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::{EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::erase::Mandate;
use thymos_ports::store::{
    Batch, Conflict, Destroyed, Found, Head, Piece, StoreError, StoredRow, Unfit, Watch,
};

/// The first damage that was met; a sentence.
#[derive(Debug, Clone, Default)]
pub struct Damage(Arc<Mutex<Option<String>>>);

impl Damage {
    /// What was met so far, if anything.
    #[must_use]
    pub fn met(&self) -> Option<String> {
        let met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.clone()
    }

    fn note(&self, sentence: impl FnOnce() -> String) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.get_or_insert_with(sentence);
    }

    fn pass<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error @ StoreError::Corrupt { .. }) = &outcome {
            self.note(|| error.to_string());
        }
        outcome
    }
}

/// The ledger itself.
pub(super) struct Watched {
    store: Arc<dyn LedgerStore>,
    damage: Damage,
}

impl Watched {
    pub(super) fn over(store: Arc<dyn LedgerStore>, damage: Damage) -> Arc<dyn LedgerStore> {
        Arc::new(Self { store, damage })
    }
}

/// What is wrong with a row, if something is.
fn wrong(row: &StoredRow) -> Option<String> {
    let what = match &row.entry {
        Err(invalid) => invalid.to_string(),
        Ok(_) => row.disagreements.first()?.clone(),
    };
    Some(format!(
        "the ledger is corrupt at entry at index {}: {what}",
        row.index
    ))
}

impl LedgerStore for Watched {
    fn log(&self) -> LogId {
        self.store.log()
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        self.damage.pass(self.store.append(batches))
    }

    fn appends_are_short(&self) -> bool {
        self.store.appends_are_short()
    }

    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        self.damage.pass(self.store.adopt(log, pieces))
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.damage.pass(self.store.page(trajectory, seq, limit))
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        let rows = self.damage.pass(self.store.scan(index, limit))?;
        if let Some(words) = rows.iter().find_map(wrong) {
            self.damage.note(|| words);
        }
        Ok(rows)
    }

    fn node(&self, node: Node) -> Result<TreeHash, StoreError> {
        self.damage.pass(self.store.node(node))
    }

    fn root(&self, size: u64) -> Result<TreeHash, StoreError> {
        self.damage.pass(self.store.root(size))
    }

    fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        self.damage.pass(self.store.inclusion(index, size))
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        self.damage.pass(self.store.consistency(old, new))
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        self.damage.pass(self.store.put_checkpoint(size, note))
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.damage.pass(self.store.checkpoints(from_size))
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.damage.pass(self.store.entry(id))
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.damage.pass(self.store.heads())
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.damage.pass(self.store.len())
    }

    fn is_empty(&self) -> Result<bool, StoreError> {
        self.damage.pass(self.store.is_empty())
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        self.damage.pass(self.store.find_prefix(prefix, limit))
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.damage.pass(self.store.put_blob(bytes))
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.damage.pass(self.store.blob(digest))
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        self.damage.pass(self.store.put_sealed_blob(envelope))
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.damage.pass(self.store.sealed_blob(digest))
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        self.damage.pass(self.store.lacking(digests))
    }

    fn destroy_erased(&self, mandate: &Mandate) -> Result<Destroyed, StoreError> {
        self.damage.pass(self.store.destroy_erased(mandate))
    }

    fn may_erase(&self) -> Result<bool, StoreError> {
        self.damage.pass(self.store.may_erase())
    }

    fn check_engine(&self) -> Result<Vec<String>, StoreError> {
        self.damage.pass(self.store.check_engine())
    }

    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        self.store.watch(bell)
    }
}
