//! Looks for writs by the start of their id, over the whole log. Judges none of them.

use std::collections::{BTreeMap, BTreeSet};

use thymos_core::body::{Body, BodyState};
use thymos_core::limits::CHAIN_LINKS_MAX;
use thymos_core::writ::SignedWrit;
use thymos_core::{Kind, TrajectoryId, WritId};
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_protocol::{Replied, WritFound, WritStanding};

use super::lookup::{PAGE, fault};
use crate::account::Account;
use crate::kernel::Kernel;
use crate::session::fold_stored;

/// Writs told at most; who means one gives more digits.
const FOUND_MAX: usize = 64;

/// Every writ of the log.
#[derive(Default)]
struct Issued {
    writs: BTreeMap<WritId, (TrajectoryId, SignedWrit)>,
    sessions: BTreeMap<WritId, TrajectoryId>,
    revoked: BTreeSet<WritId>,
}

pub(super) fn find(kernel: &Kernel, prefix: &str) -> Replied {
    let issued = match Issued::read(kernel.parts.store.as_ref()) {
        Ok(issued) => issued,
        Err(error) => return fault(error.to_string()),
    };
    let tenant = &kernel.parts.tenant;
    let found = issued
        .writs
        .iter()
        .filter(|(id, (_, signed))| {
            signed.writ.tenant == *tenant && id.to_string().starts_with(prefix)
        })
        .map(|(id, (trajectory, _))| issued.found(id, *trajectory));
    Replied::WritsFound(found.take(FOUND_MAX).collect())
}

/// What of a chain, root first, is revoked by now and spent where its budget is kept: in the account
/// of a writ file, else where the writ was issued.
pub(super) fn standing(kernel: &Kernel, chain: &[WritId]) -> Replied {
    let store = kernel.parts.store.as_ref();
    let issued = match Issued::read(store) {
        Ok(issued) => issued,
        Err(error) => return fault(error.to_string()),
    };
    let first = chain.iter().position(|id| issued.revoked.contains(id));
    let (Some(root), Some(leaf)) = (chain.first(), chain.last()) else {
        return Replied::WritStanding(WritStanding::default());
    };
    let account = Account::open(kernel, root).map(|account| account.p);
    let kept = match account {
        Ok(p) if p.root.is_none() => match issued.writs.get(leaf) {
            Some((trajectory, _)) => fold_stored(kernel, *trajectory).map(|(p, _)| p),
            None => Ok(p),
        },
        other => other,
    };
    let p = match kept {
        Ok(p) => p,
        Err(error) => return fault(error.to_string()),
    };
    let spent = |id: &WritId| p.spent.get(id).map(|cost| (*id, *cost));
    Replied::WritStanding(WritStanding {
        revoked: first
            .and_then(|at| chain.get(at..))
            .unwrap_or_default()
            .to_vec(),
        spent: chain.iter().filter_map(spent).collect(),
    })
}

impl Issued {
    fn read(store: &dyn LedgerStore) -> Result<Self, StoreError> {
        let mut issued = Self::default();
        let mut next = 0;
        loop {
            let rows = store.scan(next, PAGE)?;
            let last = rows.is_empty();
            for row in rows {
                next = row.index + 1;
                let Ok(entry) = row.entry else { continue };
                if !matches!(entry.kind(), Some(Kind::WritIssued | Kind::WritRevoked)) {
                    continue;
                }
                if let BodyState::Known(body) = entry.decode() {
                    issued.learn(entry.header.trajectory, body);
                }
            }
            if last {
                return Ok(issued);
            }
        }
    }

    fn learn(&mut self, trajectory: TrajectoryId, body: Body) {
        match body {
            Body::WritIssued(body) => {
                self.sessions.extend(body.session.map(|at| (body.id, at)));
                // The first place is where it was issued; later ones hold copies.
                let place = (trajectory, body.writ);
                self.writs.entry(body.id).or_insert(place);
            }
            Body::WritRevoked(body) => {
                self.revoked.insert(body.writ);
            }
            _ => {}
        }
    }

    fn found(&self, id: &WritId, trajectory: TrajectoryId) -> WritFound {
        let mut chain = Vec::new();
        let mut revoked = false;
        let mut next = Some(*id);
        while let Some((id, (_, signed))) = next.and_then(|id| Some((id, self.writs.get(&id)?))) {
            if chain.len() == CHAIN_LINKS_MAX {
                break;
            }
            revoked |= self.revoked.contains(&id);
            chain.push(signed.clone());
            next = signed.writ.parent;
        }
        chain.reverse();
        WritFound {
            id: *id,
            trajectory,
            session: self.sessions.get(id).copied(),
            chain,
            revoked,
        }
    }
}
