//! What must be told right now: a fault with its hint, an armed interrupt, the chord so far.
//!
//! Lies over the footer row until the next key; the which-key list stands above it.

mod view;

pub(crate) use view::{draw, which_key};
