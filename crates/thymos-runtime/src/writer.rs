//! The single writer: whoever holds the pen appends what waits, in one transaction `[L10]`.
//!
//! Where an append is short and nobody else writes, a session takes the pen itself and is spared two
//! changes of thread. All others queue for one thread, or for one task where work is done in place;
//! whoever waits together shares one sync. Retries nothing. It also knows which part of the log it
//! wrote itself, so that the bell of one's own appends wakes nobody `[L12]`. A run ends with a
//! checkpoint, and a long one has them on its way `[L7]`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::ThreadId;

use thymos_core::{Entry, Kind};
use thymos_ports::LedgerStore;
use thymos_ports::store::{Batch, Conflict, StoreError};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::checkpoint::Checkpointer;
use crate::hands::Hands;

/// Batches joined into one transaction at most. Those beyond it wait for the next one.
const GROUP_MAX: usize = 256;

/// What became of one batch.
pub(crate) type Appended = Result<Result<Vec<Entry>, Conflict>, StoreError>;

struct Job {
    batch: Batch,
    done: oneshot::Sender<Appended>,
}

/// A handle to the writer. Its thread ends when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    path: Arc<str>,
    desk: Arc<Desk>,
}

/// What the thread and the sessions share.
struct Desk {
    store: Arc<dyn LedgerStore>,
    checkpoints: Arc<Checkpointer>,
    /// Held for one append. A session only ever tries it, so that at most one of the runtime's
    /// threads waits for a disk at a time.
    pen: Mutex<()>,
    /// Jobs that wait for the thread or are with it: who comes later must not pass them.
    queued: AtomicUsize,
    own: Own,
}

/// How the log stands to what was written here.
struct Own {
    // A plain mutex: held for a few assignments, never across an append or an await.
    told: Mutex<Told>,
    settled: Notify,
}

struct Told {
    /// The log's length, as far as it is known here.
    len: u64,
    /// There is something that not only its own session has to hear of.
    news: bool,
    /// An append is under way, on this thread: the bell cannot be judged before it is over.
    writing: Option<ThreadId>,
    /// The bell was heard meanwhile.
    heard: bool,
}

impl Writer {
    /// Starts it.
    pub(crate) fn start(
        store: Arc<dyn LedgerStore>,
        checkpoints: Arc<Checkpointer>,
        hands: Hands,
    ) -> Self {
        // Unbounded, and bounded all the same: a session waits for its batch before the next one.
        let (jobs, mut inbox) = mpsc::unbounded_channel::<Job>();
        let desk = Arc::new(Desk {
            store,
            checkpoints,
            pen: Mutex::new(()),
            queued: AtomicUsize::new(0),
            own: Own::new(),
        });
        let served = desk.clone();
        match hands {
            // The one thread that the runtime owns; the store blocks.
            Hands::Threads => drop(std::thread::spawn(move || {
                while let Some(first) = inbox.blocking_recv() {
                    served.serve(group(first, &mut inbox));
                }
            })),
            Hands::InPlace => drop(tokio::spawn(async move {
                while let Some(first) = inbox.recv().await {
                    served.serve(group(first, &mut inbox));
                }
            })),
        }
        Self {
            jobs,
            path: "ledger".into(),
            desk,
        }
    }

    /// Whether the log holds anything that sessions have to look at, now that the bell rang: what
    /// others wrote, and what a session here wrote for more than itself. A no while an append is
    /// under way is said again by [`Self::settled`].
    ///
    /// # Errors
    /// [`StoreError`] when the log's length cannot be read.
    pub(crate) fn has_news(&self) -> Result<bool, StoreError> {
        let Desk { own, store, .. } = self.desk.as_ref();
        if !own.may_look() {
            return Ok(false);
        }
        Ok(own.is_news(store.len()?))
    }

    /// Whether the bell, ringing on this thread, is to be heard: not when it tells of an append of its own.
    pub(crate) fn hears_bell(&self) -> bool {
        self.desk.own.hears()
    }

    /// Returns when an append is over that left something to look at.
    pub(crate) async fn settled(&self) {
        self.desk.own.settled.notified().await;
    }

    /// Has every session look at what was just written, as if another process had.
    pub(crate) fn tell_all(&self) {
        self.desk.own.lock().news = true;
        self.desk.own.settled.notify_one();
    }

