//! The kernel's side of the link: routes requests to sessions, answers look-ups, rings the bell.
//!
//! Sessions are opened on demand and live until the link is gone. Look-ups that span trajectories
//! read the store beside the sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use thymos_core::TrajectoryId;
use thymos_core::id::{IdempotencyKey, ProposalId};
use thymos_ports::memory::SharedNote;
use thymos_ports::store::{StoreError, Watch};
use thymos_protocol::{
    ChainState, Command, Fault, Heads, Live, Replied, Reply, Request, SkillChoice, Ticket, Under,
};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::kernel::Kernel;
use crate::memory::{self, Whose};
use crate::session::{Ask, Birth, ChildEnd, Newborn, Session};
use crate::snapshot;
use crate::undo::Since;

mod branch;
mod chain;
mod desk;
mod find;
mod lookup;
mod policies;
mod provenance;
mod receipt;
mod routing;
mod rows;
mod undo;
mod walk;
mod worlds;
mod writs;

use rows::Desk;
pub(crate) use rows::{Elsewhere, HELD, Keys, Summary, Waits};

/// Asks that may wait for one session.
const ASKS_MAX: usize = 256;

/// Sessions at rest that stay open; of more, those end that nobody asked for longest.
const SESSIONS_MAX: usize = 8;

/// The kernel's ends of the link.
pub struct Channels {
    /// What the app asks.
    pub requests: mpsc::Receiver<Request>,
    /// What the kernel answers.
    pub replies: mpsc::Sender<Reply>,
    /// Rung after every change.
    pub bell: watch::Sender<Heads>,
    /// What is going on right now.
    pub live: watch::Sender<Live>,
}

/// Ways to ask sessions.
type Sessions = BTreeMap<TrajectoryId, mpsc::Sender<Ask>>;

/// What the service is asked for from within.
enum Inward {
    /// A session for a delegated run.
    Bear(Birth),
    /// The sessions of these trajectories.
    Open(BTreeSet<TrajectoryId>, oneshot::Sender<Sessions>),
}

/// What sessions tell beside the ledger: heads, live text, rows, chain state. Rebuilt at start.
pub(crate) struct Shared {
    bell: watch::Sender<Heads>,
    live: watch::Sender<Live>,
    // A plain mutex: held for a map operation, never across an await.
    desk: Mutex<Desk>,
    // Held while trajectories are folded for the desk, so that none is folded twice at once.
    refreshing: Mutex<()>,
    /// Somebody waits for that already, and will see what there is by then.
    refresh_due: AtomicBool,
    /// Rows of an earlier start, read when they are first wanted.
    kept: OnceLock<snapshot::Rows>,
    /// Whether every trajectory was looked at once.
    learned: OnceLock<()>,
    /// Where looks at earlier moments go on from `[Y4]`.
    worlds: worlds::Worlds,
    chain: Mutex<ChainState>,
    /// A session is there, which says how far the record is verified.
    attended: Notify,
    inward: mpsc::UnboundedSender<Inward>,
    leaving: AtomicBool,
}

impl Shared {
    pub(crate) fn ring(&self, change: impl FnOnce(&mut Heads)) {
        self.bell.send_modify(|heads| {
            change(heads);
            heads.epoch += 1;
        });
    }

    /// As [`Self::ring`], if the change says that there is one.
    pub(crate) fn ring_for_news(&self, change: impl FnOnce(&mut Heads) -> bool) {
        self.bell.send_if_modified(|heads| {
            let news = change(heads);
            heads.epoch += u64::from(news);
            news
        });
    }

    pub(crate) fn live(&self, change: impl FnOnce(&mut Live)) {
        self.live.send_modify(|live| {
            change(live);
            live.version += 1;
        });
    }

    /// The output of work that ended; who showed none changes nothing.
    pub(crate) fn forget_output(&self, proposal: &ProposalId) {
        self.live.send_if_modified(|live| {
            let before = live.outputs.len();
            live.outputs.retain(|output| output.proposal != *proposal);
            let changed = live.outputs.len() != before;
            live.version += u64::from(changed);
            changed
        });
    }

    /// A session lives from here on, and says how far the record is verified.
    pub(crate) fn attend(&self) {
        self.attended.notify_one();
    }

