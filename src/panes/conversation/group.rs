//! A group as lines: one when it went well, each step when it needs eyes.
//!
//! Words and marks are those of the glossary; every word that came from elsewhere is made safe.

use ratatui::text::{Line, Span};
use thymos_core::approval::Via;
use thymos_protocol::{Card, DecidedBy, FileChange, LiveOutput};

use crate::app::session::{Did, Group, Output, Session, Standing, Step};
use crate::theme::{Role, Theme};
use crate::ui::badge::Badge;
use crate::ui::safe_text::{AnsiReader, SafeText};
use crate::ui::width::columns;
use crate::ui::wrap::wrap_hanging;

/// Lines shown of the output of a call that is still running.
const LIVE_LINES: usize = 5;

/// What a group's lines are made from.
pub(super) struct GroupView<'a> {
    pub(super) session: &'a Session,
    pub(super) group: &'a Group,
    pub(super) open: bool,
    pub(super) width: usize,
    pub(super) theme: &'a Theme,
}

impl GroupView<'_> {
    /// Every line of it.
    pub(super) fn lines(&self) -> Vec<Line<'static>> {
        let mut lines = vec![self.head()];
        if self.open {
            for step in &self.group.steps {
                self.step(step, &mut lines);
            }
            if self.badge() == Badge::Unsettled {
                self.line(
                    &mut lines,
                    Role::VerdictUnsettled,
                    "B ?  unsettled: it began and its end \
                    was never recorded",
                );
            }
            if let Some(live) = self.live_output() {
                self.live(live, &mut lines);
            }
        }
        lines
    }

    /// Where it stands, as a badge.
    fn badge(&self) -> Badge {
        if self.session.is_unsettled(self.group) {
            return Badge::Unsettled;
        }
        match self.group.standing() {
            Standing::Wanted => Badge::Running,
            Standing::Suspended => Badge::Suspended,
            Standing::Approved => Badge::Approved,
            Standing::Rejected => Badge::Rejected,
            Standing::Denied | Standing::Superseded => Badge::Denied,
            Standing::Running => Badge::Running,
            Standing::Committed | Standing::Settled => Badge::Committed,
            Standing::Failed => Badge::Failed,
        }
    }

    /// `▸ I fs_read src/client.rs          C 4180 ok 2 ms`
    fn head(&self) -> Line<'static> {
        let theme = self.theme;
        let fold = if self.open { "▾ " } else { "▸ " };
        let outcome = self.outcome();
        let room = self.width.saturating_sub(columns(&outcome) + 6).max(12);
        let call = SafeText::exact(&call(self.group)).shortened(room);
        let gap = self
            .width
            .saturating_sub(4 + call.width() + columns(&outcome))
            .max(1);
        let mut spans = vec![
            Span::styled(fold, theme.style(Role::Muted)),
            Span::styled("I ", theme.style(Role::Accent)),
        ];
        spans.extend(call.spans(theme, Role::Text));
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(outcome, theme.style(self.badge().role())));
        Line::from(spans)
    }

    /// The head's right side, in words and a mark.
    fn outcome(&self) -> String {
        let number = || {
            let number = self.group.proposal.and_then(|id| self.session.number(id));
            number.map_or_else(String::new, |number| format!(" #{number}"))
        };
        match (self.badge(), self.group.standing()) {
            (Badge::Unsettled, _) => format!("B ? {}", Badge::Unsettled.word()),
            // Also of one that never will be: the operator spoke first, or stopped the run.
            (_, Standing::Wanted) => "not decided".into(),
            (_, Standing::Suspended) => format!("{}{}", Badge::Suspended.word(), number()),
            (_, Standing::Superseded) => format!("superseded{}", number()),
            (_, Standing::Settled) => "settled".into(),
            (_, Standing::Committed | Standing::Failed) => self.sealed(),
            (badge, _) => format!("{}{}", badge.word(), number()),
        }
    }

    fn sealed(&self) -> String {
        let Some(step) = self.group.steps.last() else {
            return String::new();
        };
        match &step.did {
            Did::Committed { ok, cost, .. } => {
                let word = if *ok { Badge::Committed } else { Badge::Failed }.word();
                format!("C {} {word} {}", step.seq, duration(cost.wall_clock_ms))
            }
            _ => format!("C {} {}", step.seq, Badge::Failed.word()),
        }
    }

    fn step(&self, step: &Step, lines: &mut Vec<Line<'static>>) {
        let seq = step.seq;
        let (role, text) = match &step.did {
            Did::Intended { by_operator: false } => return,
            Did::Suspended(card) => return self.suspended(card, lines),
            Did::Rejected { .. } => return self.rejected(&step.did, lines),
            Did::Intended { by_operator: true } => (
                Role::Muted,
                "wanted by you, in place of a held call".to_owned(),
            ),
            Did::Decided {
                approved,
                by,
                reason,
            } => decided(*approved, by, reason),
            Did::Superseded { reason } => {
                (Role::VerdictDenied, format!("P    superseded: {reason}"))
            }
            Did::Started {
                effect,
                rung,
                allowed_by,
            } => (
                Role::VerdictStaged,
                format!("P ok staged, {allowed_by}; effect {effect}, cage {rung}"),
            ),
            Did::Committed {
                ok: true, summary, ..
            } => (Role::Ok, format!("C {seq} {summary}")),
            Did::Committed { summary, .. } => (Role::Danger, format!("C {seq} {summary}")),
            Did::Failed { message, .. } => (Role::Danger, format!("C x {seq} {message}")),
            Did::Settled { line } => (Role::Muted, format!("settled: {line}")),
        };
        self.line(lines, role, &text);
        match &step.did {
            Did::Committed {
                output, changes, ..
            } => {
                self.output(output, lines);
                self.changes(changes, lines);
            }
            Did::Failed { changes, .. } => self.changes(changes, lines),
            Did::Intended { .. }
            | Did::Rejected { .. }
            | Did::Suspended(_)
            | Did::Decided { .. }
            | Did::Superseded { .. }
            | Did::Started { .. }
            | Did::Settled { .. } => {}
        }
    }

    fn rejected(&self, did: &Did, lines: &mut Vec<Line<'static>>) {
        let Did::Rejected {
            clause,
            reason,
            suggestion,
            denied,
        } = did
        else {
            return;
        };
        // A person's no needs no clause: who said it stands in its reason.
        let (told, role) = if *denied {
            (format!("P x  {reason}"), Role::VerdictDenied)
        } else {
            let told = format!("P x  rejected [{clause} {}]: {reason}", clause.title());
            (told, Role::VerdictRejected)
        };
        self.line(lines, role, &told);
        if let Some(grant) = suggestion {
            self.line(
                lines,
                Role::Muted,
                &format!("     what would allow it (+ for more): {grant}"),
            );
        }
    }

    fn suspended(&self, card: &Card, lines: &mut Vec<Line<'static>>) {
        let number = self.session.number(card.proposal).unwrap_or_default();
        let undo = if card.reversible {
            "reversible"
        } else {
            "not reversible"
        };
        let stat = card
            .diffstat
            .map_or(String::new(), |(add, del)| format!(", +{add} -{del}"));
        self.line(
            lines,
            Role::VerdictSuspended,
            &format!(
                "P #{number} suspended: effect {}, {undo}, risk {}{stat}",
                card.effect, card.risk
            ),
        );
        for reason in &card.reasons {
            self.line(lines, Role::Text, &format!("     {reason}"));
        }
    }

    fn changes(&self, changes: &[FileChange], lines: &mut Vec<Line<'static>>) {
        for change in changes {
            self.line(
                lines,
                Role::Muted,
                &format!("     {} {}", change.change, change.path),
            );
        }
    }

    fn output(&self, output: &Output, lines: &mut Vec<Line<'static>>) {
        let mut reader = AnsiReader::default();
        for line in &output.first {
            self.quoted(&mut reader, line, lines);
        }
        if output.hidden > 0 {
            let note = format!(
                "     .. {} of {} lines not shown; the ledger has all",
                output.hidden,
                output.lines()
            );
            self.line(lines, Role::Muted, &note);
        }
        for line in &output.last {
            self.quoted(&mut reader, line, lines);
        }
    }

    fn live_output(&self) -> Option<&LiveOutput> {
        let proposal = self.group.proposal?;
        self.session
            .live()?
            .outputs
            .iter()
            .find(|output| output.proposal == proposal)
    }

    fn live(&self, live: &LiveOutput, lines: &mut Vec<Line<'static>>) {
        let mut reader = AnsiReader::default();
        let count = live.tail.lines().count();
        for line in live.tail.lines().skip(count.saturating_sub(LIVE_LINES)) {
            self.quoted(&mut reader, line, lines);
        }
        self.line(
            lines,
            Role::Muted,
            &format!("     {} so far", bytes(live.total)),
        );
    }

    /// One line of foreign output: its colours kept, everything else of it shown.
    fn quoted(&self, reader: &mut AnsiReader, text: &str, lines: &mut Vec<Line<'static>>) {
        let safe = reader.line(text, self.theme.depth());
        let mut spans = vec![Span::styled("     | ", self.theme.style(Role::Border))];
        spans.extend(
            safe.shortened(self.width.saturating_sub(7))
                .spans(self.theme, Role::Text),
        );
        lines.push(Line::from(spans));
    }

    fn line(&self, lines: &mut Vec<Line<'static>>, role: Role, text: &str) {
        let indent = [Span::raw("    ")];
        let hang = [Span::raw("         ")];
        for line in SafeText::lines(text) {
            let line = line.to_line(self.theme, role);
            lines.extend(wrap_hanging(&line, self.width, &indent, &hang));
        }
    }
}

fn decided(approved: bool, by: &DecidedBy, reason: &str) -> (Role, String) {
    let (word, role) = if approved {
        ("approved", Role::VerdictApproved)
    } else {
        ("denied", Role::VerdictDenied)
    };
    let viewed = if by.fully_viewed {
        ", viewed whole"
    } else {
        ""
    };
    let via = match by.via {
        Via::Tui => "tui",
        Via::Plain => "plain",
        Via::Cli => "cli",
        Via::Timer => "timer",
    };
    let why = if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    };
    (
        role,
        format!("D    {word} by {} via {via}{viewed}{why}", by.name),
    )
}

/// The call, with its tool in front.
pub(crate) fn call(group: &Group) -> String {
    match (group.tool.as_str(), group.line.as_str()) {
        ("", "") => {
            let id = group.proposal.map_or_else(String::new, |id| id.short());
            format!("proposal {id}")
        }
        (tool, line) if line.starts_with(tool) => line.to_owned(),
        (tool, line) => format!("{tool} {line}"),
    }
}

/// `2 ms`, `9.1 s`, `3:05`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{}:{:02}", ms / 60_000, ms / 1_000 % 60),
    }
}

/// `512 B`, `11.2 kB`, `3.4 MB`.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{}.{} kB", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}
