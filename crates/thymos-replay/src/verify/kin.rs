//! What trajectories say of one another, and what an entry says of its own trajectory, held together
//! `[V3]` `[D1]` `[W6]`.
//!
//! Derives no verdict and no fact of a decision. Where the other trajectory is not sound, or goes on, there
//! is nothing to hold against.

use std::collections::BTreeMap;
use std::sync::Arc;

use thymos_core::body::{self, Body, Role, Stop};
use thymos_core::budget::{Cost, Dimension};
use thymos_core::delta::{Delta, ResourceValue};
use thymos_core::id::{Digest, ProposalId};
use thymos_core::routing::Routing;
use thymos_core::secret::MARKER_OPEN;
use thymos_core::skill::Skill;
use thymos_core::{Entry, EntryId, TrajectoryId, WritId, canonical};

use super::facts::Faults;
use crate::divergence::Divergence;
use crate::projection::Projection;

/// A delegation.
#[derive(Debug)]
pub(super) struct Order {
    child: TrajectoryId,
    by: TrajectoryId,
    entry: EntryId,
    writ: WritId,
    task: String,
}

/// What was ordered and shared out so far, on any trajectory.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    children: BTreeMap<TrajectoryId, Arc<Order>>,
    /// Where each share is to be used.
    shares: BTreeMap<WritId, TrajectoryId>,
}

impl Order {
    pub(super) fn of(entry: &Entry, order: &body::Delegation) -> Self {
        Self {
            child: order.child,
            by: entry.header.trajectory,
            entry: entry.id,
            writ: order.writ,
            task: order.task.clone(),
        }
    }
}

impl Orders {
    /// Whether this trajectory was ordered by another.
    pub(super) fn has(&self, trajectory: &TrajectoryId) -> bool {
        self.children.contains_key(trajectory)
    }

    /// Notes an order; the first of a child counts.
    pub(super) fn learn(&mut self, order: &Arc<Order>) {
        let first = || Arc::clone(order);
        self.children.entry(order.child).or_insert_with(first);
    }

    /// Notes where a share is to be used.
    pub(super) fn share(&mut self, writ: WritId, session: TrajectoryId) {
        self.shares.insert(writ, session);
    }
}

/// Another trajectory, and what its model said last.
type Other<'a> = (&'a Projection, Option<&'a str>);

/// The moment before an entry, with what stands beside its trajectory.
pub(super) struct Beside<'a> {
    /// The trajectory before the entry.
    pub(super) before: &'a Projection,
    pub(super) orders: &'a Orders,
    /// Another trajectory as it stands, where it is sound.
    pub(super) other: &'a dyn Fn(&TrajectoryId) -> Option<Other<'a>>,
    /// Whether everything of another trajectory that could say something of this one is there.
    pub(super) complete: &'a dyn Fn(&TrajectoryId) -> bool,
}

