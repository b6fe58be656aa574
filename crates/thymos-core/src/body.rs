//! Entry bodies: one struct a kind `[L5]`. Encoded in canonical form; wording for people is elsewhere.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approval::SignedAnswer;
use crate::budget::Cost;
use crate::canonical::{self, CanonicalBytes, InvalidJson, Watch};
use crate::entry::{Entry, Kind};
use crate::id::{
    Digest, EntryId, IdempotencyKey, IntentId, PolicySetId, PresentedDigest, ProposalId, SkillId,
    TrajectoryId, WritId,
};
use crate::intent::Intent;
use crate::isolation::Rung;
use crate::key::{PublicKey, Signature};
use crate::outcome::{Fault, Outcome};
use crate::presentation::Presentation;
use crate::proposal::Decided;
use crate::skill::SkillSignature;
use crate::tool::ToolContract;
use crate::trace::Trace;
use crate::verdict::{HoldTerms, Refusal};
use crate::writ::{Mode, Party, SignedWrit};

/// A decoded body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// See [`Root`].
    Root(Root),
    /// See [`Message`].
    Message(Message),
    /// See [`Usage`].
    Usage(Usage),
    /// See [`Intended`].
    Intent(Intended),
    /// See [`Rejection`].
    Rejection(Box<Rejection>),
    /// See [`PendingApproval`].
    PendingApproval(Box<PendingApproval>),
    /// See [`Approval`].
    Approval(Approval),
    /// See [`Superseded`].
    Superseded(Superseded),
    /// See [`Started`].
    Started(Box<Started>),
    /// See [`Commit`].
    Commit(Box<Commit>),
    /// See [`Failure`].
    Failure(Failure),
    /// See [`Reconciled`].
    Reconciled(Reconciled),
    /// See [`Delegation`].
    Delegation(Delegation),
    /// See [`DelegationResult`].
    DelegationResult(DelegationResult),
    /// See [`Branch`].
    Branch(Branch),
    /// See [`SkillBound`].
    SkillBound(SkillBound),
    /// See [`WritIssued`].
    WritIssued(Box<WritIssued>),
    /// See [`WritRevoked`].
    WritRevoked(WritRevoked),
    /// See [`PolicyLoaded`].
    PolicyLoaded(PolicyLoaded),
    /// See [`PolicyUnloaded`].
    PolicyUnloaded(PolicyUnloaded),
    /// See [`ModeChanged`].
    ModeChanged(ModeChanged),
    /// See [`ToolsPinned`].
    ToolsPinned(ToolsPinned),
    /// See [`Erased`].
    Erased(Erased),
    /// See [`Closed`].
    Closed(Closed),
}

macro_rules! bodies {
    ($($kind:ident($type:ty)),* $(,)?) => {
        impl Body {
            /// The kind that the header must carry.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind,)* }
            }

            /// Canonical bytes.
            ///
            /// # Errors
            /// [`InvalidJson`] when a number in it cannot be kept exactly.
            pub fn encode(&self) -> Result<CanonicalBytes, InvalidJson> {
                match self { $(Self::$kind(body) => canonical::encode(body),)* }
            }

            /// As [`Self::encode`], showing every string to `watch` on the way.
            ///
            /// # Errors
            /// As [`Self::encode`].
            pub fn encode_watched(&self, watch: &mut dyn Watch) -> Result<CanonicalBytes, InvalidJson> {
                match self { $(Self::$kind(body) => canonical::encode_watched(body, watch),)* }
            }

            /// The body as a JSON value, for redaction and display.
            ///
            /// # Errors
            /// [`InvalidJson`] when it cannot be represented.
            pub fn to_value(&self) -> Result<Value, InvalidJson> {
                canonical::parse(self.encode()?.as_bytes())
            }

            /// Reads the body of a kind.
            ///
            /// # Errors
            /// [`InvalidJson`] when the bytes are not the canonical form of that body.
            pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, InvalidJson> {
                match kind { $(Kind::$kind => read::<$type>(bytes).map(Self::$kind),)* }
            }
        }
    };
}

