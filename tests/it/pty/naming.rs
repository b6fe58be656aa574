//! Files of a real folder behind an `@`, and messages of another sitting, in a real terminal.

use rustix::process::Signal;

use super::terminal::{Place, Terminal};

/// The arrow up.
const UP: &str = "\x1b[A";

#[test]
fn files_are_named_by_a_few_letters_and_messages_of_another_sitting_come_back() {
    let place = Place::new();
    let folder = place.workspace();
    for name in ["my notes/plan.md", "build/planned.o", ".env"] {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    std::fs::write(folder.join(".gitignore"), "build/\n").unwrap();
    let mut terminal = Terminal::open(&place);
    terminal.sees("Welcome to thymos");
    terminal.press("@pln");
    terminal.sees("1 of 3 files");
    terminal.press("\t");
    terminal.sees("\"my notes/plan.md\"");
    terminal.sees_no("1 of 3 files");
    terminal.press("@.en");
    terminal.sees("nothing fits");
    terminal.press("\x15");
    terminal.sees_no("nothing fits");
    terminal.press("count the kettles\r");
    terminal.sees("you  count the kettles");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.ended(), 143);
    let mut terminal = Terminal::started(&place, &["--new"], &[]);
    terminal.sees("Welcome to thymos");
    terminal.press(UP);
    terminal.sees("count the kettles");
    terminal.press("\x03\x12kettl");
    terminal.sees("> count the kettles");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.ended(), 143);
    assert!(terminal.is_given_back());
}
