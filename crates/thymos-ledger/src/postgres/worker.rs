//! The thread that does all talking to the server, so that the port may block whoever calls it,
//! also inside of another runtime.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::fault::Trouble;

/// A future of no particular type.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs futures until dropped; what still runs then is dropped with it.
pub(crate) struct Worker {
    handle: Handle,
    // Dropping it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("ledger-postgres".to_owned())
            .spawn(move || drop(runtime.block_on(stopped)))?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Blocks until the future is done. Not for the worker's own thread.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (done, answer) = mpsc::sync_channel(1);
        // Boxed, so that the runtime's own code for a task is there once and not once a question.
        let task: Boxed<()> = Box::pin(async move {
            // Nobody waits any more when the caller's thread is gone.
            drop(done.send(work.await));
        });
        drop(self.handle.spawn(task));
        let gone = |_| Trouble::Engine("its thread has ended".to_owned());
        answer.recv().map_err(gone)?
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            // Dropped by its own last task: the thread ends by itself.
            && thread.thread().id() != thread::current().id()
        {
            drop(thread.join());
        }
    }
}
