//! Prepares a cage and starts the child in it.
//!
//! Does not watch it; that is [`crate::run()`]. Everything that may allocate happens here, before
//! the fork.
#![expect(unsafe_code, reason = "hands the child's preparations to `pre_exec`")]

use std::ffi::{CString, OsStr};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{getegid, geteuid};

use crate::child::{Mask, Namespaces, Prepared};
use crate::limits::PID_CEILING_MIN;
use crate::plan::{PathPlan, path_plan};
use crate::ruleset::{read_bits, ruleset};
use crate::warden::{MESSAGE_BYTES, Tag};
use crate::{CageError, CageSpec, Limits, Network, ReadScope, Rung, Step, filter};

/// A started child and the two pipes to its warden.
pub(crate) struct Launched<C> {
    pub(crate) child: C,
    pub(crate) lifeline: PipeWriter,
    pub(crate) report: PipeReader,
    pub(crate) notes: Vec<String>,
}

/// Starts the child through `spawn`; on return it has executed its program, or there is an error.
pub(crate) fn launch<C>(
    spec: &CageSpec,
    spawn: impl FnOnce(Command) -> io::Result<C>,
) -> Result<Launched<C>, CageError> {
    let program = check(spec)?;
    let start = |source| CageError::Start { source };
    let (lifeline_end, lifeline) = io::pipe().map_err(start)?;
    let (mut report, report_end) = io::pipe().map_err(start)?;
    let plan = if spec.rung >= Rung::L2 {
        path_plan(spec)?
    } else {
        PathPlan::default()
    };
    let prepared = prepare(
        spec,
        &plan,
        lifeline_end.as_raw_fd(),
        report_end.as_raw_fd(),
    )?;
    let mut command = command(spec, program);
    // SAFETY: `enter` only makes calls that are sound after a fork; see its module.
    unsafe { command.pre_exec(move || prepared.enter()) };
    let spawned = spawn(command);
    // The child's ends have to go, or the pipes would never end.
    drop((lifeline_end, report_end));
    match spawned {
        Ok(child) => Ok(Launched {
            child,
            lifeline,
            report,
            notes: plan.notes,
        }),
        Err(source) => Err(explain(spec, program, source, refused_step(&mut report))),
    }
}

fn check(spec: &CageSpec) -> Result<&OsStr, CageError> {
    let program = spec.argv.first().ok_or(CageError::NoProgram)?;
    let paths = [Path::new(program), &spec.cwd];
    let read = match &spec.read {
        ReadScope::Everything => &[],
        ReadScope::Roots(roots) => roots.as_slice(),
    };
    let others = [read, &spec.write_roots, &spec.protected]
        .into_iter()
        .flatten();
    let mut all = paths.into_iter().chain(others.map(PathBuf::as_path));
    if let Some(path) = all.find(|path| !path.is_absolute()) {
        return Err(CageError::RelativePath {
            path: path.to_owned(),
        });
    }
    // [C10] decided already; this is the same question asked where it is acted upon.
    if spec.rung < spec.rung_min {
        return Err(CageError::BelowMinimum {
            rung: spec.rung,
            rung_min: spec.rung_min,
        });
    }
    if spec.rung > Rung::L3 {
        return Err(CageError::RungNotOffered { rung: spec.rung });
    }
    if spec.network == Network::Host && spec.rung >= Rung::L2 {
        return Err(CageError::NetworkNotGiven { rung: spec.rung });
    }
    Ok(program)
}

fn command(spec: &CageSpec, program: &OsStr) -> Command {
    let mut command = Command::new(program);
    let stdin = if spec.stdin.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    };
    command
        .args(spec.argv.iter().skip(1))
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn prepare(
    spec: &CageSpec,
    plan: &PathPlan,
    lifeline: i32,
    report: i32,
) -> Result<Prepared, CageError> {
    let caged = spec.rung >= Rung::L1;
    let walled = spec.rung >= Rung::L2;
    let namespaces = spec.rung >= Rung::L3;
    let root_uncounted = caged && !namespaces && geteuid().is_root();
    Ok(Prepared {
        rung: spec.rung,
        cwd: c_path(&spec.cwd)?,
        rlimits: if caged {
            rlimits(&spec.limits, namespaces)
        } else {
            Vec::new()
        },
        ruleset: walled
            .then(|| ruleset(spec.rung, &plan.rules))
            .transpose()?,
        filters: caged
            .then(|| filter::filters(spec.rung, spec.network))
            .transpose()?,
        namespaces: namespaces.then(|| l3(spec, plan)).transpose()?,
        lifeline,
        report,
        // The kernel never counts root's processes against a limit.
        processes_counted_max: root_uncounted.then_some(spec.limits.processes_max),
    })
}

