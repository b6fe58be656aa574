//! The stream on cells: a column of the newest groups, or a row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::session::{Did, Group, Item, Step};
use crate::panes::conversation::{call, duration};
use crate::theme::{Role, Theme};
use crate::ui::chrome;
use crate::ui::safe_text::SafeText;

/// Draws the column; reads items from the newest back until the rows are full.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let title = SafeText::line(&format!("stream - {}", doing(app)));
    let pane = chrome::Pane {
        title: &title,
        hints: &[],
        focused: false,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    let rows = usize::from(inner.height);
    let width = usize::from(inner.width);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for item in app.session.story().items().iter().rev() {
        if lines.len() >= rows {
            break;
        }
        if let Item::Group(group) = item {
            let mut block = block(app, group, width);
            block.append(&mut lines);
            lines = block;
        }
    }
    let skip = lines.len().saturating_sub(rows);
    let shown = lines.get(skip..).unwrap_or_default();
    chrome::put_lines(shown, inner, buffer);
}

/// Draws one row: what is going on here.
pub(crate) fn ticker(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = app.theme.style(Role::Muted);
    let text = SafeText::line(&format!("-- {}", doing(app))).shortened(usize::from(area.width));
    buffer.set_line(
        area.x,
        area.y,
        &Line::from(text.spans_styled(&app.theme, style)),
        area.width,
    );
}

/// `thinking 0:12`, or what it waits for.
fn doing(app: &App) -> String {
    let Some(status) = app.session.status() else {
        return "opening".into();
    };
    match (&status.running, status.pending) {
        (Some(running), _) => {
            let elapsed = app.now.wall.since(running.since) / 1_000;
            format!("{} {}:{:02}", running.doing, elapsed / 60, elapsed % 60)
        }
        (None, 0) => format!("idle, model {}", status.model),
        (None, _) => "waits for your decision".into(),
    }
}

fn block(app: &App, group: &Group, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut head = vec![Span::styled("I ", theme.style(Role::Accent))];
    head.extend(
        SafeText::exact(&call(group))
            .shortened(width.saturating_sub(2))
            .spans(theme, Role::Text),
    );
    let mut lines = vec![Line::from(head)];
    lines.extend(group.steps.iter().filter_map(|step| told(app, step, width)));
    if app.session.is_unsettled(group) {
        lines.push(line("B ? unsettled", Role::VerdictUnsettled, width, theme));
    }
    lines
}

fn told(app: &App, step: &Step, width: usize) -> Option<Line<'static>> {
    let (text, role) = match &step.did {
        Did::Intended { .. } => return None,
        Did::Suspended(card) => {
            let number = app.session.number(card.proposal).unwrap_or_default();
            (format!("P #{number} suspended"), Role::VerdictSuspended)
        }
        Did::Rejected { clause, denied, .. } => {
            let word = if *denied { "denied" } else { "rejected" };
            (format!("P x  {word} {clause}"), Role::VerdictRejected)
        }
        Did::Decided {
            approved: true, by, ..
        } => (
            format!("D    approved by {}", by.name),
            Role::VerdictApproved,
        ),
        Did::Decided {
            approved: false,
            by,
            ..
        } => (format!("D    denied by {}", by.name), Role::VerdictDenied),
        Did::Superseded { .. } => ("P    superseded".into(), Role::Muted),
        Did::Started { allowed_by, .. } => {
            (format!("P ok staged {allowed_by}"), Role::VerdictStaged)
        }
        Did::Committed { ok, cost, .. } => {
            let (word, role) = if *ok {
                ("ok", Role::Ok)
            } else {
                ("failed", Role::Danger)
            };
            (
                format!("C {} {word} {}", step.seq, duration(cost.wall_clock_ms)),
                role,
            )
        }
        Did::Failed { .. } => (format!("C x {} failed", step.seq), Role::Danger),
        Did::Settled { .. } => ("settled".into(), Role::Muted),
    };
    Some(line(&text, role, width, &app.theme))
}

fn line(text: &str, role: Role, width: usize, theme: &Theme) -> Line<'static> {
    let mut spans = vec![Span::raw("  ")];
    spans.extend(
        SafeText::line(text)
            .shortened(width.saturating_sub(2))
            .spans(theme, role),
    );
    Line::from(spans)
}
