//! Keys in, frames out: the app over a scripted kernel, seen through a terminal in memory.

mod desk;
mod export;
mod governed;
mod kernel;
mod record;

mod approvals;
mod authority;
mod help;
mod ledger;
mod mention;
mod mind;
mod modes;
mod past;
pub(crate) mod plain;
mod properties;
mod reading;
mod runs;
mod signing;
mod skills;
mod transcript;
mod verbs;
mod welcome;
