//! Undo across trajectories `[D3]`: plans, and asks each session for its steps, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use thymos_core::id::Digest;
use thymos_core::writ::Mode;
use thymos_core::{Timestamp, TrajectoryId};
use thymos_protocol::{
    BudgetBar, Command, Fault, Replied, Reply, Status, Ticket, UndoEnd, UndoStop,
};
use tokio::sync::{mpsc, oneshot};

use super::{Service, Sessions, Shared};
use crate::kernel::Kernel;
use crate::session::{Ask, TakeBack, TakenBack};
use crate::undo::{Action, Planned, Refused, Since, plan};

/// What an undo is to do.
pub(super) struct Wanted {
    pub(super) since: Since,
    /// The plan that was agreed to.
    pub(super) plan: Digest,
    pub(super) partial: bool,
}

/// A plan, with the sessions that would carry it out.
struct Laid {
    since: Since,
    planned: Planned,
    sessions: Sessions,
}

impl Service {
    /// Plans, and tries each step: beside the service, which goes on meanwhile.
    pub(super) fn plan_undo(&self, ticket: Ticket, since: Since) {
        let (kernel, shared, replies) = self.beside();
        tokio::spawn(async move {
            let replied = match Laid::out(&kernel, &shared, since).await {
                Ok(laid) => laid.shown(&kernel).await,
                Err(why) => Replied::Fault(why),
            };
            drop(replies.send(Reply { ticket, replied }).await);
        });
    }

    /// Carries a plan out, if it still is the one that was agreed to.
    pub(super) fn undo(&self, ticket: Ticket, wanted: Wanted) {
        let (kernel, shared, replies) = self.beside();
        tokio::spawn(async move {
            let replied = match Laid::out(&kernel, &shared, wanted.since).await {
                Ok(laid) => laid.carried_out(&kernel, &wanted).await,
                Err(why) => Replied::Fault(why),
            };
            drop(replies.send(Reply { ticket, replied }).await);
        });
    }

    fn beside(&self) -> (Arc<Kernel>, Arc<Shared>, mpsc::Sender<Reply>) {
        let (kernel, shared) = (self.kernel.clone(), self.shared.clone());
        (kernel, shared, self.replies.clone())
    }
}

impl Laid {
    /// Plans, and has the sessions opened that would carry it out.
    async fn out(kernel: &Arc<Kernel>, shared: &Shared, since: Since) -> Result<Self, Fault> {
        let planned = plan(kernel, since, &Refused::new()).await?;
        let of = planned.actions.iter().map(|action| action.trajectory);
        let sessions = shared.sessions(of.collect()).await;
        Ok(Self {
            since,
            planned,
            sessions: sessions.ok_or_else(|| Fault {
                message: "the program is leaving, and nothing was touched".to_owned(),
                hint: None,
            })?,
        })
    }

    async fn shown(self, kernel: &Arc<Kernel>) -> Replied {
        if all_open(&self.sessions).await.is_err() {
            // Where nobody can act from here, what would be done is told all the same.
            return Replied::UndoPlan(self.planned.plan);
        }
        match self.tried(kernel).await {
            Ok(laid) => Replied::UndoPlan(laid.planned.plan),
            Err(why) => Replied::Fault(why),
        }
    }

    async fn carried_out(self, kernel: &Arc<Kernel>, wanted: &Wanted) -> Replied {
        if let Err(no) = all_open(&self.sessions).await {
            return no;
        }
        match self.tried(kernel).await {
            Ok(laid) => done(wanted, laid, kernel.now()).await,
            Err(why) => Replied::Fault(why),
        }
    }

    /// `[D3]` The same without what the gate would refuse, which the plan says; so nothing is touched before it
    /// is known.
    async fn tried(self, kernel: &Arc<Kernel>) -> Result<Self, Fault> {
        let root = self.since.trajectory;
        let mut refused = Refused::new();
        // Steps of each run that were tried: those after them find that much less left.
        let mut ahead: BTreeMap<TrajectoryId, u64> = BTreeMap::new();
        for action in &self.planned.actions {
            let Some(asks) = self.sessions.get(&action.trajectory) else {
                continue;
            };
            let (reply, answer) = oneshot::channel();
            let (proposal, tried) = (action.proposal, action.clone());
            let steps = ahead.entry(action.trajectory).or_default();
            let what = Box::new(TakeBack {
                args: tried.trial.clone(),
                ahead: *steps,
                ..taken_back(root, tried)
            });
            *steps += 1;
            let asked = asks.send(Ask::TryStep(what, reply)).await.is_ok();
            if let Some(why) = answer.await.ok().flatten().filter(|_| asked) {
                refused.insert(proposal, why);
            }
        }
        if refused.is_empty() {
            return Ok(self);
        }
        Ok(Self {
            planned: plan(kernel, self.since, &refused).await?,
            ..self
        })
    }
}

