//! `thymos audit`: the whole story of a trajectory with every trace, and the proof at the end; or where
//! one thing of it comes from.

use thymos_core::trace::Ruling;
use thymos_protocol::{Command, Detail, Event, Replied, TraceRow, What};

use super::client::{Client, unexpected};
use super::{ids, verify};
use crate::args::AuditArgs;
use crate::error::AppError;
use crate::out;
use crate::tell;

mod provenance;

pub(super) async fn tell_all(
    client: &mut Client,
    events: &[Event],
    json: bool,
) -> Result<(), AppError> {
    for event in events {
        let decides = decides(event);
        if json {
            out::json(event)?;
            continue;
        }
        for line in tell::tell(event, tell::Detail::Full) {
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

/// Whether the gate decided something by it, so that there is a trace.
pub(super) const fn decides(event: &Event) -> bool {
    matches!(
        event.what,
        What::Rejected { .. } | What::Suspended { .. } | What::Started { .. }
    )
}

/// What there is of an entry beside what it says.
pub(super) async fn detail(client: &mut Client, event: &Event) -> Result<Box<Detail>, AppError> {
    match client.ask(Command::Inspect { entry: event.entry }).await? {
        Replied::Detail(detail) => Ok(detail),
        other => Err(unexpected(&other)),
    }
}

/// Those lines of a trace that say more than yes: of a rule, or of who asked or forbade.
pub(super) fn telling(detail: &Detail) -> impl Iterator<Item = &TraceRow> {
    let rows = detail.trace.iter();
    rows.filter(|row| row.rule.is_some() || row.ruling > Ruling::Permit)
}

pub(super) const fn ruling_word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Permit => "permit",
        Ruling::Ask => "ask",
        Ruling::Forbid => "forbid",
    }
}

/// The trace in brief: what permitted is counted, what asked or forbade is quoted.
async fn trace(client: &mut Client, event: &Event) -> Result<(), AppError> {
    let detail = detail(client, event).await?;
    let permitted = detail
        .trace
        .iter()
        .filter(|row| row.ruling == Ruling::Permit)
        .count();
    out::line(&format!(
        "        trace: {permitted} of {} permit",
        detail.trace.len()
    ))?;
    for row in telling(&detail) {
        let rule = row
            .rule
            .as_deref()
            .map(|rule| format!(" {rule}"))
            .unwrap_or_default();
        let ruling = ruling_word(row.ruling);
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
