//! The desk: one row a trajectory with its open holds, refreshed where the ledger moved on.

use std::sync::atomic::Ordering;

use thymos_core::body::{Body, BodyState};
use thymos_core::id::IdempotencyKey;
use thymos_core::{Entry, TrajectoryId};
use thymos_ports::store::{Head, StoreError};
use thymos_replay::{Projection, fold};

use super::{Desk, Shared, Summary, lock};
use crate::kernel::Kernel;
use crate::session::{fold_stored, summary};
use crate::snapshot;

/// Rows folded after which a snapshot is worth its writing.
const ROWS_BETWEEN: u64 = 64;

/// Entries read at once behind a row.
const NEWS: usize = 256;

/// Folds every trajectory whose head moved, unless a session here tells of itself. Rings for news alone:
/// who is rung looks again, and would be rung for that.
pub(super) fn refresh(kernel: &Kernel, shared: &Shared) {
    let refreshing = lock(&shared.refreshing);
    // Whatever is appended from here on is not seen by this look, and asks for another.
    shared.refresh_due.store(false, Ordering::Release);
    let store = kernel.parts.store.as_ref();
    let (Ok(heads), Ok(log_len)) = (store.heads(), store.len()) else {
        return;
    };
    let mut news = false;
    for head in heads {
        let knows = shared.knows(&head.trajectory, head.seq + 1);
        if knows || !kernel.owns(&head.trajectory).unwrap_or(false) {
            continue;
        }
        if let Some(row) = shared.kept(kernel, &head) {
            news = true;
            shared.known(head.trajectory, row);
            continue;
        }
        // Nobody hears of it any more, and whoever is leaving is not to wait: the next start goes on from the
        // rows that are kept.
        if shared.is_leaving() {
            continue;
        }
        // A trajectory that does not fold is told by verify; here it is a row that says so.
        let row = match fold_stored(kernel, head.trajectory) {
            Ok((projection, _)) => looked_up(kernel, &projection),
            Err(_) => broken(kernel, head.trajectory, head.seq),
        };
        // What is being erased is looked at again each time, and is news once it is gone.
        news |= row.len > head.seq;
        shared.found(head.trajectory, row);
    }
    drop(refreshing);
    keep(kernel, shared, |desk| desk.folded >= ROWS_BETWEEN);
    shared.ring_for_news(|heads| {
        news |= log_len > heads.log_len;
        heads.log_len = heads.log_len.max(log_len);
        news
    });
}

/// The row of a run that no session here tells of.
fn looked_up(kernel: &Kernel, projection: &Projection) -> Summary {
    let begun = !projection.story.is_empty() && projection.stopped.is_none();
    let open = !projection.open_work.is_empty();
    // Asking takes the lease for a moment, which another process might want just then: so only where the
    // answer matters.
    let free = (begun || open) && kernel.parts.leases.take(&projection.trajectory).is_some();
    let mut told = summary(projection, open && free, &kernel.parts.roots);
    if begun && !free && projection.holds.is_empty() && !projection.is_over() {
        told.row.state = "running".to_owned();
        told.at_rest = false;
    }
    told
}

impl Shared {
    /// Work without an end in all trajectories but one.
    pub(crate) fn in_doubt_beside(&self, asking: &TrajectoryId) -> u64 {
        let desk = lock(&self.desk);
        let others = desk.rows.iter().filter(|(id, _)| *id != asking);
        others.map(|(_, summary)| summary.row.in_doubt).sum()
    }

    /// Whether nothing is to be looked up of a trajectory that is so long.
    fn knows(&self, trajectory: &TrajectoryId, len: u64) -> bool {
        let desk = lock(&self.desk);
        let known = desk.rows.get(trajectory).map(|summary| summary.len);
        desk.sessions.contains(trajectory) || known == Some(len)
    }

    /// The row that an earlier start kept of a trajectory that has not gone on since.
    fn kept(&self, kernel: &Kernel, head: &Head) -> Option<Summary> {
        let rows = self.kept.get_or_init(|| snapshot::read(kernel));
        let row = rows.get(&head.trajectory)?;
        (row.head == Some(head.entry)).then(|| row.clone())
    }

