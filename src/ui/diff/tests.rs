//! Tests of the diff: counts, numbers, flags, and lines that show what would not.

use super::*;
use crate::theme::Theme;
use proptest::prelude::*;

fn shown(old: &str, new: &str) -> Vec<String> {
    lines(&Diff::of(old, new), 60, &Theme::mono())
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_change_is_told_with_context_and_numbers() {
    let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
    let new = "a\nb\nc\nd\nE\nf\ng\nh\ni\n";
    assert_eq!(Diff::of(old, new).stat(), "+2 -1");
    assert_eq!(
        shown(old, new),
        [
            "@@ -2,7 +2,8 @@",
            "  2   2  b",
            "  3   3  c",
            "  4   4  d",
            "  5     -e",
            "      5 +E",
            "  6   6  f",
            "  7   7  g",
            "  8   8  h",
            "      9 +i",
        ]
    );
}

#[test]
fn alike_texts_have_no_difference() {
    let diff = Diff::of("a\nb\n", "a\nb\n");
    assert!(diff.is_empty());
    assert_eq!(diff.stat(), "+0 -0");
}

#[test]
fn a_new_file_is_all_additions() {
    assert_eq!(
        shown("", "a\nb\n"),
        ["@@ -0,0 +1,2 @@", "      1 +a", "      2 +b"]
    );
}

#[test]
fn line_ends_are_told() {
    let diff = Diff::of("a\r\nb\r\n", "a\nb\n");
    assert_eq!(diff.notes(), ["line ends change from CRLF to LF"]);
    assert_eq!((diff.added, diff.removed), (2, 2));
    let diff = Diff::of("a\nb\n", "a\nb\r\n");
    assert_eq!(diff.notes(), ["line ends are mixed"]);
    assert!(shown("a\nb\n", "a\nb\r\n").contains(&"      2 +b⟦U+000D⟧".to_owned()));
}

#[test]
fn a_missing_last_line_end_is_told() {
    assert_eq!(
        shown("a\n", "a"),
        [
            "! the last line loses its line end",
            "@@ -1,1 +1,1 @@",
            "  1     -a",
            "      1 +a",
            "\\ no line end at the end of the file",
        ]
    );
}

#[test]
fn what_hides_in_a_changed_line_is_shown() {
    let rows = shown("", "if\u{202E} x  \n\ty\n");
    assert_eq!(rows[1], "      1 +if⟦U+202E⟧ x⟦2 SP⟧");
    assert_eq!(rows[2], "      2 +    y");
}

#[test]
fn a_text_above_the_limits_is_told_as_replaced() {
    let large = "x\n".repeat(TEXT_LINES_MAX + 1);
    let diff = Diff::of(&large, "y\n");
    assert!(diff.too_large && diff.hunks.is_empty() && !diff.is_empty());
    assert_eq!((diff.added, diff.removed), (1, TEXT_LINES_MAX + 1));
    assert!(Diff::of(&large, &large).is_empty());
}

#[test]
fn hunks_can_be_jumped_to() {
    let old: String = (0..40).map(|n| format!("{n}\n")).collect();
    let new = old.replace("5\n", "five\n");
    let rows = lines(&Diff::of(&old, &new), 60, &Theme::mono());
    assert_eq!(hunk_starts(&rows).len(), Diff::of(&old, &new).hunks.len());
}

proptest! {
    #[test]
    fn added_and_removed_lines_lead_from_old_to_new(old in "([ab]\n){0,12}[ab]?", new in "([ab]\n){0,12}[ab]?") {
        let diff = Diff::of(&old, &new);
        let count = |text: &str| text.split_inclusive('\n').count();
        prop_assert_eq!(count(&old) + diff.added, count(&new) + diff.removed);
        prop_assert_eq!(diff.is_empty(), old == new);
    }

    #[test]
    fn any_texts_are_compared_and_shown(old in ".*|(.*\n)*", new in ".*|(.*\n)*", width in 0usize..40) {
        let rows = lines(&Diff::of(&old, &new), width, &Theme::ansi());
        prop_assert_eq!(rows.is_empty(), old == new);
    }
}
