//! Time travel `[Y4]`: the state of a trajectory at any of its entries, folded from the nearest stop that an
//! earlier look left `[L15]`.
//!
//! A stop holds what is there and nothing of what ended, so that many of them fit; nothing is decided on one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use thymos_core::TrajectoryId;
use thymos_replay::{Projection, fold_within};

use super::lookup::unknown;
use crate::kernel::Kernel;
use crate::past::Stored;
use crate::snapshot::run::is_erased;

/// Entries read at once.
const PAGE: usize = 1024;

/// Entries between two stops, at first; fewer where snapshots of runs are closer.
const APART: u64 = 1_000;

/// Stops of one trajectory. Beyond it every other one is given up, and they are twice as far apart.
const STOPS_MAX: usize = 64;

/// Trajectories whose stops are kept: that of the screen, and those it is compared with.
const LINES_MAX: usize = 4;

/// The stops, of the trajectories that were looked at last.
#[derive(Default)]
pub(super) struct Worlds(Mutex<VecDeque<Line>>);

/// The stops of one trajectory, oldest first.
struct Line {
    trajectory: TrajectoryId,
    apart: u64,
    stops: Vec<Projection>,
}

impl Worlds {
    /// The state after entry `seq`, or after the newest one where it has not come that far.
    ///
    /// # Errors
    /// A sentence, where there is no such trajectory here or its entries cannot be read or folded.
    pub(super) fn at(
        &self,
        kernel: &Kernel,
        trajectory: TrajectoryId,
        seq: u64,
    ) -> Result<Projection, String> {
        self.on(kernel, trajectory, |line| line.at(kernel, seq))
    }

    /// As [`Self::at`], at an earlier and a later entry: what is between them is folded once.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub(super) fn at_both(
        &self,
        kernel: &Kernel,
        trajectory: TrajectoryId,
        (earlier, later): (u64, u64),
    ) -> Result<(Projection, Projection), String> {
        self.on(kernel, trajectory, |line| {
            let first = line.at(kernel, earlier)?;
            let mut last = line.nearest(later);
            if last.len < first.len {
                last = first.clone();
            }
            line.fold_on(kernel, &mut last, later)?;
            Ok((first, last))
        })
    }

    fn on<T>(
        &self,
        kernel: &Kernel,
        trajectory: TrajectoryId,
        look: impl FnOnce(&mut Line) -> Result<T, String>,
    ) -> Result<T, String> {
        if !kernel.owns(&trajectory).unwrap_or(false) {
            return Err(unknown(&trajectory));
        }
        let mut line = self.taken(kernel, trajectory);
        let seen = look(&mut line);
        // Others that look at the same one meanwhile make stops of their own; the last of them stay.
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|kept| kept.trajectory != trajectory);
        lines.push_back(line);
        if lines.len() > LINES_MAX {
            lines.pop_front();
        }
        drop(lines);
        seen
    }

    /// The stops that count: none where something was erased that may be in them.
    fn taken(&self, kernel: &Kernel, trajectory: TrajectoryId) -> Line {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = lines.iter().position(|line| line.trajectory == trajectory);
        let found = at.and_then(|at| lines.remove(at));
        drop(lines);
        let store = kernel.parts.store.as_ref();
        let whole = |line: &Line| match line.stops.last() {
            Some(stop) => !is_erased(store, stop).unwrap_or(true),
            None => true,
        };
        found.filter(whole).unwrap_or(Line {
            trajectory,
            apart: kernel.parts.snapshots.run_entries().min(APART),
            stops: Vec::new(),
        })
    }
}

impl Line {
    fn at(&mut self, kernel: &Kernel, seq: u64) -> Result<Projection, String> {
        let mut at = self.nearest(seq);
        self.fold_on(kernel, &mut at, seq)?;
        Ok(at)
    }

    /// The nearest stop before or at the end of an entry; the beginning where there is none.
    fn nearest(&self, seq: u64) -> Projection {
        let end = seq.saturating_add(1);
        let near = self.stops.partition_point(|stop| stop.len <= end);
        let stop = near.checked_sub(1).and_then(|near| self.stops.get(near));
        stop.map_or_else(|| Projection::of_state(self.trajectory), Clone::clone)
    }

    /// Folds on up to and with `seq`, or to the end, and leaves stops on the way.
    fn fold_on(&mut self, kernel: &Kernel, at: &mut Projection, seq: u64) -> Result<(), String> {
        let store = kernel.parts.store.as_ref();
        while at.len <= seq {
            let wanted = (seq - at.len).saturating_add(1).min(PAGE as u64);
            let wanted = usize::try_from(wanted).unwrap_or(PAGE);
            let page = store.page(&self.trajectory, at.len, wanted);
            let page = page.map_err(|e| e.to_string())?;
            for entry in &page {
                fold_within(at, entry, &Stored(store)).map_err(|e| e.to_string())?;
                self.leave(at);
            }
            if page.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Leaves a stop where one is due.
    fn leave(&mut self, at: &Projection) {
        let last = self.stops.last().map_or(0, |stop| stop.len);
        if at.len < last.saturating_add(self.apart) || at.is_over() {
            return;
        }
        self.stops.push(at.clone());
        if self.stops.len() > STOPS_MAX {
            // Every second one stays, so that the next is as far from the last as they are apart.
            let mut ordinal = 0_usize;
            self.stops.retain(|_| {
                ordinal += 1;
                ordinal.is_multiple_of(2)
            });
            self.apart = self.apart.saturating_mul(2);
        }
    }
}
