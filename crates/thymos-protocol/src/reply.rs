//! What the kernel answers, and the bell it rings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thymos_core::budget::Cost;
use thymos_core::key::PublicKey;
use thymos_core::pins::PinKind;
use thymos_core::writ::Mode;
use thymos_core::{LogId, Timestamp, TrajectoryId};

use crate::authority::{GrantPreview, NotUsed, ScopePreview, WritFound, WritRow, WritStanding};
use crate::card::{Changed, HoldRow};
use crate::command::Ticket;
use crate::detail::Detail;
use crate::erase::{ErasureEnd, ErasurePlan};
use crate::event::Event;
use crate::governance::{MemoryRow, Policies, RoutingRow, Simulation, SkillRow, UndoEnd, UndoPlan};
use crate::look::{Found, Provenance};
use crate::status::{Status, VerifiedBefore};

/// One reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Of which request.
    pub ticket: Ticket,
    /// The answer.
    pub replied: Replied,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Replied {
    /// Done, or under way.
    Accepted,
    /// A trajectory is open; its history is pulled by `Page`.
    Opened(Box<Status>),
    /// Events.
    Page(Page),
    /// An entry in full.
    Detail(Box<Detail>),
    /// What a mode would change.
    ModePreview(ModePreview),
    /// Models to choose from.
    Models(Vec<ModelRow>),
    /// Open holds.
    Holds(Vec<HoldRow>),
    /// Trajectories.
    Runs(Vec<RunRow>),
    /// Messages, newest first, each once.
    Messages(Vec<String>),
    /// What a search found since it last told.
    Found(Found),
    /// How far looking for a provenance is.
    Looking {
        /// Entries looked at.
        done: u64,
        /// Entries there are to look at.
        of: u64,
    },
    /// Where something comes from; none when it was cancelled.
    Provenance(Option<Box<Provenance>>),
    /// How far verification is.
    Verifying(VerifyProgress),
    /// What verification found.
    Verified(VerifyReport),
    /// See [`ReplayReport`].
    Replayed(Box<ReplayReport>),
    /// What rests on something else than was required, and what there is.
    Pinned(PinReport),
    /// The newest checkpoint.
    Checkpoint(Box<CheckpointView>),
    /// A sentence where the newest checkpoint that was due stands not in both places.
    CheckpointTrouble(Option<String>),
    /// What was signed before contradicts the log.
    Parted(String),
    /// A receipt, as text.
    Receipt(String),
    /// What a kept checkpoint says of the log.
    Compared(Compared),
    /// A folded world.
    World(WorldView),
    /// A file's text; none when it did not exist or its content was not kept.
    FileText(Option<String>),
    /// What an approval with scope would allow.
    ScopePreview(Box<ScopePreview>),
    /// What signing the smallest grant would change.
    GrantPreview(GrantPreview),
    /// Writs as a tree, root first, depth first.
    Writs(Vec<WritRow>),
    /// Issued writs, each once.
    WritsFound(Vec<WritFound>),
    /// What of a chain is revoked and spent.
    WritStanding(WritStanding),
    /// A chain of writs that is not put in force.
    NotUsed(NotUsed),
    /// What an undo would do.
    UndoPlan(UndoPlan),
    /// What came of an undo.
    Undone(UndoEnd),
    /// How two moments differ.
    WorldDiff(Box<WorldDiff>),
    /// Policy bundles in force.
    Policies(Policies),
    /// What a candidate bundle would change.
    Simulated(Simulation),
    /// Skills to choose from.
    Skills(Vec<SkillRow>),
    /// Shared notes, in order of keys.
    Memory(Vec<MemoryRow>),
    /// Outcomes of routed intents.
    Routing(Vec<RoutingRow>),
    /// What erasing would do.
    ErasurePlan(Box<ErasurePlan>),
    /// What was erased.
    Erased(ErasureEnd),
    /// It may not be erased, or not now; nothing was touched.
    NotErased(Fault),
    /// An answer to a hold that no longer counts.
    Stale(Changed),
    /// An answer that may not be given, by whom or as it is; the hold stays as it was `[A2]`.
    NotCounted(Fault),
    /// It could not be done.
    Fault(Fault),
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// One sentence without a full stop.
    pub message: String,
    /// What to do now.
    pub hint: Option<String>,
}

