//! Approvals in lines: nothing is decided but about what was out, whole, when the line was typed.

use expect_test::expect_file;
use thymos_core::approval::{Decision, Via};
use thymos_core::body::{Role, Stop};
use thymos_core::effect::EffectClass;
use thymos_core::presentation::{Field, Label, Presentation};
use thymos_protocol::{Changed, Command, Fault, Reach, Replied, What};

use super::listener::Listener;
use crate::screen::kernel::{Kernel, committed, decided, intended, proposal, said, started};

/// Puts other fields on a hold's card, as the kernel would: with their digest.
pub(super) fn present(kernel: &mut Kernel, name: &str, fields: &[(Label, &[&str])]) {
    let field = |(label, lines): &(Label, &[&str])| Field {
        label: *label,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let presentation = Presentation {
        fields: fields.iter().map(field).collect(),
    };
    let mut rows = kernel.holds.iter_mut();
    let row = rows
        .find(|row| row.card.proposal == proposal(name))
        .unwrap();
    row.card.presented = presentation.digest().unwrap();
    row.card.presentation = presentation;
}

/// A listener who has asked for something, upon which these calls are held.
fn holding(names: &[&str]) -> Listener {
    let mut listener = Listener::open(Kernel::new());
    listener.says("add retry to the fetch client");
    for name in names {
        listener
            .kernel
            .append(intended(name, "fs_patch", "fs_patch src/client.rs"));
        listener
            .kernel
            .hold(name, "fs_patch", "fs_patch src/client.rs");
    }
    let closed = What::Closed {
        stop: Stop::Held,
        turns: 1,
    };
    listener.kernel.append(closed);
    listener
}

/// The same, rung and heard.
fn held(names: &[&str]) -> Listener {
    let mut listener = holding(names);
    listener.ring();
    listener.hears();
    listener
}

/// What follows from a decision about `one`.
fn goes_on(listener: &mut Listener, approved: bool, reason: &str) {
    let mut what = decided("one", approved, reason);
    if let What::Decided { by, .. } = &mut what {
        by.via = Via::Plain;
    }
    listener.kernel.append(what);
    listener.kernel.holds.clear();
    listener.kernel.status.pending = 0;
    if approved {
        listener
            .kernel
            .append(started("one", "fs_patch", "fs_patch src/client.rs"));
        listener.kernel.append(committed(
            "one",
            "fs_patch",
            "fs_patch src/client.rs",
            "patched\nline 2",
        ));
    }
    listener.kernel.append(said(
        Role::Model,
        "The client retries now.\n\nThree times at most.",
    ));
    let stop = Stop::Done;
    listener.kernel.append(What::Closed { stop, turns: 2 });
    listener.ring();
}

#[test]
fn a_session_from_a_prompt_to_an_approval_reads_from_top_to_bottom() {
    let mut listener = holding(&["one"]);
    let diff: &[&str] = &[
        "+2 -1",
        "--- a/src/client.rs",
        "+++ b/src/client.rs",
        "@@ -1,2 +1,3 @@",
        " fn fetch() {",
        "-    get()",
        "+    retry(get)",
        "+",
        "}",
    ];
    present(
        &mut listener.kernel,
        "one",
        &[
            (Label::What, &["tool fs_patch", "path \"src/client.rs\""]),
            (Label::Body, diff),
            (
                Label::Touches,
                &[
                    "effect write, risk medium",
                    "write src/client.rs",
                    "cage L3: namespaces",
                ],
            ),
            (Label::Why, &["builtin/write-review: writes need a human"]),
            (Label::Undo, &["from the record"]),
            (Label::Quorum, &["1 needed"]),
        ],
    );
    listener.ring();
    listener.says("");
    listener.says("yes");
    listener.says("approve 1");
    goes_on(&mut listener, true, "");
    listener.says("approve 1");
    listener.says("quit");

    let [answer] = &listener.answers()[..] else {
        panic!("{:?}", listener.answers())
    };
    assert_eq!(
        (answer.decision, answer.via, answer.fully_viewed),
        (Decision::Approve, Via::Plain, true)
    );
    assert_eq!(answer.proposal, proposal("one"));
    assert_eq!(listener.left(), Some(0));
    expect_file!["approved.txt"].assert_eq(&listener.transcript);
}

#[test]
fn what_cannot_be_taken_back_asks_for_the_end_of_its_id_and_a_denial_keeps_its_reason() {
    let mut listener = holding(&["one", "two"]);
    for row in &mut listener.kernel.holds {
        row.card.effect = EffectClass::Irreversible;
        row.card.reversible = false;
        row.card.ceremony.type_back = true;
    }
    listener.ring();
    listener.says("approve 1");
    assert_eq!(listener.answers(), []);
    listener.says("y");
    listener.says("0000");
    listener.says("approve 1");
    assert_eq!(listener.answers(), []);
    let id = proposal("one").to_string();
    listener.says(&id[id.len() - 4..]);
    listener.says("deny 2 because keep the public signature");

    let answers = listener.answers();
    let [yes, no] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert_eq!(
        (yes.proposal, yes.decision),
        (proposal("one"), Decision::Approve)
    );
    assert_eq!(
        (no.proposal, no.decision),
        (proposal("two"), Decision::Deny)
    );
    assert_eq!(no.reason, "keep the public signature");
    listener.kernel.append(decided("one", true, ""));
    listener
        .kernel
        .append(decided("two", false, "keep the public signature"));
    listener.kernel.holds.clear();
    listener.kernel.status.pending = 0;
    let stop = Stop::Done;
    listener.kernel.append(What::Closed { stop, turns: 2 });
    listener.ring();
    listener.ends();
    expect_file!["irreversible.txt"].assert_eq(&listener.transcript);
}

#[test]
fn a_line_that_was_typed_before_a_card_was_printed_never_answers_it() {
    let mut listener = holding(&["one"]);
    let early = listener.time();
    listener.wait(10);
    listener.ring();
    let out = listener.time();
    for (text, at, why) in [
        ("approve 1", early, "typed before approval 1 was printed"),
        (
            "deny 1 because no",
            early,
            "typed before approval 1 was printed",
        ),
        ("scope 1", early, "typed before approval 1 was printed"),
        // Before it could have been heard.
        (
            "approve 1",
            out + std::time::Duration::from_millis(399),
            "only just been printed",
        ),
    ] {
        listener.hears();
        listener.typed_at(text, at);
        let heard = listener.hears();
        assert!(heard.contains(why), "{text}: {heard}");
        assert_eq!(listener.answers(), [], "{text}");
    }
    listener.says("approve 1");
    assert_eq!(listener.answers().len(), 1);
}

#[test]
fn a_card_that_changed_is_printed_anew_and_is_approved_only_as_it_is_then() {
    let mut listener = held(&["one"]);
    let before = listener.time();
    present(
        &mut listener.kernel,
        "one",
        &[(Label::What, &["tool fs_patch", "path \"/etc/passwd\""])],
    );
    listener.kernel.running(None);
    // Nothing has told this side yet: the answer quotes what was printed, and the kernel does not take it.
    listener
        .kernel
        .instead
        .push(Replied::Stale(Changed::PresentedDiffers));
    listener.says("approve 1");
    let heard = listener.hears();
    assert!(
        heard.contains("differs from what was shown; your answer was not used"),
        "{heard}"
    );
    assert!(
        heard.contains("notice: approval 1 has changed since it was printed"),
        "{heard}"
    );
    assert!(
        heard.contains("approval 1: what: path \"/etc/passwd\""),
        "{heard}"
    );
    let [stale] = &listener.answers()[..] else {
        panic!("{heard}")
    };
    assert_ne!(stale.presented, listener.kernel.holds[0].card.presented);
    // A line from before that counts for nothing now.
    listener.typed_at("approve 1", before + std::time::Duration::from_millis(500));
    assert_eq!(listener.answers().len(), 1);
    listener.says("approve 1");
    let answers = listener.answers();
    assert_eq!(
        answers[1].presented,
        listener.kernel.holds[0].card.presented
    );
}

#[test]
fn nothing_is_decided_about_what_was_named_and_not_printed() {
    // It waited before the run was opened here.
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "go"));
    kernel.hold("one", "fs_patch", "fs_patch src/client.rs");
    let mut listener = Listener::open(kernel);
    let heard = listener.hears();
    assert!(heard.contains("Type show 1 to have it printed."), "{heard}");
    assert!(!heard.contains("presented"), "{heard}");
    listener.says("approve 1");
    let heard = listener.hears();
    assert!(
        heard.contains("was not printed as it is now; here it is. Nothing was decided"),
        "{heard}"
    );
    assert!(heard.contains("approval 1: presented"), "{heard}");
    assert_eq!(listener.answers(), []);
    listener.says("approve 1");
    assert_eq!(listener.answers().len(), 1);
}

