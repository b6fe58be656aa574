//! Which kills there are, all of them fired, and how many fell into each cell.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::child::Task;
use super::judge::{Expected, Scene, after_kill, at_the_end, lost, standing_but};
use super::plan::Plan;
use super::points::Kill;
use super::process::{Cast, NEIGHBOUR, is_there, live, open, prepare};
use super::tools::{IDEMPOTENT, NEITHER, QUERYABLE};
use crate::sim::draw::Dice;

/// How often each cell that is named is hit, at least.
const ENOUGH: usize = 1;

/// Kills at any moment in every test run, which find points that nobody named.
const MOMENTS: usize = 8;

/// Kills beside a process at work, in every test run.
const BESIDE: usize = 4;

/// The longest that a process is left alone before one of those, in microseconds.
const MOMENT_MAX: u64 = 120_000;

/// Stories that kills are chosen from.
pub(super) const STORIES: u64 = 16;

/// The last process of a story: it comes to its own end.
pub(super) const LAST: u64 = 9;

/// One story and the kills in it. Written `SEED:AT[:TORN][/AT[:TORN]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shot {
    seed: u64,
    first: Kill,
    /// While the next process finds its way again.
    second: Second,
}

/// Whether there is another kill in the same story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    No,
    /// Anywhere, by this number.
    Drawn(u64),
}

/// What fell where.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn add(&mut self, cell: &str) {
        *self.0.entry(cell.to_owned()).or_default() += 1;
    }

    fn kills(&self) -> usize {
        self.0.values().sum()
    }
}

/// A folder for one story: in memory where the system has a place for that, since a process that is killed
/// leaves the same behind there and nobody waits for a disk.
pub(super) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// What the story of a seed passes when nothing happens to it.
fn census(seed: u64) -> Vec<String> {
    let folder = scratch();
    prepare(folder.path(), &Plan::of(seed));
    passed(folder.path(), seed, 1)
}

/// What a process passes in this folder.
pub(super) fn passed(folder: &Path, seed: u64, number: u64) -> Vec<String> {
    let cast = Cast::new(seed, number, folder);
    live(&cast);
    cast.points.passed()
}

/// The cell of a point: its label, but for the last thing drawn before an announcement, which is when
/// the gate has cleared a call and nothing of what it reserves is written.
fn cell(labels: &[String], at: usize) -> String {
    let label = labels[at].clone();
    let next = labels
        .get(at + 1)
        .and_then(|next| next.strip_prefix("started:"));
    match (
        label.as_str(),
        next.and_then(|next| next.strip_suffix(" before")),
    ) {
        ("drawn", Some(tool)) => format!("reserve:{tool} before"),
        _ => label,
    }
}

/// Whether a write follows this point, which can be cut.
fn is_before_a_write(label: &str) -> bool {
    let points = ["act:", "outcome:", "thought "];
    label.ends_with(" before") && !points.iter().any(|point| label.starts_with(point))
}

/// Every kill of these points, by cell.
pub(super) fn kills(labels: &[String], dice: &Dice) -> Vec<(String, Kill)> {
    let mut all = Vec::new();
    for (at, label) in labels.iter().enumerate() {
        let number = u64::try_from(at).unwrap();
        all.push((
            cell(labels, at),
            Kill {
                at: number,
                torn: None,
            },
        ));
        if is_before_a_write(label) {
            // Within the first page or the second, at any byte; a note is shorter than both.
            let bytes = match label.starts_with("outside") {
                true => 1 + dice.below(150),
                false => 1 + dice.below(8_000),
            };
            let what = label.strip_suffix(" before").unwrap();
            let torn = Some(bytes);
            all.push((format!("{what} torn"), Kill { at: number, torn }));
        }
    }
    all
}

