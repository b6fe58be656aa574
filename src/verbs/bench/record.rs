//! `[Q6]` `[Q7]` Reading real governed work again: verification by level, and the world at a sequence.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use thymos_core::Kind;
use thymos_ports::LedgerStore;
use thymos_replay::verify::Prepared;
use thymos_replay::{Level, Report, Row, Verifier};

use super::story::{CALLS, TURNS, Work, work};
use super::{Bar, Bench, Figure, Samples, fault, ms, rate};
use crate::error::AppError;
use crate::wire::bench as adapters;

/// Trajectories whose record is verified.
const TRAJECTORIES: u64 = 6;

/// Rows read at once, as the app does.
const ROWS: usize = 2048;

/// Threads that prepare rows, how many rows they hand over at once, and how far they go ahead.
const THREADS: usize = 2;
const PREPARED_TOGETHER: usize = 256;
const PARTS_AHEAD: usize = 4;

/// Passes of each level.
const PASSES: usize = 3;

/// `[Q6]` V1, V1 and V2, and V3 over a record that the ring wrote.
pub(super) fn verify(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let store = adapters::memory()?;
    for _ in 0..TRAJECTORIES {
        work(bench, store.clone(), Work::Writes)?;
    }
    let entries = store.len().map_err(fault)?;
    let (reading, rows) = bench.time(|| rows(store.as_ref()));
    let rows = rows?;
    let pass = |level, report: fn(&[Row], Level) -> Report| pass(bench, || report(&rows, level));
    let first = pass(Level::V1, report)?;
    let second = pass(Level::V2, report)?;
    let third = pass(Level::V3, report)?;
    let first_side_by_side = pass(Level::V1, side_by_side)?;
    let second_side_by_side = pass(Level::V2, side_by_side)?;
    let decisions = decisions(&rows);
    let only_third = third.saturating_sub(second);
    Ok(vec![
        Figure::new(
            format!("verify V1, rows in hand, {entries} entries, two cores"),
            rate(entries, first_side_by_side),
            "entries/s",
            Bar::AtLeast(1_000_000.0),
        ),
        Figure::new(
            "the same on one core",
            rate(entries, first),
            "entries/s",
            Bar::None,
        ),
        Figure::new(
            "verify V1 and V2, rows in hand, two cores",
            rate(entries, second_side_by_side),
            "entries/s",
            Bar::AtLeast(500_000.0),
        ),
        Figure::new(
            "the same on one core",
            rate(entries, second),
            "entries/s",
            Bar::None,
        ),
        Figure::new(
            "verify V3, what it takes beyond V2, one core",
            rate(decisions, only_third),
            "decisions/s",
            Bar::AtLeast(80_000.0),
        ),
        Figure::new(
            "reading the rows: scan, parse, hash, commitment",
            rate(entries, reading),
            "entries/s",
            Bar::None,
        ),
        Figure::new(
            "verify V1 and V2 with the reading, one core",
            rate(entries, reading + second),
            "entries/s",
            Bar::None,
        ),
    ])
}

fn rows(store: &dyn LedgerStore) -> Result<Vec<Row>, AppError> {
    let mut all = Vec::new();
    loop {
        let from = all.len() as u64;
        let rows = store.scan(from, ROWS).map_err(fault)?;
        if rows.is_empty() {
            return Ok(all);
        }
        all.extend(rows.into_iter().map(|row| Row {
            index: row.index,
            entry: row.entry,
            disagreements: row.disagreements,
            tree: row.tree,
        }));
    }
}

fn pass(bench: &Bench, report: impl Fn() -> Report) -> Result<Duration, AppError> {
    let mut samples = Vec::new();
    for _ in 0..PASSES {
        let (took, report) = bench.time(&report);
        if let Some(found) = report.findings.first() {
            return Err(fault(format!("the scratch ledger is not sound: {found}")));
        }
        samples.push(took);
    }
    Ok(Samples(samples).median())
}

fn report(rows: &[Row], level: Level) -> Report {
    let mut verifier = Verifier::new(level, adapters::roots());
    for row in rows {
        verifier.push(row);
    }
    verifier.finish(Some(rows.len() as u64))
}

/// As the program does it: what rests on a row alone is done by two threads, in turns, and the rest in order.
fn side_by_side(rows: &[Row], level: Level) -> Report {
    let mut verifier = Verifier::new(level, adapters::roots());
    let preparer = verifier.preparer();
    let parts: Vec<&[Row]> = rows.chunks(PREPARED_TOGETHER).collect();
    std::thread::scope(|threads| {
        let read = |nth: usize| {
            let (ready, prepared) = sync_channel(PARTS_AHEAD);
            let parts = parts.iter().skip(nth).step_by(THREADS);
            threads.spawn(move || {
                for part in parts {
                    let part: Vec<Prepared> =
                        part.iter().map(|row| preparer.prepare(row)).collect();
                    // Nobody stops listening before the end.
                    drop(ready.send(part));
                }
            });
            prepared
        };
        let threads: Vec<_> = (0..THREADS).map(read).collect();
        let in_turn = threads.iter().cycle().map_while(|part| part.recv().ok());
        for row in in_turn.flatten() {
            verifier.push_prepared(row);
        }
    });
    verifier.finish(Some(rows.len() as u64))
}

fn decisions(rows: &[Row]) -> u64 {
    let decided = rows.iter().filter(|row| {
        let kind = row.entry.as_ref().ok().and_then(|entry| entry.kind());
        kind == Some(Kind::Started)
    });
    decided.count() as u64
}

/// `[Q7]` The world as the app asks for it, at five places of one trajectory.
pub(super) fn world(bench: &Bench) -> Result<Figure, AppError> {
    let store: Arc<dyn LedgerStore> = adapters::memory()?;
    let worked = work(bench, store, Work::Writes)?;
    let entries = TURNS * CALLS * 3;
    Ok(Figure::new(
        format!("world at a sequence, trajectory of {entries} entries"),
        ms(Samples(worked.world).median()),
        "ms",
        Bar::AtMost(50.0),
    ))
}
