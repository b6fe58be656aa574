//! What lies over the app, as lines: a question, a list, a line that is wanted, text to read.
//!
//! What it is about stands behind `about:`, what can be answered behind `question:`; the first never looks
//! like the second.

use super::card::id;
use super::words::{exact, number_of, spoken_age};
use crate::app::overlay::{Choice, ModeQuestion};
use crate::app::session::Session;
use crate::app::{App, Overlay};
use crate::out::safe;
use crate::panes::picker::Picker;
use crate::panes::prompt::{Prompt, Purpose};
use crate::panes::question::Question;
use crate::panes::reader::Said;
use crate::panes::sign::{Scope, Sign, SignKind};

/// Rows of a list that are told; the rest is counted.
pub(super) const ROWS_MAX: usize = 20;

/// Something to answer, told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The lines.
    pub(super) lines: Vec<String>,
    /// The text that has been presented by them, where an answer depends on it.
    pub(super) presented: Option<String>,
}

/// The lines of what lies over the app and waits for an answer; none while it waits for the kernel.
pub(super) fn told(app: &App, overlay: &Overlay) -> Option<Told> {
    let mut presented = None;
    let lines = match overlay {
        Overlay::Quit(choice) => quit(app, *choice),
        Overlay::Mode(question) => mode(question),
        Overlay::Prompt(prompt) => prompted(app, prompt),
        Overlay::Picker(picker) if picker.loading => return None,
        Overlay::Picker(picker) => listed(picker),
        Overlay::Question(question) if question.waits.is_some() => return None,
        Overlay::Question(question) => {
            presented = Some(question.body.text());
            asked(question)
        }
        Overlay::Sign(sign) => {
            presented = Some(sign.body.text());
            return signed(sign).map(|lines| Told { lines, presented });
        }
        Overlay::Writ | Overlay::Reader(_) => return None,
    };
    Some(Told { lines, presented })
}

/// Lines to read, behind a label.
pub(super) fn read(label: &str, said: &[Said]) -> Vec<String> {
    let line = |said: &Said| {
        let text = match said.exact {
            true => exact(&said.text),
            false => safe(&said.text),
        };
        format!("{label}: {}{text}", safe(&said.head))
            .trim_end()
            .to_owned()
    };
    said.iter().map(line).collect()
}

fn choices<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let rows = words
        .enumerate()
        .map(|(at, words)| format!("{}, {}.", at + 1, safe(words)));
    format!(
        "question: {} Type a number, or back.",
        rows.collect::<Vec<_>>().join(" ")
    )
}

fn quit(app: &App, _: Choice) -> Vec<String> {
    let mut lines = left_behind(app);
    lines.push(choices(["stay", "quit"].into_iter()));
    lines
}

/// What leaving would leave behind.
fn left_behind(app: &App) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(running) = app
        .session
        .status()
        .and_then(|status| status.running.as_ref())
    {
        let doing = safe(&running.doing);
        lines.push(format!(
            "about: at work: {doing}. Its call ends and is recorded, nothing new is started."
        ));
    }
    let waits = app.session.holds().len();
    if waits > 0 {
        let waits = number_of(waits, "approval");
        lines.push(format!(
            "about: {waits} open. They stay open, no timeout approves anything."
        ));
    }
    lines.extend(
        app.queued
            .iter()
            .map(|text| format!("about: queued, and lost: {}", safe(text))),
    );
    lines
}

fn mode(question: &ModeQuestion) -> Vec<String> {
    let word = question.mode.word();
    let mut lines = vec![format!(
        "about: mode {word} is a signed writ. Against the one in force:"
    )];
    if question.difference.is_empty() {
        lines.push("about: nothing changes".to_owned());
    }
    lines.extend(
        question
            .difference
            .iter()
            .map(|line| format!("about: {}", change(line))),
    );
    lines.push(choices(["change nothing", "issue this writ"].into_iter()));
    lines
}

