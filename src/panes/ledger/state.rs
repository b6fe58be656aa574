//! Pages of entries, where the reader stands in them, filter, search, verification.

use std::collections::BTreeMap;

use thymos_core::{EntryId, TrajectoryId};
use thymos_protocol::{Event, ReplayReport, VerifyProgress, VerifyReport, WorldView};

use crate::ui::vlist::VirtualList;

use super::world::World;

/// Entries of a page; the kernel gives no more at once.
pub const PAGE: u64 = 256;

/// Pages kept; those farthest from the view go first.
const PAGES_MAX: usize = 64;

/// Who asked what, so that a reply finds its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerAsked {
    /// A page, by its number.
    Page(u64),
    /// What a filter lets through.
    Find(String),
    /// Where a text stands.
    Search(String),
    /// The whole chain.
    Verify,
    /// The world after an entry.
    World(u64),
    /// The worlds after two entries: this is the first, the other is asked next.
    DiffFrom(u64, u64),
    /// The second of two worlds.
    DiffTo,
    /// A file after an entry.
    File(u64, String),
    /// An entry in full.
    Detail(EntryId),
}

/// What a filter let through.
#[derive(Clone, Debug, PartialEq)]
pub struct Filtered {
    /// The filter as typed.
    pub text: String,
    /// The entries, in order.
    pub events: Vec<Event>,
    /// How long the trajectory was then.
    pub len: u64,
}

/// How far verification is, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// Not asked for.
    #[default]
    Idle,
    /// Under way.
    Running(Option<VerifyProgress>),
    /// It could not be done; why.
    Failed(String),
    /// Done, for the ledger as a whole.
    Done(VerifyReport),
    /// Done, and told for a run and all that belongs to it as well.
    Replayed(Box<ReplayReport>),
}

/// The ledger.
#[derive(Clone, Debug)]
pub struct Ledger {
    trajectory: Option<TrajectoryId>,
    len: u64,
    pages: BTreeMap<u64, Vec<Event>>,
    asking: Option<u64>,
    /// What is shown instead of every entry.
    pub filtered: Option<Filtered>,
    /// The filter that has been asked for last; replies to others are dropped.
    pub filtering: Option<String>,
    /// The text looked for last, and where it stands.
    pub search: Option<(String, Vec<u64>)>,
    /// The world as of an entry, shown instead of the entries.
    pub world: Option<World>,
    /// The marked entry.
    pub marked: Option<u64>,
    /// The first of two worlds to compare, while the second is asked for.
    pub compared: Option<WorldView>,
    /// The chain.
    pub verification: Verification,
    // None follows the tail.
    chosen: Option<u64>,
    pub(super) list: VirtualList,
    pub(super) version: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            trajectory: None,
            len: 0,
            pages: BTreeMap::new(),
            asking: None,
            filtered: None,
            filtering: None,
            search: None,
            world: None,
            marked: None,
            compared: None,
            verification: Verification::Idle,
            chosen: None,
            list: VirtualList::following(),
            version: 0,
        }
    }
}

impl Ledger {
    /// Hears which trajectory is open and how long it is; starts over with another one. What
    /// verification found stays: it is about the whole log.
    pub fn sync(&mut self, trajectory: Option<TrajectoryId>, len: u64) {
        if self.trajectory != trajectory {
            *self = Self {
                trajectory,
                verification: std::mem::take(&mut self.verification),
                version: self.version + 1,
                ..Self::default()
            };
        }
        self.len = self.len.max(len);
    }

    /// Which trajectory.
    #[must_use]
    pub fn trajectory(&self) -> Option<TrajectoryId> {
        self.trajectory
    }

