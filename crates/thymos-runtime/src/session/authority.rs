//! Authority of a session: its mode writs and the chain in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use thymos_compiler::{CheckedChain, CheckedStanding};
use thymos_core::body::{self, Body, Stop};
use thymos_core::budget::Cost;
use thymos_core::facts::Facts;
use thymos_core::writ::{Mode, Writ};
use thymos_core::{ProposalId, Timestamp, WritId};
use thymos_protocol::{ModePreview, NotUsed, Replied};
use thymos_replay::projection::{Hold, OpenWork};

use super::answer::fault;
use super::take::{Footing, Planned};
use super::{Activity, Job, RecordError, Session};
use crate::account::{TRIES_MAX, account_of};
use crate::modes::{ModeRequest, ceiling, difference, mode_writ};

impl Session {
    /// The writ in force.
    pub(super) fn writ_in_force(&self) -> Option<&Writ> {
        let (_, id) = self.p.authority?;
        self.p.writs.get(&id).map(|signed| &signed.writ)
    }

    /// The checked chain of a writ; checking costs a signature a link, so it is kept. By every key
    /// that was ever trusted, as history is decided again: what a key that is retired signed is
    /// revoked instead, see [`Self::keep_trust`].
    pub(super) fn chain(&mut self, leaf: &WritId) -> Arc<CheckedChain> {
        if let Some(chain) = self.chains.get(leaf) {
            return chain.clone();
        }
        let chain = Arc::new(CheckedChain::check(self.p.chain(leaf), &self.k.ever));
        self.chains.insert(*leaf, chain.clone());
        chain
    }

    /// Writs that are revoked as of now, here and above, with all below them `[W7]`.
    pub(super) fn revoked_now(&mut self) -> Result<BTreeSet<WritId>, RecordError> {
        for (id, signed) in &self.p.writs {
            // A writ file's account is where it is revoked for every session at once.
            let subject = &signed.writ.subject.key;
            if signed.writ.parent.is_none() && self.k.ever.trusts_operator(subject) {
                self.lineage.watch(account_of(id));
            }
        }
        if self.lineage.is_empty() {
            return Ok(self.p.revoked_with_descendants());
        }
        let store = self.k.parts.store.clone();
        self.lineage
            .look(store.as_ref())
            .map_err(RecordError::Store)?;
        Ok(self.p.cut_with(&self.lineage.revoked()))
    }

    /// Adds what the moment says of authority to the facts: what is revoked, and the pre-answers
    /// that are presented, with what was used of them `[A6]`.
    pub(super) fn under_authority(
        &mut self,
        chain: &CheckedChain,
        facts: &mut Facts,
    ) -> Result<Vec<CheckedStanding>, RecordError> {
        let cut = self.revoked_now()?;
        let standing = self.standing_under(chain, &cut, facts.now);
        facts.standing = standing.iter().filter_map(CheckedStanding::id).collect();
        for id in &facts.standing {
            let used = self.p.spent.get(id).copied().unwrap_or_default();
            facts.spent.insert(*id, used);
        }
        let links = chain.links().iter().map(|(id, _)| *id);
        facts.revoked = links.filter(|id| cut.contains(id)).collect();
        Ok(standing)
    }

    /// Pre-answers that may serve now. Those that are over are not presented, so that facts do not
    /// grow with what once was.
    fn standing_under(
        &self,
        chain: &CheckedChain,
        cut: &BTreeSet<WritId>,
        now: Timestamp,
    ) -> Vec<CheckedStanding> {
        let under = |id: &WritId| chain.links().iter().any(|(link, _)| link == id);
        self.p
            .writs
            .iter()
            .filter(|(id, signed)| {
                let writ = &signed.writ;
                let used = self.p.spent.get(id).copied().unwrap_or_default();
                writ.pre_answer
                    .as_ref()
                    .is_some_and(|pre| under(&pre.under))
                    && !cut.contains(id)
                    && writ.window.contains(now)
                    && writ.budget.shortfall(&used, &Cost::ONE_CALL).is_none()
            })
            .map(|(_, signed)| CheckedStanding::check(signed.clone(), &self.k.ever))
            .collect()
    }

