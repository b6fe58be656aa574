//! Approvals: what a card shows, and everything that keeps an answer from being given by accident.

use thymos::app::{Event, Overlay, Pane, Screen};
use thymos::keymap::Key;
use thymos::panes::card::FULL_VIEW_BYTES;
use thymos_core::approval::{Decision, Via};
use thymos_core::body::Role;
use thymos_core::presentation::{Field, Label, Presentation};
use thymos_protocol::{Answer, Changed, Command, Fault, Replied, Settlement};

use super::desk::Desk;
use super::kernel::{Kernel, decided, intended, proposal, rejected, said, started};

fn waiting(names: &[&str]) -> Kernel {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "go"));
    for name in names {
        kernel.append(intended(name, "fs_patch", "fs_patch src/client.rs"));
        kernel.hold(name, "fs_patch", "fs_patch src/client.rs");
    }
    kernel
}

/// Puts other fields on a hold's card, as the kernel would: with their digest.
fn present(kernel: &mut Kernel, name: &str, fields: Vec<(Label, Vec<String>)>) {
    let presentation = Presentation {
        fields: fields
            .into_iter()
            .map(|(label, lines)| Field { label, lines })
            .collect(),
    };
    for row in &mut kernel.holds {
        if row.card.proposal == proposal(name) {
            row.card.presented = presentation.digest().unwrap();
            row.card.presentation = presentation.clone();
        }
    }
}

fn long(kernel: &mut Kernel, lines: usize) {
    let body = (0..lines).map(|at| format!("+line {at}")).collect();
    let what = vec!["tool fs_patch".into()];
    present(
        kernel,
        "one",
        vec![(Label::What, what), (Label::Body, body)],
    );
}

fn answers(desk: &Desk) -> Vec<Answer> {
    let answer = |asked: &Command| match asked {
        Command::Answer(answer) => Some(answer.clone()),
        _ => None,
    };
    desk.kernel.asked.iter().filter_map(answer).collect()
}

/// A desk with the first card open, drawn and armed.
fn at_card(width: u16, height: u16, kernel: Kernel) -> Desk {
    let mut desk = Desk::open(width, height, kernel);
    desk.keys("<C-x> a <Enter>");
    desk.frame();
    desk.wait(500);
    desk.frame();
    desk
}

#[test]
fn a_card_shows_every_field_in_order_and_can_be_approved() {
    for (width, height) in [(80, 24), (200, 60), (40, 12)] {
        let mut kernel = waiting(&["one", "two"]);
        present(
            &mut kernel,
            "one",
            vec![
                (Label::What, vec!["tool fs_patch".into()]),
                (Label::Touches, vec!["write src/client.rs".into()]),
                (Label::Why, vec!["builtin/write-review".into()]),
            ],
        );
        let mut desk = at_card(width, height, kernel);
        let frame = desk.frame();
        let places: Vec<Option<usize>> = ["WHAT", "TOUCHES", "WHY"]
            .iter()
            .map(|label| frame.find(label))
            .collect();
        assert!(places.iter().all(Option::is_some), "{frame}");
        assert!(places.is_sorted(), "{frame}");
        assert!(frame.contains("write"), "{frame}");
        let presented = desk.kernel.holds.first().unwrap().card.presented;
        assert!(frame.contains(&presented.short()), "{frame}");
        desk.keys("a");
        let answers = answers(&desk);
        let [answer] = answers.as_slice() else {
            panic!("{answers:?}");
        };
        assert_eq!(answer.proposal, proposal("one"));
        assert_eq!(answer.presented, presented);
        assert_eq!(answer.decision, Decision::Approve);
        assert_eq!(answer.via, Via::Tui);
        assert!(answer.fully_viewed);
    }
}

