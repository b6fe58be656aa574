//! Forward from an entry: how its call ended, who read or changed what it set, what was taken back, what
//! rests on it, what branched off from it.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState, Role, Started};
use thymos_core::delta::Resource;
use thymos_core::resolved::Access;
use thymos_core::{Entry, EntryId, TrajectoryId, WritId};
use thymos_protocol::Relation;

use super::back::{Back, Call, call_of, relation_of};
use super::{About, ERASED, Linked, deltas, page};
use crate::kernel::Kernel;

/// Other trajectories whose beginnings are read in one step.
const ROOTS: usize = 128;

/// Where it is on its way forward.
pub(super) struct Forward {
    entry: EntryId,
    trajectory: TrajectoryId,
    next: u64,
    /// The branch that was asked about, where the entry stands in its past: read after that one.
    branch: Option<TrajectoryId>,
    call: Call,
    /// What it set; only what was asked about where a resource was.
    resources: BTreeSet<Resource>,
    only_asked: bool,
    rest: Rest,
    /// The turn after which the model had read the result.
    turn: Option<u32>,
    /// Trajectories that may have branched off; none before they are looked at.
    others: Option<Vec<TrajectoryId>>,
    read: u64,
}

/// What else may rest on it.
enum Rest {
    /// Nothing but the call and what it set.
    Call,
    /// What was wanted until the operator spoke again.
    Prompt,
    /// What was proposed under this writ, or answered by it.
    Writ(WritId),
    /// Nothing any more.
    Over,
}

impl Forward {
    pub(super) fn from(about: &About, back: &Back, asked: TrajectoryId) -> Self {
        let trajectory = about.entry.header.trajectory;
        let set = about.body.as_ref().map_or(&[][..], deltas);
        let resources = match &about.resource {
            Some(resource) => BTreeSet::from([resource.clone()]),
            None => set.iter().map(|delta| delta.resource.clone()).collect(),
        };
        let rest = match &about.body {
            Some(Body::Message(message))
                if !matches!(message.role, Role::Model | Role::Summary) =>
            {
                Rest::Prompt
            }
            Some(Body::WritIssued(issued)) => Rest::Writ(issued.id),
            _ => Rest::Call,
        };
        Self {
            entry: about.entry.id,
            trajectory,
            next: about.entry.header.seq + 1,
            branch: Some(asked).filter(|asked| *asked != trajectory),
            call: back.call.clone(),
            resources,
            only_asked: about.resource.is_some(),
            rest,
            turn: back.turn_of_call(),
            others: None,
            read: 0,
        }
    }

    /// How many entries were read since it was asked last.
    pub(super) const fn take_read(&mut self) -> u64 {
        let read = self.read;
        self.read = 0;
        read
    }

    /// The next page, or the next beginnings of other trajectories; whether those were the last.
    pub(super) fn step(
        &mut self,
        kernel: &Kernel,
        found: &mut Vec<Linked>,
        notes: &mut BTreeSet<String>,
    ) -> Result<bool, String> {
        if self.others.is_some() {
            return self.look_at_others(kernel, found);
        }
        let page = page(kernel, self.trajectory, self.next, u64::MAX)?;
        self.read += page.len() as u64;
        self.next += page.len() as u64;
        let whole = page.is_empty();
        for entry in page {
            match entry.decode() {
                BodyState::Known(body) => self.judge(entry, &body, found),
                BodyState::Erased => {
                    notes.insert(ERASED.to_owned());
                }
                BodyState::UnknownKind(_) | BodyState::Invalid(_) => {}
            }
        }
        if whole && let Some(branch) = self.branch.take() {
            self.trajectory = branch;
            self.next = 0;
        } else if whole {
            let heads = kernel.parts.store.heads().map_err(|e| e.to_string())?;
            let others = heads.iter().map(|head| head.trajectory);
            self.others = Some(others.filter(|other| *other != self.trajectory).collect());
        }
        Ok(false)
    }

    fn look_at_others(&mut self, kernel: &Kernel, found: &mut Vec<Linked>) -> Result<bool, String> {
        let others = self.others.get_or_insert_default();
        for trajectory in others.split_off(others.len().saturating_sub(ROOTS)) {
            let first = page(kernel, trajectory, 0, 1)?;
            let Some(entry) = first.into_iter().next() else {
                continue;
            };
            let BodyState::Known(Body::Root(root)) = entry.decode() else {
                continue;
            };
            // [C5] Another tenant's trajectories are not there.
            let ours = root.tenant == kernel.parts.tenant;
            if ours && root.parent.is_some_and(|parent| parent.entry == self.entry) {
                found.push(linked(Relation::Branched, None, entry));
            }
        }
        Ok(others.is_empty())
    }

