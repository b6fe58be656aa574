//! Governed work to measure: a model that only calls one tool, a tool that does nothing, and marks.
//!
//! The ring is the real one, with the real link, gate and ledger; only the model is ours.

use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::outcome::Outcome;
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_core::writ::Mode;
use thymos_core::{Digest, Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::cognition::{
    Context, ModelFault, ModelIdentity, ProposedCall, Streamed, TokenUsage, Turn, TurnStop,
};
use thymos_ports::store::{
    Batch, Conflict, Found, Head, Piece, StoreError, StoredRow, Unfit, Watch,
};
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, Cognition, LedgerStore, Tool};
use thymos_protocol::{Command, Event, Replied, What};
use tokio_util::sync::CancellationToken;

use super::{Bench, fault};
use crate::error::AppError;
use crate::term::Monotonic;
use crate::verbs::client::Client;
use crate::wire::bench as adapters;

/// Calls of one turn.
pub(super) const CALLS: u32 = 32;

/// Turns of one trajectory; with [`CALLS`] it stays below the calls that a mode's writ allows.
pub(super) const TURNS: u32 = 14;

/// How often it is asked whether the work is done.
const LOOK: Duration = Duration::from_millis(100);

/// What the calls are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A tool that does nothing, under a name that every mode grants.
    Nothing,
    /// The real `kv_set`, a new key each time.
    Writes,
}

impl Work {
    const fn tool(self) -> &'static str {
        match self {
            Self::Nothing => "kv_get",
            Self::Writes => "kv_set",
        }
    }
}

/// When turns and calls began, and how many appends there were by then.
#[derive(Default)]
pub(super) struct Marks {
    turns: Mutex<Vec<Duration>>,
    calls: Mutex<Vec<(Duration, u64)>>,
    appends: AtomicU64,
}

impl Marks {
    /// Mean time of a call within each turn: from one thought to the next, over its calls.
    pub(super) fn steps(&self) -> Vec<Duration> {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        pairs(&turns)
            .map(|(from, to)| (*to - *from) / CALLS)
            .collect()
    }

    /// Time and appends from one call to the next of the same turn: a seal, a decision, a start.
    pub(super) fn gaps(&self) -> Vec<(Duration, u64)> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls
            .chunks(CALLS as usize)
            .flat_map(|turn| pairs(turn).map(|(a, b)| (b.0 - a.0, b.1 - a.1)))
            .collect()
    }
}

fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    all.iter().zip(all.iter().skip(1))
}

/// A trajectory that was worked on.
pub(super) struct Worked {
    pub(super) trajectory: TrajectoryId,
    pub(super) marks: Arc<Marks>,
    /// What asking for the world at half of it took, and at its end.
    pub(super) world: Vec<Duration>,
}

