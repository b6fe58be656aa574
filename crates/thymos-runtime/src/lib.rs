//! The ring: sessions, the agent loop, the one road to the ledger, and the service behind the screen.
//!
//! Holds no adapter: no provider name, no SQL, no path is spelled here. One task owns each open
//! trajectory, one writer feeds the ledger.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod filter;
pub mod floors;
pub mod proof;
pub mod redact;
pub mod vault;

pub mod kernel;
pub mod modes;
pub mod skills;
pub mod snapshot;

mod account;
mod append;
mod checked;
mod context;
mod detail;
mod erase;
mod hands;
mod memory;
mod narrate;
mod past;
mod service;
mod session;
mod undo;
mod words;
mod writer;

pub use erase::{Opener, finish_erasing};
pub use hands::Hands;
pub use kernel::{Kernel, KernelParts, Leases, ModelSource, NoLeases};
pub use narrate::{Narrator, narrate};
pub use service::{Channels, serve};
