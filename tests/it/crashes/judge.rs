//! What must hold after a kill, and at the end of a story. Rules share no code with the kernel.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use thymos::wire::checkpoints::CheckpointFile;
use thymos_core::body::{Body, BodyState, Resolution, Started};
use thymos_core::checkpoint::{SignedCheckpoint, notes};
use thymos_core::id::IdempotencyKey;
use thymos_core::merkle::TreeHash;
use thymos_core::{EntryId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_runtime::checkpoint::Outside;

use super::child::Said;
use super::plan::Plan;
use super::process::{AS_IT_WAS, End, entries, open, outside};
use super::tools::{Counted, IDEMPOTENT, ONCE, Sink, workspace};
use crate::sim::rules::{broken, open_work, spent};
use crate::sim::told::{Line, Told, lines};

/// Everything that is left of a story on disk.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) told: Told,
    pub(super) counted: Counted,
    /// Checkpoints that stand outside: the size, the root that was signed, and the root as it is now.
    pub(super) outside: Vec<(u64, TreeHash, Option<TreeHash>)>,
    /// What the engine says of its own file.
    pub(super) engine: Vec<String>,
    /// The file that stories write to.
    pub(super) file: Option<String>,
}

impl Scene {
    /// Opens the ledger anew, as any process would, and reads everything.
    pub(super) fn look(folder: &Path, seed: u64) -> Self {
        let store = open(folder, seed, u64::from(u8::MAX));
        let entries = entries(store.as_ref());
        let counted = Sink::of(folder).read();
        let blobs = entries.iter().filter_map(|entry| match entry.decode() {
            BodyState::Known(Body::Commit(body)) => body.outcome.output,
            _ => None,
        });
        let blobs = blobs.map(|blob| store.blob(&blob.digest).unwrap().unwrap_or_default());
        let told = Told {
            lines: lines(&entries),
            blobs: blobs.collect(),
            checkpoints: store.checkpoints(0).unwrap(),
            entries,
            runs: counted.runs.clone(),
            once: ONCE,
            secrets: Vec::new(),
            views: Vec::new(),
            rest: Vec::new(),
            wrong: Vec::new(),
            findings: Vec::new(),
            steps: Vec::new(),
        };
        Self {
            told,
            counted,
            outside: kept_outside(&outside(folder, store.as_ref()), store.as_ref()),
            engine: store.check_engine().unwrap(),
            file: fs::read_to_string(workspace(folder, 1).join("a.txt")).ok(),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.told.entries.len() as u64
    }
}

fn kept_outside(
    file: &CheckpointFile,
    store: &dyn LedgerStore,
) -> Vec<(u64, TreeHash, Option<TreeHash>)> {
    let text = file.read().unwrap();
    let signed = notes(&text).filter_map(|(_, note)| SignedCheckpoint::parse(&note).ok());
    let all = signed.map(|one| {
        let checkpoint = one.checkpoint;
        let now = store.root(checkpoint.size).ok();
        (checkpoint.size, checkpoint.root, now)
    });
    all.collect()
}

/// Where a process was to be killed, and what stood in the ledger before it began.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// The label of the point; none for a kill at any moment.
    pub(super) label: Option<String>,
    pub(super) torn: bool,
    pub(super) from: u64,
}

/// What is wrong after a kill.
pub(super) fn after_kill(scene: &Scene, said: &Said, expected: &Expected) -> Vec<String> {
    let mut faults = said.faults.clone();
    faults.extend(ended_there(said, expected));
    faults.extend(lost(scene, said));
    faults.extend(half_done(scene, said, expected));
    faults.extend(standing_but(scene));
    faults
}

/// What holds at any time, but for what has come to rest.
pub(super) fn standing_but(scene: &Scene) -> Vec<String> {
    let mut faults = standing(scene);
    faults.retain(|fault| !PASSING.iter().any(|rule| fault.starts_with(rule)));
    faults
}

/// Rules of what has come to rest: a process may end between two batches that belong together, and
/// the next one does the second.
const PASSING: &[&str] = &["an answer is acted on:", "a child reports to its parent:"];

