//! Policy: bundles of rules, evaluated to ordered rulings with a trace.
//!
//! A rule sees values and returns a ruling. Nothing here knows that a gate exists, reads a clock or
//! opens a file.
//!
//! ```
//! use thymos_policy::PolicySet;
//! let set = PolicySet::builtin();
//! assert_eq!(set.bundles().len(), 1);
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]

pub mod matching;

pub mod input;

mod doc;
pub mod example;
pub mod fault;
mod field;
mod when;

pub mod bundle;
pub mod signed;

pub mod own;
pub mod set;
pub mod shelf;
pub mod vocabulary;

pub use bundle::Bundle;
pub use example::ExampleRun;
pub use fault::{BundleFault, InvalidBundle};
pub use input::PolicyInput;
pub use set::{PolicyAnswer, PolicySet, Switches};
pub use shelf::{Placed, Shelf, Step, Vouch};
pub use signed::{BundleFile, SignedBundle};