    /// What an entry has to do with it; it may be several things, and is listed for the nearest one.
    fn judge(&mut self, entry: Entry, body: &Body, found: &mut Vec<Linked>) {
        let (relation, resource) = match self.relate(body) {
            Some(relation) => (relation, None),
            None => match self.touched(body) {
                Some((relation, resource)) => (relation, Some(resource.text())),
                None => return,
            },
        };
        found.push(linked(relation, resource, entry));
    }

    fn relate(&mut self, body: &Body) -> Option<Relation> {
        match body {
            Body::Message(message) => return self.relate_message(message.role, message.turn),
            Body::Rejection(refused) if refused.earlier == Some(self.entry) => {
                return Some(Relation::Repeated);
            }
            Body::Commit(commit)
                if commit.compensates.is_some() && commit.compensates == self.call.proposal =>
            {
                return Some(Relation::TookBack);
            }
            Body::Intent(_) if matches!(self.rest, Rest::Prompt) => {
                return Some(Relation::RestedOn);
            }
            Body::Started(started) if self.rests_on(started) => return Some(Relation::RestedOn),
            _ => {}
        }
        let one = call_of(body)?;
        if !self.call.is(&one) {
            return None;
        }
        self.call.proposal = self.call.proposal.or(one.proposal);
        self.call.intent = self.call.intent.or(one.intent);
        if !self.only_asked {
            let set = deltas(body).iter().map(|delta| delta.resource.clone());
            self.resources.extend(set);
        }
        Some(relation_of(body))
    }

    fn relate_message(&mut self, role: Role, turn: u32) -> Option<Relation> {
        match role {
            Role::Model if self.turn.is_some_and(|of| turn > of) => {
                self.turn = None;
                Some(Relation::Told)
            }
            Role::Operator | Role::Parent if matches!(self.rest, Rest::Prompt) => {
                self.rest = Rest::Over;
                None
            }
            Role::Model
            | Role::Operator
            | Role::Parent
            | Role::Steer
            | Role::System
            | Role::Summary => None,
        }
    }

    fn rests_on(&self, started: &Started) -> bool {
        let answered = started.approvals.contains(&self.entry);
        let under = match &self.rest {
            Rest::Writ(writ) => {
                started.pre_answered.contains(writ) || started.decided.proposal.writs.contains(writ)
            }
            Rest::Call | Rest::Prompt | Rest::Over => false,
        };
        // A call rests on its own answer as well; that is told as its beginning.
        under || (answered && self.call.proposal != Some(started.proposal))
    }

    /// Whether a later entry changed, read or looked through what it set.
    fn touched(&self, body: &Body) -> Option<(Relation, &Resource)> {
        if let Body::Started(started) = body {
            return self.looked_at(started);
        }
        let mut changed = deltas(body).iter();
        changed.find_map(|delta| {
            let resource = self.resources.get(&delta.resource)?;
            Some((Relation::Changed, resource))
        })
    }

    /// Only what a call was found to read before it was decided; what it changes is told when it ends.
    fn looked_at(&self, started: &Started) -> Option<(Relation, &Resource)> {
        let resolved = started.decided.proposal.resolved.as_ref()?;
        let read = |access: Access| matches!(access, Access::Read);
        let paths = || resolved.paths.iter().filter(|path| read(path.access));
        self.resources.iter().find_map(|resource| {
            let Resource::File(file) = resource else {
                let mut seen = resolved.resources.iter();
                let is_read = seen.any(|seen| seen.resource == *resource);
                let by_reading = !started_to_write(started);
                return (is_read && by_reading).then_some((Relation::Read, resource));
            };
            if paths().any(|path| path.path == *file) {
                return Some((Relation::Read, resource));
            }
            let above = |folder: &str| {
                folder == "."
                    || file
                        .strip_prefix(folder)
                        .is_some_and(|rest| rest.starts_with('/'))
            };
            let through = paths().any(|path| path.before.is_none() && above(&path.path));
            through.then_some((Relation::Searched, resource))
        })
    }
}

/// Whether a call was decided as one that changes something.
fn started_to_write(started: &Started) -> bool {
    use thymos_core::effect::EffectClass;
    let resolved = started.decided.proposal.resolved.as_ref();
    resolved
        .is_some_and(|resolved| !matches!(resolved.effect, EffectClass::Pure | EffectClass::Read))
}

const fn linked(relation: Relation, resource: Option<String>, entry: Entry) -> Linked {
    Linked {
        relation,
        above: 0,
        resource,
        entry,
    }
}
