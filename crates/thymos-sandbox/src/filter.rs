//! Builds the syscall filters of L1 and above.
//!
//! Installs nothing: the programs are made before the fork, since making them allocates.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

use crate::{Network, Rung};

/// Finished programs, shared by every child that wants the same.
pub(crate) type Programs = Arc<[BpfProgram]>;

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// The programs to install, in this order, for a rung and a network.
///
/// Made once for each of the three kinds there are: making one takes longer than the fork.
pub(crate) fn filters(rung: Rung, network: Network) -> Result<Programs, BackendError> {
    static HOST: OnceLock<Programs> = OnceLock::new();
    static NO_SOCKETS: OnceLock<Programs> = OnceLock::new();
    static LOOPBACK: OnceLock<Programs> = OnceLock::new();
    let kept = match (network, rung < Rung::L3) {
        (Network::Host, _) => &HOST,
        (Network::None, true) => &NO_SOCKETS,
        (Network::None, false) => &LOOPBACK,
    };
    if let Some(programs) = kept.get() {
        return Ok(Arc::clone(programs));
    }
    let made = make(rung, network)?;
    Ok(Arc::clone(kept.get_or_init(|| made.into())))
}

fn make(rung: Rung, network: Network) -> Result<Vec<BpfProgram>, BackendError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut programs = vec![
        program(denied(rung, network)?, libc::EPERM, arch)?,
        // `clone3` takes its flags in memory where no filter can look; "no such call" makes every
        // libc fall back to `clone`, whose flags are seen.
        program(
            BTreeMap::from([(libc::SYS_clone3, vec![])]),
            libc::ENOSYS,
            arch,
        )?,
    ];
    if arch == TargetArch::x86_64 {
        programs.push(second_abi());
    }
    Ok(programs)
}

fn program(rules: Rules, errno: i32, arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let action = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, action, arch)?.try_into()
}

/// Refuses the x32 calls, which share the architecture of x86-64 but not its numbers, and would
/// otherwise be a second door past a list of numbers.
fn second_abi() -> BpfProgram {
    const X32_BIT: u32 = 0x4000_0000;
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let line = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        line(LOAD_NUMBER, 0, 0, 0),
        line(JUMP_AT_LEAST, 0, 1, X32_BIT),
        line(RETURN, 0, 0, refuse),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

/// What is refused outright, whatever the arguments.
const DENIED: &[c_long] = &[
    // Other processes' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // The mount tree.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    // New namespaces, and with them new privileges over old kernel code.
    libc::SYS_unshare,
    libc::SYS_setns,
    // Files by handle rather than by path.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // Kernel programs, keys, modules.
    libc::SYS_bpf,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    // io_uring does its work past this very filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_fanotify_init,
    // The machine as a whole.
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[c_long] = &[libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm];
#[cfg(target_arch = "aarch64")]
const DENIED_HERE: &[c_long] = &[libc::SYS_kexec_file_load];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const DENIED_HERE: &[c_long] = &[];

/// Every kind of namespace that `clone` could make.
const NEW_NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

fn denied(rung: Rung, network: Network) -> Result<Rules, BackendError> {
    let mut rules: Rules = DENIED
        .iter()
        .chain(DENIED_HERE)
        .map(|call| (*call, vec![]))
        .collect();
    let mut clones = Vec::new();
    for flag in NEW_NAMESPACES {
        let flag = u64::from(flag.unsigned_abs());
        clones.push(when(0, SeccompCmpOp::MaskedEq(flag), flag)?);
    }
    rules.insert(libc::SYS_clone, clones);
    // Typing into somebody else's terminal.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX];
    let typing = typing
        .into_iter()
        .map(|call| when(1, SeccompCmpOp::Eq, call));
    rules.insert(libc::SYS_ioctl, typing.collect::<Result<_, _>>()?);
    if network == Network::None {
        rules.insert(libc::SYS_socket, sockets(rung)?);
    }
    Ok(rules)
}

/// No socket at all, but for pairs. At L3 the net namespace is empty, so the Internet families
/// reach loopback inside the cage and nothing else; they stay, for test suites that serve
/// themselves. Named unix sockets go past every namespace (a docker or agent socket), and vsock
/// and netlink past the net one, so they stay closed at every rung.
fn sockets(rung: Rung) -> Result<Vec<SeccompRule>, BackendError> {
    if rung < Rung::L3 {
        return Ok(vec![]);
    }
    let kept = [libc::AF_INET, libc::AF_INET6];
    let neither = kept.into_iter().map(|family| {
        let family = u64::from(family.unsigned_abs());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    });
    Ok(vec![SeccompRule::new(neither.collect::<Result<_, _>>()?)?])
}

fn when(argument: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value)?;
    SeccompRule::new(vec![condition])
}
