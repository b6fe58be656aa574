//! The connection that writes, and the leases that live and die with it.
//!
//! A lease is an advisory lock of this very session. So a process whose connection is gone has
//! neither: before it appends again it takes its leases anew, and one that somebody else took
//! meanwhile stays lost. Nobody acts on a lease that the server does not know.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thymos_core::id::Digest;
use thymos_core::{LogId, TrajectoryId};
use thymos_ports::erase::Mandate;
use thymos_ports::store::{Batch, Destroyed};
use tokio::time::sleep;
use tokio_postgres::types::Type;

use super::Place;
use super::append::{self, Memory, Outcome, Placed};
use super::erase;
use super::fault::Trouble;
use super::session::{Backend, Given, Session, Shared};
use super::worker::Worker;
use crate::blob::Packed;
use crate::row::stored;

/// How long it is asked what became of a commit, in the time that one connection may take: half a
/// minute as a rule, in which a server starts again or its replica takes over.
const PATIENCE: u64 = 3;

/// The first pause between attempts; each is twice as long as the one before.
const PAUSE_MS: u64 = 50;

/// A blob's row.
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: i64,
    pub(crate) packed: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Blob {
    pub(crate) fn of(packed: &Packed<'_>) -> Self {
        Self {
            digest: packed.digest,
            size: packed.size(),
            packed: packed.is_packed(),
            bytes: packed.bytes().to_vec(),
        }
    }
}

/// What one process writes with.
pub(crate) struct Writer {
    pub(super) line: Line,
    pub(super) poisoned: Option<String>,
    pub(super) memory: Memory,
}

/// The connection and what it holds at the server.
#[derive(Clone, Default)]
pub(super) struct Line {
    pub(super) session: Option<Shared>,
    /// The server's process of the last connection; what it left behind is ended first.
    backend: Option<Backend>,
    held: BTreeSet<TrajectoryId>,
    lost: BTreeSet<TrajectoryId>,
}

impl Writer {
    pub(crate) fn new(session: Option<Shared>) -> Self {
        Self {
            line: Line {
                backend: session.as_ref().map(|session| session.backend.clone()),
                session,
                ..Line::default()
            },
            poisoned: None,
            memory: Memory::default(),
        }
    }

    /// One transaction for all batches; acknowledged when it is durable.
    pub(crate) fn append(
        &mut self,
        place: &Arc<Place>,
        worker: &Worker,
        batches: Vec<Batch>,
    ) -> Result<Placed, Trouble> {
        self.ready()?;
        let (line, memory) = (self.line.clone(), std::mem::take(&mut self.memory));
        let place = Arc::clone(place);
        let (line, memory, placed) = worker.wait(async move {
            let (mut line, mut memory) = (line, memory);
            let placed = line.append(&place, &mut memory, batches).await;
            Ok((line, memory, placed))
        })?;
        self.line = line;
        self.memory = memory;
        if let Err(Trouble::Unknown(reason)) = &placed {
            // [L11] Never again as if clean.
            self.poisoned = Some(reason.clone());
        }
        placed
    }

    /// Keeps a blob, durably: a server may start anew between this and the append that names it.
    pub(crate) fn put_blob(
        &mut self,
        place: &Arc<Place>,
        worker: &Worker,
        blob: Blob,
    ) -> Result<(), Trouble> {
        self.once_more(place, worker, move |session| {
            let Blob { size, packed, .. } = blob;
            let (digest, bytes) = (blob.digest, blob.bytes.clone());
            async move {
                let digest = &digest.as_bytes()[..];
                let given: [Given<'_>; 4] = [
                    (&digest, Type::BYTEA),
                    (&size, Type::INT8),
                    (&packed, Type::BOOL),
                    (&bytes, Type::BYTEA),
                ];
                let sql = "INSERT INTO thymos.blobs (digest, size, packed, bytes) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
                session.query(sql, &given).await.map(drop)
            }
        })
    }

    pub(crate) fn put_checkpoint(
        &mut self,
        place: &Arc<Place>,
        worker: &Worker,
        (size, note): (u64, String),
    ) -> Result<(), Trouble> {
        let size = stored(size).unwrap_or(i64::MAX);
        let log = place.log();
        self.once_more(place, worker, move |session| {
            let note = note.clone();
            async move {
                let (note, log) = (note.as_bytes(), &log.as_bytes()[..]);
                let given: [Given<'_>; 3] = [
                    (&size, Type::INT8),
                    (&note, Type::BYTEA),
                    (&log, Type::BYTEA),
                ];
                // Of one size only the first is kept, so none of another log may come before it.
                let sql = "INSERT INTO thymos.checkpoints (size, note) \
                           SELECT $1, $2 FROM thymos.log WHERE id = $3 ON CONFLICT DO NOTHING";
                session.query(sql, &given).await.map(drop)
            }
        })
    }