    /// Entries of the trajectory.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Rows of the list: every entry, or those of the filter.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.filtered
            .as_ref()
            .map_or(self.len, |filtered| filtered.events.len() as u64)
    }

    /// The entry of a row, when it is loaded.
    #[must_use]
    pub fn event(&self, row: u64) -> Option<&Event> {
        if let Some(filtered) = &self.filtered {
            return filtered.events.get(usize::try_from(row).ok()?);
        }
        let place = usize::try_from(row % PAGE).ok()?;
        self.pages.get(&(row / PAGE))?.get(place)
    }

    /// The chosen row; the last while the tail is followed.
    #[must_use]
    pub fn chosen(&self) -> u64 {
        let last = self.rows().saturating_sub(1);
        self.chosen.map_or(last, |row| row.min(last))
    }

    /// The chosen entry, when it is loaded.
    #[must_use]
    pub fn chosen_event(&self) -> Option<&Event> {
        self.event(self.chosen())
    }

    /// Whether the tail is followed.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.chosen.is_none()
    }

    /// Chooses a row.
    pub fn choose(&mut self, row: u64) {
        let row = row.min(self.rows().saturating_sub(1));
        self.chosen = Some(row);
        self.list.reveal(usize::try_from(row).unwrap_or(usize::MAX));
        self.version += 1;
    }

    /// Chooses another row, so many further.
    pub fn step(&mut self, by: i64) {
        self.choose(self.chosen().saturating_add_signed(by));
    }

    /// Rows of half a view, for moving by them.
    #[must_use]
    pub fn half(&self) -> i64 {
        i64::try_from(self.list.extent().shown / 2)
            .unwrap_or(1)
            .max(1)
    }

    /// Goes to the tail and stays there.
    pub fn follow(&mut self) {
        self.chosen = None;
        self.list.go_to_end();
        self.version += 1;
    }

    /// Puts what a filter let through in place of all.
    pub fn show_filtered(&mut self, filtered: Filtered) {
        self.filtered = Some(filtered);
        self.relist();
    }

    /// Shows every entry again.
    pub fn show_all(&mut self) {
        self.filtering = None;
        if self.filtered.take().is_some() {
            self.relist();
        }
    }

    fn relist(&mut self) {
        self.list = VirtualList::following();
        self.follow();
    }

    /// The page to ask for so that what is in view is loaded, if one is missing: its first entry
    /// and how many. One at a time.
    pub fn wanted(&mut self) -> Option<(TrajectoryId, u64, u64)> {
        let trajectory = self.trajectory?;
        if self.asking.is_some() || self.filtered.is_some() || self.len == 0 {
            return None;
        }
        let page = self.missing()?;
        let have = self.pages.get(&page).map_or(0, Vec::len) as u64;
        let first = page * PAGE + have;
        self.asking = Some(page);
        Some((trajectory, first, PAGE - have))
    }

    /// The first page in view that is not whole.
    pub(super) fn missing(&self) -> Option<u64> {
        if self.filtered.is_some() || self.len == 0 {
            return None;
        }
        let (first, last) = self.in_view();
        (first / PAGE..=last / PAGE).find(|page| {
            let whole = (self.len - page * PAGE).min(PAGE);
            (self.pages.get(page).map_or(0, Vec::len) as u64) < whole
        })
    }

    /// Whether a page is being waited for.
    pub(super) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    fn in_view(&self) -> (u64, u64) {
        let last_row = self.len.saturating_sub(1);
        let extent = self.list.extent();
        if extent.shown == 0 {
            let chosen = self.chosen();
            return (chosen, chosen);
        }
        let first = extent.above.min(last_row);
        (first, (extent.above + extent.shown - 1).min(last_row))
    }

    /// Takes a page. What does not follow on what is there is dropped and asked for again.
    pub fn take_page(&mut self, page: u64, events: Vec<Event>) {
        self.asking = None;
        let trajectory = self.trajectory;
        let have = self.pages.entry(page).or_default();
        let before = have.len();
        for event in events {
            let next = page * PAGE + have.len() as u64;
            let fits = event.seq == next && (have.len() as u64) < PAGE;
            if fits && Some(event.trajectory) == trajectory {
                have.push(event);
            }
        }
        if have.len() == before {
            // Nothing came of what the head promised: believe the page, never spin.
            self.len = self.len.min(page * PAGE + before as u64);
        }
        self.version += 1;
        self.forget_far(page);
    }

    /// A page did not come; the next event asks again.
    pub fn page_failed(&mut self) {
        self.asking = None;
    }

    fn forget_far(&mut self, page: u64) {
        while self.pages.len() > PAGES_MAX {
            let first = self.pages.keys().next().copied();
            let last = self.pages.keys().next_back().copied();
            let far = match (first, last) {
                (Some(first), Some(last)) if page - first.min(page) > last.max(page) - page => {
                    first
                }
                (_, Some(last)) => last,
                _ => return,
            };
            self.pages.remove(&far);
        }
    }

    /// Goes to the next entry in which the text searched for stands, or the one before; `false`
    /// when there is none.
    pub fn next_hit(&mut self, forward: bool) -> bool {
        let Some((_, hits)) = &self.search else {
            return false;
        };
        let here = self.chosen_event().map_or(self.chosen(), |event| event.seq);
        let found = if forward {
            hits.iter()
                .find(|seq| **seq > here)
                .or_else(|| hits.first())
        } else {
            hits.iter()
                .rfind(|seq| **seq < here)
                .or_else(|| hits.last())
        };
        let row = found.copied().and_then(|seq| self.row_of(seq));
        if let Some(row) = row {
            self.choose(row);
        }
        row.is_some()
    }

    fn row_of(&self, seq: u64) -> Option<u64> {
        match &self.filtered {
            Some(filtered) => filtered
                .events
                .iter()
                .position(|event| event.seq == seq)
                .map(|at| at as u64),
            None => Some(seq),
        }
    }
}