/// Events with the status at the head.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In order.
    pub events: Vec<Event>,
    /// At the head; none when the events are of more than one trajectory.
    pub status: Option<Box<Status>>,
}

/// What the bell carries: where everything stands. No payload to lose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heads {
    /// Entries of the log.
    pub log_len: u64,
    /// Length of each open trajectory.
    pub lens: BTreeMap<TrajectoryId, u64>,
    /// Rises when something besides entries changed: running, verified, model.
    pub epoch: u64,
}

/// What a mode would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModePreview {
    /// The mode.
    pub mode: Mode,
    /// One line a change: `+ effects write`, `- tool shell`.
    pub difference: Vec<String>,
}

/// A model that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRow {
    /// What to choose it by.
    pub name: String,
    /// `env ANTHROPIC_API_KEY set`, `missing`, `no key needed`; never a value.
    pub key: String,
    /// Whether it is in use.
    pub current: bool,
}

/// A trajectory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Which.
    pub trajectory: TrajectoryId,
    /// The first prompt, shortened; empty before it.
    pub title: String,
    /// Its workspace.
    pub workspace: String,
    /// Newest sequence number.
    pub head_seq: u64,
    /// When it last changed.
    pub at_ms: Timestamp,
    /// `idle`, `running`, `waiting` for delegated runs alone, `held`, `in doubt`, `closed: done` and so on;
    /// `contradicts itself` where the record does not fold.
    pub state: String,
    /// Delegated runs that it waits for.
    pub agents: u64,
    /// Open holds.
    pub pending: u64,
    /// Work without an end.
    pub in_doubt: u64,
    /// What it hangs from: the trajectory that delegated it, or that it branched off.
    pub parent: Option<RunParent>,
    /// What it cost so far.
    pub spent: Cost,
}

impl RunRow {
    /// The state of one whose record does not fold.
    pub const BROKEN: &str = "contradicts itself";

    /// The state of one of which something was erased: nothing goes on from it `[L3]`.
    pub const ERASED: &str = "erased in part";

    /// Whether nothing goes on there any more, because of what was erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.state == Self::ERASED
    }

    /// Whether something goes on there, or in what it delegated.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.state.as_str(), "running" | "waiting")
    }
}

/// What a trajectory hangs from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunParent {
    /// Which.
    pub trajectory: TrajectoryId,
    /// Whether it was branched off; otherwise it was delegated.
    pub branched: bool,
}

/// How far verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyProgress {
    /// Entries done.
    pub done: u64,
    /// Entries in all.
    pub total: u64,
}

/// A log held against pins `[Y2]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PinReport {
    /// What is otherwise than required, where it begins, in log order.
    pub findings: Vec<VerifyFinding>,
    /// Every value that was met, by kind: what could be pinned.
    pub met: Vec<PinMet>,
}

/// A value that entries rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinMet {
    /// Of which kind.
    pub kind: PinKind,
    /// The value, as a pin names it.
    pub value: String,
    /// How many entries rest on it.
    pub entries: u64,
    /// The first one's index in the log.
    pub first: u64,
}

/// What verification found. `findings` empty means verified, and nothing else does `[Y3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Entries of the log.
    pub entries: u64,
    /// Those of them that were verified before, and not looked at again; none where all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<VerifiedBefore>,
    /// Trajectories checked.
    pub trajectories: u64,
    /// Levels checked, such as `V1`, `V2`.
    pub levels: Vec<String>,
    /// Everything wrong, located.
    pub findings: Vec<VerifyFinding>,
    /// What a lone ledger cannot prove, in words.
    pub caveat: String,
}

/// What verification says of one run and of all that belongs to it `[Y3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// The runs above it, itself, and every run delegated or branched off below, in the order of a tree.
    pub runs: Vec<ReplayedRun>,
    /// Findings that belong to none of these runs.
    pub elsewhere: u64,
    /// Of those, findings of which nobody can say whose they are, such as a row that cannot be read.
    pub unplaced: u64,
    /// Of the whole ledger: a run is decided again on writs and rules that other runs recorded.
    pub ledger: VerifyReport,
}

