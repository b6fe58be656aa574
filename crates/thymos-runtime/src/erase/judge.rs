//! Whether a trajectory may be taken from, and when: at rest, old enough, and with everything that
//! stands on it at rest as well. Changes nothing.

use std::any::Any;
use std::collections::BTreeMap;

use thymos_core::body::{Body, BodyState, Branch};
use thymos_core::{Timestamp, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_protocol::ErasureRow;
use thymos_replay::Projection;

use super::{No, run};
use crate::kernel::Kernel;
use crate::session::fold_stored;

/// The right to act on it, held for as long as the erasing takes.
pub(super) fn lease(
    k: &Kernel,
    trajectory: &TrajectoryId,
) -> Result<Box<dyn Any + Send + Sync>, No> {
    k.parts.leases.take(trajectory).ok_or_else(|| {
        let message = format!("{} is open in another process", run(trajectory));
        No::refused(message, "close it there, then erase")
    })
}

/// What is ordered here can be carried out here, and by whoever trusts this key. Asked before anything is
/// recorded: an order stands for good.
pub(super) fn may_order(k: &Kernel) -> Result<(), No> {
    let own = k.operator().key;
    if !k.parts.roots.trusts_operator(&own) {
        return Err(No::refused(
            format!(
                "an order by the key {own}, which is not trusted, would be carried out by nobody"
            ),
            &format!("trust it first: thymos keys trust NAME {own}"),
        ));
    }
    match k.parts.store.may_erase()? {
        true => Ok(()),
        false => Err(No::refused(
            "this role of the database has no right to erase",
            "ask the ledger's owner to erase, or to grant it: docs/guide/postgres.md",
        )),
    }
}

/// The moment by which ages are taken: the clock, or the newest entry of the log where that is earlier.
pub(super) fn age_taken_at(
    store: &dyn LedgerStore,
    retention_ms: u64,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    if retention_ms == 0 {
        return Ok(now);
    }
    let newest = store.heads()?.iter().map(|head| head.at_ms).max();
    Ok(newest.map_or(now, |newest| newest.min(now)))
}

/// Nothing of it waits or is at work, and whoever ordered it knows how it ended: what it cost is read
/// from its record until then.
pub(super) fn may_be_taken_from(k: &Kernel, p: &Projection) -> Result<(), No> {
    at_rest(p)?;
    let parent = p.root.as_ref().and_then(|root| root.parent.as_ref());
    let Some(parent) = parent.filter(|_| p.branch.is_none()) else {
        return Ok(());
    };
    let (above, _) = fold_stored(k, parent.trajectory)?;
    let child = above.children.get(&p.trajectory);
    if above.is_over() || child.is_some_and(|child| child.result.is_some()) {
        return Ok(());
    }
    let above = run(&parent.trajectory);
    let message = format!(
        "{above} ordered {} and has not recorded its end",
        run(&p.trajectory)
    );
    Err(No::refused(message, "let that run end first"))
}

fn at_rest(p: &Projection) -> Result<(), No> {
    // What is over has nothing that could go on.
    if p.is_over() {
        return Ok(());
    }
    let run = run(&p.trajectory);
    match (p.holds.len(), p.open_work.len()) {
        (0, 0) => Ok(()),
        (0, open) => Err(No::refused(
            match open {
                1 => format!("1 call of {run} has no end yet"),
                _ => format!("{open} calls of {run} have no end yet"),
            },
            "let them end, or settle them: `thymos settle`",
        )),
        (held, _) => Err(No::refused(
            match held {
                1 => format!("1 call of {run} waits for an answer"),
                _ => format!("{held} calls of {run} wait for an answer"),
            },
            "answer them first: `thymos approvals ls`",
        )),
    }
}

/// By the clock, and by the newest entry of the log: a clock that was set forward for this alone does
/// not make anything older.
pub(super) fn is_old_enough(k: &Kernel, rows: &[ErasureRow]) -> Result<(), No> {
    let Some(youngest) = rows.iter().map(|row| row.at_ms).max() else {
        return Ok(());
    };
    let due = youngest.plus_ms(k.parts.retention_ms);
    let told = |at: Timestamp| format!("{} {}", at.date(), at.clock());
    if k.parts.retention_ms == 0 {
        return Ok(());
    }
    let days = match k.parts.retention_ms / (24 * 60 * 60 * 1_000) {
        1 => "1 day".to_owned(),
        more => format!("{more} days"),
    };
    if k.now() < due {
        let message = format!(
            "entries are kept for {days}, and the youngest of these may go on {}",
            told(due)
        );
        return Err(No::refused(
            message,
            "`ledger.retention_days` of the config says so",
        ));
    }
    let heads = k.parts.store.heads()?;
    let newest = heads.iter().map(|head| head.at_ms).max();
    match newest.filter(|newest| *newest < due) {
        None => Ok(()),
        Some(newest) => Err(No::refused(
            format!(
                "entries are kept for {days}, and the newest of the ledger is of {}: by it the youngest \
                 of these may go on {}",
                told(newest),
                told(due)
            ),
            "if the clock is right, let any run record something first",
        )),
    }
}

/// Branches, and branches of theirs, whose past would have a gap: what they inherited of keys that are
/// used once is gone with it, so they can only be read from then on, and must be at rest.
pub(super) fn branches(k: &Kernel, of: TrajectoryId, first: u64) -> Result<Vec<TrajectoryId>, No> {
    let mut from: BTreeMap<TrajectoryId, Branch> = BTreeMap::new();
    for head in k.parts.store.heads()? {
        // Its second entry says what a branch goes on from.
        let page = k.parts.store.page(&head.trajectory, 1, 1)?;
        if let Some(BodyState::Known(Body::Branch(branch))) = page.first().map(|e| e.decode()) {
            from.insert(head.trajectory, branch);
        }
    }
    let mut standing: Vec<TrajectoryId> = Vec::new();
    loop {
        let more = from.iter().filter(|(id, branch)| {
            let on_it = branch.from == of && branch.seq >= first;
            (on_it || standing.contains(&branch.from)) && !standing.contains(id)
        });
        let more: Vec<TrajectoryId> = more.map(|(id, _)| *id).collect();
        if more.is_empty() {
            break;
        }
        standing.extend(more);
    }
    for trajectory in &standing {
        let (p, _) = fold_stored(k, *trajectory)?;
        at_rest(&p)?;
    }
    Ok(standing)
}