impl Beside<'_> {
    /// Everything in this body that does not fit the rest of the record.
    pub(super) fn faults(&self, entry: &Entry, body: &Body) -> Faults {
        let mut faults = Faults::default();
        let p = self.before;
        // [D2] What hangs from another and was not ordered there is a branch, and says so at once.
        if p.len == 1 && !matches!(body, Body::Branch(_)) {
            let parent = p.root.as_ref().and_then(|root| root.parent.as_ref());
            let ordered = self.orders.has(&p.trajectory);
            if ordered || parent.is_none_or(|link| (self.complete)(&link.trajectory)) {
                faults.same("ordered or branched", &(parent.is_some()), &ordered);
            }
        }
        match body {
            Body::Root(root) => self.root(entry, root, &mut faults),
            Body::Message(said) => self.task(said, &mut faults),
            Body::Intent(intended) => routed(intended, &mut faults),
            Body::Delegation(order) => self.delegation(order, &mut faults),
            Body::DelegationResult(end) => self.end(end, &mut faults),
            Body::WritIssued(issued) => self.share(issued, &mut faults),
            Body::ModeChanged(changed) => self.mode(changed, &mut faults),
            Body::PolicyLoaded(loaded) => versioned(loaded, &mut faults),
            Body::SkillBound(bound) => whole_definition(bound, &mut faults),
            Body::Commit(commit) => {
                self.cost(&commit.proposal, &commit.cost, &mut faults);
                self.effect(commit, &mut faults);
            }
            Body::Failure(failure) => self.cost(&failure.proposal, &failure.cost, &mut faults),
            Body::Reconciled(end) => {
                // [X2] What it used is not known; the call itself is charged, also when it runs again.
                if self.child_of(&end.proposal).is_none() {
                    faults.same("calls of a seal", &1, &end.cost.tool_calls);
                }
                self.cost(&end.proposal, &end.cost, &mut faults);
            }
            Body::Usage(_)
            | Body::Rejection(_)
            | Body::PendingApproval(_)
            | Body::Approval(_)
            | Body::Superseded(_)
            | Body::Started(_)
            | Body::Branch(_)
            | Body::WritRevoked(_)
            | Body::PolicyUnloaded(_)
            | Body::ToolsPinned(_)
            | Body::Closed(_) => {}
            Body::Erased(order) => {
                faults.same("who erased", &entry.header.writer, &order.by.key);
            }
        }
        faults
    }

    fn root(&self, entry: &Entry, root: &body::Root, faults: &mut Faults) {
        faults.same("format version", &1, &root.v);
        faults.same("operator", &entry.header.writer, &root.operator.key);
        let parent = root.parent.as_ref();
        if let Some(order) = self.orders.children.get(&entry.header.trajectory) {
            let named = parent.map(|link| (link.trajectory, link.entry));
            faults.same("parent", &Some((order.by, order.entry)), &named);
        }
        let above = parent.and_then(|link| (self.other)(&link.trajectory));
        if let Some(above) = above.and_then(|(p, _)| p.root.as_ref()) {
            let (theirs, ours) = (
                (&above.tenant, &above.workspace),
                (&root.tenant, &root.workspace),
            );
            faults.same("tenant and workspace of the run above", &theirs, &ours);
        }
    }

    /// `[D1]` The task that was ordered is the one that the child was given.
    fn task(&self, said: &body::Message, faults: &mut Faults) {
        if said.role != Role::Parent {
            return;
        }
        let order = self.orders.children.get(&self.before.trajectory);
        let parent = self
            .before
            .root
            .as_ref()
            .and_then(|root| root.parent.as_ref());
        if order.is_none() && parent.is_some_and(|link| !(self.complete)(&link.trajectory)) {
            return;
        }
        let task = order.map(|order| order.task.as_str());
        same_words("task", task, &said.text, faults);
    }

    /// `[D1]` `[W3]` The child's writ was issued here, right below the one the order was made under.
    fn delegation(&self, order: &body::Delegation, faults: &mut Faults) {
        let issued = self.before.writs.get(&order.writ);
        let parent = issued.and_then(|writ| writ.writ.parent);
        let work = self.before.open_work.get(&order.proposal);
        let leaf = work.and_then(|work| work.body.decided.proposal.writs.last());
        faults.same("writ of the order", &leaf, &parent.as_ref());
        let args = work.map(|work| &work.body.decided.proposal.intent.args);
        let task = args.and_then(|args| args.get("task"));
        let task = task.and_then(serde_json::Value::as_str);
        same_words("task", task, &order.task, faults);
    }

    /// `[D1]` What a child came to is what its own record says.
    fn end(&self, end: &body::DelegationResult, faults: &mut Faults) {
        let Some((child, said)) = (self.other)(&end.child) else {
            return;
        };
        let Some(stop) = child.stopped.as_ref().filter(|stop| **stop != Stop::Held) else {
            return;
        };
        // [W6] What it spent under the writ it was given; the rest is not its parent's to pay.
        let given = self.before.children.get(&end.child);
        let spent = given.and_then(|order| child.spent.get(&order.writ));
        let spent = spent.copied().unwrap_or_default();
        faults.same("cost of the delegated run", &spent, &end.cost);
        let done = *stop == Stop::Done;
        faults.same("end of the delegated run", &done, &(end.stop == "done"));
        let said = said.unwrap_or("it reported nothing");
        if !reports(&end.result, said) {
            faults.differ("result of the delegated run", said, end.result.as_str());
        }
    }

    /// The child that this call ordered, with its end.
    fn child_of(&self, proposal: &ProposalId) -> Option<&body::DelegationResult> {
        let mut children = self.before.children.values();
        let child = children.find(|child| child.proposal == *proposal)?;
        child.result.as_ref()
    }

    /// `[B1]` Tools use no tokens and no money; one that delegated costs what its child did and a call.
    fn cost(&self, proposal: &ProposalId, cost: &Cost, faults: &mut Faults) {
        if let Some(end) = self.child_of(proposal) {
            faults.same(
                "cost of a delegation",
                &end.cost.plus(&Cost::ONE_CALL),
                cost,
            );
        } else {
            let used = (cost.tokens, cost.usd_millicents);
            faults.same("tokens and money of a call", &(0, 0), &used);
        }
    }

    /// What a commit says was there before, and what it was resolved to leave.
    fn effect(&self, commit: &body::Commit, faults: &mut Faults) {
        if let Some(end) = self.child_of(&commit.proposal) {
            let done = end.stop == "done";
            faults.same("outcome of a delegation", &done, &commit.outcome.ok);
            let seen = &commit.outcome.observation;
            same_words("outcome of a delegation", Some(&end.result), seen, faults);
        }
        let Some(work) = self.before.open_work.get(&commit.proposal) else {
            return;
        };
        let proposal = &work.body.decided.proposal;
        let resolved = proposal.resolved.as_ref();
        for delta in &commit.outcome.deltas {
            let held = self.before.world.get(&delta.resource).map(|now| &now.value);
            if let Some(ResourceValue::Json(before)) = &delta.before {
                let held = match held {
                    Some(ResourceValue::Json(held)) => Some(held),
                    Some(ResourceValue::File(_)) | None => None,
                };
                faults.same("value before", &held, &Some(before));
            }
            let path = resolved.and_then(|resolved| {
                let name = delta.resource.text();
                let mut paths = resolved.paths.iter();
                paths.find(|seen| name.strip_prefix("file:") == Some(seen.path.as_str()))
            });
            // A process changes files by itself; what was resolved of it is not what it leaves.
            let process = resolved.is_some_and(|resolved| resolved.exec.is_some());
            if let Some(seen) = path
                .filter(|seen| !process && (seen.after.is_some() || commit.compensates.is_some()))
            {
                let image = |image: Option<&thymos_core::delta::FileImage>| {
                    image.map(|image| (image.digest, image.size))
                };
                let file = |value: &Option<ResourceValue>| match value {
                    Some(ResourceValue::File(found)) => image(Some(found)),
                    Some(ResourceValue::Json(_)) | None => None,
                };
                let expected = (image(seen.before.as_ref()), image(seen.after.as_ref()));
                let found = (file(&delta.before), file(&delta.after));
                faults.same("file before and after", &expected, &found);
            }
            if commit.compensates.is_some() {
                taken_back(&proposal.intent.args, delta, faults);
            }
        }
    }

    /// `[W6]` A share is exactly its writ's budget, and is used where its subject is.
    fn share(&self, issued: &body::WritIssued, faults: &mut Faults) {
        let Some(reserved) = &issued.reserved else {
            faults.same("a share's session", &None, &issued.session);
            return;
        };
        let writ = &issued.writ.writ;
        for dimension in Dimension::ALL {
            let limit = writ.budget.limit(dimension).unwrap_or(0);
            faults.same("share of a budget", &limit, &reserved.amount(dimension));
        }
        let own = self.before.root.as_ref();
        let own = own.is_some_and(|root| root.subject.key == writ.subject.key);
        // Whose subject it names is not asked: a rotated key gives a session another one. Where it
        // comes into force, it must be there.
        faults.same(
            "a share's session",
            &true,
            &(own || issued.session.is_some()),
        );
    }

    fn mode(&self, changed: &body::ModeChanged, faults: &mut Faults) {
        let p = self.before;
        if let Some(from) = changed.from {
            let before = p.authority.map(|(_, writ)| writ);
            faults.same("writ before", &before, &Some(from));
        } else if p.authority.is_some() {
            faults.same("writ before", &p.authority.map(|(_, writ)| writ), &None);
        }
        if let Some(session) = self.orders.shares.get(&changed.to) {
            faults.same("a share's session", session, &p.trajectory);
        }
        if p.authority.is_none() {
            // Later ones may name another: a rotated operator's key gives the session another.
            let subject = p.root.as_ref().map(|root| root.subject.key);
            let writ = p.writs.get(&changed.to).map(|writ| writ.writ.subject.key);
            faults.same("subject", &subject, &writ);
        }
        if let Some(order) = self.orders.children.get(&p.trajectory)
            && p.authority.is_none()
        {
            faults.same("writ of the order", &order.writ, &changed.to);
        }
    }
}

