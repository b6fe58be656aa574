//! Putting one intent before the gate: look, gather facts, compile, and record what was said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use thymos_compiler::{
    CheckedChain, CheckedPossession, CheckedStanding, GateVersion, Grounds, Held, IN_DOUBT,
    Refused, Verdict, compile, is_repeat,
};
use thymos_core::body::{self, Body, Stage};
use thymos_core::budget::Budget;
use thymos_core::canonical::InvalidJson;
use thymos_core::effect::EffectClass;
use thymos_core::facts::{Facts, Possession};
use thymos_core::id::IdempotencyKey;
use thymos_core::intent::Intent;
use thymos_core::proposal::{Proposal, idempotency_key};
use thymos_core::resolved::Resolved;
use thymos_core::tool::Repeat;
use thymos_core::writ::Mode;
use thymos_core::{EntryId, IntentId};
use thymos_ports::tool::{Kept, Look};
use thymos_replay::projection::Fate;

use super::{RecordError, Session};
use crate::memory::Recall;

/// What is known of a call before the gate decides.
pub(super) struct Scene {
    pub(super) gate: GateVersion,
    pub(super) chain: Arc<CheckedChain>,
    pub(super) possession: Arc<CheckedPossession>,
    pub(super) resolved: Result<Resolved, String>,
    /// The same without secrets, when it held some; this one is recorded `[R1]`.
    pub(super) recorded: Option<Resolved>,
    pub(super) facts: Facts,
    pub(super) standing: Vec<CheckedStanding>,
    pub(super) live_args: Option<Value>,
}

impl Scene {
    pub(super) fn grounds<'a>(&'a self, session: &'a Session) -> Grounds<'a> {
        Grounds {
            gate: self.gate,
            chain: &self.chain,
            possession: &self.possession,
            policy: session.shelf.set(),
            tools: &session.k.tool_set,
            resolved: match (&self.recorded, &self.resolved) {
                (Some(recorded), Ok(_)) => Ok(recorded),
                (None, Ok(live)) => Ok(live),
                (_, Err(no)) => Err(no),
            },
            facts: &self.facts,
            standing: &self.standing,
            live_args: self.live_args.as_ref(),
            live_resolved: self.recorded.as_ref().and(self.resolved.as_ref().ok()),
        }
    }
}

impl Session {
    /// Decides one intent; what it says is recorded, and a cleared call begins.
    pub(super) async fn decide(&mut self, id: IntentId) {
        if !self.keep_pins().await || !self.keep_trust().await {
            return;
        }
        let Some(call) = self.p.calls.get(&id) else {
            return;
        };
        if call.fate != Fate::Wanted {
            return;
        }
        let intent = call.intent.clone();
        let scene = match self.scene(id, &intent, None).await {
            Ok(scene) => scene,
            Err(error) => return self.break_on(error, None),
        };
        let verdict = compile(&intent, &scene.grounds(self));
        let result = match verdict {
            Verdict::Cleared(warrant) => return self.begin(id, warrant).await,
            Verdict::Held(held) => self.record_hold(*held).await,
            Verdict::Refused(refused) => self.record_refusal(*refused, Stage::Compile).await,
        };
        match result {
            Ok(()) => {}
            // Somebody wrote first: what they wrote is folded, so look again.
            Err(RecordError::Moved) => self.queue.push_front(super::Job::Decide(id)),
            Err(error) => self.break_on(error, None),
        }
    }

    /// Gathers what a decision may read. A hold is decided by the chain and the gate that held it, other work
    /// by the chain in force and the newest gate.
    pub(super) async fn scene(
        &mut self,
        id: IntentId,
        intent: &Intent,
        hold: Option<&Proposal>,
    ) -> Result<Scene, RecordError> {
        let leaf = match hold {
            Some(held) => held.writs.last().copied(),
            None => self.p.authority.map(|(_, writ)| writ),
        };
        let chain = match leaf {
            Some(leaf) => self.chain(&leaf),
            None => Arc::new(CheckedChain::check(Vec::new(), &self.k.ever)),
        };
        self.scene_under((id, intent), hold, chain).await
    }

