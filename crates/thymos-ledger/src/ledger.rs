//! [`SqliteLedger`]: its connections, who may use which, and the port's functions handed on.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::Connection;
use thymos_core::id::Digest;
use thymos_core::merkle::{self, Node, TreeHash};
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::erase::Mandate;
use thymos_ports::store::{
    Batch, Conflict, Destroyed, Found, Head, Piece, StoreError, StoredRow, Unfit, Watch,
};

use crate::append::{self, Grown, Writer};
use crate::bell::Bell;
use crate::blob::Kept;
use crate::fault::{During, Trouble};
use crate::row::stored;
use crate::{blob, check, open, read, tree};

/// Idle reader connections that are kept. More readers than this still run, each on a connection
/// that is closed after use.
const READERS_IDLE_MAX: usize = 4;

/// How long a writer waits for another process's transaction before it says locked.
const BUSY_MS: u32 = 5_000;

/// Where a new log's id comes from. Unused when the ledger exists.
#[derive(Clone, Copy)]
pub struct Genesis {
    /// Bytes drawn at random.
    pub random: [u8; 32],
}

/// How to open.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Milliseconds to wait for another process's transaction before [`StoreError::Locked`].
    pub busy_ms: u32,
    /// Leave out every sync: nothing is durable then, and a power cut can ruin the file. For scratch
    /// ledgers that are made, measured and thrown away.
    pub unsynced: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy_ms: BUSY_MS,
            unsynced: false,
        }
    }
}

/// A ledger in one SQLite file, or in memory for as long as the value lives.
///
/// Nothing else in this process may open the file and close it again: POSIX drops all of a
/// process's locks on a file when any of its descriptors is closed, and another process could
/// then take the write-ahead file away. Look at it through this type only.
pub struct SqliteLedger {
    path: PathBuf,
    name: String,
    log: LogId,
    /// The log that was taken over, once at most: only an empty ledger can.
    adopted: OnceLock<LogId>,
    /// Device and inode of the file that was opened; none in memory.
    file: Option<(u64, u64)>,
    /// Whether there is a tree beside the entries: not in a file of format 1 that is only read.
    keeps_tree: bool,
    // Held only to take a connection or to put it back, never while one is used [L12]. INVARIANT: dropped before
    // `writer`, because only the connection that is closed last, if it writes, empties the
    // write-ahead file.
    readers: Mutex<Vec<Connection>>,
    // Held for one transaction, the sync included: that is what serializes this process's writers.
    // Taken alone; no other lock is taken under it but the bell's, which never blocks.
    writer: Mutex<Writer>,
    source: Source,
    bell: Bell,
}

/// Where reader connections come from.
pub(crate) enum Source {
    /// Opened on the file as needed.
    File { options: Options, reading: Reading },
    /// There is no file: readers share the writer's connection.
    Memory,
}

/// How readers share the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// With whoever writes it.
    Shared,
    /// With nobody: it has no write-ahead file, and is read as bytes that do not change.
    Still,
    /// With nobody, and its write-ahead file is read too: a copy of both, or what a crash left.
    Apart,
}

/// What `open` found out, and this file keeps.
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) log: LogId,
    pub(crate) connection: Connection,
    pub(crate) grown: Grown,
    pub(crate) read_only: bool,
    pub(crate) keeps_tree: bool,
    pub(crate) source: Source,
    pub(crate) bell: Bell,
}

impl SqliteLedger {
    /// Opens the ledger at `path`; makes it (0600, its folder 0700) when there is none.
    ///
    /// # Errors
    /// [`StoreError`], a variant of its own for each: no permission, locked, newer, foreign,
    /// corrupt, disk full.
    pub fn open(path: &Path, genesis: Genesis) -> Result<Self, StoreError> {
        Self::open_with(path, genesis, Options::default())
    }

