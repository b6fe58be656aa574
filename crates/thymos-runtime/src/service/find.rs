//! Searching the record with a filter: what matches is told as it is found. Keeps no match, and no more
//! of the past than what later entries refer to.

use std::collections::BTreeMap;

use thymos_core::{Entry, Kind, TrajectoryId};
use thymos_protocol::{Among, Event, Found, FoundEnd, Page, Replied};

use super::lookup::{PAGE, unknown};
use super::walk::{Step, Walk};
use crate::filter::Filter;
use crate::kernel::Kernel;
use crate::narrate::{Narrator, know_call, narrate_body};

/// Single entries of one reply at most; the app asks again.
const ROWS_MAX: usize = 256;

/// A search that is under way.
pub(super) struct Search {
    filter: Filter,
    /// Of which trajectory; none is the whole log.
    of: Option<TrajectoryId>,
    narrators: BTreeMap<TrajectoryId, Option<Narrator>>,
    next: u64,
    /// Entries there were when it began; none before the first step.
    len: Option<u64>,
}

impl Search {
    /// Begins one.
    ///
    /// # Errors
    /// What a person is told when there is no such trajectory.
    pub(super) fn begin(kernel: &Kernel, among: Among, filter: Filter) -> Result<Self, String> {
        let of = match among {
            Among::Log => None,
            Among::RunOrNamed(_) if filter.names_runs() => None,
            Among::Run(trajectory) | Among::RunOrNamed(trajectory) => Some(trajectory),
        };
        if let Some(trajectory) = of.filter(|of| !kernel.owns(of).unwrap_or(false)) {
            return Err(unknown(&trajectory));
        }
        Ok(Self {
            filter,
            of,
            narrators: BTreeMap::new(),
            next: 0,
            len: None,
        })
    }

    fn count(&self, kernel: &Kernel) -> Result<u64, String> {
        let store = &kernel.parts.store;
        let Some(trajectory) = self.of else {
            return store.len().map_err(|e| e.to_string());
        };
        let heads = store.heads().map_err(|e| e.to_string())?;
        let head = heads.iter().find(|head| head.trajectory == trajectory);
        Ok(head.map_or(0, |head| head.seq + 1))
    }

    /// The next entries; whether they were the last.
    fn read(&mut self, kernel: &Kernel) -> Result<(Vec<Entry>, bool), String> {
        let store = &kernel.parts.store;
        let Some(trajectory) = self.of else {
            let rows = store.scan(self.next, PAGE).map_err(|e| e.to_string())?;
            let none = rows.is_empty();
            self.next = rows.last().map_or(self.next, |row| row.index + 1);
            // What cannot be read is told by verification.
            let entries = rows.into_iter().filter_map(|row| row.entry.ok());
            return Ok((entries.collect(), none || self.is_through()));
        };
        let page = store.page(&trajectory, self.next, PAGE);
        let page = page.map_err(|e| e.to_string())?;
        self.next += page.len() as u64;
        let last = page.is_empty() || self.is_through();
        Ok((page, last))
    }

    /// Whether everything was looked at that was there when it began.
    fn is_through(&self) -> bool {
        self.len.is_some_and(|len| self.next >= len)
    }

    /// The entry told, if it matches. Most are passed over by what their headers say.
    fn judge(&mut self, kernel: &Kernel, entry: &Entry) -> Option<Event> {
        let narrator = self
            .narrators
            .entry(entry.header.trajectory)
            // [C5] Another tenant's entries are not there.
            .or_insert_with(|| {
                let owned = kernel.owns(&entry.header.trajectory).unwrap_or(false);
                owned.then(Narrator::default)
            })
            .as_mut()?;
        let passes = self.filter.may_let_through(&entry.header);
        if !passes && !is_referred_to(entry) {
            return None;
        }
        let body = entry.decode();
        if !passes {
            narrator.learn_state(&body);
            return None;
        }
        know_call(kernel.parts.store.as_ref(), &body, narrator);
        narrator.learn_state(&body);
        let event = narrate_body(entry, body, narrator);
        narrator.forget_ended(&event);
        self.filter.matches(&event).then_some(event)
    }

    fn found(&self, events: Vec<Event>, end: Option<FoundEnd>) -> Replied {
        Replied::Found(Found {
            events,
            looked_at: self.next,
            // It may have grown meanwhile.
            of: self.len.unwrap_or(0).max(self.next),
            log: self.of.is_none(),
            end,
        })
    }
}

/// Single entries of the log, told; those that lie side by side are read together. What is not there, cannot be
/// read or is another tenant's `[C5]` is left out.
///
/// # Errors
/// What a person is told of a store that cannot be read.
pub(super) fn rows(kernel: &Kernel, indexes: &[u64]) -> Result<Page, String> {
    let store = &kernel.parts.store;
    let indexes = indexes.get(..ROWS_MAX).unwrap_or(indexes);
    let mut search = Search {
        filter: Filter::default(),
        of: None,
        narrators: BTreeMap::new(),
        next: 0,
        len: None,
    };
    let mut events = Vec::with_capacity(indexes.len());
    for run in indexes.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        let first = run.first().copied().unwrap_or_default();
        let mut left = run.len();
        let mut next = first;
        while left > 0 {
            let rows = store.scan(next, left).map_err(|e| e.to_string())?;
            let Some(last) = rows.last() else { break };
            next = last.index + 1;
            left = left.saturating_sub(rows.len());
            let entries = rows.into_iter().filter_map(|row| row.entry.ok());
            events.extend(entries.filter_map(|entry| search.judge(kernel, &entry)));
        }
    }
    Ok(Page {
        events,
        status: None,
    })
}

/// Whether later entries tell less when this one is not known. What was announced is looked up by its
/// own entry when it is asked for, so that the largest bodies need not be read for it.
fn is_referred_to(entry: &Entry) -> bool {
    matches!(
        entry.kind(),
        Some(Kind::PendingApproval | Kind::Rejection | Kind::Approval)
    )
}

impl Walk for Search {
    fn step(&mut self, kernel: &Kernel) -> Result<Step, String> {
        if self.len.is_none() {
            self.len = Some(self.count(kernel)?);
        }
        let (entries, last) = self.read(kernel)?;
        let events = entries
            .iter()
            .filter_map(|entry| self.judge(kernel, entry))
            .collect();
        Ok(match last {
            true => Step::End(self.found(events, Some(FoundEnd::Whole))),
            false => Step::On(self.found(events, None)),
        })
    }

    fn cancelled(&self) -> Replied {
        self.found(Vec::new(), Some(FoundEnd::Cancelled))
    }
}
