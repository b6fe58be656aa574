//! Writs from files: a chain of the operator's own, narrowed to this session and to a share of its
//! budget `[W6]` `[W8]`.
//!
//! The share is reserved in the file's account first and copied here second: cut off between the
//! two, the account knows of a share that no session has, and whoever looks next gives it back. Who is
//! between the two has the session's lease.

use thymos_compiler::{CheckedChain, flaws};
use thymos_core::body::{self, Body};
use thymos_core::budget::{Budget, Cost};
use thymos_core::limits::CHAIN_LINKS_MAX;
use thymos_core::tool::ToolContract;
use thymos_core::writ::{Delegation, Examples, Mode, SignedWrit, Window, Writ};
use thymos_core::{TrajectoryId, WritId};
use thymos_protocol::{NotUsed, Replied};
use thymos_replay::Projection;

use super::answer::fault;
use super::skill::Chosen;
use super::take::{Batch, Footing, Planned};
use super::{RecordError, Session, fold_stored};
use crate::account::{Account, TRIES_MAX, amount, closing, presented, share};
use crate::modes::difference;

impl Session {
    /// The batch that puts a chain from a file in force, with a share of its budget that is reserved by
    /// then. The skills are tried against the share before that: one that cannot be bound takes none.
    pub(super) async fn plan_share(
        &self,
        chain: Vec<SignedWrit>,
        wanted: &Budget,
        skills: &[Chosen],
    ) -> Result<Result<Batch, Replied>, RecordError> {
        let checked = CheckedChain::check(chain, &self.k.parts.roots);
        if let Some(no) = self.unusable(&checked) {
            return Ok(Err(Replied::NotUsed(NotUsed::Authority(no))));
        }
        let links = checked.links();
        let (Some((root, _)), Some((leaf, link))) = (links.first(), links.last()) else {
            return Err(RecordError::Moved);
        };
        for _ in 0..TRIES_MAX {
            let mut account = Account::open(&self.k, root)?;
            match self.give_back_what_nobody_has(&mut account).await {
                Err(RecordError::Moved) => continue,
                done => done?,
            }
            if account.is_cut(leaf) {
                let no = format!("writ `{}` is revoked", link.writ.name);
                return Ok(Err(Replied::NotUsed(NotUsed::Authority(no))));
            }
            let budget = match share(&link.writ.name, &account.left(links), wanted) {
                Ok(budget) => budget,
                Err(why) => {
                    let shares = account.shares_out(leaf);
                    return Ok(Err(Replied::NotUsed(NotUsed::Budget { why, shares })));
                }
            };
            let signed = self
                .narrowed(*leaf, &link.writ, budget)
                .sign(&self.k.parts.operator_key)?;
            let batch = match self.below(self.put_in_force(&checked, signed.clone())?, skills)? {
                Ok(batch) => batch,
                Err(no) => return Ok(Err(no)),
            };
            let mut bodies = account.opening(&self.k, links);
            bodies.push(Body::WritIssued(Box::new(body::WritIssued {
                id: signed.id()?,
                writ: signed,
                reason: "a share for a session".into(),
                reserved: Some(amount(&budget)),
                session: Some(self.p.trajectory),
            })));
            match account.append(&self.k, bodies).await {
                Err(RecordError::Moved) => {}
                done => return done.map(|()| Ok(batch)),
            }
        }
        Err(RecordError::Moved)
    }

    /// Why this chain gives no authority here, if so.
    fn unusable(&self, checked: &CheckedChain) -> Option<String> {
        if let Some(fault) = checked.faults().first() {
            return Some(fault.clone());
        }
        let now = self.now();
        for (at, (_, link)) in checked.links().iter().enumerate() {
            let window = &link.writ.window;
            if now < window.not_before {
                return Some(format!(
                    "link {at} `window`: it begins {}",
                    window.not_before
                ));
            }
            if let Some(end) = window.expires_at.filter(|end| now >= *end) {
                return Some(format!("link {at} `window`: it ended {end}"));
            }
        }
        let tools: Vec<&ToolContract> = self
            .k
            .parts
            .tools
            .iter()
            .map(|tool| tool.contract())
            .collect();
        let links: Vec<&Writ> = checked.links().iter().map(|(_, link)| &link.writ).collect();
        if let Some(flaw) = flaws(&links, &tools).first() {
            return Some(flaw.to_string());
        }
        let at = checked.links().len().checked_sub(1)?;
        let leaf = &checked.leaf()?.writ;
        let no = if leaf.subject.key != self.k.parts.operator_key.public() {
            format!(
                "`subject`: only `{}` may use it, and that is not you",
                leaf.subject.name
            )
        } else if leaf.tenant != self.k.parts.tenant {
            format!(
                "`tenant`: it is for `{}`, and this is `{}`",
                leaf.tenant, self.k.parts.tenant
            )
        } else if !leaf.delegation.may_subdivide || leaf.delegation.max_depth == 0 {
            "`delegation`: it may not be divided, and a session needs a part of it".to_owned()
        } else if at + 1 >= CHAIN_LINKS_MAX {
            format!("`parent`: a chain of {CHAIN_LINKS_MAX} links has no room for a session")
        } else {
            return None;
        };
        Some(format!("link {at} {no}"))
    }

    /// The session's own link: no wider than the file's last one in any field `[W3]`.
    fn narrowed(&self, parent_id: WritId, parent: &Writ, budget: Budget) -> Writ {
        let depth = parent.delegation.max_depth.saturating_sub(1);
        Writ {
            v: 1,
            nonce: Writ::nonce(self.k.draw()),
            name: parent.name.clone(),
            issuer: parent.subject.clone(),
            subject: self.subject_party(),
            parent: Some(parent_id),
            tenant: parent.tenant.clone(),
            grants: parent.grants.clone(),
            effects: parent.effects.clone(),
            isolation_min: parent.isolation_min,
            budget,
            window: Window {
                not_before: self.now().max(parent.window.not_before),
                expires_at: parent.window.expires_at,
            },
            delegation: Delegation {
                max_depth: depth,
                may_subdivide: depth > 0,
            },
            examples: Examples::default(),
            preset: None,
            pre_answer: None,
        }
    }

