//! Policy as people ask for it: the rules in force, and what others would have said `[P5]`.
//!
//! Changes no rule: the source of the rules does, and sessions record it when they next decide.

use std::sync::Arc;

use serde_json::Value;
use thymos_compiler::flaws;
use thymos_core::limits::CHAIN_LINKS_MAX;
use thymos_core::tool::ToolContract;
use thymos_core::trace::Ruling;
use thymos_core::writ::{SignedWrit, Writ};
use thymos_core::{TrajectoryId, canonical};
use thymos_policy::{Bundle, Placed, PolicySet, Shelf, own};
use thymos_protocol::{ChangedVerdict, Fault, Policies, PolicyRow, Replied};
use thymos_replay::simulate::SimulatedRow;
use thymos_replay::{Candidate, Simulation};

use crate::kernel::Kernel;

/// Entries read at once.
const PAGE: usize = 1024;

/// The rules in force; looked at anew when asked to.
pub(super) fn in_force(kernel: &Arc<Kernel>, anew: bool) -> Policies {
    let source = &kernel.parts.policy;
    let shelf = if anew {
        source.reload()
    } else {
        source.current()
    };
    told(kernel, &shelf)
}

/// Decides history again under a candidate `[P5]`: a bundle beside those in force, in place of the one of
/// its name; or writs, as further links of every chain.
pub(super) fn simulate(
    kernel: &Arc<Kernel>,
    trajectory: Option<TrajectoryId>,
    candidate: &Value,
) -> Replied {
    let found = match writs_of(candidate) {
        Some(writs) => writs.and_then(|writs| of_writs(kernel, writs)),
        None => of_bundle(kernel, candidate),
    };
    let (name, candidate) = match found {
        Ok(found) => found,
        Err(no) => return Replied::Fault(no),
    };
    match past(kernel, trajectory, name, candidate) {
        Ok(simulation) => Replied::Simulated(simulation),
        Err(message) => Replied::Fault(Fault {
            message,
            hint: Some("run `thymos verify`".into()),
        }),
    }
}

fn of_bundle(kernel: &Kernel, value: &Value) -> Result<(String, Candidate), Fault> {
    let bundle = Bundle::from_value(value).map_err(|invalid| Fault {
        message: invalid.to_string(),
        hint: invalid.hint,
    })?;
    if own::NAMES.contains(&bundle.name()) {
        return Err(Fault {
            message: format!(
                "the name `{}` belongs to the program's own rules",
                bundle.name()
            ),
            hint: Some("give the bundle another name".into()),
        });
    }
    let shelf = kernel.parts.policy.current();
    let name = format!("{} {}", bundle.name(), bundle.version());
    let mut bundles = shelf.set().bundles().to_vec();
    bundles.retain(|one| one.name() != bundle.name());
    bundles.push(bundle);
    let set = PolicySet::new(bundles, shelf.set().switches().clone()).timeless();
    Ok((name, Candidate::Policy(set)))
}

/// The links of a writ file, when that is what a value is: a bare writ, one with its signature, or a list.
fn writs_of(value: &Value) -> Option<Result<Vec<Writ>, Fault>> {
    let signed =
        |value: &Value| canonical::from_value::<SignedWrit>(value).map(|signed| signed.writ);
    let read = match value {
        Value::Array(links) => links.iter().map(signed).collect(),
        Value::Object(fields) if fields.contains_key("writ") => signed(value).map(|one| vec![one]),
        Value::Object(fields) if fields.contains_key("grants") => {
            canonical::from_value::<Writ>(value).map(|one| vec![one])
        }
        _ => return None,
    };
    Some(read.map_err(|error| Fault {
        message: format!("the writ cannot be read: {error}"),
        hint: Some("`thymos writ check FILE` names the place".into()),
    }))
}

fn of_writs(kernel: &Kernel, writs: Vec<Writ>) -> Result<(String, Candidate), Fault> {
    let name = writs.last().map(|last| format!("writ {}", last.name));
    let Some(name) = name.filter(|_| writs.len() <= CHAIN_LINKS_MAX) else {
        return Err(Fault {
            message: format!("the file holds {} writs", writs.len()),
            hint: Some(format!(
                "a chain is a list of 1 to {CHAIN_LINKS_MAX} signed writs, root first"
            )),
        });
    };
    let tools: Vec<&ToolContract> = kernel.parts.tools.iter().map(|t| t.contract()).collect();
    let links: Vec<&Writ> = writs.iter().collect();
    if let Some(flaw) = flaws(&links, &tools).first() {
        return Err(Fault {
            message: flaw.to_string(),
            hint: Some("correct that field, then: thymos writ check FILE".into()),
        });
    }
    Ok((name, Candidate::Writs(writs)))
}

fn past(
    kernel: &Arc<Kernel>,
    trajectory: Option<TrajectoryId>,
    name: String,
    candidate: Candidate,
) -> Result<thymos_protocol::Simulation, String> {
    let mut simulation = Simulation::new(candidate, kernel.parts.roots.ever());
    if let Some(trajectory) = trajectory {
        simulation = simulation.only(trajectory);
    }
    let mut next = 0;
    loop {
        let rows = kernel.parts.store.scan(next, PAGE);
        let rows = rows.map_err(|e| e.to_string())?;
        let last = rows.is_empty();
        for row in rows {
            next = row.index + 1;
            simulation.push(&row.entry.map_err(|e| e.to_string())?);
        }
        if last {
            break;
        }
    }
    let report = simulation.finish();
    Ok(thymos_protocol::Simulation {
        candidate: name,
        decisions: report.decisions,
        uncertain: report.uncertain + report.unreadable,
        changes: report.changes.into_iter().map(changed).collect(),
    })
}

fn changed(row: SimulatedRow) -> ChangedVerdict {
    ChangedVerdict {
        entry: row.entry,
        trajectory: row.trajectory,
        seq: row.seq,
        tool: row.tool,
        line: row.line,
        was: row.was.to_string(),
        would_be: row.would_be.to_string(),
        because: row.because,
    }
}

fn told(kernel: &Arc<Kernel>, shelf: &Shelf) -> Policies {
    let row = |placed: &Placed| PolicyRow {
        name: placed.bundle.name().to_owned(),
        version: placed.bundle.version().to_owned(),
        signed_by: placed.vouch.map(|vouch| {
            let key = vouch.key.short();
            let mut trusted = kernel.parts.roots.policy.iter();
            match trusted.find(|party| party.key == vouch.key) {
                Some(party) => format!("{} {key}", party.name),
                None => key,
            }
        }),
        until: placed.bundle.window().and_then(|window| window.expires_at),
        default: word(placed.bundle.default_ruling()).to_owned(),
        rules: placed.bundle.rules_in_words(),
    };
    Policies {
        set: shelf.set().id(),
        bundles: shelf.placed().iter().map(row).collect(),
        switches: shelf.set().switches().words(),
        refused: shelf.refused().to_vec(),
    }
}

const fn word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Permit => "permit",
        Ruling::Ask => "ask",
        Ruling::Forbid => "forbid",
    }
}
