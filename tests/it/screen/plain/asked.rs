//! What lies over the screen, as lines: questions, lists, lines that are wanted.

use thymos_core::writ::Mode;
use thymos_protocol::Command;

use super::listener::Listener;
use crate::screen::kernel::Kernel;

fn open() -> Listener {
    let mut listener = Listener::open(Kernel::new());
    listener.hears();
    listener
}

fn modes(listener: &Listener) -> Vec<Mode> {
    let asked = listener.kernel.asked.iter();
    asked
        .filter_map(|asked| match asked {
            Command::SetMode { mode, .. } => Some(*mode),
            _ => None,
        })
        .collect()
}

#[test]
fn a_mode_is_shown_before_it_is_issued() {
    let mut listener = open();
    listener.says("mode auto");
    let heard = listener.hears();
    assert!(heard.contains("about: drops effects write\n"), "{heard}");
    assert!(
        heard.contains("question: 1, change nothing. 2, issue this writ. Type a number, or back."),
        "{heard}"
    );
    for text in ["y", "yes", "", "3", "auto", "please do"] {
        listener.says(text);
        assert!(listener.hears().contains("that answers nothing"), "{text}");
    }
    assert!(modes(&listener).is_empty());
    listener.says("1");
    listener.says("mode plan");
    listener.says("2");
    assert_eq!(modes(&listener), [Mode::Plan]);
    listener.ring();
    let heard = listener.hears();
    assert_eq!(heard.matches("is in force").count(), 1, "{heard}");
}

#[test]
fn a_line_from_before_the_question_answers_nothing() {
    let mut listener = open();
    let early = listener.time();
    listener.says("mode auto");
    listener.typed_at("2", early);
    assert!(
        listener
            .hears()
            .contains("typed before the question was printed")
    );
    assert!(modes(&listener).is_empty());
    listener.says("back");
    assert!(
        listener
            .hears()
            .contains("notice: back; nothing was changed")
    );
}

#[test]
fn the_writ_in_force_is_read_and_needs_no_answer() {
    let mut listener = open();
    listener.says("mode");
    let heard = listener.hears();
    assert!(heard.contains("writ: effects up to write"), "{heard}");
    assert!(listener.plain.asks());
}

#[test]
fn a_list_is_numbered_narrowed_and_chosen_from() {
    let mut listener = open();
    listener.says("model");
    let heard = listener.hears();
    assert!(
        heard.contains("about: 1, practice, no key needed, in use\n"),
        "{heard}"
    );
    listener.says("find API_KEY");
    let heard = listener.hears();
    assert!(!heard.contains("practice"), "{heard}");
    listener.says("1");
    let chosen = listener
        .kernel
        .asked
        .iter()
        .any(|asked| matches!(asked, Command::SetModel { model, .. } if model != "practice"));
    assert!(chosen);
    listener.says("model practice");
    let named = listener
        .kernel
        .asked
        .iter()
        .any(|asked| matches!(asked, Command::SetModel { model, .. } if model == "practice"));
    assert!(named);
}

#[test]
fn quitting_asks_when_something_waits_and_a_second_wish_is_an_answer() {
    let mut kernel = Kernel::new();
    kernel.hold("one", "fs_patch", "fs_patch a");
    let mut listener = Listener::open(kernel);
    listener.hears();
    listener.says("quit");
    let heard = listener.hears();
    assert!(
        heard.contains("about: 1 approval open. They stay open"),
        "{heard}"
    );
    assert!(heard.contains("question: 1, stay. 2, quit."), "{heard}");
    listener.says("1");
    assert_eq!(listener.left(), None);
    listener.says("quit");
    listener.says("quit");
    assert_eq!(listener.left(), Some(0));
}

#[test]
fn an_undo_is_read_as_a_plan_and_asked_about() {
    let mut listener = open();
    listener.says("go");
    listener.ring();
    listener.hears();
    listener.says("/undo");
    let heard = listener.hears();
    assert!(heard.contains("about: "), "{heard}");
    assert!(heard.contains("question: 1, "), "{heard}");
    listener.says("2");
    let undone = listener
        .kernel
        .asked
        .iter()
        .any(|asked| matches!(asked, Command::Undo { .. }));
    assert!(undone, "{:?}", listener.kernel.asked.last());
}
