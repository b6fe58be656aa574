//! Approve with scope `[A6]`: a pre-answer made from a held call, shown with what it would have
//! covered, signed by the operator, and offered to what else it covers. Decides nothing itself.

use serde_json::Value;
use thymos_compiler::{Word, covers};
use thymos_core::Entry;
use thymos_core::approval::Decision;
use thymos_core::body::{self, Body};
use thymos_core::budget::Budget;
use thymos_core::caveat::{ArgvSlot, Caveat, Condition};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::id::ProposalId;
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::trace::Clause;
use thymos_core::verdict::HoldTerms;
use thymos_core::writ::{Delegation, Examples, Grant, PreAnswer, Window, Writ};
use thymos_ports::store::StoreError;
use thymos_protocol::{PastCall, Reach, Replied, ScopeChoice, ScopePreview};

use thymos_replay::simulate::{Candidate, SimulatedReport, SimulatedRow, simulate};

use super::answer::fault;
use super::{Job, RecordError, Session};
use crate::modes::grant_words;

/// Past calls that a preview tells; the rest is counted.
const PAST_CALLS_MAX: usize = 12;

/// The longest that a pre-answer may last. Longer is a rule, and rules belong in policy.
const FOR_MS_MAX: u64 = 7 * DAY_MS;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The most uses of one pre-answer.
const USES_MAX: u64 = 1_000;

/// Entries read at once.
const PAGE: usize = 1024;

impl Session {
    /// What approving with this scope would allow.
    pub(super) fn preview_scope(
        &mut self,
        proposal: ProposalId,
        scope: &ScopeChoice,
    ) -> Result<Replied, RecordError> {
        self.catch_up()?;
        let writ = match self.pre_answer(&proposal, scope) {
            Ok(writ) => writ,
            Err(no) => return Ok(no),
        };
        let entries = self.own_entries().map_err(RecordError::Store)?;
        let candidate = Candidate::PreAnswers(writ.grants.clone());
        let report = simulate(entries.iter(), candidate, self.k.parts.roots.ever());
        Ok(Replied::ScopePreview(Box::new(ScopePreview {
            proposal,
            covers: self.covered_holds(&writ, &proposal),
            writ: told(&writ),
            matches: past(&report.reach.covered),
            matched: report.reach.covered_total,
            worst: report.reach.worst,
            near_misses: near(&report),
        })))
    }

    fn own_entries(&self) -> Result<Vec<Entry>, StoreError> {
        let store = &self.k.parts.store;
        let mut entries = Vec::new();
        loop {
            let page = store.page(&self.p.trajectory, entries.len() as u64, PAGE)?;
            let last = page.is_empty();
            entries.extend(page);
            if last {
                return Ok(entries);
            }
        }
    }

    /// Other open holds that the pre-answer would serve.
    fn covered_holds(&self, writ: &Writ, but: &ProposalId) -> Vec<ProposalId> {
        let covered = self.p.holds.iter().filter(|(id, hold)| {
            let proposal = &hold.body.decided.proposal;
            *id != but && may_scope(proposal, &hold.body.terms).is_ok() && serves(writ, proposal)
        });
        covered.map(|(id, _)| *id).collect()
    }

    /// The writ that an approval with scope signs, or why there can be none.
    fn pre_answer(&self, proposal: &ProposalId, scope: &ScopeChoice) -> Result<Writ, Replied> {
        let Some(hold) = self.p.holds.get(proposal) else {
            return Err(Replied::Stale(thymos_protocol::Changed::NotOpen));
        };
        let held = &hold.body.decided.proposal;
        let no = |why: String| fault(why, "approve it once, or change the policy");
        may_scope(held, &hold.body.terms).map_err(no)?;
        if scope.uses == 0
            || scope.uses > USES_MAX
            || scope.for_ms == 0
            || scope.for_ms > FOR_MS_MAX
        {
            return Err(fault(
                format!(
                    "a scope lasts at most {} days and {USES_MAX} uses, and at least one",
                    FOR_MS_MAX / DAY_MS
                ),
                "choose less, or write a policy rule",
            ));
        }
        let Some(under) = held.writs.last().copied() else {
            return Err(no("it is held under no writ".into()));
        };
        let grant = grant(held, &scope.reach)
            .ok_or_else(|| no("this call cannot be reached that way".into()))?;
        // What does not even cover this call covers nothing that is meant.
        let own = held.resolved.as_ref();
        if !own.is_some_and(|own| covers(&grant, &held.intent.tool, &held.intent.args, own)) {
            return Err(no("that scope would not cover this call itself".into()));
        }
        let now = self.now();
        let effect = held.resolved.as_ref().map(|resolved| resolved.effect);
        Ok(Writ {
            v: 1,
            nonce: Writ::nonce(self.k.draw()),
            name: "pre-answer".into(),
            issuer: self.k.operator(),
            subject: self.subject_party(),
            parent: None,
            tenant: self
                .p
                .root
                .as_ref()
                .map_or_else(String::new, |r| r.tenant.clone()),
            grants: vec![grant],
            effects: Effects::Only(effect.into_iter().collect()),
            isolation_min: thymos_core::isolation::Rung::L0,
            budget: Budget {
                tool_calls: Some(scope.uses),
                ..Budget::unlimited()
            },
            window: Window {
                not_before: now,
                expires_at: Some(now.plus_ms(scope.for_ms)),
            },
            delegation: Delegation {
                max_depth: 0,
                may_subdivide: false,
            },
            examples: Examples::default(),
            preset: None,
            pre_answer: Some(PreAnswer {
                under,
                asked: *proposal,
                executable: executable(held),
            }),
        })
    }

