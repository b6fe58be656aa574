//! Writs as a tree for the screen, and the smallest grant of a refusal, signed on request `[C16]`.

use std::collections::{BTreeMap, BTreeSet};

use thymos_compiler::{Verdict, compile};
use thymos_core::body::{self, Body, BodyState};
use thymos_core::budget::{Cost, Dimension};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::intent::Intent;
use thymos_core::verdict::SmallestGrant;
use thymos_core::writ::{SignedWrit, Writ};
use thymos_core::{EntryId, WritId};
use thymos_protocol::{BudgetBar, GrantPreview, Replied, WritRow, WritState};

use super::answer::fault;
use super::{Activity, RecordError, Session, in_force};
use crate::modes::{difference, grant_words};
use crate::words;

impl Session {
    /// Every writ that was issued or presented here, root first, depth first.
    pub(super) fn writs(&mut self) -> Result<Replied, RecordError> {
        self.catch_up()?;
        let cut = self.revoked_now()?;
        let mut below: BTreeMap<Option<WritId>, Vec<WritId>> = BTreeMap::new();
        for (id, signed) in &self.p.writs {
            let parent = signed
                .writ
                .parent
                .filter(|id| self.p.writs.contains_key(id));
            // A pre-answer hangs from the writ that it serves.
            let serves = signed.writ.pre_answer.as_ref().map(|pre| pre.under);
            below.entry(parent.or(serves)).or_default().push(*id);
        }
        for ids in below.values_mut() {
            ids.sort_by_key(|id| {
                self.p
                    .writs
                    .get(id)
                    .map(|signed| signed.writ.window.not_before)
            });
        }
        let mut rows = Vec::new();
        let mut todo: Vec<(WritId, u32)> = below
            .remove(&None)
            .unwrap_or_default()
            .into_iter()
            .rev()
            .map(|id| (id, 0))
            .collect();
        while let Some((id, depth)) = todo.pop() {
            let deeper = below.remove(&Some(id)).unwrap_or_default();
            todo.extend(deeper.into_iter().rev().map(|id| (id, depth + 1)));
            if let Some(signed) = self.p.writs.get(&id) {
                rows.push(self.row(id, signed, depth, &cut));
            }
        }
        Ok(Replied::Writs(rows))
    }

    fn row(&self, id: WritId, signed: &SignedWrit, depth: u32, cut: &BTreeSet<WritId>) -> WritRow {
        let writ = &signed.writ;
        let spent = self.p.spent.get(&id).copied().unwrap_or_default();
        let bar = |dimension: Dimension| BudgetBar {
            dimension,
            spent: spent.amount(dimension),
            limit: writ.budget.limit(dimension),
        };
        let state = self.state_of(id, writ, cut);
        WritRow {
            id,
            parent: writ.parent,
            depth,
            trajectory: self.issued_on(writ),
            name: writ.name.clone(),
            issuer: writ.issuer.name.clone(),
            subject: writ.subject.name.clone(),
            tenant: writ.tenant.clone(),
            grants: writ.grants.iter().map(grant_words).collect(),
            effects: writ.effects.to_string(),
            isolation_min: writ.isolation_min.to_string(),
            budget: Dimension::ALL.into_iter().map(bar).collect(),
            pending: self.pending_under(&id),
            not_before: writ.window.not_before,
            expires_at: writ.window.expires_at,
            max_depth: if writ.delegation.may_subdivide {
                writ.delegation.max_depth
            } else {
                0
            },
            state,
            stops: match state {
                WritState::Revoked | WritState::Expired => Vec::new(),
                WritState::InForce | WritState::Standing | WritState::Issued => {
                    self.stops(&id, writ)
                }
            },
            remarks: remarks(signed, self.above(writ)),
        }
    }

    fn above(&self, writ: &Writ) -> Option<&Writ> {
        let parent = writ.parent?;
        self.p.writs.get(&parent).map(|signed| &signed.writ)
    }

    /// Where a writ was issued: here, or above when it was presented by the delegating run.
    fn issued_on(&self, writ: &Writ) -> thymos_core::TrajectoryId {
        let root = self.p.root.as_ref();
        let above = root.and_then(|root| root.parent.as_ref());
        let presented = writ.pre_answer.is_none()
            && self.p.branch.is_none()
            && writ.issuer.key != self.subject.public()
            && above.is_some();
        match above {
            Some(above) if presented => above.trajectory,
            Some(_) | None => self.p.trajectory,
        }
    }

    fn state_of(&self, id: WritId, writ: &Writ, cut: &BTreeSet<WritId>) -> WritState {
        let expired = writ.window.expires_at.is_some_and(|end| self.now() >= end);
        match () {
            () if cut.contains(&id) => WritState::Revoked,
            () if expired => WritState::Expired,
            () if writ.pre_answer.is_some() => WritState::Standing,
            () if self.p.authority.is_some_and(|(_, leaf)| leaf == id) => WritState::InForce,
            () => WritState::Issued,
        }
    }

