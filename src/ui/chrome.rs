//! Borders, titles, overlays and rows of hints.
//!
//! Draws what surrounds content; knows no pane. Titles are foreign text and come as
//! [`SafeText`]; labels of our own are `&'static str`.

use super::safe_text::SafeText;
use super::width::columns;
use crate::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Which glyphs borders are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Box drawing.
    #[default]
    Box,
    /// `+`, `-`, `|` only.
    Ascii,
}

/// How a pane's border looks.
#[derive(Clone, Debug)]
pub struct Pane<'a> {
    /// In the top border.
    pub title: &'a SafeText,
    /// In the bottom border; may be empty.
    pub hints: &'a [(String, &'static str)],
    /// Double border, and a mark before the title.
    pub focused: bool,
    /// What to draw with.
    pub glyphs: Glyphs,
}

/// Draws a border and gives what is left inside; everything when there is no room for one.
pub fn pane(pane: &Pane<'_>, area: Rect, buffer: &mut Buffer, theme: &Theme) -> Rect {
    if area.width < 4 || area.height < 3 {
        return area;
    }
    let style = theme.style(if pane.focused {
        Role::Focus
    } else {
        Role::Border
    });
    let ([top_left, top_right, bottom_left, bottom_right], across, down) = glyphs(pane);
    let (left, right) = (area.x, area.right() - 1);
    let (top, bottom) = (area.y, area.bottom() - 1);
    for x in left + 1..right {
        buffer.set_string(x, top, across, style);
        buffer.set_string(x, bottom, across, style);
    }
    for y in top + 1..bottom {
        buffer.set_string(left, y, down, style);
        buffer.set_string(right, y, down, style);
    }
    buffer.set_string(left, top, top_left, style);
    buffer.set_string(right, top, top_right, style);
    buffer.set_string(left, bottom, bottom_left, style);
    buffer.set_string(right, bottom, bottom_right, style);
    let room = area.width.saturating_sub(4);
    let title_style = theme.style(if pane.focused {
        Role::Focus
    } else {
        Role::Title
    });
    let mut spans = vec![Span::styled(
        if pane.focused { " * " } else { " " },
        title_style,
    )];
    let title = pane.title.shortened(usize::from(room.saturating_sub(4)));
    spans.extend(title.spans_styled(theme, title_style));
    spans.push(Span::styled(" ", title_style));
    if title.width() > 0 {
        buffer.set_line(left + 1, top, &Line::from(spans), room + 1);
    }
    if !pane.hints.is_empty() {
        buffer.set_line(
            left + 2,
            bottom,
            &hints(pane.hints, usize::from(room), theme),
            room,
        );
    }
    Rect {
        x: left + 1,
        y: top + 1,
        width: area.width - 2,
        height: area.height - 2,
    }
}

/// What a border leaves of an area, as [`pane`] draws it.
#[must_use]
pub fn inside(area: Rect) -> Rect {
    if area.width < 4 || area.height < 3 {
        return area;
    }
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width - 2,
        height: area.height - 2,
    }
}

/// Corners from the top left on, row by row; then the line across and the line down.
fn glyphs(pane: &Pane<'_>) -> ([&'static str; 4], &'static str, &'static str) {
    match (pane.glyphs, pane.focused) {
        (Glyphs::Box, false) => (["┌", "┐", "└", "┘"], "─", "│"),
        (Glyphs::Box, true) => (["╔", "╗", "╚", "╝"], "═", "║"),
        (Glyphs::Ascii, false) => (["+"; 4], "-", "|"),
        (Glyphs::Ascii, true) => (["#"; 4], "=", "|"),
    }
}

/// A row of hints, key then words; those that do not fit whole are left out.
#[must_use]
pub fn hints(items: &[(String, &'static str)], width: usize, theme: &Theme) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (key, words) in items {
        let gap = if spans.is_empty() { "" } else { "  " };
        let length = gap.len() + columns(key) + 1 + columns(words);
        if used + length > width {
            break;
        }
        used += length;
        spans.push(Span::raw(gap));
        spans.push(Span::styled(key.clone(), theme.style(Role::Key)));
        spans.push(Span::styled(format!(" {words}"), theme.style(Role::Footer)));
    }
    Line::from(spans)
}

/// A box in the middle of the area, at most as large as it.
#[must_use]
pub fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// Clears a box, draws a pane around it, and gives what is inside.
pub fn overlay(frame: &Pane<'_>, area: Rect, buffer: &mut Buffer, theme: &Theme) -> Rect {
    Clear.render(area, buffer);
    buffer.set_style(area, theme.style(Role::Text));
    pane(frame, area, buffer, theme)
}

/// Fills the area with the theme's background.
pub fn background(area: Rect, buffer: &mut Buffer, theme: &Theme) {
    buffer.set_style(area, theme.style(Role::Text));
}

/// Puts lines into the area from the top; what does not fit is cut.
pub fn put_lines(lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        buffer.set_line(area.x, y, line, area.width);
    }
}
