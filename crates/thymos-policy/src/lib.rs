//! Policy: bundles of rules, evaluated to ordered rulings with a trace.
//!
//! A rule sees values and returns a ruling. Nothing here knows that a gate exists, reads a clock or
//! opens a file.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]

/// The rules in force.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {}
