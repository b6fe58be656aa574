//! A projection that is written down and read back is the same one, and goes on as it would have `[L15]`.

use thymos_core::id::Digest;
use thymos_core::{Entry, TrajectoryId};
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_replay::{Past, Projection, fold_within};

use super::{FORMATS, open_copy};

/// What the projections of each golden ledger look like written down. Where this changes, old snapshots say
/// something else than the fold does: `VERSION` in `crates/thymos-runtime/src/snapshot/run.rs` goes up.
const LOOKS: [(&str, &str); 3] = [
    (
        "v1",
        "2511ffabc9258be1fd8b3c6c9f989e886fb033b402feeebda8016d72f1543802",
    ),
    (
        "v2",
        "026aff6100214735e5f1495b28859bfcca632162207b987175c79394a23f3b98",
    ),
    (
        "v3",
        "026aff6100214735e5f1495b28859bfcca632162207b987175c79394a23f3b98",
    ),
];

struct Ledger(SqliteLedger);

impl Past for Ledger {
    fn page(&self, of: &TrajectoryId, from: u64, limit: usize) -> Result<Vec<Entry>, String> {
        self.0.page(of, from, limit).map_err(|e| e.to_string())
    }
}

impl Ledger {
    fn lines(&self) -> Vec<Vec<Entry>> {
        let heads = self.0.heads().unwrap();
        let line = |of: &TrajectoryId| self.0.page(of, 0, 10_000).unwrap();
        let mut of: Vec<_> = heads.iter().map(|head| head.trajectory).collect();
        of.sort_unstable();
        of.iter().map(line).collect()
    }

    fn fold(&self, mut at: Projection, entries: &[Entry]) -> Projection {
        for entry in entries {
            fold_within(&mut at, entry, self).unwrap();
        }
        at
    }
}

fn golden(format: &str) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger(open_copy(format, folder.path()));
    (folder, ledger)
}

#[test]
fn l15_a_projection_is_the_same_after_it_was_written_down_at_any_entry() {
    for format in FORMATS {
        let (_folder, ledger) = golden(format);
        for line in ledger.lines() {
            let whole = ledger.fold(Projection::empty(line[0].header.trajectory), &line);
            let mut at = Projection::empty(whole.trajectory);
            for (ordinal, entry) in line.iter().enumerate() {
                fold_within(&mut at, entry, &ledger).unwrap();
                let written = serde_json::to_vec(&at).unwrap();
                let read: Projection = serde_json::from_slice(&written).unwrap();
                assert_eq!(read, at, "{format}, entry {ordinal}");
                assert_eq!(ledger.fold(read, &line[ordinal + 1..]), whole);
            }
        }
    }
}

#[test]
fn l15_what_is_written_down_changes_with_its_version_alone() {
    for (format, looks) in LOOKS {
        let (_folder, ledger) = golden(format);
        let fold =
            |line: &Vec<Entry>| ledger.fold(Projection::empty(line[0].header.trajectory), line);
        let all: Vec<_> = ledger.lines().iter().map(fold).collect();
        let written = serde_json::to_vec(&all).unwrap();
        assert_eq!(Digest::of(&written).to_string(), looks, "{format}");
    }
}

/// Who looks at a moment folds the state alone; the world, the budgets and what is open are those of the
/// whole fold, and nothing stays of what ended.
#[test]
fn l15_y4_the_state_of_a_moment_is_that_of_the_whole_fold() {
    for format in FORMATS {
        let (_folder, ledger) = golden(format);
        for line in ledger.lines() {
            let of = line[0].header.trajectory;
            let (mut state, mut whole) = (Projection::of_state(of), Projection::empty(of));
            for entry in &line {
                fold_within(&mut state, entry, &ledger).unwrap();
                fold_within(&mut whole, entry, &ledger).unwrap();
                assert_eq!(state.world, whole.world);
                assert_eq!((state.total, &state.spent), (whole.total, &whole.spent));
                assert_eq!(
                    state.holds.keys().collect::<Vec<_>>(),
                    whole.holds.keys().collect::<Vec<_>>()
                );
                assert_eq!(state.open_work, whole.open_work);
                assert_eq!(state.authority, whole.authority);
                assert!(state.done.is_empty() && state.story.is_empty() && state.sealed.is_empty());
                assert!(state.calls.len() <= whole.calls.len());
            }
            let open = state.holds.len() + state.open_work.len();
            assert!(state.calls.len() <= open, "{} of {open}", state.calls.len());
        }
    }
}
