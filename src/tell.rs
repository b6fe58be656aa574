//! Events as labelled lines: what `run`, `audit` and plain mode print. Append-only, no colour.

use thymos_core::approval::Via;
use thymos_core::body::{Role, Stop};
use thymos_core::budget::Cost;
use thymos_core::presentation::Label;
use thymos_protocol::{Card, Event, FileChange, HoldRow, ReplayVerdict, ReplayedRun, What};

use crate::out::{safe, safe_lines};

/// How much of a tool's output is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One line a call.
    Brief,
    /// With outputs, traces and sequence numbers.
    Full,
}

/// Lines kept of an output at either end.
const OUTPUT_LINES: usize = 5;

/// What was spent between two moments: `120 -> 340 tokens (+220), 2 -> 5 tool calls (+3)`.
#[must_use]
pub fn spent(from: &Cost, to: &Cost) -> String {
    let amounts = [
        ("tokens", from.tokens, to.tokens),
        ("tool calls", from.tool_calls, to.tool_calls),
        ("ms", from.wall_clock_ms, to.wall_clock_ms),
        (
            "thousandths of a cent",
            from.usd_millicents,
            to.usd_millicents,
        ),
    ];
    let told: Vec<String> = amounts
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(|(unit, from, to)| {
            let sign = if to >= from { '+' } else { '-' };
            format!("{from} -> {to} {unit} ({sign}{})", to.abs_diff(from))
        })
        .collect();
    match told.is_empty() {
        true => "the same".to_owned(),
        false => told.join(", "),
    }
}

/// Tells one event; several lines, or none when it says nothing to a person.
#[must_use]
pub fn tell(event: &Event, detail: Detail) -> Vec<String> {
    let mut lines = match &event.what {
        What::Opened { .. }
        | What::Said { .. }
        | What::Used { .. }
        | What::Note { .. }
        | What::Closed { .. } => talk(&event.what, detail),
        What::Intended { .. }
        | What::Rejected { .. }
        | What::Suspended { .. }
        | What::Decided { .. }
        | What::Superseded { .. } => gate(&event.what),
        What::Started { .. }
        | What::Committed { .. }
        | What::Failed { .. }
        | What::Settled { .. } => effect(&event.what, detail),
        What::WritIssued { .. } | What::WritRevoked { .. } | What::ModeChanged { .. } => {
            authority(&event.what, detail)
        }
    };
    if detail == Detail::Full
        && let Some(first) = lines.first_mut()
    {
        *first = format!("{:>5} {} {first}", event.seq, event.at_ms.clock());
    }
    lines
}

/// One event in one line, as a row of a list: also what says nothing while a run goes on, like what a turn cost.
#[must_use]
pub fn row(event: &Event) -> String {
    let lines = match &event.what {
        What::Used { .. } => talk(&event.what, Detail::Full),
        _ => tell(event, Detail::Brief),
    };
    lines.into_iter().next().unwrap_or_default()
}

/// What was said, and what it cost to say it.
fn talk(what: &What, detail: Detail) -> Vec<String> {
    match what {
        What::Opened {
            workspace,
            operator,
        } => vec![format!("opened: {} by {}", safe(workspace), safe(operator))],
        What::Said { role, text, .. } => said(*role, text),
        What::Used {
            provider,
            model,
            tokens_in,
            tokens_out,
            usd_millicents,
            ..
        } if detail == Detail::Full => {
            let price = usd_millicents.map_or("price unknown".to_owned(), money);
            vec![format!(
                "usage: {}/{} {tokens_in} in, {tokens_out} out, {price}",
                safe(provider),
                safe(model)
            )]
        }
        What::Closed { stop, turns } => {
            vec![format!(
                "stop: {} after {}",
                stop_words(stop),
                counted_turns(*turns)
            )]
        }
        What::Note { line } => vec![format!("note: {}", safe(line))],
        _ => Vec::new(),
    }
}

/// What was wanted, and what gate and people said of it.
fn gate(what: &What) -> Vec<String> {
    match what {
        What::Intended {
            tool,
            line,
            by_operator,
            ..
        } => {
            let who = if *by_operator {
                " (by the operator)"
            } else {
                ""
            };
            let call = format!("{} {}", safe(tool), safe(line));
            vec![format!("intent: {}{who}", call.trim_end())]
        }
        What::Rejected {
            tool,
            clause,
            reason,
            suggestion,
            denied,
            ..
        } => {
            // A person's no needs no clause: who said it stands in its reason.
            let mut lines = vec![if *denied {
                format!("denied: {} {}", safe(tool), safe(reason))
            } else {
                format!("rejected: {} [{clause}] {}", safe(tool), safe(reason))
            }];
            if let Some(suggestion) = suggestion {
                lines.push(format!("  what would allow it: {}", safe(suggestion)));
            }
            lines
        }
        What::Suspended { card, .. } => suspended(card),
        What::Decided {
            approved,
            by,
            reason,
            proposal,
            ..
        } => {
            let word = if *approved { "approved" } else { "denied" };
            let because = if reason.is_empty() { "" } else { ": " };
            vec![format!(
                "decision: {} {word} by {} via {}{because}{}",
                proposal.short(),
                safe(&by.name),
                via_word(by.via),
                safe(reason)
            )]
        }
        What::Superseded {
            proposal, reason, ..
        } => vec![format!("superseded: {} {}", proposal.short(), safe(reason))],
        _ => Vec::new(),
    }
}

