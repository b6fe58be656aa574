//! Kills processes at every point where they meet the world `[T2]`, or has two of them write at once `[L12]`.
//!
//! Knows no point itself: it runs the tests that do, with what was asked for in their environment.

use std::process::Command;

use crate::chore::{ChoreFault, root};

/// The kernel's matrix: of the whole program's tests.
const MATRIX: &[&str] = &["crashes::matrix::t2_killed"];

/// A ledger that fails under a kernel.
const FAULTS: &[&str] = &["crashes::faults::t2_a_ledger_that_fails"];

/// A machine that goes down under a kernel.
const POWER: &[&str] = &["crashes::power::t2_when_the_power_goes"];

/// A server that is killed under a kernel, and a kernel over one.
const SERVERS: &[&str] = &[
    "crashes::server::t2_a_server_that_is_killed",
    "crashes::served::t2_a_process_over_a_server",
];

/// Two writers: of the ledger's tests.
const WRITERS: &[&str] = &["crash::l12_two_processes_make_one_order_and_no_fork"];

/// What is to be fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shots {
    /// Those of every test run.
    Usual,
    /// So many kills at points, and a tenth of that at any moment.
    Kills(u64),
    /// One story again, as a failure names it.
    Shot(String),
    /// Every failure that the ledgers of so many stories can meet.
    Faults(u64),
    /// One failure again, as a test names it.
    Fault(String),
    /// The power goes at every point of so many stories.
    Power(u64),
    /// The server of a kernel is killed so often, and so is a kernel over a server.
    Servers(u64),
    /// None: two processes write for so many seconds.
    Writers(u64),
}

impl Shots {
    /// Reads `--kills N`, `--shot SHOT`, `--faults STORIES`, `--fault FAULT`, `--power STORIES`,
    /// `--servers BLOWS` or `--writers SECONDS`.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        match words {
            [] => Some(Self::Usual),
            ["--kills", number] => number.parse().ok().map(Self::Kills),
            ["--shot", shot] if shot.contains(':') => Some(Self::Shot((*shot).to_owned())),
            ["--faults", stories] => stories.parse().ok().map(Self::Faults),
            ["--fault", fault] if fault.contains(':') => Some(Self::Fault((*fault).to_owned())),
            ["--power", stories] => stories.parse().ok().map(Self::Power),
            ["--servers", blows] => blows.parse().ok().map(Self::Servers),
            ["--writers", seconds] => seconds.parse().ok().map(Self::Writers),
            _ => None,
        }
    }
}

/// Fires; what the tests say goes straight to the terminal.
pub(crate) fn fire(shots: &Shots) -> Result<String, ChoreFault> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args(["test", "--quiet", "--locked"]);
    let (tests, said) = match shots {
        Shots::Writers(seconds) => {
            cargo.env("THYMOS_CRASH_WRITERS", seconds.to_string());
            (WRITERS, "one order, and no fork")
        }
        Shots::Faults(_) | Shots::Fault(_) => {
            (FAULTS, "nothing was lost, and nothing happened twice")
        }
        Shots::Servers(_) => (SERVERS, "nothing acknowledged was lost"),
        Shots::Power(_) => (POWER, "nothing acknowledged was lost"),
        Shots::Usual | Shots::Kills(_) | Shots::Shot(_) => {
            (MATRIX, "nothing was lost, and nothing happened twice")
        }
    };
    match shots {
        Shots::Kills(number) => drop(cargo.env("THYMOS_CRASH_KILLS", number.to_string())),
        Shots::Shot(shot) => drop(cargo.env("THYMOS_CRASH_SHOT", shot)),
        Shots::Faults(stories) => drop(cargo.env("THYMOS_CRASH_FAULTS", stories.to_string())),
        Shots::Fault(fault) => drop(cargo.env("THYMOS_CRASH_FAULT", fault)),
        Shots::Power(stories) => drop(cargo.env("THYMOS_CRASH_POWER", stories.to_string())),
        Shots::Servers(blows) => drop(cargo.env("THYMOS_CRASH_SERVERS", blows.to_string())),
        Shots::Usual | Shots::Writers(_) => {}
    }
    // Of no package by name: with one alone the features of what all depend on are others, and everything
    // would be built anew.
    cargo
        .args(["--test", "it", "--"])
        .args(tests)
        .arg("--nocapture");
    match cargo.status() {
        Ok(status) if status.success() => Ok(said.to_owned()),
        Ok(_) => Err(ChoreFault::Lost),
        Err(error) => Err(ChoreFault::Cargo(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_asked_for_by_number_or_one_again() {
        assert_eq!(Shots::parse(&[]), Some(Shots::Usual));
        assert_eq!(Shots::parse(&["--kills", "500"]), Some(Shots::Kills(500)));
        let shot = Shots::Shot("3:14/7".to_owned());
        assert_eq!(Shots::parse(&["--shot", "3:14/7"]), Some(shot));
        assert_eq!(Shots::parse(&["--faults", "2"]), Some(Shots::Faults(2)));
        let fault = Shots::Fault("3:Append:7:Sync".to_owned());
        assert_eq!(Shots::parse(&["--fault", "3:Append:7:Sync"]), Some(fault));
        assert_eq!(Shots::parse(&["--power", "2"]), Some(Shots::Power(2)));
        assert_eq!(Shots::parse(&["--servers", "9"]), Some(Shots::Servers(9)));
        assert_eq!(Shots::parse(&["--writers", "60"]), Some(Shots::Writers(60)));
        for words in [
            &["--kills"][..],
            &["--kills", "x"],
            &["--shot", "3"],
            &["--writers", "-1"],
            &["--kills", "1", "--kills", "2"],
            &["--speed", "1"],
        ] {
            assert_eq!(Shots::parse(words), None, "{words:?}");
        }
    }
}
