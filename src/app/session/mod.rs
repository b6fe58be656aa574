//! The screen's copy of what it has pulled: a window of one trajectory, its status, open holds.
//!
//! Pulls and never guesses: the bell says how long the trajectory is, pages fill the window from
//! its end, and `next_seq` sees to it that nothing is lost or doubled. Old windows come by the
//! same pages. Knows no pane.

pub mod output;
pub mod story;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thymos_core::{ProposalId, TrajectoryId};
use thymos_protocol::{Command, Heads, HoldRow, Live, Page, Status, What};

use crate::mind::Mind;

pub use output::Output;
pub use story::{Did, Group, Item, Said, Standing, Step, Story};

/// Events asked for at once; the kernel gives no more than 256.
pub const PAGE_EVENTS: usize = 256;

/// Events pulled when a trajectory is opened; older ones come when they are scrolled to.
pub const WINDOW_EVENTS: u64 = 512;

/// What one page brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Items that were not there before.
    pub fresh: usize,
    /// Whether the open holds may have changed.
    pub holds_moved: bool,
    /// Whether a hold was among the new events.
    pub suspended: bool,
    /// Whether a run ended among the new events.
    pub closed: bool,
}

/// One open trajectory, as far as the screen has it.
#[derive(Clone, Debug, Default)]
pub struct Session {
    trajectory: Option<TrajectoryId>,
    status: Option<Status>,
    story: Story,
    mind: Mind,
    // INVARIANT: story and mind hold exactly the events from `first_seq` up to, not with, `next_seq`.
    first_seq: u64,
    next_seq: u64,
    known_len: u64,
    epoch: u64,
    stale: bool,
    pulling: bool,
    pulling_older: bool,
    // Work begun before this entry, without an end, was found at opening: it is in doubt.
    in_doubt_before: u64,
    holds: Vec<HoldRow>,
    numbers: BTreeMap<ProposalId, u32>,
    live: Live,
}

impl Session {
    /// Starts over with a trajectory that has just been opened.
    pub fn open(&mut self, status: Status) {
        let len = status.head_seq.saturating_add(1);
        let first = len.saturating_sub(WINDOW_EVENTS);
        *self = Self {
            trajectory: Some(status.trajectory),
            in_doubt_before: if status.running.is_none() { len } else { 0 },
            status: Some(status),
            first_seq: first,
            next_seq: first,
            known_len: len,
            holds: std::mem::take(&mut self.holds),
            numbers: std::mem::take(&mut self.numbers),
            ..Self::default()
        };
    }

    /// Which trajectory.
    #[must_use]
    pub fn trajectory(&self) -> Option<TrajectoryId> {
        self.trajectory
    }

    /// Its standing at the head, as last told.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// What has been pulled, told.
    #[must_use]
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// The same as a map of what led to what.
    #[must_use]
    pub fn mind(&self) -> &Mind {
        &self.mind
    }

    /// Open holds of all trajectories, oldest first.
    #[must_use]
    pub fn holds(&self) -> &[HoldRow] {
        &self.holds
    }

    /// What is going on here right now; none when it is of another trajectory or stale.
    #[must_use]
    pub fn live(&self) -> Option<&Live> {
        (self.live.trajectory.is_some() && self.live.trajectory == self.trajectory)
            .then_some(&self.live)
    }

