//! Modes are writs: shown as a difference, and in force only when the kernel says so.

use expect_test::expect;
use thymos_core::writ::Mode;
use thymos_protocol::Command;

use super::desk::Desk;
use super::kernel::Kernel;

fn sets(desk: &Desk) -> usize {
    desk.kernel
        .asked
        .iter()
        .filter(|asked| matches!(asked, Command::SetMode { .. }))
        .count()
}

#[test]
fn a_mode_is_shown_before_it_is_issued() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-x> v p");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%

          Welcome to thymos

          A model may only propose. The kernel decides, acts and records; what you see
          here is read back from that record, and you can walk it and verify it.

          Folder  /srv/acme/api
          Mode    edit: it may read, and write in this folder; what policy holds waits
              ╔ * change the mode to plan? ══════════════════════════════════════╗
          Writ║ A mode is a signed writ. Against the one in force:               ║
          Mode║                                                                  ║
              ║   - effects write                                                ║
          Try ║   - tool fs_patch                                                ║
          Keys╚═<Enter> issue this writ  <Esc> change nothing════════════════════╝




        -- idle, model practice
        ┌ message ─────────────────────────────────────────────────────────────────────┐
        │                                                                              │
        └─Enter send  Ctrl-J newline  / command  @ file────────────────────────────────┘
        Enter take it  Esc back                                         local  mouse off
    "#]]
    .assert_eq(&desk.frame());
    assert_eq!(sets(&desk), 0);
    desk.keys("<Esc>");
    assert_eq!(
        (sets(&desk), desk.app.session.status().unwrap().mode),
        (0, Mode::Edit)
    );
    desk.keys("<C-x> v p <Enter>");
    desk.ring();
    assert_eq!(
        (sets(&desk), desk.app.session.status().unwrap().mode),
        (1, Mode::Plan)
    );
    assert!(desk.frame().contains("PLAN"));
}

#[test]
fn the_writ_in_force_can_be_read() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-x> v v");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%

          Welcome to thymos

          A model may only propose. The kernel decides, acts and records; what you see
          here is read back from that record, and you can walk it and verify it.

          Fold╔ * the writ in force ═════════════════════════════════════════════╗
          Mode║ mode    edit                                                     ║aits
              ║ writ    edit (32bf21a2)                                          ║
          Writ║ effects up to write                                              ║
          Mode║ window  no end                                                   ║
              ║ cage    L3, namespaces, landlock and system call filter          ║
          Try ║ budget  tokens: 1.2 k of 100.0 k                                 ║
          Keys║ budget  money: $0.82 of $2.00                                    ║
              ╚═<Esc> back═══════════════════════════════════════════════════════╝



        -- idle, model practice
        ┌ message ─────────────────────────────────────────────────────────────────────┐
        │                                                                              │
        └─Enter send  Ctrl-J newline  / command  @ file────────────────────────────────┘
        Enter take it  Esc back                                         local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}

#[test]
fn a_chord_shows_what_it_may_become() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.keys("<C-x>");
    assert!(!desk.frame().contains("go to the Ledger"));
    desk.wait(450);
    assert!(desk.frame().contains("go to the Ledger"));
    desk.keys("<Esc>");
    assert!(!desk.frame().contains("go to the Ledger"));
}
