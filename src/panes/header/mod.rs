//! The top row: app, workspace, trajectory, chain, mode, budget, context, what waits.
//!
//! Tells what the kernel said and no more: an unverified tail is never drawn as verified.

mod view;

pub(crate) use view::draw;
