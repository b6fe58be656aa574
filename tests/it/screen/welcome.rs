//! The first screen, narrow and wide.

use expect_test::expect;

use super::desk::Desk;
use super::kernel::Kernel;

#[test]
fn an_empty_conversation_welcomes() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%

          Welcome to thymos

          A model may only propose. The kernel decides, acts and records; what you see
          here is read back from that record, and you can walk it and verify it.

          Folder  /srv/acme/api
          Mode    edit: it may read, and write in this folder; what policy holds waits
                  for you
          Writ    edit, effects up to write
          Model   practice (offline, needs no key; its tools are real)

          Try     give me a tour
          Keys    help F1   approvals Ctrl-X a   ledger Ctrl-X l   quit Ctrl-X q




        -- idle, model practice
        ╔ * message ═══════════════════════════════════════════════════════════════════╗
        ║                                                                              ║
        ╚═Enter send  Ctrl-J newline  / command  @ file════════════════════════════════╝
        F1 help  Ctrl-X a approvals  Ctrl-X l ledger  Ctrl-X q quit     local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}

#[test]
fn a_wide_screen_has_a_stream_and_a_queue() {
    let mut desk = Desk::open(120, 24, Kernel::new());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 1 ✓  EDIT up to write  $0.82/2.00  ctx 38%
                                                                                  ┌ stream - idle, model practice ─────────────┐
          Welcome to thymos                                                       │                                            │
                                                                                  │                                            │
          A model may only propose. The kernel decides, acts and records; what    │                                            │
          you see here is read back from that record, and you can walk it and     │                                            │
          verify it.                                                              │                                            │
                                                                                  │                                            │
          Folder  /srv/acme/api                                                   │                                            │
          Mode    edit: it may read, and write in this folder; what policy holds  │                                            │
                  waits for you                                                   │                                            │
          Writ    edit, effects up to write                                       │                                            │
          Model   practice (offline, needs no key; its tools are real)            │                                            │
                                                                                  └────────────────────────────────────────────┘
          Try     give me a tour                                                  ┌ approvals - none wait ─────────────────────┐
          Keys    help F1   approvals Ctrl-X a   ledger Ctrl-X l   quit Ctrl-X q  │                                            │
                                                                                  │                                            │
                                                                                  │                                            │
                                                                                  │                                            │
                                                                                  │                                            │
        ╔ * message ═════════════════════════════════════════════════════════════╗│                                            │
        ║                                                                        ║│                                            │
        ╚═Enter send  Ctrl-J newline  / command  @ file══════════════════════════╝└────────────────────────────────────────────┘
        F1 help  Ctrl-X a approvals  Ctrl-X l ledger  Ctrl-X q quit                                             local  mouse off
    "#]].assert_eq(&desk.frame());
}

#[test]
fn a_tiny_screen_has_no_borders() {
    let mut desk = Desk::open(40, 12, Kernel::new());
    expect![[r#"
        seq 1 ✓  EDIT up to write  $0.82/2.00

          Welcome to thymos

          A model may only propose. The kernel
          decides, acts and records; what you
          see here is read back from that
          record, and you can walk it and
          verify it.

        >
        F1 help                 local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}
