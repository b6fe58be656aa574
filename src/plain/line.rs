//! What a typed line means: a command, or a prompt. Does nothing itself.
//!
//! Whatever begins with the word of a command is that command, or it is nothing and says so: a decision is
//! never guessed from words that were meant otherwise.

use super::help::COMMANDS;

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing, or blanks.
    Empty,
    /// A bare yes or no, which decides nothing where something is asked.
    Bare(String),
    /// A prompt.
    Say(String),
    /// `say` without words: the last line that was taken for a command.
    SayKept,
    /// A prompt for when the run has ended.
    Queue(String),
    /// What stands in the composer.
    Send,
    /// Write in the editor.
    Editor,
    /// `help`.
    Help,
    /// `approvals`.
    Approvals,
    /// `status`.
    Status,
    /// `cancel`.
    Cancel,
    /// `wait`.
    Wait,
    /// `quit`.
    Quit,
    /// Something about an approval.
    About(u32, Wish),
    /// `output N`.
    Output(u64),
    /// `history N`.
    History(usize),
    /// A command behind a slash.
    Slash(String),
    /// The word of a command and something else: what the command takes.
    Wrong(&'static str),
}

/// What is wanted of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To have it printed.
    Show,
    /// To have its trace printed.
    Trace,
    /// A yes, once.
    Approve,
    /// A no, with a reason that may be empty.
    Deny(String),
    /// A yes that reaches further.
    Scope,
    /// Other arguments, as typed behind the number.
    Edit(Option<String>),
}

/// Entries that `history` prints when it is not told how many.
const HISTORY: usize = 20;

/// Words that answer nothing by themselves.
const BARE: [&str; 8] = ["y", "yes", "ok", "okay", "n", "no", "a", "d"];

/// Reads a line.
#[must_use]
pub fn parse(line: &str) -> Line {
    let typed = line.trim();
    if typed.is_empty() {
        return Line::Empty;
    }
    if typed.starts_with('/') {
        return Line::Slash(typed.to_owned());
    }
    let (first, rest) = typed
        .split_once(char::is_whitespace)
        .map_or((typed, ""), |(first, rest)| (first, rest.trim()));
    let word = first.to_lowercase();
    if rest.is_empty() && BARE.contains(&word.as_str()) {
        return Line::Bare(typed.to_owned());
    }
    // What many other programs call it.
    if rest.is_empty() && word == "exit" {
        return Line::Quit;
    }
    match COMMANDS.iter().find(|command| command.word == word) {
        Some(command) => understood(command.word, rest).unwrap_or(Line::Wrong(command.form)),
        None => Line::Say(line.to_owned()),
    }
}

/// A command with what stands behind its word; none where that does not fit.
fn understood(word: &str, rest: &str) -> Option<Line> {
    let alone = |line: Line| rest.is_empty().then_some(line);
    match word {
        "say" if rest.is_empty() => Some(Line::SayKept),
        "say" => Some(Line::Say(rest.to_owned())),
        "queue" if !rest.is_empty() => Some(Line::Queue(rest.to_owned())),
        "help" => alone(Line::Help),
        "send" => alone(Line::Send),
        "editor" => alone(Line::Editor),
        "approvals" => alone(Line::Approvals),
        "status" => alone(Line::Status),
        "cancel" => alone(Line::Cancel),
        "wait" => alone(Line::Wait),
        "quit" => alone(Line::Quit),
        "history" if rest.is_empty() => Some(Line::History(HISTORY)),
        "history" => Some(Line::History(rest.parse().ok()?)),
        "output" => Some(Line::Output(rest.parse().ok()?)),
        "mode" if rest.is_empty() || ["plan", "edit", "auto"].contains(&rest) => {
            Some(Line::Slash(format!("/mode {rest}").trim().to_owned()))
        }
        "model" if rest.split_whitespace().count() < 2 => {
            Some(Line::Slash(format!("/model {rest}").trim().to_owned()))
        }
        _ => about(word, rest),
    }
}

/// What is wanted of an approval, by its number.
fn about(word: &str, rest: &str) -> Option<Line> {
    let (number, rest) = rest
        .split_once(char::is_whitespace)
        .map_or((rest, ""), |(number, rest)| (number, rest.trim()));
    let number: u32 = number.strip_prefix('#').unwrap_or(number).parse().ok()?;
    let alone = |wish: Wish| rest.is_empty().then_some(wish);
    let wish = match word {
        "show" => alone(Wish::Show),
        "trace" => alone(Wish::Trace),
        "approve" => alone(Wish::Approve),
        "scope" => alone(Wish::Scope),
        "edit" if rest.is_empty() => Some(Wish::Edit(None)),
        "edit" if rest.starts_with('{') => Some(Wish::Edit(Some(rest.to_owned()))),
        "deny" if rest.is_empty() => Some(Wish::Deny(String::new())),
        "deny" => {
            let (because, why) = rest.split_once(char::is_whitespace)?;
            let why = why.trim();
            (because.eq_ignore_ascii_case("because") && !why.is_empty())
                .then(|| Wish::Deny(why.to_owned()))
        }
        _ => None,
    };
    Some(Line::About(number, wish?))
}
