//! Everything the gate may read, and nothing else.

use serde_json::Value;
use thymos_core::facts::Facts;
use thymos_core::resolved::Resolved;
use thymos_policy::PolicySet;

use crate::chain::CheckedChain;
use crate::possession::CheckedPossession;
use crate::standing::CheckedStanding;
use crate::toolset::ToolSet;
use crate::version::GateVersion;

/// The grounds of one decision. References only; every one of them ends up in the record.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The version that decides: the newest for new work, for a held call the one that held it.
    pub gate: GateVersion,
    /// The writ chain with what checking it found.
    pub chain: &'a CheckedChain,
    /// The binding of the intent's batch to the chain's subject, with what checking it found `[W5]`.
    pub possession: &'a CheckedPossession,
    /// Pre-answers of the session; each counts only when the facts name it `[A6]`.
    pub standing: &'a [CheckedStanding],
    /// The rules in force.
    pub policy: &'a PolicySet,
    /// The session's pinned tools.
    pub tools: &'a ToolSet,
    /// What the tool found out, as recorded, or why it could not.
    pub resolved: Result<&'a Resolved, &'a str>,
    /// The moment. It must name the spending of every link and the version of every resource.
    pub facts: &'a Facts,
    /// The real arguments where the recorded ones carry redacted spans `[R4]`.
    pub live_args: Option<&'a Value>,
    /// The real findings where the recorded ones carry redacted spans `[R4]`.
    pub live_resolved: Option<&'a Resolved>,
}
