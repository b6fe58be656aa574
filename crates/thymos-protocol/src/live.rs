//! What is going on right now, outside the ledger. The screen must be right without it.

use thymos_core::TrajectoryId;
use thymos_core::id::ProposalId;

/// The turn being thought and the output being made, appended in place and read when drawing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// Whose; none when nothing runs.
    pub trajectory: Option<TrajectoryId>,
    /// Rises with every change.
    pub version: u64,
    /// Text of the turn so far; emptied when its message entry is durable or the attempt is void.
    pub text: String,
    /// Visible reasoning of the turn so far.
    pub reasoning: String,
    /// Names of the calls being written.
    pub calls: Vec<String>,
    /// Why the attempt was restarted, if it was.
    pub notice: Option<String>,
    /// Output of running calls: the newest bytes of each.
    pub outputs: Vec<LiveOutput>,
}

/// The newest output of one running call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOutput {
    /// Which.
    pub proposal: ProposalId,
    /// Its tool.
    pub tool: String,
    /// The last bytes, lossily decoded, at most 8 KiB.
    pub tail: String,
    /// Bytes seen in all.
    pub total: u64,
}
