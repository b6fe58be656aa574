//! From a typed wish about an approval to the action that carries it out, or to why not.
//!
//! A wish counts for what was out, whole, when it was typed, and for nothing else: not for a card that was
//! printed after it, not for one that has changed. Then the card is opened as on the screen, and the action is
//! run once it is armed; what may be answered, and how, is the card's to say.

use std::time::Duration;

use thymos_core::TrajectoryId;
use thymos_core::id::ProposalId;
use thymos_protocol::{Command, HoldRow, Request};

use super::line::Wish;
use super::state::{Plain, Printed};
use crate::app::event::Written;
use crate::app::{Action, Effect, Event, Overlay};
use crate::out::safe;
use crate::panes::card::Block;
use crate::panes::queue;

/// A wish about a card that is open and not armed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    number: u32,
    proposal: ProposalId,
    wish: Wish,
}

/// How far leaving is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nobody wants to.
    Not,
    /// The input has ended: when the run has.
    AtTheEnd,
    /// On the way out.
    Left,
}

impl Plain {
    /// Takes a wish about approval `number`, typed at that time.
    pub(super) fn about(&mut self, number: u32, wish: Wish, at: Duration) {
        let holds = self.app.session.holds().iter();
        let numbered = |row: &&HoldRow| self.app.session.number(row.card.proposal) == Some(number);
        let Some(row) = holds.clone().find(numbered).cloned() else {
            return self.not_open(number);
        };
        match wish {
            Wish::Show => self.present(&row, number),
            Wish::Trace => {
                self.take(Event::Show(row.card.proposal));
                self.take(Event::Act(Action::ApprovalsTrace));
            }
            Wish::Approve | Wish::Deny(_) | Wish::Scope | Wish::Edit(_) => {
                self.decide(&row, number, wish, at);
            }
        }
    }

    fn not_open(&mut self, number: u32) {
        let mut groups = self
            .app
            .session
            .story()
            .items()
            .iter()
            .filter_map(|item| match item {
                crate::app::session::Item::Group(group) => group.proposal,
                _ => None,
            });
        let known = groups.find(|id| self.app.session.number(*id) == Some(number));
        let why = known.and_then(|id| queue::told(&self.app.session, id));
        match why {
            Some(why) => self.note(format!(
                "approval {number} is no longer open: {}",
                safe(&why)
            )),
            None => self.note(format!(
                "no approval {number} is open. Type approvals to list them"
            )),
        }
    }

    /// Opens the card, if what is on it was out when this was typed.
    fn decide(&mut self, row: &HoldRow, number: u32, wish: Wish, at: Duration) {
        let card = &row.card;
        let arming = Duration::from_millis(card.ceremony.arming_ms);
        match self.printed.get(&card.proposal) {
            Some(Printed {
                card: Some(printed),
                at: Some(out),
            }) if printed == card => {
                if at < *out {
                    return self.note(format!(
                        "that was typed before approval {number} was printed, so nothing was decided. Type it again"
                    ));
                }
                if at < *out + arming {
                    return self.note(format!(
                        "not yet: approval {number} has only just been printed. Nothing was decided, type it again"
                    ));
                }
            }
            _ => {
                self.note(format!(
                    "approval {number} was not printed as it is now; here it is. Nothing was decided"
                ));
                return self.present(row, number);
            }
        }
        let (proposal, presented) = (card.proposal, card.presented);
        self.take(Event::Show(proposal));
        self.take(Event::Written(Written::Card(proposal, presented)));
        self.held = Some(Held {
            number,
            proposal,
            wish,
        });
    }

    /// Carries out what is wanted, once the card is armed.
    pub(super) fn advance(&mut self) {
        let Some(held) = self.held.clone() else {
            return;
        };
        let shown = self.app.card.row().map(|row| row.card.proposal);
        let viewed = self.app.card.is_viewed();
        if shown != Some(held.proposal) || self.app.card.closed().is_some() || !viewed {
            self.held = None;
            let why = match self.app.card.closed() {
                Some(why) => format!("it is no longer open: {}", safe(why)),
                None => "it changed meanwhile".to_owned(),
            };
            return self.note(format!(
                "nothing was decided about approval {}: {why}",
                held.number
            ));
        }
        if self.app.card.is_armed(self.now.mono) {
            self.held = None;
            self.carry_out(held);
        }
    }

    fn carry_out(&mut self, held: Held) {
        let before = self.effects.len();
        match held.wish {
            Wish::Approve => self.take(Event::Act(Action::ApprovalsApprove)),
            Wish::Scope => self.take(Event::Act(Action::ApprovalsScope)),
            Wish::Deny(reason) => {
                self.take(Event::Act(Action::ApprovalsDeny));
                if let Some(Overlay::Prompt(_)) = self.app.overlays.last() {
                    self.fill(&reason);
                }
            }
            Wish::Edit(args) => {
                self.take(Event::Act(Action::ApprovalsEdit));
                self.edit = self.app.is_asking().then_some(args);
            }
            Wish::Show | Wish::Trace => {}
        }
        let answered = self.was_answered(before);
        if answered && self.notice != self.app.notice {
            // Of a hold elsewhere nothing else will tell.
            self.notice.clone_from(&self.app.notice);
            let words = self
                .notice
                .as_ref()
                .map(|notice| safe(&notice.line))
                .unwrap_or_default();
            self.note(format!("approval {}: {words}", held.number));
        }
        let told = self.app.notice.is_some() || !self.app.overlays.is_empty();
        if !answered && !told && self.edit.is_none() {
            // A card that takes a key for one that is held down says nothing.
            let again = Block::NotArmed.words().unwrap_or_default();
            self.note(format!("{again}. Nothing was decided, type it again"));
        }
        self.settle();
    }

