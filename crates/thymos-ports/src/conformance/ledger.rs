//! The suite of [`LedgerStore`]. Knows no file, no engine and no other process; durability and
//! damage are tested where they can be caused.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use thymos_core::canonical::value_to_bytes;
use thymos_core::entry::{Draft, InvalidEntry, Salt};
use thymos_core::id::Digest;
use thymos_core::key::PublicKey;
use thymos_core::limits::{BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use thymos_core::merkle::{Frontier, KEPT_LEVEL_MIN, TreeHash, extends, includes, leaf};
use thymos_core::sealed::{Envelope, NONCE_BYTES};
use thymos_core::{Entry, EntryId, Kind, Timestamp, TrajectoryId};

use super::{adopt, erase};
use crate::store::{Batch, Conflict, Found, LedgerStore, PAGE_BYTES_MAX, StoreError};

/// Runs every check, each on a fresh and empty store.
///
/// # Panics
/// When the store does not conform; the message says in what.
pub fn ledger_store(make: &mut dyn FnMut() -> Box<dyn LedgerStore>) {
    for check in [
        an_empty_store_has_nothing,
        entries_get_contiguous_positions_and_a_chain,
        what_was_appended_reads_back_the_same,
        pages_and_scans_respect_start_and_limit,
        pages_and_scans_end_when_they_are_full,
        a_conflict_refuses_its_batch_alone,
        batches_of_one_call_see_each_other,
        a_draft_that_cannot_be_placed_keeps_nothing,
        a_batch_of_nothing_changes_nothing,
        heads_are_newest_first,
        prefixes_find_entries_and_trajectories,
        blobs_are_kept_once_and_by_digest,
        sealed_blobs_are_kept_beside_the_plain_ones,
        the_tree_is_that_of_the_entries,
        checkpoints_are_kept_by_size,
        a_bell_rings_until_it_is_dropped,
        writers_of_many_threads_make_one_order,
    ] {
        check(make().as_ref());
    }
}

/// Runs what a store that takes over logs must do besides `[L16]`; each check with a new, empty store.
///
/// # Panics
/// When the store does not conform.
pub fn taking_over(make: &mut dyn FnMut() -> Box<dyn LedgerStore>) {
    for check in [
        adopt::an_empty_store_becomes_the_log,
        adopt::a_log_is_extended_and_never_forked,
        adopt::what_does_not_come_next_is_refused,
        adopt::an_error_among_the_pieces_keeps_nothing,
    ] {
        check(make().as_ref());
    }
}

/// Runs what a store that erases must do besides `[L3]`; each check with a new, empty store.
///
/// # Panics
/// When the store does not conform.
pub fn erasing(make: &mut dyn FnMut() -> Box<dyn LedgerStore>) {
    for check in [
        erase::what_is_ordered_goes_and_nothing_else,
        erase::no_order_reaches_what_it_may_not,
        erase::an_order_goes_as_far_as_the_mandate,
        erase::a_blob_goes_with_the_last_body_that_mentions_it,
        erase::nothing_that_was_erased_is_taken_over_again,
        erase::every_kind_goes_or_stays_as_it_is_written,
    ] {
        check(make().as_ref());
    }
}

/// A draft with a small body that differs by `number`; for this suite and the tests of adapters.
///
/// # Panics
/// Never, short of a number that JSON cannot keep.
#[must_use]
pub fn sample_draft(trajectory: TrajectoryId, kind: Kind, number: u64) -> Draft {
    Draft {
        trajectory,
        kind,
        at: Timestamp(1_800_000_000_000 + number),
        writer: PublicKey::from_bytes([7; 32]),
        salt: Salt::from_bytes(*Digest::of(&number.to_be_bytes()).as_bytes()),
        body: must(value_to_bytes(
            &json!({ "number": number, "text": "sample" }),
        )),
    }
}

/// A batch of sample drafts, whose numbers start with `at_seq`.
#[must_use]
pub fn sample_batch(trajectory: TrajectoryId, at_seq: u64, drafts: u64) -> Batch {
    Batch {
        trajectory,
        at_seq,
        drafts: (at_seq..at_seq + drafts)
            .map(|number| sample_draft(trajectory, Kind::Message, number))
            .collect(),
    }
}

fn an_empty_store_has_nothing(store: &dyn LedgerStore) {
    assert_eq!(must(store.len()), 0);
    assert!(must(store.is_empty()));
    assert_eq!(must(store.heads()), []);
    assert_eq!(must(store.scan(0, 10)), []);
    assert_eq!(must(store.page(&line(1), 0, 10)), []);
    assert_eq!(must(store.entry(&EntryId::of(b"none"))), None);
    assert_eq!(must(store.find_prefix("abcdef", 10)), []);
    assert_eq!(must(store.blob(&Digest::of(b"none"))), None);
}

fn entries_get_contiguous_positions_and_a_chain(store: &dyn LedgerStore) {
    let mut entries = Vec::new();
    for round in 0..4 {
        let batches = vec![
            sample_batch(line(1), round * 2, 2),
            sample_batch(line(2), round, 1),
        ];
        for placed in must(store.append(batches)) {
            entries.extend(must(placed));
        }
    }
    assert_eq!(must(store.len()), 12);
    for (index, entry) in (0..).zip(&entries) {
        assert_eq!(entry.header.index, index, "indexes are contiguous [L2]");
        assert_eq!(entry.header.log, store.log());
        assert_eq!(entry.id, EntryId::of(&entry.header_bytes), "[L1]");
    }
    for trajectory in [line(1), line(2)] {
        let mut prev = None;
        let own = entries
            .iter()
            .filter(|entry| entry.header.trajectory == trajectory);
        for (seq, entry) in (0..).zip(own) {
            assert_eq!(entry.header.seq, seq, "sequences are contiguous [L2]");
            assert_eq!(entry.header.prev, prev, "each names the one before [L2]");
            prev = Some(entry.id);
        }
    }
}

fn what_was_appended_reads_back_the_same(store: &dyn LedgerStore) {
    let drafts: Vec<Draft> = (0..)
        .zip(Kind::ALL)
        .map(|(number, kind)| sample_draft(line(1), kind, number))
        .collect();
    let appended = append_one(
        store,
        Batch {
            trajectory: line(1),
            at_seq: 0,
            drafts: drafts.clone(),
        },
    );
    for (draft, entry) in drafts.iter().zip(&appended) {
        assert_eq!(entry.kind(), Some(draft.kind));
        assert_eq!(entry.body(), Some(draft.body.as_bytes()));
        assert_eq!(must(store.entry(&entry.id)).as_ref(), Some(entry));
    }
    assert_eq!(must(store.page(&line(1), 0, 100)), appended);
    assert_eq!(scanned(store), appended);
}

fn pages_and_scans_respect_start_and_limit(store: &dyn LedgerStore) {
    let all = append_one(store, sample_batch(line(1), 0, 10));
    let some: Vec<Entry> = all.iter().skip(3).take(4).cloned().collect();
    assert_eq!(must(store.page(&line(1), 3, 4)), some);
    let rows = must(store.scan(3, 4));
    let indexes: Vec<u64> = rows.iter().map(|row| row.index).collect();
    assert_eq!(indexes, [3, 4, 5, 6]);
    assert!(
        must(store.page(&line(1), 10, 4)).is_empty(),
        "beyond the end"
    );
    assert!(must(store.page(&line(1), u64::MAX, 4)).is_empty());
    assert!(must(store.scan(10, 4)).is_empty());
    assert!(must(store.page(&line(1), 0, 0)).is_empty());
    assert!(
        must(store.page(&line(2), 0, 4)).is_empty(),
        "another trajectory"
    );
}

fn pages_and_scans_end_when_they_are_full(store: &dyn LedgerStore) {
    let text = "x".repeat(ENTRY_BYTES_MAX / 8 * 7);
    let mut large = sample_batch(line(1), 0, 4);
    for draft in &mut large.drafts {
        draft.body = must(value_to_bytes(&json!({ "text": text })));
    }
    let all = append_one(store, large);
    let size = |entry: &Entry| entry.header_bytes.len() + entry.body().map_or(0, <[u8]>::len);
    let fits = |page: &[Entry]| {
        let bytes: usize = page.iter().map(size).sum();
        assert!(bytes < PAGE_BYTES_MAX + ENTRY_BYTES_MAX, "{bytes} at once");
        assert!(page.len() < all.len(), "all of them at once");
    };
    let (mut paged, mut scanned) = (Vec::new(), Vec::new());
    loop {
        let page = must(store.page(&line(1), paged.len() as u64, 10));
        let rows = must(store.scan(scanned.len() as u64, 10)).into_iter();
        let rows: Vec<Entry> = rows.map(|row| must(row.entry)).collect();
        assert_eq!(page, rows);
        if page.is_empty() {
            break;
        }
        fits(&page);
        paged.extend(page);
        scanned.extend(rows);
    }
    assert!(paged == all && scanned == all, "nothing is passed over");
}

fn a_conflict_refuses_its_batch_alone(store: &dyn LedgerStore) {
    append_one(store, sample_batch(line(1), 0, 2));
    let outcomes = must(store.append(vec![
        sample_batch(line(2), 0, 1),
        sample_batch(line(1), 1, 3),
        sample_batch(line(3), 5, 1),
        sample_batch(line(1), 2, 1),
    ]));
    let verdicts: Vec<Result<usize, Conflict>> = outcomes
        .into_iter()
        .map(|outcome| outcome.map(|entries| entries.len()))
        .collect();
    let conflict = |expected, found| Err(Conflict { expected, found });
    assert_eq!(verdicts, [Ok(1), conflict(1, 2), conflict(5, 0), Ok(1)]);
    assert_eq!(must(store.len()), 4);
    assert_eq!(must(store.page(&line(1), 0, 10)).len(), 3);
    assert!(must(store.page(&line(3), 0, 10)).is_empty());
    let indexes: Vec<u64> = must(store.scan(0, 10))
        .iter()
        .map(|row| row.index)
        .collect();
    assert_eq!(indexes, [0, 1, 2, 3], "a refused batch leaves no hole [L2]");
}

fn batches_of_one_call_see_each_other(store: &dyn LedgerStore) {
    let outcomes = must(store.append(vec![
        sample_batch(line(1), 0, 2),
        sample_batch(line(1), 0, 2),
        sample_batch(line(1), 2, 1),
    ]));
    let kept: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(kept, [true, false, true]);
    assert_eq!(must(store.page(&line(1), 0, 10)).len(), 3);
}

fn a_draft_that_cannot_be_placed_keeps_nothing(store: &dyn LedgerStore) {
    append_one(store, sample_batch(line(1), 0, 1));
    let mut large = sample_batch(line(2), 0, 2);
    let text = "x".repeat(ENTRY_BYTES_MAX);
    for draft in large.drafts.iter_mut().skip(1) {
        draft.body = must(value_to_bytes(&json!({ "text": text })));
    }
    let refused = store.append(vec![sample_batch(line(1), 1, 1), large]);
    assert!(
        matches!(refused, Err(StoreError::Draft(InvalidEntry::TooLarge(_)))),
        "{refused:?}"
    );
    let mut stray = sample_batch(line(1), 1, 1);
    stray.drafts.push(sample_draft(line(2), Kind::Message, 9));
    assert!(
        store.append(vec![stray]).is_err(),
        "one batch, one trajectory"
    );
    assert_eq!(must(store.len()), 1, "all or nothing");
    append_one(store, sample_batch(line(1), 1, 1));
}

fn a_batch_of_nothing_changes_nothing(store: &dyn LedgerStore) {
    assert_eq!(must(store.append(Vec::new())), []);
    assert_eq!(
        must(store.append(vec![sample_batch(line(1), 0, 0)])),
        [Ok(Vec::new())]
    );
    assert_eq!(must(store.len()), 0);
    assert_eq!(must(store.heads()), []);
}

fn heads_are_newest_first(store: &dyn LedgerStore) {
    append_one(store, sample_batch(line(1), 0, 3));
    append_one(store, sample_batch(line(2), 0, 1));
    let newest = append_one(store, sample_batch(line(1), 3, 1));
    let heads = must(store.heads());
    let seen: Vec<(TrajectoryId, u64, u64)> = heads
        .iter()
        .map(|head| (head.trajectory, head.seq, head.index))
        .collect();
    assert_eq!(seen, [(line(1), 3, 4), (line(2), 0, 3)]);
    let (head, entry) = (must_be(heads.first()), must_be(newest.first()));
    assert_eq!((head.entry, head.at_ms), (entry.id, entry.header.at_ms));
}

fn prefixes_find_entries_and_trajectories(store: &dyn LedgerStore) {
    let entries = append_one(store, sample_batch(line(1), 0, 5));
    append_one(store, sample_batch(line(2), 0, 1));
    for entry in &entries {
        let whole = entry.id.to_string();
        let wanted = Found::Entry(entry.id, line(1), entry.header.seq);
        for digits in [7, 12, 16, 17, 31, 64] {
            let prefix = whole.get(..digits).unwrap_or_default();
            assert_eq!(must(store.find_prefix(prefix, 10)), [wanted], "{prefix}");
        }
    }
    let whole = line(1).to_string();
    let prefix = whole.get(..9).unwrap_or_default();
    assert_eq!(
        must(store.find_prefix(prefix, 10)),
        [Found::Trajectory(line(1))]
    );
    assert_eq!(must(store.find_prefix("", 3)).len(), 3, "the limit holds");
    assert_eq!(must(store.find_prefix("", 100)).len(), 8);
    assert!(must(store.find_prefix("not hex", 10)).is_empty());
    assert!(must(store.find_prefix(&"0".repeat(65), 10)).is_empty());
}

fn blobs_are_kept_once_and_by_digest(store: &dyn LedgerStore) {
    let long = b"the same line again\n".repeat(1_000);
    let noise: Vec<u8> = (0..100u64)
        .flat_map(|n| *Digest::of(&n.to_be_bytes()).as_bytes())
        .collect();
    for plain in [&b""[..], &b"short"[..], &long, &noise] {
        let digest = must(store.put_blob(plain));
        assert_eq!(digest, Digest::of(plain));
        assert_eq!(must(store.put_blob(plain)), digest, "twice is once");
        assert_eq!(must(store.blob(&digest)).as_deref(), Some(plain));
    }
    assert!(store.put_blob(&vec![0; BLOB_BYTES_MAX + 1]).is_err());
    assert_eq!(must(store.len()), 0, "a blob is not an entry");
}

fn sealed_blobs_are_kept_beside_the_plain_ones(store: &dyn LedgerStore) {
    let envelope = |plain: &[u8], fill: u8| {
        Envelope {
            digest: Digest::of(plain),
            nonce: [fill; NONCE_BYTES],
            ciphertext: vec![fill; 40],
        }
        .to_bytes()
    };
    let (secret, sealed) = (Digest::of(b"secret"), envelope(b"secret", 1));
    assert_eq!(must(store.sealed_blob(&secret)), None);
    assert_eq!(must(store.put_sealed_blob(&sealed)), secret);
    assert_eq!(must(store.put_sealed_blob(&envelope(b"secret", 2))), secret);
    assert_eq!(must(store.sealed_blob(&secret)), Some(sealed.clone()));
    assert_eq!(must(store.blob(&secret)), None, "it is not there in plain");
    assert_eq!(must(store.put_blob(b"secret")), secret);
    assert_eq!(
        must(store.blob(&secret)),
        None,
        "what is sealed stays sealed"
    );
    let open = must(store.put_blob(b"open"));
    assert_eq!(must(store.put_sealed_blob(&envelope(b"open", 3))), open);
    assert_eq!(must(store.sealed_blob(&open)), None);
    let text = must(store.put_blob(&sealed));
    assert_eq!(
        must(store.blob(&text)),
        Some(sealed),
        "text like an envelope is text"
    );
    assert!(store.put_sealed_blob(b"no envelope").is_err());
    let absent = Digest::of(b"was never kept");
    let lacking = must(store.lacking(&[secret, absent, open, text]));
    assert_eq!(lacking, [absent], "sealed or not, it is there");
    assert_eq!(must(store.lacking(&[])), []);
    assert_eq!(must(store.check_engine()), Vec::<String>::new());
}

fn the_tree_is_that_of_the_entries(store: &dyn LedgerStore) {
    assert_eq!(must(store.root(0)), TreeHash::empty());
    let mut tree = Frontier::new();
    let mut heads = vec![tree.root()];
    // Small and large batches, so that subtrees end inside of one and between two.
    for (round, drafts) in (0..).zip([1, 15, 1, 17, 30, 1]) {
        let placed = must(store.append(vec![sample_batch(line(round), 0, drafts)]));
        for entry in placed.into_iter().flat_map(must) {
            tree.push(leaf(entry.id.as_bytes()), |_, _| {});
            heads.push(tree.root());
        }
        // A refused batch grows nothing.
        let refused = must(store.append(vec![sample_batch(line(round), 99, 3)]));
        assert!(refused.iter().all(Result::is_err));
    }
    let rows = must(store.scan(0, 1_000));
    let mut again = Frontier::new();
    for (row, size) in rows.into_iter().zip(1_u64..) {
        let own = (row.index, leaf(must(row.entry).id.as_bytes()));
        let mut whole = Vec::new();
        again.push(own.1, |node, hash| {
            assert_eq!(must(store.node(node)), hash, "{node:?}");
            if node.level >= KEPT_LEVEL_MIN {
                whole.push((node, hash));
            }
        });
        if let Some(kept) = row.tree {
            assert_eq!(kept, whole, "what is kept at index {}", row.index);
        }
        assert_eq!(
            Some(&must(store.root(size))),
            heads.get(row.index as usize + 1)
        );
        proofs_hold(store, own, &heads);
    }
    let size = tree.size();
    assert_eq!(must(store.inclusion(size, size)), None);
    assert!(store.root(size + 1).is_err(), "a root beyond the end");
}

fn proofs_hold(store: &dyn LedgerStore, own: (u64, TreeHash), heads: &[TreeHash]) {
    for (size, head) in (0_u64..).zip(heads).skip(own.0 as usize + 1) {
        let proof = must(store.inclusion(own.0, size));
        assert!(proof.is_some_and(|proof| includes(own, (size, *head), &proof)));
        let proof = must(store.consistency(own.0 + 1, size));
        let old = heads.get(own.0 as usize + 1).map(|head| (own.0 + 1, *head));
        let shown = old.zip(proof);
        assert!(shown.is_some_and(|(old, proof)| extends(old, (size, *head), &proof)));
    }
}

fn checkpoints_are_kept_by_size(store: &dyn LedgerStore) {
    assert_eq!(must(store.checkpoints(0)), []);
    for (size, note) in [(7, "seven"), (3, "three"), (7, "again")] {
        must(store.put_checkpoint(size, note));
    }
    let kept = |size, note: &str| (size, note.to_owned());
    let all = [kept(3, "three"), kept(7, "seven")];
    assert_eq!(must(store.checkpoints(0)), all, "of one size the first");
    assert_eq!(must(store.checkpoints(4)), [kept(7, "seven")]);
    assert_eq!(must(store.len()), 0, "a checkpoint is no entry");
}

fn a_bell_rings_until_it_is_dropped(store: &dyn LedgerStore) {
    let (rung, heard) = std::sync::mpsc::channel();
    let watch = must(store.watch(Box::new(move || {
        #[expect(
            clippy::let_underscore_must_use,
            reason = "nobody listens once it is over"
        )]
        let _ = rung.send(());
    })));
    append_one(store, sample_batch(line(1), 0, 1));
    must(heard.recv());
    drop(watch);
    append_one(store, sample_batch(line(1), 1, 1));
    while heard.try_recv().is_ok() {}
    append_one(store, sample_batch(line(1), 2, 1));
    assert!(heard.recv().is_err(), "a dropped watch drops its bell");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a store is driven from several threads here, which is what the suite is about"
)]
fn writers_of_many_threads_make_one_order(store: &dyn LedgerStore) {
    const WRITERS: u64 = 4;
    const EACH: u64 = 25;
    let lost = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..WRITERS {
            let lost = Arc::clone(&lost);
            threads.spawn(move || {
                for _ in 0..EACH {
                    let mut at = 0;
                    while let Err(conflict) = append_at(store, at) {
                        lost.fetch_add(1, Ordering::Relaxed);
                        at = conflict.found;
                    }
                }
            });
        }
    });
    let entries = scanned(store);
    assert_eq!(u64::try_from(entries.len()), Ok(WRITERS * EACH));
    let ids: BTreeSet<EntryId> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), entries.len());
    assert_eq!(must(store.page(&line(1), 0, 1_000)), entries, "no fork");
}

