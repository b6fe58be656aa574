//! `[Q2]` One governed step through the real ring: intent, started, commit, in a ledger in memory,
//! with a tool that does nothing. Touches no disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use thymos_core::isolation::Rung;
use thymos_core::writ::Mode;
use thymos_ports::Cognition;
use thymos_ports::cognition::ModelFault;
use thymos_protocol::{Command, Heads, Live, ModelRow, Replied, Reply, Request, Ticket};
use thymos_runtime::kernel::{FixedPolicy, RunLimits};
use thymos_runtime::modes::ModeTerms;
use thymos_runtime::redact::Redactor;
use thymos_runtime::skills::NoSkills;
use thymos_runtime::{Channels, Hands, Kernel, KernelParts, ModelSource, NoLeases, serve};
use thymos_testkit::fixtures::{NOON, operator_key, roots};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, FixedClock, MemoryStore, ScriptedModel, SeededEntropy};
use tokio::sync::{mpsc, watch};

/// Calls of one turn.
const CALLS: u32 = 32;

/// Turns of one trajectory; with [`CALLS`] it stays below the calls that a mode's writ allows.
const TURNS: u32 = 14;

/// A reading of the clock for each turn: what lies between two is [`CALLS`] steps.
type Marks = mpsc::UnboundedReceiver<Instant>;

struct OneModel(ScriptedModel);

impl ModelSource for OneModel {
    fn connect(&self, _name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault> {
        Ok(Arc::new(self.0.clone()))
    }

    fn list(&self) -> Vec<ModelRow> {
        Vec::new()
    }
}

/// A model that only calls, and tells when it is asked.
#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures real time, not the kernel's"
)]
fn model() -> (ScriptedModel, Marks) {
    let (asked, marks) = mpsc::unbounded_channel();
    let turn = AtomicU32::new(0);
    let model = ScriptedModel::answering(move |_| {
        // Who does not listen any more has all the marks it wants.
        asked.send(Instant::now()).ok();
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        if turn == TURNS {
            return Ok(says("done"));
        }
        let args = |call: u32| json!({"key": format!("item-{}", turn * CALLS + call)});
        let wanted: Vec<(&str, Value)> = (0..CALLS).map(|call| ("kv_get", args(call))).collect();
        Ok(calls(wanted))
    });
    (model, marks)
}

fn parts(model: ScriptedModel) -> KernelParts {
    KernelParts {
        store: Arc::new(MemoryStore::new()),
        clock: Arc::new(FixedClock::at(NOON)),
        entropy: Arc::new(SeededEntropy::new(1)),
        operator: "ada".into(),
        operator_key: operator_key(),
        retired_keys: Vec::new(),
        tenant: String::new(),
        roots: roots(),
        tools: vec![FakeTool::new("kv_get").brief().port()],
        workspace: "/srv/app".into(),
        rung: Rung::L3,
        policy: FixedPolicy::builtin(),
        hands: Hands::Threads,
        redactor: Arc::new(Redactor::new(Vec::new(), [7; 32])),
        models: Arc::new(OneModel(model)),
        skills: Arc::new(NoSkills),
        leases: Arc::new(NoLeases),
        outside: Arc::new(thymos_runtime::checkpoint::Nowhere),
        snapshots: Arc::new(thymos_runtime::snapshot::NoSnapshots),
        limits: RunLimits {
            turns_max: u32::MAX,
            output_tokens_max: 1_000,
            context_tokens_max: 100_000,
        },
        terms: ModeTerms::standard(),
        continues: false,
        takes_up: true,
        retention_ms: 0,
        approvals: thymos_core::verdict::Tightening::none(),
    }
}

/// One trajectory from its prompt to its end; what each turn took.
async fn trajectory() -> Option<Vec<Duration>> {
    let (model, mut marks) = model();
    let kernel = Kernel::new(parts(model)).ok()?;
    let (requests, asked) = mpsc::channel(8);
    let (replies, mut answers) = mpsc::channel::<Reply>(8);
    let channels = Channels {
        requests: asked,
        replies,
        bell: watch::Sender::new(Heads::default()),
        live: watch::Sender::new(Live::default()),
    };
    let served = tokio::spawn(serve(kernel, channels));
    let ask = |number, command| {
        requests.send(Request {
            ticket: Ticket(number),
            command,
        })
    };
    ask(0, Command::begin(Mode::Auto)).await.ok()?;
    let Replied::Opened(status) = answers.recv().await?.replied else {
        return None;
    };
    let trajectory = status.trajectory;
    let text = "work".to_owned();
    ask(1, Command::Prompt { trajectory, text }).await.ok()?;
    let mut turns = Vec::new();
    let mut last = marks.recv().await?;
    while turns.len() < TURNS as usize {
        let next = marks.recv().await?;
        turns.push(next - last);
        last = next;
    }
    drop(requests);
    served.await.ok()?;
    Some(turns)
}

/// What so many steps take, setting up left out.
async fn steps(count: u64) -> Duration {
    let (mut took, mut done) = (Duration::ZERO, 0_u64);
    while done < count {
        for turn in trajectory().await.unwrap_or_default() {
            took += turn;
            done += u64::from(CALLS);
        }
    }
    took.mul_f64(count as f64 / done as f64)
}

fn step(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    let Ok(runtime) = runtime else { return };
    c.bench_function("q2_governed_step", |b| {
        b.iter_custom(|count| runtime.block_on(steps(count)));
    });
}

criterion_group!(benches, step);
criterion_main!(benches);