    /// What an approval with scope records beside the answer: the signed pre-answer.
    pub(super) fn scope_bodies(
        &self,
        proposal: &ProposalId,
        scope: &ScopeChoice,
    ) -> Result<Result<Vec<Body>, Replied>, RecordError> {
        let writ = match self.pre_answer(proposal, scope) {
            Ok(writ) => writ,
            Err(no) => return Ok(Err(no)),
        };
        let signed = writ.sign(&self.k.parts.operator_key)?;
        let id = signed.id()?;
        Ok(Ok(vec![Body::WritIssued(Box::new(body::WritIssued {
            writ: signed,
            id,
            reason: "approved with scope".into(),
            reserved: None,
            session: None,
        }))]))
    }

    /// Puts holds that a pre-answer may serve before the gate again; the gate decides.
    pub(super) async fn drain(
        &mut self,
        proposals: Vec<ProposalId>,
    ) -> Result<Replied, RecordError> {
        self.catch_up()?;
        if let Some(gone) = proposals.iter().find(|id| !self.p.holds.contains_key(id)) {
            return Ok(fault(
                format!("hold `{}` is not open any more", gone.short()),
                "look at the queue again",
            ));
        }
        if let Err(no) = self.may_act("drain the queue there").await {
            return Ok(no);
        }
        self.answered.extend(proposals.iter().copied());
        self.queue.extend(proposals.into_iter().map(Job::Admit));
        Ok(Replied::Accepted)
    }
}

/// Why a hold cannot be approved with scope, when it cannot.
fn may_scope(proposal: &Proposal, terms: &HoldTerms) -> Result<(), String> {
    let effect = proposal.resolved.as_ref().map(|resolved| resolved.effect);
    if effect.is_none_or(|effect| effect >= EffectClass::Irreversible) {
        return Err("what cannot be taken back is asked every time".into());
    }
    if terms.ceremony.type_back || terms.quorum() > 1 {
        return Err("policy, or `[approvals]` of the config, wants this asked every time".into());
    }
    let gated = terms
        .asks
        .iter()
        .find(|ask| !matches!(ask.clause, Clause::C13 | Clause::C15));
    match gated {
        Some(ask) => Err(format!("{} asks every time", ask.clause)),
        None => Ok(()),
    }
}

fn executable(proposal: &Proposal) -> Option<thymos_core::id::Digest> {
    let exec = proposal.resolved.as_ref()?.exec.as_ref()?;
    Some(exec.executable_digest)
}

fn serves(writ: &Writ, proposal: &Proposal) -> bool {
    let Some(resolved) = &proposal.resolved else {
        return false;
    };
    let intent = &proposal.intent;
    let pinned = writ.pre_answer.as_ref().and_then(|pre| pre.executable);
    executable(proposal) == pinned
        && writ.effects.allows(resolved.effect)
        && writ
            .grants
            .iter()
            .any(|grant| covers(grant, &intent.tool, &intent.args, resolved))
}

/// The grant of a reach. Every argument is bound, but for what the reach leaves open by name.
fn grant(proposal: &Proposal, reach: &Reach) -> Option<Grant> {
    let resolved = proposal.resolved.as_ref()?;
    let args = proposal.intent.args.as_object()?;
    // A redacted argument cannot be told from another one.
    if crate::redact::contains_marker(&proposal.intent.args) {
        return None;
    }
    let line = args.get("command").and_then(Value::as_str);
    let (open, mut caveats) = reached(resolved, reach, line)?;
    for (name, value) in args.iter().filter(|(name, _)| !open.contains(name)) {
        // What is written may differ from call to call; where it is written may not.
        if matches!(reach, Reach::Below(_)) && is_content(name) {
            continue;
        }
        caveats.push(Caveat {
            arg: name.clone(),
            must: Condition::Equals(value.clone()),
        });
    }
    Some(Grant {
        tool: proposal.intent.tool.clone(),
        caveats,
    })
}

