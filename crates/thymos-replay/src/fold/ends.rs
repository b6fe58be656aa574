//! Folding the ends of calls: rejected, superseded, committed, failed, reconciled.

use std::sync::Arc;

use thymos_core::body::{self, Resolution};
use thymos_core::budget::Cost;
use thymos_core::delta::Resource;
use thymos_core::id::ProposalId;
use thymos_core::intent::Author;
use thymos_core::outcome::{Fault, FaultKind};
use thymos_core::proposal::Decided;
use thymos_core::tool::Repeat;
use thymos_core::{Entry, EntryId};

use super::{charge, ids, set_fate, settled_words};
use crate::divergence::Divergence;
use crate::projection::{Committed, Fate, Keeps, Kept, OpenWork, Projection};

pub(super) fn rejection(p: &mut Projection, body: body::Rejection) -> Result<(), Divergence> {
    let (proposal, intent) = ids(&body.decided)?;
    // By intent: an admission that found the world moved records a fresh proposal.
    p.holds.retain(|_, hold| hold.intent != intent);
    let (text, is_error) = match body.earlier {
        Some(entry) => earlier(p, &body.decided, entry)?,
        None => (refused(body), true),
    };
    set_fate(
        p,
        intent,
        Fate::Ended {
            proposal: Some(proposal),
            text,
            is_error,
        },
    )
}

/// What the model reads of a no.
fn refused(body: body::Rejection) -> String {
    match body.stage {
        body::Stage::Compile | body::Stage::Admit => {
            let hint = body
                .refusal
                .smallest_grant
                .as_ref()
                .map(hint)
                .unwrap_or_default();
            format!(
                "refused [{}]: {}{hint}",
                body.refusal.clause, body.refusal.reason
            )
        }
        body::Stage::Answer => body.refusal.reason,
    }
}

/// `[X3]` What the model reads of a call that was done before: what it read then.
fn earlier(
    p: &Projection,
    decided: &Decided,
    entry: EntryId,
) -> Result<(String, bool), Divergence> {
    if p.keeps == Keeps::State {
        return Ok((String::new(), false));
    }
    let key = decided
        .proposal
        .idempotency_key(&decided.facts.tenant)
        .map_err(|e| Divergence::new("idempotency key", "canonical", e.to_string()))?;
    let done = p.done.get(&key).filter(|(_, end)| *end == entry);
    let Some((proposal, _)) = done else {
        let found = entry.to_string();
        return Err(Divergence::new(
            "earlier",
            "the end of the same call",
            found,
        ));
    };
    let read = p.calls.values().find_map(|call| match &call.fate {
        Fate::Ended {
            proposal: Some(of),
            text,
            is_error,
        } if of == proposal => Some((text.as_str(), *is_error)),
        Fate::Ended { .. } | Fate::Wanted | Fate::Held(_) | Fate::Begun(_) => None,
    });
    let (text, is_error) = read.unwrap_or(("its result is not told", false));
    let short = entry.short();
    Ok((
        format!("[done before, see entry {short}; not done again] {text}"),
        is_error,
    ))
}

fn hint(grant: &thymos_core::verdict::SmallestGrant) -> String {
    use thymos_core::verdict::SmallestGrant;
    match grant {
        SmallestGrant::Writ { grant, effects } => {
            format!(
                ". The operator would have to grant `{}` with effects {effects}",
                grant.tool
            )
        }
        SmallestGrant::Budget { dimension, amount } => {
            format!(". The operator would have to add {amount} {dimension} to the budget")
        }
        SmallestGrant::Rule { forbidden_by } => {
            format!(". The operator's rule `{forbidden_by}` would have to change")
        }
        SmallestGrant::Change { hint } => format!(". {hint}"),
    }
}

pub(super) fn superseded(p: &mut Projection, body: body::Superseded) -> Result<(), Divergence> {
    let Some(hold) = p.holds.remove(&body.proposal) else {
        return Err(Divergence::new(
            "superseded",
            "an open hold",
            body.proposal.to_string(),
        ));
    };
    let text = match body.by {
        Some(_) => "replaced by the operator's own version of this call".to_owned(),
        None => format!("withdrawn: {}", body.reason),
    };
    set_fate(
        p,
        hold.intent,
        Fate::Ended {
            proposal: None,
            text,
            is_error: true,
        },
    )
}