    /// Whether the program is leaving: what waits then goes on waiting.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Asks for a delegated session.
    pub(crate) fn bear(&self, birth: Birth) {
        // Nobody bears sessions any more: the dropped report tells the one who asked.
        drop(self.inward.send(Inward::Bear(birth)));
    }

    /// The ways to these sessions, which are opened where they are not; none when the program is leaving.
    async fn sessions(&self, of: BTreeSet<TrajectoryId>) -> Option<Sessions> {
        let (reply, answer) = oneshot::channel();
        self.inward.send(Inward::Open(of, reply)).ok()?;
        answer.await.ok()
    }

    /// Puts a session's row on the desk. The session rings, and only for news.
    pub(crate) fn publish(&self, trajectory: TrajectoryId, summary: Summary) {
        let mut desk = lock(&self.desk);
        desk.sessions.insert(trajectory);
        desk.rows.insert(trajectory, summary);
        desk.told = true;
    }

    /// Whether its session said last that nothing waits and nothing is at work.
    fn seems_at_rest(&self, trajectory: &TrajectoryId) -> bool {
        let desk = lock(&self.desk);
        desk.sessions.contains(trajectory)
            && desk.rows.get(trajectory).is_some_and(|row| row.at_rest)
    }

    /// Open holds of all trajectories; `own` are those of the asking one, which knows best.
    pub(crate) fn pending(&self, kernel: &Kernel, asking: &TrajectoryId, own: usize) -> u64 {
        let desk = lock(&self.desk);
        let others = desk
            .rows
            .iter()
            .filter(|(id, _)| *id != asking)
            .map(|(_, row)| desk.waiting(kernel, row).count() as u64);
        others.sum::<u64>() + own as u64
    }

    /// The newest shared notes of one workspace and tenant, tombstones included `[O4]`.
    pub(crate) fn notes(
        &self,
        kernel: &Kernel,
        whose: &Whose,
        except: Option<&TrajectoryId>,
    ) -> Vec<SharedNote> {
        desk::learn(kernel, self);
        let desk = lock(&self.desk);
        let rows = desk
            .rows
            .iter()
            .filter(|(id, row)| Some(*id) != except && row.whose == *whose);
        memory::newest(rows.flat_map(|(_, row)| row.notes.clone()))
    }

    /// Whether every trajectory was looked at once; from then on news come by the bell.
    pub(crate) fn knows_all(&self) -> bool {
        self.learned.get().is_some()
    }

    /// Looks at every trajectory, the first time.
    pub(crate) fn learn_all(&self, kernel: &Kernel) {
        self.learned.get_or_init(|| desk::learn(kernel, self));
    }

    /// As [`Self::key_elsewhere`] for a call that happens once, after a look at all that was written by now.
    pub(crate) fn key_used_by_now(
        &self,
        kernel: &Kernel,
        asking: &TrajectoryId,
        key: &IdempotencyKey,
    ) -> Result<Option<Elsewhere>, StoreError> {
        desk::refresh(kernel, self);
        if let Some(found) = self.key_elsewhere(kernel, asking, key, true) {
            return Ok(Some(found));
        }
        let begun = desk::begun_since(kernel, self, asking, key)?;
        Ok(begun.map(Elsewhere::AtWork))
    }

    /// Whether a key is kept by another trajectory that is known: in doubt, in this workspace; and for a
    /// call that happens once, also at work or used up, wherever that was.
    pub(crate) fn key_elsewhere(
        &self,
        kernel: &Kernel,
        asking: &TrajectoryId,
        key: &IdempotencyKey,
        once: bool,
    ) -> Option<Elsewhere> {
        let desk = lock(&self.desk);
        let (here, tenant) = (&kernel.parts.workspace, &kernel.parts.tenant);
        let others = || {
            let all = desk.rows.iter();
            all.filter(|(id, row)| *id != asking && row.whose.tenant == *tenant)
        };
        let holds_it = || others().filter(|(_, row)| row.keys.open.contains(key));
        let in_doubt =
            holds_it().find(|(_, row)| row.row.in_doubt > 0 && row.row.workspace == *here);
        if let Some((run, _)) = in_doubt {
            return Some(Elsewhere::InDoubt(*run));
        }
        if !once {
            return None;
        }
        if let Some((run, _)) = holds_it().next() {
            return Some(Elsewhere::AtWork(*run));
        }
        others().find_map(|(run, row)| Some(Elsewhere::Done(*run, *row.keys.once.get(key)?)))
    }

