//! Which answers count `[A2]` `[A3]`. Admits nothing; see `admit`.

use std::collections::BTreeSet;
use std::fmt;

use thymos_core::approval::{Answer, Decision, SignedAnswer, Via};
use thymos_core::key::PublicKey;
use thymos_core::verdict::{Ask, HoldTerms};
use thymos_core::writ::TrustRoots;
use thymos_core::{EntryId, ProposalId};

use crate::chain::CheckedChain;
use crate::verdict::Held;

/// Why an answer does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerFault {
    /// Its signature does not hold.
    Signature,
    /// It is about another proposal.
    OtherProposal,
    /// Something else was in front of the approver.
    OtherPresentation,
    /// Its key is not among the operators of the trust roots.
    NotAnOperator(String),
    /// Its approver is not among those that an ask names.
    NotAnApprover(String),
    /// Whoever proposes does not approve.
    Proposer,
    /// Not all of it had been on screen, and the ceremony demands it `[A8]`.
    NotViewed,
    /// A timer only ever denies, and only where an expiry was set `[A1]`.
    Timer,
}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("the answer's signature does not hold"),
            Self::OtherProposal => f.write_str("the answer is about another proposal"),
            Self::OtherPresentation => {
                f.write_str("the answer quotes another text than the one presented")
            }
            Self::NotAnOperator(name) => {
                write!(f, "the key of `{name}` is not among the trusted operators")
            }
            Self::NotAnApprover(name) => write!(f, "`{name}` is not among the approvers asked"),
            Self::Proposer => f.write_str("the proposer cannot approve its own proposal"),
            Self::NotViewed => f.write_str("not all of it had been on screen"),
            Self::Timer => {
                f.write_str("a timer only denies, and only after an expiry that was set")
            }
        }
    }
}

impl std::error::Error for AnswerFault {}

/// Whether an answer may be recorded for a hold `[A2]`.
///
/// # Errors
/// [`AnswerFault`], one sentence; the hold stays as it is.
pub fn check_answer(
    held: &Held,
    signed: &SignedAnswer,
    roots: &TrustRoots,
    chain: &CheckedChain,
) -> Result<(), AnswerFault> {
    let Ok(proposal) = held.decided.proposal.id() else {
        return Err(AnswerFault::OtherProposal);
    };
    Panel::new(held, proposal, roots, chain).check(signed)
}

/// How many of the approvals that a hold needs it has, counted by what is missing most: where several
/// rules ask, somebody may count for one and not for another `[A3]`.
///
/// The answers must have been checked when they came; whether they still count is for admission.
#[must_use]
pub fn agreed(terms: &HoldTerms, answers: &[(EntryId, SignedAnswer)], roots: &TrustRoots) -> u32 {
    let said = answers.iter().map(|(_, signed)| &signed.answer);
    let yes = said.filter(|answer| answer.decision == Decision::Approve);
    let keys = yes.map(|answer| answer.by.key);
    let named = keys.filter_map(|key| Some((key, name_of(roots, &key)?)));
    let missing = |ask: &Ask| {
        let needed = ask.quorum.max(1);
        needed.saturating_sub(count_for(ask, named.clone()))
    };
    let most = terms.asks.iter().map(missing).max().unwrap_or(0);
    terms.quorum().saturating_sub(most)
}

/// Distinct keys among these that are allowed to answer this ask `[A3]`.
fn count_for<'n>(ask: &Ask, approvals: impl Iterator<Item = (PublicKey, &'n str)>) -> u32 {
    let allowed = approvals.filter(|(_, name)| may_answer(ask, name));
    let keys: BTreeSet<PublicKey> = allowed.map(|(key, _)| key).collect();
    u32::try_from(keys.len()).unwrap_or(u32::MAX)
}

/// Those who may answer one hold.
pub(crate) struct Panel<'a> {
    held: &'a Held,
    proposal: ProposalId,
    roots: &'a TrustRoots,
    proposer: Option<PublicKey>,
}

/// The answers of a hold, sorted.
#[derive(Default)]
pub(crate) struct Tally<'t> {
    /// The first valid denial; one is enough `[A3]`.
    pub(crate) denial: Option<&'t Answer>,
    /// Valid approvals.
    pub(crate) approvals: Vec<Approval<'t>>,
    /// Why the first answer that does not count does not.
    pub(crate) fault: Option<AnswerFault>,
}

