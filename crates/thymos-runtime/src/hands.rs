//! Who does what blocks: threads beside the runtime, or the runtime itself, one thing after the other.
//!
//! Decides nothing about what is done, only where. In place, a runtime of one thread meets everything
//! in an order that depends on what it was given alone, so that a run can be told again `[T13]`.

use tokio::task::JoinHandle;

/// Where blocking work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// On threads of its own: nobody waits for a disk but who asked for it.
    Threads,
    /// As tasks of the runtime, which stands still meanwhile. For simulations and nothing else.
    InPlace,
}

impl Hands {
    /// Does it beside the caller.
    pub(crate) fn beside<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        match self {
            Self::Threads => tokio::task::spawn_blocking(work),
            Self::InPlace => tokio::spawn(async move { work() }),
        }
    }
}
