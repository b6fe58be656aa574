//! The manifest: what a bundle says it is. Canonical JSON, its first member; the word of whoever wrote
//! the bundle, held against the rest and believed in nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};
use thymos_core::canonical::{self, InvalidJson};
use thymos_core::entry::EntryHeader;
use thymos_core::key::PublicKey;
use thymos_core::{Kind, LogId, TrajectoryId};

use crate::limits::{KEYS_MAX, WITHHELD_ENTRIES_MAX, WITHHELD_KINDS_MAX};

/// The version that this program writes and reads.
pub const VERSION: u32 = 1;

/// What every manifest calls itself.
const FORMAT: &str = "thymos bundle";

/// The first member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always the same words.
    pub format: String,
    /// [`VERSION`].
    pub v: u32,
    /// The log.
    pub log: LogId,
    /// Entries of the log under the checkpoint that the bundle stands on.
    pub size: u64,
    /// The one trajectory of an excerpt; none for the whole log.
    pub trajectory: Option<TrajectoryId>,
    /// Entries in the bundle.
    pub entries: u64,
    /// Checkpoints in it.
    pub checkpoints: u64,
    /// Blobs in it, sealed or not.
    pub blobs: u64,
    /// Blobs that its bodies refer to, and that are not in it: the ledger did not keep them.
    pub absent: u64,
    /// Bodies that were left out.
    pub withheld: Withheld,
    /// Keys that the writer trusts or once trusted. Nobody else need.
    pub keys: Vec<NamedKey>,
}

/// Which bodies were left out on purpose: single entries, and all of some kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// By position in the log, ascending.
    pub entries: Vec<u64>,
    /// By word, ascending.
    pub kinds: Vec<String>,
}

/// A public key with what its owner is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    /// What people call its owner.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

/// Why a member is no manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidManifest {
    /// It is not canonical JSON of one.
    Json(InvalidJson),
    /// It is of another version.
    Version(u64),
    /// It is one of something else.
    Format,
    /// Numbers or lists in it cannot be.
    Lists(&'static str),
}

impl Withheld {
    /// Whether the body of such an entry was left out.
    #[must_use]
    pub fn covers(&self, header: &EntryHeader) -> bool {
        self.entries.binary_search(&header.index).is_ok()
            || self.kinds.binary_search(&header.kind).is_ok()
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.kinds.is_empty()
    }
}

/// Read first, so that a later version is named as such whatever else it holds.
#[derive(Deserialize)]
struct Versioned {
    format: String,
    v: u64,
}

impl Manifest {
    /// One of this version.
    #[must_use]
    pub fn new(log: LogId, size: u64, trajectory: Option<TrajectoryId>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            v: VERSION,
            log,
            size,
            trajectory,
            entries: 0,
            checkpoints: 0,
            blobs: 0,
            absent: 0,
            withheld: Withheld::default(),
            keys: Vec::new(),
        }
    }

    /// Reads and checks what can be checked of it alone.
    ///
    /// # Errors
    /// [`InvalidManifest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidManifest> {
        use InvalidManifest as E;
        let first: Versioned = canonical::decode_lenient(bytes).map_err(E::Json)?;
        if first.format != FORMAT {
            return Err(E::Format);
        }
        if first.v != u64::from(VERSION) {
            return Err(E::Version(first.v));
        }
        let read: Self = canonical::decode(bytes).map_err(E::Json)?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), InvalidManifest> {
        let no = |what| Err(InvalidManifest::Lists(what));
        let Withheld { entries, kinds } = &self.withheld;
        if entries.len() > WITHHELD_ENTRIES_MAX || !entries.is_sorted_by(|a, b| a < b) {
            return no("a list of withheld entries that is too long or not in order");
        }
        if kinds.len() > WITHHELD_KINDS_MAX || !kinds.is_sorted_by(|a, b| a < b) {
            return no("a list of withheld kinds that is too long or not in order");
        }
        if kinds.iter().any(|kind| kind == Kind::Erased.word()) {
            return no("`erased` among the kinds that were withheld");
        }
        if self.keys.len() > KEYS_MAX {
            return no("too many keys");
        }
        match self.trajectory {
            _ if self.size == 0 || self.entries == 0 => no("no entry"),
            None if self.entries != self.size => no("the whole log with another number of entries"),
            Some(_) if self.entries > self.size => no("more entries than the log has"),
            None | Some(_) => Ok(()),
        }
    }
}

impl fmt::Display for InvalidManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(invalid) => write!(f, "its manifest is none: {invalid}"),
            Self::Version(v) => write!(
                f,
                "it is of format version {v}, and this program knows {VERSION}"
            ),
            Self::Format => write!(f, "its manifest does not say `{FORMAT}`"),
            Self::Lists(what) => write!(f, "its manifest names {what}"),
        }
    }
}

impl std::error::Error for InvalidManifest {}
