//! The blobs that a body refers to: outputs and file images, by the types that hold them and by
//! nothing that a model wrote.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState};
use thymos_core::id::Digest;
use thymos_core::{Entry, Kind};

/// Adds what the entry's body refers to, where it has one. Of a call that broke off that is what it says to
/// have been kept, which whoever reads it looks for `[L4]`; what else it refers to is not handed on.
pub(crate) fn add(refs: &mut BTreeSet<Digest>, entry: &Entry) {
    match ended(entry) {
        Some(body) if entry.kind() == Some(Kind::Commit) => refs.extend(body.contents()),
        Some(body) => refs.extend(body.kept_contents()),
        None => {}
    }
}

/// What of that the entry says to have been kept `[L4]`.
pub(crate) fn kept(entry: &Entry) -> BTreeSet<Digest> {
    ended(entry).map_or_else(BTreeSet::new, |body| body.kept_contents())
}

/// The body of the end of a call.
fn ended(entry: &Entry) -> Option<Body> {
    if !matches!(entry.kind(), Some(Kind::Commit | Kind::Failure)) {
        return None;
    }
    match entry.decode() {
        BodyState::Known(body) => Some(body),
        BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => None,
    }
}
