//! A person at a screen: types keys, lets time pass, and looks.
//!
//! Drives the same `update`, `prepare` and `draw` as the loop does, one after the other, so that
//! a test needs no clock and no thread.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use thymos::app::update::update;
use thymos::app::{App, AppOptions, Effect, Event, Now, Size, Start};
use thymos::keymap::{Key, KeySequence, Keymap};
use thymos::term::Canvas;
use thymos::theme::Theme;
use thymos::ui::chrome::Glyphs;
use thymos::ui::draw::{draw, prepare};
use thymos_core::Timestamp;
use thymos_core::approval::Via;
use thymos_protocol::Live;

use super::kernel::{Kernel, NOON, trajectory};

pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) kernel: Kernel,
    /// Effects that are no requests, in order.
    pub(crate) effects: Vec<Effect>,
    canvas: Canvas,
    screen: vt100::Parser,
    now: Now,
}

impl Desk {
    /// A desk at which the kernel's trajectory has been opened.
    pub(crate) fn open(width: u16, height: u16, kernel: Kernel) -> Self {
        let options = AppOptions {
            keymap: Arc::new(Keymap::built_in()),
            theme: Theme::mono(),
            start: Start::Open(trajectory()),
            glyphs: Glyphs::Box,
            profile: "local",
            draft: String::new(),
            mouse: false,
            notice: None,
            via: Via::Tui,
        };
        let now = Now {
            mono: Duration::ZERO,
            wall: NOON,
        };
        let (app, effects) = App::start(options, Size { width, height }, now);
        let mut desk = Self {
            app,
            kernel,
            effects: Vec::new(),
            canvas: Canvas::new(ratatui::layout::Size { width, height }),
            screen: terminal(width, height),
            now,
        };
        desk.carry_out(effects);
        desk
    }

    /// One event, and everything the kernel answers to what follows from it.
    pub(crate) fn event(&mut self, event: Event) {
        let effects = update(&mut self.app, event, self.now);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(request) => {
                    let reply = self.kernel.answer(request);
                    self.event(Event::Reply(reply));
                }
                other => self.effects.push(other),
            }
        }
    }

    /// Lets the kernel ring.
    pub(crate) fn ring(&mut self) {
        let heads = self.kernel.heads();
        self.event(Event::Bell(heads));
    }

    /// Presses keys in the notation of the keymap, parted by spaces.
    pub(crate) fn keys(&mut self, keys: &str) {
        let keys: Vec<Key> = keys
            .split(' ')
            .flat_map(|key| key.parse::<KeySequence>().unwrap().keys().to_vec())
            .collect();
        for key in keys {
            self.wait(10);
            self.event(Event::Key(key));
        }
    }

    /// Types text.
    pub(crate) fn types(&mut self, text: &str) {
        for ch in text.chars() {
            self.event(Event::Key(Key::char(ch)));
        }
    }

    /// Lets time pass; deadlines that come in it are told.
    pub(crate) fn wait(&mut self, ms: u64) {
        let mono = self.now.mono + Duration::from_millis(ms);
        let wall = Timestamp(self.now.wall.as_ms() + ms);
        self.now = Now { mono, wall };
        if self.app.deadline().is_some_and(|at| at <= mono) {
            self.event(Event::Deadline);
        }
    }

    /// What is being thought right now.
    pub(crate) fn live(&mut self, text: &str, version: u64) {
        self.event(Event::Live(Live {
            trajectory: Some(trajectory()),
            version,
            text: text.into(),
            ..Live::default()
        }));
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.canvas.resize(ratatui::layout::Size { width, height });
        self.screen = terminal(width, height);
        self.event(Event::Resize(Size { width, height }));
    }

    /// What a person sees now, without blanks at the ends of rows and of the screen.
    pub(crate) fn frame(&mut self) -> String {
        prepare(&mut self.app);
        let app = &self.app;
        let bytes = self.canvas.draw(|frame| draw(app, frame));
        self.screen.process(&bytes);
        let (_, width) = self.screen.screen().size();
        let rows: Vec<String> = self
            .screen
            .screen()
            .rows(0, width.get())
            .map(|row| row.trim_end().to_owned())
            .collect();
        rows.join("\n") + "\n"
    }

    /// Bytes of one more frame when nothing has changed.
    pub(crate) fn idle_bytes(&mut self) -> usize {
        prepare(&mut self.app);
        let app = &self.app;
        self.canvas.draw(|frame| draw(app, frame)).len()
    }

    /// Where the real cursor is: row, column.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.screen.screen().cursor_position()
    }
}

fn terminal(width: u16, height: u16) -> vt100::Parser {
    vt100::Parser::new(
        NonZero::new(height).unwrap(),
        NonZero::new(width).unwrap(),
        0,
    )
}
