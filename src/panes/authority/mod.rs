//! Under which authority things happen: the tree of writs, the rules in force, and what a
//! candidate set of rules would have decided.
//!
//! Shows what the kernel tells; revokes, loads and simulates nothing itself.

pub(crate) mod view;

mod state;
#[cfg(test)]
mod tests;
pub(crate) mod told;

pub use state::{Authority, AuthorityAsked, AuthorityTab, PolicyItem};
pub(crate) use view::{draw, draw_details, prepare};
