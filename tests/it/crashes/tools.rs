//! A tool of each class, and the sink: a file of lines that outlives every process and counts what happened.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use thymos_core::effect::EffectClass;
use thymos_core::id::{IdempotencyKey, ProposalId};
use thymos_core::outcome::{BlobRef, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Recovery, Repeat, ToolContract};
use thymos_core::{EntryId, TrajectoryId};
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, Tool};
use thymos_sandbox::CageProbe;
use thymos_testkit::tool::contract;
use thymos_tools::{ToolsConfig, builtin};

use super::points::Points;
use super::process::NEIGHBOUR;
use super::seams::Seam;
use crate::sim::tools::Ran;

/// The tool that may run again, and the one that can be asked; with that of which only a person can tell.
pub(super) const IDEMPOTENT: &str = "glob";
pub(super) const QUERYABLE: &str = "test_run";
pub(super) const NEITHER: &str = "shell";

/// Those of which the effect must never come about twice.
pub(super) const ONCE: &[&str] = &[QUERYABLE, NEITHER];

/// The file of effects.
#[derive(Clone)]
pub(super) struct Sink(PathBuf);

/// What the sink counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) runs: Vec<Ran>,
    /// Effects, in order: what announced each, under which key, for which proposal.
    pub(super) effects: Vec<(EntryId, IdempotencyKey, ProposalId)>,
}

impl Sink {
    pub(super) fn of(folder: &Path) -> Self {
        Self(folder.join("sink"))
    }

    fn add(&self, line: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)
            .unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
        file.sync_data().unwrap();
    }

    pub(super) fn read(&self) -> Counted {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let mut counted = Counted::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["entered", started, trajectory, tool, durable] => counted.runs.push(Ran {
                    started: started.parse().unwrap(),
                    trajectory: trajectory.parse::<TrajectoryId>().unwrap(),
                    tool: (*tool).to_owned(),
                    durable: durable.parse().unwrap(),
                    effect: false,
                }),
                ["done", started, key, proposal] => counted.effects.push((
                    started.parse().unwrap(),
                    key.parse().unwrap(),
                    proposal.parse().unwrap(),
                )),
                _ => panic!("a line that nobody wrote: {line}"),
            }
        }
        let done: BTreeSet<EntryId> = counted.effects.iter().map(|(at, ..)| *at).collect();
        for run in &mut counted.runs {
            run.effect = done.contains(&run.started);
        }
        counted
    }

    /// Whether the effect of this proposal came about.
    pub(super) fn has(&self, wanted: &ProposalId) -> bool {
        let counted = self.read();
        counted.effects.iter().any(|(_, _, one)| one == wanted)
    }
}

/// The program's own tools that these stories use: their effects are files and stored values.
const REAL: &[&str] = &["kv_set", "fs_write", "memory_write", "restore"];

/// The folder in which a process writes files.
pub(super) fn workspace(folder: &Path, number: u64) -> PathBuf {
    folder.join(match number {
        NEIGHBOUR => "neighbour",
        _ => "ws",
    })
}

/// What a tool's body passes on its way.
#[derive(Clone)]
struct Way {
    sink: Sink,
    store: Arc<Seam>,
    points: Points,
}

struct CrashTool {
    contract: ToolContract,
    way: Way,
}

/// A tool of the program, counted.
struct Counting {
    inner: Arc<dyn Tool>,
    way: Way,
}

/// The tools of one process.
pub(super) fn tools(
    folder: &Path,
    number: u64,
    store: &Arc<Seam>,
    points: &Points,
) -> Vec<Arc<dyn Tool>> {
    let way = Way {
        sink: Sink::of(folder),
        store: store.clone(),
        points: points.clone(),
    };
    let make = |name: &str, effect, recovery, repeat| {
        let contract = ToolContract {
            effect_floor: effect,
            recovery,
            repeat,
            ..contract(name)
        };
        let way = way.clone();
        Arc::new(CrashTool { contract, way }) as Arc<dyn Tool>
    };
    let external = |name, recovery, repeat| make(name, EffectClass::External, recovery, repeat);
    let mut all = vec![
        make(
            "grep",
            EffectClass::Read,
            Recovery::Idempotent,
            Repeat::Free,
        ),
        external(IDEMPOTENT, Recovery::Idempotent, Repeat::OncePerKey),
        external(QUERYABLE, Recovery::Queryable, Repeat::OncePerKey),
        external(NEITHER, Recovery::Neither, Repeat::OncePerKey),
        thymos_tools::delegate(),
    ];
    let real = builtin(config(folder, number)).unwrap().into_iter();
    let real = real.filter(|tool| REAL.contains(&tool.contract().name.as_str()));
    all.extend(real.map(|inner| {
        let way = way.clone();
        Arc::new(Counting { inner, way }) as Arc<dyn Tool>
    }));
    all
}

