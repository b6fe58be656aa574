//! The story as it is told: staged, suspended, rejected, unsettled, streaming.

use expect_test::expect;
use thymos_core::Timestamp;
use thymos_core::body::Role;
use thymos_protocol::{ChainState, OutsideStanding, OutsideTrouble, VerifiedBefore};

use super::desk::Desk;
use super::kernel::{Kernel, committed, decided, intended, rejected, said, started};

fn told() -> Kernel {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "add retry to the fetch client"));
    kernel.append(said(
        Role::Model,
        "I will read **client.rs**, then propose an edit.\n\n- exponential backoff\n- 3 tries",
    ));
    kernel.append(intended("read", "fs_read", "fs_read src/client.rs"));
    kernel.append(started("read", "fs_read", "fs_read src/client.rs"));
    let lines: Vec<String> = (1..=40).map(|n| format!("line {n}")).collect();
    kernel.append(committed(
        "read",
        "fs_read",
        "fs_read src/client.rs",
        &lines.join("\n"),
    ));
    kernel.append(intended("patch", "fs_patch", "fs_patch src/client.rs"));
    kernel.hold("patch", "fs_patch", "fs_patch src/client.rs");
    kernel.append(intended("net", "net_get", "net_get http://10.0.0.8"));
    kernel.append(rejected("net", "net_get", "net_get http://10.0.0.8"));
    kernel
}

#[test]
fn a_story_is_told_at_80_columns() {
    let mut desk = Desk::open(80, 30, told());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 10 ✓  EDIT up to write  $0.82/2.00  1 pending
          -- trajectory opened in /srv/acme/api by ada
          -- writ issued: edit: read and write in the workspace

          you  add retry to the fetch client

          ai   I will read client.rs, then propose an edit.

               - exponential backoff
               - 3 tries
        ▸ I fs_read src/client.rs                                           C 6 ok 2 ms
        ▾ I fs_patch src/client.rs                                         SUSPENDED #1
            P #1 suspended: effect write, reversible, risk medium, +31 -4
                 builtin/write-review: writes need a human
        ▾ I net_get http://10.0.0.8                                            REJECTED
            P x  rejected [C8 granted by the writ]: tool `net_get` is outside this writ
                 what would allow it (+ for more): a grant for `net_get` of host
                 10.0.0.8






        -- waits for your decision
        !! 1 approval: #1 fs_patch (write) 0:00                                 Ctrl-X a
        ╔ * message ═══════════════════════════════════════════════════════════════════╗
        ║                                                                              ║
        ╚═Enter send  Ctrl-J newline  / command  @ file════════════════════════════════╝
        F1 help  Ctrl-X a approvals  Ctrl-X l ledger  Ctrl-X q quit     local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}

#[test]
fn a_story_is_told_at_200_columns() {
    let mut desk = Desk::open(200, 60, told());
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 10 ✓  EDIT up to write  $0.82/2.00  ctx 38%  1 pending
          -- trajectory opened in /srv/acme/api by ada                                                                              ┌ stream - waits for your decision ────────────────────────────────────────┐
          -- writ issued: edit: read and write in the workspace                                                                     │I fs_read src/client.rs                                                   │
                                                                                                                                    │  P ok staged rule builtin/read                                           │
          you  add retry to the fetch client                                                                                        │  C 6 ok 2 ms                                                             │
                                                                                                                                    │I fs_patch src/client.rs                                                  │
          ai   I will read client.rs, then propose an edit.                                                                         │  P #1 suspended                                                          │
                                                                                                                                    │I net_get http://10.0.0.8                                                 │
               - exponential backoff                                                                                                │  P x  rejected C8                                                        │
               - 3 tries                                                                                                            │                                                                          │
        ▸ I fs_read src/client.rs                                                                C 6 ok 2 ms                        │                                                                          │
        ▾ I fs_patch src/client.rs                                                              SUSPENDED #1                        │                                                                          │
            P #1 suspended: effect write, reversible, risk medium, +31 -4                                                           │                                                                          │
                 builtin/write-review: writes need a human                                                                          │                                                                          │
        ▾ I net_get http://10.0.0.8                                                                 REJECTED                        │                                                                          │
            P x  rejected [C8 granted by the writ]: tool `net_get` is outside this writ                                             │                                                                          │
                 what would allow it (+ for more): a grant for `net_get` of host 10.0.0.8                                           │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    └──────────────────────────────────────────────────────────────────────────┘
                                                                                                                                    ┌ approvals 1 - oldest first ──────────────────────────────────────────────┐
                                                                                                                                    │#1 write     fs_patch src/client.rs                                   0:00│
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
                                                                                                                                    │                                                                          │
        ╔ * message ═══════════════════════════════════════════════════════════════════════════════════════════════════════════════╗│                                                                          │
        ║                                                                                                                          ║│                                                                          │
        ╚═Enter send  Ctrl-J newline  / command  @ file════════════════════════════════════════════════════════════════════════════╝└─Ctrl-X a decide──────────────────────────────────────────────────────────┘
        F1 help  Ctrl-X a approvals  Ctrl-X l ledger  Ctrl-X q quit                                                                                                                             local  mouse off
    "#]].assert_eq(&desk.frame());
}

