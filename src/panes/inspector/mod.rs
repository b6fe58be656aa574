//! One entry in full: its body, the decision's trace, the writs it rests on, its place in the
//! chain.
//!
//! Shows what the kernel read; recomputes nothing.

pub(crate) mod view;

mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::trace;
pub use state::{Inspector, Tab};
pub(crate) use view::{draw, prepare};
