//! Authority of a session: its mode writs and the chain in force.

use thymos_compiler::CheckedChain;
use thymos_core::body::{self, Body};
use thymos_core::key::Domain;
use thymos_core::writ::{Mode, Writ};
use thymos_core::{WritId, canonical};
use thymos_protocol::ModePreview;

use super::{RecordError, Session};
use crate::modes::{ModeRequest, ceiling, difference, mode_writ};

impl Session {
    /// The writ in force.
    pub(super) fn writ_in_force(&self) -> Option<&Writ> {
        let (_, id) = self.p.authority?;
        self.p.writs.get(&id).map(|signed| &signed.writ)
    }

    /// The checked chain of a writ; checking costs a signature a link, so it is kept.
    pub(super) fn chain(&mut self, leaf: &WritId) -> CheckedChain {
        if let Some(chain) = self.chains.get(leaf) {
            return chain.clone();
        }
        let chain = CheckedChain::check(self.p.chain(leaf), &self.k.parts.roots);
        self.chains.insert(*leaf, chain.clone());
        chain
    }

    fn new_mode_writ(&self, mode: Mode) -> Writ {
        mode_writ(ModeRequest {
            mode,
            issuer: self.k.operator(),
            subject: self.subject_party(),
            nonce: self.k.draw(),
            now: self.now(),
        })
    }

    pub(super) fn preview_mode(&self, mode: Mode) -> ModePreview {
        let next = self.new_mode_writ(mode);
        ModePreview {
            mode,
            difference: difference(self.writ_in_force(), &next),
        }
    }

    /// Entries that put a mode in force `[W8]`. A narrower mode also revokes the writ before it, so
    /// that nothing still pending can be admitted under the wider one `[W7]`.
    pub(super) fn mode_bodies(&self, mode: Mode) -> Result<Vec<Body>, RecordError> {
        let next = self.new_mode_writ(mode);
        let lines = difference(self.writ_in_force(), &next);
        let signed = next.sign(&self.k.parts.operator_key)?;
        let id = signed.id()?;
        let mut bodies = vec![Body::WritIssued(Box::new(body::WritIssued {
            writ: signed,
            id,
            reason: format!("mode {mode}"),
            reserved: None,
        }))];
        let from = self.p.authority;
        bodies.push(Body::ModeChanged(body::ModeChanged {
            mode,
            from: from.map(|(_, id)| id),
            to: id,
            difference: lines,
        }));
        if let Some((old_mode, old)) = from
            && (ceiling(mode) < ceiling(old_mode) || old_mode == Mode::Auto && mode == Mode::Edit)
        {
            bodies.push(self.revocation(old, format!("mode narrowed to {mode}"))?);
        }
        Ok(bodies)
    }

    fn revocation(&self, writ: WritId, reason: String) -> Result<Body, RecordError> {
        let message = canonical::encode(&(writ, &reason))?;
        let signature = self
            .k
            .parts
            .operator_key
            .sign(Domain::Revocation, message.as_bytes());
        Ok(Body::WritRevoked(body::WritRevoked {
            writ,
            reason,
            by: self.k.operator(),
            signature,
        }))
    }

    pub(super) async fn set_mode(&mut self, mode: Mode) -> Result<(), RecordError> {
        for _ in 0..4 {
            let bodies = self.mode_bodies(mode)?;
            match self.record(bodies).await {
                Err(RecordError::Moved) => {}
                done => return done.map(|_| ()),
            }
        }
        Err(RecordError::Moved)
    }
}
