//! A person who listens: types lines, lets time pass, and hears what is printed.
//!
//! Drives plain mode as its loop does, one thing after the other, so that a test needs no thread.

use std::sync::Arc;
use std::time::Duration;

use thymos::app::{AppOptions, Effect, Event, Now, Start};
use thymos::keymap::Keymap;
use thymos::plain::{Plain, Setup, TypedLine};
use thymos::theme::Theme;
use thymos::ui::chrome::Glyphs;
use thymos_core::Timestamp;
use thymos_core::approval::Via;
use thymos_protocol::{Answer, Command};

use crate::screen::kernel::{Kernel, NOON, trajectory};

/// Between two lines of a person: longer than any card takes to arm.
const BREATH_MS: u64 = 1_000;

pub(crate) struct Listener {
    pub(crate) plain: Plain,
    pub(crate) kernel: Kernel,
    /// Effects that are no requests, in order.
    pub(crate) effects: Vec<Effect>,
    /// Everything that was printed.
    pub(crate) transcript: String,
    heard: usize,
    now: Now,
}

impl Listener {
    /// Somebody at a pipe, whose lines are printed too, in the kernel's trajectory.
    pub(crate) fn open(kernel: Kernel) -> Self {
        let options = app_options();
        let setup = Setup {
            switch: "--plain".into(),
            typed: false,
        };
        let now = Now {
            mono: Duration::from_secs(1),
            wall: NOON,
        };
        let (plain, effects) = Plain::start(options, setup, now);
        let mut listener = Self {
            plain,
            kernel,
            effects: Vec::new(),
            transcript: String::new(),
            heard: 0,
            now,
        };
        listener.carry_out(effects);
        listener.print();
        listener
    }

    pub(crate) fn event(&mut self, event: Event) {
        let effects = self.plain.event(event, self.now);
        self.carry_out(effects);
        self.print();
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(request) => {
                    let reply = self.kernel.answer(request);
                    let effects = self.plain.event(Event::Reply(reply), self.now);
                    self.carry_out(effects);
                }
                other => self.effects.push(other),
            }
        }
    }

    /// Has all that waits printed.
    fn print(&mut self) {
        while let Some(batch) = self.plain.batch() {
            self.transcript.push_str(&batch.text);
            let effects = self.plain.printed(batch, self.now);
            self.carry_out(effects);
        }
    }

    /// Lets the kernel ring.
    pub(crate) fn ring(&mut self) {
        let heads = self.kernel.heads();
        self.event(Event::Bell(heads));
    }

    /// Lets time pass; deadlines that come in it are told.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.now = Now {
            mono: self.now.mono + Duration::from_millis(ms),
            wall: Timestamp(self.now.wall.as_ms() + ms),
        };
        if self.plain.deadline().is_some_and(|at| at <= self.now.mono) {
            self.event(Event::Deadline);
        }
    }

    /// The time by the clock that lines are stamped by.
    pub(crate) fn time(&self) -> Duration {
        self.now.mono
    }

    /// Takes a line that was typed at that time, and lets a card be armed.
    pub(crate) fn typed_at(&mut self, text: &str, at: Duration) {
        assert!(
            self.plain.is_ready(),
            "no line is taken now, before `{text}`"
        );
        let line = TypedLine {
            text: text.to_owned(),
            at,
        };
        let effects = self.plain.line(&line, self.now);
        self.carry_out(effects);
        self.print();
        self.wait(BREATH_MS);
    }

    /// Types a line, some time after what was printed last.
    pub(crate) fn says(&mut self, text: &str) {
        self.wait(BREATH_MS);
        self.typed_at(text, self.now.mono);
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupts(&mut self) {
        let effects = self.plain.interrupt(self.now);
        self.carry_out(effects);
        self.print();
    }

    /// Ends the input.
    pub(crate) fn ends(&mut self) {
        let effects = self.plain.input_ended(self.now);
        self.carry_out(effects);
        self.print();
    }

    /// What was printed since this was asked last.
    pub(crate) fn hears(&mut self) -> String {
        let text = self.transcript.get(self.heard..).unwrap().to_owned();
        self.heard = self.transcript.len();
        text
    }

    /// The answers that were sent, in order.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        let answer = |asked: &Command| match asked {
            Command::Answer(answer) => Some(answer.clone()),
            _ => None,
        };
        self.kernel.asked.iter().filter_map(answer).collect()
    }

    /// The exit code, once it has left.
    pub(crate) fn left(&self) -> Option<u8> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Quit(code) => Some(*code),
            _ => None,
        })
    }
}

/// An app in plain mode over the kernel's trajectory.
pub(super) fn app_options() -> AppOptions {
    AppOptions {
        keymap: Arc::new(Keymap::built_in()),
        theme: Theme::mono(),
        start: Start::Open(trajectory()),
        glyphs: Glyphs::Ascii,
        profile: "plain",
        draft: String::new(),
        mouse: false,
        notice: None,
        via: Via::Plain,
    }
}
