//! Taking one call back `[D3]`: an intent of the operator, before the gate like any other.

use std::sync::Arc;

use serde_json::Value;
use thymos_compiler::{CheckedChain, Verdict, compile};
use thymos_core::body::{self, Body, Resolution};
use thymos_core::budget::{Budget, Cost};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::id::ProposalId;
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::trace::Clause;
use thymos_core::writ::{Delegation, Examples, Grant, Mode, Window, Writ};
use thymos_core::{EntryId, IntentId, WritId};
use thymos_policy::matching::glob;
use thymos_replay::projection::Fate;
use tokio::sync::oneshot;

use super::{Activity, Job, RecordError, Session};
use crate::undo::RESTORE;

/// Name of the writ under which a delegated run's calls are taken back.
const UNDO: &str = "undo";

/// How long such a writ holds.
const UNDO_WINDOW_MS: u64 = 10 * 60 * 1000;

/// Tries against others who write first.
const TRIES_MAX: u32 = 8;

/// One call to be taken back here.
pub(crate) struct TakeBack {
    /// The arguments of `restore`.
    pub(crate) args: Value,
    /// The proposal that is undone.
    pub(crate) compensates: ProposalId,
    /// Whether the operator's own writ is to be put in force: a delegated run that ended has none.
    pub(crate) under_own_writ: bool,
    /// Steps of the plan that come before it, where it is only tried.
    pub(crate) ahead: u64,
}

/// Whose authority a call is taken back under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// What is in force in the run.
    Run,
    /// A writ of the operator's own, which allows nothing else.
    Operator,
}

