//! Lines cut at the edge and nowhere else, for text whose every blank counts.
//!
//! Drops, adds and reorders nothing: rows put together again are the line. What stands before a
//! row is the caller's, so that a wrapped row never looks like a line of its own.

use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::width::{columns, grapheme};

/// Cuts a line to a width, behind a prefix of equal width on the first and on all other rows.
///
/// Always gives at least one row, and at least one column of text a row.
#[must_use]
pub fn rows(
    spans: &[Span<'static>],
    width: usize,
    first: &[Span<'static>],
    others: &[Span<'static>],
) -> Vec<Line<'static>> {
    let room = |prefix: &[Span<'static>]| {
        let taken: usize = prefix.iter().map(|span| columns(&span.content)).sum();
        width.saturating_sub(taken).max(1)
    };
    let mut done = Vec::new();
    let mut row = first.to_vec();
    let mut left = room(first);
    for span in spans {
        let mut piece = String::new();
        for cluster in span.content.graphemes(true) {
            let takes = grapheme(cluster);
            if takes > left && row_has_text(&row, &piece, done.is_empty(), first, others) {
                row.push(Span::styled(std::mem::take(&mut piece), span.style));
                done.push(Line::from(std::mem::replace(&mut row, others.to_vec())));
                left = room(others);
            }
            piece.push_str(cluster);
            left = left.saturating_sub(takes);
        }
        if !piece.is_empty() {
            row.push(Span::styled(piece, span.style));
        }
    }
    done.push(Line::from(row));
    done
}

fn row_has_text(
    row: &[Span<'static>],
    piece: &str,
    on_first: bool,
    first: &[Span<'static>],
    others: &[Span<'static>],
) -> bool {
    let prefix = if on_first { first.len() } else { others.len() };
    !piece.is_empty() || row.len() > prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn no_blank_is_dropped_at_an_edge() {
        let spans = [Span::raw("ab  cd"), Span::raw(" e")];
        let rows = rows(&spans, 5, &[Span::raw("L ")], &[Span::raw("> ")]);
        assert_eq!(text(&rows), ["L ab ", ">  cd", ">  e"]);
    }

    #[test]
    fn a_wide_letter_in_one_column_is_put_there_all_the_same() {
        let rows = rows(&[Span::raw("日本")], 1, &[], &[]);
        assert_eq!(text(&rows), ["日", "本"]);
    }

    #[test]
    fn nothing_is_one_empty_row() {
        assert_eq!(text(&rows(&[], 9, &[Span::raw("L")], &[])), ["L"]);
    }
}