#[test]
fn a_committed_group_opens_to_its_output() {
    let mut desk = Desk::open(80, 40, told());
    desk.frame();
    desk.keys("<Tab> k k k <Enter>");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 10 ✓  EDIT up to write  $0.82/2.00  1 pending
          -- trajectory opened in /srv/acme/api by ada
          -- writ issued: edit: read and write in the workspace

          you  add retry to the fetch client

          ai   I will read client.rs, then propose an edit.

               - exponential backoff
               - 3 tries
        ▾ I fs_read src/client.rs                                           C 6 ok 2 ms
            P ok staged, rule builtin/read; effect read, cage L3
            C 6 read 11.2 kB
             | line 1
             | line 2
             | line 3
             | line 4
             | line 5
                 .. 30 of 40 lines not shown; the ledger has all
             | line 36
             | line 37
             | line 38
             | line 39
             | line 40
                 changed src/client.rs
        ▾ I fs_patch src/client.rs                                         SUSPENDED #1
            P #1 suspended: effect write, reversible, risk medium, +31 -4
                 builtin/write-review: writes need a human
        ▾ I net_get http://10.0.0.8                                            REJECTED
            P x  rejected [C8 granted by the writ]: tool `net_get` is outside this writ
                 what would allow it (+ for more): a grant for `net_get` of host
                 10.0.0.8


        -- waits for your decision
        !! 1 approval: #1 fs_patch (write) 0:00                                 Ctrl-X a
        ┌ message ─────────────────────────────────────────────────────────────────────┐
        │ i writes                                                                     │
        └─Enter send  Ctrl-J newline  / command  @ file────────────────────────────────┘
        j next  k previous  Enter open  G follow  y copy  h composer    local  mouse off
    "#]]
    .assert_eq(&desk.frame());
}

#[test]
fn a_decision_names_who_and_how() {
    let mut kernel = told();
    kernel.append(decided("patch", false, "keep the signature"));
    kernel.holds.clear();
    kernel.status.pending = 0;
    let mut desk = Desk::open(80, 30, kernel);
    let frame = desk.frame();
    assert!(frame.contains("D    denied by ada via tui, viewed whole: keep the signature"));
    assert!(!frame.contains("pending"));
}

#[test]
fn x2_work_begun_before_opening_without_an_end_is_unsettled() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "run it"));
    kernel.append(started("run", "shell", "shell cargo test"));
    kernel.status.in_doubt = 1;
    let mut desk = Desk::open(80, 24, kernel);
    let frame = desk.frame();
    assert!(frame.contains("B ? unsettled"), "{frame}");
    assert!(frame.contains("1 unsettled"), "{frame}");
}

/// What the operator overtook stays so for good: it must not read as work that is still to come.
#[test]
fn a_call_that_was_never_decided_says_so() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Model, "two writes"));
    kernel.append(intended("write", "fs_write", "fs_write a"));
    kernel.append(said(Role::Steer, "stop, not that"));
    kernel.append(said(Role::Model, "I stop"));
    let mut desk = Desk::open(80, 30, kernel);
    let frame = desk.frame();
    let line = frame.lines().find(|line| line.contains("fs_write a"));
    assert!(
        line.is_some_and(|line| line.ends_with("not decided")),
        "{frame}"
    );
}

#[test]
fn work_begun_while_open_is_running_and_not_unsettled() {
    let mut desk = Desk::open(80, 24, Kernel::new());
    desk.kernel.append(said(Role::Operator, "run it"));
    desk.kernel
        .append(started("run", "shell", "shell cargo test"));
    desk.kernel.running(Some("shell cargo test"));
    desk.ring();
    let frame = desk.frame();
    assert!(frame.contains("running"), "{frame}");
    assert!(!frame.contains("unsettled"), "{frame}");
}

