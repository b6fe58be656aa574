//! Finds out, by trying, which rung this machine offers.
//!
//! Remembers nothing: the caller asks once at start and keeps the answer.

use std::path::PathBuf;

use crate::launch::launch;
use crate::ruleset::{LANDLOCK_ABI_MIN, landlock_abi};
use crate::{CageError, CageSpec, Limits, Network, ReadScope, Rung, Step};

/// What this machine offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CageProbe {
    /// The highest rung that was built for real.
    pub best: Rung,
    /// The version of Landlock, if it is there and switched on.
    pub landlock_abi: Option<u32>,
    /// Whether namespaces of every kind needed can be made.
    pub user_namespaces: bool,
    /// Whether the syscall filter can be installed.
    pub seccomp: bool,
    /// Plain sentences on why a rung is not to be had, or holds less than it might.
    pub notes: Vec<String>,
}

/// A program that is nowhere: that only it is missed proves that every layer was applied.
const NOWHERE: &str = "/proc/self/thymos-probe";

/// Builds each rung once around a program that does not exist.
///
/// Starts up to three short-lived processes side by side and takes a few milliseconds.
#[must_use]
pub fn probe() -> CageProbe {
    let landlock_abi = landlock_abi();
    let tried = std::thread::scope(|threads| {
        let trials =
            [Rung::L1, Rung::L2, Rung::L3].map(|rung| (rung, threads.spawn(move || attempt(rung))));
        trials.map(|(rung, trial)| {
            let panicked = |_| Err(CageError::RungNotOffered { rung });
            (rung, trial.join().unwrap_or_else(panicked))
        })
    });
    let mut notes = Vec::new();
    let mut best = Rung::L0;
    let mut unbroken = true;
    for (rung, outcome) in &tried {
        match outcome {
            Ok(()) if unbroken => best = *rung,
            Ok(()) => {}
            Err(why) => {
                unbroken = false;
                notes.push(format!("{rung} is not to be had: {}", sentence(why)));
            }
        }
    }
    notes.extend(weak_landlock(landlock_abi));
    let reached = |wanted: Rung| {
        tried
            .iter()
            .any(|(rung, done)| *rung == wanted && done.is_ok())
    };
    let (seccomp, user_namespaces) = (reached(Rung::L1), reached(Rung::L3));
    CageProbe {
        best,
        landlock_abi,
        user_namespaces,
        seccomp,
        notes,
    }
}

fn attempt(rung: Rung) -> Result<(), CageError> {
    match launch(&nothing(rung), |mut command| command.spawn()) {
        Err(CageError::ExecutableMissing { .. }) => Ok(()),
        Err(other) => Err(other),
        Ok(_) => Err(CageError::RungNotOffered { rung }),
    }
}

fn nothing(rung: Rung) -> CageSpec {
    CageSpec {
        argv: vec![NOWHERE.into()],
        cwd: PathBuf::from("/"),
        env: Vec::new(),
        stdin: Vec::new(),
        read: ReadScope::Everything,
        write_roots: Vec::new(),
        protected: Vec::new(),
        network: Network::None,
        limits: Limits {
            wall_clock_ms: 1000,
            output_bytes_max: 0,
            memory_bytes_max: 1 << 30,
            processes_max: 64,
            open_files_max: 64,
            file_size_bytes_max: 0,
        },
        rung,
        rung_min: rung,
    }
}

fn sentence(why: &CageError) -> String {
    match why {
        CageError::LandlockMissing => {
            format!("it wants Landlock {LANDLOCK_ABI_MIN} or newer (Linux 6.2), switched on")
        }
        CageError::Layer {
            step: Step::Namespaces | Step::UserMap,
            source,
        } => {
            format!("this user may not make namespaces ({source})")
        }
        CageError::Layer { step, source } => format!("{step} is refused here ({source})"),
        other => other.to_string(),
    }
}

fn weak_landlock(abi: Option<u32>) -> Vec<String> {
    let abi = abi.unwrap_or(0);
    let mut notes = Vec::new();
    if (LANDLOCK_ABI_MIN..4).contains(&abi) {
        notes
            .push("this Landlock knows no TCP; at L2 the syscall filter alone holds it off".into());
    }
    if (LANDLOCK_ABI_MIN..6).contains(&abi) {
        notes.push(
            "this Landlock cannot hold signals; at L2 a child may signal this user's processes"
                .into(),
        );
    }
    notes
}
