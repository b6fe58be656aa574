//! The system's clock and randomness: the two ports too small for a crate of their own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signal_hook::consts::signal::SIGXFSZ;
use thymos_core::Timestamp;
use thymos_ports::{Clock, Entropy};

use crate::term::Monotonic;

/// Wall clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Lets a limit on file sizes (`ulimit -f`) be met as a write that fails, which is told: the system would end
/// the program without a word.
pub fn outlive_file_limit() {
    let met = Arc::new(AtomicBool::new(false));
    // Where that signal cannot be had, it is as it was.
    drop(signal_hook::flag::register(SIGXFSZ, met));
}

/// Randomness of the operating system.
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(
        clippy::expect_used,
        reason = "a key made without randomness is worse than a crash"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Time since the process began, which never goes backwards.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the monotonic clock of the screen"
)]
pub fn monotonic() -> Monotonic {
    let start = Instant::now();
    Arc::new(move || -> Duration { start.elapsed() })
}