#[test]
fn no_answer_is_taken_before_the_card_is_armed() {
    let mut desk = Desk::open(80, 24, waiting(&["one"]));
    desk.keys("<C-x> a <Enter>");
    desk.frame();
    desk.wait(300);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.keys("d");
    assert!(desk.app.overlays.is_empty());
    desk.wait(400);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn a_card_is_armed_anew_when_something_lay_over_it_or_the_terminal_lost_the_focus() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    desk.keys("<F1> <Esc> a");
    assert!(answers(&desk).is_empty());
    desk.wait(500);
    desk.event(Event::Focus(false));
    desk.wait(500);
    desk.event(Event::Focus(true));
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.wait(500);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn a_key_that_is_held_down_never_answers() {
    let mut desk = Desk::open(80, 24, waiting(&["one"]));
    desk.keys("<C-x> a <Enter>");
    desk.frame();
    for _ in 0..100 {
        desk.keys("a");
    }
    assert!(answers(&desk).is_empty());
    desk.wait(100);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn nothing_is_approved_until_its_end_has_been_on_screen() {
    let mut kernel = waiting(&["one"]);
    long(&mut kernel, 200);
    let mut desk = at_card(80, 24, kernel);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    let frame = desk.frame();
    assert!(frame.contains("read to the end first"), "{frame}");
    // Asked for, and not drawn yet: still not seen.
    desk.keys("G");
    desk.wait(100);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    let frame = desk.frame();
    assert!(frame.contains("+line 199"), "{frame}");
    desk.wait(100);
    desk.keys("a");
    assert!(
        answers(&desk)
            .first()
            .is_some_and(|answer| answer.fully_viewed)
    );
}

#[test]
fn a_denial_needs_no_view_and_says_so() {
    let mut kernel = waiting(&["one"]);
    long(&mut kernel, 200);
    let mut desk = at_card(80, 24, kernel);
    desk.keys("d");
    desk.types("keep the public signature");
    let frame = desk.frame();
    assert!(frame.contains("keep the public signature"), "{frame}");
    desk.keys("<Enter>");
    let answers = answers(&desk);
    let answer = answers.first().unwrap();
    assert_eq!(answer.decision, Decision::Deny);
    assert_eq!(answer.reason, "keep the public signature");
    assert!(!answer.fully_viewed);
}

#[test]
fn what_is_very_long_must_be_opened_in_full() {
    let mut kernel = waiting(&["one"]);
    let body = vec!["x".repeat(FULL_VIEW_BYTES + 1)];
    present(&mut kernel, "one", vec![(Label::Body, body)]);
    let mut desk = at_card(80, 24, kernel);
    desk.keys("G");
    desk.frame();
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.keys("v G");
    desk.frame();
    desk.wait(100);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn an_irreversible_effect_is_typed_back() {
    let mut kernel = waiting(&["one"]);
    kernel.holds[0].card.ceremony.type_back = true;
    let mut desk = at_card(80, 24, kernel);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.types("zzzz");
    desk.keys("<Enter>");
    assert!(answers(&desk).is_empty());
    assert!(desk.frame().contains("not the last 4"));
    let id = proposal("one").to_string();
    desk.keys("<C-u>");
    desk.types(&id[id.len() - 4..]);
    desk.keys("<Enter>");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn esc_never_answers_from_any_depth() {
    let mut kernel = waiting(&["one"]);
    kernel.holds[0].card.ceremony.type_back = true;
    let mut desk = at_card(80, 24, kernel);
    for keys in ["a <Esc>", "d <Esc>", "w <Esc>", "v <Esc>", "<Esc>", "<Esc>"] {
        desk.keys(keys);
        desk.wait(500);
        desk.frame();
    }
    assert!(answers(&desk).is_empty());
    assert_eq!(desk.app.focus.screen(), Screen::Work);
}

#[test]
fn a_proposal_is_answered_once() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    desk.keys("a");
    desk.wait(500);
    desk.keys("a");
    desk.wait(500);
    desk.keys("d");
    desk.keys("<Enter>");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn an_answer_that_was_not_taken_can_be_given_again() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    desk.kernel.instead.push(Replied::Fault(Fault {
        message: "ledger is full".into(),
        hint: None,
    }));
    desk.keys("a");
    desk.wait(500);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 2);
}

#[test]
fn a_content_that_changed_is_read_and_armed_anew() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    let before = desk.kernel.holds[0].card.presented;
    desk.keys("d");
    long(&mut desk.kernel, 200);
    desk.ring();
    // The reason was typed for something else than what is on the card now.
    desk.keys("<Enter>");
    assert!(answers(&desk).is_empty());
    desk.wait(500);
    desk.frame();
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.keys("G");
    desk.frame();
    desk.wait(500);
    desk.keys("a");
    let answers = answers(&desk);
    assert_eq!(answers.len(), 1);
    assert_ne!(answers[0].presented, before);
}

#[test]
fn what_is_not_what_would_be_signed_cannot_be_approved() {
    let mut kernel = waiting(&["one"]);
    kernel.holds[0].card.presentation.fields[0].lines = vec!["something else".into()];
    let mut desk = at_card(80, 24, kernel);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    let frame = desk.frame();
    assert!(frame.contains("cannot be approved"), "{frame}");
    desk.wait(100);
    desk.keys("d <Enter>");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn nothing_cannot_be_approved() {
    let mut kernel = waiting(&["one"]);
    present(&mut kernel, "one", Vec::new());
    let mut desk = at_card(80, 24, kernel);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
}

#[test]
fn a_card_decided_elsewhere_stays_closed_and_says_by_whom() {
    let mut desk = at_card(80, 24, waiting(&["one", "two"]));
    desk.kernel.holds.remove(0);
    desk.kernel.append(decided("one", true, ""));
    desk.kernel.status.pending = 1;
    desk.ring();
    let frame = desk.frame();
    assert_eq!(desk.app.focus.pane(), Pane::Card);
    assert!(frame.contains("closed: approved by ada (tui)"), "{frame}");
    desk.wait(500);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
}

/// An answer is not its end: the gate looked again, and what it said stands on the card and in the status line.
#[test]
fn a4_a_card_that_was_answered_and_then_refused_says_so() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    desk.keys("G");
    desk.wait(500);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
    desk.kernel.holds.clear();
    desk.kernel.append(decided("one", true, ""));
    desk.kernel.append(rejected("one", "fs_patch", "one.rs"));
    desk.ring();
    desk.wait(500);
    let frame = desk.frame();
    assert!(frame.contains("closed: refused ["), "{frame}");
    assert!(!frame.contains("approve once"), "{frame}");
    assert!(frame.contains("not done: refused ["), "{frame}");
}

#[test]
fn w7_the_header_says_that_nothing_is_in_force_any_more() {
    let mut kernel = Kernel::new();
    kernel.status.writ.revoked = true;
    let frame = Desk::open(80, 24, kernel).frame();
    assert!(frame.contains("EDIT REVOKED"), "{frame}");
}

/// What is verified is no comfort where nothing more is recorded.
#[test]
fn l11_the_header_says_that_nothing_is_stored_instead_of_what_is_verified() {
    let mut kernel = Kernel::new();
    kernel.status.unstored = true;
    let frame = Desk::open(80, 24, kernel).frame();
    assert!(frame.contains("NOT STORED"), "{frame}");
    assert!(!frame.contains('✓'), "{frame}");
}

#[test]
fn a_closed_card_makes_room_for_what_the_queue_chooses() {
    let mut desk = at_card(120, 40, waiting(&["one", "two", "three"]));
    let shown = |desk: &Desk| desk.app.card.row().unwrap().card.proposal;
    let one = shown(&desk);
    // An open card stays, wherever the cursor is.
    desk.keys("<Esc> j");
    assert_eq!(shown(&desk), one);
    desk.kernel.holds.remove(0);
    desk.kernel.append(decided("one", true, ""));
    desk.kernel.status.pending = 2;
    desk.ring();
    assert_eq!(shown(&desk), one, "it stays and says who decided");
    desk.keys("j");
    let three = shown(&desk);
    assert_ne!(three, one);
    assert!(desk.app.card.closed().is_none());
    desk.keys("k");
    let two = shown(&desk);
    assert!(two != one && two != three);
    // It is no card that was opened: no key of the queue answers it.
    desk.wait(500);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    // Opened, it holds on again.
    desk.keys("<Enter> <Esc> j");
    assert_eq!(shown(&desk), two);
}

#[test]
fn a_stale_answer_shows_who_was_first() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    let stale = Changed::AlreadyDecided("grace".into());
    desk.kernel.instead.push(Replied::Stale(stale));
    desk.keys("a");
    let frame = desk.frame();
    assert!(frame.contains("decided by grace"), "{frame}");
    desk.wait(500);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn the_background_moves_no_focus_and_opens_nothing() {
    let mut desk = at_card(100, 30, waiting(&["one"]));
    for at in 0..5 {
        let name = format!("more {at}");
        desk.kernel.append(intended(&name, "shell", "shell ls"));
        desk.kernel.hold(&name, "shell", "shell ls");
        desk.ring();
        desk.frame();
    }
    assert_eq!(desk.app.focus.pane(), Pane::Card);
    assert!(desk.app.overlays.is_empty());
    assert_eq!(desk.app.card.row().unwrap().card.proposal, proposal("one"));
    desk.keys("<C-x> 1");
    desk.kernel.hold("last", "shell", "shell ls");
    desk.ring();
    assert_eq!(desk.app.focus.pane(), Pane::Composer);
}

#[test]
fn a_byte_typed_in_the_composer_reaches_no_card() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    desk.keys("<C-x> 1");
    desk.wait(500);
    desk.types("add adequate docs");
    desk.event(Event::Paste("aaaa".into()));
    assert!(answers(&desk).is_empty());
    assert_eq!(desk.app.composer.text(), "add adequate docsaaaa");
}

