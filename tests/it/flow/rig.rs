//! A whole kernel over fakes: a scripted model, fake tools, a ledger in memory, a clock that stands.
//!
//! Speaks to it through the link alone, as the screen does. Waits for what is recorded, never for
//! time to pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use thymos::app::link::{Link, LinkEnds};
use thymos_core::approval::{Decision, Via};
use thymos_core::body::{self, Body, BodyState};
use thymos_core::entry::{Draft, Salt};
use thymos_core::id::ProposalId;
use thymos_core::isolation::Rung;
use thymos_core::key::{SigningKey, derive_seed};
use thymos_core::secret::Secret;
use thymos_core::skill::SkillFile;
use thymos_core::verdict::Tightening;
use thymos_core::writ::{Mode, TrustRoots, Writ};
use thymos_core::{Entry, TrajectoryId};
use thymos_policy::{Bundle, PolicySet, Switches};
use thymos_ports::cognition::{
    Context, ModelFault, ModelFaultKind, ModelIdentity, Streamed, TokenUsage, Turn,
};
use thymos_ports::store::Batch;
use thymos_ports::{Cognition, LedgerStore, Tool};
use thymos_protocol::{
    Answer, Card, Command, Event, HoldRow, ModelRow, Replied, Request, Status, Ticket, What,
};
use thymos_runtime::checkpoint::{Nowhere, Outside};
use thymos_runtime::kernel::{FixedPolicy, PolicySource, RunLimits};
use thymos_runtime::modes::ModeTerms;
use thymos_runtime::redact::Redactor;
use thymos_runtime::skills::{FoundSkill, SkillSource};
use thymos_runtime::snapshot::{NoSnapshots, SnapshotPlace};
use thymos_runtime::{Channels, Hands, Kernel, KernelParts, ModelSource, NoLeases, serve};
use thymos_testkit::fixtures::{NOON, operator_key, party, roots};
use thymos_testkit::road::shelf;
use thymos_testkit::{FakeTool, FixedClock, MemoryStore, ScriptedModel, SeededEntropy, Step};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A stuck test fails after this; nothing is measured by it.
pub(super) const STUCK: Duration = Duration::from_secs(20);

/// Kernels made so far in this process: each draws bytes of its own.
static KERNELS: AtomicU64 = AtomicU64::new(1);

/// One script behind every name; of named models only those of the setup can be connected.
struct OneModel(ScriptedModel, Vec<String>);

impl ModelSource for OneModel {
    fn connect(&self, name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault> {
        match name {
            None => Ok(Arc::new(self.0.clone())),
            Some(name) if self.1.iter().any(|known| known == name) => {
                Ok(Arc::new(Named(self.0.clone(), name.to_owned())))
            }
            Some(name) => Err(ModelFault {
                kind: ModelFaultKind::NotFound,
                message: format!("there is no model `{name}`"),
                hint: None,
                usage: TokenUsage::default(),
            }),
        }
    }

    fn list(&self) -> Vec<ModelRow> {
        let row = |name: &String| ModelRow {
            name: name.clone(),
            key: "no key needed".into(),
            current: false,
        };
        self.1.iter().map(row).collect()
    }
}

/// The script under another name.
struct Named(ScriptedModel, String);

#[async_trait::async_trait]
impl Cognition for Named {
    fn identity(&self) -> ModelIdentity {
        let (provider, model) = self.1.split_once('/').unwrap_or((&self.1, "default"));
        ModelIdentity {
            provider: provider.into(),
            model: model.into(),
            ..self.0.identity()
        }
    }

