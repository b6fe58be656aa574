//! Append and scan `[Q3]` `[Q4]` `[Q5]`: one durable append beside raw syncs of the same bytes, a group of
//! 64 trajectories, a step early and late in a log, the rate of a scan.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use thymos_core::{Kind, TrajectoryId};
use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{sample_batch, sample_draft};
use thymos_ports::store::Batch;

const GENESIS: Genesis = Genesis { random: [1; 32] };

/// Trajectories of a group, and entries of each in one commit: an intent and what became of it.
const GROUP: u64 = 64;
const EACH: u64 = 2;

fn line(number: u64) -> TrajectoryId {
    TrajectoryId::of(&number.to_be_bytes())
}

fn folder() -> TempDir {
    TempDir::new().unwrap_or_else(|e| unreachable!("{e}"))
}

fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(path, GENESIS).unwrap_or_else(|e| unreachable!("{e}"))
}

fn append(ledger: &SqliteLedger, batches: Vec<Batch>) {
    let placed = ledger.append(batches);
    assert!(placed.is_ok_and(|batches| batches.iter().all(Result::is_ok)));
}

fn grow(ledger: &SqliteLedger, entries: u64) {
    let mut at = ledger.len().unwrap_or(0);
    while at < entries {
        append(ledger, vec![sample_batch(line(0), at, 1_000)]);
        at += 1_000;
    }
}

fn q3_one_durable_append(criterion: &mut Criterion) {
    let folder = folder();
    let mut group = criterion.benchmark_group("q3");
    let draft = sample_draft(line(1), Kind::Started, 1);
    let bytes = vec![7; 600 + draft.body.as_bytes().len()];
    let mut raw = File::create(folder.path().join("raw")).unwrap_or_else(|e| unreachable!("{e}"));
    group.bench_function("two raw fdatasync", |bencher| {
        bencher.iter(|| {
            for _ in 0..2 {
                let synced = raw.write_all(&bytes).and_then(|()| raw.sync_data());
                assert!(synced.is_ok());
            }
        });
    });
    assert!(raw.seek(SeekFrom::Start(0)).is_ok());
    let ledger = open(&folder.path().join("ledger.db"));
    let mut at = 0;
    group.bench_function("two durable appends", |bencher| {
        bencher.iter(|| {
            for _ in 0..2 {
                append(&ledger, vec![sample_batch(line(1), at, 1)]);
                at += 1;
            }
        });
    });
    group.finish();
}

fn q4_group_of_trajectories(criterion: &mut Criterion) {
    let folder = folder();
    let ledger = open(&folder.path().join("ledger.db"));
    let mut group = criterion.benchmark_group("q4");
    group.throughput(Throughput::Elements(GROUP * EACH));
    let mut at = 0;
    group.bench_function("64 trajectories, 2 entries each", |bencher| {
        bencher.iter(|| {
            let batches = (0..GROUP).map(|n| sample_batch(line(n), at, EACH));
            append(&ledger, batches.collect());
            at += EACH;
        });
    });
    group.finish();
}

fn q5_step_by_length(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("q5");
    for entries in [1_000, 100_000] {
        let folder = folder();
        let ledger = open(&folder.path().join("ledger.db"));
        grow(&ledger, entries);
        let mut at = entries;
        group.bench_function(format!("append after {entries}"), |bencher| {
            bencher.iter(|| {
                append(&ledger, vec![sample_batch(line(0), at, 3)]);
                at += 3;
            });
        });
    }
    let memory = SqliteLedger::in_memory(GENESIS).unwrap_or_else(|e| unreachable!("{e}"));
    let mut at = 0;
    group.bench_function("append three in memory", |bencher| {
        bencher.iter(|| {
            append(&memory, vec![sample_batch(line(0), at, 3)]);
            at += 3;
        });
    });
    group.finish();
}

fn q7_open_and_scan(criterion: &mut Criterion) {
    const ENTRIES: u64 = 100_000;
    const PAGE: usize = 10_000;
    let folder = folder();
    let path = folder.path().join("ledger.db");
    grow(&open(&path), ENTRIES);
    let mut group = criterion.benchmark_group("q7");
    group.bench_function(format!("open {ENTRIES}"), |bencher| {
        bencher.iter(|| open(&path));
    });
    let ledger = open(&path);
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("scan 10000 rows", |bencher| {
        bencher.iter(|| ledger.scan(50_000, PAGE).map(|rows| rows.len()));
    });
    let page = ledger.page(&line(0), 1_000, 1).unwrap_or_default();
    group.throughput(Throughput::Elements(1));
    for entry in page {
        group.bench_function("old entry by id", |bencher| {
            bencher.iter(|| ledger.entry(&entry.id).is_ok());
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    q3_one_durable_append,
    q4_group_of_trajectories,
    q5_step_by_length,
    q7_open_and_scan
);
criterion_main!(benches);
