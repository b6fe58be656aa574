//! `thymos approvals` and `thymos grant`: what can be typed about holds and refusals.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputArgs;

/// `thymos approvals`.
#[derive(Debug, Subcommand)]
pub enum ApprovalsVerb {
    /// List what waits, oldest first
    Ls(OutputArgs),
    /// Show one in full: exactly what would run, why it is held, and the digest to quote
    Show {
        /// Proposal id, or a unique prefix
        id: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show what approving with a scope would allow, and which past calls it would have covered
    Preview {
        /// Proposal id, or a unique prefix
        id: String,
        /// How far, how long, how often
        #[command(flatten)]
        scope: ScopeArgs,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Approve one and let it run; with --scope, also answer calls like it for a while
    Approve {
        /// Proposal id, or a unique prefix
        id: String,
        /// The presented digest that `show` printed, or a prefix of at least 6 characters
        #[arg(long, value_name = "DIGEST")]
        digest: String,
        /// Why
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
        /// Whose answer it is, when it is not yours
        #[command(flatten)]
        signer: SignerArgs,
        /// How far it reaches; once without it
        #[command(flatten)]
        scope: OptionalScope,
    },
    /// Replace one by your own version of the call, which is judged afresh
    Edit {
        /// Proposal id, or a unique prefix
        id: String,
        /// The arguments that you want, as one JSON object; `-` reads them from standard input
        #[arg(long, value_name = "JSON")]
        args: String,
    },
    /// Deny one; the reason goes to the model
    Deny {
        /// Proposal id, or a unique prefix
        id: String,
        /// Why
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
        /// Whose answer it is, when it is not yours
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Put holds that a scope now covers before the gate again
    Drain {
        /// Proposal ids, or unique prefixes, of one trajectory
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// A scope that must be given.
#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// `exact`, `below:FOLDER`, `host:NAME`, or `slots:2,3` to leave those arguments open
    #[arg(long, value_name = "REACH")]
    pub scope: String,
    /// How long and how often
    #[command(flatten)]
    pub bounds: ScopeBounds,
}

/// A scope that may be given.
#[derive(Debug, Args)]
pub struct OptionalScope {
    /// `exact`, `below:FOLDER`, `host:NAME`, or `slots:2,3` to leave those arguments open
    #[arg(long, value_name = "REACH")]
    pub scope: Option<String>,
    /// How long and how often
    #[command(flatten)]
    pub bounds: ScopeBounds,
}

/// The end of a scope.
#[derive(Debug, Args)]
pub struct ScopeBounds {
    /// How long, such as 10m, 2h or 1d
    #[arg(long = "for", value_name = "TIME", default_value = "10m")]
    pub for_: String,
    /// How often at most
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub uses: u64,
}

/// `thymos grant`.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// Entry id of a refusal, or a unique prefix
    pub id: String,
    /// Sign it and put it in force; without this it is only shown
    #[arg(long)]
    pub sign: bool,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Another approver's key, for a hold that wants several.
#[derive(Debug, Clone, Default, Args)]
pub struct SignerArgs {
    /// Sign with this key file instead of your own
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The signer's name; as trusted without it
    #[arg(long = "as", value_name = "NAME", requires = "key")]
    pub as_: Option<String>,
}
