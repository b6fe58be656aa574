//! The crash matrix `[T2]`: a process is killed at each point where it meets the world, and nothing
//! that it acknowledged is lost, nothing happens twice, and what nobody knows of is listed.
//!
//! The process is this test binary again: a whole kernel on a ledger file, with a scripted model and
//! tools whose effects are lines of a file that outlives it. Everything that a kernel asks of the world
//! goes through seams that count; at the number it was given the process kills itself, or is cut in the
//! middle of a write by the system. So each kill is exact, and a shot can be fired again:
//! `cargo xtask crash --shot SHOT`.

mod child;
mod faults;
mod forged;
mod judge;
mod matrix;
mod mishaps;
mod people;
mod plan;
mod points;
mod power;
mod process;
mod seams;
mod served;
mod server;
mod tools;
