//! Drives a verifier over a store with every core: threads read and prepare pages, one sees all rows in
//! their order, and one a lane follows the trajectories. What waits between them is bounded.
//!
//! Knows nothing of what is checked. The report is the same with any number of threads.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, available_parallelism};

use thymos_core::Digest;
use thymos_ports::LedgerStore;
use thymos_ports::store::{StoreError, StoredRow};
use thymos_protocol::VerifyProgress;
use thymos_replay::verify::{Front, Lane, Prepared, Preparer, Work};
use thymos_replay::{Row, Verifier};

/// Rows read at once. Bounds memory, and how long a cancel waits.
pub(super) const ROWS: usize = 64;

/// Rows that are verified where they are asked for: threads take longer to start than these take.
const ROWS_ALONE: u64 = 256;

/// Lanes at most, and readers. The thread between them has no more than this to do.
const LANES_MAX: usize = 4;

/// Pages that a reader is ahead.
const PAGES_AHEAD: usize = 1;

/// Batches of work that wait for a lane.
const BATCHES_AHEAD: usize = 2;

/// Lanes worth having on this machine.
pub(crate) fn lanes() -> usize {
    available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(LANES_MAX)
}

/// Feeds a verifier everything from where it stands to the end of the log.
pub(crate) fn extend(
    store: &dyn LedgerStore,
    verifier: &mut Verifier,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<(), StoreError> {
    let total = store.len()?;
    if total.saturating_sub(verifier.next_index()) > ROWS_ALONE {
        side_by_side(store, verifier, (total, progress))?;
    }
    // The rest, and what was appended meanwhile.
    loop {
        let rows = store.scan(verifier.next_index(), ROWS)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in prepared(store, verifier.preparer(), rows)? {
            verifier.push_prepared(row);
        }
        let done = verifier.next_index();
        progress(VerifyProgress {
            done,
            total: total.max(done),
        });
    }
}

/// The rows of a store up to a length, with a thread a reader and a thread a lane.
fn side_by_side(
    store: &dyn LedgerStore,
    verifier: &mut Verifier,
    (total, progress): (u64, &mut dyn FnMut(VerifyProgress)),
) -> Result<(), StoreError> {
    let preparer = verifier.preparer();
    let (front, lanes) = verifier.apart();
    let stretch = (front.next_index(), total);
    let readers = lanes.len();
    std::thread::scope(|threads| {
        let pages: Vec<_> = (0..readers)
            .map(|nth| read(threads, store, preparer, (stretch, nth, readers)))
            .collect();
        let lanes: Vec<_> = lanes.iter_mut().map(|lane| follow(threads, lane)).collect();
        let mut dealer = Dealer {
            lanes: &lanes,
            waiting: lanes.iter().map(|_| Vec::new()).collect(),
        };
        // A reader that has come to the end hands over nothing more, and so do those after it.
        let mut turns = pages.iter().cycle();
        let mut turn = turns.next();
        while let Some(Ok(part)) = turn.map(Receiver::recv) {
            let part = part?;
            dealer.take(front, part.rows);
            if part.ends_page {
                turn = turns.next();
            }
            let done = front.next_index();
            progress(VerifyProgress { done, total });
        }
        Ok(())
    })
}

/// Every page of these, of which a reader reads one in so many.
type Share = ((u64, u64), usize, usize);

/// What a store handed over at once of a page: where entries are large, not all of it.
struct Part {
    rows: Vec<Prepared>,
    ends_page: bool,
}

/// A thread that reads its share of the pages, and prepares them.
fn read<'s>(
    threads: &'s Scope<'s, '_>,
    store: &'s dyn LedgerStore,
    preparer: Preparer,
    ((from, to), nth, readers): Share,
) -> Receiver<Result<Part, StoreError>> {
    let (parts, read) = sync_channel(PAGES_AHEAD);
    threads.spawn(move || {
        let first = |page: usize| from.saturating_add(page.saturating_mul(ROWS) as u64);
        let mine = (nth..).step_by(readers.max(1)).map(first);
        for first in mine.take_while(|first| *first < to) {
            let end = first.saturating_add(ROWS as u64).min(to);
            let mut next = Some(first);
            while let Some(from) = next {
                let part = part(store, preparer, (from, end)).map(|(part, after)| {
                    next = after;
                    part
                });
                let last = part.is_err();
                // Who has stopped listening has said why.
                if parts.send(part).is_err() || last {
                    return;
                }
            }
        }
    });
    read
}

