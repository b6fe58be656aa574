//! Events: one per ledger entry, in the screen's words. Old and live trajectories read the same.

use serde::{Deserialize, Serialize};
use thymos_core::approval::Via;
use thymos_core::body::{Role, Stop};
use thymos_core::budget::Cost;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::{IntentId, PresentedDigest, ProposalId};
use thymos_core::isolation::Rung;
use thymos_core::outcome::FaultKind;
use thymos_core::trace::Clause;
use thymos_core::writ::Mode;
use thymos_core::{EntryId, Kind, Timestamp, TrajectoryId, WritId};

use crate::card::Card;

/// One entry, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whose.
    pub trajectory: TrajectoryId,
    /// Position in the trajectory.
    pub seq: u64,
    /// Position in the log.
    pub index: u64,
    /// When it was appended.
    pub at_ms: Timestamp,
    /// The entry.
    pub entry: EntryId,
    /// The stored kind word.
    pub kind: String,
    /// What happened.
    pub what: What,
}

impl Event {
    /// The line of an entry whose body was erased.
    pub const ERASED: &'static str = "erased";

    /// Whether what the entry said was erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        // The entry that orders an erasure is of that kind itself, and reads.
        self.kind != Kind::Erased.word()
            && matches!(&self.what, What::Note { line } if line == Self::ERASED)
    }
}

/// What happened. `line` is the call in one line from typed arguments, never model prose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    /// A trajectory was opened.
    Opened {
        /// The workspace.
        workspace: String,
        /// Who opened it.
        operator: String,
    },
    /// Something was said.
    Said {
        /// By whom.
        role: Role,
        /// The words, markdown when the model speaks.
        text: String,
        /// Visible reasoning, may be empty.
        reasoning: String,
        /// Turn of the conversation.
        turn: u32,
    },
    /// A model was used.
    Used {
        /// Config's provider entry.
        provider: String,
        /// Model name.
        model: String,
        /// Tokens read.
        tokens_in: u64,
        /// Tokens written.
        tokens_out: u64,
        /// Price; none is unknown.
        usd_millicents: Option<u64>,
        /// How long it took.
        wall_clock_ms: u64,
    },
    /// Something is wanted: `I`.
    Intended {
        /// Its id; groups all that follows from it.
        intent: IntentId,
        /// Turn of the conversation.
        turn: u32,
        /// The tool.
        tool: String,
        /// The call in one line.
        line: String,
        /// True when a person wants it, by editing a held call.
        by_operator: bool,
    },
    /// Refused: `P x`.
    Rejected {
        /// What was wanted.
        intent: IntentId,
        /// What was proposed.
        proposal: ProposalId,
        /// The tool.
        tool: String,
        /// The call in one line.
        line: String,
        /// The clause that refused.
        clause: Clause,
        /// Why.
        reason: String,
        /// The smallest grant that would have allowed it, in words.
        suggestion: Option<String>,
        /// True when a person said no.
        denied: bool,
    },
    /// Held: `P #n`.
    Suspended {
        /// What was wanted.
        intent: IntentId,
        /// What is proposed, and everything an approver is shown.
        card: Box<Card>,
    },
    /// A person or a timer answered: `D`.
    Decided {
        /// Which proposal.
        proposal: ProposalId,
        /// Yes or no.
        approved: bool,
        /// Who and how.
        by: DecidedBy,
        /// Why.
        reason: String,
        /// What they had seen.
        presented: PresentedDigest,
    },
    /// A hold was replaced or withdrawn.
    Superseded {
        /// Which.
        proposal: ProposalId,
        /// By what.
        by: Option<IntentId>,
        /// Why.
        reason: String,
    },
    /// Staged and begun: `B`. Without a later end it is in doubt.
    Started {
        /// What was wanted.
        intent: IntentId,
        /// What is allowed.
        proposal: ProposalId,
        /// The tool.
        tool: String,
        /// The call in one line.
        line: String,
        /// Its class.
        effect: EffectClass,
        /// Its risk.
        risk: Risk,
        /// The rung it runs on.
        rung: Rung,
        /// What allowed it: `rule builtin/read`, `approved by ada`.
        allowed_by: String,
    },
    /// Sealed: `C`.
    Committed {
        /// What was wanted.
        intent: IntentId,
        /// What was allowed.
        proposal: ProposalId,
        /// The tool.
        tool: String,
        /// The call in one line.
        line: String,
        /// Whether the tool calls it a success.
        ok: bool,
        /// One line.
        summary: String,
        /// What the model read; the screen folds it.
        observation: String,
        /// Files that changed.
        changes: Vec<FileChange>,
        /// What it cost.
        cost: Cost,
        /// The rung that really held it.
        rung: Option<Rung>,
        /// Whether anything was cut.
        truncated: bool,
        /// What of its effect nobody looked at, in words `[O3]`.
        unseen: Option<String>,
    },
    /// Broke off, and sealed: `C x`.
    Failed {
        /// What was wanted.
        intent: IntentId,
        /// What was allowed.
        proposal: ProposalId,
        /// The tool.
        tool: String,
        /// The call in one line.
        line: String,
        /// What kind.
        fault: FaultKind,
        /// Why.
        message: String,
        /// Files that changed all the same.
        changes: Vec<FileChange>,
        /// What it cost.
        cost: Cost,
    },
    /// In-doubt work was settled.
    Settled {
        /// Which.
        proposal: ProposalId,
        /// How, in words.
        how: String,
        /// By whom.
        by: String,
    },
    /// A writ was issued.
    WritIssued {
        /// Its id.
        id: WritId,
        /// Its name and what it allows, one line.
        line: String,
    },
    /// A writ was revoked.
    WritRevoked {
        /// Its id.
        id: WritId,
        /// Why.
        reason: String,
    },
    /// The mode changed.
    ModeChanged {
        /// To this.
        mode: Mode,
        /// Under this writ.
        writ: WritId,
        /// The difference as it was shown.
        difference: Vec<String>,
    },
    /// A run ended.
    Closed {
        /// Why.
        stop: Stop,
        /// Model turns it took.
        turns: u32,
    },
    /// Anything else, told in one line: policy, tools, delegation, branch, erased, unknown kinds.
    Note {
        /// The line.
        line: String,
    },
}

/// Who decided, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedBy {
    /// Name.
    pub name: String,
    /// Surface.
    pub via: Via,
    /// Whether all of it had been on screen.
    pub fully_viewed: bool,
}

/// A file that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Workspace-relative.
    pub path: String,
    /// `created`, `changed` or `deleted`.
    pub change: String,
    /// Bytes before.
    pub size_before: Option<u64>,
    /// Bytes after.
    pub size_after: Option<u64>,
}
