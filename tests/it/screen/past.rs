//! What is done about the past: branches, undo, grants for what was refused, doing it again.

use expect_test::expect;
use thymos::app::{Overlay, Pane};
use thymos_core::EntryId;
use thymos_core::body::Role;
use thymos_core::id::Digest;
use thymos_core::trace::Clause;
use thymos_protocol::{Command, Fault, Replied, What};

use super::desk::Desk;
use super::governed::{branch, plan};
use super::kernel::{Kernel, committed, intended, intent, rejected, said, started, trajectory};

fn story() -> Kernel {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "add retry"));
    kernel.append(intended("one", "fs_patch", "fs_patch one.rs"));
    kernel.append(started("one", "fs_patch", "fs_patch one.rs"));
    kernel.append(committed("one", "fs_patch", "fs_patch one.rs", "text"));
    kernel.append(intended("two", "net_get", "net_get http://10.0.0.8"));
    kernel.append(rejected("two", "net_get", "net_get http://10.0.0.8"));
    kernel
}

fn at_ledger(width: u16, height: u16, kernel: Kernel) -> Desk {
    let mut desk = Desk::open(width, height, kernel);
    desk.keys("<C-x> l");
    for _ in 0..4 {
        desk.frame();
        desk.wait(1);
    }
    desk
}

fn sent(desk: &Desk, wanted: impl Fn(&Command) -> bool) -> Vec<Command> {
    let asked = desk.kernel.asked.iter();
    asked.filter(|it| wanted(it)).cloned().collect()
}

#[test]
fn a_branch_starts_from_a_commit_and_is_opened() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("B");
    assert!(desk.frame().contains("a branch starts from a commit"));
    assert!(desk.app.overlays.is_empty());
    // The newest entry is the rejection; the commit is two above it.
    desk.keys("k k B");
    assert!(desk.frame().contains("branch off seq 5?"));
    desk.keys("<Enter>");
    assert_eq!(sent(&desk, |it| matches!(it, Command::Branch { .. })), []);
    desk.keys("B");
    desk.frame();
    desk.keys("<Tab> <Enter>");
    let expected = Command::Branch {
        trajectory: trajectory(),
        entry: EntryId::of(&5u64.to_be_bytes()),
    };
    assert_eq!(
        sent(&desk, |it| matches!(it, Command::Branch { .. })),
        [expected]
    );
    assert_eq!(desk.app.session.trajectory(), Some(branch()));
    assert_eq!(desk.app.focus.pane(), Pane::Composer);
}

#[test]
fn an_undo_is_shown_as_a_plan_and_quotes_it() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("k k u");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 7 ✓  EDIT up to write  $0.82/2.00  ctx 38%
        ╔ * ledger - 8 entries - . follows ════════════════════════════════════════════╗
        ║     seq kind      what                          effect    verdict   time     ║
        ║       0 note      opened in /srv/acme/api                           14:00:00 ║
        ║       1 note      edit: read and write in the..                     14:00:00 ║
        ║       2 note      "add retry"                                       14:00:00 ║
        ║ ╔ * undo everything from seq 5 on? ════════════════════════════════════════╗ ║
        ║ ║2 of 2 steps can be undone, newest first, each through the gate:          ║ ║
        ║▸║seq 6  fs_patch two.rs                                                    ║ ║
        ║ ║    will restore two.rs to 9af1, 20 bytes                                 ║ ║
        ║ ║seq 4  fs_patch one.rs                                                    ║ ║
        ╚═║    will restore one.rs to 9af1, 20 bytes                                 ║═╝
        ┌ ║note not looked into: target; what was changed there stays                ║─┐
        │{║                                                                          ║█│
        │ ║> leave everything as it is                                               ║█│
        │ ║  undo all 2 steps                                                        ║█│
        │ ╚═Tab other answer  Enter take it  PgDn scroll  Esc back═══════════════════╝█│
        │        "args": {                                                            █│
        │          "path": "src/client.rs"                                            █│
        │        }                                                                    █│
        │      }                                                                      ││
        │    }                                                                        ││
        └──────────────────────────────────────────────────────────────────────────────┘
        Enter take it  Esc back                                         local  mouse off
    "#]]
    .assert_eq(&desk.frame());
    assert_eq!(sent(&desk, |it| matches!(it, Command::Undo { .. })), []);
    desk.keys("<Tab> <Enter>");
    let expected = Command::Undo {
        trajectory: trajectory(),
        of: trajectory(),
        from_seq: 5,
        plan: Digest::of(b"plan"),
        partial: false,
    };
    assert_eq!(
        sent(&desk, |it| matches!(it, Command::Undo { .. })),
        [expected]
    );
}

