//! One suite a port `[L14]`: what every adapter and every fake must do, as plain functions that panic.
//!
//! Called from an adapter's own tests with a fresh instance; needs no feature flag.

mod adopt;
mod erase;
mod ledger;

pub use erase::{order_by, sample_mandate, sample_order};
pub use ledger::{erasing, ledger_store, sample_batch, sample_draft, taking_over};
