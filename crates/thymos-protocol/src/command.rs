//! Everything the app can ask of the kernel.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thymos_core::approval::{Decision, SignedAnswer, Via};
use thymos_core::id::{Digest, PresentedDigest, ProposalId};
use thymos_core::key::PublicKey;
use thymos_core::pins::Pins;
use thymos_core::writ::{Mode, SignedWrit};
use thymos_core::{EntryId, IntentId, TrajectoryId, WritId};

use crate::erase::ErasureTargets;
use crate::look::{Among, ProvenanceOf};
use crate::under::{SkillChoice, Under};

/// Pairs a reply with its request. Chosen by the app, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its ticket.
    pub ticket: Ticket,
    /// What is asked.
    pub command: Command,
}

/// What is asked. Each is answered by at least one [`crate::Reply`] with the same ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Opens a trajectory: folds it, lists holds and unsettled work. Replies `Opened`.
    Open {
        /// Which.
        trajectory: TrajectoryId,
    },
    /// Starts a new trajectory in this workspace, with its authority in one batch. Replies `Opened`;
    /// or `NotUsed` or `Fault`, and then nothing was recorded.
    New {
        /// What it acts under.
        under: Under,
        /// Skills that narrow it, in the order they are bound.
        skills: Vec<SkillChoice>,
    },
    /// Says something; starts a run, or steers the one that is going on. Replies `Accepted`.
    Prompt {
        /// Where.
        trajectory: TrajectoryId,
        /// The words.
        text: String,
    },
    /// Answers a hold. Replies `Accepted`, or `Fault` when the answer does not count.
    Answer(Answer),
    /// Replaces a hold by a new intent of the operator, with these arguments `[A7]`.
    Edit {
        /// Where.
        trajectory: TrajectoryId,
        /// The hold.
        proposal: ProposalId,
        /// The new arguments.
        args: Value,
    },
    /// Stops what is running there. Replies `Accepted`.
    Interrupt {
        /// Where.
        trajectory: TrajectoryId,
    },
    /// Asks what a mode would change. Replies `ModePreview`.
    PreviewMode {
        /// Where.
        trajectory: TrajectoryId,
        /// The mode.
        mode: Mode,
    },
    /// Issues the mode's writ and puts it in force. Replies `Accepted`.
    SetMode {
        /// Where.
        trajectory: TrajectoryId,
        /// The mode.
        mode: Mode,
    },
    /// Uses another model from the next turn on. Replies `Accepted`.
    SetModel {
        /// Where.
        trajectory: TrajectoryId,
        /// `provider/model` or `provider`, as config names it.
        model: String,
    },
    /// Lists the models that can be chosen. Replies `Models`.
    Models,
    /// Pulls events from `seq` on, with the status at the head. Replies `Page`.
    Page {
        /// Of which trajectory.
        trajectory: TrajectoryId,
        /// First sequence number.
        from_seq: u64,
        /// Most events; at most 256 are given.
        limit: usize,
    },
    /// Asks for one entry in full. Replies `Detail`.
    Inspect {
        /// Which.
        entry: EntryId,
    },
    /// Entries that match a filter, oldest first, told while they are found. Replies `Found` any number of
    /// times; the last one says how it ended.
    Find {
        /// Among which entries.
        among: Among,
        /// Filter language (`kind:commit tool:fs_* -effect:read text:word`).
        filter: String,
    },
    /// Where an entry, or what a resource holds, comes from, and what came of it. Replies `Looking` any
    /// number of times, then `Provenance`.
    Provenance {
        /// Of which trajectory.
        trajectory: TrajectoryId,
        /// Of what.
        of: ProvenanceOf,
    },
    /// Ends a `Find` or a `Provenance` that is under way; it still replies once, with what it has.
    /// Replies `Accepted`, also when there is nothing to end any more.
    Cancel {
        /// The ticket it was asked with.
        ticket: Ticket,
    },
    /// Single entries, told; at most 256 are given. Replies `Page`.
    Rows {
        /// Of which trajectory; none is the whole log.
        trajectory: Option<TrajectoryId>,
        /// Their sequence numbers there, or their indexes in the log, rising.
        places: Vec<u64>,
    },
    /// Verifies the whole log, or what is new since it was last verified whole. Replies `Verifying` any
    /// number of times, then `Verified`.
    Verify {
        /// Whether what an earlier check verified may be left out.
        since_last: bool,
    },
    /// As `Verify`, told as the tree of one run: those above it, itself, and every run delegated or
    /// branched off below. Replies `Verifying` any number of times, then `Replayed`.
    Replay {
        /// Which run.
        trajectory: TrajectoryId,
    },
    /// Holds the log against pins `[Y2]`; verifies nothing. Replies `Pinned`.
    CheckPins {
        /// What is required.
        pins: Pins,
        /// Only these runs; none takes the whole log.
        runs: Vec<TrajectoryId>,
    },
    /// The newest checkpoint, taken anew or as it is `[L7]`. Replies `Checkpoint`, or `Parted` where the
    /// log is not what was signed before, or does not verify.
    Checkpoint {
        /// Whether to take one first.
        take: Taking,
    },
    /// Why the newest checkpoint that was due, as at the end of a run, was not put where it belongs `[L7]`.
    /// Replies `CheckpointTrouble`.
    CheckpointTrouble,
    /// The proof that one entry stands in the log `[L8]`. Replies `Receipt`.
    Receipt {
        /// The entry's id, or a unique prefix.
        prefix: String,
        /// Whether what it says goes along.
        disclose: bool,
    },
    /// Holds a checkpoint that somebody kept against the log. Replies `Compared`.
    CompareCheckpoint {
        /// The note.
        note: String,
        /// Keys to trust besides the operator's own.
        keys: Vec<PublicKey>,
    },
    /// The folded world at a sequence number. Replies `World`.
    WorldAt {
        /// Of which trajectory.
        trajectory: TrajectoryId,
        /// After this entry.
        seq: u64,
    },
    /// A file's text as of a sequence number. Replies `FileText`.
    FileAt {
        /// Of which trajectory.
        trajectory: TrajectoryId,
        /// After this entry.
        seq: u64,
        /// Workspace-relative path.
        path: String,
    },
    /// How the folded world differs between two sequence numbers `[Y4]`. Replies `WorldDiff`.
    WorldDiff {
        /// Of which trajectory.
        trajectory: TrajectoryId,
        /// After this entry.
        from_seq: u64,
        /// And after this one.
        to_seq: u64,
    },
    /// Every open hold of every trajectory, oldest first. Replies `Holds`.
    Holds,
    /// Every trajectory, newest first. Replies `Runs`.
    Runs,
    /// What this operator said in this workspace, in any run, as it is recorded. Replies `Messages`.
    Messages,
    /// Settles work that was found without an end `[X2]`. Replies `Accepted`.
    Settle {
        /// Where.
        trajectory: TrajectoryId,
        /// Which.
        proposal: ProposalId,
        /// How.
        settlement: Settlement,
        /// Why.
        reason: String,
    },
    /// Asks what approving a hold with a scope would allow `[A6]`. Replies `ScopePreview`.
    PreviewScope {
        /// Where.
        trajectory: TrajectoryId,
        /// The hold.
        proposal: ProposalId,
        /// How far, how long, how often.
        scope: ScopeChoice,
    },
    /// Puts open holds that a pre-answer covers before the gate again. Replies `Accepted`.
    Drain {
        /// Where.
        trajectory: TrajectoryId,
        /// The holds, as the offer named them.
        proposals: Vec<ProposalId>,
    },
    /// Does a call again that is once per key and was done `[X3]`. Replies `Accepted`.
    Again {
        /// Where.
        trajectory: TrajectoryId,
        /// The call that was done, or the repeat of it that was not.
        intent: IntentId,
    },
    /// Every writ that matters here: issued here, in force, standing, of ancestors and children.
    /// Replies `Writs`.
    Writs {
        /// Where.
        trajectory: TrajectoryId,
    },
    /// Revokes a writ and all below it `[W7]`. Replies `Accepted`.
    Revoke {
        /// Where it was issued.
        trajectory: TrajectoryId,
        /// Which.
        writ: WritId,
        /// Why.
        reason: String,
    },
    /// Revokes what a trajectory works under, and what hangs from it `[W7]`. Replies `Accepted`.
    EndAuthority {
        /// Where.
        trajectory: TrajectoryId,
        /// Why.
        reason: String,
    },
    /// Asks for the writ that would have allowed a refused call `[C16]`. Replies `GrantPreview`.
    PreviewGrant {
        /// Where.
        trajectory: TrajectoryId,
        /// The rejection.
        entry: EntryId,
    },
    /// Signs that writ and puts it in force. Replies `Accepted`.
    SignGrant {
        /// Where.
        trajectory: TrajectoryId,
        /// The rejection.
        entry: EntryId,
    },
    /// Puts other authority in force, and skills below it, in one batch. Replies `Accepted`; or
    /// `NotUsed` or `Fault`, and then nothing was recorded.
    Take {
        /// Where.
        trajectory: TrajectoryId,
        /// What it acts under from then on; none keeps what is in force.
        under: Option<Under>,
        /// Skills that narrow it, in the order they are bound.
        skills: Vec<SkillChoice>,
    },
    /// Ends the session's share of a writ file and gives the rest of it back. Replies `Accepted`.
    CloseWrit {
        /// Where.
        trajectory: TrajectoryId,
    },
    /// Revokes the last writ of a chain for every session that uses it, now or later `[W7]`.
    /// Replies `Accepted`.
    RevokeChain {
        /// The chain, root first, as its file holds it.
        chain: Vec<SignedWrit>,
        /// Why.
        reason: String,
    },
    /// Looks for issued writs by the start of their id. Replies `WritsFound`.
    FindWrits {
        /// Lower-case hex digits.
        prefix: String,
    },
    /// Asks what of a chain is revoked and spent by now. Replies `WritStanding`.
    WritStanding {
        /// The ids of its writs, root first.
        chain: Vec<WritId>,
    },
    /// Starts a new trajectory from a commit `[D2]`. Replies `Opened`.
    Branch {
        /// From which trajectory.
        trajectory: TrajectoryId,
        /// From which commit.
        entry: EntryId,
    },
    /// Asks what undoing everything after an entry would take `[D3]`. Replies `UndoPlan`.
    PlanUndo {
        /// Where.
        trajectory: TrajectoryId,
        /// The run whose entry comes first: the same, or one below it.
        of: TrajectoryId,
        /// First sequence number to undo, in that one.
        from_seq: u64,
    },
    /// Carries a plan out, newest first, each step through the gate `[D3]`. Replies `Undone`.
    Undo {
        /// Where.
        trajectory: TrajectoryId,
        /// Whose entry the plan's first is.
        of: TrajectoryId,
        /// The plan's first sequence number.
        from_seq: u64,
        /// The plan's digest: what was agreed to is what is done.
        plan: Digest,
        /// Whether to go on where some steps cannot be undone.
        partial: bool,
    },
    /// The policy bundles in force and the switches. Replies `Policies`.
    Policies,
    /// Looks at the policy folder again. Replies `Policies`.
    ReloadPolicy,
    /// Decides history again under a candidate `[P5]`. Replies `Simulated`.
    Simulate {
        /// Of which trajectory; none takes the whole log.
        trajectory: Option<TrajectoryId>,
        /// What a file of it holds, signed or not: a policy bundle, a writ, or a chain of writs.
        candidate: Value,
    },
    /// The operator's skills. Replies `Skills`.
    Skills,
    /// Binds a skill `[S1]`. Replies `Accepted`.
    BindSkill {
        /// Where.
        trajectory: TrajectoryId,
        /// Its name.
        name: String,
        /// Values of its parameters; those left out take their defaults.
        parameters: BTreeMap<String, String>,
    },
    /// Notes that the trajectories of this workspace share `[O4]`. Replies `Memory`.
    Memory,
    /// Forgets a note, as the operator and through the gate. Replies `Accepted`.
    Forget {
        /// Where the forgetting is recorded.
        trajectory: TrajectoryId,
        /// Its key.
        key: String,
    },
    /// What came of routed intents, without their content `[S2]`. Replies `Routing`.
    Routing {
        /// Of which trajectory; none takes the whole log.
        trajectory: Option<TrajectoryId>,
    },
    /// Whether these texts would be skills that can be bound. Replies `Skills`, one row a text.
    CheckSkills {
        /// A name for each, as its file has it, and the text.
        texts: Vec<(String, Vec<u8>)>,
    },
    /// Asks what erasing would do `[L3]`. Replies `ErasurePlan`, or `NotErased`.
    PlanErasure {
        /// What.
        targets: ErasureTargets,
        /// Why, as it would be recorded: a plan is one of its reason too. Empty where nobody means to do it.
        reason: String,
    },
    /// Destroys bodies for good, after an entry for each that says so `[L3]`. Replies `Erased`, or
    /// `NotErased`.
    Erase {
        /// What.
        targets: ErasureTargets,
        /// The plan's digest: what was agreed to is what is done.
        plan: Digest,
        /// Why.
        reason: String,
    },
    /// Lets running work end, refuses new, and answers `Accepted` when all is durable.
    Shutdown,
}

