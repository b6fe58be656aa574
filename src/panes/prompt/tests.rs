//! Tests of the line editor.

use super::view::column;
use super::{Prompt, Purpose};

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
