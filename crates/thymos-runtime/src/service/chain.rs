//! Follows the log and verifies what is new, so that the header can say how far it is verified, and how far
//! a checkpoint outside vouches for it.

use std::sync::Arc;
use std::time::Duration;

use thymos_core::TrajectoryId;
use thymos_ports::store::StoreError;
use thymos_protocol::{
    ChainState, OutsideStanding, ReplayReport, ReplayVerdict, ReplayedRun, VerifiedBefore,
    VerifyFinding, VerifyProgress, VerifyReport,
};
use thymos_replay::verify::{Report, Tally};
use thymos_replay::{Divergence, Kinship, Level, Member, Verifier, family};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::Shared;
use crate::checked::{self, Earlier, Start};
use crate::kernel::Kernel;
use crate::past::KeptStore;
use crate::proof::{self, STORAGE, Verified, Whole, caveat, extend, finding, lanes};

/// How long new entries gather before they are verified together.
const GATHER: Duration = Duration::from_millis(100);

/// How long a thread that verifies is waited for at the end.
const LEAVING: Duration = Duration::from_millis(500);

/// What the background has verified.
struct Follower {
    verifier: Verifier,
    /// What it did not look at.
    before: Option<VerifiedBefore>,
    /// What the log contradicts of an earlier check.
    other: Option<Divergence>,
    /// `[Y3]` Another log that is missed here: nothing is told as verified then.
    missed: Option<VerifyFinding>,
    /// Entries under the point that was kept last.
    kept: u64,
}

impl Follower {
    /// Behind what an earlier start verified, or with the first entry.
    fn start(kernel: &Kernel) -> Self {
        // What cannot be read is told by whoever verifies on demand.
        kernel.checkpoints.look();
        let notes = kernel.checkpoints.kept();
        let notes = notes.map_or_else(|_| Vec::new(), |(notes, _)| notes);
        if let Start::Behind(verifier, before) = checked::start(kernel, Level::V2, &notes) {
            return Self {
                verifier: *verifier,
                kept: before.entries,
                before: Some(before),
                other: None,
                missed: missed(kernel),
            };
        }
        let past = Arc::new(KeptStore(kernel.parts.store.clone()));
        let verifier = Verifier::new(Level::V2, kernel.ever.clone())
            .with_lanes(lanes())
            .with_past(past)
            .with_checkpoints(notes, &kernel.ever);
        Self {
            verifier,
            before: None,
            other: Earlier::of(kernel).contradicted(),
            missed: missed(kernel),
            kept: 0,
        }
    }

    /// Verifies what is new, and says how far all is verified now.
    fn step(&mut self, kernel: &Kernel) -> ChainState {
        let outcome = extend(kernel.parts.store.as_ref(), &mut self.verifier, &mut |_| {});
        kernel.checkpoints.look();
        let entries = self.verifier.next_index();
        if outcome.is_ok() && checked::is_due(kernel, self.kept, entries) {
            checked::keep(kernel, self.verifier.point(), self.before.as_ref());
            self.kept = entries;
        }
        self.state(outcome.err().as_ref())
    }

    fn state(&self, error: Option<&StoreError>) -> ChainState {
        if let Some(error) = error {
            return ChainState::Broken(error.to_string());
        }
        if let Some(other) = &self.other {
            return ChainState::Broken(other.to_string());
        }
        if let Some(gone) = &self.missed {
            let (expected, found) = (&gone.expected, &gone.found);
            return ChainState::Broken(format!("expected {expected}, found {found}"));
        }
        if let Some(short) = self.verifier.short_of() {
            return ChainState::Broken(short.to_string());
        }
        match self.verifier.first_finding() {
            Some(found) => ChainState::Broken(found.to_string()),
            None => {
                let index = self.verifier.next_index();
                ChainState::VerifiedTo {
                    index,
                    len: index,
                    before: self.before,
                }
            }
        }
    }
}

impl Shared {
    /// What stands outside of the ledger, beside the log as far as it is known here `[L7]`.
    pub(crate) fn outside(&self, kernel: &Kernel) -> Option<OutsideStanding> {
        let entries = self.bell.borrow().log_len;
        let standing = kernel.checkpoints.standing();
        let known = standing.borrow();
        // Beside a log of unknown length, any checkpoint would seem to cover all of it.
        known
            .as_ref()
            .filter(|_| entries > 0)
            .map(|known| known.told(entries))
    }
}

