//! Delegation `[D1]`: a narrower writ, a trajectory of its own, an agent beside this one, its result.
//!
//! The child's budget is what `started` reserved, so it is taken from every link above before the
//! child can act, and what was not used comes back with the seal `[W6]`. A child that has ended
//! keeps no authority: its writ is revoked in the same batch.

use thymos_compiler::flaws;
use thymos_core::body::{self, Body, ParentLink, Role, Stop};
use thymos_core::budget::{Budget, Cost};
use thymos_core::effect::Effects;
use thymos_core::id::ProposalId;
use thymos_core::outcome::{Fault, FaultKind, Outcome};
use thymos_core::writ::{Delegation, Examples, Grant, Mode, Party, SignedWrit, Window, Writ};
use thymos_core::{Timestamp, TrajectoryId, WritId};
use thymos_ports::Begun;
use thymos_ports::tool::Order;
use thymos_replay::Projection;
use thymos_replay::projection::{Child, Item};
use tokio::sync::{mpsc, oneshot};

use super::{Activity, Ask, Inside, RecordError, Session, fold_stored};
use crate::kernel::Kernel;
use crate::words;

/// Agents at work for one session at once; further orders wait for their turn.
pub(crate) const CHILDREN_MAX: usize = 4;

/// Characters of a result that the delegating model reads; the child's record has all of it.
const RESULT_CHARS_MAX: usize = 16_000;

/// What a session asks the service for: an agent of its own.
pub(crate) struct Birth {
    /// The child's trajectory; it exists already when `new` is none.
    pub(crate) trajectory: TrajectoryId,
    /// What it begins with.
    pub(crate) new: Option<Newborn>,
    /// Told once, when its run ends for good.
    pub(crate) report: oneshot::Sender<ChildEnd>,
    /// Gives the way to ask it.
    pub(crate) born: oneshot::Sender<mpsc::Sender<Ask>>,
}

/// What a child trajectory begins with.
#[derive(Debug, Clone)]
pub(crate) struct Newborn {
    pub(crate) parent: ParentLink,
    pub(crate) tenant: String,
    /// Its chain, root first; copied into its own record.
    pub(crate) chain: Vec<SignedWrit>,
    pub(crate) mode: Mode,
    /// The skills that narrowed its chain: it is told their instructions as its parent was `[S1]`.
    pub(crate) skills: Vec<body::SkillBound>,
    pub(crate) task: String,
}

/// How a child's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChildEnd {
    pub(crate) stop: Stop,
    pub(crate) result: String,
    pub(crate) cost: Cost,
}

/// A child at work.
pub(crate) struct Delegated {
    begun: Option<Begun>,
    child: TrajectoryId,
    writ: WritId,
    asks: Option<mpsc::Sender<Ask>>,
}

impl Delegated {
    /// Asks it to end. One that is being born is asked once it lives.
    pub(super) fn stop(&self) {
        if let Some(asks) = &self.asks {
            // A full inbox means that it is awake; it is asked again with the next interrupt.
            drop(asks.try_send(Ask::End));
        }
    }

    /// Has it try again what its ledger refused.
    pub(super) fn mend(&self) {
        if let Some(asks) = &self.asks {
            // As above: it is awake.
            drop(asks.try_send(Ask::Mend));
        }
    }
}

impl ChildEnd {
    /// What a folded trajectory says about its end; none while it goes on or waits.
    pub(crate) fn of(p: &Projection) -> Option<Self> {
        let stop = p.stopped.clone().filter(|stop| *stop != Stop::Held)?;
        Some(Self {
            result: result(p, &stop),
            stop,
            cost: spent_of_parent(p),
        })
    }
}

