//! A ledger in memory that conforms, and that can be made to fail on purpose.
//!
//! Durable only as long as it lives: a test restarts on the same store by keeping its `Arc`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use thymos_core::entry::{InvalidEntry, Position};
use thymos_core::limits::{BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use thymos_core::sealed::Envelope;
use thymos_core::{Digest, Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::erase::{Mandate, blobs_of, covers, digests_in, order};
use thymos_ports::store::{
    Batch, Conflict, Destroyed, Found, Head, PageBytes, Piece, StoreError, StoredRow, Unfit, Watch,
};

const PATH: &str = ":memory:";

type Bell = Arc<dyn Fn() + Send + Sync>;

/// Which batch is overtaken, and what another process then does first.
type Overtake = (
    Box<dyn Fn(&Batch) -> bool + Send>,
    Box<dyn FnOnce(&MemoryStore) + Send>,
);

/// Keeps everything in memory. Clones share one ledger.
#[derive(Clone)]
pub struct MemoryStore {
    log: LogId,
    state: Arc<Mutex<State>>,
    bells: Arc<Mutex<Bells>>,
    overtake: Arc<Mutex<Option<Overtake>>>,
    held_back: Arc<(Mutex<Option<TrajectoryId>>, Condvar)>,
    read: Arc<Mutex<BTreeMap<TrajectoryId, usize>>>,
    far: bool,
    page_most: usize,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    /// How many entries each trajectory has, and the newest of them: an append looks at no other.
    ends: BTreeMap<TrajectoryId, (u64, EntryId)>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    sealed: BTreeMap<Digest, Vec<u8>>,
    checkpoints: BTreeMap<u64, String>,
    /// The log that was taken over.
    adopted: Option<LogId>,
    /// What entries mentioned that were taken over again without their bodies.
    erased: std::collections::BTreeSet<Digest>,
    appends: usize,
    scanned: u64,
    failures: VecDeque<StoreError>,
    no_heads: Option<StoreError>,
    full: bool,
    poisoned: Option<String>,
    /// Appends that still succeed before a sync fails.
    left: Option<usize>,
}

#[derive(Default)]
struct Bells {
    next: u64,
    hung: BTreeMap<u64, Bell>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty ledger, always of the same log id.
    #[must_use]
    pub fn new() -> Self {
        Self {
            log: LogId::of(b"memory"),
            state: Arc::default(),
            bells: Arc::default(),
            overtake: Arc::default(),
            held_back: Arc::default(),
            read: Arc::default(),
            far: false,
            page_most: usize::MAX,
        }
    }

    /// Hands over no more than this at once, as a store does whose entries are large.
    #[must_use]
    pub fn paging(mut self, entries: usize) -> Self {
        self.page_most = entries;
        self
    }

    /// As one across a network: nobody waits for its appends on the spot.
    #[must_use]
    pub fn far(mut self) -> Self {
        self.far = true;
        self
    }

    /// The same ledger under another id; for an empty one.
    #[must_use]
    pub fn with_log(mut self, log: LogId) -> Self {
        self.log = log;
        self
    }

    /// Whoever reads this trajectory waits, as for a very long one, until [`Self::let_go`].
    pub fn hold_back(&self, trajectory: TrajectoryId) {
        *lock(&self.held_back.0) = Some(trajectory);
    }

    /// Reading goes on.
    pub fn let_go(&self) {
        *lock(&self.held_back.0) = None;
        self.held_back.1.notify_all();
    }

    /// Entries of this trajectory that were read in pages so far.
    #[must_use]
    pub fn entries_read(&self, trajectory: &TrajectoryId) -> usize {
        lock(&self.read).get(trajectory).copied().unwrap_or(0)
    }

    fn wait_for(&self, trajectory: TrajectoryId) {
        let (held, gone_on) = self.held_back.as_ref();
        let waiting = |held: &mut Option<TrajectoryId>| *held == Some(trajectory);
        drop(gone_on.wait_while(lock(held), waiting));
    }

    /// Once, just before such a batch is appended, another process does this.
    pub fn overtake(
        &self,
        such: impl Fn(&Batch) -> bool + Send + 'static,
        act: impl FnOnce(&Self) + Send + 'static,
    ) {
        *lock(&self.overtake) = Some((Box::new(such), Box::new(act)));
    }

    fn overtaken(&self, batches: &[Batch]) {
        let due = lock(&self.overtake).take_if(|(such, _)| batches.iter().any(such));
        if let Some((_, act)) = due {
            act(self);
        }
    }

    /// The next append fails with this and keeps nothing; several calls queue up.
    pub fn fail_next_append(&self, error: StoreError) {
        self.state().failures.push_back(error);
    }

    /// Looks at the heads of the log fail so, or do not any more.
    pub fn fail_heads(&self, error: Option<StoreError>) {
        self.state().no_heads = error;
    }

    /// Appends and blobs fail with [`StoreError::Full`] until there is room again.
    pub fn fill_disk(&self) {
        self.state().full = true;
    }

    /// There is room again.
    pub fn make_room(&self) {
        self.state().full = false;
    }

    /// A sync fails: every append from here on fails with [`StoreError::Poisoned`].
    pub fn poison(&self, reason: &str) {
        self.state().poisoned = Some(reason.to_owned());
    }

    /// As [`Self::poison`], once so many more appends have succeeded: a crash between two of them.
    pub fn poison_after(&self, appends: usize) {
        self.state().left = Some(appends);
    }

    /// As a restart does: the same entries, no poison.
    pub fn reopen(&self) {
        let mut state = self.state();
        state.poisoned = None;
        state.left = None;
    }

    /// Appends that were tried, failed ones included.
    #[must_use]
    pub fn appends(&self) -> usize {
        self.state().appends
    }

    /// Rows handed out by scans of the log.
    #[must_use]
    pub fn rows_scanned(&self) -> u64 {
        self.state().scanned
    }

    /// Every entry in log order.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    // A panicking test must not turn into a second panic here; the state is whole between statements.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings with no lock held: a bell may read the store.
    fn ring(&self) {
        let bells: Vec<Bell> = lock(&self.bells).hung.values().cloned().collect();
        for bell in bells {
            bell();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}

impl State {
    fn refuse(&mut self) -> Result<(), StoreError> {
        let path = PATH.to_owned();
        match &mut self.left {
            Some(0) => self.poisoned = Some("input/output error".into()),
            Some(left) => *left -= 1,
            None => {}
        }
        if let Some(reason) = self.poisoned.clone() {
            return Err(StoreError::Poisoned { path, reason });
        }
        if self.full {
            return Err(StoreError::Full { path });
        }
        self.failures.pop_front().map_or(Ok(()), Err)
    }

    fn line(&self, trajectory: TrajectoryId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.header.trajectory == trajectory)
    }

    /// How many entries a trajectory has, and the newest of them.
    fn end(&self, trajectory: TrajectoryId) -> (u64, Option<EntryId>) {
        let end = self.ends.get(&trajectory);
        end.map_or((0, None), |(len, newest)| (*len, Some(*newest)))
    }

    fn push(&mut self, entry: Entry) {
        let header = &entry.header;
        let end = (header.seq + 1, entry.id);
        self.ends.insert(header.trajectory, end);
        self.entries.push(entry);
    }

    /// Back to so many entries.
    fn cut(&mut self, kept: usize) {
        self.ends.clear();
        for entry in std::mem::take(&mut self.entries).into_iter().take(kept) {
            self.push(entry);
        }
    }

    /// Takes over one piece; true when it is an entry that was not there.
    fn adopt(&mut self, log: LogId, piece: Piece) -> Result<bool, Unfit> {
        let entry = match piece {
            Piece::Entry(entry) => *entry,
            Piece::Blob(bytes) if self.has_erased(&Digest::of(&bytes)) => return Ok(false),
            Piece::SealedBlob(envelope)
                if Envelope::read(&envelope).is_some_and(|read| self.has_erased(&read.digest)) =>
            {
                return Ok(false);
            }
            Piece::Blob(bytes) => {
                self.blobs.entry(Digest::of(&bytes)).or_insert(bytes);
                return Ok(false);
            }
            Piece::SealedBlob(envelope) => {
                if let Some(read) = Envelope::read(&envelope)
                    && !self.blobs.contains_key(&read.digest)
                {
                    self.sealed.entry(read.digest).or_insert(envelope);
                }
                return Ok(false);
            }
            Piece::Checkpoint(size, note) => {
                self.checkpoints.entry(size).or_insert(note);
                return Ok(false);
            }
        };
        let header = &entry.header;
        let index = header.index;
        if let Some(kept) = self.entries.iter().find(|kept| kept.header.index == index) {
            if kept.id != entry.id {
                return Err(Unfit::Parted(index));
            }
            if kept.content.is_none() {
                self.erased.extend(blobs_of(&entry));
            }
            return Ok(false);
        }
        let (seq, head) = self.end(header.trajectory);
        let next = (log, number(self.entries.len()), seq, head);
        if next != (header.log, index, header.seq, header.prev) {
            return Err(Unfit::Gap(index));
        }
        self.push(entry);
        Ok(true)
    }

    /// Whether it went with bodies that were erased, and no other mentions it.
    fn has_erased(&self, digest: &Digest) -> bool {
        let mut bodies = self.entries.iter().filter_map(Entry::body);
        self.erased.contains(digest) && bodies.all(|body| !digests_in(body).contains(digest))
    }

    /// Carries out every order that the mandate allows, those of long ago too.
    fn destroy_erased(&mut self, mandate: &Mandate) -> Destroyed {
        let orders: Vec<(Entry, _)> = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry.clone(), order(entry)?)))
            .collect();
        let mut destroyed = Destroyed::default();
        let mut mentioned = std::collections::BTreeSet::new();
        for (by, order) in &orders {
            let mut targets = self.entries.iter_mut();
            let target = targets.find(|target| covers(by, order, target));
            let stands = |target: &&mut Entry| target.content.is_some();
            let allowed = |target: &&mut Entry| mandate.allows(order, target);
            let Some(target) = target.filter(stands).filter(allowed) else {
                continue;
            };
            mentioned.extend(blobs_of(target));
            target.content = None;
            destroyed.bodies += 1;
        }
        for kept in self.entries.iter().filter_map(Entry::body).map(digests_in) {
            mentioned.retain(|digest| !kept.contains(digest));
        }
        for digest in mentioned {
            let gone = self.blobs.remove(&digest).is_some();
            destroyed.blobs += u64::from(gone | self.sealed.remove(&digest).is_some());
        }
        destroyed
    }

    fn place(
        &mut self,
        log: LogId,
        batch: Batch,
    ) -> Result<Result<Vec<Entry>, Conflict>, StoreError> {
        let (found, mut prev) = self.end(batch.trajectory);
        if found != batch.at_seq {
            return Ok(Err(Conflict {
                expected: batch.at_seq,
                found,
            }));
        }
        let mut placed = Vec::new();
        for (seq, draft) in (found..).zip(batch.drafts) {
            let index = number(self.entries.len());
            let position = Position {
                log,
                index,
                seq,
                prev,
            };
            let entry = draft.place(&position).map_err(StoreError::Draft)?;
            prev = Some(entry.id);
            self.push(entry.clone());
            placed.push(entry);
        }
        Ok(Ok(placed))
    }
}

