//! How the ledger of a process fails, once: which call, how often it was made before, and how.
//!
//! A disk that fails is played by a filter on the system calls of the one thread that makes the call; the
//! store and its engine are the real ones, and so is what they make of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use thymos_ports::store::StoreError;
use thymos_testkit::Failing;
use thymos_testkit::failing::{Call, How, Trouble};

/// One failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mishap {
    pub(super) call: Call,
    /// Calls of this kind before it.
    pub(super) number: u64,
    pub(super) kind: Fails,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fails {
    /// Another process has the lock for too long.
    Locked,
    /// The server cannot be reached.
    Away,
    /// There is no room, and none until somebody makes some.
    Full,
    /// The disk refuses to write.
    Write,
    /// The disk takes the beginning of a write.
    Torn,
    /// The disk refuses to sync.
    Sync,
    /// All of it was written and synced, and whoever asked was told that nobody knows.
    Lost,
    /// The disk refuses to read.
    Read,
    /// Its server ends and comes back, see [`super::server`].
    Server,
}

impl Fails {
    pub(super) const ALL: [Self; 8] = [
        Self::Locked,
        Self::Away,
        Self::Full,
        Self::Write,
        Self::Torn,
        Self::Sync,
        Self::Lost,
        Self::Read,
    ];

    /// How a call can fail.
    pub(super) fn of(call: Call) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        let synced = call != Call::PutBlob && call != Call::PutSealedBlob;
        all.filter(move |kind| call.writes() != (*kind == Self::Read))
            .filter(move |kind| synced || *kind != Self::Sync)
    }
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{}:{:?}", self.call, self.number, self.kind)
    }
}

impl Mishap {
    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(':').collect();
        let [call, number, kind] = words.as_slice() else {
            return None;
        };
        let calls = Call::ALL.into_iter();
        let kinds = Fails::ALL.into_iter();
        Some(Self {
            call: calls.into_iter().find(|one| format!("{one:?}") == *call)?,
            number: number.parse().ok()?,
            kind: kinds.into_iter().find(|one| format!("{one:?}") == *kind)?,
        })
    }

    /// Whether the same process goes on once nothing fails any more.
    pub(super) const fn heals(&self) -> bool {
        match self.kind {
            Fails::Locked | Fails::Away | Fails::Full | Fails::Read | Fails::Server => true,
            Fails::Write | Fails::Torn | Fails::Sync | Fails::Lost => false,
        }
    }

    /// Has it come about.
    pub(super) fn arm(&self, store: &Failing, file: &Path) {
        let path = file.display().to_string();
        let words = |reason: &str| (path.clone(), reason.to_owned());
        let trouble = match self.kind {
            // Whoever ends it says how.
            Fails::Server => return,
            Fails::Locked => Trouble::Before(StoreError::Locked { path }),
            Fails::Away => {
                let (path, reason) = words("connection refused");
                Trouble::Before(StoreError::Away { path, reason })
            }
            Fails::Read => {
                let (path, reason) = words("the disk refused a read");
                Trouble::Before(StoreError::Engine { path, reason })
            }
            Fails::Lost => {
                let (path, reason) = words("the disk refused to sync");
                Trouble::AfterForGood(StoreError::Poisoned { path, reason })
            }
            Fails::Full => Trouble::UnderFromNowOn(disk(Disk::Write, libc::ENOSPC)),
            Fails::Write => Trouble::Under(disk(Disk::Write, libc::EIO)),
            Fails::Torn => {
                let wal = PathBuf::from(format!("{path}-wal"));
                // In the second page of what several are written for, or in the only one.
                let more = if self.call == Call::Append { 6_000 } else { 1 };
                Trouble::Under(disk(Disk::Beyond(wal, more), libc::EIO))
            }
            Fails::Sync => Trouble::Under(disk(Disk::Sync, libc::EIO)),
        };
        store.will(self.call, self.number, trouble);
    }
}

/// What of a disk fails.
enum Disk {
    Write,
    /// Writing so many bytes behind the end that this file has by then.
    Beyond(PathBuf, u64),
    Sync,
}

fn disk(what: Disk, errno: i32) -> How {
    Arc::new(move |call| {
        let rules: BTreeMap<i64, Vec<SeccompRule>> = match &what {
            Disk::Write => BTreeMap::from([(libc::SYS_pwrite64, Vec::new())]),
            Disk::Sync => {
                let calls = [libc::SYS_fsync, libc::SYS_fdatasync];
                calls.map(|call| (call, Vec::new())).into()
            }
            Disk::Beyond(wal, more) => {
                let end = std::fs::metadata(wal).map_or(0, |file| file.len());
                let (length, compare) = (SeccompCmpArgLen::Qword, SeccompCmpOp::Ge);
                let behind = SeccompCondition::new(3, length, compare, end + more).unwrap();
                let rule = SeccompRule::new(vec![behind]).unwrap();
                BTreeMap::from([(libc::SYS_pwrite64, vec![rule])])
            }
        };
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(errno.unsigned_abs()),
            std::env::consts::ARCH.try_into().unwrap(),
        );
        let program: BpfProgram = filter.unwrap().try_into().unwrap();
        std::thread::scope(|threads| {
            // The filter ends with the thread.
            let thread = threads.spawn(|| {
                apply_filter(&program).unwrap();
                call();
            });
            thread.join().unwrap();
        });
    })
}

#[test]
fn a_mishap_is_written_as_it_is_read() {
    for text in ["Append:3:Sync", "PutBlob:0:Full", "Node:12:Read"] {
        let read = Mishap::parse(text).map(|mishap| mishap.to_string());
        assert_eq!(read.as_deref(), Some(text));
    }
    for text in [
        "",
        "Append",
        "Append:x:Sync",
        "Append:3:Burnt",
        "Cook:3:Sync",
    ] {
        assert_eq!(Mishap::parse(text), None, "{text}");
    }
}
