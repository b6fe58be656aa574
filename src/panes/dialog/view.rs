//! Questions on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::overlay::{Choice, ModeQuestion};
use crate::app::{App, Overlay};
use crate::panes::conversation::{bytes, duration};
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::safe_text::SafeText;
use crate::ui::wrap::wrap;
use thymos_core::budget::Dimension;

/// Columns of a question.
const WIDTH: u16 = 68;

/// Draws the question in the middle of the area.
pub(crate) fn draw(app: &App, overlay: &Overlay, area: Rect, buffer: &mut Buffer) {
    let (title, body) = match overlay {
        Overlay::Quit(choice) => ("quit?".to_owned(), quit(app, *choice)),
        Overlay::Mode(question) => (
            format!("change the mode to {}?", question.mode.word()),
            mode(app, question),
        ),
        Overlay::Writ => ("the writ in force".to_owned(), writ(app)),
        Overlay::Prompt(_)
        | Overlay::Picker(_)
        | Overlay::Reader(_)
        | Overlay::Question(_)
        | Overlay::Sign(_) => return,
    };
    let width = WIDTH.min(area.width);
    let lines: Vec<Line<'static>> = body
        .iter()
        .flat_map(|line| wrap(line, usize::from(width.saturating_sub(4))))
        .collect();
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let place = chrome::centered(area, width, height);
    let hints = hints(overlay);
    let pane = chrome::Pane {
        title: &SafeText::line(&title),
        hints: &hints,
        focused: true,
        glyphs: app.glyphs,
    };
    let inner = chrome::overlay(&pane, place, buffer, &app.theme);
    let text = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    chrome::put_lines(&lines, text, buffer);
}

fn hints(overlay: &Overlay) -> Vec<(String, &'static str)> {
    let rows: &[(&str, &'static str)] = match overlay {
        Overlay::Quit(_) => &[
            ("<Tab>", "other answer"),
            ("<Enter>", "take it"),
            ("<Esc>", "stay"),
        ],
        Overlay::Mode(_) => &[("<Enter>", "issue this writ"), ("<Esc>", "change nothing")],
        Overlay::Writ
        | Overlay::Prompt(_)
        | Overlay::Picker(_)
        | Overlay::Reader(_)
        | Overlay::Question(_)
        | Overlay::Sign(_) => &[("<Esc>", "back")],
    };
    rows.iter()
        .map(|(key, words)| ((*key).to_owned(), *words))
        .collect()
}

fn plain(app: &App, text: &str) -> Line<'static> {
    SafeText::line(text).to_line(&app.theme, Role::Text)
}

fn quit(app: &App, choice: Choice) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(status) = app.session.status() {
        if let Some(running) = &status.running {
            lines.push(plain(app, &format!("running: {}", running.doing)));
            lines.push(plain(
                app,
                "  its call ends and is recorded; nothing new is started",
            ));
        }
        if status.pending > 0 {
            let unit = if status.pending == 1 {
                "approval waits"
            } else {
                "approvals wait"
            };
            lines.push(plain(app, &format!("{} {unit}", status.pending)));
            lines.push(plain(
                app,
                "  they stay pending; no timeout approves anything",
            ));
        }
    }
    for text in &app.queued {
        lines.push(plain(app, &format!("queued, and lost: {text}")));
    }
    let answer = |text: &'static str, mine: Choice| {
        let role = if choice == mine {
            Role::Selection
        } else {
            Role::Text
        };
        let mark = if choice == mine { "> " } else { "  " };
        Span::styled(format!("{mark}{text} "), app.theme.style(role))
    };
    lines.push(Line::default());
    lines.push(Line::from(vec![
        answer("stay", Choice::Stay),
        Span::raw("   "),
        answer("quit", Choice::Go),
    ]));
    lines
}

fn mode(app: &App, question: &ModeQuestion) -> Vec<Line<'static>> {
    let mut lines = vec![
        plain(app, "A mode is a signed writ. Against the one in force:"),
        Line::default(),
    ];
    if question.difference.is_empty() {
        lines.push(plain(app, "  nothing changes"));
    }
    for change in &question.difference {
        let role = match change.trim_start().chars().next() {
            Some('+') => Role::DiffAdd,
            Some('-') => Role::DiffDel,
            Some(_) | None => Role::Text,
        };
        let mut spans = vec![Span::raw("  ")];
        spans.extend(SafeText::line(change).spans(&app.theme, role));
        lines.push(Line::from(spans));
    }
    lines
}

fn writ(app: &App) -> Vec<Line<'static>> {
    let Some(status) = app.session.status() else {
        return vec![plain(app, "none yet")];
    };
    let writ = &status.writ;
    let until = writ
        .expires_at
        .map_or_else(|| "no end".to_owned(), |at| format!("until {at}"));
    let mut lines = vec![
        plain(app, &format!("mode    {}", status.mode.word())),
        plain(app, &format!("writ    {} ({})", writ.name, writ.id.short())),
        plain(app, &format!("effects {}", writ.effects)),
        plain(app, &format!("window  {until}")),
        plain(
            app,
            &format!("cage    {}, {}", status.rung, status.rung.describe()),
        ),
    ];
    for bar in &writ.budget {
        let amount = |value: u64| match bar.dimension {
            Dimension::UsdMillicents => format!("${}.{:02}", value / 100_000, value / 1_000 % 100),
            Dimension::WallClockMs => duration(value),
            Dimension::Tokens => bytes(value).trim_end_matches('B').trim_end().to_owned(),
            Dimension::ToolCalls => value.to_string(),
        };
        let limit = bar.limit.map_or_else(|| "no limit".to_owned(), amount);
        lines.push(plain(
            app,
            &format!(
                "budget  {}: {} of {limit}",
                bar.dimension,
                amount(bar.spent)
            ),
        ));
    }
    lines
}