/// It was killed, where it was to be.
fn ended_there(said: &Said, expected: &Expected) -> Vec<String> {
    let Some(label) = &expected.label else {
        return Vec::new();
    };
    let signals = match expected.torn {
        // The write was cut by the system, or had room and the process ended itself.
        true => [libc_sigxfsz(), 9],
        false => [9, 9],
    };
    let there = said.points.last() == Some(label);
    let killed = said.signal.is_some_and(|signal| signals.contains(&signal));
    match there && killed {
        true => Vec::new(),
        false => vec![format!(
            "it ended at {:?} by {:?}, and not at `{label}`",
            said.points.last(),
            said.signal
        )],
    }
}

fn libc_sigxfsz() -> i32 {
    rustix::process::Signal::XFSZ.as_raw()
}

/// `[L11]` What was acknowledged is there, as it was.
pub(super) fn lost(scene: &Scene, said: &Said) -> Vec<String> {
    let stands = |index: u64, id: &EntryId| {
        let entry = scene.told.entries.get(usize::try_from(index).unwrap());
        entry.is_some_and(|entry| entry.id == *id)
    };
    let lost = said
        .acknowledged
        .iter()
        .filter(|(index, id)| !stands(*index, id));
    lost.map(|(index, _)| format!("entry {index} was acknowledged and is lost"))
        .collect()
}

/// `[L10]` Nothing but what was acknowledged is there, or all of what was under way.
pub(super) fn half_done(scene: &Scene, said: &Said, expected: &Expected) -> Vec<String> {
    let durable = said
        .acknowledged
        .last()
        .map_or(expected.from, |(index, _)| index + 1);
    let whole = durable + said.in_flight.unwrap_or(0);
    let length = scene.len();
    let begun = expected
        .label
        .as_ref()
        .is_some_and(|label| label.ends_with(" before"));
    // Between the commit and its acknowledgement there is no point; only a kill at any moment falls there.
    let may = match expected.torn || !begun {
        true => length == durable || length == whole,
        false => length == durable,
    };
    match may {
        true => Vec::new(),
        false => vec![format!(
            "{length} entries, with {durable} acknowledged and {whole} written"
        )],
    }
}

/// What holds at any time, whatever was killed where.
pub(super) fn standing(scene: &Scene) -> Vec<String> {
    let rules = broken(&scene.told).into_iter();
    let mut faults: Vec<String> = rules.map(|(rule, why)| format!("{rule}: {why}")).collect();
    faults.extend(scene.engine.iter().map(|why| format!("the engine: {why}")));
    faults.extend(unlisted(scene));
    faults.extend(blobs_lost(scene));
    faults.extend(parted(scene));
    faults.extend(again(scene));
    faults
}

/// `[X2]` What came about has an end in the record, or is open there.
pub(super) fn unlisted(scene: &Scene) -> Vec<String> {
    let known = |started: &EntryId| {
        let mut all = scene.told.lines.iter();
        all.any(|line| line.id == *started && matches!(line.body, Body::Started(_)))
    };
    let nameless = scene
        .counted
        .effects
        .iter()
        .filter(|(started, ..)| !known(started));
    nameless
        .map(|(started, ..)| format!("an effect of {} that nobody announced", started.short()))
        .collect()
}

/// `[L4]` What a commit refers to is kept.
fn blobs_lost(scene: &Scene) -> Vec<String> {
    let lost = scene
        .told
        .blobs
        .iter()
        .filter(|blob| blob.is_empty())
        .count();
    match lost {
        0 => Vec::new(),
        lost => vec![format!("{lost} outputs of commits are lost")],
    }
}

/// `[L7]` What was signed outside is a beginning of the log.
pub(super) fn parted(scene: &Scene) -> Vec<String> {
    let parted = scene
        .outside
        .iter()
        .filter(|(_, signed, now)| Some(signed) != now.as_ref());
    parted
        .map(|(size, ..)| format!("{size} entries were signed, and are others now"))
        .collect()
}

