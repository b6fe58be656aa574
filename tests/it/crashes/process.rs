//! One process of a story: it opens the ledger, settles and answers what waits, and lets the model go on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use thymos::app::link::{Link, LinkEnds};
use thymos::wire::checkpoints::CheckpointFile;
use thymos::wire::snapshots::SnapshotFiles;
use thymos_core::body::{self, Body, Stop};
use thymos_core::budget::{Cost, Dimension};
use thymos_core::entry::{Draft, Salt};
use thymos_core::isolation::Rung;
use thymos_core::key::SigningKey;
use thymos_core::secret::Secret;
use thymos_core::writ::Mode;
use thymos_core::{Digest, Entry, TrajectoryId, WritId};
use thymos_ledger::{Genesis, PostgresLedger, Server, SqliteLedger, TlsMode};
use thymos_ports::store::Batch;
use thymos_ports::{Clock, LedgerStore};
use thymos_protocol::{Command, HoldRow, Replied, RunRow, Settlement, WritRow};
use thymos_runtime::kernel::{FixedPolicy, RunLimits};
use thymos_runtime::modes::ModeTerms;
use thymos_runtime::redact::Redactor;
use thymos_runtime::{Channels, Hands, Kernel, KernelParts, NoLeases, serve};
use thymos_testkit::SeededEntropy;
use thymos_testkit::failing::{Call, How, Trouble};
use thymos_testkit::fixtures::{NOON, operator_key, party};
use thymos_testkit::postgres::Database;

use super::mishaps::Mishap;
use super::plan::{Plan, Planned};
use super::points::Points;
use super::seams::{Seam, SeamClock, SeamEntropy, SeamOutside, SeamSnapshots};
use super::tools::{Sink, tools, workspace};
use crate::flow::rig::{Desk, Skills};
use crate::sim::approver::{self, Manner, everybody};
use crate::sim::draw::Dice;
use crate::sim::rules::open_work;
use crate::sim::told::{Line, Rest, lines};

/// The process that works beside another one.
pub(super) const NEIGHBOUR: u64 = 5;

/// The workspace of every other run here.
const WORKSPACE: &str = "/srv/app";

/// Long enough for whatever goes on to come to rest; the clock stands until everybody waits.
const REST: Duration = Duration::from_secs(10);

/// Rounds of people's answers to one run, at most: each call is held once.
const ROUNDS: usize = 12;

/// Entries of a log that is long already.
const LONG: u64 = 970;

/// What the file holds that stories write to, before they do.
pub(super) const AS_IT_WAS: &str = "as it was\n";

/// A skill that narrows nothing.
const SKILL: &str = r#"{"v": 1, "name": "careful", "version": 1, "title": "Takes care",
    "instructions": "Take care."}"#;

/// Made once: it keeps nothing from one use to the next.
static REDACTOR: LazyLock<Arc<Redactor>> =
    LazyLock::new(|| Arc::new(Redactor::new(Vec::new(), [7; 32])));

/// One process.
#[derive(Clone)]
pub(super) struct Cast {
    pub(super) seed: u64,
    /// 1 begins the story; the last of all lets nothing be denied.
    pub(super) number: u64,
    pub(super) last: bool,
    pub(super) folder: PathBuf,
    pub(super) points: Points,
    /// What its ledger fails at.
    pub(super) mishap: Option<Mishap>,
    /// What ends its server meanwhile.
    pub(super) how: Option<How>,
}

impl Cast {
    /// One whose ledger does not fail.
    pub(super) fn new(seed: u64, number: u64, folder: &Path) -> Self {
        Self {
            seed,
            number,
            last: false,
            folder: folder.to_owned(),
            points: Points::default(),
            mishap: None,
            how: None,
        }
    }

    /// The folder of its runs, as it is shown. A neighbour works elsewhere, on the same ledger.
    fn workspace(&self) -> &'static str {
        match self.number {
            NEIGHBOUR => "/srv/neighbour",
            _ => WORKSPACE,
        }
    }
}

