//! The app without a terminal: the same `update`, `prepare` and `draw` as the loop. Whoever plays the kernel is
//! handed what it asks.

use std::sync::Arc;
use std::time::Duration;

use thymos_core::approval::Via;
use thymos_core::{Timestamp, TrajectoryId};
use thymos_protocol::Request;

use super::fault;
use crate::app::update::update;
use crate::app::{App, AppOptions, Effect, Event, Now, Size, Start};
use crate::error::AppError;
use crate::keymap::{Key, KeySequence, Keymap};
use crate::term::Canvas;
use crate::theme::Theme;
use crate::ui::chrome::Glyphs;
use crate::ui::draw::{draw, prepare};

/// The app at a size.
pub(super) struct Stage {
    pub(super) app: App,
    canvas: Canvas,
}

impl Stage {
    /// One that opens a trajectory, and what it asks for that.
    pub(super) fn open(trajectory: TrajectoryId, size: Size) -> (Self, Vec<Request>) {
        let options = AppOptions {
            keymap: Arc::new(Keymap::built_in()),
            theme: Theme::ansi(),
            start: Start::Open(trajectory),
            glyphs: Glyphs::Box,
            profile: "local",
            draft: String::new(),
            mouse: false,
            notice: None,
            via: Via::Tui,
        };
        let (app, effects) = App::start(options, size, Now::default());
        let canvas = Canvas::new(ratatui::layout::Size {
            width: size.width,
            height: size.height,
        });
        (Self { app, canvas }, requests(effects))
    }

    /// Takes an event at a time; gives what is asked of the kernel for it.
    pub(super) fn event(&mut self, event: Event, mono: Duration) -> Vec<Request> {
        let wall = Timestamp(u64::try_from(mono.as_millis()).unwrap_or_default());
        requests(update(&mut self.app, event, Now { mono, wall }))
    }

    /// Whether a deadline has come that the app asked for.
    pub(super) fn is_due(&self, mono: Duration) -> bool {
        self.app.deadline().is_some_and(|at| at <= mono)
    }

    /// Draws, and says how many bytes that sends.
    pub(super) fn frame(&mut self) -> usize {
        prepare(&mut self.app);
        let app = &self.app;
        self.canvas.draw(|frame| draw(app, frame)).len()
    }
}

fn requests(effects: Vec<Effect>) -> Vec<Request> {
    let asked = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send(request) => Some(request),
        _ => None,
    });
    asked.collect()
}

/// A key as a keymap writes it.
pub(super) fn key(text: &str) -> Result<Key, AppError> {
    let keys = text.parse::<KeySequence>().map_err(fault)?;
    let first = keys.keys().first().copied();
    first.ok_or_else(|| fault("no key"))
}
