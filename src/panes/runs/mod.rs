//! Every trajectory as a tree: what was delegated by what, and what branched off what.
//!
//! Shows what the kernel tells; opens, branches and stops nothing itself.

pub(crate) mod view;

mod state;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

pub use state::Runs;
pub use tree::{TreeRow, tree};
pub(crate) use view::{draw, draw_details, prepare};
