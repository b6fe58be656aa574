//! Long looks through the record: searches that tell what they find on the way and can be ended, single
//! rows, and what two moments cost. How much is read for each is counted.

use std::collections::BTreeSet;

use thymos_core::TrajectoryId;
use thymos_core::body::{self, Body, Role};
use thymos_core::writ::Mode;
use thymos_ports::LedgerStore;
use thymos_ports::store::Batch;
use thymos_protocol::{Among, ChainState, Command, Found, FoundEnd, Replied};
use thymos_testkit::Step;
use thymos_testkit::model::says;

use super::rig::{Rig, Setup, drafted};

/// Entries that a step of a look reads at most.
const STEP: u64 = 1_024;

/// A trajectory with so many messages behind it; every hundredth has a needle.
async fn long(count: u64) -> (Rig, u64) {
    let steps = vec![Step::Turn(says("done"))];
    let mut rig = Setup::new(steps, &[]).open(Mode::Edit).await;
    rig.run("go").await;
    let from = rig.events().await.len() as u64;
    let setup = rig.setup.clone();
    let trajectory = rig.trajectory;
    drop(rig);
    append(&setup, trajectory, (from, count));
    let mut rig = Rig {
        desk: setup.serve(),
        setup,
        trajectory,
    };
    quiet(&mut rig).await;
    (rig, from)
}

/// Waits until the kernel has looked at everything by itself: what is read from then on is read for
/// whoever asks.
pub(super) async fn quiet(rig: &mut Rig) {
    let len = rig.setup.store.entries().len() as u64;
    loop {
        rig.ask(Command::Runs).await;
        match rig.status().await.chain {
            ChainState::VerifiedTo { index, .. } if index < len => {}
            ChainState::Unverified => {}
            ChainState::VerifiedTo { .. } | ChainState::Broken(_) => return,
        }
        rig.desk
            .link
            .bell
            .changed()
            .await
            .expect("the kernel serves");
    }
}

fn append(setup: &Setup, trajectory: TrajectoryId, (from, count): (u64, u64)) {
    let drafts = (0..count).map(|at| {
        let text = match at % 100 {
            0 => format!("needle {at}"),
            _ => format!("hay {at}"),
        };
        let body = Body::Message(body::Message {
            role: Role::Operator,
            text,
            reasoning: String::new(),
            provider_state: None,
            turn: 1,
        });
        drafted(trajectory, &body)
    });
    let batch = Batch {
        trajectory,
        at_seq: from,
        drafts: drafts.collect(),
    };
    setup.store.append(vec![batch]).unwrap()[0]
        .as_ref()
        .unwrap();
}

/// Entries of the trajectory, and rows of the log, that were read so far.
fn read(rig: &Rig) -> u64 {
    let store = &rig.setup.store;
    store.entries_read(&rig.trajectory) as u64 + store.rows_scanned()
}

/// Everything that a search tells, in order.
async fn search(rig: &mut Rig, of: Option<TrajectoryId>, filter: &str) -> Vec<Found> {
    told(rig, of.map_or(Among::Log, Among::Run), filter).await
}

async fn told(rig: &mut Rig, among: Among, filter: &str) -> Vec<Found> {
    let command = Command::Find {
        among,
        filter: filter.into(),
    };
    let ticket = rig.desk.send(command).await;
    let mut told = Vec::new();
    loop {
        let Replied::Found(found) = rig.desk.reply(ticket).await else {
            panic!("no search")
        };
        let ended = found.end.is_some();
        told.push(found);
        if ended {
            return told;
        }
    }
}

#[tokio::test]
async fn a_search_tells_what_it_finds_on_the_way_and_reads_each_entry_once() {
    let (mut rig, from) = long(5_000).await;
    for of in [Some(rig.trajectory), None] {
        let before = read(&rig);
        let told = search(&mut rig, of, "text:needle").await;
        let count = read(&rig) - before;
        let len = from + 5_000;
        // Each entry once, and the first one of the trajectory to see whose it is.
        assert!(count <= len + 2, "{count} of {len}");
        assert_eq!(told.len() as u64, len.div_ceil(STEP));
        let steps: Vec<u64> = told.iter().map(|found| found.looked_at).collect();
        assert!(steps.is_sorted() && steps[0] == STEP, "{steps:?}");
        assert!(told.iter().all(|found| found.of == len), "{told:?}");
        assert!(!told[0].events.is_empty());
        let ends: Vec<_> = told.iter().filter_map(|found| found.end).collect();
        assert_eq!(ends, [FoundEnd::Whole]);
        let seqs: Vec<u64> = told
            .iter()
            .flat_map(|found| found.events.iter().map(|event| event.seq))
            .collect();
        let due: Vec<u64> = (0..50).map(|at| from + at * 100).collect();
        assert_eq!(seqs, due);
    }
}

