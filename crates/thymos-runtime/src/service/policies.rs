//! Policy as people ask for it: the rules in force, and what others would have said `[P5]`.
//!
//! Changes no rule: the source of the rules does, and sessions record it when they next decide.

use std::sync::Arc;

use serde_json::Value;
use thymos_core::TrajectoryId;
use thymos_core::trace::Ruling;
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

/// Decides history again with a candidate bundle beside those in force, in place of the one of its
/// name `[P5]`.
pub(super) fn simulate(
    kernel: &Arc<Kernel>,
    trajectory: Option<TrajectoryId>,
    bundle: &Value,
) -> Replied {
    let bundle = match Bundle::from_value(bundle) {
        Ok(bundle) => bundle,
        Err(invalid) => {
            return Replied::Fault(Fault {
                message: invalid.to_string(),
                hint: invalid.hint,
            });
        }
    };
    if own::NAMES.contains(&bundle.name()) {
        return Replied::Fault(Fault {
            message: format!(
                "the name `{}` belongs to the program's own rules",
                bundle.name()
            ),
            hint: Some("give the bundle another name".into()),
        });
    }
    match past(kernel, trajectory, &bundle) {
        Ok(simulation) => Replied::Simulated(simulation),
        Err(message) => Replied::Fault(Fault {
            message,
            hint: Some("run `thymos verify`".into()),
        }),
    }
}

fn past(
    kernel: &Arc<Kernel>,
    trajectory: Option<TrajectoryId>,
    bundle: &Bundle,
) -> Result<thymos_protocol::Simulation, String> {
    let shelf = kernel.parts.policy.current();
    let mut bundles = shelf.set().bundles().to_vec();
    bundles.retain(|one| one.name() != bundle.name());
    bundles.push(bundle.clone());
    let set = PolicySet::new(bundles, shelf.set().switches().clone()).timeless();
    let mut simulation = Simulation::new(Candidate::Policy(set), kernel.parts.roots.ever());
    if let Some(trajectory) = trajectory {
        simulation = simulation.only(trajectory);
    }
    let mut next = 0;
    loop {
        let rows = kernel.parts.store.scan(next, PAGE);
        let rows = rows.map_err(|e| e.to_string())?;
        let last = rows.len() < PAGE;
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
        candidate: format!("{} {}", bundle.name(), bundle.version()),
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