/// `[R4]` The same words at two places may be redacted otherwise there: what stands around a secret
/// counts. Then nothing is said.
fn same_words(check: &'static str, expected: Option<&str>, found: &str, faults: &mut Faults) {
    if !expected.is_some_and(is_redacted) && !is_redacted(found) {
        faults.same(check, &expected, &Some(found));
    }
}

fn is_redacted(text: &str) -> bool {
    text.contains(MARKER_OPEN)
}

/// Whether a result is what was said: it may have been cut, and may stand behind why it did not finish.
fn reports(result: &str, said: &str) -> bool {
    let is_it = |part: &str| {
        let cut = part.strip_suffix("...");
        part == said || cut.is_some_and(|cut| said.starts_with(cut))
    };
    let unfinished = result.starts_with("[it did not finish: ");
    let behind = result.match_indices("]\n").filter(|_| unfinished);
    let behind = behind.filter_map(|(at, mark)| result.get(at + mark.len()..));
    is_redacted(result) || is_redacted(said) || is_it(result) || behind.into_iter().any(is_it)
}

/// `[D3]` An undo leaves what its call names, and nothing else.
fn taken_back(args: &serde_json::Value, delta: &Delta, faults: &mut Faults) {
    let steps = args.get("steps").and_then(serde_json::Value::as_array);
    let name = delta.resource.text();
    let step = steps
        .into_iter()
        .flatten()
        .find(|step| step.get("resource").and_then(serde_json::Value::as_str) == Some(&name));
    let to = step.and_then(|step| step.get("to"));
    let to: Option<Option<ResourceValue>> =
        to.and_then(|to| serde_json::from_value(to.clone()).ok());
    let plain = |value: &Option<ResourceValue>| match value {
        Some(ResourceValue::File(image)) => {
            Some(ResourceValue::File(thymos_core::delta::FileImage {
                mode: image.mode & 0o777,
                ..image.clone()
            }))
        }
        other => other.clone(),
    };
    let expected = to.as_ref().map(plain);
    faults.same("what an undo leaves", &expected, &Some(plain(&delta.after)));
}

