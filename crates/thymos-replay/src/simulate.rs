//! Simulation: the past decided again under a candidate, to see what would change `[P5]`.
//!
//! Calls no tool and makes no warrant: what a candidate says is words. Only the gate's own decisions
//! are asked again; what people answered is told beside them and is nobody's to decide.

use std::collections::{BTreeMap, BTreeSet};

use thymos_compiler::{Overlay, WhatIf, Word, covers, what_if};
use thymos_core::approval::Decision;
use thymos_core::body::{Body, BodyState};
use thymos_core::budget::Cost;
use thymos_core::effect::EffectClass;
use thymos_core::id::ProposalId;
use thymos_core::proposal::Decided;
use thymos_core::writ::{Grant, TrustRoots, Writ};
use thymos_core::{Entry, EntryId, TrajectoryId};
use thymos_policy::PolicySet;

use crate::divergence::Divergence;
use crate::line::one_line;
use crate::redecide::Redecider;
use crate::verify::holds_redacted_span;

/// Rows that one list of a report keeps. Further ones are counted and not told.
pub const ROWS_MAX: usize = 1_000;

/// What might come into force.
#[derive(Debug, Clone)]
pub enum Candidate {
    /// These rules and switches in place of the recorded ones.
    Policy(PolicySet),
    /// Further links at the end of every chain; every one must allow a call. They need no signature yet,
    /// and history lies before their windows, which play no part; their budgets count from the first
    /// call of each trajectory.
    Writs(Vec<Writ>),
    /// A yes in advance to every call that one of these grants covers: it satisfies an ask, and never
    /// lifts a refusal nor covers what cannot be taken back.
    PreAnswers(Vec<Grant>),
}

/// One past decision, and what the candidate makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedRow {
    /// The deciding entry.
    pub entry: EntryId,
    /// Its trajectory.
    pub trajectory: TrajectoryId,
    /// Its sequence number there.
    pub seq: u64,
    /// The tool.
    pub tool: String,
    /// The call in one line.
    pub line: String,
    /// The verdict then.
    pub was: Word,
    /// What people answered, where they were asked and did.
    pub answered: Option<Decision>,
    /// The verdict under the candidate.
    pub would_be: Word,
    /// The clause or rule that decides under the candidate, and what it says.
    pub because: String,
    /// False where the call holds a redacted span: the candidate saw less than the gate did `[R4]`.
    pub certain: bool,
}

/// What pre-answers would reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Calls that they cover, whatever became of them.
    pub covered: Vec<SimulatedRow>,
    /// How many, told or not.
    pub covered_total: u64,
    /// The worst effect among those.
    pub worst: Option<EffectClass>,
    /// Calls of the same tools that they do not cover.
    pub near: Vec<SimulatedRow>,
    /// How many, told or not.
    pub near_total: u64,
}

/// What a candidate would change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimulatedReport {
    /// Decisions that were asked again.
    pub decisions: u64,
    /// Verdicts that would change, in log order, at most [`ROWS_MAX`] of them.
    pub changes: Vec<SimulatedRow>,
    /// Decisions by the verdict then and the one under the candidate.
    pub totals: BTreeMap<(Word, Word), u64>,
    /// Decisions about calls with redacted spans; what is said of them may be wrong `[R4]`.
    pub uncertain: u64,
    /// Decisions that could not be asked again: erased, or resting on what is not in the record.
    pub unreadable: u64,
    /// For pre-answers, what they would reach.
    pub reach: Reach,
}

impl SimulatedReport {
    /// How many verdicts would change, told or not.
    #[must_use]
    pub fn changed(&self) -> u64 {
        let changed = self.totals.iter().filter(|((was, is), _)| was != is);
        changed.map(|(_, count)| count).sum()
    }
}

/// Decides every entry of a log again under a candidate. The log must be whole and in order: what
/// decisions rest on stands before them.
#[must_use]
pub fn simulate<'e>(
    entries: impl Iterator<Item = &'e Entry>,
    candidate: Candidate,
    roots: TrustRoots,
) -> SimulatedReport {
    let mut simulation = Simulation::new(candidate, roots);
    for entry in entries {
        simulation.push(entry);
    }
    simulation.finish()
}

