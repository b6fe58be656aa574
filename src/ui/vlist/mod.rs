//! A list of any length of which only what is in view is laid out.
//!
//! The position is an item and a line within it; heights are `u64` in a Fenwick tree, exact
//! where measured and estimated elsewhere, so the scrollbar is right and no frame ever sums
//! them. Rows are laid out by [`VirtualList::layout`]; drawing then only reads.

mod fenwick;
mod motion;

#[cfg(test)]
mod tests;

use super::scroll::Extent;
use fenwick::Fenwick;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::collections::BTreeMap;

/// Rendered items kept beyond those in view, on each side.
pub const MEMO_ITEMS_AROUND: usize = 128;

/// The content of a list, asked item by item.
pub trait Items {
    /// How many there are.
    fn len(&self) -> usize;

    /// Changes when the item would be drawn otherwise (grown, folded, selected).
    fn version(&self, item: usize) -> u64;

    /// Lines the item will roughly take; at least 1.
    fn estimate(&self, item: usize, width: usize) -> u64;

    /// The item drawn at a width; counts as one line when it has none.
    fn lines(&self, item: usize, width: usize) -> Vec<Line<'static>>;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where the top of the view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The item.
    pub item: usize,
    /// The line within it.
    pub line: u64,
}

/// The room a list has, and the theme it is drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// [`crate::theme::Theme::epoch`].
    pub epoch: u64,
}

/// One row in view.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The item it belongs to.
    pub item: usize,
    /// Which of the item's lines it is.
    pub line: u64,
    /// What it shows.
    pub text: &'a Line<'static>,
}

/// The list's position, heights and rendered items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualList {
    heights: Fenwick,
    memos: BTreeMap<usize, Memo>,
    top: Place,
    follow: bool,
    // Following is taken up again when scrolled back to the end.
    tail: bool,
    pending: Option<Move>,
    shown: Vec<Place>,
    view: Option<Viewport>,
    laid_out: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Memo {
    key: (usize, u64, u64),
    lines: Vec<Line<'static>>,
}

/// A movement asked for since the last layout; resolved there, where heights are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    By(i64),
    To(Place),
    Reveal(usize),
}

impl VirtualList {
    /// A list that stays at its top.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A list that follows its end until scrolled away.
    #[must_use]
    pub fn following() -> Self {
        Self {
            follow: true,
            tail: true,
            ..Self::default()
        }
    }

    /// Scrolls by lines; negative is up.
    pub fn scroll(&mut self, lines: i64) {
        self.follow = false;
        self.pending = Some(match self.pending {
            Some(Move::By(before)) => Move::By(before.saturating_add(lines)),
            Some(Move::To(_) | Move::Reveal(_)) | None => Move::By(lines),
        });
    }

    /// Scrolls by halves of the view; negative is up. 2 is a page, less one line to hold on to.
    pub fn scroll_halves(&mut self, halves: i64) {
        let height = self.view.map_or(2, |view| view.height);
        let height = i64::try_from(height).unwrap_or(i64::MAX);
        let lines = if halves % 2 == 0 {
            (height - 1) * (halves / 2)
        } else {
            height / 2 * halves
        };
        self.scroll(if lines == 0 { halves.signum() } else { lines });
    }

    /// Goes to a place.
    pub fn go_to(&mut self, place: Place) {
        self.follow = false;
        self.pending = Some(Move::To(place));
    }

    /// Goes to the first line.
    pub fn go_to_start(&mut self) {
        self.go_to(Place::default());
    }

    /// Goes to the end and follows it.
    pub fn go_to_end(&mut self) {
        self.follow = true;
        self.pending = None;
    }

    /// Brings an item into view with the least movement.
    pub fn reveal(&mut self, item: usize) {
        self.follow = false;
        self.pending = Some(Move::Reveal(item));
    }

    /// Tells that so many items were put before all others; the view stays on its rows.
    pub fn prepended(&mut self, count: usize) {
        self.top.item += count;
        self.heights = Fenwick::default();
        let memos = std::mem::take(&mut self.memos);
        self.memos = memos
            .into_iter()
            .map(|(item, memo)| (item + count, memo))
            .collect();
        if let Some(Move::To(place)) = &mut self.pending {
            place.item += count;
        }
    }

    /// Whether the end is followed.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.follow
    }

    /// The top of the view.
    #[must_use]
    pub fn top(&self) -> Place {
        self.top
    }

    /// Items rendered by the last layout: 0 when nothing in view changed.
    #[must_use]
    pub fn laid_out(&self) -> usize {
        self.laid_out
    }

    /// Where the view stands, for a scrollbar.
    #[must_use]
    pub fn extent(&self) -> Extent {
        Extent {
            above: self.heights.before(self.top.item) + self.top.line,
            shown: self.shown.len() as u64,
            total: self.heights.before(self.heights.len()),
        }
    }

    /// Whether the last row is in view.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.extent().below() == 0
    }

    /// Lays out what is in view. Call once before each frame that draws the list.
    pub fn layout(&mut self, items: &dyn Items, view: Viewport) {
        self.laid_out = 0;
        self.view = Some(view);
        self.sync_length(items, view);
        if items.is_empty() || view.height == 0 {
            self.top = Place::default();
            self.shown.clear();
            self.pending = None;
            return;
        }
        self.clamp_top(items, view);
        if let Some(asked) = self.pending.take() {
            self.resolve(asked, items, view);
        }
        if self.follow {
            self.top = self.last_top(items, view);
        }
        self.fill(items, view);
        if self.shown.len() < view.height && self.top != Place::default() {
            self.top = self.last_top(items, view);
            self.fill(items, view);
        }
        self.follow |= self.tail && self.at_end();
        self.forget_far();
    }

    /// The rows in view, from the top.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.shown.iter().filter_map(|place| {
            let memo = self.memos.get(&place.item)?;
            let text = memo.lines.get(usize::try_from(place.line).ok()?)?;
            Some(Row {
                item: place.item,
                line: place.line,
                text,
            })
        })
    }

    /// Draws the rows laid out last.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        for (row, y) in self.rows().zip(area.y..area.bottom()) {
            buffer.set_line(area.x, y, row.text, area.width);
        }
    }
}