pub(super) fn commit(
    p: &mut Projection,
    entry: &Entry,
    body: body::Commit,
) -> Result<(), Divergence> {
    let work = take_work(p, body.proposal, body.started)?;
    Arc::make_mut(&mut p.world)
        .apply(&body.outcome.deltas, entry.header.seq)
        .map_err(|unmet| {
            Divergence::new("delta precondition", "deltas that apply", unmet.to_string())
        })?;
    compensated(p, &work, body.compensates)?;
    remember(p, entry, &work, &body);
    settle(p, &work, &body.cost);
    done(p, &work, (body.proposal, entry.id));
    seal(p, body.proposal, sealed(entry, &work, body.compensates));
    let text = body.outcome.observation;
    let fate = Fate::Ended {
        proposal: Some(body.proposal),
        text,
        is_error: !body.outcome.ok,
    };
    set_fate(p, work.intent, fate)
}

/// `[O4]` Keeps where notes come from, for who recalls them.
fn remember(p: &mut Projection, entry: &Entry, work: &OpenWork, commit: &body::Commit) {
    // Undoing puts a note back, which is no word on what it says.
    let undone = commit.compensates.is_some();
    for delta in &commit.outcome.deltas {
        let Resource::Memory(key) = &delta.resource else {
            continue;
        };
        if delta.after.is_none() {
            p.memory.remove(key);
            continue;
        }
        let own = work.body.decided.proposal.intent.author == Author::Operator;
        let kept = Kept {
            entry: entry.id,
            seq: entry.header.seq,
            index: entry.header.index,
            at: entry.header.at_ms,
            approved: !undone && (own || !work.body.approvals.is_empty()),
        };
        p.memory.insert(key.clone(), kept);
    }
}

pub(super) fn failure(
    p: &mut Projection,
    entry: &Entry,
    body: body::Failure,
) -> Result<(), Divergence> {
    let work = take_work(p, body.proposal, body.started)?;
    Arc::make_mut(&mut p.world)
        .apply(&body.fault.deltas, entry.header.seq)
        .map_err(|unmet| {
            Divergence::new("delta precondition", "deltas that apply", unmet.to_string())
        })?;
    settle(p, &work, &body.cost);
    if may_have_happened(&body.fault) && once(p, &work) {
        done(p, &work, (body.proposal, entry.id));
    }
    if !body.fault.deltas.is_empty() {
        seal(p, body.proposal, sealed(entry, &work, None));
    }
    let mut text = format!("{}: {}", body.fault.kind, body.fault.message);
    if !body.fault.observation.is_empty() {
        text.push_str("\noutput so far:\n");
        text.push_str(&body.fault.observation);
    }
    set_fate(
        p,
        work.intent,
        Fate::Ended {
            proposal: Some(body.proposal),
            text,
            is_error: true,
        },
    )
}

pub(super) fn reconciled(
    p: &mut Projection,
    entry: &Entry,
    body: body::Reconciled,
) -> Result<(), Divergence> {
    let work = take_work(p, body.proposal, body.started)?;
    settle(p, &work, &body.cost);
    let resolution = body.resolution;
    let gave_up = resolution == Resolution::GaveUp && once(p, &work);
    if gave_up || matches!(resolution, Resolution::Happened | Resolution::FoundDone) {
        done(p, &work, (body.proposal, work.entry));
    }
    let happened = matches!(resolution, Resolution::Happened | Resolution::FoundDone);
    // [D3] An undo that was found done does not end what it undid: that is planned again, and put back as it
    // is already.
    let own = p
        .calls
        .get(&work.intent)
        .is_some_and(|call| call.compensates.is_none());
    if happened && own {
        seal(p, body.proposal, sealed(entry, &work, None));
    }
    if resolution == Resolution::RunAgain {
        // [X2] The same intent goes before the gate once more, under the same key.
        set_fate(p, work.intent, Fate::Wanted)?;
        if let Some(call) = p.calls.get_mut(&work.intent) {
            call.rerun = true;
        }
        return Ok(());
    }
    let text = format!("{}. {}", settled_words(resolution), body.reason);
    set_fate(
        p,
        work.intent,
        Fate::Ended {
            proposal: Some(body.proposal),
            text,
            is_error: true,
        },
    )
}

