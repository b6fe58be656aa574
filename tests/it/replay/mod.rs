//! Frozen ledgers: every format ever shipped must verify, and fold to the same, for ever `[L13]`.

mod conservation;
mod forgers;
mod kept;
mod kernel;
mod lanes;
mod mutants;
mod points;
mod rarer;
pub(crate) mod record;
mod scenario;
mod simulation;
mod snapshot;
mod time;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_replay::verify::{Keeper, KeptNote};
use thymos_replay::{Level, Report, Row, Verifier};

/// Kinds that a session can write today. The others belong to features that are not built.
const WRITTEN_TODAY: [&str; 18] = [
    "approval",
    "closed",
    "commit",
    "failure",
    "intent",
    "message",
    "mode_changed",
    "pending_approval",
    "policy_loaded",
    "reconciled",
    "rejection",
    "root",
    "started",
    "superseded",
    "tools_pinned",
    "usage",
    "writ_issued",
    "writ_revoked",
];

/// Every format that was ever written.
const FORMATS: [&str; 3] = ["v1", "v2", "v3"];

fn golden(format: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ledgers");
    all.join(format)
}

fn rows(store: &dyn LedgerStore) -> Vec<Row> {
    let rows = store.scan(0, 100_000).unwrap().into_iter();
    rows.map(|row| Row {
        index: row.index,
        entry: row.entry,
        disagreements: row.disagreements,
        tree: row.tree,
    })
    .collect()
}

fn kinds(rows: &[Row]) -> BTreeSet<String> {
    let kind = |row: &Row| row.entry.as_ref().unwrap().header.kind.clone();
    rows.iter().map(kind).collect()
}

fn verify(rows: &[Row]) -> Report {
    let mut verifier = Verifier::new(Level::V4, kernel::roots());
    for row in rows {
        verifier.push(row);
    }
    verifier.finish(Some(rows.len() as u64))
}

/// Opens a copy: the frozen file itself must not even gain a write-ahead file beside it.
fn open_copy(format: &str, folder: &Path) -> SqliteLedger {
    let copy = folder.join("ledger.db");
    std::fs::copy(golden(format).join("ledger.db"), &copy).unwrap();
    SqliteLedger::open_read_only(&copy).unwrap()
}

#[test]
fn l13_every_golden_ledger_verifies_to_v4() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open_copy(format, folder.path());
        let rows = rows(&ledger);
        let report = verify(&rows);
        assert_eq!(report.findings, []);
        assert_eq!(report.checked.integrity, rows.len() as u64);
        assert_eq!(report.checked.state, rows.len() as u64);
        assert!(report.checked.decisions > 0 && report.checked.identity > 0);
        assert_eq!(ledger.check_engine().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn l13_the_golden_ledger_of_v2_agrees_with_its_tree_and_its_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open_copy("v2", folder.path());
    let kept = ledger.checkpoints(0).unwrap();
    let note = |(size, note): (u64, String)| KeptNote {
        keeper: Keeper::Ledger,
        line: usize::try_from(size).unwrap(),
        note,
    };
    let notes: Vec<KeptNote> = kept.into_iter().map(note).collect();
    let roots = kernel::roots();
    let mut verifier = Verifier::new(Level::V1, roots.clone()).with_checkpoints(&notes, &roots);
    for row in rows(&ledger) {
        assert!(row.tree.is_some());
        verifier.push(&row);
    }
    let report = verifier.finish(None);
    assert_eq!(report.findings, []);
    assert_eq!(report.checkpoints.agreed, 2);
}

#[test]
fn l13_the_golden_ledger_of_v1_gets_a_tree_when_it_is_written_to_and_stays_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let before = rows(&open_copy("v1", folder.path()));
    assert!(before.iter().all(|row| row.tree.is_none()));
    let genesis = Genesis { random: [9; 32] };
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db"), genesis).unwrap();
    let after = rows(&ledger);
    let kept = after.iter().flat_map(|row| row.tree.as_ref().unwrap());
    assert_eq!(
        kept.count(),
        after.len() / 16 + after.len() / 32 + after.len() / 64
    );
    assert_eq!(verify(&after).findings, []);
    let bare = after.into_iter().map(|row| Row { tree: None, ..row });
    assert_eq!(bare.collect::<Vec<Row>>(), before);
}

#[test]
fn l13_every_golden_ledger_folds_to_the_same_projection_for_ever() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open_copy(format, folder.path());
        let frozen = std::fs::read_to_string(golden(format).join("projection.json")).unwrap();
        let frozen: serde_json::Value = serde_json::from_str(&frozen).unwrap();
        pretty_eq(&snapshot::of(&ledger), &frozen);
    }
}

/// Compares as text, so that a difference is a line of a diff.
fn pretty_eq(found: &serde_json::Value, expected: &serde_json::Value) {
    let (found, expected) = (snapshot::pretty(found), snapshot::pretty(expected));
    for (at, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {} of projection.json", at + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn l13_every_golden_ledger_holds_every_kind_written_when_it_was_frozen() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let found = kinds(&rows(&open_copy(format, folder.path())));
        assert_eq!(found, WRITTEN_TODAY.map(str::to_owned).into());
    }
}

#[test]
fn l13_no_golden_ledger_names_a_machine() {
    let all = FORMATS.map(|format| std::fs::read(golden(format).join("ledger.db")).unwrap());
    let bytes = all.concat();
    for word in ["/tmp/", "/home/", "/root/", "/usr/", "target/"] {
        let found = bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes());
        assert!(!found, "`{word}` stands in the frozen ledger");
    }
}

/// The scenario behind the frozen file, played anew: still every kind, still sound. What it makes
/// is left in the target folder, from where a file of a later format is taken and frozen.
#[test]
fn l13_the_scenario_of_the_golden_ledger_still_writes_every_kind() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("ledger.db");
    scenario::play(&path);
    let ledger = SqliteLedger::open_read_only(&path).unwrap();
    let rows = rows(&ledger);
    assert_eq!(verify(&rows).findings, []);
    assert_eq!(kinds(&rows), WRITTEN_TODAY.map(str::to_owned).into());
    let text = snapshot::pretty(&snapshot::of(&ledger));
    std::fs::write(folder.join("projection.json"), text).unwrap();
}