    /// Copies the chain here and changes to it; what was in force before ends.
    fn put_in_force(
        &self,
        checked: &CheckedChain,
        share: SignedWrit,
    ) -> Result<Planned, RecordError> {
        let to = share.id()?;
        let from = self.p.authority.map(|(_, id)| id);
        let mut bodies = presented(&self.p, checked.links());
        let changed = body::ModeChanged {
            mode: Mode::Custom,
            from,
            to,
            difference: difference(self.writ_in_force(), &share.writ),
        };
        let footing = Footing {
            mode: Mode::Custom,
            id: to,
            writ: share.writ.clone(),
            skills: Vec::new(),
        };
        bodies.push(Body::WritIssued(Box::new(body::WritIssued {
            writ: share,
            id: to,
            reason: "this session's share".into(),
            reserved: None,
            session: None,
        })));
        bodies.push(Body::ModeChanged(changed));
        if let Some(old) = from.filter(|old| !self.p.revoked.contains(old)) {
            bodies.push(self.revocation(old, "another writ was put in force".into())?);
        }
        Ok(Planned { bodies, footing })
    }

    /// Ends this session's shares of writ files and gives the rest back, but for one. What still
    /// works under a share keeps it. Gives the number that were closed.
    pub(super) async fn close_shares(&mut self, but: Option<WritId>) -> Result<u32, RecordError> {
        let own = self.subject.public();
        let operator = self.k.parts.operator_key.public();
        let candidates: Vec<WritId> = self
            .p
            .writs
            .iter()
            .filter(|(id, signed)| {
                let writ = &signed.writ;
                let bound = writ.subject.key == own && writ.issuer.key == operator;
                bound && writ.parent.is_some() && Some(**id) != but
            })
            .map(|(id, _)| *id)
            .collect();
        let mut closed = 0;
        for share in candidates {
            closed += u32::from(self.close_share(share).await?);
        }
        Ok(closed)
    }

    async fn close_share(&mut self, share: WritId) -> Result<bool, RecordError> {
        let Some(root) = self.p.chain(&share).first().and_then(|link| link.id().ok()) else {
            return Ok(false);
        };
        for _ in 0..TRIES_MAX {
            let mut account = Account::open(&self.k, &root)?;
            if !account.p.reserved.contains_key(&share) || at_work(&self.p, &share) {
                return Ok(false);
            }
            // Here first: once the rest is given back, nothing here may spend of it.
            if !self.p.revoked.contains(&share) {
                let body = self.revocation(share, "closed".into())?;
                self.record_anyway(vec![body]).await?;
            }
            let used = self.p.spent.get(&share).copied().unwrap_or_default();
            match account
                .append(&self.k, vec![closing(&self.k, share, used)?])
                .await
            {
                Err(RecordError::Moved) => {}
                done => return done.map(|()| true),
            }
        }
        Err(RecordError::Moved)
    }

    /// Ends the share in force at a person's word.
    pub(super) async fn close_writ(&mut self) -> Result<Replied, RecordError> {
        self.take_lease();
        if self.lease.is_none() || self.run.is_some() {
            return Ok(fault(
                "this trajectory is at work",
                "interrupt it, or wait until it has stopped",
            ));
        }
        if self.close_shares(None).await? > 0 {
            return Ok(Replied::Accepted);
        }
        let in_doubt = !self.p.open_work.is_empty();
        Ok(fault(
            "no share of a writ file can be closed here",
            if in_doubt {
                "settle what is in doubt first: thymos settle ID --as WHAT"
            } else {
                "`thymos writ ls` lists what is in force"
            },
        ))
    }

    /// Ends shares that no session has: reserved, and cut off before the session had them; or ended
    /// by the session, and cut off before the rest was given back.
    async fn give_back_what_nobody_has(&self, account: &mut Account) -> Result<(), RecordError> {
        let mut bodies = Vec::new();
        for (share, reserved) in &account.p.reserved {
            let Some(session) = reserved.session else {
                continue;
            };
            if let Some(used) = self.ended_there(&session, share) {
                bodies.push(closing(&self.k, *share, used)?);
            }
        }
        match bodies.is_empty() {
            true => Ok(()),
            false => account.append(&self.k, bodies).await,
        }
    }

    /// What was used of a share that is over; none while somebody may still use it.
    fn ended_there(&self, session: &TrajectoryId, share: &WritId) -> Option<Cost> {
        if *session == self.p.trajectory {
            return ended(&self.p, share);
        }
        // Who is between the two steps right now has the lease.
        let _lease = self.k.parts.leases.take(session)?;
        let (p, _) = fold_stored(&self.k, *session).ok()?;
        ended(&p, share)
    }
}

fn ended(p: &Projection, share: &WritId) -> Option<Cost> {
    // [L3] What was used of it may be among what is gone: then nothing comes back.
    if p.is_over() {
        return None;
    }
    if !p.writs.contains_key(share) {
        return Some(Cost::default());
    }
    let over = p.revoked.contains(share) && !at_work(p, share);
    over.then(|| p.spent.get(share).copied().unwrap_or_default())
}

/// Whether something that began under it has not ended: its cost is not known yet.
fn at_work(p: &Projection, share: &WritId) -> bool {
    let mut work = p.open_work.values();
    work.any(|work| work.body.decided.proposal.writs.contains(share))
}
