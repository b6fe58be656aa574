//! Tests of narrowing and choosing.

use super::state::score;
use super::{Choice, Picker, PickerRow, Subject};

fn row(text: &str, usable: bool) -> PickerRow {
    PickerRow {
        choice: Choice::Model(text.into()),
        text: text.into(),
        more: String::new(),
        tail: String::new(),
        usable,
    }
}

#[test]
fn whole_words_come_before_parts_before_scattered_letters() {
    assert_eq!(score("go to the ledger", "ledger"), Some(1));
    assert_eq!(score("go to the ledger", "edger"), Some(2));
    assert!(score("go to the ledger", "gtl").is_some_and(|found| found > 2));
    assert_eq!(score("go to the ledger", "zz"), None);
    assert_eq!(score("Ärger", "äRGER"), Some(1));
}

#[test]
fn what_cannot_be_used_here_comes_last() {
    let rows = vec![row("approve", false), row("approvals", true)];
    let mut picker = Picker::new(Subject::Model, rows);
    picker.insert("appro");
    let order: Vec<&str> = picker.found().map(|row| row.text.as_str()).collect();
    assert_eq!(order, ["approvals", "approve"]);
}

#[test]
fn the_choice_stays_inside_the_list() {
    let mut picker = Picker::new(Subject::Model, vec![row("a", true), row("b", true)]);
    picker.step(9);
    assert_eq!(picker.chosen().map(|row| row.text.as_str()), Some("b"));
    picker.insert("zz");
    assert_eq!(picker.chosen(), None);
    picker.step(-3);
    picker.clear();
    assert_eq!(picker.chosen().map(|row| row.text.as_str()), Some("a"));
}
