//! Erasing `[L3]`: the plan that is shown, and carrying it out. An `erased` entry for each body comes
//! first and is durable; only then does the store destroy what they name, in one transaction.
//!
//! Decides about entries of one trajectory at a time, so that a call does all of it or nothing.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use thymos_core::body::{Body, Erased};
use thymos_core::canonical;
use thymos_core::id::Digest;
use thymos_core::key::Domain;
use thymos_core::limits::REASON_CHARS_MAX;
use thymos_core::writ::TrustRoots;
use thymos_core::{Entry, Timestamp, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::erase::{Mandate, blobs_of, digests_in};
use thymos_ports::store::{Destroyed, StoreError};
use thymos_protocol::{ErasureEnd, ErasurePlan, ErasureTargets, Fault, Replied};
use thymos_replay::Projection;

use crate::append::append;
use crate::kernel::Kernel;
use crate::session::{RecordError, fold_stored};

mod judge;
mod targets;

use targets::Chosen;

/// Entries read at once.
const PAGE: usize = 1024;

/// Whoever opens a ledger, as far as erasing asks.
#[derive(Debug, Clone, Copy)]
pub struct Opener<'o> {
    /// Every key that they ever trusted.
    pub ever: &'o TrustRoots,
    /// How old an entry must be before it may go, by their config.
    pub retention_ms: u64,
    /// The time.
    pub now: Timestamp,
}

/// Destroys what is ordered on record by somebody whom the opener trusts or trusted, and what is old enough
/// for them. All else stands, whoever ordered it: in a ledger that is shared, who may add may not destroy.
///
/// # Errors
/// [`StoreError`] when nothing was destroyed.
pub fn finish_erasing(store: &dyn LedgerStore, by: Opener<'_>) -> Result<Destroyed, StoreError> {
    let operators = by.ever.operators.iter().map(|party| party.key);
    store.destroy_erased(&Mandate {
        operators: operators.collect(),
        retention_ms: by.retention_ms,
        as_of: judge::age_taken_at(store, by.retention_ms, by.now)?,
    })
}

impl Kernel {
    /// Carries out what is ordered, as far as this operator lets it.
    pub(crate) fn finish_erasing(&self) -> Result<Destroyed, StoreError> {
        let opener = Opener {
            ever: &self.ever,
            retention_ms: self.parts.retention_ms,
            now: self.now(),
        };
        finish_erasing(self.parts.store.as_ref(), opener)
    }
}

/// Why nothing is erased.
pub(crate) enum No {
    /// It cannot be told what is meant, or the record cannot be read.
    Fault(Fault),
    /// It is understood, and not done.
    Refused(Fault),
}

/// An order to erase.
pub(crate) struct Wanted {
    pub(crate) targets: ErasureTargets,
    /// The plan that was agreed to.
    pub(crate) plan: Digest,
    pub(crate) reason: String,
}

/// What would be done, and on what.
struct Planned {
    plan: ErasurePlan,
    projection: Projection,
}

/// The rights to it, and what is to be recorded.
struct Ready {
    projection: Projection,
    bodies: Vec<Body>,
    /// Held until all is destroyed: nobody begins to work on it meanwhile.
    _leases: Vec<Box<dyn Any + Send + Sync>>,
}

/// Says what erasing would do, or that it would not be done; touches nothing.
pub(crate) fn plan(k: &Kernel, targets: &ErasureTargets, reason: &str) -> Replied {
    let planned = recordable(k, reason).and_then(|reason| {
        let planned = planned(k, targets, &reason)?;
        // Given back at once: whoever comes back with the word has to get them anew.
        leases(k, &planned.plan).map(|_| planned)
    });
    match planned {
        Ok(planned) => Replied::ErasurePlan(Box::new(planned.plan)),
        Err(no) => no.replied(),
    }
}

