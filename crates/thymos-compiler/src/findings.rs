//! What the clauses said so far: trace lines, asks, and the first refusal's smallest grant.
//!
//! Collects; judges nothing. Every clause leaves a line, also after a refusal.

use thymos_core::effect::Risk;
use thymos_core::trace::{Clause, Ruling, Trace, TraceLine};
use thymos_core::verdict::{Ask, Ceremony, HoldTerms, Refusal, SmallestGrant};

/// The lines of one judgement.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) lines: Vec<TraceLine>,
    pub(crate) asks: Vec<Ask>,
    smallest: Option<(Clause, SmallestGrant)>,
}

impl Findings {
    /// Findings that begin with these lines.
    pub(crate) fn with(lines: Vec<TraceLine>) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }

    pub(crate) fn permit(&mut self, clause: Clause, said: impl Into<String>) {
        self.lines.push(line(clause, Ruling::Permit, said.into()));
    }

    /// A refusal; `smallest` is computed for the first one only.
    pub(crate) fn forbid(
        &mut self,
        clause: Clause,
        said: impl Into<String>,
        smallest: impl FnOnce() -> Option<SmallestGrant>,
    ) {
        self.adopt(line(clause, Ruling::Forbid, said.into()), smallest);
    }

    /// A line that was written elsewhere.
    pub(crate) fn adopt(
        &mut self,
        line: TraceLine,
        smallest: impl FnOnce() -> Option<SmallestGrant>,
    ) {
        if line.ruling == Ruling::Forbid && !self.forbids() {
            self.smallest = smallest().map(|grant| (line.clause, grant));
        }
        self.lines.push(line);
    }

    pub(crate) fn ask(&mut self, ask: Ask, said: String) {
        self.lines.push(line(ask.clause, Ruling::Ask, said));
        self.asks.push(ask);
    }

    /// Marks the newest line as resting on a redacted value `[R4]`.
    pub(crate) fn witness(&mut self, witnessed: bool) {
        if let Some(line) = self.lines.last_mut() {
            line.witnessed |= witnessed;
        }
    }

    /// Adds a line behind those of its clause, so that the trace stays in clause order.
    pub(crate) fn insert(&mut self, line: TraceLine) {
        let at = self
            .lines
            .iter()
            .rposition(|other| other.clause <= line.clause)
            .map_or(0, |last| last + 1);
        self.lines.insert(at, line);
    }

    /// A refusal found after all clauses spoke, put where its clause stands.
    pub(crate) fn refuse_late(
        &mut self,
        line: TraceLine,
        smallest: impl FnOnce() -> Option<SmallestGrant>,
    ) {
        let clause = line.clause;
        let first = self
            .lines
            .iter()
            .all(|other| other.ruling != Ruling::Forbid || other.clause > clause);
        if first {
            self.smallest = smallest().map(|grant| (clause, grant));
        }
        self.insert(line);
    }

    pub(crate) fn forbids(&self) -> bool {
        self.lines.iter().any(|line| line.ruling == Ruling::Forbid)
    }

    /// The refusal these lines amount to, if they do.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let line = self
            .lines
            .iter()
            .find(|line| line.ruling == Ruling::Forbid)?;
        Some(Refusal {
            clause: line.clause,
            reason: line.said.clone(),
            smallest_grant: self
                .smallest
                .as_ref()
                .filter(|(clause, _)| *clause == line.clause)
                .map(|(_, grant)| grant.clone()),
        })
    }

    pub(crate) fn terms(&self, ceremony: Ceremony, risk: Option<Risk>) -> HoldTerms {
        HoldTerms {
            asks: self.asks.clone(),
            ceremony,
            risk: risk.unwrap_or(Risk::Critical),
        }
    }

    pub(crate) fn into_trace(self) -> Trace {
        Trace { lines: self.lines }
    }
}

/// A line that no policy rule wrote and that rests on recorded values alone.
pub(crate) fn line(clause: Clause, ruling: Ruling, said: String) -> TraceLine {
    TraceLine {
        clause,
        rule: None,
        ruling,
        said,
        witnessed: false,
    }
}

/// A hint instead of something to sign `[C16]`.
pub(crate) fn change(hint: impl Into<String>) -> Option<SmallestGrant> {
    Some(SmallestGrant::Change { hint: hint.into() })
}
