//! One entry in full, for the inspector and `thymos ledger show`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thymos_core::trace::{Clause, Ruling};
use thymos_core::{EntryId, LogId};

use crate::event::Event;

/// One entry in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The entry, told.
    pub event: Event,
    /// The body as stored; none when erased.
    pub body: Option<Value>,
    /// The decision's trace; empty when the entry decides nothing.
    pub trace: Vec<TraceRow>,
    /// The writ chain it rests on, root first, one line each.
    pub writs: Vec<String>,
    /// Its place in the chain.
    pub chain: ChainFacts,
}

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRow {
    /// Which clause.
    pub clause: Clause,
    /// In two or three words.
    pub title: String,
    /// `bundle/rule`, when a rule spoke.
    pub rule: Option<String>,
    /// What it said.
    pub ruling: Ruling,
    /// Its sentence.
    pub said: String,
}

/// An entry's place in the chain, as recomputed from its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainFacts {
    /// The log.
    pub log: LogId,
    /// Position in the log.
    pub index: u64,
    /// Position in the trajectory.
    pub seq: u64,
    /// Its id: the hash of the header bytes.
    pub id: EntryId,
    /// The previous entry's id.
    pub prev: Option<EntryId>,
    /// Commitment to the body, hex.
    pub commitment: String,
    /// The writer's key.
    pub writer: String,
    /// The header bytes as stored.
    pub header: String,
}
