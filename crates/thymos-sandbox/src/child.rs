//! What happens in the child between fork and exec, layer by layer.
//!
//! Everything is prepared before the fork; here nothing allocates. The order matters: namespaces
//! and mounts first, since Landlock forbids mounting; capabilities next, since the mounts needed
//! them; the syscall filter last, since it forbids much of the above.
#![expect(unsafe_code, reason = "forks again after the first fork")]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use libc::c_ulong;

use crate::filter::Programs;
use crate::sys::{self, Depth, Resource, Side, Waited};
use crate::warden::{self, Reach, Tag, Warden};
use crate::{Rung, Step};

/// Everything the child needs, made before the fork.
pub(crate) struct Prepared {
    pub(crate) rung: Rung,
    pub(crate) cwd: CString,
    pub(crate) rlimits: Vec<(Resource, u64)>,
    pub(crate) ruleset: Option<OwnedFd>,
    pub(crate) filters: Option<Programs>,
    pub(crate) namespaces: Option<Namespaces>,
    pub(crate) lifeline: RawFd,
    pub(crate) report: RawFd,
    pub(crate) processes_counted_max: Option<u64>,
}

/// What L3 adds.
pub(crate) struct Namespaces {
    pub(crate) uid_map: Vec<u8>,
    pub(crate) gid_map: Vec<u8>,
    pub(crate) write_roots: Vec<CString>,
    pub(crate) masks: Vec<Mask>,
    /// The rights to give on the fresh `/proc`, when it is to be read.
    pub(crate) proc_rights: Option<u64>,
    pub(crate) pid_ceiling: Vec<u8>,
}

/// A protected path to cover.
pub(crate) struct Mask {
    pub(crate) path: CString,
    pub(crate) folder: bool,
}

const PROC: &CStr = c"/proc";
const CLOSED_FILE: &CStr = c"/proc/file";
const CLOSED_FOLDER: &CStr = c"/proc/folder";

impl Prepared {
    /// Turns this process into the caged one, leaving its wardens behind.
    ///
    /// Returns in the process that is to exec, and in no other.
    pub(crate) fn enter(&self) -> io::Result<()> {
        self.told(Step::Session, sys::setsid())?;
        self.told(Step::Session, sys::hold_signals())?;
        // Inherited by all; should memory run out, the cage goes first. Not a promise: no matter.
        drop(sys::write_file(c"/proc/self/oom_score_adj", b"500"));
        let reach = match &self.namespaces {
            Some(namespaces) => {
                self.told(Step::Namespaces, unshare())?;
                self.told(Step::UserMap, namespaces.map_user())?;
                self.fork_init()?;
                namespaces.build(self)?;
                Reach::Namespace
            }
            None => {
                self.told(Step::Warden, sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1))?;
                Reach::Group
            }
        };
        self.fork_child(reach)?;
        self.confine()
    }

    /// Says in the report pipe which step was refused; the errno goes the way of a failed exec.
    fn told<T>(&self, step: Step, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            warden::send(self.report, Tag::Refused, step as i32);
        }
        result
    }

    /// Goes on as the first process of the new pid namespace. What was this process stays outside
    /// and does nothing but wait, so that the host has a child to wait for.
    fn fork_init(&self) -> io::Result<()> {
        // SAFETY: this process is the child of a fork and has one thread.
        match self.told(Step::Warden, unsafe { sys::fork() })? {
            Side::Child => {
                let tied = sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong);
                self.told(Step::Warden, tied)
            }
            Side::Parent(_) => {
                let hidden = sys::prctl(libc::PR_SET_DUMPABLE, 0);
                let closed = sys::close_from(0);
                while let Waited::Ended(..) = sys::wait_any(true) {}
                sys::exit(i32::from(hidden.is_err() || closed.is_err()))
            }
        }
    }

    /// Goes on as the child; what was this process becomes its warden.
    fn fork_child(&self, reach: Reach) -> io::Result<()> {
        // SAFETY: as in `fork_init`.
        match self.told(Step::Warden, unsafe { sys::fork() })? {
            Side::Child => Ok(()),
            Side::Parent(child) => Warden {
                lifeline: self.lifeline,
                report: self.report,
                reach,
                processes_max: self.processes_counted_max,
            }
            .watch(child),
        }
    }

    fn confine(&self) -> io::Result<()> {
        self.told(Step::Session, sys::setsid())?;
        let tied = sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong);
        self.told(Step::Session, tied)?;
        self.told(Step::Session, sys::fresh_signals())?;
        self.told(Step::WorkingDirectory, sys::chdir(&self.cwd))?;
        for (resource, value) in &self.rlimits {
            self.told(Step::ResourceLimits, sys::limit(*resource, *value))?;
        }
        self.told(Step::Descriptors, sys::close_on_exec_from(3))?;
        if self.rung == Rung::L0 {
            return Ok(());
        }
        self.told(Step::Capabilities, drop_capabilities())?;
        self.told(
            Step::NoNewPrivileges,
            sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1),
        )?;
        if let Some(ruleset) = &self.ruleset {
            self.told(Step::Landlock, sys::landlock_enter(ruleset.as_raw_fd()))?;
        }
        for filter in self.filters.iter().flat_map(|programs| programs.iter()) {
            let applied = seccompiler::apply_filter(filter);
            let applied = applied.map_err(|_| io::Error::from_raw_os_error(libc::EPERM));
            self.told(Step::SyscallFilter, applied)?;
        }
        Ok(())
    }
}

