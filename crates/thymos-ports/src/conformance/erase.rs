//! Part of the suite of [`LedgerStore`]: destroying what `erased` entries name, and nothing else `[L3]`.

use serde_json::json;
use thymos_core::body::{Body, Erased};
use thymos_core::canonical::value_to_bytes;
use thymos_core::entry::{Draft, Salt};
use thymos_core::id::Digest;
use thymos_core::key::{Domain, SigningKey};
use thymos_core::sealed::{Envelope, NONCE_BYTES};
use thymos_core::writ::Party;
use thymos_core::{Entry, EntryId, Kind, Timestamp, TrajectoryId};

use super::ledger::{must, sample_draft, scanned};
use crate::erase::Mandate;
use crate::store::{Batch, Destroyed, LedgerStore, Piece};

fn line(number: u8) -> TrajectoryId {
    TrajectoryId::of(&[b'e', number])
}

/// An order to erase an entry, by an operator of this suite; for the tests of adapters too.
#[must_use]
pub fn sample_order(on: TrajectoryId, entry: EntryId, seq: u64) -> Draft {
    order_by(&SigningKey::from_seed(&[9; 32]), on, entry, seq)
}

/// The same, by whoever has this key.
#[must_use]
pub fn order_by(key: &SigningKey, on: TrajectoryId, entry: EntryId, seq: u64) -> Draft {
    let message = must(Erased::message(&entry, seq, "asked for"));
    let body = Body::Erased(Erased {
        entry,
        seq,
        reason: "asked for".to_owned(),
        by: Party {
            name: "ann".to_owned(),
            key: key.public(),
        },
        signature: key.sign(Domain::Erasure, message.as_bytes()),
    });
    Draft {
        trajectory: on,
        kind: Kind::Erased,
        at: Timestamp(1_800_000_000_000),
        writer: key.public(),
        salt: Salt::from_bytes([5; 32]),
        body: must(body.encode()),
    }
}

/// The mandate of that operator, whatever the age.
#[must_use]
pub fn sample_mandate() -> Mandate {
    Mandate {
        operators: vec![SigningKey::from_seed(&[9; 32]).public()],
        retention_ms: 0,
        as_of: Timestamp(1_800_000_000_000),
    }
}

/// Appends drafts behind what the trajectory has.
fn add(store: &dyn LedgerStore, on: TrajectoryId, drafts: Vec<Draft>) -> Vec<Entry> {
    let length = must(store.page(&on, 0, 10_000)).len() as u64;
    let batch = Batch {
        trajectory: on,
        at_seq: length,
        drafts,
    };
    let placed = must(store.append(vec![batch])).into_iter();
    placed.flat_map(must).collect()
}

fn saying(on: TrajectoryId, kind: Kind, number: u64, text: &str) -> Draft {
    Draft {
        body: must(value_to_bytes(&json!({ "number": number, "text": text }))),
        ..sample_draft(on, kind, number)
    }
}

fn destroyed(bodies: u64, blobs: u64) -> Destroyed {
    Destroyed {
        bodies,
        blobs,
        left_over: false,
    }
}

/// Salt and body go, the header stays as it was, and so does every root; a second call has nothing to do.
pub(super) fn what_is_ordered_goes_and_nothing_else(store: &dyn LedgerStore) {
    let drafts = (0..20).map(|n| sample_draft(line(1), Kind::Message, n));
    let entries = add(store, line(1), drafts.collect());
    add(
        store,
        line(2),
        vec![sample_draft(line(2), Kind::Message, 3)],
    );
    assert_eq!(
        must(store.destroy_erased(&sample_mandate())),
        Destroyed::default()
    );
    let gone = [3_usize, 7, 19];
    let orders = gone.iter().filter_map(|at| entries.get(*at));
    let orders = orders.map(|entry| sample_order(line(1), entry.id, entry.header.seq));
    add(store, line(1), orders.collect());
    let before = scanned(store);
    let root = must(store.root(before.len() as u64));
    assert_eq!(
        must(store.destroy_erased(&sample_mandate())),
        destroyed(3, 0)
    );
    assert_eq!(
        must(store.destroy_erased(&sample_mandate())),
        Destroyed::default(),
        "again"
    );
    let after = scanned(store);
    for (at, (before, after)) in before.iter().zip(&after).enumerate() {
        let content = before.content.clone().filter(|_| !gone.contains(&at));
        let due = Entry {
            content,
            ..before.clone()
        };
        assert_eq!(after, &due, "at index {at}");
    }
    assert_eq!(must(store.root(after.len() as u64)), root);
    let page = must(store.page(&line(1), 0, 100));
    let bare = page.iter().filter(|entry| entry.content.is_none()).count();
    assert_eq!(bare, 3);
    assert_eq!(must(store.check_engine()), Vec::<String>::new());
    // The log goes on as ever.
    add(
        store,
        line(1),
        vec![sample_draft(line(1), Kind::Message, 40)],
    );
}

