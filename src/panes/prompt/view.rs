//! The line on cells, above the footer, with the real cursor at the caret.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::exact;
use crate::ui::safe_text::SafeText;

use super::{Prompt, Purpose};

/// Rows of text at most; the rows around the caret are shown.
const ROWS_MAX: usize = 8;

/// Draws the line at the bottom of the area.
pub(crate) fn draw(app: &App, prompt: &Prompt, area: Rect, frame: &mut Frame<'_>) {
    let theme = &app.theme;
    let width = usize::from(area.width.saturating_sub(2)).max(1);
    let (before, after) = prompt.halves();
    let mut spans = SafeText::line(before).spans(theme, Role::Text);
    let caret = exact::rows(&spans, width, &[], &[]);
    spans.extend(SafeText::line(after).spans(theme, Role::Text));
    let rows = exact::rows(&spans, width, &[], &[]);
    let caret_row = caret.len() - 1;
    let caret_column = caret.last().map_or(0, Line::width);
    let first = (caret_row + 1).saturating_sub(ROWS_MAX);
    let mut lines: Vec<Line<'static>> = rows.into_iter().skip(first).take(ROWS_MAX).collect();
    if let Some(fault) = &prompt.fault {
        lines.extend(fault_lines(app, prompt, fault));
    }
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    let place = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    let hints = hints(prompt);
    let pane = chrome::Pane {
        title: &SafeText::line(&prompt.purpose.title()),
        hints: &hints,
        focused: true,
        glyphs: app.glyphs,
    };
    let inner = chrome::overlay(&pane, place, frame.buffer_mut(), theme);
    chrome::put_lines(&lines, inner, frame.buffer_mut());
    let x = inner
        .x
        .saturating_add(u16::try_from(caret_column).unwrap_or(0));
    let y = inner
        .y
        .saturating_add(u16::try_from(caret_row - first).unwrap_or(0));
    if inner.height > 0 && inner.width > 0 {
        frame.set_cursor_position(Position {
            x: x.min(inner.right() - 1),
            y: y.min(inner.bottom() - 1),
        });
    }
}

/// The fault, under a mark at its column when it names one.
fn fault_lines(app: &App, prompt: &Prompt, fault: &str) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if prompt.purpose == Purpose::Filter
        && let Some(column) = column(fault)
    {
        let before: String = prompt
            .text()
            .chars()
            .take(column.saturating_sub(1))
            .collect();
        let blanks = " ".repeat(SafeText::line(&before).width());
        lines.push(Line::from(Span::styled(
            format!("{blanks}^"),
            app.theme.style(Role::Danger),
        )));
    }
    lines.push(SafeText::line(fault).to_line(&app.theme, Role::Danger));
    lines
}

/// The column that a message names, from 1.
pub(super) fn column(fault: &str) -> Option<usize> {
    let (_, rest) = fault.split_once("column ")?;
    let digits = rest.split(|ch: char| !ch.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|column| *column > 0)
}

fn hints(prompt: &Prompt) -> Vec<(String, &'static str)> {
    let done = match prompt.purpose {
        Purpose::Deny { .. } => "deny",
        Purpose::TypeBack { .. } => "approve",
        Purpose::Edit { .. } => "propose this instead",
        Purpose::Settle { .. } => "settle",
        Purpose::Filter => "filter",
        Purpose::Search => "search",
        Purpose::GoTo => "go there",
        Purpose::Revoke { .. } => "revoke",
        Purpose::Bundle => "simulate",
        Purpose::WritFile => "use it",
        Purpose::SkillParam(_) => "next",
    };
    let back = match prompt.purpose {
        Purpose::Filter | Purpose::Search | Purpose::GoTo => "back",
        Purpose::Bundle | Purpose::WritFile => "back",
        Purpose::Revoke { .. } => "back, revoke nothing",
        Purpose::SkillParam(_) => "back, bind nothing",
        Purpose::Deny { .. }
        | Purpose::TypeBack { .. }
        | Purpose::Edit { .. }
        | Purpose::Settle { .. } => "back, no decision",
    };
    vec![("Enter".to_owned(), done), ("Esc".to_owned(), back)]
}
