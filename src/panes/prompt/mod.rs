//! A line being asked for, over the screen: a reason, a filter, a search, the end of an id.
//!
//! Edits one line and says what it is for; what comes of it is in `app/update/prompt.rs`.

pub(crate) mod view;

mod lines;
mod state;
#[cfg(test)]
mod tests;

pub use lines::Lines;
pub use state::{FILTER_FIELDS, Prompt, Purpose};
pub(crate) use view::draw;
