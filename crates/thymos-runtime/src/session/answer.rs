//! Hearing commands: prompts, answers, edits, interrupts. What may not be done is replied, not done.

use crate::account::TRIES_MAX;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use thymos_compiler::{AnswerFault, CheckedChain, Held, Verdict, admit, check_answer};
use thymos_core::approval::{Answer, Decision, Scope, SignedAnswer, Via};
use thymos_core::body::{self, Body, Stage};
use thymos_core::id::{IntentId, ProposalId};
use thymos_core::intent::{Author, Intent};
use thymos_core::key::PublicKey;
use thymos_core::limits::{MESSAGE_BYTES_MAX, REASON_CHARS_MAX};
use thymos_core::verdict::HoldTerms;
use thymos_ports::store::StoreError;
use thymos_protocol::{Changed, Command, Fault, Replied, SkillChoice, Under};
use thymos_replay::projection::{Fate, Hold};

use super::bound;
use super::record::Broken;
use super::timer::expires_at;
use super::{Activity, Inside, Job, OVER, RecordError, Session};
use crate::words;

/// Characters of what is told of the end of a call that was answered too late.
const WHY_CHARS_MAX: usize = 240;

impl Session {
    /// Does what a command asks, or says why not.
    pub(super) async fn hear(&mut self, command: Command) -> Replied {
        if let Some(replied) = self.look_up(&command) {
            return replied;
        }
        if self.p.is_over() && !takes_away(&command) {
            return fault(OVER, "start a new run");
        }
        if matches!(command, Command::Interrupt { .. })
            && self.unsealed.is_none()
            && let Some(broken) = &self.broken
        {
            // Nothing waits for room, so there is nothing to try: who asks hears why it stopped.
            return stuck(broken);
        }
        self.mend().await;
        if let Some(broken) = &self.broken {
            return stuck(broken);
        }
        let result = match command {
            Command::Prompt { text, .. } => self.prompt(text).await,
            Command::Answer(answer) => self.answer(answer).await,
            Command::Edit { proposal, args, .. } => self.edit(proposal, args).await,
            Command::Interrupt { .. } => {
                self.interrupt();
                Ok(Replied::Accepted)
            }
            Command::SetMode { mode, .. } => self.take(Some(Under::Mode(mode)), &[]).await,
            Command::Take { under, skills, .. } => self.take(under, &skills).await,
            Command::CloseWrit { .. } => self.close_writ().await,
            Command::SetModel { model, .. } => Ok(self.set_model(model)),
            Command::Again { intent, .. } => self.again(intent).await,
            Command::Revoke { writ, reason, .. } => self.revoke(writ, reason).await,
            Command::EndAuthority { reason, .. } => self.end_authority(reason).await,
            Command::Writs { .. } => self.writs(),
            Command::PreviewScope {
                proposal, scope, ..
            } => self.preview_scope(proposal, &scope),
            Command::Drain { proposals, .. } => self.drain(proposals).await,
            Command::PreviewGrant { entry, .. } => self.preview_grant(&entry).await,
            Command::SignGrant { entry, .. } => self.sign_grant(&entry).await,
            Command::Settle {
                proposal,
                settlement,
                reason,
                ..
            } => self.settle(proposal, settlement, reason).await,
            Command::Forget { key, .. } => self.forget(key).await,
            Command::BindSkill {
                name, parameters, ..
            } => self.take(None, &[SkillChoice { name, parameters }]).await,
            _ => Ok(fault(
                "this is not for a trajectory",
                "report this; it is our mistake",
            )),
        };
        match result {
            Ok(replied) => replied,
            Err(error) => {
                let words = error.to_string();
                if matches!(error, RecordError::Store(_) | RecordError::Diverged(_)) {
                    self.break_on(error, None);
                }
                Replied::Fault(Fault {
                    message: words,
                    hint: None,
                })
            }
        }
    }

    pub(super) async fn heard_inside(&mut self, done: Inside) {
        match done {
            Inside::Thought {
                result,
                wall_clock_ms,
            } => self.thought(result, wall_clock_ms).await,
            Inside::SummedUp {
                through,
                limits,
                result,
                wall_clock_ms,
            } => {
                let summed_up = (through, limits, wall_clock_ms);
                self.summed_up(summed_up, result).await;
            }
            Inside::Born { proposal, asks } => self.child_born(&proposal, asks),
            Inside::ChildEnded { proposal, end } => self.child_ended(proposal, end).await,
            Inside::Acted {
                begun,
                result,
                wall_clock_ms,
            } => {
                self.seal(*begun, result, wall_clock_ms).await;
                self.go_on_after_holds();
            }
        }
    }

