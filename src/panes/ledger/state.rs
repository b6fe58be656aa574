//! Pages of entries, where the reader stands in them, what is shown in their place, verification.

use std::collections::BTreeMap;

use thymos_core::{EntryId, TrajectoryId};
use thymos_protocol::{Event, Found, ReplayReport, Ticket, VerifyProgress, VerifyReport};

use crate::ui::vlist::VirtualList;

use super::filtered::{Filtered, Hits};
use super::sheet::Sheet;
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
    /// A page of what a filter lets through, by its number.
    Rows(u64),
    /// What a filter lets through; which search that is.
    Find(u64),
    /// Where a text stands; which search that is.
    Search(u64),
    /// Ending a search.
    Cancel,
    /// The whole chain.
    Verify,
    /// The world after an entry.
    World(u64),
    /// How the worlds after two entries differ.
    Diff,
    /// A file after an entry.
    File(u64, String),
    /// A file after the first of two entries; the other is asked next.
    FileBefore(FileChange),
    /// The file after the second of them, with what it was.
    FileAfter(FileChange, Option<String>),
    /// Where an entry or a resource comes from; which question that is.
    Provenance(u64),
    /// An entry in full.
    Detail(EntryId),
}

/// A file of which two moments are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Workspace-relative.
    pub path: String,
    /// After this entry,
    pub from: u64,
    /// and after this one.
    pub to: u64,
}

/// What the ledger has asked for and can end: it takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// What it was asked with.
    pub ticket: Ticket,
    /// Entries looked at.
    pub done: u64,
    /// Entries there are.
    pub of: u64,
}

impl UnderWay {
    /// Just asked.
    #[must_use]
    pub const fn begun(ticket: Ticket) -> Self {
        Self {
            ticket,
            done: 0,
            of: 0,
        }
    }

    /// How much of it is done, in hundredths.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let done = self.done.min(self.of).saturating_mul(100);
        done.checked_div(self.of).unwrap_or(0)
    }
}

