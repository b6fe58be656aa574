//! The trajectories of a log while it is read. The state of one that nothing was heard of for long is let
//! go, and folded anew from the past when the log comes back to it, so that memory is that of the
//! trajectories that are at work side by side.
//!
//! What is folded anew is believed no more than the first time: it must lead to the very entry that the
//! trajectory was left at, whose id pins everything before it.

use std::collections::BTreeMap;

use thymos_core::body::{Body, BodyState, Role};
use thymos_core::{Entry, EntryId, Kind, TrajectoryId};

use super::lane::{Lane, Piece};
use super::report::Step;
use super::{Level, Place};
use crate::past::{Refolded, fold_anew};
use crate::projection::Projection;

/// The trajectories that one lane follows.
pub(super) type Lines = BTreeMap<TrajectoryId, Line>;

/// One trajectory while it is read.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) next_seq: u64,
    pub(super) head: Option<EntryId>,
    /// What its model said last; only of one that hangs from another, which reports it.
    pub(super) said: Option<String>,
    /// Something that was said on it is not there, so that nobody knows what came last.
    pub(super) mute: bool,
    pub(super) state: State,
    /// An earlier check left it there: what its verdicts stand on was not read by this one.
    pub(super) left: bool,
    /// Whether it was wanted since states were last let go.
    pub(super) wanted: bool,
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

impl Line {
    pub(super) fn new(id: TrajectoryId) -> Self {
        Self {
            next_seq: 0,
            head: None,
            said: None,
            mute: false,
            state: State::Sound(Box::new(Projection::lean(id))),
            left: false,
            wanted: true,
        }
    }
}

impl Lane {
    /// Has the states at hand that this entry is held against: its own, that of a child that ended, and
    /// that of the trajectory above.
    pub(super) fn wake(&mut self, piece: &Piece) {
        let place = piece.place;
        self.wake_one(place, piece.entry.header.trajectory);
        let BodyState::Known(body) = &piece.body else {
            return;
        };
        if self.level < Level::V3 {
            return;
        }
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
        let Self {
            lines,
            past,
            redecider,
            orders,
            level,
            ..
        } = self;
        let Some(line) = lines.get_mut(&id) else {
            return;
        };
        line.wanted = true;
        let left = std::mem::replace(&mut line.left, false);
        let (true, Some(past), Some(head)) = (
            left || matches!(line.state, State::Resting),
            past.as_ref(),
            line.head,
        ) else {
            return;
        };
        let (said, mute) = (&mut line.said, &mut line.mute);
        let relearn = left && *level >= Level::V3;
        let mut met = |entry: &Entry, body: &BodyState| {
            if !relearn {
                return;
            }
            *mute |= entry.content.is_none() && entry.kind() == Some(Kind::Message);
            let BodyState::Known(body) = body else { return };
            // What cannot be used was told when it was met first.
            drop(redecider.learn(entry, body));
            if orders.has(&id)
                && let Some(words) = last_words(body)
            {
                *said = Some(words.to_owned());
            }
        };
        line.state = match fold_anew(id, (line.next_seq, head), past.as_ref(), &mut met) {
            Ok(Refolded::Sound(projection)) => State::Sound(projection),
            // Erased since it was read, of which an entry further on tells; or before.
            Ok(Refolded::Gapped(projection)) => State::Gapped(projection),
            Ok(Refolded::Lost) => State::Lost,
            Err(what) => {
                self.found.add((Level::V2, Step::Wake), place, what);
                State::Broken
            }
        };
    }

    /// Lets go of the states that were not wanted since the last time, where they can be had again.
    pub(super) fn let_go(&mut self) {
        if self.past.is_none() {
            return;
        }
        for (id, line) in &mut self.lines {
            if !std::mem::replace(&mut line.wanted, false)
                && let State::Sound(projection) = &line.state
                && line.head.is_some()
            {
                self.found.line(*id).describe(projection, true);
                line.state = State::Resting;
            }
        }
    }

    /// Says of each trajectory what it came to.
    pub(super) fn describe(&mut self) {
        for (id, line) in &self.lines {
            let tally = self.found.line(*id);
            match &line.state {
                State::Sound(p) => tally.describe(p, true),
                State::Gapped(p) => tally.describe(p, false),
                State::Resting | State::Lost | State::Broken => {}
            }
        }
    }
}

/// What the model said, where it said something.
pub(super) fn last_words(body: &Body) -> Option<&str> {
    let Body::Message(said) = body else {
        return None;
    };
    let words = said.role == Role::Model && !said.text.trim().is_empty();
    words.then_some(said.text.as_str())
}
