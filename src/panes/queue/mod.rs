//! The queue: what waits for a decision in every trajectory, what was decided, what is in doubt.
//!
//! Lists and chooses; decides nothing.

pub(crate) mod view;
pub(crate) mod words;

mod state;
#[cfg(test)]
mod tests;

pub use state::{Queue, QueueRow, Tab};
pub(crate) use state::{REFUSED, lineage, told, via};
pub(crate) use view::{draw, prepare};
