//! The loop itself, over the other ends of the Link: what it prints, when it takes a line, how it ends.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use thymos::app::run::{Editor, Verbs};
use thymos::app::{Link, LinkEnds};
use thymos::plain::{Gate, Paper, PlainOptions, Setup, Sides, Typed, TypedLine, run};
use thymos::system::monotonic;
use thymos::term::{Monotonic, TermSignal};
use thymos_protocol::{Command, Fault};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::listener::app_options;
use crate::screen::kernel::{Kernel, NOON};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Paper in memory that can be held.
#[derive(Clone, Default)]
struct Sheet(Arc<(Mutex<(String, bool)>, Condvar)>);

impl Sheet {
    fn text(&self) -> String {
        self.0.0.lock().unwrap().0.clone()
    }

    fn hold(&self, held: bool) {
        self.0.0.lock().unwrap().1 = held;
        self.0.1.notify_all();
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut sheet = self.0.0.lock().unwrap();
        while sheet.1 {
            sheet = self.0.1.wait(sheet).unwrap();
        }
        sheet.0.push_str(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Rig {
    sheet: Sheet,
    typed: mpsc::Sender<Typed>,
    signals: mpsc::Sender<TermSignal>,
    clock: Monotonic,
    asked: Arc<Mutex<Vec<Command>>>,
    app: JoinHandle<u8>,
    kernel: JoinHandle<()>,
}

impl Rig {
    fn start(mut kernel: Kernel) -> Self {
        let (link, ends) = Link::pair();
        let (typed, lines) = mpsc::channel(64);
        let (signals, heard) = mpsc::channel(4);
        let (sheet, clock) = (Sheet::default(), monotonic());
        let sides = Sides {
            typed: lines,
            signals: heard,
            paper: Paper::start(sheet.clone()).unwrap(),
        };
        let app = tokio::spawn(run(link, sides, app_options(), options(clock.clone())));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&asked);
        let kernel = tokio::spawn(async move {
            let LinkEnds {
                mut requests,
                replies,
                bell,
                ..
            } = ends;
            while let Some(request) = requests.recv().await {
                told.lock().unwrap().push(request.command.clone());
                let reply = kernel.answer(request);
                if replies.send(reply).await.is_err() {
                    return;
                }
                bell.send_replace(kernel.heads());
            }
        });
        Self {
            sheet,
            typed,
            signals,
            clock,
            asked,
            app,
            kernel,
        }
    }

    async fn types(&self, text: &str) {
        let line = TypedLine {
            text: text.to_owned(),
            at: (self.clock)(),
        };
        self.typed.send(Typed::Line(line)).await.unwrap();
    }

    async fn prints(&self, words: &str) {
        let seen = async {
            while !self.sheet.text().contains(words) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        assert!(seen.is_ok(), "no `{words}` in\n{}", self.sheet.text());
    }

    async fn ended(self) -> (u8, String) {
        let code = tokio::time::timeout(PATIENCE, self.app)
            .await
            .unwrap()
            .unwrap();
        tokio::time::timeout(PATIENCE, self.kernel)
            .await
            .unwrap()
            .unwrap();
        (code, self.sheet.text())
    }
}

fn options(clock: Monotonic) -> PlainOptions {
    PlainOptions {
        clock,
        wall: Arc::new(|| NOON),
        editor: Editor {
            command: "false".into(),
            folder: "/nonexistent".into(),
        },
        verbs: Verbs {
            program: "/bin/echo".into(),
            flags: Vec::new(),
        },
        writs: Arc::new(|_| {
            Err(Fault {
                message: "no writ".into(),
                hint: None,
            })
        }),
        setup: Setup {
            switch: "--plain".into(),
            typed: true,
        },
        prompts: true,
        gate: Gate::default(),
    }
}

#[tokio::test]
async fn a_line_is_asked_for_once_and_what_comes_meanwhile_begins_a_line_of_its_own() {
    let rig = Rig::start(Kernel::new());
    rig.prints("\n> ").await;
    rig.types("/memory ls").await;
    // A verb is heard to its end before another line is asked for.
    rig.prints("text: memory ls\n> ").await;
    rig.signals.send(TermSignal::Interrupt).await.unwrap();
    rig.prints("\n> \nnotice: nothing runs. Ctrl-C once more quits\n> ")
        .await;
    rig.signals.send(TermSignal::Interrupt).await.unwrap();
    let (code, text) = rig.ended().await;
    assert_eq!(code, 130, "{text}");
}

#[tokio::test]
async fn what_is_not_out_yet_was_not_presented_and_a_line_waits_for_it() {
    let mut kernel = Kernel::new();
    kernel.hold("one", "fs_patch", "fs_patch a");
    let rig = Rig::start(kernel);
    rig.prints("Type show 1").await;
    rig.sheet.hold(true);
    rig.types("show 1").await;
    rig.types("approve 1").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    rig.sheet.hold(false);
    rig.prints("notice: that was typed before approval 1 was printed")
        .await;
    let answered = |asked: &Command| matches!(asked, Command::Answer(_));
    assert!(!rig.asked.lock().unwrap().iter().any(answered));
    tokio::time::sleep(Duration::from_millis(500)).await;
    rig.types("approve 1").await;
    let sent = async {
        while !rig.asked.lock().unwrap().iter().any(answered) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, sent).await.unwrap();
    rig.signals.send(TermSignal::Terminate).await.unwrap();
    let (code, text) = rig.ended().await;
    assert_eq!(code, 143, "{text}");
}

#[tokio::test]
async fn a_reader_that_stands_still_keeps_no_signal_from_ending_it() {
    let rig = Rig::start(Kernel::new());
    rig.prints("> ").await;
    rig.sheet.hold(true);
    rig.types("help").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.signals.send(TermSignal::Terminate).await.unwrap();
    let sheet = rig.sheet.clone();
    let (code, _) = rig.ended().await;
    assert_eq!(code, 143);
    sheet.hold(false);
}

#[tokio::test]
async fn the_end_of_the_input_is_told_and_all_is_printed_before_it_leaves() {
    let rig = Rig::start(Kernel::new());
    rig.types("help").await;
    rig.typed.send(Typed::End).await.unwrap();
    let (code, text) = rig.ended().await;
    assert_eq!(code, 0);
    assert!(text.ends_with("notice: the input has ended\n"), "{text}");
    assert!(text.contains("help: Ctrl-C stops the run"), "{text}");
}
