//! The simulator `[T13]`: one seed draws a whole story and everything in it.
//!
//! Model, tools, clock, disk, approvers, restarts, ends in the middle of an act and a second kernel are
//! drawn; time and order come from a runtime of one thread whose clock stands until everybody waits. So
//! a seed tells the same ledger again, byte for byte; in one story of three it is a file, which each process opens
//! for itself. What must hold is checked over the record, by
//! rules that share no code with the kernel. `cargo xtask sim --seed N` tells one story step by step.

mod actions;
pub(crate) mod approver;
mod census;
mod disk;
pub(crate) mod draw;
mod forged;
mod ground;
mod model;
mod policy;
mod process;
pub(crate) mod rules;
mod shared;
mod story;
pub(crate) mod told;
pub(crate) mod tools;

mod tests;
