//! The canonical text of a held call: labelled fields from typed facts, never from model prose.
//!
//! Draws nothing and shortens nothing; the view escapes what does not print.

use serde_json::Value;
use thymos_core::budget::Dimension;
use thymos_core::intent::Author;
use thymos_core::presentation::{Field, Label, Presentation};
use thymos_core::proposal::Decided;
use thymos_core::resolved::{Access, PreviewKind, Resolved, ResolvedExec};
use thymos_core::tool::Compensation;
use thymos_core::verdict::{Ask, HoldTerms};

use crate::chain::CheckedChain;

/// Everything an approver is shown, in order.
#[must_use]
pub fn present(decided: &Decided, terms: &HoldTerms, chain: &CheckedChain) -> Presentation {
    let resolved = decided.proposal.resolved.as_ref();
    let fields = [
        (Label::What, what(decided)),
        (Label::Body, resolved.map_or_else(Vec::new, body)),
        (Label::Touches, touches(decided)),
        (Label::Why, why(terms)),
        (Label::Who, who(decided, chain)),
        (Label::Writ, writ(decided, chain)),
        (Label::Cost, resolved.map_or_else(Vec::new, cost)),
        (Label::Undo, resolved.map_or_else(Vec::new, undo)),
        (Label::Quorum, quorum(terms)),
        (
            Label::Notes,
            resolved.map_or_else(Vec::new, |r| r.notes.clone()),
        ),
    ];
    Presentation {
        fields: fields
            .into_iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(label, lines)| Field { label, lines })
            .collect(),
    }
}

fn what(decided: &Decided) -> Vec<String> {
    let intent = &decided.proposal.intent;
    let exec = decided
        .proposal
        .resolved
        .as_ref()
        .and_then(|resolved| resolved.exec.as_ref());
    let mut lines = vec![format!("tool {}", intent.tool)];
    match exec {
        Some(exec) => lines.extend(command(exec)),
        None => {
            let preview = decided
                .proposal
                .resolved
                .as_ref()
                .and_then(|r| r.preview.as_ref());
            // A whole diff says byte for byte what these arguments do; twice would bury it.
            let told_below = preview.is_some_and(|p| p.kind == PreviewKind::Diff && !p.truncated);
            lines.extend(arguments(&intent.args, told_below));
        }
    }
    lines
}

/// The command exactly as it would be started: one argument a line, so that no quoting can hide
/// where one ends and the next begins.
fn command(exec: &ResolvedExec) -> Vec<String> {
    let mut lines = vec![format!("$ {}", spelled(&exec.argv))];
    for (at, argument) in exec.argv.iter().enumerate() {
        lines.push(format!("argv[{at}] {}", quoted(argument)));
    }
    lines.push(format!(
        "exe {} {}",
        exec.executable, exec.executable_digest
    ));
    lines.push(format!("cwd {}", exec.cwd));
    if exec.env.is_empty() {
        lines.push("env nothing beyond the allow list".to_owned());
    }
    for (name, value) in &exec.env {
        lines.push(format!("env {name}={}", quoted(value)));
    }
    lines.push(match exec.stdin_bytes {
        0 => "stdin none".to_owned(),
        bytes => format!("stdin {bytes} bytes"),
    });
    lines.push(format!("timeout {} ms", exec.timeout_ms));
    if !exec.shape.is_empty() {
        lines.push(exec.shape.clone());
    }
    lines
}

/// Every argument whole. Long text keeps its lines, so that a page of it can be read.
fn arguments(args: &Value, told_below: bool) -> Vec<String> {
    let Some(map) = args.as_object() else {
        return vec![args.to_string()];
    };
    let mut lines = Vec::new();
    for (name, value) in map {
        if told_below && (value.is_array() || value.as_str().is_some_and(|t| t.contains('\n'))) {
            let size = value
                .as_str()
                .map_or_else(|| value.to_string().len(), str::len);
            lines.push(format!("{name} {size} bytes, as the diff below"));
        } else if let Some(text) = value.as_str().filter(|text| text.contains('\n')) {
            let count = text.split('\n').count();
            lines.push(format!("{name} ({count} lines, {} bytes)", text.len()));
            // An empty line gets no trailing space, which the card would have to mark.
            lines.extend(text.split('\n').map(|line| match line {
                "" => "  |".to_owned(),
                line => format!("  | {line}"),
            }));
        } else {
            lines.push(format!("{name} {value}"));
        }
    }
    lines
}

fn body(resolved: &Resolved) -> Vec<String> {
    let Some(preview) = &resolved.preview else {
        return Vec::new();
    };
    let mut lines = vec![format!("+{} -{}", preview.added, preview.removed)];
    // Not `lines()`: it would hide the carriage return of a CRLF.
    let text = preview.text.strip_suffix('\n').unwrap_or(&preview.text);
    lines.extend(text.split('\n').map(str::to_owned));
    if preview.truncated {
        lines.push("the text was cut at the limit; this is not all of it".to_owned());
    }
    lines
}

