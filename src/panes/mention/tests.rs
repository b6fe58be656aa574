//! Tests of what is put into a message, and of the rows that are chosen from.

use thymos_core::{EntryId, IntentId, Timestamp, TrajectoryId};
use thymos_protocol::{Event, What};

use super::state::quoted;
use super::{Entry, Mention, Row, Standing, Wish, starts_word};
use crate::app::event::FileRows;

fn entry(words: &str) -> Entry {
    Entry {
        seq: 4176,
        id: EntryId::of(b"entry"),
        kind: "commit".into(),
        words: words.into(),
    }
}

#[test]
fn a_path_is_plain_unless_its_end_could_not_be_seen() {
    for plain in ["src/client.rs", "a/ü/日本.txt", "x(1).rs", "@types/a.d.ts"] {
        assert_eq!(quoted(plain), plain);
    }
    let odd = [
        ("my notes/a b.txt", r#""my notes/a b.txt""#),
        ("say \"hi\".txt", r#""say \"hi\".txt""#),
        ("a\nb", r#""a\nb""#),
        ("a\u{1b}[2Jb", r#""a\u001b[2Jb""#),
        ("gpj\u{202e}exe", r#""gpj\u202eexe""#),
        ("tag\u{e0041}", r#""tag\udb40\udc41""#),
        ("", "\"\""),
    ];
    for (path, text) in odd {
        assert_eq!(quoted(path), text);
        let read: String = serde_json::from_str(&quoted(path)).unwrap();
        assert_eq!(read, path, "a reader of JSON finds the file");
    }
}

#[test]
fn an_entry_is_cited_by_number_and_short_id_with_its_words() {
    let id = EntryId::of(b"entry").short();
    let text = Row::Entry(entry("fs_patch src/a.rs  (1 added)")).text();
    assert_eq!(
        text,
        format!("entry 4176 ({id}: commit, fs_patch src/a.rs  (1 added))")
    );
    let bare = Row::Entry(entry("")).text();
    assert_eq!(bare, format!("entry 4176 ({id}: commit)"));
    let lying = Row::Entry(entry("a\u{202e}b\u{7}\nc")).text();
    assert_eq!(lying, format!("entry 4176 ({id}: commit, abc)"));
    let long = Row::Entry(entry(&"x".repeat(500))).text();
    assert!(long.len() < 100 && long.ends_with(" ..)"), "{long}");
}

#[test]
fn an_at_sign_begins_a_word_and_is_none_in_the_middle_of_one() {
    for before in [None, Some(' '), Some('('), Some('"'), Some('\u{3000}')] {
        assert!(starts_word(before), "{before:?}");
    }
    for before in ['a', '.', '@', '/', '日'] {
        assert!(!starts_word(Some(before)), "{before:?}");
    }
}

#[test]
fn rows_of_the_question_before_stay_until_the_answer_unless_they_are_of_the_other_kind() {
    let mut mention = Mention::new((0, 0), None);
    assert_eq!(mention.wish(), Wish::Files(""));
    mention.ask(1);
    mention.take_files(FileRows {
        paths: vec!["a".into(), "b".into()],
        fits: 2,
        of: 9,
        stopped_after: Some(50_000),
    });
    assert_eq!(
        mention.told,
        "2 of 9 files, and more: stopped after 50000 entries"
    );
    mention.step(7);
    assert_eq!(mention.chosen(), Some(&Row::File("b".into())));
    mention.typed = "b".into();
    mention.ask(2);
    assert_eq!(
        (mention.rows().len(), &mention.standing),
        (2, &Standing::Asking)
    );
    mention.typed = "#4".into();
    mention.ask(3);
    assert_eq!(
        (mention.wish(), mention.rows().len()),
        (Wish::Entries("4"), 0)
    );
    assert_eq!(mention.selected(), 0);
    mention.step(-1);
    mention.fail("it is gone".into());
    assert_eq!(mention.chosen(), None);
}

#[test]
fn an_entry_of_a_call_names_its_tool_once() {
    let line = |line: &str| Event {
        trajectory: TrajectoryId::of(b"run"),
        seq: 7,
        index: 7,
        at_ms: Timestamp(0),
        entry: EntryId::of(b"entry"),
        kind: "intent".into(),
        what: What::Intended {
            intent: IntentId::of(b"intent"),
            turn: 1,
            tool: "fs_read".into(),
            line: line.into(),
            by_operator: false,
        },
    };
    for said in ["docs/a.md", "fs_read docs/a.md"] {
        assert_eq!(Entry::of(&line(said)).words, "fs_read docs/a.md");
    }
}
