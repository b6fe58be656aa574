//! One open trajectory: the task that owns it, what it waits for, and the step that moves it on.
//!
//! Thinking and acting run beside the task and report back, so that an answer, a steer or an
//! interrupt is heard at once. Everything that lasts goes through `record`.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use thymos_compiler::{CheckedChain, CheckedPossession};
use thymos_core::body::{self, Body, Stop};
use thymos_core::facts::Possession;
use thymos_core::id::ProposalId;
use thymos_core::key::SigningKey;
use thymos_core::outcome::{Fault, Outcome};
use thymos_core::routing::Routing;
use thymos_core::writ::Party;
use thymos_core::{IntentId, Timestamp, TrajectoryId, WritId};
use thymos_policy::Shelf;
use thymos_ports::Begun;
use thymos_ports::cognition::{ModelFault, Turn};
use thymos_protocol::{Command, Replied, SkillChoice, Status, Under};
use thymos_replay::Projection;
use thymos_replay::projection::{Fate, Item};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::context::ContextLimits;
use crate::kernel::Kernel;
use crate::narrate::Narrator;
use crate::service::Shared;

mod act;
mod again;
mod answer;
mod authority;
mod bound;
mod branch;
mod custom;
mod decide;
mod delegate;
mod lineage;
mod memory;
mod pins;
mod record;
mod report;
mod route;
mod scope;
mod settle;
mod skill;
mod sum_up;
mod take;
mod think;
mod timer;
mod trust;
mod undo;
mod writs;

use delegate::Delegated;
use lineage::Lineage;
use record::Broken;
use undo::Waiting;

pub(crate) use branch::BranchPoint;
pub(crate) use delegate::{Birth, ChildEnd, Newborn};
pub(crate) use record::{OVER, RecordError, fold_stored};
pub(crate) use report::summary;
pub(crate) use skill::{InForce, in_force};
pub(crate) use undo::{TakeBack, TakenBack};

/// What the task hears from outside.
pub(crate) enum Ask {
    /// A command with the place for its reply.
    Command(Command, oneshot::Sender<Replied>),
    /// The ledger changed; perhaps another process wrote here.
    CatchUp,
    /// The delegating session wants it over.
    End,
    /// The delegating session was asked for something: the ledger may take what it refused before.
    Mend,
    /// The delegating session was found again and wants to hear of its end.
    Adopted(oneshot::Sender<ChildEnd>),
    /// A call is to be taken back; tells what came of it.
    TakeBack(Box<TakeBack>, oneshot::Sender<TakenBack>),
    /// Whether the gate would refuse that, and why; nothing is recorded.
    TryStep(Box<TakeBack>, oneshot::Sender<Option<String>>),
    /// Nobody looked at it for long: it may end if nothing goes on; tells whether it has.
    Rest(oneshot::Sender<bool>),
}

/// What the task hears from its own work.
pub(crate) enum Inside {
    /// A turn, or why there is none.
    Thought {
        result: Result<Turn, ModelFault>,
        wall_clock_ms: u64,
    },
    /// A delegated session lives.
    Born {
        proposal: ProposalId,
        asks: mpsc::Sender<Ask>,
    },
    /// A delegated session ended; none when it went away without a word.
    ChildEnded {
        proposal: ProposalId,
        end: Option<ChildEnd>,
    },
    /// A model summed up its turns up to that one, or why not.
    SummedUp {
        through: u32,
        /// The most that is kept of it.
        limits: ContextLimits,
        result: Result<Turn, ModelFault>,
        wall_clock_ms: u64,
    },
    /// An act ended.
    Acted {
        begun: Box<Begun>,
        result: Result<Outcome, Fault>,
        wall_clock_ms: u64,
    },
}

/// What the session does next, in order.
pub(super) enum Job {
    /// Put an intent before the gate.
    Decide(IntentId),
    /// Put an answered hold before the gate again.
    Admit(ProposalId),
}