    /// Stops what is at work under a writ that was revoked meanwhile, before its next effect `[W7]`.
    /// The run goes on when another writ is in force, as after a narrower mode.
    pub(super) fn stop_if_cut(&mut self) {
        let at_work = !matches!(self.activity, Activity::Idle) || !self.delegated.is_empty();
        if !at_work {
            return;
        }
        // A store that cannot be read is told by the next decision, which reads it again.
        let Ok(cut) = self.revoked_now() else {
            return;
        };
        let leaf = self.p.authority.map(|(_, leaf)| leaf);
        if leaf.is_some_and(|leaf| cut.contains(&leaf)) {
            if let Some(run) = &mut self.run {
                let why = || "the writ was revoked while it was at work".to_owned();
                run.cut.get_or_insert_with(why);
            }
            return self.cancel_work();
        }
        let own = |work: &&OpenWork| !self.in_doubt.contains(&work.body.proposal);
        let mut work = self.p.open_work.values().filter(own);
        if work.any(|work| {
            work.body
                .decided
                .proposal
                .writs
                .iter()
                .any(|id| cut.contains(id))
        }) {
            self.cancel_acts();
        }
    }

    /// Open holds under a writ that is cut: the gate refuses them, whatever is answered `[W7]`.
    fn cut_holds(&mut self) -> Vec<ProposalId> {
        if self.p.holds.is_empty() {
            return Vec::new();
        }
        // A store that cannot be read is told by the next decision, which reads it again.
        let cut = self.revoked_now().unwrap_or_default();
        let under = |hold: &Hold| {
            let writs = &hold.body.decided.proposal.writs;
            writs.iter().any(|writ| cut.contains(writ))
        };
        let holds = self.p.holds.iter().filter(|(_, hold)| under(hold));
        holds.map(|(proposal, _)| *proposal).collect()
    }

    /// Lets the gate refuse what waits under a writ that is cut, so that nobody is asked in vain `[W7]`. Where
    /// another process has the trajectory open, that one does it.
    pub(super) async fn close_cut_holds(&mut self) {
        // What a retired key signed is cut as well, and may not be on record yet.
        let keeps = !self.p.holds.is_empty() && self.lease.is_some();
        if keeps && !self.keep_trust().await {
            return;
        }
        let waiting = self.cut_holds();
        if waiting.is_empty() || self.may_act("").await.is_err() {
            return;
        }
        for proposal in waiting {
            match self.activity {
                Activity::Idle => self.admit(proposal).await,
                _ => self.queue.push_back(Job::Admit(proposal)),
            }
        }
    }

    /// How a run that was stopped at work ends: by its authority, or by a person.
    pub(super) fn cut_or_cancelled(&self) -> Stop {
        let cut = self.run.as_ref().and_then(|run| run.cut.clone());
        cut.map_or(Stop::Cancelled, Stop::Authority)
    }

    /// Revokes a writ that was issued here `[W7]`.
    pub(super) async fn revoke(
        &mut self,
        writ: WritId,
        reason: String,
    ) -> Result<Replied, RecordError> {
        for _ in 0..TRIES_MAX {
            self.catch_up()?;
            if !self.p.writs.contains_key(&writ) {
                return Ok(fault(
                    format!("writ `{}` was not issued on this trajectory", writ.short()),
                    "list writs with `thymos writ ls`, and revoke it where it was issued",
                ));
            }
            if self.p.revoked.contains(&writ) {
                let no = format!("writ `{}` is revoked already", writ.short());
                return Ok(Replied::NotUsed(NotUsed::Authority(no)));
            }
            let body = self.revocation(writ, reason.clone())?;
            match self.record(vec![body]).await {
                Ok(_) => {
                    self.stop_if_cut();
                    self.close_cut_holds().await;
                    return Ok(Replied::Accepted);
                }
                // Whoever wrote first may have revoked it.
                Err(RecordError::Moved) => {}
                Err(error) => return Err(error),
            }
        }
        Err(RecordError::Moved)
    }

