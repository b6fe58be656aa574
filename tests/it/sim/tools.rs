//! Tools that work, fail, panic, hang and lie as drawn, and a true record of what their bodies did.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_core::delta::{Delta, Expect, FileImage, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::isolation::Rung;
use thymos_core::outcome::{FaultKind, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::tool::{Recovery, Repeat, ToolContract};
use thymos_core::{Digest, EntryId, TrajectoryId};
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, LedgerStore, Tool};
use thymos_testkit::tool::contract;
use thymos_tools::{ToolsConfig, builtin};

use super::draw::Dice;
use super::ground::Life;

/// One run of a tool's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) started: EntryId,
    pub(crate) trajectory: TrajectoryId,
    pub(crate) tool: String,
    /// Entries of the log that were durable when it began.
    pub(crate) durable: u64,
    /// Whether its effect came about.
    pub(crate) effect: bool,
}

/// The world outside of the kernel: it outlives every process.
#[derive(Clone, Default)]
pub(super) struct Outside(Arc<Mutex<Things>>);

#[derive(Default)]
struct Things {
    runs: Vec<Ran>,
    files: BTreeMap<String, FileImage>,
    /// Proposals whose effect came about.
    done: Vec<Digest>,
}

impl Outside {
    fn things(&self) -> MutexGuard<'_, Things> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every run, in order.
    pub(super) fn runs(&self) -> Vec<Ran> {
        self.things().runs.clone()
    }
}

/// What one process's tools are made of.
#[derive(Clone)]
pub(super) struct Workshop {
    pub(super) outside: Outside,
    pub(super) dice: Dice,
    pub(super) life: Life,
    pub(super) store: Arc<dyn LedgerStore>,
    pub(super) secrets: Vec<String>,
    /// The story is over: everything works.
    pub(super) calm: Arc<AtomicBool>,
}

struct SimTool {
    shop: Workshop,
    contract: ToolContract,
    /// The program's own tool, where it needs nothing of the machine.
    own: Option<Arc<dyn Tool>>,
}

/// What a run comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Work,
    Slow,
    Fail,
    Panic,
    Hang,
    BadDelta,
    Blab,
}

/// The tools' names that happen once for a key.
pub(super) const ONCE: &[&str] = &["test_run", "deploy"];

/// The program's own tools that need nothing of the machine.
const OWN: &[&str] = &["kv_set", "kv_delete", "restore"];

impl Workshop {
    pub(super) fn tools(&self, folder: &std::path::Path) -> Vec<Arc<dyn Tool>> {
        let config = ToolsConfig {
            root: folder.to_owned(),
            protected: Vec::new(),
            search_path: Vec::new(),
            env: Vec::new(),
            tmp: folder.join("tmp"),
            extra_read: Vec::new(),
            cage: thymos_sandbox::CageProbe {
                best: Rung::L3,
                landlock_abi: None,
                user_namespaces: false,
                seccomp: false,
                notes: Vec::new(),
            },
        };
        let external = |name: &str, recovery, repeat| ToolContract {
            effect_floor: EffectClass::External,
            recovery,
            repeat,
            ..contract(name)
        };
        let write = ToolContract {
            effect_floor: EffectClass::Write,
            recovery: Recovery::Neither,
            ..contract("fs_write")
        };
        let mut all: Vec<Arc<dyn Tool>> = vec![
            self.tool(contract("grep")),
            self.tool(write),
            self.tool(external(
                "test_run",
                Recovery::Queryable,
                Repeat::OncePerKey,
            )),
            self.tool(external("deploy", Recovery::Neither, Repeat::OncePerKey)),
            self.tool(external("shell", Recovery::Neither, Repeat::Free)),
            self.tool(external("glob", Recovery::Idempotent, Repeat::Free)),
            thymos_tools::delegate(),
        ];
        let own = builtin(config).unwrap().into_iter();
        let own = own.filter(|tool| OWN.contains(&tool.contract().name.as_str()));
        all.extend(own.map(|own| self.own(own)));
        all
    }

    fn tool(&self, contract: ToolContract) -> Arc<dyn Tool> {
        Arc::new(SimTool {
            shop: self.clone(),
            contract,
            own: None,
        })
    }

    fn own(&self, own: Arc<dyn Tool>) -> Arc<dyn Tool> {
        Arc::new(SimTool {
            shop: self.clone(),
            contract: own.contract().clone(),
            own: Some(own),
        })
    }
}

impl SimTool {
    fn turn(&self) -> Turn {
        if self.shop.calm.load(Ordering::SeqCst) {
            return Turn::Work;
        }
        self.shop.dice.weighed(&[
            (14, Turn::Work),
            (4, Turn::Slow),
            (2, Turn::Fail),
            (1, Turn::Panic),
            (1, Turn::Hang),
            (1, Turn::BadDelta),
            (1, Turn::Blab),
        ])
    }