    async fn propose(
        &self,
        context: &Context,
        sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        self.0.propose(context, sink, cancel).await
    }
}

/// What a kernel is made of; a test changes the one thing that it is about.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) store: MemoryStore,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) model: ScriptedModel,
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    pub(crate) policy: PolicySet,
    /// Where the rules come from, when not always from `policy`.
    pub(crate) source: Option<Arc<dyn PolicySource>>,
    pub(crate) roots: TrustRoots,
    pub(crate) rung: Rung,
    pub(crate) workspace: String,
    pub(crate) turns_max: u32,
    pub(crate) context_tokens_max: u64,
    pub(crate) terms: ModeTerms,
    pub(crate) continues: bool,
    pub(crate) takes_up: bool,
    pub(crate) secrets: Vec<String>,
    pub(crate) skills: Skills,
    pub(crate) models: Vec<String>,
    pub(crate) tenant: String,
    pub(crate) retention_ms: u64,
    pub(crate) approvals: Tightening,
    pub(crate) snapshots: Arc<dyn SnapshotPlace>,
    pub(crate) outside: Arc<dyn Outside>,
}

/// Skills as a folder would hold them: name and text.
#[derive(Clone, Default)]
pub(crate) struct Skills(pub(crate) Vec<(String, String)>);

impl SkillSource for Skills {
    fn find(&self) -> Vec<FoundSkill> {
        let file = |(name, text): &(String, String)| FoundSkill {
            name: name.clone(),
            file: SkillFile::read(text.as_bytes()).map_err(|no| no.to_string()),
        };
        self.0.iter().map(file).collect()
    }
}

impl Setup {
    pub(crate) fn new(steps: Vec<Step>, tools: &[&FakeTool]) -> Self {
        Self {
            store: MemoryStore::new(),
            clock: Arc::new(FixedClock::at(NOON)),
            model: ScriptedModel::new(steps),
            tools: tools.iter().map(|tool| tool.port()).collect(),
            policy: PolicySet::builtin(),
            source: None,
            roots: roots(),
            rung: Rung::L3,
            workspace: "/srv/app".into(),
            turns_max: 20,
            context_tokens_max: 50_000,
            terms: ModeTerms::standard(),
            continues: false,
            takes_up: true,
            secrets: Vec::new(),
            skills: Skills::default(),
            models: Vec::new(),
            tenant: String::new(),
            retention_ms: 0,
            approvals: Tightening::none(),
            snapshots: Arc::new(NoSnapshots),
            outside: Arc::new(Nowhere),
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn parts(&self) -> KernelParts {
        let secrets = self.secrets.iter().cloned().map(Secret::new).collect();
        KernelParts {
            store: Arc::new(self.store.clone()),
            hands: Hands::Threads,
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(KERNELS.fetch_add(1, Ordering::SeqCst))),
            operator: "ada".into(),
            operator_key: operator_key(),
            retired_keys: Vec::new(),
            tenant: self.tenant.clone(),
            roots: self.roots.clone(),
            tools: self.tools.clone(),
            workspace: self.workspace.clone(),
            rung: self.rung,
            policy: self
                .source
                .clone()
                .unwrap_or_else(|| FixedPolicy::of(shelf(&self.policy))),
            redactor: Arc::new(Redactor::new(secrets, [7; 32])),
            models: Arc::new(OneModel(self.model.clone(), self.models.clone())),
            skills: Arc::new(self.skills.clone()),
            leases: Arc::new(NoLeases),
            outside: self.outside.clone(),
            snapshots: self.snapshots.clone(),
            limits: RunLimits {
                turns_max: self.turns_max,
                output_tokens_max: 1_000,
                context_tokens_max: self.context_tokens_max,
            },
            terms: self.terms,
            continues: self.continues,
            takes_up: self.takes_up,
            retention_ms: self.retention_ms,
            approvals: self.approvals,
        }
    }

    /// A kernel that serves, without a trajectory.
    pub(crate) fn serve(&self) -> Desk {
        let kernel = Kernel::new(self.parts()).expect("the tools are sound");
        let (link, ends) = Link::pair();
        let LinkEnds {
            requests,
            replies,
            bell,
            live,
        } = ends;
        let channels = Channels {
            requests,
            replies,
            bell,
            live,
        };
        Desk::over(link, tokio::spawn(serve(kernel, channels)))
    }

    /// A kernel with a new trajectory in this mode.
    pub(crate) async fn open(self, mode: Mode) -> Rig {
        let mut desk = self.serve();
        let Replied::Opened(status) = desk.ask(Command::begin(mode)).await else {
            panic!("no trajectory")
        };
        Rig {
            trajectory: status.trajectory,
            setup: self,
            desk,
        }
    }

    /// A kernel with a trajectory of this tenant that acts under this writ, signed by the operator.
    pub(crate) async fn open_under(self, tenant: &str, change: impl FnOnce(&mut Writ)) -> Rig {
        let this = self.with(|setup| setup.tenant = tenant.into());
        let trajectory = TrajectoryId::of(b"by hand");
        let mut material = operator_key().seed_for_storage().to_vec();
        material.extend_from_slice(trajectory.as_bytes());
        let subject = party("session", &SigningKey::from_seed(&derive_seed(&material)));
        let writ = thymos_testkit::fixtures::writ()
            .with(|writ| writ.subject = subject.clone())
            .with(change)
            .signed();
        let id = writ.id().unwrap();
        let bodies = [
            Body::Root(body::Root {
                v: 1,
                workspace: this.workspace.clone(),
                tenant: tenant.into(),
                operator: party("ada", &operator_key()),
                subject,
                parent: None,
            }),
            Body::WritIssued(Box::new(body::WritIssued {
                writ,
                id,
                reason: "by hand".into(),
                reserved: None,
                session: None,
            })),
            Body::ModeChanged(body::ModeChanged {
                mode: Mode::Auto,
                from: None,
                to: id,
                difference: Vec::new(),
            }),
        ];
        let drafts = bodies
            .iter()
            .map(|body| drafted(trajectory, body))
            .collect();
        let batch = Batch {
            trajectory,
            at_seq: 0,
            drafts,
        };
        this.store.append(vec![batch]).unwrap()[0].as_ref().unwrap();
        let desk = this.serve();
        Rig {
            trajectory,
            setup: this,
            desk,
        }
    }
}

/// The app's end of a link.
pub(crate) struct Desk {
    pub(crate) link: Link,
    served: JoinHandle<()>,
    next: u64,
}

impl Desk {
    /// Over a link that something else made.
    pub(crate) const fn over(link: Link, served: JoinHandle<()>) -> Self {
        Self {
            link,
            served,
            next: 1,
        }
    }

