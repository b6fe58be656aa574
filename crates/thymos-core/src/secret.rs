//! Values that must not be printed. Does not encrypt and does not wipe memory.

use std::fmt;

/// How every marker begins that stands in the record in place of a secret `[R2]`. Replay looks for it: a
/// decision can have read a value that is not in the record only where one stands `[R4]`.
pub const MARKER_OPEN: &str = "⟦secret:";

/// Prints dots under `Debug` and `Display`; reading needs a stated reason.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. `why` documents the use at the call and is not kept.
    pub const fn expose(&self, _why: &str) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••")
    }
}
