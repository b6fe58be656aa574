//! The part of verification that follows trajectories, each by itself: their states, their verdicts, and
//! what they say of one another. Several lanes may do it side by side, each on a thread of its own.
//!
//! A lane does its work in the order it was dealt. What crosses trajectories comes to each of them at its
//! place in that order, so that a verdict sees exactly what stood before its entry; trajectories that look
//! at one another are in one lane, or are brought there first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use thymos_core::body::{Body, BodyState, Erased, Reconciled};
use thymos_core::writ::{SignedWrit, TrustRoots};
use thymos_core::{Entry, Kind, TrajectoryId, WritId};

use super::facts::{Faults, Moment};
use super::found::{Counted, Found};
use super::kin::{Beside, Order, Orders};
use super::lines::{Line, Lines, State, last_words};
use super::report::Step;
use super::{Level, Place, Tally, parts};
use crate::divergence::Divergence;
use crate::fold::fold_read;
use crate::past::{Past, fold_at};
use crate::projection::Projection;
use crate::redecide::{self, Footing, Redecided, Redecider};

/// Follows the trajectories that it is dealt.
#[derive(Clone)]
pub struct Lane {
    pub(super) level: Level,
    pub(super) lines: Lines,
    pub(super) past: Option<Arc<dyn Past>>,
    /// Other trajectories are not there.
    pub(super) alone: bool,
    pub(super) found: Found,
    /// First revocation of each writ, anywhere before, by position in the log.
    pub(super) cuts: BTreeMap<WritId, u64>,
    pub(super) orders: Orders,
    pub(super) redecider: Redecider,
}

/// Work for one lane, to be done in the order in which it is dealt.
pub struct Work(Task);

pub(super) enum Task {
    /// The next entry of a trajectory of this lane.
    Row(Box<Piece>),
    /// What an entry of any trajectory said, from here on.
    Hear(Heard),
    /// States that nobody wanted are let go.
    LetGo,
    /// Another lane follows this trajectory from here on.
    Part(TrajectoryId, SyncSender<Moved>),
    /// This lane does, once the other has handed it over.
    Join(TrajectoryId, Receiver<Moved>),
}

/// What is left to check of a row.
pub(super) struct Piece {
    /// Which row it is, counted from 1.
    pub(super) row: u64,
    pub(super) place: Place,
    pub(super) entry: Entry,
    pub(super) body: BodyState,
    pub(super) signed: Option<bool>,
    /// Position in the log of the trajectory's previous entry.
    pub(super) previous: Option<u64>,
    /// A body was not there, up to here, on any trajectory.
    pub(super) gaps: bool,
}

/// What crosses trajectories.
#[derive(Clone)]
pub(super) enum Heard {
    Issued {
        id: WritId,
        /// None where it is not what its id says.
        writ: Option<Arc<SignedWrit>>,
        session: Option<TrajectoryId>,
    },
    Cut(WritId, u64),
    Ordered(Arc<Order>),
}

/// A trajectory on its way from one lane to another.
pub(super) struct Moved {
    line: Option<Line>,
    tally: Option<Tally>,
    footing: Option<Footing>,
}

impl From<Task> for Work {
    fn from(task: Task) -> Self {
        Self(task)
    }
}

impl Work {
    /// Whether another lane may wait for this: it is handed over before anything that is dealt later.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        matches!(self.0, Task::Part(..))
    }
}

impl Heard {
    pub(super) fn of(place: Place, entry: &Entry, body: &Body) -> Option<Self> {
        if let Body::WritIssued(issued) = body {
            return Some(Self::Issued {
                id: issued.id,
                writ: redecide::sound(issued),
                session: issued.session,
            });
        }
        if let Body::WritRevoked(cut) = body {
            return Some(Self::Cut(cut.writ, place.index));
        }
        if let Body::Delegation(order) = body {
            return Some(Self::Ordered(Arc::new(Order::of(entry, order))));
        }
        None
    }
}

impl Lane {
    pub(super) fn new(level: Level, roots: TrustRoots) -> Self {
        Self {
            level,
            lines: Lines::new(),
            past: None,
            alone: false,
            found: Found::default(),
            cuts: BTreeMap::new(),
            orders: Orders::default(),
            redecider: Redecider::new(roots),
        }
    }

    /// Does the next work of this lane. Waits where another lane has to hand something over first.
    pub fn work(&mut self, work: Work) {
        match work.0 {
            Task::Row(piece) => self.check(*piece),
            Task::Hear(heard) => self.hear(heard),
            Task::LetGo => self.let_go(),
            Task::Part(id, to) => {
                let moved = Moved {
                    line: self.lines.remove(&id),
                    tally: self.found.part_with(&id),
                    footing: self.redecider.part_with(&id),
                };
                // Nobody is there to take it only when all of it was given up.
                drop(to.send(moved));
            }
            Task::Join(id, from) => {
                if let Ok(moved) = from.recv() {
                    self.join(id, moved);
                }
            }
        }
    }

