//! Seeds that every test run tells, and that each of them can be told again.

use super::census::{Census, count};
use super::rules::broken;
use super::story::tell;
use super::told::Told;

/// Stories that every test run tells. `THYMOS_SIM_STORIES` asks for another number.
const STORIES: u64 = 24;

/// Of those, how many are told twice.
const TWICE: u64 = 6;

#[expect(
    clippy::disallowed_methods,
    reason = "a person asks for one seed, or for more of them"
)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What is wrong with the story of a seed, and how it is told again; none when nothing is.
fn failed(seed: u64, aloud: bool, census: &mut Census) -> Option<String> {
    let again = format!("tell it again: cargo xtask sim --seed {seed}");
    let Ok(story) = std::panic::catch_unwind(|| tell(seed, aloud)) else {
        return Some(format!("seed {seed} broke off\n{again}"));
    };
    count(&story, census);
    let faults = broken(&story);
    (!faults.is_empty()).then(|| format!("seed {seed}: {faults:#?}\n{again}"))
}

#[test]
fn t13_every_story_keeps_what_must_hold() {
    let from = number("THYMOS_SIM_FROM").unwrap_or(0);
    let stories = number("THYMOS_SIM_STORIES").unwrap_or(STORIES);
    let one = number("THYMOS_SIM_SEED");
    let seeds = one.map_or(from..from + stories, |seed| seed..seed + 1);
    let (mut census, mut failures) = (Census::new(), Vec::new());
    for seed in seeds {
        failures.extend(failed(seed, one.is_some(), &mut census));
    }
    println!("{census:#?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn t13_a_seed_tells_the_very_same_record_again() {
    for seed in 0..TWICE {
        let (first, second) = (tell(seed, false), tell(seed, false));
        assert_eq!(first.steps, second.steps, "seed {seed}");
        let ids = |told: &Told| {
            let all = told.entries.iter();
            all.map(|entry| (entry.header.kind.clone(), entry.id))
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&first), ids(&second), "seed {seed}");
        assert!(first.bytes() == second.bytes(), "seed {seed}: other bytes");
        assert_eq!(first.runs, second.runs, "seed {seed}");
        // [L7] Also where the writer took one, and over what.
        assert!(!first.checkpoints.is_empty(), "seed {seed}: none taken");
        assert_eq!(first.checkpoints, second.checkpoints, "seed {seed}");
    }
}
