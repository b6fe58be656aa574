//! `thymos export` and `import`, and what `thymos verify` takes besides a ledger.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::PinArgs;

/// What an export is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The story of one run, to read
    Markdown,
    /// One event a line, as `thymos ledger --json` prints it
    Jsonl,
    /// A tar of plain files that proves itself
    #[default]
    Bundle,
}

impl Format {
    /// Every one, the most read first.
    pub const ALL: [Self; 3] = [Self::Markdown, Self::Jsonl, Self::Bundle];

    /// As it is typed behind `--format`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Jsonl => "jsonl",
            Self::Bundle => "bundle",
        }
    }

    /// What the names of its files end with, without the dot.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Jsonl => "jsonl",
            Self::Bundle => "tar",
        }
    }
}

/// `thymos export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Trajectory id, or a unique prefix; of a bundle, this one with proofs that it stands in the log
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// The whole log, as a bundle
    #[arg(long)]
    pub all: bool,
    /// What it is written as
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// With --all: what other tenants did as well, where the ledger holds their trajectories
    #[arg(long, requires = "all", conflicts_with = "id")]
    pub all_tenants: bool,
    /// Write it to this file; without it, to a new one in this folder, which is told: `thymos-3f9a61c2.md`
    #[arg(short = 'o', long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Of a bundle: leave out what these entries say: a kind, or a sequence number of the trajectory (with --all an
    /// index of the log); may be given several times
    #[arg(long, value_name = "KIND|NUMBER")]
    pub withhold: Vec<String>,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `thymos import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The bundle
    pub file: PathBuf,
    /// Trust this public key for it, and not those you trust otherwise; with the name of its owner where
    /// rules ask for people by name
    #[arg(long = "key", value_name = "[NAME=]KEY")]
    pub keys: Vec<String>,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `thymos verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Check this file instead, found by what it holds: a bundle, a receipt, or another ledger; it is only
    /// read, and nothing is made beside it
    pub file: Option<PathBuf>,
    /// Check this receipt instead, offline: no ledger is opened
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub receipt: Option<PathBuf>,
    /// Trust this public key for that file, and not those you trust otherwise; with the name of its owner
    /// where rules ask for people by name
    #[arg(long = "key", value_name = "[NAME=]KEY")]
    pub keys: Vec<String>,
    /// Leave out what the last whole check of this ledger verified, and say so; without one all is verified
    #[arg(long, conflicts_with_all = ["receipt", "keys"])]
    pub since_last: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// What it is required to rest on
    #[command(flatten)]
    pub pins: PinArgs,
}
