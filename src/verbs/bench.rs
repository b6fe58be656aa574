//! `thymos bench`: the table of bars, measured on this machine. Asserts nothing: a bar missed is told.
//!
//! Works in a scratch folder of its own and removes it; never opens the user's ledger.

mod authorise;
mod ledger;
mod record;
mod screen;
mod size;
mod sizes;
mod spawn;
mod stage;
mod start;
mod steps;
mod story;

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::Serialize;

use super::Setting;
use crate::args::BenchArgs;
use crate::config::paths;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::system::monotonic;
use crate::term::Monotonic;

/// A row of the table: its id, and how it is measured.
struct Row {
    id: &'static str,
    /// Takes minutes, and is measured when it is asked for by its id.
    slow: bool,
    measure: fn(&Bench) -> Result<Vec<Figure>, AppError>,
}

const fn row(id: &'static str, measure: fn(&Bench) -> Result<Vec<Figure>, AppError>) -> Row {
    Row {
        id,
        slow: false,
        measure,
    }
}

/// Every row, in the order of `docs/benchmarks.md`.
const ROWS: [Row; 15] = [
    row("Q1", authorise::measure),
    row("Q2", steps::in_memory),
    row("Q3", steps::durable),
    row("Q4", ledger::group),
    row("Q5", ledger::growth),
    row("Q6", record::verify),
    row("Q7", ledger::open),
    row("Q8", start::measure),
    row("Q9", screen::frame),
    row("Q10", screen::bytes),
    row("Q11", spawn::measure),
    row("Q12", size::measure),
    row("small", sizes::small),
    row("medium", sizes::medium),
    Row {
        id: "large",
        slow: true,
        measure: sizes::large,
    },
];

/// What a row may use.
struct Bench {
    /// A folder of its own, on the disk where ledgers live.
    scratch: PathBuf,
    /// The folder the command was called in.
    directory: PathBuf,
    /// Time that never goes back.
    clock: Monotonic,
}

/// What a figure has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
    /// Told for comparison.
    None,
}

/// One measured number; none when it could not be had here, and then the name says why.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    name: String,
    value: Option<f64>,
    unit: &'static str,
    bar: Bar,
}

impl Figure {
    fn new(name: impl Into<String>, value: f64, unit: &'static str, bar: Bar) -> Self {
        Self {
            name: name.into(),
            value: Some(value),
            unit,
            bar,
        }
    }

    fn left_out(name: &str, why: impl Display) -> Self {
        Self {
            name: format!("{name}: left out, {why}"),
            value: None,
            unit: "",
            bar: Bar::None,
        }
    }

    fn met(&self) -> Option<bool> {
        match (self.value?, self.bar) {
            (value, Bar::AtMost(most)) => Some(value <= most),
            (value, Bar::AtLeast(least)) => Some(value >= least),
            (_, Bar::None) => None,
        }
    }

    fn bar_text(&self) -> Option<String> {
        match self.bar {
            Bar::AtMost(most) => Some(format!("<= {}", number(most))),
            Bar::AtLeast(least) => Some(format!(">= {}", number(least))),
            Bar::None => None,
        }
    }
}

/// A figure as one JSON line.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    name: &'a str,
    value: Option<f64>,
    unit: &'a str,
    bar: Option<String>,
    met: Option<bool>,
}

pub(super) fn measure(setting: &Setting<'_>, args: &BenchArgs) -> Result<u8, AppError> {
    let rows = chosen(args.only.as_deref())?;
    let scratch = Scratch::make(setting.config.paths.data_folder())?;
    let bench = Bench {
        scratch: scratch.folder.clone(),
        directory: setting.directory.to_path_buf(),
        clock: monotonic(),
    };
    if cfg!(debug_assertions) {
        out::talk("note: this is not a release build; its figures say little");
    }
    for row in rows {
        for figure in (row.measure)(&bench)? {
            print(row.id, &figure, args.json)?;
        }
    }
    Ok(0)
}

