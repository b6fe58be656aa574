//! The story: what was asked, intended, decided and done.
//!
//! Tells pulled events and the turn being thought; takes what a call is from its typed line,
//! never from model prose. Knows nothing of policy: reasons arrive as text.

mod group;
mod state;
mod view;

pub(crate) use group::{bytes, call, duration};
pub use state::Conversation;
pub(crate) use view::{draw, prepare};
