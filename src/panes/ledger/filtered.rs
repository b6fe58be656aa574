//! What a filter let through, and where a text stands, while it is being found and afterwards. Keeps the
//! places of all of it and the entries of a few pages.

use std::collections::{BTreeMap, BTreeSet};

use thymos_protocol::{Event, Found, FoundEnd};

use super::state::{PAGE, forget_far};

/// What a filter let through so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Filtered {
    /// The filter as typed.
    pub text: String,
    /// Entries looked at.
    pub looked_at: u64,
    /// How looking ended; none while it goes on.
    pub end: Option<FoundEnd>,
    /// Whether these are entries of the whole log, and not of one run.
    pub of_log: bool,
    // Rising: entries are found in order.
    places: Vec<u64>,
    // By number of the page, each from its beginning.
    pages: BTreeMap<u64, Vec<Event>>,
    // Pages that the kernel had nothing for; they are not asked for again.
    given_up: BTreeSet<u64>,
}

impl Filtered {
    /// Nothing found yet.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            looked_at: 0,
            end: None,
            of_log: false,
            places: Vec::new(),
            pages: BTreeMap::new(),
            given_up: BTreeSet::new(),
        }
    }

    /// How many it let through.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.places.len() as u64
    }

    /// Whether it let nothing through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The entry of a row, when it is loaded.
    #[must_use]
    pub fn event(&self, row: u64) -> Option<&Event> {
        let place = usize::try_from(row % PAGE).ok()?;
        self.pages.get(&(row / PAGE))?.get(place)
    }

    /// The row of the entry that stands there, if it was let through.
    #[must_use]
    pub fn row_of(&self, place: u64) -> Option<u64> {
        self.places.binary_search(&place).ok().map(|row| row as u64)
    }

    /// Where an entry stands among those that are looked through.
    #[must_use]
    pub const fn place(&self, event: &Event) -> u64 {
        place(event, self.of_log)
    }

    /// Takes what was found; pages far from `near` are let go of, and asked for when they are looked at.
    pub(super) fn take(&mut self, found: Found, near: u64) {
        self.looked_at = found.looked_at;
        self.end = found.end;
        self.of_log = found.log;
        for event in found.events {
            let row = self.len();
            self.places.push(self.place(&event));
            // A page that was let go of stays so until it is wanted: its beginning would be missing.
            let begins = row.is_multiple_of(PAGE);
            let page = match begins {
                true => Some(self.pages.entry(row / PAGE).or_default()),
                false => self.pages.get_mut(&(row / PAGE)),
            };
            if let Some(page) = page.filter(|page| page.len() as u64 == row % PAGE) {
                page.push(event);
            }
            if begins {
                forget_far(&mut self.pages, near);
            }
        }
    }

    /// Takes entries of a page that were asked for.
    pub(super) fn take_rows(&mut self, page: u64, events: Vec<Event>, near: u64) {
        let have = self.pages.entry(page).or_default();
        let before = have.len();
        for event in events {
            let row = page * PAGE + have.len() as u64;
            let due = usize::try_from(row)
                .ok()
                .and_then(|row| self.places.get(row));
            if due == Some(&place(&event, self.of_log)) && (have.len() as u64) < PAGE {
                have.push(event);
            }
        }
        if have.len() == before {
            self.given_up.insert(page);
        }
        forget_far(&mut self.pages, near);
    }

    /// Whether rows of a page are missing that could be had.
    pub(super) fn is_wanting(&self, page: u64) -> bool {
        let whole = self.len().saturating_sub(page * PAGE).min(PAGE);
        let have = self.pages.get(&page).map_or(0, Vec::len) as u64;
        have < whole && !self.given_up.contains(&page)
    }

    /// The places of a page's rows that are not loaded.
    pub(super) fn unloaded(&self, page: u64) -> Vec<u64> {
        let have = self.pages.get(&page).map_or(0, Vec::len) as u64;
        let at = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
        let last = (page + 1).saturating_mul(PAGE).min(self.len());
        let places = self.places.get(at(page * PAGE + have)..at(last));
        places.unwrap_or_default().to_vec()
    }
}

/// Where an entry stands: in its run, or in the log.
const fn place(event: &Event, in_log: bool) -> u64 {
    if in_log { event.index } else { event.seq }
}

/// Where a text stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The text.
    pub text: String,
    /// Whether the search brought its reader to one of them.
    pub shown: bool,
    // Rising.
    places: Vec<u64>,
}

impl Hits {
    /// None found yet.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Takes what was found.
    pub fn take(&mut self, found: &Found) {
        let places = found.events.iter();
        self.places
            .extend(places.map(|event| place(event, found.log)));
    }

    /// Whether one stands behind this entry.
    #[must_use]
    pub fn is_beyond(&self, place: u64) -> bool {
        self.places.last().is_some_and(|last| *last > place)
    }

    /// The next one after an entry, or the one before; goes round at the ends.
    #[must_use]
    pub fn next(&self, here: u64, forward: bool) -> Option<u64> {
        let found = if forward {
            let at = self.places.partition_point(|at| *at <= here);
            self.places.get(at).or_else(|| self.places.first())
        } else {
            let at = self.places.partition_point(|at| *at < here);
            let before = at.checked_sub(1).and_then(|at| self.places.get(at));
            before.or_else(|| self.places.last())
        };
        found.copied()
    }
}
