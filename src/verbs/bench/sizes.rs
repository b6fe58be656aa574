//! `ledger-small`, `-medium` and `-large`: ledgers of 100, 10,000 and 1,000,000 entries of the kinds that a
//! real record has, written by the real ring, and what using each of them costs.
//!
//! They are made without syncs of their own, so that a million entries take some minutes; the files that the
//! tools change are synced as ever. What stands in for a model and for a command is said in [`agent`] and
//! [`command`].

mod agent;
mod browse;
mod command;
mod files;
mod mix;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use thymos_core::TrajectoryId;
use thymos_core::approval::{Decision, Via};
use thymos_core::body::Stop;
use thymos_core::writ::Mode;
use thymos_ports::{LedgerStore, Tool};
use thymos_protocol::{Answer, Card, Command as Asked, Replied, What};
use thymos_replay::{Level, Row, Verifier};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use self::agent::Agent;
use self::command::StandIn;
use self::mix::Mix;
use super::start::memory_mib;
use super::{Bar, Bench, Figure, Samples, fault, ms, rate};
use crate::error::AppError;
use crate::verbs::client::Client;
use crate::wire::bench as adapters;

/// Prompts of one session, a trajectory: together below the calls and the tokens that a mode's writ allows.
const RUNS: u64 = 16;

/// Entries that one prompt comes to, about, those of the agent that it asks included.
const ENTRIES: u64 = 100;

/// Sessions of one kernel: each stays open in it until it ends.
const SESSIONS: usize = 128;

/// Until a session is looked at whose model says nothing.
const SILENCE: Duration = Duration::from_secs(20);

/// Samples of what is asked for anywhere in a ledger.
const LOOKS: u64 = 200;

/// Between looks at the memory of another process.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Rows read at once, as the app does.
const ROWS: usize = 256;

pub(super) fn small(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    measure(bench, "small", 100)
}

pub(super) fn medium(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    measure(bench, "medium", 10_000)
}

pub(super) fn large(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    measure(bench, "large", 1_000_000)
}

fn measure(bench: &Bench, name: &str, wanted: u64) -> Result<Vec<Figure>, AppError> {
    let path = bench.file(&format!("{name}.db"));
    let store = adapters::unsynced(&path)?;
    let made = make(bench, &store, wanted)?;
    let entries = store.len().map_err(fault)?;
    let mix = Mix::of(store.as_ref())?;
    drop(store);
    let bytes = fs::metadata(&path).map_err(fault)?.len();
    let mut figures = vec![
        told(
            format!("ledger of {entries} entries, made without syncs"),
            rate(entries, made.took),
            "entries/s",
        ),
        told(
            "bytes of the file an entry",
            rate(bytes, Duration::from_secs(entries)),
            "bytes",
        ),
        told(
            "the run at its end over the run at its beginning, in time an entry",
            made.last.as_secs_f64() / made.first.as_secs_f64().max(1e-9),
            "x",
        ),
    ];
    figures.extend(mix.figures());
    figures.extend(looks(bench, &path, made.trajectory)?);
    figures.extend(levels(bench, &path)?);
    Ok(figures)
}

fn told(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
    Figure::new(name, value, unit, Bar::None)
}

/// A ledger that was written.
struct Made {
    took: Duration,
    /// The newest trajectory.
    trajectory: TrajectoryId,
    /// Time an entry in the first run and in the last one.
    first: Duration,
    last: Duration,
}

