//! Time and chance as ports. The system's own live in the app's `system.rs`, fixed ones in tests.

use thymos_core::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, unix milliseconds. May stand still; must not be trusted to be monotonic.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer with bytes fit for keys and nonces.
    fn fill(&self, bytes: &mut [u8]);
}

/// Sixteen or thirty-two bytes at once.
pub fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
