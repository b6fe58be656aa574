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

/// A place outside that is remembered.
#[derive(Default)]
struct Kept(Mutex<String>);

impl Outside for Kept {
    fn place(&self) -> String {
        "here".to_owned()
    }

    fn read(&self) -> Result<String, String> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn append(&self, note: &str) -> Result<(), String> {
        let mut all = self.0.lock().unwrap();
        all.push_str(note);
        all.push('\n');
        Ok(())
    }
}

fn trusting(all: &[&SigningKey]) -> TrustRoots {
    let parties = all.iter().map(|key| Party {
        name: "one of us".to_owned(),
        key: key.public(),
    });
    TrustRoots {
        operators: parties.collect(),
        ..TrustRoots::default()
    }
}

/// A log of seven entries with a note over all of them by this key.
fn signed_by(key: &SigningKey) -> MemoryStore {
    let store = MemoryStore::new();
    let line = TrajectoryId::of(b"one");
    let placed = store.append(vec![sample_batch(line, 0, 7)]).unwrap();
    assert!(placed.iter().all(Result::is_ok));
    let (log, root) = (store.log(), store.root(7).unwrap());
    let signed = Checkpoint { log, size: 7, root }.sign(key);
    store.put_checkpoint(7, signed.note()).unwrap();
    store
}

#[test]
fn l7_who_takes_one_signs_it_also_where_somebody_else_did() {
    let [ann, bob] = [1, 2].map(|n| SigningKey::from_seed(&[n; 32]));
    for trust in [trusting(&[&ann, &bob]), trusting(&[&ann])] {
        let outside = Arc::new(Kept::default());
        let store: Arc<dyn LedgerStore> = Arc::new(signed_by(&bob));
        let checkpointer = Checkpointer::new(store, outside.clone(), ann.clone(), &trust);
        let own = [&ann.public()];
        for _ in 0..2 {
            let taken = checkpointer.take().unwrap();
            assert!(taken.signer(own).is_ok());
            let both = taken.signer([&bob.public()]).is_ok();
            assert_eq!(both, trust.trusts_operator(&bob.public()));
            let note = checkpointer.view().unwrap().note.unwrap();
            assert_eq!(note, taken.note());
        }
        let stands: Vec<_> = outside
            .read()
            .unwrap()
            .split("\n\n")
            .map(str::to_owned)
            .collect();
        assert_eq!(stands.len(), 3, "one note, once: {stands:?}");
        let over = checkpointer.own_over(3).unwrap();
        assert!(over.is_none_or(|one| one.signer(own).is_ok()));
    }
}

#[test]
fn l7_t1_a_note_of_nobody_that_is_known_is_neither_shown_nor_put_outside() {
    let [ann, eve] = [1, 66].map(|n| SigningKey::from_seed(&[n; 32]));
    let store = signed_by(&eve);
    let outside = Arc::new(Kept::default());
    let shared: Arc<dyn LedgerStore> = Arc::new(store.clone());
    let checkpointer = Checkpointer::new(shared, outside.clone(), ann.clone(), &trusting(&[&ann]));
    let view = checkpointer.view().unwrap();
    assert_eq!((view.size, view.note, view.kept), (None, None, 0));
    // Nor does one that lies keep anybody from signing.
    let (log, size) = (store.log(), 3);
    let root = store.root(2).unwrap();
    let forged = Checkpoint { log, size, root }.sign(&eve);
    store.put_checkpoint(size, forged.note()).unwrap();
    let line = TrajectoryId::of(b"one");
    store.append(vec![sample_batch(line, 7, 1)]).unwrap();
    let taken = checkpointer.take().unwrap();
    assert_eq!(taken.checkpoint.size, 8);
    assert_eq!(outside.read().unwrap(), format!("{}\n", taken.note()));
}
