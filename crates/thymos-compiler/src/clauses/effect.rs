//! `[C9]` `[C10]` What kind of effect a call may have, and how strong its cage must be.

use thymos_core::effect::EffectClass;
use thymos_core::trace::Clause::{C9, C10};

use super::grant::smallest_writ;
use crate::case::Case;
use crate::findings::{Findings, change};

/// Said where a clause turns on facts that `[C12]` then finds missing.
const OPEN: &str = "nothing was resolved; see preconditions";

// [C9] [C18]
pub(crate) fn allowed(case: &Case<'_>, findings: &mut Findings) {
    let Some(effect) = case.effect else {
        findings.permit(C9, OPEN);
        return;
    };
    let links = case.grounds.chain.links();
    let found = links
        .iter()
        .enumerate()
        .find(|(_, (_, link))| !link.writ.effects.allows(effect));
    match found {
        None => findings.permit(C9, format!("effect {effect} is allowed by every link")),
        Some((at, (_, link))) => {
            let (name, effects) = (&link.writ.name, &link.writ.effects);
            let said =
                format!("effect {effect} exceeds link {at} `{name}`, which allows {effects}");
            findings.forbid(C9, said, || smallest_writ(case));
        }
    }
}

// [C10] Concerns what a cage would hold: processes, and whatever is above read.
pub(crate) fn isolated(case: &Case<'_>, findings: &mut Findings) {
    let (Some(effect), Some(resolved)) = (case.effect, case.resolved) else {
        findings.permit(C10, OPEN);
        return;
    };
    if resolved.exec.is_none() && effect <= EffectClass::Read {
        findings.permit(
            C10,
            format!("effect {effect} without a process needs no cage"),
        );
        return;
    }
    let rung = case.grounds.facts.rung;
    let links = case.grounds.chain.links();
    let found = links
        .iter()
        .enumerate()
        .find(|(_, (_, link))| rung < link.writ.isolation_min);
    match found {
        None => findings.permit(C10, format!("cage {rung} satisfies every link")),
        Some((at, (_, link))) => {
            let (name, wanted) = (&link.writ.name, link.writ.isolation_min);
            let said =
                format!("link {at} `{name}` wants cage {wanted}, this machine offers {rung}");
            findings.forbid(C10, said, || {
                change(format!(
                    "run where {wanted} can be had, or ask for a writ with {rung}"
                ))
            });
        }
    }
}
