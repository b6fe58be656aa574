//! The verdict on a run and on every run that belongs to it, as a tree `[Y3]`. Decides nothing: the
//! kernel verified.

use serde_json::json;
use thymos_core::TrajectoryId;
use thymos_core::pins::Pins;
use thymos_protocol::{Command, PinReport, ReplayReport, ReplayVerdict, ReplayedRun, Replied};

use super::super::client::{Client, unexpected};
use super::super::{pins, verify};
use crate::args::ReplayArgs;
use crate::error::AppError;
use crate::{out, tell};

/// Verifies, prints, and gives the exit code: 13 when anything diverges, here or elsewhere in the
/// ledger; with `--alone` when this run does, or when a row cannot be said to be another's.
pub(super) async fn replay(
    client: &mut Client,
    trajectory: TrajectoryId,
    args: &ReplayArgs,
    wanted: Pins,
) -> Result<u8, AppError> {
    let mut report = match client.ask(Command::Replay { trajectory }).await? {
        Replied::Replayed(report) => *report,
        other => return Err(unexpected(&other)),
    };
    if args.alone {
        alone(&mut report, trajectory);
    }
    let pinned = match args.pins.any() {
        true => Some(held_against(client, &mut report, wanted).await?),
        false => None,
    };
    if args.json {
        out::json(
            &json!({ "runs": report.runs, "elsewhere": report.elsewhere, "unplaced": report.unplaced }),
        )?;
        if !args.alone {
            out::json(&report.ledger)?;
        }
    } else {
        print(&report, args.alone)?;
    }
    if let Some(pinned) = pinned.filter(|_| args.pins.pins) {
        match args.json {
            true => out::json(&json!({ "pins": pinned.met }))?,
            false => pins::list(&pinned)?,
        }
    }
    let here = report.runs.iter().any(|run| run.findings_total > 0);
    let sound = match args.alone {
        true => !here && report.unplaced == 0,
        false => report.ledger.findings.is_empty(),
    };
    Ok(if sound { 0 } else { 13 })
}

/// Holds the runs of a report against pins; what is otherwise is each run's own finding `[Y2]`.
async fn held_against(
    client: &mut Client,
    report: &mut ReplayReport,
    wanted: Pins,
) -> Result<PinReport, AppError> {
    let runs = report.runs.iter().map(|run| run.trajectory).collect();
    let pinned = pins::check(client, wanted, runs).await?;
    pins::add(&mut report.ledger.findings, &pinned);
    for found in &pinned.findings {
        let mut runs = report.runs.iter_mut();
        if let Some(run) = runs.find(|run| Some(run.trajectory) == found.trajectory) {
            run.findings.push(found.clone());
            run.findings_total += 1;
            run.verdict = ReplayVerdict::Diverged;
        }
    }
    Ok(pinned)
}

/// Leaves the run itself, and counts what is wrong in the others as elsewhere.
fn alone(report: &mut ReplayReport, trajectory: TrajectoryId) {
    let others = report
        .runs
        .iter()
        .filter(|run| run.trajectory != trajectory);
    report.elsewhere += others.map(|run| run.findings_total).sum::<u64>();
    report.runs.retain(|run| run.trajectory == trajectory);
    for run in &mut report.runs {
        run.depth = 0;
    }
}

fn print(report: &ReplayReport, alone: bool) -> Result<(), AppError> {
    let bad = report.runs.iter().filter(|run| run.findings_total > 0);
    let (all, bad) = (report.runs.len(), bad.count());
    let runs = if all == 1 { "run" } else { "runs" };
    let verdict = match bad {
        0 => "none diverges".to_owned(),
        bad => format!("{bad} DIVERGED"),
    };
    out::line(&format!("replayed {all} {runs}, {verdict}:"))?;
    for run in &report.runs {
        out::line(&format!("{}{}", indent(run), tell::replayed(run)))?;
        for found in &run.findings {
            let indent = indent(run);
            out::line(&format!("{indent}    {}", verify::located(found)))?;
        }
        let untold = run.findings_total.saturating_sub(run.findings.len() as u64);
        if untold > 0 {
            out::line(&format!("{}    {untold} more, not told", indent(run)))?;
        }
    }
    if alone {
        let covered = "only this run was judged; its past was folded, and not decided again";
        out::line(&format!("note: {covered}"))?;
        return match report.elsewhere {
            0 => Ok(()),
            more => out::line(&format!(
                "note: findings elsewhere in the ledger: {more}; `thymos verify` tells them"
            )),
        };
    }
    verify::print(&report.ledger)
}

fn indent(run: &ReplayedRun) -> String {
    let depth = usize::try_from(run.depth).unwrap_or(usize::MAX).min(32);
    "  ".repeat(depth + 1)
}