bodies! {
    Root(Root), Message(Message), Usage(Usage), Intent(Intended),
    Rejection(Box<Rejection>), PendingApproval(Box<PendingApproval>), Approval(Approval),
    Superseded(Superseded), Started(Box<Started>), Commit(Box<Commit>), Failure(Failure),
    Reconciled(Reconciled), Delegation(Delegation), DelegationResult(DelegationResult),
    Branch(Branch), SkillBound(SkillBound), WritIssued(Box<WritIssued>),
    WritRevoked(WritRevoked), PolicyLoaded(PolicyLoaded), PolicyUnloaded(PolicyUnloaded),
    ModeChanged(ModeChanged), ToolsPinned(ToolsPinned), Erased(Erased), Closed(Closed),
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidJson> {
    canonical::decode(bytes)
}

/// What reading an entry's body can come to.
#[expect(
    clippy::large_enum_variant,
    reason = "read once and taken apart at once; a box would cost every fold an allocation"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyState {
    /// Here it is.
    Known(Body),
    /// Destroyed on request; the entry still proves that something was there `[L3]`.
    Erased,
    /// Written by a newer version; never skipped silently `[L5]`.
    UnknownKind(String),
    /// The right kind, and not the shape of it.
    Invalid(InvalidJson),
}

impl Entry {
    /// Decodes the body.
    #[must_use]
    pub fn decode(&self) -> BodyState {
        let Some(kind) = self.kind() else {
            return BodyState::UnknownKind(self.header.kind.clone());
        };
        let Some(bytes) = self.body() else {
            return BodyState::Erased;
        };
        match Body::decode(kind, bytes) {
            Ok(body) => BodyState::Known(body),
            Err(invalid) => BodyState::Invalid(invalid),
        }
    }
}

macro_rules! noun {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    };
}

noun! {
    /// The first entry of a trajectory.
    Root {
        /// Format version, 1.
        v: u32,
        /// The workspace folder, as the operator knows it.
        workspace: String,
        /// The tenant; `""` is local.
        tenant: String,
        /// Who opened it.
        operator: Party,
        /// The session's subject key, which acts under the writs.
        subject: Party,
        /// The trajectory and entry it was delegated from or branched off.
        parent: Option<ParentLink>,
    }
}

noun! {
    /// Where a child trajectory hangs.
    ParentLink {
        /// The parent.
        trajectory: TrajectoryId,
        /// The delegating or branched-off entry.
        entry: EntryId,
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A person.
    Operator,
    /// The model.
    Model,
    /// A person, while a run was going on; applied at the next intent boundary.
    Steer,
    /// The program itself: notices.
    System,
    /// The agent that delegated this trajectory: its task `[D1]`.
    Parent,
    /// The model, of its own older turns, which it reads this in place of: all up to `turn`.
    Summary,
}

noun! {
    /// Something was said.
    Message {
        /// By whom.
        role: Role,
        /// The words, redacted.
        text: String,
        /// The model's visible reasoning, redacted; empty for others.
        reasoning: String,
        /// Opaque provider blocks that must be replayed (signed thinking).
        provider_state: Option<Value>,
        /// Turn of the conversation.
        turn: u32,
    }
}

noun! {
    /// A model was used.
    Usage {
        /// The provider entry of the config.
        provider: String,
        /// The model name, verbatim.
        model: String,
        /// The turn it served.
        turn: u32,
        /// Tokens read, cached ones included.
        tokens_in: u64,
        /// Of those, served from a cache.
        tokens_cached: u64,
        /// Tokens written, reasoning included.
        tokens_out: u64,
        /// Of those, reasoning.
        tokens_reasoning: u64,
        /// Price; none when unknown, which is not zero `[B1]`.
        usd_millicents: Option<u64>,
        /// How long the model took.
        wall_clock_ms: u64,
        /// Attempts, retries included.
        attempts: u32,
        /// Writs charged, root first.
        writs: Vec<WritId>,
    }
}

noun! {
    /// Something is wanted.
    Intended {
        /// The intent that the operator wants done once more, though it happens once for a key `[X3]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<IntentId>,
        /// The provider's call id; plays no part in any identity.
        call: String,
        /// The proposal that this one is to undo, when it is an undo `[D3]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compensates: Option<ProposalId>,
        /// What.
        intent: Intent,
        /// Routing evidence, outside every id that authority reads `[S2]`.
        routing: Option<Value>,
    }
}

/// Where a no was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// By `compile`.
    Compile,
    /// By `admit`, after an approval.
    Admit,
    /// By a person's answer.
    Answer,
}

noun! {
    /// The gate, an admission or a person said no.
    Rejection {
        /// What was decided on, whole.
        decided: Decided,
        /// The no.
        refusal: Refusal,
        /// Where it was said.
        stage: Stage,
        /// The entry that ended this very call before: its result is this call's result `[X3]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        earlier: Option<EntryId>,
    }
}

noun! {
    /// The gate wants a person.
    PendingApproval {
        /// What was decided on, whole.
        decided: Decided,
        /// What must be met.
        terms: HoldTerms,
        /// Exactly what an approver is shown.
        presentation: Presentation,
        /// Its digest.
        presented: PresentedDigest,
    }
}