    /// Puts what was looked up on the desk, unless a session began to tell of itself meanwhile.
    fn found(&self, trajectory: TrajectoryId, summary: Summary) {
        lock(&self.desk).folded += 1;
        self.known(trajectory, summary);
    }

    /// The same, of what an earlier start looked up.
    fn known(&self, trajectory: TrajectoryId, summary: Summary) {
        let mut desk = lock(&self.desk);
        if !desk.sessions.contains(&trajectory) {
            desk.rows.insert(trajectory, summary);
        }
    }
}

/// The trajectory on which work of this key was announced behind what the desk tells of it: its session here
/// has not told that yet, or another process wrote it.
pub(super) fn begun_since(
    kernel: &Kernel,
    shared: &Shared,
    asking: &TrajectoryId,
    key: &IdempotencyKey,
) -> Result<Option<TrajectoryId>, StoreError> {
    let store = kernel.parts.store.as_ref();
    for head in store.heads()? {
        let told = lock(&shared.desk)
            .rows
            .get(&head.trajectory)
            .map(|row| row.len);
        let mut from = told.unwrap_or_default();
        while from <= head.seq && head.trajectory != *asking {
            let page = store.page(&head.trajectory, from, NEWS)?;
            let announced = |entry: &Entry| match entry.decode() {
                BodyState::Known(Body::Started(started)) => started.key == *key,
                _ => false,
            };
            if page.iter().any(announced) {
                return Ok(Some(head.trajectory));
            }
            from = match page.len() {
                0 => break,
                read => from.saturating_add(read as u64),
            };
        }
    }
    Ok(None)
}

/// Takes a snapshot of the desk where enough is new since the last one `[L15]`.
pub(super) fn keep(kernel: &Kernel, shared: &Shared, is_due: impl FnOnce(&Desk) -> bool) {
    let rows = {
        let mut desk = lock(&shared.desk);
        if !is_due(&desk) {
            return;
        }
        (desk.folded, desk.told) = (0, false);
        desk.rows.clone()
    };
    snapshot::write(kernel, &rows);
}

/// A trajectory that contradicts itself, as far as its first entry tells of it. It shares no notes.
fn broken(kernel: &Kernel, trajectory: TrajectoryId, head_seq: u64) -> Summary {
    let (store, roots) = (kernel.parts.store.as_ref(), &kernel.parts.roots);
    let mut projection = Projection::empty(trajectory);
    if let Ok(first) = store.page(&trajectory, 0, 1)
        && let Some(entry) = first.first()
    {
        // Where not even that folds, the row is empty but for its id.
        drop(fold(&mut projection, entry));
    }
    let mut told = summary(&projection, false, roots);
    told.len = head_seq + 1;
    told.head = None;
    told.at_rest = false;
    told.row.head_seq = head_seq;
    told.row.state = thymos_protocol::RunRow::BROKEN.to_owned();
    told
}

/// Folds every trajectory that nobody has looked at yet: what is remembered must be whole before it
/// is first asked for.
pub(super) fn learn(kernel: &Kernel, shared: &Shared) {
    let (store, roots) = (kernel.parts.store.as_ref(), &kernel.parts.roots);
    for head in store.heads().unwrap_or_default() {
        let known = lock(&shared.desk).rows.contains_key(&head.trajectory);
        // [C5] Another tenant's is not there, neither as a row nor as what it keeps from others.
        if known || !kernel.owns(&head.trajectory).unwrap_or(false) {
            continue;
        }
        if let Some(row) = shared.kept(kernel, &head) {
            let mut desk = lock(&shared.desk);
            desk.rows.entry(head.trajectory).or_insert(row);
            continue;
        }
        if let Ok((projection, _)) = fold_stored(kernel, head.trajectory) {
            let row = summary(&projection, false, roots);
            let mut desk = lock(&shared.desk);
            desk.rows.entry(head.trajectory).or_insert(row);
        }
    }
}
