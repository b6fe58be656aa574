//! What waits for a decision, told beside the work: one row, or a short list.
//!
//! Decides nothing and never takes the focus; the Approvals screen is where one decides.

mod view;

pub(crate) use view::{column, row};
