//! A process whose ledger stands on a server is killed `[L11]` `[L14]` `[T2]`: at the same points as one over a
//! file, at any moment, and beside another process at work. What the server had of it is kept or dropped as a whole, and whoever comes next
//! goes on.
//!
//! The server is the tests' own and lives on. Nothing is torn here: what a process writes to the ledger goes
//! through a socket.

use std::collections::BTreeMap;
use std::time::Duration;

use tempfile::TempDir;
use thymos_testkit::postgres::Database;

use super::child::Task;
use super::judge::{Expected, Scene, after_kill};
use super::matrix::{
    STORIES, all, asked, beside, caught, finish, kill, kills, length, named, passed, plain, scratch,
};
use super::plan::Plan;
use super::points::Kill;
use super::process::{on_server, prepare};
use crate::sim::draw::Dice;

/// Kills at any moment in every test run.
const MOMENTS: u64 = 6;

/// Kills beside a process at work, in every test run.
const BESIDE: u64 = 3;

/// The longest that a process is left alone before one of those, in microseconds: a story takes about as long.
const MOMENT_MAX: u64 = 600_000;

/// In one story of so many the next process is killed too, at any moment.
const TWICE: usize = 6;

/// One kill.
struct Shot {
    cell: String,
    seed: u64,
    kill: Kill,
    /// How long the next process lives, where it is killed as well.
    second: Option<Duration>,
}

/// Steps of the matrix that nothing of a ledger is in, not even what stands there by then: the one before
/// them leaves the same behind.
const ELSEWHERE: [&str; 3] = ["outcome:", "outside ", "snapshot "];

/// Whether a cell is to be met on a server: its writes are not cut.
fn is_met(cell: &str) -> bool {
    !cell.ends_with(" torn") && !ELSEWHERE.iter().any(|step| cell.starts_with(step))
}

/// One kill, or so many, of each cell of the matrix that can be met here, from as few stories as it takes.
fn choose(each: usize, dice: &Dice) -> Vec<Shot> {
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let cells = named().into_iter().filter(|cell| is_met(cell));
    left.extend(cells.map(|cell| (cell, each)));
    let mut shots = Vec::new();
    for seed in 0..STORIES {
        let mut own: BTreeMap<String, Vec<Kill>> = BTreeMap::new();
        for (cell, kill) in kills(&points(seed), dice) {
            if left.contains_key(&cell) {
                own.entry(cell).or_default().push(kill);
            }
        }
        for (cell, mut candidates) in own {
            let left = left.get_mut(&cell).unwrap();
            // Not all of one story where others come there too.
            let taken = (*left).min(candidates.len()).min(each.div_ceil(4));
            *left -= taken;
            for _ in 0..taken {
                let at = usize::try_from(dice.below(candidates.len() as u64)).unwrap();
                shots.push(Shot {
                    cell: cell.clone(),
                    seed,
                    kill: candidates.swap_remove(at),
                    second: (shots.len() % TWICE == 0).then(|| moment(dice)),
                });
            }
        }
        left.retain(|_, left| *left > 0);
        if left.is_empty() {
            break;
        }
    }
    shots
}

/// What the story of a seed passes on a server when nothing happens to it. Not quite what it passes over a
/// file: who waits for an append lets others go first.
fn points(seed: u64) -> Vec<String> {
    begun(seed).map_or_else(Vec::new, |(folder, _database)| {
        passed(folder.path(), seed, 1)
    })
}

fn moment(dice: &Dice) -> Duration {
    Duration::from_micros(dice.below(MOMENT_MAX))
}

/// A story whose ledger is a database of its own.
fn begun(seed: u64) -> Option<(TempDir, Database)> {
    let (folder, database) = (scratch(), Database::new()?);
    on_server(folder.path(), &database);
    prepare(folder.path(), &Plan::of(seed));
    Some((folder, database))
}

