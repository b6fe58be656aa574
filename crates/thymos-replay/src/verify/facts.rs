//! Facts of a decision, held against what the record says of the moment before it `[V3]`.
//!
//! Derives what can be derived, and derives no verdict: that is `redecide`. What a tool saw outside
//! and the cage a machine offers are told by the session alone, and no check here covers them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use thymos_core::approval::Decision;
use thymos_core::body::{Body, Rejection, Stage, Started};
use thymos_core::budget::Cost;
use thymos_core::facts::Facts;
use thymos_core::id::ProposalId;
use thymos_core::proposal::{Decided, Proposal};
use thymos_core::secret::MARKER_OPEN;
use thymos_core::writ::{Mode, Writ};
use thymos_core::{Timestamp, WritId, canonical};

use crate::divergence::Divergence;
use crate::projection::{Hold, Projection};
use crate::redecide::Redecider;

/// The moment before an entry, as the record has it.
pub(super) struct Moment<'a> {
    /// The trajectory before the entry.
    pub(super) before: &'a Projection,
    /// Position in the log of the trajectory's previous entry.
    pub(super) previous: Option<u64>,
    /// When the entry was appended.
    pub(super) at: Timestamp,
    /// First revocation of each writ, anywhere before the entry, by position in the log.
    pub(super) cuts: &'a BTreeMap<WritId, u64>,
    /// Knows every writ that was issued.
    pub(super) redecider: &'a Redecider,
    /// Other trajectories are not there, and what was revoked on them is not known.
    pub(super) alone: bool,
}

