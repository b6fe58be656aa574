//! The ledger port, in plain data: append, page, heads, blobs. No file format in sight.

use std::fmt;

use thymos_core::entry::{Draft, InvalidEntry};
use thymos_core::id::Digest;
use thymos_core::merkle::{self, Frontier, Node, TreeHash};
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};

use crate::erase::Mandate;

/// Keeps entries and blobs. Blocking: callers put it on a thread of its own.
///
/// Acknowledged means durable `[L11]`. Writers of several processes serialize; readers never block
/// a writer `[L12]`.
pub trait LedgerStore: Send + Sync {
    /// The log's id, fixed when the ledger was made; only [`Self::adopt`] changes it, once.
    fn log(&self) -> LogId;

    /// Appends batches in one transaction, all or none, and returns the placed entries in order.
    ///
    /// Drafts of one batch share a trajectory. Batches are independent: one whose expectation
    /// fails is refused alone, the others are kept.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was kept. After [`StoreError::Poisoned`] nothing ever will be.
    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError>;

    /// Whether an append is short enough to wait for on the spot: a disk of this machine at most, no
    /// network and nobody's answer.
    fn appends_are_short(&self) -> bool {
        false
    }

    /// Takes over entries of a log that have their places already, with blobs and checkpoints: in one
    /// transaction, all or nothing, durable when it returns `[L16]`. Gives the number of entries that
    /// are new here.
    ///
    /// - A store without entries becomes the log `log`: [`Self::log`] says so from then on, and whoever
    ///   else has it open under the old id must not append any more. One with entries must be of it.
    /// - An entry at an index that is taken must have the id of the one there; then nothing changes, and
    ///   a body that was erased stays so. Else all is refused as [`Unfit::Parted`].
    /// - Any other entry must be the next: of this log, its index the length of the log, its sequence
    ///   number the length of its trajectory, its previous entry the head. It is kept byte for byte, the
    ///   tree grows with it, and the bell rings once at the end. Else all is refused as [`Unfit::Gap`].
    /// - A blob behind the entries that mention it is left out where their bodies were erased here, and no
    ///   other body mentions it `[L3]`.
    /// - Other blobs, and checkpoints, are kept as by [`Self::put_blob`], [`Self::put_sealed_blob`] and
    ///   [`Self::put_checkpoint`].
    ///
    /// Pieces are taken one by one, so that memory does not grow with their number. An error among them
    /// ends all, and nothing is kept.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was kept; after [`StoreError::Poisoned`] nothing ever will be.
    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError>;

    /// Entries of one trajectory from `seq` on, at most `limit`, in order. There may be fewer though more
    /// follow: a page ends with the entry that fills [`PAGE_BYTES_MAX`]. Only an empty one is the end.
    ///
    /// # Errors
    /// [`StoreError`].
    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Entries of the whole log from `index` on, at most `limit`, in order, undecoded: what is
    /// stored may be corrupt, and a verifier must see it all the same. A page ends as in [`Self::page`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError>;

    /// The hash of a whole subtree of the log's Merkle tree `[L6]`. One that keeps no tree reads every
    /// leaf of it.
    ///
    /// # Errors
    /// [`StoreError`], also when the log ends before it or an entry of it is missing.
    fn node(&self, node: Node) -> Result<TreeHash, StoreError> {
        computed(self, node)
    }

    /// The root over the first `size` entries.
    ///
    /// # Errors
    /// [`StoreError`], also when the log is shorter.
    fn root(&self, size: u64) -> Result<TreeHash, StoreError> {
        merkle::root(size, |node| self.node(node))
    }

