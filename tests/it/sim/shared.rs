//! The ledger that all processes of a story share: in memory, or in a file that each of them opens for itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thymos_core::Entry;
use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::store::Watch;
use thymos_testkit::MemoryStore;

/// The random of every story's file: a seed tells the same bytes again.
const GENESIS: Genesis = Genesis { random: [13; 32] };

type Bell = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Hung {
    next: u64,
    bells: BTreeMap<u64, Bell>,
}

/// Rings for whoever works on the ledger, on the spot: a file's own bell rings from a thread of its own, and
/// no seed would tell the same twice.
#[derive(Clone, Default)]
pub(super) struct Bells(Arc<Mutex<Hung>>);

impl Bells {
    /// With no lock held: a bell may read the ledger.
    pub(super) fn ring(&self) {
        let bells: Vec<Bell> = {
            let hung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            hung.bells.values().cloned().collect()
        };
        for bell in bells {
            bell();
        }
    }

    pub(super) fn hang(&self, bell: Box<dyn Fn() + Send + Sync>) -> Watch {
        let mut hung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hung.next += 1;
        let number = hung.next;
        hung.bells.insert(number, Arc::from(bell));
        Watch(Box::new(Taken(self.clone(), number)))
    }
}

/// Takes its bell down when it is dropped.
struct Taken(Bells, u64);

impl Drop for Taken {
    fn drop(&mut self) {
        let mut hung = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bell = hung.bells.remove(&self.1);
        drop(hung);
        drop(bell);
    }
}

/// A story's ledger, and the story's own look at it.
pub(super) struct Shared {
    pub(super) store: Arc<dyn LedgerStore>,
    pub(super) bells: Bells,
    file: Option<PathBuf>,
}

impl Shared {
    pub(super) fn in_memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            bells: Bells::default(),
            file: None,
        }
    }

    pub(super) fn in_file(folder: &Path) -> Self {
        let file = folder.join("ledger.db");
        Self {
            store: opened(&file),
            bells: Bells::default(),
            file: Some(file),
        }
    }

    /// As a new process finds it.
    pub(super) fn open(&self) -> Arc<dyn LedgerStore> {
        match &self.file {
            Some(file) => opened(file),
            None => self.store.clone(),
        }
    }

    /// Every entry, in the order of the log.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let len = self.store.len().unwrap();
        let mut entries = Vec::new();
        while (entries.len() as u64) < len {
            let rows = self.store.scan(entries.len() as u64, 10_000).unwrap();
            assert!(!rows.is_empty(), "{} of {len}", entries.len());
            entries.extend(rows.into_iter().map(|row| row.entry.unwrap()));
        }
        entries
    }
}

fn opened(file: &Path) -> Arc<dyn LedgerStore> {
    Arc::new(SqliteLedger::open(file, GENESIS).unwrap())
}
