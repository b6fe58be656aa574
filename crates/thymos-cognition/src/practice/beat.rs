//! The beats of a tour: what is said and wanted in each, given what was found so far.

use serde_json::{Value, json};

use super::findings::{Findings, NOTE, heading, lines_of, matches, word};
use super::notebook::Notebook;

/// One turn's worth of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beat {
    Look,
    Read,
    Note,
    Run,
    Overreach,
    ReadThis(String),
    Search(String),
    List(String),
    RunThis(String),
    Write(String),
    Remember(String),
    Recall(String),
    Test,
}

/// A call it wants.
pub(super) struct Wanted {
    pub(super) tool: &'static str,
    pub(super) args: Value,
}

/// What a beat comes to.
pub(super) enum Step {
    Call {
        text: String,
        calls: Vec<Wanted>,
    },
    /// Left out, and why.
    Skip(String),
}

impl Beat {
    /// Its name inside call ids.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Read => "read",
            Self::Note => "note",
            Self::Run => "run",
            Self::Overreach => "overreach",
            Self::ReadThis(_) => "read_this",
            Self::Search(_) => "search",
            Self::List(_) => "list",
            Self::RunThis(_) => "run_this",
            Self::Write(_) => "write",
            Self::Remember(_) => "remember",
            Self::Recall(_) => "recall",
            Self::Test => "test",
        }
    }

    pub(super) fn step(&self, notebook: &Notebook<'_>) -> Step {
        match self {
            Self::Look => look(notebook),
            Self::Read => read(notebook),
            Self::Note => note(notebook),
            Self::Run => run(notebook),
            Self::Overreach => overreach(),
            Self::ReadThis(path) => one(notebook, "fs_read", json!({"path": path})),
            Self::Search(pattern) => one(notebook, "grep", json!({"pattern": pattern})),
            Self::List(path) if path.is_empty() => {
                one(notebook, "list_files", json!({"path": ".", "depth": 2}))
            }
            Self::List(path) => one(notebook, "list_files", json!({"path": path, "depth": 2})),
            Self::RunThis(command) => one(notebook, "shell", json!({"command": command})),
            Self::Write(what) => one(notebook, "fs_write", written(what)),
            Self::Remember(text) => {
                let args = json!({"key": "practice", "text": text});
                one(notebook, "memory_write", args)
            }
            Self::Recall(query) if query.is_empty() => {
                one(notebook, "memory_recall", json!({"query": "practice"}))
            }
            Self::Recall(query) => one(notebook, "memory_recall", json!({"query": query})),
            Self::Test => one(notebook, "test_run", json!({})),
        }
    }
}

fn one(notebook: &Notebook<'_>, tool: &'static str, args: Value) -> Step {
    offered(
        notebook,
        format!("I ask for one call of `{tool}`."),
        vec![Wanted { tool, args }],
    )
}

/// `path: content`, or a path alone, or words for the note.
fn written(what: &str) -> Value {
    match what.split_once(':') {
        Some((path, content)) if !path.trim().contains(char::is_whitespace) => {
            json!({"path": path.trim(), "content": format!("{}\n", content.trim())})
        }
        _ if what.contains(char::is_whitespace) => {
            json!({"path": NOTE, "content": format!("# Practice note\n\n{what}\n")})
        }
        _ => json!({"path": what, "content": "Written by the practice model.\n"}),
    }
}

/// Only the calls whose tool this writ offers; none left means the beat is left out, aloud.
fn offered(notebook: &Notebook<'_>, text: String, wanted: Vec<Wanted>) -> Step {
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.tool).collect();
    let missing = names.join("`, `");
    let calls: Vec<Wanted> = wanted
        .into_iter()
        .filter(|wanted| notebook.offers(wanted.tool))
        .collect();
    if calls.is_empty() {
        return Step::Skip(format!(
            "The present writ offers no `{missing}`, so I leave that step out. Another mode may \
             offer it."
        ));
    }
    Step::Call { text, calls }
}

fn look(notebook: &Notebook<'_>) -> Step {
    let calls = vec![
        Wanted {
            tool: "list_files",
            args: json!({"path": ".", "depth": 2}),
        },
        Wanted {
            tool: "glob",
            args: json!({"pattern": "**/*.md"}),
        },
    ];
    let text = "First I look around. Both calls only read, so the gate clears them at once.";
    offered(notebook, text.to_owned(), calls)
}

