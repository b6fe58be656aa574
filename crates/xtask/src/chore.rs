//! Which chore was asked for, and what may keep it from being done. Does none of them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::crash::Shots;
use crate::sim::Wanted;

/// What is printed for words that name no chore.
const USAGE: &str = "usage: cargo xtask docgen [--check] | theme-check | screenshot\n       \
    cargo xtask sim [--seed N | --stories N [--from N]]\n       \
    cargo xtask crash [--kills N | --shot SHOT | --faults STORIES | --fault FAULT | --power STORIES | --servers BLOWS | --writers SECONDS]";

/// One chore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Writes the generated pages.
    DocgenWrite,
    /// Compares the generated pages with what the code says.
    DocgenCheck,
    /// Judges every theme that comes with the program.
    ThemeCheck,
    /// Tells stories of the simulator.
    Sim(Wanted),
    /// Kills processes, and looks at what they leave.
    Crash(Shots),
    /// Draws the picture of the README from the release build.
    Screenshot,
}

/// Why a chore did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChoreFault {
    /// The words name no chore.
    Usage(String),
    /// A file of the tree could not be read or written.
    File { path: PathBuf, reason: String },
    /// A generated page is not what the code says.
    Stale(Vec<&'static str>),
    /// A table of the code and its comments do not fit each other.
    Mismatch(String),
    /// Themes with something wrong, a line each.
    Themes(Vec<String>),
    /// A story of the simulator breaks a rule; it has said which.
    Story,
    /// Something did not survive a kill; it has said what.
    Lost,
    /// Cargo could not be started.
    Cargo(String),
}

impl Chore {
    pub(crate) fn parse(words: &[&str]) -> Result<Self, ChoreFault> {
        match words {
            ["docgen"] => Ok(Self::DocgenWrite),
            ["docgen", "--check"] => Ok(Self::DocgenCheck),
            ["theme-check"] => Ok(Self::ThemeCheck),
            ["sim", words @ ..] if let Some(wanted) = Wanted::parse(words) => Ok(Self::Sim(wanted)),
            ["crash", words @ ..] if let Some(shots) = Shots::parse(words) => {
                Ok(Self::Crash(shots))
            }
            ["screenshot"] => Ok(Self::Screenshot),
            _ => Err(ChoreFault::Usage(words.join(" "))),
        }
    }
}

impl ChoreFault {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::File { .. }
            | Self::Stale(_)
            | Self::Mismatch(_)
            | Self::Themes(_)
            | Self::Story
            | Self::Lost
            | Self::Cargo(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for ChoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(words) => write!(f, "no chore is called `{words}`\n{USAGE}"),
            Self::File { path, reason } => write!(f, "`{}`: {reason}", path.display()),
            Self::Stale(pages) => write!(
                f,
                "not what the code says: {}\nrun `cargo xtask docgen` and commit the result",
                pages.join(", ")
            ),
            Self::Mismatch(what) => f.write_str(what),
            Self::Themes(lines) => f.write_str(&lines.join("\n")),
            Self::Story => f.write_str("a story breaks a rule: see above how to tell it again"),
            Self::Lost => {
                f.write_str("a kill left what must not be: see above how to see it again")
            }
            Self::Cargo(reason) => write!(f, "`cargo` could not be started: {reason}"),
        }
    }
}

/// The root of the workspace, fixed when this program was built.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the tree.
pub(crate) fn read(path: &str) -> Result<String, ChoreFault> {
    let path = root().join(path);
    std::fs::read_to_string(&path).map_err(|e| file_fault(path, &e))
}

pub(crate) fn file_fault(path: PathBuf, error: &std::io::Error) -> ChoreFault {
    ChoreFault::File {
        path,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chore_is_named_exactly() {
        assert_eq!(Chore::parse(&["docgen"]), Ok(Chore::DocgenWrite));
        assert_eq!(Chore::parse(&["docgen", "--check"]), Ok(Chore::DocgenCheck));
        assert_eq!(Chore::parse(&["theme-check"]), Ok(Chore::ThemeCheck));
        assert_eq!(
            Chore::parse(&["sim", "--seed", "3"]),
            Ok(Chore::Sim(Wanted::Seed(3)))
        );
        assert_eq!(
            Chore::parse(&["crash", "--kills", "500"]),
            Ok(Chore::Crash(Shots::Kills(500)))
        );
        for words in [
            &[][..],
            &["docgen", "--chekc"],
            &["theme-check", "dark"],
            &["sim", "--seed"],
            &["crash", "--kills"],
        ] {
            assert!(matches!(Chore::parse(words), Err(ChoreFault::Usage(_))));
        }
    }
}
