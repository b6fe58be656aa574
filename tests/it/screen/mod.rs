//! Keys in, frames out: the app over a scripted kernel, seen through a terminal in memory.

mod desk;
mod kernel;
mod record;

mod approvals;
mod help;
mod ledger;
mod modes;
mod properties;
mod reading;
mod transcript;
mod welcome;
