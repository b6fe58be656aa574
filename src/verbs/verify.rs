//! `thymos verify`: checks the whole ledger and locates what is wrong. Exit 13 when anything is.

use serde_json::{Value, json};
use thymos_core::pins::Pins;
use thymos_protocol::{Command, PinReport, Replied, VerifiedBefore, VerifyFinding, VerifyReport};

use super::client::{Client, unexpected};
use super::{Setting, pins};
use crate::args::{PinArgs, VerifyArgs};
use crate::error::{AppError, ErrorKind};
use crate::out;

/// Verifies, all of it or what is new since the last time, prints the result, and gives the exit code.
pub(super) async fn verify(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &VerifyArgs,
) -> Result<u8, AppError> {
    let wanted = pins::read(&args.pins, || Ok(setting.config.clone()))?;
    let report = report(client, args.since_last).await?;
    told(client, report, (&args.pins, wanted), args.json).await
}

/// All of it, with nothing required.
pub(super) async fn plainly(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let report = report(client, false).await?;
    told(client, report, (&PinArgs::default(), Pins::default()), json).await
}

async fn report(client: &mut Client, since_last: bool) -> Result<VerifyReport, AppError> {
    match client.ask(Command::Verify { since_last }).await? {
        Replied::Verified(report) => Ok(report),
        other => Err(unexpected(&other)),
    }
}

async fn told(
    client: &mut Client,
    mut report: VerifyReport,
    (args, wanted): (&PinArgs, Pins),
    json: bool,
) -> Result<u8, AppError> {
    let pinned = match args.any() {
        true => Some(pins::check(client, wanted, Vec::new()).await?),
        false => None,
    };
    if let Some(pinned) = &pinned {
        pins::add(&mut report.findings, pinned);
    }
    tell(&report, (args, pinned.as_ref()), json)?;
    Ok(if report.findings.is_empty() { 0 } else { 13 })
}

/// Prints a report, and what could be required where that was asked for.
pub(super) fn tell(
    report: &VerifyReport,
    (args, pinned): (&PinArgs, Option<&PinReport>),
    json: bool,
) -> Result<(), AppError> {
    if json {
        return out::json(&with_pins(report, args, pinned)?);
    }
    print(report)?;
    match pinned.filter(|_| args.pins) {
        Some(pinned) => pins::list(pinned),
        None => Ok(()),
    }
}

/// The report as JSON, with what could be required where that was asked for.
pub(super) fn with_pins(
    report: &VerifyReport,
    args: &PinArgs,
    pinned: Option<&PinReport>,
) -> Result<Value, AppError> {
    let value = serde_json::to_value(report);
    let mut value = value.map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?;
    if let (Some(pinned), Some(fields)) = (pinned.filter(|_| args.pins), value.as_object_mut()) {
        fields.insert("pins".into(), json!(pinned.met));
    }
    Ok(value)
}

pub(super) fn print(report: &VerifyReport) -> Result<(), AppError> {
    let levels = report.levels.join(", ");
    let looked = match &report.before {
        None => format!("{} entries", report.entries),
        Some(before) => format!(
            "{} new of {} entries",
            report.entries.saturating_sub(before.entries),
            report.entries
        ),
    };
    if report.findings.is_empty() {
        out::line(&format!(
            "verified: {looked}, trajectories: {}, {levels}",
            report.trajectories
        ))?;
    } else {
        let findings = report.findings.len();
        out::line(&format!(
            "NOT verified: {findings} findings in {looked}, {levels}"
        ))?;
    }
    if let Some(before) = &report.before {
        out::line(&left_out(before))?;
    }
    for found in &report.findings {
        out::line(&format!("  {}", located(found)))?;
    }
    out::line(&format!("note: {}", report.caveat))
}

/// `[Y3]` What was not looked at again, in a line.
fn left_out(before: &VerifiedBefore) -> String {
    format!(
        "not looked at again: the first {} entries (verified until {}, whole on {}), their blobs, and the storage; \
         `thymos verify` looks at all",
        before.entries,
        before.at.date(),
        before.whole.date()
    )
}

/// One finding in a line.
pub(super) fn located(found: &VerifyFinding) -> String {
    let place = match (found.trajectory, found.seq) {
        (Some(t), Some(seq)) => format!(" (trajectory {} entry {seq})", t.short()),
        _ => String::new(),
    };
    format!(
        "at index {}{place}: {}: expected {}, found {}",
        found.index,
        out::safe(&found.check),
        out::safe(&found.expected),
        out::safe(&found.found)
    )
}