    /// Appends one batch; returns when it is durable.
    pub(crate) async fn append(&self, batch: Batch) -> Appended {
        let batch = match self.desk.append_here(batch) {
            Ok(appended) => return appended,
            Err(batch) => batch,
        };
        let (done, answer) = oneshot::channel();
        let gone = || StoreError::Poisoned {
            path: self.path.to_string(),
            reason: "the writer has ended".into(),
        };
        self.desk.queued.fetch_add(1, Ordering::SeqCst);
        self.jobs.send(Job { batch, done }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Own {
    const fn new() -> Self {
        Self {
            told: Mutex::new(Told {
                len: 0,
                news: true,
                writing: None,
                heard: false,
            }),
            settled: Notify::const_new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a ring has to be looked into. One on the very thread that appends comes from the store
    /// that is told to; the end of the append knows all that it could tell.
    fn hears(&self) -> bool {
        self.lock().writing != Some(std::thread::current().id())
    }

    fn may_look(&self) -> bool {
        let mut told = self.lock();
        let writing = told.writing.is_some();
        told.heard |= writing;
        !writing
    }

    fn is_news(&self, len: u64) -> bool {
        let mut told = self.lock();
        // An append that began meanwhile is in `len` or not; either way its end says so.
        told.heard |= told.writing.is_some();
        let news = std::mem::take(&mut told.news) || len > told.len;
        told.len = told.len.max(len);
        news
    }

    fn begin(&self) {
        self.lock().writing = Some(std::thread::current().id());
    }

    fn end(&self, written: &[Appended]) {
        let mut told = self.lock();
        told.writing = None;
        for entry in written.iter().flatten().flatten().flatten() {
            let header = &entry.header;
            // A gap is what another process wrote. [W7] A revocation reaches other sessions too.
            told.news |= header.index != told.len || entry.kind() == Some(Kind::WritRevoked);
            told.len = header.index + 1;
        }
        if std::mem::take(&mut told.heard) || told.news {
            self.settled.notify_one();
        }
    }
}

/// What waits together.
fn group(first: Job, inbox: &mut mpsc::UnboundedReceiver<Job>) -> Vec<Job> {
    let mut group = vec![first];
    while group.len() < GROUP_MAX
        && let Ok(next) = inbox.try_recv()
    {
        group.push(next);
    }
    group
}

impl Desk {
    /// Appends a batch on the spot, or gives it back: the store's appends are not short, somebody
    /// else has the pen or waits for it, or a checkpoint goes with it, which may take long.
    fn append_here(&self, batch: Batch) -> Result<Appended, Batch> {
        let ends_a_run = batch.drafts.iter().any(|draft| draft.kind == Kind::Closed);
        if !self.store.appends_are_short()
            || self.queued.load(Ordering::SeqCst) > 0
            || ends_a_run
            || self.checkpoints.is_due(self.own.lock().len)
        {
            return Err(batch);
        }
        let _pen = match self.pen.try_lock() {
            Ok(pen) => pen,
            Err(TryLockError::Poisoned(pen)) => pen.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(batch),
        };
        let mut appended = self.write(vec![batch]);
        Ok(appended.pop().unwrap_or_else(|| {
            Err(StoreError::Engine {
                path: "ledger".into(),
                reason: "the store gave no answer".into(),
            })
        }))
    }

    /// Appends what queued, and answers.
    fn serve(&self, group: Vec<Job>) {
        let taken = group.len();
        // Batches of one trajectory must not share a transaction blindly: each was made against a
        // length, and compare-and-set refuses the second. That is a conflict like any other.
        let (batches, waiting): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.batch, job.done)).unzip();
        let results = {
            let _pen = self.pen.lock().unwrap_or_else(PoisonError::into_inner);
            self.write(batches)
        };
        self.queued.fetch_sub(taken, Ordering::SeqCst);
        let mark = Mark::of(&results);
        if mark.ends_a_run {
            // Before the answer: the program may end with it.
            self.checkpoints.take_due();
        }
        for (done, result) in waiting.into_iter().zip(results) {
            // A session that is gone has no use for the answer; the entry is durable all the same.
            drop(done.send(result));
        }
        if !mark.ends_a_run && self.checkpoints.is_due(mark.length) {
            self.checkpoints.take_due();
        }
    }

    /// One transaction, by whoever has the pen.
    fn write(&self, batches: Vec<Batch>) -> Vec<Appended> {
        let count = batches.len();
        self.own.begin();
        let results: Vec<Appended> = match self.store.append(batches) {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error); count],
        };
        self.own.end(&results);
        results
    }
}

/// What an append means for checkpoints.
struct Mark {
    ends_a_run: bool,
    length: u64,
}

impl Mark {
    fn of(results: &[Appended]) -> Self {
        let placed = results.iter().flatten().flatten().flatten();
        let mut mark = Self {
            ends_a_run: false,
            length: 0,
        };
        for entry in placed {
            mark.ends_a_run |= entry.kind() == Some(Kind::Closed);
            mark.length = mark.length.max(entry.header.index + 1);
        }
        mark
    }
}

#[cfg(test)]
mod tests;
