//! One story: its world, its processes, and how it is told from its beginning to its end.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use thymos_core::TrajectoryId;
use thymos_core::body::{Body, BodyState};
use thymos_core::budget::{Budget, Cost, Dimension};
use thymos_core::isolation::Rung;
use thymos_core::secret::Secret;
use thymos_core::writ::Mode;
use thymos_ports::Clock;
use thymos_protocol::{Command, Replied};
use thymos_runtime::kernel::RunLimits;
use thymos_runtime::modes::ModeTerms;
use thymos_runtime::redact::Redactor;
use thymos_runtime::skills::NoSkills;
use thymos_runtime::{Hands, KernelParts};
use thymos_testkit::SeededEntropy;
use thymos_testkit::fixtures::operator_key;
use thymos_testkit::secrets::{HELD, known_forms};

use crate::flow::place::Place;

use super::actions;
use super::approver::everybody;
use super::disk::Disk;
use super::draw::Dice;
use super::ground::{Asking, Life, SimClock, SimLeases};
use super::model::SimModel;
use super::policy::{Rules, SHELVES};
use super::process::Process;
use super::shared::Shared;
use super::told::{Rest, Told, View, lines};
use super::tools::{ONCE, Outside, Workshop};

/// Things that happen in one story.
const ACTIONS: u64 = 24;

/// Long enough for everything that can end to end: acts, cancelled ones, expiries.
const REST: Duration = Duration::from_secs(200);

/// Made once: it keeps nothing from one use to the next.
static REDACTOR: LazyLock<Arc<Redactor>> =
    LazyLock::new(|| Arc::new(Redactor::new(vec![Secret::new(HELD.to_owned())], [7; 32])));

/// A story that is being told.
pub(super) struct Story {
    seed: u64,
    pub(super) dice: Dice,
    pub(super) ledger: Shared,
    pub(super) clock: Arc<SimClock>,
    pub(super) rules: Rules,
    pub(super) outside: Outside,
    pub(super) processes: Vec<Process>,
    pub(super) trajectories: Vec<TrajectoryId>,
    /// Holds that were seen, for answers that come too late.
    pub(super) seen: Vec<thymos_protocol::HoldRow>,
    pub(super) wrong: Vec<String>,
    pub(super) secrets: Vec<String>,
    leases: SimLeases,
    /// Outlives every process, as a cache folder does.
    snapshots: Place,
    folder: TempDir,
    calm: Arc<AtomicBool>,
    wanted: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
    started: u64,
    terms: ModeTerms,
    views: Vec<View>,
    steps: Vec<String>,
    aloud: bool,
    told: usize,
}

/// Tells the story of a seed. `aloud` prints each step and each entry.
pub(super) fn tell(seed: u64, aloud: bool) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut story = Story::begin(seed, aloud);
        story.go().await;
        story.end().await
    })
}

/// Budgets: sometimes so tight that they are the story.
fn terms(dice: &Dice) -> ModeTerms {
    let standard = ModeTerms::standard();
    if !dice.once_in(3) {
        return standard;
    }
    ModeTerms {
        budget: Budget {
            tokens: Some(2_000 + dice.below(8_000)),
            tool_calls: Some(4 + dice.below(20)),
            wall_clock_ms: Some(60_000 + dice.below(600_000)),
            usd_millicents: Some(40 + dice.below(300)),
        },
        window_ms: 60 * 60 * 1000 * (1 + dice.below(24)),
    }
}

