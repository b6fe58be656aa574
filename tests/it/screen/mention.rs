//! Naming a file or an entry behind an `@`: what opens the list, what is taken, and what reaches the model.

use thymos::app::event::{FileQuery, FileRows};
use thymos::app::{Effect, Event};
use thymos_core::EntryId;
use thymos_core::body::Role;
use thymos_protocol::{Command, Fault, Replied};

use super::desk::Desk;
use super::kernel::{Kernel, said};

fn desk() -> Desk {
    Desk::open(80, 24, Kernel::new())
}

/// The newest question about files.
fn query(desk: &Desk) -> FileQuery {
    let asked = desk.effects.iter().rev().find_map(|effect| match effect {
        Effect::FindFiles(query) => Some(query.clone()),
        _ => None,
    });
    asked.expect("files are looked for")
}

/// Answers it.
fn finds(desk: &mut Desk, paths: &[&str]) {
    let rows = FileRows {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        fits: paths.len(),
        of: 812,
        stopped_after: None,
    };
    let asked = query(desk).asked;
    desk.event(Event::Files(asked, Ok(rows)));
}

fn prompts(desk: &Desk) -> Vec<String> {
    let sent = desk.kernel.asked.iter().filter_map(|asked| match asked {
        Command::Prompt { text, .. } => Some(text.clone()),
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_file_is_named_by_a_few_letters_and_sent_as_plain_text() {
    let mut desk = desk();
    desk.types("read @cl");
    assert_eq!(
        (query(&desk).letters.as_str(), query(&desk).hidden),
        ("cl", false)
    );
    finds(&mut desk, &["src/client.rs", "src/clock.rs"]);
    let frame = desk.frame();
    assert!(frame.contains("2 of 812 files"), "{frame}");
    assert!(frame.contains("> src/client.rs"), "{frame}");
    desk.keys("<Down> <Up> <Down> <Tab>");
    assert_eq!(desk.app.composer.text(), "read src/clock.rs ");
    assert!(desk.app.mention.is_none());
    assert_eq!(desk.effects.last(), Some(&Effect::EndFiles));
    desk.types("and @c");
    finds(&mut desk, &["src/client.rs"]);
    desk.keys("<Enter>");
    assert_eq!(
        prompts(&desk),
        Vec::<String>::new(),
        "Enter takes the row first"
    );
    desk.keys("<Enter>");
    assert_eq!(prompts(&desk), ["read src/clock.rs and src/client.rs "]);
}

#[test]
fn esc_closes_the_list_and_does_nothing_else() {
    let mut desk = desk();
    desk.keys("<C-x> z");
    desk.types("see @cl");
    finds(&mut desk, &["src/client.rs"]);
    assert!(
        desk.frame().contains("> src/client.rs"),
        "also over a zoomed composer"
    );
    desk.keys("<Esc>");
    assert!(desk.app.focus.zoomed, "the next Esc is for that");
    assert_eq!(desk.app.composer.text(), "see @cl");
    desk.types("i");
    assert!(desk.app.mention.is_none(), "a closed list stays closed");
    desk.keys("<Enter>");
    assert_eq!(prompts(&desk), ["see @cli"]);
}

#[test]
fn only_the_newest_answer_counts_and_nothing_is_taken_before_it() {
    let mut desk = desk();
    desk.types("@c");
    let first = query(&desk).asked;
    desk.types("l");
    let rows = FileRows {
        paths: vec!["wrong".into()],
        ..FileRows::default()
    };
    desk.event(Event::Files(first, Ok(rows)));
    let frame = desk.frame();
    assert!(
        !frame.contains("wrong") && frame.contains("looking for files"),
        "{frame}"
    );
    desk.keys("<Tab>");
    assert_eq!(desk.app.composer.text(), "@cl");
    assert!(desk.frame().contains("still looking"));
    finds(&mut desk, &["src/client.rs"]);
    desk.keys("<Tab>");
    assert_eq!(desk.app.composer.text(), "src/client.rs ");
    let late = FileRows::default();
    desk.event(Event::Files(first, Ok(late)));
    assert!(desk.app.mention.is_none());
}

#[test]
fn where_nothing_fits_enter_sends_and_tab_only_closes() {
    let mut desk = desk();
    desk.types("thanks @ada");
    finds(&mut desk, &[]);
    assert!(
        desk.frame()
            .contains("nothing fits; Enter sends what is written")
    );
    desk.keys("<Tab>");
    assert!(desk.app.mention.is_none() && prompts(&desk).is_empty());
    assert_eq!(desk.app.composer.text(), "thanks @ada");
    desk.types(" @b");
    finds(&mut desk, &[]);
    desk.keys("<Enter>");
    assert_eq!(prompts(&desk), ["thanks @ada @b"]);
}

#[test]
fn an_at_sign_inside_a_word_or_a_paste_opens_nothing_and_a_blank_closes() {
    let mut desk = desk();
    desk.types("ada@example.org");
    assert!(desk.app.mention.is_none());
    desk.event(Event::Paste(" @src".into()));
    assert!(desk.app.mention.is_none());
    desk.types(" (@s");
    assert!(desk.app.mention.is_some());
    desk.types(" ");
    assert!(desk.app.mention.is_none());
    for leaves in [
        "<Left> <Left>",
        "<C-a>",
        "<Backspace> <Backspace>",
        "<C-j>",
        "<C-c>",
    ] {
        desk.types(" @s");
        assert!(desk.app.mention.is_some(), "{leaves}");
        desk.keys(leaves);
        assert!(desk.app.mention.is_none(), "{leaves}");
        desk.keys("<C-e>");
    }
    for elsewhere in ["<C-x> l", "<C-x> p", "<F1>"] {
        desk.keys("<C-x> 1");
        desk.types(" @s");
        assert!(desk.app.mention.is_some(), "{elsewhere}");
        desk.keys(elsewhere);
        assert!(desk.app.mention.is_none(), "{elsewhere}");
        desk.keys("<Esc>");
    }
}

#[test]
fn a_key_and_the_palette_write_the_at_sign() {
    let mut desk = desk();
    desk.types("read");
    desk.keys("<C-x> @");
    assert_eq!(desk.app.composer.text(), "read @");
    assert!(desk.app.mention.is_some());
    desk.keys("<Esc> <C-u> <C-x> p");
    desk.types("name a file");
    desk.keys("<Enter>");
    assert_eq!(desk.app.composer.text(), "@");
    assert!(desk.app.mention.is_some());
}

#[test]
fn names_that_hide_something_are_shown_and_quoted() {
    let mut desk = desk();
    desk.types("@n");
    let names = [
        "my notes/a b.txt",
        "gpj\u{202e}exe.n",
        "line\nbreak.n",
        "\u{1b}[31mred.n",
    ];
    finds(&mut desk, &names);
    let frame = desk.frame();
    for shown in [
        "my notes/a b.txt",
        "gpj⟦U+202E⟧exe.n",
        "line⟦U+000A⟧break.n",
        "⟦U+001B⟧[31mred.n",
    ] {
        assert!(frame.contains(shown), "{frame}");
    }
    desk.keys("<Tab>");
    assert_eq!(desk.app.composer.text(), "\"my notes/a b.txt\" ");
    desk.types("@l");
    finds(&mut desk, &names[2..3]);
    desk.keys("<Tab>");
    assert_eq!(desk.app.composer.lines().len(), 1, "the line is not broken");
    assert_eq!(
        desk.app.composer.text(),
        "\"my notes/a b.txt\" \"line\\nbreak.n\" "
    );
}

#[test]
fn hidden_names_are_looked_for_once_a_dot_says_so() {
    let mut desk = desk();
    desk.types("@.g");
    assert!(query(&desk).hidden);
    desk.types("x/.y");
    assert!(query(&desk).hidden);
    desk.types(" @a.b");
    assert!(!query(&desk).hidden);
}

#[test]
fn a_bound_that_was_met_and_a_folder_that_cannot_be_read_are_told() {
    let mut desk = desk();
    desk.types("@a");
    let rows = FileRows {
        paths: vec!["a".into()],
        fits: 1,
        of: 50_000,
        stopped_after: Some(50_000),
    };
    let asked = query(&desk).asked;
    desk.event(Event::Files(asked, Ok(rows)));
    let frame = desk.frame();
    assert!(
        frame.contains("1 of 50000 files, and more: stopped after 50000 entries"),
        "{frame}"
    );
    desk.event(Event::Files(
        asked,
        Err("this user may not open `/srv`".into()),
    ));
    let frame = desk.frame();
    assert!(
        frame.contains("no files: this user may not open"),
        "{frame}"
    );
}

#[test]
fn an_entry_is_cited_by_its_number_and_the_record_can_be_followed() {
    let mut kernel = Kernel::new();
    for at in 2..60 {
        kernel.append(said(Role::Model, &format!("answer {at}")));
    }
    let mut desk = Desk::open(80, 24, kernel);
    desk.types("as in @#");
    let frame = desk.frame();
    assert!(
        frame.contains("> #59  note  \"answer 59\""),
        "the newest first: {frame}"
    );
    desk.types("4");
    assert!(matches!(
        desk.kernel.asked.last(),
        Some(Command::Rows { places, .. }) if *places == [4, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49]
    ));
    desk.keys("<Down> <Down> <Tab>");
    let id = EntryId::of(&41_u64.to_be_bytes()).short();
    let text = format!("as in entry 41 ({id}: note, \"answer 41\") ");
    assert_eq!(desk.app.composer.text(), text);
    desk.keys("<Enter>");
    assert_eq!(prompts(&desk), [text]);
    desk.types("@#answer 7");
    assert!(desk.app.mention.is_none(), "a blank ends it");
    desk.keys("<C-c>");
    desk.types("@#NSWER");
    let frame = desk.frame();
    assert!(frame.contains("> #59  note  \"answer 59\""), "{frame}");
    assert!(frame.contains("58 of the newest 60 entries"), "{frame}");
    desk.types("x");
    assert!(desk.frame().contains("nothing fits"));
    desk.keys("<C-c>");
    desk.types("@#99");
    assert!(desk.frame().contains("nothing fits"));
    desk.keys("<C-c>");
    let fault = Fault {
        message: "the ledger cannot be read".into(),
        hint: None,
    };
    desk.kernel.instead.push(Replied::Fault(fault));
    desk.types("@#");
    let frame = desk.frame();
    assert!(
        frame.contains("no entries: the ledger cannot be read"),
        "{frame}"
    );
}

#[test]
fn the_list_fits_every_size() {
    let paths: Vec<String> = (0..30)
        .map(|at| format!("src/{at}/{}/name{at}.rs", "deep/".repeat(40)))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for (width, height) in [(40, 12), (60, 16), (80, 24), (90, 50), (200, 60), (320, 90)] {
        for zoomed in [false, true] {
            let mut desk = Desk::open(width, height, Kernel::new());
            if zoomed {
                desk.keys("<C-x> z");
            }
            desk.types("@n");
            let top = desk.frame().lines().next().map(str::to_owned);
            finds(&mut desk, &paths);
            desk.keys("<Down> <Down> <Down>");
            let frame = desk.frame();
            let chosen = frame.lines().find(|line| line.contains("> .."));
            let seen = chosen.is_some_and(|line| line.contains("name3.rs"));
            assert!(seen, "{width}x{height}\n{frame}");
            assert_eq!(frame.lines().next(), top.as_deref());
            assert!(frame.contains("@n"), "{width}x{height}\n{frame}");
        }
    }
    for (width, height) in [(1, 1), (3, 2), (10, 3), (20, 5)] {
        let mut desk = Desk::open(width, height, Kernel::new());
        desk.types("@n");
        finds(&mut desk, &paths);
        desk.frame();
    }
}
