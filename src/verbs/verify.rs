//! `thymos verify`: checks the whole ledger and locates what is wrong. Exit 13 when anything is.

use thymos_protocol::{Command, Replied, VerifiedBefore, VerifyFinding, VerifyReport};

use super::client::{Client, unexpected};
use crate::error::AppError;
use crate::out;

/// Verifies, all of it or what is new since the last time, prints the result, and gives the exit code.
pub(super) async fn verify(
    client: &mut Client,
    (since_last, json): (bool, bool),
) -> Result<u8, AppError> {
    let report = match client.ask(Command::Verify { since_last }).await? {
        Replied::Verified(report) => report,
        other => return Err(unexpected(&other)),
    };
    if json {
        out::json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(if report.findings.is_empty() { 0 } else { 13 })
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
