//! Drawing primitives: text made safe, wrapped, told as markdown or diff, and put on cells.
//!
//! Pure and infallible: text and [`crate::theme::Theme`] in, lines and cells out. Knows no
//! pane and no kernel.

pub mod badge;
pub mod chrome;
pub mod diff;
pub mod draw;
pub mod exact;
pub mod gauge;
pub mod key_hint;
pub mod layout;
pub mod markdown;
mod punycode;
pub mod row;
pub mod safe_text;
pub mod scroll;
pub mod share;
pub mod vlist;
pub mod width;
pub mod wrap;

pub use safe_text::SafeText;
