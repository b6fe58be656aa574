//! The process that watches over one cage from inside: it starts nothing, and ends everything.
//!
//! Between the host and the child stands one small process, so that what the child leaves behind
//! can be found and killed even when the host itself was killed. At L3 it is the first process of
//! the pid namespace, whose end the kernel makes the end of all others. Below, it is a subreaper:
//! a process that fled the group with `setsid` falls to it when its parent dies, and is killed
//! then. What is not held below L3: a process that forks faster than it is killed, for longer
//! than the warden tries; and at L1 the child may kill the warden, which the host then sees.
//!
//! It hears the host through the lifeline, a pipe: `T` asks for a polite stop, and anything else,
//! above all the end of the pipe, for a forceful one. It never allocates; see [`crate::sys`].

use std::os::fd::RawFd;

use libc::{c_int, pid_t};

use crate::limits::{COUNT_EVERY_MS, SWEEP_ROUNDS_MAX};
use crate::sweep;
use crate::sys::{self, Waited};

/// The byte that asks for a polite stop.
pub(crate) const STOP_POLITELY: u8 = b'T';

/// What is written into the report pipe: a tag and a value, in this machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Tag {
    /// The step that was refused.
    Refused = 1,
    /// The child's process id as the host sees it; not sent at L3.
    Started,
    /// The child's wait status.
    Ended,
    /// The child had too many processes.
    TooMany,
}

impl Tag {
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        [Self::Refused, Self::Started, Self::Ended, Self::TooMany]
            .into_iter()
            .find(|tag| *tag as u32 == code)
    }
}

/// Bytes of one message; far below what a pipe takes in one piece.
pub(crate) const MESSAGE_BYTES: usize = 8;

/// How the warden ends the processes it watches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everything in the pid namespace whose first process it is.
    Namespace,
    /// The child's group, and the orphans that fall to the warden.
    Group,
}

pub(crate) struct Warden {
    pub(crate) lifeline: RawFd,
    pub(crate) report: RawFd,
    pub(crate) reach: Reach,
    /// Kill all when more processes than this are found; where no kernel limit counts them.
    pub(crate) processes_max: Option<u64>,
}

const LIFELINE: RawFd = 0;
const REPORT: RawFd = 1;

pub(crate) fn send(report: RawFd, tag: Tag, value: i32) {
    let mut message = [0_u8; MESSAGE_BYTES];
    let (front, back) = message.split_at_mut(4);
    front.copy_from_slice(&(tag as u32).to_ne_bytes());
    back.copy_from_slice(&value.to_ne_bytes());
    // If the host is gone nobody wants to know.
    drop(sys::write(report, &message));
}

impl Warden {
    /// Watches until the child or the host ends; then ends everything and itself.
    ///
    /// All signals are held back already.
    pub(crate) fn watch(&self, child: pid_t) -> ! {
        if self.settle().is_err() {
            sys::exit(1);
        }
        if self.processes_max.is_some() {
            // Who counts must not queue behind those to be counted: a fork bomb would starve it,
            // and be thousands before the first look. Refused to root in some containers, where
            // the bomb is then only caught later.
            drop(sys::run_first());
        }
        if self.reach == Reach::Group {
            send(REPORT, Tag::Started, child);
        }
        let Ok(signals) = sys::child_signals() else {
            sys::exit(1)
        };
        let timeout_ms = if self.processes_max.is_some() {
            COUNT_EVERY_MS
        } else {
            -1
        };
        let mut status = None;
        while status.is_none() {
            let [host, ended] = sys::wait_readable([LIFELINE, signals], timeout_ms);
            if host && !self.obey(child) {
                break;
            }
            if ended {
                take_signals(signals);
            }
            reap(child, &mut status);
            // Not when the child has just ended: counting reads all of `/proc`.
            let too_many = |max| status.is_none() && sweep::count(child) > max;
            if self.processes_max.is_some_and(too_many) {
                send(REPORT, Tag::TooMany, 0);
                break;
            }
        }
        self.end_all(child, &mut status);
        if let Some(status) = status {
            send(REPORT, Tag::Ended, status);
        }
        sys::exit(0)
    }

    /// Keeps two descriptors and lets go of the rest, so that the child's pipes end with the child.
    fn settle(&self) -> std::io::Result<()> {
        sys::dup_to(self.lifeline, LIFELINE)?;
        sys::dup_to(self.report, REPORT)?;
        sys::close_from(2)?;
        // This process is a copy of the host, secrets included: nobody may look into it.
        sys::prctl(libc::PR_SET_DUMPABLE, 0)
    }

    fn obey(&self, child: pid_t) -> bool {
        let mut word = [0_u8];
        let polite = matches!(sys::read(LIFELINE, &mut word), Ok(1)) && word == [STOP_POLITELY];
        if polite {
            self.signal_all(child, libc::SIGTERM);
        }
        polite
    }

    fn signal_all(&self, child: pid_t, signal: c_int) {
        match self.reach {
            Reach::Namespace => sys::kill(-1, signal),
            Reach::Group => sys::kill(-child, signal),
        }
    }

    fn end_all(&self, child: pid_t, status: &mut Option<c_int>) {
        self.signal_all(child, libc::SIGKILL);
        if self.reach == Reach::Namespace {
            // Everybody has the signal and nobody is left to fork.
            while let Waited::Ended(pid, ended) = sys::wait_any(true) {
                note(pid, ended, child, status);
            }
            return;
        }
        for _ in 0..SWEEP_ROUNDS_MAX {
            if !reap(child, status) {
                return;
            }
            // A second look at the group too: it may have forked while it was being killed.
            self.signal_all(child, libc::SIGKILL);
            sweep::kill_children();
            sys::wait_readable([-1, -1], 1);
        }
    }
}

/// Takes every ended child; says whether any is left.
fn reap(child: pid_t, status: &mut Option<c_int>) -> bool {
    loop {
        match sys::wait_any(false) {
            Waited::Ended(pid, ended) => note(pid, ended, child, status),
            Waited::NothingYet => return true,
            Waited::NoChildren => return false,
        }
    }
}

fn note(pid: pid_t, ended: c_int, child: pid_t, status: &mut Option<c_int>) {
    if pid == child {
        *status = Some(ended);
    }
}

fn take_signals(signals: RawFd) {
    let mut record = [0_u8; 128];
    while let Ok(1..) = sys::read(signals, &mut record) {}
}