    async fn prompt(&mut self, text: String) -> Result<Replied, RecordError> {
        if text.trim().is_empty() && self.p.story.is_empty() {
            return Ok(fault("there is no task yet", "say what is to be done"));
        }
        let otherwise = "answer holds here, or start a new trajectory";
        if let Err(no) = self.may_act(otherwise).await {
            return Ok(no);
        }
        if bound::beyond(&text, MESSAGE_BYTES_MAX).is_some() {
            return Ok(fault(
                format!(
                    "a prompt of {} bytes is longer than the {MESSAGE_BYTES_MAX} that an entry has for it",
                    text.len()
                ),
                "put the text into a file and name the file",
            ));
        }
        if !self.acts_unasked() {
            self.goes_on = true;
            self.take_up().await;
        }
        self.record_pins().await?;
        if !text.trim().is_empty() {
            let (role, turn) = self.role_and_turn();
            let message = Body::Message(body::Message {
                role,
                text,
                reasoning: String::new(),
                provider_state: None,
                turn,
            });
            self.record_anyway(vec![message]).await?;
            self.drop_undecided();
        }
        self.start_run();
        Ok(Replied::Accepted)
    }

    /// Words of the operator count before the next call of the turn they interrupt: what the model wanted
    /// before it heard them is not decided, and it reads so.
    fn drop_undecided(&mut self) {
        let calls = &self.p.calls;
        let is_the_models = |intent: &IntentId| {
            let call = calls.get(intent);
            call.is_some_and(|call| call.intent.author == Author::Model && !call.rerun)
        };
        self.queue.retain(|job| match job {
            Job::Decide(intent) => !is_the_models(intent),
            Job::Admit(_) => true,
        });
    }

    /// Who a prompt is from, and the turn it was said in. What is said while the model thinks
    /// carries the number of that very turn: the model has not heard it (see `context`).
    const fn role_and_turn(&self) -> (body::Role, u32) {
        let next = self.p.next_turn;
        match (&self.run, &self.activity) {
            (None, _) => (body::Role::Operator, next),
            (Some(_), Activity::Thinking { .. }) => (body::Role::Steer, next),
            (Some(_), _) => (body::Role::Steer, next.saturating_sub(1)),
        }
    }

    /// Why nothing may be done here, when the tools are bound to another folder.
    pub(super) fn elsewhere(&self) -> Option<Replied> {
        let workspace = self.foreign_workspace()?;
        Some(fault(
            format!("this trajectory belongs to the folder `{workspace}`"),
            format!("open thymos there, or name it: -C {workspace}"),
        ))
    }

    /// Takes the right to act here, or says why it cannot be had. Whoever acted here before may have
    /// left something open: what can be settled is settled, what was delegated is found again `[X2]`.
    pub(super) async fn may_act(&mut self, otherwise: &str) -> Result<(), Replied> {
        if let Some(elsewhere) = self.elsewhere() {
            return Err(elsewhere);
        }
        let had_lease = self.lease.is_some();
        self.take_lease();
        if self.lease.is_none() {
            let message = "this trajectory is open in another process";
            return Err(fault(message, otherwise));
        }
        if !had_lease && self.acts_unasked() {
            self.settle_by_contract().await;
            self.find_children();
        }
        Ok(())
    }

    /// Records a person's answer. Where others wrote meanwhile it is looked at again: only an answer to this
    /// very hold can be in its way, and whatever else was written is in nobody's.
    async fn answer(&mut self, said: thymos_protocol::Answer) -> Result<Replied, RecordError> {
        for _ in 0..TRIES_MAX {
            match self.answer_once(&said).await {
                Err(RecordError::Moved) => {}
                answered => return answered,
            }
        }
        Err(RecordError::Moved)
    }

