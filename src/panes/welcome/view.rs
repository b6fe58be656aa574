//! The welcome on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use thymos_core::writ::Mode;
use thymos_protocol::Status;

use crate::app::{Action, App};
use crate::keymap::Context;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::safe_text::SafeText;
use crate::ui::wrap::wrap;

/// Draws it; nothing before the trajectory is open.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(status) = app.session.status() else {
        return;
    };
    let width = area.width.saturating_sub(4).min(76);
    let inner = Rect {
        x: area.x + 2,
        width,
        y: area.y + 1,
        height: area.height.saturating_sub(1),
    };
    let lines: Vec<Line<'static>> = paragraphs(app, status)
        .iter()
        .flat_map(|line| wrap(line, usize::from(width)))
        .collect();
    chrome::put_lines(&lines, inner, buffer);
}

fn paragraphs(app: &App, status: &Status) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let plain = |text: &str| SafeText::line(text).to_line(theme, Role::Text);
    let mut lines = vec![
        Line::styled("Welcome to thymos", theme.style(Role::Heading)),
        Line::default(),
        plain("A model may only propose. The kernel decides, acts and records; what you see here"),
        plain("is read back from that record, and you can walk it and verify it."),
        Line::default(),
        plain(&format!("Folder  {}", status.workspace)),
        plain(&format!(
            "Mode    {}: {}",
            status.mode.word(),
            allowed(status.mode)
        )),
        plain(&format!(
            "Writ    {}, effects {}",
            status.writ.name, status.writ.effects
        )),
        plain(&format!(
            "Model   {}{}",
            status.model,
            offline(&status.model)
        )),
        Line::default(),
    ];
    let key = |action: Action| {
        app.keymap
            .hint(action.id(), Context::Composer)
            .unwrap_or_default()
    };
    lines.push(Line::from(vec![
        Span::styled("Try     ", theme.style(Role::Text)),
        Span::styled("give me a tour", theme.style(Role::Code)),
    ]));
    lines.push(Line::from(vec![
        Span::styled("Help    ", theme.style(Role::Text)),
        Span::styled(key(Action::HelpOpen), theme.style(Role::Key)),
        Span::styled("   approvals ", theme.style(Role::Muted)),
        Span::styled(key(Action::ApprovalsOpen), theme.style(Role::Key)),
        Span::styled("   ledger ", theme.style(Role::Muted)),
        Span::styled(key(Action::LedgerOpen), theme.style(Role::Key)),
        Span::styled("   quit ", theme.style(Role::Muted)),
        Span::styled(key(Action::AppQuit), theme.style(Role::Key)),
    ]));
    lines
}

/// What a mode allows, in plain words.
pub(super) fn allowed(mode: Mode) -> &'static str {
    match mode {
        Mode::Plan => "it may read, and change nothing",
        Mode::Edit => "it may read; each write and each command waits for your decision",
        Mode::Auto => "it may read and write here; what reaches outside waits when it is risky",
        Mode::Custom => "what your writ file says",
    }
}

fn offline(model: &str) -> &'static str {
    if model.starts_with("practice") {
        " (offline, needs no key; its tools are real)"
    } else {
        ""
    }
}