    /// The proof that the entry at `index` stands in the tree of `size` entries `[L8]`; none where it
    /// does not.
    ///
    /// # Errors
    /// As [`Self::root`].
    fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        merkle::inclusion(index, size, |node| self.node(node))
    }

    /// The proof that the tree of `old` entries is the beginning of that of `new`; none where `old` is
    /// larger `[L8]`.
    ///
    /// # Errors
    /// As [`Self::root`].
    fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        merkle::consistency(old, new, |node| self.node(node))
    }

    /// Keeps the signed checkpoint of a size, durably; of one size only the first is kept `[L7]`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError>;

    /// Kept checkpoints of at least this size, smallest first. Believed by nobody as they are.
    ///
    /// # Errors
    /// [`StoreError`].
    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError>;

    /// One entry by id.
    ///
    /// # Errors
    /// [`StoreError`].
    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError>;

    /// The newest entry of every trajectory, most recently changed first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn heads(&self) -> Result<Vec<Head>, StoreError>;

    /// Entries of the log: the next index.
    ///
    /// # Errors
    /// [`StoreError`].
    fn len(&self) -> Result<u64, StoreError>;

    /// Whether the log has no entry.
    ///
    /// # Errors
    /// [`StoreError`].
    fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.len()? == 0)
    }

    /// Ids that start with these hex digits: entries, trajectories. At most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError>;

    /// Keeps a blob; keeping it twice is one blob. Durable at the latest with the next append.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError>;

    /// Reads a blob and checks its digest; none also when it is kept sealed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are not those of the digest.
    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a sealed blob, an [`Envelope`](thymos_core::sealed::Envelope) in its stored form, under
    /// the digest of what it holds. Where that is kept already, sealed or not, nothing changes.
    ///
    /// # Errors
    /// [`StoreError`], also when the bytes are no whole envelope.
    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError>;

    /// Reads the envelope of a sealed blob; none when there is none, or when it was kept in plain.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are neither.
    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// Those of these digests under which no content is kept, neither plain nor sealed. Judges by what is
    /// found and reads no content, where the store can.
    ///
    /// # Errors
    /// [`StoreError`].
    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let mut lacking = Vec::new();
        for digest in digests {
            if self.blob(digest)?.is_none() && self.sealed_blob(digest)?.is_none() {
                lacking.push(*digest);
            }
        }
        Ok(lacking)
    }

    /// Destroys salt and body of every entry that an `erased` entry on record names, and the blobs that
    /// only those bodies mention `[L3]`: in one transaction, durable when it returns. Whatever else
    /// keeps a copy of those bytes beside the rows is emptied too, or it is said that it was not.
    ///
    /// It takes nobody's word: the store reads the `erased` entries itself, and passes over one that
    /// names another id than stands at that place, what comes after it, or a kind that
    /// [may not go](thymos_core::Kind::may_be_erased). One that the mandate does not allow stays open, for
    /// whoever comes with another. Doing it again changes nothing, so whoever was killed between the entry
    /// and this is finished by the next call. Opening a store destroys nothing by itself.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was destroyed; a store that is only read destroys nothing.
    fn destroy_erased(&self, _mandate: &Mandate) -> Result<Destroyed, StoreError> {
        Err(StoreError::Open {
            path: "ledger".to_owned(),
            reason: "nothing is erased in what is only read".to_owned(),
        })
    }

    /// Whether whoever opened it has the rights that erasing takes. Asked before an order is recorded, since
    /// one that nobody here can carry out would stand for good.
    ///
    /// # Errors
    /// [`StoreError`].
    fn may_erase(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// What a walk over the rows cannot see: the engine's own structures, and blobs that are not
    /// what their digest says. One sentence a finding; none when all is well.
    ///
    /// # Errors
    /// [`StoreError`].
    fn check_engine(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    /// Calls `bell` after every change, also one made by another process, until dropped.
    ///
    /// # Errors
    /// [`StoreError`] when changes cannot be watched here; the caller then sees its own only.
    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError>;
}

/// A subtree of a store that keeps no tree, from its entries.
fn computed<S: LedgerStore + ?Sized>(store: &S, node: Node) -> Result<TreeHash, StoreError> {
    let leaves = 1_u64.checked_shl(node.level).unwrap_or(u64::MAX);
    let mut tree = Frontier::new();
    while tree.size() < leaves {
        let next = node.end.saturating_sub(leaves) + tree.size();
        let due = (leaves - tree.size()).min(ROWS_AT_ONCE);
        let rows = store.scan(next, usize::try_from(due).unwrap_or(usize::MAX))?;
        let missing = |reason: String| StoreError::Corrupt {
            path: "ledger".to_owned(),
            at: format!("entry at index {next}"),
            reason,
        };
        if rows.is_empty() {
            return Err(missing("the log ends before it".to_owned()));
        }
        for (due, row) in (next..).zip(rows) {
            let entry = row.entry.map_err(|e| missing(e.to_string()))?;
            if row.index != due {
                return Err(missing("it is missing".to_owned()));
            }
            tree.push(merkle::leaf(entry.id.as_bytes()), |_, _| {});
        }
    }
    Ok(tree.root())
}

/// Rows that are read at once where a subtree is computed.
const ROWS_AT_ONCE: u64 = 1_024;

/// Bytes of headers and bodies after which a page ends: what is read at once takes no more than this and
/// one entry, however large entries are.
pub const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How full a page is.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageBytes(usize);

impl PageBytes {
    /// Whether another entry is read.
    #[must_use]
    pub const fn has_room(self) -> bool {
        self.0 < PAGE_BYTES_MAX
    }

    /// One more entry.
    pub fn add(&mut self, entry: &Entry) {
        self.add_bytes(entry.header_bytes.len());
        self.add_bytes(entry.body().map_or(0, <[u8]>::len));
    }

    /// The same, of an entry that perhaps is none.
    pub fn add_bytes(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }
}

/// Keeps a watch alive; dropping it ends the watch.
pub struct Watch(#[doc(hidden)] pub Box<dyn Send + Sync>);

/// Drafts of one trajectory, appended together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The trajectory; equal to each draft's.
    pub trajectory: TrajectoryId,
    /// What its length must be: the sequence number of the first draft. Compare-and-set, so that
    /// two processes cannot fork a trajectory `[L10]`.
    pub at_seq: u64,
    /// In order; at least one.
    pub drafts: Vec<Draft>,
}

/// The trajectory was longer (or shorter) than expected; nothing of the batch was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// What the batch expected.
    pub expected: u64,
    /// The trajectory's length now.
    pub found: u64,
}

