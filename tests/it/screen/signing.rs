//! Signing beyond one call: approvals with scope and several at once, and what guards them.

use expect_test::expect;
use thymos::app::{Event, Overlay};
use thymos_core::approval::Decision;
use thymos_core::effect::EffectClass;
use thymos_core::presentation::{Field, Label, Presentation};
use thymos_protocol::{Answer, Changed, Command, Fault, Reach, Replied, ScopeChoice};

use super::desk::Desk;
use super::governed::drained;
use super::kernel::{Kernel, NOON, proposal};

fn present(kernel: &mut Kernel, at: usize, fields: Vec<(Label, &[&str])>) {
    let fields = fields.into_iter().map(|(label, lines)| Field {
        label,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    });
    let presentation = Presentation {
        fields: fields.collect(),
    };
    let card = &mut kernel.holds[at].card;
    card.presented = presentation.digest().unwrap();
    card.presentation = presentation;
}

/// Two commands that wait, the first of them with its arguments on the card.
fn commands() -> Kernel {
    let mut kernel = Kernel::new();
    for name in ["one", "two"] {
        kernel.hold(name, "shell", "cargo test -p client");
    }
    for at in 0..2 {
        kernel.holds[at].card.effect = EffectClass::External;
    }
    let what: &[&str] = &[
        "$ cargo test -p client",
        "argv[0] \"cargo\"",
        "argv[1] \"test\"",
        "argv[2] \"-p\"",
        "argv[3] \"client\"",
    ];
    present(&mut kernel, 0, vec![(Label::What, what)]);
    kernel
}

/// Writes that may go together, and one that may not.
fn writes() -> Kernel {
    let mut kernel = Kernel::new();
    for name in ["one", "two", "three"] {
        kernel.hold(name, "fs_patch", &format!("fs_patch src/{name}.rs"));
    }
    for at in 0..2 {
        kernel.holds[at].card.ceremony.batch = true;
        let (what, body): (&[&str], &[&str]) = (&["tool fs_patch"], &["+1 -0", "+a line"]);
        present(
            &mut kernel,
            at,
            vec![(Label::What, what), (Label::Body, body)],
        );
    }
    kernel
}

fn at_card(width: u16, height: u16, kernel: Kernel) -> Desk {
    let mut desk = Desk::open(width, height, kernel);
    desk.keys("<C-x> a <Enter>");
    desk.frame();
    desk.wait(500);
    desk.frame();
    desk
}

fn answers(desk: &Desk) -> Vec<Answer> {
    let asked = desk.kernel.asked.iter();
    asked
        .filter_map(|it| match it {
            Command::Answer(answer) => Some(answer.clone()),
            _ => None,
        })
        .collect()
}

