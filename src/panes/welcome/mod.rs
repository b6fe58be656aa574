//! What stands where the conversation will be: what this is, what is allowed, what to try.
//!
//! Told from the status of the open trajectory; gone with the first message.

mod view;

pub(crate) use view::{allowed, draw};
