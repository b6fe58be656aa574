//! The desk: one row a trajectory with its open holds, refreshed where the ledger moved on.

use thymos_core::TrajectoryId;
use thymos_ports::LedgerStore;
use thymos_replay::{Projection, fold};

use super::{Shared, Summary, lock};
use crate::kernel::Kernel;
use crate::session::{fold_stored, summary};

/// The state of a trajectory that does not fold.
const BROKEN: &str = "contradicts itself";

/// Folds every trajectory whose head moved, unless a session here tells of itself. Rings for news alone:
/// who is rung looks again, and would be rung for that.
pub(super) fn refresh(kernel: &Kernel, shared: &Shared, open: &[TrajectoryId]) {
    let store = kernel.parts.store.as_ref();
    let (Ok(heads), Ok(log_len)) = (store.heads(), store.len()) else {
        return;
    };
    let mut news = false;
    for head in heads {
        let known = lock(&shared.desk)
            .get(&head.trajectory)
            .map(|summary| summary.len);
        if open.contains(&head.trajectory) || known == Some(head.seq + 1) {
            continue;
        }
        if !kernel.owns(&head.trajectory).unwrap_or(false) {
            continue;
        }
        news = true;
        // A trajectory that does not fold is told by verify; here it is a row that says so.
        let Ok((projection, _)) = fold_stored(store, head.trajectory) else {
            let row = broken(store, head.trajectory, head.seq);
            lock(&shared.desk).insert(head.trajectory, row);
            continue;
        };
        // Asking takes the lease for a moment, which another process might want just then: so only
        // where the answer matters.
        let at_rest = !projection.open_work.is_empty()
            && kernel.parts.leases.take(&head.trajectory).is_some();
        lock(&shared.desk).insert(head.trajectory, summary(&projection, at_rest));
    }
    shared.ring_for_news(|heads| {
        news |= log_len > heads.log_len;
        heads.log_len = heads.log_len.max(log_len);
        news
    });
}

/// A trajectory that contradicts itself, as far as its first entry tells of it. It shares no notes.
fn broken(store: &dyn LedgerStore, trajectory: TrajectoryId, head_seq: u64) -> Summary {
    let mut projection = Projection::empty(trajectory);
    if let Ok(first) = store.page(&trajectory, 0, 1)
        && let Some(entry) = first.first()
    {
        // Where not even that folds, the row is empty but for its id.
        drop(fold(&mut projection, entry));
    }
    let mut told = summary(&projection, false);
    told.len = head_seq + 1;
    told.row.head_seq = head_seq;
    told.row.state = BROKEN.to_owned();
    told
}

/// Folds every trajectory that nobody has looked at yet: what is remembered must be whole before it
/// is first asked for.
pub(super) fn learn(kernel: &Kernel, shared: &Shared) {
    let store = kernel.parts.store.as_ref();
    for head in store.heads().unwrap_or_default() {
        if lock(&shared.desk).contains_key(&head.trajectory) {
            continue;
        }
        if let Ok((projection, _)) = fold_stored(store, head.trajectory) {
            let row = summary(&projection, false);
            lock(&shared.desk).entry(head.trajectory).or_insert(row);
        }
    }
}
