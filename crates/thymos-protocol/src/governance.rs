//! Policy, skills and undo as the screen shows them. Decides nothing.

use serde::{Deserialize, Serialize};
use thymos_core::id::{Digest, PolicySetId, ProposalId};
use thymos_core::{EntryId, Timestamp, TrajectoryId};

/// The rules in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// Hash over every rule's bytes and the switches `[P3]`.
    pub set: PolicySetId,
    /// Bundles, in order.
    pub bundles: Vec<PolicyRow>,
    /// Switches in words: `risk threshold high`, `compensation gate on`.
    pub switches: Vec<String>,
    /// Files of the policy folder that were not loaded, and why; the set before them stays in force.
    pub refused: Vec<String>,
}

/// One bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who signed it; none for the built-in one.
    pub signed_by: Option<String>,
    /// When it ends, if it does; from then on nothing is allowed until it is signed anew or unloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What no rule mentions gets this.
    pub default: String,
    /// Rules in order: `write-review: ask: writes to files need a person`.
    pub rules: Vec<String>,
}

/// What a candidate bundle would change `[P5]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// The candidate: name and version.
    pub candidate: String,
    /// Past decisions looked at.
    pub decisions: u64,
    /// Those that would change.
    pub changes: Vec<ChangedVerdict>,
    /// Decisions that rest on values which are not in the record, so that nobody can say.
    pub uncertain: u64,
}

/// A verdict that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedVerdict {
    /// The deciding entry.
    pub entry: EntryId,
    /// Its trajectory.
    pub trajectory: TrajectoryId,
    /// Its sequence number.
    pub seq: u64,
    /// The tool.
    pub tool: String,
    /// The call in one line.
    pub line: String,
    /// The verdict then: `cleared`, `held`, `refused`.
    pub was: String,
    /// The verdict under the candidate.
    pub would_be: String,
    /// The clause or rule that decides under the candidate, and what it says.
    pub because: String,
}

/// What an undo would do, newest first `[D3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoPlan {
    /// What an answer must quote.
    pub digest: Digest,
    /// Steps in the order they would happen.
    pub steps: Vec<UndoStep>,
    /// Whether every step that changed something can be undone.
    pub complete: bool,
    /// What of the effects nobody looked at, one line each `[O3]`: no step takes that back.
    pub unseen: Vec<String>,
}

/// One call to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoStep {
    /// The commit.
    pub entry: EntryId,
    /// Where it happened: this trajectory or a delegated child.
    pub trajectory: TrajectoryId,
    /// Its sequence number there.
    pub seq: u64,
    /// The proposal that would be undone.
    pub proposal: ProposalId,
    /// The tool.
    pub tool: String,
    /// The call in one line.
    pub line: String,
    /// What would be done, one line a resource.
    pub will: Vec<String>,
    /// Why it cannot be undone, when it cannot.
    pub cannot: Option<String>,
}

/// What came of an undo `[D3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoEnd {
    /// Steps that were undone.
    pub done: u64,
    /// Steps of the plan that could be undone.
    pub of: u64,
    /// The commit of the first step: undone from there on, all of it is done again.
    pub first: Option<EntryId>,
    /// What stopped the rest, when something did.
    pub stopped: Option<Box<UndoStop>>,
}

/// Why an undo did not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoStop {
    /// Where.
    pub trajectory: TrajectoryId,
    /// The call that was to be undone, in one line.
    pub line: String,
    /// What the gate or the tool said.
    pub reason: String,
    /// Whether it waits for a person; otherwise it was refused or broke off.
    pub held: bool,
}

/// A skill that can be bound `[S1]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillRow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// Id of the definition, hex.
    pub id: String,
    /// Who signed it, if anybody did.
    pub signed_by: Option<String>,
    /// Parameters: key, description, default, allowed values.
    pub params: Vec<SkillParamRow>,
    /// What is wrong with its file, when it cannot be bound.
    pub fault: Option<String>,
    /// Whether that is its signature: it gives no authority, however sound the rest is.
    pub unauthorized: bool,
}

/// A parameter of a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillParamRow {
    /// Its key.
    pub key: String,
    /// For people.
    pub description: String,
    /// Taken when none is given; none makes it required.
    pub default: Option<String>,
    /// The only values allowed; empty allows any text.
    pub values: Vec<String>,
}

/// What came of one routed intent. Holds no word of the work `[S2]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRow {
    /// Names the choice.
    pub decision_hash: String,
    /// `provider:model`.
    pub selected: String,
    /// Effect class of the call, where the tool could tell it.
    pub effect: Option<String>,
    /// `done`, `not ok`, `failed`, `refused`, `held`, `begun`, `superseded`, `reconciled`, `undecided`.
    pub outcome: String,
    /// How long the model took for the turn.
    pub latency_ms: Option<u64>,
    /// What the turn cost; none when no price is known.
    pub cost_millicents: Option<u64>,
}

/// A note that every trajectory of the workspace recalls `[O4]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRow {
    /// Its key.
    pub key: String,
    /// The note.
    pub text: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// `episodic` or `semantic`.
    pub stratum: String,
    /// Its version on the trajectory that kept it.
    pub version: u64,
    /// Which that is.
    pub trajectory: TrajectoryId,
    /// The commit.
    pub entry: EntryId,
    /// The commit's sequence number.
    pub seq: u64,
    /// When it was kept.
    pub at: Timestamp,
    /// Whether the operator approved it, or kept it.
    pub approved: bool,
}
