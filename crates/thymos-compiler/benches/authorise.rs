//! Placeholder while the gate is being built.
fn main() {}
