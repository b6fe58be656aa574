//! From a prompt to entries and events, over fakes and through the link alone.

pub(crate) mod rig;

mod acts;
mod answers;
mod beginnings;
mod branches;
mod checked;
mod clauses;
mod delegation;
pub(crate) mod doubt;
mod erasure;
pub(crate) mod files;
mod generations;
pub(crate) mod kinds;
mod looks;
mod loops;
mod memory;
mod messages;
mod outside;
mod pages;
pub(crate) mod place;
mod postconditions;
mod provenance;
mod repeats;
mod rest;
mod road;
mod rules;
mod scope;
mod secrets;
mod skills;
mod snapshots;
mod snapshots_of_runs;
mod storage;
mod sums;
mod tightening;
pub(crate) mod undo;
