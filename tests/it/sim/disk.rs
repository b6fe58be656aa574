//! The ledger as one process sees it: shared, and failing as drawn.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thymos_core::{Digest, Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::{
    Batch, Conflict, Found, Head, Piece, StoreError, StoredRow, Unfit, Watch,
};

use super::ground::Life;
use super::shared::{Bells, Shared};

/// What goes wrong with a coming append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// Nothing is stored, and trying again may work.
    Locked,
    /// The sync fails; the entries reached the disk or not, and the process may not go on.
    Sync { kept: bool },
    /// The process ends at this append; the entries reached the disk or not.
    End { kept: bool },
}

/// One process's ledger. Clones share its mishaps.
#[derive(Clone)]
pub(super) struct Disk {
    shared: Arc<dyn LedgerStore>,
    bells: Bells,
    life: Life,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    full: bool,
    poisoned: bool,
    /// Appends before it, and what it is.
    coming: Option<(u64, Mishap)>,
}

impl Disk {
    pub(super) fn new(shared: &Shared, life: Life) -> Self {
        Self {
            shared: shared.open(),
            bells: shared.bells.clone(),
            life,
            state: Arc::default(),
        }
    }

    /// After so many more appends, this happens.
    pub(super) fn will(&self, after: u64, mishap: Mishap) {
        self.state().coming = Some((after, mishap));
    }

    /// Nothing more goes wrong that has not yet.
    pub(super) fn calm(&self) {
        let mut state = self.state();
        state.coming = None;
        state.full = false;
    }

    pub(super) fn fill(&self) {
        self.state().full = true;
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.state().poisoned
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self) -> Result<(), StoreError> {
        let state = self.state();
        if self.life.is_over() || state.poisoned {
            return Err(poisoned());
        }
        if state.full {
            return Err(StoreError::Full { path: path() });
        }
        Ok(())
    }

    fn stored(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        let outcomes = self.shared.append(batches)?;
        self.bells.ring();
        Ok(outcomes)
    }

    fn mishap(&self) -> Option<Mishap> {
        let mut state = self.state();
        let (after, mishap) = state.coming?;
        state.coming = match after {
            0 => None,
            more => Some((more - 1, mishap)),
        };
        (after == 0).then_some(mishap)
    }
}

fn path() -> String {
    "drawn".to_owned()
}

fn poisoned() -> StoreError {
    StoreError::Poisoned {
        path: path(),
        reason: "a sync failed".to_owned(),
    }
}

impl LedgerStore for Disk {
    fn log(&self) -> LogId {
        self.shared.log()
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        self.refuse()?;
        let kept = match self.mishap() {
            None => return self.stored(batches),
            Some(Mishap::Locked) => return Err(StoreError::Locked { path: path() }),
            Some(Mishap::Sync { kept }) => {
                self.state().poisoned = true;
                kept
            }
            Some(Mishap::End { kept }) => {
                self.life.end();
                kept
            }
        };
        if kept {
            drop(self.stored(batches)?);
        }
        Err(poisoned())
    }

    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        self.refuse()?;
        self.shared.adopt(log, pieces)
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.shared.page(trajectory, seq, limit)
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        self.shared.scan(index, limit)
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        self.refuse()?;
        self.shared.put_checkpoint(size, note)
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.shared.checkpoints(from_size)
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.shared.entry(id)
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.shared.heads()
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.shared.len()
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        self.shared.find_prefix(prefix, limit)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.refuse()?;
        self.shared.put_blob(bytes)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.blob(digest)
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        self.refuse()?;
        self.shared.put_sealed_blob(envelope)
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.sealed_blob(digest)
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        self.shared.lacking(digests)
    }

    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        Ok(self.bells.hang(bell))
    }
}
