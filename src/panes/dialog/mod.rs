//! Questions over the screen: quitting, changing the mode, and the writ in force.
//!
//! Says what will become of things; the harmless answer is the one chosen at first.

mod view;

pub(crate) use view::draw;
