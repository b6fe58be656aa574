//! The inspector on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::{App, Pane};
use crate::panes::reader::Rows;
use crate::theme::Role;
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::Viewport;
use crate::ui::{chrome, scroll};

use super::state::{Inspector, Tab};

/// Lays out what is in view. Once before each frame.
pub(crate) fn prepare(app: &mut App, area: Rect) {
    let App {
        inspector, theme, ..
    } = app;
    let mut list = std::mem::take(&mut inspector.list);
    let rows = Rows {
        lines: &inspector.lines,
        version: inspector.version,
        theme,
    };
    list.layout(
        &rows,
        Viewport {
            width: usize::from(area.width.saturating_sub(3)),
            height: usize::from(area.height.saturating_sub(2)),
            epoch: theme.epoch(),
        },
    );
    inspector.list = list;
}

/// Draws the rows laid out last.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = matches!(app.focus.pane(), Pane::Inspector | Pane::Node);
    let hints = [
        ("[ ]".to_owned(), "tab"),
        ("y".to_owned(), "copy"),
        ("Esc".to_owned(), "back"),
    ];
    let pane = chrome::Pane {
        title: &SafeText::line(&title(&app.inspector)),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    if app.inspector.detail().is_none() {
        let line = Line::styled("Enter inspects an entry.", app.theme.style(Role::Muted));
        chrome::put_lines(&[line], inner, buffer);
        return;
    }
    scroll::list(&app.inspector.list, inner, buffer, &app.theme, app.glyphs);
}

fn title(inspector: &Inspector) -> String {
    let tabs: Vec<String> = Tab::ALL
        .iter()
        .map(|tab| {
            if *tab == inspector.tab() {
                format!("[{}]", tab.word())
            } else {
                tab.word().to_owned()
            }
        })
        .collect();
    match inspector.detail() {
        Some(detail) => format!(
            "seq {} {} - {}",
            detail.event.seq,
            detail.event.kind,
            tabs.join(" ")
        ),
        None => format!("inspector - {}", tabs.join(" ")),
    }
}
