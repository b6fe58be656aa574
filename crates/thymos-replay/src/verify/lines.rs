//! The trajectories of a log while it is read. The state of one that nothing was heard of for long is let
//! go, and folded anew from the past when the log comes back to it, so that memory is that of the
//! trajectories that are at work side by side.
//!
//! What is folded anew is believed no more than the first time: it must lead to the very entry that the
//! trajectory was left at, whose id pins everything before it.

use std::collections::BTreeMap;

use thymos_core::body::{Body, BodyState};
use thymos_core::{Entry, EntryId, TrajectoryId};

use super::{Level, Place, Verifier};
use crate::past::fold_anew;
use crate::projection::Projection;

/// Rows after which a state that was not wanted meanwhile is let go, at first. Where so many trajectories
/// go on side by side that folding them anew takes more than the log itself, twice as many are remembered:
/// memory grows then, and not the work.
const ROWS_REMEMBERED: u64 = 2_048;

/// Every trajectory met so far.
#[derive(Clone)]
pub(super) struct Lines {
    all: BTreeMap<TrajectoryId, Line>,
    /// Rows until states that were not wanted are let go.
    turns_in: u64,
    remembered: u64,
    rows: u64,
    /// Entries that were folded a second time.
    anew: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self::remembering(ROWS_REMEMBERED)
    }
}

/// One trajectory while it is read.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) next_seq: u64,
    pub(super) head: Option<EntryId>,
    /// Position in the log of its newest entry.
    pub(super) index: Option<u64>,
    /// What its model said last; only of one that hangs from another, which reports it.
    pub(super) said: Option<String>,
    /// Something that was said on it is not there, so that nobody knows what came last.
    pub(super) mute: bool,
    pub(super) state: State,
    /// Whether it was wanted since states were last let go.
    wanted: bool,
}

/// How far a trajectory's state can be followed.
#[derive(Clone)]
pub(super) enum State {
    /// So far it follows.
    Sound(Box<Projection>),
    /// So far it follows, and it was let go.
    Resting,
    /// Something in it was erased or is of a newer version; what contradicts the rest afterwards
    /// may follow from what is gone.
    Gapped(Box<Projection>),
    /// It contradicts itself behind something that is gone, and may do so because of it.
    Lost,
    /// It contradicted itself; that was told.
    Broken,
}

impl Lines {
    /// Keeps a state for so many rows at least.
    pub(super) const fn remembering(rows: u64) -> Self {
        Self {
            all: BTreeMap::new(),
            turns_in: rows,
            remembered: rows,
            rows: 0,
            anew: 0,
        }
    }

    pub(super) fn get(&self, id: &TrajectoryId) -> Option<&Line> {
        self.all.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &TrajectoryId) -> Option<&mut Line> {
        self.all.get_mut(id)
    }

    /// The line of this trajectory, which may begin here.
    pub(super) fn of(&mut self, id: TrajectoryId) -> &mut Line {
        self.all.entry(id).or_insert_with(|| Line {
            next_seq: 0,
            head: None,
            index: None,
            said: None,
            mute: false,
            state: State::Sound(Box::new(Projection::lean(id))),
            wanted: true,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TrajectoryId, &Line)> {
        self.all.iter()
    }

    /// States that are held now.
    #[cfg(test)]
    pub(super) fn awake(&self) -> usize {
        let lines = self.all.values();
        lines
            .filter(|line| !matches!(line.state, State::Resting))
            .count()
    }

    /// Whether it is time to let go.
    fn turns(&mut self) -> bool {
        self.rows += 1;
        self.turns_in = self.turns_in.saturating_sub(1);
        if self.turns_in > 0 {
            return false;
        }
        if self.anew > self.rows {
            self.remembered = self.remembered.saturating_mul(2);
        }
        self.turns_in = self.remembered;
        true
    }
}

impl Verifier {
    /// Has the states at hand that this entry is held against: its own, that of a child that ended, and
    /// that of the trajectory above.
    pub(super) fn wake(&mut self, place: Place, entry: &Entry, body: &BodyState) {
        if self.lines.turns() {
            self.let_go();
        }
        self.wake_one(place, entry.header.trajectory);
        let BodyState::Known(body) = body else { return };
        if let Body::DelegationResult(end) = body {
            self.wake_one(place, end.child);
        }
        if let Body::Root(root) = body
            && let Some(link) = &root.parent
        {
            self.wake_one(place, link.trajectory);
        }
    }

    fn wake_one(&mut self, place: Place, id: TrajectoryId) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        line.wanted = true;
        let (State::Resting, Some(past), Some(head)) = (&line.state, &self.past, line.head) else {
            return;
        };
        let length = line.next_seq;
        line.state = match fold_anew(id, (length, head), past.as_ref()) {
            // Erased since it was read, of which an entry further on tells.
            Ok(projection) if projection.erasure.gone => State::Gapped(Box::new(projection)),
            Ok(projection) => State::Sound(Box::new(projection)),
            Err(what) => {
                self.report.add(Level::V2, place, what);
                State::Broken
            }
        };
        self.lines.anew += length;
    }

    /// Lets go of the states that were not wanted since the last time, where they can be had again.
    fn let_go(&mut self) {
        if self.past.is_none() {
            return;
        }
        for (id, line) in &mut self.lines.all {
            if !std::mem::replace(&mut line.wanted, false)
                && let State::Sound(projection) = &line.state
                && line.head.is_some()
            {
                let tally = self.report.lines.entry(*id).or_default();
                tally.describe(projection, true);
                line.state = State::Resting;
            }
        }
    }
}