/// What it took from its parent `[W6]`: what was spent under the writ it was given. What the operator
/// lets it do under another writ is not its parent's to pay, and might be more than was reserved.
fn spent_of_parent(p: &Projection) -> Cost {
    let Some(root) = &p.root else {
        return p.total;
    };
    // The only one from another session: the operator's own hang from the operator, skills from itself.
    let given = p.writs.iter().find(|(_, signed)| {
        let writ = &signed.writ;
        writ.subject.key == root.subject.key
            && writ.parent.is_some()
            && writ.issuer.key != root.subject.key
            && writ.issuer.key != root.operator.key
    });
    let spent = given.and_then(|(id, _)| p.spent.get(id));
    spent.copied().unwrap_or_default()
}

/// What the child said last, or why it said nothing.
fn result(p: &Projection, stop: &Stop) -> String {
    let last = p.story.iter().rev().find_map(|item| match item {
        Item::Said {
            role: Role::Model,
            text,
            ..
        } if !text.trim().is_empty() => Some(text.as_str()),
        Item::Said { .. } | Item::Wanted(_) => None,
    });
    let said = words::cut(last.unwrap_or("it reported nothing"), RESULT_CHARS_MAX);
    match stop {
        Stop::Done => said,
        other => format!("[it did not finish: {}]\n{said}", stop_words(other)),
    }
}

fn stop_words(stop: &Stop) -> String {
    match stop {
        Stop::Done => "done".to_owned(),
        Stop::Held => "held".to_owned(),
        Stop::Steps => "it took too many steps".to_owned(),
        Stop::Budget(dimension) => format!("its {dimension} are spent"),
        Stop::Authority(why) | Stop::Model(why) => why.clone(),
        Stop::Cancelled => "it was stopped".to_owned(),
    }
}

impl Session {
    /// Whether another order has to wait until a child has ended.
    pub(super) fn children_full(&self) -> bool {
        self.delegated.len() >= CHILDREN_MAX
    }

    /// Why the writ in force cannot be divided, when it cannot `[W3]`.
    pub(super) fn cannot_delegate(&self) -> Option<String> {
        let writ = self.writ_in_force()?;
        let may = writ.delegation.may_subdivide && writ.delegation.max_depth > 0;
        (!may).then(|| format!("the writ `{}` may not be divided further", writ.name))
    }

    /// Why an order cannot be given, when it asks for what the writ in force does not have, or for tools
    /// that nobody knows `[W2]`.
    pub(super) fn order_is_wider(&self, order: &Order) -> Option<String> {
        let parent = self.writ_in_force()?;
        if !parent.effects.allows(order.ceiling) {
            let (asked, name, has) = (order.ceiling, &parent.name, &parent.effects);
            return Some(format!(
                "the agent would have effects up to {asked}, and the writ `{name}` allows {has}"
            ));
        }
        let narrowing = Narrowing {
            parent,
            // Only what is granted is compared here.
            parent_id: WritId::from_bytes([0; 32]),
            subject: parent.subject.clone(),
            nonce: [0; 16],
            now: self.now(),
        };
        let child = narrow(narrowing, order.clone(), parent.budget);
        let tools = self.k.parts.tools.iter().map(|tool| tool.contract());
        let flaws = flaws(&[parent, &child], &tools.collect::<Vec<_>>());
        // What is granted as above is as known here as there.
        let own = |known: bool| known || !order.tools.is_empty();
        let flaw = flaws
            .into_iter()
            .find(|flaw| flaw.link == 1 && own(flaw.unknown.is_none()))?;
        Some(format!(
            "the writ of the agent would not be sound: `{}`: {}",
            flaw.field, flaw.said
        ))
    }

    /// Opens a trajectory for the order and lets it run beside this one.
    pub(super) async fn delegate(&mut self, begun: Begun, order: Order) {
        let proposal = begun.proposal_id();
        match self.open_child(&begun, order).await {
            Ok(Some((child, newborn, writ))) => self.bear(proposal, begun, (child, writ), newborn),
            Ok(None) => {
                let gone = no("there is no writ to divide");
                self.seal(begun, Err(gone), 0).await;
            }
            Err(error) => {
                let fault = no(&error.to_string());
                self.seal(begun, Err(fault), 0).await;
            }
        }
    }

