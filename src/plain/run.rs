//! The loop of plain mode: takes what happens, prints, and takes the next line when all is out.
//!
//! Knows its terminal as somewhere to print, lines with a time, and signals.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thymos_core::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::paper::{Paper, PaperState};
use super::state::{Batch, Plain, Setup};
use super::typed::{Gate, Typed};
use crate::app::run::{Editor, Ends, Errands, JOBS_MAX, ReadWrit, Verbs};
use crate::app::{AppOptions, Effect, Event, Link, Now};
use crate::term::{Monotonic, TermSignal};

/// What the loop needs beside the app.
pub struct PlainOptions {
    /// The clock that lines are stamped by.
    pub clock: Monotonic,
    /// The time of day.
    pub wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// What longer messages are written with.
    pub editor: Editor,
    /// The program's own verbs.
    pub verbs: Verbs,
    /// Reads a writ file that gives authority now; else says why it gives none.
    pub writs: ReadWrit,
    /// How it was started.
    pub setup: Setup,
    /// Whether there is a person at a terminal on both sides, who is shown when a line is asked for.
    pub prompts: bool,
    /// Kept closed while the editor has the terminal.
    pub gate: Gate,
}

/// Where lines come from and go to.
pub struct Sides {
    /// Typed lines.
    pub typed: mpsc::Receiver<Typed>,
    /// Signals.
    pub signals: mpsc::Receiver<TermSignal>,
    /// What is printed on.
    pub paper: Paper,
}

/// What stands where a line is asked for.
const PROMPT: &str = "> ";

/// How long signals that came meanwhile may take to be heard.
const HEARD_WAIT: Duration = Duration::from_millis(20);

/// Signals that can be waiting to be heard.
const SIGNALS_MAX: usize = 16;

/// Hears the signals that end programs, from now on; needs a runtime. A stop and its end stay the system's.
///
/// # Errors
/// When the system gives no handler.
pub fn signals() -> io::Result<mpsc::Receiver<TermSignal>> {
    let (tell, heard) = mpsc::channel(SIGNALS_MAX);
    let kinds = [
        (SignalKind::interrupt(), TermSignal::Interrupt),
        (SignalKind::terminate(), TermSignal::Terminate),
        (SignalKind::hangup(), TermSignal::Hangup),
        (SignalKind::quit(), TermSignal::Quit),
    ];
    for (kind, told) in kinds {
        let (mut signal, tell) = (signal(kind)?, tell.clone());
        tokio::spawn(async move {
            while signal.recv().await.is_some() && tell.send(told).await.is_ok() {}
        });
    }
    Ok(heard)
}

/// Runs the app until it ends; gives the exit code. The kernel is still up afterwards.
pub async fn run(link: Link, sides: Sides, app: AppOptions, options: PlainOptions) -> u8 {
    let Link {
        requests,
        mut replies,
        mut bell,
        mut live,
    } = link;
    let Sides {
        mut typed,
        mut signals,
        paper,
    } = sides;
    let (told, mut jobs) = mpsc::channel(JOBS_MAX);
    let mut state = paper.state();
    let mut turn = Turn::start(Ends { requests, told }, paper, app, options);
    let (mut kernel_is_up, mut more) = (true, true);
    loop {
        if std::mem::take(&mut turn.lent) {
            // What the keys of the editor sent to the whole job was for the editor. Before anything is printed:
            // whoever reads that may press the same keys for us.
            tokio::time::sleep(HEARD_WAIT).await;
            while let Ok(signal) = signals.try_recv() {
                if !matches!(signal, TermSignal::Interrupt | TermSignal::Quit) {
                    turn.signal(signal);
                }
            }
        }
        turn.errands.post();
        turn.print();
        if let Some(code) = turn.exit() {
            return code;
        }
        let sleep = turn.sleep();
        let outgoing = turn.errands.requests();
        let ready = more && turn.paper.is_out() && turn.plain.is_ready();
        tokio::select! {
            biased;
            Some(signal) = signals.recv() => turn.signal(signal),
            changed = state.changed() => turn.paper(changed.is_ok().then(|| *state.borrow_and_update())),
            reply = replies.recv(), if kernel_is_up => match reply {
                Some(reply) => turn.event(Event::Reply(reply)),
                None => {
                    kernel_is_up = false;
                    turn.event(Event::KernelGone);
                }
            },
            Ok(()) = bell.changed(), if kernel_is_up => {
                let heads = bell.borrow_and_update().clone();
                turn.event(Event::Bell(heads));
            }
            Ok(()) = live.changed(), if kernel_is_up => {
                let now = live.borrow_and_update().clone();
                turn.event(Event::Live(now));
            }
            Some(event) = jobs.recv() => turn.event(event),
            permit = outgoing.reserve(), if kernel_is_up && turn.errands.is_waiting() => {
                if let (Ok(permit), Some(request)) = (permit, turn.errands.oldest()) {
                    permit.send(request);
                }
            }
            line = typed.recv(), if ready => more = turn.typed(line.unwrap_or(Typed::End)),
            () = tokio::time::sleep(sleep.unwrap_or_default()), if sleep.is_some() => turn.event(Event::Deadline),
        }
    }
}

