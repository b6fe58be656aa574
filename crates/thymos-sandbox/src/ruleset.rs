//! Turns a path plan into a Landlock ruleset, held as a descriptor for the child.
//!
//! Restricts nobody; the child does that to itself, last but one.

use std::os::fd::OwnedFd;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope,
};

use crate::plan::{Access, Rule};
use crate::{CageError, Rung, sys};

/// The oldest Landlock that holds L2: before it, truncating a file could not be refused.
pub(crate) const LANDLOCK_ABI_MIN: u32 = 3;

/// The Landlock version of this machine, as far as this crate knows how to use it.
pub(crate) fn landlock_abi() -> Option<u32> {
    sys::landlock_abi()
}

/// Builds the ruleset for L2 or L3.
pub(crate) fn ruleset(rung: Rung, rules: &[Rule]) -> Result<OwnedFd, CageError> {
    let abi = landlock_abi()
        .filter(|abi| *abi >= LANDLOCK_ABI_MIN)
        .map(known)
        .ok_or(CageError::LandlockMissing)?;
    let mut created = empty(rung, abi)?;
    for rule in rules {
        // What vanished since it was listed, or cannot be opened, needs no rule.
        let Ok(path) = PathFd::new(&rule.path) else {
            continue;
        };
        let mut rights = rights(rule.access, abi);
        if !rule.path.is_dir() {
            rights &= AccessFs::from_file(abi);
        }
        if !rights.is_empty() {
            created = created.add_rule(PathBeneath::new(path, rights))?;
        }
    }
    Option::<OwnedFd>::from(created).ok_or(CageError::LandlockMissing)
}

/// The bits of a read rule, for the one rule that can only be made inside the child: the fresh
/// `/proc` of L3 does not exist before.
pub(crate) fn read_bits() -> u64 {
    rights(Access::Read, ABI::V3).bits()
}

fn empty(rung: Rung, abi: ABI) -> Result<RulesetCreated, CageError> {
    let mut attr = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))?;
    // At L3 the net namespace holds TCP off, and loopback inside the cage is let be.
    if abi >= ABI::V4 && rung < Rung::L3 {
        attr = attr.handle_access(AccessNet::from_all(abi))?;
    }
    if abi >= ABI::V6 {
        attr = attr.scope(Scope::from_all(abi))?;
    }
    Ok(attr.create()?)
}

fn rights(access: Access, abi: ABI) -> BitFlags<AccessFs> {
    let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
    match access {
        Access::List => AccessFs::ReadDir.into(),
        Access::Read => read,
        Access::Write => AccessFs::from_all(abi) & !(AccessFs::MakeChar | AccessFs::MakeBlock),
        Access::Device => AccessFs::from_file(abi) & !AccessFs::Execute,
    }
}

fn known(abi: u32) -> ABI {
    match abi {
        0..=3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        6 => ABI::V6,
        7.. => ABI::V7,
    }
}
