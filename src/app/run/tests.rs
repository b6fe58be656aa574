//! Tests of the loop on paused time: what wakes it, and how often it draws.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use thymos_core::approval::Via;
use thymos_core::writ::Mode;
use thymos_core::{Timestamp, TrajectoryId};
use thymos_protocol::Live;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::app::{AppOptions, LinkEnds, Start};
use crate::keymap::{Key, Keymap};
use crate::term::TermFault;
use crate::theme::Theme;
use crate::ui::chrome::Glyphs;

/// A terminal in memory that counts frames.
struct Memory {
    frames: RefCell<Vec<usize>>,
    idle: RefCell<bool>,
    state: watch::Sender<WriterState>,
}

impl Memory {
    fn new() -> Self {
        let (state, _) = watch::channel(WriterState::Idle {
            took: Duration::ZERO,
        });
        Self {
            frames: RefCell::default(),
            idle: RefCell::new(true),
            state,
        }
    }

    fn frames(&self) -> usize {
        self.frames
            .borrow()
            .iter()
            .filter(|bytes| **bytes > 0)
            .count()
    }
}

impl Surface for Memory {
    fn size(&self) -> ratatui::layout::Size {
        ratatui::layout::Size {
            width: 80,
            height: 24,
        }
    }
    fn is_idle(&self) -> bool {
        *self.idle.borrow()
    }
    fn submit(&self, frame: Vec<u8>) -> bool {
        self.frames.borrow_mut().push(frame.len());
        true
    }
    fn send(&self, _: &[u8]) -> bool {
        true
    }
    fn mouse(&self, _: bool) -> bool {
        true
    }
    fn suspend(&self) -> Result<ratatui::layout::Size, TermFault> {
        Ok(self.size())
    }
    fn lend(&self, work: &mut dyn FnMut()) -> Result<ratatui::layout::Size, TermFault> {
        work();
        Ok(self.size())
    }
    fn resume(&self) -> Result<ratatui::layout::Size, TermFault> {
        Ok(self.size())
    }
    fn state(&self) -> watch::Receiver<WriterState> {
        self.state.subscribe()
    }
}

struct Rig {
    surface: Memory,
    link: Option<Link>,
    ends: LinkEnds,
    keys: mpsc::Sender<TermEvent>,
    input: Option<mpsc::Receiver<TermEvent>>,
    start: Instant,
    folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let (link, ends) = Link::pair();
        let (keys, input) = mpsc::channel(1024);
        let surface = Memory::new();
        Self {
            surface,
            link: Some(link),
            ends,
            keys,
            input: Some(input),
            start: Instant::now(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn key(&self, key: Key) {
        let at = self.start.elapsed();
        self.keys
            .try_send(TermEvent {
                at,
                input: TermInput::Key(key),
            })
            .unwrap();
    }

    fn run(&mut self) -> impl Future<Output = u8> + '_ {
        let start = self.start;
        let options = RunOptions {
            clock: Arc::new(move || start.elapsed()),
            wall: Arc::new(|| Timestamp(0)),
            frames_max: 60,
            env: TermEnv::default(),
            drafts: None,
            editor: Editor {
                command: "printf 'from the editor' >".to_owned(),
                folder: self.folder.path().to_path_buf(),
            },
            verbs: Verbs {
                program: "/bin/echo".into(),
                flags: vec!["--color".into()],
            },
            writs: Arc::new(|file| {
                Err(Fault {
                    message: format!("`{}` is no writ", file.display()),
                    hint: None,
                })
            }),
            files: Arc::new(|_, _| Ok(FileList::default())),
        };
        let app = AppOptions {
            keymap: Arc::new(Keymap::built_in()),
            theme: Theme::mono(),
            start: Start::New(Mode::Edit),
            glyphs: Glyphs::Box,
            profile: "local",
            draft: String::new(),
            mouse: false,
            notice: None,
            via: Via::Tui,
        };
        let (link, input) = (self.link.take().unwrap(), self.input.take().unwrap());
        run(link, &self.surface, input, app, options)
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_minute_draws_one_frame() {
    let mut rig = Rig::new();
    let ran = timeout(Duration::from_secs(60), rig.run()).await;
    assert!(ran.is_err(), "it waits for ever");
    assert_eq!(rig.surface.frames(), 1);
    assert!(
        rig.surface.frames.borrow().len() <= 2,
        "and asks for no other"
    );
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_keys_is_drained_before_one_frame() {
    let mut rig = Rig::new();
    for _ in 0..500 {
        rig.key(Key::char('x'));
    }
    let ran = timeout(Duration::from_millis(10), rig.run()).await;
    assert!(ran.is_err());
    assert!(rig.surface.frames() <= 2, "{}", rig.surface.frames());
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_words_draws_at_the_frame_cap() {
    let mut rig = Rig::new();
    let (_spare, ends) = Link::pair();
    let live = std::mem::replace(&mut rig.ends, ends).live;
    let words = async move {
        for version in 0..1_000 {
            sleep(Duration::from_millis(1)).await;
            let trajectory = Some(TrajectoryId::of(b"t"));
            live.send_replace(Live {
                trajectory,
                version,
                ..Live::default()
            });
        }
    };
    tokio::select! {
        _ = rig.run() => unreachable!("nobody ends it"),
        () = words => {}
    }
    let drawn = rig.surface.frames.borrow().len();
    assert!(drawn <= 62, "{drawn}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_drawn_while_the_last_frame_is_on_its_way() {
    let mut rig = Rig::new();
    *rig.surface.idle.borrow_mut() = false;
    rig.key(Key::char('x'));
    let ran = timeout(Duration::from_secs(5), rig.run()).await;
    assert!(ran.is_err());
    assert_eq!(rig.surface.frames(), 0);
}

#[tokio::test(start_paused = true)]
async fn ctrl_d_ends_with_nothing_left_behind() {
    let mut rig = Rig::new();
    rig.key(Key::ctrl('d'));
    assert_eq!(rig.run().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_vanished_terminal_ends_with_129() {
    let mut rig = Rig::new();
    let at = rig.start.elapsed();
    rig.keys
        .try_send(TermEvent {
            at,
            input: TermInput::Closed,
        })
        .unwrap();
    assert_eq!(rig.run().await, 129);
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_takes_nothing_loses_no_request() {
    let mut rig = Rig::new();
    let keys = rig.keys.clone();
    let start = rig.start;
    let asks = async move {
        for _ in 0..300 {
            for key in ["<C-x>", "a"] {
                let key = key.parse().unwrap();
                let input = TermInput::Key(key);
                keys.send(TermEvent {
                    at: start.elapsed(),
                    input,
                })
                .await
                .unwrap();
            }
        }
        sleep(Duration::from_secs(1)).await;
    };
    let (_requests, unused) = mpsc::channel(1);
    let mut asked = std::mem::replace(&mut rig.ends.requests, unused);
    tokio::select! {
        _ = rig.run() => unreachable!("nobody ends it"),
        () = asks => {}
    }
    let mut waiting = 0;
    while asked.try_recv().is_ok() {
        waiting += 1;
    }
    assert_eq!(
        waiting,
        super::super::link::REQUESTS_MAX,
        "full, and the rest is kept in the app"
    );
}
