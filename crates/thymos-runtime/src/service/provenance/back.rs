//! Back from an entry to the words that asked for it: the call's own entries, the model's turn, the
//! writs, the prompt; then up through whoever delegated the run.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState, Role};
use thymos_core::id::ProposalId;
use thymos_core::intent::Author;
use thymos_core::limits::CHAIN_LINKS_MAX;
use thymos_core::{Entry, IntentId, Kind, TrajectoryId, WritId};
use thymos_protocol::Relation;

use super::{ERASED, Linked, PAGE, entry_of, page, page_before, past_of};
use crate::kernel::Kernel;

/// Messages of the operator during the run that are listed; the nearest ones.
const STEERS_MAX: usize = 8;

/// What is said where another tenant's record would have to be read.
const ELSEWHERE: &str = "it goes on in a run that cannot be read here";

/// What is known of the call whose entries are looked for.
#[derive(Default, Clone)]
pub(super) struct Call {
    pub(super) proposal: Option<ProposalId>,
    pub(super) intent: Option<IntentId>,
}

impl Call {
    /// Whether both are the same call, as far as both are known.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.proposal.is_some() && self.proposal == other.proposal)
            || (self.intent.is_some() && self.intent == other.intent)
    }
}

/// Where it is on its way back.
pub(super) struct Back {
    trajectory: TrajectoryId,
    before: u64,
    /// Entries from the beginning that were looked at for writs.
    front: u64,
    above: u64,
    sought: Call,
    /// The call that the question is about, with what was learned of it on the way.
    pub(super) call: Call,
    turn: Option<u32>,
    own_turn: Option<u32>,
    /// Still missing of it.
    wants: Wants,
    writs: BTreeSet<WritId>,
    steers: usize,
    read: u64,
}

/// What is still looked for.
#[derive(Default)]
struct Wants {
    call: bool,
    said: bool,
    model: bool,
    asked: bool,
}

impl Wants {
    const fn none(&self) -> bool {
        !(self.call || self.said || self.model || self.asked)
    }
}

/// The call that an entry belongs to, as far as it says so itself.
pub(super) fn call_of(body: &Body) -> Option<Call> {
    let proposal = match body {
        Body::Intent(body) => {
            return Some(Call {
                proposal: None,
                intent: body.intent.id().ok(),
            });
        }
        Body::Started(body) => body.proposal,
        Body::Approval(body) => body.signed.answer.proposal,
        Body::Superseded(body) => body.proposal,
        Body::Commit(body) => body.proposal,
        Body::Failure(body) => body.proposal,
        Body::Reconciled(body) => body.proposal,
        Body::Delegation(body) => body.proposal,
        other => other.decided()?.proposal.id().ok()?,
    };
    let intent = body.decided().map(|decided| decided.proposal.intent.id());
    Some(Call {
        proposal: Some(proposal),
        intent: intent.and_then(Result::ok),
    })
}

/// What an entry is to its own call, or to itself.
pub(super) const fn relation_of(body: &Body) -> Relation {
    match body {
        Body::Commit(_) | Body::Failure(_) => Relation::Sealed,
        Body::Reconciled(_) => Relation::Settled,
        Body::Started(_) => Relation::Began,
        Body::Rejection(_) => Relation::Refused,
        Body::Superseded(_) => Relation::Superseded,
        Body::Approval(_) => Relation::Answered,
        Body::PendingApproval(_) => Relation::Held,
        Body::Intent(_) => Relation::Wanted,
        Body::WritIssued(_) => Relation::Writ,
        Body::Delegation(_) => Relation::Delegated,
        _ => Relation::Itself,
    }
}