    /// Records it, if it counts, and puts the hold before the gate again.
    async fn answer_once(
        &mut self,
        said: &thymos_protocol::Answer,
    ) -> Result<Replied, RecordError> {
        if said.reason.chars().count() > REASON_CHARS_MAX {
            let message = format!("a reason may have {REASON_CHARS_MAX} characters");
            return Ok(fault(message, "say it shorter"));
        }
        self.catch_up()?;
        let Some(hold) = self.p.holds.get(&said.proposal) else {
            return Ok(Replied::Stale(self.why_closed(said.proposal)));
        };
        if hold.body.presented != said.presented {
            return Ok(Replied::Stale(Changed::PresentedDiffers));
        }
        let by = said
            .signed
            .as_ref()
            .map_or_else(|| self.k.operator().key, |s| s.answer.by.key);
        if let Some(first) = self.decided_by(hold, by) {
            return Ok(Replied::Stale(Changed::AlreadyDecided(first)));
        }
        if expires_at(hold).is_some_and(|end| self.now() >= end) {
            return Ok(fault(
                "this hold has expired",
                "nothing is decided by waiting but a no",
            ));
        }
        let held = held(hold);
        if said.decision == Decision::Approve
            && let Some(elsewhere) = self.elsewhere()
        {
            return Ok(elsewhere);
        }
        let chain = self.hold_chain(&said.proposal);
        if let Some(why) = chain.faults().first() {
            // [A2] It would use up the hold and let nothing happen. Whoever is trusted by this writ can answer.
            return Ok(fault(
                format!("nothing that is answered here counts: {why}"),
                "trust the operator's key first: thymos keys trust NAME KEY",
            ));
        }
        let signed = match self.signed_answer(said)? {
            Ok(signed) => signed,
            Err(no) => return Ok(no),
        };
        if let Err(no) = check_answer(&held, &signed, &self.k.parts.roots, &chain) {
            return Ok(Replied::NotCounted(Fault {
                message: no.to_string(),
                hint: Some(who_may(&no, &held.terms)),
            }));
        }
        let mut bodies = Vec::new();
        if let Some(scope) = &said.scope {
            match self.scope_bodies(&said.proposal, scope)? {
                Ok(issued) => bodies.extend(issued),
                Err(no) => return Ok(no),
            }
        }
        bodies.push(Body::Approval(body::Approval { signed }));
        // First decision wins [compare-and-set]: whoever came first is folded then.
        self.record(bodies).await?;
        self.answered.insert(said.proposal);
        // Elsewhere, or while another process acts here, the answer waits in the record.
        if self.may_act("").await.is_ok() {
            self.queue.push_back(Job::Admit(said.proposal));
        }
        Ok(Replied::Accepted)
    }

    /// Why a call waits for nobody any more.
    fn why_closed(&self, closed: ProposalId) -> Changed {
        let ended = self.p.calls.values().find_map(|call| match &call.fate {
            Fate::Ended {
                proposal,
                text,
                is_error: true,
            } if *proposal == Some(closed) => text.lines().next(),
            _ => None,
        });
        ended.map_or(Changed::NotOpen, |why| {
            Changed::Ended(words::cut(why, WHY_CHARS_MAX))
        })
    }

    /// Who decided this hold, as far as somebody of this key is concerned: it is denied, enough have agreed
    /// for every rule that asks, or this one has answered already `[A3]`.
    fn decided_by(&self, hold: &Hold, key: PublicKey) -> Option<String> {
        let by = |signed: &SignedAnswer| signed.answer.by.name.clone();
        let answers = || hold.answers.iter().map(|(_, signed)| signed);
        if let Some(own) = answers().find(|signed| signed.answer.by.key == key) {
            return Some(by(own));
        }
        if self.waits(hold) {
            return None;
        }
        let no = answers().find(|signed| signed.answer.decision == Decision::Deny);
        no.or_else(|| answers().next()).map(by)
    }

    /// The operator's answer, signed here, or another approver's that came signed `[A2]`.
    fn signed_answer(
        &self,
        said: &thymos_protocol::Answer,
    ) -> Result<Result<SignedAnswer, Replied>, RecordError> {
        if let Some(signed) = &said.signed {
            let answer = &signed.answer;
            let same = answer.proposal == said.proposal
                && answer.presented == said.presented
                && answer.decision == said.decision;
            if !same || said.scope.is_some() || answer.via == Via::Timer {
                return Ok(Err(fault(
                    "the signed answer is about something else than it is sent for",
                    "sign the answer to this very hold",
                )));
            }
            return Ok(Ok((**signed).clone()));
        }
        if said.via == Via::Timer || (said.scope.is_some() && said.decision == Decision::Deny) {
            return Ok(Err(fault(
                "a person answers, and only a yes has a scope",
                "answer once",
            )));
        }
        let answer = Answer {
            v: 1,
            proposal: said.proposal,
            presented: said.presented,
            decision: said.decision,
            scope: said.scope.as_ref().map_or(Scope::Once, |_| Scope::Standing),
            // What is signed is what is stored, so it is redacted first [R1].
            reason: self.k.without_secrets(said.reason.clone()),
            via: said.via,
            fully_viewed: said.fully_viewed,
            by: self.k.operator(),
            at: self.now(),
        };
        Ok(Ok(answer.sign(&self.k.parts.operator_key)?))
    }