    pub(crate) async fn send(&mut self, command: Command) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.link
            .requests
            .send(Request { ticket, command })
            .await
            .expect("the kernel serves");
        ticket
    }

    pub(crate) async fn reply(&mut self, ticket: Ticket) -> Replied {
        loop {
            let reply = tokio::time::timeout(STUCK, self.link.replies.recv())
                .await
                .expect("no reply came")
                .expect("the kernel serves");
            let on_the_way = matches!(
                reply.replied,
                Replied::Verifying(_) | Replied::Looking { .. }
            );
            if reply.ticket == ticket && !on_the_way {
                return reply.replied;
            }
        }
    }

    pub(crate) async fn ask(&mut self, command: Command) -> Replied {
        let ticket = self.send(command).await;
        self.reply(ticket).await
    }
}

/// A kernel and one trajectory.
pub(crate) struct Rig {
    pub(crate) setup: Setup,
    pub(crate) desk: Desk,
    pub(crate) trajectory: TrajectoryId,
}

impl Rig {
    pub(crate) async fn ask(&mut self, command: Command) -> Replied {
        self.desk.ask(command).await
    }

    /// Says something and waits until the run it starts has stopped.
    pub(crate) async fn run(&mut self, text: &str) -> Vec<Event> {
        let before = self.events().await.len();
        self.say(text).await;
        let stopped = |events: &[Event]| {
            let new = events.get(before..).unwrap_or_default();
            new.iter().any(|event| event.kind == "closed")
        };
        self.until(stopped).await
    }