    /// Issues the child's writ and records where it hangs, before it exists.
    async fn open_child(
        &mut self,
        begun: &Begun,
        order: Order,
    ) -> Result<Option<(TrajectoryId, Newborn, WritId)>, RecordError> {
        let Some(leaf) = begun.proposal().writs.last().copied() else {
            return Ok(None);
        };
        let Some(parent) = self.p.writs.get(&leaf).map(|signed| signed.writ.clone()) else {
            return Ok(None);
        };
        let trajectory = TrajectoryId::of(&self.k.draw::<32>());
        let narrowing = Narrowing {
            parent: &parent,
            parent_id: leaf,
            subject: child_party(&self.k, &trajectory),
            nonce: self.k.draw(),
            now: self.now(),
        };
        let task = order.task.clone();
        // [W3] The child's issuer is the subject of its parent: this session.
        let budget = reserved_for_child(begun);
        let signed = narrow(narrowing, order, budget).sign(&self.subject)?;
        let id = signed.id()?;
        let entries = self
            .record_anyway(vec![
                Body::WritIssued(Box::new(body::WritIssued {
                    writ: signed,
                    id,
                    reason: "delegated".into(),
                    reserved: None,
                    session: None,
                })),
                Body::Delegation(body::Delegation {
                    proposal: begun.proposal_id(),
                    child: trajectory,
                    writ: id,
                    task: task.clone(),
                }),
            ])
            .await?;
        let Some(entry) = entries.last() else {
            return Ok(None);
        };
        let newborn = Newborn {
            parent: ParentLink {
                trajectory: self.p.trajectory,
                entry: entry.id,
            },
            tenant: parent.tenant,
            chain: self.p.chain(&id),
            mode: self.p.authority.map_or(Mode::Plan, |(mode, _)| mode),
            skills: self.skills_above(&id),
            task,
        };
        Ok(Some((trajectory, newborn, id)))
    }

    fn bear(
        &mut self,
        proposal: ProposalId,
        begun: Begun,
        (child, writ): (TrajectoryId, WritId),
        newborn: Newborn,
    ) {
        self.delegated.insert(
            proposal,
            Delegated {
                begun: Some(begun),
                child,
                writ,
                asks: None,
            },
        );
        self.ask_for(proposal, child, Some(newborn));
    }

    /// Asks the service for the child and listens for its end.
    fn ask_for(&self, proposal: ProposalId, child: TrajectoryId, new: Option<Newborn>) {
        let (report, ended) = oneshot::channel();
        let (born, asks) = oneshot::channel();
        let birth = Birth {
            trajectory: child,
            new,
            report,
            born,
        };
        // Without a service there is nobody to bear it; the dropped report says so.
        self.shared.bear(birth);
        let inside = self.inside.clone();
        tokio::spawn(async move {
            if let Ok(asks) = asks.await {
                drop(inside.send(Inside::Born { proposal, asks }).await);
            }
            let end = ended.await.ok();
            drop(inside.send(Inside::ChildEnded { proposal, end }).await);
        });
    }

    /// The child lives: whoever wanted it stopped meanwhile is heard now.
    pub(super) fn child_born(&mut self, proposal: &ProposalId, asks: mpsc::Sender<Ask>) {
        let must_end = self.run.as_ref().is_some_and(super::Run::must_end);
        if let Some(delegated) = self.delegated.get_mut(proposal) {
            delegated.asks = Some(asks);
            if must_end {
                delegated.stop();
            }
        }
    }

