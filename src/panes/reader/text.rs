//! Lines to read inside a pane or a question: scrolled, copied, and known to have been seen.
//!
//! Draws no border; what the lines say is made by whoever puts them in.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Said;
use super::view::lines;
use crate::app::{Action, App};
use crate::theme::Theme;
use crate::ui::scroll;
use crate::ui::vlist::{Items, Place, Viewport, VirtualList};

/// Lines, and how far they have been scrolled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    lines: Arc<Vec<Said>>,
    version: u64,
    list: VirtualList,
    seen: bool,
}

impl Text {
    /// These lines, from the top.
    #[must_use]
    pub fn new(lines: Vec<Said>) -> Self {
        Self {
            lines: Arc::new(lines),
            ..Self::default()
        }
    }

    /// Other lines, from the top, unless they are the same ones; they have to be seen anew.
    pub fn put(&mut self, lines: Vec<Said>) {
        if *self.lines != lines {
            self.list = VirtualList::new();
            self.rewrite(lines);
        }
    }

    /// The lines as they are now; the view stays where it can, and they have to be seen anew.
    pub fn rewrite(&mut self, lines: Vec<Said>) {
        if *self.lines != lines {
            self.lines = Arc::new(lines);
            self.version += 1;
            self.seen = false;
        }
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the end has been on screen.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.seen
    }

    /// Tells that this text was written out to its end. Only what stands here now has been seen.
    pub fn was_written(&mut self, text: &str) {
        self.seen |= self.text() == text;
    }

    /// Every line.
    #[must_use]
    pub fn said(&self) -> &[Said] {
        &self.lines
    }

    /// Everything, for copying.
    #[must_use]
    pub fn text(&self) -> String {
        let line = |said: &Said| format!("{}{}\n", said.head, said.text);
        self.lines.iter().map(line).collect()
    }

    /// Whether the action scrolled it.
    pub fn act(&mut self, action: Action) -> bool {
        match action {
            Action::ListDown => self.list.scroll(1),
            Action::ListUp => self.list.scroll(-1),
            Action::ListFirst => self.list.go_to_start(),
            // Not followed: what is added below comes into view when somebody scrolls to it.
            Action::ListLast => self.list.go_to(Place {
                item: self.lines.len().saturating_sub(1),
                line: u64::MAX,
            }),
            Action::ListHalfDown => self.list.scroll_halves(1),
            Action::ListHalfUp => self.list.scroll_halves(-1),
            Action::ListPageDown => self.list.scroll_halves(2),
            Action::ListPageUp => self.list.scroll_halves(-2),
            _ => return false,
        }
        true
    }

    /// Rows it takes at a width, as far as they can be told without laying all of it out.
    #[must_use]
    pub(crate) fn rows(&self, width: usize, most: usize, theme: &Theme) -> usize {
        let mut rows = 0;
        for said in self.lines.iter() {
            rows += lines(said, width.max(1), theme).len().max(1);
            if rows >= most {
                return most;
            }
        }
        rows
    }

    /// Lays out what is in view. `visible` tells whether nothing lies over it.
    pub(crate) fn prepare(&mut self, area: Rect, theme: &Theme, visible: bool) {
        let rows = Rows {
            lines: &self.lines,
            version: self.version,
            theme,
        };
        let view = Viewport {
            width: usize::from(area.width.saturating_sub(1)),
            height: usize::from(area.height),
            epoch: theme.epoch(),
        };
        self.list.layout(&rows, view);
        let drawn = visible && view.width > 1 && self.list.extent().shown > 0;
        self.seen |= drawn && self.list.at_end();
    }

    /// Draws the rows laid out last.
    pub(crate) fn draw(&self, area: Rect, buffer: &mut Buffer, app: &App) {
        scroll::list(&self.list, area, buffer, &app.theme, app.glyphs);
    }
}

/// Lines to read, as a list lays them out.
pub(crate) struct Rows<'a> {
    pub(crate) lines: &'a [Said],
    pub(crate) version: u64,
    pub(crate) theme: &'a Theme,
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
