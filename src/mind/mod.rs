//! The reasoning map of a run: what led to what, as a fold of its events. Pure.
//!
//! Has no data of its own and draws nothing. Nodes and edges are only ever added, so the map of a beginning is
//! the beginning of the map. The screen and `thymos mind` read the same one.

mod fact;
mod fold;
mod node;
pub mod told;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};

use thymos_core::{IntentId, ProposalId};
use thymos_protocol::Event;

use fact::Fact;
pub use node::{Edge, Node, NodeKind, Stage, State};

/// What belongs to one turn: what it answers, its calls, what was said of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// The turn of its calls; none before there is one.
    pub turn: Option<u32>,
    /// What it begins with, if that was said in it.
    pub message: Option<usize>,
    /// Its calls, in order.
    pub rows: Vec<usize>,
    /// What the model said at its end: its calls began before.
    pub answer: Option<usize>,
    // What its calls follow from, once there is one.
    source: Option<usize>,
}

/// A call, and all that became of it. A row without an intent is of a call whose beginning was not read, or
/// of a run that broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The lane it belongs to.
    pub lane: usize,
    /// The tool; may be empty.
    pub tool: String,
    /// Its nodes, in order; never empty.
    pub nodes: Vec<usize>,
    proposal: Option<ProposalId>,
    ended: bool,
}

/// What the run was done with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The model that was used last.
    pub model: Option<String>,
    /// Calls of each tool.
    pub tools: BTreeMap<String, u64>,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
}

/// The map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mind {
    facts: Vec<Fact>,
    nodes: Vec<Node>,
    // INVARIANT: both ends are places in `nodes`, the first before the second.
    edges: Vec<Edge>,
    lanes: Vec<Lane>,
    rows: Vec<Row>,
    used: Used,
    by_intent: HashMap<IntentId, usize>,
    by_proposal: HashMap<ProposalId, usize>,
    // Calls that may begin a run, oldest first.
    delegating: VecDeque<usize>,
    // What was said last, by whoever.
    speech: Option<usize>,
}

impl Mind {
    /// The map of these events.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut mind = Self::default();
        for event in events {
            mind.absorb(event);
        }
        mind
    }

    /// Takes the next event.
    pub fn absorb(&mut self, event: &Event) {
        if let Some(fact) = fact::of(event) {
            self.add(fact);
        }
    }

    /// Puts what came before in front; what was cut by the border is joined. Folds all of it again, which
    /// takes as long as reading it did.
    pub fn prepend(&mut self, mut older: Self) {
        for fact in std::mem::take(&mut self.facts) {
            older.add(fact);
        }
        *self = older;
    }

    /// Every node, in the order in which it came.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What led to what.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The turns, in order.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// A call, by its place.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<&Row> {
        self.rows.get(row)
    }

    /// What the run was done with.
    #[must_use]
    pub fn used(&self) -> &Used {
        &self.used
    }

    /// The newest node of a call at a stage.
    #[must_use]
    pub fn at(&self, row: &Row, stage: Stage) -> Option<&Node> {
        let mut nodes = row.nodes.iter().rev().filter_map(|at| self.nodes.get(*at));
        nodes.find(|node| node.kind.stage() == stage)
    }
}