    /// The same under a chain that may not be in force.
    pub(super) async fn scene_under(
        &mut self,
        (id, intent): (IntentId, &Intent),
        hold: Option<&Proposal>,
        chain: Arc<CheckedChain>,
    ) -> Result<Scene, RecordError> {
        let live_args = self.live_args.get(&id).cloned();
        let args = live_args.as_ref().unwrap_or(&intent.args).clone();
        let budgets = chain.links().iter().map(|(_, link)| &link.writ.budget);
        let limits = Budget::tightest(budgets);
        let resolved = self.look((id, intent), &args, limits).await;
        let recorded = resolved
            .as_ref()
            .ok()
            .and_then(|live| self.without_secrets(live));
        let possession = self.possession(id);
        let told = recorded.as_ref().or(resolved.as_ref().ok());
        let mut facts = self.facts(&chain, possession.clone(), intent, told);
        let standing = self.under_authority(&chain, &mut facts)?;
        let possession = self.checked(possession, &chain);
        // One that no version here has is refused as held by another gate `[C1]`.
        let gate = hold.and_then(|held| GateVersion::named(&held.compiler));
        Ok(Scene {
            gate: gate.unwrap_or(GateVersion::NEWEST),
            chain,
            possession,
            resolved,
            recorded,
            facts,
            standing,
            live_args,
        })
    }

    fn possession(&mut self, id: IntentId) -> Possession {
        if let Some(known) = self.possessions.get(&id) {
            return known.clone();
        }
        Possession::sign(vec![id], &self.subject)
    }

    /// A signature of a batch is checked once, not once a call of it.
    fn checked(&mut self, batch: Possession, chain: &CheckedChain) -> Arc<CheckedPossession> {
        let known = self.checked.as_ref();
        if let Some(known) = known.filter(|known| known.is_check_of(&batch, chain)) {
            return known.clone();
        }
        let checked = Arc::new(CheckedPossession::check(batch, chain));
        self.checked = Some(checked.clone());
        checked
    }

    fn facts(
        &self,
        chain: &CheckedChain,
        possession: Possession,
        intent: &Intent,
        resolved: Option<&Resolved>,
    ) -> Facts {
        let links: Vec<_> = chain.links().iter().map(|(id, _)| *id).collect();
        Facts {
            now: self.now(),
            tenant: self
                .p
                .root
                .as_ref()
                .map_or_else(String::new, |root| root.tenant.clone()),
            mode: self.p.authority.map_or(Mode::Plan, |(mode, _)| mode),
            spent: links
                .iter()
                .map(|id| (*id, self.p.spent.get(id).copied().unwrap_or_default()))
                .collect(),
            // Filled in by `under_authority`, which looks above this trajectory too.
            revoked: BTreeSet::new(),
            possession,
            rung: self.k.parts.rung,
            risk_threshold: self.shelf.set().switches().risk_threshold,
            world: resolved.map_or_else(BTreeMap::new, |resolved| {
                let version =
                    |r: &thymos_core::delta::Resource| self.p.world.get(r).map(|v| v.version);
                resolved
                    .resources
                    .iter()
                    .map(|seen| (seen.resource.text(), version(&seen.resource)))
                    .collect()
            }),
            repeats: resolved.map_or(0, |resolved| self.p.repeats_of(intent, resolved)),
            standing: Vec::new(),
            approvals: self.k.parts.approvals,
        }
    }

