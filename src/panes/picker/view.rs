//! The list on cells: what was typed, then as many rows as fit around the chosen one.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::safe_text::SafeText;
use crate::ui::width::columns;

use super::state::{Picker, PickerRow, Subject};

/// Columns of the list at most.
const WIDTH: u16 = 100;

/// Rows of the list at most.
const ROWS_MAX: u16 = 20;

/// Draws the list in the middle of the area.
pub(crate) fn draw(app: &App, picker: &Picker, area: Rect, frame: &mut Frame<'_>) {
    let count = u16::try_from(picker.found().len())
        .unwrap_or(u16::MAX)
        .max(1);
    let height = count.min(ROWS_MAX).saturating_add(3);
    let place = chrome::centered(area, WIDTH.min(area.width.saturating_sub(2)), height);
    let hints = [
        ("Enter".to_owned(), "choose"),
        ("Esc".to_owned(), "back, choose nothing"),
    ];
    let pane = chrome::Pane {
        title: &SafeText::line(picker.subject.title()),
        hints: &hints,
        focused: true,
        glyphs: app.glyphs,
    };
    let inner = chrome::overlay(&pane, place, frame.buffer_mut(), &app.theme);
    if inner.height == 0 || inner.width < 2 {
        return;
    }
    let typed = SafeText::line(picker.typed());
    let mut spans = vec![Span::styled("> ", app.theme.style(Role::Key))];
    spans.extend(typed.spans(&app.theme, Role::Text));
    let mut lines = vec![Line::from(spans)];
    lines.extend(rows(app, picker, inner));
    chrome::put_lines(&lines, inner, frame.buffer_mut());
    let caret = u16::try_from(typed.width() + 2).unwrap_or(u16::MAX);
    frame.set_cursor_position(Position {
        x: inner.x.saturating_add(caret).min(inner.right() - 1),
        y: inner.y,
    });
}

fn rows(app: &App, picker: &Picker, inner: Rect) -> Vec<Line<'static>> {
    let height = usize::from(inner.height.saturating_sub(1));
    if picker.found().len() == 0 {
        let text = match picker.subject {
            _ if picker.loading => "asking ..",
            _ if !picker.typed().is_empty() => "nothing matches",
            Subject::Skill => "there are none; `thymos skills new NAME` makes one",
            _ => "there are none",
        };
        return vec![Line::styled(text, app.theme.style(Role::Muted))];
    }
    let first = (picker.selected() + 1).saturating_sub(height);
    picker
        .found()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(at, row)| one(app, row, at == picker.selected(), usize::from(inner.width)))
        .collect()
}

fn one(app: &App, row: &PickerRow, selected: bool, width: usize) -> Line<'static> {
    let tail = SafeText::line(&row.tail);
    let room = width.saturating_sub(tail.width() + 3);
    let text = SafeText::line(&row.text).shortened(room);
    let left = room.saturating_sub(text.width() + 2);
    let more = SafeText::line(&row.more).shortened(if left < 4 { 0 } else { left });
    let gap = room.saturating_sub(text.width() + 2 + more.width()) + 1;
    let (main, muted) = match (selected, row.usable) {
        (true, _) => (Role::Selection, Role::Selection),
        (false, true) => (Role::Text, Role::Muted),
        (false, false) => (Role::Muted, Role::Muted),
    };
    let mark = if selected { "> " } else { "  " };
    let mut spans = vec![Span::styled(mark, app.theme.style(main))];
    spans.extend(text.spans(&app.theme, main));
    spans.push(Span::styled("  ", app.theme.style(main)));
    spans.extend(more.spans(&app.theme, muted));
    spans.push(Span::styled(" ".repeat(gap), app.theme.style(main)));
    let key = if selected { Role::Selection } else { Role::Key };
    spans.extend(tail.spans(&app.theme, key));
    debug_assert!(columns(mark) == 2, "the mark takes two columns");
    Line::from(spans)
}
