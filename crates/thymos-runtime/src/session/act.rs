//! Begin, act, seal: the only place where a tool's body is called `[X1]` `[X4]` `[X5]`.

use std::future::{poll_fn, ready};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use thymos_compiler::Warrant;
use thymos_core::IntentId;
use thymos_core::body::{self, Body};
use thymos_core::budget::Cost;
use thymos_core::delta::Delta;
use thymos_core::outcome::{Fault, FaultKind, Outcome};
use thymos_core::resolved::{Access, ResolvedPath};
use thymos_core::world::{Unmet, World};
use thymos_ports::tool::{ToolFault, ToolIo};
use thymos_ports::{Begun, Tool};
use thymos_protocol::LiveOutput;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Activity, Inside, Job, RecordError, Session};
use crate::kernel::Kernel;
use crate::memory::Recall;
use crate::service::Shared;
use crate::vault::VaultError;
use crate::words;

/// A tool that does not say how long it may take gets this long.
const ACT_MS_DEFAULT: u64 = 120_000;

/// What a cancelled tool has to wind up before it is dropped `[X4]`.
const CANCEL_GRACE_MS: u64 = 900;

/// Of an effect that is not what its tool said of it.
const UNKNOWN_CHANGE: &str = "what it changed is not in the record, and no undo knows it";

/// Bytes of live output kept for the screen.
const LIVE_TAIL_BYTES: usize = 8 * 1024;

impl Session {
    /// Spends a warrant: announces it durably, then lets the tool act beside the task.
    pub(super) async fn begin(&mut self, intent: IntentId, warrant: Warrant) {
        match self.announce(intent, warrant).await {
            Ok(Some(begun)) if self.cut_meanwhile(&begun) => {
                let cut = fault(FaultKind::Cancelled, "its writ was revoked as it began");
                self.seal_undone(begun, cut).await;
            }
            Ok(Some(begun)) => match self.used_meanwhile(&begun).await {
                Some(why) => {
                    let used = fault(FaultKind::Moved, &why);
                    self.seal_undone(begun, used).await;
                }
                None => self.act(begun).await,
            },
            Ok(None) => {}
            Err(error) => self.break_on(error, None),
        }
    }

    /// `[W7]` Whether a link was revoked on a trajectory above after the gate had looked there. Its
    /// record and this one are not appended to together, so there is a last look once this stands.
    fn cut_meanwhile(&mut self, begun: &Begun) -> bool {
        if self.lineage.is_empty() {
            return false;
        }
        // Where nobody can tell, nothing is done.
        let cut = self.revoked_now();
        cut.map_or(true, |cut| {
            let mut links = begun.proposal().writs.iter();
            links.any(|link| cut.contains(link))
        })
    }

    /// `[X3]` Why a call that happens once may not be made after all: another trajectory has announced the
    /// same one meanwhile. Each announces before it looks, so that of two at least one sees the other.
    async fn used_meanwhile(&mut self, begun: &Begun) -> Option<String> {
        let intent = begun.proposal().intent.clone();
        let id = intent.id().ok()?;
        if !self.once_for(&id, &intent) {
            return None;
        }
        let resolved = begun.proposal().resolved.as_ref()?;
        let key = match self.key_of(&intent, resolved) {
            Ok(key) => key,
            Err(invalid) => return Some(invalid.to_string()),
        };
        let (k, shared, own) = (self.k.clone(), self.shared.clone(), self.p.trajectory);
        let look = move || shared.key_used_by_now(&k, &own, &key);
        // Where nobody can tell, nothing is done.
        match self.k.parts.hands.beside(look).await {
            Ok(Ok(found)) => found.map(|found| found.to_string()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic.to_string()),
        }
    }