    /// Destroys what `erased` entries name, as far as the mandate goes.
    pub(crate) fn destroy_erased(
        &mut self,
        place: &Arc<Place>,
        worker: &Worker,
        mandate: &Mandate,
    ) -> Result<Destroyed, Trouble> {
        let (log, mandate) = (place.log(), Arc::new(mandate.clone()));
        let told = Arc::new(Mutex::new(Destroyed::default()));
        let tell = Arc::clone(&told);
        self.once_more(place, worker, move |session| {
            let (tell, mandate) = (Arc::clone(&tell), Arc::clone(&mandate));
            async move {
                let destroyed = erase::destroy(&session, log, &mandate).await?;
                *tell.lock().unwrap_or_else(PoisonError::into_inner) = destroyed;
                Ok(())
            }
        })?;
        let told = *told.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(told)
    }

    /// What may be done twice is done again on a new connection when the first one ends.
    fn once_more<W, F>(
        &mut self,
        place: &Arc<Place>,
        worker: &Worker,
        work: W,
    ) -> Result<(), Trouble>
    where
        W: Fn(Shared) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Trouble>> + Send,
    {
        self.ready()?;
        let (line, place) = (self.line.clone(), Arc::clone(place));
        let (line, done) = worker.wait(async move {
            let mut line = line;
            let mut done = line.with(&place, &work).await;
            if matches!(&done, Err(trouble) if trouble.is_lost()) {
                done = line.with(&place, &work).await;
            }
            Ok((line, done))
        })?;
        self.line = line;
        done
    }

    pub(super) fn ready(&self) -> Result<(), Trouble> {
        match &self.poisoned {
            Some(reason) => Err(Trouble::Unknown(reason.clone())),
            None => Ok(()),
        }
    }
}

impl Line {
    async fn append(
        &mut self,
        place: &Place,
        memory: &mut Memory,
        batches: Vec<Batch>,
    ) -> Result<Placed, Trouble> {
        // An idle connection may be dead already; nothing was sent then, and a second one is tried.
        for last in [false, true] {
            let session = self.session(place).await?;
            self.may_append(&batches)?;
            match append::append(&session, place.log(), memory, batches.clone()).await {
                Outcome::Kept(placed) => {
                    if append::entries(&placed).next().is_some() {
                        place.settle();
                    }
                    return Ok(placed);
                }
                Outcome::Refused(trouble) if !trouble.is_lost() => return Err(trouble),
                Outcome::Refused(trouble) => {
                    self.session = None;
                    if last {
                        return Err(trouble);
                    }
                }
                Outcome::Unknown(placed, why) => {
                    self.session = None;
                    let these = &placed;
                    let ask =
                        |session: Shared| async move { append::was_kept(&session, these).await };
                    if self.find_out(place, None, ask, why).await? {
                        return Ok(placed);
                    }
                }
            }
        }
        Err(Trouble::Lost(
            "the connection ended twice in a commit".to_owned(),
        ))
    }

    /// Whether a commit was kept; [`Trouble::Unknown`] when nobody says so in time. Where it was kept the
    /// ledger may be this log now.
    pub(super) async fn find_out<F>(
        &mut self,
        place: &Place,
        or: Option<LogId>,
        was_kept: impl Fn(Shared) -> F,
        why: String,
    ) -> Result<bool, Trouble>
    where
        F: Future<Output = Result<bool, Trouble>>,
    {
        let (mut waited, mut pause) = (0, PAUSE_MS);
        let mut last = Trouble::Locked;
        while waited < place.server.connect_ms.saturating_mul(PATIENCE) {
            let found = match self.session_of(place, or).await {
                Ok(session) => was_kept(session).await,
                Err(trouble) => Err(trouble),
            };
            match found {
                Ok(kept) => return Ok(kept),
                // Whatever it is, also a standby: another server may be about to take over.
                Err(trouble) => last = trouble,
            }
            if last.is_lost() {
                self.session = None;
            }
            sleep(Duration::from_millis(pause)).await;
            waited += pause;
            pause *= 2;
        }
        Err(unknown(&why, &last))
    }

    async fn with<W, F>(&mut self, place: &Place, work: &W) -> Result<(), Trouble>
    where
        W: Fn(Shared) -> F,
        F: Future<Output = Result<(), Trouble>>,
    {
        let session = self.session(place).await?;
        let done = match place.still(&session).await {
            Ok(()) => work(session).await,
            Err(trouble) => Err(trouble),
        };
        if matches!(&done, Err(trouble) if trouble.is_lost()) {
            self.session = None;
        }
        done
    }

