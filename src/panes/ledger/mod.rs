//! The record: every entry of the open trajectory, or those that a filter lets through; the world
//! as of one of them; where one comes from; and what verification found.
//!
//! Asks for pages as they come into view and keeps a bounded number of them. Verifies nothing
//! itself: it tells what the kernel found.

pub(crate) mod report;
pub(crate) mod row;
pub(crate) mod view;
pub(crate) mod world;

mod filtered;
mod sheet;
mod state;
#[cfg(test)]
mod tests;

pub use filtered::{Filtered, Hits};
pub use sheet::{Leads, Sheet};
pub use state::{FileChange, Ledger, LedgerAsked, PAGE, UnderWay, Verification, Wanted};
pub(crate) use view::{draw, prepare};
pub use world::World;
