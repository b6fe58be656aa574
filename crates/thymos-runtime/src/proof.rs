//! Verification of a whole store, every level, in the screen's words: the one road for a ledger and for
//! what was handed on of one.

use std::panic::resume_unwind;
use std::sync::Arc;

use thymos_core::checkpoint::Checkpoint;
use thymos_core::pins::Pins;
use thymos_core::writ::TrustRoots;
use thymos_core::{LogId, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_protocol::{PinMet, PinReport, VerifyFinding, VerifyProgress, VerifyReport};
use thymos_replay::pins::Unpinned;
use thymos_replay::verify::{Excerpt, Finding, KeptNote, Point, Report, Withheld};
use thymos_replay::{Level, PinCheck, Verifier};

use crate::past::KeptStore;

mod drive;
mod whole;

use drive::{ROWS, prepared};
pub(crate) use drive::{extend, lanes};
pub(crate) use whole::caveat;
pub use whole::{Whole, whole};

/// Name of the check of the storage beside the log.
pub(crate) const STORAGE: &str = "storage";

/// What is verified, against what.
pub struct Evidence {
    /// The entries.
    pub store: Arc<dyn LedgerStore>,
    /// Every key that was ever trusted.
    pub roots: TrustRoots,
    /// The signed checkpoints.
    pub notes: Vec<KeptNote>,
    /// For what was handed on of a log: what is not in it.
    pub part: Option<Part>,
}

/// What was left out of a log that was handed on.
pub struct Part {
    /// Bodies.
    pub withheld: Withheld,
    /// All other trajectories.
    pub excerpt: Option<Excerpt>,
}

/// As [`drive::extend`], for an excerpt, whose rows come with their proofs.
fn extend_proved(
    store: &dyn LedgerStore,
    verifier: &mut Verifier,
    size: u64,
) -> Result<(), StoreError> {
    loop {
        let rows = store.scan(verifier.next_index(), ROWS)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in prepared(store, verifier.preparer(), rows)? {
            let proof = store.inclusion(row.index(), size)?;
            verifier.push_prepared_proved(row, proof.as_deref());
        }
    }
}

/// What a whole verification came to.
pub struct Verified {
    /// All of it.
    pub report: Report,
    /// The same in the screen's words.
    pub told: VerifyReport,
    /// Where it stood at its end, if nothing was wrong with the entries.
    pub(crate) point: Option<Point>,
}

/// Verifies every level, and the storage beside the entries. What is too damaged to be read to its end
/// is a finding, and not a fault of ours. `caveat` says what the report cannot prove.
///
/// # Errors
/// [`StoreError`] when the store cannot be read for another reason.
pub fn verify(
    evidence: Evidence,
    caveat: impl FnOnce(&Report) -> String,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verified, StoreError> {
    match look(evidence, caveat, progress) {
        Err(error @ StoreError::Corrupt { .. }) => Ok(unreadable(&error)),
        looked => looked,
    }
}

pub(crate) fn unreadable(error: &StoreError) -> Verified {
    let told = VerifyReport {
        entries: 0,
        before: None,
        trajectories: 0,
        levels: vec!["nothing could be checked".into()],
        findings: vec![storage(0, error.to_string())],
        caveat: "what cannot be read cannot be verified".into(),
    };
    Verified {
        report: Report::default(),
        told,
        point: None,
    }
}

fn look(
    evidence: Evidence,
    caveat: impl FnOnce(&Report) -> String,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verified, StoreError> {
    let Evidence {
        store,
        roots,
        notes,
        part,
    } = evidence;
    // With nobody to trust, every decision and signature would only be told as somebody's.
    let level = match roots.operators.is_empty() {
        true => Level::V2,
        false => Level::V4,
    };
    let mut verifier = Verifier::new(level, roots.clone()).with_checkpoints(notes, &roots);
    let mut excerpt = None;
    if let Some(part) = part {
        verifier = verifier.with_withheld(part.withheld);
        excerpt = part.excerpt;
    }
    // The storage takes one thread, whose work waits for nothing of the others'.
    let (report, engine) = std::thread::scope(|threads| {
        let engine = threads.spawn(|| store.check_engine());
        let report = entries(&store, verifier, excerpt, progress);
        let engine = engine.join();
        (report, engine.unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let (report, point) = report?;
    let mut told = told(&report, caveat(&report));
    for sentence in engine? {
        told.findings.push(storage(report.entries, sentence));
    }
    Ok(Verified {
        report,
        told,
        point,
    })
}

/// Verifies the entries, those of an excerpt with their proofs.
fn entries(
    store: &Arc<dyn LedgerStore>,
    mut verifier: Verifier,
    excerpt: Option<Excerpt>,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<(Report, Option<Point>), StoreError> {
    let past = Arc::new(KeptStore(store.clone()));
    if let Some(excerpt) = excerpt {
        verifier = verifier.of_excerpt(&excerpt).with_targets(past);
        extend_proved(store.as_ref(), &mut verifier, excerpt.size)?;
        return Ok((verifier.finish(None), None));
    }
    verifier = verifier.with_lanes(lanes()).with_past(past);
    extend(store.as_ref(), &mut verifier, progress)?;
    let point = verifier.point();
    Ok((verifier.finish(Some(store.len()?)), point))
}

/// Holds these runs, or the whole log, against pins `[Y2]`. What cannot be read is for verification to tell.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn pinned(
    store: &dyn LedgerStore,
    pins: Pins,
    runs: &[TrajectoryId],
) -> Result<PinReport, StoreError> {
    let mut check = PinCheck::new(pins);
    let mut next = 0;
    loop {
        let rows = store.scan(next, ROWS)?;
        let Some(last) = rows.last() else {
            return Ok(pin_report(&check, next));
        };
        next = last.index.saturating_add(1);
        let entries = rows.iter().filter_map(|row| row.entry.as_ref().ok());
        let of = |run: &TrajectoryId| runs.is_empty() || runs.contains(run);
        for entry in entries.filter(|entry| of(&entry.header.trajectory)) {
            check.push(entry);
        }
    }
}

fn pin_report(check: &PinCheck, entries: u64) -> PinReport {
    let mut findings: Vec<VerifyFinding> = check.diverged().iter().map(unpinned).collect();
    let untold = check.total().saturating_sub(findings.len() as u64);
    if untold > 0 {
        findings.push(more(entries, untold));
    }
    let met = check.met().iter().map(|((kind, value), met)| PinMet {
        kind: *kind,
        value: value.clone(),
        entries: met.entries,
        first: met.first,
    });
    PinReport {
        findings,
        met: met.collect(),
    }
}

fn unpinned(found: &Unpinned) -> VerifyFinding {
    VerifyFinding {
        index: found.index,
        trajectory: Some(found.trajectory),
        seq: Some(found.seq),
        check: format!("Y2 {}", found.what.check),
        expected: found.what.expected.clone(),
        found: found.what.found.clone(),
    }
}

/// Findings that are counted and not told.
fn more(index: u64, untold: u64) -> VerifyFinding {
    VerifyFinding {
        index,
        trajectory: None,
        seq: None,
        check: "findings".into(),
        expected: "none".into(),
        found: format!("{untold} more, not told"),
    }
}

/// Another log was signed where this one stands `[L7]`.
pub(crate) fn missed(file: &str, signed: &Checkpoint, own: &LogId) -> VerifyFinding {
    VerifyFinding {
        index: 0,
        trajectory: None,
        seq: None,
        check: STORAGE.into(),
        expected: format!(
            "log {} of {} entries, which stood at this path when {file} was signed",
            signed.log.short(),
            signed.size
        ),
        found: format!("log {}", own.short()),
    }
}

fn storage(index: u64, found: String) -> VerifyFinding {
    VerifyFinding {
        index,
        trajectory: None,
        seq: None,
        check: STORAGE.into(),
        expected: "what was stored".into(),
        found,
    }
}

/// A report in the screen's words.
pub(crate) fn told(report: &Report, caveat: String) -> VerifyReport {
    let checked = &report.checked;
    let mut levels = vec![
        format!("V1 integrity of {} entries", checked.integrity),
        format!("V2 state of {}", checked.state),
    ];
    levels.extend(match report.level {
        Level::V1 | Level::V2 => ["V3 not looked at".to_owned(), "V4 not looked at".to_owned()],
        Level::V3 | Level::V4 => [
            format!("V3 {} decisions", checked.decisions),
            format!("V4 {} signatures", checked.identity),
        ],
    });
    if report.checkpoints.agreed > 0 {
        levels.push(format!("{} checkpoints agree", report.checkpoints.agreed));
    }
    if report.witnessed > 0 {
        levels.push(format!(
            "{} verdicts rest on a witnessed fact",
            report.witnessed
        ));
    }
    for (count, what) in [(report.erased, "erased"), (report.withheld, "withheld")] {
        if count > 0 {
            levels.push(format!("{count} bodies {what}"));
        }
    }
    if report.standing > 0 {
        levels.push(format!(
            "{} bodies that were erased still stand: they go when the ledger is next opened and nobody reads it",
            report.standing
        ));
    }
    let unchecked = report.unchecked.state + report.unchecked.decisions;
    if unchecked > 0 {
        levels.push(format!("{unchecked} checks not possible"));
    }
    let mut findings: Vec<VerifyFinding> = report.findings.iter().map(finding).collect();
    let untold = report.findings_total.saturating_sub(findings.len() as u64);
    if untold > 0 {
        findings.push(more(report.entries, untold));
    }
    VerifyReport {
        entries: report.entries,
        before: None,
        trajectories: report.trajectories,
        levels,
        findings,
        caveat,
    }
}

pub(crate) fn finding(found: &Finding) -> VerifyFinding {
    VerifyFinding {
        index: found.place.index,
        trajectory: found.place.line.map(|(trajectory, _)| trajectory),
        seq: found.place.line.map(|(_, seq)| seq),
        check: format!("{} {}", found.level, found.what.check),
        expected: found.what.expected.clone(),
        found: found.what.found.clone(),
    }
}
