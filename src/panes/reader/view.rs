//! The text on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::theme::{Role, Theme};
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::Viewport;
use crate::ui::wrap::wrap_hanging;
use crate::ui::{chrome, exact, scroll};

use super::state::{Reader, Said};
use super::text::Rows;

/// Columns at most: a line longer than this is hard to read.
const WIDTH: u16 = 120;

/// Lays out what is in view. Once before each frame.
pub(crate) fn prepare(reader: &mut Reader, theme: &Theme, area: Rect) {
    let inner = chrome::inside(place(area));
    let rows = Rows {
        lines: &reader.lines,
        version: reader.version,
        theme,
    };
    reader.list.layout(
        &rows,
        Viewport {
            width: usize::from(inner.width.saturating_sub(1)),
            height: usize::from(inner.height),
            epoch: theme.epoch(),
        },
    );
}

/// Draws the rows laid out last.
pub(crate) fn draw(app: &App, reader: &Reader, area: Rect, buffer: &mut Buffer) {
    let hints = [
        ("j/k".to_owned(), "scroll"),
        ("y".to_owned(), "copy"),
        ("Esc".to_owned(), "back"),
    ];
    let pane = chrome::Pane {
        title: &SafeText::line(&reader.title),
        hints: &hints,
        focused: true,
        glyphs: app.glyphs,
    };
    let inner = chrome::overlay(&pane, place(area), buffer, &app.theme);
    scroll::list(&reader.list, inner, buffer, &app.theme, app.glyphs);
}

fn place(area: Rect) -> Rect {
    let margin = if area.width > 60 { 4 } else { 0 };
    chrome::centered(
        area,
        WIDTH.min(area.width.saturating_sub(margin)),
        area.height.saturating_sub(margin / 4),
    )
}

/// One line to read, wrapped to a width.
pub(crate) fn lines(said: &Said, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let head = SafeText::line(&said.head);
    let blank = [Span::raw(" ".repeat(head.width()))];
    let first = head.spans(theme, Role::Key);
    if said.exact {
        let spans = SafeText::exact(&said.text).spans(theme, said.role);
        exact::rows(&spans, width, &first, &blank)
    } else {
        let line = SafeText::line(&said.text).to_line(theme, said.role);
        wrap_hanging(&line, width, &first, &blank)
    }
}
