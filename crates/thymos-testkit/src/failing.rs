//! A ledger that passes every call on, and fails one of them on purpose: the n-th of its kind.
//!
//! Keeps nothing and knows no disk. How a disk fails in earnest is the caller's: [`Trouble::Under`] has the
//! real call made inside of whatever makes it fail.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thymos_core::merkle::{Node, TreeHash};
use thymos_core::{Digest, Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::erase::Mandate;
use thymos_ports::store::{
    Batch, Conflict, Destroyed, Found, Head, Piece, StoreError, StoredRow, Unfit, Watch,
};

/// A kind of call. Roots and proofs are made of [`Self::Node`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// `append`.
    Append,
    /// `put_blob`.
    PutBlob,
    /// `put_sealed_blob`.
    PutSealedBlob,
    /// `put_checkpoint`.
    PutCheckpoint,
    /// `destroy_erased`.
    DestroyErased,
    /// `page`.
    Page,
    /// `scan`.
    Scan,
    /// `node`.
    Node,
    /// `checkpoints`.
    Checkpoints,
    /// `entry`.
    Entry,
    /// `heads`.
    Heads,
    /// `len`.
    Len,
    /// `find_prefix`.
    FindPrefix,
    /// `blob`.
    Blob,
    /// `sealed_blob`.
    SealedBlob,
    /// `check_engine`.
    CheckEngine,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Append,
        Self::PutBlob,
        Self::PutSealedBlob,
        Self::PutCheckpoint,
        Self::DestroyErased,
        Self::Page,
        Self::Scan,
        Self::Node,
        Self::Checkpoints,
        Self::Entry,
        Self::Heads,
        Self::Len,
        Self::FindPrefix,
        Self::Blob,
        Self::SealedBlob,
        Self::CheckEngine,
    ];

    /// Whether it changes what is stored.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::Append
                | Self::PutBlob
                | Self::PutSealedBlob
                | Self::PutCheckpoint
                | Self::DestroyErased
        )
    }
}

/// What makes a real call fail: it is handed the call, and makes it.
pub type How = Arc<dyn Fn(&mut (dyn FnMut() + Send)) + Send + Sync>;

/// How a call fails.
#[derive(Clone)]
pub enum Trouble {
    /// It is not made.
    Before(StoreError),
    /// It is made, and its answer is lost.
    After(StoreError),
    /// The same, and every later call that writes is refused so too.
    AfterForGood(StoreError),
    /// It is made where something fails it, or nothing does.
    Under(How),
    /// The same, with every later call that writes, until [`Failing::calm`].
    UnderFromNowOn(How),
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(error) => write!(f, "Before({error:?})"),
            Self::After(error) => write!(f, "After({error:?})"),
            Self::AfterForGood(error) => write!(f, "AfterForGood({error:?})"),
            Self::Under(_) => f.write_str("Under"),
            Self::UnderFromNowOn(_) => f.write_str("UnderFromNowOn"),
        }
    }
}

/// A ledger with one call that fails, at most.
pub struct Failing {
    inner: Box<dyn LedgerStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counts: BTreeMap<Call, u64>,
    coming: Option<(Call, u64, Trouble)>,
    stays: Option<How>,
    refuses: Option<StoreError>,
    fired: bool,
}

impl Failing {
    /// Nothing fails yet.
    #[must_use]
    pub fn over(inner: Box<dyn LedgerStore>) -> Self {
        Self {
            inner,
            state: Mutex::default(),
        }
    }

    /// The call of this kind with this number fails; the first has the number 0.
    pub fn will(&self, call: Call, number: u64, trouble: Trouble) {
        self.state().coming = Some((call, number, trouble));
    }

    /// Nothing fails any more.
    pub fn calm(&self) {
        let mut state = self.state();
        state.coming = None;
        state.stays = None;
        state.refuses = None;
    }

    /// Whether a call failed. One that was made [`Trouble::Under`] something may have come through.
    pub fn has_fired(&self) -> bool {
        self.state().fired
    }

    /// How often each kind of call was made.
    pub fn counts(&self) -> BTreeMap<Call, u64> {
        self.state().counts.clone()
    }