/// Every cell that must be hit; or so many kills or a few more, from all cells in turn.
/// Some of the stories have a second kill.
fn choose(wanted: Option<usize>) -> Vec<(String, Shot)> {
    let mut cells: BTreeMap<String, Vec<(u64, Kill)>> = BTreeMap::new();
    for seed in 0..STORIES {
        let dice = Dice::of(seed, "kills");
        for (cell, kill) in kills(&census(seed), &dice) {
            cells.entry(cell).or_default().push((seed, kill));
        }
    }
    if wanted.is_none() {
        let named = named();
        cells.retain(|cell, _| named.contains(cell));
    }
    let (rounds, every) = wanted.map_or((ENOUGH, 4), |_| (usize::MAX, 2));
    let dice = Dice::of(0, "shots");
    let (mut shots, mut chosen, mut round) = (Vec::new(), 0, 0);
    while chosen < wanted.unwrap_or(usize::MAX) && round < rounds && !cells.is_empty() {
        round += 1;
        for (cell, candidates) in &mut cells {
            let at = usize::try_from(dice.below(candidates.len() as u64)).unwrap();
            let (seed, first) = candidates.swap_remove(at);
            let second = match shots.len() % every {
                0 => Second::Drawn(dice.below(1 << 20)),
                _ => Second::No,
            };
            chosen += 1 + usize::from(second != Second::No);
            shots.push((
                cell.clone(),
                Shot {
                    seed,
                    first,
                    second,
                },
            ));
        }
        cells.retain(|_, candidates| !candidates.is_empty());
    }
    shots
}

/// Tells one story with its kills; what is wrong with it.
fn fire(shot: &Shot, cell: &str, tally: &Mutex<Tally>) -> Vec<String> {
    let folder = scratch();
    let plan = Plan::of(shot.seed);
    prepare(folder.path(), &plan);
    let label = Some(cell.replace("reserve:", "drawn ")).map(|label| plain(&label));
    let mut faults = kill(&folder, shot.seed, 1, shot.first, label);
    lock(tally).add(cell);
    if let Second::Drawn(number) = shot.second {
        let copy = scratch();
        copy_folder(folder.path(), copy.path());
        let labels = passed(copy.path(), shot.seed, 2);
        let dice = Dice::of(number, "second");
        let all = kills(&labels, &dice);
        let (cell, second) = dice.pick(&all).unwrap();
        let more = kill(&folder, shot.seed, 2, *second, Some(plain(cell)));
        faults.extend(
            more.into_iter()
                .map(|fault| format!("then at {cell}: {fault}")),
        );
        lock(tally).add(&format!("again: {cell}"));
    }
    faults.extend(finish(&folder, &plan));
    if asked("THYMOS_CRASH_SHOT").is_some() {
        for line in &Scene::look(folder.path(), shot.seed).told.lines {
            println!("{}", line.told());
        }
    }
    faults
}

/// The label that a process says at a kill of this cell.
pub(super) fn plain(cell: &str) -> String {
    match cell.strip_suffix(" torn") {
        Some(what) => format!("{what} before"),
        None if cell.starts_with("reserve:") || cell.starts_with("drawn ") => "drawn".to_owned(),
        None => cell.to_owned(),
    }
}

pub(super) fn kill(
    folder: &TempDir,
    seed: u64,
    number: u64,
    kill: Kill,
    label: Option<String>,
) -> Vec<String> {
    let task = Task {
        seed,
        number,
        kill: Some(kill),
        folder: folder.path().to_owned(),
    };
    let from = length(folder, seed);
    let said = task.run();
    let expected = Expected {
        label,
        torn: kill.torn.is_some(),
        from,
    };
    after_kill(&Scene::look(folder.path(), seed), &said, &expected)
}

/// Entries of the ledger, without making one.
pub(super) fn length(folder: &TempDir, seed: u64) -> u64 {
    match is_there(folder.path()) {
        true => open(folder.path(), seed, 0).len().unwrap(),
        false => 0,
    }
}

/// A last process does everything; what is wrong then.
pub(super) fn finish(folder: &TempDir, plan: &Plan) -> Vec<String> {
    let end = live(&Cast {
        last: true,
        ..Cast::new(plan.seed, LAST, folder.path())
    });
    at_the_end(&Scene::look(folder.path(), plan.seed), &end, plan)
}

