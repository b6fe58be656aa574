//! What processes of a story share and what ends with one of them: time, life, leases.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use thymos_core::{Timestamp, TrajectoryId};
use thymos_ports::Clock;
use thymos_runtime::Leases;
use thymos_testkit::fixtures::NOON;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Time as the runtime has it, plus what was set by hand.
pub(super) struct SimClock {
    from: Instant,
    offset: AtomicI64,
}

impl SimClock {
    pub(super) fn start() -> Self {
        Self {
            from: Instant::now(),
            offset: AtomicI64::new(0),
        }
    }

    /// Sets the clock forward, or back.
    pub(super) fn shift_ms(&self, ms: i64) {
        self.offset.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.from.elapsed().as_millis()).unwrap();
        let now = NOON.plus_ms(passed).as_ms();
        Timestamp(now.saturating_add_signed(self.offset.load(Ordering::SeqCst)))
    }
}

/// The life of one process: after its end nothing that belonged to it does anything.
#[derive(Clone, Default)]
pub(super) struct Life(CancellationToken);

impl Life {
    pub(super) fn end(&self) {
        self.0.cancel();
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(super) async fn ended(&self) {
        self.0.cancelled().await;
    }

    /// Waits for ever once it is over: a process that is gone goes no further.
    pub(super) async fn go_on(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}

/// Who acts on which trajectory, as locks of files would have it: a lock ends with its process.
#[derive(Clone, Default)]
pub(super) struct SimLeases(Arc<Mutex<BTreeMap<TrajectoryId, u64>>>);

/// The leases as one process sees them.
pub(super) struct Asking {
    pub(super) leases: SimLeases,
    pub(super) process: u64,
}

struct Lease {
    leases: SimLeases,
    trajectory: TrajectoryId,
    process: u64,
}

impl SimLeases {
    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<TrajectoryId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process is gone, and its locks with it.
    pub(super) fn free(&self, process: u64) {
        self.held().retain(|_, holder| *holder != process);
    }
}

impl Leases for Asking {
    fn take(&self, trajectory: &TrajectoryId) -> Option<Box<dyn Any + Send + Sync>> {
        let mut held = self.leases.held();
        if held.contains_key(trajectory) {
            return None;
        }
        held.insert(*trajectory, self.process);
        Some(Box::new(Lease {
            leases: self.leases.clone(),
            trajectory: *trajectory,
            process: self.process,
        }))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.leases.held();
        if held.get(&self.trajectory) == Some(&self.process) {
            held.remove(&self.trajectory);
        }
    }
}
