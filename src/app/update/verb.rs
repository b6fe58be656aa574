//! Verbs of the shell from within the app: `/memory ls`. What one says is text to read; it ends when nobody
//! reads it any more. Starts nothing itself.

use super::why_no_verb;
use crate::app::event::VerbNews;
use crate::app::{App, Effect, Notice, Overlay};
use crate::args;
use crate::panes::reader::{Reader, Said, Topic};
use crate::theme::Role;

/// Lines that are kept of what a verb says; the rest is counted.
const LINES_MAX: usize = 5_000;

/// A verb at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verb {
    /// As it was typed.
    pub(super) line: String,
    /// Lines it has said.
    said: usize,
    /// Whether it was asked to end.
    ending: bool,
}

/// Verbs that are not started here, and where their work is done.
const ELSEWHERE: [(&str, &str); 1] = [("approvals", "Ctrl-X a opens the card")];

/// Runs what was typed behind the slash, when it begins with a verb of the program; `false` when it does not.
pub(super) fn run(app: &mut App, typed: &str) -> bool {
    let first = typed.split_whitespace().next().unwrap_or_default();
    if !args::verbs().iter().any(|(verb, _)| verb == first) {
        return false;
    }
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(verb, _)| *verb == first) {
        refuse(app, format!("`/{first}` is for the shell"), Some(instead));
        return true;
    }
    if let Some(line) = why_no_verb(app) {
        refuse(app, line, Some("Esc in its text ends it"));
        return true;
    }
    let words = match shell_words::split(typed) {
        Ok(words) => words,
        Err(_) => {
            refuse(app, "a quote is not closed".to_owned(), None);
            return true;
        }
    };
    app.composer.take();
    let line = typed.trim().to_owned();
    let reader = Reader::new(
        Topic::Verb,
        title("at work, Esc ends it", &line),
        Vec::new(),
    );
    app.overlays.push(Overlay::Reader(Box::new(reader)));
    app.verb = Some(Verb {
        line,
        said: 0,
        ending: false,
    });
    app.want(Effect::Verb(words));
    true
}

fn refuse(app: &mut App, line: String, hint: Option<&str>) {
    app.notice = Some(Notice {
        line,
        hint: hint.map(str::to_owned),
        bad: true,
    });
}

/// How it is comes first: what was typed may be longer than there is room for.
fn title(how: &str, line: &str) -> String {
    format!("{how} - thymos {line}")
}

/// The text that a verb is read in, while somebody does.
fn reader(overlays: &mut [Overlay]) -> Option<&mut Reader> {
    overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Reader(reader) if reader.topic == Topic::Verb => Some(reader.as_mut()),
        _ => None,
    })
}

/// Takes what a verb said, or how it ended.
pub(super) fn heard(app: &mut App, news: VerbNews) {
    let Some(verb) = &mut app.verb else { return };
    let room = LINES_MAX.saturating_sub(verb.said);
    verb.said += news.lines.len();
    let mut lines: Vec<Said> = news
        .lines
        .into_iter()
        .take(room)
        .map(|line| {
            let role = if line.bad { Role::Muted } else { Role::Text };
            Said::exact(role, line.text)
        })
        .collect();
    let Some(ended) = news.ended else {
        if let Some(reader) = reader(&mut app.overlays) {
            reader.append(lines);
        }
        return;
    };
    let Some(verb) = app.verb.take() else { return };
    let (line, left_out) = (verb.line, verb.said.saturating_sub(LINES_MAX));
    if left_out > 0 {
        let words = format!("{left_out} more lines; `thymos {line}` in a shell prints them all");
        lines.push(Said::words(Role::Muted, words));
    }
    let how = match ended {
        Ok(0) => "done".to_owned(),
        Ok(code) => format!("exit {code}, {}", args::code_words(code)),
        Err(why) => why,
    };
    match reader(&mut app.overlays) {
        Some(reader) => {
            if verb.said == 0 {
                lines.push(Said::words(Role::Muted, "it said nothing"));
            }
            reader.title = title(&how, &line);
            reader.append(lines);
        }
        None => app.tell(format!("`{line}`: {how}")),
    }
}

/// After any event: one whose text was closed is asked to end.
pub(super) fn settle(app: &mut App) {
    let unread = reader(&mut app.overlays).is_none();
    if let Some(verb) = &mut app.verb
        && unread
        && !verb.ending
    {
        verb.ending = true;
        app.want(Effect::EndVerb);
    }
}
