//! The system calls that the child makes between fork and exec, each in a safe wrapper.
//!
//! Nothing here allocates, locks or unwinds, so everything may be called in the forked child of a
//! process with many threads. Decides nothing.
#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper that is sound after a fork"
)]

use std::ffi::CStr;
use std::io;
use std::os::fd::RawFd;

use libc::{c_int, c_long, c_ulong, c_void, pid_t};

/// Which side of a fork one is on.
pub(crate) enum Side {
    Parent(pid_t),
    Child,
}

/// What a wait found.
pub(crate) enum Waited {
    Ended(pid_t, c_int),
    NothingYet,
    NoChildren,
}

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn check_int(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// The Landlock version of the running kernel, if it has one switched on.
pub(crate) fn landlock_abi() -> Option<u32> {
    const VERSION: c_long = 1;
    // SAFETY: with a null attribute of size 0 and this flag the call only returns a number.
    let abi = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<c_void>(),
            0_usize,
            VERSION,
        )
    };
    u32::try_from(abi).ok()
}

/// Forks without running any handler of libc, which could wait for a lock held at the first fork.
///
/// # Safety
/// The caller has one thread, or touches nothing but what is sound after a fork.
pub(crate) unsafe fn fork() -> io::Result<Side> {
    // SAFETY: a plain fork; zero means "no new stack, no ids, no thread area" on every
    // architecture, so the differing order of these arguments does not matter.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) })?;
    Ok(if pid == 0 {
        Side::Child
    } else {
        Side::Parent(pid as pid_t)
    })
}

/// Ends this process at once, with nothing flushed and no handler run.
pub(crate) fn exit(code: c_int) -> ! {
    // SAFETY: never returns and touches no memory.
    unsafe { libc::_exit(code) }
}

pub(crate) fn setsid() -> io::Result<()> {
    // SAFETY: takes no pointer.
    check_int(unsafe { libc::setsid() }).map(drop)
}

pub(crate) fn prctl(option: c_int, value: c_ulong) -> io::Result<()> {
    // SAFETY: only used with options whose arguments are numbers.
    check_int(unsafe { libc::prctl(option, value, 0, 0, 0) }).map(drop)
}

pub(crate) fn clear_ambient_capabilities() -> io::Result<()> {
    const CLEAR_ALL: c_ulong = libc::PR_CAP_AMBIENT_CLEAR_ALL as c_ulong;
    // SAFETY: the arguments are numbers.
    check_int(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, CLEAR_ALL, 0, 0, 0) }).map(drop)
}

/// Empties the permitted, effective and inheritable capability sets.
pub(crate) fn clear_capabilities() -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let header: [u32; 2] = [VERSION_3, 0];
    let sets = [0_u32; 6];
    // SAFETY: a version 3 header for oneself, and two all-zero records of three words each.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) }).map(drop)
}

/// Marks every descriptor from `first` on to be closed by exec.
pub(crate) fn close_on_exec_from(first: u32) -> io::Result<()> {
    close_range(first, libc::CLOSE_RANGE_CLOEXEC)
}

/// Closes every descriptor from `first` on.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    close_range(first, 0)
}

fn close_range(first: u32, flags: u32) -> io::Result<()> {
    // SAFETY: takes no pointer; only called where nobody uses these descriptors any more.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) }).map(drop)
}

pub(crate) fn dup_to(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: takes no pointer; only called where `to` is not owned by anybody.
    check_int(unsafe { libc::dup2(from, to) }).map(drop)
}

/// Lowers a limit to `value`, both soft and hard; a harder limit already in force stays.
pub(crate) fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let mut now = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `now` is a valid record to write to.
    check_int(unsafe { libc::getrlimit(resource, &raw mut now) })?;
    let value = value.min(now.rlim_max);
    let wanted = libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    // SAFETY: `wanted` is a valid record to read from.
    check_int(unsafe { libc::setrlimit(resource, &raw const wanted) }).map(drop)
}