fn unshare() -> io::Result<()> {
    sys::unshare(
        libc::CLONE_NEWUSER
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNET
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS,
    )
}

/// Gives up every capability for good, so that being root means nothing but owning files.
fn drop_capabilities() -> io::Result<()> {
    const CAPABILITIES_MAX: c_ulong = 63;
    // Root is no longer special at exec, and none of this can be taken back.
    const LOCKED: c_ulong = 0b1110_1111;
    for capability in 0..=CAPABILITIES_MAX {
        // Refused to an ordinary user, who has none to lose, and beyond the last capability.
        if sys::prctl(libc::PR_CAPBSET_DROP, capability).is_err() {
            break;
        }
    }
    match sys::prctl(libc::PR_SET_SECUREBITS, LOCKED) {
        Err(refused) if refused.raw_os_error() != Some(libc::EPERM) => return Err(refused),
        Err(_) | Ok(()) => {}
    }
    sys::clear_ambient_capabilities()?;
    sys::clear_capabilities()
}

impl Namespaces {
    fn map_user(&self) -> io::Result<()> {
        sys::write_file(c"/proc/self/setgroups", b"deny")?;
        sys::write_file(c"/proc/self/uid_map", &self.uid_map)?;
        sys::write_file(c"/proc/self/gid_map", &self.gid_map)
    }

    /// Builds the private mount tree: the host's, read-only, with the write roots writable, the
    /// protected paths masked, and a `/proc` that shows the cage alone.
    fn build(&self, prepared: &Prepared) -> io::Result<()> {
        prepared.told(Step::Mounts, self.own_tree())?;
        prepared.told(Step::Masks, self.mask())?;
        prepared.told(Step::Proc, self.fresh_proc())?;
        prepared.told(Step::Mounts, self.read_only_tree())?;
        if let (Some(rights), Some(ruleset)) = (self.proc_rights, &prepared.ruleset) {
            prepared.told(Step::Proc, allow_proc(ruleset.as_raw_fd(), rights))?;
        }
        prepared.told(Step::Loopback, sys::loopback_up())
    }

    fn own_tree(&self) -> io::Result<()> {
        sys::mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)?;
        for root in &self.write_roots {
            sys::mount(Some(root), root, None, libc::MS_BIND | libc::MS_REC, None)?;
        }
        Ok(())
    }

    /// Covers each protected path with something that cannot be opened: a silent `/dev/null` would
    /// swallow writes and look like success. `/proc` lends its place until it is mounted anew.
    fn mask(&self) -> io::Result<()> {
        if self.masks.is_empty() {
            return Ok(());
        }
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        sys::mount(
            Some(c"tmpfs"),
            PROC,
            Some(c"tmpfs"),
            flags,
            Some(c"size=16k,mode=700"),
        )?;
        sys::create_closed_file(CLOSED_FILE)?;
        sys::create_closed_folder(CLOSED_FOLDER)?;
        for mask in &self.masks {
            let cover = if mask.folder {
                CLOSED_FOLDER
            } else {
                CLOSED_FILE
            };
            sys::mount(Some(cover), &mask.path, None, libc::MS_BIND, None)?;
        }
        sys::detach(PROC)
    }

    fn fresh_proc(&self) -> io::Result<()> {
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        sys::mount(Some(c"proc"), PROC, Some(c"proc"), flags, None)?;
        // A ceiling of its own for this namespace since Linux 6.14; before, refused, and the
        // resource limit alone counts processes.
        drop(sys::write_file(
            c"/proc/sys/kernel/pid_max",
            &self.pid_ceiling,
        ));
        Ok(())
    }

    fn read_only_tree(&self) -> io::Result<()> {
        sys::set_read_only(c"/", true, Depth::Tree)?;
        for root in &self.write_roots {
            // Not the tree below: masks stay closed, and so do mounts of the host's inside a root.
            sys::set_read_only(root, false, Depth::Mount)?;
        }
        Ok(())
    }
}

fn allow_proc(ruleset: RawFd, rights: u64) -> io::Result<()> {
    let folder = sys::open_folder(PROC)?;
    let added = sys::landlock_allow(ruleset, folder, rights);
    sys::close(folder);
    added
}
