//! Tells stories of the simulator `[T13]`: one by its seed, step by step, or as many as are asked for.
//!
//! Knows no story itself: it runs the test that does, with what was asked for in its environment.

use std::process::Command;

use crate::chore::{ChoreFault, root};

/// The test that tells stories.
const TEST: &str = "sim::tests::t13_every_story_keeps_what_must_hold";

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The stories that every test run tells.
    Usual,
    /// One story, step by step.
    Seed(u64),
    /// So many stories, from this seed on.
    Stories { from: u64, count: u64 },
}

impl Wanted {
    /// Reads `--seed N`, or `--stories N` and `--from N` in any order.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let (mut seed, mut count, mut from) = (None, None, None);
        let mut rest = words;
        while let [name, value, more @ ..] = rest {
            let slot = match *name {
                "--seed" => &mut seed,
                "--stories" => &mut count,
                "--from" => &mut from,
                _ => return None,
            };
            if slot.replace(value.parse().ok()?).is_some() {
                return None;
            }
            rest = more;
        }
        match (rest, seed, count, from) {
            ([], None, None, None) => Some(Self::Usual),
            ([], Some(seed), None, None) => Some(Self::Seed(seed)),
            ([], None, Some(count), from) => Some(Self::Stories {
                from: from.unwrap_or(0),
                count,
            }),
            _ => None,
        }
    }
}

/// Tells them; what they say goes straight to the terminal.
pub(crate) fn tell(wanted: Wanted) -> Result<String, ChoreFault> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["test", "--quiet"]);
    match wanted {
        Wanted::Usual => {}
        Wanted::Seed(seed) => drop(cargo.env("THYMOS_SIM_SEED", seed.to_string())),
        Wanted::Stories { from, count } => {
            cargo.env("THYMOS_SIM_FROM", from.to_string());
            cargo.env("THYMOS_SIM_STORIES", count.to_string());
        }
    }
    cargo.args(["--test", "it", "--", "--exact", TEST, "--nocapture"]);
    match cargo.status() {
        Ok(status) if status.success() => Ok("every story keeps what must hold".to_owned()),
        Ok(_) => Err(ChoreFault::Story),
        Err(error) => Err(ChoreFault::Cargo(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_asked_for_by_seed_or_by_count() {
        assert_eq!(Wanted::parse(&[]), Some(Wanted::Usual));
        assert_eq!(Wanted::parse(&["--seed", "7"]), Some(Wanted::Seed(7)));
        let many = Wanted::Stories { from: 5, count: 9 };
        for words in [
            ["--stories", "9", "--from", "5"],
            ["--from", "5", "--stories", "9"],
        ] {
            assert_eq!(Wanted::parse(&words), Some(many));
        }
        for words in [
            &["--seed"][..],
            &["--seed", "x"],
            &["--seed", "1", "--seed", "2"],
            &["--seed", "1", "--stories", "2"],
            &["--from", "1"],
            &["--speed", "1"],
        ] {
            assert_eq!(Wanted::parse(words), None, "{words:?}");
        }
    }
}
