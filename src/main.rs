//! Thin start of the `thymos` binary; holds no logic.
fn main() {}