#[tokio::test]
async fn more_than_a_thousand_matches_are_all_told() {
    let (mut rig, _) = long(3_000).await;
    let told = search(&mut rig, None, "text:hay").await;
    let count: usize = told.iter().map(|found| found.events.len()).sum();
    assert_eq!(count, 2_970);
}

#[tokio::test]
async fn a_search_ends_when_it_is_cancelled_and_looks_no_further() {
    let (mut rig, _) = long(5_000).await;
    rig.setup.store.hold_back(rig.trajectory);
    let before = read(&rig);
    let command = Command::Find {
        among: Among::Log,
        filter: "text:needle".into(),
    };
    let ticket = rig.desk.send(command).await;
    // Its first step waits for the store; the kernel hears other requests meanwhile.
    let cancelled = rig.ask(Command::Cancel { ticket }).await;
    assert_eq!(cancelled, Replied::Accepted);
    rig.setup.store.let_go();
    let mut last = rig.desk.reply(ticket).await;
    if let Replied::Found(Found { end: None, .. }) = &last {
        last = rig.desk.reply(ticket).await;
    }
    let Replied::Found(found) = last else {
        panic!("{last:?}")
    };
    assert_eq!(found.end, Some(FoundEnd::Cancelled));
    assert!(found.looked_at <= STEP, "{}", found.looked_at);
    assert!(read(&rig) - before <= STEP + 2);
    // One that has ended is not there to be ended; that is no fault.
    let again = rig.ask(Command::Cancel { ticket }).await;
    assert_eq!(again, Replied::Accepted);
}

#[tokio::test]
async fn a_header_is_enough_to_pass_an_entry_over() {
    let (mut rig, from) = long(10).await;
    for (filter, due) in [
        ("kind:root", vec![0]),
        ("-kind:message,root seq:0..2", vec![1, 2]),
        ("seq:0,3", vec![0, 3]),
        ("kind:commit text:hay", vec![]),
    ] {
        let told = search(&mut rig, None, filter).await;
        let found = told.iter().flat_map(|found| &found.events);
        let seqs: Vec<u64> = found.map(|event| event.seq).collect();
        assert_eq!(seqs, due, "{filter}");
    }
    let told = search(&mut rig, None, &format!("kind:message seq:>{}", from + 7)).await;
    assert_eq!(told[0].events.len(), 2);
}

/// In one run, unless the filter says itself of which.
#[tokio::test]
async fn a_filter_that_names_runs_looks_at_the_whole_log() {
    let (mut rig, _) = long(10).await;
    let own = rig.trajectory;
    let Replied::Opened(other) = rig.ask(Command::begin(Mode::Plan)).await else {
        panic!("no other run")
    };
    let other = other.trajectory;
    let mut find = async |filter: &str| {
        let among = Among::RunOrNamed(own);
        let told = told(&mut rig, among, filter).await;
        let log = told.iter().all(|found| found.log);
        let events = told.into_iter().flat_map(|found| found.events);
        let runs: BTreeSet<_> = events.map(|event| event.trajectory).collect();
        (log, runs)
    };
    assert_eq!(find("kind:root").await, (false, [own].into()));
    assert_eq!(find("kind:root run:*").await, (true, [own, other].into()));
    let one = format!("kind:root run:{}", other.short());
    assert_eq!(find(&one).await, (true, [other].into()));
    assert_eq!(
        find(&format!("kind:root -run:{}", other.short())).await,
        (true, [own].into())
    );
}