/// Does it, if it still is what was agreed to.
pub(crate) async fn carry_out(k: Arc<Kernel>, wanted: Wanted) -> Replied {
    let (hands, preparing) = (k.parts.hands, k.clone());
    let ready = match hands.beside(move || prepare(&preparing, &wanted)).await {
        Ok(Ok(ready)) => ready,
        Ok(Err(no)) => return no.replied(),
        Err(panic) => return No::fault(panic, None).replied(),
    };
    // Words of it stand there; a kill after this leaves none. How far the log was verified goes with them:
    // all is looked at once more.
    k.parts.snapshots.clear();
    if !ready.bodies.is_empty()
        && let Err(error) = append(&k, &ready.projection, ready.bodies).await
    {
        return No::from(error).replied();
    }
    // Before the order was on record, another process could make a new one with them.
    k.parts.snapshots.clear();
    // Sessions that look at it must not go on from what they remember.
    k.writer.tell_all();
    let kernel = k.clone();
    let destroyed = hands.beside(move || kernel.finish_erasing()).await;
    // Whoever looked meanwhile saw what was ordered to go, and looks again.
    k.writer.tell_all();
    match destroyed {
        Ok(Ok(destroyed)) => Replied::Erased(ErasureEnd {
            bodies: destroyed.bodies,
            blobs: destroyed.blobs,
            left_over: destroyed.left_over,
        }),
        Ok(Err(error)) => unfinished(&error.to_string()),
        Err(panic) => unfinished(&panic.to_string()),
    }
}

fn unfinished(why: &str) -> Replied {
    let message = format!("the order to erase is recorded, and the bodies still stand: {why}");
    No::fault(
        message,
        Some("it is carried out when you next open the ledger"),
    )
    .replied()
}

/// The reason as it would be signed and stored.
fn recordable(k: &Kernel, reason: &str) -> Result<String, No> {
    let reason = k.without_secrets(reason.trim().to_owned());
    match reason.chars().count() {
        0..=REASON_CHARS_MAX => Ok(reason),
        _ => Err(no_such_reason()),
    }
}

fn no_such_reason() -> No {
    let message = format!("a reason has between 1 and {REASON_CHARS_MAX} characters");
    No::fault(message, Some("say why with --reason"))
}

/// The right to act on everything that a plan reaches.
fn leases(k: &Kernel, plan: &ErasurePlan) -> Result<Vec<Box<dyn Any + Send + Sync>>, No> {
    let all = std::iter::once(&plan.trajectory).chain(&plan.branches);
    all.map(|trajectory| judge::lease(k, trajectory)).collect()
}

fn planned(k: &Kernel, targets: &ErasureTargets, reason: &str) -> Result<Planned, No> {
    let store = k.parts.store.as_ref();
    let named = targets::resolve(k, targets)?;
    let entries = targets::read(store, named.trajectory)?;
    let chosen = targets::choose(&entries, &named)?;
    let (projection, _) = fold_stored(k, named.trajectory)?;
    let first = chosen.rows.first().map(|row| row.seq);
    let branches = match first {
        Some(first) => {
            judge::may_order(k)?;
            judge::may_be_taken_from(k, &projection)?;
            judge::is_old_enough(k, &chosen.rows)?;
            judge::branches(k, named.trajectory, first)?
        }
        None => Vec::new(),
    };
    let blobs = Blobs::of(store, &entries, &chosen)?;
    let digest = canonical::encode(&(&named.trajectory, &chosen.rows, &branches, reason));
    let digest = digest.map_err(|invalid| No::fault(invalid, None))?;
    let stay = entries.iter().filter(|entry| entry.content.is_some());
    let going = chosen.rows.len() as u64;
    let plan = ErasurePlan {
        digest: Digest::of(digest.as_bytes()),
        trajectory: named.trajectory,
        bytes: chosen.rows.iter().map(|row| row.bytes).sum(),
        blobs: blobs.gone,
        blob_bytes: blobs.bytes,
        blobs_kept: blobs.kept,
        already: chosen.already,
        stay: (stay.count() as u64).saturating_sub(going),
        verdicts: chosen.verdicts,
        unchecked_from: chosen.unchecked_from,
        branches,
        bodies: chosen.rows,
    };
    Ok(Planned { plan, projection })
}