    fn pending_under(&self, id: &WritId) -> Cost {
        let holds = self
            .p
            .holds
            .values()
            .map(|hold| &hold.body.decided.proposal);
        holds
            .filter(|proposal| proposal.writs.contains(id))
            .filter_map(|proposal| proposal.resolved.as_ref())
            .fold(Cost::default(), |sum, resolved| {
                sum.plus(&resolved.estimate)
            })
    }

    /// What would stop with this writ, one line each.
    fn stops(&self, id: &WritId, writ: &Writ) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(pre) = &writ.pre_answer {
            let under = pre.under.short();
            return vec![format!(
                "calls under {under} that it answers are asked again"
            )];
        }
        let chain = self
            .p
            .authority
            .map(|(_, leaf)| self.p.chain(&leaf))
            .unwrap_or_default();
        let serves = chain
            .iter()
            .any(|link| link.id().is_ok_and(|link| link == *id));
        if serves {
            lines.push(
                "this session: nothing more is allowed until another writ is in force".into(),
            );
            if let Activity::Acting { doing, .. } = &self.activity {
                lines.push(format!("running now: {doing}"));
            }
        }
        let holds = self
            .p
            .holds
            .values()
            .filter(|h| h.body.decided.proposal.writs.contains(id));
        lines.extend(holds.map(|hold| {
            let intent = &hold.body.decided.proposal.intent;
            format!("held: {} {}", intent.tool, words::line(intent))
        }));
        for (child, told) in self
            .p
            .children
            .iter()
            .filter(|(_, child)| child.result.is_none())
        {
            let under = self.p.chain(&told.writ);
            if under
                .iter()
                .any(|link| link.id().is_ok_and(|link| link == *id))
            {
                lines.push(format!(
                    "delegated run {}: {}",
                    child.short(),
                    words::cut(&told.task, 60)
                ));
            }
        }
        lines
    }

    /// What signing the smallest grant of a rejection would change.
    pub(super) async fn preview_grant(&mut self, entry: &EntryId) -> Result<Replied, RecordError> {
        self.catch_up()?;
        match self.granting(entry).await? {
            Ok((writ, line)) => Ok(Replied::GrantPreview(GrantPreview {
                entry: *entry,
                line,
                difference: difference(self.writ_in_force(), &writ),
            })),
            Err(no) => Ok(no),
        }
    }

    /// Signs it and puts it in force; the model is told, so that it may ask again.
    pub(super) async fn sign_grant(&mut self, entry: &EntryId) -> Result<Replied, RecordError> {
        self.catch_up()?;
        let (writ, line) = match self.granting(entry).await? {
            Ok(found) => found,
            Err(no) => return Ok(no),
        };
        let Some((mode, from)) = self.p.authority else {
            return Ok(no_writ());
        };
        let lines = difference(self.writ_in_force(), &writ);
        let signed = writ.sign(&self.k.parts.operator_key)?;
        let id = signed.id()?;
        let bodies = vec![
            Body::WritIssued(Box::new(body::WritIssued {
                writ: signed,
                id,
                reason: format!("granted after the refusal {}", entry.short()),
                reserved: None,
                session: None,
            })),
            Body::ModeChanged(body::ModeChanged {
                mode,
                from: Some(from),
                to: id,
                difference: lines,
            }),
            Body::Message(body::Message {
                role: body::Role::System,
                text: format!("the operator granted what was refused: {line}"),
                reasoning: String::new(),
                provider_state: None,
                turn: self.p.next_turn.saturating_sub(1),
            }),
        ];
        match self.record(bodies).await {
            Ok(_) => Ok(Replied::Accepted),
            Err(RecordError::Moved) => Ok(fault(
                "the trajectory changed meanwhile",
                "look at the difference again",
            )),
            Err(error) => Err(error),
        }
    }

    /// The writ in force with the smallest grant added that a refused call lacks now, or why there is none.
    async fn granting(
        &mut self,
        entry: &EntryId,
    ) -> Result<Result<(Writ, String), Replied>, RecordError> {
        let found = self
            .k
            .parts
            .store
            .entry(entry)
            .map_err(RecordError::Store)?;
        let found = found.filter(|found| found.header.trajectory == self.p.trajectory);
        let Some(BodyState::Known(Body::Rejection(rejection))) = found.map(|entry| entry.decode())
        else {
            return Ok(Err(fault(
                format!("entry `{}` is no refusal of this trajectory", entry.short()),
                "find one with `thymos ledger kind:rejection`",
            )));
        };
        let intent = rejection.decided.proposal.intent;
        let missing = match self.missing(&intent).await? {
            Ok(missing) => missing,
            Err(nothing) => return Ok(Err(nothing)),
        };
        let Some(current) = self.writ_in_force() else {
            return Ok(Err(no_writ()));
        };
        // A wider root would drop what narrows this session: a skill, a file's writ, a parent.
        if current.parent.is_some() {
            return Ok(Err(self.granted_above()));
        }
        let now = self.now();
        let mut writ = Writ {
            nonce: Writ::nonce(self.k.draw()),
            window: thymos_core::writ::Window {
                not_before: now,
                expires_at: Some(
                    current
                        .window
                        .expires_at
                        .filter(|end| *end > now)
                        .unwrap_or_else(|| now.plus_ms(self.k.parts.terms.window_ms)),
                ),
            },
            ..current.clone()
        };
        let line = format!("{} {}", intent.tool, words::line(&intent));
        let widened = widen(&mut writ, missing.as_ref());
        Ok(widened.map(|()| (writ, line)))
    }

    /// What a call lacks under the writ in force, which may not be the one that it was refused under: the gate
    /// is asked again, and what it says is told and not recorded `[C16]`. Where it lacks nothing, that.
    async fn missing(
        &mut self,
        intent: &Intent,
    ) -> Result<Result<Option<SmallestGrant>, Replied>, RecordError> {
        let id = intent.id()?;
        let scene = self.scene(id, intent, None).await?;
        let now = match compile(intent, &scene.grounds(self)) {
            Verdict::Refused(refused) => return Ok(Ok(refused.refusal.smallest_grant)),
            Verdict::Cleared(_) => "let through",
            Verdict::Held(_) => "asked about",
        };
        Ok(Err(fault(
            format!("nothing is missing for it any more: it would be {now}"),
            "tell the model to ask for it again",
        )))
    }
}

