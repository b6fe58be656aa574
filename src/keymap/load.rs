//! The user's keymap over ours, with complaints that name file, line and clash.
//!
//! Opens no file. A row that cannot be understood is told and left out; the rest works.

use super::{Binding, Context, KeyFault, KeySequence, Keymap};
use crate::near;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How large a user's file may be; a larger one is refused whole and told.
pub const KEYMAP_BYTES_MAX: usize = 256 * 1024;

/// The action id that takes a key away.
pub const UNBIND: &str = "none";

/// The user's file, already read.
#[derive(Clone, Copy, Debug)]
pub struct KeymapFile<'a> {
    /// Where it was read from, for messages.
    pub path: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// A keymap and what was wrong with its file.
#[derive(Clone, Debug)]
pub struct LoadedKeymap {
    /// Always usable.
    pub keymap: Keymap,
    /// In the order of lines.
    pub complaints: Vec<Complaint>,
}

/// A row of the user's file that does not count, or not as meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file.
    pub path: String,
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a row; the user's words are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Not TOML at all; the built-in table is used.
    Syntax(String),
    /// Larger than [`KEYMAP_BYTES_MAX`].
    TooLarge,
    /// `keys` is missing or no list of tables.
    NoRows,
    /// A field that a row does not have.
    UnknownField(String),
    /// A field that must be there, as text.
    MissingField(&'static str),
    /// `on` is no key sequence.
    BadKeys(KeyFault),
    /// No action of that id; the nearest one, if any is near.
    UnknownAction {
        /// As written.
        id: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// No context of that name.
    UnknownContext(String),
    /// The same keys in the same context, in an earlier row of the same file.
    Clash {
        /// The keys.
        on: String,
        /// The context.
        context: Context,
        /// What the earlier row runs; the later row wins.
        earlier: String,
        /// The earlier row's line.
        earlier_line: usize,
    },
    /// The keys begin a longer binding, or a longer one begins with them.
    Shadow {
        /// The keys.
        on: String,
        /// The other row's keys.
        other: String,
        /// What the other row runs.
        runs: String,
    },
}

impl Problem {
    /// A thing one can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownAction {
                near: Some(near), ..
            } => Some(format!("did you mean `{near}`?")),
            Self::NoRows => {
                Some("write `keys = [ { on = \"<C-x> q\", run = \"app.quit\" } ]`".into())
            }
            Self::BadKeys(KeyFault::NotOneKey(_)) => {
                Some("part keys by spaces, and write named keys as `<Enter>`".into())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => write!(f, "not valid toml: {text}"),
            Self::TooLarge => write!(f, "larger than {KEYMAP_BYTES_MAX} bytes"),
            Self::NoRows => write!(f, "`keys` is not a list of rows"),
            Self::UnknownField(name) => write!(f, "unknown field `{name}`"),
            Self::MissingField(name) => write!(f, "field `{name}` is missing or no text"),
            Self::BadKeys(fault) => write!(f, "{fault}"),
            Self::UnknownAction { id, .. } => write!(f, "unknown action `{id}`"),
            Self::UnknownContext(name) => write!(f, "unknown context `{name}`"),
            Self::Clash {
                on,
                context,
                earlier,
                earlier_line,
            } => write!(
                f,
                "`{on}` in `{}` already runs `{earlier}` (line {earlier_line})",
                context.name()
            ),
            Self::Shadow { on, other, runs } => {
                write!(
                    f,
                    "`{on}` and `{other}` (`{runs}`) begin alike, so the shorter waits"
                )
            }
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` line {}: {}", self.path, self.line, self.problem)
    }
}

/// The built-in table, with the user's rows over it.
#[must_use]
pub fn load(user: Option<KeymapFile<'_>>) -> LoadedKeymap {
    let ours = KeymapFile {
        path: "default.toml",
        text: include_str!("default.toml"),
    };
    let mut complaints = Vec::new();
    let mut bindings: Vec<Binding> = Vec::new();
    for row in rows(ours, &[], &mut complaints) {
        bindings.push(row.binding);
    }
    if let Some(user) = user {
        merge(&mut bindings, user, &mut complaints);
    }
    complaints.sort_by_key(|complaint| complaint.line);
    LoadedKeymap {
        keymap: Keymap { bindings },
        complaints,
    }
}

fn merge(bindings: &mut Vec<Binding>, file: KeymapFile<'_>, complaints: &mut Vec<Complaint>) {
    let known = bindings.clone();
    let mut added: Vec<Row> = Vec::new();
    for row in rows(file, &known, complaints) {
        let same =
            |other: &Binding| other.context == row.binding.context && other.on == row.binding.on;
        if let Some(earlier) = added.iter().find(|earlier| same(&earlier.binding)) {
            let problem = Problem::Clash {
                on: row.binding.on.to_string(),
                context: row.binding.context,
                earlier: earlier.binding.run.clone(),
                earlier_line: earlier.line,
            };
            complaints.push(Complaint {
                path: file.path.to_owned(),
                line: row.line,
                problem,
            });
        }
        bindings.retain(|other| !same(other));
        added.retain(|other| !same(&other.binding));
        if row.binding.run != UNBIND {
            bindings.push(row.binding.clone());
        }
        added.push(row);
    }
    for row in added.iter().filter(|row| row.binding.run != UNBIND) {
        if let Some(problem) = shadow(&row.binding, bindings) {
            complaints.push(Complaint {
                path: file.path.to_owned(),
                line: row.line,
                problem,
            });
        }
    }
}

fn shadow(row: &Binding, bindings: &[Binding]) -> Option<Problem> {
    let keys = row.on.keys();
    let other = bindings.iter().find(|other| {
        let theirs = other.on.keys();
        let alike = theirs.starts_with(keys) || keys.starts_with(theirs);
        other.context == row.context && theirs.len() != keys.len() && alike
    })?;
    Some(Problem::Shadow {
        on: row.on.to_string(),
        other: other.on.to_string(),
        runs: other.run.clone(),
    })
}

struct Row {
    binding: Binding,
    line: usize,
}

/// The rows of one file. `known` are the actions that may be named; empty for our own file.
fn rows(file: KeymapFile<'_>, known: &[Binding], complaints: &mut Vec<Complaint>) -> Vec<Row> {
    let mut complain = |offset: usize, problem: Problem| {
        let line = line_of(file.text, offset);
        complaints.push(Complaint {
            path: file.path.to_owned(),
            line,
            problem,
        });
    };
    if file.text.len() > KEYMAP_BYTES_MAX {
        complain(0, Problem::TooLarge);
        return Vec::new();
    }
    let table = match DeTable::parse(file.text) {
        Ok(table) => table,
        Err(error) => {
            let text = error
                .message()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            complain(
                error.span().map_or(0, |span| span.start),
                Problem::Syntax(text),
            );
            return Vec::new();
        }
    };
    for (key, _) in table
        .get_ref()
        .iter()
        .filter(|(key, _)| key.get_ref() != "keys")
    {
        complain(
            key.span().start,
            Problem::UnknownField(key.get_ref().to_string()),
        );
    }
    let found = table
        .get_ref()
        .iter()
        .find(|(key, _)| key.get_ref() == "keys");
    let Some((_, list)) = found else {
        if !table.get_ref().is_empty() {
            complain(0, Problem::NoRows);
        }
        return Vec::new();
    };
    let Some(list) = list.get_ref().as_array() else {
        complain(list.span().start, Problem::NoRows);
        return Vec::new();
    };
    let mut rows = Vec::new();
    for item in list {
        match row(item, known) {
            Ok(binding) => rows.push(Row {
                binding,
                line: line_of(file.text, item.span().start),
            }),
            Err((offset, problem)) => complain(offset, problem),
        }
    }
    rows
}

fn row(item: &Spanned<DeValue<'_>>, known: &[Binding]) -> Result<Binding, (usize, Problem)> {
    let at = item.span().start;
    let table = item.get_ref().as_table().ok_or((at, Problem::NoRows))?;
    let (mut on, mut run, mut desc, mut context) = (None, None, None, None);
    for (key, value) in table {
        let slot = match key.get_ref().as_ref() {
            "on" => &mut on,
            "run" => &mut run,
            "desc" => &mut desc,
            "context" => &mut context,
            other => return Err((key.span().start, Problem::UnknownField(other.to_owned()))),
        };
        *slot = value.get_ref().as_str();
    }
    let on = on.ok_or((at, Problem::MissingField("on")))?;
    let run = run.ok_or((at, Problem::MissingField("run")))?;
    let on: KeySequence = on.parse().map_err(|fault| (at, Problem::BadKeys(fault)))?;
    let context = match context {
        None => known
            .iter()
            .find(|row| row.run == run)
            .map_or(Context::Global, |row| row.context),
        Some(name) => {
            Context::parse(name).ok_or_else(|| (at, Problem::UnknownContext(name.to_owned())))?
        }
    };
    let described = known.iter().find(|row| row.run == run);
    if !known.is_empty() && described.is_none() && run != UNBIND {
        let near = nearest(run, known);
        return Err((
            at,
            Problem::UnknownAction {
                id: run.to_owned(),
                near,
            },
        ));
    }
    let desc = match (desc, described) {
        (Some(desc), _) => desc.to_owned(),
        (None, Some(row)) => row.desc.clone(),
        (None, None) => String::new(),
    };
    Ok(Binding {
        on,
        run: run.to_owned(),
        desc,
        context,
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

/// The known action closest to what was written, if it is close enough to be a slip.
fn nearest(written: &str, known: &[Binding]) -> Option<String> {
    near::nearest(written, known.iter().map(|row| row.run.as_str())).map(ToOwned::to_owned)
}
