//! Real children at every rung that this machine offers, trying to get out.
//!
//! Where the machine lacks a rung the test says `skipped: ..` and passes. One test runs all of
//! this again as an ordinary user, if it can become one.
#![expect(unsafe_code, reason = "the attempts to escape are raw system calls")]

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod support;
#[cfg(test)]
mod watched;