#[test]
fn a_paste_on_a_card_decides_nothing() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    desk.event(Event::Paste("a\nd\na\n".into()));
    assert!(answers(&desk).is_empty());
}

#[test]
fn the_palette_decides_nothing() {
    let mut desk = at_card(80, 24, waiting(&["one"]));
    desk.keys("<C-x> p");
    desk.types("approve once");
    desk.wait(500);
    desk.keys("<Enter>");
    desk.wait(500);
    assert!(answers(&desk).is_empty());
}

#[test]
fn what_would_hide_or_reorder_is_shown_on_the_card() {
    let mut kernel = waiting(&["one"]);
    let corpus = [
        "access \u{202e}// nimda si ti\u{2066}",
        "ze\u{200b}ro wi\u{feff}dth",
        "bell\u{7} esc\u{1b}[31m cr\r",
        "WHY      forged label",
        "tab\tand blanks  ",
    ];
    let lines = corpus.iter().map(|line| (*line).to_owned()).collect();
    present(&mut kernel, "one", vec![(Label::What, lines)]);
    let mut desk = at_card(80, 24, kernel);
    let frame = desk.frame();
    for shown in [
        "⟦U+202E⟧",
        "⟦U+2066⟧",
        "ze⟦U+200B⟧ro",
        "wi⟦U+FEFF⟧dth",
        "⟦U+0007⟧",
        "⟦U+001B⟧[31m",
        "⟦U+000D⟧",
        "tab⟦TAB⟧and blanks⟦2 SP⟧",
    ] {
        assert!(frame.contains(shown), "{shown}\n{frame}");
    }
    assert!(frame.contains("         WHY      forged label"), "{frame}");
}

