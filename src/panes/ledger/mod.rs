//! The record: every entry of the open trajectory, or those that a filter lets through; the world
//! as of one of them; and what verification found.
//!
//! Asks for pages as they come into view and keeps a bounded number of them. Verifies nothing
//! itself: it tells what the kernel found.

pub(crate) mod report;
pub(crate) mod row;
pub(crate) mod view;
pub(crate) mod world;

mod state;
#[cfg(test)]
mod tests;

pub use state::{Filtered, Ledger, LedgerAsked, PAGE, Verification};
pub(crate) use view::{draw, prepare};
pub use world::World;
