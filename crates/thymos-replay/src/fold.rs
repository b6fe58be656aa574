//! The one function that moves a projection forward [step 9]. Pure; rebuilds everything from disk.

use serde_json::Value;
use thymos_core::body::{self, Body, BodyState, Resolution, Role};
use thymos_core::budget::{Cost, sum};
use thymos_core::canonical;
use thymos_core::id::{Digest, ProposalId};
use thymos_core::proposal::Decided;
use thymos_core::{Entry, IntentId, WritId};

use crate::divergence::Divergence;
use crate::projection::{
    Call, Child, Fate, Hold, Item, Keeps, LoadedPolicy, OpenWork, Projection, Reserved, Summary,
};

mod ends;

/// Folds the next entry of the trajectory into its projection.
///
/// # Errors
/// [`Divergence`] when the entry does not follow from what came before. The projection may then
/// hold part of it and must not be used further.
pub fn fold(projection: &mut Projection, entry: &Entry) -> Result<(), Divergence> {
    fold_read(projection, entry, entry.decode())
}

/// As [`fold`], of an entry whose body was read already: `body` is what [`Entry::decode`] gave.
///
/// # Errors
/// As [`fold`].
pub(crate) fn fold_read(
    projection: &mut Projection,
    entry: &Entry,
    body: BodyState,
) -> Result<(), Divergence> {
    follows(projection, entry)?;
    match body {
        BodyState::Known(body) => fold_body(projection, entry, body)?,
        // What was erased or is not understood changes nothing that can still be told; verify says
        // so aloud, and the chain goes on.
        BodyState::Erased => {
            projection.erasure.gone = true;
            projection.erasure.missing.insert(entry.header.seq);
        }
        BodyState::UnknownKind(_) => {}
        BodyState::Invalid(invalid) => {
            return Err(Divergence::new(
                "body",
                entry.header.kind.clone(),
                invalid.to_string(),
            ));
        }
    }
    advance(projection, entry);
    Ok(())
}

/// As [`fold`], for an entry that was just made of this very body: reading it again would give the
/// same. `body` must be what [`Entry::decode`] gives; debug builds look.
///
/// # Errors
/// As [`fold`].
pub(crate) fn fold_made(
    projection: &mut Projection,
    entry: &Entry,
    body: Body,
) -> Result<(), Divergence> {
    debug_assert!(
        matches!(entry.decode(), BodyState::Known(read) if read == body),
        "a body that is read back as another: {body:?}"
    );
    follows(projection, entry)?;
    if let Body::Started(body) = body {
        // Its id was computed when it was made; hashing all that was decided on once more would be
        // most of this fold.
        debug_assert_eq!(body.decided.proposal.id().as_ref(), Ok(&body.proposal));
        let intent = intent_id(&body.decided.proposal.intent)?;
        begun(projection, entry, body, intent)?;
    } else {
        fold_body(projection, entry, body)?;
    }
    advance(projection, entry);
    Ok(())
}

/// Whether the entry comes next on this trajectory.
fn follows(projection: &Projection, entry: &Entry) -> Result<(), Divergence> {
    let header = &entry.header;
    if header.trajectory != projection.trajectory {
        return Err(Divergence::new(
            "trajectory",
            projection.trajectory.to_string(),
            header.trajectory.to_string(),
        ));
    }
    if header.seq != projection.len || header.prev != projection.head {
        return Err(Divergence::new(
            "sequence",
            format!("entry {} after {:?}", projection.len, projection.head),
            format!("entry {} after {:?}", header.seq, header.prev),
        ));
    }
    Ok(())
}

/// Goes past an entry that does not follow because of what is gone before it; false when that is not
/// why. For whoever reads: nobody may act on what is left.
pub(crate) fn pass_over(projection: &mut Projection, entry: &Entry) -> bool {
    let passes = projection.is_over() && follows(projection, entry).is_ok();
    if passes {
        advance(projection, entry);
    }
    passes
}

fn advance(projection: &mut Projection, entry: &Entry) {
    projection.len += 1;
    projection.head = Some(entry.id);
    projection.head_at = entry.header.at_ms;
}

