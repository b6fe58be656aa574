//! The ledger screen over a ledger of this size: how soon it is there, what a frame takes while a filter looks
//! through everything, and while all of what it found is scrolled through.
//!
//! The app and the kernel are the real ones; between frames there are 16.7 ms, as on a screen that draws 60 a
//! second, and a frame has to be done in them.

use std::sync::Arc;
use std::time::Duration;

use thymos_core::{Timestamp, TrajectoryId};
use thymos_ports::LedgerStore;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::super::screen::key;
use super::super::{Bar, Bench, Figure, Samples, fault, ms, rate};
use super::{Kernel, told};
use crate::app::link::Link;
use crate::app::update::update;
use crate::app::{App, AppOptions, Effect, Event, Now, Size, Start};
use crate::error::AppError;
use crate::keymap::{Key, Keymap};
use crate::term::Canvas;
use crate::theme::Theme;
use crate::ui::chrome::Glyphs;
use crate::ui::draw::{draw, prepare};

/// Of a screen that draws sixty a second.
const FRAME: Duration = Duration::from_micros(16_667);

/// Pages scrolled through.
const PAGES: usize = 300;

/// Entries jumped to.
const JUMPS: u64 = 20;

/// Frames after which what does not come is given up: ten minutes.
const FRAMES_MAX: usize = 36_000;

const SIZE: Size = Size {
    width: 200,
    height: 60,
};

/// The figures of one ledger.
pub(super) fn browse(
    bench: &Bench,
    store: &Arc<dyn LedgerStore>,
    trajectory: TrajectoryId,
) -> Result<Vec<Figure>, AppError> {
    let entries = store.len().map_err(fault)?;
    let mut desk = Desk::open(bench, Kernel::start(bench, store, 0, None)?, trajectory);
    desk.until(|app| app.session.trajectory() == Some(trajectory))?;
    desk.keys(&["<C-x>", "l"])?;
    let from = bench.now();
    desk.until(is_shown)?;
    let opened = bench.now() - from;
    // What it is about is asked for by what a person would type.
    desk.keys(&["f"])?;
    desk.types("run:*");
    desk.keys(&["<Enter>"])?;
    let from = bench.now();
    desk.until(|app| app.ledger.is_of_log())?;
    let first = bench.now() - from;
    desk.work.clear();
    desk.until(|app| app.ledger.finding.is_none())?;
    let (looked, looking) = (bench.now() - from, std::mem::take(&mut desk.work));
    if desk.app.ledger.rows() != entries {
        return Err(fault("the filter did not let every entry through"));
    }
    desk.until(is_shown)?;
    desk.work.clear();
    let mut unread = 0;
    for _ in 0..PAGES {
        desk.keys(&["<PageUp>"])?;
        desk.frame();
        unread += u32::from(!is_shown(&desk.app));
        desk.pause();
    }
    let scrolling = std::mem::take(&mut desk.work);
    let mut jumps = Vec::new();
    for at in 0..JUMPS {
        let place = (entries.saturating_sub(1) / JUMPS) * (JUMPS - at);
        desk.keys(&["#"])?;
        desk.types(&place.to_string());
        let from = bench.now();
        desk.keys(&["<Enter>"])?;
        desk.until(|app| app.ledger.here() == place && is_shown(app))?;
        jumps.push(bench.now() - from);
    }
    desk.close();
    let bar = |name: &str, samples: Vec<Duration>| {
        let most = Bar::AtMost(ms(FRAME));
        Figure::new(name, ms(Samples(samples).at(99)), "ms", most)
    };
    Ok(vec![
        told("ledger screen, key to every row in view", ms(opened), "ms"),
        told(
            "the whole log filtered in it, to the first rows",
            ms(first),
            "ms",
        ),
        told("the same, to the last", rate(entries, looked), "entries/s"),
        bar("work of a frame meanwhile, p99", looking),
        bar("a page up through all of it, key and frame, p99", scrolling),
        told(
            "pages up that showed rows not read yet, of 300",
            f64::from(unread),
            "pages",
        ),
        told(
            "go to an entry anywhere, key to its rows, p50",
            ms(Samples(jumps).median()),
            "ms",
        ),
    ])
}