noun! {
    /// An answer.
    Approval {
        /// The signed answer.
        signed: SignedAnswer,
    }
}

noun! {
    /// A hold was replaced.
    Superseded {
        /// The hold's proposal.
        proposal: ProposalId,
        /// The operator's new intent `[A7]`; none when it was withdrawn.
        by: Option<IntentId>,
        /// Why.
        reason: String,
    }
}

noun! {
    /// Permission was spent; durable before the tool acts `[X1]`.
    Started {
        /// Approval entries it rests on.
        approvals: Vec<EntryId>,
        /// What was decided on, whole; shared with the warrant that it was cleared by.
        decided: Arc<Decided>,
        /// The key it holds `[X3]`.
        key: IdempotencyKey,
        /// Pre-answers that satisfied its asks; each is used once more `[A6]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pre_answered: Vec<WritId>,
        /// The id of what was decided on.
        proposal: ProposalId,
        /// Taken from every link's budget until it is sealed.
        reserved: Cost,
        /// The rung of the cage it will run on.
        rung: Rung,
    }
}

noun! {
    /// The effect ended.
    Commit {
        /// The proposal this undoes, if it is an undo `[D3]`.
        compensates: Option<ProposalId>,
        /// What it cost.
        cost: Cost,
        /// What came of it.
        outcome: Outcome,
        /// The proposal.
        proposal: ProposalId,
        /// Its `started` entry.
        started: EntryId,
        /// The contents that it refers to and that are not kept beside the entries `[L4]`; all others were
        /// there when it was sealed. None where it refers to nothing, and where nobody can say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unkept: Option<Vec<Digest>>,
    }
}

noun! {
    /// The effect broke off.
    Failure {
        /// The proposal.
        proposal: ProposalId,
        /// Its `started` entry.
        started: EntryId,
        /// Why.
        fault: Fault,
        /// What it cost.
        cost: Cost,
        /// As of a commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unkept: Option<Vec<Digest>>,
    }
}

/// How in-doubt work was settled `[X2]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// It happened.
    Happened,
    /// It did not.
    DidNotHappen,
    /// Nobody can tell; stop asking.
    GaveUp,
    /// Looking found out, and `reason` says what.
    Probed,
    /// The tool itself found that it happened.
    FoundDone,
    /// The tool itself found that it did not happen.
    FoundUndone,
    /// It is run again under the same key: its tool calls that harmless, and the gate cleared it anew.
    RunAgain,
}

noun! {
    /// In-doubt work was settled.
    Reconciled {
        /// The proposal.
        proposal: ProposalId,
        /// Its `started` entry.
        started: EntryId,
        /// How.
        resolution: Resolution,
        /// Why.
        reason: String,
        /// Who says so.
        by: Party,
        /// Over (proposal, started, resolution, reason).
        signature: Signature,
        /// Settled cost.
        cost: Cost,
    }
}

noun! {
    /// A child trajectory was opened.
    Delegation {
        /// The delegating proposal.
        proposal: ProposalId,
        /// The child.
        child: TrajectoryId,
        /// Its writ.
        writ: WritId,
        /// Its task, redacted.
        task: String,
    }
}

noun! {
    /// A child trajectory ended.
    DelegationResult {
        /// The child.
        child: TrajectoryId,
        /// How it ended.
        stop: String,
        /// What it reported, redacted.
        result: String,
        /// What it cost.
        cost: Cost,
    }
}

noun! {
    /// This trajectory continues another.
    Branch {
        /// The other.
        from: TrajectoryId,
        /// Its commit.
        entry: EntryId,
        /// That commit's sequence number.
        seq: u64,
        /// Digest of the world inherited from there `[D2]`.
        world: Digest,
    }
}

noun! {
    /// A skill was bound.
    SkillBound {
        /// The whole definition.
        definition: Value,
        /// Parameters it was bound with.
        parameters: Value,
        /// The writ that narrows authority to it.
        writ: WritId,
        /// Id of the definition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skill: Option<SkillId>,
        /// Who signed the definition, if anybody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<SkillSignature>,
    }
}

noun! {
    /// A writ was issued.
    WritIssued {
        /// The writ.
        writ: SignedWrit,
        /// Its id.
        id: WritId,
        /// Why, for people.
        reason: String,
        /// Taken from the parent's budget `[W6]`; none for a root writ.
        reserved: Option<Cost>,
        /// Where it is used, when that is another trajectory than the one it is reserved on. Stored as
        /// `bound_to`: a key named `session` is taken for a secret's `[R1]`.
        #[serde(rename = "bound_to", default, skip_serializing_if = "Option::is_none")]
        session: Option<TrajectoryId>,
    }
}

