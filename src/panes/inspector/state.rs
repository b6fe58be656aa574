//! Which entry is inspected, under which tab, and its lines.

use std::sync::Arc;

use thymos_core::EntryId;
use thymos_core::trace::Ruling;
use thymos_protocol::{ChainFacts, Detail, TraceRow};

use crate::panes::reader::Said;
use crate::theme::Role;
use crate::ui::vlist::VirtualList;

/// A side of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The body as stored.
    #[default]
    Body,
    /// The decision's trace.
    Trace,
    /// The writs it rests on.
    Writ,
    /// Its place in the chain.
    Chain,
}

impl Tab {
    /// Every tab, in order.
    pub const ALL: [Self; 4] = [Self::Body, Self::Trace, Self::Writ, Self::Chain];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Trace => "trace",
            Self::Writ => "writ",
            Self::Chain => "chain",
        }
    }

    fn step(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        Self::ALL
            .get((at + by) % Self::ALL.len())
            .copied()
            .unwrap_or_default()
    }
}

/// One entry in full.
#[derive(Clone, Debug, Default)]
pub struct Inspector {
    /// The entry asked for last; replies about others are dropped.
    pub wanted: Option<EntryId>,
    detail: Option<Detail>,
    tab: Tab,
    pub(super) lines: Arc<Vec<Said>>,
    pub(super) version: u64,
    pub(super) list: VirtualList,
}

impl Inspector {
    /// Empties it.
    pub fn clear(&mut self) {
        *self = Self {
            tab: self.tab,
            version: self.version + 1,
            ..Self::default()
        };
    }

    /// Takes an entry, if it is the one asked for last.
    pub fn take(&mut self, detail: Detail) {
        if self.wanted == Some(detail.event.entry) {
            self.detail = Some(detail);
            self.rewrite();
        }
    }

    /// The entry shown.
    #[must_use]
    pub fn detail(&self) -> Option<&Detail> {
        self.detail.as_ref()
    }

    /// The tab shown.
    #[must_use]
    pub fn tab(&self) -> Tab {
        self.tab
    }

    /// Shows the next tab, or the one before.
    pub fn turn(&mut self, forward: bool) {
        let by = if forward { 1 } else { Tab::ALL.len() - 1 };
        self.tab = self.tab.step(by);
        self.rewrite();
    }

    /// Scrolls by rows, up is negative.
    pub fn scroll(&mut self, rows: i64) {
        self.list.scroll(rows);
    }

    /// Scrolls by halves of the view, up is negative; two are a page.
    pub fn scroll_halves(&mut self, halves: i64) {
        self.list.scroll_halves(halves);
    }

    /// Goes to the first row.
    pub fn first(&mut self) {
        self.list.go_to_start();
    }

    /// Goes to the last row.
    pub fn last(&mut self) {
        self.list.go_to_end();
    }

    /// What the tab shows, for copying.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|said| format!("{}{}", said.head, said.text))
            .collect();
        lines.join("\n")
    }

    fn rewrite(&mut self) {
        let lines = match (&self.detail, self.tab) {
            (None, _) => Vec::new(),
            (Some(detail), Tab::Body) => body(detail),
            (Some(detail), Tab::Trace) => trace(&detail.trace),
            (Some(detail), Tab::Writ) => writs(&detail.writs),
            (Some(detail), Tab::Chain) => chain(&detail.chain),
        };
        self.lines = Arc::new(lines);
        self.version += 1;
        self.list = VirtualList::new();
    }
}

fn body(detail: &Detail) -> Vec<Said> {
    match &detail.body {
        None => vec![Said::words(
            Role::Warn,
            "the body has been erased; its commitment stands in the chain",
        )],
        Some(value) => {
            let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
            text.lines()
                .map(|line| Said::exact(Role::Text, line))
                .collect()
        }
    }
}

/// The trace of a decision, a line a clause.
pub(crate) fn trace(rows: &[TraceRow]) -> Vec<Said> {
    if rows.is_empty() {
        return vec![Said::words(Role::Muted, "this entry decides nothing")];
    }
    rows.iter()
        .map(|row| {
            let (word, role) = match row.ruling {
                Ruling::Permit => ("permit", Role::Text),
                Ruling::Ask => ("ask", Role::Warn),
                Ruling::Forbid => ("FORBID", Role::Danger),
            };
            let clause = row.clause.to_string();
            let head = format!("{clause:<4}{:<22}{word:<7}", row.title);
            let said = match &row.rule {
                Some(rule) => format!("{rule}: {}", row.said),
                None => row.said.clone(),
            };
            Said::labelled(head, role, said)
        })
        .collect()
}

fn writs(writs: &[String]) -> Vec<Said> {
    if writs.is_empty() {
        return vec![Said::words(Role::Muted, "this entry rests on no writ")];
    }
    writs
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let head = if at == 0 { "root  " } else { "child " };
            Said::labelled(head, Role::Text, line.clone())
        })
        .collect()
}

fn chain(facts: &ChainFacts) -> Vec<Said> {
    let prev = facts.prev.map_or_else(
        || "none: the first of its trajectory".to_owned(),
        |id| id.to_string(),
    );
    let fact = |head: &str, text: String| Said::labelled(format!("{head:<11}"), Role::Text, text);
    vec![
        fact("log", facts.log.to_string()),
        fact("index", facts.index.to_string()),
        fact("seq", facts.seq.to_string()),
        fact("id", facts.id.to_string()),
        fact("prev", prev),
        fact("commitment", facts.commitment.clone()),
        fact("writer", facts.writer.clone()),
        Said::words(Role::Muted, "header bytes, whose hash is the id:"),
        Said::exact(Role::Text, facts.header.clone()),
    ]
}
