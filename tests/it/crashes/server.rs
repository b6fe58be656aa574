//! The server of a kernel's ledger is killed under a story, and comes back `[L11]` `[L14]` `[T2]`: what was
//! acknowledged is there, a commit whose answer was lost is found out from the server and not made twice,
//! and people go on.

use std::sync::Arc;
use std::time::Duration;

use thymos_testkit::failing::{Call, How};
use thymos_testkit::postgres::{Blow, OwnServer};

use super::child::Said;
use super::faults::census;
use super::judge::{Scene, at_the_end, lost, standing_but};
use super::matrix::{LAST, STORIES, asked, caught, scratch};
use super::mishaps::{Fails, Mishap};
use super::plan::Plan;
use super::process::{Cast, live, on_server, prepare};
use crate::sim::draw::Dice;

/// Blows in every test run.
const BLOWS: u64 = 2;

/// The longest that a call is under way before a blow, in microseconds.
const MICROS: u64 = 6_000;

/// Ends the server while a call is made, and brings it back before the next one.
fn ending(server: &Arc<OwnServer>, blow: Blow, after: Duration) -> How {
    let server = server.clone();
    Arc::new(move |call| {
        std::thread::scope(|threads| {
            threads.spawn(|| {
                // Not to wait for anything: the moment is what is drawn.
                std::thread::sleep(after);
                server.end(blow);
                server.again();
            });
            call();
        });
    })
}

fn tell(server: &Arc<OwnServer>, seed: u64, number: u64, how: How) -> Vec<String> {
    let (folder, database) = (scratch(), server.database());
    on_server(folder.path(), &database);
    let plan = Plan::of(seed);
    prepare(folder.path(), &plan);
    let cast = Cast {
        last: true,
        mishap: Some(Mishap {
            call: Call::Append,
            number,
            kind: Fails::Server,
        }),
        how: Some(how),
        ..Cast::new(seed, 1, folder.path())
    };
    let end = live(&cast);
    let mut faults = end.faults.clone();
    let appends = end.counts.get(&Call::Append).copied().unwrap_or_default();
    if appends <= number {
        faults.push(format!("{appends} appends only"));
    }
    let said = Said {
        acknowledged: cast.points.acknowledged(),
        ..Said::default()
    };
    let scene = Scene::look(folder.path(), seed);
    faults.extend(lost(&scene, &said));
    faults.extend(standing_but(&scene));
    let last = live(&Cast {
        last: true,
        ..Cast::new(seed, LAST, folder.path())
    });
    let scene = Scene::look(folder.path(), seed);
    faults.extend(lost(&scene, &said));
    faults.extend(at_the_end(&scene, &last, &plan));
    faults
}

#[test]
fn t2_a_server_that_is_killed_under_a_story_loses_nothing_and_the_story_goes_on() {
    let place = scratch();
    let Some(server) = OwnServer::start(place.path()).map(Arc::new) else {
        return;
    };
    let dice = Dice::of(5, "server");
    let wanted = asked("THYMOS_CRASH_SERVERS").and_then(|blows| blows.parse().ok());
    let mut wrong = Vec::new();
    for round in 0..wanted.unwrap_or(BLOWS) {
        let seed = dice.below(STORIES);
        let number = dice.below(census(seed)[&Call::Append]);
        let blow = match round % 2 {
            0 => Blow::Kill,
            _ => Blow::Immediate,
        };
        let micros = dice.below(MICROS);
        let how = ending(&server, blow, Duration::from_micros(micros));
        let faults = caught(|| tell(&server, seed, number, how));
        let told = format!("story {seed}, {blow:?} at append {number} after {micros} us");
        println!("{told}: {}", faults.len());
        if !faults.is_empty() {
            wrong.push(format!("{told}\n{faults:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
