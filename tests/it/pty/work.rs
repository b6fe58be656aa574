//! A person's first session, in a real terminal: a tour, an approval, a denial, a refusal, a proof.

use thymos_testkit::postgres::Database;

use super::terminal::{Place, Terminal};

/// The file that the tour proposes.
const NOTE: &str = "thymos-practice.md";

/// `Ctrl-X a`: what waits for an approval.
const APPROVALS: &str = "\x18a";

/// A page up in the transcript.
const PAGE_UP: &str = "\x1b[5~";

/// `Ctrl-X 1`: back to Work.
const WORK: &str = "\x181";

/// What a card says once it may be approved.
const MAY: &str = "a approve once   s with scope..";

/// Opens the card of what waits, and reads it to its end until it may be answered.
fn read_card(terminal: &mut Terminal, words: &str) {
    terminal.press(APPROVALS);
    terminal.sees("[open 1]");
    terminal.press("\r");
    terminal.sees("presented");
    terminal.until("the right card", |text| text.contains(words));
    // The end has to have been on screen, and the card in front of the person for a moment.
    terminal.press_until("G", "that it may be approved", |text| text.contains(MAY));
}

#[test]
fn a_first_session_is_asked_answered_done_and_proved() {
    let place = Place::new();
    let note = place.workspace().join(NOTE);
    let mut terminal = Terminal::open(&place);
    terminal.sees("Welcome to thymos");
    terminal.press("give me a tour\r");
    terminal.sees("SUSPENDED #");
    assert!(!note.exists(), "written before it was approved");

    read_card(&mut terminal, NOTE);
    terminal.press("a");
    terminal.sees_no(MAY);
    terminal.press(WORK);
    terminal.until("the hold of the command", |text| {
        text.contains("sort ./README.md")
    });
    let written = std::fs::read_to_string(&note).unwrap();
    assert!(written.starts_with("# Practice note\n"), "{written}");
    assert!(written.contains("it begins with \"Kettle\""), "{written}");

    read_card(&mut terminal, "sort ./README.md");
    terminal.press("d");
    terminal.sees("why");
    terminal.press("counting is not needed\r");
    terminal.press(WORK);
    terminal.sees("run done");
    terminal.sees("idle, model");
    terminal.press_until(PAGE_UP, "what would be needed", |text| {
        text.contains("REJECTED") && text.contains("what would allow it (+ for more): ")
    });

    terminal.press("\x04");
    assert_eq!(terminal.ended(), 0);
    assert!(terminal.is_given_back());
    proved(&place);
}

