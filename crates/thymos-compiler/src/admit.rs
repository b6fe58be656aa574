//! `admit`: a held call and its answers, decided again on the grounds of now `[A4]`.
//!
//! Trusts nothing in the hold: it is plain data that survived a restart. What was approved must be
//! what would happen, and every clause speaks again.

use thymos_core::approval::SignedAnswer;
use thymos_core::proposal::Proposal;
use thymos_core::resolved::{Resolved, ResolvedExec, ResolvedPath};
use thymos_core::trace::{Clause, Ruling};
use thymos_core::verdict::{Ask, HoldTerms, Refusal};
use thymos_core::writ::TrustRoots;
use thymos_core::{EntryId, Timestamp};

use crate::answers::{Panel, Tally};
use crate::case::Case;
use crate::clauses::judge;
use crate::compile::{pre_answered, refused, terms};
use crate::findings::{Findings, change, line};
use crate::grounds::Grounds;
use crate::present::present;
use crate::verdict::{Held, Refused, Verdict, Warrant};

/// Decides a held call again, with the answers it got.
///
/// One valid denial refuses `[A3]` `[A5]`. Too few approvals hold it again, unchanged. Otherwise every
/// clause is asked afresh, and an approval satisfies an ask but never a refusal.
pub fn admit(
    held: &Held,
    answers: &[(EntryId, SignedAnswer)],
    roots: &TrustRoots,
    grounds: &Grounds<'_>,
) -> Verdict {
    let case = Case::new(&held.decided.proposal.intent, grounds);
    let (mut findings, ceremony) = judge(&case);
    let fresh = terms(&case, &findings, ceremony);
    let Ok(proposal) = held.decided.proposal.id() else {
        forbid(
            &mut findings,
            Clause::C1,
            "the held proposal has no canonical form",
        );
        return verdict(&case, findings, held, Vec::new());
    };
    let tally = Panel::new(held, proposal, roots, grounds.chain).tally(answers);
    if let Some(denial) = tally.denial {
        return denied(held, &denial.by.name, &denial.reason);
    }
    same_presentation(held, grounds, &mut findings);
    same_proposal(held, &case, &mut findings);
    if findings.forbids() {
        return verdict(&case, findings, held, Vec::new());
    }
    // [A6] Without an answer of its own, a pre-answer that was signed meanwhile may serve.
    let all = all_asks(held, &fresh);
    if tally.approvals.is_empty()
        && let Some(standing) = pre_answered(&case, &all, &mut findings)
    {
        return match verdict(&case, findings, held, Vec::new()) {
            Verdict::Cleared(warrant) => Verdict::Cleared(warrant.pre_answered_by(Some(standing))),
            other @ (Verdict::Held(_) | Verdict::Refused(_)) => other,
        };
    }
    let now = grounds.facts.now;
    if !answered(held, (&fresh, now), &tally, &mut findings) {
        return Verdict::Held(Box::new(held.clone()));
    }
    let approvals = tally.approvals.iter().map(|one| one.entry).collect();
    verdict(&case, findings, held, approvals)
}

/// What must be met by the hold's terms and by those of now, together.
fn all_asks(held: &Held, fresh: &HoldTerms) -> HoldTerms {
    let mut all = held.terms.clone();
    let new = fresh
        .asks
        .iter()
        .filter(|ask| !held.terms.asks.contains(ask));
    all.asks.extend(new.cloned());
    all.ceremony.type_back |= fresh.ceremony.type_back;
    all
}

fn verdict(case: &Case<'_>, findings: Findings, held: &Held, approvals: Vec<EntryId>) -> Verdict {
    if let Some(refusal) = findings.refusal() {
        return refused(case, findings, refusal);
    }
    // [A7] The proposal that was approved, not the fresh one: they are equal in all that matters,
    // and the approval names this one's id.
    let mut decided = case.decided(findings.into_trace());
    decided.proposal = held.decided.proposal.clone();
    Verdict::Cleared(Warrant::new(decided, case.grounds, approvals))
}

// [A5] A no needs no second look; it is recorded over the facts of the hold.
fn denied(held: &Held, by: &str, reason: &str) -> Verdict {
    let clause = held
        .terms
        .asks
        .first()
        .map_or(Clause::C13, |ask| ask.clause);
    let said = if reason.is_empty() {
        format!("denied by `{by}`")
    } else {
        format!("denied by `{by}`: {reason}")
    };
    let mut findings = Findings::with(held.decided.trace.lines.clone());
    findings.insert(line(clause, Ruling::Forbid, said.clone()));
    let mut decided = held.decided.clone();
    decided.trace = findings.into_trace();
    Verdict::Refused(Box::new(Refused {
        decided,
        refusal: Refusal {
            clause,
            reason: said,
            smallest_grant: None,
        },
    }))
}

/// Whether the asks of now are all satisfied; a reason why not goes into the trace, unless the
/// only reason is that someone has yet to answer.
fn answered(
    held: &Held,
    (fresh, now): (&HoldTerms, Timestamp),
    tally: &Tally<'_>,
    findings: &mut Findings,
) -> bool {
    // What nobody was shown, nobody approved.
    let shown = |ask: &&Ask| held.terms.asks.iter().any(|was| same_question(was, ask));
    if let Some(ask) = fresh.asks.iter().find(|ask| !shown(ask)) {
        let said = format!("now held for a reason that was not shown: {}", ask.reason);
        forbid(findings, ask.clause, &said);
        return true;
    }
    // [A8] Both ceremonies count: a hold cannot carry a milder one than policy and settings want now.
    if let Some(said) = milder(held, fresh, now) {
        forbid(findings, Clause::C13, &said);
        return true;
    }
    if fresh.ceremony.view_gate && tally.approvals.iter().any(|one| !one.fully_viewed) {
        forbid(findings, Clause::C13, "not all of it had been on screen");
        return true;
    }
    let asks = || held.terms.asks.iter().chain(&fresh.asks);
    let open = asks().any(|ask| !tally.satisfies(ask)) || tally.approvals.is_empty();
    if open {
        let Some(fault) = &tally.fault else {
            return false;
        };
        forbid(findings, Clause::C13, &fault.to_string());
        return true;
    }
    for approval in &tally.approvals {
        let said = format!(
            "approved by `{}` in {}",
            approval.name,
            approval.entry.short()
        );
        findings.insert(line(Clause::C13, Ruling::Permit, said));
    }
    true
}

