//! What stands on the map: nodes, the stages they belong to, and edges.

use serde::Serialize;
use thymos_core::{EntryId, IntentId, ProposalId};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A person, or the agent above, says something.
    Message,
    /// A person says something while a run goes on.
    Steer,
    /// Something is wanted.
    Intent,
    /// It is tied to authority and facts.
    Proposal,
    /// The gate or a person judges it.
    Verdict,
    /// It begins.
    Execution,
    /// Another run is begun by it.
    Child,
    /// It is sealed.
    Commit,
    /// It broke off, or the run did.
    Error,
    /// The model says something.
    Answer,
}

impl NodeKind {
    /// Every kind, in the order of the map.
    pub const ALL: [Self; 10] = [
        Self::Message,
        Self::Steer,
        Self::Intent,
        Self::Proposal,
        Self::Verdict,
        Self::Execution,
        Self::Child,
        Self::Commit,
        Self::Error,
        Self::Answer,
    ];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Steer => "steer",
            Self::Intent => "intent",
            Self::Proposal => "proposal",
            Self::Verdict => "verdict",
            Self::Execution => "execution",
            Self::Child => "child run",
            Self::Commit => "commit",
            Self::Error => "error",
            Self::Answer => "answer",
        }
    }

    /// Its letter, where there is no room for the name.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Message => "M",
            Self::Steer => "S",
            Self::Intent => "I",
            Self::Proposal => "P",
            Self::Verdict => "V",
            Self::Execution => "B",
            Self::Child => "t",
            Self::Commit => "C",
            Self::Error => "X",
            Self::Answer => "A",
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Message | Self::Steer => Stage::Message,
            Self::Intent => Stage::Intent,
            Self::Proposal => Stage::Proposal,
            Self::Verdict => Stage::Verdict,
            Self::Execution | Self::Child => Stage::Execution,
            Self::Commit | Self::Error => Stage::Commit,
            Self::Answer => Stage::Answer,
        }
    }
}

/// A column of the map, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// What was asked.
    Message,
    /// What is wanted.
    Intent,
    /// What is proposed.
    Proposal,
    /// What was judged.
    Verdict,
    /// What began.
    Execution,
    /// How it ended.
    Commit,
    /// What was said of it.
    Answer,
}

impl Stage {
    /// Every stage, from left to right.
    pub const ALL: [Self; 7] = [
        Self::Message,
        Self::Intent,
        Self::Proposal,
        Self::Verdict,
        Self::Execution,
        Self::Commit,
        Self::Answer,
    ];

    /// The head of its column.
    #[must_use]
    pub const fn head(self) -> &'static str {
        match self {
            Self::Message => "MESSAGE",
            Self::Intent => "INTENT",
            Self::Proposal => "PROPOSAL",
            Self::Verdict => "VERDICT",
            Self::Execution => "EXECUTION",
            Self::Commit => "COMMIT",
            Self::Answer => "ANSWER",
        }
    }
}

/// What a node says of how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing: it was said, wanted or proposed.
    Said,
    /// Passed the gate by itself.
    Staged,
    /// Waits for a person.
    Suspended,
    /// A person said yes.
    Approved,
    /// A person said no.
    Denied,
    /// The gate said no.
    Rejected,
    /// Replaced or withdrawn.
    Superseded,
    /// Begun.
    Begun,
    /// Ended well.
    Done,
    /// Ended, and not well.
    Failed,
    /// Nobody saw the end; a person or the tool settled it.
    Settled,
}

impl State {
    /// Its word; none for what was said, wanted or proposed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Said => "",
            Self::Staged => "staged",
            Self::Suspended => "SUSPENDED",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Rejected => "REJECTED",
            Self::Superseded => "superseded",
            Self::Begun => "begun",
            Self::Done => "ok",
            Self::Failed => "failed",
            Self::Settled => "settled",
        }
    }

    /// Whether it tells of a no or a failure.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Denied | Self::Rejected | Self::Failed)
    }
}

/// One thing that happened, on the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its place among all nodes: what edges name.
    pub id: usize,
    /// What it is.
    pub kind: NodeKind,
    /// How it went.
    pub state: State,
    /// Its entry's place in the trajectory.
    pub seq: u64,
    /// Its entry.
    pub entry: EntryId,
    /// The lane it stands in.
    pub lane: usize,
    /// The call it belongs to.
    #[serde(skip)]
    pub row: Option<usize>,
    /// What it says, in one line; others may have written it.
    pub label: String,
    /// The intent, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// The proposal, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
}

/// From what led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Edge {
    /// The node that was there before.
    pub from: usize,
    /// The node that follows from it.
    pub to: usize,
}