/// Takes every right that is needed, and looks again under them: what was agreed to is what is done.
fn prepare(k: &Kernel, wanted: &Wanted) -> Result<Ready, No> {
    let reason = recordable(k, &wanted.reason)?;
    if reason.is_empty() {
        return Err(no_such_reason());
    }
    let seen = planned(k, &wanted.targets, &reason)?.plan;
    let leases = leases(k, &seen)?;
    let Planned { plan, projection } = planned(k, &wanted.targets, &reason)?;
    if (plan.digest, seen.digest) != (wanted.plan, wanted.plan) {
        let message = "what would go, or why, changed since it was shown, and nothing was erased";
        return Err(No::refused(message, "look at it again with --dry-run"));
    }
    let rows = plan.bodies.iter();
    let bodies = rows.map(|row| Ok(Body::Erased(order(k, (row.entry, row.seq), &reason)?)));
    let bodies: Result<Vec<Body>, RecordError> = bodies.collect();
    Ok(Ready {
        projection,
        bodies: bodies?,
        _leases: leases,
    })
}

fn order(
    k: &Kernel,
    (entry, seq): (thymos_core::EntryId, u64),
    reason: &str,
) -> Result<Erased, RecordError> {
    let message = Erased::message(&entry, seq, reason)?;
    Ok(Erased {
        entry,
        seq,
        reason: reason.to_owned(),
        by: k.operator(),
        signature: k
            .parts
            .operator_key
            .sign(Domain::Erasure, message.as_bytes()),
    })
}

/// What becomes of the blobs of bodies that go, as the store will see it.
#[derive(Default)]
struct Blobs {
    gone: u64,
    bytes: u64,
    kept: u64,
}

impl Blobs {
    fn of(store: &dyn LedgerStore, entries: &[Entry], chosen: &Chosen) -> Result<Self, StoreError> {
        let going = entries.iter().filter(|entry| chosen.has(entry.header.seq));
        let indexes: BTreeSet<u64> = going.clone().map(|entry| entry.header.index).collect();
        let mut sizes = std::collections::BTreeMap::new();
        for digest in going.flat_map(blobs_of) {
            let plain = store.blob(&digest)?;
            let kept = match plain {
                Some(bytes) => Some(bytes),
                None => store.sealed_blob(&digest)?,
            };
            sizes.extend(kept.map(|bytes| (digest, bytes.len() as u64)));
        }
        let all = sizes.len() as u64;
        let mut next = 0;
        while !sizes.is_empty() {
            let rows = store.scan(next, PAGE)?;
            let Some(last) = rows.last() else { break };
            next = last.index + 1;
            for entry in rows.into_iter().filter_map(|row| row.entry.ok()) {
                if !indexes.contains(&entry.header.index) {
                    let mentioned = entry.body().map(digests_in).unwrap_or_default();
                    sizes.retain(|digest, _| !mentioned.contains(digest));
                }
            }
        }
        let gone = sizes.len() as u64;
        Ok(Self {
            gone,
            bytes: sizes.values().sum(),
            kept: all - gone,
        })
    }
}

impl No {
    fn fault(message: impl std::fmt::Display, hint: Option<&str>) -> Self {
        Self::Fault(words(message, hint))
    }

    fn refused(message: impl std::fmt::Display, hint: &str) -> Self {
        Self::Refused(words(message, Some(hint)))
    }

    fn replied(self) -> Replied {
        match self {
            Self::Fault(fault) => Replied::Fault(fault),
            Self::Refused(fault) => Replied::NotErased(fault),
        }
    }
}

fn words(message: impl std::fmt::Display, hint: Option<&str>) -> Fault {
    Fault {
        message: message.to_string(),
        hint: hint.map(str::to_owned),
    }
}

impl From<StoreError> for No {
    fn from(error: StoreError) -> Self {
        Self::fault(error, None)
    }
}

impl From<RecordError> for No {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Moved => Self::refused(
                "somebody wrote to this run meanwhile, and nothing was erased",
                "look at it again with --dry-run",
            ),
            RecordError::Diverged(_) => Self::fault(error, Some("run `thymos verify`")),
            error => Self::fault(error, None),
        }
    }
}

/// As it is called in messages.
fn run(trajectory: &TrajectoryId) -> String {
    format!("run `{}`", trajectory.short())
}