#[test]
fn bare_words_and_half_a_command_decide_nothing_and_say_so() {
    let mut listener = held(&["one"]);
    for text in [
        "",
        " ",
        "y",
        "Yes",
        "ok",
        "n",
        "a",
        "approve",
        "approve one",
        "approve 1 please",
        "deny 1 why",
        "approve 11",
        "Approve #1 now",
    ] {
        listener.says(text);
        let heard = listener.hears();
        let told = [
            "decides nothing",
            "nothing was done",
            "no approval 11 is open",
        ];
        assert!(
            told.iter().any(|words| heard.contains(words)),
            "{text}: {heard}"
        );
    }
    assert_eq!(listener.answers(), []);
    let prompts = listener.kernel.asked.iter();
    assert_eq!(
        prompts
            .filter(|asked| matches!(asked, Command::Prompt { .. }))
            .count(),
        1
    );
    // The last of them can be said all the same.
    listener.says("say");
    let last = listener
        .kernel
        .asked
        .iter()
        .rev()
        .find(|asked| matches!(asked, Command::Prompt { .. }));
    assert!(matches!(last, Some(Command::Prompt { text, .. }) if text == "Approve #1 now"));
}

#[test]
fn a_card_that_arms_late_is_waited_for_and_one_that_closes_meanwhile_is_not_answered() {
    let mut listener = held(&["one", "two"]);
    listener.wait(1_000);
    let line = thymos::plain::TypedLine {
        text: "approve 1".into(),
        at: listener.time(),
    };
    let now = thymos::app::Now {
        mono: listener.time(),
        ..thymos::app::Now::default()
    };
    let effects = listener.plain.line(&line, now);
    assert_eq!(effects, [], "the card has only just been opened");
    assert!(
        !listener.plain.is_ready(),
        "another line could come before it"
    );
    listener
        .kernel
        .append(decided("one", false, "bob was first"));
    listener.kernel.holds.remove(0);
    listener.kernel.status.pending = 1;
    listener.ring();
    listener.wait(1_000);
    assert_eq!(listener.answers(), []);
    let heard = listener.hears();
    assert!(
        heard.contains("nothing was decided about approval 1: it is no longer open"),
        "{heard}"
    );
}

