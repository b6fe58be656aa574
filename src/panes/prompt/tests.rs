//! Tests of the line editor.

use super::view::column;
use super::{Lines, Prompt, Purpose};

fn prompt(text: &str) -> Prompt {
    Prompt::new(Purpose::Filter, text)
}

#[test]
fn editing_steps_by_graphemes() {
    let mut line = prompt("ae\u{301}日");
    line.left();
    line.backspace();
    assert_eq!(line.text(), "a日");
    line.insert("x");
    assert_eq!(line.halves(), ("ax", "日"));
    line.right();
    line.right();
    assert_eq!(line.halves(), ("ax日", ""));
}

#[test]
fn a_word_is_cut_and_what_is_pasted_stays_one_line() {
    let mut line = prompt("kind:commit tool:fs_*  ");
    line.kill_word();
    assert_eq!(line.text(), "kind:commit ");
    line.insert("a\r\nb\nc");
    assert_eq!(line.text(), "kind:commit a b c");
    line.clear();
    line.backspace();
    line.kill_word();
    assert_eq!(line.text(), "");
}

#[test]
fn what_is_too_long_is_refused_and_said() {
    let mut line = prompt("a");
    line.insert(&"b".repeat(super::state::PROMPT_BYTES_MAX));
    assert_eq!(line.text(), "a");
    assert!(line.fault.is_some());
}

#[test]
fn the_column_of_a_fault_is_found() {
    assert_eq!(column("filter column 7: unknown field `x`"), Some(7));
    assert_eq!(column("no column here"), None);
    assert_eq!(column("column 0"), None);
}

#[test]
fn a_field_of_a_filter_is_completed_and_nothing_else() {
    let mut line = prompt("kind:commit -ef");
    assert!(line.complete());
    assert_eq!(line.text(), "kind:commit -effect:");
    assert!(!line.complete(), "nothing is begun");
    line.insert("write zz");
    assert!(!line.complete());
    assert_eq!(line.text(), "kind:commit -effect:write zz");
    assert!(!Prompt::new(Purpose::Search, "ki").complete());
}

#[test]
fn lines_come_back_where_the_same_is_asked_for_and_what_was_typed_is_not_lost() {
    let mut lines = Lines::default();
    for text in ["kind:commit", "tool:shell", "kind:commit", "  "] {
        lines.keep(&Purpose::Filter, text);
    }
    lines.keep(&Purpose::Search, "needle");
    let typed_back = Purpose::TypeBack {
        proposal: thymos_core::id::ProposalId::of(b"p"),
        presented: thymos_core::id::PresentedDigest::of(b"p"),
    };
    lines.keep(&typed_back, "1234");
    assert_eq!(lines.of(&typed_back).count(), 0);
    let mut line = prompt("half");
    let mut shown = |step: fn(&mut Prompt, &Lines)| {
        step(&mut line, &lines);
        line.text().to_owned()
    };
    assert_eq!(shown(Prompt::previous), "kind:commit");
    assert_eq!(shown(Prompt::previous), "tool:shell");
    assert_eq!(shown(Prompt::previous), "tool:shell", "the oldest stays");
    assert_eq!(shown(Prompt::next), "kind:commit");
    assert_eq!(shown(Prompt::next), "half");
    assert_eq!(shown(Prompt::next), "half");
}