/// Lets session after session work on this ledger until it is long enough.
fn make(bench: &Bench, store: &Arc<dyn LedgerStore>, wanted: u64) -> Result<Made, AppError> {
    files::lay_out(&workspace(bench))?;
    // Of the ledger before, which had the same name.
    if outside(bench).exists() {
        fs::remove_dir_all(outside(bench)).map_err(fault)?;
    }
    let runs = (wanted / ENTRIES).clamp(1, RUNS);
    let from = bench.now();
    let (mut spans, mut newest, mut first) = (Vec::new(), None, 0);
    while store.len().map_err(fault)? < wanted {
        let mut kernel = Kernel::start(bench, store, None)?;
        for _ in 0..SESSIONS {
            let (began, before) = (bench.now(), store.len().map_err(fault)?);
            if before >= wanted {
                break;
            }
            newest = Some(kernel.session(first, runs)?);
            first += runs;
            let added = store.len().map_err(fault)?.saturating_sub(before).max(1);
            spans.push((bench.now() - began) / u32::try_from(added).unwrap_or(u32::MAX));
        }
        kernel.end();
    }
    let none = || fault("nothing was written");
    Ok(Made {
        took: bench.now() - from,
        trajectory: newest.ok_or_else(none)?,
        first: *spans.first().ok_or_else(none)?,
        last: *spans.last().ok_or_else(none)?,
    })
}

/// The folder that the agent works in.
fn workspace(bench: &Bench) -> PathBuf {
    bench.file("workspace")
}

/// Where checkpoints stand outside of the ledger, as the program has it: each run ends with one. Without such
/// a place all that were ever signed would be read for the next.
fn outside(bench: &Bench) -> PathBuf {
    bench.file("checkpoints")
}

/// Every tool of the program, with what stands in for commands.
fn tools(bench: &Bench) -> Result<Vec<Arc<dyn Tool>>, AppError> {
    let tools = adapters::tools(&workspace(bench), &bench.file("tmp"))?;
    let without_processes = |tool: Arc<dyn Tool>| match tool.contract().name.as_str() {
        "shell" => StandIn::of(tool),
        _ => tool,
    };
    Ok(tools.into_iter().map(without_processes).collect())
}

/// A kernel on a ledger, with an agent that works.
struct Kernel {
    runtime: Runtime,
    client: Client,
    served: JoinHandle<()>,
    agent: Arc<Agent>,
}

impl Kernel {
    fn start(
        bench: &Bench,
        store: &Arc<dyn LedgerStore>,
        snapshots: Option<&Path>,
    ) -> Result<Self, AppError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(fault)?;
        let agent = Arc::new(Agent::new());
        let parts = adapters::Parts {
            store: store.clone(),
            tools: tools(bench)?,
            model: agent.clone(),
            snapshots: snapshots.map(Path::to_path_buf),
            outside: Some(outside(bench)),
        };
        let (link, served) = adapters::serve(&runtime, parts)?;
        Ok(Self {
            client: Client::new(link),
            runtime,
            served,
            agent,
        })
    }

    /// One session of so many runs, the first of which has this number.
    fn session(&mut self, first: u64, runs: u64) -> Result<TrajectoryId, AppError> {
        self.agent.begins(first);
        self.runtime.block_on(async {
            let opened = self.client.ask(Asked::begin(Mode::Auto)).await?;
            let Replied::Opened(status) = opened else {
                return Err(fault("no trajectory was opened"));
            };
            let mut session = Session {
                client: &mut self.client,
                agent: &self.agent,
                trajectory: status.trajectory,
                next: 0,
            };
            for run in first..first + runs {
                session.run(run).await?;
            }
            Ok(status.trajectory)
        })
    }

    fn end(mut self) {
        self.runtime.block_on(async {
            self.client.shut_down().await;
            drop(self.served.await);
        });
    }
}

/// A person with one trajectory: prompts, and answers what is held.
struct Session<'k> {
    client: &'k mut Client,
    agent: &'k Agent,
    trajectory: TrajectoryId,
    /// The first entry that was not looked at.
    next: u64,
}