fn read(notebook: &Notebook<'_>) -> Step {
    let findings = Findings::of(notebook);
    let mut calls = Vec::new();
    let mut text = format!(
        "I found {} and {}.",
        count(findings.files.len(), "file"),
        count(findings.folders, "folder")
    );
    if let Some(path) = findings.file() {
        text.push_str(&format!(" I read `{path}`"));
        calls.push(Wanted {
            tool: "fs_read",
            args: json!({"path": path}),
        });
    } else {
        text.push_str(" None of them looks like text with a plain name, so I read none");
    }
    if findings.has_note() {
        text.push_str(&format!(", and `{NOTE}` from an earlier tour"));
        calls.push(Wanted {
            tool: "fs_read",
            args: json!({"path": NOTE}),
        });
    }
    let word = word(notebook.task);
    text.push_str(&format!(", and search for the word `{word}`."));
    calls.push(Wanted {
        tool: "grep",
        args: json!({"pattern": word, "path": "."}),
    });
    offered(notebook, text, calls)
}

/// What the tour has found, in lines of a list.
fn facts(notebook: &Notebook<'_>) -> String {
    let findings = Findings::of(notebook);
    let mut facts = format!(
        "- {} and {} in the first two levels and among Markdown files\n",
        count(findings.files.len(), "file"),
        count(findings.folders, "folder")
    );
    if let Some((path, lines)) = findings
        .file()
        .and_then(|path| Some((path, lines_of(notebook, path)?)))
    {
        let heading = heading(&lines).unwrap_or("nothing but blank lines");
        let read = count(lines.len(), "line");
        facts.push_str(&format!(
            "- `{path}`: {read} read, it begins with \"{heading}\"\n"
        ));
    }
    let word = word(notebook.task);
    if notebook.results("grep").next().is_some() {
        let matches = count(matches(notebook), "matching line");
        facts.push_str(&format!("- the word `{word}`: {matches}\n"));
    }
    facts
}

fn note(notebook: &Notebook<'_>) -> Step {
    let facts = facts(notebook);
    if !Findings::of(notebook).has_note() {
        let content =
            format!("# Practice note\n\nFound by the practice model of thymos:\n\n{facts}");
        let text = format!(
            "Now an edit: a new file `{NOTE}` with what I found. It changes your folder, so unless \
             your rules allow it you are asked, with the exact difference in front of you. Approve \
             it or deny it; I will go on either way."
        );
        let wanted = Wanted {
            tool: "fs_write",
            args: json!({"path": NOTE, "content": content}),
        };
        return offered(notebook, text, vec![wanted]);
    }
    let lines = lines_of(notebook, NOTE).unwrap_or_default();
    let first = lines.iter().find(|line| !line.trim().is_empty());
    // The anchor must occur exactly once, also inside other lines.
    let anchor =
        first.filter(|first| lines.iter().filter(|line| line.contains(**first)).count() == 1);
    let Some(anchor) = anchor else {
        return Step::Skip(format!(
            "`{NOTE}` exists, but has no first line that I could anchor an edit to, so I leave it."
        ));
    };
    let text = format!(
        "Now an edit: `{NOTE}` exists from an earlier tour, so I add to it what I found this time. \
         Approve it or deny it; I will go on either way."
    );
    let new = format!("{anchor}\n\nFound this time:\n\n{}", facts.trim_end());
    let wanted = Wanted {
        tool: "fs_patch",
        args: json!({"path": NOTE, "edits": [{"old": anchor, "new": new}]}),
    };
    offered(notebook, text, vec![wanted])
}

fn run(notebook: &Notebook<'_>) -> Step {
    let command = match Findings::of(notebook).file() {
        Some(path) => format!("sort ./{path} | uniq | wc -l"),
        None => "ls -A | wc -l".to_owned(),
    };
    let text = format!(
        "Next a command: `{command}`. A shell line could do anything, so it is treated as the most \
         dangerous kind, held for you, and run in a cage if you approve."
    );
    let wanted = Wanted {
        tool: "shell",
        args: json!({"command": command}),
    };
    offered(notebook, text, vec![wanted])
}

/// The one beat that asks for what it should not get, offered or not.
fn overreach() -> Step {
    Step::Call {
        text:
            "Last, two things I should not get: a note that would outlive this session, which only \
            a wider writ grants, and a file outside this folder, which no tool here can reach. \
            Watch the gate refuse them, and what it says would be needed."
                .to_owned(),
        calls: vec![
            Wanted {
                tool: "memory_write",
                args: json!({"key": "practice/tour", "text": "The practice tour was taken here."}),
            },
            Wanted {
                tool: "fs_read",
                args: json!({"path": "/etc/passwd"}),
            },
        ],
    }
}

pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
