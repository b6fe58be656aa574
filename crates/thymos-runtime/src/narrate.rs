//! Tells entries as events [step 10]: one entry, one event, in the screen's words.
//!
//! A narrator remembers which proposal is which call, so that any page of a trajectory can be told
//! without folding it again. Old and live trajectories go through the same function.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use thymos_core::approval::Decision;
use thymos_core::body::{self, Body, BodyState, Resolution, Stage};
use thymos_core::id::ProposalId;
use thymos_core::proposal::Decided;
use thymos_core::tool::Compensation;
use thymos_core::{Entry, IntentId};
use thymos_ports::LedgerStore;
use thymos_protocol::{Card, DecidedBy, Event, What};
use thymos_replay::projection::OpenWork;

use crate::modes::suggestion;
use crate::words;

/// Which proposal is which call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrator {
    calls: HashMap<ProposalId, KnownCall>,
    approvers: HashMap<ProposalId, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownCall {
    intent: IntentId,
    tool: String,
    line: String,
}

impl Narrator {
    /// Learns from an entry what later ones refer to.
    pub fn learn(&mut self, entry: &Entry) {
        self.learn_state(&entry.decode());
    }

    /// As [`Self::learn`], of a body that was read already.
    pub(crate) fn learn_state(&mut self, body: &BodyState) {
        if let BodyState::Known(body) = body {
            self.learn_body(body);
        }
    }

    /// As [`Self::learn`], from the body of the entry.
    pub(crate) fn learn_body(&mut self, body: &Body) {
        let proposal = match body {
            // What was announced says its id.
            Body::Started(started) => Some(started.proposal),
            other => other.decided().and_then(|d| d.proposal.id().ok()),
        };
        if let Some((proposal, decided)) = proposal.zip(body.decided())
            && let Ok(intent) = decided.proposal.intent.id()
        {
            self.calls.insert(proposal, known(decided, intent));
        }
        if let Body::Approval(approval) = body
            && approval.signed.answer.decision == Decision::Approve
        {
            let answer = &approval.signed.answer;
            self.approvers
                .insert(answer.proposal, answer.by.name.clone());
        }
    }

    /// As [`Self::learn_body`], of work that was just folded: its ids need not be hashed again.
    pub(crate) fn learn_begun(&mut self, work: &OpenWork) {
        let known = known(&work.body.decided, work.intent);
        self.calls.insert(work.body.proposal, known);
    }

    /// Forgets a call when its end was told: nothing later refers to it. For whoever tells a whole log.
    pub(crate) fn forget_ended(&mut self, event: &Event) {
        if let What::Committed { proposal, .. } | What::Failed { proposal, .. } = &event.what {
            self.calls.remove(proposal);
            self.approvers.remove(proposal);
        }
    }

    fn call(&self, proposal: &ProposalId) -> KnownCall {
        self.calls
            .get(proposal)
            .cloned()
            .unwrap_or_else(|| KnownCall {
                intent: IntentId::from_bytes([0; 32]),
                tool: "unknown".into(),
                line: proposal.short(),
            })
    }
}

fn known(decided: &Decided, intent: IntentId) -> KnownCall {
    KnownCall {
        intent,
        tool: decided.proposal.intent.tool.clone(),
        line: words::line(&decided.proposal.intent),
    }
}

/// Tells one entry. The narrator must have learned the trajectory up to this entry.
#[must_use]
pub fn narrate(entry: &Entry, narrator: &Narrator) -> Event {
    narrate_body(entry, entry.decode(), narrator)
}

