//! Plans of undos `[D3]`: what would be taken back, newest first, across delegated runs, and what
//! cannot be and why. Changes nothing; sessions carry a plan out, step by step through the gate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use thymos_core::budget::Budget;
use thymos_core::delta::{FileImage, Resource, ResourceValue};
use thymos_core::id::{Digest, ProposalId};
use thymos_core::{TrajectoryId, canonical};
use thymos_ports::memory::NoMemory;
use thymos_ports::tool::Look;
use thymos_protocol::{Fault, UndoPlan, UndoStep};

use crate::kernel::Kernel;
use crate::session::RecordError;

mod gather;
mod judge;

use gather::{Effect, Gathered, gather};
use judge::{Judged, judge};

/// The tool that undos are made of.
pub(crate) const RESTORE: &str = "restore";

/// What an undo is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since {
    /// The run, with all that it delegated.
    pub(crate) trajectory: TrajectoryId,
    /// Whose entry comes first: the run's own, or that of one below it.
    pub(crate) of: TrajectoryId,
    /// Its sequence number there.
    pub(crate) from_seq: u64,
}

/// A plan with what its steps would do.
pub(crate) struct Planned {
    pub(crate) plan: UndoPlan,
    /// For each step that can be done, in the plan's order.
    pub(crate) actions: Vec<Action>,
}

/// One call to be made.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) trajectory: TrajectoryId,
    pub(crate) proposal: ProposalId,
    pub(crate) line: String,
    pub(crate) args: Value,
    /// The same over what is there before the first step: what rules say of it can be known ahead.
    pub(crate) trial: Value,
}

/// One resource of a step: what the call left, and what was there before.
pub(super) struct Change {
    pub(super) resource: Resource,
    pub(super) expect: Option<ResourceValue>,
    pub(super) to: Option<ResourceValue>,
}

/// Calls that the gate would not let be taken back, and why.
pub(crate) type Refused = BTreeMap<ProposalId, String>;

/// Plans the undo of everything from an entry on, but for what would be refused.
///
/// # Errors
/// Why there is none: a trajectory that cannot be read, or is over.
pub(crate) async fn plan(
    kernel: &Arc<Kernel>,
    since: Since,
    refused: &Refused,
) -> Result<Planned, Fault> {
    let gathering = {
        let kernel = kernel.clone();
        let hands = kernel.parts.hands;
        hands.beside(move || gather(&kernel, since))
    };
    let gathered = gathering.await.map_err(no_plan)?;
    let gathered = gathered.map_err(|error| match error {
        RecordError::Over => Fault {
            hint: Some("what it did has to be taken back by hand".to_owned()),
            ..no_plan(error)
        },
        _ => no_plan(error),
    })?;
    let mut planner = Planner {
        kernel,
        gathered: &gathered,
        state: BTreeMap::new(),
        found: BTreeMap::new(),
    };
    let (mut steps, mut actions) = (Vec::new(), Vec::new());
    let mut unseen = BTreeSet::new();
    for effect in &gathered.effects {
        unseen.extend(effect.unseen());
        let (will, cannot, action) = match (judge(effect), refused.get(&effect.proposal)) {
            (Judged::Nothing, _) => continue,
            (Judged::Changes(_), _) if gathered.go_on.contains(&effect.trajectory) => {
                let run = effect.trajectory.short();
                let why = format!("the delegated run {run} has not ended: let it end, or stop it");
                (Vec::new(), Some(why), None)
            }
            (Judged::Cannot(why), _) => (Vec::new(), Some(why), None),
            (Judged::Changes(_), Some(why)) => (Vec::new(), Some(why.clone()), None),
            (Judged::Changes(changes), None) => planner.step(effect, changes).await,
        };
        steps.push(effect.step(will, cannot));
        actions.extend(action);
    }
    let told = canonical::encode(&steps).map_err(no_plan)?;
    let digest = Digest::of(told.as_bytes());
    let complete = steps.iter().all(|step| step.cannot.is_none());
    Ok(Planned {
        plan: UndoPlan {
            digest,
            steps,
            complete,
            unseen: unseen.into_iter().collect(),
        },
        actions,
    })
}

fn no_plan(why: impl fmt::Display) -> Fault {
    Fault {
        message: why.to_string(),
        hint: Some("run `thymos verify`".to_owned()),
    }
}

/// A file, or a value of one trajectory's store: files are shared, stores are not.
type Key = (Option<TrajectoryId>, Resource);

struct Planner<'a> {
    kernel: &'a Arc<Kernel>,
    gathered: &'a Gathered,
    /// What each resource will hold after the steps so far.
    state: BTreeMap<Key, Option<ResourceValue>>,
    /// What each resource holds before the first step.
    found: BTreeMap<Key, Option<ResourceValue>>,
}

type Stepped = (Vec<String>, Option<String>, Option<Action>);