/// Lets one trajectory do [`TURNS`] turns of [`CALLS`] calls on this ledger.
pub(super) fn work(
    bench: &Bench,
    store: Arc<dyn LedgerStore>,
    kind: Work,
) -> Result<Worked, AppError> {
    let marks = Arc::new(Marks::default());
    let inner: Arc<dyn Tool> = match kind {
        Work::Nothing => Arc::new(Nothing::new()),
        Work::Writes => adapters::tool(kind.tool(), &bench.scratch)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(fault)?;
    let parts = adapters::Parts {
        store: Arc::new(Counted {
            inner: store,
            marks: marks.clone(),
        }),
        tools: vec![Arc::new(Marked {
            inner,
            marks: marks.clone(),
            clock: bench.clock.clone(),
        })],
        model: Arc::new(Script {
            tool: kind.tool(),
            turn: AtomicU32::new(0),
            marks: marks.clone(),
            clock: bench.clock.clone(),
        }),
        snapshots: None,
        outside: None,
    };
    let (link, served) = adapters::serve(&runtime, parts)?;
    let mut client = Client::new(link);
    runtime.block_on(async {
        let trajectory = run(&mut client).await?;
        let world = worlds(bench, &mut client, trajectory).await?;
        client.shut_down().await;
        drop(served.await);
        Ok(Worked {
            trajectory,
            marks,
            world,
        })
    })
}

async fn run(client: &mut Client) -> Result<TrajectoryId, AppError> {
    let opened = client.ask(Command::begin(Mode::Auto)).await?;
    let Replied::Opened(status) = opened else {
        return Err(fault("no trajectory was opened"));
    };
    let trajectory = status.trajectory;
    let text = "work".to_owned();
    client.ask(Command::Prompt { trajectory, text }).await?;
    // Looks seldom, and at what comes after the work: pulling all of it would be measured with it.
    let mut from_seq = u64::from(TURNS * CALLS * 3);
    loop {
        tokio::time::sleep(LOOK).await;
        let page = Command::Page {
            trajectory,
            from_seq,
            limit: 256,
        };
        let Replied::Page(page) = client.ask(page).await? else {
            return Err(fault("the kernel gave no page"));
        };
        let closed = |event: &Event| matches!(event.what, What::Closed { .. });
        if page.events.iter().any(closed) {
            return Ok(trajectory);
        }
        from_seq += page.events.len() as u64;
    }
}

async fn worlds(
    bench: &Bench,
    client: &mut Client,
    trajectory: TrajectoryId,
) -> Result<Vec<Duration>, AppError> {
    let mut took = Vec::new();
    for share in 1..=5 {
        let seq = u64::from(TURNS * CALLS * 3) * share / 5;
        let from = bench.now();
        client.ask(Command::WorldAt { trajectory, seq }).await?;
        took.push(bench.now() - from);
    }
    Ok(took)
}

/// The model: so many turns of so many calls, then no more.
struct Script {
    tool: &'static str,
    turn: AtomicU32,
    marks: Arc<Marks>,
    clock: Monotonic,
}

#[async_trait]
impl Cognition for Script {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            provider: "bench".into(),
            model: "script".into(),
            context_tokens: None,
        }
    }

    async fn propose(
        &self,
        _context: &Context,
        _sink: &mut (dyn for<'bit> FnMut(Streamed<'bit>) + Send),
        _cancel: &CancellationToken,
    ) -> Result<Turn, ModelFault> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let at = (self.clock)();
        let turns = self.marks.turns.lock();
        turns.unwrap_or_else(PoisonError::into_inner).push(at);
        let calls = if turn < TURNS { CALLS } else { 0 };
        let call = |n: u32| ProposedCall {
            call: format!("c{n}"),
            tool: self.tool.to_owned(),
            args: args(self.tool, turn * CALLS + n),
            malformed: None,
        };
        Ok(Turn {
            text: String::new(),
            reasoning: String::new(),
            provider_state: None,
            calls: (0..calls).map(call).collect(),
            stop: if calls == 0 {
                TurnStop::Done
            } else {
                TurnStop::Calls
            },
            usage: TokenUsage::default(),
            attempts: 1,
        })
    }
}

fn args(tool: &str, number: u32) -> Value {
    let key = format!("item-{number}");
    if tool == "kv_set" {
        return json!({"key": key, "value": {"number": number, "text": "what a step keeps"}});
    }
    json!({ "key": key })
}

/// Any tool, with a mark whenever it is run.
struct Marked {
    inner: Arc<dyn Tool>,
    marks: Arc<Marks>,
    clock: Monotonic,
}

#[async_trait]
impl Tool for Marked {
    fn contract(&self) -> &ToolContract {
        self.inner.contract()
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        self.inner.resolve(args, look).await
    }

    fn order(&self, args: &Value) -> Option<Order> {
        self.inner.order(args)
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        self.inner.overwrites(resolved, keep);
    }

    fn is_brief(&self) -> bool {
        self.inner.is_brief()
    }

