//! Styled lines broken to a width, at spaces where there are any.
//!
//! Linear in the length of the line; a word longer than the width is broken between
//! graphemes. Drops nothing but the spaces at which it breaks.

#[cfg(test)]
mod tests;

use super::width::grapheme;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

/// Breaks a line to a width; always gives at least one row.
#[must_use]
pub fn wrap(line: &Line<'_>, width: usize) -> Vec<Line<'static>> {
    wrap_hanging(line, width, &[], &[])
}

/// Breaks a line behind prefixes: one for the first row, one for the others.
///
/// A width too small for the prefix and one column is treated as just enough for them.
#[must_use]
pub fn wrap_hanging(
    line: &Line<'_>,
    width: usize,
    first: &[Span<'static>],
    others: &[Span<'static>],
) -> Vec<Line<'static>> {
    let mut rows = Rows {
        done: Vec::new(),
        first,
        others,
        row: Vec::new(),
        used: 0,
        space: None,
        has_word: false,
    };
    rows.used = prefix_width(first);
    for span in &line.spans {
        let style = line.style.patch(span.style);
        for cluster in span.content.graphemes(true) {
            rows.take(
                Cluster {
                    text: cluster,
                    style,
                    width: grapheme(cluster),
                },
                width,
            );
        }
    }
    rows.end_row();
    rows.done
}

fn prefix_width(spans: &[Span<'_>]) -> usize {
    spans
        .iter()
        .map(|span| super::width::columns(&span.content))
        .sum()
}

#[derive(Clone, Copy)]
struct Cluster<'a> {
    text: &'a str,
    style: Style,
    width: usize,
}

struct Rows<'a, 'p> {
    done: Vec<Line<'static>>,
    first: &'p [Span<'static>],
    others: &'p [Span<'static>],
    row: Vec<Cluster<'a>>,
    used: usize,
    // Where in the row the last space behind a word stands.
    space: Option<usize>,
    has_word: bool,
}

impl<'a> Rows<'a, '_> {
    fn take(&mut self, cluster: Cluster<'a>, width: usize) {
        let over = self.used + cluster.width > width;
        let blank = cluster.text == " ";
        if over && blank && !self.row.is_empty() {
            // The break falls on this very space: it is the one that is dropped.
            self.end_row();
            return;
        }
        if over && !self.row.is_empty() {
            self.break_row();
            // What was carried over may itself fill the row, when the prefix is wide.
            if self.used + cluster.width > width && !self.row.is_empty() {
                self.end_row();
            }
        }
        if blank && self.has_word {
            self.space = Some(self.row.len());
        }
        self.has_word |= !blank;
        self.used += cluster.width;
        self.row.push(cluster);
    }

    /// Breaks at the last space, or here when there is none.
    fn break_row(&mut self) {
        let carried = match self.space {
            Some(space) => {
                let carried = self.row.split_off((space + 1).min(self.row.len()));
                self.row.truncate(space);
                carried
            }
            None => Vec::new(),
        };
        self.end_row();
        self.used += carried.iter().map(|cluster| cluster.width).sum::<usize>();
        self.has_word = !carried.is_empty();
        self.row = carried;
    }

    fn end_row(&mut self) {
        let prefix = if self.done.is_empty() {
            self.first
        } else {
            self.others
        };
        let mut spans = prefix.to_vec();
        let at = spans.len();
        for cluster in self.row.drain(..) {
            match spans.get_mut(at..).and_then(<[_]>::last_mut) {
                Some(last) if last.style == cluster.style => {
                    last.content.to_mut().push_str(cluster.text);
                }
                Some(_) | None => spans.push(Span::styled(cluster.text.to_owned(), cluster.style)),
            }
        }
        self.done.push(Line::from(spans));
        self.used = prefix_width(self.others);
        self.space = None;
        self.has_word = false;
    }
}
