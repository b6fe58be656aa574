//! The rules of `docs/architecture.md` and `docs/style.md` that a machine can check.
//!
//! One test a rule; a failure lists every offence with its place. Rules about formatting, lints and
//! function sizes are left to rustfmt and clippy.

mod actions;
mod cargo;
mod clauses;
mod docs;
mod edges;
mod files;
mod packages;
mod rooms;
mod source;
mod tree;

/// Fails with every offence on a line of its own, under the rule that was broken.
#[track_caller]
fn report(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}\n  {}\n", offences.join("\n  "));
}