/// Has the narrator know what a body refers to: the call that it ends, by the entry that announced it,
/// and who approved one that it begins. What cannot be read is told as unknown.
pub(crate) fn know_call(store: &dyn LedgerStore, body: &BodyState, narrator: &mut Narrator) {
    let BodyState::Known(body) = body else { return };
    let (proposal, entries) = match body {
        Body::Commit(body) => (body.proposal, std::slice::from_ref(&body.started)),
        Body::Failure(body) => (body.proposal, std::slice::from_ref(&body.started)),
        Body::Reconciled(body) => (body.proposal, std::slice::from_ref(&body.started)),
        Body::Started(body) if !narrator.approvers.contains_key(&body.proposal) => {
            (body.proposal, body.approvals.as_slice())
        }
        _ => return,
    };
    if narrator.calls.contains_key(&proposal) && !matches!(body, Body::Started(_)) {
        return;
    }
    for entry in entries {
        if let Ok(Some(entry)) = store.entry(entry) {
            narrator.learn(&entry);
        }
    }
}

/// As [`narrate`], of a body that was read already.
pub(crate) fn narrate_body(entry: &Entry, body: BodyState, narrator: &Narrator) -> Event {
    let what = match body {
        BodyState::Known(body) => tell(entry, body, narrator),
        BodyState::Erased => What::Note {
            line: Event::ERASED.into(),
        },
        BodyState::UnknownKind(kind) => What::Note {
            line: format!("unknown kind `{kind}`, written by a newer version"),
        },
        BodyState::Invalid(invalid) => What::Note {
            line: format!("unreadable entry: {invalid}"),
        },
    };
    Event {
        trajectory: entry.header.trajectory,
        seq: entry.header.seq,
        index: entry.header.index,
        at_ms: entry.header.at_ms,
        entry: entry.id,
        kind: entry.header.kind.clone(),
        what,
    }
}

fn tell(entry: &Entry, body: Body, n: &Narrator) -> What {
    if let Some(line) = orphan(&body, n) {
        return What::Note { line };
    }
    match body {
        Body::Root(body) => What::Opened {
            workspace: body.workspace,
            operator: body.operator.name,
        },
        Body::Message(body) => What::Said {
            role: body.role,
            text: body.text,
            reasoning: body.reasoning,
            turn: body.turn,
        },
        Body::Usage(body) => used(body),
        Body::Intent(body) => intended(body),
        Body::Rejection(body) => rejected(&body),
        Body::PendingApproval(body) => suspended(entry, &body),
        Body::Approval(body) => decided(&body),
        Body::Superseded(body) => What::Superseded {
            proposal: body.proposal,
            by: body.by,
            reason: body.reason,
        },
        Body::Started(body) => started(&body, n),
        Body::Commit(body) => committed(*body, n),
        Body::Failure(body) => failed(body, n),
        Body::Reconciled(body) => settled(body),
        Body::WritIssued(body) => issued(&body),
        Body::WritRevoked(body) => What::WritRevoked {
            id: body.writ,
            reason: body.reason,
        },
        Body::ModeChanged(body) => What::ModeChanged {
            mode: body.mode,
            writ: body.to,
            difference: body.difference,
        },
        Body::Closed(body) => What::Closed {
            stop: body.stop,
            turns: body.turns,
        },
        Body::PolicyLoaded(_)
        | Body::PolicyUnloaded(_)
        | Body::ToolsPinned(_)
        | Body::Delegation(_)
        | Body::DelegationResult(_)
        | Body::Branch(_)
        | Body::SkillBound(_)
        | Body::Erased(_) => What::Note { line: note(&body) },
    }
}

/// What a person said about a call whose own entries were erased: alone it would read as if the call
/// were still to come `[L3]`.
fn orphan(body: &Body, n: &Narrator) -> Option<String> {
    let (proposal, said) = match body {
        Body::Approval(approval) => {
            let answer = &approval.signed.answer;
            let word = match answer.decision {
                Decision::Approve => "approved",
                Decision::Deny => "denied",
            };
            (&answer.proposal, format!("{word} by {}", answer.by.name))
        }
        Body::Superseded(body) => (&body.proposal, format!("withdrawn: {}", body.reason)),
        Body::Reconciled(body) => (&body.proposal, format!("settled by {}", body.by.name)),
        _ => return None,
    };
    (!n.calls.contains_key(proposal)).then(|| format!("a call that was erased was {said}"))
}