    /// Its body was entered.
    fn entered(&self, begun: &Begun) -> usize {
        let durable = self.shop.store.len().unwrap();
        let mut things = self.shop.outside.things();
        things.runs.push(Ran {
            started: begun.started(),
            trajectory: begun.trajectory(),
            tool: self.contract.name.clone(),
            durable,
            effect: false,
        });
        things.runs.len() - 1
    }

    /// Its effect came about.
    fn happened(&self, run: usize, begun: &Begun) {
        let mut things = self.shop.outside.things();
        things.runs[run].effect = true;
        things.done.push(Digest::of(begun.proposal_id().as_bytes()));
        for path in begun.resolved().map_or(&[][..], |seen| &seen.paths) {
            if let Some(after) = &path.after {
                things.files.insert(path.path.clone(), after.clone());
            }
        }
    }

    async fn work(
        &self,
        run: usize,
        begun: &Begun,
        io: &mut ToolIo<'_>,
    ) -> Result<Outcome, ToolFault> {
        self.shop.life.go_on().await;
        let outcome = match &self.own {
            Some(own) => own.run(begun, io).await?,
            None => Outcome::said("done", "done"),
        };
        self.happened(run, begun);
        self.shop.dice.dawdle().await;
        self.shop.life.go_on().await;
        Ok(outcome)
    }

    fn file(&self, args: &Value) -> ResolvedPath {
        let path = args["path"].as_str().unwrap_or("a.txt").to_owned();
        let content = args["content"].as_str().unwrap_or_default().as_bytes();
        let before = self.shop.outside.things().files.get(&path).cloned();
        ResolvedPath {
            arg: "path".to_owned(),
            path,
            access: Access::Write,
            before,
            after: Some(FileImage {
                digest: Digest::of(content),
                size: content.len() as u64,
                mode: 0o644,
            }),
        }
    }
}

#[async_trait]
impl Tool for SimTool {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn order(&self, args: &Value) -> Option<Order> {
        self.own.as_ref().and_then(|own| own.order(args))
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        self.shop.life.go_on().await;
        self.shop.dice.dawdle().await;
        if let Some(own) = &self.own {
            return own.resolve(args, look).await;
        }
        if !self.shop.calm.load(Ordering::SeqCst) && self.shop.dice.once_in(30) {
            return Err(Unresolvable::new("there is nothing of that name"));
        }
        let mut found = Resolved {
            effect: self.contract.effect_floor,
            ..Resolved::pure()
        };
        if self.contract.name == "fs_write" {
            found.paths.push(self.file(args));
        }
        if self.contract.name == "shell" {
            found.estimate.wall_clock_ms = 60_000;
        }
        Ok(found)
    }

    // It touches no real file.
    fn overwrites(&self, _resolved: &Resolved, _keep: Keep<'_>) {}

    fn is_brief(&self) -> bool {
        false
    }

    async fn probe(&self, proposal: &Proposal, _look: &Look<'_>) -> Probed {
        if self.shop.dice.once_in(4) {
            return Probed::Unknown;
        }
        let id = Digest::of(proposal.id().unwrap().as_bytes());
        match self.shop.outside.things().done.contains(&id) {
            true => Probed::Happened("the other side has it".to_owned()),
            false => Probed::DidNotHappen("the other side never heard of it".to_owned()),
        }
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        self.shop.life.go_on().await;
        let run = self.entered(begun);
        self.shop.dice.dawdle().await;
        let turn = self.turn();
        match turn {
            Turn::Work => self.work(run, begun, io).await,
            Turn::Slow => {
                let cancel = io.cancel.clone();
                let ms = self.shop.dice.below(20_000);
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => {
                        Err(ToolFault::new(FaultKind::Cancelled, "stopped"))
                    }
                    () = tokio::time::sleep(Duration::from_millis(ms)) => {
                        self.work(run, begun, io).await
                    }
                }
            }
            Turn::Fail => {
                self.shop.life.go_on().await;
                Err(ToolFault::new(FaultKind::Failed, "it would not"))
            }
            // Without the panic hook: it is drawn, and nobody need read of it.
            Turn::Panic => std::panic::resume_unwind(Box::new("as drawn")),
            Turn::Hang => {
                // Half of them never hear that they are to stop.
                let deaf = self.shop.dice.once_in(2);
                io.cancel.cancelled().await;
                if deaf {
                    std::future::pending::<()>().await;
                }
                Err(ToolFault::new(FaultKind::Cancelled, "stopped"))
            }
            Turn::BadDelta => {
                let mut outcome = self.work(run, begun, io).await?;
                outcome.deltas.push(Delta {
                    resource: Resource::Kv("bad".to_owned()),
                    expect: Expect::Exactly(u32::MAX.into()),
                    before: None,
                    after: Some(ResourceValue::Json(json!(1))),
                });
                Ok(outcome)
            }
            Turn::Blab => {
                let mut outcome = self.work(run, begun, io).await?;
                let secret = self.shop.dice.pick(&self.shop.secrets);
                outcome.observation = format!("it says {}", secret.map_or("", String::as_str));
                outcome.data = Some(json!({"said": outcome.observation}));
                Ok(outcome)
            }
        }
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
