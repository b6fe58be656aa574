//! The gate: `compile` turns an intent into a verdict, `admit` a held call and its answers into one.
//!
//! A pure function of what it is given: no clock, file, network, randomness or environment. It is
//! the only maker of [`Warrant`], and it knows neither tools' bodies nor the ledger.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]

pub mod chain;
pub mod examples;
pub mod grounds;
pub mod possession;
pub mod sound;
pub mod standing;
pub mod toolset;
pub mod verdict;
pub mod version;
pub mod what_if;

mod case;
mod caveats;
mod clauses;
mod findings;
mod schema;

pub mod admit;
pub mod answers;
pub mod compile;
pub mod present;

pub use admit::admit;
pub use answers::{AnswerFault, agreed, check_answer};
pub use chain::CheckedChain;
pub use clauses::is_repeat;
pub use compile::compile;
pub use examples::check_examples;
pub use grounds::Grounds;
pub use possession::CheckedPossession;
pub use present::present;
pub use sound::{Flaw, flaws, unknown_names};
pub use standing::CheckedStanding;
pub use toolset::ToolSet;
pub use verdict::{Held, Refused, Verdict, Warrant};
pub use version::GateVersion;
pub use what_if::{Overlay, WhatIf, Word, covers, what_if};

/// Ends the sentence that keeps a call from being resolved because the same one has no end yet `[X2]`.
pub const IN_DOUBT: &str = "is in doubt; settle it first";

/// Stands before the tool's own sentence in the line of `[C12]` when it could not resolve a call, so
/// that replay finds that sentence again.
pub const UNRESOLVED: &str = "the tool could not resolve it: ";
