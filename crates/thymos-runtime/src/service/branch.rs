//! Branching off: finds the commit, folds up to it, and opens the new trajectory `[D2]`.

use std::sync::Arc;

use thymos_core::body::{Body, BodyState};
use thymos_core::limits::BRANCH_DEPTH_MAX;
use thymos_core::{EntryId, Kind, TrajectoryId};
use thymos_protocol::{Command, Fault, Replied, Ticket};

use super::Service;
use super::worlds::Worlds;
use crate::kernel::Kernel;
use crate::session::{BranchPoint, OVER, Session, fold_stored};

impl Service {
    pub(super) async fn branch(
        &mut self,
        ticket: Ticket,
        trajectory: TrajectoryId,
        entry: EntryId,
    ) {
        let kernel = self.kernel.clone();
        let hands = kernel.parts.hands;
        let shared = self.shared.clone();
        let found = hands.beside(move || point(&kernel, &shared.worlds, trajectory, entry));
        let point = match found.await {
            Ok(Ok(point)) => point,
            Ok(Err(fault)) => return self.reply(ticket, Replied::Fault(fault)).await,
            Err(panic) => return self.fault(ticket, panic.to_string()).await,
        };
        match Session::branch(self.kernel.clone(), self.shared.clone(), point).await {
            Ok((session, inside)) => {
                let trajectory = session.trajectory();
                self.adopt(trajectory, session, inside);
                self.ask(ticket, trajectory, Command::Open { trajectory })
                    .await;
            }
            Err(error) => self.fault(ticket, error.to_string()).await,
        }
    }
}

/// The point of a commit, or why none can be had.
fn point(
    kernel: &Arc<Kernel>,
    worlds: &Worlds,
    trajectory: TrajectoryId,
    entry: EntryId,
) -> Result<BranchPoint, Fault> {
    let run = trajectory.short();
    let found = kernel.parts.store.entry(&entry).map_err(|e| no(e, ""))?;
    let Some(found) = found.filter(|found| found.header.trajectory == trajectory) else {
        let message = format!(
            "there is no entry `{}` in trajectory `{run}`",
            entry.short()
        );
        return Err(no(message, "look at the ledger"));
    };
    if found.kind() != Some(Kind::Commit) {
        let kind = &found.header.kind;
        let message = format!(
            "entry `{}` is of kind `{kind}`, and a branch starts from a commit",
            entry.short()
        );
        let hint = format!("`thymos ledger --run {run} kind:commit` lists them");
        return Err(no(message, &hint));
    }
    if generations(kernel, trajectory) >= BRANCH_DEPTH_MAX {
        let message = format!("a branch of more than {BRANCH_DEPTH_MAX} generations is not made");
        return Err(no(message, "branch off one of the trajectories above it"));
    }
    let (whole, _) = fold_stored(kernel, trajectory).map_err(|e| no(e, ""))?;
    if whole.is_over() {
        return Err(no(OVER, "start a new run"));
    }
    let past = worlds.at(kernel, trajectory, found.header.seq);
    let past = past.map_err(|e| no(e, ""))?;
    let point = BranchPoint::of(&past).map_err(|e| no(e, ""))?;
    let Some(point) = point else {
        return Err(no("the trajectory has no beginning", "run `thymos verify`"));
    };
    let workspace = point.workspace();
    if workspace != kernel.parts.workspace {
        let message = format!("this trajectory belongs to the folder `{workspace}`");
        let hint = format!("open thymos there, or name it: -C {workspace}");
        return Err(no(message, &hint));
    }
    Ok(point)
}

/// How many branches stand above one another here, this trajectory included.
fn generations(kernel: &Arc<Kernel>, trajectory: TrajectoryId) -> usize {
    let mut next = trajectory;
    (0..BRANCH_DEPTH_MAX)
        .take_while(|_| {
            // Its second entry says what a branch goes on from.
            let page = kernel.parts.store.page(&next, 1, 1).unwrap_or_default();
            match page.first().map(thymos_core::Entry::decode) {
                Some(BodyState::Known(Body::Branch(branch))) => {
                    next = branch.from;
                    true
                }
                _ => false,
            }
        })
        .count()
}

fn no(message: impl std::fmt::Display, hint: &str) -> Fault {
    Fault {
        message: message.to_string(),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}