/// Those of the log are read by index, of whichever run, and told as a search tells them.
#[tokio::test]
async fn single_rows_of_the_log_are_read_alone_and_told_alike() {
    let (mut rig, _) = long(600).await;
    let found = search(&mut rig, None, "").await;
    let all: Vec<_> = found.into_iter().flat_map(|found| found.events).collect();
    let places = vec![0, 3, 4, 5, 300, u64::MAX];
    let before = read(&rig);
    let wanted = Command::Rows {
        trajectory: None,
        places: places.clone(),
    };
    let Replied::Page(page) = rig.ask(wanted).await else {
        panic!("no rows")
    };
    let due: Vec<_> = all
        .iter()
        .filter(|event| places.contains(&event.index))
        .cloned()
        .collect();
    assert_eq!(page.events, due);
    assert_eq!(due.len(), 5);
    assert!(read(&rig) - before <= 6);
}

#[tokio::test]
async fn single_rows_are_read_alone() {
    let (mut rig, from) = long(2_000).await;
    let before = read(&rig);
    let trajectory = rig.trajectory;
    let seqs = vec![from, from + 1, from + 1_500];
    let command = Command::Rows {
        trajectory: Some(trajectory),
        places: seqs.clone(),
    };
    let Replied::Page(page) = rig.ask(command).await else {
        panic!("no rows")
    };
    let told: Vec<u64> = page.events.iter().map(|event| event.seq).collect();
    assert_eq!(told, seqs);
    assert_eq!(read(&rig) - before, 3);
    let all = Command::Rows {
        trajectory: Some(trajectory),
        places: (0..2_000).collect(),
    };
    let Replied::Page(page) = rig.ask(all).await else {
        panic!("no rows")
    };
    assert_eq!(page.events.len(), 256);
    let none = Command::Rows {
        trajectory: Some(trajectory),
        places: vec![u64::MAX, 9_999],
    };
    let Replied::Page(page) = rig.ask(none).await else {
        panic!("no rows")
    };
    assert!(page.events.is_empty());
}

#[tokio::test]
async fn y4_a_difference_is_folded_once_and_tells_what_was_spent() {
    let (mut rig, from) = long(3_000).await;
    let before = read(&rig);
    let command = Command::WorldDiff {
        trajectory: rig.trajectory,
        from_seq: 0,
        to_seq: u64::MAX,
    };
    let Replied::WorldDiff(diff) = rig.ask(command).await else {
        panic!("no difference")
    };
    assert!(read(&rig) - before <= from + 3_000 + 2);
    assert_eq!(diff.from_spent, thymos_core::budget::Cost::default());
    assert!(diff.to_spent.tokens > 0, "{diff:?}");
    assert_eq!((diff.from_seq, diff.to_seq), (0, from + 2_999));
}

/// A verb that has said what it was asked for does not wait until every run of a long log is folded for a list
/// that nobody asked for.
#[test]
fn q7_who_leaves_waits_for_no_rows_of_runs() {
    let work = || tokio::runtime::Runtime::new().unwrap();
    let setup = Setup::new(Vec::new(), &[]);
    work().block_on(async {
        for _ in 0..3 {
            let mut rig = setup.clone().open(Mode::Plan).await;
            rig.run("go").await;
            rig.ask(Command::Shutdown).await;
        }
    });
    let store = &setup.store;
    let runs: Vec<TrajectoryId> = store
        .heads()
        .unwrap()
        .iter()
        .map(|head| head.trajectory)
        .collect();
    let read = || {
        runs.iter()
            .map(|run| store.entries_read(run))
            .collect::<Vec<_>>()
    };
    let before = read();
    store.hold_back(runs[0]);
    let ends = work();
    ends.block_on(async {
        let mut desk = setup.serve();
        // As when the bell rings: every run is looked at beside.
        desk.send(Command::Runs).await;
        assert_eq!(desk.ask(Command::Shutdown).await, Replied::Accepted);
        store.let_go();
    });
    // It waits for whatever is still at work.
    drop(ends);
    // Whose a run is stands in its first entry, which each look reads; who folds it reads all of them.
    let whole = store.heads().unwrap().iter().map(|head| head.seq).min();
    let whole = usize::try_from(whole.unwrap()).unwrap();
    assert!(whole > 5, "{whole}");
    let since = read().into_iter().zip(before);
    let since: Vec<usize> = since.map(|(now, before)| now - before).skip(1).collect();
    assert!(since.iter().all(|entries| *entries < whole), "{since:?}");
}