/// Whether the chosen row has its entry, and nothing in view is waited for.
fn is_shown(app: &App) -> bool {
    app.ledger.chosen_event().is_some() && !app.ledger.is_waiting()
}

/// The app over a kernel, drawn sixty times a second.
struct Desk<'a> {
    bench: &'a Bench,
    app: App,
    canvas: Canvas,
    runtime: Runtime,
    served: JoinHandle<()>,
    link: Link,
    /// What each frame took, with all that was heard before it.
    work: Vec<Duration>,
    spent: Duration,
}

impl<'a> Desk<'a> {
    fn open(bench: &'a Bench, kernel: Kernel, trajectory: TrajectoryId) -> Self {
        let options = AppOptions {
            keymap: Arc::new(Keymap::built_in()),
            theme: Theme::ansi(),
            start: Start::Open(trajectory),
            glyphs: Glyphs::Box,
            profile: "local",
            draft: String::new(),
            mouse: false,
            notice: None,
        };
        let (app, effects) = App::start(options, SIZE, Now::default());
        let canvas = Canvas::new(ratatui::layout::Size {
            width: SIZE.width,
            height: SIZE.height,
        });
        let Kernel {
            runtime,
            client,
            served,
            ..
        } = kernel;
        let mut desk = Self {
            bench,
            app,
            canvas,
            runtime,
            served,
            link: client.into_link(),
            work: Vec::new(),
            spent: Duration::ZERO,
        };
        desk.carry_out(effects);
        desk
    }

    fn event(&mut self, event: Event) {
        let from = self.bench.now();
        let wall = Timestamp(u64::try_from(from.as_millis()).unwrap_or_default());
        let effects = update(&mut self.app, event, Now { mono: from, wall });
        self.carry_out(effects);
        self.spent += self.bench.now().saturating_sub(from);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Send(request) = effect {
                // One that is not taken is never answered, and waiting for it ends.
                drop(self.link.requests.blocking_send(request));
            }
        }
    }

    fn keys(&mut self, keys: &[&str]) -> Result<(), AppError> {
        for text in keys {
            let key = key(text)?;
            self.event(Event::Key(key));
        }
        Ok(())
    }

    fn types(&mut self, text: &str) {
        for ch in text.chars() {
            self.event(Event::Key(Key::char(ch)));
        }
    }

    /// Hears all that has come, and draws.
    fn frame(&mut self) {
        while let Ok(reply) = self.link.replies.try_recv() {
            self.event(Event::Reply(reply));
        }
        if self.link.bell.has_changed().unwrap_or(false) {
            let heads = self.link.bell.borrow_and_update().clone();
            self.event(Event::Bell(heads));
        }
        let now = self.bench.now();
        if self.app.deadline().is_some_and(|at| at <= now) {
            self.event(Event::Deadline);
        }
        let (took, ()) = self.bench.time(|| {
            prepare(&mut self.app);
            let app = &self.app;
            self.canvas.draw(|frame| draw(app, frame));
        });
        self.work.push(std::mem::take(&mut self.spent) + took);
    }

    /// What is left of the time of a frame.
    fn pause(&self) {
        let took = self.work.last().copied().unwrap_or_default();
        std::thread::sleep(FRAME.saturating_sub(took));
    }

    /// Frame after frame until it is so.
    fn until(&mut self, done: impl Fn(&App) -> bool) -> Result<(), AppError> {
        for _ in 0..FRAMES_MAX {
            self.frame();
            if done(&self.app) {
                return Ok(());
            }
            self.pause();
        }
        Err(fault("the screen does not show what it was asked for"))
    }

    fn close(self) {
        // Nobody asks any more: the kernel ends.
        drop(self.link);
        self.runtime.block_on(async { drop(self.served.await) });
    }
}