impl Session<'_> {
    /// One run from its prompt to its end.
    async fn run(&mut self, run: u64) -> Result<(), AppError> {
        let (trajectory, text) = (self.trajectory, agent::prompt(run));
        self.accepted(Asked::Prompt { trajectory, text }).await?;
        loop {
            let (stop, held) = self.rest().await?;
            match stop {
                Stop::Done => return Ok(()),
                Stop::Held => {
                    for card in held {
                        self.answer(&card).await?;
                    }
                }
                other => return Err(fault(format!("a run ended: {other:?}"))),
            }
        }
    }

    /// Waits until it comes to rest: why, and what it holds.
    async fn rest(&mut self) -> Result<(Stop, Vec<Box<Card>>), AppError> {
        // Looking while it works would be measured with it. Whether it was told or is late: then it looks.
        drop(tokio::time::timeout(SILENCE, self.agent.rests()).await);
        let mut held = Vec::new();
        loop {
            let news = self.client.news(self.trajectory, self.next).await?;
            self.next += news.events.len() as u64;
            let mut stopped = None;
            for event in news.events {
                match event.what {
                    What::Suspended { card, .. } => held.push(card),
                    What::Closed { stop, .. } => stopped = Some(stop),
                    _ => {}
                }
            }
            if let Some(stop) = stopped {
                return Ok((stop, held));
            }
            self.client.changed().await?;
        }
    }

    /// Agrees to what is held, but for what leaves the machine.
    async fn answer(&mut self, card: &Card) -> Result<(), AppError> {
        let (decision, reason) = match card.line.contains(agent::NOT_AGREED) {
            true => (Decision::Deny, "nothing is published from here"),
            false => (Decision::Approve, "the tests may run"),
        };
        self.accepted(Asked::Answer(Answer {
            trajectory: self.trajectory,
            proposal: card.proposal,
            presented: card.presented,
            decision,
            reason: reason.to_owned(),
            via: Via::Cli,
            fully_viewed: true,
            scope: None,
            signed: None,
        }))
        .await
    }

    async fn accepted(&mut self, command: Asked) -> Result<(), AppError> {
        match self.client.ask(command).await? {
            Replied::Accepted => Ok(()),
            other => Err(fault(format!("not accepted: {other:?}"))),
        }
    }
}

/// `[Q7]` Opening, jumping, proving, and the world at a sequence.
fn looks(bench: &Bench, path: &Path, trajectory: TrajectoryId) -> Result<Vec<Figure>, AppError> {
    let mut opening = Vec::new();
    for _ in 0..7 {
        let (took, store) = bench.time(|| adapters::ledger(path));
        drop(store?);
        opening.push(took);
    }
    let store = adapters::ledger(path)?;
    let entries = store.len().map_err(fault)?;
    let step = (entries / LOOKS).max(1);
    let places = || (0..entries).step_by(usize::try_from(step).unwrap_or(1));
    let (mut jumps, mut inclusions, mut consistencies) = (Vec::new(), Vec::new(), Vec::new());
    for index in places() {
        let (took, page) = bench.time(|| store.scan(index, 64));
        drop(page.map_err(fault)?);
        jumps.push(took);
        let (took, proof) = bench.time(|| store.inclusion(index, entries));
        proof
            .map_err(fault)?
            .ok_or_else(|| fault("an entry without a proof"))?;
        inclusions.push(took);
        let (took, proof) = bench.time(|| store.consistency(index.max(1), entries));
        proof
            .map_err(fault)?
            .ok_or_else(|| fault("a length without a proof"))?;
        consistencies.push(took);
    }
    let worlds = worlds(bench, &store, trajectory)?;
    let (folded, kept) = openings(bench, &store, trajectory)?;
    let browsed = browse::browse(bench, &store, trajectory)?;
    let row = |name: &str, samples: Vec<Duration>, percent, most| {
        Figure::new(
            name,
            ms(Samples(samples).at(percent)),
            "ms",
            Bar::AtMost(most),
        )
    };
    let mut figures = vec![
        row("open it, p50", opening, 50, 50.0),
        row(
            "jump to an entry anywhere, a page of 64, p99",
            jumps,
            99,
            20.0,
        ),
        row("inclusion proof, p99", inclusions, 99, 1.0),
        row("consistency proof, p99", consistencies, 99, 1.0),
        row(
            "world at a sequence of its newest run, the slowest of 5",
            worlds,
            100,
            50.0,
        ),
        told("open its newest run, all of it folded", ms(folded), "ms"),
        told("the same from its snapshot, p50", ms(kept), "ms"),
    ];
    figures.extend(browsed);
    Ok(figures)
}

