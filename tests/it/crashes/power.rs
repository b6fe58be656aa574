//! The power goes while a kernel is at work `[L11]` `[O2]` `[T2]`: what stands on disk is taken at a point of
//! a story, what was not synced by then is lost in part or as a whole, and the machine comes up again.
//!
//! Nothing that was acknowledged may be missing, and nothing that was done unannounced; of a file that was
//! changed, the record has what it held before.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use thymos_core::body::Body;

use super::child::Said;
use super::judge::{Scene, at_the_end, lost, standing_but};
use super::matrix::{LAST, STORIES, all, asked, caught, copy_folder, scratch};
use super::plan::Plan;
use super::points::{Points, Taken};
use super::process::{Cast, End, ledger, live, open, prepare};
use super::tools::workspace;
use crate::sim::draw::Dice;

/// Stories of every test run, and points of each.
const TOLD: usize = 2;
const POINTS: usize = 16;

/// Of so many, one is told to its end after the power came back.
const TO_THE_END: u64 = 4;

/// What is left of the bytes that were not synced.
#[derive(Debug, Clone, Copy)]
enum Left {
    Nothing,
    Everything,
    /// So many of ten thousand parts, and then the file ends.
    Part(u64),
    /// The same, and zeros where the rest was to be.
    Zeros(u64),
    /// Everything but so many bytes from this part on.
    Hole(u64),
}

impl Left {
    fn of(dice: &Dice) -> Self {
        let part = dice.below(10_000);
        match dice.below(5) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => Self::Part(part),
            3 => Self::Zeros(part),
            _ => Self::Hole(part),
        }
    }

    /// The file as it is found.
    fn apply(self, wal: &mut Vec<u8>, synced: usize) {
        let synced = synced.min(wal.len());
        let unsynced = wal.len() - synced;
        let at = |part: u64| synced + unsynced * usize::try_from(part).unwrap() / 10_000;
        match self {
            Self::Everything => {}
            Self::Nothing => wal.truncate(synced),
            Self::Part(part) => wal.truncate(at(part)),
            Self::Zeros(part) => wal[at(part)..].fill(0),
            Self::Hole(part) => {
                let end = (at(part) + 512).min(wal.len());
                wal[at(part)..end].fill(0);
            }
        }
    }
}

/// One moment of a story, and what the disk kept of it.
struct Moment {
    seed: u64,
    taken: Taken,
    left: Left,
    /// The write that had just ended counts as under way: not one byte of it is sure.
    within: bool,
    to_the_end: bool,
}

/// Takes a story at so many points that are drawn, or at all of them.
fn moments(seed: u64, wanted: Option<usize>, dice: &Dice) -> Vec<Moment> {
    let folder = scratch();
    prepare(folder.path(), &Plan::of(seed));
    let count = census(seed);
    let at: BTreeSet<u64> = match wanted {
        Some(wanted) => (0..wanted).map(|_| dice.below(count)).collect(),
        None => (0..count).collect(),
    };
    let cast = Cast {
        points: Points::taking(folder.path(), &ledger(folder.path()), at),
        ..Cast::new(seed, 1, folder.path())
    };
    live(&cast);
    let taken = cast.points.taken().into_iter();
    let all = taken.filter(|taken| taken.folder.path().join("ledger.db-wal").exists());
    all.map(|taken| Moment {
        seed,
        within: is_behind_a_write(&taken.label) && dice.once_in(2),
        left: Left::of(dice),
        to_the_end: dice.once_in(TO_THE_END),
        taken,
    })
    .collect()
}

fn is_behind_a_write(label: &str) -> bool {
    let others = ["act:", "outcome:", "thought "];
    label.ends_with(" after") && !others.iter().any(|other| label.starts_with(other))
}

/// How many points a story passes.
fn census(seed: u64) -> u64 {
    let folder = scratch();
    prepare(folder.path(), &Plan::of(seed));
    let cast = Cast::new(seed, 1, folder.path());
    live(&cast);
    cast.points.passed().len() as u64
}

/// What is wrong once the machine is up again.
fn after(moment: &Moment) -> Vec<String> {
    let (folder, seed) = (scratch(), moment.seed);
    copy_folder(moment.taken.folder.path(), folder.path());
    let wal = folder.path().join("ledger.db-wal");
    let mut bytes = fs::read(&wal).unwrap();
    let (mut synced, mut acknowledged) = (moment.taken.synced, moment.taken.acknowledged.clone());
    if moment.within {
        let entries;
        (synced, entries) = moment.taken.before;
        acknowledged.truncate(entries);
    }
    moment
        .left
        .apply(&mut bytes, usize::try_from(synced).unwrap());
    fs::write(&wal, &bytes).unwrap();
    let said = Said {
        acknowledged,
        ..Said::default()
    };
    let scene = Scene::look(folder.path(), seed);
    let mut faults = lost(&scene, &said);
    faults.extend(standing_but(&scene));
    faults.extend(overwritten(folder.path(), seed, &scene));
    if moment.to_the_end {
        faults.extend(told_to_the_end(folder.path(), seed, &said));
    }
    faults
}

fn told_to_the_end(folder: &Path, seed: u64, said: &Said) -> Vec<String> {
    let last: End = live(&Cast {
        last: true,
        ..Cast::new(seed, LAST, folder)
    });
    let scene = Scene::look(folder, seed);
    let mut faults = lost(&scene, said);
    faults.extend(at_the_end(&scene, &last, &Plan::of(seed)));
    faults
}

/// `[O2]` What a file held that a call was to change is kept, once it does not hold it any more.
fn overwritten(folder: &Path, seed: u64, scene: &Scene) -> Vec<String> {
    let store = open(folder, seed, u64::from(u8::MAX));
    let mut faults = Vec::new();
    for line in &scene.told.lines {
        let Body::Started(work) = &line.body else {
            continue;
        };
        let resolved = work.decided.proposal.resolved.as_ref();
        for fact in resolved.map_or(&[][..], |resolved| &resolved.paths) {
            let Some(before) = &fact.before else {
                continue;
            };
            let now = fs::read(workspace(folder, 1).join(&fact.path)).unwrap_or_default();
            let held = thymos_core::Digest::of(&now) == before.digest;
            if !held && store.blob(&before.digest).unwrap().is_none() {
                let (index, path) = (line.index, &fact.path);
                faults.push(format!("{index}: what `{path}` held before is lost"));
            }
        }
    }
    faults
}

#[test]
fn t2_when_the_power_goes_nothing_acknowledged_is_lost_nor_what_was_overwritten() {
    let dice = Dice::of(3, "power");
    let whole = asked("THYMOS_CRASH_POWER").and_then(|stories| stories.parse::<u64>().ok());
    let told: Vec<Moment> = match whole {
        Some(stories) => (0..stories)
            .flat_map(|seed| moments(seed, None, &dice))
            .collect(),
        None => (0..TOLD)
            .flat_map(|_| moments(dice.below(STORIES), Some(POINTS), &dice))
            .collect(),
    };
    println!("{} moments", told.len());
    let wrong = all(&told, |moment| {
        let Moment {
            seed, left, within, ..
        } = moment;
        let said = format!(
            "story {seed} at `{}`, {left:?} left, within: {within}",
            moment.taken.label
        );
        (said, caught(|| after(moment)))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
