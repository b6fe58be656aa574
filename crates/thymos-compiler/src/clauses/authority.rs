//! `[C2]`-`[C5]` Who may act at all: signatures, revocation, window, tenant.
//!
//! Verifies no signature itself; chain and possession were checked once, and say what was found.

use thymos_core::trace::Clause::{C2, C3, C4, C5};

use crate::case::Case;
use crate::findings::{Findings, change};

// [C2]
pub(crate) fn trusted(case: &Case<'_>, findings: &mut Findings) {
    let chain = case.grounds.chain;
    if !chain.faults().is_empty() {
        let said = chain.faults().join("; ");
        findings.forbid(C2, said, || {
            change("present a chain that a trusted key signed")
        });
        return;
    }
    let Some(leaf) = chain.leaf() else {
        findings.forbid(C2, "no writ was presented", || change("issue a writ"));
        return;
    };
    let subject = &leaf.writ.subject;
    let recorded = &case.grounds.facts.possession;
    // [W5] A copied writ alone is useless.
    let bound = case.form.as_ref().is_ok_and(|form| {
        case.grounds
            .possession
            .binds(&form.id, &subject.key, recorded)
    });
    if bound {
        let links = chain.links().len();
        let said = format!("{links} links signed; `{}` signed the batch", subject.name);
        findings.permit(C2, said);
    } else {
        let said = format!("the key of `{}` did not sign this intent", subject.name);
        findings.forbid(C2, said, || change("act with the key that the writ names"));
    }
}

// [C3]
pub(crate) fn not_revoked(case: &Case<'_>, findings: &mut Findings) {
    let revoked = &case.grounds.facts.revoked;
    let links = case.grounds.chain.links();
    let found = links
        .iter()
        .enumerate()
        .find(|(_, (id, _))| revoked.contains(id));
    match found {
        None => findings.permit(C3, format!("none of {} links is revoked", links.len())),
        Some((at, (_, link))) => {
            let said = format!("link {at} `{}` is revoked", link.writ.name);
            findings.forbid(C3, said, || change("ask for a new writ"));
        }
    }
}

// [C4]
pub(crate) fn in_window(case: &Case<'_>, findings: &mut Findings) {
    let now = case.grounds.facts.now;
    let links = case.grounds.chain.links();
    let found = links
        .iter()
        .enumerate()
        .find(|(_, (_, link))| !link.writ.window.contains(now));
    let Some((at, (_, link))) = found else {
        findings.permit(C4, format!("{} ms lies inside every window", now.as_ms()));
        return;
    };
    let (name, window) = (&link.writ.name, link.writ.window);
    let said = match window.expires_at {
        Some(end) if now >= end => format!("link {at} `{name}` expired at {end}, now is {now}"),
        Some(_) | None => {
            let start = window.not_before;
            format!("link {at} `{name}` starts at {start}, now is {now}")
        }
    };
    findings.forbid(C4, said, || change("ask for a writ whose window holds now"));
}

// [C5]
pub(crate) fn same_tenant(case: &Case<'_>, findings: &mut Findings) {
    let tenant = &case.grounds.facts.tenant;
    let links = case.grounds.chain.links();
    let found = links
        .iter()
        .enumerate()
        .find(|(_, (_, link))| link.writ.tenant != *tenant);
    match found {
        None => findings.permit(C5, format!("tenant `{tenant}` throughout")),
        Some((at, (_, link))) => {
            let said = format!(
                "link {at} is of tenant `{}`, the session of `{tenant}`",
                link.writ.tenant
            );
            findings.forbid(C5, said, || change("use a writ of the session's tenant"));
        }
    }
}