#[test]
fn an_undo_that_leaves_something_done_is_a_choice_of_its_own() {
    let mut kernel = story();
    kernel.plan = plan(false);
    let mut desk = at_ledger(80, 24, kernel);
    desk.keys("u");
    let frame = desk.frame();
    assert!(frame.contains("CANNOT its content was not kept"), "{frame}");
    assert!(!frame.contains("undo all"), "{frame}");
    assert!(
        frame.contains("undo what can be, 1 of 2, and leave the rest"),
        "{frame}"
    );
    desk.keys("<Enter>");
    assert_eq!(sent(&desk, |it| matches!(it, Command::Undo { .. })), []);
    desk.keys("u");
    desk.frame();
    desk.keys("<Tab> <Enter>");
    let partial = |it: &Command| matches!(it, Command::Undo { partial: true, .. });
    assert_eq!(sent(&desk, partial).len(), 1);
}

#[test]
fn undo_from_anywhere_begins_at_your_last_message() {
    let mut desk = Desk::open(80, 24, story());
    desk.types("/undo");
    desk.keys("<Enter>");
    let from = |it: &Command| matches!(it, Command::PlanUndo { from_seq: 2, .. });
    assert_eq!(sent(&desk, from).len(), 1);
    assert!(matches!(
        desk.app.overlays.last(),
        Some(Overlay::Question(_))
    ));
}

#[test]
fn a_plan_that_cannot_be_made_is_told_and_asks_nothing() {
    let mut desk = at_ledger(80, 24, story());
    desk.kernel.instead.push(Replied::Fault(Fault {
        message: "a run is going on".into(),
        hint: None,
    }));
    desk.keys("u");
    assert!(desk.app.overlays.is_empty());
    assert!(desk.frame().contains("a run is going on"));
}

#[test]
fn a_refused_call_is_granted_by_one_confirmation() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("+");
    let frame = desk.frame();
    assert!(frame.contains("sign the smallest grant?"), "{frame}");
    assert!(frame.contains("+ tool net_get, host 10.0.0.8"), "{frame}");
    desk.keys("<Enter>");
    assert_eq!(
        sent(&desk, |it| matches!(it, Command::SignGrant { .. })),
        []
    );
    // By itself the key waits for a second one that might follow.
    desk.keys("+");
    desk.wait(1_100);
    desk.frame();
    desk.keys("<Tab> <Enter>");
    let expected = Command::SignGrant {
        trajectory: trajectory(),
        entry: EntryId::of(&7u64.to_be_bytes()),
    };
    assert_eq!(
        sent(&desk, |it| matches!(it, Command::SignGrant { .. })),
        [expected]
    );
}

#[test]
fn a_refused_call_is_granted_from_the_transcript_too() {
    let mut desk = Desk::open(80, 24, story());
    desk.keys("<S-Tab> k");
    desk.frame();
    desk.keys("+");
    let previews = |it: &Command| {
        matches!(it, Command::PreviewGrant { entry, .. }
        if *entry == EntryId::of(&7u64.to_be_bytes()))
    };
    assert_eq!(sent(&desk, previews).len(), 1);
}

#[test]
fn what_no_grant_allows_and_what_a_person_denied_say_so() {
    let mut kernel = story();
    let mut denied = rejected("three", "shell", "shell rm x");
    if let What::Rejected { denied, .. } = &mut denied {
        *denied = true;
    }
    kernel.append(denied);
    let mut desk = at_ledger(80, 24, kernel);
    desk.keys("+");
    assert!(desk.frame().contains("a person said no to it"));
    desk.keys("k k +");
    assert!(desk.frame().contains("choose a refused call first"));
    assert!(desk.app.overlays.is_empty());
}

#[test]
fn a_call_that_happens_once_is_done_again_as_your_own() {
    let mut kernel = story();
    let mut once = rejected("three", "shell", "shell deploy");
    if let What::Rejected {
        clause, suggestion, ..
    } = &mut once
    {
        *clause = Clause::C12;
        *suggestion = None;
    }
    kernel.append(once);
    let mut desk = at_ledger(80, 24, kernel);
    desk.keys("R");
    assert!(desk.frame().contains("do it again?"));
    desk.keys("<Tab> <Enter>");
    let expected = Command::Again {
        trajectory: trajectory(),
        intent: intent("three"),
    };
    assert_eq!(
        sent(&desk, |it| matches!(it, Command::Again { .. })),
        [expected]
    );
}
