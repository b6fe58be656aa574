//! `[Q2]` `[Q3]` What one governed step costs, in memory and on disk, through the real ring.

use std::fs::File;
use std::io::Write;

use super::story::{CALLS, TURNS, Work, Worked, ledger, work};
use super::{Bar, Bench, Figure, Samples, fault, us};
use crate::error::AppError;
use crate::wire::bench as adapters;
use thymos_ports::LedgerStore;

/// Raw syncs beside which the durable step is put.
const RAW_SYNCS: usize = 400;

/// Trajectories of which the step in memory is taken: the first one finds everything cold.
const STORIES: usize = 5;

/// `[Q2]` Three entries a step: intent, started, commit.
pub(super) fn in_memory(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let (mut steps, mut early, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STORIES {
        let worked = work(bench, adapters::memory()?, Work::Nothing)?;
        let turns = worked.marks.steps();
        early.extend(turns.iter().take(3).copied());
        late.extend(turns.iter().rev().take(3).copied());
        steps.extend(turns);
    }
    let entries = TURNS * CALLS * 3;
    Ok(vec![
        Figure::new(
            "governed step, in memory, no-op tool, three entries, p50",
            us(Samples(steps).median()),
            "us",
            Bar::AtMost(100.0),
        ),
        Figure::new(
            format!("the same, last turns of {entries} entries over first turns"),
            us(Samples(late).median()) / us(Samples(early).median()).max(1e-9),
            "x",
            Bar::None,
        ),
    ])
}

/// `[Q3]` Start and seal of a write effect, each durable before the next thing happens.
pub(super) fn durable(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let store = ledger(bench, "steps.db")?;
    let worked = work(bench, store.clone(), Work::Writes)?;
    let gaps = worked.marks.gaps();
    let took = Samples(gaps.iter().map(|gap| gap.0).collect()).median();
    let mut appends: Vec<u64> = gaps.iter().map(|gap| gap.1).collect();
    appends.sort_unstable();
    let appends = appends.get(appends.len() / 2).copied().unwrap_or_default();
    let bytes = effect_bytes(store.as_ref(), &worked)?;
    let raw = raw_syncs(bench, bytes / 2).map_err(fault)?;
    let two = us(raw.median()) * 2.0;
    Ok(vec![
        Figure::new(
            "durable governed write effect, p50",
            us(took),
            "us",
            Bar::None,
        ),
        Figure::new(
            format!("two raw fdatasync of its {bytes} bytes, p50"),
            two,
            "us",
            Bar::None,
        ),
        Figure::new(
            "the effect over the two raw syncs",
            us(took) / two.max(1e-9),
            "x",
            Bar::AtMost(1.5),
        ),
        Figure::new(
            "appends (one sync each) of a governed write effect",
            f64::from(u32::try_from(appends).unwrap_or(u32::MAX)),
            "",
            Bar::AtMost(2.0),
        ),
    ])
}

/// Bytes of a `started` entry and its `commit`, headers included.
fn effect_bytes(store: &dyn LedgerStore, worked: &Worked) -> Result<usize, AppError> {
    let from = u64::from(CALLS * TURNS);
    let page = store.page(&worked.trajectory, from, 64).map_err(fault)?;
    let size = |kind: &str| {
        let found = page.iter().find(|entry| entry.header.kind == kind);
        found.map_or(0, |entry| {
            entry.header_bytes.len() + entry.body().map_or(0, <[u8]>::len)
        })
    };
    Ok(size("started") + size("commit"))
}

/// Appends so many bytes to a plain file and syncs, again and again.
fn raw_syncs(bench: &Bench, bytes: usize) -> std::io::Result<Samples> {
    let mut file = File::create(bench.file("raw"))?;
    let bytes = vec![7; bytes];
    let mut samples = Vec::with_capacity(RAW_SYNCS);
    for _ in 0..RAW_SYNCS {
        let (took, synced) = bench.time(|| file.write_all(&bytes).and_then(|()| file.sync_data()));
        synced?;
        samples.push(took);
    }
    Ok(Samples(samples))
}