/// What a process found.
#[derive(Debug, Clone, Default)]
pub(super) struct End {
    /// What must not be.
    pub(super) faults: Vec<String>,
    /// What is in doubt at the end, by the kernel's word.
    pub(super) rest: Vec<Rest>,
    /// Findings of its own verification.
    pub(super) findings: Vec<String>,
    /// What is taken from each writ at the end, by the kernel's word.
    pub(super) spent: Vec<(TrajectoryId, WritId, Cost)>,
    /// The run of the story.
    pub(super) run: Option<TrajectoryId>,
    /// What people were told while the ledger failed.
    pub(super) said: Vec<String>,
    /// How often each call was made on the ledger.
    pub(super) counts: BTreeMap<Call, u64>,
    /// Whether the call that was to fail was made.
    pub(super) failed: bool,
}

pub(super) fn ledger(folder: &Path) -> PathBuf {
    folder.join("ledger.db")
}

/// Opens the ledger of a story; makes it when there is none. Each process would make another log.
pub(super) fn open(folder: &Path, seed: u64, process: u64) -> Box<dyn LedgerStore> {
    let random = *Digest::of(&[seed.to_be_bytes(), process.to_be_bytes()].concat()).as_bytes();
    match std::fs::read_to_string(folder.join(SERVER)) {
        Ok(told) => Box::new(PostgresLedger::open(server(&told), Genesis { random }).unwrap()),
        Err(_) => Box::new(SqliteLedger::open(&ledger(folder), Genesis { random }).unwrap()),
    }
}

/// Whether there is a ledger; none is made.
pub(super) fn is_there(folder: &Path) -> bool {
    match std::fs::read_to_string(folder.join(SERVER)) {
        Ok(told) => PostgresLedger::open_read_only(server(&told))
            .unwrap()
            .is_some(),
        Err(_) => ledger(folder).exists(),
    }
}

/// Where a folder says that its ledger is a database.
const SERVER: &str = "server";

/// Has the ledger of a story be this database.
pub(super) fn on_server(folder: &Path, database: &Database) {
    let ((host, port), (user, password)) = (database.address(), database.role());
    let place = (host, port, user, password, database.name());
    let told = serde_json::to_string(&place).unwrap();
    std::fs::write(folder.join(SERVER), told).unwrap();
}

fn server(told: &str) -> Server {
    let place: (String, u16, String, Option<String>, String) = serde_json::from_str(told).unwrap();
    let (host, port, user, password, database) = place;
    Server {
        hosts: vec![(host, port)],
        user,
        password: password.map(Secret::new),
        database,
        tls: TlsMode::Disable,
        roots: None,
        connect_ms: 10_000,
    }
}

/// The notes of a log outside of its ledger.
pub(super) fn outside(folder: &Path, store: &dyn LedgerStore) -> CheckpointFile {
    CheckpointFile::new(&folder.join("checkpoints"), &store.log())
}

pub(super) fn entries(store: &dyn LedgerStore) -> Vec<Entry> {
    let rows = store.scan(0, usize::MAX).unwrap();
    rows.into_iter().map(|row| row.entry.unwrap()).collect()
}

/// What stands in the folder before a story begins.
pub(super) fn prepare(folder: &Path, plan: &Plan) {
    for number in [1, NEIGHBOUR] {
        let files = workspace(folder, number);
        std::fs::create_dir(&files).unwrap();
        std::fs::write(files.join("a.txt"), AS_IT_WAS).unwrap();
    }
    if plan.long {
        let store = open(folder, plan.seed, 0);
        let placed = store.append(vec![earlier_work()]).unwrap();
        assert!(placed.iter().all(Result::is_ok));
    }
}

/// A long conversation in another workspace.
fn earlier_work() -> Batch {
    let trajectory = TrajectoryId::of(b"earlier");
    let subject = party("session", &SigningKey::from_seed(&[8; 32]));
    let root = Body::Root(body::Root {
        v: 1,
        workspace: "/srv/other".into(),
        tenant: String::new(),
        operator: party("ada", &operator_key()),
        subject,
        parent: None,
    });
    let said = (1..LONG).map(|number| {
        Body::Message(body::Message {
            role: body::Role::Operator,
            text: format!("{number}"),
            reasoning: String::new(),
            provider_state: None,
            turn: 0,
        })
    });
    let draft = |body: Body| Draft {
        trajectory,
        kind: body.kind(),
        at: NOON,
        writer: operator_key().public(),
        salt: Salt::from_bytes([6; 32]),
        body: body.encode().unwrap(),
    };
    Batch {
        trajectory,
        at_seq: 0,
        drafts: std::iter::once(root).chain(said).map(draft).collect(),
    }
}

