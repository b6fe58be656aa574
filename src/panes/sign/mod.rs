//! Signing more than one call: one approval that reaches further, or several in one go.
//!
//! Shows everything that would be signed and guards the signature (arming, view, one a proposal);
//! sends nothing: that is in `app/update/sign.rs`.

pub(crate) mod view;

mod scope;
mod state;

pub use scope::{Field, Scope};
pub use state::{Sign, SignKind, batch_lines};
pub(crate) use view::{draw, prepare};
