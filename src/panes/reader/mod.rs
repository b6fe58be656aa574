//! Text to read over the screen: the help, a trace, a file, what verification found.
//!
//! Scrolls and wraps; decides nothing, and closing it changes nothing.

pub(crate) mod help;
pub(crate) mod view;

mod state;
mod text;

pub use state::{Reader, Said, Topic};
pub(crate) use text::Rows;
pub use text::Text;
pub(crate) use view::{draw, prepare};
