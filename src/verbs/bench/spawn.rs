//! `[Q11]` What the cage costs over a plain start, side by side.

use std::process::{Command, Stdio};

use thymos_core::isolation::Rung;

use super::{Bar, Bench, Figure, Samples, fault, ms};
use crate::error::AppError;
use crate::wire::bench as adapters;

const PROGRAM: &str = "/bin/true";

/// Starts of each sort, one of every sort in turn.
const STARTS: usize = 60;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let rungs = adapters::rungs();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fault)?;
    let mut plain = Vec::new();
    let mut caged: Vec<(Rung, Vec<_>)> = rungs.into_iter().map(|rung| (rung, Vec::new())).collect();
    for _ in 0..STARTS {
        let (took, done) = bench.time(|| {
            let mut command = Command::new(PROGRAM);
            command.env_clear().stdin(Stdio::null()).output()
        });
        drop(done.map_err(fault)?);
        plain.push(took);
        for (rung, samples) in &mut caged {
            let (took, done) =
                bench.time(|| runtime.block_on(adapters::caged(PROGRAM, &bench.scratch, *rung)));
            done?;
            samples.push(took);
        }
    }
    let plain = ms(Samples(plain).median());
    let mut figures = vec![Figure::new("plain spawn of `true`", plain, "ms", Bar::None)];
    for (rung, samples) in caged {
        let more = ms(Samples(samples).median()) - plain;
        let bar = match rung {
            Rung::L3 | Rung::L4 => Bar::AtMost(3.0),
            Rung::L0 | Rung::L1 | Rung::L2 => Bar::AtMost(1.0),
        };
        let name = format!("caged spawn at {rung}, more than plain");
        figures.push(Figure::new(name, more, "ms", bar));
    }
    Ok(figures)
}
