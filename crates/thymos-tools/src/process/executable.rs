//! Finds the executable of a command and pins it by digest. Starts nothing.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use thymos_core::id::Digest;
use thymos_ports::tool::Unresolvable;

use super::Runner;
use crate::limits::EXECUTABLE_BYTES_MAX;
use crate::workspace::Kind;

/// An executable as found.
pub(crate) struct Executable {
    /// As it is started: programs with several names look at the one they were called by.
    pub(crate) path: PathBuf,
    /// Links followed.
    pub(crate) real: PathBuf,
    pub(crate) digest: Digest,
    /// Found by bare name on the search path and outside the workspace.
    pub(crate) installed: bool,
}

/// Finds a program by bare name on the search path, or by path from `cwd`.
pub(crate) fn find(runner: &Runner, name: &str, cwd: &str) -> Result<Executable, Unresolvable> {
    if name.is_empty() {
        return Err(Unresolvable::new("the command names no program"));
    }
    let path = if name.contains('/') {
        by_path(runner, name, cwd)?
    } else {
        by_name(runner, name)?
    };
    let unreadable =
        |why: std::io::Error| Unresolvable::new(format!("`{name}` cannot be read: {why}"));
    let real = path.canonicalize().map_err(unreadable)?;
    let file = File::open(&real).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > EXECUTABLE_BYTES_MAX {
        return Err(Unresolvable::new(format!(
            "`{name}` is too large to be pinned"
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(EXECUTABLE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let installed = !name.contains('/') && !real.starts_with(runner.workspace.root());
    Ok(Executable {
        path,
        real,
        digest: Digest::of(&bytes),
        installed,
    })
}

fn by_name(runner: &Runner, name: &str) -> Result<PathBuf, Unresolvable> {
    let found = runner
        .search_path
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| runs(path));
    found.ok_or_else(|| {
        let message = format!("there is no program `{name}` on this machine");
        Unresolvable::with_hint(
            message,
            "the programs are looked for on the operator's search path only",
        )
    })
}

fn by_path(runner: &Runner, name: &str, cwd: &str) -> Result<PathBuf, Unresolvable> {
    let inside =
        Path::new(name).is_relative() || Path::new(name).starts_with(runner.workspace.root());
    let path = if inside {
        let asked = if Path::new(name).is_relative() {
            format!("{cwd}/{name}")
        } else {
            name.to_owned()
        };
        let place = runner
            .workspace
            .locate(&asked)
            .map_err(|fault| fault.about(name))?;
        if place.kind == Kind::Missing {
            return Err(Unresolvable::new(format!("there is no program `{name}`")));
        }
        runner.workspace.absolute(&place.path)
    } else {
        PathBuf::from(name)
    };
    if runs(&path) {
        return Ok(path);
    }
    Err(Unresolvable::new(format!(
        "`{name}` is no program that can be run"
    )))
}

fn runs(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