    fn hold_chain(&mut self, proposal: &ProposalId) -> Arc<CheckedChain> {
        let leaf = self
            .p
            .holds
            .get(proposal)
            .and_then(|hold| hold.body.decided.proposal.writs.last().copied());
        match leaf {
            Some(leaf) => self.chain(&leaf),
            None => Arc::new(CheckedChain::check(Vec::new(), &self.k.ever)),
        }
    }

    /// Puts an answered hold before the gate again, with facts of now `[A4]`.
    pub(super) async fn admit(&mut self, proposal: ProposalId) {
        if !self.keep_pins().await || !self.keep_trust().await {
            return;
        }
        let Some(hold) = self.p.holds.get(&proposal) else {
            return;
        };
        let answers = hold.answers.clone();
        let held = held(hold);
        let asked = &held.decided.proposal;
        let id = hold.intent;
        self.possessions
            .entry(id)
            .or_insert_with(|| held.decided.facts.possession.clone());
        let scene = match self.scene(id, &asked.intent, Some(asked)).await {
            Ok(scene) => scene,
            Err(error) => return self.break_on(error, None),
        };
        let denied = answers
            .iter()
            .any(|(_, s)| s.answer.decision == Decision::Deny);
        let verdict = admit(&held, &answers, &self.k.parts.roots, &scene.grounds(self));
        let recorded = match verdict {
            Verdict::Cleared(warrant) => return self.begin(id, warrant).await,
            Verdict::Held(_) => Ok(()),
            Verdict::Refused(refused) => {
                let stage = if denied { Stage::Answer } else { Stage::Admit };
                self.record_refusal(*refused, stage).await
            }
        };
        match recorded {
            Ok(()) => self.go_on_after_holds(),
            Err(RecordError::Moved) => self.queue.push_front(Job::Admit(proposal)),
            Err(error) => self.break_on(error, None),
        }
    }

    /// Starts the run again once nothing of its newest turn waits any more.
    pub(super) fn go_on_after_holds(&mut self) {
        // A delegated run that a crash cut off goes on as well: its parent waits for it.
        let cut_off = self.report.is_some() && self.p.stopped.is_none() && self.in_doubt.is_empty();
        let stopped_for_hold = self.p.stopped == Some(body::Stop::Held) || cut_off;
        if (self.k.parts.continues || self.report.is_some())
            && self.run.is_none()
            && stopped_for_hold
            && self.p.holds.is_empty()
            && self.p.open_work.is_empty()
            && self.queue.is_empty()
            && self.delegated.is_empty()
        {
            self.start_run();
        }
    }

    /// `[A7]` The operator's version is a new intent, judged afresh; the old hold closes.
    async fn edit(&mut self, proposal: ProposalId, args: Value) -> Result<Replied, RecordError> {
        for _ in 0..TRIES_MAX {
            match self.edit_once(proposal, args.clone()).await {
                Err(RecordError::Moved) => {}
                edited => return edited,
            }
        }
        Err(RecordError::Moved)
    }

    async fn edit_once(
        &mut self,
        proposal: ProposalId,
        args: Value,
    ) -> Result<Replied, RecordError> {
        if let Err(no) = self
            .may_act("edit it there, or answer the call as it is")
            .await
        {
            return Ok(no);
        }
        let Some(hold) = self.p.holds.get(&proposal) else {
            return Ok(Replied::Stale(Changed::NotOpen));
        };
        if super::bound::args(args.clone()) != args {
            return Ok(fault(
                "these arguments are too large or nested too deep to be kept",
                "split the call into smaller ones",
            ));
        }
        let redacted = self.k.parts.redactor.redact_value(&args);
        let old = &hold.body.decided.proposal.intent;
        let ordinal = self
            .p
            .calls
            .values()
            .filter(|c| c.intent.turn == old.turn)
            .count();
        let intent = Intent {
            v: 1,
            trajectory: self.p.trajectory,
            turn: old.turn,
            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
            author: Author::Operator,
            tool: old.tool.clone(),
            args: redacted.clone().unwrap_or_else(|| args.clone()),
        };
        let id = intent.id()?;
        if redacted.is_some() {
            self.live_args.insert(id, args);
        }
        let call = format!("operator-{}", id.short());
        let bodies = vec![
            Body::Intent(body::Intended {
                intent,
                call,
                routing: None,
                compensates: None,
                again: None,
            }),
            Body::Superseded(body::Superseded {
                proposal,
                by: Some(id),
                reason: "edited by the operator".into(),
            }),
        ];
        self.record(bodies).await?;
        self.queue.push_back(Job::Decide(id));
        Ok(Replied::Accepted)
    }