/// Whether two asks are one question, however many must answer it and until when.
fn same_question(a: &Ask, b: &Ask) -> bool {
    (a.clause, &a.rule, &a.reason) == (b.clause, &b.rule, &b.reason)
        && (&a.channel, &a.approvers) == (&b.channel, &b.approvers)
}

/// `[A8]` What the hold's card did not ask for and is wanted by now. The rules are those of the hold, or it is
/// refused for that: only settings can have been tightened since. An answer does not say that it was typed
/// back, so that only a new card can ask for it.
fn milder(held: &Held, fresh: &HoldTerms, now: Timestamp) -> Option<String> {
    let was = &held.terms;
    if fresh.ceremony.type_back && !was.ceremony.type_back {
        return Some(
            "approvals are typed back by now, and this card did not ask for it".to_owned(),
        );
    }
    let fewer = fresh.asks.iter().find_map(|ask| {
        let mut shown = was.asks.iter().filter(|was| same_question(was, ask));
        let asked = shown.find(|was| was.quorum < ask.quorum)?;
        Some((asked.quorum, ask.quorum))
    });
    if let Some((asked, wanted)) = fewer {
        let said =
            format!("approvals take {wanted} people by now, and this card asked for {asked}");
        return Some(said);
    }
    let ends = fresh.expires_after_ms()?;
    let sooner = was.expires_after_ms().is_none_or(|then| ends < then);
    let waited = now.since(held.decided.facts.now);
    (sooner && waited >= ends).then(|| "it waited longer than a card may by now".to_owned())
}

// [A2] What was presented must be what this hold presents.
fn same_presentation(held: &Held, grounds: &Grounds<'_>, findings: &mut Findings) {
    let shown = present(&held.decided, &held.terms, grounds.chain);
    if shown != held.presentation || shown.digest() != Ok(held.presented) {
        forbid(
            findings,
            Clause::C13,
            "what was presented is not what this hold says",
        );
    }
}

// [A4] [T5] Each difference has its own clause and its own sentence.
fn same_proposal(held: &Held, case: &Case<'_>, findings: &mut Findings) {
    let (old, new) = (&held.decided.proposal, case.proposal());
    if old.compiler != new.compiler || old.v != new.v {
        let said = format!("held by `{}`, admitted by `{}`", old.compiler, new.compiler);
        forbid(findings, Clause::C1, &said);
    }
    if old.writs != new.writs {
        forbid(
            findings,
            Clause::C2,
            "the writs are not those it was held under",
        );
    }
    if old.tool != new.tool {
        forbid(findings, Clause::C6, "the tool changed since it was asked");
    }
    if let Some(said) = moved(old, &new) {
        forbid(findings, Clause::C12, &said);
    }
    if old.policy_set != new.policy_set {
        let said = format!(
            "policy changed since it was asked: {} then, {} now",
            old.policy_set.short(),
            new.policy_set.short()
        );
        forbid(findings, Clause::C13, &said);
    }
}

/// The first difference between what was shown and what is there now. The estimate and the notes
/// may differ: budgets are checked afresh, and notes are prose.
fn moved(old: &Proposal, new: &Proposal) -> Option<String> {
    // A call that cannot be resolved any more is refused by its own clause.
    let new = new.resolved.as_ref()?;
    let Some(old) = &old.resolved else {
        return Some("nothing was resolved when it was shown".to_owned());
    };
    if let Some(said) = moved_paths(&old.paths, &new.paths) {
        return Some(said);
    }
    if let Some(said) = moved_exec(old.exec.as_ref(), new.exec.as_ref()) {
        return Some(said);
    }
    let changed = old
        .resources
        .iter()
        .find(|seen| !new.resources.contains(seen));
    if let Some(seen) = changed {
        return Some(format!("`{}` changed since it was shown", seen.resource));
    }
    let same = Resolved {
        estimate: old.estimate,
        notes: old.notes.clone(),
        ..new.clone()
    };
    (same != *old).then(|| "what the tool finds is not what was shown".to_owned())
}

fn moved_paths(old: &[ResolvedPath], new: &[ResolvedPath]) -> Option<String> {
    old.iter().find_map(|was| {
        let now = new
            .iter()
            .find(|now| now.arg == was.arg && now.path == was.path);
        match now {
            None => Some(format!("`{}` leads elsewhere than shown", was.path)),
            Some(now) if now.before != was.before => {
                Some(format!("`{}` changed since it was shown", was.path))
            }
            Some(_) => None,
        }
    })
}

fn moved_exec(old: Option<&ResolvedExec>, new: Option<&ResolvedExec>) -> Option<String> {
    let (Some(old), Some(new)) = (old, new) else {
        return None;
    };
    (old.executable != new.executable || old.executable_digest != new.executable_digest)
        .then(|| format!("executable `{}` changed since it was shown", old.executable))
}

fn forbid(findings: &mut Findings, clause: Clause, said: &str) {
    findings.refuse_late(line(clause, Ruling::Forbid, said.to_owned()), || {
        change("look at the call again and let it be asked anew")
    });
}
