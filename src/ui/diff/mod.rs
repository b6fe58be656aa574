//! A unified diff of two texts, as data and as lines to look at.
//!
//! The model is for deciding, so it flags what lines alone would not show: line ends, a
//! missing end of file, and what was cut. Opens no file.

mod view;

#[cfg(test)]
mod tests;

pub use view::{hunk_starts, lines};

use similar::{Algorithm, ChangeTag, TextDiff};

/// Lines of context around a change.
pub const CONTEXT_LINES: usize = 3;

/// Larger texts are not compared line by line but told as replaced whole.
pub const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// More lines than this on either side: as above.
pub const TEXT_LINES_MAX: usize = 50_000;

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// In both.
    Same,
    /// Only in the new text.
    Added,
    /// Only in the old text.
    Removed,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// What became of it.
    pub kind: LineKind,
    /// Its number in the old text, from one.
    pub old: Option<usize>,
    /// Its number in the new text, from one.
    pub new: Option<usize>,
    /// The line without `\n`; a `\r` before it is kept.
    pub text: String,
    /// It is the last line and has no `\n`.
    pub unfinished: bool,
}

/// A change with its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// How the lines of a text end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// No line end at all.
    None,
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
    /// Some of each.
    Mixed,
}

/// What is true of one side as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// How its lines end.
    pub ends: LineEnds,
    /// Whether it ends in a line end; an empty text does.
    pub finished: bool,
}

/// The difference of two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// In order; empty when the texts are alike, or `too_large`.
    pub hunks: Vec<Hunk>,
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
    /// The old text.
    pub old: Side,
    /// The new text.
    pub new: Side,
    /// Above the limits: counts are of whole texts, and there are no hunks.
    pub too_large: bool,
}

impl Diff {
    /// Compares two texts.
    #[must_use]
    pub fn of(old: &str, new: &str) -> Self {
        let (old_side, new_side) = (Side::of(old), Side::of(new));
        let mut diff = Self {
            hunks: Vec::new(),
            added: 0,
            removed: 0,
            old: old_side,
            new: new_side,
            too_large: false,
        };
        let (old_lines, new_lines) = (old.split_inclusive('\n'), new.split_inclusive('\n'));
        let longest = old_lines.clone().count().max(new_lines.clone().count());
        if old.len().max(new.len()) > TEXT_BYTES_MAX || longest > TEXT_LINES_MAX {
            diff.too_large = old != new;
            diff.removed = if old == new { 0 } else { old_lines.count() };
            diff.added = if old == new { 0 } else { new_lines.count() };
            return diff;
        }
        // By slices cut at `\n` only: a lone `\r` is part of a line here, and shown as such.
        let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
            (old_lines.collect(), new_lines.collect());
        let compared = TextDiff::configure()
            .algorithm(Algorithm::Patience)
            .diff_slices(&old_lines, &new_lines);
        for group in compared.grouped_ops(CONTEXT_LINES) {
            let mut lines = Vec::new();
            for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
                let kind = match change.tag() {
                    ChangeTag::Equal => LineKind::Same,
                    ChangeTag::Insert => LineKind::Added,
                    ChangeTag::Delete => LineKind::Removed,
                };
                let text: &str = change.value();
                let body = text.strip_suffix('\n');
                diff.added += usize::from(kind == LineKind::Added);
                diff.removed += usize::from(kind == LineKind::Removed);
                lines.push(DiffLine {
                    kind,
                    old: change.old_index().map(|index| index + 1),
                    new: change.new_index().map(|index| index + 1),
                    text: body.unwrap_or(text).to_owned(),
                    unfinished: body.is_none(),
                });
            }
            diff.hunks.push(Hunk { lines });
        }
        diff
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hunks.is_empty() && !self.too_large
    }

    /// The count as the screen tells it, such as `+31 -4`.
    #[must_use]
    pub fn stat(&self) -> String {
        format!("+{} -{}", self.added, self.removed)
    }

    /// What a reader must be told beside the lines.
    #[must_use]
    pub fn notes(&self) -> Vec<&'static str> {
        let mut notes = Vec::new();
        if self.too_large {
            notes.push("too large to compare: replaced whole");
        }
        match (self.old.ends, self.new.ends) {
            (LineEnds::CrLf, LineEnds::Lf) => notes.push("line ends change from CRLF to LF"),
            (LineEnds::Lf, LineEnds::CrLf) => notes.push("line ends change from LF to CRLF"),
            (_, LineEnds::Mixed) => notes.push("line ends are mixed"),
            _ => {}
        }
        match (self.old.finished, self.new.finished) {
            (true, false) => notes.push("the last line loses its line end"),
            (false, true) => notes.push("the last line gains a line end"),
            (true, true) | (false, false) => {}
        }
        notes
    }
}

impl Side {
    fn of(text: &str) -> Self {
        let all = text.bytes().filter(|byte| *byte == b'\n').count();
        let with_return = text.matches("\r\n").count();
        let ends = match (all, with_return) {
            (0, _) => LineEnds::None,
            (_, 0) => LineEnds::Lf,
            (all, with_return) if all == with_return => LineEnds::CrLf,
            _ => LineEnds::Mixed,
        };
        Self {
            ends,
            finished: text.is_empty() || text.ends_with('\n'),
        }
    }
}

impl Hunk {
    /// The header, such as `@@ -12,7 +12,9 @@`.
    #[must_use]
    pub fn header(&self) -> String {
        let range = |number: fn(&DiffLine) -> Option<usize>| {
            let first = self.lines.iter().find_map(number).unwrap_or(0);
            format!("{first},{}", self.lines.iter().filter_map(number).count())
        };
        format!(
            "@@ -{} +{} @@",
            range(|line| line.old),
            range(|line| line.new)
        )
    }
}
