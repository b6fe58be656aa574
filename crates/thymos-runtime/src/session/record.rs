//! The one road to the ledger: redact, encode, append, fold, learn, ring. In that order.

use std::fmt;

use thymos_core::body::Body;
use thymos_core::canonical::InvalidJson;
use thymos_core::entry::{Draft, Salt};
use thymos_core::{Entry, Timestamp, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::{Batch, StoreError};
use thymos_replay::{Divergence, Projection, fold_made_within, fold_within};
use tokio::task::JoinHandle;

use super::Session;
use crate::kernel::Kernel;
use crate::narrate::Narrator;
use crate::past::Stored;
use crate::redact::{RedactFault, Screened};
use crate::snapshot::run::{self, Found};

/// Entries read at once while folding.
const PAGE: usize = 1024;

/// Tries of a batch that others keep overtaking. Beyond it the work is refused as too contended.
const TRIES_MAX: u32 = 16;

/// What is said where something goes no further.
pub(crate) const OVER: &str =
    "part of this run was erased: it can be read, and nothing goes on from it";

/// Why bodies did not become entries.
#[derive(Debug)]
pub(crate) enum RecordError {
    /// The ledger could not.
    Store(StoreError),
    /// The stored trajectory contradicts itself; it is not continued.
    Diverged(Divergence),
    /// A body cannot be kept exactly.
    Body(InvalidJson),
    /// A body does not survive redaction.
    Redaction(RedactFault),
    /// Something of the trajectory was erased, and nothing goes on behind that `[L3]`.
    Over,
    /// Another process wrote first; what it wrote is folded now, and the caller must look again.
    Moved,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => e.fmt(f),
            Self::Diverged(e) => write!(f, "the stored trajectory contradicts itself: {e}"),
            Self::Body(e) => write!(f, "an entry cannot be kept exactly: {e}"),
            Self::Redaction(e) => write!(f, "an entry cannot be redacted: {e}"),
            Self::Over => f.write_str(OVER),
            Self::Moved => f.write_str("another process wrote to this trajectory first"),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<InvalidJson> for RecordError {
    fn from(invalid: InvalidJson) -> Self {
        Self::Body(invalid)
    }
}

impl From<RedactFault> for RecordError {
    fn from(fault: RedactFault) -> Self {
        Self::Redaction(fault)
    }
}

/// Why a session goes no further.
pub(crate) struct Broken {
    pub(super) error: StoreError,
    /// Whether it may be tried again in this process: nothing was kept, and what is folded is what is stored.
    pub(super) mends: bool,
}

/// `[L11]` After a failed sync nobody knows what is stored, and what is damaged does not heal. Anything else
/// the store refused before it changed anything, a read too.
const fn mends(error: &StoreError) -> bool {
    match error {
        StoreError::Full { .. }
        | StoreError::Locked { .. }
        | StoreError::Away { .. }
        | StoreError::Engine { .. } => true,
        StoreError::Poisoned { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Open { .. }
        | StoreError::Newer { .. }
        | StoreError::Foreign { .. }
        | StoreError::Draft(_) => false,
    }
}

/// Bodies that did not become entries, and why.
struct NotRecorded {
    why: RecordError,
    bodies: Vec<Body>,
}

/// Folds a stored trajectory, from its snapshot on where there is one `[L15]`.
pub(crate) fn fold_stored(
    k: &Kernel,
    trajectory: TrajectoryId,
) -> Result<(Projection, Narrator), RecordError> {
    let (projection, narrator, _) = fold_kept(k, trajectory)?;
    Ok((projection, narrator))
}

/// As [`fold_stored`], with the weight of the snapshot that it went on from; 0 where there is none.
pub(super) fn fold_kept(
    k: &Kernel,
    trajectory: TrajectoryId,
) -> Result<(Projection, Narrator, u64), RecordError> {
    let store = k.parts.store.as_ref();
    if let Some(found) = run::read(k, trajectory) {
        if let Some(folded) = go_on(k, found) {
            return Ok(folded);
        }
        k.parts.snapshots.clear_run(&trajectory);
    }
    let mut projection = Projection::empty(trajectory);
    let mut narrator = Narrator::default();
    extend(store, &mut projection, &mut narrator)?;
    Ok((projection, narrator, 0))
}

/// Folds what came behind a snapshot. None where it is worth nothing: it is not what the entries fold to,
/// what comes behind does not follow, or something in it was erased.
fn go_on(k: &Kernel, found: Found) -> Option<(Projection, Narrator, u64)> {
    let store = k.parts.store.as_ref();
    // Whoever holds the run is at work on it and did not crash.
    let mut found = found;
    if !found.ended && k.parts.leases.take(&found.projection.trajectory).is_some() {
        found = compared(k, found)?;
    }
    let kept = run::weight(&found.projection);
    let (mut projection, mut narrator) = (found.projection, found.narrator);
    extend(store, &mut projection, &mut narrator).ok()?;
    (!projection.is_over()).then_some((projection, narrator, kept))
}

/// `[L15]` What a crash may have left is compared with the fold, once.
fn compared(k: &Kernel, found: Found) -> Option<Found> {
    let store = k.parts.store.as_ref();
    let mut projection = Projection::empty(found.projection.trajectory);
    let mut narrator = Narrator::default();
    fold_to(store, &mut projection, &mut narrator, found.projection.len).ok()?;
    if (&projection, &narrator) != (&found.projection, &found.narrator) {
        return None;
    }
    run::write(k, &projection, &narrator, true);
    Some(found)
}

/// Folds every entry that is not folded yet; tells how many there were.
fn extend(
    store: &dyn LedgerStore,
    projection: &mut Projection,
    narrator: &mut Narrator,
) -> Result<u64, RecordError> {
    let before = projection.len;
    fold_to(store, projection, narrator, u64::MAX)?;
    Ok(projection.len - before)
}

/// Folds on until so many entries are folded, or all there are.
fn fold_to(
    store: &dyn LedgerStore,
    projection: &mut Projection,
    narrator: &mut Narrator,
    len: u64,
) -> Result<(), RecordError> {
    while projection.len < len {
        let due = usize::try_from(len - projection.len).map_or(PAGE, |due| due.min(PAGE));
        let page = store
            .page(&projection.trajectory, projection.len, due)
            .map_err(RecordError::Store)?;
        for entry in &page {
            fold_within(projection, entry, &Stored(store)).map_err(RecordError::Diverged)?;
            narrator.learn(entry);
        }
        if page.is_empty() {
            break;
        }
    }
    Ok(())
}

impl Session {
    /// Appends bodies as one batch. Nothing is told before it is durable `[L11]`.
    pub(super) async fn record(&mut self, bodies: Vec<Body>) -> Result<Vec<Entry>, RecordError> {
        self.record_these(bodies).await.map_err(|not| not.why)
    }

    async fn record_these(&mut self, mut bodies: Vec<Body>) -> Result<Vec<Entry>, NotRecorded> {
        // [L3] What is gone may be what a budget or a key that is used once rests on. A revocation only
        // takes away.
        let takes_away = |body: &Body| matches!(body, Body::WritRevoked(_));
        if self.p.is_over() && !bodies.iter().all(takes_away) {
            let why = RecordError::Over;
            return Err(NotRecorded { why, bodies });
        }
        let drafts = match self.drafts(&mut bodies) {
            Ok(drafts) => drafts,
            Err(why) => return Err(NotRecorded { why, bodies }),
        };
        let batch = Batch {
            trajectory: self.p.trajectory,
            at_seq: self.p.len,
            drafts,
        };
        match self.k.writer.append(batch).await {
            Ok(Ok(entries)) => {
                let folded = self.learn(&entries, bodies);
                self.keep_if_due();
                self.ring(entries.last().map(|entry| entry.header.index + 1));
                // They are stored: who tries again must not have them again.
                folded.map(|()| entries).map_err(|e| NotRecorded {
                    why: RecordError::Diverged(e),
                    bodies: Vec::new(),
                })
            }
            Ok(Err(_conflict)) => {
                let why = self.catch_up().err().unwrap_or(RecordError::Moved);
                Err(NotRecorded { why, bodies })
            }
            Err(error) => Err(NotRecorded {
                why: RecordError::Store(error),
                bodies,
            }),
        }
    }

    /// Folds what was just stored, from the bodies that it was made of.
    fn learn(&mut self, entries: &[Entry], bodies: Vec<Body>) -> Result<(), Divergence> {
        let past = Stored(self.k.parts.store.as_ref());
        for (entry, body) in entries.iter().zip(bodies) {
            let begun = match &body {
                Body::Started(started) => Some(started.proposal),
                other => {
                    self.narrator.learn_body(other);
                    None
                }
            };
            fold_made_within(&mut self.p, entry, body, &past)?;
            if let Some(work) = begun.and_then(|proposal| self.p.open_work.get(&proposal)) {
                self.narrator.learn_begun(work);
            }
        }
        Ok(())
    }

    /// `[L15]` Keeps the run as it stands where enough is new, beside the work.
    pub(super) fn keep_if_due(&mut self) {
        let is_written = |keeping: &JoinHandle<()>| keeping.is_finished();
        if !self.keeping.as_ref().is_none_or(is_written)
            || !run::is_due(&self.k, &self.p, self.kept)
        {
            return;
        }
        self.kept = run::weight(&self.p);
        let (k, p, narrator) = (self.k.clone(), self.p.clone(), self.narrator.clone());
        let hands = self.k.parts.hands;
        self.keeping = Some(hands.beside(move || run::write(&k, &p, &narrator, false)));
    }

    /// `[L15]` Keeps a run that has snapshots, as it ended.
    pub(super) async fn keep_at_end(&mut self) {
        if let Some(keeping) = self.keeping.take() {
            // Whoever cannot keep it folds it again.
            drop(keeping.await);
        }
        if self.kept > 0 && self.broken.is_none() {
            run::write(&self.k, &self.p, &self.narrator, true);
        }
    }

    /// As [`Self::record`], again after every overtaking: for what holds whatever others wrote.
    pub(super) async fn record_anyway(
        &mut self,
        bodies: Vec<Body>,
    ) -> Result<Vec<Entry>, RecordError> {
        self.record_at_last(bodies).await.map_err(|not| not.why)
    }

    async fn record_at_last(&mut self, mut bodies: Vec<Body>) -> Result<Vec<Entry>, NotRecorded> {
        for _ in 0..TRIES_MAX {
            match self.record_these(bodies).await {
                Err(NotRecorded {
                    why: RecordError::Moved,
                    bodies: again,
                }) => bodies = again,
                done => return done,
            }
        }
        Err(NotRecorded {
            why: RecordError::Moved,
            bodies,
        })
    }

    /// Records what must not be lost; when the store refuses, keeps it and stops accepting.
    pub(super) async fn record_or_break(&mut self, bodies: Vec<Body>) -> bool {
        match self.record_at_last(bodies).await {
            Ok(_) => true,
            Err(NotRecorded { why, bodies }) => {
                self.break_on(why, Some(bodies).filter(|bodies| !bodies.is_empty()));
                false
            }
        }
    }

    pub(super) fn break_on(&mut self, error: RecordError, unsealed: Option<Vec<Body>>) {
        self.broken = Some(match error {
            RecordError::Store(error) => Broken {
                mends: mends(&error),
                error,
            },
            RecordError::Diverged(_)
            | RecordError::Body(_)
            | RecordError::Redaction(_)
            | RecordError::Over
            | RecordError::Moved => Broken {
                error: StoreError::Engine {
                    path: "trajectory".into(),
                    reason: error.to_string(),
                },
                mends: false,
            },
        });
        // What waits already must not be lost to a second failure.
        if let Some(bodies) = unsealed {
            self.unsealed.get_or_insert_default().extend(bodies);
        }
        self.run = None;
        self.queue.clear();
    }

    /// Tries again to store what could not be stored, once there may be room or a server, and takes up what
    /// was cut off by it: answers that were not acted on, and delegated runs, which nobody else asks.
    pub(super) async fn mend(&mut self) {
        for child in self.delegated.values() {
            child.mend();
        }
        if !self.broken.as_ref().is_some_and(|broken| broken.mends) {
            return;
        }
        self.broken = None;
        if let Some(bodies) = self.unsealed.take()
            && !self.record_or_break(bodies).await
        {
            return;
        }
        // What was stored now is heard of as it would have been then.
        let open = &self.p.open_work;
        self.in_doubt.retain(|proposal| open.contains_key(proposal));
        self.report_end();
        self.admit_answered();
        self.go_on_after_holds();
    }

    /// Folds what other processes wrote here.
    pub(super) fn catch_up(&mut self) -> Result<u64, RecordError> {
        let store = self.k.parts.store.clone();
        let mut news = extend(store.as_ref(), &mut self.p, &mut self.narrator)?;
        if self.p.erasure.standing {
            // [L3] What was erased is not remembered either.
            (self.p, self.narrator) = fold_stored(&self.k, self.p.trajectory)?;
            news += u64::from(!self.p.erasure.standing);
        }
        if news > 0 {
            self.ring(None);
        }
        Ok(news)
    }

    /// The moment here: it never runs back along a trajectory, whatever the machine's clock does.
    pub(super) fn now(&self) -> Timestamp {
        self.k.now().max(self.p.head_at)
    }

    /// Bodies as they will be stored, in order; each is then what reading it back would give.
    fn drafts(&self, bodies: &mut [Body]) -> Result<Vec<Draft>, RecordError> {
        let mut drafts: Vec<Draft> = Vec::with_capacity(bodies.len());
        for body in bodies {
            let before = drafts.last().map_or(self.p.head_at, |draft| draft.at);
            drafts.push(self.draft(body, before)?);
        }
        Ok(drafts)
    }

    /// A body as it will be stored, no earlier than what stands before it and than the moment it
    /// was decided in: a clock that is set back must not make the record contradict itself.
    fn draft(&self, body: &mut Body, before: Timestamp) -> Result<Draft, RecordError> {
        let decided = body.decided().map_or(before, |decided| decided.facts.now);
        let bytes = match self.k.parts.redactor.screen(body)? {
            Screened::Clean { bytes, respelled } => {
                if respelled {
                    *body = Body::decode(body.kind(), bytes.as_bytes())?;
                }
                bytes
            }
            Screened::Redacted(redacted) => {
                *body = *redacted;
                if let Body::PendingApproval(pending) = body {
                    // The digest must be that of the text an approver will see.
                    pending.presented = pending.presentation.digest()?;
                }
                body.encode()?
            }
        };
        Ok(Draft {
            trajectory: self.p.trajectory,
            kind: body.kind(),
            at: self.k.now().max(before).max(decided),
            writer: self.k.parts.operator_key.public(),
            salt: Salt::from_bytes(self.k.draw()),
            body: bytes,
        })
    }

    fn ring(&self, log_len: Option<u64>) {
        let (trajectory, len) = (self.p.trajectory, self.p.len);
        self.shared.ring(|heads| {
            heads.lens.insert(trajectory, len);
            if let Some(log_len) = log_len {
                heads.log_len = heads.log_len.max(log_len);
            }
        });
    }
}
