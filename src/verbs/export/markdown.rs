//! A trajectory as a story in markdown. Pure: events in, text out.
//!
//! Whatever others wrote stands in a code span or a fence that it cannot close, and nowhere else, so that it
//! is no heading, link or markup of the story's own. What was erased or redacted is said where it stood.

use thymos_core::TrajectoryId;
use thymos_core::secret::MARKER_OPEN;
use thymos_protocol::{Detail, Event, What};

use super::super::audit;
use crate::out::{safe, safe_lines};
use crate::tell;

/// The title, and what of the run holds for all of it.
pub(super) fn head(trajectory: TrajectoryId, events: &[Event]) -> String {
    let mut lines = vec![
        format!("# thymos run {}", trajectory.short()),
        String::new(),
        format!("- trajectory {}", code(&trajectory.to_string())),
    ];
    if let (Some(first), Some(last)) = (events.first(), events.last()) {
        let count = events.len();
        let (from, to) = (moment(first), moment(last));
        lines.push(format!("- {count} entries, {from} to {to}"));
    }
    let erased = events.iter().filter(|event| event.is_erased()).count();
    if erased > 0 {
        lines.push(format!(
            "- **{erased} of them were erased**: that they stood there stays proved, what they said is gone"
        ));
    }
    lines.push(format!(
        "- this is to be read, and proves nothing: `thymos export {}` writes a bundle that does",
        trajectory.short()
    ));
    lines.push(String::new());
    lines.join("\n") + "\n"
}

/// One entry; `detail` where the gate decided something by it.
pub(super) fn entry(event: &Event, detail: Option<&Detail>) -> String {
    let mut text = match &event.what {
        _ if event.is_erased() => format!(
            "**erased** {} what this entry of kind {} said is gone\n\n",
            place(event),
            code(&event.kind)
        ),
        What::Said {
            role,
            text,
            reasoning,
            ..
        } => said(event, tell::role_words(*role), text, reasoning),
        _ => did(event),
    };
    text.push_str(&more(&event.what));
    for row in detail.into_iter().flat_map(audit::telling) {
        let rule = row
            .rule
            .as_deref()
            .map_or_else(String::new, |rule| format!(" rule {}", code(rule)));
        let ruling = audit::ruling_word(row.ruling);
        text.push_str(&format!(
            "- {} {ruling}{rule}: {}\n",
            row.clause,
            code(&row.said)
        ));
    }
    for writ in detail.into_iter().flat_map(|detail| &detail.writs) {
        text.push_str(&format!("- writ {}\n", code(writ)));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    let redacted = text.matches(MARKER_OPEN).count();
    if redacted > 0 {
        text.push_str(&format!(
            "*redacted: {redacted} marks `{MARKER_OPEN}..` stand here for secrets that were never recorded*\n\n"
        ));
    }
    text
}

fn said(event: &Event, who: &str, text: &str, reasoning: &str) -> String {
    let mut told = format!("## {who}\n\n{}\n\n", place(event));
    // A model that only calls says nothing.
    if !text.is_empty() {
        told.push_str(&fence(text));
    }
    if !reasoning.is_empty() {
        told.push_str(&format!("*reasoning*\n\n{}", fence(reasoning)));
    }
    told
}

/// What is told in a line elsewhere, as a word and what it is about; what stands below it follows.
fn did(event: &Event) -> String {
    let lines = match &event.what {
        What::Used { .. } => vec![tell::row(event)],
        _ => tell::tell(event, tell::Detail::Brief),
    };
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let (word, about) = first.split_once(": ").unwrap_or((&event.kind, &first));
    let mut text = format!("**{word}** {} {}\n\n", code(about), place(event));
    let below: String = lines
        .map(|line| format!("- {}\n", code(line.trim_start())))
        .collect();
    if !below.is_empty() {
        text.push_str(&format!("{below}\n"));
    }
    text
}

/// What the lines leave out: what was signed, what was read, how long it took.
fn more(what: &What) -> String {
    match what {
        What::Suspended { card, .. } => {
            let shown = tell::card(card).join("\n");
            format!("*what an approver is shown*\n\n{}", fence(&shown))
        }
        What::Decided { by, presented, .. } => {
            let seen = match by.fully_viewed {
                true => "all of it had been on screen",
                false => "not all of it had been on screen",
            };
            let digest = code(&presented.to_string());
            format!("- what they were shown has the digest {digest}; {seen}\n")
        }
        What::Committed {
            observation,
            truncated,
            unseen,
            ..
        } => {
            let mut text = unseen
                .iter()
                .map(|unseen| format!("- {}\n", code(unseen)))
                .collect::<String>();
            if *truncated {
                text.push_str("- the output was cut before it was recorded\n");
            }
            if !observation.is_empty() {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&fence(observation));
            }
            text
        }
        What::Opened { .. }
        | What::Said { .. }
        | What::Used { .. }
        | What::Intended { .. }
        | What::Rejected { .. }
        | What::Superseded { .. }
        | What::Started { .. }
        | What::Failed { .. }
        | What::Settled { .. }
        | What::WritIssued { .. }
        | What::WritRevoked { .. }
        | What::ModeChanged { .. }
        | What::Closed { .. }
        | What::Note { .. } => String::new(),
    }
}

fn place(event: &Event) -> String {
    format!("(entry {}, {})", event.seq, moment(event))
}

fn moment(event: &Event) -> String {
    format!("{} {} UTC", event.at_ms.date(), event.at_ms.clock())
}

/// Lines of others, between fences that are longer than any in them.
fn fence(text: &str) -> String {
    let text = safe_lines(text);
    let mark = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{mark}text\n{text}\n{mark}\n\n")
}

/// A value of others on one line, in a code span that it cannot close.
fn code(text: &str) -> String {
    let text = safe(text);
    if text.trim().is_empty() {
        return "(nothing)".to_owned();
    }
    let mark = "`".repeat(longest_run(&text) + 1);
    let edges = ['`', ' '];
    match text.starts_with(edges) || text.ends_with(edges) {
        // One blank at either end is taken off again by whoever reads it.
        true => format!("{mark} {text} {mark}"),
        false => format!("{mark}{text}{mark}"),
    }
}

/// How many backticks stand in a row at most.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|ch| ch != '`').map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