#[test]
fn streamed_words_stand_once_before_and_after_they_are_durable() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "hello"));
    kernel.running(Some("thinking"));
    let mut desk = Desk::open(80, 24, kernel);
    desk.live("Hello there, ", 1);
    desk.live("Hello there, person", 2);
    let frame = desk.frame();
    assert_eq!(frame.matches("Hello there, person").count(), 1, "{frame}");
    desk.kernel.append(said(Role::Model, "Hello there, person"));
    desk.ring();
    let frame = desk.frame();
    assert_eq!(frame.matches("Hello there, person").count(), 1, "{frame}");
}

#[test]
fn an_unverified_tail_is_never_drawn_as_verified() {
    let states = [
        (ChainState::Unverified, "seq 10 ? "),
        (verified(11, 0), "seq 10 ✓  "),
        (verified(5, 0), "seq 10 ?4"),
        (verified(11, 9), "seq 10 ✓ 2 new  "),
        (verified(5, 3), "seq 10 ?4"),
        (ChainState::Broken("entry 3".into()), "seq 10 BROKEN"),
    ];
    for (chain, expected) in states {
        let mut kernel = told();
        kernel.status.chain = chain;
        let frame = Desk::open(100, 24, kernel).frame();
        assert!(frame.contains(expected), "{expected}: {frame}");
    }
}

/// Of eleven entries, so many are verified now and so many were before.
fn verified(index: u64, before: u64) -> ChainState {
    let day = Timestamp(86_400_000);
    ChainState::VerifiedTo {
        index,
        len: 11,
        before: (before > 0).then_some(VerifiedBefore {
            entries: before,
            at: day,
            whole: day,
        }),
    }
}

#[test]
fn y3_what_was_verified_before_is_told_with_its_day_where_there_is_room() {
    let mut kernel = told();
    kernel.status.chain = verified(11, 9);
    let frame = Desk::open(140, 24, kernel).frame();
    assert!(frame.contains("seq 10 ✓ 2 new, 9 on 1970-01-02"), "{frame}");
}

/// What the header says of the place outside, at a width.
fn outside_at(width: u16, change: impl FnOnce(&mut OutsideStanding)) -> String {
    let mut kernel = told();
    let mut outside = OutsideStanding {
        size: Some(11),
        at: Some(Timestamp(86_400_000 + 14 * 3_600_000 + 180_000)),
        behind: 0,
        missed: false,
        trouble: None,
    };
    change(&mut outside);
    kernel.status.outside = Some(outside);
    let frame = Desk::open(width, 24, kernel).frame();
    frame.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn l7_the_header_tells_how_far_the_newest_checkpoint_outside_goes() {
    let calm = [
        (160, 0, "outside: all, to 1970-01-02 14:03"),
        (160, 7, "outside: 7 behind, to 1970-01-02 14:03"),
        (118, 7, "outside: 7 behind  "),
        (118, 0, "outside: all  "),
    ];
    for (width, behind, expected) in calm {
        let row = outside_at(width, |seen| seen.behind = behind);
        assert!(row.contains(expected), "{expected}: {row}");
    }
    let row = outside_at(118, |seen| seen.size = None);
    assert!(row.contains("outside: none  "), "{row}");
}

#[test]
fn l7_trouble_outside_stands_where_what_is_calm_was_left_out() {
    let unreached = || Some(OutsideTrouble::Unreached("the share is away".into()));
    let contradicted = || Some(OutsideTrouble::Contradicted("it is older".into()));
    for width in [40, 80] {
        let row = outside_at(width, |seen| seen.behind = 7);
        assert!(!row.contains("outside"), "{width}: {row}");
        assert!(row.contains("EDIT") && row.contains("pending"), "{row}");
    }
    let row = outside_at(80, |seen| seen.trouble = unreached());
    assert!(row.contains("outside: not reached"), "{row}");
    let row = outside_at(80, |seen| (seen.missed, seen.behind) = (true, 2_400));
    assert!(row.contains("outside: 2400 behind"), "{row}");
    for width in [60, 80] {
        let row = outside_at(width, |seen| seen.trouble = contradicted());
        assert!(row.contains("outside: DISAGREES"), "{width}: {row}");
    }
    // What waits for an answer and what may be done come first, however narrow it is.
    let row = outside_at(40, |seen| seen.trouble = contradicted());
    assert!(row.contains("pending") && row.contains("EDIT"), "{row}");
}

#[test]
fn foreign_text_cannot_move_the_cursor_or_hide() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Model, "safe\u{1b}[2J\u{202e}evil"));
    let frame = Desk::open(80, 24, kernel).frame();
    assert!(frame.contains("⟦U+202E⟧"), "{frame}");
}
