//! Live verdicts. `Warrant` has no public constructor: only this crate's gate makes one `[C17]`.

use std::sync::{Arc, OnceLock};

use serde_json::Value;
use thymos_core::canonical::InvalidJson;
use thymos_core::id::{PresentedDigest, ProposalId};
use thymos_core::presentation::Presentation;
use thymos_core::proposal::{Decided, Proposal};
use thymos_core::resolved::Resolved;
use thymos_core::verdict::{HoldTerms, Refusal};
use thymos_core::{EntryId, WritId};

use crate::grounds::Grounds;

/// What the gate said about one intent. A no is a value.
#[derive(Debug)]
pub enum Verdict {
    /// Go ahead, once.
    Cleared(Warrant),
    /// A person decides.
    Held(Box<Held>),
    /// No.
    Refused(Box<Refused>),
}

/// Permission to perform exactly one proposal, once.
///
/// Made only by `compile` and `admit`; spent by the runtime.
///
/// ```compile_fail
/// // [C17] A warrant cannot be made outside the gate.
/// let forged = thymos_compiler::Warrant { decided: todo!(), live_args: None, live_resolved: None, approvals: vec![], pre_answered: vec![], id: Default::default(), _private: () };
/// ```
#[must_use = "a warrant that is dropped authorises nothing"]
#[derive(Debug)]
pub struct Warrant {
    decided: Arc<Decided>,
    live_args: Option<Value>,
    live_resolved: Option<Box<Resolved>>,
    approvals: Vec<EntryId>,
    pre_answered: Vec<WritId>,
    // Hashing a proposal takes longer than deciding it; who never asks does not pay.
    id: OnceLock<Result<ProposalId, InvalidJson>>,
    _private: (),
}

/// A call that waits: plain data, since it must survive a restart. Grants nothing.
#[derive(Debug, Clone)]
pub struct Held {
    /// What was decided on.
    pub decided: Decided,
    /// What must be met.
    pub terms: HoldTerms,
    /// Exactly what an approver is shown.
    pub presentation: Presentation,
    /// Its digest, which every answer quotes `[A2]`.
    pub presented: PresentedDigest,
}

/// A no, with everything it rests on.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What was decided on.
    pub decided: Decided,
    /// The no.
    pub refusal: Refusal,
}

impl Warrant {
    pub(crate) fn new(decided: Decided, grounds: &Grounds<'_>, approvals: Vec<EntryId>) -> Self {
        Self {
            decided: Arc::new(decided),
            live_args: grounds.live_args.cloned(),
            live_resolved: grounds.live_resolved.cloned().map(Box::new),
            approvals,
            pre_answered: Vec::new(),
            id: OnceLock::new(),
            _private: (),
        }
    }

    pub(crate) fn pre_answered_by(mut self, standing: Option<WritId>) -> Self {
        self.pre_answered = standing.into_iter().collect();
        self
    }

    /// What it permits, with facts and trace.
    #[must_use]
    pub fn decided(&self) -> &Decided {
        &self.decided
    }

    /// The same, for the entry that announces it.
    #[must_use]
    pub fn to_announce(&self) -> Arc<Decided> {
        self.decided.clone()
    }

    /// The proposal it permits.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        &self.decided.proposal
    }

    /// The id of the proposal.
    ///
    /// # Errors
    /// As [`Proposal::id`].
    pub fn proposal_id(&self) -> Result<ProposalId, InvalidJson> {
        self.id.get_or_init(|| self.decided.proposal.id()).clone()
    }

    /// The facts the tool found, the real ones; a warrant never exists without them.
    #[must_use]
    pub fn resolved(&self) -> Option<&Resolved> {
        self.live_resolved
            .as_deref()
            .or(self.decided.proposal.resolved.as_ref())
    }

    /// The arguments to act on: the real ones, also where the record holds redacted ones `[R4]`.
    #[must_use]
    pub fn args(&self) -> &Value {
        self.live_args
            .as_ref()
            .unwrap_or(&self.decided.proposal.intent.args)
    }

    /// Approval entries it rests on.
    #[must_use]
    pub fn approvals(&self) -> &[EntryId] {
        &self.approvals
    }

    /// Pre-answers it rests on; using it uses them `[A6]`.
    #[must_use]
    pub fn pre_answered(&self) -> &[WritId] {
        &self.pre_answered
    }
}
