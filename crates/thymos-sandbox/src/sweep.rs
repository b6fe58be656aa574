//! Finds and kills the processes that left the child's group, in the warden of L1 and L2.
//!
//! Reads `/proc` with fixed buffers, because it runs between fork and exec where nothing may
//! allocate. L3 does not need it: a pid namespace ends with its first process.

use std::ffi::CStr;

use libc::pid_t;

use crate::sys;

const PROC: &CStr = c"/proc";

/// The two numbers of `/proc/<pid>/stat` that tell where a process belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kin {
    pub(crate) parent: pid_t,
    pub(crate) session: pid_t,
}

/// Kills every direct child of this process; orphans of the cage become that, since the warden
/// is their subreaper.
pub(crate) fn kill_children() {
    let me = sys::own_pid();
    each_process(&mut |pid, kin| {
        if kin.parent == me {
            sys::kill(pid, libc::SIGKILL);
        }
    });
}

/// Counts the processes of a session, and the orphans that fled it.
pub(crate) fn count(session: pid_t) -> u64 {
    let me = sys::own_pid();
    let mut found = 0;
    each_process(&mut |_, kin| found += u64::from(kin.session == session || kin.parent == me));
    found
}

fn each_process(visit: &mut dyn FnMut(pid_t, Kin)) {
    let Ok(folder) = sys::open_folder(PROC) else {
        return;
    };
    let mut records = [0_u8; 8192];
    while let Ok(length @ 1..) = sys::folder_entries(folder, &mut records) {
        let mut rest = records.get(..length).unwrap_or_default();
        while let Some((name, next)) = first_record(rest) {
            if let Some((pid, kin)) = number(name).and_then(|pid| Some((pid, kin_of(name)?))) {
                visit(pid, kin);
            }
            rest = next;
        }
    }
    sys::close(folder);
}

/// Splits one record off: inode (8), offset (8), record length (2), type (1), name, NUL.
fn first_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u16::from_ne_bytes([*records.get(16)?, *records.get(17)?]);
    let name = records.get(19..usize::from(length))?;
    let end = name.iter().position(|byte| *byte == 0)?;
    Some((name.get(..end)?, records.get(usize::from(length)..)?))
}

fn kin_of(name: &[u8]) -> Option<Kin> {
    let mut path = [0_u8; 32];
    let parts: [&[u8]; 4] = [b"/proc/", name, b"/stat", b"\0"];
    let mut length = 0;
    for part in parts {
        path.get_mut(length..length + part.len())?
            .copy_from_slice(part);
        length += part.len();
    }
    let file = sys::open_to_read(CStr::from_bytes_until_nul(&path).ok()?).ok()?;
    let mut text = [0_u8; 512];
    let got = sys::read(file, &mut text);
    sys::close(file);
    parse_stat(text.get(..got.ok()?)?)
}

/// Reads `pid (name) state ppid pgrp session ..`; the name may hold anything, so the fields are
/// counted from the last closing bracket.
pub(crate) fn parse_stat(text: &[u8]) -> Option<Kin> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = text.get(end + 2..)?.split(|byte| *byte == b' ');
    let parent = number(fields.nth(1)?)?;
    let session = number(fields.nth(1)?)?;
    Some(Kin { parent, session })
}

fn number(text: &[u8]) -> Option<pid_t> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_i32, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(i32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{Kin, parse_stat};

    #[test]
    fn a_name_with_brackets_does_not_move_the_fields() {
        let kin = Some(Kin {
            parent: 17,
            session: 19,
        });
        assert_eq!(parse_stat(b"42 (sh) S 17 18 19 0 -1"), kin);
        assert_eq!(parse_stat(b"42 (a) R 1 2 3 (b) S 17 18 19 0 -1"), kin);
        assert_eq!(parse_stat(b"42 (sh"), None);
    }
}
