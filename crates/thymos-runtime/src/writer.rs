//! The single writer: one thread that collects what waits and appends it in one transaction `[L10]`.
//!
//! Sessions queue here; whoever waits together shares one sync. Retries nothing.

use std::sync::Arc;
use std::sync::mpsc;

use thymos_core::Entry;
use thymos_ports::LedgerStore;
use thymos_ports::store::{Batch, Conflict, StoreError};
use tokio::sync::oneshot;

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
    jobs: mpsc::Sender<Job>,
    path: Arc<str>,
}

impl Writer {
    /// Starts the thread.
    // The one thread that the runtime owns; the store blocks.
    pub(crate) fn start(store: Arc<dyn LedgerStore>) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::spawn(move || run(store.as_ref(), &inbox));
        Self {
            jobs,
            path: "ledger".into(),
        }
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

fn run(store: &dyn LedgerStore, inbox: &mpsc::Receiver<Job>) {
    while let Ok(first) = inbox.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = inbox.try_recv()
        {
            group.push(next);
        }
        // Batches of one trajectory must not share a transaction blindly: each was made against a
        // length, and compare-and-set refuses the second. That is a conflict like any other.
        let (batches, waiting): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.batch, job.done)).unzip();
        let results: Vec<Appended> = match store.append(batches) {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) => waiting.iter().map(|_| Err(error.clone())).collect(),
        };
        for (done, result) in waiting.into_iter().zip(results) {
            // A session that is gone has no use for the answer; the entry is durable all the same.
            drop(done.send(result));
        }
    }
}