fn fold_body(p: &mut Projection, entry: &Entry, body: Body) -> Result<(), Divergence> {
    if p.len == 0 && !matches!(body, Body::Root(_)) {
        return Err(Divergence::new("first entry", "root", body.kind().word()));
    }
    // [L3] Taking away goes on behind an erasure: of bodies, and of authority.
    if p.erasure.told && !matches!(body, Body::Erased(_) | Body::WritRevoked(_)) {
        return Err(Divergence::new(
            "behind an erasure",
            "nothing but `erased` and `writ_revoked`",
            body.kind().word(),
        ));
    }
    match body {
        Body::Root(body) => root(p, body),
        Body::Message(body) => message(p, body),
        Body::Usage(body) => {
            usage(p, &body);
            Ok(())
        }
        Body::Intent(body) => intent(p, body),
        Body::Rejection(body) => ends::rejection(p, *body),
        Body::PendingApproval(body) => pending(p, entry, body),
        Body::Approval(body) => approval(p, entry, body),
        Body::Superseded(body) => ends::superseded(p, body),
        Body::Started(body) => started(p, entry, body),
        Body::Commit(body) => ends::commit(p, entry, *body),
        Body::Failure(body) => ends::failure(p, entry, body),
        Body::Reconciled(body) => ends::reconciled(p, entry, body),
        Body::WritIssued(body) => writ_issued(p, *body),
        Body::WritRevoked(body) => {
            revoked(p, &body);
            Ok(())
        }
        Body::ModeChanged(body) => mode_changed(p, &body),
        Body::PolicyLoaded(body) => policy_loaded(p, body),
        Body::PolicyUnloaded(body) => {
            p.policies.remove(&body.name);
            p.policy_set = Some(body.policy_set);
            Ok(())
        }
        Body::ToolsPinned(body) => {
            p.tools = body.tools;
            Ok(())
        }
        Body::Closed(body) => {
            p.stopped = Some(body.stop);
            Ok(())
        }
        Body::Delegation(body) => delegation(p, entry, body),
        Body::DelegationResult(body) => delegation_result(p, body),
        Body::Branch(body) => branch(p, body),
        Body::SkillBound(body) => skill_bound(p, body),
        Body::Erased(body) => erased(p, &body),
    }
}

/// `[L3]` Only of what is at rest; what still seems to wait where bodies are gone has ended in one of
/// them.
fn erased(p: &mut Projection, body: &body::Erased) -> Result<(), Divergence> {
    if body.seq >= p.len {
        let found = format!("entry {}", body.seq);
        return Err(Divergence::new("erased", "an entry before it", found));
    }
    if p.erasure.gone {
        p.holds.clear();
        p.open_work.clear();
    }
    if !(p.holds.is_empty() && p.open_work.is_empty()) {
        let found = format!("{} of them", p.holds.len() + p.open_work.len());
        let expected = "nothing that waits or is at work";
        return Err(Divergence::new("erased", expected, found));
    }
    p.erasure.told = true;
    p.erasure.standing |= !p.erasure.missing.contains(&body.seq);
    Ok(())
}

fn root(p: &mut Projection, body: body::Root) -> Result<(), Divergence> {
    if p.root.is_some() {
        return Err(Divergence::new("root", "one root", "a second root"));
    }
    p.root = Some(body);
    Ok(())
}

fn branch(p: &mut Projection, body: body::Branch) -> Result<(), Divergence> {
    let parent = p.root.as_ref().and_then(|root| root.parent.as_ref());
    let named = parent.is_some_and(|up| up.trajectory == body.from && up.entry == body.entry);
    if p.len != 1 || !named || body.from == p.trajectory {
        let found = format!("entry {} of {}", body.seq, body.from.short());
        return Err(Divergence::new(
            "branch",
            "right after a root that names it",
            found,
        ));
    }
    p.branch = Some(body);
    Ok(())
}

