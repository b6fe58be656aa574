//! `[C8]` A grant of every link covers the tool, and its caveats hold. `[C16]` for what is missing.

use thymos_core::caveat::{ArgvSlot, Caveat, Condition};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::trace::Clause::C8;
use thymos_core::verdict::SmallestGrant;
use thymos_core::writ::{Grant, Writ};
use thymos_policy::matching::glob;

use crate::case::Case;
use crate::caveats::{Met, describe, met, reads_facts};
use crate::findings::Findings;

/// Characters of an argument that may be named exactly in a smallest grant.
const EXACT_CHARS_MAX: usize = 256;

// [C8] [W2] Conjunction: every link must allow the call.
pub(crate) fn covered(case: &Case<'_>, findings: &mut Findings) {
    let links = case.grounds.chain.links();
    if links.is_empty() {
        findings.forbid(C8, "no writ grants anything", || smallest_writ(case));
        return;
    }
    let mut by = String::new();
    let mut witnessed = false;
    for (at, (_, link)) in links.iter().enumerate() {
        witnessed |= reads_redacted(case, &link.writ);
        match cover(case, &link.writ) {
            Cover::By(grant) => {
                by.push_str(if at == 0 { "granted by `" } else { "`, `" });
                by.push_str(&grant.tool);
            }
            Cover::None(why) => {
                let said = format!("link {at} `{}` {why}", link.writ.name);
                findings.forbid(C8, said, || smallest_writ(case));
                findings.witness(witnessed);
                return;
            }
        }
    }
    by.push('`');
    findings.permit(C8, by);
    findings.witness(witnessed);
}

enum Cover<'a> {
    By(&'a Grant),
    None(String),
}

fn cover<'a>(case: &Case<'_>, writ: &'a Writ) -> Cover<'a> {
    let tool = &case.intent.tool;
    let mut why = None;
    for grant in writ.grants.iter().filter(|grant| glob(&grant.tool, tool)) {
        let failing = grant
            .caveats
            .iter()
            .find(|caveat| met(caveat, case.args, case.resolved) == Met::No);
        match failing {
            // Caveats that turn on unresolved facts stay open: [C12] refuses such a call for sure,
            // and its sentence says more than "not granted" would.
            None => return Cover::By(grant),
            Some(caveat) => {
                why.get_or_insert_with(|| {
                    format!("grants `{}`, but {}", grant.tool, describe(caveat))
                });
            }
        }
    }
    Cover::None(why.unwrap_or_else(|| format!("has no grant for tool `{tool}`")))
}

fn reads_redacted(case: &Case<'_>, writ: &Writ) -> bool {
    let grounds = case.grounds;
    if grounds.live_args.is_none() && grounds.live_resolved.is_none() {
        return false;
    }
    writ.grants
        .iter()
        .filter(|grant| glob(&grant.tool, &case.intent.tool))
        .flat_map(|grant| &grant.caveats)
        .any(|caveat| {
            if reads_facts(&caveat.must) {
                case.redacted_resolved()
            } else {
                case.redacted_arg(&caveat.arg)
            }
        })
}

/// `[C16]` The grant that covers exactly this call, and the effects it needs.
pub(crate) fn smallest_writ(case: &Case<'_>) -> Option<SmallestGrant> {
    let tool = case.tool?;
    let effect = case.effect.unwrap_or(tool.contract.effect_floor);
    Some(SmallestGrant::Writ {
        grant: exact_grant(case),
        effects: needed(effect),
    })
}

fn needed(effect: EffectClass) -> Effects {
    Effects::Only([effect].into_iter().collect())
}

// Read from the recorded form: what is offered for signing must hold no secret.
fn exact_grant(case: &Case<'_>) -> Grant {
    let mut caveats = Vec::new();
    if let Ok(resolved) = case.grounds.resolved {
        for path in &resolved.paths {
            let must = Condition::Under(path.path.clone());
            caveats.push((path.arg.clone(), must));
        }
        if let Some(exec) = &resolved.exec {
            // To its end: a prefix would grant every longer command as well.
            let words = exec.argv.iter().cloned().map(ArgvSlot::Is);
            let slots = words.chain([ArgvSlot::End]).collect();
            caveats.push((exec.arg.clone(), Condition::Argv(slots)));
        }
        for host in &resolved.hosts {
            let arg = host.arg.clone();
            caveats.push((arg.clone(), Condition::HostIn(vec![host.host.clone()])));
            caveats.push((arg, Condition::MethodIn(vec![host.method.clone()])));
        }
    }
    if caveats.is_empty() {
        caveats = plain_arguments(case);
    }
    Grant {
        tool: case.intent.tool.clone(),
        caveats: caveats
            .into_iter()
            .map(|(arg, must)| Caveat { arg, must })
            .collect(),
    }
}

fn plain_arguments(case: &Case<'_>) -> Vec<(String, Condition)> {
    let Some(args) = case.intent.args.as_object() else {
        return Vec::new();
    };
    args.iter()
        .filter(|(name, value)| {
            let short = value
                .as_str()
                .is_none_or(|text| text.chars().count() <= EXACT_CHARS_MAX);
            short && !value.is_object() && !value.is_array() && !case.redacted_arg(name)
        })
        .map(|(name, value)| (name.clone(), Condition::Equals(value.clone())))
        .collect()
}
