//! A session in lines: prompts, what the run says meanwhile, commands, leaving.

use expect_test::expect;
use thymos::app::event::{SaidLine, VerbNews};
use thymos::app::{Effect, Event};
use thymos_core::body::{Role, Stop};
use thymos_core::writ::Mode;
use thymos_protocol::{Command, Fault, Live, Replied, What};

use super::listener::Listener;
use crate::screen::kernel::{Kernel, committed, intended, said, started, trajectory};

fn prompts(listener: &Listener) -> Vec<&str> {
    let asked = listener.kernel.asked.iter();
    asked
        .filter_map(|asked| match asked {
            Command::Prompt { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

fn open() -> Listener {
    let mut listener = Listener::open(Kernel::new());
    listener.hears();
    listener
}

fn live(listener: &mut Listener, text: &str) {
    listener.event(Event::Live(Live {
        trajectory: Some(trajectory()),
        text: text.into(),
        ..Live::default()
    }));
}

fn closed(stop: Stop) -> What {
    What::Closed { stop, turns: 1 }
}

#[test]
fn the_first_lines_say_what_switched_it_on_and_where_one_is() {
    let mut listener = Listener::open(Kernel::new());
    expect![[r#"
        thymos: plain mode (--plain). Type help for commands.
        run: 54b2da94 in /srv/acme/api, mode edit, model practice
        run: goes on after 1 entry. Type history to have the last ones.
    "#]]
    .assert_eq(&listener.hears());
}

#[test]
fn a_line_that_is_no_command_is_a_prompt_and_say_makes_one_of_any() {
    let mut listener = open();
    for line in [
        "add retry",
        "say approve the plan",
        "say /srv is full",
        "approving is hard",
        "one\\",
        "two",
    ] {
        listener.says(line);
        listener.kernel.append(closed(Stop::Done));
        listener.ring();
    }
    assert_eq!(
        prompts(&listener),
        [
            "add retry",
            "approve the plan",
            " /srv is full",
            "approving is hard",
            "one\ntwo"
        ]
    );
}

#[test]
fn a_run_is_steered_queued_behind_and_cancelled() {
    let mut listener = open();
    listener.says("go");
    listener.kernel.running(Some("shell cargo test"));
    listener.ring();
    listener.says("not that one");
    listener.says("queue and then the docs");
    assert_eq!(prompts(&listener), ["go", "not that one"]);
    listener.says("cancel");
    let stops = |asked: &&Command| matches!(asked, Command::Interrupt { .. });
    assert_eq!(listener.kernel.asked.iter().filter(stops).count(), 1);
    listener.kernel.running(None);
    listener.kernel.append(closed(Stop::Cancelled));
    listener.ring();
    let heard = listener.hears();
    assert!(
        heard.contains("run: stopped by you after 1 turn"),
        "{heard}"
    );
    assert_eq!(
        prompts(&listener),
        ["go", "not that one", "and then the docs"]
    );
    listener.says("cancel");
    listener.kernel.append(closed(Stop::Done));
    listener.ring();
    listener.says("cancel");
    assert!(listener.hears().contains("notice: nothing runs"));
}

#[test]
fn an_answer_is_told_by_whole_lines_as_it_comes_and_never_twice() {
    let mut listener = open();
    listener.says("go");
    listener.ring();
    listener.hears();
    live(&mut listener, "The cli");
    assert_eq!(listener.hears(), "");
    live(&mut listener, "The client\nretries thr");
    assert_eq!(listener.hears(), "answer: The client\n");
    live(&mut listener, "The client\nretries three\n\ntimes");
    assert_eq!(listener.hears(), "answer: retries three\n");
    live(&mut listener, "");
    listener
        .kernel
        .append(said(Role::Model, "The client\nretries three\n\ntimes."));
    listener.kernel.append(closed(Stop::Done));
    listener.ring();
    assert_eq!(listener.hears(), "answer: times.\nrun: done after 1 turn\n");
}

#[test]
fn an_answer_that_is_begun_anew_says_so() {
    let mut listener = open();
    live(&mut listener, "One\nTwo");
    live(&mut listener, "");
    live(&mut listener, "Ano");
    live(&mut listener, "Another\n");
    let heard = listener.hears();
    let told = "answer: One\nnotice: the model began its answer anew; here it is, and what was printed of it above does not count.\n";
    assert!(heard.starts_with(told), "{heard}");
    assert!(heard.ends_with("answer: Another\n"), "{heard}");
}

#[test]
fn a_long_output_is_cut_says_by_how_much_and_is_had_whole_on_request() {
    let mut listener = open();
    let text: String = (1..=40).map(|at| format!("row {at}\n")).collect();
    listener
        .kernel
        .append(intended("one", "shell", "shell seq"));
    listener.kernel.append(started("one", "shell", "shell seq"));
    listener
        .kernel
        .append(committed("one", "shell", "shell seq", &text));
    listener.ring();
    let heard = listener.hears();
    assert!(heard.contains("output: row 5\ntool: 30 more lines of output here. Type output 4 to have all of it.\noutput: row 36\n"), "{heard}");
    listener.says("output 4");
    let heard = listener.hears();
    assert!(
        heard.contains("tool: output of entry 4 follows, 40 lines\noutput: row 1\n"),
        "{heard}"
    );
    assert!(heard.ends_with("output: row 40\n"), "{heard}");
    listener.says("output 3");
    assert!(listener.hears().contains("entry 3 is no ended call"));
}

#[test]
fn a_run_that_says_nothing_for_long_is_said_to_be_at_work_ever_more_rarely() {
    let mut listener = open();
    listener.says("go");
    listener.kernel.running(Some("shell cargo test"));
    listener.ring();
    listener.hears();
    for _ in 0..200 {
        listener.wait(1_000);
    }
    expect![[r#"
        run: still at work for 32 seconds: shell cargo test
        run: still at work for 1 minute: shell cargo test
    "#]]
    .assert_eq(&listener.hears());
}

#[test]
fn a_refused_prompt_is_kept_and_can_be_sent_again() {
    let mut listener = open();
    let fault = Fault {
        message: "the writ has ended".into(),
        hint: Some("issue another mode".into()),
    };
    listener.kernel.instead.push(Replied::Fault(fault));
    listener.says("go on");
    let heard = listener.hears();
    assert!(
        heard.contains("notice: the writ has ended\nnotice: hint: issue another mode\n"),
        "{heard}"
    );
    assert!(heard.contains("draft: go on\n"), "{heard}");
    listener.says("send");
    assert_eq!(prompts(&listener), ["go on", "go on"]);
}

#[test]
fn verbs_of_the_program_are_read_as_lines_and_screens_are_verbs() {
    let mut listener = open();
    for (typed, words) in [
        ("/memory ls", vec!["memory", "ls"]),
        ("/runs", vec!["runs"]),
        ("/authority", vec!["writ", "ls"]),
    ] {
        listener.says(typed);
        assert!(
            listener.effects.contains(&Effect::Verb(
                words.iter().map(|word| (*word).to_owned()).collect()
            )),
            "{typed}"
        );
        assert!(
            !listener.plain.is_ready(),
            "a line is taken while the verb speaks"
        );
        let lines = vec![SaidLine {
            text: "one\u{1b}[2J".into(),
            bad: false,
        }];
        listener.event(Event::Verb(VerbNews { lines, ended: None }));
        let ended = Some(Ok(1));
        listener.event(Event::Verb(VerbNews {
            lines: Vec::new(),
            ended,
        }));
        let heard = listener.hears();
        assert!(
            heard.contains("text: one⟦U+001B⟧[2J\nnotice: exit 1, a fault"),
            "{heard}"
        );
    }
    listener.says("/theme");
    assert!(listener.hears().contains("/theme is for the full screen"));
    listener.says("/nothing");
    assert!(listener.hears().contains("notice: no command `/nothing`"));
    listener.says("help");
    let heard = listener.hears();
    assert!(
        heard.contains("help: deny N because WHY: deny it"),
        "{heard}"
    );
    assert!(prompts(&listener).is_empty());
}

#[test]
fn status_and_history_say_what_the_header_and_the_transcript_show() {
    let mut listener = open();
    listener.says("add retry");
    listener.ring();
    listener.kernel.append(closed(Stop::Done));
    listener.ring();
    listener.hears();
    listener.says("status");
    expect![[r#"
        > status
        status: run 54b2da94 in /srv/acme/api
        status: mode edit, effects up to write
        status: model practice
        status: context, 38 of 100 tokens
        status: nothing runs
        status: 0 approvals open, 0 calls in doubt
        status: record verified, 2 of 2 entries
        budget: tokens, 1200 of 100000
        budget: money, 0.82 dollars of 2.00 dollars
    "#]]
    .assert_eq(&listener.hears());
    listener.says("history 2");
    expect![[r#"
        > history 2
        history: the last 2 lines follow, oldest first
        you: add retry
        run: done after 1 turn
        history: that was all
    "#]]
    .assert_eq(&listener.hears());
    let modes = |asked: &&Command| {
        matches!(
            asked,
            Command::SetMode {
                mode: Mode::Plan,
                ..
            }
        )
    };
    assert_eq!(listener.kernel.asked.iter().filter(modes).count(), 0);
}

#[test]
fn the_end_of_the_input_lets_the_run_end_and_says_what_still_waits() {
    let mut listener = open();
    listener.says("go");
    listener.kernel.running(Some("thinking"));
    listener.ring();
    listener.ends();
    assert_eq!(listener.left(), None);
    listener.kernel.hold("one", "fs_patch", "fs_patch a");
    listener.kernel.append(closed(Stop::Held));
    listener.kernel.running(None);
    listener.ring();
    assert_eq!(listener.left(), Some(10));
    assert!(
        listener
            .hears()
            .contains("notice: 1 approval still open here")
    );
}

#[test]
fn an_idle_end_of_the_input_leaves_at_once() {
    let mut listener = open();
    listener.ends();
    assert_eq!(listener.left(), Some(0));
}

#[test]
fn ctrl_c_stops_the_run_and_once_more_leaves() {
    let mut listener = open();
    listener.says("go");
    listener.kernel.running(Some("thinking"));
    listener.ring();
    listener.interrupts();
    assert_eq!(listener.left(), None);
    assert!(
        listener
            .kernel
            .asked
            .iter()
            .any(|asked| matches!(asked, Command::Interrupt { .. }))
    );
    listener.interrupts();
    assert_eq!(listener.left(), Some(130));
}

#[test]
fn ctrl_c_while_nothing_runs_only_says_what_another_one_does() {
    let mut listener = open();
    listener.interrupts();
    assert!(
        listener
            .hears()
            .contains("notice: nothing runs. Ctrl-C once more quits")
    );
    // A line in between: the first one is forgotten.
    listener.says("status");
    listener.interrupts();
    assert_eq!(listener.left(), None);
    listener.interrupts();
    assert_eq!(listener.left(), Some(130));
}

#[test]
fn what_a_running_call_has_said_so_far_is_had_with_the_status() {
    let mut listener = open();
    listener.says("go");
    listener.kernel.running(Some("shell make"));
    listener.ring();
    let tail: String = (1..=9).map(|at| format!("step {at}\u{1b}[K\n")).collect();
    listener.event(Event::Live(Live {
        trajectory: Some(trajectory()),
        outputs: vec![thymos_protocol::LiveOutput {
            proposal: crate::screen::kernel::proposal("one"),
            tool: "shell".into(),
            total: tail.len() as u64,
            tail,
        }],
        ..Live::default()
    }));
    listener.hears();
    listener.says("status");
    let heard = listener.hears();
    assert!(
        heard.contains(
            "status: shell has said 90 bytes so far, its last lines:\noutput: step 5⟦U+001B⟧[K\n"
        ),
        "{heard}"
    );
    assert_eq!(heard.matches("output: ").count(), 5, "{heard}");
}

#[test]
fn without_a_kernel_lines_are_still_taken_and_the_end_of_the_input_leaves() {
    let mut listener = open();
    listener.says("go");
    listener.kernel.running(Some("thinking"));
    listener.ring();
    listener.says("wait");
    listener.event(Event::KernelGone);
    assert!(listener.hears().contains("notice: the kernel has stopped"));
    listener.says("status");
    listener.ends();
    assert_eq!(listener.left(), Some(0));
}

#[test]
fn a_run_that_is_opened_again_tells_nothing_twice() {
    let mut listener = open();
    listener.says("add retry");
    listener.kernel.append(closed(Stop::Done));
    listener.ring();
    listener.says("/open");
    assert!(listener.hears().contains("question: open a trajectory."));
    listener.says("1");
    let heard = listener.hears();
    assert!(heard.contains("run: goes on after "), "{heard}");
    assert!(!heard.contains("you: add retry"), "{heard}");
    listener.says("history 2");
    assert!(listener.hears().contains("you: add retry"));
}
