//! The app and what has been said of it: an event or a line in, effects and lines out.
//!
//! Reads no clock, opens no file and waits for nothing, like the app itself; whoever holds it prints the lines
//! and says when they are out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use thymos_core::body::Role;
use thymos_core::id::ProposalId;
use thymos_core::{Timestamp, TrajectoryId};
use thymos_protocol::{Card, Command, Event as Entry, HoldRow, Replied, Reply, Ticket, What};

use super::ask::{Held, Leaving};
use super::over::Told;
use super::stream::Stream;
use super::{told, typed::TypedLine};
use crate::app::event::Written;
use crate::app::update::update;
use crate::app::{App, AppOptions, Effect, Event, Notice, Now, Size};
use crate::out::safe;

/// Entries kept for `history` and `output`; older ones are in the ledger.
const PAST_MAX: usize = 2_048;

/// How long a run may take to begin, or to go on, after something was said or decided.
const GRACE: Duration = Duration::from_secs(5);

/// Cells that the app is told its screen has. Nothing is drawn on them.
const SIZE: Size = Size {
    width: 80,
    height: 24,
};

/// How it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What switched it on, as the first line says it: `--plain`.
    pub switch: String,
    /// Whether lines are typed at a terminal, which shows them itself.
    pub typed: bool,
}

/// Plain mode.
pub struct Plain {
    pub(super) app: App,
    pub(super) setup: Setup,
    pub(super) now: Now,
    pub(super) out: Vec<String>,
    pub(super) fresh: Fresh,
    pub(super) effects: Vec<Effect>,
    /// What was printed of each open hold.
    pub(super) printed: BTreeMap<ProposalId, Printed>,
    /// What was told of what lies over the app, and since when that is out.
    pub(super) over: Option<(Told, Option<Duration>)>,
    /// What is wanted of an approval, until its card is armed.
    pub(super) held: Option<Held>,
    /// Other arguments are being asked for; with those that were typed, if any.
    pub(super) edit: Option<Option<String>>,
    pub(super) stream: Stream,
    pub(super) trajectory: Option<TrajectoryId>,
    /// Entries before this one were there when the trajectory was opened.
    pub(super) told_from: u64,
    /// When that was.
    pub(super) opened_at: Timestamp,
    pub(super) past: VecDeque<Entry>,
    pub(super) notice: Option<Notice>,
    pub(super) live_notice: Option<String>,
    pub(super) draft: String,
    /// Lines of a verb that have been told.
    pub(super) verb_lines: usize,
    /// The beginning of a line that goes on in the next one.
    pub(super) begun: String,
    /// The last line that was taken for a command and was none.
    pub(super) kept: Option<String>,
    /// Prompts, and answers about this run, that have not been taken or refused yet.
    pub(super) sent: BTreeMap<Ticket, Sent>,
    /// Prompts whose entry has not come: what is written live may answer them and waits for it.
    pub(super) unsaid: usize,
    /// Whether the trajectory was there before.
    pub(super) goes_on: bool,
    /// Something was said or decided, and the run has not ended since.
    pub(super) turn_is_open: bool,
    /// When that was, or when the run was last heard of.
    pub(super) moved_at: Duration,
    pub(super) waits: bool,
    pub(super) leaving: Leaving,
    /// The kernel is gone, and nothing that is asked will be answered.
    pub(super) alone: bool,
    /// Ctrl-C, since the last line and since the run began.
    pub(super) struck: bool,
    pub(super) ran: bool,
    pub(super) said_at: Duration,
    pub(super) patience: Duration,
}

/// What a person sent that a run begins with, or goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Words.
    Prompt,
    /// A yes or a no to a hold of this run.
    Answer,
}

/// What was printed of a hold; none where it was only named.
#[derive(Clone, Debug, Default)]
pub(super) struct Printed {
    pub(super) card: Option<Card>,
    /// Since when all of it is out.
    pub(super) at: Option<Duration>,
}

/// What the lines that are not out yet present.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    pub(super) cards: Vec<Card>,
    pub(super) over: Option<Told>,
}

/// Lines to be printed together.
#[derive(Debug)]
pub struct Batch {
    /// The lines, each with its end.
    pub text: String,
    presents: Fresh,
}

