//! Verbs of the shell behind a slash, and writ files in an open session.

use thymos::app::event::{SaidLine, VerbNews};
use thymos::app::{Effect, Event, Overlay};
use thymos_core::budget::Budget;
use thymos_protocol::{Command, Fault, Under};
use thymos_testkit::fixtures::writ;

use super::desk::Desk;
use super::kernel::Kernel;

fn at(typed: &str) -> Desk {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types(typed);
    desk.keys("<Enter>");
    desk
}

fn said(text: &str, bad: bool) -> SaidLine {
    SaidLine {
        text: text.to_owned(),
        bad,
    }
}

fn news(lines: Vec<SaidLine>, ended: Option<Result<i32, String>>) -> Event {
    Event::Verb(VerbNews { lines, ended })
}

fn started(desk: &Desk) -> Vec<&[String]> {
    let verbs = desk.effects.iter().filter_map(|effect| match effect {
        Effect::Verb(words) => Some(words.as_slice()),
        _ => None,
    });
    verbs.collect()
}

#[test]
fn a_verb_behind_a_slash_is_run_and_read() {
    let mut desk = at("/memory forget \"two words\"");
    assert_eq!(started(&desk), [["memory", "forget", "two words"]]);
    let frame = desk.frame();
    assert!(
        frame.contains("at work, Esc ends it - thymos memory forget \"two words\""),
        "{frame}"
    );
    desk.event(news(
        vec![
            said("it is forgotten", false),
            said("note: \u{1b}[31mold", true),
        ],
        None,
    ));
    let frame = desk.frame();
    assert!(frame.contains("it is forgotten"), "{frame}");
    assert!(
        frame.contains("note: ") && !frame.contains('\u{1b}'),
        "{frame}"
    );
    desk.event(news(Vec::new(), Some(Ok(0))));
    assert!(desk.frame().contains("done - thymos memory forget"));
    desk.keys("<Esc>");
    assert!(desk.app.overlays.is_empty());
    // It has ended: nobody need end it.
    assert!(!desk.effects.contains(&Effect::EndVerb));
    assert!(desk.app.composer.text().is_empty());
}

#[test]
fn verbs_of_the_program_are_listed_behind_the_slash_too() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("/me");
    let about = "List, show and forget what is remembered";
    assert!(desk.frame().contains(about), "{}", desk.frame());
    // While its words are typed it stays, and what only begins alike goes.
    desk.types("mory ls");
    assert!(desk.frame().contains(about), "{}", desk.frame());
    desk.types("x");
    desk.keys("<C-u>");
    desk.types("/memoryx ");
    assert!(!desk.frame().contains(about), "{}", desk.frame());
}

#[test]
fn closing_its_text_ends_a_verb_and_another_waits_for_that() {
    let mut desk = at("/verify --all-of-it");
    assert_eq!(started(&desk).len(), 1);
    desk.keys("<Esc>");
    desk.wait(10);
    let ends = desk
        .effects
        .iter()
        .filter(|effect| **effect == Effect::EndVerb);
    assert_eq!(ends.count(), 1);
    desk.types("/keys ls");
    desk.keys("<Enter>");
    assert_eq!(started(&desk).len(), 1);
    let frame = desk.frame();
    assert!(
        frame.contains("`verify --all-of-it` is still at work"),
        "{frame}"
    );
    // What was typed is there still, and goes once it has ended.
    desk.event(news(Vec::new(), Some(Ok(130))));
    desk.keys("<Enter>");
    assert_eq!(started(&desk)[1], ["keys", "ls"]);
}

#[test]
fn a_verb_that_fails_says_how_it_ended() {
    for (ended, told) in [
        (Ok(11), "exit 11, refused"),
        (Ok(13), "exit 13, the record does not verify"),
        (Ok(99), "exit 99, a fault"),
        (
            Err("it cannot be started: no".to_owned()),
            "it cannot be started: no",
        ),
    ] {
        // However long what was typed is: how it ended stands before it.
        let mut desk =
            at("/policy show a-name-that-is-longer-than-any-screen-of-eighty-columns-is-wide");
        desk.event(news(vec![said("thymos: no", true)], Some(ended)));
        let frame = desk.frame();
        assert!(frame.contains(told), "{told}\n{frame}");
        assert!(frame.contains("thymos: no"), "{frame}");
    }
}

