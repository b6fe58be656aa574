//! Verification of a whole ledger, held against what is known of it besides: its checkpoints in both
//! places, other logs that stood at its path, an earlier check.
//!
//! Needs no kernel and writes nothing.

use std::sync::Arc;

use thymos_core::Timestamp;
use thymos_core::key::{PublicKey, SigningKey};
use thymos_core::writ::TrustRoots;
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_protocol::{VerifyFinding, VerifyProgress, VerifyReport};
use thymos_replay::Divergence;
use thymos_replay::verify::Report;

use super::{Evidence, Verified, missed, unreadable, verify};
use crate::checked::Earlier;
use crate::checkpoint::{self, Outside};
use crate::snapshot::SnapshotPlace;

/// A ledger and what is known of it.
pub struct Whole<'a> {
    /// The ledger.
    pub store: Arc<dyn LedgerStore>,
    /// Where its checkpoints stand besides.
    pub outside: &'a dyn Outside,
    /// Every key that was ever trusted. With none, nothing that is signed is looked at.
    pub roots: TrustRoots,
    /// Where it stands how far it was verified before, and the operator's key that sealed it.
    pub earlier: Option<(&'a dyn SnapshotPlace, &'a SigningKey)>,
}

/// Verifies it at every level that the trusted keys reach.
///
/// # Errors
/// [`StoreError`] when it cannot be read for another reason than that it is damaged.
pub fn whole(
    known: &Whole<'_>,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verified, StoreError> {
    let (mut notes, trouble) = match checkpoint::kept(known.store.as_ref(), known.outside) {
        Err(error @ StoreError::Corrupt { .. }) => return Ok(unreadable(&error)),
        kept => kept?,
    };
    let keys: Vec<PublicKey> = known.roots.operators.iter().map(|one| one.key).collect();
    if keys.is_empty() {
        notes.clear();
    }
    let evidence = Evidence {
        store: known.store.clone(),
        roots: known.roots.clone(),
        notes,
        part: None,
    };
    let place = known.outside.place();
    let store = known.store.as_ref();
    let caveat = |report: &Report| caveat((report, store), &place, trouble);
    let mut verified = verify(evidence, caveat, progress)?;
    let earlier = known.earlier.map(|(place, operator_key)| Earlier {
        store,
        place,
        operator_key,
    });
    // [L7] What was verified before vouches for the log as a checkpoint outside of it does.
    if let Some(what) = earlier.and_then(|earlier| earlier.contradicted()) {
        let found = another(&verified.told, &what);
        verified.told.findings.push(found);
    }
    let gone = checkpoint::missed(&store.log(), known.outside, &keys);
    let gone = gone.map(|(file, signed)| missed(&file, &signed, &store.log()));
    verified.told.findings.extend(gone);
    Ok(verified)
}

fn another(told: &VerifyReport, what: &Divergence) -> VerifyFinding {
    VerifyFinding {
        index: told.entries,
        trajectory: None,
        seq: None,
        check: what.check.into(),
        expected: what.expected.clone(),
        found: what.found.clone(),
    }
}

/// What no lone ledger can prove, and how far and up to when one outside of it does `[L7]`.
pub(crate) fn caveat(
    (report, store): (&Report, &dyn LedgerStore),
    place: &str,
    trouble: Option<String>,
) -> String {
    let (seen, entries) = (report.checkpoints, report.entries);
    if entries == 0 {
        return "this ledger is new: nothing was recorded in it yet".to_owned();
    }
    let alone = "a lone ledger cannot prove that its newest entries were not cut off";
    if let Some(trouble) = trouble {
        return format!("{alone}, and what stands outside cannot be read: {trouble}");
    }
    let up_to = |size| {
        let at = checkpoint::time_of(store, size);
        let words = |at: Timestamp| format!(", up to {} {}", at.date(), at.clock());
        at.map_or_else(String::new, words)
    };
    match (seen.outside, seen.ledger) {
        (Some(outside), _) if outside >= entries => {
            let up_to = up_to(entries);
            format!("the checkpoint in {place} covers all {entries} entries{up_to}")
        }
        (Some(outside), Some(ledger)) if outside < ledger => format!(
            "the checkpoints in {place} are older than the ledger: they end at {outside} entries{}, its own \
             at {ledger}, and it has {entries}",
            up_to(outside)
        ),
        (Some(outside), _) => format!(
            "the newest checkpoint in {place} covers {outside} of {entries} entries{}; {alone} behind it",
            up_to(outside)
        ),
        (None, _) => format!("{alone}: no checkpoint in {place}"),
    }
}
