//! Under whose authority work begins: not under a writ that was cut, that has ended, or that is wider.

use std::collections::{BTreeMap, BTreeSet};

use thymos_core::WritId;
use thymos_core::body::Body;
use thymos_core::writ::Writ;

use super::super::told::Told;
use super::starts;

/// Every writ of the record.
fn writs(told: &Told) -> BTreeMap<WritId, &Writ> {
    let issued = told.lines.iter().filter_map(|line| match &line.body {
        Body::WritIssued(body) => Some((body.id, &body.writ.writ)),
        _ => None,
    });
    issued.collect()
}

/// `[W7]` No body ran under a link that was revoked in any record of the log when it was announced.
pub(super) fn cut(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let mut cut: BTreeSet<WritId> = BTreeSet::new();
    for line in &told.lines {
        match &line.body {
            Body::WritRevoked(body) => {
                cut.insert(body.writ);
            }
            Body::Started(work) if told.runs.iter().any(|run| run.started == line.id) => {
                let links = work.decided.proposal.writs.iter().chain(&work.pre_answered);
                for link in links.filter(|link| cut.contains(link)) {
                    faults.push(format!("entry {} began under {}", line.index, link.short()));
                }
            }
            _ => {}
        }
    }
    faults
}

/// `[C4]` Every link holds at the moment of the entry that announces.
pub(super) fn window(told: &Told) -> Vec<String> {
    let writs = writs(told);
    let mut faults = Vec::new();
    for (line, work) in starts(told) {
        for link in &work.decided.proposal.writs {
            let holds = writs.get(link).is_some_and(|writ| {
                writ.window.contains(line.at) && writ.window.contains(work.decided.facts.now)
            });
            if !holds {
                faults.push(format!(
                    "entry {} began outside {}",
                    line.index,
                    link.short()
                ));
            }
        }
    }
    faults
}

/// `[W3]` Nothing is done under a child's writ that its parent does not allow, and it may be divided
/// less deeply. Its budget is held by another rule.
pub(super) fn narrower(told: &Told) -> Vec<String> {
    let writs = writs(told);
    let mut faults = Vec::new();
    for (id, writ) in &writs {
        let Some(parent) = writ.parent else { continue };
        let Some(above) = writs.get(&parent) else {
            faults.push(format!("{} hangs from nothing", id.short()));
            continue;
        };
        let deeper = writ.delegation.max_depth >= above.delegation.max_depth;
        let wider = starts(told).any(|(_, work)| {
            let proposal = &work.decided.proposal;
            let class = proposal.resolved.as_ref().map(|seen| seen.effect);
            proposal.writs.contains(id) && class.is_some_and(|class| !above.effects.allows(class))
        });
        if deeper || wider {
            faults.push(format!("{} is wider than {}", id.short(), parent.short()));
        }
    }
    faults
}
