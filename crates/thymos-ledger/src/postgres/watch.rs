//! The bell over the wire: LISTEN on a connection of its own, and a thread that rings `[L12]`.
//!
//! The server tells of a commit after it can be seen, so whoever is woken looks late enough. While
//! the connection is away nothing is heard; so it rings once when it is back. Rings may be merged,
//! none is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thymos_ports::store::Watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::Place;
use super::fault::Trouble;
use super::schema::CHANNEL;
use super::session::Session;
use super::worker::Worker;

/// Pauses between attempts to listen again, doubled up to the longest.
const PAUSE_MS_MIN: u64 = 100;
const PAUSE_MS_MAX: u64 = 5_000;

type Ring = Box<dyn Fn() + Send + Sync>;

/// Listens until dropped.
struct Listening {
    task: AbortHandle,
    ended: Arc<AtomicBool>,
    wake: SyncSender<()>,
    thread: Option<JoinHandle<()>>,
    // Last: the worker must outlive the task.
    _worker: Arc<Worker>,
}

pub(crate) fn start(
    place: &Arc<Place>,
    worker: &Arc<Worker>,
    ring: Ring,
) -> Result<Watch, Trouble> {
    // One ring that waits stands for all that come before it is heard.
    let (heard, rings) = sync_channel(1);
    let (own, told) = (Arc::clone(place), heard.clone());
    let session = worker.wait(async move { listen(&own, &told).await })?;
    let wake = heard.clone();
    let ended = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&ended);
    let task = worker
        .handle()
        .spawn(keep(Arc::clone(place), session, heard));
    let thread = thread::Builder::new()
        .name("ledger-bell".to_owned())
        .spawn(move || ring_all(&rings, &ring, &over))
        .map_err(|e| Trouble::Engine(format!("no thread: {e}")))?;
    Ok(Watch(Box::new(Listening {
        task: task.abort_handle(),
        ended,
        wake,
        thread: Some(thread),
        _worker: Arc::clone(worker),
    })))
}

fn ring_all(rings: &Receiver<()>, ring: &Ring, over: &AtomicBool) {
    while rings.recv().is_ok() && !over.load(Ordering::Acquire) {
        ring();
    }
}

/// A connection that is told of every commit from now on.
async fn listen(place: &Place, heard: &SyncSender<()>) -> Result<Session, Trouble> {
    let heard = heard.clone();
    let notice = Box::new(move || {
        heard.try_send(()).ok();
    });
    let session = Session::connect(&place.server, &place.tls, Some(notice)).await?;
    place.is_the_same(&session, None).await?;
    session.run(&format!("LISTEN {CHANNEL}")).await?;
    Ok(session)
}

/// Waits for the connection's end, and listens anew.
async fn keep(place: Arc<Place>, first: Session, heard: SyncSender<()>) {
    let mut session = first;
    loop {
        // How it ended does not matter.
        drop((&mut session.driver).await);
        let mut pause = PAUSE_MS_MIN;
        session = loop {
            sleep(Duration::from_millis(pause)).await;
            match listen(&place, &heard).await {
                Ok(session) => break session,
                Err(_) => pause = (pause * 2).min(PAUSE_MS_MAX),
            }
        };
        heard.try_send(()).ok();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        self.ended.store(true, Ordering::Release);
        // A full channel wakes the thread as well.
        self.wake.try_send(()).ok();
        if let Some(thread) = self.thread.take()
            // Dropped by the bell itself: the thread cannot wait for itself.
            && thread.thread().id() != thread::current().id()
        {
            drop(thread.join());
        }
    }
}
