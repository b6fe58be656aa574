//! The single integration binary: each module a door, each test a sentence.
//!
//! Modules stand under `#[cfg(test)]`, so that clippy's allowances for tests reach their helpers.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod pty;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod screen;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod spec;
#[cfg(test)]
mod stranger;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod whole;
