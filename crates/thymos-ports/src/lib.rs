//! The traits through which the kernel meets the world: tools, models, ledger, clock, chance.
//!
//! Declares and conforms; implements nothing. Each port has one conformance suite in [`conformance`]
//! that every adapter and every fake must pass.
#![forbid(unsafe_code)]

pub mod begun;
pub mod clock;
pub mod cognition;
pub mod conformance;
pub mod erase;
pub mod memory;
pub mod store;
pub mod tool;

pub use begun::{Begun, Sealed};
pub use clock::{Clock, Entropy};
pub use cognition::Cognition;
pub use store::LedgerStore;
pub use tool::Tool;
