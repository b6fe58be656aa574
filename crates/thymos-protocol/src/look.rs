//! Looking through the record: what a search finds on its way, and where something comes from.

use serde::{Deserialize, Serialize};
use thymos_core::{EntryId, TrajectoryId};

use crate::event::Event;

/// Which entries are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those of the whole log.
    Log,
    /// Those of a trajectory.
    Run(TrajectoryId),
    /// The same, unless the filter says itself of which runs (`run:`): then those of the whole log.
    RunOrNamed(TrajectoryId),
}

/// What a search found since it last told, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Entries that match, in order; each is told once.
    pub events: Vec<Event>,
    /// Entries looked at so far.
    pub looked_at: u64,
    /// Entries there were when the search began.
    pub of: u64,
    /// Whether they are those of the whole log, and not of one trajectory.
    pub log: bool,
    /// How it ended; none while it goes on.
    pub end: Option<FoundEnd>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundEnd {
    /// Every entry was looked at.
    Whole,
    /// It was cancelled; what was found until then stands.
    Cancelled,
}

/// Of what the provenance is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvenanceOf {
    /// An entry of the trajectory, by its sequence number.
    Seq(u64),
    /// What a resource holds after an entry: `file:src/lib.rs`, `kv:colour`, `memory:style`.
    Resource {
        /// Which.
        resource: String,
        /// After this entry.
        seq: u64,
    },
}

/// Where something comes from, and what came of it: entries of the record, and nothing guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Of which trajectory it was asked.
    pub trajectory: TrajectoryId,
    /// The entry that it is about: the one named, or the one that set the resource; where none did, the
    /// first of the trajectory, and `back` is empty.
    pub entry: EntryId,
    /// That entry's sequence number in its own trajectory.
    pub seq: u64,
    /// The resource that was asked about; none when an entry was.
    pub resource: Option<String>,
    /// Back to who asked for it, nearest first.
    pub back: Vec<ProvenanceStep>,
    /// What came of it, oldest first.
    pub forward: Vec<ProvenanceStep>,
    /// Further entries that belong to `forward` and are not listed.
    pub forward_left: u64,
    /// What the record cannot tell, a sentence each.
    pub notes: Vec<String>,
}

/// One entry on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenanceStep {
    /// What it has to do with it.
    pub relation: Relation,
    /// How many delegations up it stands; 0 is the run that did it.
    pub above: u64,
    /// By which resource it is related, where it is by one.
    pub resource: Option<String>,
    /// The entry, told.
    pub event: Event,
}

/// What an entry has to do with what is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The entry itself, where it sealed no call.
    Itself,
    /// Sealed the call: what it did is in the world since.
    Sealed,
    /// Said what became of work that had no end.
    Settled,
    /// Announced the call.
    Began,
    /// Refused the call.
    Refused,
    /// Replaced or withdrew the hold.
    Superseded,
    /// Answered the hold.
    Answered,
    /// Held the call for a person.
    Held,
    /// Wanted the call.
    Wanted,
    /// The model's words of that turn.
    Said,
    /// The model that was used for it.
    Model,
    /// A writ it was proposed under.
    Writ,
    /// Words of the operator while the run went on.
    Steered,
    /// Asked for the run.
    Asked,
    /// Delegated the run.
    Delegated,
    /// The next turn of the model, which read the result.
    Told,
    /// A later call that looked at the resource.
    Read,
    /// A later call that looked through a folder in which it stands.
    Searched,
    /// A later call that changed the resource.
    Changed,
    /// A later call that took this one back.
    TookBack,
    /// A later call that was answered with the result of this one.
    Repeated,
    /// A call that rests on it: on the prompt, on the answer or on the writ.
    RestedOn,
    /// A trajectory that branched off from it.
    Branched,
}

impl Relation {
    /// One or two words for it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Itself => "this",
            Self::Sealed => "done",
            Self::Settled => "settled",
            Self::Began => "begun",
            Self::Refused => "refused",
            Self::Superseded => "superseded",
            Self::Answered => "answered",
            Self::Held => "held",
            Self::Wanted => "wanted",
            Self::Said => "said",
            Self::Model => "model",
            Self::Writ => "writ",
            Self::Steered => "steered",
            Self::Asked => "asked",
            Self::Delegated => "delegated",
            Self::Told => "told",
            Self::Read => "read",
            Self::Searched => "searched",
            Self::Changed => "changed",
            Self::TookBack => "took back",
            Self::Repeated => "repeated",
            Self::RestedOn => "rests on it",
            Self::Branched => "branched",
        }
    }
}
