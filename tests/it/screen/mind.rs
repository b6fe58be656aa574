//! Mind: what led to what in a run, as a map, as chains, and with keys.

use expect_test::expect;
use proptest::prelude::*;
use serde_json::json;
use thymos::app::{Effect, Overlay, Pane, Screen};
use thymos::mind::NodeKind;
use thymos::ui::chrome::Glyphs;
use thymos_core::TrajectoryId;
use thymos_core::body::{Role, Stop};
use thymos_protocol::{Command, Replied, What};

use super::desk::Desk;
use super::kernel::{
    Kernel, committed, decided, intended, proposal, rejected, said, started, trajectory,
};
use super::plain::listener::Listener;
use super::record;

/// Two turns: one that is done, and one of which a call waits.
fn told() -> Kernel {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "what is here?"));
    call(&mut kernel, "a", "fs_list", ".");
    call(&mut kernel, "b", "fs_read", "README");
    kernel.append(said(Role::Model, "a fetch client"));
    kernel.append(said(Role::Operator, "add retry to the client"));
    call(&mut kernel, "c", "fs_read", "src/client.rs");
    kernel.append(intended("d", "fs_patch", "src/client.rs +31 -4"));
    kernel.append(intended("e", "net_get", "http://10.0.0.8/"));
    kernel.hold("d", "fs_patch", "src/client.rs +31 -4");
    kernel.append(rejected("e", "net_get", "http://10.0.0.8/"));
    kernel
}

fn call(kernel: &mut Kernel, name: &str, tool: &str, line: &str) {
    kernel.append(intended(name, tool, line));
    kernel.append(started(name, tool, line));
    kernel.append(committed(name, tool, line, "some text"));
}

fn at_mind(width: u16, height: u16, kernel: Kernel) -> Desk {
    let mut desk = Desk::open(width, height, kernel);
    desk.keys("<C-x> 8");
    desk
}

/// The chosen node: what it is, and what it says.
fn chosen(desk: &Desk) -> (NodeKind, String) {
    let node = desk.app.mind.node(desk.app.session.mind()).unwrap();
    (node.kind, node.label.clone())
}

