//! Typing, scrolling and focus: what a person's hands do, and what the background must not.

use thymos::app::update::update;
use thymos::app::{Effect, Event, Now, Pane, Screen};
use thymos::keymap::{Key, KeyCode};
use thymos_core::body::Role;
use thymos_protocol::{Command, Fault, Replied, Reply, VerifyFinding, VerifyReport};

use super::desk::Desk;
use super::kernel::{Kernel, said};

fn long(count: usize) -> Kernel {
    let mut kernel = Kernel::new();
    for at in 0..count {
        kernel.append(said(Role::Operator, &format!("message {at}")));
    }
    kernel
}

#[test]
fn enter_sends_and_the_words_come_back_from_the_record() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("hello");
    desk.keys("<Enter>");
    desk.ring();
    assert!(desk.frame().contains("  you  hello"));
    assert!(desk.app.composer.is_empty());
}

#[test]
fn a_refused_message_comes_back_to_the_composer() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    let fault = Fault {
        message: "ledger is full".into(),
        hint: Some("free some space".into()),
    };
    desk.kernel.instead.push(Replied::Fault(fault));
    desk.types("hello");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert_eq!(desk.app.composer.text(), "hello");
    assert!(
        frame.contains("! ledger is full  hint: free some space"),
        "{frame}"
    );
}

#[test]
fn a_notice_that_does_not_fit_says_that_there_is_more() {
    for hint in [None, Some("see that it runs".to_owned())] {
        let mut desk = Desk::open(80, 24, Kernel::new());
        let message = format!("ledger cannot be reached: {}", "refused ".repeat(12));
        desk.kernel
            .instead
            .push(Replied::Fault(Fault { message, hint }));
        desk.types("hello");
        desk.keys("<Enter>");
        let frame = desk.frame();
        let told = frame.lines().find(|line| line.contains("! ledger"));
        assert!(
            told.is_some_and(|line| line.trim_end().ends_with("..")),
            "{frame}"
        );
    }
}

#[test]
fn a_paste_never_submits() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.event(thymos::app::Event::Paste("rm -rf /\r\nsecond\n".into()));
    assert_eq!(desk.app.composer.text(), "rm -rf /\nsecond\n");
    assert!(
        !desk
            .kernel
            .asked
            .iter()
            .any(|asked| matches!(asked, Command::Prompt { .. }))
    );
}

#[test]
fn the_real_cursor_is_at_the_caret() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("日本e\u{301}");
    desk.frame();
    assert_eq!(desk.cursor(), (21, 7));
    desk.keys("<Left>");
    desk.frame();
    assert_eq!(desk.cursor(), (21, 6));
}

#[test]
fn history_comes_back_at_the_edges() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("one");
    desk.keys("<Enter>");
    desk.types("two");
    desk.keys("<Enter>");
    desk.types("half");
    desk.keys("<Up> <Up>");
    assert_eq!(desk.app.composer.text(), "one");
    desk.keys("<Down> <Down>");
    assert_eq!(desk.app.composer.text(), "half");
}

fn asked_for_messages(desk: &Desk) -> usize {
    let asked = desk.kernel.asked.iter();
    asked.filter(|it| **it == Command::Messages).count()
}

#[test]
fn history_reaches_other_runs_and_is_asked_for_when_it_is_wanted() {
    let mut kernel = Kernel::new();
    kernel.past = vec!["yesterday".into(), "last week".into()];
    let mut desk = Desk::open(80, 24, kernel);
    desk.types("half");
    assert_eq!(asked_for_messages(&desk), 0, "no start waits for it");
    desk.keys("<C-u> <Up>");
    assert_eq!(
        desk.app.composer.text(),
        "yesterday",
        "the first Up already"
    );
    desk.keys("<Up> <Up>");
    assert_eq!(desk.app.composer.text(), "last week");
    desk.keys("<Down> <Down>");
    assert!(desk.app.composer.is_empty());
    desk.types("now");
    desk.keys("<Enter> <Up> <Up>");
    assert_eq!(desk.app.composer.text(), "yesterday");
    assert_eq!(asked_for_messages(&desk), 1);
    desk.keys("<C-r>");
    assert_eq!(
        asked_for_messages(&desk),
        2,
        "each search reads the record again"
    );
    let frame = desk.frame();
    for text in ["> now", "yesterday", "last week"] {
        assert!(frame.contains(text), "{frame}");
    }
}

