//! What is on the card, how much of it has been on screen, and what keeps an answer back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thymos_core::approval::{Decision, Via};
use thymos_core::id::{PresentedDigest, ProposalId};
use thymos_protocol::{Answer, HoldRow};

use crate::ui::vlist::{Place, VirtualList};

use super::lines::{self, CardLine, Tone};

/// Content longer than this must be opened in full before it can be approved.
pub const FULL_VIEW_BYTES: usize = 64 * 1024;

/// Two presses closer than this are one key that is held down.
pub(super) const REPEAT: Duration = Duration::from_millis(60);

/// Why content cannot be approved at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It says nothing.
    Empty,
    /// Its digest is not the one that an answer would quote.
    DigestDiffers,
}

/// What keeps an answer back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// No card is open.
    NothingOpen,
    /// It is closed; why.
    Closed(String),
    /// It has been answered from here.
    Answered,
    /// The card has not been in front of the person long enough.
    NotArmed,
    /// The key is held down.
    Repeated,
    /// It cannot be shown as it is.
    Unfit(Unfit),
    /// The end has not been on screen.
    EndNotSeen,
    /// It is so long that the full view must be opened first.
    FullViewNeeded,
}

impl Block {
    /// In words; none when nothing should be said.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        Some(match self {
            Self::Repeated => return None,
            Self::NothingOpen => "no card is open".into(),
            Self::Closed(why) => format!("closed: {why}"),
            Self::Answered => "answered; the kernel has it".into(),
            Self::NotArmed => "not yet: the card has only just come up".into(),
            Self::Unfit(Unfit::Empty) => "cannot be approved: it shows nothing".into(),
            Self::Unfit(Unfit::DigestDiffers) => {
                "cannot be approved: what is shown is not what would be signed".into()
            }
            Self::EndNotSeen => "read to the end first: G, or v for the full view".into(),
            Self::FullViewNeeded => "so long that it must be read in full view: v, then G".into(),
        })
    }
}

/// One approval in front of a person.
#[derive(Clone, Debug, Default)]
pub struct CardPane {
    shown: Option<Shown>,
    pub(super) list: VirtualList,
    // Since when keys reach the card and the person can see it; none while they do not.
    hears_since: Option<Duration>,
    pressed_at: Option<Duration>,
    answered: BTreeSet<ProposalId>,
    woken: Option<Duration>,
    // The card that was opened is closed: what the queue chooses is shown in its place.
    follows: bool,
}

#[derive(Clone, Debug)]
struct Shown {
    row: HoldRow,
    lines: Arc<Vec<CardLine>>,
    bytes: usize,
    unfit: Option<Unfit>,
    since: Duration,
    end_seen: bool,
    end_seen_in_full: bool,
    closed: Option<String>,
}

impl CardPane {
    /// Puts a hold on the card. The same content stays where it was scrolled to.
    pub fn show(&mut self, row: HoldRow, mono: Duration) {
        let same = self
            .shown
            .as_ref()
            .is_some_and(|shown| shown.row.card == row.card && shown.closed.is_none());
        if !same {
            self.shown = Some(Shown::new(row, mono));
            self.list = VirtualList::new();
        }
    }

    /// Puts the hold that the queue chooses on the card, once the one that was opened there is closed. A
    /// card that somebody opened, and is open, is let alone; so is one whose own hold is still listed.
    pub fn follow(&mut self, row: &HoldRow, mono: Duration) {
        let own = self.shown.as_ref().map(|shown| shown.row.card.proposal);
        if self.follows && own != Some(row.card.proposal) {
            self.show(row.clone(), mono);
        }
    }

    /// From here on it is the card that somebody opened.
    pub fn hold_on(&mut self) {
        self.follows = false;
    }

    /// Empties the card.
    pub fn clear(&mut self) {
        self.shown = None;
        self.list = VirtualList::new();
    }

    /// Compares with the open holds: what changed is shown anew, what is gone is closed. Gives the
    /// proposal that is gone and has no reason yet.
    pub fn refresh(&mut self, holds: &[HoldRow], mono: Duration) -> Option<ProposalId> {
        let shown = self.shown.as_mut()?;
        let proposal = shown.row.card.proposal;
        match holds.iter().find(|row| row.card.proposal == proposal) {
            // What was told to be decided stays closed, even while its hold is still listed.
            Some(row) if row.card == shown.row.card => {
                shown.row = row.clone();
                None
            }
            Some(row) => {
                self.shown = Some(Shown::new(row.clone(), mono));
                self.list = VirtualList::new();
                None
            }
            None => shown.closed.is_none().then_some(proposal),
        }
    }

