//! The record against what is made from it: folds, proofs, reports, and what must not be in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use thymos_core::body::{Body, Stop};
use thymos_core::id::ProposalId;
use thymos_core::{Entry, TrajectoryId};
use thymos_replay::verify::Row;
use thymos_replay::{Level, Past, Projection, Verifier, fold_within};

use super::super::approver::everybody;
use super::super::told::{Told, View};

/// Entries as a fold reads them.
struct Kept(Vec<Entry>);

impl Past for Kept {
    fn page(
        &self,
        trajectory: &TrajectoryId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, String> {
        let own = self
            .0
            .iter()
            .filter(|entry| entry.header.trajectory == *trajectory && entry.header.seq >= from);
        Ok(own.take(limit).cloned().collect())
    }
}

/// `[D1]` A child that has ended told its parent, once, and has no authority left.
pub(super) fn children(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    for line in &told.lines {
        let Body::Delegation(order) = &line.body else {
            continue;
        };
        let own = told
            .lines
            .iter()
            .filter(|one| one.trajectory == order.child);
        let stop = own.clone().rev().find_map(|one| match &one.body {
            Body::Closed(body) => Some(body.stop.clone()),
            _ => None,
        });
        let ended = stop.is_some_and(|stop| stop != Stop::Held);
        let above = || {
            told.lines
                .iter()
                .filter(|one| one.trajectory == line.trajectory)
        };
        let results = above().filter(
            |one| matches!(&one.body, Body::DelegationResult(body) if body.child == order.child),
        );
        let results = results.count();
        let cut = above()
            .any(|one| matches!(&one.body, Body::WritRevoked(body) if body.writ == order.writ));
        let child = order.child.short();
        if (ended && results != 1) || results > 1 {
            faults.push(format!(
                "{child} ended {ended}, and told its parent {results} times"
            ));
        }
        if results > 0 && !cut {
            faults.push(format!("{child} keeps its authority"));
        }
    }
    faults
}

/// `[Y4]` What a session said of itself is what its record folds to.
pub(super) fn views(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    for view in &told.views {
        let kept = usize::try_from(view.log_len).unwrap();
        let entries = told.entries.get(..kept).unwrap_or_default().to_vec();
        match refold(entries, view.trajectory) {
            Ok(p) => faults.extend(differs(view, &p)),
            Err(why) => faults.push(why),
        }
    }
    faults
}

fn refold(entries: Vec<Entry>, trajectory: TrajectoryId) -> Result<Projection, String> {
    let past = Kept(entries);
    let mut projection = Projection::empty(trajectory);
    for entry in past.page(&trajectory, 0, usize::MAX)? {
        fold_within(&mut projection, &entry, &past).map_err(|why| why.to_string())?;
    }
    Ok(projection)
}

fn differs(view: &View, p: &Projection) -> Vec<String> {
    let at = format!("{} at {}", view.trajectory.short(), view.log_len);
    let mut faults = Vec::new();
    let holds: Vec<ProposalId> = p.holds.keys().copied().collect();
    // [A1] What its time is over for waits no more, though the timer has not said so yet.
    let over = |id: &ProposalId| {
        let hold = p.holds.get(id);
        let ms = hold.and_then(|hold| hold.body.terms.expires_after_ms());
        hold.zip(ms)
            .is_some_and(|(hold, ms)| hold.at.plus_ms(ms) <= view.at)
    };
    let told = |id: &ProposalId| view.holds.contains(id);
    let kept = view.holds.iter().all(|id| p.holds.contains_key(id));
    if !kept || !holds.iter().all(|id| told(id) || over(id)) {
        faults.push(format!("{at}: {holds:?} held, told {:?}", view.holds));
    }
    if p.world.digest().unwrap().to_string() != view.world {
        faults.push(format!("{at}: another world"));
    }
    let told: BTreeMap<_, _> = view.spent.iter().copied().collect();
    for writ in p.writs.keys() {
        let spent = p.spent.get(writ).copied().unwrap_or_default();
        if told.get(writ) != Some(&spent) {
            let told = told.get(writ);
            faults.push(format!(
                "{at}: {spent:?} of {}, told {told:?}",
                writ.short()
            ));
        }
    }
    faults
}

/// `[V1]` to `[V4]` The whole record verifies, by the kernel's word and by another look.
pub(super) fn verifies(told: &Told) -> Vec<String> {
    let past = Arc::new(Kept(told.entries.clone()));
    let mut verifier = Verifier::new(Level::V4, everybody()).with_past(past);
    for entry in &told.entries {
        verifier.push(&Row {
            index: entry.header.index,
            entry: Entry::read(entry.header_bytes.clone(), entry.content.clone()),
            disagreements: Vec::new(),
            tree: None,
        });
    }
    let report = verifier.finish(Some(told.entries.len() as u64));
    let found = report.findings.iter().map(ToString::to_string);
    found.chain(told.findings.iter().cloned()).collect()
}

/// `[R1]` None of the secrets that were planted is in a stored byte.
pub(super) fn secrets(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let record = told.bytes();
    for secret in &told.secrets {
        let quoted = serde_json::to_string(secret).unwrap();
        let escaped = quoted.trim_matches('"');
        let stored = |bytes: &[u8]| holds(bytes, secret) || holds(bytes, escaped);
        if stored(&record) || told.blobs.iter().any(|blob| stored(blob)) {
            faults.push(format!("`{secret}` is stored"));
        }
    }
    faults
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