    pub(crate) fn chain_state(&self) -> ChainState {
        lock(&self.chain).clone()
    }

    /// Its session ended: from here on the ledger is looked at for what becomes of it.
    pub(crate) fn left(&self, trajectory: &TrajectoryId) {
        lock(&self.desk).sessions.remove(trajectory);
    }

    fn set_chain(&self, state: ChainState) {
        *lock(&self.chain) = state;
        self.ring(|_| {});
    }
}

/// A panic elsewhere must not take the screen's data with it: the map is whole after every insert.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one link until its requests end, then lets running work be sealed.
pub async fn serve(kernel: Arc<Kernel>, channels: Channels) {
    let Channels {
        requests,
        replies,
        bell,
        live,
    } = channels;
    // Unbounded, and bounded all the same: each session has at most a few children at work.
    let (inward, expected) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        inward,
        leaving: AtomicBool::new(false),
        bell,
        live,
        desk: Mutex::default(),
        refreshing: Mutex::new(()),
        refresh_due: AtomicBool::new(false),
        kept: OnceLock::new(),
        learned: OnceLock::new(),
        worlds: worlds::Worlds::default(),
        chain: Mutex::new(ChainState::Unverified),
        attended: Notify::new(),
    });
    let changed = Arc::new(Notify::new());
    let (ringing, writer) = (changed.clone(), kernel.writer.clone());
    let ring = move || {
        if writer.hears_bell() {
            ringing.notify_one();
        }
    };
    let watching = kernel.parts.store.watch(Box::new(ring)).ok();
    let verifier = chain::follow(kernel.clone(), shared.clone());
    let mut service = Service {
        kernel,
        shared,
        replies,
        sessions: BTreeMap::new(),
        asked: BTreeMap::new(),
        walks: walk::Walks::default(),
        tasks: tokio::task::JoinSet::new(),
        _watching: watching,
    };
    service.run(requests, &changed, expected).await;
    verifier.end().await;
    service.end().await;
}

struct Service {
    kernel: Arc<Kernel>,
    shared: Arc<Shared>,
    replies: mpsc::Sender<Reply>,
    sessions: Sessions,
    /// When each was asked last, counted in asks.
    asked: BTreeMap<TrajectoryId, u64>,
    walks: walk::Walks,
    tasks: tokio::task::JoinSet<()>,
    _watching: Option<Watch>,
}

impl Service {
    async fn run(
        &mut self,
        mut requests: mpsc::Receiver<Request>,
        changed: &Notify,
        mut inward: mpsc::UnboundedReceiver<Inward>,
    ) {
        let mut begun = false;
        loop {
            // Always in this order, so that a run can be told again `[T13]`. Whoever asks waits for
            // its answer and a session has few children, so nothing here starves the rest.
            tokio::select! {
                biased;
                Some(wanted) = inward.recv() => match wanted {
                    Inward::Bear(birth) => self.bear(birth).await,
                    Inward::Open(of, reply) => self.open_all(of, reply),
                },
                request = requests.recv() => match request {
                    Some(Request { ticket, command: Command::Shutdown }) => {
                        self.shut_down(ticket).await;
                        return;
                    }
                    Some(request) => {
                        // The desk is folded beside all that is asked, but for a proof of the record,
                        // which takes every core itself and asks for nothing that lies there.
                        let proof = matches!(request.command, Command::Verify { .. });
                        if !begun && !proof {
                            begun = true;
                            changed.notify_one();
                        }
                        self.route(request).await;
                    }
                    None => return,
                },
                () = changed.notified() => self.rung().await,
                () = self.kernel.writer.settled() => self.rung().await,
            }
        }
    }

    /// The bell rang: where there is more than one's own writing, every session looks.
    async fn rung(&mut self) {
        let news = self.kernel.writer.has_news();
        // A length that cannot be read is told by whoever reads next.
        if !news.unwrap_or(true) {
            return;
        }
        for asks in self.sessions.values() {
            // A full queue means the session is awake anyway and folds what is new.
            drop(asks.try_send(Ask::CatchUp));
        }
        self.refresh();
    }

