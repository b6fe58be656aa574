//! Ports of one process with a point before and after each thing that changes the world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thymos::wire::snapshots::SnapshotFiles;
use thymos_core::body::Body;
use thymos_core::entry::Draft;
use thymos_core::id::ProposalId;
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::{Digest, Entry, EntryId, Kind, LogId, Timestamp, TrajectoryId};
use thymos_ports::store::{
    Batch, Conflict, Found, Head, Piece, StoreError, StoredRow, Unfit, Watch,
};
use thymos_ports::{Clock, Entropy, LedgerStore};
use thymos_runtime::checkpoint::Outside;
use thymos_runtime::snapshot::SnapshotPlace;
use thymos_testkit::fixtures::NOON;
use thymos_testkit::{Failing, SeededEntropy};
use tokio::time::Instant;

use super::points::Points;

/// Kinds by which an append is called that has others behind them.
const NAMING: &[Kind] = &[Kind::Branch, Kind::SkillBound];

/// A ledger.
pub(super) struct Seam {
    pub(super) inner: Failing,
    points: Points,
    wal: PathBuf,
    tools: Mutex<BTreeMap<ProposalId, String>>,
}

impl Seam {
    /// `file` is where it stands, or would.
    pub(super) fn over(inner: Box<dyn LedgerStore>, file: &Path, points: Points) -> Self {
        let wal = PathBuf::from(format!("{}-wal", file.display()));
        Self {
            inner: Failing::over(inner),
            points,
            wal,
            tools: Mutex::default(),
        }
    }

    /// Entries of the ledger, as a tool sees them that must not fail.
    pub(super) fn length(&self) -> u64 {
        self.inner.inner().len().unwrap()
    }

    /// What an append is called: by the step it records and the tool of it, or what it is made for.
    fn label(&self, batches: &[Batch]) -> String {
        let drafts = || batches.iter().flat_map(|batch| &batch.drafts);
        let steps = drafts().filter_map(|draft| self.step(draft));
        let made_for = drafts()
            .map(|draft| draft.kind)
            .find(|kind| NAMING.contains(kind));
        let last = made_for.or_else(|| drafts().last().map(|draft| draft.kind));
        let last = last.map_or("nothing", Kind::word);
        steps.last().unwrap_or_else(|| last.to_owned())
    }

    fn step(&self, draft: &Draft) -> Option<String> {
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        let (step, proposal) = match Body::decode(draft.kind, draft.body.as_bytes()).unwrap() {
            Body::Started(body) => {
                let tool = &body.decided.proposal.intent.tool;
                tools.insert(body.proposal, tool.clone());
                ("started", body.proposal)
            }
            Body::Commit(body) => ("commit", body.proposal),
            Body::Failure(body) => ("failure", body.proposal),
            // Its beginning was another process's.
            Body::Reconciled(_) => return Some("reconciled".to_owned()),
            _ => return None,
        };
        let tool = tools.get(&proposal).map_or("unknown", String::as_str);
        Some(format!("{step}:{tool}"))
    }
}

impl LedgerStore for Seam {
    fn log(&self) -> LogId {
        self.inner.log()
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        let label = self.label(&batches);
        let drafts: usize = batches.iter().map(|batch| batch.drafts.len()).sum();
        self.points.say(&format!("will {drafts}"));
        let acknowledge = |placed: &Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError>| {
            for entry in placed.iter().flatten().flatten().flatten() {
                self.points.acknowledge(entry.header.index, entry.id);
            }
        };
        let append = || self.inner.append(batches);
        self.points
            .around_and(&label, &self.wal, append, acknowledge)
    }

    fn appends_are_short(&self) -> bool {
        self.inner.appends_are_short()
    }

    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        self.inner.adopt(log, pieces)
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.page(trajectory, seq, limit)
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        self.inner.scan(index, limit)
    }

    fn node(&self, node: Node) -> Result<TreeHash, StoreError> {
        self.inner.node(node)
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        let put = || self.inner.put_checkpoint(size, note);
        self.points.around("checkpoint", &self.wal, put)
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.inner.checkpoints(from_size)
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.inner.entry(id)
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.inner.heads()
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.inner.len()
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        self.inner.find_prefix(prefix, limit)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let put = || self.inner.put_blob(bytes);
        self.points.around("blob", &self.wal, put)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.blob(digest)
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        self.inner.put_sealed_blob(envelope)
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.sealed_blob(digest)
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        self.inner.lacking(digests)
    }

    fn check_engine(&self) -> Result<Vec<String>, StoreError> {
        self.inner.check_engine()
    }

    // Nobody else writes while it lives, and a thread that listens would make the order chance.
    fn watch(&self, _bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        Ok(Watch(Box::new(())))
    }
}

/// Time of one process: an hour after the one before it.
pub(super) struct SeamClock {
    first: Timestamp,
    from: Instant,
    points: Points,
}

impl SeamClock {
    pub(super) fn of(process: u64, points: Points) -> Self {
        Self {
            first: NOON.plus_ms(process * 60 * 60 * 1_000),
            from: Instant::now(),
            points,
        }
    }
}

impl Clock for SeamClock {
    fn now(&self) -> Timestamp {
        self.points.kernel_is_back();
        let passed = u64::try_from(self.from.elapsed().as_millis()).unwrap();
        self.first.plus_ms(passed)
    }
}

/// Chance, a point each time.
pub(super) struct SeamEntropy {
    pub(super) inner: SeededEntropy,
    pub(super) points: Points,
}

impl Entropy for SeamEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.points.pass("drawn");
        self.inner.fill(bytes);
    }
}

/// The snapshots: many, since these stories are short.
pub(super) struct SeamSnapshots {
    pub(super) inner: SnapshotFiles,
    /// A file that is not there: what is written is written beside.
    pub(super) nowhere: PathBuf,
    pub(super) points: Points,
}

impl SnapshotPlace for SeamSnapshots {
    fn read(&self) -> Option<Vec<u8>> {
        self.inner.read()
    }

    fn write(&self, bytes: &[u8]) {
        let write = || self.inner.write(bytes);
        self.points.around("snapshot", &self.nowhere, write);
    }

    fn read_run(&self, run: &TrajectoryId) -> Option<Vec<u8>> {
        self.inner.read_run(run)
    }

    fn write_run(&self, run: &TrajectoryId, bytes: &[u8]) {
        let write = || self.inner.write_run(run, bytes);
        self.points.around("snapshot", &self.nowhere, write);
    }

    fn clear_run(&self, run: &TrajectoryId) {
        self.inner.clear_run(run);
    }

    fn read_checked(&self) -> Option<Vec<u8>> {
        self.inner.read_checked()
    }

    fn write_checked(&self, bytes: &[u8]) {
        let write = || self.inner.write_checked(bytes);
        self.points.around("checked", &self.nowhere, write);
    }

    fn clear(&self) {
        self.inner.clear();
    }

    fn worth_from(&self) -> u64 {
        1
    }

    fn run_entries(&self) -> u64 {
        16
    }
}

/// The checkpoint file.
pub(super) struct SeamOutside {
    pub(super) inner: Arc<dyn Outside>,
    pub(super) points: Points,
}

impl Outside for SeamOutside {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn read(&self) -> Result<String, String> {
        self.inner.read()
    }

    fn tail(&self) -> Result<String, String> {
        self.inner.tail()
    }

    fn append(&self, note: &str) -> Result<(), String> {
        let place = PathBuf::from(self.inner.place());
        let append = || self.inner.append(note);
        self.points.around("outside", &place, append)
    }
}
