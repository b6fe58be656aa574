//! What is to be signed, whether all of it has been seen, and for how long keys have reached it.

use std::time::Duration;

use thymos_core::presentation::Label;
use thymos_protocol::HoldRow;

use crate::panes::card::lines::{self, CardLine};
use crate::panes::reader::{Said, Text};
use crate::theme::Role;

use super::scope::Scope;

/// What is signed.
#[derive(Clone, Debug, PartialEq)]
pub enum SignKind {
    /// One approval that reaches further.
    Scope(Box<Scope>),
    /// Several approvals, each of one call.
    Batch(Vec<HoldRow>),
}

/// Something to be signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// What.
    pub kind: SignKind,
    /// Everything that would be signed.
    pub body: Text,
    since: Duration,
    hears_since: Option<Duration>,
    woken: Option<Duration>,
}

impl Sign {
    /// Something to be signed, as it comes up.
    #[must_use]
    pub fn new(kind: SignKind, mono: Duration) -> Self {
        Self {
            kind,
            body: Text::default(),
            since: mono,
            hears_since: None,
            woken: None,
        }
    }

    /// Other lines stand there now: they must be seen, and for long enough, before they count.
    pub fn put(&mut self, lines: Vec<Said>, mono: Duration) {
        self.body.put(lines);
        self.since = mono;
    }

    /// Tells whether keys reach it now. From the moment they do, the arming clock runs.
    pub fn hears(&mut self, hears: bool, mono: Duration) {
        match (hears, self.hears_since) {
            (true, None) => self.hears_since = Some(mono),
            (false, _) => self.hears_since = None,
            (true, Some(_)) => {}
        }
    }

    fn armed_at(&self) -> Option<Duration> {
        let arming = match &self.kind {
            SignKind::Scope(scope) => scope.row.card.ceremony.arming_ms,
            SignKind::Batch(rows) => {
                let each = rows.iter().map(|row| row.card.ceremony.arming_ms);
                each.max().unwrap_or_default()
            }
        };
        let since = self.hears_since?.max(self.since);
        Some(since + Duration::from_millis(arming))
    }

    /// When a frame is wanted because it becomes armed; given once.
    pub fn wake(&mut self, mono: Duration) -> Option<Duration> {
        let at = self.armed_at().filter(|at| *at > mono)?;
        (self.woken.replace(at) != Some(at)).then_some(at)
    }

    /// Whether it may be signed now.
    ///
    /// # Errors
    /// Says in words what is in the way.
    pub fn may(&self, mono: Duration) -> Result<(), String> {
        match &self.kind {
            SignKind::Scope(scope) => {
                scope.choice()?;
                if scope.fault.is_some() {
                    return Err("the kernel would not sign this".into());
                }
                if scope.preview.is_none() {
                    return Err("not yet: what it would allow is being asked".into());
                }
            }
            SignKind::Batch(rows) if rows.is_empty() => return Err("nothing is left".into()),
            SignKind::Batch(_) => {}
        }
        if self.armed_at().is_none_or(|at| mono < at) {
            return Err("not yet: this has only just come up".into());
        }
        if !self.body.is_seen() {
            return Err("read to the end first: PgDn".into());
        }
        Ok(())
    }
}

/// Every row of a batch in full, one after the other: canonical lines, their labels, their digest.
#[must_use]
pub fn batch_lines(
    rows: &[HoldRow],
    number: impl Fn(thymos_core::ProposalId) -> Option<u32>,
) -> Vec<Said> {
    let mut told = Vec::new();
    for row in rows {
        let card = &row.card;
        let number = number(card.proposal).unwrap_or_default();
        told.push(Said::words(
            Role::Heading,
            format!(
                "#{number} effect {}, risk {}, presented {}..",
                card.effect,
                card.risk,
                card.presented.short()
            ),
        ));
        told.extend(lines::of(&card.presentation).iter().map(said));
        told.push(Said::words(Role::Text, ""));
    }
    told.pop();
    told
}

fn said(line: &CardLine) -> Said {
    let label = line.label.map_or("", Label::word);
    Said {
        head: format!("{label:<9}"),
        text: line.text.clone(),
        role: crate::panes::card::view::tone_role(line.tone),
        exact: true,
    }
}
