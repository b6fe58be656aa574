//! What a caged start costs over a plain one: start `true`, wait, report. (`[Q11]` of the quality bars.)
//!
//! Compares rungs with each other and with the plain start of the standard library through the same
//! runtime; says nothing of the work done inside.
#![expect(
    clippy::expect_used,
    reason = "a bench that cannot start its child has nothing to say"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Stdio;

use criterion::{Criterion, criterion_group, criterion_main};
use thymos_sandbox::{CageSpec, Limits, Network, ReadScope, Rung, probe, run, system_read_roots};
use tokio::process::Command;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = "/bin/true";

fn spec(rung: Rung) -> CageSpec {
    CageSpec {
        argv: vec![PROGRAM.into()],
        cwd: PathBuf::from("/tmp"),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        stdin: Vec::new(),
        read: ReadScope::Roots(system_read_roots()),
        write_roots: vec![PathBuf::from("/tmp")],
        protected: Vec::new(),
        network: Network::None,
        limits: Limits {
            wall_clock_ms: 10_000,
            output_bytes_max: 1 << 16,
            memory_bytes_max: 1 << 30,
            processes_max: 256,
            open_files_max: 256,
            file_size_bytes_max: 1 << 30,
        },
        rung,
        rung_min: Rung::L0,
    }
}

fn plain(runtime: &Runtime) {
    let output = runtime.block_on(async {
        let mut command = Command::new(PROGRAM);
        command.env_clear().stdin(Stdio::null()).output().await
    });
    black_box(output.expect("plain `true` runs"));
}

fn caged(runtime: &Runtime, rung: Rung) {
    let report = runtime.block_on(run(spec(rung), CancellationToken::new(), &mut |_, _| {}));
    black_box(report.expect("caged `true` runs"));
}

fn spawn(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut group = criterion.benchmark_group("spawn");
    group.bench_function("plain", |bencher| bencher.iter(|| plain(&runtime)));
    let best = probe().best;
    for rung in [Rung::L0, Rung::L1, Rung::L2, Rung::L3] {
        if rung <= best {
            group.bench_function(rung.to_string(), |bencher| {
                bencher.iter(|| caged(&runtime, rung));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, spawn);
criterion_main!(benches);
