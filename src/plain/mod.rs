//! Plain mode: the same app and `update`, told as labelled lines, one below the other.
//!
//! For who listens rather than looks, for terminals that can do nothing else, and for pipes. A typed line
//! becomes actions of the app ([`Plain::line`]), what changes becomes lines ([`Plain::batch`]); [`run::run`]
//! reads and prints. Nothing here decides: what may be approved, and when, is asked of
//! the same card as on the screen. Writes no escape code, moves no cursor, says nothing twice.

mod answers;
mod ask;
mod card;
mod help;
pub mod line;
mod over;
pub mod paper;
mod report;
pub mod run;
mod settle;
mod state;
mod stream;
mod told;
pub mod typed;
mod words;

#[cfg(test)]
mod tests;

pub use paper::{Paper, PaperState};
pub use run::{PlainOptions, Sides, run, signals};
pub use state::{Batch, Plain, Setup};
pub use typed::{Gate, Gated, Typed, TypedLine};
