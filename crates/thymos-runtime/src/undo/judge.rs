//! Whether one call can be taken back at all, from what the record keeps of it. Looks at nothing now.

use std::collections::BTreeMap;

use thymos_core::delta::{Delta, Resource, ResourceValue};
use thymos_core::effect::EffectClass;
use thymos_core::isolation::Rung;
use thymos_core::outcome::Observed;
use thymos_core::tool::Compensation;

use super::gather::{Came, Effect, Ended};
use super::{Change, name};
use crate::redact::contains_marker;

/// The least cage that keeps a command's writes inside the workspace and off the network.
const HOLDING_RUNG: Rung = Rung::L2;

/// What taking a call back comes to.
pub(super) enum Judged {
    /// It changed nothing: there is no step for it.
    Nothing,
    /// It cannot be taken back, and why.
    Cannot(String),
    /// These changes would take it back.
    Changes(Vec<Change>),
}

pub(super) fn judge(effect: &Effect) -> Judged {
    let ended = match &effect.came {
        Came::Ended(ended) => ended,
        Came::StillDelegated(child) => {
            let run = child.short();
            return Judged::Cannot(format!("the delegated run {run} has not ended"));
        }
        Came::NoEnd => {
            let why = "it began and has no end on record: let it end, or settle it first";
            return Judged::Cannot(why.to_owned());
        }
    };
    if let Some(why) = outside(ended) {
        return Judged::Cannot(why);
    }
    let mut changes = changes(&ended.deltas);
    if ended.resolved.as_ref().is_some_and(|r| r.exec.is_none()) {
        // A tool that does its own work says what was there: nothing before and nothing after is no change. Of what
        // a command took away, nobody may have kept what was there.
        changes.retain(|change| change.expect.is_some() || change.to.is_some());
    }
    if let Some(why) = changes.iter().find_map(|change| unknown(ended, change)) {
        return Judged::Cannot(why);
    }
    if let Some(observed) = ended.observed.as_ref().filter(|seen| seen.untold > 0) {
        let count = observed.untold;
        let which = observed.note.as_ref().map(|note| format!(": {note}"));
        let which = which.unwrap_or_default();
        return Judged::Cannot(format!(
            "{count} of its changes could not be recorded{which}"
        ));
    }
    match changes.is_empty() {
        true => Judged::Nothing,
        false => Judged::Changes(changes),
    }
}

/// Why its effect is not all in the record, when it is not.
fn outside(ended: &Ended) -> Option<String> {
    let Some(resolved) = &ended.resolved else {
        return Some("what it was to do is not in the record".to_owned());
    };
    let class = resolved.effect;
    if class <= EffectClass::Read && ended.deltas.is_empty() {
        return None;
    }
    if class == EffectClass::Irreversible {
        return Some("its effect is irreversible".to_owned());
    }
    if let Some(host) = resolved.hosts.first() {
        return Some(format!(
            "what it did at `{}` is outside the record",
            host.host
        ));
    }
    if resolved.exec.is_some() && ended.settled {
        return Some("it was cut off, and what it changed is not in the record".to_owned());
    }
    if resolved.exec.is_some() {
        let held = ended.rung >= HOLDING_RUNG;
        return (!held).then(|| {
            let rung = ended.rung;
            format!("it ran at {rung}, and what it did outside the workspace is not in the record")
        });
    }
    // Lifted by the operator's table, and still a tool whose whole effect is in the record [C18].
    let recorded = resolved.compensation == Compensation::FromRecord;
    (class == EffectClass::External && !recorded)
        .then(|| "its effect is outside the record".to_owned())
}

/// One change a resource: what it was first, and what it was left as.
fn changes(deltas: &[Delta]) -> Vec<Change> {
    let mut all: BTreeMap<&Resource, Change> = BTreeMap::new();
    for delta in deltas {
        all.entry(&delta.resource)
            .or_insert_with(|| Change {
                resource: delta.resource.clone(),
                expect: None,
                to: delta.before.clone(),
            })
            .expect
            .clone_from(&delta.after);
    }
    let mut all: Vec<Change> = all.into_values().collect();
    all.retain(|change| change.expect != change.to || change.expect.is_none());
    all
}

/// Why nobody knows what the resource held before, when nobody does.
fn unknown(ended: &Ended, change: &Change) -> Option<String> {
    let name = name(&change.resource);
    if let Some(ResourceValue::Json(value)) = &change.to
        && contains_marker(value)
    {
        return Some(format!(
            "`{name}` held a secret, and secrets are not stored"
        ));
    }
    if change.to.is_some() {
        return None;
    }
    let command = ended.resolved.as_ref().is_some_and(|r| r.exec.is_some());
    let unheld = match &ended.observed {
        Some(observed) => unsure(observed, &name),
        // What a command had done when it broke off was seen, and not how sure that is.
        None => ended.broke_off && command,
    };
    (unheld || change.expect.is_none())
        .then(|| format!("nobody kept what `{name}` held before, if it was there"))
}

/// Whether a file that seems new may have been there before.
fn unsure(observed: &Observed, path: &str) -> bool {
    // Older records do not say which files; their note says that there are some.
    let old = observed.unheld.is_empty()
        && observed.note.as_deref().is_some_and(|note| {
            note.contains("without its earlier content") || note.contains("not every file")
        });
    old || observed.unheld.iter().any(|one| one == path)
}

#[cfg(test)]
mod tests;