fn message(p: &mut Projection, body: body::Message) -> Result<(), Divergence> {
    p.stopped = None;
    if body.role == Role::Summary {
        return summary(p, body);
    }
    p.next_turn = p
        .next_turn
        .max(body.turn + u32::from(body.role == body::Role::Model));
    if p.keeps == Keeps::All {
        p.story.push(Item::Said {
            role: body.role,
            text: body.text,
            turn: body.turn,
            provider_state: body.provider_state,
        });
    }
    Ok(())
}

/// Each stands for more turns than the one before, or turns would come back.
fn summary(p: &mut Projection, body: body::Message) -> Result<(), Divergence> {
    let before = p.summary.as_ref().map(|summary| summary.through);
    if before.is_some_and(|before| body.turn <= before) {
        return Err(Divergence::new(
            "summary",
            format!("turns beyond {}", before.unwrap_or_default()),
            format!("those up to {}", body.turn),
        ));
    }
    p.summary = Some(Summary {
        through: body.turn,
        text: match p.keeps {
            Keeps::All => body.text,
            Keeps::Facts | Keeps::State => String::new(),
        },
    });
    Ok(())
}

fn usage(p: &mut Projection, body: &body::Usage) {
    let cost = Cost {
        tokens: sum(body.tokens_in, body.tokens_out),
        tool_calls: 0,
        wall_clock_ms: body.wall_clock_ms,
        usd_millicents: body.usd_millicents.unwrap_or(0),
    };
    p.last_context_tokens = sum(body.tokens_in, body.tokens_out);
    charge(p, &body.writs, &cost);
}

fn intent(p: &mut Projection, body: body::Intended) -> Result<(), Divergence> {
    let id = intent_id(&body.intent)?;
    p.next_turn = p.next_turn.max(body.intent.turn + 1);
    if p.keeps == Keeps::All {
        p.story.push(Item::Wanted(id));
    }
    p.calls.insert(
        id,
        Call {
            intent: body.intent,
            call: body.call,
            fate: Fate::Wanted,
            compensates: body.compensates,
            again: body.again.is_some(),
            rerun: false,
        },
    );
    Ok(())
}

fn pending(
    p: &mut Projection,
    entry: &Entry,
    body: Box<body::PendingApproval>,
) -> Result<(), Divergence> {
    let (proposal, intent) = ids(&body.decided)?;
    set_fate(p, intent, Fate::Held(proposal))?;
    let hold = Hold {
        entry: entry.id,
        seq: entry.header.seq,
        at: entry.header.at_ms,
        body,
        intent,
        answers: Vec::new(),
    };
    if p.holds.insert(proposal, hold).is_some() {
        return Err(Divergence::new(
            "hold",
            "one hold a proposal",
            proposal.to_string(),
        ));
    }
    Ok(())
}

fn approval(p: &mut Projection, entry: &Entry, body: body::Approval) -> Result<(), Divergence> {
    let proposal = body.signed.answer.proposal;
    let Some(hold) = p.holds.get_mut(&proposal) else {
        return Err(Divergence::new(
            "approval",
            "an open hold",
            proposal.to_string(),
        ));
    };
    hold.answers.push((entry.id, body.signed));
    Ok(())
}

fn started(p: &mut Projection, entry: &Entry, body: Box<body::Started>) -> Result<(), Divergence> {
    let (proposal, intent) = ids(&body.decided)?;
    if body.proposal != proposal {
        return Err(Divergence::new(
            "proposal id",
            proposal.to_string(),
            body.proposal.to_string(),
        ));
    }
    begun(p, entry, body, intent)
}

fn begun(
    p: &mut Projection,
    entry: &Entry,
    body: Box<body::Started>,
    intent: IntentId,
) -> Result<(), Divergence> {
    let proposal = body.proposal;
    if p.open_work.contains_key(&proposal) {
        return Err(Divergence::new(
            "started",
            "once a proposal",
            proposal.to_string(),
        ));
    }
    p.holds.remove(&proposal);
    set_fate(p, intent, Fate::Begun(proposal))?;
    charge(p, &body.decided.proposal.writs, &body.reserved);
    use_pre_answers(p, &body.pre_answered);
    p.open_work.insert(
        proposal,
        OpenWork {
            entry: entry.id,
            seq: entry.header.seq,
            at: entry.header.at_ms,
            intent,
            body,
        },
    );
    Ok(())
}

