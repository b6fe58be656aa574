//! What verification found, in lines. Only an empty list of findings is called verified `[Y3]`.

use thymos_protocol::{ReplayReport, ReplayVerdict, VerifyFinding, VerifyReport};

use crate::panes::reader::{Reader, Said, Topic};
use crate::tell::replayed;
use crate::theme::Role;

use super::state::Verification;

/// The report as it stands, to be read.
pub(crate) fn reader(verification: &Verification) -> Reader {
    Reader::new(Topic::Verify, "verify the chain", lines(verification))
}

/// The report as it stands.
pub(crate) fn lines(verification: &Verification) -> Vec<Said> {
    match verification {
        Verification::Idle => vec![Said::words(Role::Muted, "not asked for")],
        Verification::Running(None) => vec![Said::words(Role::Text, "verifying ..")],
        Verification::Running(Some(progress)) => {
            let percent = (progress.done * 100)
                .checked_div(progress.total)
                .unwrap_or(0);
            vec![Said::words(
                Role::Text,
                format!(
                    "verifying .. {} of {} entries, {percent} %",
                    progress.done, progress.total
                ),
            )]
        }
        Verification::Failed(why) => vec![
            Said::words(Role::Danger, "verification could not be done"),
            Said::words(Role::Text, why.clone()),
            Said::words(Role::Warn, "nothing is proved by this"),
        ],
        Verification::Done(report) => done(report),
        Verification::Replayed(report) => {
            let mut lines = done(&report.ledger);
            lines.extend(family(report));
            lines
        }
    }
}

/// What was covered of the run in view, and what came of each.
fn family(report: &ReplayReport) -> Vec<Said> {
    let mut lines = vec![
        Said::words(Role::Text, ""),
        Said::words(
            Role::Muted,
            "this run, those above it and those below, each by itself:",
        ),
    ];
    lines.extend(report.runs.iter().map(|run| {
        let depth = usize::try_from(run.depth).unwrap_or(usize::MAX).min(16);
        let role = match run.verdict {
            ReplayVerdict::Verified => Role::Ok,
            ReplayVerdict::Diverged => Role::Danger,
            ReplayVerdict::Unchecked | ReplayVerdict::NotBegun => Role::Warn,
        };
        Said::words(role, format!("{}{}", "  ".repeat(depth), replayed(run)))
    }));
    if report.elsewhere > 0 {
        let text = format!("findings in none of these runs: {}", report.elsewhere);
        lines.push(Said::words(Role::Danger, text));
    }
    lines
}

fn done(report: &VerifyReport) -> Vec<Said> {
    let scope = format!(
        "{} entries of {} trajectories, levels {}",
        report.entries,
        report.trajectories,
        report.levels.join(" ")
    );
    let mut lines = Vec::new();
    if report.findings.is_empty() {
        lines.push(Said::words(Role::Ok, format!("verified: {scope}")));
    } else {
        let count = report.findings.len();
        let unit = if count == 1 { "finding" } else { "findings" };
        lines.push(Said::words(
            Role::Danger,
            format!("BROKEN: {count} {unit} in {scope}"),
        ));
        for finding in &report.findings {
            lines.push(Said::words(Role::Text, ""));
            lines.extend(located(finding));
        }
    }
    lines.push(Said::words(Role::Text, ""));
    lines.push(Said::labelled(
        "note     ",
        Role::Warn,
        report.caveat.clone(),
    ));
    lines
}

fn located(finding: &VerifyFinding) -> Vec<Said> {
    let mut place = format!("log index {}", finding.index);
    if let Some(trajectory) = finding.trajectory {
        place.push_str(&format!(", trajectory {}", trajectory.short()));
    }
    if let Some(seq) = finding.seq {
        place.push_str(&format!(", seq {seq}"));
    }
    vec![
        Said::labelled("where    ", Role::Danger, place),
        Said::labelled("check    ", Role::Text, finding.check.clone()),
        Said::labelled("expected ", Role::Text, finding.expected.clone()),
        Said::labelled("found    ", Role::Text, finding.found.clone()),
    ]
}