/// The arguments that a reach leaves open, and what binds them instead. `line` is the command line of the
/// call, when it is given as one.
fn reached(
    resolved: &Resolved,
    reach: &Reach,
    line: Option<&str>,
) -> Option<(Vec<String>, Vec<Caveat>)> {
    match reach {
        Reach::Exact => Some((Vec::new(), Vec::new())),
        Reach::Slots(places) => {
            let exec = resolved.exec.as_ref()?;
            let inside = |place: &usize| (1..exec.argv.len()).contains(place);
            // A line for a shell is one word of it, and any other line is any command.
            let is_line = exec.argv.last().map(String::as_str) == line;
            // Place 0 is the executable, and an executable is never left open.
            if is_line || places.is_empty() || !places.iter().all(inside) {
                return None;
            }
            let slot = |(at, word): (usize, &String)| match places.contains(&at) {
                true => ArgvSlot::Any,
                false => ArgvSlot::Is(word.clone()),
            };
            let mut slots: Vec<_> = exec.argv.iter().enumerate().map(slot).collect();
            slots.push(ArgvSlot::End);
            let must = Condition::Argv(slots);
            let arg = exec.arg.clone();
            Some((vec![arg.clone()], vec![Caveat { arg, must }]))
        }
        Reach::Below(folder) => {
            let folder = folder.trim_end_matches('/');
            let all_below = |path: &str| {
                folder == "."
                    || path == folder
                    || path
                        .strip_prefix(folder)
                        .is_some_and(|rest| rest.starts_with('/'))
            };
            if resolved.exec.is_some()
                || resolved.paths.is_empty()
                || folder.is_empty()
                || !resolved.paths.iter().all(|path| all_below(&path.path))
            {
                return None;
            }
            let mut names: Vec<String> = resolved.paths.iter().map(|p| p.arg.clone()).collect();
            names.sort();
            names.dedup();
            let under = |arg: &String| Caveat {
                arg: arg.clone(),
                must: Condition::Under(folder.to_owned()),
            };
            let caveats = names.iter().map(under).collect();
            Some((names, caveats))
        }
        Reach::Host(host) => {
            let found = resolved.hosts.iter().find(|found| found.host == *host)?;
            let arg = found.arg.clone();
            let caveats = vec![
                Caveat {
                    arg: arg.clone(),
                    must: Condition::HostIn(vec![host.clone()]),
                },
                Caveat {
                    arg: arg.clone(),
                    must: Condition::MethodIn(vec![found.method.clone()]),
                },
            ];
            Some((vec![arg], caveats))
        }
    }
}

/// Arguments that carry what is written.
fn is_content(name: &str) -> bool {
    matches!(name, "content" | "patch" | "edits")
}

/// The writ in words, one line a condition, as it will be signed.
fn told(writ: &Writ) -> Vec<String> {
    let mut lines: Vec<String> = writ
        .grants
        .iter()
        .map(|grant| format!("answers yes to {}", grant_words(grant)))
        .collect();
    lines.push(format!("of effect {}", writ.effects));
    if let Some(pre) = &writ.pre_answer {
        if let Some(executable) = &pre.executable {
            lines.push(format!("by the executable {} alone", executable.short()));
        }
        lines.push(format!("while writ {} is in force", pre.under.short()));
    }
    if let Some(uses) = writ.budget.tool_calls {
        lines.push(format!("at most {uses} times"));
    }
    if let Some(end) = writ.window.expires_at {
        lines.push(format!("until {end}"));
    }
    lines.push("never a call that policy forbids, nor one that cannot be taken back".into());
    lines
}

fn near(report: &SimulatedReport) -> Vec<PastCall> {
    past(&report.reach.near)
}

/// Newest first, as many as a card can show.
fn past(rows: &[SimulatedRow]) -> Vec<PastCall> {
    let newest = rows.iter().rev().take(PAST_CALLS_MAX);
    newest
        .map(|row| PastCall {
            entry: row.entry,
            seq: row.seq,
            tool: row.tool.clone(),
            line: row.line.clone(),
            decided: match (row.was, row.answered) {
                (_, Some(Decision::Approve)) => "approved".into(),
                (_, Some(Decision::Deny)) => "denied".into(),
                (Word::Cleared, None) => "permitted".into(),
                (Word::Held, None) => "asked".into(),
                (Word::Refused, None) => "refused".into(),
            },
        })
        .collect()
}
