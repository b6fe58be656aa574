//! `thymos setup` as a person walks through it.

use super::terminal::{Place, Terminal};

fn config(place: &Place) -> String {
    let file = place.workspace().join("../home/.config/thymos/config.toml");
    std::fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn three_enters_are_a_working_session() {
    let place = Place::new();
    let mut terminal = Terminal::started(&place, &["setup"], &[]);
    terminal.prints("Enter goes on: ");
    terminal.press("\r");
    terminal.prints("Enter keeps practice: ");
    terminal.press("\r");
    terminal.prints("Enter opens it, n leaves: ");
    terminal.press("\r");
    terminal.sees("Welcome to thymos");
    terminal.press("\x18q");
    assert_eq!(terminal.ended(), 0);
    assert!(terminal.is_given_back());
    assert_eq!(config(&place), "", "nothing was chosen");
}

#[test]
fn a_provider_is_chosen_with_its_key_and_its_model() {
    let place = Place::new();
    place.config("# mine\n[ui]\nmouse = true\n");
    let mut terminal = Terminal::started(&place, &["setup"], &[]);
    terminal.prints("Enter goes on: ");
    terminal.press("\r");
    terminal.prints("Enter keeps practice: ");
    terminal.press("togehter\r");
    terminal.prints("did you mean `together`?");
    terminal.prints("Enter keeps practice: ");
    terminal.press("together\r");
    terminal.prints("it is not shown): ");
    terminal.press("sk-of-together\r");
    terminal.prints("Which model of together: ");
    terminal.press("some/model\r");
    terminal.prints("Enter opens it, n leaves: ");
    terminal.press("n\r");
    assert_eq!(terminal.ended(), 0);
    let shown = String::from_utf8_lossy(&terminal.bytes).into_owned();
    assert!(!shown.contains("sk-of"), "{shown}");
    assert_eq!(
        config(&place),
        "# mine\n[ui]\nmouse = true\n\n[session]\nmodel = \"together/some/model\"\n"
    );
    let (code, told) = place.verb(&["config", "explain"]);
    assert_eq!(code, 0);
    assert!(told.contains("together/some/model"), "{told}");
}

#[test]
fn input_that_ends_leaves_everything_as_it_was() {
    let place = Place::new();
    let mut terminal = Terminal::started(&place, &["setup"], &[]);
    terminal.prints("Enter goes on: ");
    terminal.press("\r");
    terminal.prints("Enter keeps practice: ");
    terminal.press("\x04");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(config(&place), "");
    // Without a terminal it tells, and asks nothing.
    let (code, told) = place.verb(&["setup"]);
    assert_eq!(code, 0);
    for words in [
        "1 of 3  Folder",
        "2 of 3  Model, now practice",
        "thymos auth set NAME",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(
        told.lines().skip(1).all(|line| line.chars().count() <= 80),
        "{told}"
    );
}
