//! A record held against pins, row by row: what it was decided by, with which tools, and who signed
//! `[Y2]`. Verifies nothing: whether what an entry says is so is the verifier's.

use std::collections::BTreeMap;

use thymos_core::body::{Body, BodyState};
use thymos_core::id::Digest;
use thymos_core::key::PublicKey;
use thymos_core::pins::{PinKind, Pins};
use thymos_core::{Entry, TrajectoryId, canonical};

use crate::divergence::Divergence;

/// Divergences kept with their words. Further ones are counted and not told.
pub const DIVERGED_MAX: usize = 256;

/// Values of a kind that are kept apart. A log with more is told short of them.
const VALUES_MAX: usize = 1_024;

/// An entry that rests on something else than is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpinned {
    /// Its place in the log.
    pub index: u64,
    /// Its trajectory.
    pub trajectory: TrajectoryId,
    /// Its sequence number there.
    pub seq: u64,
    /// What is required, and what is there.
    pub what: Divergence,
}

/// A value that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// In so many entries.
    pub entries: u64,
    /// First at this index.
    pub first: u64,
}

/// Holds entries against pins, in log order.
#[derive(Debug, Clone)]
pub struct PinCheck {
    pins: Pins,
    /// Told last, by trajectory and kind: what goes on being otherwise is told where it begins.
    told: BTreeMap<(TrajectoryId, PinKind), String>,
    diverged: Vec<Unpinned>,
    total: u64,
    met: BTreeMap<(PinKind, String), Met>,
}

impl PinCheck {
    /// Nothing read yet.
    #[must_use]
    pub const fn new(pins: Pins) -> Self {
        Self {
            pins,
            told: BTreeMap::new(),
            diverged: Vec::new(),
            total: 0,
            met: BTreeMap::new(),
        }
    }

    /// Takes in the next entry.
    pub fn push(&mut self, entry: &Entry) {
        let signed_by = |key: PublicKey| (PinKind::Signer, key.to_string());
        // Also where the body is gone.
        let mut values = vec![signed_by(entry.header.writer)];
        if let BodyState::Known(body) = entry.decode() {
            values.extend(signers(&body).map(signed_by));
            if let Some(decided) = body.decided() {
                let proposal = &decided.proposal;
                values.push((PinKind::Compiler, proposal.compiler.clone()));
                values.push((PinKind::PolicySet, proposal.policy_set.to_string()));
            }
            if let Body::ToolsPinned(pinned) = &body {
                let hash = canonical::encode(&pinned.tools).map(|b| Digest::of(b.as_bytes()));
                let hash = hash.map_or_else(|e| e.to_string(), |hash| hash.to_string());
                values.push((PinKind::Tools, hash));
            }
        }
        values.sort();
        values.dedup();
        for (kind, value) in values {
            self.hold(entry, kind, value);
        }
    }

    fn hold(&mut self, entry: &Entry, kind: PinKind, value: String) {
        let header = &entry.header;
        let place = (header.trajectory, kind);
        if self.pins.allow(kind, &value) {
            // Back to what is required: the next change is told again.
            if kind != PinKind::Signer {
                self.told.remove(&place);
            }
        } else if self.told.get(&place) != Some(&value) {
            self.total += 1;
            if self.diverged.len() < DIVERGED_MAX {
                let expected = self.pins.of(kind).join(" or ");
                self.diverged.push(Unpinned {
                    index: header.index,
                    trajectory: header.trajectory,
                    seq: header.seq,
                    what: Divergence::new(check(kind), expected, value.clone()),
                });
            }
            self.told.insert(place, value.clone());
        }
        let full = self.met.len() >= VALUES_MAX;
        let key = (kind, value);
        if full && !self.met.contains_key(&key) {
            return;
        }
        let met = self.met.entry(key).or_insert(Met {
            entries: 0,
            first: header.index,
        });
        met.entries += 1;
    }

    /// What is otherwise than required, in log order.
    #[must_use]
    pub fn diverged(&self) -> &[Unpinned] {
        &self.diverged
    }

    /// How many there are, told or not.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Every value that was met: what could be pinned.
    #[must_use]
    pub const fn met(&self) -> &BTreeMap<(PinKind, String), Met> {
        &self.met
    }
}

const fn check(kind: PinKind) -> &'static str {
    match kind {
        PinKind::Compiler => "pinned compiler",
        PinKind::PolicySet => "pinned policy set",
        PinKind::Signer => "pinned signer",
        PinKind::Tools => "pinned tools",
    }
}

/// Keys of people that signed something in a body. A session's own key, which follows from the
/// operator's, is none of theirs.
fn signers(body: &Body) -> impl Iterator<Item = PublicKey> {
    let one = match body {
        Body::WritIssued(issued) if issued.writ.writ.parent.is_none() => {
            Some(issued.writ.writ.issuer.key)
        }
        Body::Approval(approval) => Some(approval.signed.answer.by.key),
        Body::WritRevoked(cut) => Some(cut.by.key),
        Body::Reconciled(settled) => Some(settled.by.key),
        Body::Erased(order) => Some(order.by.key),
        Body::PolicyLoaded(loaded) => loaded.signed_by,
        Body::SkillBound(bound) => bound.signed.as_ref().map(|signed| signed.signer),
        Body::Root(_)
        | Body::Message(_)
        | Body::Usage(_)
        | Body::Intent(_)
        | Body::Rejection(_)
        | Body::PendingApproval(_)
        | Body::Superseded(_)
        | Body::Started(_)
        | Body::Commit(_)
        | Body::Failure(_)
        | Body::Delegation(_)
        | Body::DelegationResult(_)
        | Body::Branch(_)
        | Body::WritIssued(_)
        | Body::PolicyUnloaded(_)
        | Body::ModeChanged(_)
        | Body::ToolsPinned(_)
        | Body::Closed(_) => None,
    };
    one.into_iter()
}
