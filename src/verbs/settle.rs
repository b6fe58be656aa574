//! `thymos settle`: a person says what became of work that was found without an end `[X2]`.

use thymos_protocol::{Command, Replied, Settlement, What};

use super::client::{Client, unexpected};
use super::ids::unique;
use crate::args::SettleArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;

pub(super) async fn settle(client: &mut Client, args: &SettleArgs) -> Result<u8, AppError> {
    let rows = match client.ask(Command::Runs).await? {
        Replied::Runs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let mut open = Vec::new();
    for row in rows.iter().filter(|row| row.in_doubt > 0) {
        client.open(row.trajectory).await?;
        let news = client.news(row.trajectory, 0).await?;
        for event in news.events {
            if let What::Started {
                proposal,
                tool,
                line,
                ..
            } = event.what
            {
                open.push((proposal, row.trajectory, format!("{tool} {line}")));
            }
        }
    }
    let all = open.iter().map(|work| (work.0.to_string(), work));
    let (proposal, trajectory, what) =
        unique("unsettled proposal", &args.id, all).map_err(|error| {
            match error.hints.is_empty() {
                true => error.hint("`thymos runs` shows where something is in doubt"),
                false => error,
            }
        })?;
    let settlement = match args.as_.as_str() {
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
        trajectory: *trajectory,
        proposal: *proposal,
        settlement,
        reason: args.reason.clone(),
    };
    match client.ask(command).await? {
        Replied::Accepted => {
            out::line(&format!(
                "settled: {} {}",
                proposal.short(),
                out::safe(what)
            ))?;
            Ok(0)
        }
        other => Err(unexpected(&other)),
    }
}