/// What goes on beside the task.
pub(super) enum Activity {
    Idle,
    Thinking {
        cancel: CancellationToken,
    },
    /// It answers nobody: what is said meanwhile is heard by the turn that follows.
    SummingUp {
        cancel: CancellationToken,
    },
    Acting {
        cancel: CancellationToken,
        doing: String,
    },
}

/// A run: from a prompt, or an answer that set it going again, to a stop.
pub(super) struct Run {
    pub(super) turns: u32,
    pub(super) since: Timestamp,
    pub(super) stop_asked: bool,
    /// Why its authority ended while it was at work, when it did `[W7]`.
    pub(super) cut: Option<String>,
}

impl Run {
    const fn must_end(&self) -> bool {
        self.stop_asked || self.cut.is_some()
    }
}

pub(crate) struct Session {
    pub(super) k: Arc<Kernel>,
    pub(super) shared: Arc<Shared>,
    pub(super) p: Projection,
    pub(super) narrator: Narrator,
    /// How much of it is in its newest snapshot; 0 where there is none `[L15]`.
    pub(super) kept: u64,
    /// The one that is being written beside. The next waits for it, or the older would stand in its place.
    pub(super) keeping: Option<JoinHandle<()>>,
    pub(super) subject: SigningKey,
    /// The rules that decide here, as they were when they were last recorded.
    pub(super) shelf: Arc<Shelf>,
    /// Files of the policy that are refused, as far as that was told.
    pub(super) refused: Vec<String>,
    /// What was revoked above.
    pub(super) lineage: Lineage,
    /// None while another process acts here: this one may look and answer, not act.
    pub(super) lease: Option<Box<dyn Any + Send + Sync>>,
    pub(super) live_args: HashMap<IntentId, Value>,
    pub(super) possessions: HashMap<IntentId, Possession>,
    /// The batch that was checked last: its calls are decided one after another.
    pub(super) checked: Option<Arc<CheckedPossession>>,
    pub(super) chains: HashMap<WritId, Arc<CheckedChain>>,
    pub(super) queue: VecDeque<Job>,
    pub(super) activity: Activity,
    pub(super) run: Option<Run>,
    pub(super) model: Option<String>,
    /// Evidence of how the model of the turn being thought was chosen `[S2]`.
    pub(super) routed: Option<Routing>,
    pub(super) paces: HashMap<String, route::Pace>,
    /// The turn from which older turns may be summed up, after that failed.
    pub(super) sums_up_from: u32,
    pub(super) in_doubt: BTreeSet<ProposalId>,
    /// What could not be stored, kept until it can be or the process ends `[L11]`.
    pub(super) unsealed: Option<Vec<Body>>,
    pub(super) broken: Option<Broken>,
    /// Delegated runs at work, by the proposal that ordered them.
    pub(super) delegated: BTreeMap<ProposalId, Delegated>,
    /// Where a delegated session tells its end.
    pub(super) report: Option<oneshot::Sender<ChildEnd>>,
    /// Who waits for an undo.
    pub(super) taking_back: Option<Waiting>,
    /// Somebody said that the run goes on.
    pub(super) goes_on: bool,
    /// What was answered, edited or drained here: that is seen to, whoever else has the run.
    pub(super) answered: BTreeSet<ProposalId>,
    /// The standing that was last rung for.
    pub(super) told: Option<Status>,
    pub(super) inside: mpsc::Sender<Inside>,
}

