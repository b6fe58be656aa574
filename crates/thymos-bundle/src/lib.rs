//! Bundles: a log, or one trajectory of it, as a tar of plain files that proves itself `[L16]`.
//!
//! Writes one from a store and reads one as a store. Opens no file by name, judges no entry and trusts
//! nobody: what a bundle proves is for `thymos-replay` to say, as of any other store.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

pub mod limits;
pub mod manifest;

mod lines;
mod refs;
mod tar;

mod open;
mod pieces;
mod store;
mod write;

pub use manifest::{Manifest, NamedKey, Withheld};
pub use open::{Bundle, InvalidBundle, Source};
pub use write::{Export, Exported, NotExported, write};