    /// Records the child's end and seals the call that ordered it, in one batch.
    pub(super) async fn child_ended(&mut self, proposal: ProposalId, end: Option<ChildEnd>) {
        let Some(delegated) = self.delegated.remove(&proposal) else {
            return;
        };
        // The program is leaving: the child is not over, and its parent finds it again later.
        if end.is_none() && self.shared.is_leaving() {
            return;
        }
        let end = end.unwrap_or_else(|| self.broken_off(&delegated.child));
        let Some(begun) = delegated.begun else {
            // Found again after a restart: the permission died with the process.
            return self.settle_child(proposal, &delegated.child, &end).await;
        };
        let cost = end.cost.plus(&Cost::ONE_CALL);
        let sealed = match end.stop {
            Stop::Cancelled => begun.fail(
                Fault {
                    kind: FaultKind::Cancelled,
                    message: "the delegated run was stopped".into(),
                    deltas: Vec::new(),
                    observation: end.result.clone(),
                },
                cost,
            ),
            _ => begun.commit(outcome(&delegated.child, &end), cost),
        };
        match self.close_child(&delegated.child, delegated.writ, &end) {
            Ok(mut bodies) => {
                bodies.push(sealed.into_body());
                self.record_or_break(bodies).await;
            }
            Err(error) => self.break_on(error, Some(vec![sealed.into_body()])),
        }
        self.go_on_after_holds();
    }

    /// The end of a child in the parent's record, and the end of its authority.
    fn close_child(
        &self,
        child: &TrajectoryId,
        writ: WritId,
        end: &ChildEnd,
    ) -> Result<Vec<Body>, RecordError> {
        let result = Body::DelegationResult(body::DelegationResult {
            child: *child,
            stop: match &end.stop {
                Stop::Done => "done".to_owned(),
                other => stop_words(other),
            },
            result: end.result.clone(),
            cost: end.cost,
        });
        let mut bodies = vec![result];
        if !self.p.revoked.contains(&writ) {
            bodies.push(self.revocation(writ, "the delegated run has ended".into())?);
        }
        Ok(bodies)
    }

    /// A child whose session went away without a word: what its record says of the cost counts.
    fn broken_off(&self, child: &TrajectoryId) -> ChildEnd {
        let folded = fold_stored(&self.k, *child);
        let (result, cost) = match &folded {
            Ok((p, _)) => match ChildEnd::of(p) {
                Some(end) => return end,
                None => (result(p, &Stop::Cancelled), spent_of_parent(p)),
            },
            Err(error) => (error.to_string(), Cost::default()),
        };
        ChildEnd {
            stop: Stop::Cancelled,
            result,
            cost,
        }
    }

    /// Finds the children again that were at work when the process ended: those that have ended
    /// are settled by what their own record says, the others go on `[X2]`.
    pub(super) fn find_children(&mut self) {
        if self.lease.is_none() {
            return;
        }
        let open: Vec<(TrajectoryId, Child)> = self
            .p
            .children
            .iter()
            .filter(|(_, child)| child.result.is_none())
            .filter(|(_, child)| self.in_doubt.contains(&child.proposal))
            .map(|(id, child)| (*id, child.clone()))
            .collect();
        for (id, child) in open {
            if self.delegated.contains_key(&child.proposal) {
                continue;
            }
            let delegated = Delegated {
                begun: None,
                child: id,
                writ: child.writ,
                asks: None,
            };
            self.delegated.insert(child.proposal, delegated);
            let new = self.unborn(&id, &child);
            self.ask_for(child.proposal, id, new);
        }
    }

    /// What the child would have begun with, when the process ended before it was born.
    fn unborn(&self, id: &TrajectoryId, child: &Child) -> Option<Newborn> {
        let store = self.k.parts.store.as_ref();
        if store.page(id, 0, 1).is_ok_and(|page| !page.is_empty()) {
            return None;
        }
        let entry = store
            .page(&self.p.trajectory, child.seq, 1)
            .ok()?
            .first()?
            .id;
        let leaf = self.p.writs.get(&child.writ)?;
        Some(Newborn {
            parent: ParentLink {
                trajectory: self.p.trajectory,
                entry,
            },
            tenant: leaf.writ.tenant.clone(),
            chain: self.p.chain(&child.writ),
            mode: self.p.authority.map_or(Mode::Plan, |(mode, _)| mode),
            skills: self.skills_above(&child.writ),
            task: child.task.clone(),
        })
    }