    pub(super) fn interrupt(&mut self) {
        if let Some(run) = &mut self.run {
            run.stop_asked = true;
        }
        self.cancel_work();
    }

    /// Asks everything at work here, delegated runs too, to end `[X4]`.
    pub(super) fn cancel_work(&self) {
        if let Activity::Thinking { cancel } | Activity::SummingUp { cancel } = &self.activity {
            cancel.cancel();
        }
        self.cancel_acts();
    }

    /// Asks tools and delegated runs to end; a thought has no effect, and may end by itself.
    pub(super) fn cancel_acts(&self) {
        if let Activity::Acting { cancel, .. } = &self.activity {
            cancel.cancel();
        }
        for child in self.delegated.values() {
            child.stop();
        }
    }

    fn set_model(&mut self, model: String) -> Replied {
        match self.k.parts.models.connect(Some(&model)) {
            Ok(_) => {
                self.model = Some(model);
                Replied::Accepted
            }
            Err(no) => Replied::Fault(Fault {
                message: no.message,
                hint: no.hint,
            }),
        }
    }

    /// Folds what others wrote, and acts on answers they gave.
    pub(super) async fn catch_up_and_resume(&mut self) {
        // Somebody wrote: what was refused here may be taken by now.
        self.mend().await;
        if let Err(error) = self.catch_up() {
            return self.break_on(error, None);
        }
        // [W7] What ended above shows, also where nothing is at work. A store that cannot be read is told by the
        // next decision, which reads it again.
        drop(self.revoked_now());
        if self.lease.is_none() {
            return;
        }
        self.stop_if_cut();
        self.close_cut_holds().await;
        self.admit_answered();
    }

    /// Puts what was answered, and neither begun nor refused, before the gate again: another process
    /// answered it, or the one that did ended before it came to it.
    pub(super) fn admit_answered(&mut self) {
        if self.lease.is_none() {
            return;
        }
        let waiting: Vec<ProposalId> = self
            .p
            .holds
            .iter()
            .filter(|(_, hold)| !hold.answers.is_empty())
            .map(|(proposal, _)| *proposal)
            .filter(|proposal| self.acts_unasked() || self.answered.contains(proposal))
            .filter(|p| {
                !self
                    .queue
                    .iter()
                    .any(|job| matches!(job, Job::Admit(q) if q == p))
            })
            .collect();
        self.queue.extend(waiting.into_iter().map(Job::Admit));
    }
}

fn held(hold: &Hold) -> Held {
    Held {
        decided: hold.body.decided.clone(),
        terms: hold.body.terms.clone(),
        presentation: hold.body.presentation.clone(),
        presented: hold.body.presented,
    }
}

/// What may still be asked of a trajectory of which something was erased `[L3]`.
const fn takes_away(command: &Command) -> bool {
    matches!(
        command,
        Command::Revoke { .. }
            | Command::EndAuthority { .. }
            | Command::Writs { .. }
            | Command::Interrupt { .. }
    )
}

fn stuck(broken: &Broken) -> Replied {
    let hint = match &broken.error {
        StoreError::Away { .. } => "bring the server back, then try again",
        StoreError::Full { .. } => "free the disk, then try again",
        _ if broken.mends => "try again; if that does not help, look at the disk",
        _ => "look at the disk, then open the ledger again",
    };
    fault(broken.error.to_string(), hint)
}

pub(super) fn fault(message: impl Into<String>, hint: impl Into<String>) -> Replied {
    Replied::Fault(Fault {
        message: message.into(),
        hint: Some(hint.into()),
    })
}

/// What to do about an answer that does not count.
fn who_may(no: &AnswerFault, terms: &HoldTerms) -> String {
    match no {
        AnswerFault::NotAnApprover(_) => {
            let asked = terms.asks.iter().flat_map(|ask| &ask.approvers);
            let asked: BTreeSet<&str> = asked.map(String::as_str).collect();
            let asked = asked.into_iter().collect::<Vec<_>>().join(", ");
            format!("asked are: {asked}; one of them answers with --key FILE --as NAME")
        }
        AnswerFault::NotAnOperator(_) => {
            "trust the key first: thymos keys trust NAME KEY".to_owned()
        }
        AnswerFault::Proposer => "somebody else has to answer it".to_owned(),
        AnswerFault::Signature
        | AnswerFault::OtherProposal
        | AnswerFault::OtherPresentation
        | AnswerFault::NotViewed
        | AnswerFault::Timer => "look at the whole card, then answer again".to_owned(),
    }
}
