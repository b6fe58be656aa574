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
use crate::ui::key_hint::shortest;
use crate::ui::safe_text::SafeText;
use crate::ui::wrap::{wrap, wrap_hanging};

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
    let hang = [Span::raw("        ")];
    let lines: Vec<Line<'static>> = prose(app)
        .iter()
        .flat_map(|line| wrap(line, usize::from(width)))
        .chain(
            facts(app, status)
                .iter()
                .flat_map(|line| wrap_hanging(line, usize::from(width), &[], &hang)),
        )
        .collect();
    chrome::put_lines(&lines, inner, buffer);
}

fn prose(app: &App) -> Vec<Line<'static>> {
    let text = "A model may only propose. The kernel decides, acts and records; what you see here \
        is read back from that record, and you can walk it and verify it.";
    vec![
        Line::styled("Welcome to thymos", app.theme.style(Role::Heading)),
        Line::default(),
        SafeText::line(text).to_line(&app.theme, Role::Text),
        Line::default(),
    ]
}

fn facts(app: &App, status: &Status) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let plain = |text: &str| SafeText::line(text).to_line(theme, Role::Text);
    let key = |action: Action| {
        let keys = shortest(&app.keymap, action.id(), Context::Composer).unwrap_or_default();
        Span::styled(keys, theme.style(Role::Key))
    };
    let muted = |text: &'static str| Span::styled(text, theme.style(Role::Muted));
    vec![
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
        Line::from(vec![
            Span::styled("Try     ", theme.style(Role::Text)),
            Span::styled("give me a tour", theme.style(Role::Code)),
        ]),
        Line::from(vec![
            Span::styled("Keys    ", theme.style(Role::Text)),
            muted("help "),
            key(Action::HelpOpen),
            muted("   approvals "),
            key(Action::ApprovalsOpen),
            muted("   ledger "),
            key(Action::LedgerOpen),
            muted("   quit "),
            key(Action::AppQuit),
        ]),
    ]
}

/// What a mode allows, in plain words.
pub(crate) fn allowed(mode: Mode) -> &'static str {
    match mode {
        Mode::Plan => "it may read, and change nothing",
        Mode::Edit => "it may read, and write in this folder; what policy holds waits for you",
        Mode::Auto => "it may also reach outside; what policy holds waits for you",
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