/// No command is run, so what the machine's cage offers is of no matter.
fn config(folder: &Path, number: u64) -> ToolsConfig {
    ToolsConfig {
        root: workspace(folder, number),
        protected: Vec::new(),
        search_path: Vec::new(),
        env: Vec::new(),
        tmp: folder.join("tmp"),
        extra_read: Vec::new(),
        cage: CageProbe {
            best: thymos_sandbox::Rung::L3,
            landlock_abi: None,
            user_namespaces: true,
            seccomp: true,
            notes: Vec::new(),
        },
    }
}

impl Way {
    fn enter(&self, begun: &Begun, name: &str) {
        let (started, trajectory) = (begun.started(), begun.trajectory());
        let durable = self.store.length();
        self.sink
            .add(&format!("entered {started} {trajectory} {name} {durable}"));
        self.points.pass(&format!("act:{name} before"));
    }

    fn acted(&self, begun: &Begun, name: &str) {
        let (started, key, proposal) = (begun.started(), begun.key(), begun.proposal_id());
        self.sink.add(&format!("done {started} {key} {proposal}"));
        self.points.pass(&format!("act:{name} after"));
    }

    fn leave(&self, name: &str) {
        self.points.pass(&format!("outcome:{name} before"));
        self.points.body_ended(name);
    }
}

#[async_trait]
impl Tool for Counting {
    fn contract(&self) -> &ToolContract {
        self.inner.contract()
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        self.inner.resolve(args, look).await
    }

    fn order(&self, args: &Value) -> Option<Order> {
        self.inner.order(args)
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        self.inner.overwrites(resolved, keep);
    }

    fn is_brief(&self) -> bool {
        self.inner.is_brief()
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let name = self.inner.contract().name.as_str();
        self.way.enter(begun, name);
        let ended = self.inner.run(begun, io).await;
        if ended.is_ok() {
            self.way.acted(begun, name);
        }
        self.way.leave(name);
        ended
    }

    async fn verify(
        &self,
        begun: &Begun,
        outcome: &Outcome,
        io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        self.inner.verify(begun, outcome, io).await
    }

    async fn probe(&self, proposal: &Proposal, look: &Look<'_>) -> Probed {
        self.inner.probe(proposal, look).await
    }
}

#[async_trait]
impl Tool for CrashTool {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    async fn resolve(&self, _args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        Ok(Resolved {
            effect: self.contract.effect_floor,
            ..Resolved::pure()
        })
    }

    fn order(&self, _args: &Value) -> Option<Order> {
        None
    }

    fn overwrites(&self, _resolved: &Resolved, _keep: Keep<'_>) {}

    fn is_brief(&self) -> bool {
        false
    }

    async fn probe(&self, proposal: &Proposal, _look: &Look<'_>) -> Probed {
        self.way.points.pass("probed");
        match self.way.sink.has(&proposal.id().unwrap()) {
            true => Probed::Happened("the other side has it".to_owned()),
            false => Probed::DidNotHappen("the other side never heard of it".to_owned()),
        }
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let name = &self.contract.name;
        self.way.enter(begun, name);
        let mut outcome = Outcome::said("done", "done");
        self.way.acted(begun, name);
        if begun
            .resolved()
            .is_some_and(|seen| seen.effect == EffectClass::External)
        {
            let output = format!("the whole output of {}\n", begun.started()).repeat(40);
            // It has happened, so it is told as done, with its output or without.
            let kept = io.blobs.keep(output.as_bytes());
            outcome.output = kept.ok().map(|digest| BlobRef {
                digest,
                size: output.len() as u64,
            });
        }
        self.way.leave(name);
        Ok(outcome)
    }

    async fn verify(
        &self,
        _begun: &Begun,
        _outcome: &Outcome,
        _io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        Ok(())
    }
}