async fn done(wanted: &Wanted, laid: Laid, now: Timestamp) -> Replied {
    let (sessions, trajectory) = (laid.sessions, wanted.since.trajectory);
    let actions = match agreed(wanted, laid.planned) {
        Ok(actions) => actions,
        Err(no) => return no,
    };
    let root = sessions.get(&trajectory);
    let before = status_of(trajectory, root).await;
    let looked_on = before.is_some_and(|status| looks_on(&status, now));
    let end = carry_out(trajectory, actions, &sessions).await;
    // What waits for a yes waits under the undo's own writ, which ends by itself.
    let waits = end.stopped.as_ref().is_some_and(|stop| stop.held);
    if looked_on && !waits {
        look_on(trajectory, root).await;
    }
    Replied::Undone(end)
}

fn agreed(wanted: &Wanted, planned: Planned) -> Result<Vec<Action>, Replied> {
    if planned.plan.digest != wanted.plan {
        let message = "the plan changed since it was shown; nothing was touched";
        return Err(fault(
            message,
            "look at the plan again and quote its digest",
        ));
    }
    if !planned.plan.complete && !wanted.partial {
        let message = "not everything can be undone; nothing was touched";
        return Err(fault(message, "undo what can be undone: --partial"));
    }
    Ok(planned.actions)
}

/// Waits until every session is open; where one cannot be, nothing is touched.
async fn all_open(sessions: &Sessions) -> Result<(), Replied> {
    for (trajectory, asks) in sessions {
        let command = Command::Open {
            trajectory: *trajectory,
        };
        let replied = ask(Some(asks), command).await;
        if let Some(no @ Replied::Fault(_)) = replied {
            return Err(no);
        }
    }
    Ok(())
}

async fn ask(session: Option<&mpsc::Sender<Ask>>, command: Command) -> Option<Replied> {
    let (reply, answer) = oneshot::channel();
    session?.send(Ask::Command(command, reply)).await.ok()?;
    answer.await.ok()
}

async fn status_of(
    trajectory: TrajectoryId,
    session: Option<&mpsc::Sender<Ask>>,
) -> Option<Status> {
    match ask(session, Command::Open { trajectory }).await? {
        Replied::Opened(status) => Some(*status),
        _ => None,
    }
}

/// Whether a session only looks, under a writ that is in force: one that was stopped, or is over, stays so.
fn looks_on(status: &Status, now: Timestamp) -> bool {
    let writ = &status.writ;
    let left = |bar: &BudgetBar| bar.limit.is_none_or(|limit| bar.spent < limit);
    status.mode == Mode::Plan
        && !writ.revoked
        && writ.expires_at.is_none_or(|end| now < end)
        && writ.budget.iter().all(left)
}

/// A session that only looked does so again, where the undo put a writ of its own in force. Another one was
/// stopped, or is over.
async fn look_on(trajectory: TrajectoryId, session: Option<&mpsc::Sender<Ask>>) {
    let now_is = status_of(trajectory, session).await;
    if now_is.is_some_and(|status| status.mode == Mode::Custom) {
        let mode = Mode::Plan;
        // Whoever goes on there is told by the header what is in force.
        drop(ask(session, Command::SetMode { trajectory, mode }).await);
    }
}

/// Newest first; what is held, refused or breaks off stops the rest.
async fn carry_out(root: TrajectoryId, actions: Vec<Action>, sessions: &Sessions) -> UndoEnd {
    let mut end = UndoEnd {
        done: 0,
        of: actions.len() as u64,
        first: None,
        stopped: None,
    };
    for action in actions {
        let (trajectory, line) = (action.trajectory, action.line.clone());
        let came = match sessions.get(&trajectory) {
            Some(asks) => one(root, action, asks).await,
            None => TakenBack::Not("its session could not be opened".to_owned()),
        };
        let (reason, held) = match came {
            TakenBack::Done(entry) => {
                end.done += 1;
                end.first = end.first.or(entry);
                continue;
            }
            TakenBack::Held(reason) => (reason, true),
            TakenBack::Not(reason) => (reason, false),
        };
        end.stopped = Some(Box::new(UndoStop {
            trajectory,
            line,
            reason,
            held,
        }));
        break;
    }
    end
}

fn taken_back(root: TrajectoryId, action: Action) -> TakeBack {
    TakeBack {
        args: action.args,
        compensates: action.proposal,
        under_own_writ: action.trajectory != root,
        ahead: 0,
    }
}

async fn one(root: TrajectoryId, action: Action, asks: &mpsc::Sender<Ask>) -> TakenBack {
    let (reply, came) = oneshot::channel();
    let what = taken_back(root, action);
    let gone = || TakenBack::Not("the session has ended".to_owned());
    match asks.send(Ask::TakeBack(Box::new(what), reply)).await {
        Ok(()) => came.await.unwrap_or_else(|_| gone()),
        Err(_) => gone(),
    }
}

fn fault(message: impl std::fmt::Display, hint: &str) -> Replied {
    Replied::Fault(Fault {
        message: message.to_string(),
        hint: Some(hint.to_owned()),
    })
}
