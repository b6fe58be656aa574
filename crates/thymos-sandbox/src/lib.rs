//! The cage: starts a child process under the rung of isolation asked for, and watches what it did.
//!
//! Knows nothing of tools, policy or the ledger: limits and roots arrive as plain data, and what
//! came of the child goes back as plain data. A rung that cannot be applied is an error, never a
//! quiet step down. This is the only crate that may use `unsafe`. Linux only so far; elsewhere
//! there is no cage and the app must say so.
//!
//! One road: [`probe()`] once at start, then [`run()`] with a [`CageSpec`] for each child, with
//! [`observe::scan`] before and [`observe::rescan`] after where the effects must be known.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod observe;

mod capture;
mod child;
mod error;
mod filter;
mod launch;
mod limits;
mod plan;
mod probe;
mod report;
mod ruleset;
mod run;
mod spec;
mod sweep;
mod sys;
mod warden;

pub use error::{CageError, Step};
pub use probe::{CageProbe, probe};
pub use report::{CageReport, Captured, Cut, Exit, Stream};
pub use run::run;
pub use spec::{CageSpec, Limits, Network, ReadScope, system_read_roots};
pub use thymos_core::isolation::Rung;