    /// Closes the card, if it shows that proposal. It stays and says why.
    pub fn close(&mut self, proposal: ProposalId, why: impl Into<String>) {
        if let Some(shown) = &mut self.shown
            && shown.row.card.proposal == proposal
        {
            shown.closed = Some(why.into());
            self.follows = true;
        }
    }

    /// The hold on the card.
    #[must_use]
    pub fn row(&self) -> Option<&HoldRow> {
        self.shown.as_ref().map(|shown| &shown.row)
    }

    /// Why the card is closed, when it is.
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        self.shown.as_ref()?.closed.as_deref()
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &[CardLine] {
        self.shown.as_ref().map_or(&[], |shown| &shown.lines)
    }

    /// Whether the end has been on screen, in the view that its length asks for.
    #[must_use]
    pub fn is_viewed(&self) -> bool {
        self.shown.as_ref().is_some_and(Shown::is_viewed)
    }

    /// Tells where the last frame's view stood: part of drawing, so that the gate follows what
    /// was really on screen.
    pub(super) fn was_drawn(&mut self, full: bool) {
        let at_end = self.list.extent().shown > 0 && self.list.at_end();
        if let Some(shown) = &mut self.shown {
            shown.end_seen |= at_end;
            shown.end_seen_in_full |= at_end && full;
        }
    }

    /// Tells that every line of this hold was written out, as plain mode does before it asks. Only
    /// of what is on the card now: what has changed since was not.
    pub fn was_written(&mut self, proposal: ProposalId, presented: PresentedDigest) {
        if let Some(shown) = &mut self.shown
            && (shown.row.card.proposal, shown.row.card.presented) == (proposal, presented)
        {
            shown.end_seen = true;
            shown.end_seen_in_full = true;
        }
    }

    /// Tells whether keys reach the card now. From the moment they do, the arming clock runs.
    pub fn hears(&mut self, hears: bool, mono: Duration) {
        match (hears, self.hears_since) {
            (true, None) => self.hears_since = Some(mono),
            (false, _) => self.hears_since = None,
            (true, Some(_)) => {}
        }
    }

    /// When the card will be armed, if keys reach it.
    #[must_use]
    pub fn armed_at(&self) -> Option<Duration> {
        let shown = self.shown.as_ref()?;
        let since = self.hears_since?.max(shown.since);
        Some(since + Duration::from_millis(shown.row.card.ceremony.arming_ms))
    }

    /// When a frame is wanted because the card becomes armed; given once.
    pub fn wake(&mut self, mono: Duration) -> Option<Duration> {
        let at = self.armed_at().filter(|at| *at > mono)?;
        (self.woken.replace(at) != Some(at)).then_some(at)
    }

    /// Whether the card has been in front of the person long enough.
    #[must_use]
    pub fn is_armed(&self, mono: Duration) -> bool {
        self.armed_at().is_some_and(|at| mono >= at)
    }

