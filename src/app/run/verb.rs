//! A verb of the program beside the screen: started as a shell would start it, in a process of its own, and
//! heard to its end. What it says is passed on as lines; it is asked nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::Event;
use crate::app::event::{SaidLine, VerbNews};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// Bytes of a line at most; a longer one is told in parts.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The program itself, and how it was started here.
#[derive(Clone, Debug)]
pub struct Verbs {
    /// Its file.
    pub program: PathBuf,
    /// Flags that make it mean the same ledger, folder and tenant.
    pub flags: Vec<OsString>,
}

/// Starts a verb and tells what comes of it; cancelling what is returned asks it to end.
pub(super) fn start(
    verbs: &Verbs,
    words: &[String],
    told: mpsc::Sender<Event>,
) -> CancellationToken {
    let ends = CancellationToken::new();
    let mut command = Command::new(&verbs.program);
    command
        // Before what was typed: behind a `--` they would be words of it.
        .args(&verbs.flags)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Keys that stop or end what has the terminal are the app's.
        .process_group(0);
    let wanted = ends.clone();
    tokio::spawn(async move {
        let ended = match command.spawn() {
            Ok(child) => follow(child, &told, &wanted).await,
            Err(error) => Err(format!("it cannot be started: {error}")),
        };
        let news = VerbNews {
            lines: Vec::new(),
            ended: Some(ended),
        };
        drop(told.send(Event::Verb(news)).await);
    });
    ends
}

