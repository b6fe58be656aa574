//! Fakes for every port, and builders for the nouns that tests need most. Never a normal dependency.
//!
//! Depends on no adapter, so that any crate's tests can use it. It reads no clock and draws no
//! randomness: everything is fixed or counted. Only `postgres` reaches the world, for a server.
#![forbid(unsafe_code)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fake or builder that cannot go on ends the test"
)]
#![expect(clippy::print_stderr, reason = "a test that skips says so aloud")]

pub mod clock;
pub mod failing;
pub mod fixtures;
pub mod model;
pub mod postgres;
pub mod road;
pub mod search;
pub mod secrets;
pub mod store;
pub mod tool;

pub use clock::{FixedClock, SeededEntropy, SteppingClock};
pub use failing::Failing;
pub use model::{ScriptedModel, Step};
pub use store::MemoryStore;
pub use tool::FakeTool;
