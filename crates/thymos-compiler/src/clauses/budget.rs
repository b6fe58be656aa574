//! `[C11]` The cost fits what is left in every dimension of every link. Reserves nothing.

use thymos_core::budget::{Cost, Dimension};
use thymos_core::trace::Clause::C11;
use thymos_core::verdict::SmallestGrant;

use crate::case::Case;
use crate::findings::{Findings, change};

// [C11]
pub(crate) fn affordable(case: &Case<'_>, findings: &mut Findings) {
    let Some(resolved) = case.resolved else {
        findings.permit(C11, "nothing was resolved; see preconditions");
        return;
    };
    let wanted = resolved.estimate;
    for (at, (id, link)) in case.grounds.chain.links().iter().enumerate() {
        let name = &link.writ.name;
        // What nobody counted is not zero.
        let Some(spent) = case.grounds.facts.spent.get(id) else {
            let said = format!("the facts hold no account of link {at} `{name}`");
            findings.forbid(C11, said, || change("count the spending of every link"));
            return;
        };
        if let Some(dimension) = link.writ.budget.shortfall(spent, &wanted) {
            let left = link.writ.budget.left(spent, dimension).unwrap_or(0);
            let amount = wanted.amount(dimension);
            let said = format!(
                "link {at} `{name}` has {} left, and the call may take {}",
                quantity(dimension, left),
                quantity(dimension, amount)
            );
            findings.forbid(C11, said, || {
                Some(SmallestGrant::Budget {
                    dimension: dimension.to_string(),
                    amount: amount.saturating_sub(left),
                })
            });
            return;
        }
    }
    findings.permit(C11, told(&wanted));
}

fn told(wanted: &Cost) -> String {
    format!(
        "at most {} calls, {} ms, {} tokens and {} millicents fit every link",
        wanted.tool_calls, wanted.wall_clock_ms, wanted.tokens, wanted.usd_millicents
    )
}

fn quantity(dimension: Dimension, amount: u64) -> String {
    match dimension {
        Dimension::Tokens => format!("{amount} tokens"),
        Dimension::ToolCalls => format!("{amount} tool calls"),
        Dimension::WallClockMs => format!("{amount} ms"),
        Dimension::UsdMillicents => format!("{amount} millicents"),
    }
}
