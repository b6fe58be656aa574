//! Proposals: an intent tied to one writ chain, one pinned tool and the facts resolved for it.

use serde::{Deserialize, Serialize};

use crate::canonical::{self, InvalidJson};
use crate::facts::Facts;
use crate::id::{IdempotencyKey, PolicySetId, ProposalId, WritId};
use crate::intent::Intent;
use crate::resolved::Resolved;
use crate::tool::ToolPin;
use crate::trace::Trace;

/// What would happen, exactly. Recorded whole with every verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The compiler's version, such as `thymos-compiler 1`.
    pub compiler: String,
    /// What is wanted.
    pub intent: Intent,
    /// The rules in force.
    pub policy_set: PolicySetId,
    /// What the tool found out; none when it could not resolve or does not exist.
    pub resolved: Option<Resolved>,
    /// The tool, as pinned; none when the session has no such tool.
    pub tool: Option<ToolPin>,
    /// Format version, 1.
    pub v: u32,
    /// The chain it is proposed under, root first.
    pub writs: Vec<WritId>,
}

impl Proposal {
    /// The id of the recorded form.
    ///
    /// # Errors
    /// [`InvalidJson`] when a number in it cannot be kept exactly.
    pub fn id(&self) -> Result<ProposalId, InvalidJson> {
        Ok(ProposalId::of(canonical::encode(self)?.as_bytes()))
    }

    /// The key under which this call happens at most once `[X3]`.
    ///
    /// # Errors
    /// As [`Self::id`].
    pub fn idempotency_key(&self, tenant: &str) -> Result<IdempotencyKey, InvalidJson> {
        let scope = self
            .resolved
            .as_ref()
            .map_or("", |r| r.repeat_scope.as_str());
        idempotency_key(tenant, &self.intent, scope)
    }
}

/// The key of a call before there is a proposal for it `[X3]`.
///
/// # Errors
/// [`InvalidJson`] when the arguments cannot be kept exactly.
pub fn idempotency_key(
    tenant: &str,
    intent: &Intent,
    scope: &str,
) -> Result<IdempotencyKey, InvalidJson> {
    let parts = (tenant, &intent.tool, &intent.args, scope);
    Ok(IdempotencyKey::of(canonical::encode(&parts)?.as_bytes()))
}

/// A proposal with everything that its verdict rests on; part of every deciding entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The moment.
    pub facts: Facts,
    /// What was proposed.
    pub proposal: Proposal,
    /// What every clause said.
    pub trace: Trace,
}