    async fn announce(
        &mut self,
        intent: IntentId,
        warrant: Warrant,
    ) -> Result<Option<Begun>, RecordError> {
        let decided = warrant.to_announce();
        let proposal = warrant.proposal_id()?;
        let key = decided.proposal.idempotency_key(&decided.facts.tenant)?;
        let reserved = decided
            .proposal
            .resolved
            .as_ref()
            .map_or(Cost::default(), |r| r.estimate);
        let was_held = self.p.holds.contains_key(&proposal);
        self.keep_overwritten(&warrant).await?;
        let started = Body::Started(Box::new(body::Started {
            decided,
            proposal,
            key,
            rung: self.k.parts.rung,
            approvals: warrant.approvals().to_vec(),
            reserved,
            pre_answered: warrant.pre_answered().to_vec(),
        }));
        match self.record(vec![started]).await {
            Ok(entries) => {
                let folded = self.p.open_work.get(&proposal);
                let begun = entries
                    .first()
                    .zip(folded)
                    .and_then(|(entry, work)| Begun::from_started(warrant, entry, &work.body).ok());
                let call = self.p.calls.get(&intent);
                let compensates = call.and_then(|call| call.compensates);
                Ok(begun.map(|begun| begun.compensating(compensates)))
            }
            // The permission is gone with the warrant; whatever happened meanwhile is folded, so
            // the gate is asked again.
            Err(RecordError::Moved) => {
                let job = if was_held {
                    Job::Admit(proposal)
                } else {
                    Job::Decide(intent)
                };
                self.queue.push_front(job);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// `[O2]` Keeps what the call is about to overwrite. The store syncs nothing for that: it is durable
    /// with the announcement, which comes next, and so before the effect `[X1]`.
    async fn keep_overwritten(&self, warrant: &Warrant) -> Result<(), RecordError> {
        let changes = |path: &ResolvedPath| {
            path.access != Access::Read && path.before.is_some() && path.before != path.after
        };
        let resolved = warrant.resolved();
        let resolved = resolved.filter(|resolved| resolved.paths.iter().any(changes));
        let tool = self.k.tool(&warrant.proposal().intent.tool);
        let (Some(resolved), Some(tool)) = (resolved.cloned(), tool) else {
            return Ok(());
        };
        let k = self.k.clone();
        let kept = self.k.parts.hands.beside(move || {
            let mut refused = None;
            tool.overwrites(&resolved, &mut |content| match k.vault.keep(content) {
                Ok(_) => true,
                Err(VaultError::Store(error)) => {
                    refused = Some(error);
                    false
                }
                // The call itself cannot keep it either, and says so.
                Err(VaultError::TooLarge(_) | VaultError::Unreadable(_)) => true,
            });
            refused
        });
        match kept.await {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(RecordError::Store(error)),
            // A tool that panics while it looks has nothing to hand over; its body is asked next.
            Err(_panic) => Ok(()),
        }
    }

    async fn act(&mut self, begun: Begun) {
        let intent = &begun.proposal().intent;
        let Some(tool) = self.k.tool(&intent.tool) else {
            // [C6] checked the pin a moment ago; should it be gone all the same, that is sealed.
            let gone = fault(FaultKind::Failed, "the tool is gone");
            return self.seal_undone(begun, gone).await;
        };
        if let Some(order) = tool.order(begun.args()) {
            return self.delegate(begun, order).await;
        }
        let cancel = CancellationToken::new();
        self.activity = Activity::Acting {
            cancel: cancel.clone(),
            doing: format!("{} {}", intent.tool, words::line(intent)),
        };
        let act = Act {
            k: self.k.clone(),
            shared: self.shared.clone(),
            world: self.p.world.clone(),
            memory: Recall::of(&self.k, &self.shared, &self.p),
            tool,
            cancel,
        };
        let brief = act.tool.is_brief();
        let mut work = Box::pin(act.through(begun));
        let ended = if brief {
            poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await
        } else {
            Poll::Pending
        };
        match ended {
            // Through the session's own box: what a person asks for is heard before it.
            Poll::Ready(done) => match self.inside.try_send(done) {
                Ok(()) => {}
                Err(full) => report(self.inside.clone(), ready(full.into_inner())),
            },
            Poll::Pending => report(self.inside.clone(), work),
        }
    }

    /// Seals what was announced and is not done. Nobody reports of it, so what waited for it goes on here.
    async fn seal_undone(&mut self, begun: Begun, why: Fault) {
        self.seal(begun, Err(why), 0).await;
        self.go_on_after_holds();
    }

    /// Seals what ended; the session's own checks come before the store's.
    pub(super) async fn seal(
        &mut self,
        begun: Begun,
        result: Result<Outcome, Fault>,
        wall_clock_ms: u64,
    ) {
        self.activity = Activity::Idle;
        let cost = Cost {
            tool_calls: 1,
            wall_clock_ms,
            ..Cost::default()
        };
        let proposal = begun.proposal_id();
        let sealed = match result {
            Ok(outcome) => match self.trial(&outcome.deltas) {
                Ok(()) => begun.commit(outcome, cost),
                // [X5] The effect is recorded all the same; its deltas are not applied.
                Err(unmet) => begun.fail(
                    Fault {
                        kind: FaultKind::BadDelta,
                        message: format!("{unmet}; {UNKNOWN_CHANGE}"),
                        deltas: Vec::new(),
                        observation: outcome.observation,
                    },
                    cost,
                ),
            },
            Err(mut fault) => {
                let told = fault.message.starts_with("its writ was revoked");
                if fault.kind == FaultKind::Cancelled && !told && self.is_cut(&begun) {
                    fault.message = format!("its writ was revoked: {}", fault.message);
                }
                if let Err(unmet) = self.trial(&fault.deltas) {
                    fault.deltas.clear();
                    fault.message = format!("{}; {unmet}; {UNKNOWN_CHANGE}", fault.message);
                }
                begun.fail(fault, cost)
            }
        };
        self.shared.forget_output(&proposal);
        let body = self.with_kept(sealed.into_body()).await;
        self.record_or_break(vec![body]).await;
    }

    /// Whether a writ that this work is done under is revoked by now.
    fn is_cut(&mut self, begun: &Begun) -> bool {
        // A store that cannot be read says nothing here: the next decision reads it again.
        let cut = self.revoked_now().unwrap_or_default();
        begun.proposal().writs.iter().any(|id| cut.contains(id))
    }

    /// `[L4]` The same, saying of each content that it refers to whether it is kept. Where that cannot be
    /// looked up now it says nothing, and nobody misses any of it later.
    async fn with_kept(&self, body: Body) -> Body {
        let contents: Vec<_> = body.contents().into_iter().collect();
        if contents.is_empty() {
            return body;
        }
        let k = self.k.clone();
        let look = move || k.vault.lacking(&contents);
        match self.k.parts.hands.beside(look).await {
            Ok(Ok(lacking)) => body.keeping(&lacking),
            Ok(Err(_)) | Err(_) => body,
        }
    }

    /// Whether deltas apply, tried on a copy of what they touch.
    fn trial(&self, deltas: &[Delta]) -> Result<(), Unmet> {
        self.p.world.trial(deltas)
    }
}

/// Waits for the end of work beside the task, and tells the session.
fn report(inside: mpsc::Sender<Inside>, work: impl Future<Output = Inside> + Send + 'static) {
    tokio::spawn(async move {
        // Without a session there is nobody to seal it: it stays in doubt, which is the truth.
        drop(inside.send(work.await).await);
    });
}

struct Act {
    k: Arc<Kernel>,
    shared: Arc<Shared>,
    world: Arc<World>,
    memory: Recall,
    tool: Arc<dyn Tool>,
    cancel: CancellationToken,
}

impl Act {
    /// The whole of it, and what it came to.
    async fn through(self, begun: Begun) -> Inside {
        let from = self.k.now();
        let result = self.run(&begun).await;
        let wall_clock_ms = self.k.now().since(from);
        // Before the seal is folded, or its deltas would be applied to a copy of the world.
        drop(self);
        Inside::Acted {
            begun: Box::new(begun),
            result,
            wall_clock_ms,
        }
    }

    /// Runs the tool to an outcome or a fault, whatever it does: return, fault, panic, overrun, ignore
    /// its cancel.
    async fn run(&self, begun: &Begun) -> Result<Outcome, Fault> {
        // [W7] Stopped before it began: its body is not entered.
        if self.cancel.is_cancelled() {
            return Err(fault(FaultKind::Cancelled, "stopped before it began"));
        }
        let told = OnceLock::new();
        let ended = self.bounded(begun, &told).await;
        ended.map_err(|why| match told.into_inner() {
            Some(observation) => unmet(why, observation),
            None => why,
        })
    }

    /// The tool's body and what it looks at afterwards, together within the time of the call.
    async fn bounded(&self, begun: &Begun, told: &OnceLock<String>) -> Result<Outcome, Fault> {
        let proposal = begun.proposal_id();
        let name = self.tool.contract().name.clone();
        let mut live = |bytes: &[u8]| self.show(proposal, &name, bytes);
        let mut io = ToolIo {
            cancel: self.cancel.clone(),
            live: &mut live,
            blobs: &self.k.vault,
            world: &self.world,
            memory: &self.memory,
            clock: self.k.parts.clock.as_ref(),
        };
        let limit = match begun.reserved().wall_clock_ms {
            0 => ACT_MS_DEFAULT,
            ms => ms,
        };
        let body = AssertUnwindSafe(self.work(begun, &mut io, told)).catch_unwind();
        tokio::pin!(body);
        // What has ended has ended, also when it is stopped at the same moment.
        let cut = tokio::select! {
            biased;
            ended = &mut body => return settle(ended),
            () = self.cancel.cancelled() => fault(FaultKind::Cancelled, "stopped by the operator"),
            () = tokio::time::sleep(Duration::from_millis(limit)) => {
                self.cancel.cancel();
                fault(FaultKind::TimedOut, format!("took longer than {limit} ms"))
            }
        };
        // [X4] A tool that heard the cancel says what is known of its effect.
        match tokio::time::timeout(Duration::from_millis(CANCEL_GRACE_MS), body).await {
            Ok(ended) => settle(ended).map_err(|known| match cut.kind {
                FaultKind::TimedOut if known.kind != FaultKind::Unmet => Fault {
                    kind: FaultKind::TimedOut,
                    ..known
                },
                _ => known,
            }),
            Err(_elapsed) => Err(cut),
        }
    }

    /// `[X5]` Acts, and has the tool look at what must be true then. What it told is left in `told`: a
    /// look that fails, hangs or panics takes nothing of it away.
    async fn work(
        &self,
        begun: &Begun,
        io: &mut ToolIo<'_>,
        told: &OnceLock<String>,
    ) -> Result<Outcome, Fault> {
        let acted = self.tool.run(begun, io).await;
        let outcome = acted.map_err(|ToolFault(known)| known)?;
        told.get_or_init(|| outcome.observation.clone());
        match self.tool.verify(begun, &outcome, io).await {
            Ok(()) => Ok(outcome),
            Err(unmet) => Err(fault(FaultKind::Unmet, unmet.to_string())),
        }
    }

    fn show(&self, proposal: thymos_core::id::ProposalId, tool: &str, bytes: &[u8]) {
        self.shared.live(|live| {
            let text = String::from_utf8_lossy(bytes);
            let total = bytes.len() as u64;
            match live
                .outputs
                .iter_mut()
                .find(|output| output.proposal == proposal)
            {
                Some(output) => {
                    output.tail.push_str(&text);
                    output.total += total;
                    trim_front(&mut output.tail);
                }
                None => {
                    let mut tail = text.into_owned();
                    trim_front(&mut tail);
                    live.outputs.push(LiveOutput {
                        proposal,
                        tool: tool.to_owned(),
                        tail,
                        total,
                    });
                }
            }
        });
    }
}

fn trim_front(tail: &mut String) {
    if tail.len() <= LIVE_TAIL_BYTES {
        return;
    }
    let mut from = tail.len() - LIVE_TAIL_BYTES;
    while !tail.is_char_boundary(from) {
        from += 1;
    }
    tail.drain(..from);
}

type Ended = Result<Result<Outcome, Fault>, Box<dyn std::any::Any + Send>>;

fn settle(ended: Ended) -> Result<Outcome, Fault> {
    match ended {
        Ok(done) => done,
        Err(_panic) => Err(fault(FaultKind::Panicked, "the tool panicked")),
    }
}

/// `[X5]` The fault of a call that came to an outcome which does not hold, or which nobody could look at:
/// what it told is kept, and its deltas are not applied.
fn unmet(why: Fault, observation: String) -> Fault {
    let message = match why.kind {
        FaultKind::Unmet => why.message,
        _ => format!("it ended and could not be checked: {}", why.message),
    };
    Fault {
        kind: why.kind,
        message: format!("{message}; {UNKNOWN_CHANGE}"),
        deltas: Vec::new(),
        observation,
    }
}

fn fault(kind: FaultKind, message: impl Into<String>) -> Fault {
    Fault {
        kind,
        message: message.into(),
        deltas: Vec::new(),
        observation: String::new(),
    }
}