impl Session {
    /// Opens a stored trajectory: the same fold as always, then what was left open is in doubt `[X2]`.
    pub(crate) fn open(
        k: Arc<Kernel>,
        shared: Arc<Shared>,
        trajectory: TrajectoryId,
    ) -> Result<(Self, mpsc::Receiver<Inside>), RecordError> {
        let (p, narrator, kept) = record::fold_kept(&k, trajectory)?;
        let (inside, outside) = mpsc::channel(64);
        let subject = k.subject_key(&trajectory);
        let shelf = k.parts.policy.current();
        let parent = p.root.as_ref().and_then(|root| root.parent.as_ref());
        let lineage = Lineage::below(parent.filter(|_| p.branch.is_none()));
        let mut session = Self {
            k,
            shared,
            p,
            narrator,
            kept,
            keeping: None,
            subject,
            shelf,
            refused: Vec::new(),
            lineage,
            lease: None,
            live_args: HashMap::new(),
            possessions: HashMap::new(),
            checked: None,
            chains: HashMap::new(),
            queue: VecDeque::new(),
            activity: Activity::Idle,
            run: None,
            model: None,
            routed: None,
            paces: HashMap::new(),
            sums_up_from: 0,
            in_doubt: BTreeSet::new(),
            unsealed: None,
            broken: None,
            delegated: BTreeMap::new(),
            report: None,
            taking_back: None,
            goes_on: false,
            answered: BTreeSet::new(),
            told: None,
            inside,
        };
        session.take_lease();
        session.keep_if_due();
        Ok((session, outside))
    }

    /// Makes a new trajectory: root, policy, tools and all of its authority in one batch. Or says why
    /// not, and then nothing was recorded `[W8]`.
    pub(crate) async fn create(
        k: Arc<Kernel>,
        shared: Arc<Shared>,
        under: &Under,
        skills: &[SkillChoice],
    ) -> Result<Result<(Self, mpsc::Receiver<Inside>), Replied>, RecordError> {
        let trajectory = TrajectoryId::of(&k.draw::<32>());
        let (mut session, outside) = Self::open(k, shared, trajectory)?;
        // [W6] Without the lease, others would take its share for one that nobody has.
        if let Err(no) = session.may_act("try it again").await {
            return Ok(Err(no));
        }
        let root = body::Root {
            v: 1,
            workspace: session.k.parts.workspace.clone(),
            tenant: session.k.parts.tenant.clone(),
            operator: session.k.operator(),
            subject: session.subject_party(),
            parent: None,
        };
        let mut bodies = vec![Body::Root(root)];
        bodies.extend(session.pins());
        match session.plan(Some(under), skills).await? {
            Ok(batch) => bodies.extend(batch.bodies),
            Err(no) => return Ok(Err(no)),
        }
        session.record(bodies).await?;
        Ok(Ok((session, outside)))
    }

    /// The task: hears, acts, steps, until nobody can ask any more.
    pub(crate) async fn live(
        mut self,
        mut asks: mpsc::Receiver<Ask>,
        mut inside: mpsc::Receiver<Inside>,
    ) {
        self.shared.attend();
        if self.acts_unasked() {
            self.take_up().await;
        }
        self.step().await;
        self.publish();
        let mut resting = None;
        loop {
            let expiry = self.until_expiry();
            // Always in this order, so that a run can be told again `[T13]`: what a person wants is
            // heard before what work reports, and every round looks at what has expired.
            tokio::select! {
                biased;
                ask = asks.recv() => match ask {
                    Some(Ask::Command(command, reply)) => {
                        let replied = self.hear(command).await;
                        // The asker may have gone; what it asked for is done all the same.
                        drop(reply.send(replied));
                    }
                    Some(Ask::CatchUp) => self.catch_up_and_resume().await,
                    Some(Ask::End) => self.end_child().await,
                    Some(Ask::Mend) => self.mend().await,
                    Some(Ask::Adopted(report)) => self.resume_child(report).await,
                    Some(Ask::TakeBack(what, reply)) => self.take_back(*what, reply).await,
                    // Whoever asked may have gone.
                    Some(Ask::TryStep(what, reply)) => drop(reply.send(self.refused_step(&what).await)),
                    Some(Ask::Rest(reply)) if self.may_rest() => {
                        resting = Some(reply);
                        break;
                    }
                    // Who wanted it may have gone.
                    Some(Ask::Rest(reply)) => {
                        reply.send(false).ok();
                    }
                    None => break,
                },
                Some(done) = inside.recv() => self.heard_inside(done).await,
                () = tokio::time::sleep(expiry.unwrap_or_default()), if expiry.is_some() => {}
            }
            self.step().await;
            self.tell_taken_back();
            self.publish();
        }
        if let Activity::Thinking { cancel }
        | Activity::SummingUp { cancel }
        | Activity::Acting { cancel, .. } = &self.activity
        {
            cancel.cancel();
        }
        // [X1] What was begun is sealed even when everybody has left.
        while let Activity::Acting { .. } = self.activity {
            let Some(done) = inside.recv().await else {
                break;
            };
            self.heard_inside(done).await;
        }
        self.keep_at_end().await;
        let (shared, trajectory) = (self.shared.clone(), self.p.trajectory);
        // Its lease too: whoever is told may open it again at once.
        drop(self);
        shared.left(&trajectory);
        if let Some(reply) = resting {
            reply.send(true).ok();
        }
    }

