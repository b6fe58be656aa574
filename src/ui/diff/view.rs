//! A diff as styled lines with numbers and signs.
//!
//! Every byte that would not show is marked; the line end is told by a note, not a mark.

use super::{Diff, DiffLine, LineEnds, LineKind};
use crate::theme::{Role, Theme};
use crate::ui::safe_text::SafeText;
use crate::ui::wrap::wrap_hanging;
use ratatui::text::{Line, Span};

/// The whole diff, wrapped to a width. The first column after the numbers is `+`, `-` or blank.
#[must_use]
pub fn lines(diff: &Diff, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut rows: Vec<Line<'static>> = Vec::new();
    for note in diff.notes() {
        rows.push(Line::styled(format!("! {note}"), theme.style(Role::Warn)));
    }
    let digits = digits(diff);
    let returns_told = diff.old.ends == LineEnds::CrLf || diff.new.ends == LineEnds::CrLf;
    for hunk in &diff.hunks {
        rows.push(Line::styled(hunk.header(), theme.style(Role::DiffHunk)));
        for line in &hunk.lines {
            rows.extend(one(line, digits, returns_told, (width, theme)));
            if line.unfinished {
                let text = "\\ no line end at the end of the file";
                rows.push(Line::styled(text, theme.style(Role::Muted)));
            }
        }
    }
    rows
}

/// The row of each hunk's header among [`lines`], for jumping from hunk to hunk.
#[must_use]
pub fn hunk_starts(rows: &[Line<'_>]) -> Vec<usize> {
    let header = |row: &Line<'_>| {
        row.spans
            .first()
            .is_some_and(|span| span.content.starts_with("@@ -"))
    };
    rows.iter()
        .enumerate()
        .filter(|(_, row)| header(row))
        .map(|(at, _)| at)
        .collect()
}

fn one(
    line: &DiffLine,
    digits: usize,
    returns_told: bool,
    (width, theme): (usize, &Theme),
) -> Vec<Line<'static>> {
    let (sign, role) = match line.kind {
        LineKind::Same => (' ', Role::Text),
        LineKind::Added => ('+', Role::DiffAdd),
        LineKind::Removed => ('-', Role::DiffDel),
    };
    // Where every line ends in CRLF the note says so; a mark on each would drown the change.
    let text = if returns_told {
        line.text.trim_end_matches('\r')
    } else {
        &line.text
    };
    let safe = match line.kind {
        LineKind::Same => SafeText::line(text),
        LineKind::Added | LineKind::Removed => marked(text),
    };
    let number = |number: Option<usize>| number.map(|n| n.to_string()).unwrap_or_default();
    let gutter = format!(
        "{:>digits$} {:>digits$} ",
        number(line.old),
        number(line.new)
    );
    let blank = " ".repeat(gutter.len());
    let gutter_style = theme.style(Role::DiffGutter);
    let style = theme.style(role);
    let first = [
        Span::styled(gutter, gutter_style),
        Span::styled(sign.to_string(), style),
    ];
    let others = [Span::styled(blank, gutter_style), Span::styled(" ", style)];
    wrap_hanging(&Line::from(safe.spans(theme, role)), width, &first, &others)
}

/// A changed line: tabs as blanks, since indentation is common, but blanks at its end marked.
fn marked(text: &str) -> SafeText {
    let body = text.trim_end_matches([' ', '\t', '\r']);
    let end = text.get(body.len()..).unwrap_or_default();
    let mut safe = SafeText::line(body);
    safe.append(SafeText::exact(end));
    safe
}

fn digits(diff: &Diff) -> usize {
    let last = diff.hunks.last().and_then(|hunk| {
        hunk.lines
            .iter()
            .flat_map(|line| [line.old, line.new])
            .flatten()
            .max()
    });
    last.unwrap_or(1).to_string().len().max(3)
}