    async fn probe(&self, proposal: &Proposal, look: &Look<'_>) -> Probed {
        self.inner.probe(proposal, look).await
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let mark = ((self.clock)(), self.marks.appends.load(Ordering::Relaxed));
        let calls = self.marks.calls.lock();
        calls.unwrap_or_else(PoisonError::into_inner).push(mark);
        self.inner.run(begun, io).await
    }

    async fn verify(
        &self,
        begun: &Begun,
        outcome: &Outcome,
        io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        self.inner.verify(begun, outcome, io).await
    }
}

/// The tool that does nothing.
struct Nothing {
    contract: ToolContract,
}

impl Nothing {
    fn new() -> Self {
        Self {
            contract: ToolContract {
                operator_only: false,
                name: Work::Nothing.tool().to_owned(),
                version: 1,
                description: "does nothing".to_owned(),
                schema: json!({
                    "type": "object",
                    "properties": {"key": {"type": "string"}},
                    "required": ["key"],
                    "additionalProperties": false
                }),
                effect_floor: EffectClass::Pure,
                risk_floor: Risk::Low,
                repeat: Repeat::Free,
                recovery: Recovery::Idempotent,
                compensation: Compensation::Unneeded,
            },
        }
    }
}

#[async_trait]
impl Tool for Nothing {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    async fn resolve(&self, _args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        Ok(Resolved::pure())
    }

    fn order(&self, _args: &Value) -> Option<Order> {
        None
    }

    fn overwrites(&self, _resolved: &Resolved, _keep: Keep<'_>) {}

    fn is_brief(&self) -> bool {
        true
    }

    async fn probe(&self, _proposal: &Proposal, _look: &Look<'_>) -> Probed {
        Probed::Unknown
    }

    async fn run(&self, _begun: &Begun, _io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        Ok(Outcome::said("did nothing", "did nothing"))
    }

    async fn verify(
        &self,
        _begun: &Begun,
        _outcome: &Outcome,
        _io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        Ok(())
    }
}

/// A ledger that counts appends: each is one transaction, and one sync.
struct Counted {
    inner: Arc<dyn LedgerStore>,
    marks: Arc<Marks>,
}

impl LedgerStore for Counted {
    fn log(&self) -> LogId {
        self.inner.log()
    }

    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        self.marks.appends.fetch_add(1, Ordering::Relaxed);
        self.inner.append(batches)
    }

    fn appends_are_short(&self) -> bool {
        self.inner.appends_are_short()
    }

    fn page(
        &self,
        trajectory: &TrajectoryId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.page(trajectory, seq, limit)
    }

    fn scan(&self, index: u64, limit: usize) -> Result<Vec<StoredRow>, StoreError> {
        self.inner.scan(index, limit)
    }

    fn node(&self, node: Node) -> Result<TreeHash, StoreError> {
        self.inner.node(node)
    }

    fn adopt(
        &self,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        self.inner.adopt(log, pieces)
    }

    fn put_checkpoint(&self, size: u64, note: &str) -> Result<(), StoreError> {
        self.inner.put_checkpoint(size, note)
    }

    fn checkpoints(&self, from_size: u64) -> Result<Vec<(u64, String)>, StoreError> {
        self.inner.checkpoints(from_size)
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.inner.entry(id)
    }

    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.inner.heads()
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.inner.len()
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        self.inner.find_prefix(prefix, limit)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.inner.put_blob(bytes)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.blob(digest)
    }

    fn put_sealed_blob(&self, envelope: &[u8]) -> Result<Digest, StoreError> {
        self.inner.put_sealed_blob(envelope)
    }

    fn sealed_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.sealed_blob(digest)
    }

    fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        self.inner.lacking(digests)
    }

    fn watch(&self, bell: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        self.inner.watch(bell)
    }
}

/// A ledger of this name in the scratch folder.
pub(super) fn ledger(bench: &Bench, name: &str) -> Result<Arc<dyn LedgerStore>, AppError> {
    adapters::ledger(Path::new(&bench.file(name)))
}