impl Plain {
    /// Starts the app; the effects must be carried out.
    #[must_use]
    pub fn start(options: AppOptions, setup: Setup, now: Now) -> (Self, Vec<Effect>) {
        let (app, effects) = App::start(options, SIZE, now);
        let first = format!(
            "thymos: plain mode ({}). Type help for commands.",
            safe(&setup.switch)
        );
        let mut plain = Self {
            app,
            setup,
            now,
            out: vec![first],
            fresh: Fresh::default(),
            effects: Vec::new(),
            printed: BTreeMap::new(),
            over: None,
            held: None,
            edit: None,
            stream: Stream::default(),
            trajectory: None,
            told_from: 0,
            opened_at: now.wall,
            past: VecDeque::new(),
            notice: None,
            live_notice: None,
            draft: String::new(),
            verb_lines: 0,
            begun: String::new(),
            kept: None,
            sent: BTreeMap::new(),
            unsaid: 0,
            goes_on: false,
            turn_is_open: false,
            moved_at: now.mono,
            waits: false,
            leaving: Leaving::Not,
            alone: false,
            struck: false,
            ran: false,
            said_at: now.mono,
            patience: super::words::PATIENCE,
        };
        plain.keep(effects);
        plain.settle();
        let effects = std::mem::take(&mut plain.effects);
        (plain, effects)
    }

    /// Takes an event of the loop.
    pub fn event(&mut self, event: Event, now: Now) -> Vec<Effect> {
        self.now = now;
        self.take(event);
        self.settle();
        std::mem::take(&mut self.effects)
    }

    /// Takes a line that was typed.
    pub fn line(&mut self, typed: &TypedLine, now: Now) -> Vec<Effect> {
        self.now = now;
        self.struck = false;
        self.typed(typed);
        self.settle();
        std::mem::take(&mut self.effects)
    }

    /// The lines that wait to be printed, if there are any.
    pub fn batch(&mut self) -> Option<Batch> {
        if self.out.is_empty() {
            return None;
        }
        let mut text = std::mem::take(&mut self.out).join("\n");
        text.push('\n');
        let presents = std::mem::take(&mut self.fresh);
        Some(Batch { text, presents })
    }

    /// A batch is out: what it presents has been presented.
    pub fn printed(&mut self, batch: Batch, now: Now) -> Vec<Effect> {
        self.now = now;
        // Only what still is as it was printed: the rest is on its way.
        for card in batch.presents.cards {
            if let Some(printed) = self.printed.get_mut(&card.proposal)
                && printed.card.as_ref() == Some(&card)
            {
                printed.at = Some(now.mono);
            }
        }
        if let Some((told, at)) = &mut self.over
            && batch.presents.over.as_ref() == Some(told)
        {
            *at = Some(now.mono);
            if let Some(text) = told.presented.clone() {
                self.take(Event::Written(Written::Text(text)));
            }
        }
        self.settle();
        std::mem::take(&mut self.effects)
    }