#[test]
fn w8_verbs_and_writ_files_are_there_behind_a_slash() {
    let place = Place::new();
    let mut terminal = Terminal::open(&place);
    terminal.sees("Welcome to thymos");
    let (_, bare) = place.verb(&["writ", "new", "--from", "plan", "--budget", "tool_calls=3"]);
    std::fs::write(place.workspace().join("bare.json"), bare).unwrap();
    let (code, signed) = place.verb(&["writ", "sign", "bare.json"]);
    assert_eq!(code, 0, "{signed}");
    std::fs::write(place.workspace().join("signed.json"), signed).unwrap();
    // On the same ledger, beside the app.
    terminal.press("/runs --json\r");
    terminal.sees("done - thymos runs --json");
    terminal.sees("trajectory");
    terminal.press("q");
    terminal.sees_no("thymos runs --json");
    terminal.press("/writ use bare.json\r");
    terminal.sees("not signed");
    terminal.press("/writ use signed.json\r");
    terminal.sees("CUSTOM up to read");
    terminal.press("/writ close\r");
    terminal.sees("the share is closed");
    terminal.press("\x04");
    assert_eq!(terminal.ended(), 0);
    let (code, told) = place.verb(&["verify"]);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn the_editor_has_the_terminal_and_gives_a_message_back() {
    let place = Place::new();
    let mut terminal = Terminal::open(&place);
    terminal.sees("Welcome to thymos");
    terminal.press("draft");
    terminal.sees("draft");
    terminal.press("\x07");
    terminal.sees("written in the editor");
    terminal.sees_no("draft");
    // The keys are ours again.
    terminal.press("!");
    terminal.sees("written in the editor!");
    terminal.press("\x03");
    terminal.press("\x04");
    assert_eq!(terminal.ended(), 0);
    assert!(terminal.is_given_back());
}

/// `Ctrl-C` is sent to the whole job of a terminal.
#[test]
fn an_interrupt_of_the_editor_ends_the_editor_and_not_the_session() {
    let place = Place::new();
    let mut terminal = Terminal::editing(&place, "echo editing; exec sleep 60 #");
    terminal.sees("Welcome to thymos");
    terminal.press("precious words");
    terminal.sees("precious words");
    terminal.press("\x07");
    terminal.sees("editing");
    terminal.press("\x03");
    terminal.sees("nothing changed");
    terminal.sees("precious words");
    terminal.press("\x03\x04");
    assert_eq!(terminal.ended(), 0);
    assert!(terminal.is_given_back());
}

/// What the shell says of the same session afterwards.
fn proved(place: &Place) {
    let (code, told) = place.verb(&["verify"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.starts_with("verified: "), "{told}");
    let (code, told) = place.verb(&["approvals", "ls", "--json"]);
    assert_eq!((code, told.as_str()), (0, ""), "{told}");
    let (code, told) = place.verb(&["ledger", "kind:approval", "--json"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.contains("counting is not needed"), "{told}");
}

#[test]
fn x2_an_answer_of_another_process_over_a_server_moves_the_run_at_once_and_nobody_else_may_act() {
    let Some(database) = Database::new() else {
        return;
    };
    let place = Place::new();
    place.config(&format!("[ledger]\npath = \"{}\"\n", database.url()));
    let note = place.workspace().join(NOTE);
    let mut terminal = Terminal::open(&place);
    terminal.sees("Welcome to thymos");
    terminal.press("give me a tour\r");
    terminal.sees("SUSPENDED #");
    let (_, rows) = place.verb(&["approvals", "ls", "--json"]);
    let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    let card = |part: &str| row["card"][part].as_str().unwrap().to_owned();
    // The app holds the lease of the trajectory, at the server: another process may not act on it...
    let trajectory = row["trajectory"].as_str().unwrap();
    let (code, _) = place.verb(&["run", "--resume", trajectory, "go on"]);
    assert_eq!(code, 1, "two processes acted on one trajectory");
    // ...but it may answer, and that alone moves the run in the app.
    let (proposal, presented) = (card("proposal"), card("presented"));
    let (code, told) = place.verb(&["approvals", "approve", &proposal, "--digest", &presented]);
    assert_eq!(code, 0, "{told}");
    terminal.until("the hold of the command", |text| {
        text.contains("sort ./README.md")
    });
    assert!(note.exists());
    drop(terminal);
    let (code, told) = place.verb(&["verify"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.starts_with("verified: "), "{told}");
}

#[test]
fn after_kill_nine_the_hold_is_still_there_and_nothing_was_done() {
    let place = Place::new();
    let mut terminal = Terminal::open(&place);
    terminal.sees("Welcome to thymos");
    terminal.press("give me a tour\r");
    terminal.sees("SUSPENDED #");
    terminal.signal(rustix::process::Signal::KILL);
    terminal.ended();
    assert!(!place.workspace().join(NOTE).exists());

    let mut again = Terminal::open(&place);
    again.sees("1 pending");
    read_card(&mut again, NOTE);
    again.press("a");
    let note = place.workspace().join(NOTE);
    again.until("the note on disk", |_| note.exists());
    drop(again);
    let (code, told) = place.verb(&["verify"]);
    assert_eq!(code, 0, "{told}");
}

/// Who comes back is shown the run that they began, also where an agent that it ordered wrote last.
#[test]
fn d1_the_app_opens_the_run_that_ordered_and_not_the_one_that_was_ordered() {
    let place = Place::new();
    let turns = place.workspace().join("turns.jsonl");
    let order = r#"{"calls": [{"tool": "delegate", "args": {"task": "the part", "effects": "write", "budget": {"tool_calls": 2}}}]}"#;
    let part = r#"{"when": "the part", "calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}"#;
    std::fs::write(&turns, format!("{order}\n{part}\n")).unwrap();
    let script = turns.display();
    place.config(&format!(
        "[session]\nmodel = \"script\"\n[providers.script]\nkind = \"scripted\"\nmodel = \"demo\"\nbase_url = \"{script}\"\n"
    ));
    assert_eq!(place.verb(&["run", "the whole of it"]).0, 10);
    let mut terminal = Terminal::open(&place);
    terminal.sees("you  the whole of it");
    terminal.sees("1 pending");
}
