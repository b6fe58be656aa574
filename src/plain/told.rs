//! Entries as labelled lines. Every line of text from elsewhere stands behind a label of its own.
//!
//! Knows the session's numbers for approvals, and keeps nothing.

use thymos_core::body::{Role, Stop};
use thymos_protocol::{Event, FileChange, What};

use super::words::{labelled, number_of, spoken};
use crate::app::App;
use crate::app::session::Output;
use crate::out::safe;
use crate::tell::{counted_turns, stop_words, via_word};

/// The lines of an entry; none when it says nothing to a person. What the model says is told elsewhere, since
/// some of it may have been told while it was written.
pub(super) fn lines(event: &Event, app: &App) -> Vec<String> {
    match &event.what {
        What::Said { role, text, .. } => said(*role, text),
        What::Intended { .. } | What::Rejected { .. } => wanted(&event.what),
        What::Decided { .. } | What::Superseded { .. } | What::Settled { .. } => {
            decided(&event.what, app)
        }
        What::Started { .. } | What::Committed { .. } | What::Failed { .. } => done(event),
        What::WritIssued { id, line } => vec![format!("writ: {} {}", id.short(), safe(line))],
        What::WritRevoked { id, reason } => {
            vec![format!("writ: {} is revoked: {}", id.short(), safe(reason))]
        }
        What::ModeChanged { mode, .. } => vec![format!("mode: {mode} is in force")],
        What::Closed { stop, turns } => vec![closed(stop, *turns)],
        What::Note { line } => vec![format!("notice: {}", safe(line))],
        What::Opened {
            workspace,
            operator,
        } => {
            vec![format!(
                "run: opened in {} by {}",
                safe(workspace),
                safe(operator)
            )]
        }
        // What a hold says is its card; what a turn cost is in the status.
        What::Suspended { .. } | What::Used { .. } => Vec::new(),
    }
}

/// What somebody said. The label is ours alone: no line of the words begins one.
pub(super) fn said(role: Role, text: &str) -> Vec<String> {
    let label = match role {
        Role::Operator => "you",
        Role::Steer => "you, steering",
        Role::Model => "answer",
        Role::System => "thymos",
        Role::Summary => "summary",
        Role::Parent => "task",
    };
    match text.trim_end() {
        "" => Vec::new(),
        text => spoken(label, text),
    }
}

/// `approval 2`, or the id's beginning where it has no number here.
pub(super) fn numbered(app: &App, proposal: thymos_core::ProposalId) -> String {
    match app.session.number(proposal) {
        Some(number) => format!("approval {number}"),
        None => format!("proposal {}", proposal.short()),
    }
}

/// A call in one line.
pub(super) fn call(tool: &str, line: &str) -> String {
    // Most tools begin their line with their own name.
    match line.starts_with(tool) {
        true => safe(line),
        false => format!("{} {}", safe(tool), safe(line))
            .trim_end()
            .to_owned(),
    }
}

fn wanted(what: &What) -> Vec<String> {
    match what {
        What::Intended {
            tool,
            line,
            by_operator,
            ..
        } => {
            let who = if *by_operator { ", wanted by you" } else { "" };
            vec![format!("intent: {}{who}", call(tool, line))]
        }
        // A person's no is told by the decision.
        What::Rejected { denied: true, .. } => Vec::new(),
        What::Rejected {
            tool,
            line,
            clause,
            reason,
            suggestion,
            ..
        } => {
            let mut lines = vec![format!(
                "refused: {}, clause {clause}: {}",
                call(tool, line),
                safe(reason)
            )];
            let allowed = suggestion.iter();
            lines.extend(
                allowed.map(|grant| format!("refused: what would allow it: {}", safe(grant))),
            );
            lines
        }
        _ => Vec::new(),
    }
}

fn decided(what: &What, app: &App) -> Vec<String> {
    match what {
        What::Decided {
            proposal,
            approved,
            by,
            reason,
            ..
        } => {
            let word = if *approved { "approved" } else { "denied" };
            let who = match app.card.is_answered(*proposal) && by.via == app.via {
                true => "you".to_owned(),
                false => format!("{} via {}", safe(&by.name), via_word(by.via)),
            };
            let why = match reason.is_empty() {
                true => String::new(),
                false => format!(", reason recorded: {}", safe(reason)),
            };
            vec![format!(
                "decision: {} {word} by {who}{why}",
                numbered(app, *proposal)
            )]
        }
        What::Superseded {
            proposal, reason, ..
        } => {
            vec![format!(
                "decision: {} is superseded: {}",
                numbered(app, *proposal),
                safe(reason)
            )]
        }
        What::Settled { proposal, how, by } => {
            let about = numbered(app, *proposal);
            vec![format!(
                "decision: {about} settled, {} (signed by {})",
                safe(how),
                safe(by)
            )]
        }
        _ => Vec::new(),
    }
}

fn done(event: &Event) -> Vec<String> {
    match &event.what {
        What::Started {
            tool,
            line,
            effect,
            rung,
            allowed_by,
            ..
        } => vec![format!(
            "tool: {} begins, effect {effect}, cage {rung}, {}",
            call(tool, line),
            safe(allowed_by)
        )],
        What::Committed {
            tool,
            ok,
            summary,
            changes,
            observation,
            unseen,
            ..
        } => {
            let word = if *ok {
                "done"
            } else {
                "ended and did not succeed"
            };
            let mut lines = vec![format!(
                "tool: {} {word}, entry {}: {}",
                safe(tool),
                event.seq,
                safe(summary)
            )];
            lines.extend(changes.iter().map(change));
            lines.extend(
                unseen
                    .iter()
                    .map(|unseen| format!("tool: {}", safe(unseen))),
            );
            lines.extend(output(observation, event.seq));
            lines
        }
        What::Failed {
            tool,
            fault,
            message,
            changes,
            ..
        } => {
            let mut lines = vec![format!(
                "tool: {} failed, {fault}: {}",
                safe(tool),
                safe(message)
            )];
            lines.extend(changes.iter().map(change));
            lines
        }
        _ => Vec::new(),
    }
}

fn change(change: &FileChange) -> String {
    let path = safe(&change.path);
    let sizes = match (change.size_before, change.size_after) {
        (Some(before), Some(after)) => format!(", from {before} to {after} bytes"),
        (None, Some(after)) => format!(", {after} bytes"),
        (Some(before), None) => format!(", {before} bytes before"),
        (None, None) => String::new(),
    };
    format!("tool: {} {path}{sizes}", safe(&change.change))
}

/// As much of an output as the screen shows, and how to have the rest.
fn output(observation: &str, seq: u64) -> Vec<String> {
    let output = Output::of(observation);
    let mut lines: Vec<String> = output
        .first
        .iter()
        .flat_map(|line| labelled("output", line))
        .collect();
    if output.hidden > 0 {
        let hidden = number_of(output.hidden, "more line");
        lines.push(format!(
            "tool: {hidden} of output here. Type output {seq} to have all of it."
        ));
    }
    lines.extend(output.last.iter().flat_map(|line| labelled("output", line)));
    lines
}

fn closed(stop: &Stop, turns: u32) -> String {
    let turns = counted_turns(turns);
    match stop {
        Stop::Done => format!("run: done after {turns}"),
        Stop::Held => format!("run: waits for your decision after {turns}"),
        Stop::Cancelled => format!("run: stopped by you after {turns}"),
        Stop::Steps | Stop::Budget(_) | Stop::Authority(_) | Stop::Model(_) => {
            format!("run: stopped after {turns}: {}", stop_words(stop))
        }
    }
}