    /// What a tool may look at here and now, under these limits.
    pub(super) fn sight<'a>(
        &'a self,
        memory: &'a Recall,
        limits: Budget,
        kept: Kept<'a>,
    ) -> Look<'a> {
        Look {
            world: &self.p.world,
            memory,
            now: self.now(),
            rung: self.k.parts.rung,
            limits,
            kept,
        }
    }

    /// Asks the tool to look, unless the call cannot make sense: unknown tool, arguments that do
    /// not fit, a key that is done or in doubt.
    async fn look(
        &self,
        (id, intent): (IntentId, &Intent),
        args: &Value,
        limits: Budget,
    ) -> Result<Resolved, String> {
        let Some(tool) = self.k.tool(&intent.tool) else {
            return Err(format!("there is no tool `{}`", intent.tool));
        };
        if self.k.tool_set.check_args(&intent.tool, args).is_err() {
            return Err("the arguments do not fit the tool's schema".into());
        }
        if self.live_args_lost(id, intent) {
            return Err("it holds a mark that stands for a secret, and secrets are not stored: ask again with the value, or leave it out".into());
        }
        let kept = self.k.kept();
        if let Some(order) = tool.order(args)
            && let Some(no) = self
                .cannot_delegate()
                .or_else(|| self.order_is_wider(&order))
        {
            return Err(no);
        }
        let memory = Recall::of(&self.k, &self.shared, &self.p);
        let look = self.sight(&memory, limits, &kept);
        // A tool that panics while looking has found nothing; the session goes on.
        let looked = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(
            tool.resolve(args, &look),
        ))
        .await;
        let resolved = match looked {
            Ok(Ok(resolved)) => resolved,
            Ok(Err(no)) => {
                return Err(no
                    .hint
                    .map_or(no.message.clone(), |h| format!("{}; {h}", no.message)));
            }
            Err(_panic) => {
                return Err(format!("the tool `{}` panicked while looking", intent.tool));
            }
        };
        self.undo_is_open(&id)?;
        self.key_is_free(id, intent, &resolved).await?;
        Ok(resolved)
    }

    /// `[X2]` A key in doubt is locked, for every call but the interrupted one itself; `[X3]` and one that
    /// was used up on another trajectory is for every call but that which the operator wants once more. What
    /// this trajectory used up itself is for the gate to tell.
    async fn key_is_free(
        &self,
        id: IntentId,
        intent: &Intent,
        resolved: &Resolved,
    ) -> Result<(), String> {
        if resolved.effect <= EffectClass::Read {
            return Ok(());
        }
        let key = self.key_of(intent, resolved).map_err(|e| e.to_string())?;
        let mut open = self.p.open_work.iter();
        if let Some((proposal, _)) =
            open.find(|(_, work)| work.body.key == key && work.intent != id)
        {
            return Err(match self.delegated.contains_key(proposal) {
                true => "this very call is at work; read what comes of it first".to_owned(),
                false => format!("this very call was interrupted and {IN_DOUBT}"),
            });
        }
        let once = self.once_for(&id, intent) && !self.p.done.contains_key(&key);
        let (k, shared, own) = (self.k.clone(), self.shared.clone(), self.p.trajectory);
        if !shared.knows_all() {
            // The first time everything is looked at, and nobody else waits for that.
            let learning = self.k.parts.hands.beside(move || shared.learn_all(&k));
            learning.await.map_err(|panic| panic.to_string())?;
        }
        let found = self.shared.key_elsewhere(&self.k, &own, &key, once);
        found.map_or(Ok(()), |found| Err(found.to_string()))
    }

    /// `[X3]` Whether a call happens once for its key: its tool says so, and the operator did not want it once
    /// more, nor an undo.
    pub(super) fn once_for(&self, id: &IntentId, intent: &Intent) -> bool {
        let call = self.p.calls.get(id);
        let wanted = call.is_some_and(|call| call.again || call.compensates.is_some());
        let tool = self.k.tool(&intent.tool);
        let once = tool.is_some_and(|tool| tool.contract().repeat == Repeat::OncePerKey);
        once && !wanted
    }

    /// The key under which this call happens.
    pub(super) fn key_of(
        &self,
        intent: &Intent,
        resolved: &Resolved,
    ) -> Result<IdempotencyKey, InvalidJson> {
        let tenant = self.p.root.as_ref().map_or("", |root| root.tenant.as_str());
        idempotency_key(tenant, intent, &resolved.repeat_scope)
    }

    /// `[X3]` The end of the same call before, when that is why this one was refused.
    fn earlier(&self, refused: &Refused) -> Option<EntryId> {
        let proposal = &refused.decided.proposal;
        let resolved = proposal.resolved.as_ref()?;
        let key = self.key_of(&proposal.intent, resolved).ok()?;
        let (_, end) = self.p.done.get(&key)?;
        is_repeat(&refused.refusal).then_some(*end)
    }

    fn live_args_lost(&self, id: IntentId, intent: &Intent) -> bool {
        crate::redact::contains_marker(&intent.args) && !self.live_args.contains_key(&id)
    }

    /// The facts without secrets, or none when there were none in them.
    fn without_secrets(&self, live: &Resolved) -> Option<Resolved> {
        self.k.parts.redactor.redact_noun(live).ok().flatten()
    }

    async fn record_hold(&mut self, held: Held) -> Result<(), RecordError> {
        let body = body::PendingApproval {
            decided: held.decided,
            terms: held.terms,
            presentation: held.presentation,
            presented: held.presented,
        };
        self.record(vec![Body::PendingApproval(Box::new(body))])
            .await
            .map(|_| ())
    }

    pub(super) async fn record_refusal(
        &mut self,
        refused: Refused,
        stage: Stage,
    ) -> Result<(), RecordError> {
        let earlier = self.earlier(&refused);
        let body = body::Rejection {
            decided: refused.decided,
            refusal: refused.refusal,
            stage,
            earlier,
        };
        self.record(vec![Body::Rejection(Box::new(body))])
            .await
            .map(|_| ())
    }
}
