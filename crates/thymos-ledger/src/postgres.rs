//! [`PostgresLedger`]: the ledger on a PostgreSQL server, for a team and more than one machine.
//!
//! The same bytes, ids and proofs as in a file. One connection writes and holds the leases, a few
//! read, one listens; all of them lead to the primary, for what is decided must not be read from a
//! copy that lags. A thread of its own does the talking, so the port may block its callers anywhere.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thymos_core::id::Digest;
use thymos_core::merkle::{self, Node, TreeHash};
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::erase::Mandate;
use thymos_ports::store::{
    Batch, Conflict, Destroyed, Found, Head, Piece, StoreError, StoredRow, Unfit, Watch,
};

use crate::append::check;
use crate::blob::{self, Kept, Packed};
use crate::ledger::Genesis;

mod adopt;
mod append;
mod check;
mod erase;
mod fault;
mod open;
mod place;
mod read;
mod schema;
mod server;
mod session;
mod tls;
mod watch;
mod worker;
mod writer;

use fault::Trouble;
use place::Place;
use read::ReadNode;
use session::Shared;
use worker::{Boxed, Worker};
use writer::Writer;

pub use server::{Server, TlsMode};
pub use writer::Lease;

/// A ledger in the schema `thymos` of one database.
pub struct PostgresLedger {
    // Held for one append with its trips, which is what serializes this process's writers; nothing
    // else is taken under it. Dropped before the worker, which its connection needs.
    writer: Arc<Mutex<Writer>>,
    place: Arc<Place>,
    read_only: bool,
    worker: Arc<Worker>,
}

impl PostgresLedger {
    /// Opens the ledger of a database; makes it where the database, or an empty schema `thymos` in
    /// it, is there for it.
    ///
    /// # Errors
    /// [`StoreError`]: away, not to be opened as it is (credentials, TLS, rights, a standby), newer,
    /// of another program, corrupt. Nothing is changed then.
    pub fn open(server: Server, genesis: Genesis) -> Result<Self, StoreError> {
        open::writing(server, genesis)
    }

    /// Opens an existing ledger without ever writing to it; none where one could be made.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_read_only(server: Server) -> Result<Option<Self>, StoreError> {
        open::reading(server)
    }

    /// How it is called in messages; holds no secret.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// The right to act on a trajectory, for this process and until dropped; none while anybody has
    /// it, here or on another machine.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the server cannot be asked.
    pub fn lease(&self, trajectory: &TrajectoryId) -> Result<Option<Lease>, StoreError> {
        writer::lease(&self.writer, &self.place, &self.worker, *trajectory)
            .map_err(|trouble| trouble.named(&self.place.name))
    }

    // A panic under the lock leaves no half transaction: the server rolls it back with the session.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T: Send + 'static, L, F>(&self, look: L) -> Result<T, StoreError>
    where
        L: Fn(Shared) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        let place = Arc::clone(&self.place);
        let seen = self.worker.wait(async move {
            let look = move |session| -> Boxed<Result<T, Trouble>> { Box::pin(look(session)) };
            place.read(&look).await
        });
        seen.map_err(|trouble| trouble.named(&self.place.name))
    }

    /// A proof in one trip, whatever its length.
    fn over_tree<T: Send + 'static>(
        &self,
        compute: impl Fn(&mut ReadNode<'_>) -> Result<T, Trouble> + Copy + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        self.read(move |session| async move { read::over_tree(&session, compute).await })
    }

    fn may_write(&self) -> Result<(), StoreError> {
        if self.read_only {
            let reason = "it was opened for reading only".to_owned();
            let path = self.place.name.clone();
            return Err(StoreError::Open { path, reason });
        }
        Ok(())
    }

    fn keep(&self, packed: &Packed<'_>) -> Result<Digest, StoreError> {
        self.may_write()?;
        let digest = packed.digest;
        let known =
            self.read(move |session| async move { read::knows_blob(&session, &digest).await })?;
        if !known {
            self.writer()
                .put_blob(&self.place, &self.worker, writer::Blob::of(packed))
                .map_err(|trouble| trouble.named(&self.place.name))?;
        }
        Ok(digest)
    }

    fn kept(&self, digest: &Digest) -> Result<Option<Kept>, StoreError> {
        let digest = *digest;
        self.read(move |session| async move { read::blob(&session, digest).await })
    }
}

