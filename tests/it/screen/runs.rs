//! Runs: every trajectory as a tree, opened and stopped from there.

use expect_test::expect;
use thymos::app::{Overlay, Pane};
use thymos::ui::chrome::Glyphs;
use thymos_core::TrajectoryId;
use thymos_protocol::Command;

use super::desk::Desk;
use super::governed::branch;
use super::kernel::{Kernel, trajectory};

fn at_runs(width: u16, height: u16) -> Desk {
    let mut kernel = Kernel::new();
    kernel.hold("one", "fs_patch", "fs_patch src/client.rs");
    let mut desk = Desk::open(width, height, kernel);
    desk.keys("<C-x> 5");
    desk
}

fn stopped(desk: &Desk) -> Vec<TrajectoryId> {
    let asked = desk.kernel.asked.iter();
    asked
        .filter_map(|it| match it {
            Command::Interrupt { trajectory } => Some(*trajectory),
            _ => None,
        })
        .collect()
}

#[test]
fn runs_are_a_tree_with_their_state_and_spend() {
    let mut desk = at_runs(80, 24);
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 2 ✓  EDIT up to write  $0.82/2.00  1 pending
        ╔ * 3 runs - 1 running - 2 pending ════════════════════════════════════════════╗
        ║> * t-54b2da94 add retry  $0.82, 3 calls                       held 2! 1? now ║
        ║  └ t-6ea7d5e4 [branch] add retry, again  $0.82, 3 calls             idle now ║
        ║  └ t-ff888c37 [child] find callers  $0.82, 3 calls               running now ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ║                                                                              ║
        ╚═Enter open  c stop it..  Tab read  Esc back══════════════════════════════════╝
        ┌ run t-54b2da94 ──────────────────────────────────────────────────────────────┐
        │title      add retry                                                         █│
        │state      held                                                              █│
        │pending    2                                                                 █│
        │unsettled  1                                                                 █│
        │  - #1 write fs_patch src/client.rs                                          ││
        │tokens     0                                                                 ││
        │tool calls 3                                                                 ││
        │wall clock 0.0 s                                                             ││
        │money      $0.82                                                             ││
        └──────────────────────────────────────────────────────────────────────────────┘
        Enter open  j next  c stop it  Tab read  h back                 local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}

#[test]
fn a_wide_screen_shows_the_chosen_run_beside_the_tree() {
    let mut desk = at_runs(120, 40);
    desk.app.glyphs = Glyphs::Ascii;
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 2 verified  EDIT up to write  $0.82/2.00  ctx 38%  1 pending
        # * 3 runs - 1 running - 2 pending ==================#+ run t-54b2da94 ------------------------------------------------+
        |> * t-54b2da94 add retry  $0.82, 3.. held 2! 1? now ||title      add retry                                            |
        |  `- t-6ea7d5e4 [branch] add retry, again  idle now ||state      held                                                 |
        |  `- t-ff888c37 [child] find callers    running now ||pending    2                                                    |
        |                                                    ||unsettled  1                                                    |
        |                                                    ||  - #1 write fs_patch src/client.rs                             |
        |                                                    ||tokens     0                                                    |
        |                                                    ||tool calls 3                                                    |
        |                                                    ||wall clock 0.0 s                                                |
        |                                                    ||money      $0.82                                                |
        |                                                    ||below it                                                        |
        |                                                    ||  - t-6ea7d5e4 idle: add retry, again                           |
        |                                                    ||  - t-ff888c37 running: find callers                            |
        |                                                    ||where it is                                                     |
        |                                                    ||workspace  /srv/acme/api                                        |
        |                                                    ||head       seq 2                                                |
        |                                                    ||changed    2026-11-22 14:00:00 UTC                              |
        |                                                    ||id         54b2da9475a203e2e90ed4056fe5db32bf26d5cc405bd3fb01cb |
        |                                                    ||           b7693eb5ee11                                         |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        |                                                    ||                                                                |
        #=Enter open  c stop it..  Tab read  Esc back========#+----------------------------------------------------------------+
        Enter open  j next  c stop it  Tab read  h back                                                         local  mouse off
    "#]].assert_eq(&desk.frame());
}

#[test]
fn enter_opens_a_run_and_goes_to_its_story() {
    let mut desk = at_runs(40, 12);
    desk.keys("j <Enter>");
    assert_eq!(desk.app.focus.pane(), Pane::Composer);
    let opened =
        |it: &&Command| matches!(it, Command::Open { trajectory } if *trajectory == branch());
    assert_eq!(desk.kernel.asked.iter().filter(opened).count(), 1);
}

#[test]
fn stopping_a_run_is_asked_about_first() {
    let mut desk = at_runs(80, 24);
    desk.keys("j c");
    assert!(desk.frame().contains("nothing runs in"));
    assert!(desk.app.overlays.is_empty());
    desk.keys("k c");
    let frame = desk.frame();
    assert!(matches!(
        desk.app.overlays.last(),
        Some(Overlay::Question(_))
    ));
    assert!(frame.contains("below it, running:"), "{frame}");
    desk.keys("<Enter>");
    assert_eq!(stopped(&desk), []);
    desk.keys("c");
    desk.frame();
    desk.keys("<Tab> <Enter>");
    assert_eq!(stopped(&desk), [trajectory()]);
}

#[test]
fn holds_of_a_delegated_child_tell_their_lineage() {
    let mut desk = {
        let mut kernel = Kernel::new();
        kernel.hold("one", "fs_patch", "fs_patch a.rs");
        let child = TrajectoryId::of(b"child");
        kernel.holds[0].trajectory = child;
        kernel.holds[0].lineage = vec![trajectory(), branch()];
        Desk::open(120, 40, kernel)
    };
    desk.keys("<C-x> a <Enter>");
    let frame = desk.frame();
    let line = format!(
        "t-{} < t-{} < t-{}",
        TrajectoryId::of(b"child").short(),
        trajectory().short(),
        branch().short()
    );
    assert!(frame.contains(&format!("held in {line}")), "{frame}");
}
