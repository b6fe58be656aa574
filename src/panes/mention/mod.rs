//! What is being named behind an `@` in the composer: files, or with `#` entries of the ledger.
//!
//! Holds what was found and how it is put into the text; looks for nothing itself.

mod state;
mod view;

#[cfg(test)]
mod tests;

pub use state::{Entry, Mention, Row, Standing, Wish};
pub(crate) use state::{LETTERS_MAX, starts_word};
pub(crate) use view::draw;
