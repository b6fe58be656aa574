//! What a store needs to know to erase: which blobs a body mentions, and what an `erased` entry names.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState, Erased};
use thymos_core::id::unhex;
use thymos_core::{Digest, Entry, Kind};

/// Digits of a digest.
const DIGITS: usize = 64;

/// Every digest that stands in a body, wherever it stands: words of exactly 64 hex digits. More than
/// the blobs it refers to, so that a blob is kept for as long as anything that is left mentions it.
#[must_use]
pub fn digests_in(body: &[u8]) -> BTreeSet<Digest> {
    body.split(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        .filter(|word| word.len() == DIGITS)
        .filter_map(|word| unhex(std::str::from_utf8(word).ok()?))
        .map(Digest::from_bytes)
        .collect()
}

/// The digests that may be of blobs which go with this entry's body: of every kind, since the last to
/// mention a blob need not be the call that kept it.
#[must_use]
pub fn blobs_of(entry: &Entry) -> BTreeSet<Digest> {
    entry.body().map(digests_in).unwrap_or_default()
}

/// What an `erased` entry orders; none for any other entry, and for one that cannot be read.
#[must_use]
pub fn order(entry: &Entry) -> Option<Erased> {
    if entry.kind() != Some(Kind::Erased) {
        return None;
    }
    match entry.decode() {
        BodyState::Known(Body::Erased(order)) => Some(order),
        _ => None,
    }
}

/// Whether this order is about this entry, and may be carried out.
#[must_use]
pub fn covers(ordered: &Entry, order: &Erased, target: &Entry) -> bool {
    let (by, of) = (&ordered.header, &target.header);
    of.trajectory == by.trajectory
        && of.seq == order.seq
        && of.seq < by.seq
        && target.id == order.entry
        && target.kind().is_some_and(Kind::may_be_erased)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l4_a_digest_is_found_wherever_it_stands_and_a_longer_word_is_none() {
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let body = format!(
            r#"{{"a":"{one}","text":"see ({two}), {one}0 and {}"}}"#,
            "z".repeat(64)
        );
        assert_eq!(digests_in(body.as_bytes()), BTreeSet::from([one, two]));
        assert_eq!(digests_in(b""), BTreeSet::new());
    }
}
