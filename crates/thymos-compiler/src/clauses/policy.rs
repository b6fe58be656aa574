//! `[C13]` Policy: asks every rule and takes the strictest answer. Knows no rule of its own.

use thymos_core::verdict::SmallestGrant;
use thymos_policy::{PolicyAnswer, PolicyInput};

use crate::case::Case;
use crate::findings::Findings;

// [C13]
pub(crate) fn permitted(case: &Case<'_>, findings: &mut Findings) -> PolicyAnswer {
    let grounds = case.grounds;
    let mut answer = grounds.policy.evaluate(&PolicyInput {
        intent: case.intent,
        live_args: grounds.live_args,
        resolved: grounds.resolved.ok(),
        live_resolved: grounds.live_resolved,
        effect: case.effect,
        risk: case.risk,
        links: grounds.chain.links(),
        facts: grounds.facts,
    });
    for line in answer.lines.drain(..) {
        let rule = line.rule.clone();
        findings.adopt(line, || {
            let forbidden_by = rule.unwrap_or_else(|| "default".to_owned());
            Some(SmallestGrant::Rule { forbidden_by })
        });
    }
    findings.asks.append(&mut answer.asks);
    answer
}
