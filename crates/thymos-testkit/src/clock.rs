//! Time that a test moves, and chance that repeats itself.

use std::sync::atomic::{AtomicU64, Ordering};

use thymos_core::{Digest, Timestamp};
use thymos_ports::{Clock, Entropy};

/// Stands still until it is told to move.
#[derive(Debug)]
pub struct FixedClock(AtomicU64);

impl FixedClock {
    /// Stands at this moment.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.as_ms()))
    }

    /// Moves to a moment, also a past one.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_ms(), Ordering::SeqCst);
    }

    /// Moves on.
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Moves on by the same step each time it is asked; no two readings are equal.
#[derive(Debug)]
pub struct SteppingClock {
    next: AtomicU64,
    step_ms: u64,
}

impl SteppingClock {
    /// The first reading, and the step after each.
    #[must_use]
    pub const fn new(first: Timestamp, step_ms: u64) -> Self {
        Self {
            next: AtomicU64::new(first.as_ms()),
            step_ms,
        }
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.next.fetch_add(self.step_ms, Ordering::SeqCst))
    }
}

/// The same bytes in the same order for the same seed. Fit for tests and nothing else.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// A stream of bytes that depends on the seed alone.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::SeqCst);
            let block = Digest::of(&[self.seed.to_be_bytes(), number.to_be_bytes()].concat());
            for (slot, byte) in chunk.iter_mut().zip(block.as_bytes()) {
                *slot = *byte;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thymos_ports::clock::draw;

    #[test]
    fn equal_seeds_draw_equal_bytes_and_never_the_same_twice() {
        let (a, b) = (SeededEntropy::new(1), SeededEntropy::new(1));
        let first: [u8; 48] = draw(&a);
        assert_eq!(first, draw(&b));
        assert_ne!(first, draw(&a));
        assert_ne!(first, draw(&SeededEntropy::new(2)));
    }

    #[test]
    fn clocks_move_only_as_told() {
        let fixed = FixedClock::at(Timestamp(5));
        fixed.advance_ms(2);
        assert_eq!((fixed.now(), fixed.now()), (Timestamp(7), Timestamp(7)));
        let stepping = SteppingClock::new(Timestamp(5), 10);
        assert_eq!(
            (stepping.now(), stepping.now()),
            (Timestamp(5), Timestamp(15))
        );
    }
}
