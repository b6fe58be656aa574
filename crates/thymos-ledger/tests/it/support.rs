//! What several tests need: a ledger in a folder of its own, samples in it, and a walk over it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tempfile::TempDir;
use thymos_core::merkle::{Frontier, KEPT_LEVEL_MIN, leaf};
use thymos_core::secret::Secret;
use thymos_core::{Entry, EntryId, Kind, TrajectoryId};
use thymos_ledger::{Genesis, Server, SqliteLedger, TlsMode};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{sample_batch, sample_draft};
use thymos_ports::store::{Batch, StoreError, StoredRow};
use thymos_testkit::postgres::Database;

pub(crate) const GENESIS: Genesis = Genesis { random: [1; 32] };

/// A folder that goes with the value, and a ledger's path in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("ledger.db");
        Self { folder, path }
    }

    pub(crate) fn open(&self) -> SqliteLedger {
        SqliteLedger::open(&self.path, GENESIS).unwrap()
    }
}

/// A database as the ledger is told of it.
pub(crate) fn server(database: &Database) -> Server {
    let (user, password) = database.role();
    Server {
        hosts: vec![database.address()],
        user,
        password: password.map(Secret::new),
        database: database.name().to_owned(),
        tls: TlsMode::Disable,
        roots: None,
        connect_ms: 10_000,
    }
}

pub(crate) fn line(number: u8) -> TrajectoryId {
    TrajectoryId::of(&[number])
}

/// One entry of each kind on line 1 at even indexes, and a message on line 2 after each.
pub(crate) fn fill_with_every_kind(ledger: &dyn LedgerStore) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (number, kind) in (0..).zip(Kind::ALL) {
        let one = Batch {
            trajectory: line(1),
            at_seq: number,
            drafts: vec![sample_draft(line(1), kind, number)],
        };
        let placed = ledger.append(vec![one, sample_batch(line(2), number, 1)]);
        entries.extend(placed.unwrap().into_iter().flat_map(Result::unwrap));
    }
    entries
}

pub(crate) fn append(ledger: &dyn LedgerStore, trajectory: TrajectoryId, at: u64, drafts: u64) {
    let mut outcomes = ledger
        .append(vec![sample_batch(trajectory, at, drafts)])
        .unwrap();
    outcomes.pop().unwrap().unwrap();
}

/// Every row of a log, page by page: one ends when it is full.
pub(crate) fn every_row(ledger: &dyn LedgerStore) -> Result<Vec<StoredRow>, StoreError> {
    let mut rows: Vec<StoredRow> = Vec::new();
    loop {
        let next = rows.last().map_or(0, |row| row.index + 1);
        let page = ledger.scan(next, usize::MAX)?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

/// Entries of a trajectory, counted page by page.
pub(crate) fn length(ledger: &dyn LedgerStore, trajectory: &TrajectoryId) -> u64 {
    let mut length = 0;
    loop {
        let page = ledger.page(trajectory, length, usize::MAX).unwrap();
        if page.is_empty() {
            return length;
        }
        length += page.len() as u64;
    }
}

/// What a reader of rows alone can say against a log: the index, and why.
///
/// `newest` is what somebody remembers of the end; without it a cut tail cannot be seen `[L7]`.
pub(crate) fn walk(ledger: &dyn LedgerStore, newest: Option<&Entry>) -> Vec<(u64, String)> {
    let mut findings = Vec::new();
    let mut due = 0;
    let mut ends: BTreeMap<TrajectoryId, (u64, EntryId)> = BTreeMap::new();
    let mut seen = BTreeMap::new();
    let mut tree = Frontier::new();
    let rows = match every_row(ledger) {
        Ok(rows) => rows,
        Err(error) => return vec![(0, error.to_string())],
    };
    for row in rows {
        if row.index != due {
            findings.push((due, "missing".to_owned()));
        }
        due = row.index + 1;
        let told = row.disagreements.into_iter();
        findings.extend(told.map(|what| (row.index, what)));
        match row.entry {
            Err(invalid) => findings.push((row.index, invalid.to_string())),
            Ok(entry) => {
                let header = &entry.header;
                let end = ends.get(&header.trajectory).copied();
                let seq = end.map_or(0, |(seq, _)| seq + 1);
                if (header.seq, header.prev) != (seq, end.map(|(_, id)| id)) {
                    findings.push((row.index, "does not follow".to_owned()));
                }
                ends.insert(header.trajectory, (header.seq, entry.id));
                seen.insert(row.index, entry.id);
                let mut whole = Vec::new();
                tree.push(leaf(entry.id.as_bytes()), |node, hash| {
                    if node.level >= KEPT_LEVEL_MIN {
                        whole.push((node, hash));
                    }
                });
                // Behind a gap the tree is another one, and the gap was told.
                if tree.size() == due && row.tree.is_some_and(|kept| kept != whole) {
                    findings.push((row.index, "not the tree of the entries".to_owned()));
                }
            }
        }
    }
    if let Some(entry) = newest
        && seen.get(&entry.header.index) != Some(&entry.id)
    {
        findings.push((entry.header.index, "not what was remembered".to_owned()));
    }
    findings
}

/// Puts the guards of formats 1 and 2 where format 3 has stricter ones, word for word.
pub(crate) fn put_looser_guards(connection: &rusqlite::Connection) {
    connection
        .execute_batch(
            "DROP TRIGGER erasures_are_noted; DROP TABLE erasures;
             DROP TRIGGER entries_are_not_rewritten; DROP TRIGGER blobs_are_not_deleted;
             CREATE TRIGGER entries_are_not_rewritten BEFORE UPDATE ON entries
             WHEN NOT (
                 NEW.salt IS NULL AND NEW.body IS NULL
                 AND NEW.idx IS OLD.idx AND NEW.trajectory IS OLD.trajectory AND NEW.seq IS OLD.seq
                 AND NEW.kind IS OLD.kind AND NEW.at_ms IS OLD.at_ms AND NEW.id_head IS OLD.id_head
                 AND NEW.header IS OLD.header
             )
             BEGIN SELECT RAISE(ABORT, 'an entry is never rewritten, only erased'); END;
             CREATE TRIGGER blobs_are_not_deleted BEFORE DELETE ON blobs
             BEGIN SELECT RAISE(ABORT, 'a blob is never deleted'); END;",
        )
        .unwrap();
}
