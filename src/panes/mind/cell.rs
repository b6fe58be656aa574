//! One node in a few words, with its role.

use crate::app::session::Session;
use crate::mind::{Mind, Node, NodeKind, Stage, State};
use crate::theme::Role;

/// Whether a text stands in what a node says. The text is in small letters.
pub(crate) fn matches(node: &Node, text: &str) -> bool {
    let has = |words: &str| words.to_lowercase().contains(text);
    has(&node.label) || has(node.kind.word()) || has(node.state.word())
}

/// What a cell says.
pub(crate) fn words(session: &Session, node: &Node) -> String {
    let mind = session.mind();
    match node.kind {
        NodeKind::Message | NodeKind::Answer => format!("\"{}\"", node.label),
        NodeKind::Steer => format!("S \"{}\"", node.label),
        NodeKind::Intent | NodeKind::Child => node.label.clone(),
        NodeKind::Proposal => {
            let short: String = node.label.chars().take(4).collect();
            format!("P {short}")
        }
        NodeKind::Verdict => verdict(session, node),
        NodeKind::Execution => match end(mind, node) {
            Some(end) => format!("{} {}", end.state.word(), end.label),
            None if is_unsettled(session, node) => "unsettled".to_owned(),
            None => "running".to_owned(),
        },
        NodeKind::Commit => format!("C {}", node.seq),
        NodeKind::Error => match node.proposal {
            Some(_) => format!("X {}", node.seq),
            // It is about the run, and no execution beside it says why.
            None => format!("X {} {}", node.seq, node.label),
        },
    }
}

/// The same in a column that is too narrow for it.
pub(crate) fn short(node: &Node, words: String) -> String {
    match node.kind {
        NodeKind::Verdict if node.state == State::Staged => node.state.word().to_owned(),
        // How it went and how long it took; what it says is in its entry.
        NodeKind::Execution => match words.split_once(',') {
            Some((first, _)) => first.to_owned(),
            None => words,
        },
        _ => words,
    }
}

fn verdict(session: &Session, node: &Node) -> String {
    let number = node.proposal.and_then(|proposal| session.number(proposal));
    match (node.state, number) {
        (State::Suspended, Some(number)) => format!("{} #{number}", node.state.word()),
        _ => format!("{} {}", node.state.word(), node.label)
            .trim_end()
            .to_owned(),
    }
}

/// How what an execution began has ended, if it has.
fn end<'a>(mind: &'a Mind, node: &Node) -> Option<&'a Node> {
    let row = mind.row(node.row?)?;
    mind.at(row, Stage::Commit).filter(|end| end.id > node.id)
}

fn is_unsettled(session: &Session, node: &Node) -> bool {
    let group = node.proposal.and_then(|id| session.story().group(id));
    group.is_some_and(|group| session.is_unsettled(group))
}

/// What colours a cell; its words say the same.
pub(crate) fn role(mind: &Mind, node: &Node) -> Role {
    match node.kind {
        NodeKind::Message | NodeKind::Steer => Role::User,
        NodeKind::Answer => Role::Model,
        NodeKind::Intent => Role::Text,
        NodeKind::Proposal => Role::Muted,
        NodeKind::Child => Role::Accent,
        NodeKind::Execution => state_role(end(mind, node).map_or(node.state, |end| end.state)),
        NodeKind::Verdict | NodeKind::Commit | NodeKind::Error => state_role(node.state),
    }
}

fn state_role(state: State) -> Role {
    match state {
        State::Said => Role::Text,
        State::Staged => Role::VerdictStaged,
        State::Suspended => Role::VerdictSuspended,
        State::Approved => Role::VerdictApproved,
        State::Denied => Role::VerdictDenied,
        State::Rejected => Role::VerdictRejected,
        State::Superseded => Role::Muted,
        State::Begun => Role::VerdictRunning,
        State::Done => Role::Ok,
        State::Failed => Role::Danger,
        State::Settled => Role::Warn,
    }
}

/// A folded turn: how often each tool was called, and what went wrong.
pub(crate) fn folded(mind: &Mind, lane: usize) -> String {
    let Some(lane) = mind.lanes().get(lane) else {
        return String::new();
    };
    let mut tools: Vec<(&str, usize)> = Vec::new();
    let (mut refused, mut failed) = (0, 0);
    for row in lane.rows.iter().filter_map(|row| mind.row(*row)) {
        match tools.iter_mut().find(|(tool, _)| *tool == row.tool) {
            Some((_, count)) => *count += 1,
            None => tools.push((&row.tool, 1)),
        }
        let last = row.nodes.last().and_then(|at| mind.nodes().get(*at));
        match last.map(|node| node.state) {
            Some(State::Rejected | State::Denied) => refused += 1,
            Some(State::Failed) => failed += 1,
            _ => {}
        }
    }
    let mut words: Vec<String> = tools
        .into_iter()
        .filter(|(tool, _)| !tool.is_empty())
        .map(|(tool, count)| format!("{tool} x{count}"))
        .collect();
    let bad = [(refused, "rejected"), (failed, "failed")];
    let bad = bad.into_iter().filter(|(count, _)| *count > 0);
    words.extend(bad.map(|(count, word)| format!("{count} {word}")));
    words.join(", ")
}