    /// What it is over.
    pub fn inner(&self) -> &dyn LedgerStore {
        self.inner.as_ref()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; what is to become of it.
    fn due(&self, call: Call) -> Option<Trouble> {
        let mut state = self.state();
        let count = state.counts.entry(call).or_default();
        let number = *count;
        *count += 1;
        if let Some(how) = state.stays.clone().filter(|_| call.writes()) {
            return Some(Trouble::Under(how));
        }
        if let Some(error) = state.refuses.clone().filter(|_| call.writes()) {
            return Some(Trouble::Before(error));
        }
        let due = state
            .coming
            .take_if(|(kind, at, _)| (*kind, *at) == (call, number));
        let (_, _, trouble) = due?;
        match &trouble {
            Trouble::UnderFromNowOn(how) => state.stays = Some(how.clone()),
            Trouble::AfterForGood(error) => state.refuses = Some(error.clone()),
            Trouble::Before(_) | Trouble::After(_) | Trouble::Under(_) => {}
        }
        Some(trouble)
    }

    fn make<T: Send>(
        &self,
        call: Call,
        act: impl FnOnce() -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let Some(trouble) = self.due(call) else {
            return act();
        };
        let answer = match trouble {
            Trouble::Before(error) => Err(error),
            Trouble::After(error) | Trouble::AfterForGood(error) => act().and(Err(error)),
            Trouble::Under(how) | Trouble::UnderFromNowOn(how) => {
                let (mut act, mut answer) = (Some(act), None);
                how(&mut || answer = act.take().map(|act| act()));
                answer.expect("the call is made once")
            }
        };
        self.state().fired |= answer.is_err();
        answer
    }
}

impl LedgerStore for Failing {
    fn log(&self) -> LogId {
        self.inner.log()
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        self.make(Call::Append, || self.inner.append(batches))
    }

    fn appends_are_short(&self) -> bool {
        self.inner.appends_are_short()
    }

    // A story takes over nothing; what it is handed piece by piece cannot be handed on to another thread.
    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        self.inner.adopt(log, pieces)
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.make(Call::Page, || self.inner.page(trajectory, seq, limit))
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        self.make(Call::Scan, || self.inner.scan(index, limit))
    }

    fn node(&self, node: Node) -> Result<TreeHash, StoreError> {
        self.make(Call::Node, || self.inner.node(node))
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        self.make(Call::PutCheckpoint, || {
            self.inner.put_checkpoint(size, note)
        })
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.make(Call::Checkpoints, || self.inner.checkpoints(from_size))
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.make(Call::Entry, || self.inner.entry(id))
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.make(Call::Heads, || self.inner.heads())
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.make(Call::Len, || self.inner.len())
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        self.make(Call::FindPrefix, || self.inner.find_prefix(prefix, limit))
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.make(Call::PutBlob, || self.inner.put_blob(bytes))
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.make(Call::Blob, || self.inner.blob(digest))
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        self.make(Call::PutSealedBlob, || self.inner.put_sealed_blob(envelope))
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.make(Call::SealedBlob, || self.inner.sealed_blob(digest))
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        self.make(Call::Blob, || self.inner.lacking(digests))
    }

    fn destroy_erased(&self, mandate: &Mandate) -> Result<Destroyed, StoreError> {
        self.make(Call::DestroyErased, || self.inner.destroy_erased(mandate))
    }

    fn may_erase(&self) -> Result<bool, StoreError> {
        self.make(Call::DestroyErased, || self.inner.may_erase())
    }

    fn check_engine(&self) -> Result<Vec<String>, StoreError> {
        self.make(Call::CheckEngine, || self.inner.check_engine())
    }

    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        self.inner.watch(bell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use thymos_ports::conformance::{self, sample_batch};

    #[test]
    fn a_ledger_of_which_nothing_fails_conforms() {
        let mut fresh =
            || Box::new(Failing::over(Box::new(MemoryStore::new()))) as Box<dyn LedgerStore>;
        conformance::ledger_store(&mut fresh);
        conformance::taking_over(&mut fresh);
        conformance::erasing(&mut fresh);
    }

    #[test]
    fn one_call_fails_as_it_was_told_to_and_no_other() {
        let line = TrajectoryId::of(b"t");
        let away = StoreError::Away {
            path: "x".to_owned(),
            reason: "gone".to_owned(),
        };
        let store = Failing::over(Box::new(MemoryStore::new()));
        let append = |at| store.append(vec![sample_batch(line, at, 1)]);
        store.will(Call::Append, 1, Trouble::Before(away.clone()));
        assert!(append(0).is_ok());
        assert_eq!((append(1), store.inner().len()), (Err(away.clone()), Ok(1)));
        store.will(Call::Append, 2, Trouble::After(away.clone()));
        assert_eq!((append(1), store.inner().len()), (Err(away), Ok(2)));
        let how: How = Arc::new(|call| call());
        store.will(Call::Append, 3, Trouble::UnderFromNowOn(how));
        assert!(append(2).is_ok() && append(3).is_ok());
        store.calm();
        let lost = StoreError::Poisoned {
            path: "x".to_owned(),
            reason: "nobody knows".to_owned(),
        };
        store.will(Call::Append, 5, Trouble::AfterForGood(lost.clone()));
        assert_eq!((append(4), store.inner().len()), (Err(lost.clone()), Ok(5)));
        assert_eq!((append(5), store.len()), (Err(lost), Ok(5)));
        assert!(store.has_fired());
        assert_eq!(store.counts().get(&Call::Append), Some(&7));
    }
}