/// `[S2]` The evidence is what its own hash says.
fn routed(intended: &body::Intended, faults: &mut Faults) {
    let Some(value) = &intended.routing else {
        return;
    };
    let mut rest = value.clone();
    let named = rest
        .as_object_mut()
        .and_then(|map| map.remove("decision_hash"));
    let named = named.and_then(|named| named.as_str().map(str::to_owned));
    let hash =
        canonical::value_to_bytes(&rest).map(|bytes| Digest::of(bytes.as_bytes()).to_string());
    if Routing::from_value(value).is_some() {
        faults.same("routing evidence", &hash.ok(), &named);
    } else {
        let what = Divergence::new("routing evidence", "evidence", "something else");
        faults.0.push(what);
    }
}

fn versioned(loaded: &body::PolicyLoaded, faults: &mut Faults) {
    let said = loaded
        .bundle
        .get("version")
        .and_then(serde_json::Value::as_str);
    faults.same("policy version", &said, &Some(loaded.version.as_str()));
}

/// `[S1]` The definition is whole: defaults stand in it.
fn whole_definition(bound: &body::SkillBound, faults: &mut Faults) {
    let skill = Skill::from_definition(&bound.definition).ok();
    let whole = skill.and_then(|skill| skill.definition().ok());
    faults.same(
        "skill definition",
        &whole.as_ref(),
        &Some(&bound.definition),
    );
}
