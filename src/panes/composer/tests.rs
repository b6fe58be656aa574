//! Tests of the editor: graphemes move and go as one, nothing is lost.

use super::Composer;
use crate::app::Action;

fn check_edit(text: &str, actions: &[Action], expected: &str) {
    let mut composer = Composer::with_draft(text);
    for action in actions {
        assert!(composer.edit(*action), "{action:?}");
    }
    composer.insert("|");
    assert_eq!(composer.text(), expected);
}

#[test]
fn graphemes_move_and_go_as_one() {
    use Action::{ComposerBackspace, ComposerDelete, ComposerLeft, ComposerRight};
    let family = "a👨‍👩‍👧b";
    check_edit(family, &[ComposerLeft, ComposerLeft], "a|👨‍👩‍👧b");
    check_edit(family, &[ComposerLeft, ComposerBackspace], "a|b");
    check_edit(family, &[ComposerLeft, ComposerLeft, ComposerDelete], "a|b");
    check_edit(
        "e\u{301}x",
        &[ComposerLeft, ComposerLeft, ComposerRight],
        "e\u{301}|x",
    );
    check_edit("one\ntwo", &[ComposerLeft; 4], "one|\ntwo");
}

#[test]
fn lines_and_words_are_cut_and_put_back() {
    use Action::*;
    check_edit("one two", &[ComposerKillWord], "one |");
    check_edit("one two", &[ComposerKillWord, ComposerYank], "one two|");
    check_edit("one two", &[ComposerLineStart, ComposerKillLine], "|");
    check_edit("one two", &[ComposerKillStart, ComposerUndo], "one two|");
    check_edit("a", &[ComposerNewline], "a\n|");
}

#[test]
fn a_move_by_rows_never_lands_inside_a_grapheme() {
    check_edit("👨‍👩‍👧\nabc", &[Action::ComposerUp], "|👨‍👩‍👧\nabc");
}

#[test]
fn a_paste_is_cleaned_and_bounded() {
    let mut composer = Composer::default();
    composer.insert("a\r\nb\rc\u{1b}[2J\td\0");
    assert_eq!(composer.text(), "a\nb\nc[2J\td");
    composer.insert(&"x".repeat(1024 * 1024));
    assert!(composer.text().len() <= 256 * 1024);
}

#[test]
fn what_could_not_be_sent_comes_back_before_what_is_written_now() {
    let mut composer = Composer::with_draft("first");
    assert_eq!(composer.take(), "first");
    composer.insert("second");
    composer.give_back("first");
    assert_eq!(composer.text(), "first\nsecond");
}