    /// Lets every session end: closing its door makes it cancel, seal and return.
    async fn shut_down(&mut self, ticket: Ticket) {
        self.end().await;
        self.reply(ticket, Replied::Accepted).await;
    }

    /// Lets all work be sealed, and keeps what the next start can use.
    async fn end(&mut self) {
        self.close_sessions();
        while self.tasks.join_next().await.is_some() {}
        let (kernel, shared) = (self.kernel.clone(), self.shared.clone());
        let hands = kernel.parts.hands;
        // Whoever cannot keep a cache ends all the same.
        drop(
            hands
                .beside(move || desk::keep(&kernel, &shared, |desk| desk.told || desk.folded > 0))
                .await,
        );
    }

    /// Closes every session's door; each cancels, seals and returns.
    fn close_sessions(&mut self) {
        self.shared.leaving.store(true, Ordering::Release);
        self.walks.cancel_all();
        self.sessions.clear();
    }

    async fn route(&mut self, request: Request) {
        let Request { ticket, command } = request;
        // [C5] What is asked of another trajectory than a session's own is asked of one's own tenant.
        let owned = asked_of(&command).map(|asked| (asked, self.kernel.owns(&asked)));
        match owned {
            Some((asked, Ok(false))) => {
                let message = format!("there is no trajectory `{}`", asked.short());
                return self.fault(ticket, message).await;
            }
            // What cannot be read is not called absent.
            Some((_, Err(error))) => return self.fault(ticket, error.to_string()).await,
            Some((_, Ok(true))) | None => {}
        }
        match trajectory_of(&command) {
            Some(trajectory) => self.ask(ticket, trajectory, command).await,
            None => match command {
                Command::New { under, skills } => self.create(ticket, &under, &skills).await,
                Command::Branch { trajectory, entry } => {
                    self.branch(ticket, trajectory, entry).await;
                }
                Command::PlanUndo {
                    trajectory,
                    of,
                    from_seq,
                } => {
                    let since = Since {
                        trajectory,
                        of,
                        from_seq,
                    };
                    self.plan_undo(ticket, since);
                }
                Command::Undo {
                    trajectory,
                    of,
                    from_seq,
                    plan,
                    partial,
                } => {
                    let since = Since {
                        trajectory,
                        of,
                        from_seq,
                    };
                    let wanted = undo::Wanted {
                        since,
                        plan,
                        partial,
                    };
                    self.undo(ticket, wanted);
                }
                other => lookup::answer(self, ticket, other).await,
            },
        }
    }

    async fn create(&mut self, ticket: Ticket, under: &Under, skills: &[SkillChoice]) {
        let (kernel, shared) = (self.kernel.clone(), self.shared.clone());
        match Session::create(kernel, shared, under, skills).await {
            Ok(Ok((session, inside))) => {
                let trajectory = session.trajectory();
                self.adopt(trajectory, session, inside);
                self.ask(ticket, trajectory, Command::Open { trajectory })
                    .await;
            }
            Ok(Err(no)) => self.reply(ticket, no).await,
            Err(error) => self.fault(ticket, error.to_string()).await,
        }
    }

    /// Passes a command to its session, which is opened when it is not.
    async fn ask(&mut self, ticket: Ticket, trajectory: TrajectoryId, command: Command) {
        let asks = self.session(trajectory);
        self.let_rest(trajectory).await;
        let replies = self.replies.clone();
        let (reply, answer) = oneshot::channel();
        if asks.send(Ask::Command(command, reply)).await.is_err() {
            return self.fault(ticket, "the session has ended".into()).await;
        }
        // The answer may take as long as a sync does; other requests need not wait for it.
        tokio::spawn(async move {
            if let Ok(replied) = answer.await {
                drop(replies.send(Reply { ticket, replied }).await);
            }
        });
    }