#[test]
fn a_long_line_is_shown_whole_and_its_rows_are_marked() {
    let mut kernel = waiting(&["one"]);
    let line = format!("{}WHY      forged", "x".repeat(66 * 2));
    present(&mut kernel, "one", vec![(Label::What, vec![line])]);
    let mut desk = at_card(80, 24, kernel);
    let frame = desk.frame();
    assert!(frame.contains(" > "), "{frame}");
    let xs = frame.matches('x').count();
    assert!(xs >= 132, "{xs}\n{frame}");
    let forged = frame.lines().find(|row| row.contains("forged")).unwrap();
    assert!(forged.contains("> "), "{forged}");
}

#[test]
fn hunks_are_jumped_to() {
    let mut kernel = waiting(&["one"]);
    let mut body: Vec<String> = vec!["+2 -1".into()];
    for hunk in 0..3 {
        body.push(format!("@@ -{hunk},9 +{hunk},9 @@"));
        body.extend((0..30).map(|at| format!("+hunk {hunk} line {at}")));
    }
    present(&mut kernel, "one", vec![(Label::Body, body)]);
    let mut desk = at_card(80, 24, kernel);
    for _ in 0..3 {
        desk.keys("]");
        desk.frame();
    }
    assert!(desk.frame().contains("@@ -2,9 +2,9 @@"));
    desk.keys("[");
    let frame = desk.frame();
    assert!(frame.contains("@@ -1,9 +1,9 @@"), "{frame}");
}