/// An order is nothing but words where it names another id, another trajectory, what comes after it,
/// nothing at all, or what may not go.
pub(super) fn no_order_reaches_what_it_may_not(store: &dyn LedgerStore) {
    let own = add(
        store,
        line(1),
        vec![
            sample_draft(line(1), Kind::Message, 0),
            sample_draft(line(1), Kind::WritRevoked, 1),
            sample_draft(line(1), Kind::Message, 2),
        ],
    );
    let other = add(
        store,
        line(2),
        vec![sample_draft(line(2), Kind::Message, 0)],
    );
    let id = |entries: &[Entry], at: usize| {
        let entry = entries.get(at).map(|entry| entry.id);
        entry.unwrap_or(EntryId::of(b"none"))
    };
    let orders = [
        (EntryId::of(b"another"), 0),
        (id(&own, 0), 2),
        (id(&own, 1), 1),
        (id(&other, 0), 0),
        (id(&own, 0), 99),
        (id(&own, 0), 3),
    ];
    let before = scanned(store);
    for (entry, seq) in orders {
        add(store, line(1), vec![sample_order(line(1), entry, seq)]);
        assert_eq!(
            must(store.destroy_erased(&sample_mandate())).bodies,
            0,
            "{seq}"
        );
    }
    assert_eq!(scanned(store).get(..before.len()), Some(&before[..]));
    // One that is about to come cannot be named before it is there.
    let next = before.len() as u64 + orders.len() as u64;
    add(
        store,
        line(1),
        vec![sample_order(line(1), id(&own, 0), next)],
    );
    add(
        store,
        line(1),
        vec![sample_draft(line(1), Kind::Message, 9)],
    );
    assert_eq!(must(store.destroy_erased(&sample_mandate())).bodies, 0);
}

/// Nobody's order is carried out whom the mandate does not name, nor one that somebody else signed in their
/// name, nor on what is too young; it stays open for whoever has the right.
pub(super) fn an_order_goes_as_far_as_the_mandate(store: &dyn LedgerStore) {
    let drafts = (0..2).map(|n| sample_draft(line(1), Kind::Message, n));
    let entries = add(store, line(1), drafts.collect());
    let orders = entries.iter().zip(0..);
    let orders = orders.map(|(entry, seq)| sample_order(line(1), entry.id, seq));
    let mut orders: Vec<Draft> = orders.collect();
    let forged = orders.get_mut(1).map(|draft| {
        let text = String::from_utf8_lossy(draft.body.as_bytes()).replace("asked for", "Asked for");
        must(serde_json::from_str::<serde_json::Value>(&text))
    });
    if let (Some(forged), Some(draft)) = (forged, orders.get_mut(1)) {
        draft.body = must(value_to_bytes(&forged));
    }
    add(store, line(1), orders);
    let made = entries
        .first()
        .map_or(Timestamp(0), |entry| entry.header.at_ms);
    let may = sample_mandate();
    let another = Mandate {
        operators: vec![SigningKey::from_seed(&[8; 32]).public()],
        ..may.clone()
    };
    let too_young = Mandate {
        retention_ms: 1_000,
        as_of: made.plus_ms(999),
        ..may.clone()
    };
    let before = scanned(store);
    for mandate in [&another, &too_young] {
        assert_eq!(must(store.destroy_erased(mandate)), Destroyed::default());
        assert_eq!(scanned(store), before);
    }
    let old_enough = Mandate {
        as_of: made.plus_ms(1_000),
        ..too_young
    };
    assert_eq!(must(store.destroy_erased(&old_enough)), destroyed(1, 0));
    assert_eq!(must(store.destroy_erased(&may)), Destroyed::default());
    let stand = scanned(store)
        .into_iter()
        .map(|entry| entry.content.is_some());
    assert_eq!(stand.take(2).collect::<Vec<_>>(), [false, true]);
    assert!(must(store.may_erase()));
}

