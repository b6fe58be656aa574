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

/// Verbs, and the beat they make of the rest of the task.
type Rule = (&'static [&'static str], fn(&str) -> Beat);

const RULES: &[Rule] = &[
    (&["read", "show", "open", "cat"], |rest| {
        Beat::ReadThis(rest.to_owned())
    }),
    (&["search", "find", "grep"], |rest| {
        Beat::Search(rest.to_owned())
    }),
    (&["list", "ls"], |rest| Beat::List(rest.to_owned())),
    (&["run"], |rest| Beat::RunThis(rest.to_owned())),
    (&["write"], |rest| Beat::Write(rest.to_owned())),
    (&["remember"], |rest| Beat::Remember(rest.to_owned())),
    (&["recall"], |rest| Beat::Recall(rest.to_owned())),
    (&["test"], |_| Beat::Test),
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
            let rest = subject(rest);
            let needs_subject = !matches!(*verb, "list" | "ls" | "test" | "recall");
            if rest.is_empty() && needs_subject {
                continue;
            }
            return Errand::One {
                verb,
                beat: beat(rest),
            };
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
