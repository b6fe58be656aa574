//! The ledger on SQLite, one file with one writer a process, many readers and a bell; and the same
//! ledger on a PostgreSQL server, for more than one machine.
//!
//! Keeps bytes and finds them again. It decides nothing, reads no clock and draws no randomness;
//! what a row proves is for `thymos-replay` to say.
//!
//! ```
//! use thymos_ledger::{Genesis, SqliteLedger};
//! use thymos_ports::LedgerStore;
//!
//! let ledger = SqliteLedger::in_memory(Genesis { random: [7; 32] })?;
//! assert!(ledger.is_empty()?);
//! # Ok::<(), thymos_ports::store::StoreError>(())
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

mod schema;
mod shape;

mod ledger;
mod open;
mod unfinished;

mod append;
mod blob;
mod erase;
mod read;
mod row;
mod tree;

mod bell;
mod check;
mod fault;

mod postgres;

pub use ledger::{Genesis, Options, SqliteLedger};
pub use postgres::{Lease, PostgresLedger, Server, TlsMode};
