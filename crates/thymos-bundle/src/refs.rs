//! The blobs that a body refers to: outputs and file images, by the types that hold them and by
//! nothing that a model wrote.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState};
use thymos_core::id::Digest;
use thymos_core::{Entry, Kind};

/// Adds what the entry's body refers to, where it has one. What a call that broke off refers to is not
/// handed on.
pub(crate) fn add(refs: &mut BTreeSet<Digest>, entry: &Entry) {
    if let Some(commit) = commit(entry) {
        refs.extend(commit.contents());
    }
}

/// What of that the entry says to have been kept `[L4]`.
pub(crate) fn kept(entry: &Entry) -> BTreeSet<Digest> {
    commit(entry).map_or_else(BTreeSet::new, |commit| commit.kept_contents())
}

fn commit(entry: &Entry) -> Option<Body> {
    if entry.kind() != Some(Kind::Commit) {
        return None;
    }
    match entry.decode() {
        BodyState::Known(body) => Some(body),
        BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => None,
    }
}
