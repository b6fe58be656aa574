//! Ends that nobody planned: the terminal is given back, whatever came, and storms are ridden out.

use rustix::process::Signal;

use super::terminal::{Place, Terminal};

fn opened(place: &Place) -> Terminal {
    let mut terminal = Terminal::open(place);
    terminal.sees("Welcome to thymos");
    terminal
}

#[test]
fn t12_a_signal_gives_the_terminal_back() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let place = Place::new();
        let mut terminal = opened(&place);
        terminal.signal(signal);
        assert_eq!(terminal.ended(), code, "{signal:?}");
        assert!(terminal.is_given_back(), "{signal:?}");
    }
}

#[test]
fn t12_after_a_storm_of_sizes_the_screen_is_drawn_at_the_last_one() {
    let place = Place::new();
    let mut terminal = opened(&place);
    for step in 0..60 {
        terminal.resize(60 + step * 2, 20 + step / 3);
    }
    terminal.resize(100, 30);
    terminal.press("still here");
    terminal.until("the composer at the bottom", |text| {
        let rows: Vec<&str> = text.lines().collect();
        rows.len() == 30 && rows.iter().skip(24).any(|row| row.contains("still here"))
    });
    assert!(terminal.text().contains("Welcome to thymos"));
    terminal.signal(Signal::TERM);
    terminal.ended();
    assert!(terminal.is_given_back());
}

#[test]
fn without_a_terminal_the_app_says_what_works_instead() {
    let place = Place::new();
    let (code, told) = place.verb(&[]);
    assert_eq!((code, told.as_str()), (2, ""));
}

/// Keys that come behind a new size are shown without a further one, and nothing goes round for them meanwhile.
#[test]
fn what_is_typed_behind_a_new_size_is_shown_at_once() {
    let place = Place::new();
    let mut terminal = opened(&place);
    // Whoever reads keys has begun to hear of sizes as well.
    terminal.press("x");
    terminal.sees("x ");
    terminal.press("\x08");
    for (width, height) in [(100, 30), (80, 24), (120, 40)] {
        terminal.resize(width, height);
        terminal.until("the new size", |text| {
            text.lines()
                .any(|line| line.chars().count() == usize::from(width))
        });
        terminal.press("plain words");
        terminal.sees("plain words");
        terminal.press("\x15");
        terminal.sees_no("plain words");
    }
}