/// Whether a call that broke off may have had its effect: only a tool that itself says that it could
/// not do it, and names nothing that it did, has surely done nothing.
fn may_have_happened(fault: &Fault) -> bool {
    let uncertain = match fault.kind {
        FaultKind::Failed | FaultKind::Moved | FaultKind::Cage => false,
        FaultKind::TimedOut
        | FaultKind::Cancelled
        | FaultKind::Panicked
        | FaultKind::BadDelta
        | FaultKind::Unmet => true,
    };
    uncertain || !fault.deltas.is_empty()
}

/// `[X3]` Whether this call happens once for its key, by the contract that was pinned: then it is not
/// made anew as long as it may have happened.
fn once(p: &Projection, work: &OpenWork) -> bool {
    let name = &work.body.decided.proposal.intent.tool;
    let mut tools = p.tools.iter();
    tools.any(|tool| tool.name == *name && tool.repeat == Repeat::OncePerKey)
}

/// `[X3]` The key was used up once more; the newest end stands for it.
fn done(p: &mut Projection, work: &OpenWork, end: (ProposalId, EntryId)) {
    if p.keeps == Keeps::State {
        return;
    }
    let key = work.body.key;
    if once(p, work) {
        p.once.insert(key, end.1);
    }
    p.done.insert(key, end);
    *p.commits.entry(key).or_default() += 1;
}

/// `[D3]` It is there to be undone.
fn seal(p: &mut Projection, proposal: ProposalId, effect: Committed) {
    if p.keeps != Keeps::State {
        p.sealed.insert(proposal, effect);
    }
}

fn sealed(entry: &Entry, work: &OpenWork, compensates: Option<ProposalId>) -> Committed {
    Committed {
        entry: entry.id,
        seq: entry.header.seq,
        index: entry.header.index,
        compensates,
        intent: work.intent,
    }
}

/// `[D3]` An undo undoes what its intent named, which must have happened here and still be in force.
fn compensated(
    p: &mut Projection,
    work: &OpenWork,
    compensates: Option<ProposalId>,
) -> Result<(), Divergence> {
    let wanted = p.calls.get(&work.intent).and_then(|call| call.compensates);
    let named =
        |id: Option<ProposalId>| id.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
    if wanted != compensates {
        let (wanted, found) = (named(wanted), named(compensates));
        return Err(Divergence::new("compensates", wanted, found));
    }
    let Some(target) = compensates.filter(|_| p.keeps != Keeps::State) else {
        return Ok(());
    };
    if !p.can_be_undone(&target) {
        let expected = "an effect of this trajectory that is in force";
        return Err(Divergence::new("compensates", expected, target.to_string()));
    }
    p.undone.insert(target);
    Ok(())
}

fn take_work(
    p: &mut Projection,
    proposal: ProposalId,
    started: thymos_core::EntryId,
) -> Result<OpenWork, Divergence> {
    match p.open_work.remove(&proposal) {
        Some(work) if work.entry == started => Ok(work),
        Some(work) => Err(Divergence::new(
            "seal",
            work.entry.to_string(),
            started.to_string(),
        )),
        None => Err(Divergence::new(
            "seal",
            "work that began and has not ended",
            proposal.to_string(),
        )),
    }
}

/// Gives the reservation back and charges what was used `[B1]`.
fn settle(p: &mut Projection, work: &OpenWork, cost: &Cost) {
    let writs = &work.body.decided.proposal.writs;
    for writ in writs {
        let spent = p.spent.entry(*writ).or_default();
        *spent = spent.minus(&work.body.reserved);
    }
    p.total = p.total.minus(&work.body.reserved);
    charge(p, writs, cost);
}