/// One run of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedRun {
    /// Which.
    pub trajectory: TrajectoryId,
    /// `above`, `itself`, `delegated` or `branch`.
    pub kinship: String,
    /// How deep it hangs, the topmost at 0.
    pub depth: u64,
    /// The entry of the run above it that it hangs from, where it hangs from one.
    pub at_seq: Option<u64>,
    /// What it came to.
    pub verdict: ReplayVerdict,
    /// Entries folded.
    pub entries: u64,
    /// Verdicts derived again.
    pub decisions: u64,
    /// Signatures checked.
    pub signatures: u64,
    /// Verdicts that rest on a witnessed fact `[R4]`.
    pub witnessed: u64,
    /// Checks that were not possible.
    pub unchecked: u64,
    /// Resources in its world.
    pub resources: u64,
    /// Digest of its world, hex; none where it cannot be told.
    pub world: Option<String>,
    /// How much is wrong in it.
    pub findings_total: u64,
    /// The first of what is wrong, located.
    pub findings: Vec<VerifyFinding>,
}

/// What replaying a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayVerdict {
    /// Nothing was found wrong, and everything was checked.
    Verified,
    /// Something is wrong.
    Diverged,
    /// Nothing was found wrong, and not everything could be checked.
    Unchecked,
    /// It was ordered, and has no entry yet.
    NotBegun,
}

/// One thing wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyFinding {
    /// Position in the log.
    pub index: u64,
    /// Trajectory, when known.
    pub trajectory: Option<TrajectoryId>,
    /// Position in it, when known.
    pub seq: Option<u64>,
    /// Which check failed.
    pub check: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// The newest checkpoint of the log, and where it stands `[L7]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointView {
    /// Entries under it; none when there is none.
    pub size: Option<u64>,
    /// When the last of them was made.
    pub at: Option<Timestamp>,
    /// Its text.
    pub note: Option<String>,
    /// How many the ledger keeps.
    pub kept: u64,
    /// Entries of the log.
    pub entries: u64,
    /// The key that verifies it, as other tools take it.
    pub verifier_key: String,
    /// The place outside.
    pub outside: OutsideView,
}

/// The place outside of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideView {
    /// What it is called.
    pub place: String,
    /// Entries under the newest checkpoint there.
    pub size: Option<u64>,
    /// When the last of them was made.
    pub at: Option<Timestamp>,
    /// Why it cannot be read.
    pub trouble: Option<String>,
}

/// What a checkpoint that somebody kept says of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// The log goes on from it.
    Agrees {
        /// Entries under it.
        size: u64,
        /// Entries of the log.
        entries: u64,
        /// Who signed it.
        signer: PublicKey,
    },
    /// The log is shorter: its tail was cut, or it is an older copy.
    LedgerIsOlder {
        /// Entries under it.
        size: u64,
        /// Entries of the log.
        entries: u64,
    },
    /// The log has another past.
    Parted {
        /// Entries under it.
        size: u64,
    },
    /// It is of another log.
    OtherLog(LogId),
    /// It is no checkpoint, or nobody trusted signed it.
    Unsound(String),
}

/// A folded world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldView {
    /// After this entry.
    pub seq: u64,
    /// Digest of the whole state, hex.
    pub digest: String,
    /// Every resource in order.
    pub rows: Vec<WorldRow>,
    /// Entries up to there were erased: this is what is left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// How the folded world of one sequence number differs from that of another `[Y4]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldDiff {
    /// After this entry.
    pub from_seq: u64,
    /// Digest of the state there, hex.
    pub from_digest: String,
    /// And after this one.
    pub to_seq: u64,
    /// Digest of the state there, hex.
    pub to_digest: String,
    /// Every resource that differs, in order.
    pub rows: Vec<WorldDiffRow>,
    /// What the trajectory had cost by the first one, models included.
    pub from_spent: Cost,
    /// And by the second one.
    pub to_spent: Cost,
    /// Entries up to the later one were erased: this is what is left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// One resource that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldDiffRow {
    /// `file:src/lib.rs`.
    pub resource: String,
    /// What it held; none when it was not there.
    pub before: Option<WorldRow>,
    /// What it holds; none when it is not there.
    pub after: Option<WorldRow>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldRow {
    /// `file:src/lib.rs`.
    pub resource: String,
    /// Its version.
    pub version: u64,
    /// The entry that set it.
    pub seq: u64,
    /// Its value in one line.
    pub value: String,
}
