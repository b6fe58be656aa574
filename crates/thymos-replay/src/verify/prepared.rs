//! The part of checking a row that rests on that row alone: its hashes, what its body says, and who signed
//! it. Any thread may do it, in any order.

use memchr::memmem;
use thymos_core::body::{Body, BodyState, Erased, WritRevoked};
use thymos_core::canonical::{self, CanonicalBytes};
use thymos_core::entry::{Commitment, Content, InvalidEntry};
use thymos_core::key::{Domain, Signature};
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::writ::Party;
use thymos_core::{Digest, Entry, EntryId, Kind};

use super::{Level, Row};
use crate::divergence::Divergence;

/// Prepares rows for a verifier of one level.
#[derive(Debug, Clone, Copy)]
pub struct Preparer {
    pub(super) level: Level,
    /// Of a log that was handed on, which holds what commits refer to and nothing else beside the entries.
    pub(super) handed_on: bool,
}

/// A row that was looked at by itself. Its bytes are not kept: they were hashed and read.
pub struct Prepared {
    pub(super) index: u64,
    pub(super) disagreements: Vec<String>,
    pub(super) tree: Option<Vec<(Node, TreeHash)>>,
    pub(super) read: Result<Read, InvalidEntry>,
    /// Contents of which its body says that they were kept `[L4]`.
    kept: Vec<Digest>,
    /// Those of them that somebody looked for and that are not there.
    pub(super) missing: Vec<Digest>,
}

impl Prepared {
    /// The position that the store found it at.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Contents of which it says that they were kept beside the entries `[L4]`. They are for the caller to
    /// look for, who has the store.
    #[must_use]
    pub fn kept(&self) -> &[Digest] {
        &self.kept
    }

    /// The same, of which some contents are not there.
    #[must_use]
    pub fn lacking(mut self, is_gone: impl Fn(&Digest) -> bool) -> Self {
        let gone = self.kept.iter().filter(|digest| is_gone(digest));
        self.missing = gone.copied().collect();
        self
    }
}

/// What a whole row says.
pub(super) struct Read {
    /// Without its bytes; where a body stands, an empty one does here.
    pub(super) entry: Entry,
    /// What its body says, where the level looks into it.
    pub(super) body: Option<BodyState>,
    /// What its bytes contradict.
    pub(super) id: Option<Divergence>,
    pub(super) other_body: bool,
    /// `[V4]` Whether the signature inside holds, where there is one.
    pub(super) signed: Option<bool>,
}

impl Preparer {
    /// Looks at a row by itself.
    #[must_use]
    pub fn prepare(self, row: &Row) -> Prepared {
        let read = match &row.entry {
            Ok(entry) => Ok(self.read(entry)),
            Err(invalid) => Err(invalid.clone()),
        };
        let body = read.as_ref().ok().and_then(|read| read.body.as_ref());
        Prepared {
            index: row.index,
            disagreements: row.disagreements.clone(),
            tree: row.tree.clone(),
            kept: body.map(|body| self.kept_by(body)).unwrap_or_default(),
            missing: Vec::new(),
            read,
        }
    }

    fn kept_by(self, body: &BodyState) -> Vec<Digest> {
        match body {
            BodyState::Known(Body::Failure(_)) if self.handed_on => Vec::new(),
            BodyState::Known(body) => body.kept_contents().into_iter().collect(),
            BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => Vec::new(),
        }
    }

    fn read(self, entry: &Entry) -> Read {
        let own = EntryId::of(&entry.header_bytes);
        let id =
            (own != entry.id).then(|| Divergence::new("id", own.to_string(), entry.id.to_string()));
        let other_body = entry.content.as_ref().is_some_and(|content| {
            Commitment::of(&content.salt, &content.body) != entry.header.body
        });
        // Read once, for all levels that look into it; the first needs bytes alone, but for what was
        // erased, and for what was kept beside them.
        let looks = self.level >= Level::V2 || is_read_for_bytes(entry);
        let body = looks.then(|| entry.decode());
        let signed = match &body {
            Some(BodyState::Known(body)) if self.level >= Level::V4 => signature_of(body),
            Some(
                BodyState::Known(_)
                | BodyState::Erased
                | BodyState::UnknownKind(_)
                | BodyState::Invalid(_),
            )
            | None => None,
        };
        Read {
            entry: without_bytes(entry),
            body,
            id,
            other_body,
            signed,
        }
    }
}

/// Whether the first level has to know what a body says: an erasure, or an end that says what was kept of its
/// contents, which is told by the name of that field. Inside of a text its quotes would have a backslash.
fn is_read_for_bytes(entry: &Entry) -> bool {
    match entry.kind() {
        Some(Kind::Erased) => true,
        Some(Kind::Commit | Kind::Failure) => entry
            .content
            .as_ref()
            .is_some_and(|content| memmem::find(&content.body, UNKEPT).is_some()),
        _ => false,
    }
}

/// The field of [`Body::kept_contents`], in canonical form.
const UNKEPT: &[u8] = b"\"unkept\":";

/// Many wait between one thread and the next, and bytes are most of each.
fn without_bytes(entry: &Entry) -> Entry {
    Entry {
        id: entry.id,
        header: entry.header.clone(),
        header_bytes: Vec::new(),
        content: entry.content.as_ref().map(|content| Content {
            salt: content.salt,
            body: Vec::new(),
        }),
    }
}

/// Whether the signature inside a body holds; none where there is none to check.
fn signature_of(body: &Body) -> Option<bool> {
    if let Body::WritIssued(issued) = body {
        return Some(issued.writ.signature_holds());
    }
    if let Body::Approval(approval) = body {
        return Some(approval.signed.signature_holds());
    }
    if let Body::SkillBound(bound) = body {
        let own = bound.signed.as_ref()?;
        let message = canonical::value_to_bytes(&bound.definition).ok();
        return Some(message.is_some_and(|bytes| {
            own.signer
                .verifies(Domain::Skill, bytes.as_bytes(), &own.signature)
        }));
    }
    if let Body::WritRevoked(cut) = body {
        let message = WritRevoked::message(&cut.writ, &cut.reason, cut.used.as_ref()).ok();
        return Some(signed(&cut.by, Domain::Revocation, message, &cut.signature));
    }
    if let Body::Erased(order) = body {
        let message = Erased::message(&order.entry, order.seq, &order.reason).ok();
        return Some(signed(
            &order.by,
            Domain::Erasure,
            message,
            &order.signature,
        ));
    }
    if let Body::Reconciled(end) = body {
        let message = (end.proposal, end.started, end.resolution, &end.reason);
        let message = canonical::encode(&message).ok();
        return Some(signed(
            &end.by,
            Domain::Reconciliation,
            message,
            &end.signature,
        ));
    }
    None
}

fn signed(
    by: &Party,
    domain: Domain,
    message: Option<CanonicalBytes>,
    signature: &Signature,
) -> bool {
    message.is_some_and(|bytes| by.key.verifies(domain, bytes.as_bytes(), signature))
}
