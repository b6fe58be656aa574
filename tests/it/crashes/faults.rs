//! The ledger of a whole kernel fails at one call, and at the next one in the next story, until no story
//! meets the failure any more `[L11]` `[T2]`: nothing acknowledged is lost, nothing happens twice, people are
//! told in a sentence, and work goes on where it can.

use std::collections::BTreeMap;

use thymos_testkit::failing::Call;

use super::child::Said;
use super::judge::{Scene, at_the_end, lost, standing_but};
use super::matrix::{LAST, STORIES, all, asked, caught, scratch};
use super::mishaps::{Fails, Mishap};
use super::plan::Plan;
use super::process::{Cast, End, live, prepare};
use crate::sim::draw::Dice;

/// The calls that a story makes when nothing fails.
pub(super) fn census(seed: u64) -> BTreeMap<Call, u64> {
    let folder = scratch();
    prepare(folder.path(), &Plan::of(seed));
    let end = live(&Cast {
        last: true,
        ..Cast::new(seed, 1, folder.path())
    });
    assert_eq!(end.faults, Vec::<String>::new(), "story {seed}");
    end.counts
}

/// Every failure that a story can meet.
fn mishaps(counts: &BTreeMap<Call, u64>) -> Vec<Mishap> {
    let of = |(call, count): (&Call, &u64)| {
        let (call, count) = (*call, *count);
        let numbers = move |kind| (0..count).map(move |number| Mishap { call, number, kind });
        Fails::of(call).flat_map(numbers)
    };
    counts.iter().flat_map(of).collect()
}

/// One failure of each kind at an append, and one of any kind at every other kind of call, of any story.
fn sample(dice: &Dice) -> Vec<(u64, Mishap)> {
    let mut cells: BTreeMap<(Call, Option<Fails>), Vec<_>> = BTreeMap::new();
    for seed in [0, 1, 4, 6].map(|part| (dice.below(STORIES) + part) % STORIES) {
        for mishap in mishaps(&census(seed)) {
            let kind = (mishap.call == Call::Append).then_some(mishap.kind);
            let cell = cells.entry((mishap.call, kind)).or_default();
            cell.push((seed, mishap));
        }
    }
    let chosen = cells.values().map(|all| *dice.pick(all).unwrap());
    chosen.collect()
}

/// Tells one story whose ledger fails; what is wrong with it.
fn tell(seed: u64, mishap: Mishap) -> Vec<String> {
    let folder = scratch();
    let plan = Plan::of(seed);
    prepare(folder.path(), &plan);
    let cast = Cast {
        last: true,
        mishap: Some(mishap),
        ..Cast::new(seed, 1, folder.path())
    };
    let end = live(&cast);
    let mut faults = end.faults.clone();
    // A blob that is known already is not written again, whatever the disk would do.
    if !end.failed && mishap.call != Call::PutBlob {
        faults.push("it never failed".to_owned());
    }
    let scene = Scene::look(folder.path(), seed);
    let said = Said {
        acknowledged: cast.points.acknowledged(),
        ..Said::default()
    };
    faults.extend(lost(&scene, &said));
    faults.extend(end.said.iter().filter_map(|said| ill_said(said)));
    faults.extend(told_of_it(mishap, &end));
    faults.extend(standing_but(&scene));
    let last = live(&Cast {
        last: true,
        ..Cast::new(seed, LAST, folder.path())
    });
    let scene = Scene::look(folder.path(), seed);
    faults.extend(lost(&scene, &said));
    faults.extend(at_the_end(&scene, &last, &plan));
    if asked("THYMOS_CRASH_FAULT").is_some() {
        for line in &scene.told.lines {
            println!("{}", line.told());
        }
    }
    faults
}

/// `[L11]` Of what ends the writer people hear.
fn told_of_it(mishap: Mishap, end: &End) -> Option<String> {
    let silent = end.failed && !mishap.heals() && end.run.is_some() && end.said.is_empty();
    silent.then(|| "nobody was told".to_owned())
}

/// A sentence for a person is one line, in words, without a full stop.
fn ill_said(said: &str) -> Option<String> {
    let odd = ["StoreError", "Error(", "::", "{", "\n"];
    let ill = said.is_empty() || said.ends_with('.') || odd.iter().any(|odd| said.contains(odd));
    ill.then(|| format!("no sentence for a person: {said:?}"))
}

fn again(seed: u64, mishap: Mishap) -> String {
    format!("tell it again: cargo xtask crash --fault {seed}:{mishap}")
}

/// What was asked for: `SEED:MISHAP`, or so many stories whole.
fn wanted() -> Vec<(u64, Mishap)> {
    if let Some(text) = asked("THYMOS_CRASH_FAULT") {
        let (seed, mishap) = text.split_once(':').expect("SEED:CALL:NUMBER:KIND");
        let mishap = Mishap::parse(mishap).expect("SEED:CALL:NUMBER:KIND");
        return vec![(seed.parse().expect("a seed"), mishap)];
    }
    if let Some(stories) = asked("THYMOS_CRASH_FAULTS") {
        let stories: u64 = stories.parse().expect("a number of stories");
        let whole = |seed| {
            mishaps(&census(seed))
                .into_iter()
                .map(move |one| (seed, one))
        };
        return (0..stories).flat_map(whole).collect();
    }
    sample(&Dice::of(2, "faults"))
}

#[test]
fn t2_a_ledger_that_fails_at_any_call_loses_nothing_and_doubles_nothing() {
    let wanted = wanted();
    println!("{} failures: {wanted:?}", wanted.len());
    let wrong = all(&wanted, |(seed, mishap)| {
        (again(*seed, *mishap), caught(|| tell(*seed, *mishap)))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