impl Planner<'_> {
    async fn step(&mut self, effect: &Effect, changes: Vec<Change>) -> Stepped {
        for change in &changes {
            if let Err(why) = self.check(effect, change).await {
                return (Vec::new(), Some(why), None);
            }
        }
        let will = changes.iter().map(will).collect();
        let folders = effect.folders_made();
        let put = |change: &Change, expect: &Option<ResourceValue>| json!({"resource": change.resource, "expect": expect, "to": change.to, "folders": folders});
        let (mut args, mut trial) = (Vec::new(), Vec::new());
        for change in changes {
            let key = key(effect, &change);
            let found = self.found.entry(key.clone());
            let found = found.or_insert_with(|| change.expect.clone());
            args.push(put(&change, &change.expect));
            trial.push(put(&change, found));
            self.state.insert(key, change.to);
        }
        let action = Action {
            trajectory: effect.trajectory,
            proposal: effect.proposal,
            line: effect.title(),
            args: json!({ "steps": args }),
            trial: json!({ "steps": trial }),
        };
        (will, None, Some(action))
    }

    /// Whether the resource will be as the call left it when its turn comes.
    async fn check(&self, effect: &Effect, change: &Change) -> Result<(), String> {
        if let Some(state) = self.state.get(&key(effect, change)) {
            return match same(state.as_ref(), change.expect.as_ref()) {
                true => self.kept(change),
                false => Err(format!(
                    "`{}` was changed in between by something that this undo does not take back",
                    name(&change.resource)
                )),
            };
        }
        let (Some(tool), Some(p)) = (
            self.kernel.tool(RESTORE),
            self.gathered.projections.get(&effect.trajectory),
        ) else {
            return Err("this session has no tool `restore`".to_owned());
        };
        let kept = self.kernel.kept();
        let look = Look {
            world: &p.world,
            memory: &NoMemory,
            now: self.kernel.now(),
            rung: self.kernel.parts.rung,
            limits: Budget::unlimited(),
            kept: &kept,
        };
        let step = json!({"resource": change.resource, "expect": change.expect, "to": change.to});
        match tool.resolve(&json!({ "steps": [step] }), &look).await {
            Ok(_) => Ok(()),
            Err(no) => Err(no.message),
        }
    }

    fn kept(&self, change: &Change) -> Result<(), String> {
        let Some(ResourceValue::File(image)) = &change.to else {
            return Ok(());
        };
        let path = name(&change.resource);
        match self.kernel.vault.read(&image.digest) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(format!("the content that `{path}` held is not kept")),
            Err(why) => Err(format!(
                "the content that `{path}` held cannot be read: {why}"
            )),
        }
    }
}

fn key(effect: &Effect, change: &Change) -> Key {
    let owner = match change.resource {
        Resource::File(_) => None,
        Resource::Kv(_) | Resource::Memory(_) => Some(effect.trajectory),
    };
    (owner, change.resource.clone())
}

/// Whether both are the same; files are put back with plain permissions, so only those count.
fn same(a: Option<&ResourceValue>, b: Option<&ResourceValue>) -> bool {
    match (a, b) {
        (Some(ResourceValue::File(a)), Some(ResourceValue::File(b))) => {
            (a.digest, a.mode & 0o777) == (b.digest, b.mode & 0o777)
        }
        (a, b) => a == b,
    }
}

/// How a resource is called in a sentence: a file by its path.
pub(super) fn name(resource: &Resource) -> String {
    match resource {
        Resource::File(path) => path.clone(),
        Resource::Kv(_) | Resource::Memory(_) => resource.text(),
    }
}

/// One change in words.
fn will(change: &Change) -> String {
    let name = name(&change.resource);
    match (&change.expect, &change.to) {
        (_, None) => match change.resource {
            Resource::File(_) => format!("delete {name} again"),
            Resource::Kv(_) | Resource::Memory(_) => format!("remove {name} again"),
        },
        (from, Some(ResourceValue::File(to))) => match from {
            Some(ResourceValue::File(from)) => files(&name, from, to),
            Some(ResourceValue::Json(_)) | None => {
                format!("bring {name} back, {} bytes", to.size)
            }
        },
        (_, Some(ResourceValue::Json(value))) => {
            let value = crate::words::cut(&value.to_string(), 60);
            format!("put {name} back to {value}")
        }
    }
}

fn files(name: &str, from: &FileImage, to: &FileImage) -> String {
    match from.digest == to.digest {
        true => format!(
            "put the mode of {name} back, {:o} -> {:o}",
            from.mode, to.mode
        ),
        false => format!("put {name} back, {} -> {} bytes", from.size, to.size),
    }
}

impl Effect {
    fn step(&self, will: Vec<String>, cannot: Option<String>) -> UndoStep {
        UndoStep {
            entry: self.entry,
            trajectory: self.trajectory,
            seq: self.seq,
            proposal: self.proposal,
            tool: self.tool.clone(),
            line: self.line.clone(),
            will,
            cannot,
        }
    }

    fn title(&self) -> String {
        format!("{} {}", self.tool, self.line).trim_end().to_owned()
    }
}
