//! What changed keys mean for a session: writs of retired ones end, and the record says so `[W1]`.

use thymos_core::WritId;

use super::Session;

impl Session {
    /// Revokes every writ here whose signer is trusted no more `[W1]`: nothing is decided under it
    /// again, and the record says why. False when the store refuses.
    pub(super) async fn keep_trust(&mut self) -> bool {
        let mut bodies = Vec::new();
        for (id, signed) in &self.p.writs {
            let issuer = &signed.writ.issuer;
            if self.k.has_retired(&issuer.key) && !self.p.revoked.contains(id) {
                let reason = format!("the key of `{}` that signed it is retired", issuer.name);
                match self.revocation(*id, reason) {
                    Ok(body) => bodies.push(body),
                    Err(error) => {
                        self.break_on(error, None);
                        return false;
                    }
                }
            }
        }
        bodies.is_empty() || self.record_or_break(bodies).await
    }

    /// Why nothing may be done under this writ since keys were changed, if so.
    pub(super) fn outlived_by_keys(&self, leaf: &WritId) -> Option<String> {
        let chain = self.p.chain(leaf);
        let writ = &chain.last()?.writ;
        if chain
            .iter()
            .any(|link| self.k.has_retired(&link.writ.issuer.key))
        {
            return Some(format!(
                "the key that signed writ `{}` is retired; choose a mode to get a new one",
                writ.name
            ));
        }
        (writ.subject.key != self.subject.public()).then(|| {
            format!(
                "writ `{}` is for a session key that ended with the operator's old key; choose a \
                 mode to get a new one",
                writ.name
            )
        })
    }
}
