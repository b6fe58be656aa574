//! Settling work that was found without an end `[X2]`: by looking, by the tool's contract, else by a
//! person. Only a tool that calls it harmless runs again, and only if the gate clears it anew.

use thymos_compiler::{Verdict, compile};
use thymos_core::body::{self, Body, Resolution};
use thymos_core::budget::{Budget, Cost};
use thymos_core::effect::EffectClass;
use thymos_core::id::ProposalId;
use thymos_core::key::Domain;
use thymos_core::resolved::Resolved;
use thymos_core::tool::Recovery;
use thymos_core::{EntryId, IntentId, canonical};
use thymos_ports::tool::Probed;
use thymos_protocol::{Fault, Replied, Settlement};
use thymos_replay::projection::{Fate, OpenWork};

use super::answer::fault;
use super::{Job, RecordError, Session};
use crate::memory::Recall;

impl Session {
    pub(super) async fn settle(
        &mut self,
        proposal: ProposalId,
        settlement: Settlement,
        reason: String,
    ) -> Result<Replied, RecordError> {
        self.catch_up()?;
        // Settled by hand it would go on under a writ that nobody counts any more [W6].
        if self.delegated.contains_key(&proposal) {
            return Ok(fault(
                "this is a delegated run that is still at work",
                "answer what it asks, or interrupt this one",
            ));
        }
        let Some(work) = self.p.open_work.get(&proposal) else {
            return Ok(fault(
                "this work is not open",
                "look at the ledger: it may have ended",
            ));
        };
        if !self.in_doubt.contains(&proposal) {
            return Ok(fault("this work is still running", "interrupt it first"));
        }
        let own = self.k.operator().key;
        if !self.k.parts.roots.trusts_operator(&own) {
            return Ok(Replied::NotCounted(Fault {
                message: format!(
                    "a settlement by the key {own}, which is not trusted, would verify for nobody"
                ),
                hint: Some(format!("trust it first: thymos keys trust NAME {own}")),
            }));
        }
        let started = work.entry;
        let resolution = match settlement {
            Settlement::Happened => Resolution::Happened,
            Settlement::DidNotHappen => Resolution::DidNotHappen,
            Settlement::GaveUp => Resolution::GaveUp,
        };
        let body = self.reconciliation(proposal, started, resolution, reason)?;
        self.record(vec![body]).await?;
        self.in_doubt.remove(&proposal);
        self.go_on_after_holds();
        Ok(Replied::Accepted)
    }

    /// Settles what looking can settle: reads, changes of the world that were never committed, and
    /// files that are exactly as they were before, or exactly as they were to become.
    pub(crate) async fn settle_by_contract(&mut self) {
        if self.lease.is_some() {
            // Told to run again by a process that ended before it could ask the gate.
            let again = self.p.calls.iter();
            let again = again.filter(|(_, call)| call.rerun && call.fate == Fate::Wanted);
            self.queue.extend(again.map(|(id, _)| Job::Decide(*id)));
        }
        for proposal in self.in_doubt.clone() {
            if let Some((Resolution::RunAgain, intent)) = self.settle_by_look(proposal).await {
                self.queue.push_back(Job::Decide(intent));
            }
        }
    }

    /// Settles one that looking can settle, and says how; none leaves it in doubt.
    pub(super) async fn settle_by_look(
        &mut self,
        proposal: ProposalId,
    ) -> Option<(Resolution, IntentId)> {
        let work = self.p.open_work.get(&proposal).cloned()?;
        let (resolution, reason) = self.recovery(&work).await?;
        let body = self.reconciliation(proposal, work.entry, resolution, reason);
        let recorded = match body {
            Ok(body) => self.record(vec![body]).await,
            Err(error) => Err(error),
        };
        // What cannot be recorded now stays in doubt, and a person sees it.
        recorded.ok()?;
        self.in_doubt.remove(&proposal);
        Some((resolution, work.intent))
    }

    /// What the tool's contract and a look make of interrupted work; none leaves it to a person.
    async fn recovery(&mut self, work: &OpenWork) -> Option<(Resolution, String)> {
        if let Some(found) = self.found_out(work).await {
            return Some(found);
        }
        let proposal = &work.body.decided.proposal;
        let tool = self.k.tool(&proposal.intent.tool)?;
        // Another version of a tool promises nothing about what this one began.
        let (contract, pin) = self.k.tool_set.get(&proposal.intent.tool)?;
        if proposal.tool.as_ref() != Some(pin) || tool.order(&proposal.intent.args).is_some() {
            return None;
        }
        match contract.recovery {
            Recovery::Neither => None,
            Recovery::Queryable => {
                let kept = self.k.kept();
                let memory = Recall::of(&self.k, &self.shared, &self.p);
                let look = self.sight(&memory, Budget::unlimited(), &kept);
                match tool.probe(proposal, &look).await {
                    Probed::Happened(how) => Some((Resolution::FoundDone, how)),
                    Probed::DidNotHappen(how) => Some((Resolution::FoundUndone, how)),
                    Probed::Unknown => None,
                }
            }
            Recovery::Idempotent => self.clears_again(work).await.then(|| {
                let how = "running it again is harmless, and the gate clears it as of now";
                (Resolution::RunAgain, how.to_owned())
            }),
        }
    }

