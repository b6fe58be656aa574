//! Folding the ends of calls: rejected, superseded, committed, failed, reconciled.

use thymos_core::Entry;
use thymos_core::body;
use thymos_core::budget::Cost;
use thymos_core::id::ProposalId;

use super::{charge, ids, set_fate, settled_words};
use crate::divergence::Divergence;
use crate::projection::{Committed, Fate, OpenWork, Projection};

pub(super) fn rejection(p: &mut Projection, body: body::Rejection) -> Result<(), Divergence> {
    let (proposal, intent) = ids(&body.decided)?;
    // By intent: an admission that found the world moved records a fresh proposal.
    p.holds.retain(|_, hold| hold.intent != intent);
    let text = match body.stage {
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
    };
    set_fate(
        p,
        intent,
        Fate::Ended {
            proposal: Some(proposal),
            text,
            is_error: true,
        },
    )
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
    p.world
        .apply(&body.outcome.deltas, entry.header.seq)
        .map_err(|unmet| {
            Divergence::new("delta precondition", "deltas that apply", unmet.to_string())
        })?;
    settle(p, &work, &body.cost);
    p.done.insert(work.body.key, (body.proposal, entry.id));
    *p.commits.entry(work.body.key).or_default() += 1;
    p.sealed.insert(
        body.proposal,
        Committed {
            entry: entry.id,
            seq: entry.header.seq,
            compensates: body.compensates,
            intent: work.intent,
        },
    );
    let text = body.outcome.observation;
    let fate = Fate::Ended {
        proposal: Some(body.proposal),
        text,
        is_error: !body.outcome.ok,
    };
    set_fate(p, work.intent, fate)
}

pub(super) fn failure(
    p: &mut Projection,
    entry: &Entry,
    body: body::Failure,
) -> Result<(), Divergence> {
    let work = take_work(p, body.proposal, body.started)?;
    p.world
        .apply(&body.fault.deltas, entry.header.seq)
        .map_err(|unmet| {
            Divergence::new("delta precondition", "deltas that apply", unmet.to_string())
        })?;
    settle(p, &work, &body.cost);
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

pub(super) fn reconciled(p: &mut Projection, body: body::Reconciled) -> Result<(), Divergence> {
    let work = take_work(p, body.proposal, body.started)?;
    settle(p, &work, &body.cost);
    if body.resolution == body::Resolution::Happened {
        p.done.insert(work.body.key, (body.proposal, work.entry));
    }
    let text = format!("{}. {}", settled_words(body.resolution), body.reason);
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