/// `[L15]` What opening a run takes that nobody kept, and one that was kept.
fn openings(
    bench: &Bench,
    store: &Arc<dyn LedgerStore>,
    trajectory: TrajectoryId,
) -> Result<(Duration, Duration), AppError> {
    let folder = bench.file("snapshots");
    let mut took = Vec::new();
    for _ in 0..6 {
        let mut kernel = Kernel::start(bench, store, Some(&folder))?;
        let client = &mut kernel.client;
        let (from, opened) = (
            bench.now(),
            kernel.runtime.block_on(client.open(trajectory)),
        );
        took.push(bench.now() - from);
        kernel.end();
        opened?;
    }
    // Of a short run no snapshot is kept, and then there is no folder.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(fault)?;
    }
    let folded = took.remove(0);
    Ok((folded, Samples(took).median()))
}

fn worlds(
    bench: &Bench,
    store: &Arc<dyn LedgerStore>,
    trajectory: TrajectoryId,
) -> Result<Vec<Duration>, AppError> {
    let mut kernel = Kernel::start(bench, store, None)?;
    let client = &mut kernel.client;
    let took = kernel.runtime.block_on(async {
        let head = client.open(trajectory).await?.head_seq;
        let mut took = Vec::new();
        for share in 1..=5 {
            let seq = head * share / 5;
            let from = bench.now();
            client.ask(Asked::WorldAt { trajectory, seq }).await?;
            took.push(bench.now() - from);
        }
        Ok(took)
    });
    kernel.end();
    took
}

/// `[Q6]` Verifying the whole, the reading included, level by level.
fn levels(bench: &Bench, path: &Path) -> Result<Vec<Figure>, AppError> {
    let store = adapters::ledger(path)?;
    let entries = store.len().map_err(fault)?;
    let mut figures = Vec::new();
    let bars = [
        (Level::V1, "verify V1, the reading included"),
        (Level::V2, "verify V1 and V2, the reading included"),
        (Level::V3, "verify V1 to V3, the reading included"),
    ];
    for (level, name) in bars {
        let (took, verified) = bench.time(|| verify(store.as_ref(), level));
        verified?;
        figures.push(told(name, rate(entries, took), "entries/s"));
    }
    drop(store);
    let (took, most) = by_itself(bench, path)?;
    figures.push(told(
        "verify all levels as `thymos verify` does, in a process of its own",
        rate(entries, took),
        "entries/s",
    ));
    let name = "the most memory of that process";
    figures.push(Figure::new(name, most, "MiB", Bar::AtMost(64.0)));
    Ok(figures)
}

/// How long the program itself takes to verify a ledger, and the most memory that it had.
fn by_itself(bench: &Bench, path: &Path) -> Result<(Duration, f64), AppError> {
    let of = path.file_stem().unwrap_or_default().to_string_lossy();
    let home = bench.file(&format!("{of}-verifier"));
    adapters::home_of_the_operator(&home)?;
    let from = bench.now();
    let mut child = Command::new(std::env::current_exe().map_err(fault)?)
        .arg("--ledger")
        .arg(path)
        .arg("verify")
        .env_clear()
        .env("HOME", &home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fault)?;
    let mut most = 0.0;
    loop {
        // Of one that has ended the system tells nothing any more.
        most = memory_mib(child.id(), "VmHWM:").map_or(most, |now| now.max(most));
        if let Some(status) = child.try_wait().map_err(fault)? {
            let took = bench.now() - from;
            return match status.success() {
                true => Ok((took, most)),
                false => Err(fault(format!("`thymos verify` ended with {status}"))),
            };
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn verify(store: &dyn LedgerStore, level: Level) -> Result<(), AppError> {
    let mut verifier = Verifier::new(level, adapters::roots());
    loop {
        let rows = store.scan(verifier.next_index(), ROWS).map_err(fault)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            verifier.push(&Row {
                index: row.index,
                entry: row.entry,
                disagreements: row.disagreements,
                tree: row.tree,
            });
        }
    }
    let report = verifier.finish(Some(store.len().map_err(fault)?));
    match report.findings.first() {
        Some(found) => Err(fault(format!("the scratch ledger is not sound: {found}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
