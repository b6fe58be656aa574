//! What a store needs to know to erase: which blobs a body mentions, what an `erased` entry names, and whose
//! orders whoever opened it carries out.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState, Erased};
use thymos_core::id::unhex;
use thymos_core::key::{Domain, PublicKey};
use thymos_core::{Digest, Entry, Kind, Timestamp};

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

/// Whose orders are carried out, and on what `[L3]`. Given by whoever opens a ledger: what stands in it was
/// written by anybody who can write to it, so an order alone moves nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// Keys whose orders count.
    pub operators: Vec<PublicKey>,
    /// How old an entry must be before it may go; 0 is no age.
    pub retention_ms: u64,
    /// The moment by which ages are taken.
    pub as_of: Timestamp,
}

impl Mandate {
    /// Whether one of the keys signed this order, and the entry that it names is old enough.
    #[must_use]
    pub fn allows(&self, order: &Erased, target: &Entry) -> bool {
        let message = Erased::message(&order.entry, order.seq, &order.reason);
        let made = target.header.at_ms;
        self.operators.contains(&order.by.key)
            && (self.retention_ms == 0 || made.plus_ms(self.retention_ms) <= self.as_of)
            && message.is_ok_and(|bytes| {
                let key = &order.by.key;
                key.verifies(Domain::Erasure, bytes.as_bytes(), &order.signature)
            })
    }
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