#[test]
fn what_the_record_keeps_back_is_not_brought_back_either() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("the word is hunter2");
    desk.keys("<Enter>");
    let recorded = "the word is [secret]".to_owned();
    desk.kernel
        .instead
        .push(Replied::Messages(vec![recorded.clone(), "older".into()]));
    desk.keys("<Up>");
    desk.keys("<Up>");
    assert_eq!(
        desk.app.composer.text(),
        recorded,
        "the place is where it led on from"
    );
    desk.keys("<C-u>");
    desk.kernel
        .instead
        .push(Replied::Messages(vec![recorded.clone()]));
    desk.keys("<C-r>");
    let frame = desk.frame();
    assert!(frame.contains(&format!("> {recorded}")), "{frame}");
    assert_eq!(desk.app.composer.history(), [recorded]);
}

#[test]
fn a_history_that_comes_late_changes_nothing_that_was_typed_meanwhile() {
    for typed in ["", "x"] {
        let mut desk = Desk::open(80, 24, Kernel::new());
        let effects = update(
            &mut desk.app,
            Event::Key(Key::plain(KeyCode::Up)),
            Now::default(),
        );
        let [Effect::Send(request)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(request.command, Command::Messages);
        desk.types(typed);
        desk.event(Event::Reply(Reply {
            ticket: request.ticket,
            replied: Replied::Messages(vec!["yesterday".into()]),
        }));
        let due = if typed.is_empty() { "yesterday" } else { "x" };
        assert_eq!(desk.app.composer.text(), due);
    }
}

#[test]
fn a_history_that_cannot_be_read_is_told_and_asked_for_again() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    for _ in 0..2 {
        let fault = Fault {
            message: "the ledger cannot be read".into(),
            hint: None,
        };
        desk.kernel.instead.push(Replied::Fault(fault));
        desk.keys("<Up>");
        assert!(desk.frame().contains("the ledger cannot be read"));
    }
    assert_eq!(asked_for_messages(&desk), 2);
}

#[test]
fn earlier_messages_are_searched_and_what_was_written_can_be_brought_back() {
    let mut desk = Desk::open(120, 30, Kernel::new());
    desk.keys("<C-r>");
    assert!(desk.frame().contains("no messages yet"));
    for text in ["sort the letters", "count the words", "sort the letters"] {
        desk.types(text);
        desk.keys("<Enter>");
    }
    desk.types("half");
    desk.keys("<C-r>");
    let frame = desk.frame();
    assert!(frame.contains("an earlier message"), "{frame}");
    let shown = frame.matches("sort the letters").count();
    assert_eq!(shown, 1, "each once: {frame}");
    desk.types("words");
    desk.keys("<Enter>");
    assert_eq!(desk.app.composer.text(), "count the words");
    desk.keys("<C-_> <C-_>");
    assert_eq!(desk.app.composer.text(), "half");
}

#[test]
fn the_editor_gets_what_is_written_and_gives_back_what_it_left() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("one");
    desk.keys("<C-g>");
    assert_eq!(desk.effects.pop(), Some(Effect::Edit("one".into())));
    desk.event(Event::Edited(Ok("one\ntwo".into())));
    assert_eq!(desk.app.composer.text(), "one\ntwo");
    desk.keys("<C-x> <C-e>");
    assert_eq!(desk.effects.pop(), Some(Effect::Edit("one\ntwo".into())));
    desk.event(Event::Edited(Err("`vi` ended with exit status: 1".into())));
    assert_eq!(desk.app.composer.text(), "one\ntwo");
    assert!(desk.frame().contains("ended with exit status: 1"));
}

#[test]
fn every_field_of_the_filter_language_can_be_completed() {
    let fields = thymos_runtime::filter::FIELDS.iter();
    let known: Vec<&str> = fields.map(|(field, _)| *field).collect();
    assert_eq!(known, thymos::panes::prompt::FILTER_FIELDS);
}

#[test]
fn a_filter_that_was_entered_comes_back_in_its_prompt() {
    let mut desk = Desk::open(100, 30, Kernel::new());
    desk.keys("<C-x> l f");
    desk.types("ki");
    desk.keys("<Tab>");
    desk.types("commit");
    desk.keys("<Enter>");
    desk.keys("f");
    desk.keys("<C-u> <Up>");
    let frame = desk.frame();
    assert!(frame.contains("kind:commit"), "{frame}");
}

#[test]
fn new_rows_never_move_a_reader_who_scrolled_away() {
    let mut desk = Desk::open(80, 24, long(60));
    desk.frame();
    desk.keys("<PageUp>");
    // The rows without the scrollbar, which must move.
    let rows = |frame: String| -> Vec<String> {
        frame
            .lines()
            .skip(1)
            .take(14)
            .map(|row| row.chars().take(78).collect())
            .collect()
    };
    let before = rows(desk.frame());
    for at in 0..3 {
        desk.kernel
            .append(said(Role::Model, &format!("answer {at}")));
    }
    desk.ring();
    let frame = desk.frame();
    assert_eq!(before, rows(frame.clone()));
    assert!(frame.contains("3 new, G to follow"), "{frame}");
    desk.keys("<Tab> G");
    assert!(desk.frame().contains("answer 2"));
}

