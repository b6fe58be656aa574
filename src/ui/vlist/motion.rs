//! Turns movements into places, measuring only what a movement touches.
//!
//! A movement of a few screens is walked exactly; a longer one jumps by the heights known.

use super::{Items, MEMO_ITEMS_AROUND, Memo, Move, Place, Viewport, VirtualList};

/// Screens that are walked item by item; beyond them the estimate is good enough.
const SCREENS_WALKED: u64 = 4;

impl VirtualList {
    pub(super) fn sync_length(&mut self, items: &dyn Items, view: Viewport) {
        let length = items.len();
        if self.heights.len() > length {
            self.heights.truncate(length);
            self.memos.split_off(&length);
        }
        for item in self.heights.len()..length {
            self.heights.push(items.estimate(item, view.width).max(1));
        }
    }

    /// Keeps the top within items that may have shrunk.
    pub(super) fn clamp_top(&mut self, items: &dyn Items, view: Viewport) {
        if self.top.item >= items.len() {
            self.top = Place {
                item: items.len().saturating_sub(1),
                line: u64::MAX,
            };
        }
        if self.top.line > 0 {
            let height = self.measure(self.top.item, items, view);
            self.top.line = self.top.line.min(height - 1);
        }
    }

    pub(super) fn resolve(&mut self, asked: Move, items: &dyn Items, view: Viewport) {
        match asked {
            Move::By(lines) => self.walk(lines, items, view),
            Move::To(place) => {
                let item = place.item.min(items.len().saturating_sub(1));
                let height = self.measure(item, items, view);
                self.top = Place {
                    item,
                    line: place.line.min(height - 1),
                };
            }
            Move::Reveal(item) => self.bring_in(item.min(items.len() - 1), items, view),
        }
    }

    fn walk(&mut self, lines: i64, items: &dyn Items, view: Viewport) {
        let mut left = lines.unsigned_abs();
        if left > SCREENS_WALKED * view.height as u64 {
            let from = self
                .heights
                .before(self.top.item)
                .saturating_add(self.top.line);
            let to = from.saturating_add_signed(lines);
            let (item, line) = self.heights.find(to);
            self.top = Place { item, line };
            self.clamp_top(items, view);
            return;
        }
        if lines < 0 {
            self.top = self.up_from(self.top, left, items, view);
            return;
        }
        while left > 0 {
            let below = self.measure(self.top.item, items, view) - self.top.line;
            if left < below || self.top.item + 1 >= items.len() {
                self.top.line += left.min(below - 1);
                return;
            }
            left -= below;
            self.top = Place {
                item: self.top.item + 1,
                line: 0,
            };
        }
    }

    /// The place so many lines above another, or the start.
    fn up_from(&mut self, from: Place, lines: u64, items: &dyn Items, view: Viewport) -> Place {
        let (mut place, mut left) = (from, lines);
        while left > place.line {
            let Some(item) = place.item.checked_sub(1) else {
                return Place::default();
            };
            left -= place.line + 1;
            place = Place {
                item,
                line: self.measure(item, items, view) - 1,
            };
        }
        Place {
            line: place.line - left,
            ..place
        }
    }

    /// The top at which the last line is the last row.
    pub(super) fn last_top(&mut self, items: &dyn Items, view: Viewport) -> Place {
        let Some(item) = items.len().checked_sub(1) else {
            return Place::default();
        };
        let line = self.measure(item, items, view) - 1;
        self.up_from(Place { item, line }, view.height as u64 - 1, items, view)
    }

    fn bring_in(&mut self, item: usize, items: &dyn Items, view: Viewport) {
        let height = self.measure(item, items, view);
        let first = Place { item, line: 0 };
        if first <= self.top || height >= view.height as u64 {
            self.top = first;
            return;
        }
        let last = Place {
            item,
            line: height - 1,
        };
        let needed = self.up_from(last, view.height as u64 - 1, items, view);
        self.top = self.top.max(needed);
    }

    /// Gathers the rows from the top down.
    pub(super) fn fill(&mut self, items: &dyn Items, view: Viewport) {
        self.shown.clear();
        let mut place = self.top;
        while self.shown.len() < view.height && place.item < items.len() {
            let height = self.measure(place.item, items, view);
            let room = (view.height - self.shown.len()) as u64;
            let end = height.min(place.line.saturating_add(room));
            self.shown
                .extend((place.line..end).map(|line| Place { line, ..place }));
            place = Place {
                item: place.item + 1,
                line: 0,
            };
        }
    }

    /// The exact height of an item; renders it unless that is remembered. Never 0.
    fn measure(&mut self, item: usize, items: &dyn Items, view: Viewport) -> u64 {
        let key = (view.width, items.version(item), view.epoch);
        let known = self.memos.get(&item).filter(|memo| memo.key == key);
        if let Some(memo) = known {
            // After items were put before, heights are estimates again while memos are not.
            let height = memo.lines.len() as u64;
            if self.heights.get(item) != height {
                self.heights.set(item, height);
            }
        } else {
            let mut lines = items.lines(item, view.width);
            if lines.is_empty() {
                lines.push(ratatui::text::Line::default());
            }
            self.laid_out += 1;
            self.heights.set(item, lines.len() as u64);
            self.memos.insert(item, Memo { key, lines });
        }
        self.heights.get(item).max(1)
    }

    /// Lets go of rendered items far from the view.
    pub(super) fn forget_far(&mut self) {
        let first = self.top.item.saturating_sub(MEMO_ITEMS_AROUND);
        let last = self.shown.last().map_or(self.top.item, |place| place.item);
        let last = last.saturating_add(MEMO_ITEMS_AROUND);
        if self.memos.len() > 3 * MEMO_ITEMS_AROUND {
            self.memos.retain(|item, _| (first..=last).contains(item));
        }
    }
}
