//! The folded state of one trajectory: conversation, world, budgets, holds, open work.
//!
//! Only `fold` changes it. What is not in here, no context and no decision may rest on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thymos_core::approval::SignedAnswer;
use thymos_core::body::{
    Branch, DelegationResult, PendingApproval, Role, Root, SkillBound, Started, Stop,
};
use thymos_core::budget::Cost;
use thymos_core::id::{Digest, IdempotencyKey, PolicySetId, ProposalId};
use thymos_core::intent::Intent;
use thymos_core::proposal::idempotency_key;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_core::world::World;
use thymos_core::writ::{Mode, SignedWrit};
use thymos_core::{EntryId, IntentId, Timestamp, TrajectoryId, WritId};

/// Everything that follows from a trajectory's entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    /// Which trajectory.
    pub trajectory: TrajectoryId,
    /// Entries folded: the next sequence number.
    pub len: u64,
    /// The newest entry.
    pub head: Option<EntryId>,
    /// When the newest entry was appended.
    pub head_at: Timestamp,
    /// The first entry's body.
    pub root: Option<Root>,
    /// What was said and wanted, in order.
    pub story: Vec<Item>,
    /// Every intent and what became of it.
    pub calls: BTreeMap<IntentId, Call>,
    /// State folded from commits. Shared, so that a tool at work holds it without a copy.
    pub world: Arc<World>,
    /// Where the notes of the world come from `[O4]`.
    pub memory: BTreeMap<String, Kept>,
    /// Writs issued here.
    pub writs: BTreeMap<WritId, SignedWrit>,
    /// Writs revoked here.
    pub revoked: BTreeSet<WritId>,
    /// What is reserved for children that are used elsewhere, until they are closed `[W6]`.
    pub reserved: BTreeMap<WritId, Reserved>,
    /// Spent and reserved, for each writ `[B1]`.
    pub spent: BTreeMap<WritId, Cost>,
    /// The mode in force and its writ.
    pub authority: Option<(Mode, WritId)>,
    /// Calls that wait for a person, by proposal.
    pub holds: BTreeMap<ProposalId, Hold>,
    /// Work announced and not ended; at start-up it is in doubt `[X2]`.
    pub open_work: BTreeMap<ProposalId, OpenWork>,
    /// Sealed work by idempotency key: the newest commit `[X3]`.
    pub done: BTreeMap<IdempotencyKey, (ProposalId, EntryId)>,
    /// Of those, the keys that were used up by calls which happen once, as their tool was pinned `[X3]`: no
    /// other trajectory may use them either.
    pub once: BTreeMap<IdempotencyKey, EntryId>,
    /// How many commits each idempotency key has.
    pub commits: BTreeMap<IdempotencyKey, u64>,
    /// What the model reads in place of its older turns.
    pub summary: Option<Summary>,
    /// The next turn's number.
    pub next_turn: u32,
    /// Tokens of the newest model call: read and written.
    pub last_context_tokens: u64,
    /// What the whole trajectory cost, models included.
    pub total: Cost,
    /// The tools pinned last.
    pub tools: Vec<ToolContract>,
    /// The rules in force, as recorded.
    pub policy_set: Option<PolicySetId>,
    /// How the last run ended; none while one is going on or none was.
    pub stopped: Option<Stop>,
    /// The commit it continues, when it is a branch `[D2]`.
    pub branch: Option<Branch>,
    /// The trajectories that what is folded in comes from, nearest first.
    pub ancestors: Vec<TrajectoryId>,
    /// Whether what the branch keeps of its past is folded in; without it the world is not known.
    pub inherited: bool,
    /// Trajectories delegated from here `[D1]`.
    pub children: BTreeMap<TrajectoryId, Child>,
    /// Policy bundles in force, as recorded, by name `[P3]`.
    pub policies: BTreeMap<String, LoadedPolicy>,
    /// Skills bound, in order `[S1]`.
    pub skills: Vec<SkillBound>,
    /// Sealed effects by proposal: what an undo would have to take back, and what took one back
    /// `[D3]`. Commits, and failures that changed something all the same.
    pub sealed: BTreeMap<ProposalId, Committed>,
    /// Proposals that were undone; none of them can be undone a second time.
    pub undone: BTreeSet<ProposalId>,
    /// How much of it is gone `[L3]`.
    pub erasure: Erasure,
    /// How much is kept. What is written down and read back keeps everything.
    #[serde(skip)]
    pub(crate) keeps: Keeps,
}

/// What a projection keeps of the entries that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Keeps {
    /// Everything.
    #[default]
    All,
    /// For who checks what follows and shows nothing: no words, and no arguments of what ended. They are
    /// not needed for that, and would be most of the memory.
    Facts,
    /// For who looks at the state of a moment: nothing of what ended but what it left behind. What refers
    /// to the past is then believed, so nothing is verified or decided on it.
    State,
}

