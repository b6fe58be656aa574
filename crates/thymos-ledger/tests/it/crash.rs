//! Other processes `[L11]` `[L12]` `[T2]`: killed while they write, or writing at the same time.
//!
//! The other process is this test binary again, asked for one test and given its task as a further
//! filter that matches no test. Run without a task, that test does nothing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use thymos_core::id::Digest;
use thymos_core::{EntryId, TrajectoryId};
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::StoreError;

use crate::support::{GENESIS, Place, length, line, walk};

const TASK: &str = "ledger-task:";
const KILLS: u64 = 24;
const BATCH: u64 = 3;

fn spawn(task: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["crash::other_process", "--exact", "--nocapture"])
        .arg(format!("{TASK}{task}:{}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn other_process() {
    let Some(argument) = std::env::args().find(|argument| argument.starts_with(TASK)) else {
        return;
    };
    let (task, path) = argument[TASK.len()..].split_once(':').unwrap();
    let ledger = SqliteLedger::open(Path::new(path), GENESIS).unwrap();
    match task {
        "write" => write_for_ever(&ledger),
        "contend" => contend(&ledger, |written| written == 100),
        "contend-long" => contend(&ledger, long_enough()),
        other => panic!("no task `{other}`"),
    }
}

// One line an acknowledgement: the batch's last entry, and the blob that was kept before it.
fn write_for_ever(ledger: &SqliteLedger) {
    let mut at = length(ledger, &line(1));
    loop {
        let blob = ledger.put_blob(&at.to_be_bytes()).unwrap();
        let mut placed = ledger
            .append(vec![sample_batch(line(1), at, BATCH)])
            .unwrap();
        let entries = placed.pop().unwrap().unwrap();
        println!("ack {} {blob}", entries.last().unwrap().id);
        at += BATCH;
    }
}

// Until it has written so many batches, or for so long; then one line that says how many. Whoever finds
// the lock taken again each time for as long as it waits is told so, and tries again.
fn contend(ledger: &SqliteLedger, is_enough: impl Fn(u64) -> bool) {
    let mut written = 0;
    while !is_enough(written) {
        append_at_last(ledger, line(1), BATCH);
        written += 1;
    }
    println!("wrote {written}");
}

fn append_at_last(ledger: &SqliteLedger, trajectory: TrajectoryId, drafts: u64) {
    let mut at = 0;
    loop {
        match ledger.append(vec![sample_batch(trajectory, at, drafts)]) {
            Ok(mut outcomes) => match outcomes.pop().unwrap() {
                Ok(_) => return,
                Err(conflict) => at = conflict.found,
            },
            Err(StoreError::Locked { .. }) => println!("waited too long"),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Seconds for which two writers are asked to write; none writes what every test run does.
#[expect(
    clippy::disallowed_methods,
    reason = "a person asks for more than every test run does"
)]
fn seconds() -> Option<u64> {
    std::env::var("THYMOS_CRASH_WRITERS").ok()?.parse().ok()
}

fn acknowledged(line: &str) -> Option<(EntryId, Digest)> {
    let (id, blob) = line.split_once("ack ")?.1.split_once(' ')?;
    Some((id.parse().ok()?, blob.parse().ok()?))
}

#[test]
fn t2_nothing_acknowledged_is_lost_by_a_kill() {
    let place = Place::new();
    drop(place.open());
    let mut acks = Vec::new();
    for round in 0..KILLS {
        let mut child = spawn("write", &place.path);
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        // The child is somewhere in its next appends by the time the signal arrives.
        let wanted = usize::try_from(1 + round * 7 % 30).unwrap();
        acks.extend(
            lines
                .by_ref()
                .filter_map(|line| acknowledged(&line))
                .take(wanted),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before the signal counts too.
        acks.extend(lines.filter_map(|line| acknowledged(&line)));

        let ledger = place.open();
        assert_eq!(walk(&ledger, None), []);
        assert_eq!(ledger.len().unwrap() % BATCH, 0, "no half batch");
        for (id, blob) in &acks {
            assert!(
                ledger.entry(id).unwrap().is_some(),
                "entry {id} after kill {round}"
            );
            assert!(
                ledger.blob(blob).unwrap().is_some(),
                "blob {blob} after kill {round}"
            );
        }
    }
    assert!(acks.len() as u64 > KILLS);
    assert_eq!(place.open().check_engine(), Ok(Vec::new()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "so long is what was asked for; nothing is measured by it"
)]
fn long_enough() -> impl Fn(u64) -> bool {
    let (begun, long) = (Instant::now(), seconds().unwrap_or_default());
    move |_| begun.elapsed().as_secs() >= long
}

/// How many batches a writer says it wrote.
fn wrote(child: &mut Child) -> u64 {
    let output = BufReader::new(child.stdout.take().unwrap());
    let lines = output.lines().map_while(Result::ok);
    let said = lines.filter_map(|line| line.split_once("wrote ")?.1.parse().ok());
    let written = said.last().expect("it ends with a count");
    assert!(child.wait().unwrap().success());
    written
}

#[test]
fn l12_two_processes_make_one_order_and_no_fork() {
    let place = Place::new();
    let ledger = place.open();
    let task = seconds().map_or("contend", |_| "contend-long");
    let mut children = [spawn(task, &place.path), spawn(task, &place.path)];
    for _ in 0..20 {
        append_at_last(&ledger, line(2), 1);
    }
    let written = children.each_mut().map(wrote);
    assert!(written.iter().all(|written| *written > 0), "{written:?}");
    let batches: u64 = written.iter().sum();
    println!("{written:?} batches of {BATCH} entries by two writers");
    assert_eq!(walk(&ledger, None), []);
    assert_eq!(length(&ledger, &line(1)), batches * BATCH);
    assert_eq!(length(&ledger, &line(2)), 20);
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
}

#[test]
fn l12_a_change_by_another_process_rings_here() {
    let place = Place::new();
    let ledger = place.open();
    let (rung, heard) = mpsc::channel();
    let watch = ledger
        .watch(Box::new(move || rung.send(()).unwrap()))
        .unwrap();
    let mut child = spawn("contend", &place.path);
    // Asked after every ring and never in between: a ring that came too early would hang here.
    while ledger.len().unwrap() < 300 {
        heard.recv().unwrap();
    }
    child.wait().unwrap();
    drop(watch);
}