    /// Revokes what is in force here: under skills that narrow it, the writ that they narrow, for the narrower
    /// ones end with it and it would be in force again without them.
    pub(super) async fn end_authority(&mut self, reason: String) -> Result<Replied, RecordError> {
        self.catch_up()?;
        let cut = self.revoked_now()?;
        match self.p.authority {
            // Also where it was revoked above, as that of a delegated run is when it ends.
            Some((_, leaf)) if cut.contains(&self.p.without_skills(leaf)) => {
                self.close_cut_holds().await;
                let no = format!("writ `{}` is revoked already", leaf.short());
                Ok(Replied::NotUsed(NotUsed::Authority(no)))
            }
            Some((_, leaf)) => {
                let replied = self.revoke(self.p.without_skills(leaf), reason).await?;
                // [D1] What was delegated hears that it ended with this, before it does anything else.
                self.find_children();
                Ok(replied)
            }
            None => {
                let no = "nothing is in force on this trajectory".to_owned();
                Ok(Replied::NotUsed(NotUsed::Authority(no)))
            }
        }
    }

    /// Of whose record this is; a new trajectory is of the kernel's own.
    fn tenant(&self) -> String {
        let root = self.p.root.as_ref();
        root.map_or_else(|| self.k.parts.tenant.clone(), |root| root.tenant.clone())
    }

    fn new_mode_writ(&self, mode: Mode) -> Writ {
        mode_writ(ModeRequest {
            mode,
            issuer: self.k.operator(),
            subject: self.subject_party(),
            tenant: self.tenant(),
            nonce: self.k.draw(),
            now: self.now(),
            terms: self.k.parts.terms,
        })
    }

    pub(super) fn preview_mode(&self, mode: Mode) -> ModePreview {
        let next = self.new_mode_writ(mode);
        let mut difference = difference(self.writ_in_force(), &next);
        if let Some(left) = self.left_for(mode) {
            let under = |hold: &&Hold| hold.body.decided.proposal.writs.contains(&left);
            let waiting = self.p.holds.values().filter(under).count();
            if waiting > 0 {
                difference.push(format!("- calls that wait, which are refused: {waiting}"));
            }
        }
        ModePreview { mode, difference }
    }

    /// Entries that put a mode in force `[W8]`. A narrower mode also revokes the writ before it, so
    /// that nothing still pending can be admitted under the wider one `[W7]`.
    pub(super) fn mode_bodies(&self, mode: Mode) -> Result<Planned, RecordError> {
        let next = self.new_mode_writ(mode);
        let lines = difference(self.writ_in_force(), &next);
        let signed = next.clone().sign(&self.k.parts.operator_key)?;
        let id = signed.id()?;
        let footing = Footing {
            mode,
            id,
            writ: next,
            skills: Vec::new(),
        };
        let mut bodies = vec![Body::WritIssued(Box::new(body::WritIssued {
            writ: signed,
            id,
            reason: format!("mode {mode}"),
            reserved: None,
            session: None,
        }))];
        let from = self.p.authority;
        bodies.push(Body::ModeChanged(body::ModeChanged {
            mode,
            from: from.map(|(_, id)| id),
            to: id,
            difference: lines,
        }));
        if let Some((old_mode, _)) = from
            && let Some(old) = self.left_for(mode)
        {
            let reason = match old_mode {
                // A writ file may have been narrower than the mode.
                Mode::Custom => format!("left for the mode {mode}"),
                Mode::Plan | Mode::Edit | Mode::Auto => format!("mode narrowed to {mode}"),
            };
            bodies.push(self.revocation(old, reason)?);
        }
        Ok(Planned { bodies, footing })
    }

    /// The writ that ends with a change to this mode, if one does `[W7]`: under skills the mode's own, since what
    /// waits from before one was bound hangs from that.
    fn left_for(&self, mode: Mode) -> Option<WritId> {
        let (old_mode, old) = self.p.authority?;
        let ends = narrows(old_mode, mode) && !self.p.revoked.contains(&old);
        ends.then(|| self.p.without_skills(old))
    }

    pub(super) fn revocation(&self, writ: WritId, reason: String) -> Result<Body, RecordError> {
        let reason = self.k.without_secrets(reason);
        Ok(self.k.revocation(writ, reason)?)
    }
}

/// Whether a change of mode also ends the writ before it `[W7]`.
fn narrows(from: Mode, to: Mode) -> bool {
    ceiling(to) < ceiling(from) || from == Mode::Auto && to == Mode::Edit || from == Mode::Custom
}