/// Verifies behind what an earlier start verified, or from the first entry, then whatever is new after
/// each ring of the bell; from when a session is there to say so. Who only looks at the record, or proves
/// it, has both cores for that.
pub(super) fn follow(kernel: Arc<Kernel>, shared: Arc<Shared>) -> Following {
    let mut bell = shared.bell.subscribe();
    let at_work = Arc::new(Mutex::new(()));
    let working = at_work.clone();
    // A checkpoint is taken behind the entries that ring, and takes as long as its place does.
    let mut standing = kernel.checkpoints.standing();
    let told = shared.clone();
    let telling = tokio::spawn(async move {
        while standing.changed().await.is_ok() {
            told.ring(|_| {});
        }
    });
    let task = tokio::spawn(async move {
        shared.attended.notified().await;
        let hands = kernel.parts.hands;
        let (starting, guard) = (kernel.clone(), working.clone().lock_owned().await);
        let start = move || (Follower::start(&starting), starting, guard);
        let Ok((mut follower, ..)) = hands.beside(start).await else {
            return;
        };
        let mut told = None;
        loop {
            let (kernel, guard) = (kernel.clone(), working.clone().lock_owned().await);
            let step = hands.beside(move || {
                let state = follower.step(&kernel);
                // The guard is last: whoever waits for it finds the store let go of.
                (follower, state, kernel, guard)
            });
            let Ok((back, state, ..)) = step.await else {
                return;
            };
            follower = back;
            // Ringing for nothing would wake ourselves, and the screen, for ever.
            if told.as_ref() != Some(&state) {
                shared.set_chain(state.clone());
                told = Some(state);
            }
            loop {
                if bell.borrow_and_update().log_len > follower.verifier.next_index() {
                    break;
                }
                if bell.changed().await.is_err() {
                    return;
                }
            }
            // Entries come in bursts: work that goes on is not to wait for the proof of each step.
            tokio::time::sleep(GATHER).await;
        }
    });
    Following {
        task,
        telling,
        at_work,
    }
}

/// The background's verification, as long as there is something to follow.
pub(super) struct Following {
    task: JoinHandle<()>,
    /// Rings when more is known of the place outside.
    telling: JoinHandle<()>,
    /// Held while a thread reads the record.
    at_work: Arc<Mutex<()>>,
}

impl Following {
    /// Ends it, and waits a moment for a thread that is at work, so that the store is closed in order.
    pub(super) async fn end(self) {
        self.task.abort();
        self.telling.abort();
        // One that has much to read is left behind; what it reads is never half-written.
        drop(tokio::time::timeout(LEAVING, self.at_work.lock()).await);
    }
}

/// Verifies the whole log afresh, every level, and the storage beside it. Keeps how far it came.
pub(super) fn verify(
    kernel: &Kernel,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<(Report, VerifyReport), StoreError> {
    let known = Whole {
        store: kernel.parts.store.clone(),
        outside: kernel.parts.outside.as_ref(),
        roots: kernel.ever.clone(),
        earlier: Some((kernel.parts.snapshots.as_ref(), &kernel.parts.operator_key)),
    };
    let Verified {
        report,
        told,
        point,
    } = proof::whole(&known, progress)?;
    if told.findings.is_empty() {
        checked::keep(kernel, point, None);
    }
    Ok((report, told))
}

fn missed(kernel: &Kernel) -> Option<VerifyFinding> {
    let (file, signed) = kernel.checkpoints.missed()?;
    Some(proof::missed(&file, &signed, &kernel.parts.store.log()))
}

/// Verifies every level of what is new since that was last done, and says what was left out. Where there
/// is nothing to go on from, or the log is not the one that was verified, all of it is verified.
pub(super) fn verify_since(
    kernel: &Kernel,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<VerifyReport, StoreError> {
    let (notes, trouble) = match kernel.checkpoints.kept() {
        Err(error @ StoreError::Corrupt { .. }) => return Ok(proof::unreadable(&error).told),
        kept => kept?,
    };
    let (mut verifier, before) = match checked::start(kernel, Level::V4, &notes) {
        Start::Behind(verifier, before) => (*verifier, before),
        Start::Whole(why) => {
            // Where the log is another, this finds it, or finds every entry as it was.
            let (_, mut told) = verify(kernel, progress)?;
            told.caveat = format!("{why}, so all was verified; {}", told.caveat);
            return Ok(told);
        }
    };
    let store = kernel.parts.store.as_ref();
    match extend(store, &mut verifier, progress) {
        Err(error @ StoreError::Corrupt { .. }) => return Ok(proof::unreadable(&error).told),
        extended => extended?,
    }
    let point = verifier.point();
    let report = verifier.finish(Some(store.len()?));
    let place = kernel.parts.outside.place();
    let mut told = proof::told(&report, caveat((&report, store), &place, trouble));
    told.before = Some(before);
    told.findings.extend(missed(kernel));
    if told.findings.is_empty() {
        checked::keep(kernel, point, Some(&before));
    }
    Ok(told)
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