/// The rows asked for, in the table's order.
fn chosen(only: Option<&str>) -> Result<Vec<&'static Row>, AppError> {
    let Some(only) = only else {
        return Ok(ROWS.iter().filter(|row| !row.slow).collect());
    };
    let wanted: Vec<&str> = only.split(',').map(str::trim).collect();
    for id in &wanted {
        if !ROWS.iter().any(|row| row.id.eq_ignore_ascii_case(id)) {
            let ids: Vec<&str> = ROWS.iter().map(|row| row.id).collect();
            let message = format!("there is no row `{id}`");
            let hint = format!("the rows are {}", ids.join(", "));
            return Err(AppError::new(ErrorKind::Usage, message).hint(hint));
        }
    }
    let is_wanted = |row: &&Row| wanted.iter().any(|id| row.id.eq_ignore_ascii_case(id));
    Ok(ROWS.iter().filter(is_wanted).collect())
}

fn print(id: &str, figure: &Figure, json: bool) -> Result<(), AppError> {
    if json {
        return out::json(&Line {
            id,
            name: &figure.name,
            value: figure.value,
            unit: figure.unit,
            bar: figure.bar_text(),
            met: figure.met(),
        });
    }
    let Some(value) = figure.value else {
        return out::line(&format!("{id:<6} {}", figure.name));
    };
    let verdict = match (figure.bar_text(), figure.met()) {
        (Some(bar), Some(true)) => format!("met  {bar}"),
        (Some(bar), Some(false) | None) => format!("MISS {bar}"),
        (None, _) => String::new(),
    };
    let value = number(value);
    let line = format!(
        "{id:<6} {:<66} {value:>11} {:<9} {verdict}",
        figure.name, figure.unit
    );
    out::line(line.trim_end())
}

/// Enough digits to compare by, and no more.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1_000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// How the name of a scratch folder begins; the number of its process follows.
const SCRATCH: &str = "bench-";

/// Removes what a run left that was killed, which may be gigabytes. A folder whose process is there, or whose
/// number is another's by now, stays for the next time.
fn sweep(data: &Path) {
    let Ok(rows) = fs::read_dir(data) else { return };
    for row in rows.filter_map(Result::ok) {
        let name = row.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(SCRATCH));
        let pid = number.and_then(|number| Pid::from_raw(number.parse().ok()?));
        let gone = |pid| test_kill_process(pid) == Err(Errno::SRCH);
        if pid.is_some_and(gone) {
            // What cannot be removed costs room and no more.
            fs::remove_dir_all(row.path()).ok();
        }
    }
}

/// A folder that is gone when this is.
struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    fn make(data: &Path) -> Result<Self, AppError> {
        sweep(data);
        let folder = data.join(format!("{SCRATCH}{}", std::process::id()));
        paths::make_private(&folder)?;
        Ok(Self { folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            let folder = self.folder.display();
            out::talk(&format!("note: {folder} could not be removed: {error}"));
        }
    }
}

impl Bench {
    fn now(&self) -> Duration {
        (self.clock)()
    }

    /// How long this takes.
    fn time<T>(&self, work: impl FnOnce() -> T) -> (Duration, T) {
        let from = self.now();
        let done = work();
        (self.now().saturating_sub(from), done)
    }

    /// A fresh path in the scratch folder.
    fn file(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }
}

/// Samples, sorted on demand.
struct Samples(Vec<Duration>);

impl Samples {
    /// The sample below which this share of all lies; zero when there is none.
    fn at(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = sorted.len().saturating_sub(1) * percent / 100;
        sorted.get(place).copied().unwrap_or_default()
    }

    fn median(&self) -> Duration {
        self.at(50)
    }
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// So many in this time, a second.
fn rate(number: u64, time: Duration) -> f64 {
    count(number) / time.as_secs_f64().max(1e-9)
}

/// So many.
#[expect(
    clippy::cast_precision_loss,
    reason = "a figure needs no more digits than a double has"
)]
const fn count(number: u64) -> f64 {
    number as f64
}

/// What keeps a row from being measured.
fn fault(error: impl Display) -> AppError {
    AppError::new(ErrorKind::Kernel, format!("bench: {error}"))
}

#[cfg(test)]
mod tests;
