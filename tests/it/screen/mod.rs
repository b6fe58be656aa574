//! Keys in, frames out: the app over a scripted kernel, seen through a terminal in memory.

mod desk;
mod governed;
mod kernel;
mod record;

mod approvals;
mod authority;
mod help;
mod ledger;
mod mention;
mod modes;
mod past;
mod plain;
mod properties;
mod reading;
mod runs;
mod signing;
mod skills;
mod transcript;
mod verbs;
mod welcome;
