//! `[C14]` `[C15]` Calls that a person should see whatever policy thinks. Suspends, never refuses.

use thymos_core::effect::EffectClass;
use thymos_core::tool::Compensation;
use thymos_core::trace::Clause::{self, C14, C15};
use thymos_core::verdict::Ask;

use crate::case::Case;
use crate::findings::Findings;

const OPEN: &str = "nothing was resolved; see preconditions";

// [C14]
pub(crate) fn reversible(case: &Case<'_>, permitted: bool, findings: &mut Findings) {
    let (Some(effect), Some(resolved)) = (case.effect, case.resolved) else {
        findings.permit(C14, OPEN);
        return;
    };
    let undone = match resolved.compensation {
        Compensation::FromRecord => true,
        Compensation::Unneeded | Compensation::Impossible(_) => false,
    };
    if effect < EffectClass::Irreversible || undone {
        findings.permit(C14, format!("effect {effect} can be answered for"));
    } else if !case.grounds.policy.switches().compensation_gate {
        findings.permit(C14, "the gate is switched off by the policy set");
    } else if permitted {
        findings.permit(C14, "a policy rule permits it by name");
    } else {
        let reason = "it cannot be taken back".to_owned();
        findings.ask(ask(C14, &reason), reason);
    }
}

// [C15]
pub(crate) fn below_threshold(case: &Case<'_>, findings: &mut Findings) {
    let Some(risk) = case.risk else {
        findings.permit(C15, OPEN);
        return;
    };
    // Two places may set it; the stricter one counts.
    let facts = case.grounds.facts.risk_threshold;
    let threshold = facts.min(case.grounds.policy.switches().risk_threshold);
    if risk < threshold {
        findings.permit(C15, format!("risk {risk} is below {threshold}"));
    } else {
        let reason = format!("risk {risk} is at or above {threshold}");
        findings.ask(ask(C15, &reason), reason);
    }
}

fn ask(clause: Clause, reason: &str) -> Ask {
    Ask {
        clause,
        rule: None,
        reason: reason.to_owned(),
        channel: "operator".to_owned(),
        quorum: 1,
        approvers: Vec::new(),
        expires_after_ms: None,
    }
}