    /// Whether it could end and be opened again, and nobody would see that it was away.
    fn may_rest(&self) -> bool {
        let waits = !self.p.holds.is_empty() || !self.p.open_work.is_empty();
        let works = !matches!(self.activity, Activity::Idle)
            || self.run.is_some()
            || !self.queue.is_empty()
            || !self.delegated.is_empty()
            || self.taking_back.is_some()
            || self.report.is_some();
        // What the ledger does not have is only here: a model that was chosen, what could not be stored.
        let remembers = self.model.is_some() || self.broken.is_some() || self.unsealed.is_some();
        !(waits || works || remembers)
    }

    /// Moves on until something has to be waited for.
    pub(super) async fn step(&mut self) {
        self.expire_holds().await;
        loop {
            if !matches!(self.activity, Activity::Idle) || self.broken.is_some() {
                return;
            }
            if self.run.as_ref().is_some_and(Run::must_end) {
                self.queue.clear();
                if !self.delegated.is_empty() {
                    return;
                }
                let stop = self.cut_or_cancelled();
                self.close(stop).await;
                return;
            }
            if self.children_full() && self.next_delegates() {
                return;
            }
            match self.queue.pop_front() {
                Some(Job::Decide(intent)) => self.decide(intent).await,
                Some(Job::Admit(proposal)) => self.admit(proposal).await,
                None if self.run.is_some() => {
                    if self.next_turn_or_stop().await {
                        return;
                    }
                }
                None => return,
            }
        }
    }

    /// Whether the next thing to decide is an order for another agent.
    fn next_delegates(&self) -> bool {
        let Some(Job::Decide(intent)) = self.queue.front() else {
            return false;
        };
        let tool = self
            .p
            .calls
            .get(intent)
            .and_then(|c| self.k.tool(&c.intent.tool));
        let args = self.p.calls.get(intent).map(|call| &call.intent.args);
        tool.zip(args)
            .is_some_and(|(tool, args)| tool.order(args).is_some())
    }

    /// Decides how a run goes on when nothing is queued; true when there is no more to do now.
    async fn next_turn_or_stop(&mut self) -> bool {
        // A delegated run reports back before the model is asked again.
        if !self.delegated.is_empty() {
            return true;
        }
        let latest = self.latest_turn();
        let waits = latest.iter().any(|fate| matches!(fate, Fate::Held(_)));
        // What a person says meanwhile is work that can go on: the model reads what waits as waiting.
        if waits && !self.told_since() {
            self.close(Stop::Held).await;
            return true;
        }
        if self.last_word_was_the_models() && latest.is_empty() {
            let decided = self.p.stopped == Some(Stop::Held);
            if !self.p.holds.is_empty() || !decided {
                let open = !self.p.holds.is_empty();
                self.close(if open { Stop::Held } else { Stop::Done }).await;
                return true;
            }
            // Decided after the model's last word: it has not read what came of it.
            let told = Body::Message(body::Message {
                role: body::Role::System,
                text: "[what waited for the operator is decided; read what came of it above]"
                    .into(),
                reasoning: String::new(),
                provider_state: None,
                turn: self.p.next_turn.saturating_sub(1),
            });
            self.record_or_break(vec![told]).await;
            return self.broken.is_some();
        }
        if let Some(stop) = self.must_stop() {
            self.close(stop).await;
            return true;
        }
        self.think();
        false
    }

