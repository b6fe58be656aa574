//! What the trajectories above this one revoked `[W7]`: read from the ledger before each decision.
//!
//! A delegated session acts under writs that were issued elsewhere. Nobody tells it of a revocation
//! there; it looks, so that it also sees one made by another process. Folds nothing else.

use std::collections::BTreeSet;

use thymos_core::body::{Body, BodyState, ParentLink};
use thymos_core::{Entry, Kind, TrajectoryId, WritId};
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;

/// Entries read at once.
const PAGE: usize = 1024;

/// Trajectories above one at most. A chain of writs is no longer, so neither is a line of parents.
const ABOVE_MAX: usize = thymos_core::limits::CHAIN_LINKS_MAX;

/// The trajectories above, nearest first, and how far each was read.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    above: Vec<Above>,
}

#[derive(Debug)]
struct Above {
    trajectory: TrajectoryId,
    next_seq: u64,
    revoked: BTreeSet<WritId>,
}

impl Lineage {
    /// Begins at the nearest; those further up are found as they are read.
    pub(crate) fn below(parent: Option<&ParentLink>) -> Self {
        let above = parent.map(|link| Above::unread(link.trajectory));
        Self {
            above: above.into_iter().collect(),
        }
    }

    /// Also looks at this trajectory from now on.
    pub(crate) fn watch(&mut self, trajectory: TrajectoryId) {
        let known = self
            .above
            .iter()
            .any(|above| above.trajectory == trajectory);
        if !known && self.above.len() < ABOVE_MAX {
            self.above.push(Above::unread(trajectory));
        }
    }

    /// Whether there is nothing above.
    pub(crate) fn is_empty(&self) -> bool {
        self.above.is_empty()
    }

    /// Reads what is new above.
    pub(crate) fn look(&mut self, store: &dyn LedgerStore) -> Result<(), StoreError> {
        let mut at = 0;
        while let Some(above) = self.above.get_mut(at) {
            let further = above.read_on(store)?;
            if let Some(link) = further
                && self.above.len() < ABOVE_MAX
            {
                self.above.push(Above::unread(link.trajectory));
            }
            at += 1;
        }
        Ok(())
    }

    /// Everything revoked above, as of the last look.
    pub(crate) fn revoked(&self) -> BTreeSet<WritId> {
        self.above
            .iter()
            .flat_map(|above| above.revoked.iter().copied())
            .collect()
    }
}

impl Above {
    const fn unread(trajectory: TrajectoryId) -> Self {
        Self {
            trajectory,
            next_seq: 0,
            revoked: BTreeSet::new(),
        }
    }

    /// Reads to the end; gives the parent when the root is among what was read.
    fn read_on(&mut self, store: &dyn LedgerStore) -> Result<Option<ParentLink>, StoreError> {
        let mut parent = None;
        loop {
            let page = store.page(&self.trajectory, self.next_seq, PAGE)?;
            self.next_seq += page.len() as u64;
            for entry in &page {
                match told(entry) {
                    Some(Body::Root(root)) => parent = root.parent,
                    Some(Body::WritRevoked(cut)) => {
                        self.revoked.insert(cut.writ);
                    }
                    _ => {}
                }
            }
            if page.is_empty() {
                return Ok(parent);
            }
        }
    }
}

/// The body, where the kind says that it matters here; decoding the rest would cost for nothing.
fn told(entry: &Entry) -> Option<Body> {
    match entry.kind()? {
        Kind::Root | Kind::WritRevoked => match entry.decode() {
            BodyState::Known(body) => Some(body),
            BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => None,
        },
        _ => None,
    }
}
