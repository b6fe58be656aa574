//! The gate: `compile` turns an intent into a verdict, `admit` a held call and its answers into one.
//!
//! A pure function of what it is given: no clock, file, network, randomness or environment. It is
//! the only maker of [`Warrant`], and it knows neither tools' bodies nor the ledger.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]

pub mod chain;
pub mod grounds;
pub mod toolset;
pub mod verdict;

pub use chain::CheckedChain;
pub use grounds::Grounds;
pub use toolset::ToolSet;
pub use verdict::{Held, Refused, Verdict, Warrant};

/// Written into every proposal, so that a later version knows which rules decided [Y2].
pub const COMPILER: &str = "thymos-compiler 1";
