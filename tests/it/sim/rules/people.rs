//! What people decide: nothing that is asked begins without them, and nothing against them.

use std::collections::{BTreeMap, BTreeSet};

use thymos_core::approval::{Decision, SignedAnswer, Via};
use thymos_core::body::{Body, PendingApproval, Stage, Started};
use thymos_core::id::ProposalId;
use thymos_core::trace::Ruling;
use thymos_core::verdict::HoldTerms;
use thymos_core::{EntryId, WritId};

use super::super::approver::everybody;
use super::super::told::{Line, Told};
use super::{before, starts};

/// `[C13]` No line of the trace forbids.
pub(super) fn forbidden(told: &Told) -> Vec<String> {
    let begun = starts(told).filter(|(_, work)| work.decided.trace.ruling() == Ruling::Forbid);
    begun
        .map(|(line, _)| format!("entry {} began though forbidden", line.index))
        .collect()
}

/// The newest hold of a proposal before a line.
fn hold<'t>(told: &'t Told, line: &'t Line, proposal: ProposalId) -> Option<&'t PendingApproval> {
    before(told, line).rev().find_map(|one| match &one.body {
        Body::PendingApproval(held) => {
            (held.decided.proposal.id().unwrap() == proposal).then_some(&**held)
        }
        _ => None,
    })
}

/// The answers that this work rests on.
fn answers<'t>(told: &'t Told, line: &'t Line, work: &Started) -> Vec<&'t SignedAnswer> {
    let rests = |id: &EntryId| work.approvals.contains(id);
    let said = before(told, line).filter_map(|one| match &one.body {
        Body::Approval(body) if rests(&one.id) => Some(&body.signed),
        _ => None,
    });
    said.collect()
}

/// Why these answers do not meet the terms, if so.
fn unmet(terms: &HoldTerms, held: &PendingApproval, said: &[&SignedAnswer]) -> Option<String> {
    let operators = everybody().operators;
    let name = |signed: &SignedAnswer| {
        let mut all = operators.iter();
        all.find(|party| party.key == signed.answer.by.key)
            .map(|party| party.name.clone())
    };
    let sound = |signed: &&SignedAnswer| {
        signed.signature_holds()
            && signed.answer.presented == held.presented
            && signed.answer.decision == Decision::Approve
    };
    let sound: Vec<&SignedAnswer> = said.iter().copied().filter(sound).collect();
    terms.asks.iter().find_map(|ask| {
        let may = |name: &String| ask.approvers.is_empty() || ask.approvers.contains(name);
        let names: BTreeSet<String> = sound
            .iter()
            .filter_map(|one| name(one))
            .filter(may)
            .collect();
        let enough = names.len() >= usize::try_from(ask.quorum.max(1)).unwrap();
        (!enough).then(|| format!("{} of {} for {}", names.len(), ask.quorum, ask.reason))
    })
}

/// `[A2]` `[A3]` What the trace asks was answered, by enough people who may, over what was presented;
/// or by a pre-answer where one person is enough.
pub(super) fn answered(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, work) in starts(told) {
        let asks = work.decided.trace.lines.iter();
        let asked = asks.filter(|line| line.ruling == Ruling::Ask).count() > 0;
        let held = hold(told, line, work.proposal);
        let said = answers(told, line, work);
        let fault = match held {
            Some(held) if !work.pre_answered.is_empty() => {
                let many = held.terms.quorum() > 1;
                many.then(|| "a pre-answer instead of a quorum".to_owned())
            }
            Some(held) => unmet(&held.terms, held, &said),
            None if asked && work.pre_answered.is_empty() => Some("nobody was asked".to_owned()),
            None => None,
        };
        let other = said.iter().any(|one| one.answer.proposal != work.proposal);
        let other = other.then(|| "answers to something else".to_owned());
        faults.extend(
            fault
                .or(other)
                .map(|why| format!("entry {}: {why}", line.index)),
        );
    }
    faults
}

