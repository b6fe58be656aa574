//! The app: events in, effects out, drawn from a shared reference.
//!
//! [`update::update`] is the one place where state changes; [`run::run`] awaits,
//! and so does the loop of plain mode. Knows the kernel by its protocol only, opens no file and reads no clock.

pub mod action;
pub mod effect;
pub mod event;
pub mod focus;
pub mod link;
pub mod overlay;
pub mod run;
pub mod session;
pub mod update;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use thymos_core::ProposalId;
use thymos_core::TrajectoryId;
use thymos_core::approval::Via;
use thymos_core::writ::Mode;
use thymos_protocol::{Command, Fault, Request, Ticket, VerifyProgress, VerifyReport};

use crate::keymap::{Chords, Context, Keymap};
use crate::panes::authority::{Authority, AuthorityAsked};
use crate::panes::card::CardPane;
use crate::panes::composer::Composer;
use crate::panes::conversation::Conversation;
use crate::panes::inspector::Inspector;
use crate::panes::ledger::{Ledger, LedgerAsked};
use crate::panes::mention::Mention;
use crate::panes::mind::MindPane;
use crate::panes::prompt::Lines;
use crate::panes::queue::Queue;
use crate::panes::runs::Runs;
use crate::theme::Theme;
use crate::ui::chrome::Glyphs;
use crate::ui::layout::Class;

pub use action::Action;
pub use effect::Effect;
pub use event::{Event, Now, Size};
pub use focus::{Focus, Pane, Screen};
pub use link::{Link, LinkEnds};
pub use overlay::Overlay;
pub use session::Session;
pub use update::{CardAsked, History, Shows, Verb, why_no_verb, why_not};

/// What the app is started with.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Keys to actions.
    pub keymap: Arc<Keymap>,
    /// Roles to styles.
    pub theme: Theme,
    /// Which trajectory to begin with.
    pub start: Start,
    /// What borders are made of.
    pub glyphs: Glyphs,
    /// What the footer calls the line to the terminal.
    pub profile: &'static str,
    /// A draft that was kept; empty when there is none.
    pub draft: String,
    /// Whether the mouse is on from the start.
    pub mouse: bool,
    /// Told at the start, such as complaints about the user's files.
    pub notice: Option<Notice>,
    /// What answers are given on.
    pub via: Via,
}

/// Which trajectory to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// One that exists.
    Open(TrajectoryId),
    /// A new one, in this mode.
    New(Mode),
}

/// Something told in the status line until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What is.
    pub line: String,
    /// What can be done about it.
    pub hint: Option<String>,
    /// Whether it is bad.
    pub bad: bool,
}

impl Notice {
    /// Good to know.
    #[must_use]
    pub fn told(line: impl Into<String>) -> Self {
        Self {
            line: line.into(),
            hint: None,
            bad: false,
        }
    }

    /// Something could not be done.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self {
            line: fault.message,
            hint: fault.hint,
            bad: true,
        }
    }
}

/// How far verification is, as the kernel told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// Not asked for yet.
    #[default]
    NotAsked,
    /// Under way.
    Running(VerifyProgress),
    /// Ended, with what it found.
    Ended(VerifyReport),
}

/// Who asked, and so who hears the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Opening or making a trajectory.
    Open,
    /// The next page of the session.
    Pull,
    /// The page before the session's window.
    PullOlder,
    /// The open holds.
    Holds,
    /// A message; its text comes back to the composer when it is refused.
    Prompt(String),
    /// Stopping a run.
    Interrupt,
    /// What a mode would change.
    ModePreview,
    /// Putting a mode in force.
    SetMode(Mode),
    /// Verifying the log.
    Verify,
    /// Using another model.
    SetModel(String),
    /// An answer to a hold.
    Answer(ProposalId),
    /// Settling in-doubt work.
    Settle(ProposalId),
    /// Replacing a held call.
    Edit(ProposalId),
    /// For the card.
    Card(CardAsked),
    /// For the ledger and its inspector.
    Ledger(LedgerAsked),
    /// For the overlay on top, if it still is.
    Overlay,
    /// For the authority screen.
    Authority(AuthorityAsked),
    /// Every trajectory, for the runs screen.
    Runs,
    /// Which run was begun by the entry that is chosen on the map.
    MindChild,
    /// For the question or the scope that waits for it, if it is still there.
    Waiting,
    /// Something whose success is told in these words.
    Told(String),
    /// What undoing everything from that entry on would take.
    UndoPlan(u64),
    /// Opening an entry of a trajectory that is not open: go there when it is.
    OpenAt(u64),
    /// Entries that can be named behind an `@`, for the question of that number.
    Mention(u64),
    /// What was said in this workspace before.
    History,
}

