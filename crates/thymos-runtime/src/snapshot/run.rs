//! A snapshot of one run: its projection, and what the narrator knows, at one of its entries `[L15]`.
//!
//! Decisions rest on it as they do on the fold, so it counts only behind the operator's seal, made by this
//! very program, at an entry that is there and whose id pins all that came before. What a crash may have
//! left is compared with the fold before it is used. Nothing of what was erased is kept.

use serde::{Deserialize, Serialize};
use thymos_core::{EntryId, Kind, LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_replay::Projection;

use super::{PROGRAM, opened, sealed};
use crate::kernel::Kernel;
use crate::narrate::Narrator;

/// Goes up whenever the same entries fold to something else, or the shape changes; a test with a frozen
/// ledger says when.
const VERSION: u32 = 4;

/// A run that grew by this part of itself is kept anew, so that all that is written for it stays a small
/// multiple of its last snapshot.
const PART: u64 = 4;

/// Entries read at once behind a snapshot.
const PAGE: usize = 256;

/// What is written.
#[derive(Serialize)]
struct Kept<'s> {
    version: u32,
    program: &'s str,
    log: LogId,
    tenant: &'s str,
    ended: bool,
    projection: &'s Projection,
    narrator: &'s Narrator,
}

/// The same, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    version: u32,
    program: String,
    log: LogId,
    tenant: String,
    ended: bool,
    projection: Projection,
    narrator: Narrator,
}

/// A run as an earlier session left it.
pub(crate) struct Found {
    pub(crate) projection: Projection,
    pub(crate) narrator: Narrator,
    /// Whether that session ended in order. One that did not may have crashed.
    pub(crate) ended: bool,
}

/// How much a fold has read: its own entries and those of the past that it branched off from.
pub(crate) fn weight(projection: &Projection) -> u64 {
    let inherited = projection.branch.as_ref().map_or(0, |branch| branch.seq);
    projection.len.saturating_add(inherited)
}

/// Whether a run is to be kept anew, of which a snapshot of this weight is there already.
pub(crate) fn is_due(kernel: &Kernel, projection: &Projection, kept: u64) -> bool {
    let step = kernel.parts.snapshots.run_entries().max(kept / PART);
    weight(projection) >= kept.saturating_add(step)
}

/// The snapshot of a run, where there is one that counts; one that does not is taken away.
pub(crate) fn read(kernel: &Kernel, run: TrajectoryId) -> Option<Found> {
    let bytes = kernel.parts.snapshots.read_run(&run)?;
    let found = counted(kernel, run, &bytes);
    if found.is_none() {
        kernel.parts.snapshots.clear_run(&run);
    }
    found
}

fn counted(kernel: &Kernel, run: TrajectoryId, bytes: &[u8]) -> Option<Found> {
    let read = opened::<Read>(&kernel.parts.operator_key, bytes)?;
    let made_by = (read.version, read.program.as_str()) == (VERSION, PROGRAM);
    let of = read.log == kernel.parts.store.log()
        && read.tenant == kernel.parts.tenant
        && read.projection.trajectory == run;
    let store = kernel.parts.store.as_ref();
    (made_by && of && stands(store, &read.projection)).then_some(Found {
        projection: read.projection,
        narrator: read.narrator,
        ended: read.ended,
    })
}

/// Whether the run has the very entry that this was made at, and nothing was erased of what it inherited;
/// who folds on sees what was erased of the run itself.
fn stands(store: &dyn LedgerStore, projection: &Projection) -> bool {
    let Some(newest) = projection.len.checked_sub(1) else {
        return false;
    };
    let page = store.page(&projection.trajectory, newest, 1);
    let found = page.ok().and_then(|page| page.into_iter().next());
    let same = found.is_some_and(|entry| {
        projection.head == Some(entry.id) && EntryId::of(&entry.header_bytes) == entry.id
    });
    same && !is_erased_above(store, projection).unwrap_or(true)
}

/// Keeps a run as it stands; `ended` where its session ends in order. A run that was erased from is not
/// kept, nor is one that anybody erased from meanwhile when this returns.
pub(crate) fn write(kernel: &Kernel, projection: &Projection, narrator: &Narrator, ended: bool) {
    if projection.is_over() {
        return;
    }
    let kept = Kept {
        version: VERSION,
        program: PROGRAM,
        log: kernel.parts.store.log(),
        tenant: &kernel.parts.tenant,
        ended,
        projection,
        narrator,
    };
    let place = &kernel.parts.snapshots;
    let Some(bytes) = sealed(kernel, &kept) else {
        return;
    };
    place.write_run(&projection.trajectory, &bytes);
    // Whoever erases takes snapshots away after the order is on record: one written in between is seen
    // here, and one before that is gone.
    if is_erased(kernel.parts.store.as_ref(), projection).unwrap_or(true) {
        place.clear_run(&projection.trajectory);
    }
}

/// Whether an order to erase stands on what is in here: on the run behind this point, or on one that it
/// branched off from.
pub(crate) fn is_erased(
    store: &dyn LedgerStore,
    projection: &Projection,
) -> Result<bool, StoreError> {
    let mut from = projection.len;
    loop {
        let page = store.page(&projection.trajectory, from, PAGE)?;
        if page.iter().any(|entry| entry.kind() == Some(Kind::Erased)) {
            return Ok(true);
        }
        if page.is_empty() {
            break;
        }
        from = from.saturating_add(page.len() as u64);
    }
    is_erased_above(store, projection)
}

/// The same, of what it branched off from alone.
fn is_erased_above(store: &dyn LedgerStore, projection: &Projection) -> Result<bool, StoreError> {
    if projection.ancestors.is_empty() {
        return Ok(false);
    }
    for head in store.heads()? {
        if projection.ancestors.contains(&head.trajectory)
            && has_order(store, &head.trajectory, head.seq)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one of its last entries is an order to erase: behind one come only others, and revocations.
fn has_order(
    store: &dyn LedgerStore,
    line: &TrajectoryId,
    newest: u64,
) -> Result<bool, StoreError> {
    for seq in (0..=newest).rev() {
        let page = store.page(line, seq, 1)?;
        match page.first().and_then(thymos_core::Entry::kind) {
            Some(Kind::Erased) => return Ok(true),
            Some(Kind::WritRevoked) | None => {}
            Some(_) => return Ok(false),
        }
    }
    Ok(false)
}