/// Whether a clause is about what a writ grants and has left, and not about rules or the world.
const fn of_authority(clause: Clause) -> bool {
    matches!(
        clause,
        Clause::C2 | Clause::C3 | Clause::C4 | Clause::C5 | Clause::C8 | Clause::C9 | Clause::C11
    )
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TakenBack {
    /// It is undone, by this commit; none where its entry is not found any more.
    Done(Option<EntryId>),
    /// A person has to agree first.
    Held(String),
    /// It was refused, or broke off.
    Not(String),
}

/// Who waits for what comes of an undo.
pub(crate) struct Waiting {
    intent: IntentId,
    target: ProposalId,
    reply: oneshot::Sender<TakenBack>,
}

impl Session {
    /// Puts the undo before the gate, or says at once why it cannot be.
    pub(super) async fn take_back(&mut self, what: TakeBack, reply: oneshot::Sender<TakenBack>) {
        match self.want_back(&what).await {
            Ok(Ok(intent)) => {
                self.queue.push_back(Job::Decide(intent));
                self.taking_back = Some(Waiting {
                    intent,
                    target: what.compensates,
                    reply,
                });
            }
            // Whoever asked may have gone; nothing was done.
            Ok(Err(why)) => drop(reply.send(TakenBack::Not(why))),
            Err(error) => {
                drop(reply.send(TakenBack::Not(error.to_string())));
                if matches!(error, RecordError::Store(_) | RecordError::Diverged(_)) {
                    self.break_on(error, None);
                }
            }
        }
    }

    /// Why nothing can be taken back from here, if so.
    fn not_here(&self) -> Option<String> {
        if let Some(broken) = &self.broken {
            return Some(broken.error.to_string());
        }
        if let Some(folder) = self.foreign_workspace() {
            return Some(format!("this trajectory belongs to the folder `{folder}`"));
        }
        (self.lease.is_none()).then(|| "this trajectory is open in another process".to_owned())
    }

    /// Why nothing can be taken back here now, if so.
    fn cannot_take_back(&self, target: &ProposalId) -> Option<String> {
        if let Some(why) = self.not_here() {
            return Some(why);
        }
        let busy = self.run.is_some() || !matches!(self.activity, Activity::Idle);
        if busy || !self.queue.is_empty() || self.taking_back.is_some() {
            return Some("something goes on in this trajectory; stop it first".to_owned());
        }
        let open = self.p.can_be_undone(target);
        (!open).then(|| "it is undone already".to_owned())
    }

    /// An undo of this call that was begun and has no end.
    fn cut_off_undo(&self, target: &ProposalId) -> Option<ProposalId> {
        let begun = self.p.open_work.values();
        let mut undoes = begun.filter(|work| {
            let call = self.p.calls.get(&work.intent);
            call.is_some_and(|call| call.compensates == Some(*target))
        });
        let cut_off = undoes.next()?.body.proposal;
        self.in_doubt.contains(&cut_off).then_some(cut_off)
    }

    async fn want_back(
        &mut self,
        what: &TakeBack,
    ) -> Result<Result<IntentId, String>, RecordError> {
        self.mend().await;
        self.take_lease();
        for _ in 0..TRIES_MAX {
            self.catch_up()?;
            if let Some(cut_off) = self.cut_off_undo(&what.compensates)
                && let Some((Resolution::RunAgain, intent)) = self.settle_by_look(cut_off).await
            {
                // It goes on where it was cut off, as the same wish.
                return Ok(Ok(intent));
            }
            if let Some(why) = self.cannot_take_back(&what.compensates) {
                return Ok(Err(why));
            }
            let mut bodies = self.pins();
            if self.tried(what).await?.0 == Whose::Operator {
                bodies.extend(self.undo_writ_bodies()?);
            }
            let (id, intended) = self.intended_by_operator(RESTORE, &what.args)?;
            // A mark in it is what the world holds, and stands for no value that would be wanted again.
            self.live_args
                .entry(id)
                .or_insert_with(|| what.args.clone());
            bodies.push(Body::Intent(body::Intended {
                compensates: Some(what.compensates),
                ..intended
            }));
            match self.record(bodies).await {
                Ok(_) => return Ok(Ok(id)),
                Err(RecordError::Moved) => {}
                Err(error) => return Err(error),
            }
        }
        Err(RecordError::Moved)
    }

    /// A wish of the operator, in a turn of its own.
    pub(super) fn intended_by_operator(
        &mut self,
        tool: &str,
        args: &Value,
    ) -> Result<(IntentId, body::Intended), RecordError> {
        let redacted = self.k.parts.redactor.redact_value(args);
        let intent = Intent {
            v: 1,
            trajectory: self.p.trajectory,
            turn: self.p.next_turn,
            ordinal: 0,
            author: Author::Operator,
            tool: tool.to_owned(),
            args: redacted.clone().unwrap_or_else(|| args.clone()),
        };
        let id = intent.id()?;
        if redacted.is_some() {
            self.live_args.insert(id, args.clone());
        }
        let intended = body::Intended {
            intent,
            call: format!("operator-{}", id.short()),
            routing: None,
            compensates: None,
            again: None,
        };
        Ok((id, intended))
    }

    /// Why the gate would refuse a step, as far as that can be known before the steps ahead of it are done; it
    /// looks and records nothing. What a step meets in the world is for the plan to tell.
    pub(super) async fn refused_step(&mut self, what: &TakeBack) -> Option<String> {
        self.mend().await;
        self.take_lease();
        if let Some(why) = self.not_here() {
            return Some(why);
        }
        match self.try_step(what).await {
            Ok(refused) => refused,
            Err(error) => Some(error.to_string()),
        }
    }

    async fn try_step(&mut self, what: &TakeBack) -> Result<Option<String>, RecordError> {
        self.catch_up()?;
        Ok(self.tried(what).await?.1)
    }

    /// Under whose authority a step goes, and why the gate would refuse it there: under the run's own where that
    /// lets calls be taken back and has what this one takes, else under the operator's own writ for it.
    async fn tried(&mut self, what: &TakeBack) -> Result<(Whose, Option<String>), RecordError> {
        let own_alone = what.under_own_writ && !self.has_undo_writ();
        if let Some((_, leaf)) = self.p.authority
            && !own_alone
            && self.may_restore()?
        {
            let chain = self.chain(&leaf);
            match self.tried_under(what, chain, None).await? {
                None => return Ok((Whose::Run, None)),
                // What the run was not granted, or has spent, is no bar to the operator.
                Some((clause, why)) if !of_authority(clause) => return Ok((Whose::Run, Some(why))),
                Some(_) => {}
            }
        }
        let signed = self.undo_writ().sign(&self.k.parts.operator_key)?;
        let chain = Arc::new(CheckedChain::check(vec![signed], &self.k.ever));
        let refused = self.tried_under(what, chain, Some(Mode::Custom)).await?;
        Ok((Whose::Operator, refused.map(|no| no.1)))
    }

    /// What the gate would say of a step under this chain, after as many calls as the steps ahead of it are.
    async fn tried_under(
        &mut self,
        what: &TakeBack,
        chain: Arc<CheckedChain>,
        mode: Option<Mode>,
    ) -> Result<Option<(Clause, String)>, RecordError> {
        let (id, intended) = self.intended_by_operator(RESTORE, &what.args)?;
        self.live_args.insert(id, what.args.clone());
        let links: Vec<WritId> = chain.links().iter().map(|(id, _)| *id).collect();
        let scene = self.scene_under((id, &intended.intent), None, chain).await;
        self.live_args.remove(&id);
        let mut scene = scene?;
        scene.facts.mode = mode.unwrap_or(scene.facts.mode);
        for link in links {
            let spent = scene.facts.spent.entry(link).or_default();
            spent.tool_calls = spent.tool_calls.saturating_add(what.ahead);
        }
        let verdict = compile(&intended.intent, &scene.grounds(self));
        let Verdict::Refused(refused) = verdict else {
            return Ok(None);
        };
        let no = refused.refusal;
        let told = format!("it would be refused [{}]: {}", no.clause, no.reason);
        Ok((no.clause != Clause::C12).then_some((no.clause, told)))
    }

    /// Whether what is in force here would let a call be taken back: a person who asks for it is not held up
    /// by a run that was stopped, is over or only looks.
    fn may_restore(&mut self) -> Result<bool, RecordError> {
        let now = self.now();
        let cut = self.revoked_now()?;
        let Some((_, leaf)) = self.p.authority else {
            return Ok(false);
        };
        let chain = self.p.chain(&leaf);
        Ok(self.outlived_by_keys(&leaf).is_none()
            && chain.iter().all(|link| {
                let writ = &link.writ;
                let id = link.id().unwrap_or(leaf);
                let spent = self.p.spent.get(&id).copied().unwrap_or_default();
                let grants = |grant: &Grant| glob(&grant.tool, RESTORE);
                !cut.contains(&id)
                    && writ.window.contains(now)
                    && writ.effects.allows(EffectClass::Write)
                    && writ.grants.iter().any(grants)
                    && writ.budget.shortfall(&spent, &Cost::ONE_CALL).is_none()
            }))
    }

    /// Whether what is in force allows nothing but taking back.
    pub(super) fn has_undo_writ(&self) -> bool {
        let grants = self.writ_in_force().map(|writ| writ.grants.as_slice());
        grants.is_some_and(|all| !all.is_empty() && all.iter().all(|grant| grant.tool == RESTORE))
    }

    /// The operator's own writ for this: it allows nothing but taking back.
    fn undo_writ(&self) -> Writ {
        let now = self.now();
        let tenant = self.p.root.as_ref().map(|root| root.tenant.clone());
        Writ {
            v: 1,
            nonce: Writ::nonce(self.k.draw()),
            name: UNDO.to_owned(),
            issuer: self.k.operator(),
            subject: self.subject_party(),
            parent: None,
            tenant: tenant.unwrap_or_default(),
            grants: vec![Grant {
                tool: RESTORE.to_owned(),
                caveats: Vec::new(),
            }],
            effects: Effects::Ceiling(EffectClass::Write),
            isolation_min: Rung::L1,
            budget: Budget {
                tokens: Some(0),
                usd_millicents: Some(0),
                tool_calls: None,
                wall_clock_ms: None,
            },
            window: Window {
                not_before: now,
                expires_at: Some(now.plus_ms(UNDO_WINDOW_MS)),
            },
            delegation: Delegation {
                max_depth: 0,
                may_subdivide: false,
            },
            examples: Examples::default(),
            preset: None,
            pre_answer: None,
        }
    }

    /// That writ, put in force.
    fn undo_writ_bodies(&self) -> Result<Vec<Body>, RecordError> {
        let signed = self.undo_writ().sign(&self.k.parts.operator_key)?;
        let id = signed.id()?;
        let issued = body::WritIssued {
            writ: signed,
            id,
            reason: "the operator takes calls of this run back".into(),
            reserved: None,
            session: None,
        };
        let changed = body::ModeChanged {
            mode: Mode::Custom,
            from: self.p.authority.map(|(_, writ)| writ),
            to: id,
            difference: vec!["only taking back, for ten minutes".to_owned()],
        };
        Ok(vec![
            Body::WritIssued(Box::new(issued)),
            Body::ModeChanged(changed),
        ])
    }

    /// Tells whoever waits for an undo, once it is known what came of it.
    pub(super) fn tell_taken_back(&mut self) {
        let Some(waiting) = &self.taking_back else {
            return;
        };
        let fate = self.p.calls.get(&waiting.intent).map(|call| &call.fate);
        let came = match (&self.broken, fate) {
            (Some(broken), _) => TakenBack::Not(broken.error.to_string()),
            (None, Some(Fate::Ended { proposal, .. }))
                if self.p.undone.contains(&waiting.target) =>
            {
                let sealed = proposal.and_then(|by| self.p.sealed.get(&by));
                TakenBack::Done(sealed.map(|one| one.entry))
            }
            (None, Some(Fate::Ended { text, .. })) => TakenBack::Not(text.clone()),
            (None, Some(Fate::Held(_))) => {
                TakenBack::Held("the rules in force want a person to agree".to_owned())
            }
            (None, Some(Fate::Wanted | Fate::Begun(_)) | None) => return,
        };
        if let Some(waiting) = self.taking_back.take() {
            drop(waiting.reply.send(came));
        }
    }

    /// `[D3]` What an undo names must have happened here and still be in force.
    pub(super) fn undo_is_open(&self, intent: &IntentId) -> Result<(), String> {
        let target = self.p.calls.get(intent).and_then(|call| call.compensates);
        match target {
            Some(target) if !self.p.can_be_undone(&target) => Err(format!(
                "`{}` is undone already, or never happened here",
                target.short()
            )),
            Some(_) | None => Ok(()),
        }
    }
}