    fn join(&mut self, id: TrajectoryId, moved: Moved) {
        if let Some(line) = moved.line {
            self.lines.insert(id, line);
        }
        if let Some(tally) = moved.tally {
            self.found.take_over(id, tally);
        }
        if let Some(footing) = moved.footing {
            self.redecider.take_over(id, footing);
        }
    }

    pub(super) fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Issued { id, writ, session } => {
                if let Some(writ) = &writ {
                    self.redecider.hear(id, writ);
                }
                if let Some(session) = session {
                    self.orders.share(id, session);
                }
            }
            Heard::Cut(writ, index) => {
                self.cuts.entry(writ).or_insert(index);
            }
            Heard::Ordered(order) => self.orders.learn(&order),
        }
    }

    fn check(&mut self, piece: Piece) {
        self.found.begin(piece.row);
        self.wake(&piece);
        let Piece {
            row: _,
            place,
            entry,
            body,
            signed,
            previous,
            gaps,
        } = piece;
        let known = match &body {
            BodyState::Known(body) if self.level >= Level::V3 => Some(body),
            BodyState::Known(_)
            | BodyState::Erased
            | BodyState::UnknownKind(_)
            | BodyState::Invalid(_) => None,
        };
        let mut counted = Counted::default();
        // Before the fold: facts are of the moment before their entry.
        let again = known.map(|body| {
            self.check_facts((place, &mut counted), (&entry, previous), body);
            self.check_kin(place, &entry, body);
            self.check_signatures((place, &mut counted), signed, body);
            self.redecider.observe(&entry, body)
        });
        self.follow(&entry);
        self.check_state((place, &mut counted), &entry, body);
        if let Some(again) = again {
            self.count_decision((place, &mut counted), (&entry, gaps), again);
        }
        self.found.count(entry.header.trajectory, &counted);
    }

    /// The entry is its trajectory's newest, as the chain of headers has it.
    fn follow(&mut self, entry: &Entry) {
        let header = &entry.header;
        let new = || Line::new(header.trajectory);
        let line = self.lines.entry(header.trajectory).or_insert_with(new);
        line.next_seq = header.seq.saturating_add(1);
        line.head = Some(entry.id);
        if entry.content.is_none() && entry.kind() == Some(Kind::Message) {
            line.mute = true;
        }
    }

    fn check_state(&mut self, (place, counted): At<'_>, entry: &Entry, body: BodyState) {
        let Some(line) = self.lines.get_mut(&entry.header.trajectory) else {
            return;
        };
        if entry.kind().is_none() {
            let found = format!("unknown kind `{}`", entry.header.kind);
            let what = Divergence::new("kind", "a known kind", found);
            self.found.add((Level::V2, Step::State), place, what);
        }
        let bare = entry.content.is_none() && parts::decides(entry.kind());
        let gap = entry.kind().is_none() || bare;
        let (mut projection, gapped) = match std::mem::replace(&mut line.state, State::Broken) {
            State::Sound(projection) => (projection, gap),
            State::Gapped(projection) => (projection, true),
            State::Lost => {
                line.state = State::Lost;
                counted.unchecked.state += 1;
                return;
            }
            // One that cannot be folded anew broke when it was wanted.
            State::Resting | State::Broken => {
                counted.unchecked.state += 1;
                return;
            }
        };
        let folded = match &self.past {
            Some(past) => fold_at(&mut projection, entry, body, past.as_ref(), 0),
            None => {
                fold_read(&mut projection, entry, body).map(|()| entry.kind() == Some(Kind::Branch))
            }
        };
        match folded {
            Ok(gaps) if gapped || gaps => {
                // A branch whose past cannot be asked for starts from a world that nobody checked.
                match gaps {
                    true => counted.unchecked.state += 1,
                    false => counted.checked.state += 1,
                }
                line.state = State::Gapped(projection);
            }
            Ok(_) => {
                counted.checked.state += 1;
                line.state = State::Sound(projection);
            }
            Err(what) => {
                let tally = self.found.line(projection.trajectory);
                tally.describe(&projection, false);
                if gapped {
                    counted.unchecked.state += 1;
                    line.state = State::Lost;
                } else {
                    self.found.add((Level::V2, Step::State), place, what);
                }
            }
        }
    }

    /// `[V3]` A verdict is worth what its facts are worth: those that follow from the record must.
    fn check_facts(
        &mut self,
        (place, counted): At<'_>,
        (entry, previous): (&Entry, Option<u64>),
        body: &Body,
    ) {
        let Some(line) = self.lines.get(&entry.header.trajectory) else {
            return;
        };
        let decides = body.decided().is_some();
        let State::Sound(before) = &line.state else {
            // What was erased, or broke off, may be what they follow from.
            counted.unchecked.facts += u64::from(decides);
            return;
        };
        // In an excerpt the writs of others may be elsewhere, and so may their revocations.
        let known = |id: &WritId| self.redecider.knows(id);
        if self.alone
            && let Some(decided) = body.decided()
            && !decided
                .proposal
                .writs
                .iter()
                .chain(&decided.facts.standing)
                .all(known)
        {
            counted.unchecked.facts += 1;
            return;
        }
        let moment = Moment {
            before,
            alone: self.alone,
            previous,
            at: entry.header.at_ms,
            cuts: &self.cuts,
            redecider: &self.redecider,
        };
        let faults = moment.faults(body);
        counted.checked.facts += u64::from(decides);
        for what in faults.0 {
            self.found.add((Level::V3, Step::Facts), place, what);
        }
    }

    /// `[V3]` What trajectories say of one another must fit.
    fn check_kin(&mut self, place: Place, entry: &Entry, body: &Body) {
        let sound = |id: &TrajectoryId| match self.lines.get(id) {
            Some(Line {
                state: State::Sound(p),
                said,
                mute: false,
                ..
            }) => Some((p.as_ref(), said.as_deref())),
            Some(_) | None => None,
        };
        let id = entry.header.trajectory;
        let empty = Projection::empty(id);
        let before = match self.lines.get(&id).map(|line| &line.state) {
            Some(State::Sound(before)) => Some(before.as_ref()),
            Some(State::Resting | State::Gapped(_) | State::Lost | State::Broken) => None,
            None => Some(&empty),
        };
        // Whoever ordered it may be elsewhere, or have lost the entry that did.
        let complete = |id: &TrajectoryId| match self.lines.get(id).map(|line| &line.state) {
            Some(State::Gapped(_) | State::Lost) => false,
            Some(State::Sound(_) | State::Resting | State::Broken) => true,
            None => !self.alone,
        };
        let faults = before.map_or_else(Faults::default, |before| {
            let beside = Beside {
                before,
                orders: &self.orders,
                other: &sound,
                complete: &complete,
            };
            beside.faults(entry, body)
        });
        for what in faults.0 {
            self.found.add((Level::V3, Step::Kin), place, what);
        }
        if let Some(words) = last_words(body)
            && let Some(line) = self.lines.get_mut(&id)
            && self.orders.has(&id)
        {
            line.said = Some(words.to_owned());
        }
    }

    /// `[V4]` Who is said to have signed something did.
    fn check_signatures(&mut self, (place, counted): At<'_>, signed: Option<bool>, body: &Body) {
        if self.level < Level::V4 {
            return;
        }
        let at = (Level::V4, Step::Signatures);
        if let Body::PolicyLoaded(loaded) = body {
            counted.checked.identity += u64::from(loaded.signed_by.is_some());
            if let Err(what) = self.redecider.vouched(loaded) {
                self.found.add(at, place, what);
            }
        }
        // A revocation is not held against the roots: it takes authority away and gives none, and whoever was
        // given a writ may cut what hangs below it [W7].
        if let Body::Erased(Erased { by, .. }) | Body::Reconciled(Reconciled { by, .. }) = body
            && !self.redecider.ever_trusted(&by.key)
        {
            let what = Divergence::new(
                "signer",
                "an operator key of the trust roots",
                by.key.to_string(),
            );
            self.found.add(at, place, what);
        }
        if let Some(holds) = signed {
            counted.checked.identity += 1;
            if !holds {
                let what = Divergence::new("signature", "by the key named in it", "another's");
                self.found.add(at, place, what);
            }
        }
    }

    /// `[V3]` What deciding it again came to; after the fold, which finds out about gaps.
    fn count_decision(
        &mut self,
        (place, counted): At<'_>,
        (entry, gaps): (&Entry, bool),
        again: Redecided,
    ) {
        let line = self.lines.get(&entry.header.trajectory);
        let gapped = line.is_some_and(|line| matches!(line.state, State::Gapped(_) | State::Lost));
        match again {
            Redecided::NoDecision => {}
            // [L3] What it rested on may be what is gone.
            Redecided::Unknown(_) | Redecided::Different(_) if gapped => {
                counted.unchecked.decisions += 1;
            }
            Redecided::Unknown(what) if parts::may_miss(gaps || self.alone, &what) => {
                counted.unchecked.decisions += 1;
            }
            Redecided::Same { witnessed } => {
                counted.checked.decisions += 1;
                counted.witnessed += u64::from(witnessed);
            }
            Redecided::Unknown(what) => {
                counted.unchecked.decisions += 1;
                self.found.add((Level::V3, Step::Decision), place, *what);
            }
            Redecided::Different(what) => {
                counted.checked.decisions += 1;
                self.found.add((Level::V3, Step::Decision), place, *what);
            }
        }
    }
}

/// Where a check is made, and what it counts.
type At<'c> = (Place, &'c mut Counted);