struct Turn {
    plain: Plain,
    errands: Errands,
    paper: Paper,
    // What was handed over and is not known to be out.
    batch: Option<Batch>,
    options: PlainOptions,
    // Whether a line was asked for and none has come.
    prompted: bool,
    leaves: Option<u8>,
    // The terminal was with the editor until now.
    lent: bool,
    // Nothing can be printed any more.
    lost: bool,
}

impl Turn {
    fn start(ends: Ends, paper: Paper, app: AppOptions, options: PlainOptions) -> Self {
        let now = Now {
            mono: (options.clock)(),
            wall: (options.wall)(),
        };
        let (plain, effects) = Plain::start(app, options.setup.clone(), now);
        let errands = Errands::new(ends, options.verbs.clone(), options.writs.clone());
        let mut turn = Self {
            plain,
            errands,
            paper,
            batch: None,
            options,
            prompted: false,
            leaves: None,
            lent: false,
            lost: false,
        };
        turn.carry_out(effects);
        turn
    }

    fn now(&self) -> Now {
        Now {
            mono: (self.options.clock)(),
            wall: (self.options.wall)(),
        }
    }

    fn event(&mut self, event: Event) {
        let effects = self.plain.event(event, self.now());
        self.carry_out(effects);
    }

    /// Takes what was typed; whether there may be more.
    fn typed(&mut self, typed: Typed) -> bool {
        let now = self.now();
        let effects = match typed {
            Typed::Line(line) => {
                self.prompted = false;
                self.plain.line(&line, now)
            }
            Typed::TooLong => self.plain.event(
                Event::Told(
                    "that line is longer than a message may be; none of it was taken".into(),
                ),
                now,
            ),
            Typed::Keys => self.plain.event(
                Event::Told(
                    "a key that is no text, such as an arrow, was in that line; none of it was taken. Type it again"
                        .into(),
                ),
                now,
            ),
            Typed::Cut => self.plain.event(
                Event::Told("the input ended in the middle of a line; none of it was taken".into()),
                now,
            ),
            Typed::Dropped(count) => self.plain.event(
                Event::Told(format!(
                    "{count} lines were dropped: more were typed than can wait"
                )),
                now,
            ),
            Typed::End => {
                let effects = self.plain.input_ended(now);
                self.carry_out(effects);
                return false;
            }
        };
        self.carry_out(effects);
        true
    }

    fn signal(&mut self, signal: TermSignal) {
        match signal {
            TermSignal::Interrupt => {
                let effects = self.plain.interrupt(self.now());
                self.carry_out(effects);
                self.lost |= self.leaves.is_some() && !self.paper.is_out();
            }
            TermSignal::Terminate | TermSignal::Hangup | TermSignal::Quit => {
                // A reader that stands still does not keep anybody from ending it.
                self.lost |= signal == TermSignal::Hangup || !self.paper.is_out();
                self.event(Event::End(signal.exit_code().unwrap_or(1)));
            }
            // The mode of the terminal was never changed: stopping and going on need nothing.
            TermSignal::Suspend | TermSignal::Continue => {}
        }
    }

    fn paper(&mut self, state: Option<PaperState>) {
        match state {
            Some(PaperState::Out(_)) => {}
            // Who read has seen enough.
            Some(PaperState::Closed) => self.lose(0),
            Some(PaperState::Gone) | None => self.lose(129),
        }
    }

    fn lose(&mut self, code: u8) {
        if !self.lost {
            self.lost = true;
            self.event(Event::End(code));
        }
    }

    /// Hands over what waits to be printed, once the last is out, and tells the app what is.
    fn print(&mut self) {
        while self.paper.is_out() {
            if let Some(batch) = self.batch.take() {
                let effects = self.plain.printed(batch, self.now());
                self.carry_out(effects);
            } else if let Some(batch) = self.plain.batch() {
                // What was asked for on this line is asked for again below.
                let begin = if std::mem::take(&mut self.prompted) {
                    "\n"
                } else {
                    ""
                };
                self.paper.print(format!("{begin}{}", batch.text));
                self.batch = Some(batch);
            } else {
                if self.options.prompts
                    && !self.prompted
                    && self.leaves.is_none()
                    && self.plain.asks()
                {
                    self.prompted = true;
                    self.paper.print(PROMPT.to_owned());
                }
                return;
            }
        }
    }

    /// The exit code, once all is out that still can be.
    fn exit(&self) -> Option<u8> {
        let out = self.lost || (self.batch.is_none() && self.paper.is_out());
        self.leaves.filter(|_| out)
    }

    fn sleep(&self) -> Option<Duration> {
        let next = self.plain.deadline()?;
        Some(next.saturating_sub((self.options.clock)()))
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match self.errands.take(effect) {
                None => {}
                Some(Effect::Quit(code)) => self.leaves = self.leaves.or(Some(code)),
                Some(Effect::Edit(text)) => self.edit(&text),
                Some(Effect::Send(_)) => {
                    self.event(Event::Told("the kernel takes nothing more".into()));
                }
                Some(_) => {}
            }
        }
    }

    /// The loop waits for the editor, which has the terminal meanwhile; the kernel works on.
    fn edit(&mut self, text: &str) {
        let editor = &self.options.editor;
        self.lent = true;
        let written = self.options.gate.closed(|| editor.write(text));
        let effects = self.plain.edited(written, self.now());
        self.carry_out(effects);
    }
}