    /// The way to a session, which is opened when it is not. Opening folds what is long, so it is done
    /// beside: whoever asks for another one does not wait for it, and what is asked meanwhile is heard
    /// after it.
    fn session(&mut self, trajectory: TrajectoryId) -> mpsc::Sender<Ask> {
        if let Some(open) = self.sessions.get(&trajectory)
            && !open.is_closed()
        {
            return open.clone();
        }
        let (asks, inbox) = mpsc::channel(ASKS_MAX);
        self.sessions.insert(trajectory, asks.clone());
        let (kernel, shared) = (self.kernel.clone(), self.shared.clone());
        let hands = kernel.parts.hands;
        let opening = hands.beside(move || Session::open(kernel, shared, trajectory));
        self.tasks.spawn(async move {
            let why = match opening.await {
                Ok(Ok((session, inside))) if session.is_ours() => {
                    return session.live(inbox, inside).await;
                }
                Ok(Ok(_)) => lookup::unknown(&trajectory),
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic.to_string(),
            };
            turned_away(inbox, &why).await;
        });
        asks
    }

    /// Ends sessions at rest that nobody asked for long, where many are open: what they hold in memory is
    /// read again when it is wanted.
    async fn let_rest(&mut self, wanted: TrajectoryId) {
        let now = self.asked.values().max().map_or(0, |last| last + 1);
        self.asked.insert(wanted, now);
        if self.sessions.len() <= SESSIONS_MAX {
            return;
        }
        let mut idle: Vec<_> = self
            .sessions
            .iter()
            .filter(|(trajectory, _)| **trajectory != wanted)
            .map(|(trajectory, asks)| {
                (
                    self.asked.get(trajectory).copied(),
                    *trajectory,
                    asks.clone(),
                )
            })
            .collect();
        idle.sort_unstable_by_key(|(last, trajectory, _)| (*last, *trajectory));
        for (_, trajectory, asks) in idle {
            if self.sessions.len() <= SESSIONS_MAX {
                return;
            }
            if !self.shared.seems_at_rest(&trajectory) {
                continue;
            }
            let (reply, rested) = oneshot::channel();
            // One whose queue is full is awake. Only this loop asks, so nothing comes behind this.
            let told = asks.try_send(Ask::Rest(reply)).is_ok();
            if told && rested.await.unwrap_or(true) {
                self.sessions.remove(&trajectory);
                self.asked.remove(&trajectory);
            }
        }
    }

    fn adopt(
        &mut self,
        trajectory: TrajectoryId,
        session: Session,
        inside: mpsc::Receiver<crate::session::Inside>,
    ) -> mpsc::Sender<Ask> {
        let (asks, inbox) = mpsc::channel(ASKS_MAX);
        self.sessions.insert(trajectory, asks.clone());
        self.tasks.spawn(session.live(inbox, inside));
        asks
    }

    fn open_all(&mut self, of: BTreeSet<TrajectoryId>, reply: oneshot::Sender<Sessions>) {
        let open = |one: TrajectoryId| (one, self.session(one));
        // Who wanted them may have gone.
        drop(reply.send(of.into_iter().map(open).collect()));
    }

    /// Opens a session for a delegated trajectory. What cannot be opened is told by the dropped
    /// report; its parent then reads its record.
    async fn bear(&mut self, birth: Birth) {
        let Birth {
            trajectory,
            new,
            report,
            born,
        } = birth;
        let asks = match new {
            Some(newborn) => self.begin_child(trajectory, newborn, report).await,
            // Found again, or opened meanwhile by someone who looked: it learns whom to tell.
            None => {
                let asks = self.session(trajectory);
                drop(asks.send(Ask::Adopted(report)).await);
                Some(asks)
            }
        };
        if let Some(asks) = asks {
            drop(born.send(asks));
        }
    }

    async fn begin_child(
        &mut self,
        trajectory: TrajectoryId,
        newborn: Newborn,
        report: oneshot::Sender<ChildEnd>,
    ) -> Option<mpsc::Sender<Ask>> {
        let (kernel, shared) = (self.kernel.clone(), self.shared.clone());
        let hands = kernel.parts.hands;
        let opened = hands.beside(move || Session::open(kernel, shared, trajectory));
        let (mut session, inside) = opened.await.ok()?.ok()?;
        session.begin_child(newborn, report).await.ok()?;
        Some(self.adopt(trajectory, session, inside))
    }

