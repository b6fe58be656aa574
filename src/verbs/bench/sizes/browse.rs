//! The ledger screen over a ledger of this size: how soon it is there, what a frame takes while a filter looks
//! through everything, and while all of what it found is scrolled through.
//!
//! The app and the kernel are the real ones; between frames there are 16.7 ms, as on a screen that draws 60 a
//! second, and a frame has to be done in them.

use std::sync::Arc;
use std::time::Duration;

use thymos_core::TrajectoryId;
use thymos_ports::LedgerStore;
use thymos_protocol::Request;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::super::stage::{Stage, key};
use super::super::{Bar, Bench, Figure, Samples, fault, ms, rate};
use super::{Kernel, told};
use crate::app::link::Link;
use crate::app::{App, Event, Size};
use crate::error::AppError;
use crate::keymap::Key;

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
    let mut desk = Desk::open(bench, Kernel::start(bench, store, None)?, trajectory);
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
    if desk.stage.app.ledger.rows() != entries {
        return Err(fault("the filter did not let every entry through"));
    }
    desk.until(is_shown)?;
    desk.work.clear();
    let mut unread = 0;
    for _ in 0..PAGES {
        desk.keys(&["<PageUp>"])?;
        desk.frame();
        unread += u32::from(!is_shown(&desk.stage.app));
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
    stage: Stage,
    runtime: Runtime,
    served: JoinHandle<()>,
    link: Link,
    /// What each frame took, with all that was heard before it.
    work: Vec<Duration>,
    spent: Duration,
}

impl<'a> Desk<'a> {
    fn open(bench: &'a Bench, kernel: Kernel, trajectory: TrajectoryId) -> Self {
        let (stage, asked) = Stage::open(trajectory, SIZE);
        let Kernel {
            runtime,
            client,
            served,
            ..
        } = kernel;
        let desk = Self {
            bench,
            stage,
            runtime,
            served,
            link: client.into_link(),
            work: Vec::new(),
            spent: Duration::ZERO,
        };
        desk.send(asked);
        desk
    }

    fn event(&mut self, event: Event) {
        let from = self.bench.now();
        let asked = self.stage.event(event, from);
        self.send(asked);
        self.spent += self.bench.now().saturating_sub(from);
    }

    fn send(&self, asked: Vec<Request>) {
        for request in asked {
            // One that is not taken is never answered, and waiting for it ends.
            drop(self.link.requests.blocking_send(request));
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
        if self.stage.is_due(self.bench.now()) {
            self.event(Event::Deadline);
        }
        let (took, _) = self.bench.time(|| self.stage.frame());
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
            if done(&self.stage.app) {
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
