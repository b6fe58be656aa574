//! Arguments of `thymos erase`. Does nothing itself.

use clap::Args;

/// `thymos erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Entries of one run: an entry id or a unique prefix, or RUN#SEQ with the start of a run's id and
    /// a sequence number
    #[arg(value_name = "ENTRY|RUN#SEQ", required_unless_present = "run")]
    pub names: Vec<String>,
    /// Everything of this run that may go: id, or a unique prefix
    #[arg(long, value_name = "ID", conflicts_with = "names")]
    pub run: Option<String>,
    /// Why; it is recorded and stays, and a plan counts with the reason it was made for
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Only show what would go, what stays, and what can no longer be verified
    #[arg(long, conflicts_with_all = ["yes", "plan_digest"])]
    pub dry_run: bool,
    /// Do it without asking, as the plan with this digest says
    #[arg(long, requires = "plan_digest")]
    pub yes: bool,
    /// The digest that the plan printed, or a prefix of at least 6 characters
    #[arg(long, value_name = "DIGEST", requires = "yes")]
    pub plan_digest: Option<String>,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}
