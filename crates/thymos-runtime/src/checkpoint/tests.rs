//! Which checkpoint is the newest, whatever the ledger keeps it under.

use thymos_core::TrajectoryId;
use thymos_core::writ::Party;
use thymos_ports::conformance::sample_batch;
use thymos_testkit::MemoryStore;

use super::*;

/// A log of so many entries, with a checkpoint over the first five that is kept under a size far beyond
/// its end.
fn misplaced(entries: u64) -> (MemoryStore, Checkpointer) {
    let store = MemoryStore::new();
    let line = TrajectoryId::of(b"one");
    let placed = store.append(vec![sample_batch(line, 0, entries)]).unwrap();
    assert!(placed.iter().all(Result::is_ok));
    let key = SigningKey::from_seed(&[1; 32]);
    let trust = TrustRoots {
        operators: vec![Party {
            name: "ada".to_owned(),
            key: key.public(),
        }],
        ..TrustRoots::default()
    };
    let (log, root) = (store.log(), store.root(5).unwrap());
    let signed = Checkpoint { log, size: 5, root }.sign(&key);
    store.put_checkpoint(1 << 40, signed.note()).unwrap();
    let shared: Arc<dyn LedgerStore> = Arc::new(store.clone());
    (
        store,
        Checkpointer::new(shared, Arc::new(Nowhere), key, &trust),
    )
}

#[test]
fn l1_l7_a_checkpoint_that_is_kept_under_a_larger_size_puts_none_off() {
    let (_, checkpointer) = misplaced(9);
    assert!(!checkpointer.is_due(1_004));
    assert!(
        checkpointer.is_due(1_005),
        "a thousand behind what was signed"
    );
}

#[test]
fn l1_l7_a_note_of_nobody_that_is_known_puts_none_off() {
    let (store, checkpointer) = misplaced(9);
    let (log, root) = (store.log(), store.root(9).unwrap());
    let size = 1 << 39;
    let forged = Checkpoint { log, size, root }.sign(&SigningKey::from_seed(&[66; 32]));
    store.put_checkpoint(size, forged.note()).unwrap();
    assert!(checkpointer.is_due(1_005));
}

#[test]
fn l1_l7_the_newest_checkpoint_is_shown_by_what_it_says() {
    let (_, checkpointer) = misplaced(9);
    assert_eq!(checkpointer.view().unwrap().size, Some(5));
    let taken = checkpointer.take().unwrap();
    assert_eq!(taken.checkpoint.size, 9);
    let view = checkpointer.view().unwrap();
    assert_eq!((view.size, view.kept), (Some(9), 2));
}