/// What was erased of a trajectory. Behind it nothing is continued: what is gone may be what a budget,
/// a key that is used once, or a hold rests on (docs/decisions/0013-what-was-erased-from-is-over.md).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Erasure {
    /// Bodies that are not there, here or in the past that it branched off from.
    pub gone: bool,
    /// An `erased` entry stands on it.
    pub told: bool,
    /// An `erased` entry names a body that stood yet as this was folded: what it says is in here. Between
    /// the order and its being carried out that is so of every fold, and afterwards of an older one.
    pub standing: bool,
    /// Its own entries whose bodies are not there.
    pub(crate) missing: BTreeSet<u64>,
}

/// Where a note comes from `[O4]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The commit.
    pub entry: EntryId,
    /// Its sequence number.
    pub seq: u64,
    /// Its place in the log.
    pub index: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// Whether the operator approved the call, or made it.
    pub approved: bool,
}

/// A share of a budget that is used on another trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// How much was taken from every link above.
    pub cost: Cost,
    /// Where it is used.
    pub session: Option<TrajectoryId>,
}

/// A sealed effect, as far as an undo needs it `[D3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Its entry.
    pub entry: EntryId,
    /// That entry's sequence number.
    pub seq: u64,
    /// That entry's position in the log, which orders it among trajectories.
    pub index: u64,
    /// The proposal that it undid, when it was an undo.
    pub compensates: Option<ProposalId>,
    /// The intent.
    pub intent: IntentId,
}

/// A policy bundle in force, as the record has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadedPolicy {
    /// Digest of its canonical bytes.
    pub digest: Digest,
    /// The whole of it; none where a reader has no use for it and let it go.
    pub bundle: Option<Value>,
}

/// A delegated trajectory, as its parent's record tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// The delegating proposal.
    pub proposal: ProposalId,
    /// Its writ.
    pub writ: WritId,
    /// Sequence number of the delegation.
    pub seq: u64,
    /// Its task.
    pub task: String,
    /// How it ended, when it did.
    pub result: Option<DelegationResult>,
}

/// A model's words for its older turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The newest turn that it stands for, with all before it.
    pub through: u32,
    /// The words, redacted.
    pub text: String,
}

/// One line of the story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Item {
    /// Something was said.
    Said {
        /// By whom.
        role: Role,
        /// The words.
        text: String,
        /// Turn.
        turn: u32,
        /// Opaque blocks to replay.
        provider_state: Option<Value>,
    },
    /// Something was wanted; look it up in [`Projection::calls`].
    Wanted(IntentId),
}

/// An intent and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The intent as recorded.
    pub intent: Intent,
    /// The provider's call id.
    pub call: String,
    /// What became of it.
    pub fate: Fate,
    /// The proposal that it is to undo, when it is an undo `[D3]`.
    pub compensates: Option<ProposalId>,
    /// Whether the operator had a call done once more `[X3]`.
    pub again: bool,
    /// Whether it was interrupted and is to be run again `[X2]`.
    pub rerun: bool,
}

/// What became of an intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fate {
    /// Not decided yet.
    Wanted,
    /// Waits for a person.
    Held(ProposalId),
    /// Announced, not ended.
    Begun(ProposalId),
    /// Ended; what the model reads, and whether it is an error to it.
    Ended {
        /// Which proposal; none when the hold was superseded.
        proposal: Option<ProposalId>,
        /// What the model reads.
        text: String,
        /// Refused, denied, failed or not ok.
        is_error: bool,
    },
}

/// A call that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Its entry.
    pub entry: EntryId,
    /// That entry's sequence number.
    pub seq: u64,
    /// When it was held.
    pub at: Timestamp,
    /// The whole body.
    pub body: Box<PendingApproval>,
    /// The intent.
    pub intent: IntentId,
    /// Answers so far, in order.
    pub answers: Vec<(EntryId, SignedAnswer)>,
}

/// Work announced and not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenWork {
    /// Its `started` entry.
    pub entry: EntryId,
    /// That entry's sequence number.
    pub seq: u64,
    /// When it began.
    pub at: Timestamp,
    /// The intent.
    pub intent: IntentId,
    /// The whole body.
    pub body: Box<Started>,
}

impl Projection {
    /// Nothing folded yet.
    #[must_use]
    pub fn empty(trajectory: TrajectoryId) -> Self {
        Self {
            trajectory,
            len: 0,
            head: None,
            head_at: Timestamp(0),
            root: None,
            story: Vec::new(),
            calls: BTreeMap::new(),
            world: Arc::default(),
            memory: BTreeMap::new(),
            writs: BTreeMap::new(),
            revoked: BTreeSet::new(),
            reserved: BTreeMap::new(),
            spent: BTreeMap::new(),
            authority: None,
            holds: BTreeMap::new(),
            open_work: BTreeMap::new(),
            done: BTreeMap::new(),
            once: BTreeMap::new(),
            commits: BTreeMap::new(),
            summary: None,
            next_turn: 0,
            last_context_tokens: 0,
            total: Cost::default(),
            tools: Vec::new(),
            policy_set: None,
            stopped: None,
            branch: None,
            ancestors: Vec::new(),
            inherited: false,
            children: BTreeMap::new(),
            policies: BTreeMap::new(),
            skills: Vec::new(),
            sealed: BTreeMap::new(),
            undone: BTreeSet::new(),
            erasure: Erasure::default(),
            keeps: Keeps::All,
        }
    }