impl Back {
    /// From this entry on, which is listed already.
    pub(super) fn from(entry: &Entry, body: Option<&Body>) -> Self {
        let call = body.and_then(call_of);
        let mut back = Self {
            trajectory: entry.header.trajectory,
            before: entry.header.seq,
            front: 0,
            above: 0,
            sought: call.clone().unwrap_or_default(),
            call: call.clone().unwrap_or_default(),
            turn: None,
            own_turn: None,
            wants: Wants {
                call: call.is_some(),
                asked: call.is_some(),
                ..Wants::default()
            },
            writs: BTreeSet::new(),
            steers: 0,
            read: 0,
        };
        match body {
            Some(Body::Message(message)) => match message.role {
                // Nobody asked for what the operator says; a task was delegated.
                Role::Operator | Role::Steer | Role::System | Role::Summary => {}
                Role::Parent => back.wants.asked = true,
                Role::Model => {
                    back.turn = Some(message.turn);
                    back.wants.model = true;
                    back.wants.asked = true;
                }
            },
            Some(known) => back.learn(known),
            None => {}
        }
        back
    }

    /// The model's turn in which the call was wanted, when it was.
    pub(super) const fn turn_of_call(&self) -> Option<u32> {
        self.own_turn
    }

    /// How many entries were read since it was asked last.
    pub(super) const fn take_read(&mut self) -> u64 {
        let read = self.read;
        self.read = 0;
        read
    }

    /// A page further back; whether all of it was found.
    pub(super) fn step(
        &mut self,
        kernel: &Kernel,
        found: &mut Vec<Linked>,
        notes: &mut BTreeSet<String>,
    ) -> Result<bool, String> {
        if self.wants.none() && self.writs.is_empty() {
            return Ok(true);
        }
        if self.wants.none() {
            return self.step_for_writs(kernel, found);
        }
        if self.before == 0 {
            return self.beyond(kernel, found, notes);
        }
        let from = self.before.saturating_sub(PAGE as u64);
        let (from, page) = page_before(kernel, self.trajectory, from, self.before)?;
        self.read += page.len() as u64;
        self.before = from;
        for entry in page.into_iter().rev() {
            let body = match entry.decode() {
                BodyState::Known(body) => body,
                BodyState::Erased => {
                    notes.insert(ERASED.to_owned());
                    continue;
                }
                BodyState::UnknownKind(_) | BodyState::Invalid(_) => continue,
            };
            let Some(relation) = self.relate(&body) else {
                continue;
            };
            // Who asked for it stands above; what is missing of this run are its writs.
            self.wants.asked |= matches!(&body, Body::Message(m) if m.role == Role::Parent);
            found.push(Linked {
                relation,
                above: self.above,
                resource: None,
                entry,
            });
        }
        Ok(self.wants.none() && self.writs.is_empty())
    }

    /// A page from the beginning, where writs are issued mostly: only they are missing.
    fn step_for_writs(&mut self, kernel: &Kernel, found: &mut Vec<Linked>) -> Result<bool, String> {
        let page = page(kernel, self.trajectory, self.front, self.before)?;
        self.read += page.len() as u64;
        self.front += page.len() as u64;
        let whole = page.is_empty();
        for entry in page {
            if entry.kind() == Some(Kind::WritIssued)
                && let BodyState::Known(body) = entry.decode()
                && self.relate(&body).is_some()
            {
                found.push(Linked {
                    relation: Relation::Writ,
                    above: self.above,
                    resource: None,
                    entry,
                });
            }
        }
        Ok(whole || self.writs.is_empty())
    }

    /// At the beginning of a trajectory: what is missing may stand in another one.
    fn beyond(
        &mut self,
        kernel: &Kernel,
        found: &mut Vec<Linked>,
        notes: &mut BTreeSet<String>,
    ) -> Result<bool, String> {
        self.writs.clear();
        if !self.wants.asked {
            self.wants = Wants::default();
            return Ok(true);
        }
        if let Some((from, seq)) = past_of(kernel, self.trajectory)? {
            if !kernel.owns(&from).unwrap_or(false) {
                notes.insert(ELSEWHERE.to_owned());
                self.wants = Wants::default();
                return Ok(true);
            }
            self.trajectory = from;
            self.before = seq.saturating_add(1);
            return Ok(false);
        }
        match self.delegation(kernel, notes)? {
            Some(entry) if self.above < CHAIN_LINKS_MAX as u64 => {
                self.go_up(&entry);
                found.push(Linked {
                    relation: Relation::Delegated,
                    above: self.above,
                    resource: None,
                    entry,
                });
                Ok(false)
            }
            Some(_) | None => {
                self.wants = Wants::default();
                Ok(true)
            }
        }
    }