/// Everything the screen is drawn from.
#[derive(Clone, Debug)]
pub struct App {
    /// What has been pulled.
    pub session: Session,
    /// Which pane hears keys.
    pub focus: Focus,
    /// What lies over the screen; the last one hears keys first.
    pub overlays: Vec<Overlay>,
    /// The prompt editor.
    pub composer: Composer,
    /// What is being named behind an `@`.
    pub mention: Option<Mention>,
    /// Whether earlier messages are there.
    pub history: History,
    /// The story so far.
    pub conversation: Conversation,
    /// What waits, was decided, is in doubt.
    pub queue: Queue,
    /// One approval.
    pub card: CardPane,
    /// The entries.
    pub ledger: Ledger,
    /// One entry.
    pub inspector: Inspector,
    /// Writs and rules.
    pub authority: Authority,
    /// Every trajectory.
    pub runs: Runs,
    /// What led to what in the open run.
    pub mind: MindPane,
    /// What the status line tells.
    pub notice: Option<Notice>,
    /// Keys to actions.
    pub keymap: Arc<Keymap>,
    /// Roles to styles.
    pub theme: Theme,
    /// The screen in cells.
    pub size: Size,
    /// How much room that is.
    pub class: Class,
    /// The time of the event being handled.
    pub now: Now,
    /// What borders are made of.
    pub glyphs: Glyphs,
    /// What the footer calls the line to the terminal.
    pub profile: &'static str,
    /// Whether the mouse is on.
    pub mouse: bool,
    /// What answers are given on: the full screen, or plain mode.
    pub via: Via,
    /// What the last verification found, or how far this one is.
    pub verification: Verification,
    /// The verb of the shell that is at work beside the screen.
    pub verb: Option<Verb>,
    /// Whether an export is at work.
    pub exporting: bool,
    /// Messages that wait for the run to end.
    pub queued: Vec<String>,
    /// Lines that were entered in prompts.
    pub lines: Lines,
    /// Whether more is being asked than the kernel takes.
    pub busy: bool,
    /// Columns the right column was made wider (or narrower) by.
    pub right_delta: i16,
    chords: Chords,
    terminal_focus: Option<bool>,
    interrupt_until: Option<Duration>,
    draft_at: Option<Duration>,
    wakes: Vec<Duration>,
    mentions_asked: u64,
    next_ticket: u64,
    asked: BTreeMap<Ticket, Asked>,
    title: String,
    out: Vec<Effect>,
    dirty: bool,
}

impl App {
    /// An app that has asked for its first trajectory; the effects must be carried out.
    #[must_use]
    pub fn start(options: AppOptions, size: Size, now: Now) -> (Self, Vec<Effect>) {
        let mut app = Self {
            session: Session::default(),
            focus: Focus::default(),
            overlays: Vec::new(),
            composer: Composer::with_draft(&options.draft),
            mention: None,
            history: History::default(),
            conversation: Conversation::default(),
            queue: Queue::default(),
            card: CardPane::default(),
            ledger: Ledger::default(),
            inspector: Inspector::default(),
            authority: Authority::default(),
            runs: Runs::default(),
            mind: MindPane::default(),
            notice: options.notice,
            keymap: options.keymap,
            theme: options.theme,
            size,
            class: Class::of(size, None),
            now,
            glyphs: options.glyphs,
            profile: options.profile,
            mouse: options.mouse,
            via: options.via,
            verification: Verification::default(),
            verb: None,
            exporting: false,
            queued: Vec::new(),
            lines: Lines::default(),
            busy: false,
            right_delta: 0,
            chords: Chords::default(),
            terminal_focus: None,
            interrupt_until: None,
            draft_at: None,
            wakes: Vec::new(),
            mentions_asked: 0,
            next_ticket: 1,
            asked: BTreeMap::new(),
            title: String::new(),
            out: Vec::new(),
            dirty: true,
        };
        let first = match options.start {
            Start::Open(trajectory) => Command::Open { trajectory },
            Start::New(mode) => Command::begin(mode),
        };
        app.ask(Asked::Open, first);
        let out = app.take_effects();
        (app, out)
    }

