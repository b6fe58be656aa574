//! Tests of the card's guards and of its rows.

use std::time::Duration;

use ratatui::text::Line;
use thymos_core::approval::Decision;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::ProposalId;
use thymos_core::presentation::{Field, Label, Presentation};
use thymos_core::verdict::Ceremony;
use thymos_core::{Timestamp, TrajectoryId};
use thymos_protocol::{Card, HoldRow};

use super::view::rows;
use super::{Block, CardLine, CardPane, Tone, lines};
use crate::theme::Theme;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn hold(name: &str, lines: &[&str]) -> HoldRow {
    let presentation = Presentation {
        fields: vec![Field {
            label: Label::What,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }],
    };
    HoldRow {
        trajectory: TrajectoryId::of(b"t"),
        seq: 3,
        workspace: "/srv".into(),
        card: Card {
            proposal: ProposalId::of(name.as_bytes()),
            presented: presentation.digest().unwrap(),
            tool: "shell".into(),
            line: "shell ls".into(),
            effect: EffectClass::External,
            risk: Risk::High,
            reversible: false,
            reasons: Vec::new(),
            presentation,
            ceremony: Ceremony {
                arming_ms: 400,
                view_gate: false,
                type_back: false,
                batch: false,
            },
            quorum: 1,
            diffstat: None,
            held_at: Timestamp(0),
            expires_at: None,
        },
        approvals: 0,
        approved_by: Vec::new(),
        lineage: Vec::new(),
    }
}

fn open(row: HoldRow) -> CardPane {
    let mut card = CardPane::default();
    card.show(row, ms(0));
    card.hears(true, ms(100));
    card
}

#[test]
fn arming_counts_from_the_last_of_focus_and_content() {
    let mut card = open(hold("one", &["a"]));
    assert_eq!(card.may(Decision::Approve, ms(499)), Err(Block::NotArmed));
    assert_eq!(card.may(Decision::Approve, ms(500)), Ok(()));
    card.show(hold("two", &["b"]), ms(1_000));
    assert_eq!(card.armed_at(), Some(ms(1_400)));
    card.hears(false, ms(1_500));
    assert_eq!(card.armed_at(), None);
    assert!(!card.is_armed(ms(9_000)));
}

#[test]
fn a_frame_is_wanted_once_when_the_card_becomes_armed() {
    let mut card = open(hold("one", &["a"]));
    assert_eq!(card.wake(ms(200)), Some(ms(500)));
    assert_eq!(card.wake(ms(300)), None);
    assert_eq!(card.wake(ms(600)), None);
}

#[test]
fn presses_close_together_are_one_key_held_down() {
    let mut card = open(hold("one", &["a"]));
    assert_eq!(card.press(ms(1_000)), Ok(()));
    assert_eq!(card.press(ms(1_030)), Err(Block::Repeated));
    assert_eq!(card.press(ms(1_060)), Err(Block::Repeated));
    assert_eq!(card.press(ms(1_120)), Ok(()));
}

#[test]
fn an_answer_is_about_what_is_on_the_card_and_given_once() {
    let row = hold("one", &["a"]);
    let about = (row.card.proposal, row.card.presented);
    let other = hold("one", &["b"]).card.presented;
    let mut card = open(row);
    let wrong = card.answer((about.0, other), Decision::Approve, String::new());
    assert!(matches!(wrong, Err(Block::Closed(_))));
    assert!(card.answer(about, Decision::Approve, String::new()).is_ok());
    let again = card.answer(about, Decision::Deny, String::new());
    assert_eq!(again, Err(Block::Answered));
    card.not_taken(about.0);
    assert!(card.answer(about, Decision::Deny, String::new()).is_ok());
}

#[test]
fn a_hold_that_is_gone_is_told_until_it_has_a_reason() {
    let row = hold("one", &["a"]);
    let proposal = row.card.proposal;
    let mut card = open(row);
    assert_eq!(card.refresh(&[], ms(1)), Some(proposal));
    card.close(proposal, "denied by ada (cli)");
    assert_eq!(card.refresh(&[], ms(2)), None);
    assert_eq!(
        card.may(Decision::Deny, ms(9_000)),
        Err(Block::Closed("denied by ada (cli)".into()))
    );
}

#[test]
fn fields_are_told_in_order_each_line_once() {
    let field = |label, lines: &[&str]| Field {
        label,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let presentation = Presentation {
        fields: vec![
            field(Label::What, &["$ ls", "cwd /srv"]),
            field(
                Label::Body,
                &["--- a", "+++ b", "@@ -1 +1 @@", "--- x", "+y"],
            ),
            field(Label::Notes, &["+ not a diff"]),
        ],
    };
    let told = lines::of(&presentation);
    let texts: Vec<&str> = told.iter().map(|line| line.text.as_str()).collect();
    let all: Vec<&String> = presentation.fields.iter().flat_map(|f| &f.lines).collect();
    assert_eq!(texts, all);
    let tones: Vec<Tone> = told.iter().map(|line| line.tone).collect();
    assert_eq!(
        tones,
        [
            Tone::Command,
            Tone::Plain,
            Tone::Plain,
            Tone::Plain,
            Tone::Hunk,
            Tone::Removed,
            Tone::Added,
            Tone::Plain
        ]
    );
    let labels: Vec<Label> = told.iter().filter_map(|line| line.label).collect();
    assert_eq!(labels, [Label::What, Label::Body, Label::Notes]);
}

#[test]
fn rows_put_together_are_the_line() {
    let line = CardLine {
        label: Some(Label::What),
        text: "rm -rf  /home/ada/x    y".into(),
        tone: Tone::Command,
    };
    let text = |rows: Vec<Line<'static>>| -> String {
        rows.iter()
            .map(|row| {
                row.spans
                    .iter()
                    .skip(1)
                    .map(|span| span.content.as_ref())
                    .collect::<String>()
            })
            .collect()
    };
    for width in 1..60 {
        assert_eq!(
            text(rows(&line, width, &Theme::mono())),
            line.text,
            "{width}"
        );
    }
}
