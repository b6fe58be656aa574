//! The letters behind the `@`, the rows that were found for them, and which one is chosen.

use thymos_core::{EntryId, TrajectoryId};
use thymos_protocol::{Event, What};

use crate::app::event::FileRows;
use crate::panes::ledger::row::told;
use crate::ui::safe_text::is_unsafe;
use crate::ui::width::fit;

/// Letters behind an `@` at most; whoever types more is writing something else.
pub(crate) const LETTERS_MAX: usize = 256;

/// Columns of an entry's words that go into a message.
const WORDS_COLUMNS_MAX: usize = 60;

/// Something being named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Where the `@` stands: the line, and the characters before it.
    pub at: (usize, usize),
    /// What was typed behind it.
    pub typed: String,
    /// The number of the newest question.
    pub asked: u64,
    /// In which trajectory it is named.
    pub trajectory: Option<TrajectoryId>,
    /// Whether the newest question is answered.
    pub standing: Standing,
    /// What the last answer said of the whole, in words.
    pub told: String,
    rows: Vec<Row>,
    // INVARIANT: below the number of rows, or 0.
    selected: usize,
}

/// How the newest question stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is being looked for; the rows are those of the question before.
    Asking,
    /// The rows are its answer.
    Here,
    /// There is no answer, and why.
    Failed(String),
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// Files by letters of their path.
    Files(&'a str),
    /// Entries by the start of their number, or by a part of their words.
    Entries(&'a str),
}

/// Something that can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A file, by its path below the workspace.
    File(String),
    /// An entry.
    Entry(Entry),
}

/// An entry of the trajectory, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub id: EntryId,
    /// What kind it is.
    pub kind: String,
    /// What happened.
    pub words: String,
}

impl Entry {
    /// An entry as the ledger tells it.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            seq: event.seq,
            id: event.entry,
            kind: event.kind.clone(),
            words: words(event),
        }
    }
}

/// The call with its tool, or what else happened.
fn words(event: &Event) -> String {
    let what = told(event).what;
    match tool(&event.what) {
        // Most tools begin their line with their own name.
        Some(tool) if !what.starts_with(tool) => format!("{tool} {what}"),
        Some(_) | None => what,
    }
}

fn tool(what: &What) -> Option<&str> {
    match what {
        What::Intended { tool, .. }
        | What::Rejected { tool, .. }
        | What::Started { tool, .. }
        | What::Committed { tool, .. }
        | What::Failed { tool, .. } => Some(tool),
        What::Suspended { card, .. } => Some(&card.tool),
        What::Opened { .. }
        | What::Said { .. }
        | What::Used { .. }
        | What::Decided { .. }
        | What::Superseded { .. }
        | What::Settled { .. }
        | What::WritIssued { .. }
        | What::WritRevoked { .. }
        | What::ModeChanged { .. }
        | What::Closed { .. }
        | What::Note { .. } => None,
    }
}

impl Row {
    /// What is put into the message.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::File(path) => quoted(path),
            Self::Entry(entry) => cited(entry),
        }
    }
}

impl Mention {
    /// An `@` that was just typed there.
    #[must_use]
    pub fn new(at: (usize, usize), trajectory: Option<TrajectoryId>) -> Self {
        Self {
            at,
            typed: String::new(),
            asked: 0,
            trajectory,
            standing: Standing::Asking,
            told: String::new(),
            rows: Vec::new(),
            selected: 0,
        }
    }

    /// What is looked for.
    #[must_use]
    pub fn wish(&self) -> Wish<'_> {
        match self.typed.strip_prefix('#') {
            Some(typed) => Wish::Entries(typed),
            None => Wish::Files(&self.typed),
        }
    }

    /// A new question is on its way.
    pub fn ask(&mut self, asked: u64) {
        self.asked = asked;
        self.standing = Standing::Asking;
        // Files are no answer to a question about entries, not even for a moment.
        let entries = matches!(self.wish(), Wish::Entries(_));
        self.rows
            .retain(|row| matches!(row, Row::Entry(_)) == entries);
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
    }

    /// Takes files.
    pub fn take_files(&mut self, found: FileRows) {
        let counted = match found.fits == found.of {
            true => format!("{} files", found.of),
            false => format!("{} of {} files", found.fits, found.of),
        };
        self.told = match found.stopped_after {
            Some(count) => format!("{counted}, and more: stopped after {count} entries"),
            None => counted,
        };
        self.fill(found.paths.into_iter().map(Row::File).collect());
    }

    /// Takes entries, best first.
    pub fn take_entries(&mut self, entries: Vec<Entry>, told: String) {
        self.told = told;
        self.fill(entries.into_iter().map(Row::Entry).collect());
    }

    fn fill(&mut self, rows: Vec<Row>) {
        self.rows = rows;
        self.selected = 0;
        self.standing = Standing::Here;
    }

    /// There is no answer.
    pub fn fail(&mut self, why: String) {
        self.rows.clear();
        self.selected = 0;
        self.standing = Standing::Failed(why);
    }

    /// What was found, best first.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The place of the chosen row.
    #[must_use]
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// The chosen row.
    #[must_use]
    pub fn chosen(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    /// Chooses another row.
    pub fn step(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }
}

/// Whether an `@` behind this character begins a word.
pub(crate) fn starts_word(before: Option<char>) -> bool {
    before.is_none_or(|ch| ch.is_whitespace() || "([{<\"'`".contains(ch))
}

/// A path as it stands in a message: plain, or as a JSON string where a blank or something unseen would hide where
/// it ends.
pub(crate) fn quoted(path: &str) -> String {
    let plain = |ch: char| !ch.is_whitespace() && !"\"'`\\".contains(ch) && !is_unsafe(ch);
    if !path.is_empty() && path.chars().all(plain) {
        return path.to_owned();
    }
    let mut text = String::from('"');
    for ch in path.chars() {
        match ch {
            '"' | '\\' => text.extend(['\\', ch]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            ch if is_unsafe(ch) => {
                let mut units = [0; 2];
                for unit in ch.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            ch => text.push(ch),
        }
    }
    text.push('"');
    text
}

/// `entry 4176 (1c9e2b7a: commit, fs_patch src/a.rs)`: its number and id for who reads the record, the words for a
/// model, which sees no numbers.
fn cited(entry: &Entry) -> String {
    let seen: String = entry.words.chars().filter(|ch| !is_unsafe(*ch)).collect();
    let words = fit(seen.trim(), WORDS_COLUMNS_MAX);
    let more = if words.len() < seen.trim().len() {
        " .."
    } else {
        ""
    };
    let gap = if words.is_empty() { "" } else { ", " };
    let (seq, id, kind) = (entry.seq, entry.id.short(), &entry.kind);
    format!("entry {seq} ({id}: {kind}{gap}{words}{more})")
}