/// `[X2]` `[X3]` What is harmless came about once more on a run only where the record says that it ran
/// again.
pub(super) fn again(scene: &Scene) -> Vec<String> {
    let all = starts(&scene.told);
    let mut allowed: BTreeMap<(TrajectoryId, IdempotencyKey), u64> = BTreeMap::new();
    for line in &scene.told.lines {
        if let Body::Reconciled(body) = &line.body
            && body.resolution == Resolution::RunAgain
            && let Some((_, work)) = all.get(&body.started)
        {
            *allowed.entry((line.trajectory, work.key)).or_default() += 1;
        }
    }
    let mut counts: BTreeMap<(TrajectoryId, IdempotencyKey), u64> = BTreeMap::new();
    for (started, key, _) in &scene.counted.effects {
        if let Some((line, work)) = all.get(started)
            && work.decided.proposal.intent.tool == IDEMPOTENT
        {
            *counts.entry((line.trajectory, *key)).or_default() += 1;
        }
    }
    let mut faults = Vec::new();
    for (one, count) in counts {
        let allowed = 1 + allowed.get(&one).copied().unwrap_or_default();
        if count > allowed {
            let key = one.1.short();
            faults.push(format!("{key} came about {count} times, {allowed} allowed"));
        }
    }
    faults
}

fn starts(told: &Told) -> BTreeMap<EntryId, (&Line, &Started)> {
    let all = told.lines.iter().filter_map(|line| match &line.body {
        Body::Started(work) => Some((line.id, (line, &**work))),
        _ => None,
    });
    all.collect()
}

/// What is wrong at the end, when the last process has done everything.
pub(super) fn at_the_end(scene: &Scene, end: &End, plan: &Plan) -> Vec<String> {
    let mut faults = end.faults.clone();
    let mut whole = scene.clone();
    whole.told.rest = end.rest.clone();
    whole.told.findings = end.findings.clone();
    faults.extend(standing(&whole));
    let open = open_work(&scene.told.lines);
    faults.extend(
        open.iter()
            .map(|line| format!("entry {} has no end", line.index)),
    );
    faults.extend(unsettled(scene, end));
    faults.extend(counts(scene, end, plan));
    faults.extend(taken_back(scene, plan));
    if scene.outside.is_empty() {
        faults.push("no checkpoint stands outside".to_owned());
    }
    faults
}

/// `[D3]` Where everything was taken back, the file holds what it held before.
fn taken_back(scene: &Scene, plan: &Plan) -> Option<String> {
    let found = scene.file.as_deref();
    let left = plan.undo && found != Some(AS_IT_WAS);
    left.then(|| format!("taken back, and the file holds {found:?}"))
}

/// `[B1]` What is taken from each writ is what its ends say; nothing stays reserved.
pub(super) fn unsettled(scene: &Scene, end: &End) -> Vec<String> {
    let mut faults = Vec::new();
    for (trajectory, writ, told) in &end.spent {
        let by_record = spent(&scene.told, *trajectory);
        let by_record = by_record.get(writ).copied().unwrap_or_default();
        if by_record != *told {
            let writ = writ.short();
            faults.push(format!(
                "{writ}: {told:?} told, {by_record:?} by the record"
            ));
        }
    }
    faults
}

/// `[X3]` Each call of the plan that is once for a key came about exactly once on the run.
pub(super) fn counts(scene: &Scene, end: &End, plan: &Plan) -> Vec<String> {
    let all = starts(&scene.told);
    let own = |id: &EntryId| {
        let mut runs = scene.counted.runs.iter();
        runs.any(|run| run.started == *id && Some(run.trajectory) == end.run)
    };
    let mut faults = Vec::new();
    for (tool, args) in plan.turns.iter().flatten() {
        let once = ONCE.contains(tool);
        if !once && *tool != IDEMPOTENT {
            continue;
        }
        let effects = scene.counted.effects.iter().filter(|(id, ..)| {
            let intent = all.get(id).map(|(_, work)| &work.decided.proposal.intent);
            own(id) && intent.is_some_and(|intent| intent.tool == *tool && intent.args == *args)
        });
        let count = effects.count();
        if count == 0 || (once && count != 1) {
            faults.push(format!("`{tool} {args}` came about {count} times"));
        }
    }
    faults
}