    pub(crate) async fn say(&mut self, text: &str) {
        let command = Command::Prompt {
            trajectory: self.trajectory,
            text: text.into(),
        };
        assert_eq!(self.ask(command).await, Replied::Accepted);
    }

    async fn page(&mut self) -> (Vec<Event>, Status) {
        let mut events = Vec::new();
        loop {
            let command = Command::Page {
                trajectory: self.trajectory,
                from_seq: events.len() as u64,
                limit: 256,
            };
            let Replied::Page(page) = self.ask(command).await else {
                panic!("no page")
            };
            let last = page.events.len() < 256;
            events.extend(page.events);
            if last {
                return (events, *page.status.expect("of one trajectory"));
            }
        }
    }

    pub(crate) async fn events(&mut self) -> Vec<Event> {
        self.page().await.0
    }

    pub(crate) async fn status(&mut self) -> Status {
        self.page().await.1
    }

    /// Waits at the bell until the trajectory satisfies `done`; gives all of it.
    pub(crate) async fn until(&mut self, done: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        loop {
            let events = self.events().await;
            if done(&events) {
                return events;
            }
            let rung = tokio::time::timeout(STUCK, self.desk.link.bell.changed()).await;
            assert!(rung.is_ok(), "nothing more happened: {:#?}", kinds(&events));
        }
    }

    /// Waits until nothing goes on.
    pub(crate) async fn until_idle(&mut self) {
        while self.status().await.running.is_some() {
            let rung = tokio::time::timeout(STUCK, self.desk.link.bell.changed()).await;
            assert!(rung.is_ok(), "it never ends");
        }
    }

    pub(crate) async fn until_kind(&mut self, kind: &str, count: usize) -> Vec<Event> {
        self.until(|events| events.iter().filter(|e| e.kind == kind).count() >= count)
            .await
    }

    pub(crate) async fn holds(&mut self) -> Vec<HoldRow> {
        let Replied::Holds(rows) = self.ask(Command::Holds).await else {
            panic!("no holds")
        };
        rows
    }

    /// The only open hold here, from the trajectory's own story.
    pub(crate) async fn card(&mut self) -> Card {
        let events = self.events().await;
        let held = |event: &Event| match &event.what {
            What::Suspended { card, .. } => Some((**card).clone()),
            _ => None,
        };
        events.iter().rev().find_map(held).expect("nothing is held")
    }

    pub(crate) fn answer_to(&self, card: &Card, decision: Decision, reason: &str) -> Answer {
        Answer {
            trajectory: self.trajectory,
            proposal: card.proposal,
            presented: card.presented,
            decision,
            reason: reason.into(),
            via: Via::Tui,
            fully_viewed: true,
            scope: None,
            signed: None,
        }
    }

    /// Approves the newest hold.
    pub(crate) async fn approve(&mut self) -> ProposalId {
        let card = self.card().await;
        let answer = self.answer_to(&card, Decision::Approve, "");
        assert_eq!(self.ask(Command::Answer(answer)).await, Replied::Accepted);
        card.proposal
    }

    /// Denies the newest hold.
    pub(crate) async fn deny(&mut self, reason: &str) {
        let card = self.card().await;
        let answer = self.answer_to(&card, Decision::Deny, reason);
        assert_eq!(self.ask(Command::Answer(answer)).await, Replied::Accepted);
    }

    pub(crate) async fn set_mode(&mut self, mode: Mode) {
        let trajectory = self.trajectory;
        let replied = self.ask(Command::SetMode { trajectory, mode }).await;
        assert_eq!(replied, Replied::Accepted);
    }

    /// Ends the kernel and starts another over the same ledger.
    pub(crate) async fn restart(self, change: impl FnOnce(&mut Setup)) -> Self {
        let mut rig = self.served_anew(change).await;
        let trajectory = rig.trajectory;
        let opened = rig.ask(Command::Open { trajectory }).await;
        assert!(matches!(opened, Replied::Opened(_)), "{opened:?}");
        rig
    }