/// `[A6]` A pre-answer is used up by calls, not by what they cost.
fn use_pre_answers(p: &mut Projection, standing: &[WritId]) {
    for writ in standing {
        let spent = p.spent.entry(*writ).or_default();
        *spent = spent.plus(&Cost::ONE_CALL);
    }
}

fn writ_issued(p: &mut Projection, body: body::WritIssued) -> Result<(), Divergence> {
    let id = body
        .writ
        .id()
        .map_err(|e| Divergence::new("writ", "canonical", e.to_string()))?;
    if id != body.id {
        return Err(Divergence::new(
            "writ id",
            id.to_string(),
            body.id.to_string(),
        ));
    }
    if let (Some(parent), Some(reserved)) = (body.writ.writ.parent, body.reserved) {
        // [W6] A child's whole budget counts as spent in every link above until it closes.
        reserve(p, &parent, &reserved)?;
        let share = Reserved {
            cost: reserved,
            session: body.session,
        };
        p.reserved.insert(id, share);
    }
    p.writs.insert(id, body.writ);
    Ok(())
}

/// `[S1]` A skill narrows the writ in force, and nothing else. A delegated run begins with those that
/// narrowed the chain it was given `[D1]`.
fn skill_bound(p: &mut Projection, body: body::SkillBound) -> Result<(), Divergence> {
    let parent = p.writs.get(&body.writ).and_then(|writ| writ.writ.parent);
    let in_force = p.authority.map(|(_, writ)| writ);
    let begins = p.story.is_empty() && p.root.as_ref().is_some_and(|root| root.parent.is_some());
    let given = in_force.filter(|_| begins).is_some_and(|leaf| {
        let chain = p.chain(&leaf);
        let mut above = chain.iter().rev().skip(1);
        above.any(|link| link.id().ok() == Some(body.writ))
    });
    if parent.is_none() || (parent != in_force && !given) {
        return Err(Divergence::new(
            "skill writ",
            in_force.map_or_else(
                || "a writ in force".to_owned(),
                |writ| format!("a child of {writ}"),
            ),
            body.writ.to_string(),
        ));
    }
    p.skills.push(body);
    Ok(())
}

/// Takes a share from a writ and from every writ above it; more than is left is not there to take.
fn reserve(p: &mut Projection, parent: &WritId, share: &Cost) -> Result<(), Divergence> {
    let links = above(p, parent);
    for id in &links {
        let Some(link) = p.writs.get(id) else {
            continue;
        };
        let spent = p.spent.get(id).copied().unwrap_or_default();
        if let Some(dimension) = link.writ.budget.shortfall(&spent, share) {
            let expected = format!("no more {dimension} than are left in `{}`", link.writ.name);
            let found = share.amount(dimension).to_string();
            return Err(Divergence::new("reservation", expected, found));
        }
    }
    charge(p, &links, share);
    Ok(())
}

/// The ids of a chain, root first.
fn above(p: &Projection, leaf: &WritId) -> Vec<WritId> {
    let chain = p.chain(leaf);
    chain.iter().filter_map(|writ| writ.id().ok()).collect()
}

/// `[W7]` It ends; `[W6]` and what was reserved for it and not used comes back, once.
fn revoked(p: &mut Projection, body: &body::WritRevoked) {
    p.revoked.insert(body.writ);
    let Some(used) = body.used else { return };
    let Some(share) = p.reserved.remove(&body.writ) else {
        return;
    };
    let parent = p.writs.get(&body.writ).and_then(|writ| writ.writ.parent);
    for link in parent.map_or_else(Vec::new, |parent| above(p, &parent)) {
        let spent = p.spent.entry(link).or_default();
        *spent = spent.minus(&share.cost).plus(&used);
    }
    p.total = p.total.minus(&share.cost).plus(&used);
}