/// A simulation that is fed row by row.
pub struct Simulation {
    candidate: Candidate,
    only: Option<TrajectoryId>,
    redecider: Redecider,
    /// What a candidate writ would have paid for, by trajectory.
    paid: BTreeMap<TrajectoryId, Cost>,
    /// Calls that a candidate writ would have let through or asked about, and that have not ended.
    allowed: BTreeSet<ProposalId>,
    answers: BTreeMap<ProposalId, Decision>,
    held: BTreeMap<EntryId, ProposalId>,
    report: SimulatedReport,
}

impl Simulation {
    /// Nothing read yet. `roots` must hold every key that was ever trusted.
    #[must_use]
    pub fn new(candidate: Candidate, roots: TrustRoots) -> Self {
        Self {
            candidate,
            only: None,
            redecider: Redecider::new(roots),
            paid: BTreeMap::new(),
            allowed: BTreeSet::new(),
            answers: BTreeMap::new(),
            held: BTreeMap::new(),
            report: SimulatedReport::default(),
        }
    }

    /// Asks again only about this trajectory. All others must be pushed all the same.
    #[must_use]
    pub fn only(mut self, trajectory: TrajectoryId) -> Self {
        self.only = Some(trajectory);
        self
    }

    /// Takes in the next entry of the log.
    pub fn push(&mut self, entry: &Entry) {
        let BodyState::Known(body) = entry.decode() else {
            return;
        };
        let asked = self.only.is_none_or(|only| only == entry.header.trajectory);
        if asked && let Some((word, decided)) = decision(&body) {
            // An admission is the same call once more, after people spoke.
            if !self.redecider.is_held(&entry.header.trajectory, decided)
                && self.ask(entry, word, decided).is_err()
            {
                self.report.unreadable += 1;
            }
        }
        self.settle(entry, &body);
        // What cannot be learned makes later decisions unreadable, and they are counted as such.
        drop(self.redecider.learn(entry, &body));
    }

    /// Ends the log.
    #[must_use]
    pub fn finish(self) -> SimulatedReport {
        let Self {
            mut report,
            answers,
            held,
            ..
        } = self;
        let Reach { covered, near, .. } = &mut report.reach;
        for row in report.changes.iter_mut().chain(covered).chain(near) {
            row.answered = held.get(&row.entry).and_then(|id| answers.get(id)).copied();
        }
        report
    }

    fn ask(&mut self, entry: &Entry, was: Word, decided: &Decided) -> Result<(), Divergence> {
        let said = self.say(entry, was, decided)?;
        let proposal = decided.proposal.id();
        let proposal =
            proposal.map_err(|e| Divergence::new("proposal", "canonical", e.to_string()))?;
        if was == Word::Held {
            self.held.insert(entry.id, proposal);
        }
        if said.what.word != Word::Refused {
            self.allowed.insert(proposal);
        }
        let witnessed = decided.trace.lines.iter().any(|line| line.witnessed);
        let row = SimulatedRow {
            entry: entry.id,
            trajectory: entry.header.trajectory,
            seq: entry.header.seq,
            tool: decided.proposal.intent.tool.clone(),
            line: one_line(&decided.proposal.intent),
            was,
            answered: None,
            would_be: said.what.word,
            because: said.what.because,
            certain: !witnessed && !holds_redacted_span(&decided.proposal),
        };
        self.report.decisions += 1;
        self.report.uncertain += u64::from(!row.certain);
        *self.report.totals.entry((was, row.would_be)).or_default() += 1;
        match said.reach {
            Reaches::Nothing => {}
            Reaches::Covers(effect) => {
                self.report.reach.covered_total += 1;
                self.report.reach.worst = self.report.reach.worst.max(Some(effect));
                keep(&mut self.report.reach.covered, &row);
            }
            Reaches::Misses => {
                self.report.reach.near_total += 1;
                keep(&mut self.report.reach.near, &row);
            }
        }
        if row.was != row.would_be {
            keep(&mut self.report.changes, &row);
        }
        Ok(())
    }