#[test]
fn a_long_history_is_pulled_as_it_is_scrolled_to() {
    let mut desk = Desk::open(80, 24, long(3_000));
    desk.frame();
    assert!(desk.app.session.older() > 2_000);
    desk.keys("<Tab>");
    for _ in 0..40 {
        desk.keys("g g");
        desk.frame();
        desk.keys("j");
        desk.frame();
    }
    assert_eq!(desk.app.session.older(), 0);
    let seqs: Vec<u64> = desk
        .app
        .session
        .story()
        .items()
        .iter()
        .map(|item| item.seq())
        .collect();
    assert_eq!(seqs, (0..3_002).collect::<Vec<u64>>());
}

#[test]
fn a_frame_lays_out_no_more_than_it_shows() {
    let mut desk = Desk::open(80, 24, long(2_000));
    desk.frame();
    let visible = 24;
    assert!(
        desk.app.conversation.laid_out() <= visible + 2,
        "{}",
        desk.app.conversation.laid_out()
    );
    desk.frame();
    assert_eq!(
        desk.app.conversation.laid_out(),
        0,
        "nothing changed, nothing is laid out"
    );
    assert_eq!(desk.idle_bytes(), 0);
}

#[test]
fn ctrl_c_clears_then_says_then_stops() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "go"));
    kernel.running(Some("shell cargo test"));
    let mut desk = Desk::open(80, 24, kernel);
    desk.types("half");
    desk.keys("<C-c>");
    assert!(desk.app.composer.is_empty());
    desk.keys("<C-c>");
    assert!(
        desk.frame()
            .contains("press again within 1 s to stop: shell cargo test")
    );
    let stops = |desk: &Desk| {
        desk.kernel
            .asked
            .iter()
            .filter(|it| matches!(it, Command::Interrupt { .. }))
            .count()
    };
    assert_eq!(stops(&desk), 0);
    desk.wait(1_100);
    desk.keys("<C-c>");
    assert_eq!(stops(&desk), 0, "the first press was too long ago");
    desk.keys("<C-c>");
    assert_eq!(stops(&desk), 1);
    assert!(
        !desk
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Quit(_)))
    );
}

#[test]
fn quitting_asks_while_something_waits_and_esc_stays() {
    let mut kernel = Kernel::new();
    kernel.hold("patch", "fs_patch", "fs_patch a.txt");
    let mut desk = Desk::open(80, 24, kernel);
    desk.keys("<C-d>");
    let frame = desk.frame();
    assert!(frame.contains("1 approval waits"), "{frame}");
    desk.keys("<Enter>");
    assert!(
        desk.app.overlays.is_empty(),
        "the harmless answer is chosen at first"
    );
    desk.keys("<C-x> q <Esc>");
    assert!(desk.app.overlays.is_empty());
    desk.keys("<C-d> <Tab> <Enter>");
    assert!(desk.effects.contains(&Effect::Quit(0)));
}

#[test]
fn quitting_with_nothing_left_behind_does_not_ask() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-d>");
    assert!(desk.effects.contains(&Effect::Quit(0)));
}

#[test]
fn slash_commands_are_the_registry() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("/mo");
    let frame = desk.frame();
    assert!(frame.contains("/mode plan"), "{frame}");
    desk.types("de plan");
    desk.keys("<Enter>");
    assert!(matches!(
        desk.kernel.asked.last(),
        Some(Command::PreviewMode { .. })
    ));
    desk.keys("<Esc>");
    desk.types("/quti");
    desk.keys("<Enter>");
    assert!(desk.frame().contains("no command `/quti`"));
    assert_eq!(desk.app.composer.text(), "/quti", "what was written stays");
}

