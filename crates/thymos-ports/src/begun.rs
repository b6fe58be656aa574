//! `Begun`: a spent warrant whose effect was announced durably. A tool runs on nothing else `[C17]`.

use serde_json::Value;
use thymos_compiler::Warrant;
use thymos_core::body::{Body, BodyState, Commit, Failure, Started};
use thymos_core::budget::Cost;
use thymos_core::id::{IdempotencyKey, ProposalId};
use thymos_core::isolation::Rung;
use thymos_core::outcome::{Fault, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::{Entry, EntryId, Kind, TrajectoryId};

/// Work that was announced and has not ended. Ends by `commit` or `fail`, exactly once `[X1]`.
///
/// ```compile_fail
/// // [C17] Without a warrant there is no `Begun`, and without a `Begun` no tool runs.
/// # use thymos_ports::{Tool, Begun, tool::ToolIo};
/// async fn rogue(tool: &dyn Tool, io: &mut ToolIo<'_>) {
///     let begun = Begun { warrant: todo!() };
///     tool.run(&begun, io).await;
/// }
/// ```
#[must_use = "begun work must be sealed by `commit` or `fail`"]
#[derive(Debug)]
pub struct Begun {
    warrant: Warrant,
    started: EntryId,
    trajectory: TrajectoryId,
    proposal: ProposalId,
    key: IdempotencyKey,
    rung: Rung,
    reserved: Cost,
    compensates: Option<ProposalId>,
}

/// Why an entry is no receipt for a warrant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAReceipt;

/// The body that ends a piece of work; only a `Begun` makes one.
#[must_use = "a seal that is not appended leaves the work in doubt"]
#[derive(Debug)]
pub struct Sealed {
    body: Body,
}

impl Sealed {
    /// The body, to be redacted and appended.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }
}

impl Begun {
    /// Spends a warrant against the durable `started` entry that announces exactly its proposal: the
    /// id is the proposal's content, and an entry whose id is not that of its proposal does not fold.
    /// `body` must be the entry's own, as it was folded; debug builds look.
    ///
    /// # Errors
    /// [`NotAReceipt`] when the entry announces anything else. The warrant is spent all the same.
    pub fn from_started(
        warrant: Warrant,
        entry: &Entry,
        body: &Started,
    ) -> Result<Self, NotAReceipt> {
        debug_assert!(
            matches!(entry.decode(), BodyState::Known(Body::Started(read)) if *read == *body),
            "an entry with another body: {body:?}"
        );
        let proposal = warrant.proposal_id().map_err(|_| NotAReceipt)?;
        if entry.kind() != Some(Kind::Started) || body.proposal != proposal {
            return Err(NotAReceipt);
        }
        Ok(Self {
            warrant,
            started: entry.id,
            trajectory: entry.header.trajectory,
            proposal,
            key: body.key,
            rung: body.rung,
            reserved: body.reserved,
            compensates: None,
        })
    }

    /// The same as an undo of that proposal; its commit will say so `[D3]`.
    pub fn compensating(self, compensates: Option<ProposalId>) -> Self {
        Self {
            compensates,
            ..self
        }
    }

    /// What may be done.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        self.warrant.proposal()
    }

    /// The proposal's id.
    #[must_use]
    pub fn proposal_id(&self) -> ProposalId {
        self.proposal
    }

    /// The trajectory it happens on.
    #[must_use]
    pub fn trajectory(&self) -> TrajectoryId {
        self.trajectory
    }

    /// The real arguments.
    #[must_use]
    pub fn args(&self) -> &Value {
        self.warrant.args()
    }

    /// What the tool found out before the decision; it must act on exactly this.
    #[must_use]
    pub fn resolved(&self) -> Option<&Resolved> {
        self.warrant.resolved()
    }

    /// The key it holds `[X3]`.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        self.key
    }

    /// The rung of the cage it must run on.
    #[must_use]
    pub fn rung(&self) -> Rung {
        self.rung
    }

    /// What was reserved for it.
    #[must_use]
    pub fn reserved(&self) -> Cost {
        self.reserved
    }

    /// Its `started` entry.
    #[must_use]
    pub fn started(&self) -> EntryId {
        self.started
    }

    /// Ends it with an outcome.
    pub fn commit(self, outcome: Outcome, cost: Cost) -> Sealed {
        Sealed {
            body: Body::Commit(Box::new(Commit {
                proposal: self.proposal,
                started: self.started,
                outcome,
                cost,
                compensates: self.compensates,
                unkept: None,
            })),
        }
    }

    /// Ends it with a fault.
    pub fn fail(self, fault: Fault, cost: Cost) -> Sealed {
        Sealed {
            body: Body::Failure(Failure {
                proposal: self.proposal,
                started: self.started,
                fault,
                cost,
                unkept: None,
            }),
        }
    }
}
