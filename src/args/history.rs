//! Arguments of the verbs that go back in a trajectory: audit, mind, replay, branch, undo,
//! again. Does nothing itself.

use clap::Args;

use super::PinArgs;

/// `thymos replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Trajectory id, or a unique prefix
    pub id: String,
    /// Stop after this entry: a sequence number, or an entry id or prefix of one
    #[arg(long, value_name = "ENTRY", conflicts_with = "diff")]
    pub at: Option<String>,
    /// Tell how the world differs between two entries, such as `12..40`
    #[arg(long, value_name = "A..B", conflicts_with = "file")]
    pub diff: Option<String>,
    /// Print this file as it was, and nothing else
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Judge this run only, without those above and below it
    #[arg(long, conflicts_with = "file")]
    pub alone: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// What it is required to rest on
    #[command(flatten)]
    pub pins: PinArgs,
}

/// `thymos audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Trajectory id, or a unique prefix
    pub id: String,
    /// Tell where this comes from and what came of it: an entry (a sequence number, or an entry id or
    /// prefix of one), a file's path, or a resource such as `kv:colour`, `memory:style`, `file:41`
    #[arg(long, value_name = "WHAT")]
    pub of: Option<String>,
    /// Of a file or a resource, what it held after this entry; without it, what it holds now
    #[arg(long, value_name = "ENTRY", requires = "of")]
    pub at: Option<String>,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `thymos mind`.
#[derive(Debug, Args)]
pub struct MindArgs {
    /// Trajectory id, or a unique prefix
    pub id: String,
    /// One JSON object of nodes and edges
    #[arg(long)]
    pub json: bool,
}

/// `thymos branch`.
#[derive(Debug, Args)]
pub struct BranchArgs {
    /// Trajectory id, or a unique prefix
    pub id: String,
    /// The commit to start from: a sequence number, or an entry id or prefix of one
    pub entry: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `thymos undo`.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Trajectory id, or a unique prefix
    pub id: String,
    /// Undo this entry and all after it: a sequence number, or the id or prefix of an entry of the
    /// run or of one below it; without it, the whole trajectory
    #[arg(long, value_name = "ENTRY")]
    pub from: Option<String>,
    /// Only show what would be done
    #[arg(long, conflicts_with_all = ["yes", "partial"])]
    pub plan: bool,
    /// Do it, as the plan with this digest says
    #[arg(long, requires = "plan_digest")]
    pub yes: bool,
    /// The digest that the plan printed, or a prefix of at least 6 characters
    #[arg(long, value_name = "DIGEST")]
    pub plan_digest: Option<String>,
    /// Undo what can be undone and leave the rest
    #[arg(long)]
    pub partial: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `thymos again`.
#[derive(Debug, Args)]
pub struct AgainArgs {
    /// Trajectory id, or a unique prefix
    pub id: String,
    /// The call, by any entry of it: a sequence number, or an entry id or prefix of one
    pub entry: String,
}