#[test]
fn a_command_that_can_do_nothing_now_says_why_while_it_is_typed_and_when_it_is_sent() {
    let mut desk = Desk::open(100, 24, Kernel::new());
    desk.types("/st");
    let frame = desk.frame();
    assert!(
        frame.contains("/stop          not now: nothing runs"),
        "{frame}"
    );
    desk.types("op");
    desk.keys("<Enter>");
    assert!(desk.frame().contains("nothing runs"));
    assert_eq!(desk.app.composer.text(), "/stop", "what was written stays");
    for (typed, why) in [
        ("/copy", "nothing to copy yet"),
        ("/undo", "you have said nothing here yet"),
        ("/branch", "no commit here yet"),
    ] {
        desk.keys("<C-u>");
        desk.types(typed);
        let frame = desk.frame();
        assert!(frame.contains(&format!("not now: {why}")), "{frame}");
    }
    let mut kernel = long(1);
    kernel.append(said(Role::Model, "answer"));
    kernel.running(Some("thinking"));
    let mut desk = Desk::open(100, 24, kernel);
    for typed in ["/stop", "/copy", "/undo", "/mode", "/ledger"] {
        desk.keys("<C-u>");
        desk.types(typed);
        let frame = desk.frame();
        assert!(
            frame.contains(typed) && !frame.contains("not now"),
            "{frame}"
        );
    }
}

#[test]
fn background_events_never_move_the_focus() {
    let mut desk = Desk::open(80, 24, long(5));
    desk.types("typing");
    desk.kernel.hold("patch", "fs_patch", "fs_patch a.txt");
    desk.kernel.running(Some("thinking"));
    desk.ring();
    desk.live("some words", 1);
    assert_eq!(
        (desk.app.focus.screen(), desk.app.focus.pane()),
        (Screen::Work, Pane::Composer)
    );
    assert!(desk.app.overlays.is_empty());
    assert_eq!(desk.app.composer.text(), "typing");
}

#[test]
fn a_tab_queues_while_running_and_is_sent_when_the_run_has_ended() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "go"));
    kernel.running(Some("thinking"));
    let mut desk = Desk::open(80, 24, kernel);
    desk.types("and then this");
    desk.keys("<Tab>");
    let prompts = |desk: &Desk| {
        desk.kernel
            .asked
            .iter()
            .filter(|it| matches!(it, Command::Prompt { .. }))
            .count()
    };
    assert_eq!((prompts(&desk), desk.app.queued.len()), (0, 1));
    desk.kernel.running(None);
    desk.ring();
    assert_eq!((prompts(&desk), desk.app.queued.len()), (1, 0));
}

#[test]
fn resizing_keeps_what_is_written() {
    let mut desk = Desk::open(80, 24, long(30));
    desk.types("draft");
    for (width, height) in [(40, 10), (200, 60), (60, 16), (1, 1), (320, 90)] {
        desk.resize(width, height);
        desk.frame();
    }
    assert_eq!(desk.app.composer.text(), "draft");
}

#[test]
fn y3_only_a_report_without_findings_says_verified() {
    let report = |findings| VerifyReport {
        before: None,
        entries: 2,
        trajectories: 1,
        levels: vec!["V1".into(), "V2".into()],
        findings,
        caveat: "a lone ledger cannot prove that its end was not cut".into(),
    };
    let finding = VerifyFinding {
        index: 1,
        trajectory: None,
        seq: Some(1),
        check: "hash".into(),
        expected: "aa".into(),
        found: "bb".into(),
    };
    let mut desk = Desk::open(160, 24, Kernel::new());
    desk.kernel
        .instead
        .push(Replied::Verified(report(vec![finding])));
    desk.types("/verify");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(
        frame.contains("! 1 things are wrong; first at entry 1: hash"),
        "{frame}"
    );
    assert!(!frame.contains("verified 2 entries"), "{frame}");
    desk.kernel
        .instead
        .push(Replied::Verified(report(Vec::new())));
    desk.types("/verify");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(
        frame.contains("verified 2 entries of 1 trajectories (V1, V2)"),
        "{frame}"
    );
}

#[test]
fn a_model_is_chosen_by_name_from_the_composer() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.types("/model local/qwen");
    desk.keys("<Enter>");
    let asked = desk.kernel.asked.last();
    assert!(matches!(asked, Some(Command::SetModel { model, .. }) if model == "local/qwen"));
    assert!(
        desk.frame()
            .contains("model local/qwen from the next turn on")
    );
}

#[test]
fn a_hundred_thousand_entries_cost_a_frame_no_more_than_fifty() {
    let mut desk = Desk::open(80, 24, long(100_000));
    desk.frame();
    assert!(
        desk.app.conversation.laid_out() <= 26,
        "{}",
        desk.app.conversation.laid_out()
    );
    let asked = desk.kernel.asked.len();
    assert!(
        asked <= 8,
        "opening asks for a window, not for all: {asked}"
    );
    desk.kernel.append(said(Role::Model, "one more"));
    desk.ring();
    desk.frame();
    assert!(
        desk.app.conversation.laid_out() <= 2,
        "{}",
        desk.app.conversation.laid_out()
    );
}
