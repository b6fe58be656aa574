//! One approval: exactly what would happen, and whether an answer to it may be given now.
//!
//! Shows the canonical fields and nothing else; guards answers (arming, view, one a proposal) and
//! sends none: that is in `app/update/card.rs`.

mod around;
pub(crate) mod lines;
pub(crate) mod view;

mod state;
#[cfg(test)]
mod tests;

pub use lines::{CardLine, Tone};
pub use state::{Block, CardPane, FULL_VIEW_BYTES, Unfit};
pub(crate) use view::{draw, prepare};