/// A person's answer, before the kernel signs it with the operator's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Where.
    pub trajectory: TrajectoryId,
    /// Which proposal.
    pub proposal: ProposalId,
    /// The digest of what was shown.
    pub presented: PresentedDigest,
    /// Yes or no.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// Through which surface.
    pub via: Via,
    /// Whether all of it had been on screen.
    pub fully_viewed: bool,
    /// How far a yes reaches; none is this once.
    pub scope: Option<ScopeChoice>,
    /// Another approver's answer, signed with their own key elsewhere `[A3]`.
    pub signed: Option<Box<SignedAnswer>>,
}

/// How far an approval reaches, how long and how often `[A6]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChoice {
    /// How far.
    pub reach: Reach,
    /// For how long, milliseconds.
    pub for_ms: u64,
    /// How often at most.
    pub uses: u64,
}

/// Which calls an approval with scope reaches. Never a separator, an executable or a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// This exact call.
    Exact,
    /// The same command with any one argument in these places, counted from 0; never place 0.
    Slots(Vec<usize>),
    /// The same tool below this folder of the workspace.
    Below(String),
    /// The same tool and method on this host.
    Host(String),
}

/// What a person says about in-doubt work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It happened.
    Happened,
    /// It did not.
    DidNotHappen,
    /// Nobody can tell.
    GaveUp,
}

/// Whether a checkpoint is taken before the newest is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taking {
    /// None is.
    Nothing,
    /// Of the log as it stands: what was signed before is held against it, and no row is read.
    AsItStands,
    /// Of a log whose every entry is what was written.
    Verified,
}