impl Story {
    fn begin(seed: u64, aloud: bool) -> Self {
        let dice = Dice::of(seed, "story");
        let mut secrets = vec![HELD.to_owned()];
        secrets.extend(known_forms().into_iter().take(3).map(|fake| fake.bare));
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("tmp")).unwrap();
        Self {
            seed,
            terms: terms(&dice),
            dice,
            ledger: match seed.is_multiple_of(3) {
                true => Shared::in_file(folder.path()),
                false => Shared::in_memory(),
            },
            clock: Arc::new(SimClock::start()),
            rules: Rules::builtin(),
            outside: Outside::default(),
            processes: Vec::new(),
            trajectories: Vec::new(),
            seen: Vec::new(),
            wrong: Vec::new(),
            secrets,
            leases: SimLeases::default(),
            // Few entries apart, so that most of what is opened again is opened from one.
            snapshots: Place::every(12).checking(),
            folder,
            calm: Arc::default(),
            wanted: Arc::default(),
            started: 0,
            views: Vec::new(),
            steps: Vec::new(),
            aloud,
            told: 0,
        }
    }

    async fn go(&mut self) {
        if self.dice.once_in(2) {
            self.rules.choose(self.dice.below(SHELVES));
        }
        self.start_process();
        let mode = *self.dice.pick(&[Mode::Edit, Mode::Auto]).unwrap();
        self.new_trajectory(mode).await;
        for _ in 0..ACTIONS {
            actions::act(self).await;
            self.wait().await;
            self.bury().await;
            self.tell_entries();
        }
    }

    /// Everything comes to rest, a last process looks at it, and the record is taken.
    async fn end(mut self) -> Told {
        self.calm.store(true, Ordering::SeqCst);
        for process in std::mem::take(&mut self.processes) {
            process.disk.calm();
            self.stop(process).await;
        }
        self.say("the last process".to_owned());
        self.start_process();
        // What is found again may go on, ask, and be ended; then nothing goes on any more.
        for _ in 0..3 {
            for trajectory in self.all() {
                self.ask(Command::Open { trajectory }).await;
            }
            tokio::time::sleep(REST).await;
            for trajectory in self.all() {
                self.ask(Command::Interrupt { trajectory }).await;
            }
            tokio::time::sleep(REST).await;
        }
        self.look().await;
        let rest = self.rest().await;
        let findings = match self.ask(Command::Verify { since_last: false }).await {
            Some(Replied::Verified(report)) => {
                let told = |found| format!("{found:?}");
                report.findings.into_iter().map(told).collect()
            }
            other => vec![format!("no report: {other:?}")],
        };
        let last = self.processes.remove(0);
        self.stop(last).await;
        self.tell_entries();
        let entries = self.ledger.entries();
        Told {
            lines: lines(&entries),
            blobs: self.blobs(&entries),
            checkpoints: self.ledger.store.checkpoints(0).unwrap(),
            entries,
            runs: self.outside.runs(),
            once: ONCE,
            secrets: self.secrets,
            views: self.views,
            rest,
            wrong: self.wrong,
            findings,
            steps: self.steps,
        }
    }

    /// Every blob that an entry names.
    fn blobs(&self, entries: &[thymos_core::Entry]) -> Vec<Vec<u8>> {
        let named = entries.iter().filter_map(|entry| match entry.decode() {
            BodyState::Known(Body::Commit(body)) => body.outcome.output,
            _ => None,
        });
        let kept = named.filter_map(|blob| self.ledger.store.blob(&blob.digest).unwrap());
        kept.collect()
    }

    pub(super) fn say(&mut self, step: String) {
        if self.aloud {
            println!("{} {step}", self.clock.now());
        }
        self.steps.push(step);
    }

    fn tell_entries(&mut self) {
        let entries = self.ledger.entries();
        if self.aloud {
            for line in lines(&entries[self.told..]) {
                println!("{}", line.told());
            }
        }
        self.told = entries.len();
    }

    pub(super) fn start_process(&mut self) {
        self.started += 1;
        let number = self.started;
        let life = Life::default();
        let disk = Disk::new(&self.ledger, life.clone());
        let parts = self.parts(number, &life, &disk);
        self.processes
            .push(Process::start(number, life, disk, parts));
    }

    fn parts(&self, number: u64, life: &Life, disk: &Disk) -> KernelParts {
        let shop = Workshop {
            outside: self.outside.clone(),
            dice: Dice::of(self.seed, &format!("tools {number}")),
            life: life.clone(),
            store: self.ledger.store.clone(),
            secrets: self.secrets.clone(),
            calm: self.calm.clone(),
        };
        let model = SimModel {
            dice: Dice::of(self.seed, &format!("model {number}")),
            life: life.clone(),
            secrets: self.secrets.clone(),
            wanted: self.wanted.clone(),
            calm: self.calm.clone(),
        };
        KernelParts {
            store: Arc::new(disk.clone()),
            hands: Hands::InPlace,
            outside: Arc::new(thymos_runtime::checkpoint::Nowhere),
            snapshots: Arc::new(self.snapshots.clone()),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(
                self.seed.wrapping_mul(1_000).wrapping_add(number),
            )),
            operator: "ada".into(),
            operator_key: operator_key(),
            retired_keys: Vec::new(),
            tenant: String::new(),
            roots: everybody(),
            tools: shop.tools(self.folder.path()),
            workspace: "/srv/app".into(),
            rung: Rung::L3,
            policy: Arc::new(self.rules.clone()),
            redactor: REDACTOR.clone(),
            models: Arc::new(model),
            skills: Arc::new(NoSkills),
            leases: Arc::new(Asking {
                leases: self.leases.clone(),
                process: number,
            }),
            limits: RunLimits {
                turns_max: 6,
                output_tokens_max: 1_000,
                // In some stories so little that older turns have to be summed up.
                context_tokens_max: match self.seed.is_multiple_of(7) {
                    true => 400,
                    false => 50_000,
                },
            },
            terms: self.terms,
            continues: self.seed.is_multiple_of(2),
            takes_up: true,
            retention_ms: 0,
            approvals: thymos_core::verdict::Tightening::none(),
        }
    }

    /// Asks the first process.
    pub(super) async fn ask(&mut self, command: Command) -> Option<Replied> {
        self.ask_of(0, command).await
    }

    pub(super) async fn ask_of(&mut self, process: usize, command: Command) -> Option<Replied> {
        let replied = self.processes[process].ask(command).await;
        if self.aloud
            && let Some(Replied::Fault(fault)) = &replied
        {
            println!("    it says: {}", fault.message);
        }
        replied
    }

    pub(super) async fn new_trajectory(&mut self, mode: Mode) {
        if let Some(Replied::Opened(status)) = self.ask(Command::begin(mode)).await {
            self.trajectories.push(status.trajectory);
        }
    }

    /// Waits a drawn while: for everything, for a moment, or hardly.
    async fn wait(&mut self) {
        match self.dice.below(10) {
            0..=3 => {
                tokio::time::sleep(REST).await;
                self.look().await;
            }
            4..=6 => {
                let ms = self.dice.below(3_000);
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            _ => {
                for _ in 0..self.dice.below(30) {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Buries processes that ended or may not go on, and starts another where none is left.
    async fn bury(&mut self) {
        let ended = |process: &Process| process.life.is_over() || process.disk.is_poisoned();
        while let Some(at) = self.processes.iter().position(ended) {
            let process = self.processes.remove(at);
            self.say(format!("process {} is gone", process.number));
            let number = process.number;
            process.kill().await;
            self.leases.free(number);
        }
        if self.processes.is_empty() {
            self.start_process();
            self.reopen().await;
        }
    }

    /// A fresh process opens some of what there is; the rest it finds when it is asked.
    pub(super) async fn reopen(&mut self) {
        for trajectory in self.trajectories.clone() {
            if self.dice.once_in(2) {
                self.ask(Command::Open { trajectory }).await;
            }
        }
    }

    pub(super) async fn stop(&mut self, process: Process) {
        let number = process.number;
        process.shut_down().await;
        self.leases.free(number);
    }

    pub(super) async fn kill(&mut self, process: Process) {
        let number = process.number;
        process.kill().await;
        self.leases.free(number);
    }

    /// Every trajectory of the ledger, in order of their first entries.
    pub(super) fn all(&self) -> Vec<TrajectoryId> {
        let entries = self.ledger.entries();
        let roots = entries.iter().filter(|entry| entry.header.seq == 0);
        roots.map(|entry| entry.header.trajectory).collect()
    }

    /// What the first process's sessions say of themselves, where nothing goes on.
    async fn look(&mut self) {
        if self.processes[0].life.is_over() || self.processes[0].disk.is_poisoned() {
            return;
        }
        let Some(Replied::Holds(rows)) = self.ask(Command::Holds).await else {
            return;
        };
        self.seen.extend(rows.iter().cloned());
        for trajectory in self.trajectories.clone() {
            let log_len = self.ledger.store.len().unwrap();
            let Some(view) = self.view(trajectory, log_len, &rows).await else {
                continue;
            };
            let news = self
                .views
                .iter()
                .rev()
                .find(|one| one.trajectory == trajectory);
            let news = news != Some(&view);
            if news && self.ledger.store.len() == Ok(log_len) {
                self.views.push(view);
            }
        }
    }

    async fn view(
        &mut self,
        trajectory: TrajectoryId,
        log_len: u64,
        rows: &[thymos_protocol::HoldRow],
    ) -> Option<View> {
        let Some(Replied::Writs(writs)) = self.ask(Command::Writs { trajectory }).await else {
            return None;
        };
        let command = Command::Open { trajectory };
        let Some(Replied::Opened(status)) = self.ask(command).await else {
            return None;
        };
        let seq = status.head_seq;
        let Some(Replied::World(world)) = self.ask(Command::WorldAt { trajectory, seq }).await
        else {
            return None;
        };
        let cost = |row: &thymos_protocol::WritRow| {
            let spent = |dimension| {
                let mut bars = row.budget.iter();
                bars.find(|bar| bar.dimension == dimension)
                    .map_or(0, |bar| bar.spent)
            };
            Cost {
                tokens: spent(Dimension::Tokens),
                tool_calls: spent(Dimension::ToolCalls),
                wall_clock_ms: spent(Dimension::WallClockMs),
                usd_millicents: spent(Dimension::UsdMillicents),
            }
        };
        let own = rows.iter().filter(|row| row.trajectory == trajectory);
        let holds: BTreeSet<_> = own.map(|row| row.card.proposal).collect();
        Some(View {
            trajectory,
            log_len,
            at: self.clock.now(),
            spent: writs.iter().map(|row| (row.id, cost(row))).collect(),
            holds: holds.into_iter().collect(),
            world: world.digest,
        })
    }

    async fn rest(&mut self) -> Vec<Rest> {
        let Some(Replied::Runs(rows)) = self.ask(Command::Runs).await else {
            return Vec::new();
        };
        let mut rest: Vec<Rest> = rows
            .into_iter()
            .map(|row| Rest {
                trajectory: row.trajectory,
                in_doubt: row.in_doubt,
            })
            .collect();
        rest.sort_by_key(|row| row.trajectory);
        rest
    }
}
