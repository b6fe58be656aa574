//! Snapshots `[L15]`: what was folded, kept between starts. The rows of runs at rest, so that a long log is
//! not folded to show a list, and in `run` the whole state of long runs, so that none is folded from its
//! beginning.
//!
//! Only a cache. A row counts while its trajectory ends with the entry it was made at, whose id pins all
//! that it rests on; and only where the operator's own key vouches for the whole, since notes in it are
//! shown to models. Everything else is folded anew. No decision rests on a row.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thymos_core::key::SigningKey;
use thymos_core::{EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;

use crate::kernel::Kernel;
use crate::service::Summary;

pub(crate) mod run;

/// Of another shape it is not read.
const VERSION: u32 = 3;

/// Entries below which folding takes no time worth a file.
const ENTRIES_WORTH: u64 = 4_096;

/// Tries to write one while the log goes on below.
const TRIES: usize = 4;

/// Entries of a run after which another snapshot of it is due.
const RUN_ENTRIES: u64 = 1_000;

/// Where the snapshots of one log and tenant stand. Whoever writes puts a thing in its place whole or not
/// at all; what cannot be kept is folded again.
pub trait SnapshotPlace: Send + Sync {
    /// The rows that stand there.
    fn read(&self) -> Option<Vec<u8>>;

    /// Puts rows there.
    fn write(&self, bytes: &[u8]);

    /// The snapshot of one run.
    fn read_run(&self, run: &TrajectoryId) -> Option<Vec<u8>>;

    /// Puts one there, in the place of an older one.
    fn write_run(&self, run: &TrajectoryId, bytes: &[u8]);

    /// Takes that of one run away.
    fn clear_run(&self, run: &TrajectoryId);

    /// How far the log was verified.
    fn read_checked(&self) -> Option<Vec<u8>>;

    /// Puts that there.
    fn write_checked(&self, bytes: &[u8]);

    /// Takes everything away.
    fn clear(&self);

    /// The length of a log from which on its rows are worth having.
    fn worth_from(&self) -> u64 {
        ENTRIES_WORTH
    }

    /// The length of a log from which on the background keeps how far it verified it.
    fn checked_from(&self) -> u64 {
        ENTRIES_WORTH
    }

    /// Entries of a run between two snapshots of it, at least.
    fn run_entries(&self) -> u64 {
        RUN_ENTRIES
    }
}

/// No place: every start folds.
pub struct NoSnapshots;

impl SnapshotPlace for NoSnapshots {
    fn read(&self) -> Option<Vec<u8>> {
        None
    }

    fn write(&self, _bytes: &[u8]) {}

    fn read_run(&self, _run: &TrajectoryId) -> Option<Vec<u8>> {
        None
    }

    fn write_run(&self, _run: &TrajectoryId, _bytes: &[u8]) {}

    fn clear_run(&self, _run: &TrajectoryId) {}

    fn read_checked(&self) -> Option<Vec<u8>> {
        None
    }

    fn write_checked(&self, _bytes: &[u8]) {}

    fn clear(&self) {}

    fn worth_from(&self) -> u64 {
        u64::MAX
    }

    fn checked_from(&self) -> u64 {
        u64::MAX
    }

    fn run_entries(&self) -> u64 {
        u64::MAX
    }
}

/// Rows by trajectory, each with the entry it was made at.
pub(crate) type Rows = BTreeMap<TrajectoryId, Summary>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    version: u32,
    /// The program that made it: another may tell of the same entries in other words.
    program: String,
    log: LogId,
    tenant: String,
    rows: Vec<Summary>,
}

/// The rows that were kept for this log and tenant; none where they are not this operator's own.
pub(crate) fn read(kernel: &Kernel) -> Rows {
    let bytes = kernel.parts.snapshots.read();
    let snapshot = bytes.and_then(|bytes| opened::<Snapshot>(&kernel.parts.operator_key, &bytes));
    let ours = snapshot.filter(|snapshot| {
        (snapshot.version, snapshot.program.as_str()) == (VERSION, PROGRAM)
            && snapshot.log == kernel.parts.store.log()
            && snapshot.tenant == kernel.parts.tenant
    });
    let rows = ours.map_or_else(Vec::new, |snapshot| snapshot.rows);
    rows.into_iter()
        .map(|row| (row.row.trajectory, row))
        .collect()
}

/// Keeps those of these rows that are of runs at rest, beside what was kept before. What was erased meanwhile, here or by another
/// process, is in none of them when this returns.
pub(crate) fn write(kernel: &Kernel, rows: &Rows) {
    let (store, place) = (kernel.parts.store.as_ref(), &kernel.parts.snapshots);
    if store.len().is_ok_and(|len| len < place.worth_from()) {
        return;
    }
    let before = read(kernel);
    for _ in 0..TRIES {
        let Some(ends) = ends(store) else { return };
        let holds =
            |row: &&Summary| row.at_rest && row.head == ends.get(&row.row.trajectory).copied();
        // What was kept before and not looked at this time is as good as ever.
        let mut all: BTreeMap<_, _> = before.iter().filter(|(_, row)| holds(row)).collect();
        all.extend(rows.iter().filter(|(_, row)| holds(row)));
        let kept = all.into_values();
        let snapshot = Snapshot {
            version: VERSION,
            program: PROGRAM.to_owned(),
            log: store.log(),
            tenant: kernel.parts.tenant.clone(),
            rows: kept.cloned().collect(),
        };
        let Some(bytes) = sealed(kernel, &snapshot) else {
            return;
        };
        place.write(&bytes);
        // Whoever erases takes the snapshot away after its order is on record: one written in between
        // is seen here, and one before that is gone.
        let still = self::ends(store);
        let same = |row: &Summary| {
            let now = still
                .as_ref()
                .and_then(|ends| ends.get(&row.row.trajectory));
            now.copied() == row.head
        };
        if snapshot.rows.iter().all(same) {
            return;
        }
    }
    place.clear();
}

fn ends(store: &dyn LedgerStore) -> Option<BTreeMap<TrajectoryId, EntryId>> {
    let heads = store.heads().ok()?.into_iter();
    Some(heads.map(|head| (head.trajectory, head.entry)).collect())
}

const PROGRAM: &str = env!("CARGO_PKG_VERSION");

const SEAL_BYTES: usize = blake3::OUT_LEN;

/// As it is written, behind its seal.
pub(crate) fn sealed(kernel: &Kernel, snapshot: &impl Serialize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; SEAL_BYTES];
    serde_json::to_writer(&mut bytes, snapshot).ok()?;
    let (seal, text) = bytes.split_at_mut_checked(SEAL_BYTES)?;
    seal.copy_from_slice(seal_of(&kernel.parts.operator_key, text).as_bytes());
    Some(bytes)
}

/// What was sealed; none where it is not this operator's, or not of this shape.
pub(crate) fn opened<T: DeserializeOwned>(operator_key: &SigningKey, bytes: &[u8]) -> Option<T> {
    let (seal, text) = bytes.split_at_checked(SEAL_BYTES)?;
    let own: [u8; SEAL_BYTES] = seal.try_into().ok()?;
    if seal_of(operator_key, text) != blake3::Hash::from_bytes(own) {
        return None;
    }
    serde_json::from_slice(text).ok()
}

/// By the operator's key: nobody else's are read.
fn seal_of(operator_key: &SigningKey, text: &[u8]) -> blake3::Hash {
    let seed = operator_key.seed_for_storage();
    let key = blake3::derive_key("thymos v1 snapshot key", seed.as_slice());
    blake3::keyed_hash(&key, text)
}