    /// Whether something runs here.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(|status| status.running.is_some())
    }

    /// The first entry not pulled yet.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Entries before the window.
    #[must_use]
    pub fn older(&self) -> u64 {
        self.first_seq
    }

    /// `#n`, short for a proposal; the same for as long as the app runs.
    #[must_use]
    pub fn number(&self, proposal: ProposalId) -> Option<u32> {
        self.numbers.get(&proposal).copied()
    }

    /// Whether a group's work began before this opening and never ended `[X2]`.
    #[must_use]
    pub fn is_unsettled(&self, group: &Group) -> bool {
        group.standing() == Standing::Running
            && group
                .started_seq()
                .is_some_and(|seq| seq < self.in_doubt_before)
    }

    /// Hears the bell.
    pub fn ring(&mut self, heads: &Heads) {
        let len = self
            .trajectory
            .and_then(|id| heads.lens.get(&id))
            .copied()
            .unwrap_or(0);
        self.known_len = self.known_len.max(len);
        self.stale |= heads.epoch != self.epoch;
        self.epoch = heads.epoch;
    }

    /// What to ask next so that the window reaches the head, if anything. One pull at a time.
    pub fn pull(&mut self) -> Option<Command> {
        let trajectory = self.trajectory?;
        let behind = self.next_seq < self.known_len || self.stale;
        if self.pulling || !behind {
            return None;
        }
        self.pulling = true;
        self.stale = false;
        Some(Command::Page {
            trajectory,
            from_seq: self.next_seq,
            limit: PAGE_EVENTS,
        })
    }

    /// What to ask for the page before the window, if there is one.
    pub fn pull_older(&mut self) -> Option<Command> {
        let trajectory = self.trajectory?;
        if self.pulling_older || self.first_seq == 0 {
            return None;
        }
        self.pulling_older = true;
        let limit = self.first_seq.min(PAGE_EVENTS as u64);
        Some(Command::Page {
            trajectory,
            from_seq: self.first_seq - limit,
            limit: usize::try_from(limit).unwrap_or(PAGE_EVENTS),
        })
    }

    /// Takes a page at the head. Events that are not next are dropped and asked for again.
    pub fn absorb(&mut self, page: Page) -> Pulled {
        self.pulling = false;
        let mut pulled = Pulled::default();
        let before = self.story.items().len();
        let began = self.next_seq;
        for event in page.events {
            if Some(event.trajectory) != self.trajectory || event.seq != self.next_seq {
                continue;
            }
            self.next_seq += 1;
            self.known_len = self.known_len.max(self.next_seq);
            self.note(&event.what, &mut pulled);
            self.mind.absorb(&event);
            self.story.absorb(event);
        }
        pulled.fresh = self.story.items().len() - before;
        if self.next_seq == began {
            // Nothing came although the bell promised it: wait for the next bell, never spin.
            self.known_len = began;
        }
        if let Some(status) = page
            .status
            .filter(|new| Some(new.trajectory) == self.trajectory)
        {
            pulled.holds_moved |= status.pending != self.holds.len() as u64;
            if self.next_seq > began {
                self.known_len = self.known_len.max(status.head_seq.saturating_add(1));
            }
            self.status = Some(*status);
        }
        pulled
    }

    /// Takes the page before the window; gives the number of items it put in front.
    pub fn absorb_older(&mut self, page: Page) -> usize {
        self.pulling_older = false;
        let reaches = page
            .events
            .last()
            .is_some_and(|last| last.seq + 1 == self.first_seq);
        let gapless = page
            .events
            .windows(2)
            .all(|pair| matches!(pair, [left, right] if left.seq + 1 == right.seq));
        let ours = page
            .events
            .iter()
            .all(|event| Some(event.trajectory) == self.trajectory);
        let Some(first) = page.events.first().filter(|_| reaches && gapless && ours) else {
            return 0;
        };
        self.first_seq = first.seq;
        let before = self.story.items().len();
        let (mut older, mut before_mind) = (Story::default(), Mind::default());
        for event in page.events {
            self.note(&event.what, &mut Pulled::default());
            before_mind.absorb(&event);
            older.absorb(event);
        }
        self.mind.prepend(before_mind);
        self.story.prepend(older);
        self.story.items().len() - before
    }

    /// A pull came to nothing; the next bell asks again.
    pub fn pull_failed(&mut self) {
        self.pulling = false;
        self.pulling_older = false;
    }

    /// Takes the open holds of all trajectories.
    pub fn set_holds(&mut self, holds: Vec<HoldRow>) {
        // Our own are numbered by their entries, so that a reopened trajectory counts as before.
        let elsewhere = |row: &&HoldRow| Some(row.trajectory) != self.trajectory;
        let foreign: Vec<ProposalId> = holds
            .iter()
            .filter(elsewhere)
            .map(|row| row.card.proposal)
            .collect();
        for proposal in foreign {
            self.give_number(proposal);
        }
        self.holds = holds;
    }

    /// Takes what is going on right now.
    pub fn set_live(&mut self, live: Live) {
        self.live = live;
    }

    fn note(&mut self, what: &What, pulled: &mut Pulled) {
        match what {
            What::Suspended { card, .. } => {
                self.give_number(card.proposal);
                pulled.holds_moved = true;
                pulled.suspended = true;
            }
            What::Decided { .. } | What::Superseded { .. } | What::Rejected { .. } => {
                pulled.holds_moved = true;
            }
            // The words are durable now: the live copy of them goes, so that none is shown twice.
            What::Said {
                role: thymos_core::body::Role::Model,
                ..
            } => {
                self.live.text.clear();
                self.live.reasoning.clear();
                self.live.calls.clear();
            }
            What::Closed { .. } => pulled.closed = true,
            What::Opened { .. }
            | What::Said { .. }
            | What::Used { .. }
            | What::Intended { .. }
            | What::Started { .. }
            | What::Committed { .. }
            | What::Failed { .. }
            | What::Settled { .. }
            | What::WritIssued { .. }
            | What::WritRevoked { .. }
            | What::ModeChanged { .. }
            | What::Note { .. } => {}
        }
    }

    fn give_number(&mut self, proposal: ProposalId) {
        let next = u32::try_from(self.numbers.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        self.numbers.entry(proposal).or_insert(next);
    }
}