fn touches(decided: &Decided) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(resolved) = &decided.proposal.resolved {
        lines.push(format!(
            "effect {}, risk {}",
            resolved.effect, resolved.risk
        ));
        for path in &resolved.paths {
            let mut line = format!("{} {}", access(path.access), path.path);
            if let (Some(before), Some(after)) = (&path.before, &path.after)
                && before.mode != after.mode
            {
                line.push_str(&format!(", mode {:o} to {:o}", before.mode, after.mode));
            }
            lines.push(line);
        }
        for host in &resolved.hosts {
            let addresses = host.addresses.join(" ");
            lines.push(format!(
                "{} {}:{} at {addresses}",
                host.method, host.host, host.port
            ));
        }
        for seen in &resolved.resources {
            lines.push(seen.resource.text());
        }
    }
    let rung = decided.facts.rung;
    lines.push(format!("cage {rung}: {}", rung.describe()));
    lines
}

fn why(terms: &HoldTerms) -> Vec<String> {
    terms
        .asks
        .iter()
        .map(|ask| match &ask.rule {
            Some(rule) => format!("{rule}: {}", ask.reason),
            None => format!("{} ({}): {}", ask.clause, ask.clause.title(), ask.reason),
        })
        .collect()
}

fn who(decided: &Decided, chain: &CheckedChain) -> Vec<String> {
    let intent = &decided.proposal.intent;
    let author = match intent.author {
        Author::Model => "the model",
        Author::Operator => "an operator",
    };
    let turn = format!("{author}, turn {} call {}", intent.turn, intent.ordinal);
    match chain.leaf() {
        Some(leaf) => {
            let subject = &leaf.writ.subject;
            vec![format!(
                "{turn}, as {} ({})",
                subject.name,
                subject.key.short()
            )]
        }
        None => vec![turn],
    }
}

fn writ(decided: &Decided, chain: &CheckedChain) -> Vec<String> {
    let facts = &decided.facts;
    let links = chain.links();
    // A delegated run cannot see what others spend of the writs above: its share was taken from them
    // when it was ordered, and is the limit of its own.
    let leaf = links.last().map(|(id, _)| *id);
    let line = |(id, link): &(thymos_core::WritId, thymos_core::writ::SignedWrit)| {
        let writ = &link.writ;
        let until = match writ.window.expires_at {
            Some(end) => format!("until {end}"),
            None => "until revoked".to_owned(),
        };
        let spent = facts.spent.get(id).copied().unwrap_or_default();
        let mut text = format!(
            "{} {} from {}, {until}, {}",
            writ.name,
            id.short(),
            writ.issuer.name,
            writ.effects
        );
        if Some(*id) == leaf
            && let (Some(limit), Some(left)) = (
                writ.budget.limit(Dimension::ToolCalls),
                writ.budget.left(&spent, Dimension::ToolCalls),
            )
        {
            text.push_str(&format!(", {left} of {limit} calls left"));
        }
        text
    };
    links.iter().map(line).collect()
}

fn cost(resolved: &Resolved) -> Vec<String> {
    let cost = &resolved.estimate;
    let mut parts = vec![format!("at most {} ms", cost.wall_clock_ms)];
    if cost.tokens > 0 {
        parts.push(format!("{} tokens", cost.tokens));
    }
    let (dollars, rest) = (cost.usd_millicents / 100_000, cost.usd_millicents % 100_000);
    parts.push(format!("${dollars}.{rest:05}"));
    vec![parts.join(", ")]
}

fn undo(resolved: &Resolved) -> Vec<String> {
    vec![match &resolved.compensation {
        Compensation::Unneeded => "nothing to undo".to_owned(),
        Compensation::FromRecord => "from the record".to_owned(),
        Compensation::Impossible(why) => format!("none: {why}"),
    }]
}

fn quorum(terms: &HoldTerms) -> Vec<String> {
    let ask_line = |ask: &Ask| {
        let names = ask.approvers.join(", ");
        format!("of {names}: {}", ask.quorum.max(1))
    };
    let mut lines = vec![format!("{} needed", terms.quorum())];
    lines.extend(
        terms
            .asks
            .iter()
            .filter(|ask| !ask.approvers.is_empty())
            .map(ask_line),
    );
    if let Some(expiry) = terms.expires_after_ms() {
        lines.push(format!("denied by the timer after {expiry} ms"));
    }
    lines
}

const fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Create => "create",
        Access::Delete => "delete",
    }
}

/// The words of a command, with quotes wherever a space or a special character needs them.
fn spelled(argv: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || "-_./=:,+@%".contains(c))
    };
    let words: Vec<String> = argv
        .iter()
        .map(|word| {
            if plain(word) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        })
        .collect();
    words.join(" ")
}

/// As JSON text, so that a line break or a quote in it cannot pass for one of ours.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
