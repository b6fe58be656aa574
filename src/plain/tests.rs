//! Tests of plain mode without a kernel: what a line means, what is read and printed, the loop.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::line::{Line, Wish, parse};
use super::paper::{Paper, PaperState};
use super::stream::Stream;
use super::typed::{self, Typed, TypedLine};
use super::words::{span, spoken_age};

#[test]
fn a_line_is_a_command_by_its_first_word_and_else_a_prompt() {
    let say = |text: &str| Line::Say(text.to_owned());
    let about = Line::About;
    let slash = |text: &str| Line::Slash(text.to_owned());
    let cases = [
        ("", Line::Empty),
        (" \t", Line::Empty),
        ("y", Line::Bare("y".into())),
        (" Yes ", Line::Bare("Yes".into())),
        ("yes please", say("yes please")),
        ("add retry", say("add retry")),
        ("  indented", say("  indented")),
        ("say approve 1", say("approve 1")),
        ("say", Line::SayKept),
        ("queue later on", Line::Queue("later on".into())),
        ("help", Line::Help),
        ("HELP", Line::Help),
        ("help me", Line::Wrong("help")),
        ("quit", Line::Quit),
        ("exit", Line::Quit),
        ("exit code of it?", say("exit code of it?")),
        ("wait", Line::Wait),
        ("wait for it", Line::Wrong("wait")),
        ("Wait! Not that", say("Wait! Not that")),
        ("status", Line::Status),
        ("history", Line::History(20)),
        ("history 3", Line::History(3)),
        ("history of it", Line::Wrong("history, or history N")),
        ("output 12", Line::Output(12)),
        ("/memory ls", slash("/memory ls")),
        ("mode", slash("/mode")),
        ("mode plan", slash("/mode plan")),
        ("mode wild", Line::Wrong("mode, or mode plan, edit, auto")),
        ("model", slash("/model")),
        ("model a/b", slash("/model a/b")),
        ("model of the world", Line::Wrong("model, or model NAME")),
        ("approve 1", about(1, Wish::Approve)),
        ("Approve #12", about(12, Wish::Approve)),
        ("approve", Line::Wrong("approve N")),
        ("approve 1 2", Line::Wrong("approve N")),
        ("approve -1", Line::Wrong("approve N")),
        ("approve the plan", Line::Wrong("approve N")),
        ("approves", say("approves")),
        ("deny 1", about(1, Wish::Deny(String::new()))),
        ("deny 1 because no", about(1, Wish::Deny("no".into()))),
        ("deny 1 because  a b ", about(1, Wish::Deny("a b".into()))),
        ("deny 1 because", Line::Wrong("deny N because WHY")),
        ("deny 1 no", Line::Wrong("deny N because WHY")),
        ("scope 2", about(2, Wish::Scope)),
        ("show 2", about(2, Wish::Show)),
        ("show me", Line::Wrong("show N")),
        ("trace 2", about(2, Wish::Trace)),
        ("edit 2", about(2, Wish::Edit(None))),
        (
            "edit 2 {\"a\": 1}",
            about(2, Wish::Edit(Some("{\"a\": 1}".into()))),
        ),
        ("edit 2 a", Line::Wrong("edit N, or edit N {..}")),
    ];
    for (typed, meant) in cases {
        assert_eq!(parse(typed), meant, "{typed:?}");
    }
}

#[test]
fn times_are_words() {
    let cases = [
        (0, "less than a second"),
        (1_000, "1 second"),
        (59_999, "59 seconds"),
        (60_000, "1 minute"),
        (7_200_000, "2 hours"),
        (172_800_000, "2 days"),
    ];
    for (ms, words) in cases {
        assert_eq!(span(ms), words);
    }
}

#[test]
fn ages_of_the_screens_lists_are_words() {
    let told = ["0:00", "0:42", "12:05", "3 h", "2 d", "in use", "", "a:b"].map(spoken_age);
    let due = [
        Some("less than a second ago"),
        Some("42 seconds ago"),
        Some("12 minutes ago"),
        Some("3 hours ago"),
        Some("2 days ago"),
        None,
        None,
        None,
    ];
    assert_eq!(told, due.map(|words| words.map(str::to_owned)));
}

#[test]
fn an_answer_whose_record_lacks_the_last_line_end_is_not_told_again() {
    let mut stream = Stream::default();
    assert_eq!(stream.grow("one\ntwo\n"), ["answer: one", "answer: two"]);
    assert!(stream.end("one\ntwo").is_empty());
    assert_eq!(stream.end("three"), ["answer: three"]);
}