    /// Whether the gate, with the facts of now, lets the same call happen under the same key. An
    /// approval was spent when the work began, so a call that needs one waits for a person.
    async fn clears_again(&mut self, work: &OpenWork) -> bool {
        let decided = &work.body.decided.proposal;
        let scene = match self.scene(work.intent, &decided.intent, None).await {
            Ok(scene) => scene,
            Err(_) => return false,
        };
        let (Some(then), Ok(now)) = (&decided.resolved, &scene.resolved) else {
            return false;
        };
        let same_key = self.key_of(&decided.intent, now) == Ok(work.body.key);
        // Half done is fine; changed by somebody else is not.
        let ours = then.paths.iter().all(|was| {
            let is = now.paths.iter().find(|is| is.path == was.path);
            is.is_some_and(|is| is.before == was.before || is.before == was.after)
        });
        let verdict = compile(&decided.intent, &scene.grounds(self));
        same_key && ours && matches!(verdict, Verdict::Cleared(_))
    }

    /// What a look tells, without asking the tool's contract.
    async fn found_out(&self, work: &OpenWork) -> Option<(Resolution, String)> {
        let probed = |how: &str| Some((Resolution::Probed, how.to_owned()));
        // A delegated run is told by its own record, see `find_children`.
        let delegated = &work.body.proposal;
        if self
            .p
            .children
            .values()
            .any(|child| child.proposal == *delegated)
        {
            return None;
        }
        let proposal = &work.body.decided.proposal;
        let then = proposal.resolved.as_ref()?;
        if then.effect <= EffectClass::Read {
            return probed("it only reads, so nothing is left of it");
        }
        if then.effect != EffectClass::Write || then.exec.is_some() || !then.hosts.is_empty() {
            return None;
        }
        if then.paths.is_empty() {
            return probed(
                "its whole effect would be in a commit, and there is none: it did not happen",
            );
        }
        let tool = self.k.tool(&proposal.intent.tool)?;
        let kept = self.k.kept();
        let memory = Recall::of(&self.k, &self.shared, &self.p);
        let look = self.sight(&memory, Budget::unlimited(), &kept);
        let now = tool.resolve(&proposal.intent.args, &look).await.ok()?;
        if all_paths(then, &now, |then| then.before.as_ref()) {
            return probed("every file is as it was before: it did not happen");
        }
        // [X3] It happened, and its key is used up.
        let how = "every file is as it was to become: it happened";
        all_paths(then, &now, |then| then.after.as_ref())
            .then(|| (Resolution::FoundDone, how.to_owned()))
    }

    /// What the child's own record says about a delegated call.
    pub(super) fn probed(
        &self,
        proposal: ProposalId,
        started: EntryId,
        reason: String,
        cost: Cost,
    ) -> Result<Body, RecordError> {
        let mut body = self.reconciliation(proposal, started, Resolution::Probed, reason)?;
        if let Body::Reconciled(reconciled) = &mut body {
            reconciled.cost = cost;
        }
        Ok(body)
    }

    fn reconciliation(
        &self,
        proposal: ProposalId,
        started: EntryId,
        resolution: Resolution,
        reason: String,
    ) -> Result<Body, RecordError> {
        // What it used is not known; the call itself is charged, the reservation given back.
        let reason = self.k.without_secrets(reason);
        let message = canonical::encode(&(proposal, started, resolution, &reason))?;
        let key = &self.k.parts.operator_key;
        Ok(Body::Reconciled(body::Reconciled {
            proposal,
            started,
            resolution,
            reason,
            by: self.k.operator(),
            signature: key.sign(Domain::Reconciliation, message.as_bytes()),
            cost: Cost::ONE_CALL,
        }))
    }
}

/// Whether every path of the call now holds what `wanted` says it held, or was to hold, then.
fn all_paths(
    then: &Resolved,
    now: &Resolved,
    wanted: impl Fn(&thymos_core::resolved::ResolvedPath) -> Option<&thymos_core::delta::FileImage>,
) -> bool {
    then.paths.iter().all(|then| {
        now.paths
            .iter()
            .find(|now| now.path == then.path)
            .is_some_and(|now| now.before.as_ref() == wanted(then))
    })
}
