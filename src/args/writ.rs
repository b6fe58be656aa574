//! `thymos writ`: signed capabilities in files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `thymos writ`.
#[derive(Debug, Subcommand)]
pub enum WritVerb {
    /// Print an unsigned writ to start from, with examples
    New(NewWritArgs),
    /// Show a chain in words, root first
    Show {
        /// A file, or the id of an issued writ, or a unique prefix of it
        writ: String,
    },
    /// Check shape, examples, chain and tools of a file; exits 11 when it gives no authority
    Check {
        /// The file; `-` is standard input
        file: PathBuf,
    },
    /// Sign an unsigned writ and print its chain; refuses what widens its parent
    Sign(SignWritArgs),
    /// Revoke a writ and everything below it, for every session
    Revoke {
        /// A file (its last writ), or the id of an issued writ
        writ: String,
        /// Why
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Say clause by clause what the gate would say of a call; runs nothing
    ///
    /// Exits 0 when it would go ahead, 10 when a person would be asked, 11 when it would be refused.
    Explain {
        /// A file, or the id of an issued writ
        writ: String,
        /// The tool
        #[arg(long, value_name = "NAME")]
        tool: String,
        /// Its arguments, a JSON object
        #[arg(long, default_value = "{}", value_name = "JSON")]
        args: String,
    },
    /// Decide the past again as if a file had narrowed every session, and list every verdict that would change
    ///
    /// Its links stand below the writs that were in force then: what those refused stays refused. Its
    /// window plays no part, and its budget counts from the first call of each trajectory.
    Simulate {
        /// The file, signed or not; `-` is standard input
        file: PathBuf,
        /// Only this trajectory: id, or a unique prefix
        #[arg(long, value_name = "ID")]
        run: Option<String>,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// End a session's share of a writ file and give the rest back
    Close {
        /// Id of the share, or a unique prefix
        writ: String,
    },
    /// List writs that were issued, or those that matter to one run
    Ls {
        /// Only this trajectory: id, or a unique prefix
        #[arg(long, value_name = "ID")]
        run: Option<String>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

/// `thymos writ new`.
#[derive(Debug, Args)]
pub struct NewWritArgs {
    /// Grants and effects of this mode: plan, edit or auto
    #[arg(long, default_value = "edit", value_name = "MODE")]
    pub from: String,
    /// Take grants, effects, budget, depth and examples of this writ file instead of a mode's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "grant", "effects"])]
    pub like: Option<PathBuf>,
    /// Who may use it: a name of `thymos keys ls`, or a public key; yourself without it
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// What people call it: `task` unless said, or as in the file of --like
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Grant these tools instead, by name or glob; may be given several times
    #[arg(long, value_name = "TOOL")]
    pub grant: Vec<String>,
    /// Allow effects up to this class instead
    #[arg(long, value_name = "CLASS", value_parser = ["pure", "read", "write", "external", "irreversible"])]
    pub effects: Option<String>,
    /// What may be spent: tokens=N,tool_calls=N,wall_clock_ms=N,usd_millicents=N
    #[arg(long, value_name = "BUDGET")]
    pub budget: Option<String>,
    /// How long it holds: 90s, 30m, 8h, 2d
    #[arg(long, default_value = "8h", value_name = "TIME")]
    pub expires: String,
}

/// `thymos writ sign`.
#[derive(Debug, Args)]
pub struct SignWritArgs {
    /// The unsigned writ; `-` is standard input
    pub file: PathBuf,
    /// The chain it narrows: a file, or the id of an issued writ
    #[arg(long, value_name = "WRIT")]
    pub parent: Option<String>,
    /// Sign with this key file instead of your own
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// A writ file to work under.
#[derive(Debug, Clone, Default, Args)]
pub struct UnderWritArgs {
    /// Work under this writ file instead of a mode
    #[arg(long, value_name = "FILE", conflicts_with = "mode")]
    pub writ: Option<PathBuf>,
    /// The share of its budget: tokens=N,tool_calls=N,wall_clock_ms=N,usd_millicents=N. Of what is not named it is
    /// the same part of what is left as of what is named, the largest counts; without it, all that is left
    #[arg(long, value_name = "BUDGET", requires = "writ")]
    pub budget: Option<String>,
}