    /// The skills whose writs stand above this one.
    fn skills_above(&self, writ: &WritId) -> Vec<body::SkillBound> {
        let chain = self.p.chain(writ);
        let ids: Vec<_> = chain.iter().filter_map(|link| link.id().ok()).collect();
        let above = self.p.skills.iter();
        above
            .filter(|bound| ids.contains(&bound.writ))
            .cloned()
            .collect()
    }

    async fn settle_child(&mut self, proposal: ProposalId, child: &TrajectoryId, end: &ChildEnd) {
        let Some(work) = self.p.open_work.get(&proposal) else {
            return;
        };
        let (started, known) = (work.entry, self.p.children.get(child).map(|c| c.writ));
        let Some(writ) = known else { return };
        let reason = format!("the delegated run reported: {}", end.result);
        let settled = self.close_child(child, writ, end).and_then(|mut bodies| {
            let cost = end.cost.plus(&Cost::ONE_CALL);
            bodies.push(self.probed(proposal, started, reason, cost)?);
            Ok(bodies)
        });
        match settled {
            Ok(bodies) => {
                if self.record_or_break(bodies).await {
                    self.in_doubt.remove(&proposal);
                    self.go_on_after_holds();
                }
            }
            Err(error) => self.break_on(error, None),
        }
    }

    /// Begins a child: its root, its pins, its chain and its task in one batch.
    pub(crate) async fn begin_child(
        &mut self,
        newborn: Newborn,
        report: oneshot::Sender<ChildEnd>,
    ) -> Result<(), RecordError> {
        self.report = Some(report);
        let root = body::Root {
            v: 1,
            workspace: self.k.parts.workspace.clone(),
            tenant: newborn.tenant,
            operator: self.k.operator(),
            subject: self.subject_party(),
            parent: Some(newborn.parent.clone()),
        };
        self.lineage = super::Lineage::below(Some(&newborn.parent));
        let mut bodies = vec![Body::Root(root)];
        bodies.extend(self.pins());
        let mut leaf = None;
        for writ in newborn.chain {
            let id = writ.id()?;
            leaf = Some(id);
            bodies.push(Body::WritIssued(Box::new(body::WritIssued {
                writ,
                id,
                reason: "presented by the delegating run".into(),
                reserved: None,
                session: None,
            })));
        }
        if let Some(to) = leaf {
            bodies.push(Body::ModeChanged(body::ModeChanged {
                mode: newborn.mode,
                from: None,
                to,
                difference: Vec::new(),
            }));
        }
        bodies.extend(newborn.skills.into_iter().map(Body::SkillBound));
        bodies.push(Body::Message(body::Message {
            role: Role::Parent,
            text: newborn.task,
            reasoning: String::new(),
            provider_state: None,
            turn: 0,
        }));
        self.record(bodies).await?;
        self.take_lease();
        self.start_run();
        Ok(())
    }

    /// Takes a child up again after a restart: its end is reported, what was cut off goes on.
    pub(crate) async fn resume_child(&mut self, report: oneshot::Sender<ChildEnd>) {
        if let Some(end) = ChildEnd::of(&self.p) {
            drop(report.send(end));
            return;
        }
        let (anew, may_act) = (!self.acts_unasked(), self.lease.is_some());
        self.report = Some(report);
        if anew && may_act {
            self.take_up().await;
        }
        if may_act {
            self.go_on_after_holds();
        }
    }

