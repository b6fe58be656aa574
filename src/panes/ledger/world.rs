//! The world as of an entry: every resource and every file, nothing newer.

use thymos_protocol::{WorldRow, WorldView};

use crate::ui::vlist::VirtualList;

/// The world as of an entry.
#[derive(Clone, Debug)]
pub struct World {
    /// What the kernel folded.
    pub view: WorldView,
    chosen: usize,
    pub(super) list: VirtualList,
}

impl World {
    /// A world to look at.
    #[must_use]
    pub fn new(view: WorldView) -> Self {
        Self {
            view,
            chosen: 0,
            list: VirtualList::new(),
        }
    }

    /// The place of the chosen row.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.chosen
    }

    /// The chosen row.
    #[must_use]
    pub fn row(&self) -> Option<&WorldRow> {
        self.view.rows.get(self.chosen)
    }

    /// Chooses another row, so many further.
    pub fn step(&mut self, by: i64) {
        let last = self.view.rows.len().saturating_sub(1);
        let by = isize::try_from(by).unwrap_or(if by < 0 { isize::MIN } else { isize::MAX });
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
        self.list.reveal(self.chosen);
    }

    /// Rows of half a view, for moving by them.
    #[must_use]
    pub fn half(&self) -> i64 {
        i64::try_from(self.list.extent().shown / 2)
            .unwrap_or(1)
            .max(1)
    }
}

/// The path of a resource that is a file.
#[must_use]
pub(crate) fn file_path(row: &WorldRow) -> Option<&str> {
    row.resource.strip_prefix("file:")
}
