//! Which tab is shown and which of its rows is chosen.

use std::collections::BTreeSet;

use thymos_core::Timestamp;
use thymos_core::approval::Via;
use thymos_core::effect::EffectClass;
use thymos_core::id::ProposalId;

use thymos_protocol::HoldRow;

use crate::app::Session;
use crate::app::session::{Did, Group, Item};
use crate::ui::vlist::VirtualList;

/// What the queue lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// What waits, in every trajectory, oldest first.
    #[default]
    Open,
    /// What was decided in the open trajectory, newest first.
    Decided,
    /// Work of the open trajectory that began and has no end.
    Unsettled,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// Which proposal.
    pub proposal: ProposalId,
    /// The call in one line.
    pub line: String,
    /// Its class, when known.
    pub effect: Option<EffectClass>,
    /// Since when it waits, or when it was decided.
    pub at: Timestamp,
    /// Anything else worth a word: who decided, where it waits.
    pub note: String,
}

/// The queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// What is listed.
    pub tab: Tab,
    chosen: Option<ProposalId>,
    pub(super) list: VirtualList,
    /// Whether the kernel rang while the holds were being asked for.
    pub again: bool,
    marked: BTreeSet<ProposalId>,
}

impl Tab {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Open => Self::Decided,
            Self::Decided => Self::Unsettled,
            Self::Unsettled => Self::Open,
        }
    }
}

impl Queue {
    /// Shows another tab.
    pub fn turn(&mut self) {
        self.tab = self.tab.next();
        self.chosen = None;
        self.list = VirtualList::new();
    }

    /// The rows of the tab.
    #[must_use]
    pub fn rows(&self, session: &Session) -> Vec<QueueRow> {
        match self.tab {
            Tab::Open => open(session),
            Tab::Decided => decided(session),
            Tab::Unsettled => unsettled(session),
        }
    }

    /// The place of the chosen row; the first when none was chosen or it is gone.
    #[must_use]
    pub fn place(&self, rows: &[QueueRow]) -> usize {
        self.chosen
            .and_then(|chosen| rows.iter().position(|row| row.proposal == chosen))
            .unwrap_or(0)
    }

    /// Chooses a row by its place.
    pub fn choose(&mut self, rows: &[QueueRow], place: usize) {
        let place = place.min(rows.len().saturating_sub(1));
        if let Some(row) = rows.get(place) {
            self.chosen = Some(row.proposal);
            self.list.reveal(place);
        }
    }

    /// Marks a hold for approving together with others, or takes the mark away.
    pub fn mark(&mut self, proposal: ProposalId) {
        if !self.marked.remove(&proposal) {
            self.marked.insert(proposal);
        }
    }

    /// What is marked.
    #[must_use]
    pub fn marked(&self) -> &BTreeSet<ProposalId> {
        &self.marked
    }

    /// Takes every mark away.
    pub fn unmark(&mut self) {
        self.marked.clear();
    }

    /// Takes the marks of what is not open any more away.
    pub fn keep_marked(&mut self, holds: &[HoldRow]) {
        let open = |id: &ProposalId| holds.iter().any(|row| row.card.proposal == *id);
        self.marked.retain(open);
    }

    /// Chooses that proposal.
    pub fn choose_proposal(&mut self, proposal: ProposalId) {
        self.chosen = Some(proposal);
    }
}

/// How many rows a tab has, for its title.
pub(super) fn count(session: &Session, tab: Tab) -> usize {
    match tab {
        Tab::Open => session.holds().len(),
        Tab::Decided => decided(session).len(),
        Tab::Unsettled => unsettled(session).len(),
    }
}

fn open(session: &Session) -> Vec<QueueRow> {
    session
        .holds()
        .iter()
        .map(|hold| {
            let here = session.trajectory() == Some(hold.trajectory);
            QueueRow {
                proposal: hold.card.proposal,
                line: hold.card.line.clone(),
                effect: Some(hold.card.effect),
                at: hold.card.held_at,
                note: if here {
                    String::new()
                } else {
                    format!("in {}", lineage(hold))
                },
            }
        })
        .collect()
}

/// Where a hold stands, and what delegated it, nearest first: `t-1b07 < t-54b2`.
pub(crate) fn lineage(hold: &HoldRow) -> String {
    let mut text = format!("t-{}", hold.trajectory.short());
    for above in &hold.lineage {
        text.push_str(&format!(" < t-{}", above.short()));
    }
    text
}

fn groups(session: &Session) -> impl DoubleEndedIterator<Item = &Group> {
    session
        .story()
        .items()
        .iter()
        .filter_map(|item| match item {
            Item::Group(group) => Some(group),
            Item::Said(_) | Item::Notice(_) => None,
        })
}

fn decided(session: &Session) -> Vec<QueueRow> {
    let rows = groups(session).filter_map(|group| {
        let proposal = group.proposal?;
        let step = group
            .steps
            .iter()
            .rev()
            .find(|step| matches!(step.did, Did::Decided { .. }))?;
        let Did::Decided {
            approved,
            by,
            reason,
        } = &step.did
        else {
            return None;
        };
        let word = if *approved { "approved" } else { "denied" };
        let viewed = if by.fully_viewed {
            ""
        } else {
            ", not all viewed"
        };
        let why = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        Some(QueueRow {
            proposal,
            line: group.line.clone(),
            effect: None,
            at: step.at,
            note: format!("{word} by {}/{}{viewed}{why}", by.name, via(by.via)),
        })
    });
    let mut rows: Vec<QueueRow> = rows.collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows
}

fn unsettled(session: &Session) -> Vec<QueueRow> {
    groups(session)
        .filter(|group| session.is_unsettled(group))
        .filter_map(|group| {
            let started = group
                .steps
                .iter()
                .find(|step| matches!(step.did, Did::Started { .. }))?;
            let Did::Started { effect, .. } = started.did else {
                return None;
            };
            Some(QueueRow {
                proposal: group.proposal?,
                line: group.line.clone(),
                effect: Some(effect),
                at: started.at,
                note: "began and has no end".into(),
            })
        })
        .collect()
}

/// The surface in one word.
pub(crate) fn via(via: Via) -> &'static str {
    match via {
        Via::Tui => "tui",
        Via::Plain => "plain",
        Via::Cli => "cli",
        Via::Timer => "timer",
    }
}

/// How the words of [`told`] begin where the gate refused what had been held.
pub(crate) const REFUSED: &str = "refused ";

/// Who decided a proposal and how, as far as the open trajectory tells.
#[must_use]
pub(crate) fn told(session: &Session, proposal: ProposalId) -> Option<String> {
    let group = session.story().group(proposal)?;
    group.steps.iter().rev().find_map(|step| match &step.did {
        Did::Decided { approved, by, .. } => {
            let word = if *approved { "approved" } else { "denied" };
            Some(format!("{word} by {} ({})", by.name, via(by.via)))
        }
        Did::Superseded { reason } => Some(format!("superseded: {reason}")),
        // Answered or not: the gate looked again and refused it [A4].
        Did::Rejected {
            denied: false,
            clause,
            reason,
            ..
        } => Some(format!("{REFUSED}[{clause}] {reason}")),
        Did::Intended { .. }
        | Did::Rejected { .. }
        | Did::Suspended(_)
        | Did::Started { .. }
        | Did::Committed { .. }
        | Did::Failed { .. }
        | Did::Settled { .. } => None,
    })
}
