//! `[C6]` `[C7]` The tool is the pinned one, and its arguments fit. Runs no tool.

use thymos_core::intent::Author;
use thymos_core::trace::Clause::{C6, C7};

use crate::case::Case;
use crate::findings::{Findings, change};

// [C6]
pub(crate) fn pinned(case: &Case<'_>, findings: &mut Findings) {
    let name = &case.intent.tool;
    match case.tool {
        Some(tool) if tool.contract.operator_only && case.intent.author == Author::Model => {
            let said = format!("`{name}` is the operator's own tool");
            findings.forbid(C6, said, || change("ask the operator to do it"));
        }
        Some(tool) => {
            let pin = &tool.pin;
            let said = format!(
                "`{name}` {} pinned as {}",
                pin.version,
                pin.contract.short()
            );
            findings.permit(C6, said);
        }
        None => {
            let said = format!("tool `{name}` is not in the session's tool set");
            findings.forbid(C6, said, || change("use one of the session's tools"));
        }
    }
}

// [C7]
pub(crate) fn fits_schema(case: &Case<'_>, findings: &mut Findings) {
    let name = &case.intent.tool;
    match case.tool.map(|tool| tool.check_args(case.args)) {
        Some(Ok(())) => findings.permit(C7, format!("arguments fit the schema of `{name}`")),
        Some(Err(said)) => {
            findings.forbid(C7, said, || {
                change(format!("follow the schema of `{name}`"))
            });
        }
        None => findings.forbid(C7, format!("there is no schema of `{name}`"), || {
            change("use one of the session's tools")
        }),
    }
    findings.witness(case.redacted_args());
}