/// A change in words: its sign is often not read out.
fn change(line: &str) -> String {
    let signs = [("+ ", "adds "), ("- ", "drops "), ("~ ", "changes ")];
    let found = signs
        .iter()
        .find_map(|(sign, word)| Some((word, line.strip_prefix(sign)?)));
    match found {
        Some((word, rest)) => format!("{word}{}", safe(rest)),
        None => safe(line),
    }
}

fn prompted(app: &App, prompt: &Prompt) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(fault) = &prompt.fault {
        lines.push(format!("notice: {}", safe(fault)));
    }
    if let Purpose::TypeBack { proposal, .. } = &prompt.purpose {
        lines.push(type_back(&app.session, *proposal));
        return lines;
    }
    if !prompt.text().is_empty() {
        lines.push(format!("about: as it is: {}", exact(prompt.text())));
    }
    lines.push(format!(
        "question: {}. Type it, or back.",
        safe(&prompt.purpose.title())
    ));
    lines
}

fn type_back(session: &Session, proposal: thymos_core::ProposalId) -> String {
    let number = session.number(proposal).unwrap_or_default();
    let mut holds = session.holds().iter();
    let row = holds.find(|row| row.card.proposal == proposal);
    let (why, id) = match row {
        Some(row) if !row.card.reversible => ("this cannot be taken back", id(row)),
        Some(row) => ("this one asks for it", id(row)),
        None => ("this one asks for it", proposal.short()),
    };
    format!(
        "question: approval {number}: {why}. To approve it type the last 4 of its id, {id}, or back."
    )
}

fn listed(picker: &Picker) -> Vec<String> {
    let title = picker.subject.title();
    let all = picker.found().len();
    if all == 0 {
        let none = match picker.typed().is_empty() {
            true => "there are none",
            false => "nothing matches",
        };
        return vec![format!(
            "question: {title}: {none}. Type find WORDS, or back."
        )];
    }
    let mut lines: Vec<String> = picker
        .found()
        .take(ROWS_MAX)
        .enumerate()
        .map(|(at, row)| {
            let tail = spoken_age(&row.tail).unwrap_or_else(|| row.tail.clone());
            // Columns of the screen are parted by blanks.
            let parts = [row.text.clone(), row.more.replace("  ", ", "), tail];
            let parts: Vec<String> = parts
                .iter()
                .filter(|part| !part.is_empty())
                .map(|part| safe(part))
                .collect();
            format!("about: {}, {}", at + 1, parts.join(", "))
        })
        .collect();
    if all > ROWS_MAX {
        let more = number_of(all - ROWS_MAX, "more row");
        lines.push(format!("about: {more}. Type find WORDS to have fewer."));
    }
    lines.push(format!(
        "question: {title}. Type a number, find WORDS, or back."
    ));
    lines
}

fn asked(question: &Question) -> Vec<String> {
    let mut lines = vec![format!("about: {}", safe(&question.title))];
    lines.extend(read("about", question.body.said()));
    lines.push(choices(
        question
            .answers()
            .iter()
            .map(|answer| answer.words.as_str()),
    ));
    lines
}

/// A scope as chosen now; nothing until the kernel has told what it would allow.
fn signed(sign: &Sign) -> Option<Vec<String>> {
    let SignKind::Scope(scope) = &sign.kind else {
        return None;
    };
    if scope.asked.is_some() {
        return None;
    }
    let mut lines: Vec<String> = fields(scope)
        .into_iter()
        .enumerate()
        .map(|(at, field)| format!("about: {}, {field}", at + 1))
        .collect();
    match scope.choice() {
        // The words for it name a key.
        Err(_) => {
            lines.push("about: at least one argument must be open: type its number".to_owned());
        }
        Ok(_) => lines.extend(read("about", sign.body.said())),
    }
    lines.push(
        "question: type a number to choose the next there, sign to approve with this scope, or back."
            .to_owned(),
    );
    Some(lines)
}

fn fields(scope: &Scope) -> Vec<String> {
    let told = scope.fields().into_iter().map(|field| scope.told(field));
    told.map(|(name, chosen)| format!("{}: {}", name.trim(), safe(&chosen)))
        .collect()
}