/// As many of them as a page takes.
fn filling<'e>(entries: impl Iterator<Item = &'e Entry>) -> impl Iterator<Item = &'e Entry> {
    let mut bytes = PageBytes::default();
    entries.take_while(move |entry| {
        let room = bytes.has_room();
        bytes.add(entry);
        room
    })
}

fn check(batches: &[Batch]) -> Result<(), StoreError> {
    for batch in batches {
        for draft in &batch.drafts {
            let size = draft.body.as_bytes().len();
            if size > ENTRY_BYTES_MAX {
                return Err(StoreError::Draft(InvalidEntry::TooLarge(size)));
            }
            if draft.trajectory != batch.trajectory {
                return Err(StoreError::Engine {
                    path: PATH.to_owned(),
                    reason: "a draft belongs to another trajectory than its batch".to_owned(),
                });
            }
        }
    }
    Ok(())
}

impl LedgerStore for MemoryStore {
    fn log(&self) -> LogId {
        self.state().adopted.unwrap_or(self.log)
    }

    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        let own = self.log();
        let mut new = 0;
        {
            let mut state = self.state();
            state.refuse()?;
            if own != log && !state.entries.is_empty() {
                return Ok(Err(Unfit::OtherLog(own)));
            }
            let kept = (
                state.entries.len(),
                state.blobs.clone(),
                state.sealed.clone(),
                state.checkpoints.clone(),
            );
            let taken = || {
                for piece in pieces {
                    match state.adopt(log, piece?) {
                        Ok(fresh) => new += u64::from(fresh),
                        Err(unfit) => return Ok(Err(unfit)),
                    }
                }
                Ok(Ok(()))
            };
            let taken = taken();
            if !matches!(taken, Ok(Ok(()))) {
                state.cut(kept.0);
                (state.blobs, state.sealed, state.checkpoints) = (kept.1, kept.2, kept.3);
                return taken.map(|unfit| unfit.map(|()| 0));
            }
            state.adopted = Some(log);
        }
        self.ring();
        Ok(Ok(new))
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        self.overtaken(&batches);
        let log = self.log();
        let outcomes = {
            let mut state = self.state();
            state.appends += 1;
            state.refuse()?;
            check(&batches)?;
            let kept = state.entries.len();
            let outcomes: Result<Vec<_>, _> = batches
                .into_iter()
                .map(|batch| state.place(log, batch))
                .collect();
            if outcomes.is_err() {
                state.cut(kept); // all or none
            }
            outcomes?
        };
        self.ring();
        Ok(outcomes)
    }

    fn appends_are_short(&self) -> bool {
        !self.far
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.wait_for(*trajectory);
        let state = self.state();
        let line = state.line(*trajectory);
        let limit = limit.min(self.page_most);
        let from = line.filter(|entry| entry.header.seq >= seq).take(limit);
        let page: Vec<Entry> = filling(from).cloned().collect();
        *lock(&self.read).entry(*trajectory).or_default() += page.len();
        Ok(page)
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        let mut state = self.state();
        let from = state
            .entries
            .iter()
            .filter(|entry| entry.header.index >= index);
        let rows: Vec<StoredRow> = filling(from.take(limit.min(self.page_most)))
            .map(|entry| StoredRow {
                index: entry.header.index,
                entry: Entry::read(entry.header_bytes.clone(), entry.content.clone()),
                disagreements: Vec::new(),
                tree: None,
            })
            .collect();
        state.scanned += rows.len() as u64;
        Ok(rows)
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        // Failures that were ordered are for appends.
        if state.full || state.poisoned.is_some() {
            return state.refuse();
        }
        let kept = state.checkpoints.entry(size);
        kept.or_insert_with(|| note.to_owned());
        Ok(())
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        let state = self.state();
        let kept = state.checkpoints.range(from_size..);
        Ok(kept.map(|(size, note)| (*size, note.clone())).collect())
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        Ok(self
            .state()
            .entries
            .iter()
            .find(|entry| entry.id == *id)
            .cloned())
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let mut newest: BTreeMap<TrajectoryId, Head> = BTreeMap::new();
        let state = self.state();
        if let Some(error) = &state.no_heads {
            return Err(error.clone());
        }
        for entry in &state.entries {
            let header = &entry.header;
            let head = Head {
                trajectory: header.trajectory,
                seq: header.seq,
                entry: entry.id,
                index: header.index,
                at_ms: header.at_ms,
            };
            newest.insert(header.trajectory, head);
        }
        let mut heads: Vec<Head> = newest.into_values().collect();
        heads.sort_by_key(|head| std::cmp::Reverse(head.index));
        Ok(heads)
    }

    fn len(&self) -> Result<u64, StoreError> {
        Ok(number(self.state().entries.len()))
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        let mut found = Vec::new();
        for entry in self.state().entries.iter().rev() {
            let header = &entry.header;
            if entry.id.to_string().starts_with(prefix) {
                found.push(Found::Entry(entry.id, header.trajectory, header.seq));
            }
            let whole = Found::Trajectory(header.trajectory);
            if header.trajectory.to_string().starts_with(prefix) && !found.contains(&whole) {
                found.push(whole);
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let mut state = self.state();
        let path = PATH.to_owned();
        if state.full {
            return Err(StoreError::Full { path });
        }
        if bytes.len() > BLOB_BYTES_MAX {
            let reason = format!("a blob of {} bytes is too large", bytes.len());
            return Err(StoreError::Engine { path, reason });
        }
        let digest = Digest::of(bytes);
        if !state.sealed.contains_key(&digest) {
            state.blobs.insert(digest, bytes.to_vec());
        }
        Ok(digest)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().blobs.get(digest).cloned())
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        let mut state = self.state();
        let path = PATH.to_owned();
        if state.full {
            return Err(StoreError::Full { path });
        }
        let Some(read) = Envelope::read(envelope) else {
            let reason = "these bytes are no whole envelope".to_owned();
            return Err(StoreError::Engine { path, reason });
        };
        if !state.blobs.contains_key(&read.digest) {
            state
                .sealed
                .entry(read.digest)
                .or_insert_with(|| envelope.to_vec());
        }
        Ok(read.digest)
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().sealed.get(digest).cloned())
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let state = self.state();
        let kept = |one: &&Digest| state.blobs.contains_key(one) || state.sealed.contains_key(one);
        Ok(digests.iter().filter(|one| !kept(one)).copied().collect())
    }

    fn destroy_erased(&self, mandate: &Mandate) -> Result<Destroyed, StoreError> {
        let mut state = self.state();
        state.refuse()?;
        Ok(state.destroy_erased(mandate))
    }

    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        let mut bells = lock(&self.bells);
        bells.next += 1;
        let number = bells.next;
        bells.hung.insert(number, Arc::from(bell));
        Ok(Watch(Box::new(Hung {
            bells: Arc::clone(&self.bells),
            number,
        })))
    }
}

