//! The trajectories as last told, and which of them is chosen.

use thymos_core::TrajectoryId;
use thymos_protocol::RunRow;

use crate::panes::reader::Text;
use crate::ui::vlist::VirtualList;

use super::tree::{TreeRow, tree};

/// The runs screen.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// What is told of the chosen one.
    pub details: Text,
    pub(super) list: VirtualList,
    rows: Option<Vec<TreeRow>>,
    chosen: Option<TrajectoryId>,
    stale: bool,
    asking: bool,
    pub(super) version: u64,
}

impl Runs {
    /// The kernel rang: what is known may be old.
    pub fn rang(&mut self) {
        self.stale = true;
    }

    /// Whether to ask for the rows now; one question at a time.
    pub fn wants(&mut self) -> bool {
        let wants = (self.stale || self.rows.is_none()) && !self.asking;
        self.asking |= wants;
        self.stale &= !wants;
        wants
    }

    /// Takes the trajectories.
    pub fn take(&mut self, rows: Vec<RunRow>) {
        self.asking = false;
        self.rows = Some(tree(rows));
        self.version += 1;
    }

    /// They did not come; the next bell asks again.
    pub fn failed(&mut self) {
        self.asking = false;
        self.rows.get_or_insert_default();
    }

    /// The rows; none before they have come.
    #[must_use]
    pub fn rows(&self) -> Option<&[TreeRow]> {
        self.rows.as_deref()
    }

    /// The place of the chosen row; that of the open trajectory while none was chosen.
    #[must_use]
    pub fn place(&self, open: Option<TrajectoryId>) -> usize {
        let rows = self.rows.as_deref().unwrap_or_default();
        let of =
            |id: Option<TrajectoryId>| rows.iter().position(|row| Some(row.run.trajectory) == id);
        of(self.chosen).or_else(|| of(open)).unwrap_or(0)
    }

    /// The chosen row.
    #[must_use]
    pub fn row(&self, open: Option<TrajectoryId>) -> Option<&TreeRow> {
        self.rows.as_ref()?.get(self.place(open))
    }

    /// Chooses a row by its place.
    pub fn choose(&mut self, place: usize) {
        let rows = self.rows.as_deref().unwrap_or_default();
        let place = place.min(rows.len().saturating_sub(1));
        self.chosen = rows.get(place).map(|row| row.run.trajectory);
        self.list.reveal(place);
        self.details = Text::default();
        self.version += 1;
    }

    /// Trajectories that hang from that one, at any depth.
    #[must_use]
    pub fn below(&self, of: TrajectoryId) -> Vec<&RunRow> {
        let rows = self.rows.as_deref().unwrap_or_default();
        let Some(at) = rows.iter().position(|row| row.run.trajectory == of) else {
            return Vec::new();
        };
        let depth = rows.get(at).map_or(0, |row| row.depth);
        rows.iter()
            .skip(at + 1)
            .take_while(|row| row.depth > depth)
            .map(|row| &row.run)
            .collect()
    }
}
