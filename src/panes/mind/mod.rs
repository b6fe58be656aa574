//! The map of a run on screen: what of it is shown, which node is chosen, what is looked for.
//!
//! Has no data but the fold of the session; opens and asks for nothing itself.

pub(crate) mod cell;
pub(crate) mod view;

mod chain;
mod grid;
mod show;
mod state;
mod strip;
#[cfg(test)]
mod tests;

pub use show::{Preset, Show};
pub use state::{Above, MindPane};
pub(crate) use view::{draw, prepare};
