//! The entry envelope: header, salted body commitment, id `[L1]`-`[L3]`. Stores nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, CanonicalBytes, InvalidJson};
use crate::id::{EntryId, LogId, TrajectoryId, hex, unhex};
use crate::key::PublicKey;
use crate::limits::ENTRY_BYTES_MAX;
use crate::text::Hex;
use crate::time::Timestamp;

/// The kinds of entry `[L5]`. Adding one is additive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// First entry of a trajectory.
    Root,
    /// Something was said.
    Message,
    /// A model was used.
    Usage,
    /// Something is wanted.
    Intent,
    /// The gate, or an admission, said no.
    Rejection,
    /// The gate wants a person.
    PendingApproval,
    /// A person, or a timer, answered.
    Approval,
    /// A hold was replaced by another intent.
    Superseded,
    /// Permission was spent; the effect may follow.
    Started,
    /// The effect ended and is sealed.
    Commit,
    /// The effect broke off and is sealed.
    Failure,
    /// In-doubt work was settled.
    Reconciled,
    /// A child trajectory was opened.
    Delegation,
    /// A child trajectory ended.
    DelegationResult,
    /// This trajectory continues another from one of its commits.
    Branch,
    /// A skill was bound.
    SkillBound,
    /// A writ was issued.
    WritIssued,
    /// A writ was revoked.
    WritRevoked,
    /// A policy bundle came into force.
    PolicyLoaded,
    /// A policy bundle went out of force.
    PolicyUnloaded,
    /// The authority mode changed.
    ModeChanged,
    /// The tool set of the session was pinned.
    ToolsPinned,
    /// An entry's body was destroyed on request.
    Erased,
    /// A run on this trajectory ended.
    Closed,
}

impl Kind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 24] = [
        Self::Root,
        Self::Message,
        Self::Usage,
        Self::Intent,
        Self::Rejection,
        Self::PendingApproval,
        Self::Approval,
        Self::Superseded,
        Self::Started,
        Self::Commit,
        Self::Failure,
        Self::Reconciled,
        Self::Delegation,
        Self::DelegationResult,
        Self::Branch,
        Self::SkillBound,
        Self::WritIssued,
        Self::WritRevoked,
        Self::PolicyLoaded,
        Self::PolicyUnloaded,
        Self::ModeChanged,
        Self::ToolsPinned,
        Self::Erased,
        Self::Closed,
    ];

    /// The word stored in the header and typed in filters.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Message => "message",
            Self::Usage => "usage",
            Self::Intent => "intent",
            Self::Rejection => "rejection",
            Self::PendingApproval => "pending_approval",
            Self::Approval => "approval",
            Self::Superseded => "superseded",
            Self::Started => "started",
            Self::Commit => "commit",
            Self::Failure => "failure",
            Self::Reconciled => "reconciled",
            Self::Delegation => "delegation",
            Self::DelegationResult => "delegation_result",
            Self::Branch => "branch",
            Self::SkillBound => "skill_bound",
            Self::WritIssued => "writ_issued",
            Self::WritRevoked => "writ_revoked",
            Self::PolicyLoaded => "policy_loaded",
            Self::PolicyUnloaded => "policy_unloaded",
            Self::ModeChanged => "mode_changed",
            Self::ToolsPinned => "tools_pinned",
            Self::Erased => "erased",
            Self::Closed => "closed",
        }
    }

    /// Whether the body of such an entry may be destroyed `[L3]`: what was said, wanted, shown and
    /// done may go; who had authority, what it cost and what was decided about it may not. The
    /// reasons stand in docs/spec/ledger.md, kind by kind.
    #[must_use]
    pub const fn may_be_erased(self) -> bool {
        match self {
            Self::Message
            | Self::Intent
            | Self::Rejection
            | Self::PendingApproval
            | Self::Started
            | Self::Commit
            | Self::Failure
            | Self::Delegation
            | Self::DelegationResult => true,
            Self::Root
            | Self::Usage
            | Self::Approval
            | Self::Superseded
            | Self::Reconciled
            | Self::Branch
            | Self::SkillBound
            | Self::WritIssued
            | Self::WritRevoked
            | Self::PolicyLoaded
            | Self::PolicyUnloaded
            | Self::ModeChanged
            | Self::ToolsPinned
            | Self::Erased
            | Self::Closed => false,
        }
    }

    /// The kind of a word; none for a word of a newer version.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// 32 random bytes that hide a body behind its commitment, and are destroyed with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Takes bytes drawn at random.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored beside the body.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// A keyed commitment to body bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// BLAKE3 of the body, keyed with the salt.
    #[must_use]
    pub fn of(salt: &Salt, body: &[u8]) -> Self {
        Self(*blake3::keyed_hash(&salt.0, body).as_bytes())
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({})", hex(&self.0))
    }
}

impl Serialize for Commitment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Hex::of(&self.0).as_str())
    }
}

impl<'de> Deserialize<'de> for Commitment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        unhex(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not 64 hex digits"))
    }
}

