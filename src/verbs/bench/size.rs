//! `[Q12]` What the program weighs: its file, and the packages it is built from.

use std::fs;
use std::path::Path;

use super::{Bar, Bench, Figure, fault};
use crate::error::AppError;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let program = std::env::current_exe().map_err(fault)?;
    let bytes = fs::metadata(&program).map_err(fault)?.len();
    let mib = bytes / 1024;
    let mib = f64::from(u32::try_from(mib).unwrap_or(u32::MAX)) / 1024.0;
    Ok(vec![
        Figure::new("size of this binary", mib, "MiB", Bar::AtMost(25.0)),
        packages(&bench.directory),
        Figure::left_out(
            "time of a clean release build",
            "a program cannot time its own building",
        ),
    ])
}

fn packages(directory: &Path) -> Figure {
    const NAME: &str = "packages in the lock file";
    let locks = directory
        .ancestors()
        .filter_map(|folder| fs::read_to_string(folder.join("Cargo.lock")).ok());
    let ours = locks
        .into_iter()
        .find(|text| text.contains("name = \"thymos\"\n"));
    let Some(lock) = ours else {
        return Figure::left_out(NAME, "its lock file is not in this folder or above");
    };
    let count = lock.lines().filter(|line| *line == "[[package]]").count();
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    Figure::new(NAME, count, "", Bar::AtMost(450.0))
}
