//! `[Q9]` `[Q10]` The app without a terminal: time of a frame, and the bytes it would send.
//!
//! A small desk stands for the kernel.

use std::time::Duration;

use thymos_core::body::Role;
use thymos_core::isolation::Rung;
use thymos_core::writ::Mode;
use thymos_core::{EntryId, Timestamp, TrajectoryId, WritId};
use thymos_protocol::{
    ChainState, Command, Event as Told, Heads, Live, Page, Replied, Reply, Request, Running,
    Status, What, WritSummary,
};

use super::stage::{Stage, key};
use super::{Bar, Bench, Figure, Samples, ms};
use crate::app::{Event, Size};
use crate::error::AppError;
use crate::keymap::Key;

/// The transcript of `[Q9]`: messages, and lines in each. Together a million rows.
const MESSAGES: u64 = 500;
const LINES: u64 = 2_000;

/// Frames timed.
const FRAMES: u32 = 200;

/// `[Q9]` A page up in a very long transcript, then the frame.
pub(super) fn frame(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let size = Size {
        width: 200,
        height: 60,
    };
    let mut desk = Desk::open(bench, size, story());
    desk.frame();
    let page_up = key("<PageUp>")?;
    let (mut drawing, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..FRAMES {
        let (updating, ()) = bench.time(|| desk.event(Event::Key(page_up)));
        let (took, _) = bench.time(|| desk.frame());
        drawing.push(took);
        whole.push(updating + took);
    }
    let rows = MESSAGES * LINES;
    let (drawing, whole) = (Samples(drawing), Samples(whole));
    Ok(vec![
        Figure::new(
            format!("frame at 200x60, a page up in {rows} rows, p50"),
            ms(drawing.median()),
            "ms",
            Bar::AtMost(2.0),
        ),
        Figure::new("the same, p99", ms(drawing.at(99)), "ms", Bar::AtMost(5.0)),
        Figure::new(
            "key and frame together, p99",
            ms(whole.at(99)),
            "ms",
            Bar::None,
        ),
    ])
}

/// `[Q10]` What a key and a stream of tokens send to the terminal.
pub(super) fn bytes(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let size = Size {
        width: 120,
        height: 40,
    };
    let mut desk = Desk::open(bench, size, vec![said("hello")]);
    desk.frame();
    let mut keys: Vec<usize> = Vec::new();
    for ch in "add retry to the fetch client".chars() {
        desk.event(Event::Key(Key::char(ch)));
        keys.push(desk.frame());
    }
    keys.sort_unstable();
    let most = keys.last().copied().unwrap_or_default();
    Ok(vec![
        Figure::new(
            "one key in the composer, most of 29",
            small(most),
            "bytes",
            Bar::AtMost(200.0),
        ),
        Figure::new(
            "80 tokens a second for 10 s at 120x40, 60 frames a second",
            stream(&mut desk, 60) / 1024.0,
            "KiB/s",
            Bar::AtMost(8.0),
        ),
        Figure::new(
            "the same at 10 frames a second, as the lean profile",
            stream(&mut desk, 10) / 1024.0,
            "KiB/s",
            Bar::AtMost(3.0),
        ),
    ])
}

/// Bytes a second while eighty words a second arrive for ten seconds.
fn stream(desk: &mut Desk<'_>, frames: u64) -> f64 {
    const SECONDS: u64 = 10;
    const TOKENS: u64 = 80;
    const WORDS: [&str; 8] = [
        "the ", "client ", "now ", "waits ", "and ", "tries ", "again, ", "twice ",
    ];
    desk.running(true);
    let mut live = Live {
        trajectory: Some(trajectory()),
        ..Live::default()
    };
    let (mut sent, mut shown) = (0, 0);
    for frame in 0..SECONDS * frames {
        let due = (frame + 1) * TOKENS / frames;
        while shown < due {
            let word = WORDS.get(usize::try_from(shown % 8).unwrap_or(0));
            live.text.push_str(word.copied().unwrap_or_default());
            shown += 1;
            if shown % 120 == 0 {
                live.text.push_str("\n\n");
            }
            live.version += 1;
            desk.event(Event::Live(live.clone()));
        }
        desk.pass(Duration::from_millis(1_000 / frames));
        sent += desk.frame();
    }
    desk.running(false);
    desk.event(Event::Live(Live::default()));
    desk.frame();
    small(sent) / small(usize::try_from(SECONDS).unwrap_or(1))
}

fn small(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn trajectory() -> TrajectoryId {
    TrajectoryId::of(b"bench")
}

fn said(text: &str) -> What {
    What::Said {
        role: Role::Model,
        text: text.to_owned(),
        reasoning: String::new(),
        turn: 1,
    }
}

fn story() -> Vec<What> {
    let lines: Vec<String> = (0..LINES)
        .map(|n| format!("- line {n} of a very long answer about *retry*"))
        .collect();
    let text = lines.join("\n");
    (0..MESSAGES).map(|_| said(&text)).collect()
}

/// The app at a size, over a kernel that only tells these events.
struct Desk<'a> {
    bench: &'a Bench,
    stage: Stage,
    events: Vec<What>,
    status: Status,
    epoch: u64,
    ahead: Duration,
}

impl<'a> Desk<'a> {
    fn open(bench: &'a Bench, size: Size, events: Vec<What>) -> Self {
        let (stage, asked) = Stage::open(trajectory(), size);
        let status = status(events.len() as u64);
        let mut desk = Self {
            bench,
            stage,
            events,
            status,
            epoch: 0,
            ahead: Duration::ZERO,
        };
        desk.answer_all(asked);
        desk
    }

    fn event(&mut self, event: Event) {
        let asked = self.stage.event(event, self.bench.now() + self.ahead);
        self.answer_all(asked);
    }

    fn answer_all(&mut self, asked: Vec<Request>) {
        for request in asked {
            let reply = self.answer(request);
            self.event(Event::Reply(reply));
        }
    }

    fn answer(&self, request: Request) -> Reply {
        let replied = match request.command {
            Command::Open { .. } => Replied::Opened(Box::new(self.status.clone())),
            Command::Page {
                from_seq, limit, ..
            } => Replied::Page(self.page(from_seq, limit)),
            Command::Holds => Replied::Holds(Vec::new()),
            _ => Replied::Accepted,
        };
        Reply {
            ticket: request.ticket,
            replied,
        }
    }

    fn page(&self, from: u64, limit: usize) -> Page {
        let told = |(seq, what): (u64, &What)| Told {
            trajectory: trajectory(),
            seq,
            index: seq,
            at_ms: Timestamp(0),
            entry: EntryId::of(&seq.to_be_bytes()),
            kind: "message".to_owned(),
            what: what.clone(),
        };
        let skipped = usize::try_from(from).unwrap_or(usize::MAX);
        let events = (0..).zip(&self.events).skip(skipped);
        Page {
            events: events.take(limit.min(256)).map(told).collect(),
            status: Some(Box::new(self.status.clone())),
        }
    }

    /// Begins or ends a run, and rings.
    fn running(&mut self, on: bool) {
        self.epoch += 1;
        self.status.running = on.then(|| Running {
            since: Timestamp(0),
            doing: "thinking".to_owned(),
            waits: false,
        });
        let heads = Heads {
            log_len: self.events.len() as u64,
            lens: [(trajectory(), self.events.len() as u64)].into(),
            epoch: self.epoch,
        };
        self.event(Event::Bell(heads));
    }

    /// Lets time pass for the app; deadlines in it are told.
    fn pass(&mut self, time: Duration) {
        self.ahead += time;
        if self.stage.is_due(self.bench.now() + self.ahead) {
            self.event(Event::Deadline);
        }
    }

    /// Draws, and says how many bytes that sends.
    fn frame(&mut self) -> usize {
        self.stage.frame()
    }
}

fn status(len: u64) -> Status {
    Status {
        trajectory: trajectory(),
        workspace: "bench".to_owned(),
        head_seq: len.saturating_sub(1),
        mode: Mode::Edit,
        writ: WritSummary {
            id: WritId::of(b"edit"),
            name: "edit".to_owned(),
            effects: "up to write".to_owned(),
            expires_at: None,
            revoked: false,
            budget: Vec::new(),
        },
        model: "practice".to_owned(),
        context: None,
        running: None,
        pending: 0,
        in_doubt: 0,
        in_doubt_elsewhere: 0,
        unstored: false,
        chain: ChainState::VerifiedTo {
            index: len,
            len,
            before: None,
        },
        outside: None,
        rung: Rung::L3,
    }
}