/// What was done.
fn effect(what: &What, detail: Detail) -> Vec<String> {
    match what {
        What::Started {
            tool,
            line,
            effect,
            rung,
            allowed_by,
            ..
        } => vec![format!(
            "staged: {} (effect {effect}, {}, cage {rung})",
            format!("{} {}", safe(tool), safe(line)).trim_end(),
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
            let word = if *ok { "commit" } else { "commit (not ok)" };
            let mut lines = vec![format!("{word}: {} {}", safe(tool), safe(summary))];
            lines.extend(changes.iter().map(change));
            if detail == Detail::Full {
                lines.extend(unseen.iter().map(|unseen| format!("  {}", safe(unseen))));
                lines.extend(output(observation));
            }
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
                "failure: {} {fault}: {}",
                safe(tool),
                safe(message)
            )];
            lines.extend(changes.iter().map(change));
            lines
        }
        What::Settled { proposal, how, by } => vec![format!(
            "settled: {} {how} (signed by {})",
            proposal.short(),
            safe(by)
        )],
        _ => Vec::new(),
    }
}

/// Who may do what.
fn authority(what: &What, detail: Detail) -> Vec<String> {
    match what {
        What::WritIssued { id, line } => vec![format!("writ: {} {}", id.short(), safe(line))],
        What::WritRevoked { id, reason } => {
            vec![format!("writ revoked: {} {}", id.short(), safe(reason))]
        }
        What::ModeChanged {
            mode, difference, ..
        } => {
            let mut lines = vec![format!("mode: {mode}")];
            if detail == Detail::Full {
                lines.extend(difference.iter().map(|line| format!("  {}", safe(line))));
            }
            lines
        }
        _ => Vec::new(),
    }
}

/// Who speaks.
#[must_use]
pub const fn role_words(role: Role) -> &'static str {
    match role {
        Role::Operator => "you",
        Role::Model => "ai",
        Role::Steer => "you (steering)",
        Role::System => "thymos",
        Role::Summary => "ai (summing up)",
        Role::Parent => "task",
    }
}

fn said(role: Role, text: &str) -> Vec<String> {
    let who = role_words(role);
    let text = safe_lines(text);
    if text.is_empty() {
        return Vec::new();
    }
    text.lines()
        .map(|line| format!("{who}: {line}").trim_end().to_owned())
        .collect()
}

fn suspended(card: &Card) -> Vec<String> {
    vec![format!(
        "suspended: {} {} {} (effect {}): {}",
        card.proposal.short(),
        safe(&card.tool),
        safe(&card.line),
        card.effect,
        safe(&card.reasons.join("; "))
    )]
}

/// The whole text of a card, as `approvals show` prints it.
#[must_use]
pub fn card(card: &Card) -> Vec<String> {
    let back = if card.reversible {
        "reversible"
    } else {
        "not reversible"
    };
    let mut lines = vec![
        format!("proposal  {}", card.proposal),
        format!("presented {}", card.presented),
        format!(
            "{} - effect {} - risk {} - {back}",
            safe(&card.tool),
            card.effect,
            card.risk
        ),
    ];
    for field in &card.presentation.fields {
        lines.push(String::new());
        lines.push(field.label.word().to_owned());
        let indent = if field.label == Label::Body { "" } else { "  " };
        lines.extend(
            field
                .lines
                .iter()
                .flat_map(|line| exact(line))
                .map(|line| format!("{indent}{line}")),
        );
    }
    lines
}

/// Exact text: trailing spaces and tabs are marked too, since what is shown is what runs.
fn exact(line: &str) -> Vec<String> {
    line.split('\n')
        .map(|part| crate::ui::safe_text::SafeText::exact(part).shown())
        .collect()
}

fn change(change: &FileChange) -> String {
    let size = |size: Option<u64>| size.map_or("-".to_owned(), |n| n.to_string());
    format!(
        "  {} {} ({} -> {} bytes)",
        change.change,
        safe(&change.path),
        size(change.size_before),
        size(change.size_after)
    )
}