/// What is told in one line.
fn note(body: &Body) -> String {
    match body {
        Body::PolicyLoaded(body) => format!(
            "policy {} {} in force, {}, set {}",
            body.name,
            body.version,
            body.signed_by.map_or_else(
                || "part of the program".to_owned(),
                |key| format!("signed by {}", key.short())
            ),
            body.policy_set.short()
        ),
        Body::PolicyUnloaded(body) => format!(
            "policy {} unloaded, set {}",
            body.name,
            body.policy_set.short()
        ),
        Body::ToolsPinned(body) => format!("{} tools pinned", body.tools.len()),
        Body::Delegation(body) => format!(
            "delegated to {}: {}",
            body.child.short(),
            words::cut(&body.task, 80)
        ),
        Body::DelegationResult(body) => {
            format!("delegated run {} ended: {}", body.child.short(), body.stop)
        }
        Body::Branch(body) => format!("branched from {} at {}", body.from.short(), body.seq),
        Body::SkillBound(body) => skill_note(body),
        Body::Erased(body) => format!(
            "entry {} erased by {}: {}",
            body.entry.short(),
            body.by.name,
            body.reason
        ),
        other => other.kind().to_string(),
    }
}

fn skill_note(body: &body::SkillBound) -> String {
    let text = |key: &str| body.definition.get(key).and_then(serde_json::Value::as_str);
    let version = body.definition.get("version");
    let values: Vec<String> = body
        .parameters
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let with = match values.is_empty() {
        true => String::new(),
        false => format!(" with {}", words::cut(&values.join(", "), 200)),
    };
    format!(
        "skill {} {} bound{with}, writ {}",
        text("name").unwrap_or_default(),
        version.map_or_else(String::new, ToString::to_string),
        body.writ.short()
    )
}

fn used(body: body::Usage) -> What {
    What::Used {
        provider: body.provider,
        model: body.model,
        tokens_in: body.tokens_in,
        tokens_out: body.tokens_out,
        usd_millicents: body.usd_millicents,
        wall_clock_ms: body.wall_clock_ms,
    }
}

fn intended(body: body::Intended) -> What {
    let mut line = words::line(&body.intent);
    if let Some(target) = body.compensates {
        line.push_str(&format!(" (takes {} back)", target.short()));
    }
    if body.again.is_some() {
        line.push_str(" (once more)");
    }
    What::Intended {
        intent: body.intent.id().unwrap_or(IntentId::from_bytes([0; 32])),
        turn: body.intent.turn,
        line,
        tool: body.intent.tool,
        by_operator: body.intent.author == thymos_core::intent::Author::Operator,
    }
}

fn settled(body: body::Reconciled) -> What {
    let how = match body.resolution {
        Resolution::Happened => "it happened",
        Resolution::DidNotHappen => "it did not happen",
        Resolution::GaveUp => "nobody can tell",
        Resolution::Probed => "the tool found out",
        Resolution::FoundDone => "the tool found that it happened",
        Resolution::FoundUndone => "the tool found that it did not happen",
        Resolution::RunAgain => "it is run again",
    };
    What::Settled {
        proposal: body.proposal,
        how: how.into(),
        by: body.by.name,
    }
}

fn issued(body: &body::WritIssued) -> What {
    let writ = &body.writ.writ;
    What::WritIssued {
        id: body.id,
        line: format!(
            "{} from {} to {}, effects {}",
            writ.name, writ.issuer.name, writ.subject.name, writ.effects
        ),
    }
}

fn rejected(body: &body::Rejection) -> What {
    let proposal = &body.decided.proposal;
    What::Rejected {
        intent: proposal
            .intent
            .id()
            .unwrap_or(IntentId::from_bytes([0; 32])),
        proposal: proposal.id().unwrap_or(ProposalId::from_bytes([0; 32])),
        tool: proposal.intent.tool.clone(),
        line: words::line(&proposal.intent),
        clause: body.refusal.clause,
        reason: body.refusal.reason.clone(),
        suggestion: body.refusal.smallest_grant.as_ref().map(suggestion),
        denied: body.stage == Stage::Answer,
    }
}

