//! One fact more on the map: which nodes it adds, where, and what they follow from.

use super::fact::{About, Did, Fact};
use super::{Edge, Lane, Mind, Node, NodeKind, Row, State};

/// The tool that begins other runs.
const DELEGATES: &str = "delegate";

/// What a new node says.
struct New<'a> {
    fact: &'a Fact,
    kind: NodeKind,
    state: State,
    label: String,
}

impl Mind {
    pub(super) fn add(&mut self, fact: Fact) {
        match &fact.did {
            Did::Asked { steers, line } => self.asked(&fact, *steers, line),
            Did::Answered { line } => self.answered(&fact, line),
            Did::Wanted { about, turn, line } => self.wanted(&fact, about, *turn, line),
            Did::Judged { about, state, line } => {
                let row = self.proposed(&fact, about);
                self.step(row, new(&fact, NodeKind::Verdict, *state, line));
            }
            Did::Began {
                about,
                allowed,
                line,
            } => self.began(&fact, about, allowed, line),
            Did::Ended { about, state, line } => {
                let row = self.call(about);
                let kind = match state {
                    State::Failed => NodeKind::Error,
                    _ => NodeKind::Commit,
                };
                self.step(row, new(&fact, kind, *state, line));
                if let Some(row) = self.rows.get_mut(row) {
                    row.ended = true;
                }
            }
            Did::Delegated { line } => self.delegated(&fact, line),
            Did::Broke { line } => {
                let row = self.new_row(None, &About::default());
                let after = self.nodes.len().checked_sub(1);
                let node = self.step(row, new(&fact, NodeKind::Error, State::Failed, line));
                self.link(after, node);
            }
            Did::Used {
                model,
                tokens_in,
                tokens_out,
            } => {
                self.used.model = Some(model.clone());
                self.used.tokens_in = self.used.tokens_in.saturating_add(*tokens_in);
                self.used.tokens_out = self.used.tokens_out.saturating_add(*tokens_out);
            }
        }
        self.facts.push(fact);
    }

