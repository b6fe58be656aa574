//! Tests of wrapping: rows fit, words stay whole, nothing but break spaces is lost.

use super::*;
use crate::ui::width::columns;
use proptest::prelude::*;
use ratatui::style::Color;

fn check_wrap(text: &str, width: usize, expected: &[&str]) {
    let rows: Vec<String> = wrap(&Line::raw(text.to_owned()), width)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(rows, expected, "{text:?} to {width}");
}

#[test]
fn lines_break_at_spaces() {
    check_wrap("", 10, &[""]);
    check_wrap("one two three", 20, &["one two three"]);
    check_wrap("one two three", 7, &["one two", "three"]);
    check_wrap("one two three", 8, &["one two", "three"]);
    check_wrap("one two three", 5, &["one", "two", "three"]);
    check_wrap("  indented text here", 10, &["  indented", "text here"]);
    check_wrap("    fn main() {}", 8, &["    fn", "main()", "{}"]);
}

#[test]
fn long_words_break_where_they_must() {
    check_wrap("abcdefgh", 3, &["abc", "def", "gh"]);
    check_wrap("a bcdefgh", 4, &["a", "bcde", "fgh"]);
    check_wrap("日本語", 4, &["日本", "語"]);
    check_wrap("日本語", 1, &["日", "本", "語"]);
    check_wrap("ab", 0, &["a", "b"]);
}

#[test]
fn styles_go_along() {
    let red = Style::new().fg(Color::Red);
    let line = Line::from(vec![Span::raw("one t"), Span::styled("wo three", red)]);
    let rows = wrap(&line, 7);
    assert_eq!(rows[0].spans, [Span::raw("one t"), Span::styled("wo", red)]);
    assert_eq!(rows[1].spans, [Span::styled("three", red)]);
}

#[test]
fn hanging_rows_have_their_prefix() {
    let rows = wrap_hanging(
        &Line::raw("one two three"),
        8,
        &[Span::raw("- ")],
        &[Span::raw("  ")],
    );
    let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    assert_eq!(rows, ["- one", "  two", "  three"]);
}

#[test]
fn a_line_of_a_megabyte_is_wrapped() {
    for text in [
        "x".repeat(1_000_000),
        " ".repeat(1_000_000),
        "ab ".repeat(333_333),
    ] {
        let rows = wrap(&Line::raw(text), 80);
        assert!(rows.len() > 12_000);
    }
}

proptest! {
    #[test]
    fn rows_fit_and_keep_every_letter(text in "[a-z é日 ]{0,80}", width in 2usize..20) {
        let rows = wrap(&Line::raw(text.clone()), width);
        let joined: String = rows.iter().map(ToString::to_string).collect();
        let bare = |text: &str| text.replace(' ', "");
        prop_assert_eq!(bare(&joined), bare(&text));
        for row in rows {
            prop_assert!(columns(&row.to_string()) <= width);
        }
    }

    #[test]
    fn any_text_is_wrapped(text in ".*", width in 0usize..30, hang in 0usize..30) {
        let hang = [Span::raw(" ".repeat(hang))];
        prop_assert!(!wrap_hanging(&Line::raw(text), width, &hang, &hang).is_empty());
    }
}