    /// The same ledger under a new kernel, in which nothing is open.
    pub(crate) async fn served_anew(self, change: impl FnOnce(&mut Setup)) -> Self {
        let Self {
            setup,
            mut desk,
            trajectory,
        } = self;
        assert_eq!(desk.ask(Command::Shutdown).await, Replied::Accepted);
        desk.served.await.unwrap();
        let setup = setup.with(change);
        let desk = setup.serve();
        Self {
            setup,
            desk,
            trajectory,
        }
    }

    /// Every stored body, decoded.
    pub(crate) fn bodies(&self) -> Vec<Body> {
        let known = |entry: &Entry| match entry.decode() {
            BodyState::Known(body) => body,
            other => panic!("{other:?}"),
        };
        self.setup.store.entries().iter().map(known).collect()
    }

    /// Refusals in order: clause, stage and sentence.
    pub(crate) fn refusals(&self) -> Vec<(String, body::Stage, String)> {
        let refusal = |body: Body| match body {
            Body::Rejection(no) => Some((
                no.refusal.clause.to_string(),
                no.stage,
                no.refusal.reason.clone(),
            )),
            _ => None,
        };
        self.bodies().into_iter().filter_map(refusal).collect()
    }

    /// Why the newest run stopped.
    pub(crate) fn stop(&self) -> Option<body::Stop> {
        let closed = |body: Body| match body {
            Body::Closed(closed) => Some(closed.stop),
            _ => None,
        };
        self.bodies().into_iter().rev().find_map(closed)
    }

    /// As [`Self::verified`], of a store that took nothing more.
    pub(crate) async fn verified_without_room(self) {
        self.setup.store.make_room();
        self.verified().await;
    }

    /// What stands at the end of every test: the ledger verifies, whatever happened.
    pub(crate) async fn verified(mut self) {
        let Replied::Verified(report) = self.ask(Command::Verify { since_last: false }).await
        else {
            panic!("no report")
        };
        assert_eq!(report.findings, Vec::new());
        assert_eq!(self.ask(Command::Shutdown).await, Replied::Accepted);
        self.desk.served.await.unwrap();
    }
}

pub(crate) fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

/// The kinds after the opening of a trajectory, without usage.
pub(crate) fn story(events: &[Event]) -> Vec<&str> {
    let dull = [
        "root",
        "policy_loaded",
        "tools_pinned",
        "writ_issued",
        "mode_changed",
        "usage",
    ];
    let all = kinds(events).into_iter();
    all.filter(|kind| !dull.contains(kind)).collect()
}

/// The built-in policy in another version: these rules over a default.
pub(crate) fn policy(default: &str, rules: Value) -> PolicySet {
    let bundle =
        serde_json::json!({"name": "builtin", "version": "2", "default": default, "rules": rules});
    let bundle = Bundle::from_value(&bundle).expect("a sound bundle");
    PolicySet::new(vec![bundle], Switches::standard())
}

/// What another process writes to a run: no session here knows of it before it reads.
pub(crate) fn append_elsewhere(store: &MemoryStore, trajectory: TrajectoryId, body: &Body) {
    let heads = store.heads().unwrap().into_iter();
    let mut heads = heads.filter(|head| head.trajectory == trajectory);
    let at_seq = heads.next().unwrap().seq + 1;
    let drafts = vec![drafted(trajectory, body)];
    let batch = Batch {
        trajectory,
        at_seq,
        drafts,
    };
    store.append(vec![batch]).unwrap()[0].as_ref().unwrap();
}

/// A body as the operator writes it down.
pub(crate) fn drafted(trajectory: TrajectoryId, body: &Body) -> Draft {
    Draft {
        trajectory,
        kind: body.kind(),
        at: NOON,
        writer: operator_key().public(),
        salt: Salt::from_bytes([6; 32]),
        body: body.encode().unwrap(),
    }
}
