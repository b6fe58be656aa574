//! What must hold of any story. Each rule is a function of its own with a name and its clauses; a test
//! in `forged` breaks each of them alone.

mod acts;
mod authority;
mod budget;
mod people;
mod state;

use thymos_core::body::Body;

use super::told::{Line, Told};

pub(crate) use acts::open_work;
pub(crate) use budget::spent;

/// One thing that must hold.
pub(super) struct Rule {
    pub(super) name: &'static str,
    /// The clauses that it is taken from.
    pub(super) clauses: &'static str,
    /// What breaks it, a sentence each.
    pub(super) check: fn(&Told) -> Vec<String>,
}

const fn rule(name: &'static str, clauses: &'static str, check: fn(&Told) -> Vec<String>) -> Rule {
    Rule {
        name,
        clauses,
        check,
    }
}

/// All of them.
pub(super) const RULES: &[Rule] = &[
    rule("a body runs once it is announced", "X1", acts::announced),
    rule("what began ends once or is in doubt", "X2", acts::ended),
    rule("what was found out is true", "X2", acts::found_out),
    rule("once for a key, by the record", "X3", acts::once_recorded),
    rule("once for a key, in the world", "X3", acts::once_happened),
    rule("nothing begins under a cut writ", "W7", authority::cut),
    rule("nothing begins outside a window", "C4", authority::window),
    rule("a child's writ is narrower", "W3 D1", authority::narrower),
    rule("nothing begins beyond a budget", "B1 C11", budget::kept),
    rule("facts tell what was spent", "B1", budget::told),
    rule("calls below a writ are counted", "W6", budget::calls),
    rule(
        "a child spends what was reserved",
        "W6 D1",
        budget::children,
    ),
    rule("nothing forbidden begins", "C13 P1", people::forbidden),
    rule("what is asked is answered", "A2 A3 A6", people::answered),
    rule("a denial is final", "A3 A5", people::denied),
    rule("a pre-answer is counted", "A6", people::pre_answered),
    rule("an answer is acted on", "A1 A4", people::acted_on),
    rule("an answer that cannot count does not", "A2", people::wrong),
    rule("a refusal names its clause", "C16", people::refused),
    rule("a child reports to its parent", "D1", state::children),
    rule(
        "a live session is the fold of its record",
        "Y4 B1",
        state::views,
    ),
    rule("the record verifies", "V1 V2 V3 V4", state::verifies),
    rule("no secret is stored", "R1", state::secrets),
];

/// Every rule that a story breaks, and how.
pub(crate) fn broken(told: &Told) -> Vec<(&'static str, String)> {
    let all = RULES.iter().flat_map(|rule| {
        let faults = (rule.check)(told).into_iter();
        faults.map(|fault| (rule.name, format!("[{}] {fault}", rule.clauses)))
    });
    all.collect()
}

/// Every announcement, with its line.
fn starts(told: &Told) -> impl DoubleEndedIterator<Item = (&Line, &thymos_core::body::Started)> {
    told.lines.iter().filter_map(|line| match &line.body {
        Body::Started(started) => Some((line, &**started)),
        _ => None,
    })
}

/// Entries of one trajectory that stand before a line.
fn before<'t>(told: &'t Told, line: &'t Line) -> impl DoubleEndedIterator<Item = &'t Line> {
    let earlier = told.lines.iter().filter(|one| one.index < line.index);
    earlier.filter(|one| one.trajectory == line.trajectory)
}