/// A blob that another body mentions stays; so does one that nobody mentioned.
pub(super) fn a_blob_goes_with_the_last_body_that_mentions_it(store: &dyn LedgerStore) {
    let sealed = |plain: &[u8]| {
        let envelope = Envelope {
            digest: Digest::of(plain),
            nonce: [1; NONCE_BYTES],
            ciphertext: vec![2; 40],
        };
        must(store.put_sealed_blob(&envelope.to_bytes()))
    };
    let [own, shared, alone] =
        [&b"own"[..], b"shared", b"alone"].map(|bytes| must(store.put_blob(bytes)));
    let secret = sealed(b"secret");
    let text = format!("{own} {shared} {secret}");
    let entries = add(
        store,
        line(1),
        vec![
            saying(line(1), Kind::Commit, 0, &text),
            saying(line(1), Kind::Message, 1, &format!("see {shared}")),
        ],
    );
    let order = |at: usize| {
        let entry = entries.get(at).map(|entry| entry.id);
        let entry = entry.unwrap_or(EntryId::of(b"none"));
        vec![sample_order(line(1), entry, at as u64)]
    };
    add(store, line(1), order(0));
    assert_eq!(
        must(store.destroy_erased(&sample_mandate())),
        destroyed(1, 2)
    );
    assert_eq!(must(store.blob(&own)), None);
    assert_eq!(must(store.sealed_blob(&secret)), None);
    assert_eq!(must(store.blob(&shared)).as_deref(), Some(&b"shared"[..]));
    add(store, line(1), order(1));
    assert_eq!(
        must(store.destroy_erased(&sample_mandate())),
        destroyed(1, 1)
    );
    assert_eq!(must(store.blob(&shared)), None);
    assert_eq!(must(store.blob(&alone)).as_deref(), Some(&b"alone"[..]));
    assert_eq!(must(store.put_blob(b"own")), own, "it may come again");
    assert_eq!(must(store.check_engine()), Vec::<String>::new());
}

/// What is taken over once more brings back neither a body that was erased nor what went with it.
pub(super) fn nothing_that_was_erased_is_taken_over_again(store: &dyn LedgerStore) {
    let envelope = Envelope {
        digest: Digest::of(b"secret"),
        nonce: [1; NONCE_BYTES],
        ciphertext: vec![2; 40],
    };
    let [own, shared] = [&b"own"[..], b"shared"].map(|bytes| must(store.put_blob(bytes)));
    let secret = must(store.put_sealed_blob(&envelope.to_bytes()));
    let text = format!("{own} {shared} {secret}");
    let entries = add(
        store,
        line(1),
        vec![
            saying(line(1), Kind::Commit, 0, &text),
            saying(line(1), Kind::Message, 1, &format!("see {shared}")),
        ],
    );
    let first = entries
        .first()
        .map_or(EntryId::of(b"none"), |entry| entry.id);
    add(store, line(1), vec![sample_order(line(1), first, 0)]);
    assert_eq!(
        must(store.destroy_erased(&sample_mandate())),
        destroyed(1, 2)
    );
    let boxed = entries.into_iter().map(Box::new).map(Piece::Entry);
    let beside = [&b"own"[..], b"shared", b"of nobody"].map(|bytes| Piece::Blob(bytes.to_vec()));
    let sealed = Piece::SealedBlob(envelope.to_bytes());
    let mut pieces = boxed.chain(beside).chain([sealed]).map(Ok);
    assert_eq!(must(store.adopt(store.log(), &mut pieces)), Ok(0));
    let bare = scanned(store).into_iter().next();
    assert!(bare.is_some_and(|entry| entry.content.is_none()));
    assert_eq!(must(store.blob(&own)), None);
    assert_eq!(must(store.sealed_blob(&secret)), None);
    assert_eq!(must(store.blob(&shared)).as_deref(), Some(&b"shared"[..]));
    let other = Digest::of(b"of nobody");
    assert_eq!(must(store.blob(&other)).as_deref(), Some(&b"of nobody"[..]));
}

/// Of each kind one, ordered in one batch: those that may go are gone, the others stand.
pub(super) fn every_kind_goes_or_stays_as_it_is_written(store: &dyn LedgerStore) {
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Erased);
    let drafts = (0..)
        .zip(kinds)
        .map(|(n, kind)| sample_draft(line(1), kind, n));
    let entries = add(store, line(1), drafts.collect());
    let orders = entries.iter();
    let orders = orders.map(|entry| sample_order(line(1), entry.id, entry.header.seq));
    add(store, line(1), orders.collect());
    must(store.destroy_erased(&sample_mandate()));
    for entry in must(store.page(&line(1), 0, entries.len())) {
        let may = entry.kind().is_some_and(Kind::may_be_erased);
        assert_eq!(entry.content.is_none(), may, "{}", entry.header.kind);
    }
}