fn rlimits(limits: &Limits, namespaces: bool) -> Vec<(crate::sys::Resource, u64)> {
    // An ordinary user's count includes what the user already runs, but starts afresh in a user
    // namespace.
    let already = if namespaces {
        0
    } else {
        tasks_of(geteuid().as_raw())
    };
    vec![
        // Not the address space: many runtimes reserve far more of it than they ever use.
        (libc::RLIMIT_DATA, limits.memory_bytes_max),
        (libc::RLIMIT_NOFILE, limits.open_files_max),
        (libc::RLIMIT_FSIZE, limits.file_size_bytes_max),
        (
            libc::RLIMIT_NPROC,
            limits.processes_max.saturating_add(already),
        ),
        (libc::RLIMIT_CORE, 0),
    ]
}

/// Counts the threads of a user; `/proc/<pid>/task` has two links and one for each thread.
fn tasks_of(uid: u32) -> u64 {
    use std::os::unix::fs::MetadataExt;
    if uid == 0 {
        return 0;
    }
    let Ok(processes) = Path::new("/proc").read_dir() else {
        return 0;
    };
    processes
        .filter_map(|entry| entry.ok()?.path().join("task").metadata().ok())
        .filter(|tasks| tasks.uid() == uid)
        .map(|tasks| tasks.nlink().saturating_sub(2))
        .sum()
}

fn l3(spec: &CageSpec, plan: &PathPlan) -> Result<Namespaces, CageError> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let masks = plan.masks.iter().map(|path| {
        Ok(Mask {
            path: c_path(path)?,
            folder: path.is_dir(),
        })
    });
    let roots = plan.write_roots.iter().map(|root| c_path(root));
    let proc_read = match &spec.read {
        ReadScope::Everything => true,
        ReadScope::Roots(roots) => roots
            .iter()
            .any(|root| Path::new("/proc").starts_with(root)),
    };
    Ok(Namespaces {
        uid_map: format!("{uid} {uid} 1").into_bytes(),
        gid_map: format!("{gid} {gid} 1").into_bytes(),
        write_roots: roots.collect::<Result<_, CageError>>()?,
        masks: masks.collect::<Result<_, CageError>>()?,
        proc_rights: proc_read.then(read_bits),
        pid_ceiling: spec
            .limits
            .processes_max
            .max(PID_CEILING_MIN)
            .to_string()
            .into_bytes(),
    })
}

fn c_path(path: &Path) -> Result<CString, CageError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| CageError::NulByte)
}

fn refused_step(report: &mut PipeReader) -> Option<Step> {
    let mut message = [0_u8; MESSAGE_BYTES];
    // Every writer is gone by now, so this ends.
    while report.read_exact(&mut message).is_ok() {
        if let Some((Tag::Refused, value)) = decode(message) {
            return Step::from_code(value);
        }
    }
    None
}

/// Reads one message of the warden's.
pub(crate) fn decode(message: [u8; MESSAGE_BYTES]) -> Option<(Tag, i32)> {
    let [a, b, c, d, e, f, g, h] = message;
    let tag = Tag::from_code(u32::from_ne_bytes([a, b, c, d]))?;
    Some((tag, i32::from_ne_bytes([e, f, g, h])))
}

fn explain(spec: &CageSpec, program: &OsStr, source: io::Error, step: Option<Step>) -> CageError {
    let path = PathBuf::from(program);
    match (step, source.kind()) {
        (Some(Step::WorkingDirectory), _) => CageError::WorkingDirectory {
            path: spec.cwd.clone(),
            source,
        },
        (Some(step), _) => CageError::Layer { step, source },
        (None, io::ErrorKind::InvalidInput) => CageError::NulByte,
        (None, io::ErrorKind::NotFound) if !path.exists() => CageError::ExecutableMissing { path },
        (None, _) => CageError::ExecutableRefused { path, source },
    }
}