pub(super) fn copy_folder(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let there = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            fs::create_dir(&there).unwrap();
            copy_folder(&file.path(), &there);
        } else {
            fs::copy(file.path(), &there).unwrap();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Does all of it on two threads; what is wrong, with the way to see it again.
pub(super) fn all<T: Sync>(
    of: &[T],
    one: impl Fn(&T) -> (String, Vec<String>) + Sync,
) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while let Some(this) = of.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let (again, faults) = one(this);
                    if !faults.is_empty() {
                        let told = format!("{again}\n{faults:#?}");
                        println!("{told}");
                        lock(&wrong).push(told);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

/// What breaks off is wrong as well.
pub(super) fn caught(act: impl FnOnce() -> Vec<String>) -> Vec<String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(act))
        .unwrap_or_else(|_| vec!["it broke off".to_owned()])
}

impl Shot {
    fn told(&self) -> String {
        let mut told = format!("{}:{}", self.seed, self.first.at);
        if let Some(torn) = self.first.torn {
            write!(told, ":{torn}").unwrap();
        }
        if let Second::Drawn(number) = self.second {
            write!(told, "/{number}").unwrap();
        }
        told
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, second) = match text.split_once('/') {
            Some((first, number)) => (first, Second::Drawn(number.parse().ok()?)),
            None => (text, Second::No),
        };
        let words: Result<Vec<u64>, _> = first.split(':').map(str::parse).collect();
        let (seed, at, torn) = match words.ok()?.as_slice() {
            [seed, at] => (*seed, *at, None),
            [seed, at, torn] => (*seed, *at, Some(*torn)),
            _ => return None,
        };
        let first = Kill { at, torn };
        Some(Self {
            seed,
            first,
            second,
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person asks for one shot, or for more of them"
)]
pub(super) fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn again(shot: &Shot, cell: &str) -> String {
    format!(
        "{cell}; fire it again: cargo xtask crash --shot {}",
        shot.told()
    )
}

/// The one shot that was asked for.
fn one_shot(text: &str) -> Vec<(String, Shot)> {
    let shot = Shot::parse(text).expect("SEED:AT[:TORN][/NUMBER]");
    let labels = census(shot.seed);
    let at = usize::try_from(shot.first.at).unwrap();
    println!("{:#?}\n{:#?}", Plan::of(shot.seed), labels);
    let cell = match shot.first.torn {
        Some(_) => format!("{} torn", labels[at].strip_suffix(" before").unwrap()),
        None => cell(&labels, at),
    };
    vec![(cell, shot)]
}

#[test]
fn t2_killed_at_each_point_nothing_is_lost_and_nothing_happens_twice() {
    let wanted = asked("THYMOS_CRASH_KILLS").and_then(|kills| kills.parse().ok());
    let one = asked("THYMOS_CRASH_SHOT");
    let shots = match &one {
        Some(text) => one_shot(text),
        None => choose(wanted),
    };
    let tally = Mutex::new(Tally::default());
    let wrong = all(&shots, |(cell, shot)| {
        let faults = caught(|| fire(shot, cell, &tally));
        (again(shot, cell), faults)
    });
    let tally = tally.into_inner().unwrap();
    println!(
        "{} kills in {} cells: {:#?}",
        tally.kills(),
        tally.0.len(),
        tally.0
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if one.is_none() {
        let least = wanted.unwrap_or(named().len() * ENOUGH);
        assert!(tally.kills() >= least, "{} kills", tally.kills());
        let mut thin = named();
        thin.retain(|cell| tally.0.get(cell).copied().unwrap_or_default() < ENOUGH);
        assert_eq!(thin, Vec::<String>::new(), "hit too seldom");
    }
}

/// The cells of the matrix: each write point before, after and, where there is a write, within; the
/// steps of a call by the class of its tool.
pub(super) fn named() -> Vec<String> {
    let mut cells = Vec::new();
    for tool in [IDEMPOTENT, QUERYABLE, NEITHER] {
        cells.push(format!("reserve:{tool} before"));
        for step in ["started", "act", "outcome", "commit"] {
            cells.extend(["before", "after"].map(|when| format!("{step}:{tool} {when}")));
        }
        cells.extend(["started", "commit"].map(|step| format!("{step}:{tool} torn")));
    }
    // What is put back, and what is remembered.
    for tool in ["restore", "memory_write"] {
        for step in ["started", "act", "commit"] {
            cells.push(format!("{step}:{tool} after"));
        }
    }
    for write in [
        "checkpoint",
        "outside",
        "blob",
        "approval",
        "closed",
        "delegation",
        "snapshot",
        "branch",
        "skill_bound",
        "writ_revoked",
    ] {
        cells.extend(["before", "torn", "after"].map(|when| format!("{write} {when}")));
    }
    cells.extend(["open torn", "close torn"].map(str::to_owned));
    cells
}

#[test]
fn t2_killed_at_any_moment_nothing_is_lost_and_nothing_happens_twice() {
    let dice = Dice::of(1, "moments");
    let wanted = asked("THYMOS_CRASH_KILLS").and_then(|kills| kills.parse::<usize>().ok());
    let count = wanted.map_or(MOMENTS, |kills| kills / 10);
    let moments: Vec<(u64, u64)> = (0..count)
        .map(|_| (dice.below(STORIES), dice.below(MOMENT_MAX)))
        .collect();
    let wrong = all(&moments, |(seed, micros)| {
        let faults = caught(|| at_a_moment(*seed, Duration::from_micros(*micros)));
        (format!("story {seed}, after {micros} us"), faults)
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Another process works on the same ledger, and neither waits for the other.
#[test]
fn t2_killed_beside_a_process_at_work_nothing_is_lost_in_either() {
    let dice = Dice::of(4, "beside");
    let wanted = asked("THYMOS_CRASH_KILLS").and_then(|kills| kills.parse::<usize>().ok());
    let count = wanted.map_or(BESIDE, |kills| kills / 50);
    let mut shots = Vec::new();
    for _ in 0..count {
        let seed = dice.below(STORIES);
        let all = kills(&census(seed), &dice);
        let (cell, kill) = dice.pick(&all).unwrap();
        shots.push((seed, cell.clone(), *kill));
    }
    let wrong = all(&shots, |(seed, cell, kill)| {
        let faults = caught(|| {
            let folder = scratch();
            prepare(folder.path(), &Plan::of(*seed));
            beside(&folder, *seed, *kill)
        });
        (format!("story {seed}, killed at {cell} ({kill:?})"), faults)
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kills the process of a story while another one works on the same ledger; what is wrong in either.
pub(super) fn beside(folder: &TempDir, seed: u64, kill: Kill) -> Vec<String> {
    let task = |seed, number, kill| Task {
        seed,
        number,
        kill,
        folder: folder.path().to_owned(),
    };
    let (own, other) = (
        task(seed, 1, Some(kill)),
        task(seed + STORIES, NEIGHBOUR, None),
    );
    let (killed, lived) = std::thread::scope(|threads| {
        let other = threads.spawn(|| other.run());
        (own.run(), other.join().unwrap())
    });
    let mut faults = lived.faults.clone();
    if !lived.ended {
        faults.push(format!("the other one did not end: {:?}", lived.signal));
    }
    faults.extend(killed.faults.clone());
    let scene = Scene::look(folder.path(), seed);
    faults.extend(lost(&scene, &killed));
    faults.extend(lost(&scene, &lived));
    faults.extend(standing_but(&scene));
    faults.extend(finish(folder, &Plan::of(seed)));
    faults
}

fn at_a_moment(seed: u64, moment: Duration) -> Vec<String> {
    let folder = scratch();
    let plan = Plan::of(seed);
    prepare(folder.path(), &plan);
    let task = Task {
        seed,
        number: 1,
        kill: None,
        folder: folder.path().to_owned(),
    };
    let expected = Expected {
        label: None,
        torn: false,
        from: length(&folder, seed),
    };
    let said = task.run_for(moment);
    let mut faults = after_kill(&Scene::look(folder.path(), seed), &said, &expected);
    faults.extend(finish(&folder, &plan));
    faults
}

#[test]
fn a_shot_is_written_as_it_is_read() {
    for text in ["3:14", "3:14:4096", "3:14/77", "3:14:1/0"] {
        assert_eq!(
            Shot::parse(text).map(|shot| shot.told()).as_deref(),
            Some(text)
        );
    }
    for text in ["", "3", "3:x", "3:1:2:3", "3:1/", "3:1/x"] {
        assert_eq!(Shot::parse(text), None, "{text}");
    }
}