/// What a store hands over at once of the rows of a page, and where the next part of it begins.
fn part(
    store: &dyn LedgerStore,
    preparer: Preparer,
    (from, end): (u64, u64),
) -> Result<(Part, Option<u64>), StoreError> {
    let mut own = store.scan(from, ROWS)?;
    own.retain(|row| row.index < end);
    let last = own.last().map_or(end, |row| row.index.saturating_add(1));
    let next = (last < end).then_some(last);
    let part = Part {
        rows: prepared(store, preparer, own)?,
        ends_page: next.is_none(),
    };
    Ok((part, next))
}

/// Prepares rows that were read together, and looks once for all contents that they say were kept `[L4]`:
/// so nothing has to be remembered of any.
pub(super) fn prepared(
    store: &dyn LedgerStore,
    preparer: Preparer,
    rows: Vec<StoredRow>,
) -> Result<Vec<Prepared>, StoreError> {
    let prepare = |row| preparer.prepare(&as_row(row));
    let rows: Vec<Prepared> = rows.into_iter().map(prepare).collect();
    let kept: BTreeSet<Digest> = rows.iter().flat_map(Prepared::kept).copied().collect();
    if kept.is_empty() {
        return Ok(rows);
    }
    let kept: Vec<Digest> = kept.into_iter().collect();
    let lacking = match store.lacking(&kept) {
        // Damage to where contents are looked up is told by who checks the storage.
        Err(StoreError::Corrupt { .. }) => Vec::new(),
        lacking => lacking?,
    };
    let lacking: BTreeSet<Digest> = lacking.into_iter().collect();
    let look = |row: Prepared| {
        let misses = row.kept().iter().any(|digest| lacking.contains(digest));
        Ok(match misses && stands(store, row.index())? {
            true => row.lacking(|digest| lacking.contains(digest)),
            false => row,
        })
    };
    rows.into_iter().map(look).collect()
}

/// Whether a body that was just read is still there: it may have been erased since, and its contents with
/// it `[L3]`.
fn stands(store: &dyn LedgerStore, index: u64) -> Result<bool, StoreError> {
    let row = store.scan(index, 1)?.into_iter().next();
    let entry = row.and_then(|row| row.entry.ok());
    Ok(entry.is_some_and(|entry| entry.content.is_some()))
}

/// A thread that does the work of one lane.
fn follow<'s>(threads: &'s Scope<'s, '_>, lane: &'s mut Lane) -> SyncSender<Vec<Work>> {
    let (dealt, batches) = sync_channel::<Vec<Work>>(BATCHES_AHEAD);
    threads.spawn(move || {
        for work in batches.into_iter().flatten() {
            lane.work(work);
        }
    });
    dealt
}

/// Hands work to lanes, a batch at a time.
struct Dealer<'l> {
    lanes: &'l [SyncSender<Vec<Work>>],
    waiting: Vec<Vec<Work>>,
}

impl Dealer<'_> {
    fn take(&mut self, front: &mut Front, page: Vec<Prepared>) {
        for row in page {
            front.take(row, &mut |lane, work| self.deal(lane, work));
        }
        for lane in 0..self.lanes.len() {
            self.hand_over(lane);
        }
    }

    fn deal(&mut self, lane: usize, work: Work) {
        // Whoever waits for it must never be handed its own work first: it would wait for ever.
        let awaited = work.is_awaited();
        if let Some(waiting) = self.waiting.get_mut(lane) {
            waiting.push(work);
        }
        if awaited {
            self.hand_over(lane);
        }
    }

    fn hand_over(&mut self, lane: usize) {
        let Some((lane, waiting)) = self.lanes.get(lane).zip(self.waiting.get_mut(lane)) else {
            return;
        };
        if !waiting.is_empty() {
            // A lane ends early only by a panic, which the scope hands on.
            drop(lane.send(std::mem::take(waiting)));
        }
    }
}

fn as_row(row: StoredRow) -> Row {
    Row {
        index: row.index,
        entry: row.entry,
        disagreements: row.disagreements,
        tree: row.tree,
    }
}

#[cfg(test)]
mod tests;