#[test]
fn a_wide_screen_shows_stages_side_by_side() {
    let mut desk = at_mind(120, 30, told());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 17 ✓  EDIT up to write  $0.82/2.00  ctx 38%  1 pending
        ╔ * mind t-54b2da94 - 2 turns, 24 nodes - show: all ═══════════════════════════════════════════════════════════════════╗
        ║     MESSAGE              INTENT               PROPOSAL VERDICT         EXECUTION      COMMIT   ANSWER                ║
        ║  1  "what is here?"─────┬fs_list .────────────P c85e───staged──────────ok 2 ms────────C 5─────┬"a fetch client"      ║
        ║                         └fs_read README───────P 06b3───staged──────────ok 2 ms────────C 8─────┘                      ║
        ║  2  "add retry to the..─┬fs_read src/clien..──P 0fe7───staged──────────ok 2 ms────────C 13                           ║
        ║                         ├fs_patch src/clie..──P f41b───SUSPENDED #1                                                  ║
        ║▸                        └net_get http://10..──P 84d7───>REJECTED C8..                                                ║
        ║                                                                                                                      ║
        ║                                                                                                                      ║
        ║                                                                                                                      ║
        ║                                                                                                                      ║
        ║                                                                                                                      ║
        ║                                                                                                                      ║
        ║                                                                                                                      ║
        ║                                                                                                                      ║
        ╚═h l stage  j k row  [ ] turn  Enter inspect  f show  / search  Space fold  o entry  c card  Esc back═════════════════╝
        ┌ seq 17 note - [body] trace writ chain ───────────────────────────────────────────────────────────────────────────────┐
        │{                                                                                                                    █│
        │  "decided": {                                                                                                       █│
        │    "proposal": {                                                                                                    █│
        │      "intent": {                                                                                                    █│
        │        "args": {                                                                                                    █│
        │          "path": "src/client.rs"                                                                                    █│
        │        }                                                                                                            █│
        │      }                                                                                                              █│
        │    }                                                                                                                █│
        │  }                                                                                                                  ││
        └──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
        Enter inspect  l stage  j row  f show  / search  h back                                                 local  mouse off
    "#]].assert_eq(&desk.frame());
}

#[test]
fn a_very_wide_screen_has_room_for_words_and_borders_may_be_ascii() {
    let mut desk = at_mind(200, 24, told());
    desk.app.glyphs = Glyphs::Ascii;
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 17 verified  EDIT up to write  $0.82/2.00  ctx 38%  1 pending
        # * mind t-54b2da94 - 2 turns, 24 nodes - show: all ===================================================================================================================================================#
        |     MESSAGE                               INTENT                                PROPOSAL VERDICT                       EXECUTION                   COMMIT   ANSWER                                   |
        |  1  "what is here?"----------------------+fs_list .-----------------------------P c85e---staged rule builtin/read------ok 2 ms, read 11.2 kB-------C 5-----+"a fetch client"                         |
        |                                          +fs_read README------------------------P 06b3---staged rule builtin/read------ok 2 ms, read 11.2 kB-------C 8-----+                                         |
        |  2  "add retry to the client"------------+fs_read src/client.rs-----------------P 0fe7---staged rule builtin/read------ok 2 ms, read 11.2 kB-------C 13                                              |
        |                                          +fs_patch src/client.rs +31 -4---------P f41b---SUSPENDED #1                                                                                                |
        |>                                         +net_get http://10.0.0.8/--------------P 84d7--->REJECTED C8 tool `net_get..                                                                                |
        |                                                                                                                                                                                                      |
        |                                                                                                                                                                                                      |
        |                                                                                                                                                                                                      |
        |                                                                                                                                                                                                      |
        |                                                                                                                                                                                                      |
        #=h l stage  j k row  [ ] turn  Enter inspect  f show  / search  Space fold  o entry  c card  Esc back=================================================================================================#
        + seq 17 note - [body] trace writ chain ---------------------------------------------------------------------------------------------------------------------------------------------------------------+
        |{                                                                                                                                                                                                    #|
        |  "decided": {                                                                                                                                                                                       #|
        |    "proposal": {                                                                                                                                                                                    #|
        |      "intent": {                                                                                                                                                                                    #|
        |        "args": {                                                                                                                                                                                    ||
        |          "path": "src/client.rs"                                                                                                                                                                    ||
        |        }                                                                                                                                                                                            ||
        +------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------+
        Enter inspect  l stage  j row  f show  / search  h back                                                                                                                                 local  mouse off
    "#]].assert_eq(&desk.frame());
}

#[test]
fn a_narrow_screen_shows_chains() {
    let mut desk = at_mind(80, 24, told());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 17 ✓  EDIT up to write  $0.82/2.00  1 pending
        ╔ * mind t-54b2da94 - 2 turns, 24 nodes - show: all ═══════════════════════════╗
        ║  1  M "what is here?"                                                        ║
        ║     I fs_list . > P c85e > staged rule builtin/read > B ok 2 ms > C 5        ║
        ║     I fs_read README > P 06b3 > staged rule builtin/read > B ok 2 ms > C 8   ║
        ║     A "a fetch client"                                                       ║
        ║  2  M "add retry to the client"                                              ║
        ║     I fs_read src/client.rs > P 0fe7 > staged rule builtin/read > B ok 2 ms. ║
        ║     I fs_patch src/client.rs +31 -4 > P f41b > SUSPENDED #1                  ║
        ║▸    I net_get http://10.0.0.8/ > P 84d7 > >REJECTED C8 tool `net_get` is o.. ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ╚═h l stage  j k row  [ ] turn  Enter inspect  f show  / search  Space fold════╝
        ┌ seq 17 note - [body] trace writ chain ───────────────────────────────────────┐
        │{                                                                            █│
        │  "decided": {                                                               █│
        │    "proposal": {                                                            █│
        │      "intent": {                                                            █│
        │        "args": {                                                            ││
        │          "path": "src/client.rs"                                            ││
        │        }                                                                    ││
        └──────────────────────────────────────────────────────────────────────────────┘
        Enter inspect  l stage  j row  f show  / search  h back         local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}

#[test]
fn a_tiny_screen_shows_the_list_alone() {
    let mut desk = at_mind(40, 12, told());
    expect![[r#"
        seq 17 ✓  EDIT up to write  1 pending
        ╔ * mind t-54b2da94 - 2 turns, 24 .. ══╗
        ║  1  M "what is here?"                ║
        ║     I fs_list . > P c85e > staged >  ║
        ║     I fs_read RE.. > P 06b3 > staged ║
        ║     A "a fetch client"               ║
        ║  2  M "add retry to the client"      ║
        ║     I fs_read sr.. > P 0fe7 > staged ║
        ║     I fs_patch s.. > P f41b > SUSP.. ║
        ║▸    I net_get ht.. > P 84d7 > >REJ.. ║
        ╚═h l stage  j k row  [ ] turn═════════╝
        Enter inspect  l stage  local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}

#[test]
fn keys_walk_stages_rows_and_turns() {
    let mut desk = at_mind(120, 30, told());
    desk.keys("g g");
    for (keys, kind, label) in [
        ("h h h h h h h", NodeKind::Message, "what is here?"),
        ("l", NodeKind::Intent, "fs_list ."),
        ("j", NodeKind::Intent, "fs_read README"),
        ("l l l l", NodeKind::Commit, "2 ms, read 11.2 kB"),
        ("]", NodeKind::Commit, "2 ms, read 11.2 kB"),
        (
            "j",
            NodeKind::Verdict,
            "builtin/write-review: writes need a human",
        ),
        (
            "]",
            NodeKind::Verdict,
            "builtin/write-review: writes need a human",
        ),
        ("[", NodeKind::Verdict, "rule builtin/read"),
        ("[", NodeKind::Verdict, "rule builtin/read"),
        ("k k k", NodeKind::Verdict, "rule builtin/read"),
    ] {
        desk.keys(keys);
        let (found, words) = chosen(&desk);
        assert_eq!((found, words.as_str()), (kind, label), "{keys}");
    }
}

#[test]
fn on_a_narrow_screen_the_chosen_node_is_always_seen() {
    let mut desk = at_mind(60, 24, told());
    desk.keys("g g j");
    for mark in [">fs_list", ">P ", ">staged", ">ok 2 ms", ">C 5"] {
        let frame = desk.frame();
        assert!(frame.contains(mark), "{mark}: {frame}");
        desk.keys("l");
    }
    desk.keys("h h h h");
    assert_eq!(chosen(&desk).0, NodeKind::Intent);
    assert!(desk.frame().contains("I >fs_list"));
}

#[test]
fn in_plain_mode_the_verb_tells_it() {
    let mut listener = Listener::open(Kernel::new());
    listener.hears();
    listener.says("/mind");
    let verb = ["mind".to_owned(), trajectory().to_string()];
    assert!(listener.effects.contains(&Effect::Verb(verb.into())));
}

#[test]
fn enter_inspects_and_esc_comes_back() {
    let mut desk = at_mind(120, 30, told());
    desk.keys("k");
    desk.kernel.asked.clear();
    desk.keys("k <Enter>");
    assert_eq!(desk.app.focus.pane(), Pane::Node);
    let seq = desk.app.mind.node(desk.app.session.mind()).unwrap().seq;
    let entry = desk.kernel.events[usize::try_from(seq).unwrap()].entry;
    assert!(desk.kernel.asked.contains(&Command::Inspect { entry }));
    let frame = desk.frame();
    assert!(frame.contains(&format!("* seq {seq} ")), "{frame}");
    desk.keys("]");
    assert!(desk.frame().contains("[trace]"));
    desk.keys("<Esc>");
    assert_eq!(desk.app.focus.pane(), Pane::Mind);
    desk.keys("<Esc>");
    assert_eq!(desk.app.focus.screen(), Screen::Work);
}

#[test]
fn a_filter_hides_kinds_and_their_columns() {
    let mut desk = at_mind(120, 30, told());
    desk.keys("f <Down> <Enter>");
    let frame = desk.frame();
    assert!(frame.contains("show: decisions only"), "{frame}");
    assert!(
        frame.contains("INTENT") && frame.contains("VERDICT"),
        "{frame}"
    );
    for hidden in ["EXECUTION", "COMMIT", "ANSWER", "MESSAGE", "a fetch client"] {
        assert!(!frame.contains(hidden), "{hidden}: {frame}");
    }
    desk.keys("f f a i l <Enter>");
    let frame = desk.frame();
    assert!(frame.contains("show: failures only"), "{frame}");
    assert!(
        frame.contains("net_get http") && !frame.contains("fs_list"),
        "{frame}"
    );
    desk.keys("f e f f <Enter>");
    let frame = desk.frame();
    assert!(frame.contains("show: effects only"), "{frame}");
    assert!(
        frame.contains("C 5") && !frame.contains("VERDICT"),
        "{frame}"
    );
    // Kinds are turned one after the other, and the choice stays.
    desk.keys("f <Enter> f p r o p <Enter>");
    assert!(matches!(desk.app.overlays.last(), Some(Overlay::Picker(_))));
    desk.keys("<Down> <Enter> <Esc>");
    let frame = desk.frame();
    let due = "show: message steer intent execution child run commit error answer";
    assert!(frame.contains(due), "{frame}");
    assert!(
        !frame.contains("PROPOSAL") && frame.contains("EXECUTION"),
        "{frame}"
    );
}

#[test]
fn a_search_counts_and_walks_its_hits() {
    let mut desk = at_mind(120, 30, told());
    desk.keys("g g /");
    desk.types("FS_read");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(frame.contains("/ fs_read 2 hits"), "{frame}");
    assert_eq!(chosen(&desk).1, "fs_read README");
    desk.keys("n");
    assert_eq!(chosen(&desk).1, "fs_read src/client.rs");
    desk.keys("n");
    assert_eq!(chosen(&desk).1, "fs_read README");
    desk.keys("N");
    assert_eq!(chosen(&desk).1, "fs_read src/client.rs");
    desk.keys("<Esc>");
    assert!(!desk.frame().contains("hits"));
    assert_eq!(desk.app.focus.pane(), Pane::Mind);
    desk.keys("n");
    assert!(desk.frame().contains("nothing is looked for"));
    desk.keys("/");
    desk.types("no such thing");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(frame.contains("/ no such thing 0 hits"), "{frame}");
    desk.keys("n");
    assert!(desk.frame().contains("it stands nowhere on the map"));
}

/// A turn of so many calls, and a short one after it.
fn long(calls: usize) -> Kernel {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "read all of it"));
    for at in 0..calls {
        call(
            &mut kernel,
            &format!("long {at}"),
            "fs_read",
            &format!("file {at}"),
        );
    }
    kernel.append(intended("no", "shell", "rm"));
    kernel.append(rejected("no", "shell", "rm"));
    kernel.append(said(Role::Model, "I have read it"));
    kernel.append(said(Role::Operator, "and now?"));
    kernel
}

#[test]
fn a_long_turn_is_folded_until_it_is_unfolded() {
    let mut desk = at_mind(120, 30, long(14));
    let frame = desk.frame();
    assert!(
        frame.contains("[fs_read x14, shell x1, 1 rejected]"),
        "{frame}"
    );
    assert_eq!(desk.app.mind.len(), 2);
    desk.keys("g g <Space>");
    assert_eq!(desk.app.mind.len(), 16);
    assert!(desk.frame().contains("fs_read file 0"));
    desk.keys("j j <Space>");
    assert_eq!(desk.app.mind.len(), 2);
    // What is looked for is found in folded turns too.
    desk.keys("/");
    desk.types("file 13");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(frame.contains("/ file 13 1 hit"), "{frame}");
    assert_eq!(chosen(&desk).1, "fs_read file 13");
    assert!(frame.contains("fs_read file 13"), "{frame}");
}

#[test]
fn new_nodes_come_with_the_bell_and_only_their_strip_is_drawn() {
    let mut desk = at_mind(120, 30, told());
    desk.frame();
    desk.kernel.append(decided("d", true, ""));
    desk.kernel
        .append(started("d", "fs_patch", "src/client.rs +31 -4"));
    desk.kernel.running(Some("fs_patch"));
    desk.ring();
    let frame = desk.frame();
    assert!(frame.contains("approved ada"), "{frame}");
    assert!(frame.contains("running"), "{frame}");
    assert!(frame.contains(" - live - "), "{frame}");
    assert!(
        frame.contains(" 2* "),
        "the turn at work is marked: {frame}"
    );
    // Its own, the first of the turn, which is marked now, and the one that was chosen before.
    assert!(
        desk.app.mind.laid_out() <= 3,
        "{}",
        desk.app.mind.laid_out()
    );
    desk.frame();
    assert_eq!(desk.app.mind.laid_out(), 0);
    // Who has gone elsewhere stays there, and `.` follows again.
    desk.keys("g g");
    let before = chosen(&desk);
    desk.kernel.append(said(Role::Model, "patched"));
    desk.ring();
    assert_eq!(chosen(&desk), before);
    assert!(desk.frame().contains(". follows"));
    desk.keys(".");
    assert_eq!(chosen(&desk), (NodeKind::Answer, "patched".to_owned()));
}

#[test]
fn only_what_is_in_view_is_laid_out() {
    let mut desk = at_mind(120, 30, long(150));
    desk.keys("g g <Space>");
    desk.frame();
    for keys in ["G", "g g", "<PageDown>", "<C-d>", "j"] {
        desk.keys(keys);
        desk.frame();
        assert!(
            desk.app.mind.laid_out() <= 30 + 2,
            "{keys}: {}",
            desk.app.mind.laid_out()
        );
    }
    desk.frame();
    assert_eq!(desk.app.mind.laid_out(), 0, "nothing changed");
    assert_eq!(desk.idle_bytes(), 0);
}

#[test]
fn what_came_before_the_window_is_pulled_when_the_top_is_looked_at() {
    let mut desk = at_mind(120, 30, long(600));
    let whole = desk.kernel.events.len();
    assert!(desk.app.session.older() > 0);
    desk.frame();
    desk.keys("g g");
    for _ in 0..20 {
        desk.frame();
        desk.keys("g g");
    }
    assert_eq!(desk.app.session.older(), 0);
    let mind = thymos::mind::Mind::of(&desk.kernel.events[..whole]);
    assert_eq!(desk.app.session.mind(), &mind);
    assert!(desk.frame().contains("read all of it"));
}

#[test]
fn o_shows_the_entry_and_c_the_card_that_waits() {
    let mut desk = at_mind(120, 30, told());
    desk.keys("c");
    assert!(desk.frame().contains("nothing waits for you here"));
    assert_eq!(desk.app.focus.screen(), Screen::Mind);
    desk.keys("k c");
    assert_eq!(desk.app.focus.pane(), Pane::Card);
    let shown = desk.app.card.row().map(|row| row.card.proposal);
    assert_eq!(shown, Some(proposal("d")));
    desk.keys("<C-x> 8");
    let seq = desk.app.mind.node(desk.app.session.mind()).unwrap().seq;
    desk.keys("o");
    assert_eq!(desk.app.focus.pane(), Pane::Ledger);
    desk.frame();
    assert_eq!(
        desk.app.ledger.chosen_event().map(|event| event.seq),
        Some(seq)
    );
    desk.keys("8 P");
    let asked = |command: &Command| matches!(command, Command::Provenance { .. });
    assert!(desk.kernel.asked.iter().any(asked));
}

#[test]
fn a_run_that_was_begun_opens_as_its_own_map_and_esc_returns() {
    let child = TrajectoryId::of(b"child");
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "find callers"));
    kernel.append(intended("d", "delegate", "find callers"));
    kernel.append(started("d", "delegate", "find callers"));
    kernel.append(What::Note {
        line: format!("delegated to {}: find callers", child.short()),
    });
    kernel.events.last_mut().unwrap().kind = "delegation".into();
    let mut desk = at_mind(120, 30, kernel);
    let frame = desk.frame();
    assert!(frame.contains(&format!("t-{}", child.short())), "{frame}");
    desk.kernel
        .append(committed("d", "delegate", "find callers", "nobody"));
    desk.ring();
    desk.keys("h");
    let before = chosen(&desk);
    assert_eq!(before.0, NodeKind::Child);
    let entry = desk.app.mind.node(desk.app.session.mind()).unwrap().entry;
    let Some(Replied::Detail(mut detail)) = record::look(&desk.kernel, &Command::Inspect { entry })
    else {
        panic!("no detail");
    };
    detail.body = Some(json!({"child": child, "task": "find callers"}));
    desk.kernel.instead.push(Replied::Detail(detail));
    desk.kernel.status.trajectory = child;
    desk.keys("<Enter>");
    let opened = |desk: &Desk| {
        let asked = desk.kernel.asked.iter();
        let opened = asked.filter_map(|command| match command {
            Command::Open { trajectory } => Some(*trajectory),
            _ => None,
        });
        opened.collect::<Vec<_>>()
    };
    assert_eq!(opened(&desk), [trajectory(), child]);
    assert_eq!(desk.app.focus.pane(), Pane::Mind);
    assert!(desk.frame().contains("Esc to the run above"));
    desk.kernel.status.trajectory = trajectory();
    desk.keys("<Esc>");
    assert_eq!(opened(&desk), [trajectory(), child, trajectory()]);
    assert_eq!(desk.app.focus.pane(), Pane::Mind);
    desk.ring();
    assert_eq!(chosen(&desk), before, "where one was");
    desk.keys("<Esc>");
    assert_eq!(desk.app.focus.screen(), Screen::Work);
}

#[test]
fn a_run_without_words_says_so_and_a_run_that_broke_off_shows_it() {
    let mut desk = at_mind(120, 30, Kernel::new());
    assert!(
        desk.frame()
            .contains("nothing has been said in this run yet")
    );
    desk.keys("j k h l [ ] <Enter> <Space> n c o f <Esc> . G g g y");
    desk.kernel
        .append(said(Role::Operator, "\u{1b}[31mgo\u{202e}"));
    desk.kernel.append(What::Closed {
        stop: Stop::Model("unreachable".into()),
        turns: 1,
    });
    desk.ring();
    let frame = desk.frame();
    assert!(frame.contains("the model cannot be used"), "{frame}");
    assert!(
        !frame.contains('\u{202e}') && !frame.contains("\u{1b}[31m"),
        "{frame}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is pressed while whatever happens: a frame is drawn, of what is in view alone, and what is
    /// chosen stands on the map.
    #[test]
    fn any_keys_over_any_run_draw_a_frame(
        steps in prop::collection::vec(prop::sample::select(vec![
            "j", "k", "h", "l", "[", "]", "g g", "G", ".", "<Space>", "<PageUp>", "<C-d>", "<Esc>", "8",
            "<C-x> 8", "<Enter>", "f <Down> <Enter>", "f <Down> <Down> <Enter>", "f <Enter>",
            "f v e r <Enter> <Esc>", "/ f s <Enter>", "/ z z <Enter>", "n", "N", "y", "<Tab>",
            "call", "say", "refuse", "wide", "narrow", "tiny",
        ]), 0..40),
    ) {
        let mut desk = at_mind(120, 30, told());
        let mut height = 30;
        for (at, step) in steps.into_iter().enumerate() {
            let name = format!("any {at}");
            match step {
                "call" => call(&mut desk.kernel, &name, "fs_read", "x"),
                "say" => desk.kernel.append(said(Role::Operator, "and now?")),
                "refuse" => desk.kernel.append(rejected(&name, "shell", "rm")),
                "wide" => { desk.resize(200, 60); height = 60; }
                "narrow" => { desk.resize(80, 24); height = 24; }
                "tiny" => { desk.resize(20, 5); height = 5; }
                keys => desk.keys(keys),
            }
            desk.ring();
            desk.frame();
            if desk.app.focus.screen() == Screen::Mind {
                prop_assert!(desk.app.mind.laid_out() <= height + 2);
                let strip = desk.app.mind.chosen_strip();
                prop_assert!(strip.is_none_or(|strip| strip < desk.app.mind.len()), "{strip:?}");
                prop_assert_eq!(strip.is_none(), desk.app.mind.is_empty(), "{}", step);
            }
        }
    }
}