    /// Nothing folded yet, for who checks what follows.
    pub(crate) fn lean(trajectory: TrajectoryId) -> Self {
        Self {
            keeps: Keeps::Facts,
            ..Self::empty(trajectory)
        }
    }

    /// Nothing folded yet, for who looks at the world and the budgets of a moment: its size does not grow
    /// with what was done, only with what is there.
    #[must_use]
    pub fn of_state(trajectory: TrajectoryId) -> Self {
        Self {
            keeps: Keeps::State,
            ..Self::empty(trajectory)
        }
    }

    /// Whether it may only be read, because of what was erased.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.erasure.gone || self.erasure.told
    }

    /// The chain of a writ, root first, as far as it was issued here `[W7]`.
    #[must_use]
    pub fn chain(&self, leaf: &WritId) -> Vec<SignedWrit> {
        let mut chain = Vec::new();
        let mut next = Some(*leaf);
        while let Some(id) = next {
            let Some(writ) = self.writs.get(&id) else {
                break;
            };
            // A parent is issued before its child, so a cycle cannot be built; the bound is for
            // a forged record.
            if chain.len() > thymos_core::limits::CHAIN_LINKS_MAX {
                break;
            }
            chain.push(writ.clone());
            next = writ.writ.parent;
        }
        chain.reverse();
        chain
    }

    /// The revoked writs, descendants included: a cut reaches every link below it `[W7]`.
    #[must_use]
    pub fn revoked_with_descendants(&self) -> BTreeSet<WritId> {
        self.cut_with(&BTreeSet::new())
    }

    /// As [`Self::revoked_with_descendants`], with writs that were revoked on trajectories above.
    #[must_use]
    pub fn cut_with(&self, above: &BTreeSet<WritId>) -> BTreeSet<WritId> {
        self.writs
            .keys()
            .filter(|leaf| {
                let mut next = Some(**leaf);
                let mut steps = 0;
                while let Some(id) = next.filter(|_| steps <= self.writs.len()) {
                    if self.revoked.contains(&id) || above.contains(&id) {
                        return true;
                    }
                    steps += 1;
                    next = self.writs.get(&id).and_then(|writ| writ.writ.parent);
                }
                false
            })
            .copied()
            .collect()
    }

    /// The skills in force, in the order they were bound: those whose writ is in the chain that is
    /// `[S1]`.
    pub fn bound_skills(&self) -> impl Iterator<Item = &SkillBound> {
        let mut in_force = Vec::new();
        let leaf = self.authority.filter(|_| !self.skills.is_empty());
        let mut next = leaf.map(|(_, leaf)| leaf);
        while let Some(id) = next.filter(|_| in_force.len() <= self.writs.len()) {
            in_force.push(id);
            next = self.writs.get(&id).and_then(|writ| writ.writ.parent);
        }
        self.skills
            .iter()
            .filter(move |bound| in_force.contains(&bound.writ))
    }

    /// Whether this proposal has an effect here that nothing has undone yet `[D3]`.
    #[must_use]
    pub fn can_be_undone(&self, proposal: &ProposalId) -> bool {
        self.sealed.contains_key(proposal) && !self.undone.contains(proposal)
    }

    /// The writ that skills narrowed, when this is one of theirs `[S1]`; else the writ itself.
    #[must_use]
    pub fn without_skills(&self, writ: WritId) -> WritId {
        let mut at = writ;
        for bound in self.skills.iter().rev() {
            let parent = self.writs.get(&at).and_then(|writ| writ.writ.parent);
            if let Some(parent) = parent.filter(|_| bound.writ == at) {
                at = parent;
            }
        }
        at
    }

    /// How often this very call was committed before `[X3]`.
    #[must_use]
    pub fn repeats_of(&self, intent: &Intent, resolved: &Resolved) -> u64 {
        let tenant = self.root.as_ref().map_or("", |root| root.tenant.as_str());
        idempotency_key(tenant, intent, &resolved.repeat_scope)
            .ok()
            .and_then(|key| self.commits.get(&key).copied())
            .unwrap_or(0)
    }

    /// What it has cost so far: what open work reserved is not spent yet.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let open = self.open_work.values().map(|work| &work.body.reserved);
        open.fold(self.total, |cost, reserved| cost.minus(reserved))
    }

    /// The task, as a person or the ordering run put it, shortened: the trajectory's title.
    #[must_use]
    pub fn title(&self) -> String {
        self.story
            .iter()
            .find_map(|item| match item {
                Item::Said {
                    role: Role::Operator | Role::Parent,
                    text,
                    ..
                } => Some(
                    text.lines()
                        .next()
                        .unwrap_or_default()
                        .chars()
                        .take(72)
                        .collect(),
                ),
                Item::Said { .. } | Item::Wanted(_) => None,
            })
            .unwrap_or_default()
    }
}
