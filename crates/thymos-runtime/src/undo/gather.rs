//! Finds the effects that an undo would have to take back, in a trajectory and all it delegated.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use thymos_core::body::{Body, BodyState, Started};
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::id::ProposalId;
use thymos_core::isolation::Rung;
use thymos_core::outcome::Observed;
use thymos_core::resolved::{Access, Resolved};
use thymos_core::{Entry, EntryId, TrajectoryId};
use thymos_replay::Projection;
use thymos_replay::projection::{Child, Committed};

use crate::kernel::Kernel;
use crate::session::{RecordError, fold_stored};
use crate::undo::Since;
use crate::words;

/// Entries read at once.
const PAGE: usize = 1024;

/// Everything found, newest first.
pub(super) struct Gathered {
    pub(super) effects: Vec<Effect>,
    pub(super) projections: BTreeMap<TrajectoryId, Projection>,
    /// Delegated runs that have not ended, with all below them: what takes a call back there puts an authority in
    /// force under which they could do nothing else.
    pub(super) go_on: BTreeSet<TrajectoryId>,
}

/// One call that may have changed something.
pub(super) struct Effect {
    pub(super) index: u64,
    pub(super) entry: EntryId,
    pub(super) trajectory: TrajectoryId,
    pub(super) seq: u64,
    pub(super) proposal: ProposalId,
    pub(super) tool: String,
    pub(super) line: String,
    pub(super) came: Came,
}

/// What became of it, as far as undoing it needs.
pub(super) enum Came {
    /// It ended.
    Ended(Box<Ended>),
    /// It delegated a run that goes on.
    StillDelegated(TrajectoryId),
    /// It began, and its end is not on record: it is at work, or in doubt `[X2]`.
    NoEnd,
}

/// The end of a call.
pub(super) struct Ended {
    pub(super) resolved: Option<Resolved>,
    pub(super) deltas: Vec<Delta>,
    pub(super) observed: Option<Observed>,
    pub(super) rung: Rung,
    /// It broke off, and what it had done by then is in its deltas.
    pub(super) broke_off: bool,
    /// It has no end of its own: that it happened was found out, or a person said so.
    pub(super) settled: bool,
    pub(super) folders_made: u64,
}

impl Effect {
    /// Folders that the call had made for its file.
    pub(super) fn folders_made(&self) -> u64 {
        match &self.came {
            Came::Ended(ended) => ended.folders_made,
            Came::StillDelegated(_) | Came::NoEnd => 0,
        }
    }

    /// What of its effect nobody looked at, in words.
    pub(super) fn unseen(&self) -> Option<String> {
        match &self.came {
            Came::Ended(ended) => words::unseen(ended.observed.as_ref()?),
            Came::StillDelegated(_) | Came::NoEnd => None,
        }
    }
}

/// Gathers what happened from an entry on; nothing where that is no entry of the run or of one below it.
pub(super) fn gather(kernel: &Arc<Kernel>, since: Since) -> Result<Gathered, RecordError> {
    let store = kernel.parts.store.as_ref();
    let first = store.page(&since.of, since.from_seq, 1);
    let first = first.map_err(RecordError::Store)?;
    let mut found = Gathered {
        effects: Vec::new(),
        projections: BTreeMap::new(),
        go_on: BTreeSet::new(),
    };
    // Other trajectories are cut at the same moment: by the position in the whole log.
    let Some(cut) = first.first().map(|entry| entry.header.index) else {
        return Ok(found);
    };
    let mut todo = vec![since.trajectory];
    while let Some(next) = todo.pop() {
        if found.projections.contains_key(&next) {
            continue;
        }
        let (projection, _) = fold_stored(kernel, next)?;
        if projection.is_over() {
            // [L3] What it did may be among what is gone: a plan without that would be none.
            return Err(RecordError::Over);
        }
        todo.extend(projection.children.keys());
        let wanted = in_force(&projection, cut);
        read(kernel, &projection, &wanted, &mut found.effects)?;
        found.effects.extend(without_end(kernel, &projection, cut)?);
        for (child, one) in &projection.children {
            if one.result.is_none() || found.go_on.contains(&next) {
                found.go_on.insert(*child);
            }
            if one.result.is_none() {
                found.effects.extend(running(kernel, next, child, one)?);
            }
        }
        found.projections.insert(next, projection);
    }
    if !found.projections.contains_key(&since.of) {
        found.effects.clear();
    }
    found
        .effects
        .sort_by_key(|effect| std::cmp::Reverse(effect.index));
    Ok(found)
}

/// Effects since the cut that are in force. An undo and what it undid cancel out when both lie
/// behind the cut; an undo of something older is an effect of its own: taking it back is a redo.
fn in_force(p: &Projection, cut: u64) -> BTreeMap<ProposalId, Committed> {
    let mut since: Vec<(&ProposalId, &Committed)> = p
        .sealed
        .iter()
        .filter(|(_, one)| one.index >= cut)
        .collect();
    since.sort_by_key(|(_, one)| one.index);
    let mut wanted = BTreeMap::new();
    for (proposal, one) in since {
        let cancelled = one.compensates.and_then(|target| wanted.remove(&target));
        if cancelled.is_none() {
            wanted.insert(*proposal, one.clone());
        }
    }
    // A delegating call did nothing itself; what was done is in the child's own record.
    wanted.retain(|proposal, _| p.children.values().all(|child| child.proposal != *proposal));
    wanted
}