fn suspended(entry: &Entry, body: &body::PendingApproval) -> What {
    What::Suspended {
        intent: body
            .decided
            .proposal
            .intent
            .id()
            .unwrap_or(IntentId::from_bytes([0; 32])),
        card: Box::new(card(entry.header.at_ms, body)),
    }
}

/// The card of a hold; the queue and the transcript show the same one.
pub(crate) fn card(held_at: thymos_core::Timestamp, body: &body::PendingApproval) -> Card {
    let proposal = &body.decided.proposal;
    let resolved = proposal.resolved.as_ref();
    Card {
        proposal: proposal.id().unwrap_or(ProposalId::from_bytes([0; 32])),
        presented: body.presented,
        tool: proposal.intent.tool.clone(),
        line: words::line(&proposal.intent),
        effect: resolved.map_or(thymos_core::effect::EffectClass::Irreversible, |r| r.effect),
        risk: body.terms.risk,
        reversible: resolved
            .is_some_and(|r| !matches!(r.compensation, Compensation::Impossible(_))),
        reasons: body.terms.asks.iter().map(words::asked).collect(),
        presentation: body.presentation.clone(),
        ceremony: body.terms.ceremony,
        quorum: body.terms.quorum(),
        diffstat: resolved
            .and_then(|r| r.preview.as_ref())
            .map(|p| (p.added, p.removed)),
        held_at,
        expires_at: body.terms.expires_after_ms().map(|ms| held_at.plus_ms(ms)),
    }
}

fn decided(body: &body::Approval) -> What {
    let answer = &body.signed.answer;
    What::Decided {
        proposal: answer.proposal,
        approved: answer.decision == Decision::Approve,
        by: DecidedBy {
            name: answer.by.name.clone(),
            via: answer.via,
            fully_viewed: answer.fully_viewed,
        },
        reason: answer.reason.clone(),
        presented: answer.presented,
    }
}

fn started(body: &body::Started, n: &Narrator) -> What {
    let call = n.call(&body.proposal);
    let resolved = body.decided.proposal.resolved.as_ref();
    let allowed_by = n
        .approvers
        .get(&body.proposal)
        .filter(|_| !body.approvals.is_empty())
        .map_or_else(
            || words::allowed_by(&body.decided.trace),
            |who| format!("approved by {who}"),
        );
    What::Started {
        intent: call.intent,
        proposal: body.proposal,
        tool: call.tool,
        line: call.line,
        effect: resolved.map_or(thymos_core::effect::EffectClass::Irreversible, |r| r.effect),
        risk: resolved.map_or(thymos_core::effect::Risk::Critical, |r| r.risk),
        rung: body.rung,
        allowed_by,
    }
}

fn committed(body: body::Commit, n: &Narrator) -> What {
    let call = n.call(&body.proposal);
    What::Committed {
        intent: call.intent,
        proposal: body.proposal,
        tool: call.tool,
        line: call.line,
        ok: body.outcome.ok,
        summary: body.outcome.summary,
        changes: words::changes(&body.outcome.deltas),
        observation: body.outcome.observation,
        cost: body.cost,
        rung: body.outcome.rung,
        truncated: body.outcome.truncated,
        unseen: body.outcome.observed.as_ref().and_then(words::unseen),
    }
}

fn failed(body: body::Failure, n: &Narrator) -> What {
    let call = n.call(&body.proposal);
    What::Failed {
        intent: call.intent,
        proposal: body.proposal,
        tool: call.tool,
        line: call.line,
        fault: body.fault.kind,
        message: body.fault.message,
        changes: words::changes(&body.fault.deltas),
        cost: body.cost,
    }
}
