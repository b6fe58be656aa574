//! A tool of each class, and the sink: a file of lines that outlives every process and counts what happened.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_core::delta::{Delta, Expect, FileImage, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::id::{IdempotencyKey, ProposalId};
use thymos_core::outcome::{BlobRef, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::tool::{Recovery, Repeat, ToolContract};
use thymos_core::{Digest, EntryId, TrajectoryId};
use thymos_ports::tool::{Look, Probed, ToolFault, ToolIo, Unresolvable};
use thymos_ports::{Begun, LedgerStore, Tool};
use thymos_testkit::tool::contract;

use super::points::Points;
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

struct CrashTool {
    contract: ToolContract,
    folder: PathBuf,
    sink: Sink,
    store: Arc<Seam>,
    points: Points,
}

/// The tools of one process.
pub(super) fn tools(folder: &Path, store: &Arc<Seam>, points: &Points) -> Vec<Arc<dyn Tool>> {
    let make = |name: &str, effect, recovery, repeat| {
        let contract = ToolContract {
            effect_floor: effect,
            recovery,
            repeat,
            ..contract(name)
        };
        Arc::new(CrashTool {
            contract,
            folder: folder.to_owned(),
            sink: Sink::of(folder),
            store: store.clone(),
            points: points.clone(),
        }) as Arc<dyn Tool>
    };
    let external = |name, recovery, repeat| make(name, EffectClass::External, recovery, repeat);
    vec![
        make(
            "grep",
            EffectClass::Read,
            Recovery::Idempotent,
            Repeat::Free,
        ),
        make(
            "kv_set",
            EffectClass::Write,
            Recovery::Neither,
            Repeat::Free,
        ),
        make(
            "fs_write",
            EffectClass::Write,
            Recovery::Neither,
            Repeat::Free,
        ),
        external(IDEMPOTENT, Recovery::Idempotent, Repeat::OncePerKey),
        external(QUERYABLE, Recovery::Queryable, Repeat::OncePerKey),
        external(NEITHER, Recovery::Neither, Repeat::OncePerKey),
        thymos_tools::delegate(),
    ]
}

fn image(bytes: &[u8]) -> FileImage {
    FileImage {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        mode: 0o644,
    }
}

impl CrashTool {
    fn path(&self, args: &Value) -> ResolvedPath {
        let path = args["path"].as_str().unwrap().to_owned();
        let before = fs::read(self.folder.join(&path)).ok();
        let content = args["content"].as_str().unwrap();
        ResolvedPath {
            arg: "path".to_owned(),
            path,
            access: Access::Write,
            before: before.map(|bytes| image(&bytes)),
            after: Some(image(content.as_bytes())),
        }
    }

    /// What a call changes besides the sink.
    fn change(&self, begun: &Begun, outcome: &mut Outcome) {
        let args = begun.args();
        match self.contract.name.as_str() {
            "fs_write" => {
                let path = args["path"].as_str().unwrap();
                let content = args["content"].as_str().unwrap();
                fs::write(self.folder.join(path), content).unwrap();
            }
            "kv_set" => outcome.deltas.push(Delta {
                resource: Resource::Kv(args["key"].as_str().unwrap().to_owned()),
                expect: Expect::Anything,
                before: None,
                after: Some(ResourceValue::Json(json!(begun.started().to_string()))),
            }),
            _ => {}
        }
    }
}

#[async_trait]
impl Tool for CrashTool {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    async fn resolve(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let mut found = Resolved {
            effect: self.contract.effect_floor,
            ..Resolved::pure()
        };
        if self.contract.name == "fs_write" {
            found.paths.push(self.path(args));
        }
        Ok(found)
    }

    async fn probe(&self, proposal: &Proposal, _look: &Look<'_>) -> Probed {
        self.points.pass("probed");
        match self.sink.has(&proposal.id().unwrap()) {
            true => Probed::Happened("the other side has it".to_owned()),
            false => Probed::DidNotHappen("the other side never heard of it".to_owned()),
        }
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let name = &self.contract.name;
        let (started, trajectory) = (begun.started(), begun.trajectory());
        let durable = self.store.len().unwrap();
        self.sink
            .add(&format!("entered {started} {trajectory} {name} {durable}"));
        self.points.pass(&format!("act:{name} before"));
        let mut outcome = Outcome::said("done", "done");
        self.change(begun, &mut outcome);
        let (key, proposal) = (begun.key(), begun.proposal_id());
        self.sink.add(&format!("done {started} {key} {proposal}"));
        self.points.pass(&format!("act:{name} after"));
        if begun
            .resolved()
            .is_some_and(|seen| seen.effect == EffectClass::External)
        {
            let output = format!("the whole output of {started}\n").repeat(40);
            outcome.output = Some(BlobRef {
                digest: io.blobs.keep(output.as_bytes()).unwrap(),
                size: output.len() as u64,
            });
        }
        self.points.pass(&format!("outcome:{name} before"));
        self.points.body_ended(name);
        Ok(outcome)
    }
}