/// `[A3]` One no ends it.
pub(super) fn denied(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, work) in starts(told) {
        let no = before(told, line).any(|one| match &one.body {
            Body::Approval(body) => {
                let answer = &body.signed.answer;
                answer.decision == Decision::Deny && answer.proposal == work.proposal
            }
            _ => false,
        });
        if no {
            faults.push(format!("entry {} began though denied", line.index));
        }
    }
    faults
}

/// `[A6]` A pre-answer was signed here by an operator, serves while it holds, and as often as it says.
pub(super) fn pre_answered(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let mut uses: BTreeMap<WritId, u64> = BTreeMap::new();
    for (line, work) in starts(told) {
        for id in &work.pre_answered {
            let issued = before(told, line).find_map(|one| match &one.body {
                Body::WritIssued(body) if body.id == *id => Some(&body.writ),
                _ => None,
            });
            let count = uses.entry(*id).or_default();
            *count += 1;
            let sound = issued.is_some_and(|signed| {
                let writ = &signed.writ;
                let operators = everybody().operators;
                writ.pre_answer.is_some()
                    && signed.signature_holds()
                    && operators.iter().any(|party| party.key == writ.issuer.key)
                    && writ.window.contains(work.decided.facts.now)
                    && writ.budget.tool_calls.is_some_and(|most| *count <= most)
            });
            if !sound {
                faults.push(format!(
                    "entry {}: use {count} of {}",
                    line.index,
                    id.short()
                ));
            }
        }
    }
    faults
}

/// `[A4]` At the end no hold waits that was denied or approved by enough: an answer that was given
/// anywhere reached whoever acts.
pub(super) fn acted_on(told: &Told) -> Vec<String> {
    let mut open: BTreeMap<ProposalId, (&PendingApproval, Vec<&SignedAnswer>)> = BTreeMap::new();
    for line in &told.lines {
        match &line.body {
            Body::PendingApproval(held) => {
                let id = held.decided.proposal.id().unwrap();
                open.insert(id, (held, Vec::new()));
            }
            Body::Approval(body) => {
                if let Some((_, said)) = open.get_mut(&body.signed.answer.proposal) {
                    said.push(&body.signed);
                }
            }
            Body::Started(work) => drop(open.remove(&work.proposal)),
            Body::Superseded(body) => drop(open.remove(&body.proposal)),
            Body::Rejection(no) => {
                let intent = &no.decided.proposal.intent;
                open.retain(|_, (held, _)| held.decided.proposal.intent != *intent);
            }
            _ => {}
        }
    }
    let mut faults = Vec::new();
    for (proposal, (held, said)) in open {
        let denied = said.iter().any(|one| one.answer.decision == Decision::Deny);
        let met = !said.is_empty() && unmet(&held.terms, held, &said).is_none();
        if denied || met {
            faults.push(format!("{} is answered and waits", proposal.short()));
        }
    }
    faults
}

/// `[A2]` What was sent with a wrong digest or a stranger's key was not accepted.
pub(super) fn wrong(told: &Told) -> Vec<String> {
    told.wrong.clone()
}

/// `[C16]` A refusal has a reason and a clause that its trace bears out; one by a person has the no.
pub(super) fn refused(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    for line in &told.lines {
        let Body::Rejection(no) = &line.body else {
            continue;
        };
        let lines = no.decided.trace.lines.iter();
        let mut forbids = lines.filter(|one| one.ruling == Ruling::Forbid);
        let named = forbids.any(|one| one.clause == no.refusal.clause);
        if !named || no.refusal.reason.is_empty() {
            faults.push(format!("entry {} does not say why", line.index));
        }
        let proposal = no.decided.proposal.id().unwrap();
        let said = before(told, line).any(|one| match &one.body {
            Body::Approval(body) => {
                let answer = &body.signed.answer;
                let expired = answer.via == Via::Timer && answer.decision != Decision::Deny;
                answer.proposal == proposal && answer.decision == Decision::Deny && !expired
            }
            _ => false,
        });
        if no.stage == Stage::Answer && !said {
            faults.push(format!("entry {}: nobody said no", line.index));
        }
    }
    faults
}
