//! The real kernel on fixed keys, time and chance, and a small client of its link.

use std::path::Path;
use std::sync::Arc;

use thymos_core::TrajectoryId;
use thymos_core::isolation::Rung;
use thymos_core::writ::{Party, TrustRoots};
use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::cognition::ModelFault;
use thymos_ports::{Cognition, Tool};
use thymos_protocol::{
    Command, Event, Heads, HoldRow, Live, ModelRow, Replied, Reply, Request, Ticket, What,
};
use thymos_runtime::kernel::{FixedPolicy, RunLimits};
use thymos_runtime::redact::Redactor;
use thymos_runtime::{Channels, Hands, Kernel, KernelParts, ModelSource, NoLeases};
use thymos_testkit::fixtures::{NOON, operator_key, party};
use thymos_testkit::{FixedClock, ScriptedModel, SeededEntropy};
use tokio::sync::{mpsc, watch};

/// Whom the scenario trusts, for a verifier.
pub(super) fn roots() -> TrustRoots {
    let ada: Party = party("ada", &operator_key());
    TrustRoots {
        operators: vec![ada.clone()],
        policy: vec![ada],
        retired: Vec::new(),
    }
}

struct OneModel(Arc<ScriptedModel>);

impl ModelSource for OneModel {
    fn connect(&self, _name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault> {
        Ok(self.0.clone())
    }

    fn list(&self) -> Vec<ModelRow> {
        Vec::new()
    }
}

/// What one life of the kernel is made from.
pub(super) struct Life<'a> {
    pub(super) ledger: &'a Path,
    pub(super) tools: Vec<Arc<dyn Tool>>,
    pub(super) model: Arc<ScriptedModel>,
    pub(super) clock: Arc<FixedClock>,
    pub(super) seed: u64,
}

/// The app's end of the link.
pub(super) struct Client {
    requests: mpsc::Sender<Request>,
    replies: mpsc::Receiver<Reply>,
    bell: watch::Receiver<Heads>,
    next: u64,
    served: tokio::task::JoinHandle<()>,
}

/// Starts a kernel; inside a tokio runtime.
pub(super) fn live(life: Life<'_>) -> Client {
    let store = SqliteLedger::open(life.ledger, Genesis { random: [4; 32] }).unwrap();
    let kernel = Kernel::new(KernelParts {
        store: Arc::new(store),
        hands: Hands::Threads,
        clock: life.clock,
        entropy: Arc::new(SeededEntropy::new(life.seed)),
        operator: "ada".into(),
        operator_key: operator_key(),
        retired_keys: Vec::new(),
        tenant: String::new(),
        roots: roots(),
        tools: life.tools,
        workspace: "/srv/kettle".into(),
        rung: Rung::L3,
        policy: FixedPolicy::builtin(),
        redactor: Arc::new(Redactor::new(Vec::new(), [4; 32])),
        models: Arc::new(OneModel(life.model)),
        skills: Arc::new(thymos_runtime::skills::NoSkills),
        leases: Arc::new(NoLeases),
        outside: Arc::new(thymos_runtime::checkpoint::Nowhere),
        snapshots: Arc::new(thymos_runtime::snapshot::NoSnapshots),
        limits: RunLimits {
            turns_max: 50,
            output_tokens_max: 1_000,
            context_tokens_max: 100_000,
        },
        terms: thymos_runtime::modes::ModeTerms::standard(),
        continues: true,
        takes_up: true,
        retention_ms: 0,
        approvals: thymos_core::verdict::Tightening::none(),
    })
    .unwrap();
    let (requests, requested) = mpsc::channel(64);
    let (replies, replied) = mpsc::channel(64);
    let (bell, heard) = watch::channel(Heads::default());
    let (live, _) = watch::channel(Live::default());
    let served = tokio::spawn(thymos_runtime::serve(
        kernel,
        Channels {
            requests: requested,
            replies,
            bell,
            live,
        },
    ));
    Client {
        requests,
        replies: replied,
        bell: heard,
        next: 1,
        served,
    }
}

impl Client {
    pub(super) async fn ask(&mut self, command: Command) -> Replied {
        let ticket = Ticket(self.next);
        self.next += 1;
        let asked = format!("{command:?}");
        self.requests
            .send(Request { ticket, command })
            .await
            .unwrap();
        loop {
            let reply = self.replies.recv().await.unwrap();
            if reply.ticket == ticket {
                if let Replied::Fault(fault) = &reply.replied {
                    panic!("{asked}: {fault:?}");
                }
                return reply.replied;
            }
        }
    }

    pub(super) async fn events(&mut self, trajectory: TrajectoryId) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let page = Command::Page {
                trajectory,
                from_seq: events.len() as u64,
                limit: 256,
            };
            let Replied::Page(page) = self.ask(page).await else {
                panic!("no page");
            };
            if page.events.is_empty() {
                return events;
            }
            events.extend(page.events);
        }
    }

    /// Waits until the trajectory holds so many events of a sort.
    pub(super) async fn until(
        &mut self,
        trajectory: TrajectoryId,
        wanted: usize,
        is_such: impl Fn(&What) -> bool,
    ) {
        loop {
            self.bell.borrow_and_update();
            let events = self.events(trajectory).await;
            if events.iter().filter(|event| is_such(&event.what)).count() >= wanted {
                return;
            }
            self.bell.changed().await.unwrap();
        }
    }

    pub(super) async fn holds(&mut self) -> Vec<HoldRow> {
        match self.ask(Command::Holds).await {
            Replied::Holds(holds) => holds,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn shut_down(mut self) {
        self.ask(Command::Shutdown).await;
        self.served.await.unwrap();
    }
}

/// The clock of the scenario: noon of a fixed day.
pub(super) fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(NOON))
}
