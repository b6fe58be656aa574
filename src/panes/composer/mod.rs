//! The prompt editor: what is being written, and what was written before.
//!
//! Driven by actions only, never by the widget's own keys, and moves by graphemes. Sends
//! nothing; a paste is text and never an Enter.

mod state;
mod view;

#[cfg(test)]
mod tests;

pub use state::{Composer, MESSAGE_BYTES_MAX};
pub(crate) use view::{caret_row, draw, rows};
