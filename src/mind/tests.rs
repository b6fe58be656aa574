//! Tests of the map: every node once, no edge to nothing, and the map of a beginning is its beginning.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use proptest::prelude::*;
use thymos_core::approval::Via;
use thymos_core::body::{Role, Stop};
use thymos_core::budget::Cost;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::PresentedDigest;
use thymos_core::isolation::Rung;
use thymos_core::outcome::FaultKind;
use thymos_core::presentation::Presentation;
use thymos_core::trace::Clause;
use thymos_core::verdict::Ceremony;
use thymos_core::{EntryId, IntentId, ProposalId, Timestamp, TrajectoryId};
use thymos_protocol::{Card, DecidedBy, What};

use super::*;

fn events(whats: impl IntoIterator<Item = (&'static str, What)>) -> Vec<Event> {
    let at = |(seq, (kind, what)): (u64, (&str, What))| Event {
        trajectory: TrajectoryId::of(b"t"),
        seq,
        index: seq,
        at_ms: Timestamp(seq),
        entry: EntryId::of(&seq.to_be_bytes()),
        kind: kind.to_owned(),
        what,
    };
    (0..).zip(whats).map(at).collect()
}

fn said(role: Role, text: &str, turn: u32) -> (&'static str, What) {
    let what = What::Said {
        role,
        text: text.to_owned(),
        reasoning: String::new(),
        turn,
    };
    ("message", what)
}

fn intent(name: u8) -> IntentId {
    IntentId::of(&[name])
}

fn proposal(name: u8) -> ProposalId {
    ProposalId::of(&[name])
}

fn wanted(name: u8, turn: u32, tool: &str) -> (&'static str, What) {
    let what = What::Intended {
        intent: intent(name),
        turn,
        tool: tool.to_owned(),
        line: format!("call {name}"),
        by_operator: false,
    };
    ("intent", what)
}

fn started(name: u8, tool: &str, allowed_by: &str) -> (&'static str, What) {
    let what = What::Started {
        intent: intent(name),
        proposal: proposal(name),
        tool: tool.to_owned(),
        line: String::new(),
        effect: EffectClass::Read,
        risk: Risk::Low,
        rung: Rung::L3,
        allowed_by: allowed_by.to_owned(),
    };
    ("started", what)
}

fn committed(name: u8, ok: bool) -> (&'static str, What) {
    let what = What::Committed {
        intent: intent(name),
        proposal: proposal(name),
        tool: "x".into(),
        line: String::new(),
        ok,
        summary: "done".into(),
        observation: String::new(),
        changes: Vec::new(),
        cost: Cost::default(),
        rung: None,
        truncated: false,
        unseen: None,
    };
    ("commit", what)
}

fn failed(name: u8) -> (&'static str, What) {
    let what = What::Failed {
        intent: intent(name),
        proposal: proposal(name),
        tool: "x".into(),
        line: String::new(),
        fault: FaultKind::Cancelled,
        message: "stopped".into(),
        changes: Vec::new(),
        cost: Cost::default(),
    };
    ("failure", what)
}

fn rejected(name: u8) -> (&'static str, What) {
    let what = What::Rejected {
        intent: intent(name),
        proposal: proposal(name),
        tool: "x".into(),
        line: String::new(),
        clause: Clause::C8,
        reason: "no grant".into(),
        suggestion: None,
        denied: false,
    };
    ("rejection", what)
}

fn suspended(name: u8) -> (&'static str, What) {
    let card = Card {
        proposal: proposal(name),
        presented: PresentedDigest::of(&[name]),
        tool: "x".into(),
        line: String::new(),
        effect: EffectClass::Write,
        risk: Risk::Low,
        reversible: true,
        reasons: vec!["rule asks".into()],
        presentation: Presentation { fields: Vec::new() },
        ceremony: Ceremony {
            arming_ms: 0,
            view_gate: false,
            type_back: false,
            batch: false,
        },
        quorum: 1,
        diffstat: None,
        held_at: Timestamp(0),
        expires_at: None,
    };
    let what = What::Suspended {
        intent: intent(name),
        card: Box::new(card),
    };
    ("pending_approval", what)
}

fn decided(name: u8, approved: bool) -> (&'static str, What) {
    let what = What::Decided {
        proposal: proposal(name),
        approved,
        by: DecidedBy {
            name: "ada".into(),
            via: Via::Tui,
            fully_viewed: true,
        },
        reason: String::new(),
        presented: PresentedDigest::of(&[name]),
    };
    ("approval", what)
}

fn note(kind: &'static str, line: &str) -> (&'static str, What) {
    (kind, What::Note { line: line.into() })
}

fn closed(stop: Stop) -> (&'static str, What) {
    ("closed", What::Closed { stop, turns: 1 })
}

fn used() -> (&'static str, What) {
    let what = What::Used {
        provider: "p".into(),
        model: "m".into(),
        tokens_in: 10,
        tokens_out: 2,
        usd_millicents: None,
        wall_clock_ms: 0,
    };
    ("usage", what)
}

/// One of everything that can stand in a run, about one of a few calls.
fn any_event() -> impl Strategy<Value = (&'static str, What)> {
    let name = 0u8..4;
    (name, 0u32..3, 0usize..17).prop_map(|(name, turn, which)| match which {
        0 => said(Role::Operator, "do it", turn),
        1 => said(Role::Model, "I do", turn),
        2 => said(Role::Model, "", turn),
        3 => said(Role::Steer, "rather so", turn),
        4 => wanted(name, turn, "fs_read"),
        5 => wanted(name, turn, "delegate"),
        6 => started(name, "delegate", "rule a"),
        7 => started(name, "fs_read", "rule a"),
        8 => committed(name, turn > 0),
        9 => failed(name),
        10 => rejected(name),
        11 => suspended(name),
        12 => decided(name, turn > 0),
        13 => note("delegation", "delegated to 9b21ffff: find callers"),
        14 => note("message", Event::ERASED),
        15 => closed(Stop::Cancelled),
        _ => used(),
    })
}

proptest! {
    #[test]
    fn every_node_stands_in_one_place(whats in prop::collection::vec(any_event(), 0..40)) {
        let mind = Mind::of(&events(whats));
        let mut places: Vec<usize> = Vec::new();
        let mut in_lanes: Vec<usize> = Vec::new();
        for (at, lane) in mind.lanes().iter().enumerate() {
            places.extend(lane.message.iter().chain(&lane.answer));
            in_lanes.extend(&lane.rows);
            for row in &lane.rows {
                let row = mind.row(*row).unwrap();
                prop_assert_eq!(row.lane, at);
                prop_assert!(!row.nodes.is_empty());
                places.extend(&row.nodes);
            }
        }
        in_lanes.sort_unstable();
        prop_assert_eq!(in_lanes, (0..mind.rows.len()).collect::<Vec<_>>());
        places.sort_unstable();
        prop_assert_eq!(places, (0..mind.nodes().len()).collect::<Vec<_>>());
        // A lane goes from left to right.
        for lane in mind.lanes() {
            for row in &lane.rows {
                let first = mind.row(*row).unwrap().nodes[0];
                prop_assert!(lane.message.is_none_or(|message| message < first));
                prop_assert!(lane.answer.is_none_or(|answer| answer > first));
            }
        }
        for (at, node) in mind.nodes().iter().enumerate() {
            prop_assert_eq!(node.id, at);
            let row = node.row.map(|row| mind.row(row).unwrap());
            prop_assert!(row.is_none_or(|row| row.nodes.contains(&at) && row.lane == node.lane));
        }
    }

    #[test]
    fn no_edge_leads_to_nothing_and_none_back(whats in prop::collection::vec(any_event(), 0..40)) {
        let mind = Mind::of(&events(whats));
        let mut seen = BTreeSet::new();
        for edge in mind.edges() {
            prop_assert!(edge.from < edge.to && edge.to < mind.nodes().len(), "{edge:?}");
            prop_assert!(seen.insert((edge.from, edge.to)), "twice: {edge:?}");
        }
        // What stands in a row follows from what stands before it.
        for row in &mind.rows {
            for pair in row.nodes.windows(2) {
                prop_assert!(seen.contains(&(pair[0], pair[1])));
            }
        }
    }

    #[test]
    fn the_map_of_a_beginning_is_its_beginning(
        whats in prop::collection::vec(any_event(), 0..40),
        cut in 0usize..40,
    ) {
        let all = events(whats);
        let whole = Mind::of(&all);
        let part = Mind::of(all.iter().take(cut));
        prop_assert!(whole.nodes().starts_with(part.nodes()));
        prop_assert!(whole.edges().starts_with(part.edges()));
        let nodes = all.iter().take(cut).filter_map(super::fact::of);
        let tells = nodes.filter(|fact| !matches!(fact.did, super::fact::Did::Used { .. }));
        prop_assert!(part.nodes().len() >= tells.count(), "what tells something has a node");
    }

    #[test]
    fn older_events_join_as_if_they_had_come_first(
        whats in prop::collection::vec(any_event(), 0..40),
        cut in 0usize..40,
    ) {
        let all = events(whats);
        let (older, newer) = all.split_at(cut.min(all.len()));
        let mut mind = Mind::of(newer);
        mind.prepend(Mind::of(older));
        prop_assert_eq!(mind, Mind::of(&all));
    }
}

/// A run with one of everything that the map tells apart.
fn run() -> Vec<Event> {
    events([
        said(Role::Operator, "add retry to the client\nplease", 0),
        used(),
        said(Role::Model, "", 0),
        wanted(1, 0, "fs_read"),
        wanted(2, 0, "fs_patch"),
        wanted(3, 0, "net_get"),
        started(1, "fs_read", "rule read-ws"),
        committed(1, true),
        suspended(2),
        rejected(3),
        decided(2, true),
        started(2, "fs_patch", "approved by ada"),
        failed(2),
        said(Role::Model, "I try again", 1),
        wanted(4, 1, "delegate"),
        started(4, "delegate", "rule agents"),
        note("delegation", "delegated to 9b21ffff: find callers"),
        said(Role::Steer, "only in src", 1),
        committed(4, true),
        said(Role::Model, "found three", 2),
        closed(Stop::Cancelled),
    ])
}

#[test]
fn the_tree_in_words_tells_all_of_it() {
    let mind = Mind::of(&run());
    expect![[r#"
        turn 1
          message 0: add retry to the client
          intent 3: fs_read call 1
            proposal 6: c3ffd156
            verdict 6: staged rule read-ws
            execution 6: begun effect read, cage L3
            commit 7: ok 0 ms, done
          intent 4: fs_patch call 2
            proposal 8: 2eb72bee
            verdict 8: SUSPENDED rule asks
            verdict 10: approved ada
            execution 11: begun effect read, cage L3
            error 12: failed cancelled: stopped
          intent 5: net_get call 3
            proposal 9: 851b7780
            verdict 9: REJECTED C8 no grant
          answer 13: I try again
        turn 2
          intent 14: delegate call 4
            proposal 15: 028b4e69
            verdict 15: staged rule agents
            execution 15: begun effect read, cage L3
            child run 16: begun t-9b21ffff: find callers
            commit 18: ok 0 ms, done
        turn 3
          steer 17: only in src
          answer 19: found three
        turn 4
          error 20: failed cancelled
    "#]]
    .assert_eq(&(told::lines(&mind).join("\n") + "\n"));
    let used = told::used(&mind).unwrap();
    assert_eq!(
        used,
        "model p/m, delegate 1, fs_patch 1, fs_read 1, net_get 1, tokens 10 in, 2 out"
    );
}

#[test]
fn an_answer_follows_from_every_call_of_its_turn() {
    let mind = Mind::of(&run());
    let find = |kind, words: &str| {
        let mut nodes = mind.nodes().iter();
        nodes
            .find(|node| node.kind == kind && node.label.contains(words))
            .unwrap()
            .id
    };
    let answer = find(NodeKind::Answer, "I try again");
    let before: BTreeSet<usize> = mind
        .edges()
        .iter()
        .filter(|edge| edge.to == answer)
        .map(|edge| edge.from)
        .collect();
    let due = [
        find(NodeKind::Commit, "done"),
        find(NodeKind::Error, "stopped"),
        find(NodeKind::Verdict, "no grant"),
    ];
    assert_eq!(before, due.into());
    // And the next call from the answer.
    let next = find(NodeKind::Intent, "delegate");
    assert!(mind.edges().contains(&Edge {
        from: answer,
        to: next
    }));
}

#[test]
fn runs_that_are_begun_side_by_side_go_to_their_calls_in_order() {
    let mind = Mind::of(&events([
        wanted(1, 0, "delegate"),
        wanted(2, 0, "delegate"),
        wanted(3, 0, "delegate"),
        started(1, "delegate", "rule a"),
        started(2, "delegate", "rule a"),
        started(3, "delegate", "rule a"),
        failed(1),
        note("delegation", "delegated to 22222222: b"),
        note("delegation", "delegated to 33333333: c"),
        note("delegation_result", "delegated run 22222222 ended: done"),
    ]));
    let children = mind
        .nodes()
        .iter()
        .filter(|node| node.kind == NodeKind::Child);
    let rows: BTreeMap<&str, Option<usize>> = children
        .map(|node| (node.label.as_str(), node.row))
        .collect();
    assert_eq!(
        rows,
        [("t-22222222: b", Some(1)), ("t-33333333: c", Some(2))].into()
    );
}

#[test]
fn what_others_wrote_is_one_line_and_short() {
    let long = "x".repeat(10_000);
    let mind = Mind::of(&events([
        said(Role::Operator, &format!("\n\n\u{1b}[2J{long}"), 0),
        said(Role::Model, "a\nturn 9", 0),
    ]));
    let lines = told::lines(&mind);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines
            .iter()
            .all(|line| line.len() < 300 && !line.contains('\u{1b}'))
    );
}