    /// Whether a person spoke after the calls of the newest turn.
    fn told_since(&self) -> bool {
        let newest = self.p.story.last();
        let said = newest.is_some_and(|item| match item {
            Item::Said { role, .. } => matches!(role, body::Role::Operator | body::Role::Steer),
            Item::Wanted(_) => false,
        });
        said && self.report.is_none()
    }

    /// Fates of the calls of the newest model turn.
    fn latest_turn(&self) -> Vec<Fate> {
        let turn = self.p.next_turn.saturating_sub(1);
        self.p
            .story
            .iter()
            .rev()
            .take_while(|item| match item {
                Item::Said {
                    role: body::Role::Model,
                    turn: said,
                    ..
                } => *said == turn,
                Item::Said { .. } | Item::Wanted(_) => true,
            })
            .filter_map(|item| match item {
                Item::Wanted(id) => self.p.calls.get(id),
                Item::Said { .. } => None,
            })
            .take_while(|call| call.intent.turn == turn)
            .map(|call| call.fate.clone())
            .collect()
    }

    /// Whether the model spoke last, and had heard everything that was said before.
    fn last_word_was_the_models(&self) -> bool {
        let mut newest = self.p.story.iter().rev();
        let Some(Item::Said {
            role: body::Role::Model,
            turn,
            ..
        }) = newest.next()
        else {
            return false;
        };
        !matches!(
            newest.next(),
            Some(Item::Said { role: body::Role::Steer, turn: during, .. }) if during == turn
        )
    }

    /// Ends the run and says why.
    pub(super) async fn close(&mut self, stop: Stop) {
        let turns = self.run.take().map_or(0, |run| run.turns);
        let mut bodies = self.withdrawn(&stop);
        bodies.push(Body::Closed(body::Closed { stop, turns }));
        self.record_or_break(bodies).await;
        self.report_end();
    }

    pub(crate) fn trajectory(&self) -> TrajectoryId {
        self.p.trajectory
    }

    /// Whether it is stored, and of this kernel's tenant: another's is not there `[C5]`.
    pub(crate) fn is_ours(&self) -> bool {
        let root = self.p.root.as_ref();
        self.p.len > 0 && root.is_none_or(|root| root.tenant == self.k.parts.tenant)
    }

    pub(super) fn subject_party(&self) -> Party {
        Party {
            name: "session".into(),
            key: self.subject.public(),
        }
    }

    pub(super) fn start_run(&mut self) {
        if self.run.is_none() {
            self.run = Some(Run {
                turns: 0,
                since: self.k.now(),
                stop_asked: false,
                cut: None,
            });
        }
    }

    /// Whether what is to be done here is done without being asked for: in the app, for a run that waits for this
    /// one, and once somebody said that it goes on. A verb that looks, or that is about one call, does nothing else
    /// `[X2]` `[D1]`.
    pub(super) fn acts_unasked(&self) -> bool {
        self.k.parts.takes_up || self.report.is_some() || self.goes_on
    }

    /// Takes up what was left: settles what looking can settle, finds delegated runs again, and puts what was
    /// answered, or can never be, before the gate.
    pub(super) async fn take_up(&mut self) {
        self.settle_by_contract().await;
        self.find_children();
        if self.lease.is_some() {
            self.close_cut_holds().await;
        }
        self.admit_answered();
    }

    /// Takes the right to act here, if it is free; what is open then has nobody who would end it,
    /// and is in doubt `[X2]`.
    pub(super) fn take_lease(&mut self) {
        if self.lease.is_some() || self.foreign_workspace().is_some() || self.p.is_over() {
            return;
        }
        self.lease = self.k.parts.leases.take(&self.p.trajectory);
        if self.lease.is_some() {
            self.in_doubt = self.p.open_work.keys().copied().collect();
        }
    }

    /// The trajectory's workspace, when the tools here are bound to another one: a call that was
    /// held there must not happen here.
    pub(super) fn foreign_workspace(&self) -> Option<&str> {
        let root = self.p.root.as_ref()?;
        (root.workspace != self.k.parts.workspace).then_some(root.workspace.as_str())
    }
}
