//! The approvals strip on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use thymos_core::effect::EffectClass;
use thymos_protocol::HoldRow;

use crate::app::{Action, App};
use crate::keymap::Context;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::key_hint::shortest;
use crate::ui::safe_text::SafeText;
use crate::ui::width::columns;

/// Draws one row: `!! 2 approvals: #1 fs_patch (write) 0:42 | ..   Ctrl-X a`.
pub(crate) fn row(app: &App, area: Rect, buffer: &mut Buffer) {
    let holds = app.session.holds();
    let unit = if holds.len() == 1 {
        "approval"
    } else {
        "approvals"
    };
    let rows: Vec<String> = holds
        .iter()
        .take(8)
        .map(|hold| {
            let number = app.session.number(hold.card.proposal).unwrap_or_default();
            format!(
                "#{number} {} ({}) {}",
                hold.card.tool,
                hold.card.effect,
                age(app, hold)
            )
        })
        .collect();
    let key = key(app);
    let room = usize::from(area.width).saturating_sub(columns(&key) + 2);
    let text = format!("!! {} {unit}: {}", holds.len(), rows.join(" | "));
    let style = app.theme.style(Role::VerdictSuspended);
    let line = Line::from(
        SafeText::line(&text)
            .shortened(room)
            .spans_styled(&app.theme, style),
    );
    buffer.set_line(area.x, area.y, &line, area.width);
    let width = u16::try_from(columns(&key)).unwrap_or(0).min(area.width);
    buffer.set_string(
        area.right() - width,
        area.y,
        key,
        app.theme.style(Role::Key),
    );
}

/// Draws a short list, oldest first.
pub(crate) fn column(app: &App, area: Rect, buffer: &mut Buffer) {
    let holds = app.session.holds();
    let title = match holds.len() {
        0 => "approvals - none wait".to_owned(),
        count => format!("approvals {count} - oldest first"),
    };
    let hints = [(key(app), "decide")];
    let pane = chrome::Pane {
        title: &SafeText::line(&title),
        hints: if holds.is_empty() { &[] } else { &hints },
        focused: false,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    let lines: Vec<Line<'static>> = holds
        .iter()
        .take(usize::from(inner.height))
        .map(|hold| listed(app, hold, usize::from(inner.width)))
        .collect();
    chrome::put_lines(&lines, inner, buffer);
}

fn listed(app: &App, hold: &HoldRow, width: usize) -> Line<'static> {
    let number = app.session.number(hold.card.proposal).unwrap_or_default();
    let age = age(app, hold);
    let effect = format!("#{number} {:<9}", hold.card.effect.word());
    let room = width.saturating_sub(columns(&effect) + columns(&age) + 2);
    let call = SafeText::exact(&hold.card.line).shortened(room);
    let gap = room.saturating_sub(call.width()) + 1;
    let mut spans = vec![
        Span::styled(effect, app.theme.style(role(hold.card.effect))),
        Span::raw(" "),
    ];
    spans.extend(call.spans(&app.theme, Role::Text));
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(Span::styled(age, app.theme.style(Role::Muted)));
    Line::from(spans)
}

fn key(app: &App) -> String {
    shortest(&app.keymap, Action::ApprovalsOpen.id(), Context::Global).unwrap_or_default()
}

fn age(app: &App, hold: &HoldRow) -> String {
    let seconds = app.now.wall.since(hold.card.held_at) / 1_000;
    match seconds {
        0..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn role(effect: EffectClass) -> Role {
    match effect {
        EffectClass::Pure | EffectClass::Read => Role::EffectRead,
        EffectClass::Write => Role::EffectWrite,
        EffectClass::External => Role::EffectExternal,
        EffectClass::Irreversible => Role::EffectIrreversible,
    }
}
