//! Follows the log and verifies what is new, so that the header can say how far it is verified.

use std::sync::Arc;
use std::time::Duration;

use thymos_core::TrajectoryId;
use thymos_ports::store::StoreError;
use thymos_protocol::{
    ChainState, ReplayReport, ReplayVerdict, ReplayedRun, VerifyProgress, VerifyReport,
};
use thymos_replay::verify::{Report, Tally};
use thymos_replay::{Kinship, Level, Member, Verifier, family};
use tokio::task::JoinHandle;

use super::Shared;
use crate::kernel::Kernel;
use crate::past::KeptStore;
use crate::proof::{self, Evidence, STORAGE, extend, finding, lanes};

/// How long new entries gather before they are verified together.
const GATHER: Duration = Duration::from_millis(100);

/// Verifies from the start once, then whatever is new after each ring of the bell; from when a session
/// is there to say so. Who only looks at the record, or proves it, has both cores for that.
pub(super) fn follow(kernel: Arc<Kernel>, shared: Arc<Shared>) -> JoinHandle<()> {
    let mut bell = shared.bell.subscribe();
    tokio::spawn(async move {
        shared.attended.notified().await;
        let past = Arc::new(KeptStore(kernel.parts.store.clone()));
        let mut verifier = Verifier::new(Level::V2, kernel.ever.clone())
            .with_lanes(lanes())
            .with_past(past);
        // What cannot be read is told by whoever verifies on demand.
        if let Ok((notes, _)) = kernel.checkpoints.kept() {
            verifier = verifier.with_checkpoints(&notes, &kernel.ever);
        }
        let mut told = None;
        loop {
            let store = kernel.parts.store.clone();
            let step = kernel.parts.hands.beside(move || {
                let outcome = extend(store.as_ref(), &mut verifier, &mut |_| {});
                let state = chain_state(&verifier, outcome.as_ref().err());
                (verifier, state)
            });
            let Ok((back, state)) = step.await else {
                return;
            };
            verifier = back;
            // Ringing for nothing would wake ourselves, and the screen, for ever.
            if told.as_ref() != Some(&state) {
                shared.set_chain(state.clone());
                told = Some(state);
            }
            loop {
                if bell.borrow_and_update().log_len > verifier.next_index() {
                    break;
                }
                if bell.changed().await.is_err() {
                    return;
                }
            }
            // Entries come in bursts: work that goes on is not to wait for the proof of each step.
            tokio::time::sleep(GATHER).await;
        }
    })
}

fn chain_state(verifier: &Verifier, error: Option<&StoreError>) -> ChainState {
    if let Some(error) = error {
        return ChainState::Broken(error.to_string());
    }
    if let Some(short) = verifier.short_of() {
        return ChainState::Broken(short.to_string());
    }
    match verifier.first_finding() {
        Some(found) => ChainState::Broken(found.to_string()),
        None => {
            let index = verifier.next_index();
            ChainState::VerifiedTo { index, len: index }
        }
    }
}

/// Verifies the whole log afresh, every level, and the storage beside it.
pub(super) fn verify(
    kernel: &Kernel,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<(Report, VerifyReport), StoreError> {
    let (notes, trouble) = match kernel.checkpoints.kept() {
        Err(error @ StoreError::Corrupt { .. }) => return Ok(proof::unreadable(&error)),
        kept => kept?,
    };
    let evidence = Evidence {
        store: kernel.parts.store.clone(),
        roots: kernel.ever.clone(),
        notes,
        part: None,
    };
    let place = kernel.parts.outside.place();
    proof::verify(evidence, |report| caveat(report, &place, trouble), progress)
}

/// What no lone ledger can prove, and how far one outside of it does `[L7]`.
fn caveat(report: &Report, place: &str, trouble: Option<String>) -> String {
    let (seen, entries) = (report.checkpoints, report.entries);
    let alone = "a lone ledger cannot prove that its newest entries were not cut off";
    if let Some(trouble) = trouble {
        return format!("{alone}, and what stands outside cannot be read: {trouble}");
    }
    match (seen.outside, seen.ledger) {
        (Some(outside), _) if outside >= entries => {
            format!("the checkpoint in {place} covers all {entries} entries")
        }
        (Some(outside), Some(ledger)) if outside < ledger => format!(
            "the checkpoints in {place} are older than the ledger: they end at {outside} entries, its own \
             at {ledger}, and it has {entries}"
        ),
        (Some(outside), _) => format!(
            "the newest checkpoint in {place} covers {outside} of {entries} entries; {alone} behind it"
        ),
        (None, _) => format!("{alone}: no checkpoint in {place}"),
    }
}

/// The report as the tree of one run.
pub(super) fn replayed(found: &Report, run: TrajectoryId, ledger: VerifyReport) -> ReplayReport {
    let members = family(found, run);
    let own = members.iter().filter_map(|member| member.tally);
    let own: u64 = own.map(|tally| tally.findings_total).sum();
    let placed: u64 = found.lines.values().map(|tally| tally.findings_total).sum();
    let stored = ledger.findings.iter().filter(|f| f.check == STORAGE);
    let all = found.findings_total + stored.count() as u64;
    ReplayReport {
        runs: members.iter().map(replayed_run).collect(),
        elsewhere: all.saturating_sub(own),
        unplaced: all.saturating_sub(placed),
        ledger,
    }
}

fn replayed_run(member: &Member<'_>) -> ReplayedRun {
    let none = Tally::default();
    let tally = member.tally.unwrap_or(&none);
    let verdict = match member.tally {
        None => ReplayVerdict::NotBegun,
        Some(tally) if tally.findings_total > 0 => ReplayVerdict::Diverged,
        Some(tally) if !tally.is_verified() => ReplayVerdict::Unchecked,
        Some(_) => ReplayVerdict::Verified,
    };
    ReplayedRun {
        trajectory: member.trajectory,
        kinship: match member.kinship {
            Kinship::Above => "above",
            Kinship::Itself => "itself",
            Kinship::Delegated => "delegated",
            Kinship::Branched => "branch",
        }
        .to_owned(),
        depth: member.depth as u64,
        at_seq: member.at_seq,
        verdict,
        entries: tally.entries,
        decisions: tally.checked.decisions,
        signatures: tally.checked.identity,
        witnessed: tally.witnessed,
        unchecked: tally.unchecked.total(),
        resources: tally.resources,
        world: tally.world.map(|digest| digest.to_string()),
        findings_total: tally.findings_total,
        findings: tally.findings.iter().map(finding).collect(),
    }
}