/// Lives this process from its start to its end, or to its kill.
pub(super) fn live(cast: &Cast) -> End {
    let Cast { folder, points, .. } = cast;
    let file = ledger(folder);
    let opened = points.around("open", &file, || open(folder, cast.seed, cast.number));
    let store = Arc::new(Seam::over(opened, &file, points.clone()));
    if let Some(mishap) = &cast.mishap {
        mishap.arm(&store.inner, &file);
        if let Some(how) = cast.how.clone() {
            let trouble = Trouble::Under(how);
            store.inner.will(mishap.call, mishap.number, trouble);
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let mut end = runtime.block_on(async {
        let mut living = Living::start(cast, store.clone());
        living.go().await;
        living.after_mishap().await;
        living.leave().await
    });
    drop(runtime);
    let store = Arc::into_inner(store).expect("everything of the kernel is gone");
    (end.counts, end.failed) = (store.inner.counts(), store.inner.has_fired());
    points.around("close", &file, || drop(store));
    end
}

/// One process, while it lives.
pub(super) struct Living<'c> {
    pub(super) cast: &'c Cast,
    pub(super) plan: Plan,
    pub(super) store: Arc<Seam>,
    clock: Arc<SeamClock>,
    pub(super) model: Planned,
    dice: Dice,
    desk: Desk,
    pub(super) end: End,
    /// Nothing of the ledger fails any more.
    pub(super) well: bool,
}

impl<'c> Living<'c> {
    fn start(cast: &'c Cast, store: Arc<Seam>) -> Self {
        let plan = Plan::of(cast.seed);
        let model = Planned::new(plan.clone(), cast.points.clone());
        let clock = Arc::new(SeamClock::of(cast.number, cast.points.clone()));
        let kernel = Kernel::new(parts(cast, &plan, (&store, &clock, &model)));
        let kernel = kernel.expect("the tools are sound");
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
        Self {
            cast,
            plan,
            store,
            clock,
            model,
            dice: Dice::of(cast.seed, &format!("people {}", cast.number)),
            desk: Desk::over(link, tokio::spawn(serve(kernel, channels))),
            end: End::default(),
            well: false,
        }
    }

    pub(super) async fn ask(&mut self, command: Command) -> Replied {
        self.desk.ask(command).await
    }

    pub(super) async fn rest(&mut self) {
        tokio::time::sleep(REST).await;
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        // Past what fails: this is not the kernel's question.
        lines(&entries(self.store.inner.inner()))
    }

    /// Runs of this workspace, oldest first.
    fn runs(&self) -> Vec<TrajectoryId> {
        let own = self.cast.workspace();
        let ours = |line: &Line| match &line.body {
            Body::Root(root) => root.workspace == own,
            _ => false,
        };
        let all = self.lines();
        all.iter()
            .filter(|line| ours(line))
            .map(|line| line.trajectory)
            .collect()
    }

    /// Whether what goes wrong now is the ledger's fault.
    pub(super) fn is_failing(&self) -> bool {
        self.store.inner.has_fired() && !self.well
    }

    /// What should not have been replied, unless the ledger fails.
    pub(super) fn wrong(&mut self, what: &str, replied: &Replied) {
        match replied {
            Replied::Fault(fault) if self.is_failing() => self.end.said.push(fault.message.clone()),
            _ if self.is_failing() => {}
            _ => self.end.faults.push(format!("{what}: {replied:?}")),
        }
    }

    /// Asks for what is only accepted.
    pub(super) async fn accepted(&mut self, what: &str, command: Command) -> bool {
        let replied = self.ask(command).await;
        if replied != Replied::Accepted {
            self.wrong(what, &replied);
        }
        replied == Replied::Accepted
    }

    async fn rows(&mut self) -> Vec<RunRow> {
        match self.ask(Command::Runs).await {
            Replied::Runs(rows) => rows,
            other => {
                self.wrong("no runs", &other);
                Vec::new()
            }
        }
    }

    async fn holds(&mut self) -> Vec<HoldRow> {
        match self.ask(Command::Holds).await {
            Replied::Holds(rows) => rows,
            other => {
                self.wrong("no holds", &other);
                Vec::new()
            }
        }
    }

    async fn writs(&mut self, trajectory: TrajectoryId) -> Vec<WritRow> {
        match self.ask(Command::Writs { trajectory }).await {
            Replied::Writs(rows) => rows,
            other => {
                self.wrong("no writs", &other);
                Vec::new()
            }
        }
    }

    pub(super) async fn go(&mut self) {
        let runs = self.runs();
        for trajectory in &runs {
            let trajectory = *trajectory;
            let opened = self.ask(Command::Open { trajectory }).await;
            if !matches!(opened, Replied::Opened(_)) {
                self.wrong("not opened", &opened);
            }
        }
        let run = match runs.first() {
            Some(run) => *run,
            None => match self.ask(Command::begin(Mode::Auto)).await {
                Replied::Opened(status) => status.trajectory,
                other => return self.wrong("no run", &other),
            },
        };
        self.end.run = Some(run);
        self.rest().await;
        self.see_what_is_listed().await;
        self.answer().await;
        self.bind_skill(run).await;
        if !self.prompt(run).await {
            return;
        }
        if self.plan.undo {
            self.take_back(run).await;
        }
        if self.plan.branch {
            self.branch_off(run).await;
        }
    }

    /// Prompts until the model wanted everything.
    async fn prompt(&mut self, run: TrajectoryId) -> bool {
        for _ in 0..ROUNDS {
            if self.model.is_through() {
                return true;
            }
            let text = format!("go on, number {}", self.cast.number);
            self.say(run, text).await;
        }
        let turns = &self.plan.turns;
        let never = format!("it never came through {turns:?}");
        if !self.is_failing() {
            self.end.faults.push(never);
        }
        false
    }

    pub(super) async fn say(&mut self, trajectory: TrajectoryId, text: String) {
        let prompt = Command::Prompt { trajectory, text };
        self.accepted("not prompted", prompt).await;
        self.rest().await;
        self.answer().await;
    }

    /// `[X2]` What the record has without an end is what the kernel says is in doubt.
    async fn see_what_is_listed(&mut self) {
        let all = self.lines();
        let open = open_work(&all);
        let mut rows = self.rows().await;
        if self.is_failing() {
            return;
        }
        let runs = self.runs();
        rows.retain(|row| runs.contains(&row.trajectory));
        for row in rows {
            let own = open.iter().filter(|line| line.trajectory == row.trajectory);
            // A delegated run that is at work again, or waits, is no doubt.
            let (delegated, own): (Vec<_>, Vec<_>) = own.partition(|line| is_ordered(&all, line));
            let (least, most) = (own.len() as u64, (own.len() + delegated.len()) as u64);
            if row.in_doubt < least || row.in_doubt > most {
                let (run, listed) = (row.trajectory.short(), row.in_doubt);
                let fault = format!("{run}: {least} to {most} open, {listed} in doubt");
                self.end.faults.push(fault);
            }
        }
    }

    /// A person settles by what the sink says, and answers what is asked, until nothing is.
    async fn answer(&mut self) {
        for _ in 0..ROUNDS {
            let settled = self.settle().await;
            let (mut rows, runs) = (self.holds().await, self.runs());
            rows.retain(|row| runs.contains(&row.trajectory));
            if rows.is_empty() && !settled {
                return;
            }
            for row in rows {
                let deny = !self.cast.last && self.dice.once_in(5);
                let manner = if deny { Manner::Deny } else { Manner::Approve };
                let now = self.clock.now();
                let answer = approver::answer(&row, manner, "", &self.dice, now);
                // One that was answered by what happened meanwhile is stale, and that is its answer.
                self.ask(answer).await;
                self.rest().await;
            }
        }
        if !self.is_failing() {
            let fault = "people are asked without end".to_owned();
            self.end.faults.push(fault);
        }
    }

    async fn settle(&mut self) -> bool {
        let (all, runs) = (self.lines(), self.runs());
        let sink = Sink::of(&self.cast.folder);
        let mut settled = false;
        let own = open_work(&all).into_iter();
        for line in own.filter(|line| runs.contains(&line.trajectory)) {
            let Body::Started(work) = &line.body else {
                continue;
            };
            if is_ordered(&all, &line) {
                continue;
            }
            let happened = sink.has(&work.proposal);
            let command = Command::Settle {
                trajectory: line.trajectory,
                proposal: work.proposal,
                settlement: match happened {
                    true => Settlement::Happened,
                    false => Settlement::DidNotHappen,
                },
                reason: "the sink says so".to_owned(),
            };
            let replied = self.ask(command).await;
            // What waited for room is recorded before anything else is heard, and may be the end of this.
            let is_open = |one: &Line| one.id == line.id;
            if replied != Replied::Accepted && open_work(&self.lines()).iter().any(is_open) {
                self.wrong("not settled", &replied);
            }
            self.rest().await;
            settled = true;
        }
        settled
    }

    /// Looks once more at everything, and ends as a person ends it.
    async fn leave(mut self) -> End {
        self.see_what_is_listed().await;
        if self.cast.last {
            self.take_stock().await;
        }
        assert_eq!(self.ask(Command::Shutdown).await, Replied::Accepted);
        self.rest().await;
        self.end
    }

    async fn take_stock(&mut self) {
        let rows = self.rows().await;
        self.end.rest = rows
            .iter()
            .map(|row| Rest {
                trajectory: row.trajectory,
                in_doubt: row.in_doubt,
            })
            .collect();
        for trajectory in self.runs() {
            for row in self.writs(trajectory).await {
                let spent = |dimension| {
                    let mut bars = row.budget.iter();
                    bars.find(|bar| bar.dimension == dimension)
                        .map_or(0, |bar| bar.spent)
                };
                let cost = Cost {
                    tokens: spent(Dimension::Tokens),
                    tool_calls: spent(Dimension::ToolCalls),
                    wall_clock_ms: spent(Dimension::WallClockMs),
                    usd_millicents: spent(Dimension::UsdMillicents),
                };
                self.end.spent.push((trajectory, row.id, cost));
            }
        }
        self.end.findings = match self.ask(Command::Verify { since_last: false }).await {
            Replied::Verified(report) => {
                let found = report.findings.into_iter();
                found.map(|found| format!("{found:?}")).collect()
            }
            other => {
                self.wrong("no report", &other);
                Vec::new()
            }
        };
        let done = self
            .lines()
            .into_iter()
            .rev()
            .find_map(|line| match line.body {
                Body::Closed(body) if Some(line.trajectory) == self.end.run => Some(body.stop),
                _ => None,
            });
        if done != Some(Stop::Done) && !self.is_failing() {
            self.end.faults.push(format!("its run ended {done:?}"));
        }
    }
}

/// Whether this work is a delegated run that was ordered already.
fn is_ordered(all: &[Line], work: &Line) -> bool {
    let Body::Started(work) = &work.body else {
        return false;
    };
    let order = |line: &Line| match &line.body {
        Body::Delegation(order) => order.proposal == work.proposal,
        _ => false,
    };
    all.iter().any(order)
}

fn parts(
    cast: &Cast,
    plan: &Plan,
    (store, clock, model): (&Arc<Seam>, &Arc<SeamClock>, &Planned),
) -> KernelParts {
    let Cast { folder, points, .. } = cast;
    KernelParts {
        store: store.clone(),
        hands: Hands::InPlace,
        outside: Arc::new(SeamOutside {
            inner: Arc::new(outside(folder, store.as_ref())),
            points: points.clone(),
        }),
        snapshots: Arc::new(SeamSnapshots {
            inner: SnapshotFiles::new(&folder.join("snapshots"), &store.log(), ""),
            nowhere: folder.join("nowhere"),
            points: points.clone(),
        }),
        clock: clock.clone(),
        entropy: Arc::new(SeamEntropy {
            inner: SeededEntropy::new(cast.seed.wrapping_mul(1_000).wrapping_add(cast.number)),
            points: points.clone(),
        }),
        operator: "ada".into(),
        operator_key: operator_key(),
        retired_keys: Vec::new(),
        tenant: String::new(),
        roots: everybody(),
        tools: tools(folder, cast.number, store, points),
        workspace: cast.workspace().into(),
        rung: Rung::L3,
        policy: FixedPolicy::of(plan.rules()),
        redactor: REDACTOR.clone(),
        models: Arc::new(model.clone()),
        skills: Arc::new(Skills(vec![("careful".into(), SKILL.into())])),
        leases: Arc::new(NoLeases),
        limits: RunLimits {
            turns_max: 20,
            output_tokens_max: 1_000,
            context_tokens_max: 50_000,
        },
        terms: ModeTerms::standard(),
        continues: plan.continues,
        takes_up: true,
        retention_ms: 0,
        approvals: thymos_core::verdict::Tightening::none(),
    }
}