/// Something that a store takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// An entry with its place, read by [`Entry::read`].
    Entry(Box<Entry>),
    /// Content.
    Blob(Vec<u8>),
    /// Sealed content, in its envelope.
    SealedBlob(Vec<u8>),
    /// A signed checkpoint: its size, and the note.
    Checkpoint(u64, String),
}

/// What was destroyed by one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Destroyed {
    /// Bodies, each with its salt.
    pub bodies: u64,
    /// Blobs.
    pub blobs: u64,
    /// Copies of them may still stand beside the rows, because somebody was reading; the next call
    /// tries again.
    pub left_over: bool,
}

/// Why nothing was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The store has entries, of this other log.
    OtherLog(LogId),
    /// The store has another entry at this index.
    Parted(u64),
    /// The entry of this index is not the next one.
    Gap(u64),
}

/// A row as stored, perhaps corrupt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The position the store found it at.
    pub index: u64,
    /// The entry, or what is wrong with its bytes.
    pub entry: Result<Entry, InvalidEntry>,
    /// Index columns kept beside the bytes that disagree with them, named for a person; they are
    /// rebuilt, never trusted `[L1]`.
    pub disagreements: Vec<String>,
    /// Whole subtrees of the Merkle tree that the store keeps as ending with this entry, smallest
    /// first; none where it keeps no tree `[L6]`.
    pub tree: Option<Vec<(Node, TreeHash)>>,
}

/// The newest entry of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which.
    pub trajectory: TrajectoryId,
    /// Its newest sequence number.
    pub seq: u64,
    /// Its newest entry.
    pub entry: EntryId,
    /// That entry's position in the log.
    pub index: u64,
    /// When it was appended.
    pub at_ms: thymos_core::Timestamp,
}

/// What an id prefix may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// An entry of a trajectory.
    Entry(EntryId, TrajectoryId, u64),
    /// A trajectory.
    Trajectory(TrajectoryId),
}

/// Why the store could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// No such file or folder, or no right to it; path and reason.
    Open {
        /// The path.
        path: String,
        /// The operating system's words.
        reason: String,
    },
    /// Another process holds the writer's lock for too long.
    Locked {
        /// The path.
        path: String,
    },
    /// Made by a newer version of the program.
    Newer {
        /// The path.
        path: String,
        /// Its format version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Not a thymos ledger at all.
    Foreign {
        /// The path.
        path: String,
    },
    /// What is stored is not what was written.
    Corrupt {
        /// The path.
        path: String,
        /// Where, as far as known: `entry at index 17`.
        at: String,
        /// What is wrong.
        reason: String,
    },
    /// Its server cannot be reached; nothing was kept, and appending works again when it is back.
    Away {
        /// The path.
        path: String,
        /// What was seen of it.
        reason: String,
    },
    /// The disk is full; nothing was kept, and appending works again when there is room `[L11]`.
    Full {
        /// The path.
        path: String,
    },
    /// A sync failed; this writer takes nothing more until the ledger is reopened `[L11]`.
    Poisoned {
        /// The path.
        path: String,
        /// The operating system's words.
        reason: String,
    },
    /// A draft could not become an entry.
    Draft(InvalidEntry),
    /// Any other refusal of the engine.
    Engine {
        /// The path.
        path: String,
        /// Its words.
        reason: String,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, reason } => write!(f, "ledger `{path}` cannot be opened: {reason}"),
            Self::Locked { path } => write!(f, "ledger `{path}` is locked by another process"),
            Self::Newer { path, found, known } => write!(
                f,
                "ledger `{path}` has format version {found}, and this program knows {known}"
            ),
            Self::Foreign { path } => write!(f, "`{path}` is not a thymos ledger"),
            Self::Corrupt { path, at, reason } => {
                write!(f, "ledger `{path}` is corrupt at {at}: {reason}")
            }
            Self::Away { path, reason } => {
                write!(f, "ledger `{path}` cannot be reached: {reason}")
            }
            Self::Full { path } => write!(f, "no room left on the disk of ledger `{path}`"),
            Self::Poisoned { path, reason } => {
                write!(
                    f,
                    "ledger `{path}` could not be synced and takes no more entries: {reason}"
                )
            }
            Self::Draft(invalid) => write!(f, "entry cannot be stored: {invalid}"),
            Self::Engine { path, reason } => write!(f, "ledger `{path}`: {reason}"),
        }
    }
}

impl std::error::Error for StoreError {}