fn append_at(store: &dyn LedgerStore, at: u64) -> Result<Vec<Entry>, Conflict> {
    let mut outcomes = must(store.append(vec![sample_batch(line(1), at, 1)]));
    assert_eq!(outcomes.len(), 1);
    must_be(outcomes.pop())
}

fn append_one(store: &dyn LedgerStore, batch: Batch) -> Vec<Entry> {
    let mut outcomes = must(store.append(vec![batch]));
    assert_eq!(outcomes.len(), 1, "one outcome a batch");
    must(must_be(outcomes.pop()))
}

pub(super) fn scanned(store: &dyn LedgerStore) -> Vec<Entry> {
    let rows = must(store.scan(0, 10_000));
    rows.into_iter()
        .map(|row| {
            assert_eq!(row.disagreements, Vec::<String>::new());
            must(row.entry)
        })
        .collect()
}

fn line(number: u8) -> TrajectoryId {
    TrajectoryId::of(&[number])
}

#[track_caller]
#[expect(
    clippy::panic,
    reason = "a suite of tests that lives outside test code"
)]
pub(super) fn must<T, E: Debug>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("the store refused: {error:?}"),
    }
}

#[track_caller]
#[expect(
    clippy::panic,
    reason = "a suite of tests that lives outside test code"
)]
fn must_be<T>(value: Option<T>) -> T {
    match value {
        Some(value) => value,
        None => panic!("the store returned too little"),
    }
}
