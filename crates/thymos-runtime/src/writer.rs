//! The single writer: one thread, or one task where work is done in place, that collects what waits
//! and appends it in one transaction `[L10]`.
//!
//! Sessions queue here; whoever waits together shares one sync. Retries nothing. It also knows which
//! part of the log it wrote itself, so that the bell of one's own appends wakes nobody `[L12]`.
//! A run ends with a checkpoint, and a long one has them on its way `[L7]`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A handle to the writer thread. The thread ends when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    path: Arc<str>,
    own: Arc<Own>,
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
    /// An append is under way: the bell cannot be judged before it is over.
    writing: bool,
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
        let own = Arc::new(Own::new());
        let told = own.clone();
        match hands {
            // The one thread that the runtime owns; the store blocks.
            Hands::Threads => drop(std::thread::spawn(move || {
                while let Some(first) = inbox.blocking_recv() {
                    append(
                        store.as_ref(),
                        &checkpoints,
                        group(first, &mut inbox),
                        &told,
                    );
                }
            })),
            Hands::InPlace => drop(tokio::spawn(async move {
                while let Some(first) = inbox.recv().await {
                    append(
                        store.as_ref(),
                        &checkpoints,
                        group(first, &mut inbox),
                        &told,
                    );
                }
            })),
        }
        Self {
            jobs,
            path: "ledger".into(),
            own,
        }
    }

    /// Whether the log holds anything that sessions have to look at, now that the bell rang: what
    /// others wrote, and what a session here wrote for more than itself. A no while an append is
    /// under way is said again by [`Self::settled`].
    ///
    /// # Errors
    /// [`StoreError`] when the log's length cannot be read.
    pub(crate) fn has_news(&self, store: &dyn LedgerStore) -> Result<bool, StoreError> {
        if !self.own.may_look() {
            return Ok(false);
        }
        let len = store.len()?;
        Ok(self.own.is_news(len))
    }

    /// Returns when an append is over during which the bell was heard.
    pub(crate) async fn settled(&self) {
        self.own.settled.notified().await;
    }

    /// Has every session look at what was just written, as if another process had.
    pub(crate) fn tell_all(&self) {
        self.own.lock().news = true;
        self.own.settled.notify_one();
    }

    /// Appends one batch; returns when it is durable.
    pub(crate) async fn append(&self, batch: Batch) -> Appended {
        let (done, answer) = oneshot::channel();
        let gone = || StoreError::Poisoned {
            path: self.path.to_string(),
            reason: "the writer has ended".into(),
        };
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
                writing: false,
                heard: false,
            }),
            settled: Notify::const_new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_look(&self) -> bool {
        let mut told = self.lock();
        told.heard |= told.writing;
        !told.writing
    }

    fn is_news(&self, len: u64) -> bool {
        let mut told = self.lock();
        // An append that began meanwhile is in `len` or not; either way its end says so.
        told.heard |= told.writing;
        let news = std::mem::take(&mut told.news) || len > told.len;
        told.len = told.len.max(len);
        news
    }

    fn begin(&self) {
        self.lock().writing = true;
    }

    fn end(&self, written: &[Appended]) {
        let mut told = self.lock();
        told.writing = false;
        for entry in written.iter().flatten().flatten().flatten() {
            let header = &entry.header;
            // A gap is what another process wrote. [W7] A revocation reaches other sessions too.
            told.news |= header.index != told.len || entry.kind() == Some(Kind::WritRevoked);
            told.len = header.index + 1;
        }
        if std::mem::take(&mut told.heard) {
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

fn append(store: &dyn LedgerStore, checkpoints: &Checkpointer, group: Vec<Job>, own: &Own) {
    // Batches of one trajectory must not share a transaction blindly: each was made against a
    // length, and compare-and-set refuses the second. That is a conflict like any other.
    let (batches, waiting): (Vec<_>, Vec<_>) =
        group.into_iter().map(|job| (job.batch, job.done)).unzip();
    own.begin();
    let results: Vec<Appended> = match store.append(batches) {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(error) => waiting.iter().map(|_| Err(error.clone())).collect(),
    };
    own.end(&results);
    let mark = Mark::of(&results);
    if mark.ends_a_run {
        // Before the answer: the program may end with it.
        checkpoint(checkpoints);
    }
    for (done, result) in waiting.into_iter().zip(results) {
        // A session that is gone has no use for the answer; the entry is durable all the same.
        drop(done.send(result));
    }
    if !mark.ends_a_run && checkpoints.is_due(mark.length) {
        checkpoint(checkpoints);
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

// Work does not wait for a place that cannot be reached: the next one puts there what is missing, and
// until then every verification says how old the newest outside is.
fn checkpoint(checkpoints: &Checkpointer) {
    drop(checkpoints.take());
}

#[cfg(test)]
mod tests {
    use thymos_core::canonical::value_to_bytes;
    use thymos_core::entry::{Draft, Position, Salt};
    use thymos_core::key::SigningKey;
    use thymos_core::{LogId, Timestamp, TrajectoryId};

    use super::*;

    fn entry(index: u64, kind: Kind) -> Entry {
        let draft = Draft {
            trajectory: TrajectoryId::of(b"one"),
            kind,
            at: Timestamp(0),
            writer: SigningKey::from_seed(&[1; 32]).public(),
            salt: Salt::from_bytes([0; 32]),
            body: value_to_bytes(&serde_json::json!({})).unwrap(),
        };
        let position = Position {
            log: LogId::of(b"log"),
            index,
            seq: index,
            prev: None,
        };
        draft.place(&position).unwrap()
    }

    /// Knows everything up to this length.
    fn knowing(len: u64) -> Own {
        let own = Own::new();
        assert!(own.is_news(len), "what was there before is news once");
        assert!(!own.is_news(len));
        own
    }

    fn writes(own: &Own, entries: Vec<Entry>) {
        own.begin();
        own.end(&[Ok(Ok(entries))]);
    }

    #[test]
    fn l12_ones_own_writing_is_no_news() {
        let own = knowing(5);
        writes(&own, vec![entry(5, Kind::Started), entry(6, Kind::Commit)]);
        assert!(own.may_look());
        assert!(!own.is_news(7));
    }

    #[test]
    fn l12_what_another_process_wrote_is_news_before_and_after_ones_own() {
        let own = knowing(5);
        assert!(own.is_news(6), "another wrote last");
        writes(&own, vec![entry(7, Kind::Started)]);
        assert!(own.is_news(8), "another wrote in between");
        assert!(!own.is_news(8));
    }

    #[test]
    fn w7_a_revocation_written_here_is_news_to_the_other_sessions() {
        let own = knowing(5);
        writes(&own, vec![entry(5, Kind::WritRevoked)]);
        assert!(own.is_news(6));
    }

    #[test]
    fn l12_a_bell_during_an_append_is_judged_after_it() {
        let own = knowing(5);
        own.begin();
        assert!(!own.may_look());
        own.end(&[Ok(Ok(vec![entry(5, Kind::Started)]))]);
        let heard = own.settled.notified();
        let mut heard = std::pin::pin!(heard);
        assert!(
            heard.as_mut().enable(),
            "who asked too early is asked again"
        );
        assert!(own.may_look() && !own.is_news(6));
    }

    #[test]
    fn l12_an_append_that_failed_is_no_writing() {
        let own = knowing(5);
        own.begin();
        own.end(&[Err(StoreError::Poisoned {
            path: "x".into(),
            reason: "y".into(),
        })]);
        assert!(own.may_look() && !own.is_news(5));
    }
}