/// Its exit code; 128 and the signal's number where one ended it, as shells count.
async fn follow(
    mut child: Child,
    told: &mpsc::Sender<Event>,
    ends: &CancellationToken,
) -> Result<i32, String> {
    let (Some(mut out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("it cannot be heard".to_owned());
    };
    let mut said = Stream::default();
    let mut complained = Stream {
        bad: true,
        ..Stream::default()
    };
    let running = Running::of(&child);
    let mut asked = false;
    while said.open || complained.open {
        let (mut from_out, mut from_err) = ([0; CHUNK], [0; CHUNK]);
        let lines = tokio::select! {
            read = read(&mut out, &mut from_out), if said.open => said.take(&from_out, read),
            read = read(&mut err, &mut from_err), if complained.open => {
                complained.take(&from_err, read)
            }
            () = ends.cancelled(), if !asked => {
                asked = true;
                running.end();
                continue;
            }
        };
        if !lines.is_empty() {
            let news = VerbNews { lines, ended: None };
            // Without a screen nobody listens, and it need not go on.
            if told.send(Event::Verb(news)).await.is_err() {
                return Err("nobody listens".to_owned());
            }
        }
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    running.ended();
    Ok(code(status))
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let signal = status.signal().unwrap_or_default();
    status.code().unwrap_or(128 + signal)
}

/// A process that is asked to end when nobody follows it any more, as when the app is left.
struct Running(Option<Pid>);

impl Running {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// As a shell's Ctrl-C would: it seals what it has begun.
    fn end(&self) {
        if let Some(pid) = self.0 {
            // One that has ended already needs no signal.
            kill_process(pid, Signal::TERM).ok();
        }
    }

    /// Its number may be another's from now on.
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

async fn read(from: &mut (impl AsyncRead + Unpin), into: &mut [u8]) -> usize {
    // What cannot be read any more has ended.
    from.read(into).await.unwrap_or(0)
}

/// One of its two streams, by the line.
struct Stream {
    open: bool,
    bad: bool,
    rest: Vec<u8>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            open: true,
            bad: false,
            rest: Vec::new(),
        }
    }
}

impl Stream {
    /// Takes so many bytes; none end it. Gives the lines that are whole by now.
    fn take(&mut self, bytes: &[u8], read: usize) -> Vec<SaidLine> {
        let mut lines = Vec::new();
        for &byte in bytes.get(..read).unwrap_or_default() {
            if byte == b'\n' || self.rest.len() == LINE_BYTES_MAX {
                lines.push(self.line());
            }
            if byte != b'\n' {
                self.rest.push(byte);
            }
        }
        if read == 0 {
            self.open = false;
            if !self.rest.is_empty() {
                lines.push(self.line());
            }
        }
        lines
    }

    fn line(&mut self) -> SaidLine {
        let bytes = std::mem::take(&mut self.rest);
        SaidLine {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bad: self.bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shell() -> Verbs {
        Verbs {
            program: Path::new("/bin/sh").into(),
            flags: Vec::new(),
        }
    }

    fn words(script: &str) -> Vec<String> {
        ["-c", script].map(str::to_owned).into()
    }

    async fn heard(script: &str, end_at: Option<&str>) -> (Vec<SaidLine>, Result<i32, String>) {
        let (told, mut news) = mpsc::channel(2);
        let ends = start(&shell(), &words(script), told);
        let mut lines: Vec<SaidLine> = Vec::new();
        loop {
            let Some(Event::Verb(news)) = news.recv().await else {
                panic!("it was not heard to its end");
            };
            lines.extend(news.lines);
            if end_at.is_some_and(|text| lines.iter().any(|line| line.text == text)) {
                ends.cancel();
            }
            if let Some(ended) = news.ended {
                return (lines, ended);
            }
        }
    }

    fn line(text: &str, bad: bool) -> SaidLine {
        SaidLine {
            text: text.to_owned(),
            bad,
        }
    }

    #[tokio::test]
    async fn both_streams_are_heard_by_the_line_and_the_code_is_told() {
        let script = "echo one; printf 'two\\377'; echo bad >&2; exit 11";
        let (mut lines, ended) = heard(script, None).await;
        lines.sort_by_key(|line| line.bad);
        let due = [
            line("one", false),
            line("two\u{fffd}", false),
            line("bad", true),
        ];
        assert_eq!((lines.as_slice(), ended), (due.as_slice(), Ok(11)));
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_asked_to_and_has_the_last_word() {
        let script = "trap 'echo sealed; exit 143' TERM; echo begun; while :; do sleep 0.01; done";
        let (lines, ended) = heard(script, Some("begun")).await;
        assert_eq!(lines, [line("begun", false), line("sealed", false)]);
        assert_eq!(ended, Ok(143));
    }

    #[test]
    fn leaving_asks_it_to_end_too() {
        let folder = tempfile::tempdir().unwrap();
        let (mark, fifo) = (folder.path().join("mark"), folder.path().join("fifo"));
        let script = format!(
            "mkfifo {1}; trap 'echo sealed > {0}; : > {1}; exit' TERM; echo begun; while :; do sleep 0.01; done",
            mark.display(),
            fifo.display()
        );
        let screen = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        screen.block_on(async {
            let (told, mut news) = mpsc::channel(2);
            start(&shell(), &words(&script), told);
            assert!(matches!(news.recv().await, Some(Event::Verb(_))));
        });
        // The app is left: its runtime goes, and all that it followed.
        drop(screen);
        // Nobody has written here until it has sealed.
        let (sealed, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || sealed.send(std::fs::read(fifo)));
        let heard = heard.recv_timeout(std::time::Duration::from_secs(30));
        heard.expect("it was asked to end").unwrap();
        assert_eq!(std::fs::read_to_string(&mark).unwrap(), "sealed\n");
    }

    #[tokio::test]
    async fn a_line_without_end_is_told_in_parts() {
        let (lines, ended) = heard("head -c 200000 /dev/zero | tr '\\0' a", None).await;
        let lengths: Vec<usize> = lines.iter().map(|line| line.text.len()).collect();
        assert_eq!(lengths, [65_536, 65_536, 65_536, 3_392]);
        assert_eq!(ended, Ok(0));
    }

    #[tokio::test]
    async fn flags_of_this_app_stand_before_what_was_typed() {
        let verbs = Verbs {
            program: Path::new("/bin/echo").into(),
            flags: vec!["--color".into(), "never".into()],
        };
        let (told, mut news) = mpsc::channel(2);
        start(&verbs, &["memory".to_owned(), "ls".to_owned()], told);
        let Some(Event::Verb(VerbNews { lines, .. })) = news.recv().await else {
            panic!("nothing was told");
        };
        assert_eq!(lines, [line("--color never memory ls", false)]);
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told() {
        let verbs = Verbs {
            program: Path::new("/no/such/program").into(),
            flags: Vec::new(),
        };
        let (told, mut news) = mpsc::channel(2);
        start(&verbs, &[], told);
        let Some(Event::Verb(VerbNews { ended, .. })) = news.recv().await else {
            panic!("nothing was told");
        };
        assert!(ended.unwrap().unwrap_err().contains("cannot be started"));
    }
}
