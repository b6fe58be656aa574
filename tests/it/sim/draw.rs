//! Chance that repeats itself: the same seed and name draw the same numbers.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use thymos_core::Digest;

/// A stream of numbers. Clones share it.
#[derive(Clone)]
pub(crate) struct Dice(Arc<Mutex<u64>>);

impl Dice {
    /// The stream of one part of a story: parts do not disturb each other.
    pub(crate) fn of(seed: u64, part: &str) -> Self {
        let mixed = Digest::of(&[&seed.to_be_bytes(), part.as_bytes()].concat());
        let (first, _) = mixed.as_bytes().split_at(8);
        let state = first
            .iter()
            .fold(0, |state, byte| (state << 8) | u64::from(*byte));
        Self(Arc::new(Mutex::new(state)))
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn draw(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.draw() % end
    }

    /// Whether a thing happens that happens once in `times`.
    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'t, T>(&self, from: &'t [T]) -> Option<&'t T> {
        let count = u64::try_from(from.len()).unwrap();
        (count > 0).then(|| &from[usize::try_from(self.below(count)).unwrap()])
    }

    /// One of several things, each with its weight.
    pub(crate) fn weighed<T: Copy>(&self, from: &[(u64, T)]) -> T {
        let mut at = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, what) in from {
            if at < *weight {
                return *what;
            }
            at -= weight;
        }
        unreachable!("a number below the sum of all weights")
    }

    /// Lets others go first, a drawn number of times.
    pub(crate) async fn dawdle(&self) {
        for _ in 0..self.below(4) {
            tokio::task::yield_now().await;
        }
    }
}

/// A value in a few words.
pub(crate) fn brief(value: &Value) -> String {
    let text = value.to_string();
    text.chars().take(60).collect()
}

#[test]
fn a_stream_repeats_and_differs_from_others() {
    let numbers = |seed, part| {
        let dice = Dice::of(seed, part);
        (0..4).map(|_| dice.draw()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(1, "model"), numbers(1, "model"));
    assert_ne!(numbers(1, "model"), numbers(2, "model"));
    assert_ne!(numbers(1, "model"), numbers(1, "tools"));
}
