//! The process that is killed: this test binary again, asked for one test and given its task as a
//! further filter that matches no test. Run without a task, that test does nothing.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use thymos_core::EntryId;

use super::points::{Kill, MARK, Points};
use super::process::{Cast, live};

const TASK: &str = "crash-task:";

/// What a process is to do.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) seed: u64,
    pub(super) number: u64,
    pub(super) kill: Option<Kill>,
    pub(super) folder: PathBuf,
}

/// What a process said before its end, and how it ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// Points that it came to, in order.
    pub(super) points: Vec<String>,
    /// Entries that it acknowledged.
    pub(super) acknowledged: Vec<(u64, EntryId)>,
    /// Entries that it had handed to the store and that were not acknowledged.
    pub(super) in_flight: Option<u64>,
    /// What it found wrong itself.
    pub(super) faults: Vec<String>,
    /// It came to its own end.
    pub(super) ended: bool,
    /// The signal that ended it.
    pub(super) signal: Option<i32>,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |some: Option<u64>| some.map_or("-".to_owned(), |some| some.to_string());
        let at = number(self.kill.map(|kill| kill.at));
        let torn = number(self.kill.and_then(|kill| kill.torn));
        let folder = self.folder.display();
        write!(
            f,
            "{TASK}{}:{}:{at}:{torn}:{folder}",
            self.seed, self.number
        )
    }
}

impl Task {
    fn parse(argument: &str) -> Option<Self> {
        let words: Vec<&str> = argument.strip_prefix(TASK)?.splitn(5, ':').collect();
        let [seed, number, at, torn, folder] = words.as_slice() else {
            return None;
        };
        let kill = at.parse().ok().map(|at| Kill {
            at,
            torn: torn.parse().ok(),
        });
        Some(Self {
            seed: seed.parse().ok()?,
            number: number.parse().ok()?,
            kill,
            folder: Path::new(folder).to_owned(),
        })
    }

    fn start(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["crashes::child::other_process", "--exact", "--nocapture"])
            .arg(self.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs it to its kill.
    pub(super) fn run(&self) -> Said {
        hear(self.start(), None)
    }

    /// Runs it, and kills it this long after it began.
    pub(super) fn run_for(&self, moment: Duration) -> Said {
        hear(self.start(), Some(moment))
    }
}

fn hear(mut child: Child, moment: Option<Duration>) -> Said {
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = output.lines().map_while(Result::ok);
    let mut said = Said::default();
    if let Some(moment) = moment {
        let begun = lines.by_ref().find(|line| line.contains(MARK));
        said.take(&begun.unwrap_or_default());
        // Not to wait for anything: the moment is what is drawn.
        std::thread::sleep(moment);
        child.kill().unwrap();
    }
    // What it had said before the signal counts too.
    lines.for_each(|line| said.take(&line));
    said.signal = child.wait().unwrap().signal();
    said
}

impl Said {
    fn take(&mut self, line: &str) {
        let Some((_, words)) = line.split_once(MARK) else {
            return;
        };
        let (what, rest) = words.split_once(' ').unwrap_or((words, ""));
        match (what, rest.split_once(' ')) {
            ("point", Some((_, label))) => self.points.push(label.to_owned()),
            ("ack", Some((index, id))) => {
                self.in_flight = None;
                let entry = (index.parse().unwrap(), id.parse().unwrap());
                self.acknowledged.push(entry);
            }
            ("will", None) => self.in_flight = rest.parse().ok(),
            ("fault", _) => self.faults.push(rest.to_owned()),
            ("end", _) => self.ended = true,
            _ => panic!("a line that nobody wrote: {line}"),
        }
    }
}

#[test]
fn other_process() {
    let Some(task) = std::env::args().find_map(|argument| Task::parse(&argument)) else {
        return;
    };
    let points = Points::aloud(task.kill);
    let end = live(&Cast {
        points: points.clone(),
        ..Cast::new(task.seed, task.number, &task.folder)
    });
    for fault in end.faults {
        points.say(&format!("fault {}", fault.replace('\n', " ")));
    }
    points.say("end");
}
