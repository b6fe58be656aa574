//! The bottom row: hints for the focused pane, from the keymap; on the right the line and mouse.
//!
//! What must be told comes here in place of the hints, so that no row moves.

mod view;

pub(crate) use view::draw;