/// What the id covers: everything but the body, which it commits to `[L1]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryHeader {
    /// When it was appended.
    pub at_ms: Timestamp,
    /// Commitment to the body.
    pub body: Commitment,
    /// Position in the log, contiguous from 0 `[L2]`.
    pub index: u64,
    /// A [`Kind`] word; kept as text so that a newer kind still verifies and is told `[L5]`.
    pub kind: String,
    /// The log.
    pub log: LogId,
    /// The trajectory's previous entry; none at seq 0.
    pub prev: Option<EntryId>,
    /// Position in the trajectory, contiguous from 0 `[L2]`.
    pub seq: u64,
    /// The line of work.
    pub trajectory: TrajectoryId,
    /// Format version, 1.
    pub v: u32,
    /// The key of the writing process.
    pub writer: PublicKey,
}

/// Where an entry goes. Assigned by the store inside its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The log.
    pub log: LogId,
    /// Next index of the log.
    pub index: u64,
    /// Next sequence number of the trajectory.
    pub seq: u64,
    /// The trajectory's head.
    pub prev: Option<EntryId>,
}

/// An entry before the store has given it a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The line of work.
    pub trajectory: TrajectoryId,
    /// Its kind.
    pub kind: Kind,
    /// When.
    pub at: Timestamp,
    /// The key of the writing process.
    pub writer: PublicKey,
    /// Random bytes for the commitment.
    pub salt: Salt,
    /// The canonical body.
    pub body: CanonicalBytes,
}

/// An entry as stored: header bytes, and body with salt unless they were erased `[L3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Hash of `header_bytes`.
    pub id: EntryId,
    /// The header, read from `header_bytes`.
    pub header: EntryHeader,
    /// The bytes that were hashed.
    pub header_bytes: Vec<u8>,
    /// Salt and body bytes; none reads "erased".
    pub content: Option<Content>,
}

/// What erasure destroys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The commitment's salt.
    pub salt: Salt,
    /// Canonical body bytes.
    pub body: Vec<u8>,
}

/// Why stored bytes are not the entry they claim to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidEntry {
    /// The header is not canonical JSON of a header.
    Header(InvalidJson),
    /// The header is of a version this program does not know.
    Version(u32),
    /// Body and salt do not match the commitment in the header.
    Body,
    /// The body is larger than [`ENTRY_BYTES_MAX`].
    TooLarge(usize),
}

impl fmt::Display for InvalidEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(e) => write!(f, "header {e}"),
            Self::Version(v) => write!(f, "header of unknown version {v}"),
            Self::Body => f.write_str("body does not match its commitment"),
            Self::TooLarge(n) => write!(f, "body of {n} bytes is larger than {ENTRY_BYTES_MAX}"),
        }
    }
}

impl std::error::Error for InvalidEntry {}

impl Draft {
    /// Gives the draft its position and id.
    ///
    /// # Errors
    /// [`InvalidEntry::TooLarge`], or [`InvalidEntry::Header`] when a number cannot be kept exactly.
    pub fn place(self, position: &Position) -> Result<Entry, InvalidEntry> {
        let size = self.body.as_bytes().len();
        if size > ENTRY_BYTES_MAX {
            return Err(InvalidEntry::TooLarge(size));
        }
        let header = EntryHeader {
            v: 1,
            log: position.log,
            index: position.index,
            trajectory: self.trajectory,
            seq: position.seq,
            prev: position.prev,
            kind: self.kind.word().to_owned(),
            at_ms: self.at,
            writer: self.writer,
            body: Commitment::of(&self.salt, self.body.as_bytes()),
        };
        let bytes = canonical::encode(&header).map_err(InvalidEntry::Header)?;
        Ok(Entry {
            id: EntryId::of(bytes.as_bytes()),
            header,
            header_bytes: bytes.into_vec(),
            content: Some(Content {
                salt: self.salt,
                body: self.body.into_vec(),
            }),
        })
    }
}

impl Entry {
    /// Reads stored bytes: the id is computed, the header decoded, the commitment checked.
    ///
    /// # Errors
    /// [`InvalidEntry`] names what does not fit.
    pub fn read(header_bytes: Vec<u8>, content: Option<Content>) -> Result<Self, InvalidEntry> {
        let header: EntryHeader = canonical::decode(&header_bytes).map_err(InvalidEntry::Header)?;
        if header.v != 1 {
            return Err(InvalidEntry::Version(header.v));
        }
        if let Some(content) = &content
            && Commitment::of(&content.salt, &content.body) != header.body
        {
            return Err(InvalidEntry::Body);
        }
        Ok(Self {
            id: EntryId::of(&header_bytes),
            header,
            header_bytes,
            content,
        })
    }

    /// Its kind; none when a newer version wrote it.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::parse(&self.header.kind)
    }

    /// The stored body bytes; none when erased.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.content.as_ref().map(|content| content.body.as_slice())
    }
}
