//! `[C12]` Preconditions: the call could be resolved, and the world is as it was seen. Looks at
//! nothing itself; fresh facts are the caller's to bring.

use thymos_core::intent::Author;
use thymos_core::tool::Repeat;
use thymos_core::trace::Clause::C12;
use thymos_core::verdict::Refusal;

use crate::case::Case;
use crate::findings::{Findings, change};
use crate::{GateVersion, IN_DOUBT, UNRESOLVED};

// [C12]
pub(crate) fn as_expected(case: &Case<'_>, findings: &mut Findings) {
    let resolved = match case.grounds.resolved {
        Ok(resolved) => resolved,
        Err(why) => {
            findings.forbid(C12, format!("{UNRESOLVED}{why}"), || {
                if why.ends_with(IN_DOUBT) {
                    return change("settle what became of it: `thymos settle`");
                }
                // The tool's own sentence says what helps, where something does: of a protected file or a
                // cage that is too weak, no other arguments would.
                if case.grounds.gate == GateVersion::V1 {
                    return change("change the arguments so that the tool finds what they name");
                }
                None
            });
            return;
        }
    };
    let world = &case.grounds.facts.world;
    for seen in &resolved.resources {
        let name = seen.resource.text();
        let fault = match world.get(&name) {
            None => format!("the facts do not say which version `{name}` has"),
            Some(now) if *now != seen.version => format!(
                "`{name}` was seen at {}, and is at {} now",
                version(seen.version),
                version(*now)
            ),
            Some(_) => continue,
        };
        findings.forbid(C12, fault, || change("look again, then repeat the call"));
        return;
    }
    // [X3] Only a person may repeat what happens once for a key.
    let once = case
        .tool
        .is_some_and(|tool| tool.contract.repeat == Repeat::OncePerKey);
    let repeats = case.grounds.facts.repeats;
    if once && repeats > 0 && case.intent.author == Author::Model {
        let said = repeated(case.grounds.gate, repeats);
        findings.forbid(C12, said, || {
            change("use the earlier result, or ask the operator")
        });
        return;
    }
    let count = resolved.resources.len();
    findings.permit(
        C12,
        format!("resolved; {count} resources are as they were seen"),
    );
}

const REPEAT_HEAD: &str = "it was done ";
const REPEAT_TAIL: &str = " before and happens once for a key";

fn repeated(gate: GateVersion, repeats: u64) -> String {
    let often = match (gate, repeats) {
        (GateVersion::V2, 1) => "once".to_owned(),
        (GateVersion::V1 | GateVersion::V2, _) => format!("{repeats} times"),
    };
    format!("{REPEAT_HEAD}{often}{REPEAT_TAIL}")
}

/// Whether a call was refused because it happens once for a key and was done `[X3]`: whoever asked
/// for it is then given the earlier result.
#[must_use]
pub fn is_repeat(refusal: &Refusal) -> bool {
    let said = refusal.reason.as_str();
    refusal.clause == C12 && said.starts_with(REPEAT_HEAD) && said.ends_with(REPEAT_TAIL)
}

fn version(version: Option<u64>) -> String {
    match version {
        Some(number) => format!("version {number}"),
        None => "nothing".to_owned(),
    }
}
