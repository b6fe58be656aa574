//! A scrollbar of one column, exact over `u64` rows.
//!
//! Draws only; where the view stands is told by the list.

use super::chrome::Glyphs;
use super::vlist::VirtualList;
use crate::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Where a view stands in something long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Rows above the view.
    pub above: u64,
    /// Rows in the view.
    pub shown: u64,
    /// All rows.
    pub total: u64,
}

impl Extent {
    /// Rows below the view.
    #[must_use]
    pub fn below(&self) -> u64 {
        self.total
            .saturating_sub(self.above.saturating_add(self.shown))
    }
}

/// Draws the bar in the last column of the area; nothing when all is in view.
pub fn bar(extent: Extent, area: Rect, buffer: &mut Buffer, theme: &Theme, glyphs: Glyphs) {
    if extent.total <= extent.shown || area.width == 0 || area.height == 0 {
        return;
    }
    let (start, length) = thumb(extent, area.height);
    let x = area.right() - 1;
    for row in 0..area.height {
        let on = (start..start + length).contains(&row);
        let (symbol, role) = match (on, glyphs) {
            (true, Glyphs::Box) => ("█", Role::Accent),
            (true, Glyphs::Ascii) => ("#", Role::Accent),
            (false, Glyphs::Box) => ("│", Role::Border),
            (false, Glyphs::Ascii) => ("|", Role::Border),
        };
        if let Some(cell) = buffer.cell_mut((x, area.y + row)) {
            cell.set_symbol(symbol).set_style(theme.style(role));
        }
    }
}

/// Draws a list with its bar in the last column, which the list leaves free.
pub fn list(list: &VirtualList, area: Rect, buffer: &mut Buffer, theme: &Theme, glyphs: Glyphs) {
    let text = Rect {
        width: area.width.saturating_sub(1),
        ..area
    };
    list.draw(text, buffer);
    bar(list.extent(), area, buffer, theme, glyphs);
}

/// The first row and the length of the thumb; it touches an end only when the view does.
#[must_use]
pub fn thumb(extent: Extent, height: u16) -> (u16, u16) {
    let rows = u128::from(height.max(1));
    let total = u128::from(extent.total.max(1));
    let length = (u128::from(extent.shown) * rows / total).clamp(1, rows);
    let free = rows - length;
    let hidden = total.saturating_sub(u128::from(extent.shown)).max(1);
    let mut start = (u128::from(extent.above) * free / hidden).min(free);
    if extent.above > 0 && start == 0 && free > 1 {
        start = 1;
    }
    if extent.below() > 0 && start == free && free > 1 {
        start = free - 1;
    }
    (
        u16::try_from(start).unwrap_or(0),
        u16::try_from(length).unwrap_or(height),
    )
}
