//! The clauses, in the order in which the first failure names a refusal `[C1]`-`[C15]`.
//!
//! Each writes its line and lets the next one speak; none looks anything up.

use thymos_core::verdict::Ceremony;

use crate::case::Case;
use crate::findings::Findings;

mod authority;
mod budget;
mod effect;
mod form;
mod gates;
mod grant;
mod policy;
mod tool;
mod world;

pub use world::is_repeat;

/// Every clause about one case, and the ceremony that policy wants if it is held.
pub(crate) fn judge(case: &Case<'_>) -> (Findings, Ceremony) {
    let mut findings = Findings::with(Vec::with_capacity(18));
    form::well_formed(case, &mut findings);
    authority::trusted(case, &mut findings);
    authority::not_revoked(case, &mut findings);
    authority::in_window(case, &mut findings);
    authority::same_tenant(case, &mut findings);
    tool::pinned(case, &mut findings);
    tool::fits_schema(case, &mut findings);
    grant::covered(case, &mut findings);
    effect::allowed(case, &mut findings);
    effect::isolated(case, &mut findings);
    budget::affordable(case, &mut findings);
    world::as_expected(case, &mut findings);
    let answer = policy::permitted(case, &mut findings);
    gates::reversible(case, answer.explicitly_permitted, &mut findings);
    gates::below_threshold(case, &mut findings);
    (findings, answer.ceremony)
}
