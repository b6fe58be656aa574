//! The store as the past of branches: hands out entries, checks none `[D2]`.

use std::sync::Arc;

use thymos_core::{Entry, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_replay::Past;

/// A store, borrowed for one fold.
pub(crate) struct Stored<'s>(pub(crate) &'s dyn LedgerStore);

/// A store, kept by a verifier.
pub(crate) struct KeptStore(pub(crate) Arc<dyn LedgerStore>);

impl Past for Stored<'_> {
    fn page(
        &self,
        trajectory: &TrajectoryId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, String> {
        let page = self.0.page(trajectory, from, limit);
        page.map_err(|e| e.to_string())
    }
}

impl Past for KeptStore {
    fn page(
        &self,
        trajectory: &TrajectoryId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, String> {
        Stored(self.0.as_ref()).page(trajectory, from, limit)
    }
}
