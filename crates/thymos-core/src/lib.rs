//! The nouns of thymos: ids, canonical form, writs, intents, proposals, verdicts, outcomes, entries.
//!
//! Values only. This crate reads no clock, opens no file, knows no database, model, tool body or
//! terminal; everything that decides, acts or stores is built on it and lives elsewhere.
//!
//! ```
//! use thymos_core::canonical;
//! let bytes = canonical::canonicalize(br#"{"b":1, "a":[2.0]}"#)?;
//! assert_eq!(bytes, br#"{"a":[2],"b":1}"#);
//! # Ok::<(), canonical::InvalidJson>(())
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]

pub mod limits;

mod text;

pub mod canonical;
pub mod id;
pub mod key;
pub mod merkle;
pub mod misfit;
pub mod sealed;
pub mod secret;
pub mod time;

pub mod checkpoint;

pub mod budget;
pub mod effect;
pub mod isolation;

pub mod caveat;
pub mod writ;

pub mod routing;
pub mod skill;

pub mod intent;
pub mod resolved;
pub mod tool;

pub mod facts;
pub mod proposal;
pub mod trace;
pub mod verdict;

pub mod approval;
pub mod presentation;

pub mod pins;

pub mod delta;
pub mod outcome;
pub mod world;

pub mod body;
mod contents;
pub mod entry;
pub mod receipt;

pub use canonical::CanonicalBytes;
pub use entry::{Entry, EntryHeader, Kind};
pub use id::{Digest, EntryId, IntentId, LogId, ProposalId, SkillId, TrajectoryId, WritId};
pub use time::Timestamp;
