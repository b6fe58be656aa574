//! Decides which paths a child gets, as a list of rules and masks.
//!
//! Reads folders to do so, and changes nothing; [`crate::ruleset`] and the child carry it out.

use std::io;
use std::path::{Path, PathBuf};

use crate::limits::RULES_MAX;
use crate::{CageError, CageSpec, ReadScope, Rung};

/// What one rule gives, on a path and everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Names only.
    List,
    /// Read and execute.
    Read,
    /// Read, execute, write, make and remove.
    Write,
    /// Read and write an existing device.
    Device,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) path: PathBuf,
    pub(crate) access: Access,
}

/// Everything about paths, resolved.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PathPlan {
    pub(crate) rules: Vec<Rule>,
    pub(crate) write_roots: Vec<PathBuf>,
    /// Protected paths that exist, to be masked at L3.
    pub(crate) masks: Vec<PathBuf>,
    pub(crate) notes: Vec<String>,
}

/// The devices that any program may expect.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Resolves roots and protected paths into rules.
///
/// Landlock can only give, so at L2 a protected path is left out by giving to each of its
/// neighbours instead, up to the root. The price: in a folder on that way nothing new can be made,
/// since a right to make would reach down to the protected path as well. L3 masks instead.
pub(crate) fn path_plan(spec: &CageSpec) -> Result<PathPlan, CageError> {
    let mut plan = PathPlan::default();
    plan.masks = protected_paths(&spec.protected, &mut plan.notes);
    plan.write_roots = roots(&spec.write_roots, &plan.masks)?;
    let read_roots = match &spec.read {
        ReadScope::Everything => vec![PathBuf::from("/")],
        ReadScope::Roots(given) => roots(given, &plan.masks)?,
    };
    let fenced: &[PathBuf] = if spec.rung >= Rung::L3 {
        &[]
    } else {
        &plan.masks
    };
    for root in &read_roots {
        cover(root, Access::Read, fenced, &mut plan.rules)?;
    }
    for root in &plan.write_roots {
        cover(root, Access::Write, fenced, &mut plan.rules)?;
    }
    for device in DEVICES
        .iter()
        .map(PathBuf::from)
        .filter(|device| device.exists())
    {
        plan.rules.push(Rule {
            path: device,
            access: Access::Device,
        });
    }
    Ok(plan)
}

fn protected_paths(given: &[PathBuf], notes: &mut Vec<String>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in given {
        match path.canonicalize() {
            Ok(real) => found.push(real),
            Err(_) => notes.push(format!(
                "`{}` does not exist, so nothing keeps the child from making it where it may write",
                path.display()
            )),
        }
    }
    found.sort();
    // What lies below a protected folder is covered with it, and cannot be reached once it is.
    found.dedup_by(|path, above| path.starts_with(&*above));
    found
}

fn roots(given: &[PathBuf], protected: &[PathBuf]) -> Result<Vec<PathBuf>, CageError> {
    let mut found = Vec::new();
    for path in given {
        let missing = |source: io::Error| CageError::RootMissing {
            path: path.clone(),
            source,
        };
        let root = path.canonicalize().map_err(missing)?;
        if let Some(above) = protected.iter().find(|above| root.starts_with(above)) {
            return Err(CageError::RootProtected {
                root,
                protected: above.clone(),
            });
        }
        found.push(root);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Gives `access` to `path`, but for what is fenced below it.
fn cover(
    path: &Path,
    access: Access,
    fenced: &[PathBuf],
    rules: &mut Vec<Rule>,
) -> Result<(), CageError> {
    if fenced.iter().any(|fence| path == fence) {
        return Ok(());
    }
    if rules.len() >= RULES_MAX {
        return Err(CageError::TooManyRules {
            rules_max: RULES_MAX,
        });
    }
    if !fenced.iter().any(|fence| fence.starts_with(path)) {
        rules.push(Rule {
            path: path.to_owned(),
            access,
        });
        return Ok(());
    }
    rules.push(Rule {
        path: path.to_owned(),
        access: Access::List,
    });
    let missing = |source: io::Error| CageError::RootMissing {
        path: path.to_owned(),
        source,
    };
    for entry in path.read_dir().map_err(missing)? {
        let entry = entry.map_err(missing)?;
        // A link gives nothing by itself: what it points to is judged at its own place.
        if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            cover(&entry.path(), access, fenced, rules)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