    /// The connection; a new one takes the leases of the old.
    pub(super) async fn session(&mut self, place: &Place) -> Result<Shared, Trouble> {
        self.session_of(place, None).await
    }

    async fn session_of(&mut self, place: &Place, or: Option<LogId>) -> Result<Shared, Trouble> {
        if let Some(session) = self.session.as_ref().filter(|s| !s.client.is_closed()) {
            return Ok(Arc::clone(session));
        }
        self.session = None;
        let session = place.connect(or).await?;
        if let Some(old) = &self.backend {
            // It may not know yet that nobody is there, and hold what is wanted here.
            session.end(old).await?;
        }
        self.backend = Some(session.backend.clone());
        for trajectory in std::mem::take(&mut self.held) {
            match try_lock(&session, &trajectory).await? {
                true => self.held.insert(trajectory),
                false => self.lost.insert(trajectory),
            };
        }
        self.session = Some(Arc::clone(&session));
        Ok(session)
    }

    fn may_append(&self, batches: &[Batch]) -> Result<(), Trouble> {
        let lost = batches
            .iter()
            .find(|batch| self.lost.contains(&batch.trajectory));
        match lost {
            None => Ok(()),
            Some(batch) => Err(Trouble::Engine(format!(
                "another process took over trajectory {} while the connection was away",
                batch.trajectory.short()
            ))),
        }
    }
}

fn unknown(why: &str, trouble: &Trouble) -> Trouble {
    let more = match trouble {
        Trouble::Lost(words) | Trouble::Closed(words) | Trouble::Engine(words) => words.as_str(),
        _ => "it could not be asked in time",
    };
    Trouble::Unknown(format!(
        "the answer to a commit was lost ({why}), and what became of it is not known: {more}"
    ))
}

/// The right to act on one trajectory, until dropped.
pub struct Lease {
    writer: Arc<Mutex<Writer>>,
    worker: Arc<Worker>,
    trajectory: TrajectoryId,
}

pub(crate) fn lease(
    writer: &Arc<Mutex<Writer>>,
    place: &Arc<Place>,
    worker: &Arc<Worker>,
    trajectory: TrajectoryId,
) -> Result<Option<Lease>, Trouble> {
    let mut held = writer.lock().unwrap_or_else(PoisonError::into_inner);
    // The server would give it twice to one session.
    if held.line.held.contains(&trajectory) || held.line.lost.contains(&trajectory) {
        return Ok(None);
    }
    let (line, place) = (held.line.clone(), Arc::clone(place));
    let (line, taken) = worker.wait(async move {
        let mut line = line;
        let taken = match line.session(&place).await {
            Ok(session) => try_lock(&session, &trajectory).await,
            Err(trouble) => Err(trouble),
        };
        match &taken {
            Ok(true) => drop(line.held.insert(trajectory)),
            Ok(false) => {}
            Err(_) => line.session = None,
        }
        Ok((line, taken))
    })?;
    held.line = line;
    Ok(taken?.then(|| Lease {
        writer: Arc::clone(writer),
        worker: Arc::clone(worker),
        trajectory,
    }))
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let trajectory = self.trajectory;
        held.line.lost.remove(&trajectory);
        if !held.line.held.remove(&trajectory) {
            return;
        }
        let Some(session) = held.line.session.clone() else {
            return;
        };
        let freed = self.worker.wait(async move {
            let key = key(&trajectory);
            let given: [Given<'_>; 1] = [(&key, Type::INT8)];
            let sql = "SELECT pg_advisory_unlock($1)";
            session.query(sql, &given).await.map(drop)
        });
        if freed.is_err() {
            // The server frees it with the connection.
            held.line.session = None;
        }
    }
}

/// Whether the lease was free; it is held by this session then.
async fn try_lock(session: &Session, trajectory: &TrajectoryId) -> Result<bool, Trouble> {
    let key = key(trajectory);
    let given: [Given<'_>; 1] = [(&key, Type::INT8)];
    let rows = session
        .query("SELECT pg_try_advisory_lock($1)", &given)
        .await?;
    match rows.first() {
        Some(row) => Ok(row.try_get(0)?),
        None => Ok(false),
    }
}

/// Eight bytes of the id, which is random: two trajectories that share them cannot be open at the
/// same time, and nothing worse.
fn key(trajectory: &TrajectoryId) -> i64 {
    let mut head = [0; 8];
    for (slot, byte) in head.iter_mut().zip(trajectory.as_bytes()) {
        *slot = *byte;
    }
    i64::from_be_bytes(head)
}
