//! `[Q4]` `[Q5]` `[Q7]` The store by itself: grouped appends, growth, opening, jumping.

use std::time::Duration;

use thymos_core::TrajectoryId;
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::Batch;

use super::story::ledger;
use super::{Bar, Bench, Figure, Samples, fault, ms, rate, us};
use crate::error::AppError;
use crate::wire::bench as adapters;

/// Trajectories that share a transaction, and entries of each in it.
const GROUP: u64 = 64;
const EACH: u64 = 2;

/// Transactions of the group.
const GROUPS: u64 = 60;

/// Entries of the long ledger. The bar speaks of a million, which takes longer to write than
/// anybody waits for a table.
const LONG: u64 = 100_000;
const SHORT: u64 = 1_000;

/// Entries written at once while a ledger is made long.
const GROW: u64 = 1_000;

fn line(number: u64) -> TrajectoryId {
    TrajectoryId::of(&number.to_be_bytes())
}

fn append(store: &dyn LedgerStore, batches: Vec<Batch>) -> Result<(), AppError> {
    for placed in store.append(batches).map_err(fault)? {
        placed.map_err(|_| fault("somebody else wrote to the scratch ledger"))?;
    }
    Ok(())
}

fn grow(store: &dyn LedgerStore, from: u64, to: u64) -> Result<(), AppError> {
    let mut at = from;
    while at < to {
        append(store, vec![sample_batch(line(0), at, GROW)])?;
        at += GROW;
    }
    Ok(())
}

/// `[Q4]` Sixty-four trajectories that wait for the same sync.
pub(super) fn group(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let store = ledger(bench, "group.db")?;
    let mut samples = Vec::new();
    for round in 0..GROUPS {
        let batches = (0..GROUP).map(|n| sample_batch(line(n), round * EACH, EACH));
        let batches = batches.collect();
        let (took, done) = bench.time(|| append(store.as_ref(), batches));
        done?;
        samples.push(took);
    }
    Ok(vec![Figure::new(
        "durable appends, 64 trajectories, 2 entries each a sync",
        rate(GROUP * EACH, Samples(samples).median()),
        "entries/s",
        Bar::AtLeast(100_000.0),
    )])
}

/// `[Q5]` In memory, so that a disk's noise does not cover what growth would cost.
pub(super) fn growth(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let store = adapters::memory()?;
    grow(store.as_ref(), 0, SHORT)?;
    let (short, at) = step_after(bench, store.as_ref(), SHORT)?;
    grow(store.as_ref(), at, at + LONG)?;
    let (long, _) = step_after(bench, store.as_ref(), at + LONG)?;
    Ok(vec![Figure::new(
        format!("append of a step at entry {LONG} over at entry {SHORT}"),
        us(long) / us(short).max(1e-9),
        "x",
        Bar::AtMost(1.2),
    )])
}

/// The median append of three entries from here on, and where the trajectory then ends.
fn step_after(
    bench: &Bench,
    store: &dyn LedgerStore,
    from: u64,
) -> Result<(Duration, u64), AppError> {
    const STEPS: u64 = 600;
    let mut samples = Vec::new();
    for step in 0..STEPS {
        let batch = sample_batch(line(0), from + step * 3, 3);
        let (took, done) = bench.time(|| append(store, vec![batch]));
        done?;
        samples.push(took);
    }
    Ok((Samples(samples).median(), from + STEPS * 3))
}

/// `[Q7]` Opening a long ledger, and finding an entry in its middle.
pub(super) fn open(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let store = ledger(bench, "long.db")?;
    grow(store.as_ref(), 0, LONG)?;
    drop(store);
    let mut opening = Vec::new();
    for _ in 0..7 {
        let (took, store) = bench.time(|| ledger(bench, "long.db"));
        drop(store?);
        opening.push(took);
    }
    let store = ledger(bench, "long.db")?;
    let mut jumps = Vec::new();
    for seq in (0..LONG).step_by(997) {
        let (took, page) = bench.time(|| store.page(&line(0), seq, 64));
        drop(page.map_err(fault)?);
        jumps.push(took);
    }
    let figures = vec![
        Figure::new(
            format!("open a ledger of {LONG} entries"),
            ms(Samples(opening).median()),
            "ms",
            Bar::AtMost(50.0),
        ),
        Figure::new(
            "jump to an entry: a page of 64 from anywhere in it",
            ms(Samples(jumps).median()),
            "ms",
            Bar::AtMost(20.0),
        ),
        proofs(bench, store.as_ref())?,
        super::record::world(bench)?,
    ];
    Ok(figures)
}

/// The slower kind of proof, from everywhere in a ledger to its end.
fn proofs(bench: &Bench, store: &dyn LedgerStore) -> Result<Figure, AppError> {
    let mut samples = Vec::new();
    for index in (0..LONG).step_by(997) {
        let (took, included) = bench.time(|| store.inclusion(index, LONG));
        drop(included.map_err(fault)?);
        samples.push(took);
        let (took, goes_on) = bench.time(|| store.consistency(index + 1, LONG));
        drop(goes_on.map_err(fault)?);
        samples.push(took);
    }
    Ok(Figure::new(
        "inclusion and consistency proofs, p99",
        ms(Samples(samples).at(99)),
        "ms",
        Bar::AtMost(1.0),
    ))
}