#[test]
fn what_says_too_much_is_cut_and_counted() {
    let mut desk = at("/audit 12ab");
    for _ in 0..11 {
        let lines = (0..1_000).map(|n| said(&format!("row {n}"), false));
        desk.event(news(lines.collect(), None));
    }
    desk.event(news(Vec::new(), Some(Ok(0))));
    desk.keys("G");
    let frame = desk.frame();
    assert!(
        frame.contains("6000 more lines; `thymos audit 12ab` in a shell"),
        "{frame}"
    );
}

#[test]
fn what_is_no_verb_or_is_not_whole_starts_nothing_and_stays() {
    for (typed, told) in [
        ("/memry ls", "did you mean `/memory`?"),
        ("/wrti close", "did you mean `/writ close`?"),
        ("/memory forget \"two", "a quote is not closed"),
        ("/approvals approve 1234", "`/approvals` is for the shell"),
    ] {
        let mut desk = at(typed);
        assert!(started(&desk).is_empty(), "{typed}");
        assert_eq!(desk.app.composer.text(), typed);
        let frame = desk.frame();
        assert!(frame.contains(told), "{told}\n{frame}");
        assert!(
            !desk
                .app
                .overlays
                .iter()
                .any(|overlay| matches!(overlay, Overlay::Reader(_)))
        );
    }
}

#[test]
fn an_action_goes_before_a_verb_of_its_name_and_tab_completes_both() {
    let desk = at("/verify");
    assert!(started(&desk).is_empty());
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("/memo");
    desk.keys("<Tab>");
    assert_eq!(desk.app.composer.text(), "/memory");
}

#[test]
fn w8_a_writ_file_is_put_in_force_in_the_open_session() {
    let mut desk = at("/writ use ../task.json");
    assert!(
        desk.effects
            .contains(&Effect::ReadWrit("../task.json".into()))
    );
    desk.event(Event::WritRead(Err(Fault {
        message: "the writ is not signed".into(),
        hint: Some("thymos writ sign FILE".into()),
    })));
    assert!(desk.frame().contains("the writ is not signed"));
    let chain = vec![writ().signed()];
    desk.event(Event::WritRead(Ok(chain.clone())));
    let due = Under::Writ {
        chain,
        share: Budget::unlimited(),
    };
    let taken = desk.kernel.asked.iter().any(|asked| {
        matches!(asked, Command::Take { under: Some(under), skills, .. }
            if *under == due && skills.is_empty())
    });
    assert!(taken, "{:?}", desk.kernel.asked.last());
    desk.types("/writ close");
    desk.keys("<Enter>");
    let closed = |asked: &Command| matches!(asked, Command::CloseWrit { .. });
    assert!(desk.kernel.asked.iter().any(closed));
    assert!(started(&desk).is_empty());
}

#[test]
fn w8_without_a_file_the_file_is_asked_for() {
    for keys in ["/writ use", "w"] {
        let mut desk = Desk::open(80, 24, Kernel::new());
        if keys == "w" {
            desk.keys("<C-x> 4 w");
        } else {
            desk.types(keys);
            desk.keys("<Enter>");
        }
        let frame = desk.frame();
        assert!(frame.contains("the file of a signed writ"), "{frame}");
        desk.keys("<Enter>");
        let frame = desk.frame();
        assert!(frame.contains("the path of a file is needed"), "{frame}");
        desk.types("task.json");
        desk.keys("<Enter>");
        assert!(desk.effects.contains(&Effect::ReadWrit("task.json".into())));
        assert!(desk.app.overlays.is_empty());
    }
}

#[test]
fn a_verb_that_has_nothing_to_say_is_told_so() {
    let mut desk = at("/ledger tool:none");
    desk.event(news(Vec::new(), Some(Ok(0))));
    let frame = desk.frame();
    assert!(frame.contains("it said nothing"), "{frame}");
}
