//! The files that the scripted agent works on. What each holds at any time follows from the number of the
//! run alone, so that a run can quote what an earlier one left without reading it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::super::fault;
use crate::error::AppError;

/// Files that are changed, one run after the other: a project that fits into a listing.
const PARTS: u64 = 24;

/// Functions of such a file, which has about 7 KB then: what a source file has that an agent is sent to.
const STEPS: u64 = 36;

/// Functions that differ from one writing of a file to the next: one in so many.
const CHANGED: u64 = 6;

/// Lines of the page that is read in part.
const PAGE_LINES: u64 = 300;

/// One of those files as one run writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    number: u64,
    /// How often it was written before; 0 is as it was laid out.
    visit: u64,
}

impl Part {
    /// The one that this run writes anew.
    pub(super) const fn of(run: u64) -> Self {
        Self::at(run + PARTS)
    }

    /// The one that the run before wrote, or that was laid out last.
    pub(super) const fn before(run: u64) -> Self {
        Self::at(run + PARTS - 1)
    }

    const fn at(place: u64) -> Self {
        Self {
            number: place % PARTS,
            visit: place / PARTS,
        }
    }

    /// All of them, as no run has written them yet.
    pub(super) fn laid_out() -> impl Iterator<Item = Self> {
        (0..PARTS).map(Self::at)
    }

    /// Where it is.
    pub(super) fn path(self) -> String {
        format!("src/part_{:02}.rs", self.number)
    }

    /// What it holds when it was written.
    pub(super) fn text(self) -> String {
        let number = self.number;
        let mut text = format!(
            "//! Part {number}: what the program does with a row of this sort.\n\n\
             use crate::core::{{Context, Outcome}};\n"
        );
        for step in 0..STEPS {
            let most = self.most(step);
            // Writing to a string cannot fail.
            let _written = write!(
                text,
                "\n/// Step {step}: takes what the one before left, and no more than is allowed.\n\
                 pub fn step_{step}(context: &mut Context) -> Outcome {{\n    \
                 let most_{step} = {most};\n    \
                 let seen = context.take(\"part_{number}\", most_{step});\n    \
                 Outcome::of(seen.len())\n}}\n"
            );
        }
        text
    }

    /// What a function of it allows, which changes with some of the visits.
    const fn most(self, step: u64) -> u64 {
        let since = (self.visit + CHANGED - step % CHANGED) % CHANGED;
        1_000 + self.visit.saturating_sub(since)
    }

    /// An exact piece of it as it was written, and what a run puts there.
    pub(super) fn edit(self, step: u64, run: u64) -> (String, String) {
        let most = self.most(step);
        let old = format!("let most_{step} = {most};");
        let new = format!(
            "// Run {run}: what was allowed before was too little.\n    let most_{step} = {};",
            most + 500
        );
        (old, new)
    }
}

/// Makes the folder and all of its files anew.
pub(super) fn lay_out(folder: &Path) -> Result<(), AppError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(fault)?;
    }
    fs::create_dir_all(folder.join("src")).map_err(fault)?;
    let manifest =
        "[package]\nname = \"rows\"\nversion = \"0.1.0\"\nedition = \"2024\"\n".to_owned();
    let modules = (0..PARTS).map(|part| format!("pub mod part_{part:02};\n"));
    let lib = format!(
        "//! Rows, and what is done with them.\n\n{}",
        modules.collect::<String>()
    );
    let lines = (0..PAGE_LINES).map(|line| {
        format!("{line}. A row is taken once, by the first part that can read it, and told in its order.\n")
    });
    let page = format!("# How rows are read\n\n{}", lines.collect::<String>());
    let mut files = vec![
        ("Cargo.toml".to_owned(), manifest),
        ("src/lib.rs".to_owned(), lib),
        ("README.md".to_owned(), page),
    ];
    files.extend(Part::laid_out().map(|part| (part.path(), part.text())));
    for (path, text) in files {
        fs::write(folder.join(path), text).map_err(fault)?;
    }
    Ok(())
}
