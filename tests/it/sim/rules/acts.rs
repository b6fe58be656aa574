//! Announced, run, ended: each once and in this order.

use std::collections::{BTreeMap, BTreeSet};

use thymos_core::body::{Body, Resolution};
use thymos_core::id::IdempotencyKey;
use thymos_core::intent::Author;
use thymos_core::outcome::FaultKind;
use thymos_core::{EntryId, IntentId, TrajectoryId};

use super::super::told::{Line, Told};
use super::starts;

/// Entries that announce work of which no end is recorded.
pub(crate) fn open_work(lines: &[Line]) -> Vec<Line> {
    let ended: BTreeSet<EntryId> = lines.iter().filter_map(|line| end(&line.body)).collect();
    let open = lines
        .iter()
        .filter(|line| matches!(line.body, Body::Started(_)) && !ended.contains(&line.id));
    open.cloned().collect()
}

/// What this entry ends.
fn end(body: &Body) -> Option<EntryId> {
    match body {
        Body::Commit(body) => Some(body.started),
        Body::Failure(body) => Some(body.started),
        Body::Reconciled(body) => Some(body.started),
        _ => None,
    }
}

/// `[X1]` Every run has an announcement that was durable when it began, no announcement has two, runs
/// of a trajectory come in the order of their announcements, and nothing is sealed that never ran.
pub(super) fn announced(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let known: BTreeMap<EntryId, &Line> = starts(told).map(|(line, _)| (line.id, line)).collect();
    let mut ran = BTreeSet::new();
    let mut newest: BTreeMap<TrajectoryId, u64> = BTreeMap::new();
    for run in &told.runs {
        let Some(line) = known.get(&run.started) else {
            faults.push(format!("`{}` ran and nobody announced it", run.tool));
            continue;
        };
        if line.index >= run.durable {
            faults.push(format!("entry {} was announced after its run", line.index));
        }
        if !ran.insert(run.started) {
            faults.push(format!("entry {} ran twice", line.index));
        }
        let last = newest.entry(run.trajectory).or_default();
        if line.seq < *last {
            faults.push(format!("entry {} ran out of turn", line.index));
        }
        *last = line.seq;
    }
    let delegated = |id: &EntryId| {
        let mut all = starts(told);
        all.any(|(line, work)| line.id == *id && work.decided.proposal.intent.tool == "delegate")
    };
    for line in &told.lines {
        // What was stopped before it began is sealed as cancelled, and never ran; nor did what another run
        // did meanwhile, or what nobody can tell that of.
        let stopped = matches!(&line.body, Body::Failure(body)
            if matches!(body.fault.kind, FaultKind::Cancelled | FaultKind::Moved));
        if matches!(line.body, Body::Commit(_) | Body::Failure(_))
            && !stopped
            && let Some(id) = end(&line.body)
            && !ran.contains(&id)
            && !delegated(&id)
        {
            faults.push(format!("entry {} seals what never ran", line.index));
        }
    }
    faults
}

/// `[X2]` One beginning has one end, and what has none is listed in doubt.
pub(super) fn ended(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: BTreeMap<EntryId, TrajectoryId> = BTreeMap::new();
    for line in &told.lines {
        if matches!(line.body, Body::Started(_)) {
            open.insert(line.id, line.trajectory);
        }
        if let Some(id) = end(&line.body)
            && open.remove(&id) != Some(line.trajectory)
        {
            faults.push(format!("entry {} ends what is not open", line.index));
        }
    }
    for rest in &told.rest {
        let own = open.values().filter(|of| **of == rest.trajectory).count() as u64;
        if own != rest.in_doubt {
            let (run, listed) = (rest.trajectory.short(), rest.in_doubt);
            faults.push(format!("{run}: {own} open, {listed} listed in doubt"));
        }
    }
    faults
}

/// `[X2]` What a probe says is what the world knows.
pub(super) fn found_out(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    for line in &told.lines {
        let Body::Reconciled(body) = &line.body else {
            continue;
        };
        let mut runs = told.runs.iter();
        let happened = runs.any(|run| run.started == body.started && run.effect);
        let said = match body.resolution {
            Resolution::FoundDone => true,
            Resolution::FoundUndone => false,
            _ => continue,
        };
        if said != happened {
            faults.push(format!(
                "entry {}: {said} found, {happened} true",
                line.index
            ));
        }
    }
    faults
}

/// What is known of keys on one line of work.
#[derive(Default, Clone)]
struct Keys {
    done: BTreeSet<IdempotencyKey>,
    open: BTreeMap<EntryId, IdempotencyKey>,
    again: BTreeSet<IntentId>,
    /// How it stood after each commit, for branches.
    at: BTreeMap<u64, BTreeSet<IdempotencyKey>>,
}

/// `[X3]` By the record: a key that is done or open begins only at the operator's word.
pub(super) fn once_recorded(told: &Told) -> Vec<String> {
    let done = |_: &Told, line: &Line| match &line.body {
        Body::Commit(_) => true,
        Body::Reconciled(body) => matches!(
            body.resolution,
            Resolution::Happened | Resolution::FoundDone
        ),
        _ => false,
    };
    once(told, done)
}

/// `[X3]` In the world: the effect of a key comes about once, whatever the record calls its end.
pub(super) fn once_happened(told: &Told) -> Vec<String> {
    once(told, happened)
}

fn happened(told: &Told, line: &Line) -> bool {
    let id = end(&line.body);
    let mut runs = told.runs.iter();
    runs.any(|run| Some(run.started) == id && run.effect)
}

fn once(told: &Told, done: impl Fn(&Told, &Line) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut all: BTreeMap<TrajectoryId, Keys> = BTreeMap::new();
    for line in &told.lines {
        if let Body::Branch(branch) = &line.body {
            let from = all.get(&branch.from).cloned().unwrap_or_default();
            let inherited = from.at.get(&branch.seq).cloned().unwrap_or_default();
            all.entry(line.trajectory).or_default().done = inherited;
            continue;
        }
        let keys = all.entry(line.trajectory).or_default();
        match &line.body {
            // [A7] A version of the operator's own is asked for by a person as well.
            Body::Intent(body) if body.intent.author == Author::Operator => {
                keys.again.insert(body.intent.id().unwrap());
            }
            Body::Started(work) => {
                let intent = &work.decided.proposal.intent;
                if told.once.contains(&intent.tool.as_str()) {
                    let again = keys.again.contains(&intent.id().unwrap());
                    if keys.open.values().any(|key| *key == work.key) {
                        faults.push(format!("entry {} begins a key that is open", line.index));
                    }
                    if keys.done.contains(&work.key) && !again {
                        faults.push(format!("entry {} begins a key that is done", line.index));
                    }
                    keys.open.insert(line.id, work.key);
                }
            }
            body => {
                let ended = end(body).and_then(|id| keys.open.remove(&id));
                if let Some(key) = ended
                    && done(told, line)
                {
                    keys.done.insert(key);
                }
                if matches!(body, Body::Commit(_)) {
                    keys.at.insert(line.seq, keys.done.clone());
                }
            }
        }
    }
    faults
}
