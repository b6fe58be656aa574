//! Tests of markdown: how blocks look, that streaming ends where whole reading does.

use super::*;
use crate::ui::safe_text::is_unsafe;
use crate::ui::width::columns;
use proptest::prelude::*;

fn texts(lines: &[Line<'_>]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn check(source: &str, expected: &[&str]) {
    assert_eq!(
        texts(&render(source, 30, &Theme::mono())),
        expected,
        "{source}"
    );
}

#[test]
fn blocks_stand_apart() {
    check("", &[]);
    check("one\ntwo\n\nthree", &["one two", "", "three"]);
    check("# Title\ntext", &["# Title", "", "text"]);
    check("a  \nb", &["a", "b"]);
    check("a\n\n---\n\nb", &["a", "", &"─".repeat(30), "", "b"]);
}

#[test]
fn lists_are_marked_and_nested() {
    check("- a\n- b\n  - c\n- d", &["- a", "- b", "  - c", "- d"]);
    check("9. a\n10. b", &["9. a", "10. b"]);
    check("- a\n\n- b", &["- a", "", "- b"]);
    check("- [x] done\n- [ ] not", &["- [x] done", "- [ ] not"]);
    check(
        "- one two three four five six seven",
        &["- one two three four five six", "  seven"],
    );
    check("text\n- a\n\nmore", &["text", "", "- a", "", "more"]);
    check("-\n- b", &["- ", "- b"]);
}

#[test]
fn code_keeps_its_lines() {
    check(
        "```rust\nfn a() {\n    b\n}\n```",
        &["  fn a() {", "      b", "  }"],
    );
    check("a `b c` d", &["a b c d"]);
    check("```\na\n\nb\n```\nc", &["  a", "  ", "  b", "", "c"]);
}

#[test]
fn quotes_and_links_are_told() {
    check("> one\n>\n> two", &["| one", "|", "| two"]);
    check("see [here](http://x.y)", &["see here (http://x.y)"]);
    check("<http://x.y>", &["http://x.y"]);
    check("[a](http://x.y/\u{202E})", &["a (http://x.y/⟦U+202E⟧)"]);
}

#[test]
fn html_is_shown_as_written() {
    check("<b>x</b>", &["<b>x</b>"]);
    check("<div>\nx\n</div>", &["  <div>", "  x", "  </div>"]);
}

#[test]
fn tables_stand_in_columns_or_are_told_row_by_row() {
    check("|a|bb|\n|-|-|\n|1|2|\n", &["a │ bb", "──┼───", "1 │ 2"]);
    let wide = "|first|second|\n|-|-|\n|a value of some length|another such value|\n";
    check(
        wide,
        &[
            "first: a value of some length",
            "second: another such value",
        ],
    );
}

#[test]
fn emphasis_is_a_modifier() {
    let lines = render("a **b** *c*", 30, &Theme::mono());
    let styles: Vec<_> = lines[0]
        .spans
        .iter()
        .map(|span| span.style.add_modifier)
        .collect();
    assert!(styles.contains(&ratatui::style::Modifier::BOLD));
    assert!(styles.contains(&ratatui::style::Modifier::ITALIC));
}

const LONG: &str = "# Plan\n\nFirst *this*, then:\n\n- one\n- two\n\n  more of two\n\nThen code:\n\n```rust\nfn main() {\n\n}\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n1. x\n\n2. y\n\nThe end.\n\n> quoted\n\nAfter.\n";

#[test]
fn a_streamed_text_ends_as_the_whole_one() {
    let theme = Theme::mono();
    for step in [1, 2, 3, 7, 50] {
        let mut text = Streaming::new();
        let bytes: Vec<char> = LONG.chars().collect();
        for piece in bytes.chunks(step) {
            text.push(&piece.iter().collect::<String>());
            text.lines(30, &theme);
        }
        text.finish();
        assert_eq!(text.lines(30, &theme), render(LONG, 30, &theme));
        assert_eq!(text.lines(20, &theme), render(LONG, 20, &theme));
    }
}

#[test]
fn stable_lines_do_not_change_while_the_tail_grows() {
    let theme = Theme::mono();
    let mut text = Streaming::new();
    text.push("one\n\ntwo\n\n```\ncode\n\nmore");
    assert_eq!(text.stable_bytes(), 10);
    text.push("\n```\n\nthree\n");
    assert_eq!(&text.source()[text.stable_bytes()..], "three\n");
    assert_eq!(
        texts(&text.lines(30, &theme)).last().map(String::as_str),
        Some("three")
    );
}

#[test]
fn a_growing_table_is_held_until_it_is_whole() {
    let theme = Theme::mono();
    let mut text = Streaming::new();
    text.push("see\n\n|a|b|\n|-|-|\n|1|2|\n|3");
    assert_eq!(
        texts(&text.lines(30, &theme)),
        ["see", "", "(table, 2 rows so far)"]
    );
    text.push("|4|\n\nend\n");
    assert_eq!(texts(&text.lines(30, &theme))[2], "a │ b");
}

#[test]
fn what_goes_beyond_the_limit_is_told() {
    let mut text = Streaming::new();
    text.push(&"word \n\n".repeat(SOURCE_BYTES_MAX / 7));
    text.push("and more than fits here, surely");
    let lines = text.lines(30, &Theme::mono());
    assert!(lines.last().unwrap().to_string().contains("not shown"));
}

#[test]
fn deep_nesting_does_no_harm() {
    let lines = render(&format!("{}x", ">".repeat(5_000)), 40, &Theme::mono());
    assert!(!lines.is_empty());
    let lines = render(&"- ".repeat(2_000), 40, &Theme::mono());
    assert!(lines.len() < 10_000);
}

proptest! {
    #[test]
    fn any_text_is_rendered_safely(source in ".*|([-*>#|` \\[\\]()<a-z0-9.\n]){0,60}", width in 0usize..40) {
        for line in render(&source, width, &Theme::ansi()) {
            prop_assert!(!line.to_string().chars().any(is_unsafe));
        }
    }

    #[test]
    fn prose_fits_its_width(source in "[a-z *-]{0,80}", width in 4usize..40) {
        for line in render(&source, width, &Theme::ansi()) {
            prop_assert!(columns(&line.to_string()) <= width.max(18), "{}", line);
        }
    }

    #[test]
    fn any_text_streams_to_its_whole(source in "([-*>#|`] ?|[a-z]{1,3}|\n|\n\n|1\\. |    |```\n){0,24}", step in 1usize..9) {
        let theme = Theme::mono();
        let mut text = Streaming::new();
        let chars: Vec<char> = source.chars().collect();
        for piece in chars.chunks(step) {
            text.push(&piece.iter().collect::<String>());
            text.lines(24, &theme);
        }
        text.finish();
        prop_assert_eq!(texts(&text.lines(24, &theme)), texts(&render(&source, 24, &theme)), "{:?}", source);
    }
}
