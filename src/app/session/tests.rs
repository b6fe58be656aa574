//! Tests of pulling: gaps are asked for again, groups cut by a window are made whole.

use thymos_core::body::Role;
use thymos_core::isolation::Rung;
use thymos_core::writ::Mode;
use thymos_core::{EntryId, IntentId, Timestamp, WritId};
use thymos_protocol::{ChainState, Event, WritSummary};

use super::*;

fn trajectory() -> TrajectoryId {
    TrajectoryId::of(b"t")
}

fn status(head_seq: u64) -> Status {
    Status {
        trajectory: trajectory(),
        workspace: "/w".into(),
        head_seq,
        mode: Mode::Edit,
        writ: WritSummary {
            id: WritId::of(b"w"),
            name: "edit".into(),
            effects: "read".into(),
            expires_at: None,
            revoked: false,
            budget: Vec::new(),
        },
        model: "practice".into(),
        context: None,
        running: None,
        pending: 0,
        in_doubt: 0,
        in_doubt_elsewhere: 0,
        unstored: false,
        chain: ChainState::Unverified,
        outside: None,
        rung: Rung::L0,
    }
}

fn event(seq: u64, what: What) -> Event {
    Event {
        trajectory: trajectory(),
        seq,
        index: seq,
        at_ms: Timestamp(seq),
        entry: EntryId::of(&seq.to_be_bytes()),
        kind: "x".into(),
        what,
    }
}

fn said(seq: u64) -> Event {
    let what = What::Said {
        role: Role::Operator,
        text: format!("{seq}"),
        reasoning: String::new(),
        turn: 1,
    };
    event(seq, what)
}

fn page(events: Vec<Event>, head: u64) -> Page {
    Page {
        events,
        status: Some(Box::new(status(head))),
    }
}

fn opened(head: u64) -> Session {
    let mut session = Session::default();
    session.open(status(head));
    session
}

fn from_seq(command: Option<Command>) -> Option<u64> {
    match command {
        Some(Command::Page { from_seq, .. }) => Some(from_seq),
        _ => None,
    }
}

#[test]
fn one_pull_at_a_time_until_the_head_is_reached() {
    let mut session = opened(2);
    assert_eq!(from_seq(session.pull()), Some(0));
    assert_eq!(session.pull(), None);
    session.absorb(page(vec![said(0), said(1)], 2));
    assert_eq!(from_seq(session.pull()), Some(2));
    session.absorb(page(vec![said(2)], 2));
    assert_eq!(session.pull(), None);
}

#[test]
fn an_event_that_is_not_next_is_not_taken() {
    let mut session = opened(3);
    session.pull();
    session.absorb(page(vec![said(1), said(0), said(0), said(2)], 3));
    assert_eq!(session.next_seq(), 1);
    assert_eq!(
        from_seq(session.pull()),
        Some(1),
        "what was left out is asked for again"
    );
}

#[test]
fn an_empty_page_waits_for_the_next_bell() {
    let mut session = opened(5);
    session.pull();
    session.absorb(page(Vec::new(), 5));
    assert_eq!(session.pull(), None);
    session.ring(&Heads {
        log_len: 9,
        lens: [(trajectory(), 6)].into(),
        epoch: 0,
    });
    assert_eq!(from_seq(session.pull()), Some(0));
}

#[test]
fn a_bell_of_another_epoch_pulls_the_status() {
    let mut session = opened(0);
    session.pull();
    session.absorb(page(vec![said(0)], 0));
    session.ring(&Heads {
        log_len: 1,
        lens: [(trajectory(), 1)].into(),
        epoch: 1,
    });
    assert_eq!(from_seq(session.pull()), Some(1));
}

#[test]
fn a_long_trajectory_is_opened_at_its_end() {
    let mut session = opened(99_999);
    assert_eq!(session.older(), 100_000 - WINDOW_EVENTS);
    assert_eq!(from_seq(session.pull()), Some(100_000 - WINDOW_EVENTS));
    assert_eq!(
        from_seq(session.pull_older()),
        Some(100_000 - WINDOW_EVENTS - 256)
    );
    assert_eq!(session.pull_older(), None, "one at a time");
}

#[test]
fn a_group_cut_by_the_window_is_made_whole() {
    let (intent, proposal) = (IntentId::of(b"i"), ProposalId::of(b"p"));
    let wanted = What::Intended {
        intent,
        turn: 1,
        tool: "kv_get".into(),
        line: "kv_get a".into(),
        by_operator: false,
    };
    let settled = What::Settled {
        proposal,
        how: "it happened".into(),
        by: "ada".into(),
    };
    let failed = What::Failed {
        intent,
        proposal,
        tool: "kv_get".into(),
        line: "kv_get a".into(),
        fault: thymos_core::outcome::FaultKind::Failed,
        message: "no".into(),
        changes: Vec::new(),
        cost: thymos_core::budget::Cost::default(),
    };
    let head = WINDOW_EVENTS + 1;
    let mut session = opened(head);
    assert_eq!(session.older(), 2);
    session.pull();
    let mut events = vec![event(2, failed)];
    events.extend((3..head).map(said));
    events.push(event(head, settled));
    session.absorb(page(events, head));
    session.pull_older();
    assert_eq!(
        session.absorb_older(page(vec![said(0), event(1, wanted)], head)),
        1
    );
    let group = session.story().group(proposal).unwrap();
    assert_eq!(
        (group.seq, group.steps.len(), group.tool.as_str()),
        (1, 3, "kv_get")
    );
    assert_eq!(group.standing(), Standing::Settled);
}

#[test]
fn an_older_page_with_a_gap_is_not_taken() {
    let mut session = opened(WINDOW_EVENTS + 2);
    session.pull_older();
    assert_eq!(session.absorb_older(page(vec![said(0), said(2)], 0)), 0);
    assert_eq!(session.older(), 3);
}

#[test]
fn output_keeps_its_edges_and_its_count() {
    let text: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
    let output = Output::of(&text.join("\n"));
    assert_eq!(output.first, ["1", "2", "3", "4", "5"]);
    assert_eq!(output.last, ["96", "97", "98", "99", "100"]);
    assert_eq!((output.hidden, output.lines()), (90, 100));
    assert_eq!(Output::of("a\nb").hidden, 0);
    assert!(Output::of(&"x".repeat(9_000)).first[0].ends_with("[line cut]"));
}
