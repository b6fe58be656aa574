//! A line being asked for, over the screen: a reason, a filter, a search, the end of an id.
//!
//! Edits one line and says what it is for; what comes of it is in `app/update/prompt.rs`.

pub(crate) mod view;

mod state;
#[cfg(test)]
mod tests;

pub use state::{Prompt, Purpose};
pub(crate) use view::draw;