    /// Whether the next line may be taken: nothing is asked or printed that it could be meant for or before.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let asks = self.asks_the_kernel() || self.app.verb.is_some();
        let wants = self.held.is_some() || self.edit.is_some();
        self.out.is_empty() && (self.alone || !(asks || wants || self.waits))
    }

    /// Whether a reply is waited for before anything else. While a run goes on there is always something to
    /// catch up with, and a line must come through all the same.
    pub(super) fn asks_the_kernel(&self) -> bool {
        let behind = self.app.is_catching_up() && !self.app.session.is_running();
        self.app.is_asking() || behind
    }

    /// Whether a person is asked for the next line, rather than only heard.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.is_ready() && !self.is_busy()
    }

    /// When something is due although nothing happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let waits = self.waits || self.leaving == Leaving::AtTheEnd;
        let given_up = self.moved_at + GRACE;
        let given_up = (waits && self.turn_is_open && given_up > self.now.mono).then_some(given_up);
        self.app.deadline().into_iter().chain(given_up).min()
    }

    /// Whether the run is on its way: it goes on, or is about to.
    pub(super) fn is_busy(&self) -> bool {
        let waits = self.open_here() > 0;
        let running = self
            .app
            .session
            .status()
            .and_then(|status| status.running.as_ref());
        let works = running.is_some_and(|running| !(running.waits && waits));
        // What was said may lead to nothing: it is not waited for without an end.
        let due = self.turn_is_open && self.now.mono < self.moved_at + GRACE;
        works || !self.sent.is_empty() || (due && !waits)
    }

    /// Whether a hold is of this run, or of one that it delegated.
    pub(super) fn is_here(&self, row: &HoldRow) -> bool {
        let own = |id: &TrajectoryId| Some(*id) == self.trajectory;
        own(&row.trajectory) || row.lineage.iter().any(own)
    }

    /// Approvals that are open here.
    pub(super) fn open_here(&self) -> usize {
        let rows = self.app.session.holds().iter();
        rows.filter(|row| self.is_here(row)).count()
    }

    /// Says lines.
    pub(super) fn say(&mut self, lines: impl IntoIterator<Item = String>) {
        self.out.extend(lines);
    }

    /// Says one line of the program's own.
    pub(super) fn note(&mut self, line: impl AsRef<str>) {
        self.out.push(format!("notice: {}", line.as_ref()));
    }

    /// Has the app take an event, and tells the entries that it took with it.
    pub(super) fn take(&mut self, event: Event) {
        if matches!(event, Event::Act(_)) {
            // The app forgets its notice with each action: the same words may be told again.
            self.notice = None;
        }
        if let Event::Reply(Reply {
            replied: Replied::Opened(_),
            ..
        }) = event
        {
            // Also where it is the one that was open: it is pulled anew, and told as one that goes on.
            self.trajectory = None;
        }
        self.alone |= event == Event::KernelGone;
        self.heard(&event);
        let entries = self.entries(&event);
        let from = self.app.session.next_seq();
        let effects = update(&mut self.app, event, self.now);
        let to = self.app.session.next_seq();
        self.keep(effects);
        for entry in entries {
            if (from..to).contains(&entry.seq) {
                self.tell(entry);
            }
        }
    }

    /// Whether a prompt was taken, or not.
    fn heard(&mut self, event: &Event) {
        let Event::Reply(Reply { ticket, replied }) = event else {
            return;
        };
        match (self.sent.remove(ticket), replied) {
            (Some(_), Replied::Accepted) => {
                self.turn_is_open = true;
                self.moved_at = self.now.mono;
            }
            (Some(Sent::Prompt), _) => self.unsaid = self.unsaid.saturating_sub(1),
            (Some(Sent::Answer), _) | (None, _) => {}
        }
    }

    /// Entries of the open trajectory in what the kernel answered.
    fn entries(&self, event: &Event) -> Vec<Entry> {
        let Event::Reply(Reply {
            replied: Replied::Page(page),
            ..
        }) = event
        else {
            return Vec::new();
        };
        let own = |entry: &&Entry| Some(entry.trajectory) == self.app.session.trajectory();
        page.events.iter().filter(own).cloned().collect()
    }

    fn tell(&mut self, entry: Entry) {
        self.moved_at = self.now.mono;
        match &entry.what {
            What::Said { role, text, .. } => {
                self.turn_is_open = true;
                if let Role::Operator | Role::Steer = role {
                    self.unsaid = self.unsaid.saturating_sub(1);
                }
                if entry.seq >= self.told_from {
                    let lines = match role {
                        Role::Model => self.stream.end(text),
                        _ => told::said(*role, text),
                    };
                    self.say(lines);
                    if *role == Role::Operator {
                        self.say(["run: at work".to_owned()]);
                    }
                }
            }
            what => {
                match what {
                    What::Closed { .. } => {
                        self.turn_is_open = false;
                        self.stream = Stream::default();
                    }
                    What::Decided { .. } => self.turn_is_open = true,
                    _ => {}
                }
                if entry.seq >= self.told_from {
                    self.say(told::lines(&entry, &self.app));
                }
            }
        }
        if self.past.len() == PAST_MAX {
            self.past.pop_front();
        }
        self.past.push_back(entry);
    }

    /// Keeps the effects that mean something without a screen.
    fn keep(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(request) => {
                    match &request.command {
                        Command::Answer(answer) if Some(answer.trajectory) == self.trajectory => {
                            self.sent.insert(request.ticket, Sent::Answer);
                        }
                        Command::Prompt { .. } => {
                            self.sent.insert(request.ticket, Sent::Prompt);
                            self.unsaid += 1;
                        }
                        Command::Open { .. } => self.goes_on = true,
                        Command::New { .. } => self.goes_on = false,
                        _ => {}
                    }
                    self.effects.push(Effect::Send(request));
                }
                Effect::Copy(_) => {
                    self.note("nothing is copied here; what was printed can be selected");
                }
                Effect::Suspend
                | Effect::Redraw
                | Effect::Mouse(_)
                | Effect::Title(_)
                | Effect::Notify(_)
                | Effect::SaveDraft(_)
                // What is typed in lines names no file while it is typed.
                | Effect::FindFiles(_)
                | Effect::EndFiles => {}
                Effect::ReadBundle(_)
                | Effect::ReadWrit(_)
                | Effect::Verb(_)
                | Effect::EndVerb
                | Effect::Export(_)
                | Effect::Edit(_)
                | Effect::Quit(_) => self.effects.push(effect),
            }
        }
    }
}