    /// The entry of the run above that delegated this one.
    fn delegation(
        &self,
        kernel: &Kernel,
        notes: &mut BTreeSet<String>,
    ) -> Result<Option<Entry>, String> {
        let first = page(kernel, self.trajectory, 0, 1)?;
        let parent = match first.first().map(Entry::decode) {
            Some(BodyState::Known(Body::Root(root))) => root.parent,
            Some(_) | None => None,
        };
        let Some(parent) = parent else {
            return Ok(None);
        };
        let entry = entry_of(kernel, &parent.entry)?;
        if entry.is_none() {
            notes.insert(ELSEWHERE.to_owned());
        }
        Ok(entry)
    }

    fn go_up(&mut self, delegation: &Entry) {
        self.above += 1;
        self.trajectory = delegation.header.trajectory;
        self.before = delegation.header.seq;
        self.front = 0;
        self.sought = match delegation.decode() {
            BodyState::Known(body) => call_of(&body).unwrap_or_default(),
            BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => {
                Call::default()
            }
        };
        self.turn = None;
        self.steers = 0;
        self.wants = Wants {
            call: true,
            asked: true,
            ..Wants::default()
        };
    }

    /// Takes over what a body says of the call that is looked for.
    fn learn(&mut self, body: &Body) {
        if let Some(decided) = body.decided() {
            self.writs.extend(decided.proposal.writs.iter().copied());
        }
        if let Body::Started(started) = body {
            self.writs.extend(started.pre_answered.iter().copied());
        }
        if let Body::Intent(wanted) = body {
            self.turn = Some(wanted.intent.turn);
            let by_model = wanted.intent.author == Author::Model;
            self.wants = Wants {
                call: false,
                said: by_model,
                model: by_model,
                asked: true,
            };
        }
        if self.above == 0 {
            self.call = self.sought.clone();
            self.own_turn = self.turn;
        }
    }

    /// What an entry is to the call that is looked for; none when it is nothing to it.
    fn relate(&mut self, body: &Body) -> Option<Relation> {
        if let Body::WritIssued(issued) = body {
            return self.writs.remove(&issued.id).then_some(Relation::Writ);
        }
        if let Body::Message(message) = body {
            return self.relate_message(message.role, message.turn);
        }
        if let Body::Usage(usage) = body {
            let served = self.wants.model && self.turn == Some(usage.turn);
            self.wants.model &= !served;
            return served.then_some(Relation::Model);
        }
        if let Body::Superseded(superseded) = body
            && superseded.by.is_some()
            && superseded.by == self.sought.intent
        {
            return Some(Relation::Superseded);
        }
        if !self.wants.call {
            return None;
        }
        let one = call_of(body)?;
        if !self.sought.is(&one) || matches!(body, Body::Delegation(_)) {
            return None;
        }
        self.sought.proposal = self.sought.proposal.or(one.proposal);
        self.sought.intent = self.sought.intent.or(one.intent);
        self.learn(body);
        Some(relation_of(body))
    }

    fn relate_message(&mut self, role: Role, turn: u32) -> Option<Relation> {
        match role {
            Role::Model if self.wants.said && self.turn == Some(turn) => {
                self.wants.said = false;
                Some(Relation::Said)
            }
            Role::Steer if self.wants.asked && !self.wants.call && self.steers < STEERS_MAX => {
                self.steers += 1;
                Some(Relation::Steered)
            }
            Role::Operator | Role::Parent if self.wants.asked && !self.wants.call => {
                // The turn stands after its prompt: what of it was not found is not there.
                self.wants = Wants::default();
                Some(Relation::Asked)
            }
            Role::Operator
            | Role::Parent
            | Role::Model
            | Role::Steer
            | Role::System
            | Role::Summary => None,
        }
    }
}
