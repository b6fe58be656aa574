//! Rows of the desk: what is told of each trajectory without opening it, and who in them still waits for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use thymos_compiler::IN_DOUBT;
use thymos_core::id::IdempotencyKey;
use thymos_core::key::PublicKey;
use thymos_core::limits::CHAIN_LINKS_MAX;
use thymos_core::{EntryId, TrajectoryId, WritId};
use thymos_ports::memory::SharedNote;
use thymos_protocol::{HoldRow, RunRow};

use crate::account::account_of;
use crate::kernel::Kernel;
use crate::memory::Whose;

/// A trajectory in one row, with its open holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Summary {
    /// Entries that it tells of.
    pub(crate) len: u64,
    /// The entry that it was made at; none where the trajectory does not fold, or words are in it that are
    /// ordered to go `[L3]`.
    pub(crate) head: Option<EntryId>,
    /// Nothing waits and nothing is at work.
    pub(crate) at_rest: bool,
    pub(crate) row: RunRow,
    pub(crate) holds: Vec<Waits>,
    /// Writs that were revoked there `[W7]`.
    pub(crate) revoked: BTreeSet<WritId>,
    /// What it shares, and with whom `[O4]`.
    pub(crate) whose: Whose,
    pub(crate) notes: Vec<SharedNote>,
    /// What it did that happens once, and what of it is in doubt `[X3]` `[X2]`.
    pub(crate) keys: Keys,
}

/// What waits for an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waits {
    pub(crate) row: HoldRow,
    /// It is denied, or enough agreed for every rule that asks: it waits for nobody, but for whoever goes on.
    pub(crate) answered: bool,
    /// The chain that it waits under, root first, each link with the key that signed it.
    pub(crate) under: Vec<(WritId, PublicKey)>,
}

/// The state of a trajectory in which somebody is asked.
pub(crate) const HELD: &str = "held";

/// Idempotency keys that a trajectory keeps from others.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// Used up by calls that happen once, each with the entry of its end.
    pub(crate) once: BTreeMap<IdempotencyKey, EntryId>,
    /// Of work that has no end.
    pub(crate) open: BTreeSet<IdempotencyKey>,
}

/// Why a call may not be made: a call of the same key on another trajectory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Elsewhere {
    /// It was done, and happens once `[X3]`.
    Done(TrajectoryId, EntryId),
    /// It is at work, and happens once.
    AtWork(TrajectoryId),
    /// It was interrupted, and whether it happened is not known `[X2]`.
    InDoubt(TrajectoryId),
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(run, entry) => write!(
                f,
                "this very call happens once, and was done in run `{}`, see entry {}",
                run.short(),
                entry.short()
            ),
            Self::AtWork(run) => write!(
                f,
                "this very call happens once, and is at work in run `{}`",
                run.short()
            ),
            Self::InDoubt(run) => write!(
                f,
                "this very call was interrupted in run `{}` and {IN_DOUBT}",
                run.short()
            ),
        }
    }
}

/// A row a trajectory, and who tells of itself.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) rows: BTreeMap<TrajectoryId, Summary>,
    /// Trajectories with a session here, which knows best.
    pub(super) sessions: BTreeSet<TrajectoryId>,
    /// Rows that were folded since a snapshot was taken.
    pub(super) folded: u64,
    /// Whether a session told of itself since then.
    pub(super) told: bool,
}

impl Desk {
    /// Open holds of a run that wait for an answer: they have none, their time is not over, and nothing that they wait
    /// under is cut. Whoever opens the run next lets the gate refuse the others `[W7]`.
    pub(super) fn waiting<'a>(
        &'a self,
        kernel: &'a Kernel,
        summary: &'a Summary,
    ) -> impl Iterator<Item = &'a HoldRow> {
        let now = kernel.now();
        let holds = summary.holds.iter();
        let answerable = holds.filter(move |hold| {
            !hold.answered
                && !hold.row.is_over(now)
                && !self.is_cut(kernel, &summary.row.trajectory, hold)
        });
        answerable.map(|hold| &hold.row)
    }

    /// Whether a link of its chain is revoked where a session would look for that: on its own run, on those above,
    /// and on the account of a writ file. Or its signer's key is retired `[W1]`.
    fn is_cut(&self, kernel: &Kernel, run: &TrajectoryId, hold: &Waits) -> bool {
        let above = self.lineage(*run);
        let revoked = |at: &TrajectoryId, writ: &WritId| {
            let told = self.rows.get(at);
            told.is_some_and(|row| row.revoked.contains(writ))
        };
        hold.under.iter().any(|(writ, signer)| {
            kernel.has_retired(signer)
                || revoked(run, writ)
                || revoked(&account_of(writ), writ)
                || above.iter().any(|at| revoked(at, writ))
        })
    }

    /// A run's row as it is now: time passes, and writs end elsewhere, without an entry of its own.
    pub(super) fn row_now(&self, kernel: &Kernel, summary: &Summary) -> RunRow {
        let pending = self.waiting(kernel, summary).count() as u64;
        let told = &summary.row;
        let over = told.pending > 0 && pending == 0 && told.state == HELD;
        let state = match over {
            // Opened again it finds the no of the timer, or of the gate, and goes on.
            true => "can go on".to_owned(),
            false => told.state.clone(),
        };
        RunRow {
            pending,
            state,
            ..told.clone()
        }
    }

    /// The trajectories above a delegated one, nearest first.
    pub(super) fn lineage(&self, of: TrajectoryId) -> Vec<TrajectoryId> {
        let mut above = Vec::new();
        let mut next = Some(of);
        while let Some(at) = next.filter(|_| above.len() <= CHAIN_LINKS_MAX) {
            let parent = self
                .rows
                .get(&at)
                .and_then(|summary| summary.row.parent.as_ref());
            next = parent
                .filter(|parent| !parent.branched)
                .map(|parent| parent.trajectory);
            above.extend(next);
        }
        above
    }
}
