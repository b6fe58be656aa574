//! Plain mode in a real terminal: a whole session, and not one byte that a screen would need.

use rustix::process::Signal;

use super::terminal::{Place, Terminal};

const NOTE: &str = "thymos-practice.md";

/// Nothing but text and line ends was ever written, by whoever wrote there.
fn assert_only_lines(terminal: &Terminal) {
    let shown = String::from_utf8_lossy(&terminal.bytes);
    let odd = shown
        .chars()
        .find(|ch| ch.is_control() && !matches!(ch, '\n' | '\r'));
    assert_eq!(odd, None, "{shown:?}");
    // A terminal makes two of each line end; a lone one would go over what was said.
    assert!(!shown.replace("\r\n", "").contains('\r'), "{shown:?}");
    let drawn = |ch: char| ('\u{2500}'..='\u{28ff}').contains(&ch);
    assert!(!shown.contains(drawn), "{shown}");
}

/// Types the answer once the card is out and can have been heard.
fn answers(terminal: &mut Terminal, number: u32, line: &str) {
    terminal.prints(&format!("approval {number}: presented "));
    terminal.prints("> ");
    std::thread::sleep(std::time::Duration::from_millis(600));
    terminal.press(&format!("{line}\n"));
}

fn a_tour(mut terminal: Terminal, place: &Place) {
    let note = place.workspace().join(NOTE);
    terminal.prints("> ");
    terminal.press("give me a tour\n");
    terminal.prints("you: give me a tour");
    terminal.prints("approval 1: fs_write");
    assert!(!note.exists(), "written before it was approved");
    answers(&mut terminal, 1, "y");
    terminal.prints("`y` decides nothing");
    terminal.press("approve 1\n");
    terminal.prints("decision: approval 1 approved by you");
    terminal.prints("tool: fs_write done");
    assert!(
        std::fs::read_to_string(&note)
            .unwrap()
            .starts_with("# Practice note\n")
    );
    answers(&mut terminal, 2, "deny 2 because counting is not needed");
    terminal.prints("decision: approval 2 denied by you, reason recorded: counting is not needed");
    terminal.prints("run: done after");
    terminal.prints("> ");
    terminal.press("\x04");
    assert_eq!(terminal.ended(), 0);
    assert_only_lines(&terminal);
    let (code, told) = place.verb(&["ledger", "kind:approval"]);
    assert_eq!(code, 0);
    assert_eq!(told.matches("via plain mode").count(), 2, "{told}");
    let (code, told) = place.verb(&["verify"]);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn a_whole_session_is_asked_answered_and_proved_without_an_escape_code() {
    let place = Place::new();
    let mut terminal = Terminal::started(&place, &["--plain"], &[]);
    terminal.prints("thymos: plain mode (--plain). Type help for commands.");
    a_tour(terminal, &place);
}

#[test]
fn a_dumb_terminal_has_the_same_session_by_itself() {
    let place = Place::new();
    let mut terminal = Terminal::started(&place, &[], &[("TERM", "dumb")]);
    terminal.prints("thymos: plain mode (TERM=dumb). Type help for commands.");
    a_tour(terminal, &place);
}

#[test]
fn the_editor_has_the_terminal_and_what_is_typed_meanwhile() {
    let place = Place::new();
    // Reads a line of the terminal, which must not be taken for one of ours.
    let editor = "f() { echo EDITING; read line; printf '%s' \"$line\" > \"$1\"; }; f";
    let mut terminal = Terminal::started(&place, &["--plain"], &[("EDITOR", editor)]);
    terminal.prints("> ");
    terminal.press("editor\n");
    terminal.prints("EDITING");
    terminal.press("written there\n");
    terminal.prints("draft: written there");
    terminal.prints("Type send");
    terminal.press("send\n");
    terminal.prints("you: written there");
    terminal.prints("> ");
    terminal.press("quit\nquit\n");
    assert_eq!(terminal.ended(), 0);
    assert_only_lines(&terminal);
}

#[test]
fn an_interrupt_of_the_editor_is_the_editors() {
    let place = Place::new();
    let editor = "echo EDITING; exec sleep 60 #";
    let mut terminal = Terminal::started(&place, &["--plain"], &[("EDITOR", editor)]);
    terminal.prints("> ");
    terminal.press("editor\n");
    terminal.prints("EDITING");
    terminal.press("\x03");
    terminal.prints("nothing changed");
    terminal.prints("> ");
    // The first Ctrl-C of ours.
    terminal.press("\x03");
    terminal.prints("nothing runs. Ctrl-C once more quits");
    terminal.press("\x04");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn ctrl_c_asks_once_and_leaves_the_second_time() {
    let place = Place::new();
    let mut terminal = Terminal::started(&place, &["--plain"], &[]);
    terminal.prints("> ");
    terminal.press("\x03");
    terminal.prints("nothing runs. Ctrl-C once more quits");
    terminal.press("\x03");
    assert_eq!(terminal.ended(), 130);
}

#[test]
fn signals_end_it_with_their_own_codes() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let place = Place::new();
        let mut terminal = Terminal::started(&place, &["--plain"], &[]);
        terminal.prints("> ");
        terminal.signal(signal);
        assert_eq!(terminal.ended(), code);
    }
}

#[test]
fn an_explicit_off_opens_the_full_screen_and_says_nothing() {
    let place = Place::new();
    place.config("[ui]\nplain = true\n");
    for (words, more) in [
        (&["--no-plain"][..], &[("ACCESSIBLE", "1")][..]),
        (&[], &[("ACCESSIBLE", "1"), ("THYMOS_PLAIN", "0")]),
    ] {
        let mut terminal = Terminal::started(&place, words, more);
        terminal.sees("Welcome to thymos");
        let shown = String::from_utf8_lossy(&terminal.bytes).into_owned();
        assert!(!shown.contains("plain mode"), "{shown}");
        terminal.press("\x04");
        assert_eq!(terminal.ended(), 0);
    }
}

/// A key that is typed is not shown, also where it is taken back with Ctrl-C, and the echo is there afterwards.
#[test]
fn a_key_is_asked_for_without_showing_it() {
    let place = Place::new();
    let mut terminal = Terminal::started(&place, &["auth", "set", "anthropic"], &[]);
    terminal.prints("it is not shown): ");
    terminal.press("sk-half-typed\x03");
    terminal.prints("nterrupted; nothing was kept");
    assert_eq!(terminal.ended(), 130);
    assert!(terminal.echoes());
    let mut terminal = Terminal::started(&place, &["auth", "set", "anthropic"], &[]);
    terminal.prints("it is not shown): ");
    terminal.press("sk-typed-whole\r");
    terminal.prints("is kept for https://api.anthropic.com");
    assert_eq!(terminal.ended(), 0);
    assert!(terminal.echoes());
    let shown = String::from_utf8_lossy(&terminal.bytes).into_owned();
    assert!(!shown.contains("sk-typed"), "{shown}");
    let (code, listed) = place.verb(&["auth", "ls", "--json"]);
    assert_eq!(code, 0);
    let first = listed.lines().next().unwrap();
    assert!(first.contains("\"from\":\"kept\""), "{first}");
}