/// Takes its bell down when it is dropped.
struct Hung {
    bells: Arc<Mutex<Bells>>,
    number: u64,
}

impl Drop for Hung {
    fn drop(&mut self) {
        // The bell is dropped after the lock: its own drop may do anything.
        let bell = lock(&self.bells).hung.remove(&self.number);
        drop(bell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thymos_ports::conformance;

    #[test]
    fn a_ledger_in_memory_conforms() {
        conformance::ledger_store(&mut || Box::new(MemoryStore::new()));
        conformance::taking_over(&mut || Box::new(MemoryStore::new()));
        conformance::erasing(&mut || Box::new(MemoryStore::new()));
    }

    #[test]
    fn l11_a_failed_append_keeps_nothing_and_a_full_disk_works_again_with_room() {
        let store = MemoryStore::new();
        let line = TrajectoryId::of(b"t");
        let batch = || vec![conformance::sample_batch(line, 0, 1)];
        let locked = StoreError::Locked {
            path: PATH.to_owned(),
        };
        store.fail_next_append(locked.clone());
        assert_eq!(store.append(batch()), Err(locked));
        store.fill_disk();
        assert!(matches!(
            store.append(batch()),
            Err(StoreError::Full { .. })
        ));
        store.make_room();
        assert!(store.append(batch()).is_ok());
        store.poison("input/output error");
        assert!(matches!(
            store.append(batch()),
            Err(StoreError::Poisoned { .. })
        ));
        store.reopen();
        assert_eq!((store.len(), store.appends()), (Ok(1), 4));
    }
}
