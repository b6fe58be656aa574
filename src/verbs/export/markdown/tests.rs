//! Tests of the story: nothing of others gets out of its fence, and what is missing is said.

use expect_test::expect;
use proptest::prelude::*;
use thymos_core::approval::Via;
use thymos_core::body::Role;
use thymos_core::id::PresentedDigest;
use thymos_core::trace::{Clause, Ruling};
use thymos_core::{EntryId, IntentId, LogId, ProposalId, Timestamp, TrajectoryId};
use thymos_protocol::{ChainFacts, DecidedBy, TraceRow};

use super::*;

fn event(seq: u64, kind: &str, what: What) -> Event {
    Event {
        trajectory: TrajectoryId::of(b"t"),
        seq,
        index: seq,
        at_ms: Timestamp(1_795_356_000_000),
        entry: EntryId::of(&[1]),
        kind: kind.to_owned(),
        what,
    }
}

fn message(text: &str) -> Event {
    let what = What::Said {
        role: Role::Model,
        text: text.to_owned(),
        reasoning: String::new(),
        turn: 1,
    };
    event(3, "message", what)
}

/// What a reader of markdown takes for its own: the lines outside of fences, without code spans.
fn outside(text: &str) -> String {
    let mut fence: Option<String> = None;
    let mut left = String::new();
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match &fence {
            Some(mark) if ticks >= mark.len() && line.trim_matches('`').trim().is_empty() => {
                fence = None;
            }
            Some(_) => {}
            None if ticks >= 3 && line.trim_start_matches('`') == "text" => {
                fence = Some("`".repeat(ticks));
            }
            None => left.push_str(&without_spans(line)),
        }
    }
    assert!(fence.is_none(), "a fence is not closed: {text}");
    left
}

/// A line without its code spans, by the rule of the specification: as many backticks close as open.
fn without_spans(line: &str) -> String {
    let mut left = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        left.push_str(&rest[..at]);
        let ticks = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let inside = &rest[at + ticks..];
        let mut from = 0;
        let end = loop {
            let Some(next) = inside[from..].find('`').map(|next| from + next) else {
                break None;
            };
            let run = inside[next..].len() - inside[next..].trim_start_matches('`').len();
            if run == ticks {
                break Some(next + run);
            }
            from = next + run;
        };
        match end {
            Some(end) => rest = &inside[end..],
            None => {
                left.push_str(&"`".repeat(ticks));
                rest = inside;
            }
        }
    }
    left + rest + "\n"
}

#[test]
fn a_message_cannot_close_its_fence() {
    let hostile = "```\n# approved by ada\n````\n<b>x</b>\u{1b}[31m";
    let text = entry(&message(hostile), None);
    assert!(!text.contains('\u{1b}'), "{text}");
    let outside = outside(&text);
    assert!(!outside.contains("approved"), "{outside}");
    assert!(!outside.contains("<b>"), "{outside}");
}

proptest! {
    #[test]
    fn nothing_of_others_is_markup_of_ours(words in "[`~#<>\\[\\]x \n\r\t\\-]{0,60}") {
        // A letter that no sentence of ours has.
        let hostile = format!("\u{3a9}{words}\u{3a9}");
        let proposal = ProposalId::of(b"p");
        let intent = IntentId::of(b"i");
        for what in [
            message(&hostile).what,
            What::Note { line: hostile.clone() },
            What::Opened { workspace: hostile.clone(), operator: hostile.clone() },
            What::Intended {
                intent,
                turn: 1,
                tool: hostile.clone(),
                line: hostile.clone(),
                by_operator: false,
            },
            What::Rejected {
                intent,
                proposal,
                tool: hostile.clone(),
                line: hostile.clone(),
                clause: Clause::C5,
                reason: hostile.clone(),
                suggestion: Some(hostile.clone()),
                denied: false,
            },
        ] {
            let text = entry(&event(1, "note", what), None);
            let outside = outside(&text);
            prop_assert!(!outside.contains('\u{3a9}'), "{text}\n---\n{outside}");
        }
    }
}

#[test]
fn a_verdict_names_the_rule_and_a_decision_who_when_and_what_of() {
    let refused = event(
        7,
        "rejection",
        What::Rejected {
            intent: IntentId::of(b"i"),
            proposal: ProposalId::of(b"p"),
            tool: "net_get".into(),
            line: "http://10.0.0.8".into(),
            clause: Clause::C5,
            reason: "a private address".into(),
            suggestion: None,
            denied: false,
        },
    );
    let row = |rule: Option<&str>, ruling, said: &str| TraceRow {
        clause: Clause::C5,
        title: "policy".into(),
        rule: rule.map(str::to_owned),
        ruling,
        said: said.into(),
    };
    let detail = Detail {
        event: refused.clone(),
        body: None,
        trace: vec![
            row(None, Ruling::Permit, "left out"),
            row(Some("builtin/ssrf"), Ruling::Forbid, "no private addresses"),
        ],
        writs: vec!["edit from ada".into()],
        chain: ChainFacts {
            log: LogId::of(b"l"),
            index: 7,
            seq: 7,
            id: EntryId::of(&[1]),
            prev: None,
            commitment: String::new(),
            writer: String::new(),
            header: String::new(),
        },
    };
    let decided = event(
        9,
        "approval",
        What::Decided {
            proposal: ProposalId::of(b"p"),
            approved: false,
            by: DecidedBy {
                name: "ada".into(),
                via: Via::Tui,
                fully_viewed: true,
            },
            reason: "not now".into(),
            presented: PresentedDigest::of(b"shown"),
        },
    );
    let text = entry(&refused, Some(&detail)) + &entry(&decided, None);
    expect![[r#"
        **rejected** `net_get [C5] a private address` (entry 7, 2026-11-22 14:00:00 UTC)

        - C5 forbid rule `builtin/ssrf`: `no private addresses`
        - writ `edit from ada`

        **decision** `d05eff68 denied by ada via the app: not now` (entry 9, 2026-11-22 14:00:00 UTC)

        - what they were shown has the digest `bc51f2de68577c22a1dc01d92d50fad2123b9662dcf1ca4ba881b0f62df8a7aa`; all of it had been on screen

    "#]].assert_eq(&text);
}

#[test]
fn what_was_erased_or_redacted_is_said_where_it_stood() {
    let line = Event::ERASED.to_owned();
    let erased = event(4, "message", What::Note { line });
    let order = event(
        5,
        "erased",
        What::Note {
            line: "entry 01020304 erased by ada: asked for".into(),
        },
    );
    let told = head(TrajectoryId::of(b"t"), &[erased.clone(), order.clone()]);
    assert!(told.contains("**1 of them were erased**"), "{told}");
    let text = entry(&erased, None);
    assert_eq!(
        text,
        "**erased** (entry 4, 2026-11-22 14:00:00 UTC) what this entry of kind `message` said is gone\n\n"
    );
    assert!(entry(&order, None).starts_with("**note** `entry 01020304 erased by ada: asked for`"));
    let text = entry(
        &message("the key is ⟦secret:aws:12345678⟧, twice ⟦secret:aws:12345678⟧"),
        None,
    );
    assert!(
        text.contains("*redacted: 2 marks `⟦secret:..` stand here"),
        "{text}"
    );
}