    /// A verdict key was pressed: whether it counts as a press of its own, or is being held down.
    pub fn press(&mut self, mono: Duration) -> Result<(), Block> {
        let before = self.pressed_at.replace(mono);
        match before {
            Some(at) if mono.saturating_sub(at) < REPEAT => Err(Block::Repeated),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether that answer may be given now.
    ///
    /// # Errors
    /// [`Block`] says what is in the way.
    pub fn may(&self, decision: Decision, mono: Duration) -> Result<(), Block> {
        let shown = self.still_open()?;
        if !self.is_armed(mono) {
            return Err(Block::NotArmed);
        }
        match decision {
            Decision::Approve => shown.may_be_approved(),
            Decision::Deny => Ok(()),
        }
    }

    /// What may be done about it besides answering, such as editing: it must be open.
    ///
    /// # Errors
    /// [`Block`] says what is in the way.
    pub fn may_change(&self) -> Result<(), Block> {
        self.still_open().map(|_| ())
    }

    /// The answer to exactly what was shown, once a proposal. None when that is not what is on the
    /// card now, or something keeps the answer back.
    ///
    /// # Errors
    /// [`Block`] says what is in the way.
    pub fn answer(
        &mut self,
        about: (ProposalId, PresentedDigest),
        decision: Decision,
        reason: String,
    ) -> Result<Answer, Block> {
        let shown = self.still_open()?;
        let card = &shown.row.card;
        if (card.proposal, card.presented) != about {
            return Err(Block::Closed("something else is on the card now".into()));
        }
        if decision == Decision::Approve {
            shown.may_be_approved()?;
        }
        let answer = Answer {
            decision,
            reason,
            ..approval(&shown.row, shown.is_viewed())
        };
        self.answered.insert(answer.proposal);
        Ok(answer)
    }

    /// Approves a hold that was shown in full beside others, once a proposal.
    ///
    /// # Errors
    /// [`Block`] says what is in the way.
    pub fn answer_row(&mut self, row: &HoldRow) -> Result<Answer, Block> {
        let card = &row.card;
        if self.answered.contains(&card.proposal) {
            return Err(Block::Answered);
        }
        if let Some(unfit) = Shown::new(row.clone(), Duration::ZERO).unfit {
            return Err(Block::Unfit(unfit));
        }
        let answer = approval(row, true);
        self.answered.insert(answer.proposal);
        Ok(answer)
    }

    /// The kernel did not take an answer: another may be given.
    pub fn not_taken(&mut self, proposal: ProposalId) {
        self.answered.remove(&proposal);
    }

    /// Whether that proposal has been answered from here.
    #[must_use]
    pub fn is_answered(&self, proposal: ProposalId) -> bool {
        self.answered.contains(&proposal)
    }

    /// Scrolls by rows, up is negative.
    pub fn scroll(&mut self, rows: i64) {
        self.list.scroll(rows);
    }

    /// Scrolls by halves of the view, up is negative; two are a page.
    pub fn scroll_halves(&mut self, halves: i64) {
        self.list.scroll_halves(halves);
    }

    /// Goes to the first row.
    pub fn first(&mut self) {
        self.list.go_to_start();
    }

    /// Goes to the last row.
    pub fn last(&mut self) {
        // Not followed: a card does not grow.
        let item = self.lines().len().saturating_sub(1);
        self.list.go_to(Place {
            item,
            line: u64::MAX,
        });
    }

    /// Goes to the next hunk, or the one before.
    pub fn hunk(&mut self, forward: bool) {
        let top = self.list.top();
        let hunks = self
            .lines()
            .iter()
            .enumerate()
            .filter(|(_, line)| line.tone == Tone::Hunk)
            .map(|(item, _)| Place { item, line: 0 });
        let found = if forward {
            hunks.into_iter().find(|place| *place > top)
        } else {
            hunks.into_iter().take_while(|place| *place < top).last()
        };
        if let Some(place) = found {
            self.list.go_to(place);
        }
    }

    /// The canonical text, for copying.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            if let Some(label) = line.label {
                text.push_str(label.word());
                text.push('\n');
            }
            text.push_str("  ");
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    fn still_open(&self) -> Result<&Shown, Block> {
        let shown = self.shown.as_ref().ok_or(Block::NothingOpen)?;
        if let Some(why) = &shown.closed {
            return Err(Block::Closed(why.clone()));
        }
        if self.answered.contains(&shown.row.card.proposal) {
            return Err(Block::Answered);
        }
        Ok(shown)
    }
}

/// A yes to a hold, this once.
fn approval(row: &HoldRow, fully_viewed: bool) -> Answer {
    Answer {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        presented: row.card.presented,
        decision: Decision::Approve,
        reason: String::new(),
        via: Via::Tui,
        fully_viewed,
        scope: None,
        signed: None,
    }
}

impl Shown {
    fn new(row: HoldRow, since: Duration) -> Self {
        let presentation = &row.card.presentation;
        let lines = lines::of(presentation);
        let unfit = if lines.is_empty() {
            Some(Unfit::Empty)
        } else if presentation.digest() != Ok(row.card.presented) {
            Some(Unfit::DigestDiffers)
        } else {
            None
        };
        Self {
            bytes: lines.iter().map(|line| line.text.len()).sum(),
            lines: Arc::new(lines),
            unfit,
            row,
            since,
            end_seen: false,
            end_seen_in_full: false,
            closed: None,
        }
    }

    fn is_viewed(&self) -> bool {
        if self.bytes > FULL_VIEW_BYTES {
            self.end_seen_in_full
        } else {
            self.end_seen
        }
    }

    fn may_be_approved(&self) -> Result<(), Block> {
        if let Some(unfit) = self.unfit {
            return Err(Block::Unfit(unfit));
        }
        if self.row.card.ceremony.view_gate && !self.is_viewed() {
            let long = self.bytes > FULL_VIEW_BYTES && !self.end_seen_in_full && self.end_seen;
            return Err(if long {
                Block::FullViewNeeded
            } else {
                Block::EndNotSeen
            });
        }
        Ok(())
    }
}
