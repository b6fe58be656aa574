//! A list to choose from, over the screen: actions, trajectories, models, settlements.
//!
//! Narrows and chooses; what comes of a choice is in `app/update/picker.rs`.

pub(crate) mod view;

mod binding;
mod state;
#[cfg(test)]
mod tests;

pub use binding::Binding;
pub use state::{Choice, Picker, PickerRow, Subject};
pub(crate) use view::draw;