fn output(observation: &str) -> Vec<String> {
    let all: Vec<String> = safe_lines(observation)
        .lines()
        .map(|line| format!("  | {line}"))
        .collect();
    if all.len() <= OUTPUT_LINES * 2 {
        return all;
    }
    let hidden = all.len() - OUTPUT_LINES * 2;
    let mut lines = all.get(..OUTPUT_LINES).unwrap_or_default().to_vec();
    lines.push(format!("  | ... {hidden} more lines ..."));
    lines.extend_from_slice(all.get(all.len() - OUTPUT_LINES..).unwrap_or_default());
    lines
}

fn money(millicents: u64) -> String {
    format!("${}.{:05}", millicents / 100_000, millicents % 100_000)
}

pub(crate) const fn via_word(via: Via) -> &'static str {
    match via {
        Via::Tui => "the app",
        Via::Plain => "plain mode",
        Via::Cli => "the command line",
        Via::Timer => "the timer",
    }
}

/// How many agree with a held call, who, and who is asked for the rest; none where one is enough:
/// `1 of 2 agree: ada; 1 missing, asked of bob, cleo`.
#[must_use]
pub fn quorum(row: &HoldRow) -> Option<String> {
    let needed = row.card.quorum;
    // Where one is enough and somebody has agreed, it is somebody else who is asked.
    if needed <= 1 && row.approved_by.is_empty() {
        return None;
    }
    let said = match row.approved_by.as_slice() {
        [] => "nobody yet".to_owned(),
        names => names.join(", "),
    };
    let missing = needed.saturating_sub(row.approvals);
    let names = asked(row);
    let of = if names.is_empty() {
        String::new()
    } else {
        format!(", asked of {}", names.join(", "))
    };
    let rest = match missing {
        0 => "nobody is missing".to_owned(),
        missing => format!("{missing} missing{of}"),
    };
    Some(format!(
        "{} of {needed} agree: {said}; {rest}",
        row.approvals
    ))
}

/// The names that are asked for and have not agreed yet, as the card itself tells them.
fn asked(row: &HoldRow) -> Vec<&str> {
    let fields = row.card.presentation.fields.iter();
    let lines = fields
        .filter(|field| field.label == Label::Quorum)
        .flat_map(|field| field.lines.iter());
    let names = lines.filter_map(|line| line.strip_prefix("of ")?.rsplit_once(": "));
    names
        .flat_map(|(names, _)| names.split(", "))
        .filter(|name| !row.approved_by.iter().any(|by| by == name))
        .collect()
}

/// How many turns a run had, in words.
pub(crate) fn counted_turns(turns: u32) -> String {
    match turns {
        1 => "1 turn".to_owned(),
        _ => format!("{turns} turns"),
    }
}

/// Why a run ended, in words.
#[must_use]
pub fn stop_words(stop: &Stop) -> String {
    match stop {
        Stop::Done => "done".into(),
        Stop::Held => "waiting for a decision".into(),
        Stop::Steps => "the limit of turns is reached".into(),
        Stop::Budget(dimension) => format!("the budget of {} is spent", safe(dimension)),
        Stop::Authority(why) => safe(why),
        Stop::Cancelled => "cancelled".into(),
        Stop::Model(why) => format!("the model cannot be used: {}", safe(why)),
    }
}

/// A run of a replayed tree and its verdict, such as `delegated at 14  3f9a61c2  verified  21 entries,
/// 3 decisions, 4 signatures, world 8c115a0e`.
pub fn replayed(run: &ReplayedRun) -> String {
    let at = run
        .at_seq
        .map_or_else(String::new, |seq| format!(" at {seq}"));
    let verdict = match run.verdict {
        ReplayVerdict::Verified => "verified",
        ReplayVerdict::Diverged => "DIVERGED",
        ReplayVerdict::Unchecked => "not all checked",
        ReplayVerdict::NotBegun => "not begun",
    };
    let mut parts = vec![
        format!("{} entries", run.entries),
        format!("{} decisions", run.decisions),
        format!("{} signatures", run.signatures),
    ];
    if run.witnessed > 0 {
        parts.push(format!("{} witnessed", run.witnessed));
    }
    if run.unchecked > 0 {
        parts.push(format!("{} checks not possible", run.unchecked));
    }
    if let Some(world) = &run.world {
        let short: String = world.chars().take(8).collect();
        parts.push(format!("world {short}"));
    }
    let (kinship, id) = (safe(&run.kinship), run.trajectory.short());
    format!("{kinship}{at}  {id}  {verdict}  {}", parts.join(", "))
}
