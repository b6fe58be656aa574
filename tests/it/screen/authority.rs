//! Authority: the tree of writs, what revoking one stops, the rules, and a simulation of others.

use expect_test::expect;
use serde_json::json;
use thymos::app::{Effect, Event, Overlay, Pane, Screen};
use thymos::ui::chrome::Glyphs;
use thymos_protocol::{Command, WritState};

use super::desk::Desk;
use super::governed::{branch, writ_id};
use super::kernel::{Kernel, said, trajectory};

fn at_authority(width: u16, height: u16, kernel: Kernel) -> Desk {
    let mut desk = Desk::open(width, height, kernel);
    desk.keys("<C-x> 4");
    desk
}

fn asked(desk: &Desk, wanted: impl Fn(&Command) -> bool) -> usize {
    desk.kernel.asked.iter().filter(|it| wanted(it)).count()
}

fn revocations(desk: &Desk) -> Vec<Command> {
    let asked = desk.kernel.asked.iter();
    let revoke = |it: &&Command| matches!(it, Command::Revoke { .. });
    asked.filter(revoke).cloned().collect()
}

#[test]
fn writs_are_a_tree_with_the_one_in_force_chosen() {
    let mut desk = at_authority(80, 24, Kernel::new());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%
        ╔ * [writs 4] policy 1 REFUSED ════════════════════════════════════════════════╗
        ║  ! ada c83ab174  up to write                                          issued ║
        ║> └ edit 32bf21a2  up to write, 3 h left                             in force ║
        ║    └ once more 7044b381  up to write, 3 h left                      standing ║
        ║    └ old afae172b  up to write, 3 h left                             revoked ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ╚═t tab  x revoke..  m modes..  w use a file..  Enter read═════════════════════╝
        ┌ writ ────────────────────────────────────────────────────────────────────────┐
        │writ       edit                                                              █│
        │state      in force                                                          █│
        │effects    up to write                                                       █│
        │cage       L2 or better                                                      ││
        │window     until 2026-11-22 18:00:00 UTC, 3 h left                           ││
        │tokens     [######------] 50.0 k of 100.0 k                                  ││
        │tool calls [##########+-] 34 of 40, 2 held                                   ││
        │wall clock 12.0 s spent, no limit                                            ││
        │money      [####--------] $0.82 of $2.00                                     ││
        └──────────────────────────────────────────────────────────────────────────────┘
        Enter read  t tab  x revoke  m modes  R reload  s simulate      local  mouse off
    "#]]
    .assert_eq(&desk.frame());
    assert_eq!(desk.app.focus.pane(), Pane::Writs);
}

#[test]
fn a_wide_screen_shows_the_chosen_writ_whole() {
    let mut desk = at_authority(120, 40, Kernel::new());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%
        ╔ * [writs 4] policy 1 REFUSED ══════════════════════╗┌ writ ──────────────────────────────────────────────────────────┐
        ║  ! ada c83ab174  up to write                issued ║│writ       edit                                                 │
        ║> └ edit 32bf21a2  up to write, 3 h left   in force ║│state      in force                                             │
        ║    └ once more 7044b381  up to write, 3.. standing ║│effects    up to write                                          │
        ║    └ old afae172b  up to write, 3 h left   revoked ║│cage       L2 or better                                         │
        ║                                                    ║│window     until 2026-11-22 18:00:00 UTC, 3 h left              │
        ║                                                    ║│tokens     [######------] 50.0 k of 100.0 k                     │
        ║                                                    ║│tool calls [##########+-] 34 of 40, 2 held                      │
        ║                                                    ║│wall clock 12.0 s spent, no limit                               │
        ║                                                    ║│money      [####--------] $0.82 of $2.00                        │
        ║                                                    ║│grants                                                          │
        ║                                                    ║│  - fs_* where path under src                                   │
        ║                                                    ║│  - shell where argv[0] is cargo                                │
        ║                                                    ║│revoking it would stop                                          │
        ║                                                    ║│  - session t-54b2da94                                          │
        ║                                                    ║│  - running: shell cargo test                                   │
        ║                                                    ║│  - hold #1 fs_patch src/client.rs                              │
        ║                                                    ║│where it comes from                                             │
        ║                                                    ║│issuer     ada                                                  │
        ║                                                    ║│subject    session                                              │
        ║                                                    ║│tenant     local                                                │
        ║                                                    ║│under      c83ab174                                             │
        ║                                                    ║│issued in  t-54b2da94                                           │
        ║                                                    ║│below it   1 level may be issued                                │
        ║                                                    ║│id         32bf21a2be5ddd9a5c0c817628c2847c599b69565a648387e6a5 │
        ║                                                    ║│           df1baa5a99ad                                         │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ╚═t tab  x revoke..  m modes..  w use a file..═══════╝└────────────────────────────────────────────────────────────────┘
        Enter read  t tab  x revoke  m modes  R reload  s simulate  h back                                      local  mouse off
    "#]].assert_eq(&desk.frame());
}

#[test]
fn every_size_shows_name_and_state_without_marks_outside_ascii_when_asked() {
    for (width, height) in [(40, 12), (80, 24), (120, 40), (200, 60)] {
        let mut kernel = Kernel::new();
        kernel.status.chain = thymos_protocol::ChainState::Unverified;
        let mut desk = Desk::open(width, height, kernel);
        desk.app.glyphs = Glyphs::Ascii;
        desk.keys("<C-x> 4");
        let frame = desk.frame();
        for word in ["edit", "in force", "standing", "revoked"] {
            assert!(frame.contains(word), "{width}x{height} {word}\n{frame}");
        }
        desk.keys("t");
        desk.frame();
        desk.keys("<Tab>");
        let frame = desk.frame();
        let odd: Vec<char> = frame.chars().filter(|ch| !ch.is_ascii()).collect();
        assert!(odd.is_empty(), "{odd:?}\n{frame}");
    }
}

#[test]
fn revoking_lists_what_stops_and_takes_a_reason() {
    let mut desk = at_authority(80, 24, Kernel::new());
    desk.keys("x");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%
        ╔ * [writs 4] policy 1 REFUSED ════════════════════════════════════════════════╗
        ║  ! ada c83ab174  up to write                                          issued ║
        ║> └ edit 32bf21a2  up to write, 3 h left                             in force ║
        ║    └ once more 7044b381  up to write, 3 h left                      standing ║
        ║    └ old afae172b  up to write, 3 h left                             revoked ║
        ║                                                                              ║
        ║ ╔ * revoke writ edit 32bf21a2? ════════════════════════════════════════════╗ ║
        ║ ║It and every writ below it end at once, for good. This stops:             ║ ║
        ║ ║  - session t-54b2da94                                                    ║ ║
        ║ ║  - running: shell cargo test                                             ║ ║
        ╚═║  - hold #1 fs_patch src/client.rs                                        ║═╝
        ┌ ║                                                                          ║─┐
        │w║> leave it in force                                                       ║█│
        │s║  revoke it, with a reason ..                                             ║█│
        │e╚═Tab other answer  Enter take it  PgDn scroll  Esc back═══════════════════╝█│
        │cage       L2 or better                                                      ││
        │window     until 2026-11-22 18:00:00 UTC, 3 h left                           ││
        │tokens     [######------] 50.0 k of 100.0 k                                  ││
        │tool calls [##########+-] 34 of 40, 2 held                                   ││
        │wall clock 12.0 s spent, no limit                                            ││
        │money      [####--------] $0.82 of $2.00                                     ││
        └──────────────────────────────────────────────────────────────────────────────┘
        Enter take it  Esc back                                         local  mouse off
    "#]]
    .assert_eq(&desk.frame());
    // The harmless answer is the chosen one, and Esc is another.
    desk.keys("<Enter>");
    assert!(desk.app.overlays.is_empty());
    desk.keys("x <Esc>");
    assert_eq!(revocations(&desk), []);
    desk.keys("x");
    desk.frame();
    desk.keys("<Tab> <Enter>");
    assert!(matches!(desk.app.overlays.last(), Some(Overlay::Prompt(_))));
    desk.keys("<Enter>");
    assert!(desk.frame().contains("a reason is needed"));
    desk.types("key left the house");
    desk.keys("<Enter>");
    let expected = Command::Revoke {
        trajectory: trajectory(),
        writ: writ_id("edit"),
        reason: "key left the house".into(),
    };
    assert_eq!(revocations(&desk), [expected]);
    assert!(desk.app.overlays.is_empty());
}

#[test]
fn what_stops_must_have_been_seen_to_its_end() {
    let mut kernel = Kernel::new();
    let many = (0..60).map(|at| format!("hold #{at}")).collect();
    kernel.writs[1].stops = many;
    let mut desk = at_authority(80, 24, kernel);
    desk.keys("x");
    desk.frame();
    desk.keys("<Tab> <Enter>");
    assert!(desk.frame().contains("read to the end first"));
    desk.keys("<End>");
    assert!(desk.frame().contains("hold #59"));
    desk.keys("<Enter>");
    assert!(matches!(desk.app.overlays.last(), Some(Overlay::Prompt(_))));
}

#[test]
fn what_has_ended_is_not_revoked_again() {
    let mut desk = at_authority(80, 24, Kernel::new());
    desk.keys("G x");
    assert!(desk.app.overlays.is_empty());
    assert!(desk.frame().contains("revoked already"));
}

#[test]
fn the_bell_refreshes_what_is_in_sight_and_nothing_polls() {
    let mut desk = at_authority(80, 24, Kernel::new());
    let writs = |desk: &Desk| asked(desk, |it| matches!(it, Command::Writs { .. }));
    assert_eq!(writs(&desk), 1);
    desk.wait(120_000);
    desk.frame();
    assert_eq!(writs(&desk), 1);
    desk.kernel.writs[1].state = WritState::Revoked;
    desk.ring();
    assert_eq!(writs(&desk), 2);
    assert!(!desk.frame().contains("in force "));
    desk.keys("<C-x> 1");
    desk.ring();
    desk.ring();
    assert_eq!(writs(&desk), 2);
    desk.keys("<C-x> 4");
    assert_eq!(writs(&desk), 3);
}

#[test]
fn modes_are_chosen_from_a_list_and_shown_first() {
    let mut desk = at_authority(80, 24, Kernel::new());
    desk.keys("m");
    desk.types("plan");
    desk.keys("<Enter>");
    assert!(desk.frame().contains("change the mode to plan?"));
    assert_eq!(asked(&desk, |it| matches!(it, Command::SetMode { .. })), 0);
}

#[test]
fn rules_switches_and_refused_files_are_told() {
    let mut desk = at_authority(120, 40, Kernel::new());
    desk.keys("t");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%
        ╔ * writs 4 [policy 5276f9ef 1 REFUSED] ═════════════╗┌ policy ────────────────────────────────────────────────────────┐
        ║> the set  2 switches                      5276f9ef ║│set        5276f9ef311cac15a8edb7547e5dfd1101061a5080876421c730 │
        ║  loose.json: not signed by a policy key NOT LOADED ║│           ab753de0c6f8                                         │
        ║  builtin  1 rules, built in                      3 ║│bundles    2                                                    │
        ║  team  1 rules, by cleo                          3 ║│switches                                                        │
        ║                                                    ║│  - risk threshold high                                         │
        ║                                                    ║│  - compensation gate on                                        │
        ║                                                    ║│files that were not loaded; the set before them stays in force  │
        ║                                                    ║│  - loose.json: not signed by a policy key                      │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ║                                                    ║│                                                                │
        ╚═t tab  R reload  s simulate..  Enter read══════════╝└────────────────────────────────────────────────────────────────┘
        Enter read  t tab  x revoke  m modes  R reload  s simulate  h back                                      local  mouse off
    "#]].assert_eq(&desk.frame());
    desk.keys("R");
    assert_eq!(asked(&desk, |it| matches!(it, Command::ReloadPolicy)), 1);
    assert!(desk.frame().contains("1 files were not loaded"));
}

#[test]
fn a_candidate_bundle_is_simulated_and_leads_to_the_entries() {
    let mut kernel = Kernel::new();
    for at in 0..6 {
        kernel.append(said(
            thymos_core::body::Role::Operator,
            &format!("say {at}"),
        ));
    }
    let mut desk = at_authority(100, 30, kernel);
    desk.keys("s");
    desk.types("strict.json");
    desk.keys("<Enter>");
    assert_eq!(
        desk.effects.last(),
        Some(&Effect::ReadBundle("strict.json".into()))
    );
    desk.frame();
    desk.event(Event::BundleRead(Ok(json!({"name": "strict"}))));
    let frame = desk.frame();
    for text in ["2 of 40 would change", "2 uncertain", "cleared -> held"] {
        assert!(frame.contains(text), "{text}\n{frame}");
    }
    assert!(frame.contains("strict/no-shell"), "{frame}");
    desk.keys("<Enter>");
    assert_eq!(desk.app.focus.screen(), Screen::Ledger);
    assert_eq!(desk.app.ledger.chosen(), 3);
    // One of another trajectory is opened first.
    desk.keys("<C-x> 4 j <Enter>");
    let opened =
        |it: &Command| matches!(it, Command::Open { trajectory } if *trajectory == branch());
    assert_eq!(asked(&desk, opened), 1);
}

#[test]
fn a_candidate_that_cannot_be_read_is_told_and_nothing_is_asked() {
    let mut desk = at_authority(80, 24, Kernel::new());
    desk.keys("s");
    desk.types("gone.json");
    desk.keys("<Enter>");
    desk.event(Event::BundleRead(Err("cannot read `gone.json`".into())));
    assert!(desk.frame().contains("cannot read `gone.json`"));
    assert_eq!(asked(&desk, |it| matches!(it, Command::Simulate { .. })), 0);
}