    /// As [`Self::open`], with another patience.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: &Path, genesis: Genesis, options: Options) -> Result<Self, StoreError> {
        open::file(path, genesis, options).map(Self::from_opened)
    }

    /// Opens an existing ledger without ever writing to it.
    ///
    /// # Errors
    /// As [`Self::open`]; also when there is no such file.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        open::read_only(path, Options::default()).map(Self::from_opened)
    }

    /// As [`Self::open_read_only`], and makes nothing beside the file either: for evidence, and for
    /// folders that cannot be written. What others write meanwhile may not be seen, or be seen in part.
    ///
    /// # Errors
    /// As [`Self::open_read_only`].
    pub fn open_untouched(path: &Path) -> Result<Self, StoreError> {
        open::untouched(path, Options::default()).map(Self::from_opened)
    }

    /// Makes a ledger that lives in memory.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when the engine has no memory left.
    pub fn in_memory(genesis: Genesis) -> Result<Self, StoreError> {
        open::memory(genesis).map(Self::from_opened)
    }

    /// Where it is; `:memory:` for one without a file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn from_opened(opened: Opened) -> Self {
        let name = opened.path.display().to_string();
        let Opened {
            connection,
            grown,
            log,
            read_only,
            ..
        } = opened;
        let file = match &opened.source {
            Source::File { .. } => identity(&opened.path),
            Source::Memory => None,
        };
        Self {
            file,
            writer: Mutex::new(Writer::new(connection, grown, log, read_only)),
            readers: Mutex::new(Vec::new()),
            path: opened.path,
            log: opened.log,
            adopted: OnceLock::new(),
            keeps_tree: opened.keeps_tree,
            source: opened.source,
            bell: opened.bell,
            name,
        }
    }

    // A panic under the lock leaves no half transaction: rusqlite rolls it back while unwinding.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer, if what it writes to is the ledger still.
    fn writing(&self) -> Result<MutexGuard<'_, Writer>, StoreError> {
        self.still_there()?;
        Ok(self.writer())
    }

    /// `[L11]` A file that was removed or replaced is no ledger any more: what is written to it is lost when it
    /// is closed, and what is read by its name is of another.
    fn still_there(&self) -> Result<(), StoreError> {
        if self.file.is_none() || self.file == identity(&self.path) {
            return Ok(());
        }
        Err(StoreError::Open {
            path: self.name.clone(),
            reason: "it was removed or replaced while it was open".to_owned(),
        })
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What follows from nodes of the tree. They are read in one transaction: a proof has some twenty of them,
    /// and each by itself would take the lock of a reader anew.
    fn over_tree<T>(
        &self,
        compute: impl FnOnce(&mut dyn FnMut(Node) -> Result<TreeHash, Trouble>) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        self.read(|connection| {
            let _moment = connection.unchecked_transaction()?;
            compute(&mut |node| match self.keeps_tree {
                true => tree::read(connection, node),
                false => tree::compute(connection, node),
            })
        })
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        self.still_there()?;
        let (options, reading) = match &self.source {
            Source::Memory => {
                return look(self.writer().connection())
                    .map_err(|e| e.named(&self.name, During::Read));
            }
            Source::File { options, reading } => (options, *reading),
        };
        let idle = self.readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path, options, reading)
                .map_err(|e| Trouble::from(e).named(&self.name, During::Open))?,
        };
        let seen = look(&connection).map_err(|e| e.named(&self.name, During::Read));
        let mut readers = self.readers();
        if readers.len() < READERS_IDLE_MAX {
            readers.push(connection);
        }
        seen
    }
}

/// Which file stands at a path; none where none does.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

impl LedgerStore for SqliteLedger {
    fn log(&self) -> LogId {
        self.adopted.get().copied().unwrap_or(self.log)
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        append::check(&self.name, &batches)?;
        let placed = self.writing()?.append(&self.name, batches)?;
        if placed
            .iter()
            .any(|batch| batch.as_ref().is_ok_and(|entries| !entries.is_empty()))
        {
            self.bell.ring();
        }
        Ok(placed)
    }

    fn appends_are_short(&self) -> bool {
        true
    }

    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        let taken = self.writing()?.adopt(&self.name, log, pieces)?;
        if taken.is_ok() {
            if log != self.log {
                // Set before at most by another thread, to the same.
                self.adopted.get_or_init(|| log);
            }
            self.bell.ring();
        }
        Ok(taken)
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.read(|connection| read::page(connection, &self.log(), trajectory, (seq, limit)))
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        let keeps_tree = self.keeps_tree;
        self.read(|connection| read::scan(connection, (&self.log(), keeps_tree), index, limit))
    }

    fn node(&self, node: Node) -> Result<TreeHash, StoreError> {
        self.over_tree(|read| read(node))
    }

    fn root(&self, size: u64) -> Result<TreeHash, StoreError> {
        self.over_tree(|read| merkle::root(size, read))
    }

    fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        self.over_tree(|read| merkle::inclusion(index, size, read))
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        self.over_tree(|read| merkle::consistency(old, new, read))
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        let size = stored(size).unwrap_or(i64::MAX);
        self.writing()?.put_checkpoint(&self.name, size, note)
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        match self.keeps_tree {
            true => self.read(|connection| tree::checkpoints(connection, from_size)),
            false => Ok(Vec::new()),
        }
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.read(|connection| read::entry(connection, &self.log(), id))
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.read(|connection| read::heads(connection, &self.log()))
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.read(read::len)
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        self.read(|connection| read::find_prefix(connection, &self.log(), prefix, limit))
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        // Packing takes longer than looking, and what a call overwrites is kept twice: before and within it.
        let digest = Digest::of(bytes);
        if !self.read(|connection| blob::known(connection, &digest))? {
            let packed = blob::pack(&self.name, bytes)?;
            self.writing()?.put_blob(&self.name, &packed)?;
        }
        Ok(digest)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.read(|connection| blob::read(connection, digest))? {
            Some(Kept::Plain(bytes)) => Ok(Some(bytes)),
            Some(Kept::Sealed(_)) | None => Ok(None),
        }
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        let packed = blob::sealed(&self.name, envelope)?;
        if !self.read(|connection| blob::known(connection, &packed.digest))? {
            self.writing()?.put_blob(&self.name, &packed)?;
        }
        Ok(packed.digest)
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.read(|connection| blob::read(connection, digest))? {
            Some(Kept::Sealed(envelope)) => Ok(Some(envelope)),
            Some(Kept::Plain(_)) | None => Ok(None),
        }
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        self.read(|connection| blob::lacking(connection, digests))
    }

    fn destroy_erased(&self, mandate: &Mandate) -> Result<Destroyed, StoreError> {
        self.writing()?.destroy_erased(&self.name, mandate)
    }

    fn check_engine(&self) -> Result<Vec<String>, StoreError> {
        self.read(check::engine)
    }

    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        self.bell.watch(bell)
    }
}