noun! {
    /// A writ was revoked; it and every descendant end `[W7]`.
    WritRevoked {
        /// Which.
        writ: WritId,
        /// Why.
        reason: String,
        /// By whom.
        by: Party,
        /// Over (writ, reason), and over what was used where that is told.
        signature: Signature,
        /// What was used of it when it was closed: the rest of what was reserved for it goes back to
        /// the links above `[W6]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        used: Option<Cost>,
    }
}

impl WritRevoked {
    /// The bytes that a revocation signs.
    ///
    /// # Errors
    /// [`InvalidJson`] when an amount cannot be kept exactly.
    pub fn message(
        writ: &WritId,
        reason: &str,
        used: Option<&Cost>,
    ) -> Result<CanonicalBytes, InvalidJson> {
        match used {
            None => canonical::encode(&(writ, reason)),
            Some(used) => canonical::encode(&(writ, reason, used)),
        }
    }
}

noun! {
    /// A policy bundle came into force.
    PolicyLoaded {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// The whole bundle, so that history can be decided again.
        bundle: Value,
        /// Who signed it; none for the built-in one.
        signed_by: Option<PublicKey>,
        /// That key's signature over the bundle's canonical bytes `[P3]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Signature>,
        /// The set in force from here on.
        policy_set: PolicySetId,
        /// The version of the detectors that the set covers `[P3]`; none in records that are older
        /// than its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redactor: Option<String>,
    }
}

noun! {
    /// A policy bundle went out of force.
    PolicyUnloaded {
        /// Its name.
        name: String,
        /// The set in force from here on.
        policy_set: PolicySetId,
        /// As in [`PolicyLoaded`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redactor: Option<String>,
    }
}

noun! {
    /// The authority mode changed `[W8]`.
    ModeChanged {
        /// The mode now.
        mode: Mode,
        /// The writ before, if there was one.
        from: Option<WritId>,
        /// The writ now.
        to: WritId,
        /// The difference, one line a change, as it was shown.
        difference: Vec<String>,
    }
}

noun! {
    /// The session's tools, pinned `[C6]`.
    ToolsPinned {
        /// Their contracts.
        tools: Vec<ToolContract>,
    }
}

noun! {
    /// A body was destroyed, or is about to be: the entry comes first `[L3]`.
    Erased {
        /// Whose: an entry of this trajectory.
        entry: EntryId,
        /// Its sequence number, by which it is found.
        seq: u64,
        /// Why.
        reason: String,
        /// By whom: the key that wrote this entry.
        by: Party,
        /// Over (entry, seq, reason).
        signature: Signature,
    }
}

impl Erased {
    /// The bytes that an order to erase signs.
    ///
    /// # Errors
    /// [`InvalidJson`] when the number cannot be kept exactly.
    pub fn message(entry: &EntryId, seq: u64, reason: &str) -> Result<CanonicalBytes, InvalidJson> {
        canonical::encode(&(entry, seq, reason))
    }
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The model had nothing more to do.
    Done,
    /// Nothing can go on without a person.
    Held,
    /// The step limit was reached.
    Steps,
    /// A budget dimension is spent; which, in words.
    Budget(String),
    /// The writ's window closed or it was revoked.
    Authority(String),
    /// A person stopped it.
    Cancelled,
    /// The model could not be used; why.
    Model(String),
}

noun! {
    /// A run on this trajectory ended.
    Closed {
        /// Why.
        stop: Stop,
        /// Model turns it took.
        turns: u32,
    }
}

/// Kept so that readers of a decision need not care where its trace stands.
impl Body {
    /// The decision this body carries, if it carries one.
    #[must_use]
    pub fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Rejection(body) => Some(&body.decided),
            Self::PendingApproval(body) => Some(&body.decided),
            Self::Started(body) => Some(&body.decided),
            Self::Root(_)
            | Self::Message(_)
            | Self::Usage(_)
            | Self::Intent(_)
            | Self::Approval(_)
            | Self::Superseded(_)
            | Self::Commit(_)
            | Self::Failure(_)
            | Self::Reconciled(_)
            | Self::Delegation(_)
            | Self::DelegationResult(_)
            | Self::Branch(_)
            | Self::SkillBound(_)
            | Self::WritIssued(_)
            | Self::WritRevoked(_)
            | Self::PolicyLoaded(_)
            | Self::PolicyUnloaded(_)
            | Self::ModeChanged(_)
            | Self::ToolsPinned(_)
            | Self::Erased(_)
            | Self::Closed(_) => None,
        }
    }

    /// The trace of the decision, if there is one.
    #[must_use]
    pub fn trace(&self) -> Option<&Trace> {
        self.decided().map(|decided| &decided.trace)
    }
}