fn previews(desk: &Desk) -> Vec<ScopeChoice> {
    let asked = desk.kernel.asked.iter();
    asked
        .filter_map(|it| match it {
            Command::PreviewScope { scope, .. } => Some(scope.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn a6_a_scope_is_shown_as_a_writ_with_its_dry_run_before_it_is_signed() {
    let mut desk = at_card(80, 24, commands());
    desk.keys("s");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 3 ✓  EDIT up to write  $0.82/2.00  2 pending
        ┌ ╔ * approve #1 with scope: shell ══════════════════════════════════════════╗─┐
        │▸║> reach      this exact call                                              ║ │
        │ ║  for        10 minutes                                                   ║ │
        └─║  at most    10 times                                                     ║─┘
        ╔ ║                                                                          ║═╗
        ║W║would be signed                                                           ║ ║
        ║ ║  answers asks for: Exact                                                 ║ ║
        ║ ║  10 uses                                                                 ║ ║
        ║ ║against the record                                                        ║ ║
        ║ ║  would have covered 12 past calls, the worst of them external            ║ ║
        ║ ║  = seq 3990  cargo test -p core  (denied: not now)                       ║ ║
        ║ ║  near misses, still asked:                                               ║ ║
        ║ ║  x seq 3991  cargo test --config x  (approved)                           ║ ║
        ║ ║  would cover open holds: #2                                              ║ ║
        ║ ║                                                                          ║ ║
        ║ ║                                                                          ║ ║
        ║ ║                                                                          ║ ║
        ║ ║                                                                          ║ ║
        ║ ║                                                                          ║ ║
        ║p║not yet: this has only just come up                                       ║ ║
        ║k╚═j/k field  Space change  PgDn read  Esc back, no decision════════════════╝ ║
        ╚═Esc back, no decision  n next  w trace  ? help═══════════════════════════════╝
        j down  Space change  a approve  Esc back, no decision          local  mouse off
    "#]]
    .assert_eq(&desk.frame());
    // Other arguments, one of them open.
    desk.keys("<Space> j j j <Space>");
    let last = previews(&desk).pop().unwrap();
    assert_eq!(last.reach, Reach::Slots(vec![3]));
    assert_eq!((last.for_ms, last.uses), (600_000, 10));
    assert!(answers(&desk).is_empty());
    desk.frame();
    desk.wait(500);
    desk.frame();
    desk.keys("<PageDown>");
    desk.frame();
    desk.keys("a");
    let answers = answers(&desk);
    let [answer] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert_eq!(answer.proposal, proposal("one"));
    assert_eq!(answer.decision, Decision::Approve);
    assert_eq!(answer.scope.as_ref(), Some(&last));
    assert!(answer.fully_viewed);
}

#[test]
fn a6_the_command_itself_is_never_left_open() {
    let mut desk = at_card(120, 40, commands());
    desk.keys("s <Space>");
    let frame = desk.frame();
    assert!(frame.contains("argv[1]"), "{frame}");
    assert!(!frame.contains("[as it is] \"cargo\""), "{frame}");
    for _ in 0..12 {
        desk.keys("j <Space>");
    }
    let opened = previews(&desk)
        .into_iter()
        .any(|choice| match choice.reach {
            Reach::Slots(slots) => slots.contains(&0),
            _ => false,
        });
    assert!(!opened);
}

#[test]
fn a6_places_are_not_offered_where_they_would_not_cover_the_call() {
    for (first, exe, offered) in [
        ("/bin/sh", "/usr/bin/dash", false),
        ("./run", "/ws/run", false),
        ("/usr/bin/make", "/usr/bin/make", true),
        ("make", "/usr/bin/make", true),
    ] {
        let mut kernel = commands();
        let lines = [
            format!("argv[0] \"{first}\""),
            "argv[1] \"all\"".to_owned(),
            format!("exe {exe} 0123abcd"),
        ];
        let what: Vec<&str> = lines.iter().map(String::as_str).collect();
        present(&mut kernel, 0, vec![(Label::What, &what)]);
        let mut desk = at_card(120, 40, kernel);
        desk.keys("s <Space>");
        assert_eq!(desk.frame().contains("argv[1]  "), offered, "{first}");
    }
}

#[test]
fn a_folder_and_a_host_are_offered_where_the_card_shows_one() {
    let mut kernel = commands();
    let touches: &[&str] = &["effect write, risk low", "write src/net/client.rs"];
    present(&mut kernel, 0, vec![(Label::Touches, touches)]);
    let mut desk = at_card(120, 40, kernel);
    desk.keys("s <Space> j <Space>");
    let reaches: Vec<Reach> = previews(&desk).into_iter().map(|it| it.reach).collect();
    let below = |folder: &str| Reach::Below(folder.into());
    assert_eq!(reaches, [Reach::Exact, below("src/net"), below("src")]);
    let mut kernel = commands();
    let touches: &[&str] = &["GET example.org:443 at 93.184.216.34"];
    present(&mut kernel, 0, vec![(Label::Touches, touches)]);
    let mut desk = at_card(120, 40, kernel);
    desk.keys("s <Space>");
    let last = previews(&desk).pop().unwrap();
    assert_eq!(last.reach, Reach::Host("example.org".into()));
}

#[test]
fn nothing_is_signed_before_it_is_armed_seen_and_known() {
    let mut desk = at_card(80, 24, commands());
    desk.keys("s");
    desk.wait(1_000);
    // Never drawn: never seen.
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.frame();
    desk.keys("<PageDown> <PageDown>");
    desk.frame();
    // A change is another text: it must be seen anew, and for long enough.
    desk.keys("<Space> a");
    desk.wait(100);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    // Nothing open: nothing to sign.
    desk.frame();
    desk.wait(1_000);
    desk.keys("a");
    assert!(desk.frame().contains("open at least one place"));
    assert!(answers(&desk).is_empty());
    // The terminal was elsewhere: armed anew.
    desk.keys("<Left>");
    desk.frame();
    desk.keys("<PageDown> <PageDown>");
    desk.frame();
    desk.wait(1_000);
    desk.event(Event::Focus(false));
    desk.event(Event::Focus(true));
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.wait(500);
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
}

#[test]
fn a_scope_the_kernel_would_not_sign_cannot_be_signed() {
    let mut desk = at_card(80, 24, commands());
    desk.kernel.instead.push(Replied::Fault(Fault {
        message: "the irreversible gate asks, and nothing answers that ahead of time".into(),
        hint: None,
    }));
    desk.keys("s");
    assert!(desk.frame().contains("the irreversible gate asks"));
    desk.wait(1_000);
    desk.keys("a");
    assert!(answers(&desk).is_empty());
}

#[test]
fn what_may_be_approved_once_only_says_why() {
    for (change, why) in [
        (0, "what cannot be undone"),
        (1, "needs its id typed back"),
        (2, "more than one approver"),
    ] {
        let mut kernel = commands();
        let card = &mut kernel.holds[0].card;
        match change {
            0 => card.effect = EffectClass::Irreversible,
            1 => card.ceremony.type_back = true,
            _ => card.quorum = 2,
        }
        let mut desk = at_card(80, 24, kernel);
        desk.keys("s");
        assert!(desk.app.overlays.is_empty());
        assert!(desk.frame().contains(why), "{why}");
        assert!(previews(&desk).is_empty());
    }
}

#[test]
fn esc_signs_nothing_and_enter_neither() {
    let mut desk = at_card(80, 24, commands());
    desk.keys("s");
    desk.frame();
    desk.wait(1_000);
    desk.keys("<PageDown> <PageDown>");
    desk.frame();
    desk.keys("<Enter> <Esc>");
    assert!(desk.app.overlays.is_empty());
    assert!(answers(&desk).is_empty());
}

fn sign(desk: &mut Desk) {
    desk.keys("s");
    desk.frame();
    desk.keys("<PageDown> <PageDown>");
    desk.frame();
    desk.wait(1_000);
    desk.keys("a");
}

#[test]
fn covered_holds_are_offered_and_never_drained_by_themselves() {
    let mut desk = at_card(80, 24, commands());
    sign(&mut desk);
    assert_eq!(answers(&desk).len(), 1);
    let frame = desk.frame();
    assert!(frame.contains("put it before the gate"), "{frame}");
    assert!(desk.kernel.asked.iter().all(|it| drained(it).is_none()));
    desk.keys("<Tab> <Enter>");
    let asked: Vec<_> = desk.kernel.asked.iter().filter_map(drained).collect();
    assert_eq!(asked, [[proposal("two")]]);
}

#[test]
fn the_offer_goes_away_when_the_answer_did_not_count() {
    let mut desk = at_card(80, 24, commands());
    desk.keys("s");
    desk.frame();
    desk.keys("<PageDown> <PageDown>");
    desk.frame();
    desk.wait(1_000);
    desk.kernel.instead.push(Replied::Stale(Changed::NotOpen));
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 1);
    let offers = desk.app.overlays.iter();
    let offers = offers.filter(|it| matches!(it, Overlay::Question(_)));
    assert_eq!(offers.count(), 0);
}

#[test]
fn a_hold_that_is_gone_takes_its_scope_with_it() {
    let mut desk = at_card(80, 24, commands());
    desk.keys("s");
    desk.kernel.holds.remove(0);
    desk.ring();
    assert!(desk.app.overlays.is_empty());
    assert!(desk.frame().contains("nothing was signed"));
    assert!(answers(&desk).is_empty());
}

#[test]
fn marked_rows_are_shown_in_full_and_answered_each_with_its_digest() {
    let mut desk = Desk::open(80, 24, writes());
    desk.keys("<C-x> a <Space> <Space> <Space>");
    let frame = desk.frame();
    assert!(
        frame.contains("policy wants this one answered by itself"),
        "{frame}"
    );
    desk.keys("A");
    expect![[r#"
        thymos  acme/api  t-54b2da94  seq 4 ✓  EDIT up to write  $0.82/2.00  3 pending
        ╔ ╔ * approve 2 calls, each once ════════════════════════════════════════════╗═╗
        ║ ║#1 effect write, risk medium, presented 614cbd0c..                        ║ ║
        ║ ║WHAT     tool fs_patch                                                    ║ ║
        ║▸║BODY     +1 -0                                                            ║ ║
        ╚═║         +a line                                                          ║═╝
        ┌ ║                                                                          ║─┐
        │E║#2 effect write, risk medium, presented 614cbd0c..                        ║ │
        │ ║WHAT     tool fs_patch                                                    ║ │
        │ ║BODY     +1 -0                                                            ║ │
        │ ║         +a line                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║                                                                          ║ │
        │ ║not yet: this has only just come up                                       ║ │
        │ ╚═j/k read  Esc back, no decision══════════════════════════════════════════╝ │
        └──────────────────────────────────────────────────────────────────────────────┘
        j down  Space change  a approve  Esc back, no decision          local  mouse off
    "#]]
    .assert_eq(&desk.frame());
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.wait(500);
    desk.keys("a");
    let given: Vec<_> = answers(&desk)
        .into_iter()
        .map(|answer| (answer.proposal, answer.presented, answer.fully_viewed))
        .collect();
    let holds = &desk.kernel.holds;
    let expected: Vec<_> = holds
        .iter()
        .take(2)
        .map(|row| (row.card.proposal, row.card.presented, true))
        .collect();
    assert_eq!(given, expected);
    // Answered once: a second go sends nothing more.
    desk.keys("g g <Space> A");
    desk.frame();
    desk.wait(500);
    desk.frame();
    desk.keys("a");
    assert_eq!(answers(&desk).len(), 2);
}

#[test]
fn a_batch_must_be_read_to_its_end_and_follows_what_changes() {
    let mut kernel = writes();
    let lines: Vec<String> = (0..200).map(|at| format!("+line {at}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    present(&mut kernel, 1, vec![(Label::Body, &lines)]);
    let mut desk = Desk::open(80, 24, kernel);
    desk.keys("<C-x> a <Space> <Space> A");
    desk.frame();
    desk.wait(1_000);
    desk.keys("a");
    assert!(desk.frame().contains("read to the end first"));
    assert!(answers(&desk).is_empty());
    desk.keys("G");
    assert!(desk.frame().contains("+line 199"));
    desk.kernel.holds.remove(0);
    desk.ring();
    desk.keys("a");
    assert!(answers(&desk).is_empty());
    desk.frame();
    desk.keys("G");
    desk.frame();
    desk.wait(1_000);
    desk.keys("a");
    let given: Vec<_> = answers(&desk).iter().map(|it| it.proposal).collect();
    assert_eq!(given, [proposal("two")]);
}

#[test]
fn what_reaches_outside_is_never_marked() {
    let mut kernel = commands();
    kernel.holds[0].card.ceremony.batch = true;
    let mut desk = Desk::open(80, 24, kernel);
    desk.keys("<C-x> a <Space> A");
    assert!(desk.app.overlays.is_empty());
}

#[test]
fn a3_a_quorum_tells_who_agreed_and_who_is_asked() {
    let mut kernel = writes();
    kernel.holds[0].card.quorum = 2;
    kernel.holds[0].approvals = 1;
    kernel.holds[0].approved_by = vec!["ada".into()];
    let quorum: &[&str] = &["2 needed", "of ada, bob: 2"];
    present(&mut kernel, 0, vec![(Label::Quorum, quorum)]);
    kernel.holds[0].card.expires_at = Some(NOON.plus_ms(12 * 60_000 + 30_000));
    let mut desk = at_card(80, 24, kernel);
    let frame = desk.frame();
    assert!(
        frame.contains("1 of 2 agree: ada; 1 missing, asked of bob"),
        "{frame}"
    );
    assert!(
        frame.contains("the timer denies it in 12 min, at 14:12:30 UTC"),
        "{frame}"
    );
}
