//! What the ring is doing: the newest groups step by step, or one row of it.
//!
//! Always shows the end; the transcript is for reading back.

mod view;

pub(crate) use view::{draw, ticker};
