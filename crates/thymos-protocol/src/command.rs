//! Everything the app can ask of the kernel.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thymos_core::approval::{Decision, Via};
use thymos_core::id::{PresentedDigest, ProposalId};
use thymos_core::writ::Mode;
use thymos_core::{EntryId, TrajectoryId};

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
    /// Starts a new trajectory in this workspace. Replies `Opened`.
    New {
        /// Its first mode.
        mode: Mode,
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
    /// Entries of a trajectory that match a filter, newest last. Replies `Page`.
    Find {
        /// Of which trajectory; none searches the whole log.
        trajectory: Option<TrajectoryId>,
        /// Filter language (`kind:commit tool:fs_* -effect:read text:word`).
        filter: String,
    },
    /// Verifies the whole log. Replies `Verifying` any number of times, then `Verified`.
    Verify,
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
    /// Every open hold of every trajectory, oldest first. Replies `Holds`.
    Holds,
    /// Every trajectory, newest first. Replies `Runs`.
    Runs,
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