    /// Has the desk refreshed beside: the first time everything is folded, and nobody waits for that.
    fn refresh(&self) {
        let (kernel, shared) = (self.kernel.clone(), self.shared.clone());
        if shared.refresh_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let hands = kernel.parts.hands;
        let told = shared.clone();
        let refreshed = hands.beside(move || desk::refresh(&kernel, &shared));
        tokio::spawn(async move {
            if let Err(panic) = refreshed.await {
                told.set_chain(ChainState::Broken(panic.to_string()));
            }
        });
    }

    async fn reply(&self, ticket: Ticket, replied: Replied) {
        // The app may be gone; there is nobody else to tell.
        drop(self.replies.send(Reply { ticket, replied }).await);
    }

    async fn fault(&self, ticket: Ticket, message: String) {
        self.reply(
            ticket,
            Replied::Fault(Fault {
                message,
                hint: None,
            }),
        )
        .await;
    }
}

/// Tells everybody who asked a session that cannot be opened why that is. Who waits otherwise learns it
/// from the dropped way back.
async fn turned_away(mut inbox: mpsc::Receiver<Ask>, why: &str) {
    inbox.close();
    while let Some(ask) = inbox.recv().await {
        match ask {
            Ask::Command(_, reply) => drop(reply.send(lookup::fault(why))),
            Ask::Rest(reply) => {
                reply.send(true).ok();
            }
            nobody_waits => drop(nobody_waits),
        }
    }
}

/// The trajectory that a look-up reads without a session of its own.
const fn asked_of(command: &Command) -> Option<TrajectoryId> {
    match command {
        Command::Branch { trajectory, .. }
        | Command::PlanUndo { trajectory, .. }
        | Command::Undo { trajectory, .. } => Some(*trajectory),
        Command::Simulate { trajectory, .. } => *trajectory,
        _ => None,
    }
}

fn trajectory_of(command: &Command) -> Option<TrajectoryId> {
    match command {
        Command::Open { trajectory }
        | Command::Prompt { trajectory, .. }
        | Command::Edit { trajectory, .. }
        | Command::Interrupt { trajectory }
        | Command::PreviewMode { trajectory, .. }
        | Command::SetMode { trajectory, .. }
        | Command::SetModel { trajectory, .. }
        | Command::Page { trajectory, .. }
        | Command::Settle { trajectory, .. }
        | Command::PreviewScope { trajectory, .. }
        | Command::Drain { trajectory, .. }
        | Command::Again { trajectory, .. }
        | Command::Writs { trajectory }
        | Command::Revoke { trajectory, .. }
        | Command::EndAuthority { trajectory, .. }
        | Command::PreviewGrant { trajectory, .. }
        | Command::SignGrant { trajectory, .. }
        | Command::Take { trajectory, .. }
        | Command::CloseWrit { trajectory }
        | Command::Forget { trajectory, .. }
        | Command::BindSkill { trajectory, .. } => Some(*trajectory),
        Command::Answer(answer) => Some(answer.trajectory),
        Command::Rows { trajectory, .. } => *trajectory,
        Command::New { .. }
        | Command::Models
        | Command::Inspect { .. }
        | Command::Find { .. }
        | Command::Provenance { .. }
        | Command::Cancel { .. }
        | Command::Verify { .. }
        | Command::Replay { .. }
        | Command::CheckPins { .. }
        | Command::Checkpoint { .. }
        | Command::CheckpointTrouble
        | Command::Receipt { .. }
        | Command::CompareCheckpoint { .. }
        | Command::WorldAt { .. }
        | Command::FileAt { .. }
        | Command::WorldDiff { .. }
        | Command::Holds
        | Command::Runs
        | Command::Messages
        | Command::Branch { .. }
        | Command::PlanUndo { .. }
        | Command::Undo { .. }
        | Command::RevokeChain { .. }
        | Command::FindWrits { .. }
        | Command::WritStanding { .. }
        | Command::Policies
        | Command::ReloadPolicy
        | Command::Simulate { .. }
        | Command::Skills
        | Command::CheckSkills { .. }
        | Command::Routing { .. }
        | Command::Memory
        | Command::PlanErasure { .. }
        | Command::Erase { .. }
        | Command::Shutdown => None,
    }
}
