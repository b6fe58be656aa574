//! System calls that a caged child tries, run by this binary as its own child.

use std::io;
use std::os::fd::AsRawFd;

use libc::{c_int, c_long};
use thymos_sandbox::Rung;

use crate::support::{attempt as ask, finish, out, place, rungs, told};

/// Names what to try; without it the test below does nothing.
pub(crate) const VARIABLE: &str = "THYMOS_TEST_ATTEMPT";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how the test tells its own child what to try"
)]
fn attempt() {
    let Ok(what) = std::env::var(VARIABLE) else {
        return;
    };
    match make(&what) {
        Ok(()) => println!("\nallowed"),
        Err(refused) => println!("\nrefused {}", refused.raw_os_error().unwrap_or(0)),
    }
}

fn make(what: &str) -> io::Result<()> {
    // SAFETY: each call gets null or zero arguments, or pointers to what lives here; those that
    // could change this process are made only in a child that ends right after.
    let result: c_long = unsafe {
        match what {
            "ptrace" => libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0),
            "process_vm_readv" => libc::syscall(libc::SYS_process_vm_readv, 1, 0, 0, 0, 0, 0),
            "mount" => libc::syscall(libc::SYS_mount, 0, c"/".as_ptr(), 0, libc::MS_BIND, 0),
            "bpf" => libc::syscall(libc::SYS_bpf, 0, 0, 0),
            "keyctl" => libc::syscall(libc::SYS_keyctl, 0, -4, 0),
            "io_uring" => libc::syscall(libc::SYS_io_uring_setup, 1, 0),
            "userfaultfd" => libc::syscall(libc::SYS_userfaultfd, 0),
            "perf_event_open" => libc::syscall(libc::SYS_perf_event_open, 0, 0, -1, -1, 0),
            "unshare" => libc::syscall(libc::SYS_unshare, libc::CLONE_NEWUSER),
            "setns" => libc::syscall(libc::SYS_setns, 0, 0),
            "clone_new_user" => clone_new_user(),
            "clone3" => libc::syscall(libc::SYS_clone3, 0, 0),
            "kexec" => libc::syscall(libc::SYS_kexec_load, 0, 0, 0, 0),
            "module" => libc::syscall(libc::SYS_init_module, 0, 0, c"".as_ptr()),
            "tiocsti" => c_long::from(libc::ioctl(0, libc::TIOCSTI as _, c"x".as_ptr())),
            "second_abi" => libc::syscall(libc::SYS_getpid | 0x4000_0000),
            "inet" => socket(libc::AF_INET, libc::SOCK_STREAM),
            "inet_datagram" => socket(libc::AF_INET, libc::SOCK_DGRAM),
            "inet_raw" => socket(libc::AF_INET, libc::SOCK_RAW),
            "unix" => socket(libc::AF_UNIX, libc::SOCK_STREAM),
            "netlink" => socket(libc::AF_NETLINK, libc::SOCK_RAW),
            "vsock" => socket(libc::AF_VSOCK, libc::SOCK_STREAM),
            "packet" => socket(libc::AF_PACKET, libc::SOCK_RAW),
            "socketpair" => {
                let mut pair = [0; 2];
                c_long::from(libc::socketpair(
                    libc::AF_UNIX,
                    libc::SOCK_STREAM,
                    0,
                    pair.as_mut_ptr(),
                ))
            }
            other => panic!("nobody knows how to try `{other}`"),
        }
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

unsafe fn socket(family: c_int, kind: c_int) -> c_long {
    let raw_internet = family == libc::AF_INET && kind == libc::SOCK_RAW;
    let protocol = if raw_internet { libc::IPPROTO_ICMP } else { 0 };
    // SAFETY: takes no pointer.
    c_long::from(unsafe { libc::socket(family, kind, protocol) })
}

unsafe fn clone_new_user() -> c_long {
    // SAFETY: as a fork; the child ends at once.
    unsafe {
        let flags = libc::CLONE_NEWUSER | libc::SIGCHLD;
        let pid = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0);
        if pid == 0 {
            libc::_exit(0);
        }
        pid
    }
}

fn check_attempts(least: Rung, most: Rung, cases: &[(&str, &str)]) {
    let place = place();
    for rung in rungs(least).into_iter().filter(|rung| *rung <= most) {
        for (what, expected) in cases {
            let report = finish(ask(rung, &place, what));
            let text = out(&report);
            let answer = text
                .lines()
                .find(|line| line.starts_with("allowed") || line.starts_with("refused"));
            assert_eq!(answer, Some(*expected), "`{what}`: {}", told(&report));
        }
    }
}

const NOT_PERMITTED: &str = "refused 1";
const NO_SUCH_CALL: &str = "refused 38";

#[test]
fn dangerous_calls_are_refused_at_every_rung() {
    let calls = [
        "ptrace",
        "process_vm_readv",
        "mount",
        "bpf",
        "keyctl",
        "io_uring",
        "userfaultfd",
        "perf_event_open",
        "unshare",
        "setns",
        "clone_new_user",
        "kexec",
        "module",
        "tiocsti",
    ];
    let cases = calls.map(|call| (call, NOT_PERMITTED));
    check_attempts(Rung::L1, Rung::L3, &cases);
    check_attempts(Rung::L1, Rung::L3, &[("clone3", NO_SUCH_CALL)]);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_second_numbering_of_calls_is_refused() {
    check_attempts(Rung::L1, Rung::L3, &[("second_abi", NO_SUCH_CALL)]);
}

#[test]
fn sockets_are_refused_but_for_pairs() {
    let kinds = [
        "inet",
        "inet_datagram",
        "inet_raw",
        "unix",
        "netlink",
        "vsock",
        "packet",
    ];
    check_attempts(Rung::L1, Rung::L2, &kinds.map(|kind| (kind, NOT_PERMITTED)));
    check_attempts(Rung::L1, Rung::L3, &[("socketpair", "allowed")]);
}

#[test]
fn in_a_net_namespace_only_internet_sockets_are_left() {
    let kinds = ["inet_raw", "unix", "netlink", "vsock", "packet"];
    check_attempts(Rung::L3, Rung::L3, &kinds.map(|kind| (kind, NOT_PERMITTED)));
    check_attempts(
        Rung::L3,
        Rung::L3,
        &[("inet", "allowed"), ("inet_datagram", "allowed")],
    );
}

#[test]
fn an_inherited_descriptor_is_closed() {
    let place = place();
    let secret = std::fs::File::open(place.outside.join("precious")).expect("opened");
    // Without close-on-exec, as a careless library would leave it.
    // SAFETY: duplicates a descriptor that stays open meanwhile.
    let leaked = unsafe { libc::dup(secret.as_raw_fd()) };
    for rung in rungs(Rung::L1) {
        // By name: the shell reads no number of two digits in `<&`, and that all are listed is seen by input's.
        let listed = "/proc/self/fd";
        let script =
            format!("test -e {listed}/0 && test ! -e {listed}/{leaked} && ! cat {listed}/{leaked}");
        let report = finish(crate::support::shell(rung, &place, &script));
        crate::support::check_succeeds(&report);
    }
    // SAFETY: closes what was opened above.
    unsafe { libc::close(leaked) };
}