/// What is missing in view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Entries from this one on.
    Page {
        /// Number of the page.
        page: u64,
        /// The first one missing.
        from_seq: u64,
        /// How many.
        count: u64,
    },
    /// These entries of a filter.
    Rows {
        /// Number of the page.
        page: u64,
        /// Where they stand, in the run or in the log.
        places: Vec<u64>,
        /// Which it is.
        of_log: bool,
    },
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
    /// The filter that has been asked for last and has found nothing yet.
    pub filtering: Option<String>,
    /// The search of a filter that goes on.
    pub finding: Option<UnderWay>,
    /// The text looked for last, and where it stands.
    pub search: Option<Hits>,
    /// The search for a text that goes on.
    pub searching: Option<UnderWay>,
    /// Filters asked for so far; replies to any but the newest are dropped.
    pub searches: u64,
    /// The same of texts.
    pub text_searches: u64,
    /// The world as of an entry, shown instead of the entries.
    pub world: Option<World>,
    /// A provenance or a difference, shown instead of all of them.
    pub sheet: Option<Sheet>,
    /// A provenance that is being looked for.
    pub seeking: Option<UnderWay>,
    /// Provenances asked for so far; replies to any but the newest are dropped.
    pub seeks: u64,
    /// The marked entry.
    pub marked: Option<u64>,
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
            finding: None,
            search: None,
            searching: None,
            searches: 0,
            text_searches: 0,
            world: None,
            sheet: None,
            seeking: None,
            seeks: 0,
            marked: None,
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
                searches: self.searches,
                text_searches: self.text_searches,
                seeks: self.seeks,
                ..Self::default()
            };
        }
        self.len = self.len.max(len);
    }

    /// What is being looked for, and would go on by itself.
    #[must_use]
    pub const fn under_way(&self) -> [Option<UnderWay>; 3] {
        [self.finding, self.searching, self.seeking]
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
        self.filtered.as_ref().map_or(self.len, Filtered::len)
    }

    /// The entry of a row, when it is loaded.
    #[must_use]
    pub fn event(&self, row: u64) -> Option<&Event> {
        if let Some(filtered) = &self.filtered {
            return filtered.event(row);
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

    /// Whether rows of the whole log are shown, and not of the open run alone.
    #[must_use]
    pub fn is_of_log(&self) -> bool {
        let filtered = self.filtered.as_ref();
        filtered.is_some_and(|filtered| filtered.of_log)
    }

    /// How many places there are: entries of the run, or those of the log that were looked through.
    #[must_use]
    pub fn places(&self) -> u64 {
        let of_log = self.filtered.as_ref().filter(|filtered| filtered.of_log);
        of_log.map_or(self.len, |filtered| filtered.looked_at)
    }

    /// Where the chosen entry stands: its sequence number, or its index where the whole log is shown.
    #[must_use]
    pub fn here(&self) -> u64 {
        let Some(event) = self.chosen_event() else {
            return self.chosen();
        };
        let filtered = self.filtered.as_ref();
        filtered.map_or(event.seq, |filtered| filtered.place(event))
    }

    /// Whether this is the marked entry, which is one of the open run.
    #[must_use]
    pub fn is_marked(&self, event: &Event) -> bool {
        self.marked == Some(event.seq) && self.trajectory == Some(event.trajectory)
    }

    /// Chooses the entry that stands there; `false` when the filter hides it.
    pub fn choose_place(&mut self, place: u64) -> bool {
        let row = self.row_of(place);
        if let Some(row) = row {
            self.choose(row);
        }
        row.is_some()
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

    /// Takes what a filter let through since it last told; the first time it is shown in place of all.
    pub fn take_found(&mut self, found: Found) {
        if let Some(text) = self.filtering.take() {
            self.filtered = Some(Filtered::new(text));
            self.relist();
        }
        let near = self.chosen() / PAGE;
        if let Some(filtered) = &mut self.filtered {
            filtered.take(found, near);
            self.version += 1;
        }
    }

    /// Shows every entry again.
    pub fn show_all(&mut self) {
        self.filtering = None;
        if self.filtered.take().is_some() {
            self.asking = None;
            self.relist();
        }
    }

    fn relist(&mut self) {
        self.list = VirtualList::following();
        self.follow();
    }

    /// What to ask for so that what is in view is loaded, if something is missing. One page at a time.
    pub fn wanted(&mut self) -> Option<(TrajectoryId, Wanted)> {
        let trajectory = self.trajectory?;
        if self.asking.is_some() {
            return None;
        }
        let page = self.missing()?;
        let wanted = match &self.filtered {
            Some(filtered) => Wanted::Rows {
                page,
                places: filtered.unloaded(page),
                of_log: filtered.of_log,
            },
            None => {
                let have = self.pages.get(&page).map_or(0, Vec::len) as u64;
                Wanted::Page {
                    page,
                    from_seq: page * PAGE + have,
                    count: PAGE - have,
                }
            }
        };
        self.asking = Some(page);
        Some((trajectory, wanted))
    }

    /// The first page in view that is not whole.
    pub(super) fn missing(&self) -> Option<u64> {
        let rows = self.rows();
        if rows == 0 {
            return None;
        }
        let (first, last) = self.in_view();
        (first / PAGE..=last / PAGE).find(|page| match &self.filtered {
            Some(filtered) => filtered.is_wanting(*page),
            None => {
                let whole = (rows - page * PAGE).min(PAGE);
                (self.pages.get(page).map_or(0, Vec::len) as u64) < whole
            }
        })
    }

    /// Whether a page is being waited for.
    pub(super) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Whether rows in view are not read yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.missing().is_some()
    }

    fn in_view(&self) -> (u64, u64) {
        let last_row = self.rows().saturating_sub(1);
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

    /// Takes entries of a filter.
    pub fn take_rows(&mut self, page: u64, events: Vec<Event>) {
        self.asking = None;
        let near = self.chosen() / PAGE;
        if let Some(filtered) = &mut self.filtered {
            filtered.take_rows(page, events, near);
            self.version += 1;
        }
    }

    /// A page did not come; the next event asks again.
    pub fn page_failed(&mut self) {
        self.asking = None;
    }

    fn forget_far(&mut self, page: u64) {
        forget_far(&mut self.pages, page);
    }

    /// Goes to the next entry in which the text searched for stands, or the one before; `false`
    /// when there is none.
    pub fn next_hit(&mut self, forward: bool) -> bool {
        let here = self.here();
        let found = self
            .search
            .as_ref()
            .and_then(|hits| hits.next(here, forward));
        let row = found.and_then(|place| self.row_of(place));
        if let Some(row) = row {
            self.choose(row);
        }
        row.is_some()
    }

    fn row_of(&self, place: u64) -> Option<u64> {
        match &self.filtered {
            Some(filtered) => filtered.row_of(place),
            None => Some(place),
        }
    }
}

/// Lets go of the pages that are farthest from this one, beyond those that are kept.
pub(super) fn forget_far(pages: &mut BTreeMap<u64, Vec<Event>>, page: u64) {
    while pages.len() > PAGES_MAX {
        let first = pages.keys().next().copied();
        let last = pages.keys().next_back().copied();
        let far = match (first, last) {
            (Some(first), Some(last)) if page - first.min(page) > last.max(page) - page => first,
            (_, Some(last)) => last,
            _ => return,
        };
        pages.remove(&far);
    }
}
