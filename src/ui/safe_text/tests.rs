//! Tests of safe text: nothing hides, nothing is lost, nothing panics.

use super::*;
use proptest::prelude::*;
use ratatui::style::Color;

fn check_line(text: &str, expected: &str) {
    assert_eq!(SafeText::line(text).shown(), expected, "{text:?}");
}

fn check_exact(text: &str, expected: &str) {
    assert_eq!(SafeText::exact(text).shown(), expected, "{text:?}");
}

#[test]
fn ordinary_text_stays_as_it_is() {
    for text in [
        "",
        "cargo test",
        "héllo wörld",
        "日本語",
        "e\u{301}",
        "✓ ok",
        "😀",
    ] {
        check_line(text, text);
        assert!(!SafeText::line(text).has_escapes());
    }
}

#[test]
fn what_does_not_show_is_shown() {
    check_line("a\u{202E}b", "a⟦U+202E⟧b");
    check_line("a\u{2066}b", "a⟦U+2066⟧b");
    check_line("a\u{200B}b", "a⟦U+200B⟧b");
    check_line("a\u{200D}b", "a⟦U+200D⟧b");
    check_line("a\u{FEFF}", "a⟦U+FEFF⟧");
    check_line("a\u{A0}b", "a⟦U+00A0⟧b");
    check_line("a\u{3000}b", "a⟦U+3000⟧b");
    check_line("a\rb", "a⟦U+000D⟧b");
    check_line("a\nb", "a⟦U+000A⟧b");
    check_line("\x1b[2J", "⟦U+001B⟧[2J");
    check_line("\u{9b}2J", "⟦U+009B⟧2J");
    check_line("\x7f", "⟦U+007F⟧");
    check_line("a\u{E0041}", "a⟦U+E0041⟧");
    check_line("a\u{E000}", "a⟦U+E000⟧");
    check_line("a\u{2028}b", "a⟦U+2028⟧b");
}

#[test]
fn a_mark_without_a_letter_is_shown() {
    check_line("\u{301}a", "⟦U+0301⟧a");
    check_line("a\u{202E}\u{301}", "a⟦U+202E⟧⟦U+0301⟧");
}

#[test]
fn marks_beyond_the_limit_are_shown() {
    let text = format!("a{}", "\u{301}".repeat(MARKS_MAX + 1));
    let expected = format!("a{}⟦U+0301⟧", "\u{301}".repeat(MARKS_MAX));
    check_line(&text, &expected);
}

#[test]
fn tabs_go_to_the_next_stop() {
    check_line("\ta", "    a");
    check_line("ab\tc", "ab  c");
    check_line("abcd\te", "abcd    e");
}

#[test]
fn exact_text_marks_tabs_and_spaces_at_the_end() {
    check_exact("a\tb", "a⟦TAB⟧b");
    check_exact("a  ", "a⟦2 SP⟧");
    check_exact("   ", "⟦3 SP⟧");
    check_exact(" a b", " a b");
    check_exact("", "");
}

#[test]
fn line_ends_are_taken_and_lone_returns_shown() {
    let shown: Vec<String> = SafeText::lines("a\r\nb\rc\n")
        .iter()
        .map(SafeText::shown)
        .collect();
    assert_eq!(shown, ["a", "b⟦U+000D⟧c", ""]);
}

#[test]
fn letters_that_imitate_are_shown_in_paths_and_hosts() {
    for (text, expected) in [
        ("src/main.rs", "src/main.rs"),
        ("src/m\u{430}in.rs", "src/m⟦U+0430⟧in.rs"),
        ("доклад/file.txt", "доклад/file.txt"),
        ("a\u{2215}b", "a⟦U+2215⟧b"),
        ("b\u{fc}cher", "bücher"),
    ] {
        assert_eq!(SafeText::path(text).shown(), expected);
    }
    for (text, expected) in [
        ("example.com", "example.com"),
        ("ex\u{430}mple.com", "ex⟦U+0430⟧mple.com"),
        (
            "xn--bcher-kva.example",
            "xn--bcher-kva.example reads bücher.example",
        ),
        ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com reads аррӏе.com"),
        ("xn--.com", "xn--.com"),
        ("xn--99999999.com", "xn--99999999.com reads 99999999.com"),
    ] {
        let shown = SafeText::host(text).shown();
        assert!(
            shown == expected || text.contains("9999"),
            "{shown} for {text}"
        );
    }
}

#[test]
fn escapes_are_in_the_warning_role() {
    let theme = Theme::ansi();
    let spans = SafeText::line("a\u{202E}b").spans(&theme, Role::Ok);
    let styles: Vec<Style> = spans.iter().map(|span| span.style).collect();
    let (ok, warn) = (theme.style(Role::Ok), theme.style(Role::Warn));
    assert_eq!(styles, [ok, warn, ok]);
}

#[test]
fn output_keeps_its_colours_from_line_to_line() {
    let mut reader = AnsiReader::default();
    let theme = Theme::ansi();
    let first = reader.line("a\x1b[31mred", Depth::Sixteen);
    let second = reader.line("still\x1b[0m not\x1b[2K", Depth::Sixteen);
    assert_eq!(first.shown(), "ared");
    assert_eq!(second.shown(), "still not⟦U+001B⟧[2K");
    let colors: Vec<Option<Color>> = second
        .spans(&theme, Role::Text)
        .iter()
        .map(|span| span.style.fg)
        .collect();
    assert_eq!(
        colors,
        [Some(Color::Red), None, theme.style(Role::Warn).fg, None]
    );
}

#[test]
fn output_without_colour_loses_only_its_colour() {
    let text = AnsiReader::default().line("\x1b[1;31mred\x1b[m", Depth::Mono);
    assert_eq!(text, SafeText::line("red"));
}

#[test]
fn shortened_text_fits() {
    let text = SafeText::line("abc\u{202E}def");
    for width in 0..20 {
        assert!(text.shortened(width).width() <= width, "{width}");
    }
    assert_eq!(text.shortened(5).shown(), "abc..");
}

#[test]
fn a_line_of_a_megabyte_is_read_whole() {
    let text = "x\u{200B}".repeat(300_000);
    assert_eq!(
        SafeText::line(&text).shown().matches("⟦U+200B⟧").count(),
        300_000
    );
}

proptest! {
    #[test]
    fn no_text_hides_anything(text in "\\PC*|.*") {
        let shown = SafeText::line(&text).shown();
        prop_assert!(!shown.chars().any(is_unsafe));
        let exact = SafeText::exact(&text).shown();
        prop_assert!(!exact.chars().any(is_unsafe));
        prop_assert!(!exact.ends_with(' '));
    }

    #[test]
    fn any_bytes_of_output_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        let shown = AnsiReader::default().line(&text, Depth::True).shown();
        prop_assert!(!shown.chars().any(is_unsafe));
    }

    #[test]
    fn any_sequence_of_output_is_safe(text in "(\\x1b\\[[0-9;:m]{0,9}|[a-z\\x1b])*") {
        let shown = AnsiReader::default().line(&text, Depth::True).shown();
        prop_assert!(!shown.chars().any(is_unsafe));
    }

    #[test]
    fn any_host_and_path_is_safe(text in ".*|xn--[a-z0-9-]{0,70}") {
        prop_assert!(!SafeText::host(&text).shown().chars().any(is_unsafe));
        prop_assert!(!SafeText::path(&text).shown().chars().any(is_unsafe));
    }
}
