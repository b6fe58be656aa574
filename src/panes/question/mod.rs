//! A question with what it is about above its answers. The first answer is the harmless one.
//!
//! Holds what an answer would do and does none of it: that is in `app/update/question.rs`.

pub(crate) mod view;

mod state;

pub use state::{Answer, Deed, Question};
pub(crate) use view::{draw, prepare};
