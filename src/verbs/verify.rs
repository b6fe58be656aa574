//! `thymos verify`: checks the whole ledger and locates what is wrong. Exit 13 when anything is.

use thymos_protocol::{Command, Replied, VerifyFinding, VerifyReport};

use super::client::{Client, unexpected};
use crate::error::AppError;
use crate::out;

/// Verifies, prints the result, and gives the exit code.
pub(super) async fn verify(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let report = match client.ask(Command::Verify).await? {
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
    if report.findings.is_empty() {
        out::line(&format!(
            "verified: {} entries, trajectories: {}, {levels}",
            report.entries, report.trajectories
        ))?;
    } else {
        out::line(&format!(
            "NOT verified: {} findings in {} entries, {levels}",
            report.findings.len(),
            report.entries
        ))?;
    }
    for found in &report.findings {
        out::line(&format!("  {}", located(found)))?;
    }
    out::line(&format!("note: {}", report.caveat))
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