#[test]
fn an_answer_that_is_recorded_otherwise_is_told_whole_and_says_so() {
    let mut stream = Stream::default();
    assert_eq!(
        stream.grow("key is 12345678\nrest"),
        ["answer: key is 12345678"]
    );
    let lines = stream.end("key is [redacted]\nrest");
    assert!(lines[0].starts_with("notice: what is recorded of the answer differs"));
    assert_eq!(lines[1..], ["answer: key is [redacted]", "answer: rest"]);
}

fn typed(bytes: &'static [u8]) -> Vec<Typed> {
    let clock: crate::term::Monotonic = Arc::new(|| Duration::from_secs(7));
    let mut heard = typed::start(bytes, clock).unwrap();
    std::iter::from_fn(|| heard.blocking_recv()).collect()
}

fn line(text: &str) -> Typed {
    Typed::Line(TypedLine {
        text: text.to_owned(),
        at: Duration::from_secs(7),
    })
}

#[test]
fn lines_are_read_with_their_time_whatever_ends_them() {
    let due = [
        line("one"),
        line("two"),
        line(""),
        line("\u{fffd}"),
        line("end"),
        Typed::End,
    ];
    assert_eq!(typed(b"one\ntwo\r\n\n\xff\nend\n"), due);
    // An arrow key, a bell, a lone carriage return: what stands there is not what was meant.
    assert_eq!(
        typed(b"approve 1\x1b[A\nab\x07c\napprove 1\rdeny 1\n\xc2\x9b2J\na\tb\n"),
        [
            Typed::Keys,
            Typed::Keys,
            Typed::Keys,
            Typed::Keys,
            line("a\tb"),
            Typed::End
        ]
    );
    // Of `approve 12` this may be the beginning.
    assert_eq!(
        typed(b"one\napprove 1"),
        [line("one"), Typed::Cut, Typed::End]
    );
    assert_eq!(typed(b""), [Typed::End]);
}

#[test]
fn a_line_that_is_too_long_is_told_and_the_next_one_taken() {
    let mut bytes = vec![b'a'; 300 * 1024];
    bytes.extend_from_slice(b"\nnext\n");
    let due = [Typed::TooLong, line("next"), Typed::End];
    assert_eq!(typed(Box::leak(bytes.into_boxed_slice())), due);
}

#[test]
fn lines_beyond_the_room_are_dropped_and_counted_and_never_read_later() {
    let many = typed::LINES_MAX + 10;
    let bytes: Vec<u8> = "x\n".repeat(many).into_bytes();
    let clock: crate::term::Monotonic = Arc::new(|| Duration::ZERO);
    let (done, read) = std::sync::mpsc::channel();
    let source = Signalling { bytes, at: 0, done };
    let mut heard = typed::start(source, clock).unwrap();
    // All of it was read before anything is taken.
    read.recv().unwrap();
    let all: Vec<Typed> = std::iter::from_fn(|| heard.blocking_recv()).collect();
    let lines = all
        .iter()
        .filter(|typed| matches!(typed, Typed::Line(_)))
        .count();
    let dropped: usize = all
        .iter()
        .filter_map(|typed| match typed {
            Typed::Dropped(count) => Some(*count),
            _ => None,
        })
        .sum();
    assert_eq!(lines + dropped, many);
    assert!(dropped > 0, "there was room for all");
    assert_eq!(all.last(), Some(&Typed::End));
}

/// Says when its end was read.
struct Signalling {
    bytes: Vec<u8>,
    at: usize,
    done: std::sync::mpsc::Sender<()>,
}

impl std::io::Read for Signalling {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        if count == 0 {
            self.done.send(()).ok();
        }
        Ok(count)
    }
}

/// Paper in memory, which can be full.
#[derive(Clone, Default)]
struct Memory {
    text: Arc<Mutex<Vec<u8>>>,
    fault: Option<std::io::ErrorKind>,
}

impl std::io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(kind) = self.fault {
            return Err(kind.into());
        }
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn paper_says_when_a_batch_is_out_and_when_nobody_reads() {
    let memory = Memory::default();
    let mut paper = Paper::start(memory.clone()).unwrap();
    let mut state = paper.state();
    assert!(paper.is_out());
    paper.print("one\n".into());
    while !paper.is_out() {
        state.changed().await.unwrap();
    }
    assert_eq!(*memory.text.lock().unwrap(), b"one\n");
    for (kind, told) in [
        (std::io::ErrorKind::BrokenPipe, PaperState::Closed),
        (std::io::ErrorKind::StorageFull, PaperState::Gone),
    ] {
        let mut paper = Paper::start(Memory {
            fault: Some(kind),
            ..Memory::default()
        })
        .unwrap();
        let mut state = paper.state();
        paper.print("lost\n".into());
        state.wait_for(|state| *state == told).await.unwrap();
        assert!(!paper.is_out());
    }
}
