//! The map cut into strips, a line of the screen each: a call, a folded turn, or words alone.

use std::collections::BTreeMap;

use crate::mind::{Lane, Mind, Node, Stage};

use super::show::Show;

/// Calls of a turn from which on it is folded, unless it is the newest.
pub(super) const LONG: usize = 12;

/// What a strip shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A call.
    Row(usize),
    /// All calls of a turn in a few words.
    Folded,
    /// What was said, without a call beside it.
    Bare,
    /// On a narrow map: what the turn begins with.
    Message,
    /// On a narrow map: what the model said.
    Answer,
}

/// One line of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Strip {
    pub(super) lane: usize,
    pub(super) kind: Kind,
    /// The first of its lane, which has the turn's number and on a wide map what was said.
    pub(super) first: bool,
    /// The last of its lane.
    pub(super) last: bool,
}

/// How the map is cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Cut {
    pub(super) show: Show,
    /// Turns that a person folded or unfolded, by the entry of their first node.
    pub(super) folds: BTreeMap<u64, bool>,
    /// Whether stages stand in columns.
    pub(super) wide: bool,
    /// While something is looked for, only what is folded meanwhile is.
    pub(super) searching: bool,
}

impl Cut {
    /// Every strip, in order.
    pub(super) fn strips(&self, mind: &Mind) -> Vec<Strip> {
        let mut strips = Vec::new();
        for (at, lane) in mind.lanes().iter().enumerate() {
            let from = strips.len();
            for kind in self.kinds(mind, at, lane) {
                let strip = Strip {
                    lane: at,
                    kind,
                    first: strips.len() == from,
                    last: false,
                };
                if kind == Kind::Folded || !self.cells(mind, strip).is_empty() {
                    strips.push(strip);
                }
            }
            if let Some(last) = strips.get_mut(from..).and_then(<[Strip]>::last_mut) {
                last.last = true;
            }
        }
        strips
    }

    fn kinds(&self, mind: &Mind, at: usize, lane: &Lane) -> Vec<Kind> {
        let shown = |row: &&usize| {
            mind.row(**row)
                .is_some_and(|row| self.show.has_row(mind, row))
        };
        let rows: Vec<Kind> = lane
            .rows
            .iter()
            .filter(shown)
            .map(|row| Kind::Row(*row))
            .collect();
        if rows.is_empty() && !self.show.has_bare_lanes() {
            return Vec::new();
        }
        let folded = !rows.is_empty() && self.is_folded(mind, at);
        match (self.wide, folded) {
            (true, true) => vec![Kind::Folded],
            (true, false) if rows.is_empty() => vec![Kind::Bare],
            (true, false) => rows,
            (false, true) => vec![Kind::Message, Kind::Folded, Kind::Answer],
            (false, false) => {
                let mut kinds = vec![Kind::Message];
                kinds.extend(rows);
                kinds.push(Kind::Answer);
                kinds
            }
        }
    }

    /// Whether the calls of a lane are told in a few words.
    pub(super) fn is_folded(&self, mind: &Mind, at: usize) -> bool {
        let chosen = key(mind, at).and_then(|key| self.folds.get(&key));
        let newest = at + 1 == mind.lanes().len();
        let rows = mind.lanes().get(at).map_or(0, |lane| lane.rows.len());
        let long = rows > LONG && !newest && !self.searching;
        chosen.copied().unwrap_or(long)
    }

    /// The nodes of a strip that are shown, from left to right.
    pub(super) fn cells<'a>(&self, mind: &'a Mind, strip: Strip) -> Vec<&'a Node> {
        let Some(lane) = mind.lanes().get(strip.lane) else {
            return Vec::new();
        };
        let said = |node: Option<usize>| node.and_then(|at| mind.nodes().get(at));
        let beside = strip.first && self.wide;
        let message = said(lane.message).filter(|_| beside || strip.kind == Kind::Message);
        let answer = said(lane.answer).filter(|_| beside || strip.kind == Kind::Answer);
        let mut cells: Vec<&Node> = message.into_iter().collect();
        if let Kind::Row(row) = strip.kind
            && let Some(row) = mind.row(row)
        {
            match self.wide {
                true => cells.extend(Stage::ALL.iter().filter_map(|stage| mind.at(row, *stage))),
                false => cells.extend(row.nodes.iter().filter_map(|at| mind.nodes().get(*at))),
            }
        }
        cells.extend(answer);
        cells.retain(|node| self.show.has(node.kind));
        cells
    }
}

/// What a lane is known by, also when older ones are put before it.
pub(super) fn key(mind: &Mind, lane: usize) -> Option<u64> {
    let lane = mind.lanes().get(lane)?;
    let row = lane.rows.first().and_then(|row| mind.row(*row));
    let first = lane
        .message
        .or_else(|| row.and_then(|row| row.nodes.first().copied()));
    let node = mind.nodes().get(first.or(lane.answer)?)?;
    Some(node.seq)
}
