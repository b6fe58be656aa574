//! `thymos settle`: a person says what became of work that was found without an end `[X2]`, or sees what
//! there is of it.

use std::collections::BTreeMap;

use thymos_core::TrajectoryId;
use thymos_core::id::ProposalId;
use thymos_protocol::{Command, Replied, RunRow, Settlement, What};

use super::client::{Client, unexpected};
use super::ids::unique;
use crate::args::SettleArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;

/// A call that was found without an end.
pub(super) struct Doubt {
    pub(super) proposal: ProposalId,
    pub(super) trajectory: TrajectoryId,
    /// Its tool, and what it was to do.
    pub(super) what: String,
}

/// Every call that is in doubt: of one run and what it delegated, at any depth, or of all.
pub(super) async fn doubts(
    client: &mut Client,
    of: Option<TrajectoryId>,
) -> Result<Vec<Doubt>, AppError> {
    let rows = match client.ask(Command::Runs).await? {
        Replied::Runs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let wanted = |row: &&RunRow| row.in_doubt > 0 && of.is_none_or(|of| is_below(row, of, &rows));
    let mut found = Vec::new();
    for row in rows.iter().filter(wanted) {
        client.open(row.trajectory).await?;
        let mut open = BTreeMap::new();
        for event in client.news(row.trajectory, 0).await?.events {
            match event.what {
                What::Started {
                    proposal,
                    tool,
                    line,
                    ..
                } => drop(open.insert(proposal, format!("{tool} {line}"))),
                What::Committed { proposal, .. }
                | What::Failed { proposal, .. }
                | What::Settled { proposal, .. } => drop(open.remove(&proposal)),
                _ => {}
            }
        }
        found.extend(open.into_iter().map(|(proposal, what)| Doubt {
            proposal,
            trajectory: row.trajectory,
            what,
        }));
    }
    Ok(found)
}

/// Whether a run is this one, or was delegated by it or below it.
fn is_below(row: &RunRow, above: TrajectoryId, rows: &[RunRow]) -> bool {
    let mut at = Some(row);
    // A record that goes round in a circle ends here all the same.
    for _ in 0..rows.len() {
        let Some(row) = at else {
            return false;
        };
        if row.trajectory == above {
            return true;
        }
        let up = row.parent.as_ref().filter(|up| !up.branched);
        at = up.and_then(|up| rows.iter().find(|row| row.trajectory == up.trajectory));
    }
    false
}

/// Says what is in doubt, and how it is settled.
pub(super) fn tell_doubts(doubts: &[Doubt]) {
    if doubts.is_empty() {
        return;
    }
    out::talk(&format!("thymos: {} in doubt after a crash:", doubts.len()));
    for doubt in doubts {
        let what = out::safe(&doubt.what);
        out::talk(&format!("  {}  {what}", doubt.proposal.short()));
    }
    out::talk(
        "  look what became of it, then: thymos settle ID --as happened|did-not-happen|unknown",
    );
}

/// The call in doubt that is meant.
pub(super) async fn doubt(client: &mut Client, id: &str) -> Result<Doubt, AppError> {
    let mut all = doubts(client, None).await?;
    let proposal = chosen(&all, id)?.proposal;
    all.retain(|doubt| doubt.proposal == proposal);
    let none = || AppError::new(ErrorKind::Internal, "a doubt that was chosen is gone");
    all.pop().ok_or_else(none)
}

fn chosen<'d>(doubts: &'d [Doubt], id: &str) -> Result<&'d Doubt, AppError> {
    let all = doubts
        .iter()
        .map(|doubt| (doubt.proposal.to_string(), doubt));
    unique("unsettled proposal", id, all).map_err(|error| match error.hints.is_empty() {
        true => error.hint(
            "`thymos settle` lists what is in doubt; what is open elsewhere is settled there",
        ),
        false => error,
    })
}

pub(super) async fn settle(client: &mut Client, args: &SettleArgs) -> Result<u8, AppError> {
    let doubts = doubts(client, None).await?;
    let (Some(id), Some(as_)) = (&args.id, &args.as_) else {
        for doubt in &doubts {
            let (proposal, run) = (doubt.proposal.short(), doubt.trajectory.short());
            out::line(&format!(
                "{proposal}  run {run}  {}",
                out::safe(&doubt.what)
            ))?;
        }
        if doubts.is_empty() {
            out::talk("thymos: nothing is in doubt");
        }
        // Who has a run open knows what is in doubt there, and nobody else does.
        let open = match client.ask(Command::Runs).await? {
            Replied::Runs(rows) => rows.iter().filter(|row| row.state == "running").count(),
            other => return Err(unexpected(&other)),
        };
        if open > 0 {
            out::talk(&format!(
                "thymos: runs with calls at work: {open}; where one is open in another process, what is in \
                 doubt in it is told and settled there, or here once that is closed"
            ));
        }
        return Ok(0);
    };
    let doubt = chosen(&doubts, id)?;
    let settlement = match as_.as_str() {
        "happened" => Settlement::Happened,
        "did-not-happen" => Settlement::DidNotHappen,
        "unknown" => Settlement::GaveUp,
        other => {
            return Err(AppError::new(
                ErrorKind::Usage,
                format!("unknown settlement `{other}`"),
            ));
        }
    };
    let command = Command::Settle {
        trajectory: doubt.trajectory,
        proposal: doubt.proposal,
        settlement,
        reason: args.reason.clone(),
    };
    match client.ask(command).await? {
        Replied::Accepted => {
            out::line(&format!(
                "settled: {} {}",
                doubt.proposal.short(),
                out::safe(&doubt.what)
            ))?;
            Ok(0)
        }
        other => Err(unexpected(&other)),
    }
}
