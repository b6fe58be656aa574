//! Pre-answers: writs that answer an ask ahead of time `[A6]`. They grant nothing and lift no refusal.

use thymos_core::WritId;
use thymos_core::effect::EffectClass;
use thymos_core::key::PublicKey;
use thymos_core::trace::Clause;
use thymos_core::verdict::Ask;
use thymos_core::writ::{PreAnswer, SignedWrit, TrustRoots, Writ};
use thymos_policy::matching::glob;

use crate::answers::{may_answer, name_of};
use crate::case::Case;
use crate::caveats::{Met, met};
use crate::chain::own_faults;

/// A presented pre-answer and what is wrong with it; checked once, like a chain.
#[derive(Debug, Clone)]
pub struct CheckedStanding {
    id: Option<WritId>,
    signed: SignedWrit,
    signer: Option<String>,
    faults: Vec<String>,
}

impl CheckedStanding {
    /// Checks one pre-answer against the operator's trust roots.
    #[must_use]
    pub fn check(signed: SignedWrit, roots: &TrustRoots) -> Self {
        let writ = &signed.writ;
        let mut faults = own_faults(&signed);
        let signer = name_of(roots, &writ.issuer.key).map(ToOwned::to_owned);
        if signer.is_none() {
            let name = &writ.issuer.name;
            faults.push(format!(
                "`issuer`: the key of `{name}` is not among the trust roots"
            ));
        }
        if writ.parent.is_some() {
            faults.push("`parent`: a pre-answer is not a link of a chain".to_owned());
        }
        if writ.pre_answer.is_none() {
            faults.push("`pre_answer`: missing, so it answers nothing".to_owned());
        }
        // Without an end or a count it would be a rule, and rules belong in policy.
        if writ.window.expires_at.is_none() || writ.budget.tool_calls.is_none() {
            faults.push(
                "`window` and `budget.tool_calls`: a pre-answer needs an end and a count"
                    .to_owned(),
            );
        }
        Self {
            id: signed.id().ok(),
            signed,
            signer,
            faults,
        }
    }

    /// The writ's id; none when it has no canonical form.
    #[must_use]
    pub const fn id(&self) -> Option<WritId> {
        self.id
    }

    /// The writ.
    #[must_use]
    pub const fn writ(&self) -> &Writ {
        &self.signed.writ
    }

    /// What is wrong with it; empty when it may be used.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The standing that answers every one of these asks for this call, with a line that says so.
    pub(crate) fn answering<'a>(case: &Case<'a>, asks: &[Ask]) -> Option<(&'a Self, String)> {
        let presented = &case.grounds.facts.standing;
        case.grounds
            .standing
            .iter()
            .filter(|standing| standing.id.is_some_and(|id| presented.contains(&id)))
            .find_map(|standing| Some((standing, standing.answers(case, asks)?)))
    }

    fn answers(&self, case: &Case<'_>, asks: &[Ask]) -> Option<String> {
        let (id, writ, pre) = (self.id?, self.writ(), self.signed.writ.pre_answer.as_ref()?);
        let facts = case.grounds.facts;
        let spent = facts.spent.get(&id)?;
        let estimate = case.resolved?.estimate;
        let fresh = self.faults.is_empty()
            && !facts.revoked.contains(&id)
            && writ.window.contains(facts.now)
            && writ.tenant == facts.tenant
            && writ.budget.shortfall(spent, &estimate).is_none();
        let signer = self.signer.as_deref()?;
        let may = asks.iter().all(|ask| may_pre_answer(ask, signer));
        if !(fresh && may && self.is_for(case, pre) && self.covers(case, pre)) {
            return None;
        }
        let limit = writ.budget.tool_calls.unwrap_or(0);
        let use_number = spent.tool_calls.saturating_add(1);
        let short = id.short();
        Some(format!(
            "pre-answered by `{signer}` in writ {short}, use {use_number} of {limit}"
        ))
    }

    /// Whether it was signed for this session and the authority in force.
    fn is_for(&self, case: &Case<'_>, pre: &PreAnswer) -> bool {
        let chain = case.grounds.chain;
        let subject = chain.leaf().map(|leaf| leaf.writ.subject.key);
        subject == Some::<PublicKey>(self.writ().subject.key)
            && chain.links().iter().any(|(id, _)| *id == pre.under)
    }

    // Every caveat must hold for sure; what cannot be told is asked.
    fn covers(&self, case: &Case<'_>, pre: &PreAnswer) -> bool {
        let Some(resolved) = case.resolved else {
            return false;
        };
        // [A6] What cannot be taken back is never answered ahead of time.
        let mild = case.effect.is_some_and(|effect| {
            effect < EffectClass::Irreversible && self.writ().effects.allows(effect)
        });
        let executable = resolved.exec.as_ref().map(|exec| exec.executable_digest);
        let granted = self.writ().grants.iter().any(|grant| {
            glob(&grant.tool, &case.intent.tool)
                && grant
                    .caveats
                    .iter()
                    .all(|caveat| met(caveat, case.args, Some(resolved)) == Met::Yes)
        });
        mild && executable == pre.executable && granted
    }
}

/// An ask that one named person may answer by policy, and that is no gate against the irreversible.
fn may_pre_answer(ask: &Ask, signer: &str) -> bool {
    matches!(ask.clause, Clause::C13 | Clause::C15) && ask.quorum <= 1 && may_answer(ask, signer)
}