/// How libc types the name of a resource.
#[cfg(target_env = "gnu")]
pub(crate) type Resource = libc::__rlimit_resource_t;
/// How libc types the name of a resource.
#[cfg(not(target_env = "gnu"))]
pub(crate) type Resource = c_int;

pub(crate) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check_int(unsafe { libc::unshare(flags) }).map(drop)
}

pub(crate) fn chdir(path: &CStr) -> io::Result<()> {
    // SAFETY: `path` ends with NUL.
    check_int(unsafe { libc::chdir(path.as_ptr()) }).map(drop)
}

/// Writes a whole small file of the kernel's in one call.
pub(crate) fn write_file(path: &CStr, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: `path` ends with NUL.
    let file = check_int(unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) })?;
    let written = write(file, bytes);
    close(file);
    written
}

pub(crate) fn write(file: RawFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `bytes`.
    check(unsafe { libc::write(file, bytes.as_ptr().cast(), bytes.len()) } as c_long).map(drop)
}

pub(crate) fn read(file: RawFd, bytes: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length describe `bytes`.
    let got = unsafe { libc::read(file, bytes.as_mut_ptr().cast(), bytes.len()) };
    check(got as c_long).map(|got| got as usize)
}

pub(crate) fn open_folder(path: &CStr) -> io::Result<RawFd> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: `path` ends with NUL.
    check_int(unsafe { libc::open(path.as_ptr(), flags) })
}

pub(crate) fn open_to_read(path: &CStr) -> io::Result<RawFd> {
    // SAFETY: `path` ends with NUL.
    check_int(unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) })
}

/// Creates an empty file that nobody may open.
pub(crate) fn create_closed_file(path: &CStr) -> io::Result<()> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
    // SAFETY: `path` ends with NUL, and a mode is given as O_CREAT wants.
    let file = check_int(unsafe { libc::open(path.as_ptr(), flags, 0_u32) })?;
    close(file);
    Ok(())
}

/// Creates an empty folder that nobody may enter.
pub(crate) fn create_closed_folder(path: &CStr) -> io::Result<()> {
    // SAFETY: `path` ends with NUL.
    check_int(unsafe { libc::mkdir(path.as_ptr(), 0) }).map(drop)
}

pub(crate) fn close(file: RawFd) {
    // SAFETY: only called with descriptors that the caller opened itself.
    unsafe { libc::close(file) };
}

/// Reads folder entries in the kernel's own records.
pub(crate) fn folder_entries(folder: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length describe `buffer`.
    let got = check(unsafe {
        libc::syscall(
            libc::SYS_getdents64,
            folder,
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    })?;
    Ok(got as usize)
}

/// One mount call.
pub(crate) fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: c_ulong,
    options: Option<&CStr>,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: every pointer is null or ends with NUL, and the kernel takes null for each of them.
    check_int(unsafe {
        libc::mount(
            pointer(source),
            target.as_ptr(),
            pointer(kind),
            flags,
            pointer(options).cast(),
        )
    })
    .map(drop)
}

pub(crate) fn detach(target: &CStr) -> io::Result<()> {
    // SAFETY: `target` ends with NUL.
    check_int(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) }).map(drop)
}

/// Makes a mount read-only or writable; with `Depth::Tree`, everything mounted below it too.
pub(crate) fn set_read_only(target: &CStr, read_only: bool, depth: Depth) -> io::Result<()> {
    const READ_ONLY: u64 = 1;
    let attributes = MountAttributes {
        set: if read_only { READ_ONLY } else { 0 },
        clear: if read_only { 0 } else { READ_ONLY },
        propagation: 0,
        user_namespace: 0,
    };
    let flags = match depth {
        Depth::Mount => 0,
        Depth::Tree => libc::AT_RECURSIVE,
    };
    // SAFETY: `target` ends with NUL; the record is of the size told.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            target.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    })
    .map(drop)
}

