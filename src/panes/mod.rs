//! The panes, a folder each: what a pane holds, and how it is drawn.
//!
//! A pane's state knows no terminal; its view changes nothing. What keys do to it is in
//! `app/update/`.

pub mod authority;
pub mod card;
pub mod composer;
pub mod conversation;
pub(crate) mod dialog;
pub(crate) mod footer;
pub(crate) mod header;
pub mod inspector;
pub mod ledger;
pub mod mention;
pub mod mind;
pub mod picker;
pub mod prompt;
pub mod question;
pub mod queue;
pub mod reader;
pub mod runs;
pub mod sign;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod strip;
pub(crate) mod welcome;
