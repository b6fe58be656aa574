//! `compile`: one intent, one verdict. Pure; asks every clause and never stops early.

use thymos_core::WritId;
use thymos_core::body::{Body, PendingApproval};
use thymos_core::effect::EffectClass;
use thymos_core::id::PresentedDigest;
use thymos_core::intent::Intent;
use thymos_core::limits::ENTRY_BYTES_MAX;
use thymos_core::proposal::Decided;
use thymos_core::trace::{Clause, Ruling};
use thymos_core::verdict::{Ceremony, HoldTerms, Refusal};

use crate::case::Case;
use crate::clauses::judge;
use crate::findings::{Findings, change, line};
use crate::grounds::Grounds;
use crate::present::present;
use crate::standing::CheckedStanding;
use crate::verdict::{Held, Refused, Verdict, Warrant};

/// Bytes of a card below which the entry of a hold is never too large, each line counted with what an empty one
/// takes: of the 4 MiB, arguments have one at most and a preview one and a half.
const CARD_BYTES_SURE: usize = 64 * 1024;

/// Bytes that a line takes in an entry beside its text.
const LINE_BYTES: usize = 3;

/// Decides one intent on these grounds `[C1]`-`[C16]`.
///
/// # Examples
/// The chain of an empty list of writs allows nothing:
/// ```
/// use thymos_compiler::CheckedChain;
/// use thymos_core::writ::TrustRoots;
/// assert!(!CheckedChain::check(vec![], &TrustRoots::default()).faults().is_empty());
/// ```
pub fn compile(intent: &Intent, grounds: &Grounds<'_>) -> Verdict {
    let case = Case::new(intent, grounds);
    let (mut findings, ceremony) = judge(&case);
    if let Some(refusal) = findings.refusal() {
        return refused(&case, findings, refusal);
    }
    if findings.asks.is_empty() {
        let decided = case.decided(findings.into_trace());
        return Verdict::Cleared(Warrant::new(decided, grounds, Vec::new()));
    }
    let terms = terms(&case, &findings, ceremony);
    if let Some(standing) = pre_answered(&case, &terms, &mut findings) {
        let decided = case.decided(findings.into_trace());
        let warrant = Warrant::new(decided, grounds, Vec::new());
        return Verdict::Cleared(warrant.pre_answered_by(Some(standing)));
    }
    let held = held(case.decided(findings.into_trace()), terms, grounds);
    match bytes_of(&held) {
        Some(bytes) if bytes > ENTRY_BYTES_MAX => too_large(&case, bytes),
        Some(_) | None => Verdict::Held(Box::new(held)),
    }
}

/// Bytes of the entry that this hold would be, where they may be too many. Arguments are bound, and so is what
/// a tool says of them: only lines of a card beyond this can make them so.
fn bytes_of(held: &Held) -> Option<usize> {
    let lines = held
        .presentation
        .fields
        .iter()
        .flat_map(|field| &field.lines);
    if lines.map(|line| line.len() + LINE_BYTES).sum::<usize>() <= CARD_BYTES_SURE {
        return None;
    }
    let body = Body::PendingApproval(Box::new(PendingApproval {
        decided: held.decided.clone(),
        terms: held.terms.clone(),
        presentation: held.presentation.clone(),
        presented: held.presented,
    }));
    body.encode().ok().map(|bytes| bytes.as_bytes().len())
}

/// `[C1]` What cannot be recorded cannot be asked about, and nothing is done that is not recorded.
fn too_large(case: &Case<'_>, bytes: usize) -> Verdict {
    let (mut findings, _) = judge(case);
    let said = format!(
        "with its card the call has {bytes} bytes, more than the {ENTRY_BYTES_MAX} of an entry"
    );
    findings.forbid(Clause::C1, said.clone(), || None);
    let refusal = Refusal {
        clause: Clause::C1,
        reason: said,
        smallest_grant: change("split the call into smaller ones"),
    };
    refused(case, findings, refusal)
}

/// `[A6]` The pre-answer that satisfies every ask; it is named in the trace.
pub(crate) fn pre_answered(
    case: &Case<'_>,
    terms: &HoldTerms,
    findings: &mut Findings,
) -> Option<WritId> {
    if terms.ceremony.type_back {
        return None;
    }
    let (standing, said) = CheckedStanding::answering(case, &terms.asks)?;
    findings.insert(line(Clause::C13, Ruling::Permit, said));
    standing.id()
}

/// A refusal with everything it rests on.
pub(crate) fn refused(case: &Case<'_>, findings: Findings, refusal: Refusal) -> Verdict {
    Verdict::Refused(Box::new(Refused {
        decided: case.decided(findings.into_trace()),
        refusal,
    }))
}

/// What must be met, with the ceremony that the effect demands whatever policy says, and with what the
/// operator's settings demand besides `[A8]`.
pub(crate) fn terms(case: &Case<'_>, findings: &Findings, ceremony: Ceremony) -> HoldTerms {
    let mut terms = findings.terms(ceremony, case.risk);
    let gated = findings.asks.iter().any(|ask| ask.clause == Clause::C14);
    if gated || case.effect == Some(EffectClass::Irreversible) {
        terms.ceremony.type_back = true;
        terms.ceremony.batch = false;
    }
    terms.tightened(&case.grounds.facts.approvals)
}

fn held(decided: Decided, terms: HoldTerms, grounds: &Grounds<'_>) -> Held {
    let presentation = present(&decided, &terms, grounds.chain);
    // Text always has a digest; if it had none, this one would be quoted by no answer that counts.
    let presented = presentation
        .digest()
        .unwrap_or_else(|_| PresentedDigest::of(b""));
    Held {
        decided,
        terms,
        presentation,
        presented,
    }
}
