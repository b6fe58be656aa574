//! A place for snapshots in memory, that does something just before the next one stands in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use thymos_core::TrajectoryId;
use thymos_runtime::snapshot::SnapshotPlace;
use thymos_testkit::fixtures::operator_key;

/// Bytes of a seal.
const SEAL: usize = 32;

#[derive(Clone)]
pub(crate) struct Place {
    rows: Arc<Mutex<Option<Vec<u8>>>>,
    runs: Arc<Mutex<BTreeMap<TrajectoryId, Vec<u8>>>>,
    /// How far the log was verified.
    pub(crate) checked: Arc<Mutex<Option<Vec<u8>>>>,
    pub(crate) before: Arc<Mutex<Option<Before>>>,
    run_entries: u64,
    checked_from: u64,
}

type Before = Box<dyn FnOnce() + Send>;

impl Default for Place {
    /// One for rows alone.
    fn default() -> Self {
        Self::every(u64::MAX)
    }
}

impl Place {
    /// One where a run is kept that often.
    pub(crate) fn every(run_entries: u64) -> Self {
        Self {
            rows: Arc::default(),
            runs: Arc::default(),
            checked: Arc::default(),
            before: Arc::default(),
            run_entries,
            checked_from: u64::MAX,
        }
    }

    /// The same, where it is kept as well how far the background verified.
    pub(crate) fn checking(mut self) -> Self {
        self.checked_from = 0;
        self
    }

    /// The rows as they stand there.
    pub(crate) fn text(&self) -> String {
        let bytes = self.rows.lock().unwrap().clone();
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    /// Everything that stands there.
    pub(crate) fn all(&self) -> String {
        let runs = self.runs.lock().unwrap();
        let runs = runs.values().map(|bytes| String::from_utf8_lossy(bytes));
        self.text() + &runs.collect::<String>()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.rows.lock().unwrap().as_mut().expect("one was taken"));
    }

    pub(crate) fn run(&self, run: TrajectoryId) -> Option<Vec<u8>> {
        self.runs.lock().unwrap().get(&run).cloned()
    }

    pub(crate) fn put_run(&self, run: TrajectoryId, bytes: Vec<u8>) {
        self.runs.lock().unwrap().insert(run, bytes);
    }

    /// The snapshot of a run without its seal.
    pub(crate) fn opened(&self, run: TrajectoryId) -> Value {
        let bytes = self.run(run).expect("one was taken");
        serde_json::from_slice(&bytes[SEAL..]).unwrap()
    }

    /// Puts another in its place, sealed as by the operator.
    pub(crate) fn forge(&self, run: TrajectoryId, change: impl FnOnce(&mut Value)) {
        let mut snapshot = self.opened(run);
        change(&mut snapshot);
        let text = serde_json::to_vec(&snapshot).unwrap();
        let seed = operator_key().seed_for_storage();
        let key = blake3::derive_key("thymos v1 snapshot key", seed.as_slice());
        let mut bytes = blake3::keyed_hash(&key, &text).as_bytes().to_vec();
        bytes.extend(text);
        self.put_run(run, bytes);
    }

    fn act(&self) {
        let act = self.before.lock().unwrap().take();
        if let Some(act) = act {
            act();
        }
    }
}

impl SnapshotPlace for Place {
    fn read(&self) -> Option<Vec<u8>> {
        self.rows.lock().unwrap().clone()
    }

    fn write(&self, bytes: &[u8]) {
        self.act();
        *self.rows.lock().unwrap() = Some(bytes.to_vec());
    }

    fn read_run(&self, run: &TrajectoryId) -> Option<Vec<u8>> {
        self.run(*run)
    }

    fn write_run(&self, run: &TrajectoryId, bytes: &[u8]) {
        self.act();
        self.put_run(*run, bytes.to_vec());
    }

    fn clear_run(&self, run: &TrajectoryId) {
        self.runs.lock().unwrap().remove(run);
    }

    fn read_checked(&self) -> Option<Vec<u8>> {
        self.checked.lock().unwrap().clone()
    }

    fn write_checked(&self, bytes: &[u8]) {
        *self.checked.lock().unwrap() = Some(bytes.to_vec());
    }

    fn clear(&self) {
        *self.checked.lock().unwrap() = None;
        *self.rows.lock().unwrap() = None;
        self.runs.lock().unwrap().clear();
    }

    fn worth_from(&self) -> u64 {
        0
    }

    fn checked_from(&self) -> u64 {
        self.checked_from
    }

    fn run_entries(&self) -> u64 {
        self.run_entries
    }
}
