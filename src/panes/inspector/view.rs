//! The inspector on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::{App, Pane};
use crate::panes::reader::{Said, view::lines};
use crate::theme::{Role, Theme};
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::{Items, Viewport};
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
    let focused = app.focus.pane() == Pane::Inspector;
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
    let text = Rect {
        width: inner.width.saturating_sub(1),
        ..inner
    };
    app.inspector.list.draw(text, buffer);
    scroll::bar(
        app.inspector.list.extent(),
        inner,
        buffer,
        &app.theme,
        app.glyphs,
    );
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

struct Rows<'a> {
    lines: &'a [Said],
    version: u64,
    theme: &'a Theme,
}

impl Items for Rows<'_> {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn version(&self, _: usize) -> u64 {
        self.version
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        self.lines
            .get(at)
            .map(|said| lines(said, width, self.theme))
            .unwrap_or_default()
    }
}
