//! Memory of a verifier: what a trajectory came to is let go while the log is about others, and folded anew
//! when it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::branches::Rows;
use super::*;
use crate::past::Past;

/// Counts the entries that it hands out.
struct Counted(Rows, Arc<AtomicUsize>);

impl Past for Counted {
    fn page(&self, of: &TrajectoryId, from: u64, limit: usize) -> Result<Vec<Entry>, String> {
        let page = self.0.page(of, from, limit)?;
        self.1.fetch_add(page.len(), Ordering::Relaxed);
        Ok(page)
    }
}

/// A trajectory, `between` others that only begin, and a second call of the first.
fn left_and_come_back_to(between: u8) -> (Log, usize) {
    let mut log = log();
    let left = log.rows.len();
    for one in 0..between {
        log.add_to(TrajectoryId::of(&[one]), &root());
    }
    let intent = intent(3, "fs_write");
    want(&mut log, &intent);
    held_again(&mut log, &intent);
    (log, left)
}

fn root() -> Body {
    Body::Root(Root {
        v: 1,
        workspace: "/srv".into(),
        tenant: String::new(),
        operator: party("ann", &operator()),
        subject: party("agent", &agent()),
        parent: None,
    })
}

/// Refuses it, on the facts that only the whole past gives: what was spent, and repeats.
fn held_again(log: &mut Log, intent: &Intent) {
    let verdict = on_own(log, intent);
    log.add(&Body::PendingApproval(Box::new(PendingApproval {
        decided: verdict.decided.clone(),
        terms: verdict.terms.clone(),
        presentation: verdict.presentation.clone(),
        presented: verdict.presented,
    })));
}

fn on_own(log: &Log, intent: &Intent) -> thymos_compiler::Held {
    let own = Log {
        rows: log
            .rows
            .iter()
            .filter(|row| row.entry.as_ref().unwrap().header.trajectory == line())
            .cloned()
            .collect(),
        ..Log::default()
    };
    let verdict = on(&own, intent, |grounds| compile(intent, grounds));
    let Verdict::Held(held) = verdict else {
        panic!("not held: {verdict:?}");
    };
    *held
}

/// Pushes all rows into a verifier that remembers for four; then how many states it holds.
fn remembered(log: &Log, past: impl Past + 'static) -> (Report, usize) {
    let mut verifier = Verifier::new(Level::V4, roots())
        .with_past(Arc::new(past))
        .remembering(4);
    for row in &log.rows {
        verifier.push(row);
    }
    let awake = verifier.awake();
    (verifier.finish(None), awake)
}

#[test]
fn q6_a_state_is_let_go_and_folded_anew_when_the_log_comes_back_to_it() {
    let (log, left) = left_and_come_back_to(40);
    let read = Arc::new(AtomicUsize::new(0));
    let (report, awake) = remembered(&log, Counted(Rows::of(&log), read.clone()));
    assert_eq!(report.findings, []);
    assert!(report.is_verified());
    assert!(awake < 12, "{awake} of 41 states are held");
    assert_eq!(read.load(Ordering::Relaxed), left + 2, "read once, whole");
    // The report of what was let go says as much as that of what was not.
    assert_eq!(report, log.verify(Level::V4));
}

#[test]
fn q6_without_a_past_nothing_is_let_go() {
    let (log, _) = left_and_come_back_to(40);
    let mut verifier = Verifier::new(Level::V4, roots()).remembering(4);
    for row in &log.rows {
        verifier.push(row);
    }
    assert_eq!(verifier.awake(), 41);
}

#[test]
fn q6_a_past_that_is_another_than_it_was_is_found() {
    let (log, left) = left_and_come_back_to(40);
    let spent = rewrite_own(&log, left - 1, |body| {
        let Body::Commit(commit) = body else {
            panic!("what was left is the end of a call");
        };
        commit.cost.wall_clock_ms = 1;
    });
    let (report, _) = remembered(&log, Rows::of(&spent));
    let (level, _, check) = first(&report);
    assert_eq!((level, check), (Level::V2, "read again"));
    let gone = Log::default();
    let (report, _) = remembered(&log, Rows::of(&gone));
    assert_eq!(first(&report).2, "read again");
    assert!(report.unchecked.state > 0);
}

/// As [`rewrite`], of a log of several trajectories.
fn rewrite_own(log: &Log, at: usize, change: impl FnOnce(&mut Body)) -> Log {
    let mut change = Some(change);
    let mut other = Log::default();
    for (index, row) in log.rows.iter().enumerate() {
        let entry = row.entry.as_ref().unwrap();
        let BodyState::Known(mut body) = entry.decode() else {
            panic!("no body");
        };
        if index == at {
            change.take().unwrap()(&mut body);
        }
        other.add_to(entry.header.trajectory, &body);
    }
    other
}

#[test]
fn q6_l3_what_was_erased_since_it_was_read_is_a_gap_and_no_fault() {
    let (log, left) = left_and_come_back_to(40);
    let mut erased = Rows::of(&log);
    erased.erase(left - 1);
    let (report, _) = remembered(&log, erased);
    assert_eq!(report.findings, []);
    assert!(report.unchecked.facts > 0);
}

/// In turns, each just after it was let go of: the worst that a log can do.
#[test]
fn q6_folding_anew_stays_a_multiple_of_the_log_however_many_go_on_side_by_side() {
    let mut log = Log::default();
    let lines: Vec<TrajectoryId> = (0..40_u8).map(|one| TrajectoryId::of(&[one])).collect();
    for round in 0..30 {
        for line in &lines {
            let begun = root();
            let said = Body::Message(thymos_core::body::Message {
                role: thymos_core::body::Role::Operator,
                text: format!("{round}"),
                reasoning: String::new(),
                provider_state: None,
                turn: 0,
            });
            log.add_to(*line, if round == 0 { &begun } else { &said });
        }
    }
    let rows = log.rows.len();
    let read = Arc::new(AtomicUsize::new(0));
    let (report, _) = remembered(&log, Counted(Rows::of(&log), read.clone()));
    assert!(report.is_verified(), "{:?}", report.findings);
    let read = read.load(Ordering::Relaxed);
    assert!(read > rows / 4, "nothing was let go of: {read}");
    assert!(read < 5 * rows, "{read} entries for {rows} rows");
}