    /// Whether an answer went out since there were so many effects. What comes of one about this run is told by
    /// its record: the screen's own word for it would say it twice.
    pub(super) fn was_answered(&mut self, since: usize) -> bool {
        let sent = self.effects.get(since..).unwrap_or_default();
        let about: Vec<_> = sent.iter().filter_map(answered).collect();
        if about.iter().any(|run| Some(*run) == self.trajectory) {
            self.notice.clone_from(&self.app.notice);
        }
        !about.is_empty()
    }

    /// Puts a text in place of what stands in the prompt on top, and takes it.
    pub(super) fn fill(&mut self, text: &str) {
        let before = self.effects.len();
        self.take(Event::Act(Action::PromptClear));
        self.take(Event::Paste(text.to_owned()));
        self.take(Event::Act(Action::PromptAccept));
        self.was_answered(before);
        // A prompt that stands says what is wrong and asks again, also where it is what it was before.
        self.over = None;
    }

    /// The arguments of a held call have come, to write others in their place; whether the prompt is gone.
    pub(super) fn other_arguments(&mut self, args: &str) -> bool {
        match self.edit.take() {
            Some(Some(typed)) => {
                self.fill(&typed);
                if let Some(Overlay::Prompt(prompt)) = self.app.overlays.last() {
                    let why = prompt.fault.clone().unwrap_or_default();
                    self.note(format!("{}. Nothing was proposed", safe(&why)));
                    self.take(Event::Act(Action::FocusBack));
                }
                true
            }
            Some(None) if self.setup.typed => {
                // What the editor leaves comes back as an event, while the prompt stands.
                self.effects.push(Effect::Edit(args.to_owned()));
                false
            }
            Some(None) | None => true,
        }
    }

    /// What the editor left: the arguments of a held call, where they are asked for; else a prompt.
    pub fn edited(&mut self, written: Result<String, String>, now: crate::app::Now) -> Vec<Effect> {
        self.now = now;
        match (self.app.overlays.last(), written) {
            (Some(Overlay::Prompt(prompt)), Ok(text)) if text.trim() == prompt.text() => {
                self.note("the arguments are as they were; nothing was proposed");
                self.take(Event::Act(Action::FocusBack));
            }
            (Some(Overlay::Prompt(_)), Ok(text)) => {
                // Line ends mean nothing between the parts of an object.
                self.fill(&text.replace('\n', " "));
            }
            (Some(Overlay::Prompt(_)), Err(why)) => {
                self.note(safe(&why));
                self.take(Event::Act(Action::FocusBack));
            }
            (_, written) => self.take(Event::Edited(written)),
        }
        self.settle();
        std::mem::take(&mut self.effects)
    }

    /// Ctrl-C.
    pub fn interrupt(&mut self, now: crate::app::Now) -> Vec<Effect> {
        self.now = now;
        if self.struck {
            self.leaving = Leaving::Left;
            self.take(Event::End(130));
        } else {
            self.struck = true;
            match self.cancel() {
                true => self.note("Ctrl-C once more quits"),
                false => self.note("nothing runs. Ctrl-C once more quits"),
            }
        }
        self.settle();
        std::mem::take(&mut self.effects)
    }

    /// The input has ended: nothing more will be said, so what runs is heard to its end.
    pub fn input_ended(&mut self, now: crate::app::Now) -> Vec<Effect> {
        self.now = now;
        self.waits = false;
        self.close_all();
        match self.is_busy() {
            true => self.note("the input has ended; thymos leaves when the run has"),
            false => self.note("the input has ended"),
        }
        self.leaving = Leaving::AtTheEnd;
        self.settle();
        std::mem::take(&mut self.effects)
    }

    /// Stops what is at work, if anything is.
    pub(super) fn cancel(&mut self) -> bool {
        self.waits = false;
        self.held = None;
        self.edit = None;
        let verb = self.app.verb.is_some();
        self.close_all();
        if verb {
            self.note("the verb is asked to end");
            return true;
        }
        if !self.app.session.is_running() {
            return false;
        }
        // The screen asks for the key twice, since one may be struck by accident; a word is not.
        let from = self.effects.len();
        for _ in 0..3 {
            if self
                .effects
                .get(from..)
                .unwrap_or_default()
                .iter()
                .any(is_interrupt)
            {
                break;
            }
            self.take(Event::Act(Action::RunInterrupt));
        }
        true
    }

    /// Leaves whatever lies over the app.
    pub(super) fn close_all(&mut self) {
        while !self.app.overlays.is_empty() {
            self.take(Event::Act(Action::FocusBack));
        }
    }
}

/// The run that an answer is about, if that is what is sent.
fn answered(effect: &Effect) -> Option<TrajectoryId> {
    match effect {
        Effect::Send(Request {
            command: Command::Answer(answer),
            ..
        }) => Some(answer.trajectory),
        _ => None,
    }
}

fn is_interrupt(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Send(Request {
            command: Command::Interrupt { .. },
            ..
        })
    )
}