impl Moment<'_> {
    /// Everything in this body that does not follow from the record.
    pub(super) fn faults(&self, body: &Body) -> Faults {
        let mut faults = Faults::default();
        if let Body::Rejection(rejection) = body {
            self.rejection(rejection, &mut faults);
        } else if let Body::PendingApproval(pending) = body {
            let none = self.hold(&pending.decided).is_none();
            faults.same("stage", &true, &none);
            self.decision(&pending.decided, None, &mut faults);
        } else if let Body::Started(started) = body {
            self.started(started, &mut faults);
        } else if let Body::Commit(commit) = body {
            self.seal(&commit.proposal, &commit.cost, &mut faults);
        } else if let Body::Failure(failure) = body {
            self.seal(&failure.proposal, &failure.cost, &mut faults);
        }
        faults
    }

    /// `[B1]` Whatever became of a call, it reached its tool once; a delegating one also costs what
    /// its child did.
    fn seal(&self, proposal: &ProposalId, cost: &Cost, faults: &mut Faults) {
        let mut children = self.before.children.values();
        if children.all(|child| child.proposal != *proposal) {
            faults.same("calls of a seal", &1, &cost.tool_calls);
        }
    }

    fn rejection(&self, rejection: &Rejection, faults: &mut Faults) {
        let decided = &rejection.decided;
        let hold = self.hold(decided);
        let denied = |hold: &Hold| {
            let decision = |(_, signed): &(_, thymos_core::approval::SignedAnswer)| {
                signed.answer.decision == Decision::Deny
            };
            hold.answers.iter().any(decision)
        };
        let stage = match hold {
            None => Stage::Compile,
            Some(hold) if denied(hold) => Stage::Answer,
            Some(_) => Stage::Admit,
        };
        faults.same("stage", &stage, &rejection.stage);
        // [X3] What it says was done before was done here.
        if let Some(earlier) = rejection.earlier
            && self.before.done.values().all(|(_, end)| *end != earlier)
        {
            let what = Divergence::new("earlier", "the end of such a call", earlier.to_string());
            faults.0.push(what);
        }
        // [A5] A person's no is recorded over the facts of the hold, and deciding again says so.
        let of_the_hold = hold.is_some_and(|hold| hold.body.decided.facts == decided.facts);
        if stage != Stage::Answer || !of_the_hold {
            self.decision(decided, hold, faults);
        }
    }

    fn started(&self, started: &Started, faults: &mut Faults) {
        let decided = &started.decided;
        let hold = self.hold(decided);
        // [A6] A hold may also end because a pre-answer was signed meanwhile.
        let approved = !started.approvals.is_empty();
        let answered = approved || hold.is_some() && !started.pre_answered.is_empty();
        faults.same("rests on an approval", &hold.is_some(), &answered);
        self.decision(decided, hold, faults);
        faults.same("rung", &decided.facts.rung, &started.rung);
        faults.same("reserved", &estimate(&decided.proposal), &started.reserved);
        let key = decided.proposal.idempotency_key(&decided.facts.tenant);
        faults.same("idempotency key", &key, &Ok(started.key));
    }

    fn decision(&self, decided: &Decided, hold: Option<&Hold>, faults: &mut Faults) {
        let (proposal, facts) = (&decided.proposal, &decided.facts);
        self.proposal(proposal, hold, faults);
        faults.same(
            "facts.standing",
            &self.standing(proposal, facts.now),
            &facts.standing,
        );
        let writs = [proposal.writs.as_slice(), &facts.standing].concat();
        self.authority(facts, &writs, faults);
        let p = self.before;
        if facts.now < p.head_at || facts.now > self.at {
            let expected = format!("{} to {}", p.head_at, self.at);
            let found = facts.now.to_string();
            faults.0.push(Divergence::new("facts.now", expected, found));
        }
        let resolved = proposal.resolved.as_ref();
        let world = resolved.map_or_else(BTreeMap::new, |resolved| {
            let seen = resolved.resources.iter().map(|seen| &seen.resource);
            seen.map(|r| (r.text(), p.world.get(r).map(|now| now.version)))
                .collect()
        });
        faults.same("facts.world", &world, &facts.world);
        let repeats = resolved.map_or(0, |resolved| p.repeats_of(&proposal.intent, resolved));
        faults.same("facts.repeats", &repeats, &facts.repeats);
        let witnessed = decided.trace.lines.iter().any(|line| line.witnessed);
        if witnessed && !holds_redacted_span(proposal) {
            let expected = "a redacted span that a line could have read";
            let what = Divergence::new("witnessed line", expected, "none in this call");
            faults.0.push(what);
        }
    }

    fn proposal(&self, proposal: &Proposal, hold: Option<&Hold>, faults: &mut Faults) {
        let leaf = match hold {
            Some(hold) => hold.body.decided.proposal.writs.last().copied(),
            None => self.before.authority.map(|(_, writ)| writ),
        };
        let chain = leaf.map_or_else(Vec::new, |leaf| self.redecider.lineage(&leaf));
        faults.same("writs", &chain, &proposal.writs);
        let policy = (self.before.policy_set, Some(proposal.policy_set));
        faults.same("policy set in force", &policy.0, &policy.1);
    }

    fn authority(&self, facts: &Facts, writs: &[WritId], faults: &mut Faults) {
        let p = self.before;
        let tenant = p.root.as_ref().map_or("", |root| root.tenant.as_str());
        faults.same("facts.tenant", tenant, facts.tenant.as_str());
        let mode = p.authority.map_or(Mode::Plan, |(mode, _)| mode);
        faults.same("facts.mode", &mode, &facts.mode);
        let spent = |id: &WritId| (*id, p.spent.get(id).copied().unwrap_or_default());
        let spent: BTreeMap<WritId, Cost> = writs.iter().map(spent).collect();
        faults.same("facts.spent", &spent, &facts.spent);
        let (must, may) = self.revoked(writs);
        if !must.is_subset(&facts.revoked) {
            faults.differ("facts.revoked", &must, &facts.revoked);
        } else if !self.alone && !facts.revoked.is_subset(&may) {
            faults.differ("facts.revoked", &may, &facts.revoked);
        }
    }

    /// The links that the session had to know as revoked, and those it may have known. What was
    /// revoked on another trajectory it had to know once it wrote an entry of its own after it.
    fn revoked(&self, writs: &[WritId]) -> (BTreeSet<WritId>, BTreeSet<WritId>) {
        let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
        for writ in writs {
            for link in self.redecider.lineage(writ) {
                let own = self.before.revoked.contains(&link);
                let cut = self.cuts.get(&link);
                if own || cut.is_some_and(|cut| self.previous.is_some_and(|seen| *cut < seen)) {
                    must.insert(*writ);
                }
                if own || cut.is_some() {
                    may.insert(*writ);
                }
            }
        }
        (must, may)
    }

    /// `[A6]` The pre-answers that could serve at that moment; all of them are presented, and no other.
    fn standing(&self, proposal: &Proposal, now: Timestamp) -> Vec<WritId> {
        let p = self.before;
        let serves = |id: &WritId, writ: &Writ| {
            let used = p.spent.get(id).copied().unwrap_or_default();
            let under = writ.pre_answer.as_ref().map(|pre| pre.under);
            under.is_some_and(|under| proposal.writs.contains(&under))
                && !p.revoked.contains(id)
                && writ.window.contains(now)
                && writ.budget.shortfall(&used, &Cost::ONE_CALL).is_none()
        };
        let issued = p.writs.iter();
        let serving = issued.filter(|(id, signed)| serves(id, &signed.writ));
        serving.map(|(id, _)| *id).collect()
    }

    /// The open hold that this decision is about: the same call, whatever moved meanwhile.
    fn hold(&self, decided: &Decided) -> Option<&Hold> {
        let intent = decided.proposal.intent.id().ok()?;
        let mut holds = self.before.holds.values();
        holds.find(|hold| hold.intent == intent)
    }
}

/// What was found, in order.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<Divergence>);

impl Faults {
    pub(super) fn same<T: PartialEq + Debug + ?Sized>(
        &mut self,
        check: &'static str,
        expected: &T,
        found: &T,
    ) {
        if expected != found {
            self.differ(check, expected, found);
        }
    }

    pub(super) fn differ<T: Debug + ?Sized>(
        &mut self,
        check: &'static str,
        expected: &T,
        found: &T,
    ) {
        let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
        self.0.push(Divergence::new(check, expected, found));
    }
}

fn estimate(proposal: &Proposal) -> Cost {
    let resolved = proposal.resolved.as_ref();
    resolved.map_or_else(Cost::default, |resolved| resolved.estimate)
}

/// `[R4]` Only a redacted call can have been decided on values that are not in the record.
pub(crate) fn holds_redacted_span(proposal: &Proposal) -> bool {
    let text = canonical::encode(&(&proposal.intent.args, &proposal.resolved));
    text.is_ok_and(|bytes| {
        let marker = MARKER_OPEN.as_bytes();
        let mut windows = bytes.as_bytes().windows(marker.len());
        windows.any(|window| window == marker)
    })
}