impl Session {
    /// Why a grant cannot be added here, and where it can.
    fn granted_above(&self) -> Replied {
        let chain = self.p.authority.map(|(_, leaf)| self.p.chain(&leaf));
        let chain = chain.unwrap_or_default();
        let above = chain.iter().rev().nth(1).map(|link| link.writ.name.clone());
        let above = above.unwrap_or_default();
        let run = self.p.trajectory.short();
        let hint = match in_force(&self.p).last() {
            Some(bound) => format!(
                "the skill `{}` narrows it: end it by choosing a mode, `thymos run --resume {run} --mode MODE`",
                bound.skill.name
            ),
            None => format!(
                "sign a wider file and go on under it: thymos run --resume {run} --writ FILE"
            ),
        };
        let said = format!(
            "every writ above has to grant it as well, and a grant here does not widen `{above}`"
        );
        fault(said, hint)
    }
}

fn no_writ() -> Replied {
    fault("there is no writ in force", "choose a mode")
}

/// Adds the smallest grant to a writ, where a writ can hold it.
fn widen(writ: &mut Writ, grant: Option<&SmallestGrant>) -> Result<(), Replied> {
    match grant {
        Some(SmallestGrant::Writ { grant, effects }) => {
            if !writ.grants.contains(grant) {
                writ.grants.push(grant.clone());
            }
            writ.effects = union(&writ.effects, effects);
            Ok(())
        }
        Some(SmallestGrant::Budget { dimension, amount }) => {
            let all = Dimension::ALL;
            let Some(found) = all.into_iter().find(|d| d.to_string() == *dimension) else {
                return Err(fault("this budget has no such dimension", "choose a mode"));
            };
            let limit = match found {
                Dimension::Tokens => &mut writ.budget.tokens,
                Dimension::ToolCalls => &mut writ.budget.tool_calls,
                Dimension::WallClockMs => &mut writ.budget.wall_clock_ms,
                Dimension::UsdMillicents => &mut writ.budget.usd_millicents,
            };
            // The new writ starts at nothing spent, so the old limit and what was missing suffice.
            *limit = limit.map(|limit| limit.saturating_add(*amount));
            Ok(())
        }
        Some(SmallestGrant::Rule { forbidden_by }) => Err(fault(
            format!("the policy rule `{forbidden_by}` forbids it, and no writ lifts that"),
            "see `thymos policy show`, and change the rule",
        )),
        Some(SmallestGrant::Change { hint }) => Err(fault("no grant would allow it", hint.clone())),
        None => Err(fault("no grant would allow it", "read why it was refused")),
    }
}

fn union(old: &Effects, new: &Effects) -> Effects {
    let classes = [
        EffectClass::Pure,
        EffectClass::Read,
        EffectClass::Write,
        EffectClass::External,
        EffectClass::Irreversible,
    ];
    if classes
        .iter()
        .all(|class| !new.allows(*class) || old.allows(*class))
    {
        return old.clone();
    }
    let either = |class: &EffectClass| old.allows(*class) || new.allows(*class);
    Effects::Only(classes.into_iter().filter(either).collect())
}

/// What is unusual about a writ, one sentence each `[W2]`.
fn remarks(signed: &SignedWrit, parent: Option<&Writ>) -> Vec<String> {
    let mut remarks = Vec::new();
    if !signed.signature_holds() {
        remarks.push("its signature does not hold, so it allows nothing".to_owned());
    }
    if let Some(mode) = signed.writ.preset {
        remarks.push(format!("calls under it are asked about as in {mode} mode"));
    }
    let Some(parent) = parent else { return remarks };
    for grant in &signed.writ.grants {
        let fixed = !grant.tool.contains(['*', '?', '[']);
        let above =
            |g: &thymos_core::writ::Grant| thymos_policy::matching::glob(&g.tool, &grant.tool);
        if fixed && !parent.grants.iter().any(above) {
            remarks.push(format!(
                "`{}` can never be called: its parent does not grant it",
                grant.tool
            ));
        }
    }
    remarks
}
