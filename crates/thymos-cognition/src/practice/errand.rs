//! The rule table: what the first word of a task makes the practice model do.
//!
//! Deliberately plain: one word, one errand, and the full tour for everything else.

use super::beat::Beat;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Errand {
    Tour,
    One { verb: &'static str, beat: Beat },
}

/// Verbs, and the beat they make of the rest of the task, if it makes sense to them.
type Rule = (&'static [&'static str], fn(&str) -> Option<Beat>);

const RULES: &[Rule] = &[
    (&["read", "cat"], |rest| {
        is_one_word(rest).then(|| Beat::ReadThis(rest.to_owned()))
    }),
    (&["show", "open"], |rest| {
        let path = is_one_word(rest) && rest.contains(['.', '/']);
        path.then(|| Beat::ReadThis(rest.to_owned()))
    }),
    (&["search", "find", "grep"], |rest| {
        (!rest.is_empty()).then(|| Beat::Search(rest.to_owned()))
    }),
    (&["list", "ls"], |rest| {
        let path = if is_one_word(rest) { rest } else { "" };
        Some(Beat::List(path.to_owned()))
    }),
    (&["run"], |rest| match rest {
        "" => None,
        "test" | "tests" | "test suite" => Some(Beat::Test),
        command => Some(Beat::RunThis(command.to_owned())),
    }),
    (&["write"], |rest| {
        (!rest.is_empty()).then(|| Beat::Write(rest.to_owned()))
    }),
    (&["remember"], |rest| {
        (!rest.is_empty()).then(|| Beat::Remember(rest.to_owned()))
    }),
    (&["recall"], |rest| Some(Beat::Recall(rest.to_owned()))),
    (&["test"], |_| Some(Beat::Test)),
];

/// Words between a verb and what it is about.
const FILLERS: &[&str] = &[
    "for", "the", "that", "file", "files", "folder", "command", "in", "me",
];

/// The errand of a task.
pub(super) fn of(task: &str) -> Errand {
    let task = task.trim();
    let task = strip_word(task, "please").unwrap_or(task);
    for (verbs, beat) in RULES {
        for verb in *verbs {
            let Some(rest) = strip_word(task, verb) else {
                continue;
            };
            if let Some(beat) = beat(subject(rest)) {
                return Errand::One { verb, beat };
            }
        }
    }
    Errand::Tour
}

impl Errand {
    pub(super) fn beats(&self) -> Vec<Beat> {
        match self {
            Self::Tour => vec![
                Beat::Look,
                Beat::Read,
                Beat::Note,
                Beat::Run,
                Beat::Overreach,
            ],
            Self::One { beat, .. } => vec![beat.clone()],
        }
    }

    pub(super) fn opening(&self) -> String {
        match self {
            Self::Tour => {
                "I am the **practice model**: offline, free, and a fixed script. I do not \
                understand language, but everything I ask for is real. I will look around this \
                folder, read a file, propose a small edit for you to approve or deny, run a \
                command, and ask for something I may not have, so that you see a refusal."
                    .to_owned()
            }
            Self::One { verb, .. } => format!(
                "I am the **practice model**: offline, and a fixed script that does not understand \
                 language. Your task begins with `{verb}`, so I do just that. Say `tour` for the \
                 whole tour."
            ),
        }
    }
}

/// The rest after a leading word, compared without case.
fn strip_word<'a>(task: &'a str, word: &str) -> Option<&'a str> {
    let head = task.get(..word.len())?;
    let rest = &task[word.len()..];
    let ends = rest.chars().next().is_none_or(char::is_whitespace);
    (ends && head.eq_ignore_ascii_case(word)).then(|| rest.trim_start())
}

fn is_one_word(rest: &str) -> bool {
    !rest.is_empty() && !rest.contains(char::is_whitespace)
}

fn subject(rest: &str) -> &str {
    let mut rest = rest.trim();
    while let Some(shorter) = FILLERS.iter().find_map(|word| strip_word(rest, word)) {
        rest = shorter;
    }
    let quotes = |c: char| matches!(c, '`' | '"' | '\'');
    match rest
        .strip_prefix(quotes)
        .and_then(|r| r.strip_suffix(quotes))
    {
        Some(inner) => inner,
        None => rest,
    }
}