fn policy_loaded(p: &mut Projection, body: body::PolicyLoaded) -> Result<(), Divergence> {
    let bytes = canonical::value_to_bytes(&body.bundle)
        .map_err(|e| Divergence::new("policy bundle", "canonical", e.to_string()))?;
    let loaded = LoadedPolicy {
        digest: Digest::of(bytes.as_bytes()),
        bundle: (p.keeps == Keeps::All).then_some(body.bundle),
    };
    p.policies.insert(body.name, loaded);
    p.policy_set = Some(body.policy_set);
    Ok(())
}

fn delegation(p: &mut Projection, entry: &Entry, body: body::Delegation) -> Result<(), Divergence> {
    if !p.open_work.contains_key(&body.proposal) {
        let found = body.proposal.to_string();
        return Err(Divergence::new("delegation", "work that began", found));
    }
    let child = Child {
        proposal: body.proposal,
        writ: body.writ,
        seq: entry.header.seq,
        task: body.task,
        result: None,
    };
    if p.children.insert(body.child, child).is_some() {
        let found = body.child.to_string();
        return Err(Divergence::new("delegation", "a child once", found));
    }
    Ok(())
}

fn delegation_result(p: &mut Projection, body: body::DelegationResult) -> Result<(), Divergence> {
    let found = body.child.to_string();
    let Some(child) = p.children.get_mut(&body.child) else {
        return Err(Divergence::new(
            "delegation result",
            "a delegated child",
            found,
        ));
    };
    if child.result.is_some() {
        return Err(Divergence::new(
            "delegation result",
            "one end a child",
            found,
        ));
    }
    child.result = Some(body);
    Ok(())
}

fn mode_changed(p: &mut Projection, body: &body::ModeChanged) -> Result<(), Divergence> {
    if !p.writs.contains_key(&body.to) {
        return Err(Divergence::new(
            "mode",
            "an issued writ",
            body.to.to_string(),
        ));
    }
    p.authority = Some((body.mode, body.to));
    Ok(())
}

fn charge(p: &mut Projection, writs: &[WritId], cost: &Cost) {
    for writ in writs {
        let spent = p.spent.entry(*writ).or_default();
        *spent = spent.plus(cost);
    }
    p.total = p.total.plus(cost);
}

fn set_fate(p: &mut Projection, intent: IntentId, fate: Fate) -> Result<(), Divergence> {
    let Some(call) = p.calls.get_mut(&intent) else {
        return Err(Divergence::new(
            "intent",
            "a recorded intent",
            intent.to_string(),
        ));
    };
    if matches!(call.fate, Fate::Ended { .. }) {
        return Err(Divergence::new(
            "intent",
            "an intent that has not ended",
            intent.to_string(),
        ));
    }
    call.fate = fate;
    let Fate::Ended { text, .. } = &mut call.fate else {
        return Ok(());
    };
    match p.keeps {
        Keeps::All => {}
        Keeps::Facts => {
            *text = String::new();
            call.intent.args = Value::Null;
        }
        Keeps::State => drop(p.calls.remove(&intent)),
    }
    Ok(())
}

fn ids(decided: &Decided) -> Result<(ProposalId, IntentId), Divergence> {
    let proposal = decided
        .proposal
        .id()
        .map_err(|e| Divergence::new("proposal", "canonical", e.to_string()))?;
    Ok((proposal, intent_id(&decided.proposal.intent)?))
}

fn intent_id(intent: &thymos_core::intent::Intent) -> Result<IntentId, Divergence> {
    intent
        .id()
        .map_err(|e| Divergence::new("intent", "canonical", e.to_string()))
}

/// Words for the model about work that was settled by a person.
const fn settled_words(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Happened => "interrupted; the operator says that it did happen",
        Resolution::DidNotHappen => "interrupted; the operator says that it did not happen",
        Resolution::GaveUp => "interrupted; whether it happened is not known",
        Resolution::Probed => "interrupted; the tool found out",
        Resolution::FoundDone => "interrupted; the tool found that it did happen",
        Resolution::FoundUndone => "interrupted; the tool found that it did not happen",
        Resolution::RunAgain => "interrupted; it is run again",
    }
}