    fn say(&mut self, entry: &Entry, was: Word, decided: &Decided) -> Result<Said, Divergence> {
        let intent = &decided.proposal.intent;
        let basis = self.redecider.basis(entry, decided)?;
        let nothing = |what| Said {
            what,
            reach: Reaches::Nothing,
        };
        match &self.candidate {
            Candidate::Policy(set) => {
                let mut facts = decided.facts.clone();
                facts.risk_threshold = set.switches().risk_threshold;
                let grounds = basis.grounds(decided, set, &facts);
                Ok(nothing(what_if(intent, &grounds, None)))
            }
            Candidate::Writs(writs) => {
                let policy = self.redecider.policy(entry, decided, false)?;
                let grounds = basis.grounds(decided, policy, &decided.facts);
                let spent = self.paid.get(&entry.header.trajectory).copied();
                let spent = spent.unwrap_or_default();
                let under = |writ| what_if(intent, &grounds, Some(Overlay { writ, spent }));
                // [W2] The first of the strictest speaks.
                let strictest = writs.iter().map(under).reduce(|strictest, next| {
                    if next.word > strictest.word {
                        next
                    } else {
                        strictest
                    }
                });
                Ok(nothing(
                    strictest.unwrap_or_else(|| what_if(intent, &grounds, None)),
                ))
            }
            Candidate::PreAnswers(grants) => {
                let policy = self.redecider.policy(entry, decided, false)?;
                let grounds = basis.grounds(decided, policy, &decided.facts);
                let what = what_if(intent, &grounds, None);
                let effect = basis.effect(decided);
                Ok(pre_answered(
                    grants,
                    decided,
                    effect,
                    WhatIf { word: was, ..what },
                ))
            }
        }
    }

    fn settle(&mut self, entry: &Entry, body: &Body) {
        let ended = if let Body::Commit(end) = body {
            Some((end.proposal, end.cost))
        } else if let Body::Failure(end) = body {
            Some((end.proposal, end.cost))
        } else if let Body::Reconciled(end) = body {
            Some((end.proposal, end.cost))
        } else {
            None
        };
        if let Some((proposal, cost)) = ended
            && self.allowed.remove(&proposal)
        {
            let paid = self.paid.entry(entry.header.trajectory).or_default();
            *paid = paid.plus(&cost);
        }
        if let Body::Approval(approval) = body {
            let answer = &approval.signed.answer;
            // One denial vetoes, whoever approved before or after.
            let said = self
                .answers
                .entry(answer.proposal)
                .or_insert(answer.decision);
            if answer.decision == Decision::Deny {
                *said = Decision::Deny;
            }
        }
    }
}

/// What a candidate says of one call.
struct Said {
    what: WhatIf,
    reach: Reaches,
}

/// What pre-answers do for one call.
enum Reaches {
    Covers(EffectClass),
    Misses,
    Nothing,
}

fn pre_answered(
    grants: &[Grant],
    decided: &Decided,
    effect: Option<EffectClass>,
    what: WhatIf,
) -> Said {
    let intent = &decided.proposal.intent;
    let mut about = grants.iter();
    if !about.any(|grant| thymos_policy::matching::glob(&grant.tool, &intent.tool)) {
        let reach = Reaches::Nothing;
        return Said { what, reach };
    }
    let resolved = decided.proposal.resolved.as_ref();
    let covering = resolved.and_then(|resolved| {
        grants
            .iter()
            .find(|grant| covers(grant, &intent.tool, &intent.args, resolved))
    });
    let (Some(grant), Some(effect)) = (covering, effect) else {
        let reach = Reaches::Misses;
        return Said { what, reach };
    };
    let reach = Reaches::Covers(effect);
    let what = match what.word {
        Word::Held if effect < EffectClass::Irreversible => WhatIf {
            word: Word::Cleared,
            because: format!("pre-answered by the grant of `{}`", grant.tool),
            ..what
        },
        Word::Held => WhatIf {
            because: "what cannot be taken back is never answered in advance".to_owned(),
            ..what
        },
        Word::Cleared | Word::Refused => what,
    };
    Said { what, reach }
}

/// The verdict that a body records, if it records one.
fn decision(body: &Body) -> Option<(Word, &Decided)> {
    if let Body::Started(started) = body {
        Some((Word::Cleared, &started.decided))
    } else if let Body::PendingApproval(pending) = body {
        Some((Word::Held, &pending.decided))
    } else if let Body::Rejection(rejection) = body {
        Some((Word::Refused, &rejection.decided))
    } else {
        None
    }
}

fn keep(rows: &mut Vec<SimulatedRow>, row: &SimulatedRow) {
    if rows.len() < ROWS_MAX {
        rows.push(row.clone());
    }
}
