//! `thymos audit`: the whole story of a trajectory with every trace, and the proof at the end; or where
//! one thing of it comes from.

use thymos_core::trace::Ruling;
use thymos_protocol::{Command, Event, Replied, What};

use super::client::{Client, unexpected};
use super::{ids, verify};
use crate::args::AuditArgs;
use crate::error::AppError;
use crate::out;
use crate::tell::{self, Detail};

mod provenance;

pub(super) async fn tell_all(
    client: &mut Client,
    events: &[Event],
    json: bool,
) -> Result<(), AppError> {
    for event in events {
        let decides = matches!(
            event.what,
            What::Rejected { .. } | What::Suspended { .. } | What::Started { .. }
        );
        if json {
            out::json(event)?;
            continue;
        }
        for line in tell::tell(event, Detail::Full) {
            out::line(&line)?;
        }
        if decides {
            trace(client, event).await?;
        }
    }
    Ok(())
}

pub(super) async fn tell(client: &mut Client, args: &AuditArgs) -> Result<u8, AppError> {
    let trajectory = ids::trajectory(client, &args.id).await?;
    if let Some(what) = &args.of {
        return provenance::tell(client, trajectory, what, args).await;
    }
    client.open(trajectory).await?;
    let news = client.news(trajectory, 0).await?;
    tell_all(client, &news.events, args.json).await?;
    verify::plainly(client, args.json).await
}

/// The trace in brief: what permitted is counted, what asked or forbade is quoted.
async fn trace(client: &mut Client, event: &Event) -> Result<(), AppError> {
    let detail = match client.ask(Command::Inspect { entry: event.entry }).await? {
        Replied::Detail(detail) => detail,
        other => return Err(unexpected(&other)),
    };
    let permitted = detail
        .trace
        .iter()
        .filter(|row| row.ruling == Ruling::Permit)
        .count();
    out::line(&format!(
        "        trace: {permitted} of {} permit",
        detail.trace.len()
    ))?;
    for row in detail
        .trace
        .iter()
        .filter(|row| row.rule.is_some() || row.ruling > Ruling::Permit)
    {
        let rule = row
            .rule
            .as_deref()
            .map(|rule| format!(" {rule}"))
            .unwrap_or_default();
        let ruling = match row.ruling {
            Ruling::Permit => "permit",
            Ruling::Ask => "ask",
            Ruling::Forbid => "forbid",
        };
        out::line(&format!(
            "        {} {ruling}{}: {}",
            row.clause,
            out::safe(&rule),
            out::safe(&row.said)
        ))?;
    }
    for writ in &detail.writs {
        out::line(&format!("        writ {}", out::safe(writ)))?;
    }
    Ok(())
}