    /// Ends a child at its parent's word, also while it waits for a person.
    pub(super) async fn end_child(&mut self) {
        self.mend().await;
        self.interrupt();
        if self.run.is_some() || self.report.is_none() {
            return;
        }
        // Whoever works on it ends it, or its parent would be charged what it had reserved: its end is heard
        // of when it is on record.
        self.take_lease();
        if self.lease.is_none() {
            return;
        }
        let acts = matches!(self.activity, Activity::Acting { .. });
        if self.delegated.is_empty() && !acts {
            return self.close(Stop::Cancelled).await;
        }
        // A call that a person cleared after the run had stopped, or children of its own, found again: it
        // is over when they are, or its parent would be charged what they had reserved and not what they
        // used [B1].
        self.start_run();
        self.interrupt();
    }

    /// Holds that nobody need answer any more: a child that is over has no authority left.
    pub(super) fn withdrawn(&self, stop: &Stop) -> Vec<Body> {
        if self.report.is_none() || *stop == Stop::Held {
            return Vec::new();
        }
        let withdraw = |proposal: &ProposalId| {
            Body::Superseded(body::Superseded {
                proposal: *proposal,
                by: None,
                reason: "the delegated run is over".into(),
            })
        };
        self.p.holds.keys().map(withdraw).collect()
    }

    /// Tells the parent, once, when this run is over for good.
    pub(super) fn report_end(&mut self) {
        if let Some(end) = ChildEnd::of(&self.p)
            && let Some(report) = self.report.take()
        {
            // The parent may have gone; it reads the end from this record later.
            drop(report.send(end));
        }
    }
}

fn outcome(child: &TrajectoryId, end: &ChildEnd) -> Outcome {
    let done = end.stop == Stop::Done;
    let summary = if done {
        format!("delegated run {} is done", child.short())
    } else {
        format!("delegated run {}: {}", child.short(), stop_words(&end.stop))
    };
    Outcome {
        ok: done,
        ..Outcome::said(summary, end.result.clone())
    }
}

fn no(message: &str) -> Fault {
    Fault {
        kind: FaultKind::Failed,
        message: message.to_owned(),
        deltas: Vec::new(),
        observation: String::new(),
    }
}

fn child_party(k: &Kernel, child: &TrajectoryId) -> Party {
    Party {
        name: "delegate".into(),
        key: k.subject_key(child).public(),
    }
}

/// `[W6]` What the call reserved, less the call itself.
fn reserved_for_child(begun: &Begun) -> Budget {
    let rest = begun.reserved().minus(&Cost::ONE_CALL);
    Budget::each(|dimension| Some(rest.amount(dimension)))
}

struct Narrowing<'a> {
    parent: &'a Writ,
    parent_id: WritId,
    subject: Party,
    nonce: [u8; 16],
    now: Timestamp,
}

/// The child's writ: never wider than its parent in any field `[W2]` `[W3]`, of an order that is not.
fn narrow(from: Narrowing<'_>, order: Order, budget: Budget) -> Writ {
    let parent = from.parent;
    let grants = if order.tools.is_empty() {
        parent.grants.clone()
    } else {
        let plain = |tool: String| Grant {
            tool,
            caveats: Vec::new(),
        };
        order.tools.into_iter().map(plain).collect()
    };
    let depth = parent.delegation.max_depth.saturating_sub(1);
    Writ {
        v: 1,
        nonce: Writ::nonce(from.nonce),
        name: "delegate".into(),
        issuer: parent.subject.clone(),
        subject: from.subject,
        parent: Some(from.parent_id),
        tenant: parent.tenant.clone(),
        grants,
        effects: match &parent.effects {
            Effects::Ceiling(_) => Effects::Ceiling(order.ceiling),
            Effects::Only(set) => {
                let milder = set.iter().filter(|class| **class <= order.ceiling);
                Effects::Only(milder.copied().collect())
            }
        },
        isolation_min: parent.isolation_min,
        budget,
        window: Window {
            not_before: from.now.max(parent.window.not_before),
            expires_at: parent.window.expires_at,
        },
        delegation: Delegation {
            max_depth: depth,
            may_subdivide: depth > 0,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    }
}