/// Kills a process this long after it began; what is wrong then.
fn kill_after(folder: &TempDir, seed: u64, number: u64, moment: Duration) -> Vec<String> {
    let task = Task {
        seed,
        number,
        kill: None,
        folder: folder.path().to_owned(),
    };
    let expected = Expected {
        label: None,
        torn: false,
        from: length(folder, seed),
    };
    let said = task.run_for(moment);
    after_kill(&Scene::look(folder.path(), seed), &said, &expected)
}

fn fire(shot: &Shot) -> Vec<String> {
    let Some((folder, _database)) = begun(shot.seed) else {
        return vec!["the server is gone".to_owned()];
    };
    let label = plain(&shot.cell);
    let mut faults = kill(&folder, shot.seed, 1, shot.kill, Some(label));
    if let Some(moment) = shot.second {
        let more = kill_after(&folder, shot.seed, 2, moment);
        faults.extend(more.into_iter().map(|fault| format!("then: {fault}")));
    }
    faults.extend(finish(&folder, &Plan::of(shot.seed)));
    faults
}

/// Kills that are asked for beyond those of every test run.
fn wanted() -> Option<usize> {
    asked("THYMOS_CRASH_SERVERS").and_then(|kills| kills.parse().ok())
}

#[test]
fn t2_a_process_over_a_server_is_killed_at_each_point_and_nothing_is_lost_or_done_twice() {
    if Database::new().is_none() {
        return;
    }
    let cells = named().into_iter().filter(|cell| is_met(cell)).count();
    let each = wanted().map_or(1, |kills| kills.div_ceil(cells));
    let shots = choose(each, &Dice::of(6, "served"));
    let met = |cell: &String| shots.iter().any(|shot| shot.cell == *cell);
    let mut missed = named();
    missed.retain(|cell| is_met(cell) && !met(cell));
    assert_eq!(missed, Vec::<String>::new(), "no story comes there");
    let wrong = all(&shots, |shot| {
        let Shot {
            cell,
            seed,
            kill,
            second,
        } = shot;
        let told = format!("story {seed}, killed at {cell} ({kill:?}), then {second:?}");
        (told, caught(|| fire(shot)))
    });
    println!("{} kills over a server", shots.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn t2_a_process_over_a_server_is_killed_at_any_moment_and_nothing_is_lost_or_done_twice() {
    if Database::new().is_none() {
        return;
    }
    let dice = Dice::of(7, "served");
    let count = wanted().map_or(MOMENTS, |kills| kills as u64 / 10);
    let moments: Vec<(u64, Duration)> = (0..count)
        .map(|_| (dice.below(STORIES), moment(&dice)))
        .collect();
    let wrong = all(&moments, |(seed, moment)| {
        let faults = caught(|| {
            let Some((folder, _database)) = begun(*seed) else {
                return vec!["the server is gone".to_owned()];
            };
            let mut faults = kill_after(&folder, *seed, 1, *moment);
            faults.extend(finish(&folder, &Plan::of(*seed)));
            faults
        });
        (format!("story {seed}, after {moment:?}"), faults)
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Another process works on the same server, and each waits for the other's appends.
#[test]
fn t2_a_process_over_a_server_is_killed_beside_one_at_work_and_nothing_is_lost_in_either() {
    if Database::new().is_none() {
        return;
    }
    let dice = Dice::of(8, "served");
    let count = wanted().map_or(BESIDE, |kills| kills as u64 / 20);
    let shots: Vec<(u64, Kill)> = (0..count)
        .map(|_| {
            let seed = dice.below(STORIES);
            // Few stories have fewer points; one that is not killed ends by itself.
            let at = dice.below(120);
            (seed, Kill { at, torn: None })
        })
        .collect();
    let wrong = all(&shots, |(seed, kill)| {
        let faults = caught(|| match begun(*seed) {
            Some((folder, _database)) => beside(&folder, *seed, *kill),
            None => vec!["the server is gone".to_owned()],
        });
        (format!("story {seed}, killed at {kill:?}"), faults)
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
