//! Deltas: typed changes to the world with their preconditions `[O1]`. Applied by `world`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::id::Digest;

/// What a delta changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A key of the trajectory's store.
    Kv(String),
    /// A remembered note.
    Memory(String),
    /// A file, workspace-relative with `/` separators.
    File(String),
}

impl Resource {
    /// `file:src/lib.rs`, as stored and shown.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Kv(key) => format!("kv:{key}"),
            Self::Memory(key) => format!("memory:{key}"),
            Self::File(path) => format!("file:{path}"),
        }
    }

    /// Reads what [`Self::text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "kv" => Some(Self::Kv(rest.to_owned())),
            "memory" => Some(Self::Memory(rest.to_owned())),
            "file" => Some(Self::File(rest.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("unknown kind of resource"))
    }
}

/// A file's content and mode at one moment; the bytes are in the blob of that digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileImage {
    /// Digest of the content.
    pub digest: Digest,
    /// Unix permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
}

/// What a resource holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceValue {
    /// A JSON value, for `kv` and `memory`.
    Json(Value),
    /// A file image, for `file`.
    File(FileImage),
}

/// What must hold before a delta applies. Versions count from 1 and rise by one a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Nothing.
    Anything,
    /// It is not there.
    Absent,
    /// It is there.
    Present,
    /// It is there in this version.
    Exactly(u64),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// What it holds after; none retracts it.
    pub after: Option<ResourceValue>,
    /// What it held before, when known: the pre-image that undo needs `[O2]`.
    pub before: Option<ResourceValue>,
    /// What must hold before.
    pub expect: Expect,
    /// What changes.
    pub resource: Resource,
}