/// Reads the entries of these effects.
fn read(
    kernel: &Arc<Kernel>,
    p: &Projection,
    wanted: &BTreeMap<ProposalId, Committed>,
    effects: &mut Vec<Effect>,
) -> Result<(), RecordError> {
    let store = kernel.parts.store.as_ref();
    let mut started: HashMap<ProposalId, Box<Started>> = HashMap::new();
    let mut next = 0;
    while next < p.len {
        let page = store.page(&p.trajectory, next, PAGE);
        let page = page.map_err(RecordError::Store)?;
        if page.is_empty() {
            break;
        }
        next += page.len() as u64;
        for entry in &page {
            if let BodyState::Known(Body::Started(body)) = entry.decode() {
                if wanted.contains_key(&body.proposal) {
                    started.insert(body.proposal, body);
                }
            } else if let Some((proposal, ended)) = end(entry)
                && wanted
                    .get(&proposal)
                    .is_some_and(|one| one.entry == entry.id)
                && let Some(begin) = started.remove(&proposal)
            {
                effects.push(effect(entry, *begin, ended));
            }
        }
    }
    Ok(())
}

fn end(entry: &Entry) -> Option<(ProposalId, Ended)> {
    let BodyState::Known(body) = entry.decode() else {
        return None;
    };
    if let Body::Commit(body) = body {
        let outcome = body.outcome;
        let made = outcome
            .data
            .as_ref()
            .and_then(|data| data.get("folders_made"));
        let folders_made = made.and_then(serde_json::Value::as_u64).unwrap_or(0);
        return Some((
            body.proposal,
            Ended {
                resolved: None,
                deltas: outcome.deltas,
                observed: outcome.observed,
                rung: outcome.rung.unwrap_or(Rung::L0),
                broke_off: false,
                settled: false,
                folders_made,
            },
        ));
    }
    let (proposal, deltas, settled) = match body {
        Body::Failure(body) => (body.proposal, body.fault.deltas, false),
        Body::Reconciled(body) => (body.proposal, Vec::new(), true),
        _ => return None,
    };
    Some((
        proposal,
        Ended {
            resolved: None,
            deltas,
            observed: None,
            rung: Rung::L0,
            broke_off: !settled,
            settled,
            folders_made: 0,
        },
    ))
}

/// What a call was to change, where its announcement tells all of it: files that it writes itself. What is
/// not so any more is found when it is to be put back.
fn announced(resolved: &Resolved) -> Vec<Delta> {
    if resolved.exec.is_some() {
        return Vec::new();
    }
    let files = resolved.paths.iter();
    let files = files.filter(|path| path.access != Access::Read);
    files
        .map(|path| Delta {
            resource: Resource::File(path.path.clone()),
            expect: Expect::Anything,
            before: path.before.clone().map(ResourceValue::File),
            after: path.after.clone().map(ResourceValue::File),
        })
        .collect()
}

fn effect(entry: &Entry, begin: Started, mut ended: Ended) -> Effect {
    let intent = &begin.decided.proposal.intent;
    if ended.broke_off {
        ended.rung = begin.rung;
    }
    if let Some(resolved) = begin
        .decided
        .proposal
        .resolved
        .as_ref()
        .filter(|_| ended.settled)
    {
        ended.deltas = announced(resolved);
    }
    Effect {
        index: entry.header.index,
        entry: entry.id,
        trajectory: entry.header.trajectory,
        seq: entry.header.seq,
        proposal: begin.proposal,
        tool: intent.tool.clone(),
        line: words::line(intent),
        came: Came::Ended(Box::new(Ended {
            resolved: begin.decided.proposal.resolved.clone(),
            ..ended
        })),
    }
}

/// Calls that began since the cut and whose end is not on record: whatever they do, or did, is in no plan.
fn without_end(kernel: &Arc<Kernel>, p: &Projection, cut: u64) -> Result<Vec<Effect>, RecordError> {
    let mut found = Vec::new();
    for work in p.open_work.values() {
        let proposal = &work.body.decided.proposal;
        let delegates = p
            .children
            .values()
            .any(|child| child.proposal == work.body.proposal);
        let changes = proposal
            .resolved
            .as_ref()
            .is_none_or(|resolved| resolved.effect > EffectClass::Read);
        // An undo that was cut off is found out by looking, and what it was to take back is in the plan still.
        let undoes = proposal.intent.tool == super::RESTORE;
        if delegates || undoes || !changes {
            continue;
        }
        let page = kernel.parts.store.page(&p.trajectory, work.seq, 1);
        let page = page.map_err(RecordError::Store)?;
        let since = page.first().filter(|entry| entry.header.index >= cut);
        found.extend(since.map(|entry| Effect {
            index: entry.header.index,
            entry: entry.id,
            trajectory: p.trajectory,
            seq: work.seq,
            proposal: work.body.proposal,
            tool: proposal.intent.tool.clone(),
            line: words::line(&proposal.intent),
            came: Came::NoEnd,
        }));
    }
    Ok(found)
}

/// A delegated run without an end: it may still change anything.
fn running(
    kernel: &Arc<Kernel>,
    parent: TrajectoryId,
    child: &TrajectoryId,
    one: &Child,
) -> Result<Option<Effect>, RecordError> {
    let page = kernel.parts.store.page(&parent, one.seq, 1);
    let page = page.map_err(RecordError::Store)?;
    Ok(page.first().map(|entry| Effect {
        index: entry.header.index,
        entry: entry.id,
        trajectory: parent,
        seq: one.seq,
        proposal: one.proposal,
        tool: "delegate".to_owned(),
        line: words::cut(&one.task, 80),
        came: Came::StillDelegated(*child),
    }))
}