#[test]
fn the_trace_is_read_from_the_record() {
    let mut desk = at_card(100, 30, waiting(&["one"]));
    desk.keys("w");
    let frame = desk.frame();
    assert!(frame.contains("C13"), "{frame}");
    assert!(
        frame.contains("builtin/write-review: writes need a human"),
        "{frame}"
    );
    desk.keys("<Esc>");
    assert_eq!(desk.app.focus.pane(), Pane::Card);
}

#[test]
fn other_arguments_are_proposed_instead() {
    let mut desk = at_card(100, 30, waiting(&["one"]));
    desk.keys("e");
    let frame = desk.frame();
    assert!(frame.contains(r#"{"path":"src/client.rs"}"#), "{frame}");
    desk.types("x");
    desk.keys("<Enter>");
    assert!(desk.frame().contains("not JSON"));
    desk.keys("<Backspace> <Enter>");
    let edited = desk.kernel.asked.iter().any(|asked| {
        matches!(asked, Command::Edit { proposal: about, args, .. }
            if *about == proposal("one") && args["path"] == "src/client.rs")
    });
    assert!(edited);
    assert!(answers(&desk).is_empty());
}

#[test]
fn next_goes_to_the_next_card_and_arms_it_anew() {
    let mut desk = at_card(100, 30, waiting(&["one", "two"]));
    desk.keys("n");
    assert_eq!(desk.app.card.row().unwrap().card.proposal, proposal("two"));
    desk.frame();
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.wait(500);
    desk.keys("a");
    assert_eq!(answers(&desk)[0].proposal, proposal("two"));
}

#[test]
fn what_was_decided_has_a_tab() {
    let mut kernel = waiting(&["one", "two"]);
    kernel.append(decided("one", false, "not now"));
    let mut desk = Desk::open(100, 30, kernel);
    desk.ring();
    desk.keys("<C-x> a t");
    let frame = desk.frame();
    assert!(frame.contains("[decided 1]"), "{frame}");
    assert!(frame.contains("denied by ada/tui"), "{frame}");
}

#[test]
fn in_doubt_work_is_settled_with_a_reason() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "go"));
    kernel.append(intended("one", "shell", "shell make"));
    kernel.append(started("one", "shell", "shell make"));
    kernel.status.in_doubt = 1;
    let mut desk = Desk::open(100, 30, kernel);
    desk.ring();
    desk.keys("<C-x> a t t");
    let frame = desk.frame();
    assert!(frame.contains("[unsettled 1]"), "{frame}");
    desk.keys("<Enter>");
    let frame = desk.frame();
    for choice in ["it happened", "it did not happen", "nobody can tell"] {
        assert!(frame.contains(choice), "{frame}");
    }
    desk.keys("<Down> <Enter> <Enter>");
    let settles = |desk: &Desk| {
        desk.kernel
            .asked
            .iter()
            .filter(|asked| matches!(asked, Command::Settle { .. }))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert!(settles(&desk).is_empty(), "a reason is needed");
    desk.types("make left its target");
    desk.keys("<Enter>");
    let settled = settles(&desk);
    let [
        Command::Settle {
            settlement, reason, ..
        },
    ] = settled.as_slice()
    else {
        panic!("{settled:?}");
    };
    assert_eq!(*settlement, Settlement::Happened);
    assert_eq!(reason, "make left its target");
}

#[test]
fn the_queue_is_asked_for_when_the_kernel_rings_and_it_is_in_sight() {
    let mut desk = Desk::open(80, 24, waiting(&["one"]));
    let asked = |desk: &Desk| {
        desk.kernel
            .asked
            .iter()
            .filter(|asked| matches!(asked, Command::Holds))
            .count()
    };
    desk.keys("<C-x> a");
    let before = asked(&desk);
    desk.ring();
    assert!(asked(&desk) > before);
}

#[test]
fn a_queue_without_holds_says_so() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-x> a");
    let frame = desk.frame();
    assert!(frame.contains("nothing waits for a decision"), "{frame}");
    desk.keys("<Enter> <Tab>");
    desk.wait(500);
    desk.event(Event::Key(Key::char('a')));
    assert!(answers(&desk).is_empty());
    assert!(
        !desk
            .app
            .overlays
            .iter()
            .any(|over| matches!(over, Overlay::Prompt(_)))
    );
}
