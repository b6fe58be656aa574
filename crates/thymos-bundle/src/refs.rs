//! The blobs that a body refers to: outputs and file images, by the types that hold them and by
//! nothing that a model wrote.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState, Commit};
use thymos_core::delta::{FileImage, ResourceValue};
use thymos_core::id::Digest;
use thymos_core::{Entry, Kind};

/// Adds what the entry's body refers to, where it has one. Only commits keep content.
pub(crate) fn add(refs: &mut BTreeSet<Digest>, entry: &Entry) {
    if entry.kind() == Some(Kind::Commit)
        && let BodyState::Known(Body::Commit(commit)) = entry.decode()
    {
        of_commit(refs, &commit);
    }
}

fn of_commit(refs: &mut BTreeSet<Digest>, commit: &Commit) {
    let outcome = &commit.outcome;
    refs.extend(outcome.output.as_ref().map(|output| output.digest));
    let values = outcome
        .deltas
        .iter()
        .flat_map(|delta| [&delta.before, &delta.after]);
    refs.extend(values.flatten().filter_map(image).map(|image| image.digest));
}

fn image(value: &ResourceValue) -> Option<&FileImage> {
    match value {
        ResourceValue::File(image) => Some(image),
        ResourceValue::Json(_) => None,
    }
}
