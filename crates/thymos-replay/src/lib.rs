//! Reads the record again: folds entries into projections, verifies them, decides again.
//!
//! Takes entries, never a store, and depends on no model and no tool `[Y1]`: the app, the tests and an
//! auditor run the same code and must agree.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]

pub mod divergence;
pub mod projection;

mod difference;
mod family;
mod fold;
mod line;
mod past;

pub mod pins;
pub mod redecide;
pub mod simulate;
pub mod verify;

pub use difference::{Difference, difference};
pub use divergence::Divergence;
pub use family::{Kinship, Member, family};
pub use fold::fold;
pub use line::one_line;
pub use past::{Past, fold_made_within, fold_within};
pub use pins::PinCheck;
pub use projection::Projection;
pub use redecide::{Redecided, Redecider};
pub use simulate::{Candidate, SimulatedReport, SimulatedRow, Simulation, simulate};
pub use verify::{Level, Report, Row, Verifier};
