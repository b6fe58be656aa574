//! Model providers behind the `Cognition` port: one file a protocol over one streaming decoder.
//!
//! Has network and no authority: nothing here executes, decides or writes to the ledger; time,
//! chance, keys and the environment arrive as arguments.
#![forbid(unsafe_code)]

mod anthropic;
mod calls;
mod connect;
mod conversation;
mod endpoint;
mod fault;
mod http;
pub mod limits;
mod model;
mod openai;
mod practice;
pub mod presets;
pub mod prices;
mod probe;
mod retry;
mod scripted;
mod spec;
pub mod sse;
#[cfg(test)]
mod testing;
mod wire;

pub use connect::connect;
pub use endpoint::ConnectError;
pub use practice::PracticeModel;
pub use presets::{PRESETS, Preset, preset};
pub use prices::Prices;
pub use probe::{ProbeReport, probe};
pub use scripted::{ScriptError, ScriptedModel};
pub use spec::{AdapterKind, ModelSpec, RetryOptions, Services};