/// One valid approval.
pub(crate) struct Approval<'t> {
    pub(crate) entry: EntryId,
    pub(crate) key: PublicKey,
    /// The name that the trust roots give this key.
    pub(crate) name: &'t str,
    pub(crate) fully_viewed: bool,
}

impl Tally<'_> {
    pub(crate) fn satisfies(&self, ask: &Ask) -> bool {
        let named = self.approvals.iter().map(|one| (one.key, one.name));
        count_for(ask, named) >= ask.quorum.max(1)
    }
}

impl<'a> Panel<'a> {
    pub(crate) fn new(
        held: &'a Held,
        proposal: ProposalId,
        roots: &'a TrustRoots,
        chain: &CheckedChain,
    ) -> Self {
        Self {
            held,
            proposal,
            roots,
            proposer: chain.leaf().map(|leaf| leaf.writ.subject.key),
        }
    }

    pub(crate) fn tally<'t>(&self, answers: &'t [(EntryId, SignedAnswer)]) -> Tally<'t>
    where
        'a: 't,
    {
        let mut tally = Tally::default();
        for (entry, signed) in answers {
            let answer = &signed.answer;
            match (self.check(signed), answer.decision) {
                (Err(fault), _) => {
                    tally.fault.get_or_insert(fault);
                }
                (Ok(()), Decision::Deny) => {
                    tally.denial.get_or_insert(answer);
                }
                (Ok(()), Decision::Approve) => tally.approvals.push(Approval {
                    entry: *entry,
                    key: answer.by.key,
                    name: name_of(self.roots, &answer.by.key).unwrap_or(""),
                    fully_viewed: answer.fully_viewed,
                }),
            }
        }
        tally
    }

    // [A2]
    pub(crate) fn check(&self, signed: &SignedAnswer) -> Result<(), AnswerFault> {
        let answer = &signed.answer;
        if !signed.signature_holds() {
            return Err(AnswerFault::Signature);
        }
        if answer.v != 1 || answer.proposal != self.proposal {
            return Err(AnswerFault::OtherProposal);
        }
        if answer.presented != self.held.presented {
            return Err(AnswerFault::OtherPresentation);
        }
        match answer.via {
            Via::Timer => self.check_timer(answer),
            Via::Tui | Via::Plain | Via::Cli => self.check_person(answer),
        }
    }

    // [A1] Time passing never decides anything but a no.
    fn check_timer(&self, answer: &Answer) -> Result<(), AnswerFault> {
        let expires = self.held.terms.expires_after_ms().is_some();
        if answer.decision == Decision::Deny && expires {
            Ok(())
        } else {
            Err(AnswerFault::Timer)
        }
    }

    fn check_person(&self, answer: &Answer) -> Result<(), AnswerFault> {
        let key = answer.by.key;
        if self.proposer == Some(key) {
            return Err(AnswerFault::Proposer);
        }
        // The name that counts is the one the trust roots give this key, not the one it claims.
        let name = name_of(self.roots, &key)
            .ok_or_else(|| AnswerFault::NotAnOperator(answer.by.name.clone()))?;
        let asked = self.held.terms.asks.iter().any(|ask| may_answer(ask, name));
        if !asked {
            return Err(AnswerFault::NotAnApprover(name.to_owned()));
        }
        if answer.decision == Decision::Deny {
            return Ok(());
        }
        if self.held.terms.ceremony.view_gate && !answer.fully_viewed {
            return Err(AnswerFault::NotViewed);
        }
        // [A6] The pre-answer of a standing approval is a writ of its own; the answer counts once.
        Ok(())
    }
}

/// The name that the trust roots give an operator's key.
pub(crate) fn name_of<'r>(roots: &'r TrustRoots, key: &PublicKey) -> Option<&'r str> {
    roots
        .operators
        .iter()
        .find(|party| party.key == *key)
        .map(|party| party.name.as_str())
}

/// Whether this approver counts for an ask.
pub(crate) fn may_answer(ask: &Ask, name: &str) -> bool {
    ask.approvers.is_empty() || ask.approvers.iter().any(|wanted| wanted == name)
}