/// How far a change of a mount reaches.
pub(crate) enum Depth {
    Mount,
    Tree,
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Adds one rule on a folder to a ruleset.
pub(crate) fn landlock_allow(ruleset: RawFd, folder: RawFd, rights: u64) -> io::Result<()> {
    const PATH_BENEATH: c_int = 1;
    #[repr(C, packed)]
    struct PathBeneath {
        rights: u64,
        folder: i32,
    }
    let rule = PathBeneath { rights, folder };
    // SAFETY: the record is the one that this kind of rule takes.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset,
            PATH_BENEATH,
            &raw const rule,
            0,
        )
    })
    .map(drop)
}

pub(crate) fn landlock_enter(ruleset: RawFd) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) }).map(drop)
}

/// Brings up the loopback device of an empty net namespace.
pub(crate) fn loopback_up() -> io::Result<()> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointer.
    let socket = check_int(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
    // SAFETY: an all-zero `ifreq` is a valid one.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: this request takes an `ifreq`.
    let result =
        check_int(unsafe { libc::ioctl(socket, libc::SIOCSIFFLAGS as _, &raw mut request) });
    close(socket);
    result.map(drop)
}

/// Holds every signal back, so that the warden hears of them only where it listens.
pub(crate) fn hold_signals() -> io::Result<()> {
    set_mask(true)
}

/// Gives every signal its first meaning and lets all of them through.
pub(crate) fn fresh_signals() -> io::Result<()> {
    const SIGNALS: c_int = 64;
    for signal in 1..=SIGNALS {
        // SAFETY: sets no handler. Refused for two signals and those libc keeps, which is fine.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    set_mask(false)
}

fn set_mask(all: bool) -> io::Result<()> {
    // SAFETY: a signal set may be all zero, and is then filled by the calls for it.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is a valid set to write to.
    unsafe {
        if all {
            libc::sigfillset(&raw mut set);
        } else {
            libc::sigemptyset(&raw mut set);
        }
    }
    // SAFETY: `set` is a valid set; the old one is not asked for.
    check_int(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) })
        .map(drop)
}

/// A descriptor that becomes readable when a child ends.
pub(crate) fn child_signals() -> io::Result<RawFd> {
    // SAFETY: as in `set_mask`.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is a valid set to write to.
    unsafe {
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
    }
    // SAFETY: `set` is a valid set to read from.
    check_int(unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })
}

/// Waits until one of two descriptors can be read, and tells which.
pub(crate) fn wait_readable(files: [RawFd; 2], timeout_ms: c_int) -> [bool; 2] {
    let mut entries = files.map(|fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    // SAFETY: the pointer and the count describe `entries`.
    let ready = unsafe { libc::poll(entries.as_mut_ptr(), 2, timeout_ms) };
    if ready <= 0 {
        return [false, false];
    }
    entries.map(|entry| entry.revents != 0)
}

/// Takes one ended child, waiting for it or not.
pub(crate) fn wait_any(block: bool) -> Waited {
    let mut status = 0;
    let flags = libc::__WALL | if block { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: `status` is a valid place to write to.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
        match pid {
            0 => return Waited::NothingYet,
            1.. => return Waited::Ended(pid, status),
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            _ => return Waited::NoChildren,
        }
    }
}

/// Sends a signal to a process, a group (negative) or everybody below (-1 in a pid namespace).
pub(crate) fn kill(pid: pid_t, signal: c_int) {
    // SAFETY: takes no pointer. Whoever is already gone needs no signal.
    unsafe { libc::kill(pid, signal) };
}

/// Puts this process, not its children, before every ordinary one in the queue for a processor.
pub(crate) fn run_first() -> io::Result<()> {
    let first = libc::sched_param { sched_priority: 1 };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: `first` is a valid record to read from.
    check_int(unsafe { libc::sched_setscheduler(0, policy, &raw const first) }).map(drop)
}

pub(crate) fn own_pid() -> pid_t {
    // SAFETY: takes nothing. The raw call, because libc may remember the parent's.
    unsafe { libc::syscall(libc::SYS_getpid) as pid_t }
}
