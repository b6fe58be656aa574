//! Export: which run, as what, and where it is told to be.

use expect_test::expect;
use thymos::app::effect::Export;
use thymos::app::{Effect, Event, Overlay};
use thymos::args::Format;
use thymos_core::TrajectoryId;
use thymos_protocol::Fault;

use super::desk::Desk;
use super::governed::branch;
use super::kernel::{Kernel, trajectory};
use super::plain::listener::Listener;

fn open() -> Desk {
    Desk::open(80, 24, Kernel::new())
}

fn wanted(effects: &[Effect]) -> Vec<(TrajectoryId, Format)> {
    let exports = effects.iter().filter_map(|effect| match effect {
        Effect::Export(Export { trajectory, format }) => Some((*trajectory, *format)),
        _ => None,
    });
    exports.collect()
}

#[test]
fn the_choice_is_small_and_says_what_each_is_for() {
    let mut desk = open();
    desk.keys("<C-x> e");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%

          Welcome to thymos

          A model may only propose. The kernel decides, acts and records; what you see
          here is read back from that record, and you can walk it and verify it.

          Folder  /srv/acme/api
          Mode    edit: it may read, and write in this folder; what policy holds waits
         ╔ * export this run to a new file as ════════════════════════════════════════╗
         ║>                                                                           ║
         ║> markdown  the story, to read                            thymos-54b2da94.md║
         ║  JSON lines  one event a line, as the ledger tells it thymos-54b2da94.jsonl║
         ║  bundle  proves itself to whoever has your public key   thymos-54b2da94.tar║
         ╚═Enter choose  Esc back, choose nothing═════════════════════════════════════╝




        -- idle, model practice
        ┌ message ─────────────────────────────────────────────────────────────────────┐
        │                                                                              │
        └─Enter send  Ctrl-J newline  / command  @ file────────────────────────────────┘
        Down next  Enter choose  Esc back                               local  mouse off
    "#]]
    .assert_eq(&desk.frame());
    desk.keys("<Esc>");
    assert!(desk.app.overlays.is_empty());
    assert!(wanted(&desk.effects).is_empty());
}

#[test]
fn what_is_chosen_is_written_and_its_place_told() {
    let mut desk = open();
    for (keys, format) in [
        ("<C-x> e <Enter>", Format::Markdown),
        ("<C-x> e <Down> <Enter>", Format::Jsonl),
        ("<C-x> e b u n <Enter>", Format::Bundle),
    ] {
        desk.keys(keys);
        assert_eq!(wanted(&desk.effects), [(trajectory(), format)], "{keys}");
        let frame = desk.frame();
        assert!(
            frame.contains(&format!("exporting t-54b2da94 as {} ..", format.word())),
            "{frame}"
        );
        let file = "/srv/acme/api/thymos-54b2da94.md".to_owned();
        desk.event(Event::Exported(Ok(file)));
        let frame = desk.frame();
        assert!(
            frame.contains("exported to thymos-54b2da94.md in /srv/acme/api/"),
            "{frame}"
        );
        desk.effects.clear();
    }
}

#[test]
fn a_failure_is_told_with_its_hint_and_another_may_follow() {
    let mut desk = open();
    desk.keys("<C-x> e <Enter>");
    desk.event(Event::Exported(Err(Fault {
        message: "the disk is full".into(),
        hint: Some("make room".into()),
    })));
    let frame = desk.frame();
    assert!(
        frame.contains("! the disk is full  hint: make room"),
        "{frame}"
    );
    desk.keys("<C-x> e <Enter>");
    assert_eq!(wanted(&desk.effects).len(), 2);
}

#[test]
fn one_at_a_time_is_written() {
    let mut desk = open();
    desk.keys("<C-x> e <Enter>");
    desk.keys("<C-x> e <Enter>");
    assert_eq!(wanted(&desk.effects).len(), 1);
    let frame = desk.frame();
    assert!(frame.contains("an export is still at work"), "{frame}");
    desk.event(Event::Exported(Ok("/a/b.md".into())));
    desk.keys("<C-x> e <Enter>");
    assert_eq!(wanted(&desk.effects).len(), 2);
}

#[test]
fn runs_and_the_ledger_export_the_run_of_their_row() {
    let mut desk = open();
    desk.keys("<C-x> 5 j E <Enter>");
    assert_eq!(wanted(&desk.effects), [(branch(), Format::Markdown)]);
    desk.event(Event::Exported(Ok("/a/b.md".into())));
    desk.effects.clear();
    desk.keys("<C-x> 3 E <Enter>");
    assert_eq!(wanted(&desk.effects), [(trajectory(), Format::Markdown)]);
}

#[test]
fn typed_behind_a_slash_it_asks_and_with_words_it_is_the_verb() {
    let mut desk = open();
    desk.types("/export");
    desk.keys("<Enter>");
    assert!(matches!(desk.app.overlays.last(), Some(Overlay::Picker(_))));
    desk.keys("<Esc>");
    desk.types("/export 54b2 --format jsonl");
    desk.keys("<Enter>");
    let verb = ["export", "54b2", "--format", "jsonl"].map(str::to_owned);
    assert!(desk.effects.contains(&Effect::Verb(verb.into())));
}

#[test]
fn in_plain_mode_it_is_a_question_and_the_file_a_notice() {
    let mut listener = Listener::open(Kernel::new());
    listener.hears();
    listener.says("/export");
    let heard = listener.hears();
    assert!(
        heard.contains("about: 1, markdown, the story, to read"),
        "{heard}"
    );
    assert!(
        heard.contains("question: export this run to a new file as."),
        "{heard}"
    );
    listener.says("2");
    assert_eq!(wanted(&listener.effects), [(trajectory(), Format::Jsonl)]);
    assert!(
        !listener.plain.is_ready(),
        "who leaves now would not hear it"
    );
    listener.event(Event::Exported(Ok("/a/b.jsonl".into())));
    let heard = listener.hears();
    assert!(
        heard.contains("notice: exported to b.jsonl in /a/"),
        "{heard}"
    );
    assert!(listener.plain.is_ready());
}
