//! `[C1]` The intent is canonical, of bounded size and of a supported kind.

use thymos_core::limits::{INTENT_ARGS_BYTES_MAX, INTENTS_PER_TURN_MAX};
use thymos_core::trace::Clause::C1;

use crate::case::Case;
use crate::findings::{Findings, change};

// [C1]
pub(crate) fn well_formed(case: &Case<'_>, findings: &mut Findings) {
    match fault(case) {
        None => findings.permit(
            C1,
            format!("intent for `{}` is canonical", case.intent.tool),
        ),
        Some((said, hint)) => findings.forbid(C1, said, || change(hint)),
    }
}

fn fault(case: &Case<'_>) -> Option<(String, &'static str)> {
    let intent = case.intent;
    let form = match &case.form {
        Ok(form) => form,
        Err(invalid) => {
            return Some((
                format!("intent has no canonical form: {invalid}"),
                "use whole numbers up to 2^53 and plain text",
            ));
        }
    };
    if intent.v != 1 {
        let said = format!("intent is of unknown version {}", intent.v);
        return Some((said, "use intents of version 1"));
    }
    if !intent.args.is_object() {
        return Some(("arguments are no object".into(), "pass arguments by name"));
    }
    if form.args_bytes > INTENT_ARGS_BYTES_MAX {
        let said = format!(
            "arguments of {} bytes are larger than {INTENT_ARGS_BYTES_MAX}",
            form.args_bytes
        );
        return Some((said, "split the call into smaller ones"));
    }
    if usize::try_from(intent.ordinal).is_ok_and(|at| at >= INTENTS_PER_TURN_MAX) {
        let said = format!("a turn holds at most {INTENTS_PER_TURN_MAX} intents");
        return Some((said, "ask again in the next turn"));
    }
    None
}
