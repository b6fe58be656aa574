//! The model that writes a ledger: an agent at ordinary work on a few files, by a script.
//!
//! A run is one prompt and fourteen turns with calls: it looks around, reads, hands a question over, writes a
//! file anew, mends it, has it tested, mends it again, tests again and keeps what it found out. The rates are
//! chosen and not counted from somebody's records: they are those of a session that edits code under
//! supervision, in which a turn has one call or two, half of the calls only look, a quarter changes files,
//! every test is asked about, a first test fails, and an edit now and then quotes what is not there.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_ports::Cognition;
use thymos_ports::cognition::{
    Context, ContextMessage, ModelFault, ModelIdentity, ProposedCall, Purpose, Streamed,
    TokenUsage, Turn, TurnStop,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::command;
use super::files::Part;

/// Turns of a run, the last of which is words alone.
pub(super) const TURNS: u64 = 15;

/// One run in so many hands a question to an agent of its own.
const DELEGATES: u64 = 3;

/// The first test of a run fails; in one run of so many it prints more than a model reads, and what is cut is
/// kept beside the entries.
const PRINTS_LONG: u64 = 4;

/// The second test of one run in so many takes too long, and is stopped.
const TAKES_LONG: u64 = 4;

/// One run in so many wants to publish what it did, which nobody lets it.
const PUBLISHES: u64 = 5;

/// How what is handed over begins; a model is told by it that it is the one who was asked.
const QUESTION: &str = "Find out for run";

/// What a person does not agree to.
pub(super) const NOT_AGREED: &str = "git push";

/// The model, and how it says that a run comes to rest.
pub(super) struct Agent {
    /// The number of the first run of the session at work.
    first: AtomicU64,
    said: Notify,
}

impl Agent {
    pub(super) fn new() -> Self {
        Self {
            first: AtomicU64::new(0),
            said: Notify::new(),
        }
    }

    /// The next session begins with the run of this number.
    pub(super) fn begins(&self, first: u64) {
        self.first.store(first, Ordering::SeqCst);
    }

    /// Waits until it wanted what a person is asked about, or said its last word.
    pub(super) async fn rests(&self) {
        self.said.notified().await;
    }

    fn turn(&self, context: &Context) -> Turn {
        let turns = turns_of(context);
        let run = self.first.load(Ordering::SeqCst) + turns / TURNS;
        let turn = turns % TURNS;
        let calls = calls(run, turn);
        if calls.is_empty() || calls.iter().any(|(tool, _)| *tool == "shell") {
            self.said.notify_one();
        }
        thought(run, turn, calls)
    }
}

/// What a person asks of a run.
pub(super) fn prompt(run: u64) -> String {
    let path = Part::of(run).path();
    format!(
        "Task {run}: rows of a new sort are dropped in `{path}`. Let each step allow more where it has to, \
         keep the other parts as they are, and see that the tests pass."
    )
}

/// What is wanted in a turn.
type Wanted = Vec<(&'static str, Value)>;

fn calls(run: u64, turn: u64) -> Wanted {
    let (own, other) = (Part::of(run), Part::before(run));
    let (path, beside) = (own.path(), other.path());
    match turn {
        0 => vec![
            ("list_files", json!({})),
            (
                "grep",
                json!({"pattern": format!("most_{} =", run % 30), "path": "src"}),
            ),
        ],
        1 => vec![
            ("fs_read", json!({"path": "src/lib.rs"})),
            ("fs_read", json!({"path": path})),
        ],
        2 => vec![("fs_read", json!({"path": "README.md", "limit": 60}))],
        3 if run.is_multiple_of(DELEGATES) => vec![("delegate", question(run))],
        3 => vec![("kv_get", json!({"key": "found-out"}))],
        4 => vec![("fs_write", json!({"path": path, "content": own.text()}))],
        5 => vec![("fs_patch", patch(own, 7, run))],
        6 => vec![refused(own, run)],
        7 => vec![("fs_patch", patch(other, 9, run))],
        8 => vec![(
            "shell",
            command::tests(run, run.is_multiple_of(PRINTS_LONG)),
        )],
        9 => vec![
            ("fs_read", json!({"path": path, "offset": 60, "limit": 80})),
            ("grep", json!({"pattern": "Run [0-9]+", "path": beside})),
        ],
        10 => vec![("fs_patch", patch(own, 21, run))],
        11 if run.is_multiple_of(TAKES_LONG) => vec![("shell", command::measurements(run))],
        11 => vec![("shell", command::tests_again(run))],
        12 => vec![("kv_set", found_out(run)), ("kv_list", json!({}))],
        13 if run.is_multiple_of(PUBLISHES) => {
            vec![(
                "shell",
                json!({"command": format!("git add -A && {NOT_AGREED} origin run-{run}")}),
            )]
        }
        13 => vec![("glob", json!({"pattern": "src/*.rs"}))],
        _ => Vec::new(),
    }
}

fn patch(part: Part, step: u64, run: u64) -> Value {
    let (old, new) = part.edit(step, run);
    json!({"path": part.path(), "edits": [{"old": old, "new": new}]})
}

/// What cannot be done: an edit that quotes what is not there, or arguments that do not fit.
fn refused(part: Part, run: u64) -> (&'static str, Value) {
    match run % 2 {
        0 => {
            let edit = json!({"old": "let most_99 = 1;", "new": "let most_99 = 2;"});
            ("fs_patch", json!({"path": part.path(), "edits": [edit]}))
        }
        _ => ("fs_read", json!({"path": part.path(), "lines": 40})),
    }
}

fn found_out(run: u64) -> Value {
    let text = "each step allows more now, and the part before it as well";
    json!({"key": "found-out", "value": {"run": run, "text": text}})
}

/// An order with less than what the program gives when it is not told.
fn question(run: u64) -> Value {
    let path = Part::before(run).path();
    json!({
        "task": format!("{QUESTION} {run}: which steps of `{path}` allow less than the others, and why."),
        "effects": "read",
        "tools": ["fs_read", "grep", "list_files"],
        "budget": {"tokens": 60_000, "tool_calls": 10, "wall_clock_ms": 60_000, "usd_millicents": 2_000}
    })
}

/// What whoever is asked does: it looks twice and answers.
fn asked(run: u64, turn: u64) -> Wanted {
    let path = Part::before(run).path();
    match turn {
        0 => vec![
            ("grep", json!({"pattern": "most_1[0-9] = ", "path": path})),
            ("list_files", json!({"path": "src"})),
        ],
        1 => vec![("fs_read", json!({"path": path, "limit": 60}))],
        _ => Vec::new(),
    }
}

/// The run that asked, of a model that is the one who was asked.
fn asked_by(context: &Context) -> Option<u64> {
    let Some(ContextMessage::Operator(text)) = context.messages.first() else {
        return None;
    };
    let (run, _) = text.strip_prefix(QUESTION)?.split_once(':')?;
    run.trim().parse().ok()
}

fn thought(run: u64, turn: u64, wanted: Wanted) -> Turn {
    let (text, reasoning) = match wanted.is_empty() {
        true => (
            format!(
                "Task {run} is done: each step of `{}` allows what it has to, and so does step 9 of the part \
                 before it. The tests passed; what they printed first is above.",
                Part::of(run).path()
            ),
            String::new(),
        ),
        false => (
            format!("Step {turn} of task {run}: I look at what is there before I change it."),
            format!(
                "What was found so far says that rows are taken by the first part that can read them. So I \
                 need to see what the next call shows, and then change as little as I can; turn {turn}."
            ),
        ),
    };
    let stop = match wanted.is_empty() {
        true => TurnStop::Done,
        false => TurnStop::Calls,
    };
    let call = |(at, (tool, args)): (usize, (&str, Value))| ProposedCall {
        call: format!("call-{run}-{turn}-{at}"),
        tool: tool.to_owned(),
        args,
        malformed: None,
    };
    Turn {
        text,
        reasoning,
        provider_state: None,
        calls: wanted.into_iter().enumerate().map(call).collect(),
        stop,
        usage: usage(turn),
        attempts: 1,
    }
}

/// What a turn uses grows with what is read again, most of it from a cache; a session's sixteen runs stay
/// within what a mode's writ allows.
fn usage(turn: u64) -> TokenUsage {
    let input = 2_000 + 500 * turn;
    TokenUsage {
        input,
        cached: input - 900,
        output: 180 + 10 * turn,
        reasoning: 60,
        usd_millicents: Some(400 + 40 * turn),
    }
}

/// Its older turns in words, which it is asked for once or twice in a session.
fn summary() -> Turn {
    Turn {
        text: "Rows of a new sort were dropped. Each step of the parts that were asked about allows more now; \
               the tests passed each time after the second change."
            .to_owned(),
        ..thought(0, 0, Vec::new())
    }
}

fn turns_of(context: &Context) -> u64 {
    u64::try_from(context.turns).unwrap_or(u64::MAX)
}

#[async_trait]
impl Cognition for Agent {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: "bench".into(),
            model: "agent".into(),
            context_tokens: None,
        }
    }

    async fn propose(
        &self,
        context: &Context,
        _sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        _cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        let turns = turns_of(context);
        Ok(match (context.purpose, asked_by(context)) {
            (Purpose::Summary, _) => summary(),
            (Purpose::Turn, Some(run)) => thought(run, turns, asked(run, turns)),
            (Purpose::Turn, None) => self.turn(context),
        })
    }
}