    /// Asks the kernel; the reply is routed to whoever asked.
    pub fn ask(&mut self, asked: Asked, command: Command) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.asked.insert(ticket, asked);
        self.out.push(Effect::Send(Request { ticket, command }));
        ticket
    }

    /// Wants something done.
    pub fn want(&mut self, effect: Effect) {
        self.out.push(effect);
    }

    /// Tells something in the status line.
    pub fn tell(&mut self, line: impl Into<String>) {
        self.notice = Some(Notice::told(line));
    }

    /// Asks for [`Event::Deadline`] at this time.
    pub fn wake_at(&mut self, mono: Duration) {
        self.wakes.push(mono);
    }

    /// Where the next key is looked up.
    #[must_use]
    pub fn context(&self) -> Context {
        match self.overlays.last() {
            Some(overlay) => overlay.context(),
            None if self.mention.is_some() && self.focus.pane() == Pane::Composer => {
                Context::Mention
            }
            None => self.focus.pane().context(),
        }
    }

    /// The keys of a chord pressed so far.
    #[must_use]
    pub fn chord(&self) -> &[crate::keymap::Key] {
        self.chords.pending()
    }

    /// Whether the which-key list is due.
    #[must_use]
    pub fn shows_which_key(&self) -> bool {
        self.chords
            .which_key_at()
            .is_some_and(|at| self.now.mono >= at)
    }

    /// Whether a second Ctrl-C now stops the run.
    #[must_use]
    pub fn interrupt_is_armed(&self) -> bool {
        self.interrupt_until
            .is_some_and(|until| self.now.mono < until)
    }

    /// Whether a frame must be drawn; asking forgets it.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// When [`Event::Deadline`] is wanted next; none sleeps until something happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let chord = [self.chords.which_key_at(), self.chords.deadline()];
        let which_key = chord.into_iter().flatten().filter(|at| *at > self.now.mono);
        which_key
            .chain(self.chords.deadline())
            .chain(self.interrupt_until)
            .chain(self.draft_at)
            .chain(self.wakes.iter().copied())
            .chain(self.age_deadline())
            .min()
    }

    /// Elapsed time runs at 1 Hz while something runs; ages of holds refresh every 15 s while one
    /// is in sight. Nothing runs in a terminal that nobody looks at.
    fn age_deadline(&self) -> Option<Duration> {
        if self.terminal_focus == Some(false) {
            return None;
        }
        if self.session.is_running() {
            return Some(self.now.mono + Duration::from_secs(1));
        }
        let seen = !self.session.holds().is_empty();
        seen.then(|| self.now.mono + Duration::from_secs(15))
    }

    /// Whether a reply is waited for that the next thing a person says may depend on.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        // Who leaves would not hear where the file is.
        self.exporting
            || self.asked.values().any(|asked| match asked {
                Asked::Open
                | Asked::OpenAt(_)
                | Asked::MindChild
                | Asked::Prompt(_)
                | Asked::Interrupt
                | Asked::ModePreview
                | Asked::SetMode(_)
                | Asked::SetModel(_)
                | Asked::Answer(_)
                | Asked::Settle(_)
                | Asked::Edit(_)
                | Asked::Card(_)
                | Asked::Overlay
                | Asked::Waiting
                | Asked::Told(_)
                | Asked::UndoPlan(_) => true,
                // What follows by itself, and what takes long and is told when it ends.
                Asked::Pull
                | Asked::Holds
                | Asked::PullOlder
                | Asked::Verify
                | Asked::Ledger(_)
                | Asked::Authority(_)
                | Asked::Mention(_)
                | Asked::History
                | Asked::Runs => false,
            })
    }

    /// Whether entries or holds that are there have not been heard yet.
    #[must_use]
    pub fn is_catching_up(&self) -> bool {
        let mut asked = self.asked.values();
        asked.any(|asked| matches!(asked, Asked::Pull | Asked::Holds))
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.out)
    }
}