#[test]
fn other_arguments_are_proposed_on_the_line_or_asked_for() {
    let mut listener = held(&["one"]);
    listener.says("edit 1 {\"path\": ");
    let heard = listener.hears();
    assert!(
        heard.contains("not JSON") && heard.contains("Nothing was proposed"),
        "{heard}"
    );
    listener.says("edit 1 {\"path\": \"src/a.rs\"}");
    listener.says("edit 1");
    let heard = listener.hears();
    assert!(
        heard.contains("about: as it is: {\"path\":\"src/client.rs\"}"),
        "{heard}"
    );
    assert!(
        heard.contains("question: other arguments, as JSON"),
        "{heard}"
    );
    listener.says("{\"path\": \"src/b.rs\"}");
    let edits: Vec<String> = listener
        .kernel
        .asked
        .iter()
        .filter_map(|asked| match asked {
            Command::Edit { args, .. } => Some(args["path"].to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(edits, ["\"src/a.rs\"", "\"src/b.rs\""]);
    assert_eq!(listener.answers(), []);
}

#[test]
fn a_scope_is_read_turned_and_signed() {
    let mut listener = holding(&["one"]);
    present(
        &mut listener.kernel,
        "one",
        &[
            (Label::What, &["tool fs_patch"]),
            (Label::Touches, &["write src/client.rs"]),
        ],
    );
    listener.ring();
    listener.says("scope 1");
    let heard = listener.hears();
    assert!(
        heard.contains("about: 1, reach: this exact call"),
        "{heard}"
    );
    assert!(heard.contains("about: would be signed"), "{heard}");
    listener.says("1");
    let heard = listener.hears();
    assert!(
        heard.contains("about: 1, reach: the same tool below a folder"),
        "{heard}"
    );
    // Typed before that was printed.
    let early = std::time::Duration::ZERO;
    listener.typed_at("sign", early);
    assert_eq!(listener.answers(), []);
    listener.says("sign");
    let [answer] = &listener.answers()[..] else {
        panic!("{}", listener.hears())
    };
    let scope = answer.scope.as_ref().unwrap();
    assert_eq!(scope.reach, Reach::Below("src".into()));
    assert!(answer.fully_viewed);
}

#[test]
fn an_answer_that_the_kernel_does_not_take_is_told_and_another_can_be_given() {
    let mut listener = held(&["one"]);
    let fault = Fault {
        message: "the disk is full".into(),
        hint: None,
    };
    listener.kernel.instead.push(Replied::Fault(fault));
    listener.says("approve 1");
    assert!(listener.hears().contains("notice: the disk is full"));
    listener.says("deny 1");
    assert_eq!(listener.answers().len(), 2);
}

#[test]
fn a_hold_of_what_was_delegated_is_printed_too_and_one_of_another_run_is_named() {
    let mut listener = held(&[]);
    listener.kernel.hold("one", "fs_patch", "fs_patch below");
    listener
        .kernel
        .hold("two", "fs_patch", "fs_patch elsewhere");
    for (row, name) in listener.kernel.holds.iter_mut().zip(["child", "other"]) {
        row.trajectory = thymos_core::TrajectoryId::of(name.as_bytes());
        row.card.held_at = thymos_core::Timestamp(row.card.held_at.as_ms() + 60_000);
    }
    listener.kernel.holds[0].lineage = vec![crate::screen::kernel::trajectory()];
    listener.kernel.running(None);
    listener.ring();
    let heard = listener.hears();
    assert!(heard.contains("approval 1: held in: t-"), "{heard}");
    assert!(heard.contains("approval 1: presented "), "{heard}");
    assert!(heard.contains("Type show 2 to have it printed."), "{heard}");
    assert!(!heard.contains("approval 2: presented "), "{heard}");
    listener.says("approve 1");
    listener.says("approve 2");
    let answers = listener.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].trajectory, listener.kernel.holds[0].trajectory);
    // Its record is of another run, so it is told here.
    assert!(
        listener
            .hears()
            .contains("notice: approval 1: approved once")
    );
}

#[test]
fn how_many_agree_and_until_when_is_told_below_the_card() {
    let mut listener = holding(&["one"]);
    let row = &mut listener.kernel.holds[0];
    row.card.quorum = 2;
    row.approvals = 1;
    row.approved_by = vec!["bob".into()];
    row.card.expires_at = Some(thymos_core::Timestamp(row.card.held_at.as_ms() + 3_600_000));
    listener.ring();
    let heard = listener.hears();
    assert!(heard.contains("Full text follows, 3 lines."), "{heard}");
    assert!(
        heard.contains("approval 1: agreed: 1 of 2 agree: bob; 1 missing"),
        "{heard}"
    );
    assert!(
        heard.contains("approval 1: timer: it is denied in 59 minutes, at 15:00:00 UTC"),
        "{heard}"
    );
}

#[test]
fn an_answer_that_came_too_late_keeps_nobody_waiting() {
    let mut listener = held(&["one"]);
    let late = Changed::AlreadyDecided("bob".into());
    listener.kernel.instead.push(Replied::Stale(late));
    listener.says("approve 1");
    listener.kernel.holds.clear();
    listener.kernel.status.pending = 0;
    listener.kernel.running(None);
    listener.ring();
    assert!(listener.hears().contains("notice: already decided by bob"));
    listener.ends();
    assert_eq!(listener.left(), Some(0));
}

#[test]
fn a_decision_that_leads_to_nothing_is_not_waited_for_without_an_end() {
    let mut listener = held(&["one"]);
    listener.says("approve 1");
    listener.kernel.append(decided("one", true, ""));
    listener.kernel.holds.clear();
    listener.kernel.status.pending = 0;
    listener.ring();
    listener.ends();
    assert_eq!(listener.left(), None);
    listener.wait(4_000);
    assert_eq!(listener.left(), None);
    listener.wait(2_000);
    assert_eq!(listener.left(), Some(0));
}