impl LedgerStore for PostgresLedger {
    fn log(&self) -> LogId {
        self.place.log()
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        self.may_write()?;
        check(&self.place.name, &batches)?;
        self.writer()
            .append(&self.place, &self.worker, batches)
            .map_err(|trouble| trouble.named(&self.place.name))
    }

    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        self.may_write()?;
        self.writer().adopt(&self.place, &self.worker, log, pieces)
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let (log, id) = (self.place.log(), *trajectory);
        self.read(move |session| async move { read::page(&session, log, id, (seq, limit)).await })
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        let log = self.place.log();
        self.read(move |session| async move { read::scan(&session, log, (index, limit)).await })
    }

    fn node(&self, node: Node) -> Result<TreeHash, StoreError> {
        self.over_tree(move |read| read(node))
    }

    fn root(&self, size: u64) -> Result<TreeHash, StoreError> {
        self.over_tree(move |read| merkle::root(size, read))
    }

    fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        self.over_tree(move |read| merkle::inclusion(index, size, read))
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        self.over_tree(move |read| merkle::consistency(old, new, read))
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        self.may_write()?;
        self.writer()
            .put_checkpoint(&self.place, &self.worker, (size, note.to_owned()))
            .map_err(|trouble| trouble.named(&self.place.name))
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.read(move |session| async move { read::checkpoints(&session, from_size).await })
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        let (log, id) = (self.place.log(), *id);
        self.read(move |session| async move { read::entry(&session, log, id).await })
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let log = self.place.log();
        self.read(move |session| async move { read::heads(&session, log).await })
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.read(|session| async move { read::len(&session).await })
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        let (log, prefix) = (self.place.log(), Arc::<str>::from(prefix));
        self.read(move |session| {
            let prefix = Arc::clone(&prefix);
            async move { read::find_prefix(&session, log, &prefix, limit).await }
        })
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.keep(&blob::pack(&self.place.name, bytes)?)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.kept(digest)? {
            Some(Kept::Plain(bytes)) => Ok(Some(bytes)),
            Some(Kept::Sealed(_)) | None => Ok(None),
        }
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        self.keep(&blob::sealed(&self.place.name, envelope)?)
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.kept(digest)? {
            Some(Kept::Sealed(envelope)) => Ok(Some(envelope)),
            Some(Kept::Plain(_)) | None => Ok(None),
        }
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let all: Arc<BTreeSet<Digest>> = Arc::new(digests.iter().copied().collect());
        let kept = self.read(move |session| {
            let all = Arc::clone(&all);
            async move { read::kept_of(&session, &all).await }
        })?;
        let lacking = digests.iter().filter(|digest| !kept.contains(digest));
        Ok(lacking.copied().collect())
    }

    fn destroy_erased(&self, mandate: &Mandate) -> Result<Destroyed, StoreError> {
        self.may_write()?;
        self.writer()
            .destroy_erased(&self.place, &self.worker, mandate)
            .map_err(|trouble| trouble.named(&self.place.name))
    }

    fn may_erase(&self) -> Result<bool, StoreError> {
        if self.read_only {
            return Ok(false);
        }
        self.read(|session| async move { erase::may(&session).await })
    }

    fn check_engine(&self) -> Result<Vec<String>, StoreError> {
        self.read(|session| async move { check::engine(&session).await })
    }

    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        watch::start(&self.place, &self.worker, bell)
            .map_err(|trouble| trouble.named(&self.place.name))
    }
}
