//! Tables: columns side by side where they fit, else a block of lines per row.
//!
//! Cuts nothing: a table too wide for the screen is told otherwise.

use crate::theme::{Role, Theme};
use crate::ui::wrap::wrap_hanging;
use ratatui::text::{Line, Span};

/// Columns laid out side by side; a wider table is told row by row.
const COLUMNS_MAX: usize = 32;

/// A table being gathered.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) head: Vec<Line<'static>>,
    pub(super) rows: Vec<Vec<Line<'static>>>,
}

impl Table {
    pub(super) fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let count = self
            .rows
            .iter()
            .map(Vec::len)
            .max()
            .unwrap_or(0)
            .max(self.head.len());
        let widths: Vec<usize> = (0..count).map(|column| self.width_of(column)).collect();
        let whole = widths.iter().sum::<usize>() + 3 * count.saturating_sub(1);
        if whole > width || count > COLUMNS_MAX {
            return self.stacked(width, theme);
        }
        let rule = theme.style(Role::Border);
        let mut lines = vec![beside(&self.head, &widths, theme)];
        let dashes: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        lines.push(Line::styled(dashes.join("─┼─"), rule));
        lines.extend(self.rows.iter().map(|row| beside(row, &widths, theme)));
        lines
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self
            .rows
            .iter()
            .chain([&self.head])
            .filter_map(|row| row.get(column));
        cells.map(columns_of).max().unwrap_or(0).max(1)
    }

    /// `head: cell` lines, a blank line between rows.
    fn stacked(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for row in &self.rows {
            if !lines.is_empty() {
                lines.push(Line::default());
            }
            for (column, cell) in row.iter().enumerate() {
                let mut spans = self.head.get(column).map(|head| head.spans.clone());
                let spans = spans.get_or_insert_default();
                spans.push(Span::styled(": ", theme.style(Role::Muted)));
                spans.extend(cell.spans.iter().cloned());
                let line = Line::from(std::mem::take(spans));
                lines.extend(wrap_hanging(&line, width, &[], &[Span::raw("  ")]));
            }
        }
        if lines.is_empty() {
            let spans: Vec<Span<'static>> = self
                .head
                .iter()
                .flat_map(|cell| cell.spans.iter().cloned())
                .collect();
            lines.extend(wrap_hanging(&Line::from(spans), width, &[], &[]));
        }
        lines
    }
}

fn columns_of(cell: &Line<'_>) -> usize {
    cell.spans
        .iter()
        .map(|span| crate::ui::width::columns(&span.content))
        .sum()
}

fn beside(row: &[Line<'static>], widths: &[usize], theme: &Theme) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (column, width) in widths.iter().enumerate() {
        if column > 0 {
            spans.push(Span::styled(" │ ", theme.style(Role::Border)));
        }
        let used = row.get(column).map(columns_of).unwrap_or(0);
        spans.extend(
            row.get(column)
                .into_iter()
                .flat_map(|cell| cell.spans.iter().cloned()),
        );
        if column + 1 < widths.len() {
            spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
        }
    }
    Line::from(spans)
}

/// Where a table begins that goes on to the end of the text, and so may still grow.
pub(super) fn unfinished_from(text: &str) -> Option<usize> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let mut start = None;
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        let bare = line.trim_end();
        // A fence may hold pipes that are no table.
        if bare.trim_start().starts_with("```") || bare.trim_start().starts_with("~~~") {
            return None;
        }
        let row = bare.trim_start().starts_with('|');
        start = if row { start.or(Some(at)) } else { None };
        at += line.len();
    }
    let start = start?;
    let mut rows = text.get(start..)?.lines();
    let (Some(_), second) = (rows.next(), rows.next()) else {
        return None;
    };
    let rule = |line: &str| line.chars().all(|ch| matches!(ch, '|' | '-' | ':' | ' '));
    second.is_none_or(rule).then_some(start)
}