    fn asked(&mut self, fact: &Fact, steers: bool, line: &str) {
        let lane = self.push_lane(None);
        let kind = match steers {
            true => NodeKind::Steer,
            false => NodeKind::Message,
        };
        let node = self.push(lane, None, new(fact, kind, State::Said, line));
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.message = Some(node);
        }
        self.speech = Some(node);
    }

    /// What is said after calls is of their turn; it follows from all of them.
    fn answered(&mut self, fact: &Fact, line: &str) {
        let free = self.lanes.last().is_some_and(|lane| lane.answer.is_none());
        let lane = match free {
            true => self.lanes.len() - 1,
            false => self.push_lane(None),
        };
        let node = self.push(lane, None, new(fact, NodeKind::Answer, State::Said, line));
        let rows = self.lanes.get(lane).map_or(&[][..], |lane| &lane.rows);
        let ends: Vec<usize> = rows
            .iter()
            .filter_map(|row| self.rows.get(*row)?.nodes.last().copied())
            .collect();
        if ends.is_empty() {
            self.link(self.speech, node);
        }
        for end in ends {
            self.link(Some(end), node);
        }
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.answer = Some(node);
        }
        self.speech = Some(node);
    }

    fn wanted(&mut self, fact: &Fact, about: &About, turn: u32, line: &str) {
        let row = self.new_row(Some(turn), about);
        *self.used.tools.entry(about.tool.clone()).or_default() += 1;
        let source = self.source(row);
        let node = self.step(row, new(fact, NodeKind::Intent, State::Said, line));
        self.link(source, node);
        if let Some(intent) = about.intent {
            self.by_intent.insert(intent, row);
            if let Some(node) = self.nodes.get_mut(node) {
                node.intent = Some(intent);
            }
        }
    }

    fn began(&mut self, fact: &Fact, about: &About, allowed: &str, line: &str) {
        let row = self.proposed(fact, about);
        let verdict = self
            .rows
            .get(row)
            .and_then(|row| self.at(row, NodeKind::Verdict.stage()))
            .map(|node| node.state);
        if !matches!(verdict, Some(State::Approved | State::Staged)) {
            self.step(row, new(fact, NodeKind::Verdict, State::Staged, allowed));
        }
        self.step(row, new(fact, NodeKind::Execution, State::Begun, line));
        if about.tool == DELEGATES {
            self.delegating.push_back(row);
        }
    }

    /// The entry does not name the call: it is of the first one that delegates and has begun no run yet.
    fn delegated(&mut self, fact: &Fact, line: &str) {
        let waits = loop {
            let Some(row) = self.delegating.pop_front() else {
                break None;
            };
            if self.rows.get(row).is_some_and(|row| !row.ended) {
                break Some(row);
            }
        };
        let row = waits.unwrap_or_else(|| self.new_row(None, &About::default()));
        self.step(row, new(fact, NodeKind::Child, State::Begun, line));
    }

    /// The row of a call, with a node for its proposal.
    fn proposed(&mut self, fact: &Fact, about: &About) -> usize {
        let row = self.call(about);
        let Some(proposal) = about.proposal else {
            return row;
        };
        let known = self.rows.get(row).and_then(|row| row.proposal);
        if known != Some(proposal) {
            if let Some(row) = self.rows.get_mut(row) {
                row.proposal = Some(proposal);
            }
            let label = proposal.short();
            self.step(row, new(fact, NodeKind::Proposal, State::Said, &label));
        }
        row
    }

    /// The row of a call; a new one when its beginning was not read.
    fn call(&mut self, about: &About) -> usize {
        let known = about
            .proposal
            .and_then(|id| self.by_proposal.get(&id))
            .or_else(|| about.intent.and_then(|id| self.by_intent.get(&id)))
            .copied();
        let row = known.unwrap_or_else(|| self.new_row(None, about));
        if let Some(proposal) = about.proposal {
            self.by_proposal.insert(proposal, row);
        }
        row
    }

    /// A row in the lane of that turn; without one, in the newest. What comes after an answer is a turn of its
    /// own, so that every lane goes from left to right.
    fn new_row(&mut self, turn: Option<u32>, about: &About) -> usize {
        let same = |lane: &Lane| turn.is_none() || lane.rows.is_empty() || lane.turn == turn;
        let fits = |lane: &Lane| lane.answer.is_none() && same(lane);
        let lane = match self.lanes.last().is_some_and(fits) {
            true => self.lanes.len() - 1,
            false => self.push_lane(turn),
        };
        let row = self.rows.len();
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.turn = lane.turn.or(turn);
            lane.rows.push(row);
        }
        self.rows.push(Row {
            lane,
            tool: about.tool.clone(),
            nodes: Vec::new(),
            proposal: None,
            ended: false,
        });
        row
    }

    /// What the calls of a lane follow from: what was said last before the first of them.
    fn source(&mut self, row: usize) -> Option<usize> {
        let speech = self.speech;
        let lane = self.rows.get(row)?.lane;
        let lane = self.lanes.get_mut(lane)?;
        lane.source = lane.source.or(speech);
        lane.source
    }

    fn push_lane(&mut self, turn: Option<u32>) -> usize {
        self.lanes.push(Lane {
            turn,
            ..Lane::default()
        });
        self.lanes.len() - 1
    }

    /// A node at the end of a row.
    fn step(&mut self, row: usize, new: New<'_>) -> usize {
        let (lane, last, proposal) = self.rows.get(row).map_or((0, None, None), |row| {
            (row.lane, row.nodes.last().copied(), row.proposal)
        });
        let node = self.push(lane, Some(row), new);
        if let Some(node) = self.nodes.get_mut(node) {
            node.proposal = proposal;
        }
        self.link(last, node);
        if let Some(row) = self.rows.get_mut(row) {
            row.nodes.push(node);
        }
        node
    }

    fn push(&mut self, lane: usize, row: Option<usize>, new: New<'_>) -> usize {
        let id = self.nodes.len();
        self.nodes.push(Node {
            id,
            kind: new.kind,
            state: new.state,
            seq: new.fact.seq,
            entry: new.fact.entry,
            lane,
            row,
            label: new.label,
            intent: None,
            proposal: None,
        });
        id
    }

    fn link(&mut self, from: Option<usize>, to: usize) {
        if let Some(from) = from {
            self.edges.push(Edge { from, to });
        }
    }
}

fn new<'a>(fact: &'a Fact, kind: NodeKind, state: State, label: &str) -> New<'a> {
    New {
        fact,
        kind,
        state,
        label: label.to_owned(),
    }
}
